//! `hrload deliver`: a stream's records into a folder or a bucket.

use std::collections::HashSet;
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget};
use serde::Serialize;

use super::lake::{self as of_lake, CompressionArg, FormatArg, s3_endpoint};
use super::place::connect;
use super::problem::{Exit, Problem};
use super::screen::folded;
use super::{run, values};
use crate::aws::{Options, Target};
use crate::clock::Clock;
use crate::endpoint::Endpoint;
use crate::experiment::{Interrupts, Output};
use crate::lake::{
    self, CheckpointError, Command, DeliverError, Delivered, Delivery, Event, Hints, Lake, Naming,
    Place, Start, Transform,
};
use crate::report::amount;

pub(super) const HELP: &str = "\
Examples:
  hrload deliver --stream hrload --lake ./lake
      until Ctrl-C; an object per 5 MiB or 300 s, one record per line
  hrload deliver --endpoint-url http://127.0.0.1:8000 --stream hrload \\
      --lake ./lake --until-idle 5s --compression gzip
      from `hrload local`; ends after five seconds without records
  hrload deliver --stream hrload --lake s3://bucket/heart-rate --from latest
      to a bucket, from now on
  hrload deliver --stream hrload --lake ./lake --transform ./mask.py
      through a program that answers as a Lambda of Firehose would, in JSON

The same command resumes where it ended, and loses nothing when it is killed.
Records that a transform fails go to processing-failed/.

Exit codes: 0 delivered; 1 failed (what was not delivered is still in the
stream); 2 wrong use, or a checkpoint that cannot be used; 130 interrupted
(what was read is delivered).";

/// Arguments of `hrload deliver`.
#[derive(Debug, Args)]
pub(crate) struct DeliverArgs {
    /// Stream to read
    #[arg(long, value_name = "NAME")]
    stream: String,

    /// Folder or s3://BUCKET/PREFIX to write to
    #[arg(long, value_name = "PLACE")]
    lake: Place,

    /// Where to start [default: the lake's checkpoint, or trim-horizon without one]
    #[arg(long, value_enum)]
    from: Option<FromArg>,

    /// End when no shard has had records for this long [default: never]
    #[arg(long, value_name = "TIME", value_parser = values::span)]
    until_idle: Option<Duration>,

    /// Close an object when it holds this many bytes of records
    #[arg(long, value_name = "BYTES", default_value = "5MiB", value_parser = values::bytes, help_heading = "Objects")]
    buffer_size: u64,

    /// Close an object when its first record has waited this long
    #[arg(long, value_name = "TIME", default_value = "300s", value_parser = values::span, help_heading = "Objects")]
    buffer_interval: Duration,

    /// How objects are compressed
    #[arg(long, value_enum, default_value = "none", help_heading = "Objects")]
    compression: CompressionArg,

    /// What objects are made of
    #[arg(long, value_enum, default_value = "json", help_heading = "Objects")]
    format: FormatArg,

    /// Prefix of object names, which may contain !{timestamp:yyyy/MM/dd} and the like
    #[arg(
        long,
        value_name = "PREFIX",
        default_value = "",
        hide_default_value = true,
        help_heading = "Objects"
    )]
    prefix: String,

    /// Prefix of the names of objects of failed records [default: PREFIX, then
    /// processing-failed/]
    #[arg(long, value_name = "PREFIX", help_heading = "Objects")]
    error_prefix: Option<String>,

    /// Transform of records: newline, none, or a program that answers as a Lambda would
    #[arg(
        long,
        value_name = "TRANSFORM",
        default_value = "newline",
        help_heading = "Records"
    )]
    transform: String,

    /// How long the program may take for one call (up to 1 MiB of records)
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = values::positive_span, help_heading = "Records")]
    transform_timeout: Duration,

    /// Text to append to each transformed record; \n, \r, \t and \\ are escapes
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, value_parser = delimiter, help_heading = "Records")]
    append_delimiter: Delimiter,

    /// Kinesis endpoint [default: AWS_ENDPOINT_URL, or AWS's]
    #[arg(long, value_name = "URL", value_parser = values::url, help_heading = "Target")]
    endpoint_url: Option<Endpoint>,

    /// S3 endpoint of a lake in a bucket [default: AWS_ENDPOINT_URL_S3, or AWS's]
    #[arg(long, value_name = "URL", value_parser = values::url, help_heading = "Target")]
    s3_endpoint_url: Option<Endpoint>,

    /// Region [default: from the environment or profile]
    #[arg(long, value_name = "REGION", help_heading = "Target")]
    region: Option<String>,

    /// Profile of the AWS configuration file, for Kinesis
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    aws_profile: Option<String>,

    /// Write counts of what was delivered as JSON; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Print errors only
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FromArg {
    /// The oldest record in the stream
    TrimHorizon,
    /// Now
    Latest,
    /// The lake's checkpoint, which must exist
    Checkpoint,
}

#[derive(Debug, Clone)]
struct Delimiter(Vec<u8>);

fn delimiter(text: &str) -> Result<Delimiter, String> {
    let mut bytes = Vec::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let plain = match letter {
            '\\' => match letters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('\\') => '\\',
                _ => return Err(r"after a backslash comes n, r, t or another one".to_owned()),
            },
            letter => letter,
        };
        bytes.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Ok(Delimiter(bytes))
}

/// What `-o` writes.
#[derive(Debug, Serialize)]
struct Found<'a> {
    schema: &'static str,
    stream: &'a str,
    lake: &'a str,
    interrupted: bool,
    #[serde(flatten)]
    delivered: &'a Delivered,
}

/// Delivers until told to end.
pub(crate) fn run(args: DeliverArgs) -> Result<Exit, Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(deliver(args))
}

async fn deliver(args: DeliverArgs) -> Result<Exit, Problem> {
    let delivery = delivery(&args)?;
    let s3_endpoint = s3_endpoint(args.s3_endpoint_url.as_ref(), &args.lake)?;
    let output = args.output.clone().map(Output::of);
    run::probe(output.as_ref())?;
    let mut interrupts = Interrupts::listen()?;
    let options = Options {
        region: args.region.clone(),
        profile: args.aws_profile.clone(),
        ..Options::default()
    };
    let target = match &args.endpoint_url {
        Some(url) => Target::Endpoint {
            dynamodb: url.clone(),
            kinesis: None,
        },
        None => Target::Aws,
    };
    let connection = connect(&target, &options).await?;
    let region = Some(connection.region.as_str());
    let lake = Lake::open(&args.lake, s3_endpoint.as_deref(), region).map_err(Problem::failed)?;
    let mut display = Display::new(args.quiet);
    let mut interrupted = false;
    let done = {
        let (first, second) = (tokio::sync::Notify::new(), tokio::sync::Notify::new());
        let listen = async {
            interrupts.next().await;
            first.notify_one();
            interrupts.next().await;
            second.notify_one();
            std::future::pending::<()>().await;
        };
        let stop = async {
            first.notified().await;
            interrupted = true;
            if !args.quiet {
                say!("writing what was read; again to end at once");
            }
        };
        let work = lake::deliver(
            &delivery,
            &connection.kinesis,
            &lake,
            Clock::start(),
            stop,
            |event| display.show(&event),
        );
        tokio::select! {
            done = work => Some(done),
            () = second.notified() => None,
            () = listen => None,
        }
    };
    display.end();
    let Some(done) = done else {
        return Ok(Exit::Interrupted);
    };
    let delivered = match done {
        Err(error @ DeliverError::NotBegun(_)) => {
            return Err(Problem::interrupted(&error.to_string()));
        }
        done => done.map_err(problem)?,
    };
    let found = Found {
        schema: "hrload.delivery/1",
        stream: &delivery.stream,
        lake: lake.place(),
        interrupted,
        delivered: &delivered,
    };
    run::put_out(output.as_ref(), args.quiet, &found, |found, columns| {
        folded(&summary(found.delivered, found.stream, found.lake), columns)
    })?;
    Ok(if interrupted {
        Exit::Interrupted
    } else {
        Exit::Held
    })
}

fn delivery(args: &DeliverArgs) -> Result<Delivery, Problem> {
    let format = of_lake::format(args.format, args.compression)?;
    let naming = Naming::new(
        &args.stream,
        &args.prefix,
        args.error_prefix.as_deref(),
        format.extension(),
    )
    .map_err(Problem::usage)?;
    Ok(Delivery {
        stream: args.stream.clone(),
        start: match args.from {
            None => Start::Resume,
            Some(FromArg::TrimHorizon) => Start::TrimHorizon,
            Some(FromArg::Latest) => Start::Latest,
            Some(FromArg::Checkpoint) => Start::Checkpoint,
        },
        hints: Hints {
            size_bytes: args.buffer_size,
            interval: args.buffer_interval,
        },
        transform: match args.transform.as_str() {
            "none" => Transform::None,
            "newline" => Transform::Newline,
            program => Transform::Command(Command {
                program: runnable(program)?,
                timeout: args.transform_timeout,
            }),
        },
        delimiter: args.append_delimiter.0.clone(),
        format,
        naming,
        until_idle: args.until_idle,
    })
}

/// A transform's program, as it is found from any folder; looked at before anything is
/// read, since records of one that cannot run would wait in vain.
fn runnable(program: &str) -> Result<PathBuf, Problem> {
    let wrong = |what: &str| {
        Problem::usage(format!(
            "--transform wants newline, none or a program's path, found {program:?}, {what}"
        ))
    };
    // A bare name is of this folder, not one that the system looks for elsewhere.
    let path = std::path::absolute(program).map_err(Problem::usage)?;
    if !path.is_file() {
        return Err(wrong("which is no file"));
    }
    match rustix::fs::access(&path, rustix::fs::Access::EXEC_OK) {
        Ok(()) => Ok(path),
        Err(_) => Err(wrong(
            "which may not be run; `chmod +x` makes a script runnable",
        )),
    }
}

fn problem(error: DeliverError) -> Problem {
    match error {
        DeliverError::Checkpoint(CheckpointError::Corrupt { .. })
        | DeliverError::NoCheckpoint(_)
        | DeliverError::AnotherStream { .. }
        | DeliverError::HasCheckpoint { .. } => Problem::usage(error),
        DeliverError::Command(_) | DeliverError::Store(_) => Problem::failed(error).and(
            "what was not delivered is still in the stream: run the same command again to go on",
        ),
        _ => Problem::failed(error),
    }
}

fn summary(delivered: &Delivered, stream: &str, place: &str) -> String {
    let mut text = format!(
        "{} records of {stream} delivered into {place}: {} objects, {} bytes\n",
        amount(delivered.records_delivered as f64),
        amount(delivered.objects as f64),
        amount(delivered.bytes as f64),
    );
    for (count, what) in [
        (delivered.records_dropped, "were left out by the transform"),
        (
            delivered.records_failed,
            "failed and are under the error prefix",
        ),
    ] {
        if count > 0 {
            text.push_str(&format!("{} {what}\n", amount(count as f64)));
        }
    }
    text.push_str(match delivered.oldest_undelivered_us {
        None => "everything that was read is delivered\n",
        Some(_) => "not everything that was read is delivered\n",
    });
    if let Some(why) = &delivered.failing {
        text.push_str(&format!(
            "the stream did not answer at the end, and may hold more: {why}\n"
        ));
    }
    text
}

/// What delivery looks like while it goes on; to standard error.
struct Display {
    bar: Option<ProgressBar>,
    quiet: bool,
    /// Why calls failed: each is told once.
    told: HashSet<String>,
}

impl Display {
    fn new(quiet: bool) -> Self {
        let bar = (!quiet && stderr().is_terminal())
            .then(|| ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5)))
            .inspect(|bar| {
                bar.set_style(
                    indicatif::ProgressStyle::with_template("{msg}")
                        .unwrap_or_else(|_| indicatif::ProgressStyle::default_spinner()),
                )
            });
        Self {
            bar,
            quiet,
            told: HashSet::new(),
        }
    }

    fn show(&mut self, event: &Event<'_>) {
        match event {
            _ if self.quiet => {}
            Event::Redelivers(objects) => say!(
                "a delivery was cut off between objects; the records of these are delivered again: {}",
                objects.join(", ")
            ),
            Event::Without(lacks) => say!("warning: {lacks}"),
            Event::Failing(why) => {
                if self.told.insert((*why).to_owned()) {
                    say!("{why}; it is tried again");
                }
            }
            Event::Begun | Event::Buffer { .. } => {}
            Event::Read(so_far) => self.progress(so_far),
            Event::Object { key, so_far, .. } => {
                if self.bar.is_none() {
                    say!("{key}");
                }
                self.progress(so_far);
            }
        }
    }

    fn progress(&self, so_far: &Delivered) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!(
                "read {} records, delivered {} in {} objects",
                amount(so_far.records_read as f64),
                amount(so_far.records_delivered as f64),
                amount(so_far.objects as f64),
            ));
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_written_as_in_a_shell() {
        for (text, bytes) in [
            ("", ""),
            (r"\n", "\n"),
            (r"a\\\t,", "a\\\t,"),
            ("\u{e9}", "\u{e9}"),
        ] {
            assert_eq!(delimiter(text).map(|d| d.0), Ok(bytes.as_bytes().to_vec()));
        }
        assert!(delimiter(r"\x").is_err() && delimiter("\\").is_err());
    }
}
