//! `hrload run`, and `hrload` without a subcommand: the main job.

mod dry;
mod places;
mod request;

pub(super) use places::hide_of_one_run;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::agree::agree;
use super::capacity::{LimitArgs, ThroughputArgs};
use super::diff;
use super::lake::LakeArgs;
use super::live::Live;
use super::place::on_runtime;
use super::problem::{Exit, Outputs, Problem};
use super::report as reports;
use super::screen;
use super::values::{self, Rate};
use super::watching::WatchArgs;
use crate::codec::Layout;
use crate::endpoint::Endpoint;
use crate::experiment::{self, Event, Output};
use crate::local::Faults;
use crate::local::capture::ChangeDelay;
use crate::report::{self, Columns, Condition, Report, RunResult, Word, Written};

/// Arguments of the main job, grouped as `--help` shows them.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Number of wearables in the fleet
    #[arg(long, value_name = "N", default_value = "10000", value_parser = values::count, help_heading = "Workload")]
    devices: u32,

    /// Readings a second of the whole fleet (5000, 5k/s, 300k/min) [default: the profile's own pace]
    #[arg(
        short,
        long,
        value_name = "RATE",
        conflicts_with = "interval",
        help_heading = "Workload"
    )]
    rate: Option<Rate>,

    /// Time between two readings of a device: the other way to say the rate
    #[arg(long, value_name = "TIME", value_parser = values::positive_span, help_heading = "Workload")]
    interval: Option<Duration>,

    /// Workload profile: a name from `hrload profiles`, or a TOML file
    #[arg(
        long,
        value_name = "NAME|FILE",
        default_value = "steady",
        help_heading = "Workload"
    )]
    profile: String,

    /// How a reading is laid out as an item
    #[arg(long, value_enum, default_value_t = LayoutArg::Seed, help_heading = "Workload")]
    layout: LayoutArg,

    /// Seed of everything random: the same seed gives the same readings
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Workload")]
    seed: u64,

    /// How long to measure
    #[arg(short, long, value_name = "TIME", default_value = "30s", value_parser = values::positive_span, help_heading = "Phases")]
    duration: Duration,

    /// How long to run at the full rate before measuring; discarded
    #[arg(short, long, value_name = "TIME", default_value = "5s", value_parser = values::span, help_heading = "Phases")]
    warmup: Duration,

    /// How long to wait at the end for readings that were written but not yet seen
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = values::span, help_heading = "Phases")]
    drain: Duration,

    /// Where to send: the embedded services, or AWS
    #[arg(long, value_enum, help_heading = "Target")]
    target: Option<TargetArg>,

    /// Any other server that speaks DynamoDB
    #[arg(long, value_name = "URL", value_parser = values::url, help_heading = "Target")]
    endpoint_url: Option<Endpoint>,

    /// Kinesis endpoint [default: --endpoint-url]
    #[arg(long, value_name = "URL", value_parser = values::url, requires = "endpoint_url", help_heading = "Target")]
    kinesis_endpoint_url: Option<Endpoint>,

    /// AWS region [default: from the environment or configuration file; us-east-1 for the
    /// embedded services]
    #[arg(long, value_name = "REGION", help_heading = "Target")]
    region: Option<String>,

    /// Profile of the AWS configuration file [default: AWS_PROFILE, or `default`]
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    aws_profile: Option<String>,

    /// Table to write to; created if it does not exist [default: one of this run's own]
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    table: Option<String>,

    /// Stream that the table's changes go to; created if it does not exist [default: one of this run's own]
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    stream: Option<String>,

    /// Write into what `hrload setup` made and noted in this file: its target, region,
    /// table and stream; they are kept
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["target", "endpoint_url", "region", "table", "stream"],
        help_heading = "Target"
    )]
    state: Option<PathBuf>,

    /// Keep the table and stream that this run created; not those of the embedded
    /// services, which end with it
    #[arg(long, help_heading = "Target")]
    keep: bool,

    #[command(flatten)]
    throughput: ThroughputArgs,

    /// How readings are followed: through a Kinesis stream of the table's changes, through
    /// the table's own stream, through one that hrload fills itself, or not at all
    #[arg(long, value_enum, default_value_t = ViaArg::Kinesis, help_heading = "Following")]
    via: ViaArg,

    /// How the stream is read
    #[arg(long, value_enum, default_value_t = ConsumerArg::Polling, help_heading = "Following")]
    consumer: ConsumerArg,

    /// Time between two GetRecords calls on a shard, at least 200ms (100ms with
    /// dynamodb-streams): Kinesis allows five calls a second, those of --lake included
    /// [default: 200ms, with --lake or dynamodb-streams 250ms]
    #[arg(long, value_name = "TIME", value_parser = values::positive_span, help_heading = "Following")]
    poll_interval: Option<Duration>,

    /// Client: the AWS SDK as applications use it, or a direct one at about a fifth of its CPU
    #[arg(long, value_enum, default_value_t = ClientArg::Sdk, help_heading = "Sending")]
    client: ClientArg,

    /// Load threads [default: one for every 60,000 readings/s]
    #[arg(short, long, value_name = "N", value_parser = values::threads, help_heading = "Sending")]
    threads: Option<u32>,

    /// Batches in flight at most, over all threads [default: enough for the rate at 100 ms a call]
    #[arg(short = 'p', long, value_name = "N", value_parser = values::in_flight, help_heading = "Sending")]
    concurrency: Option<u32>,

    /// Items in a BatchWriteItem call at most, 1 to 25
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u8).range(1..=25), help_heading = "Sending")]
    batch: u8,

    /// How long a reading may wait for its batch to fill
    #[arg(long, value_name = "TIME", default_value = "10ms", value_parser = values::span, help_heading = "Sending")]
    linger: Duration,

    /// Wake for each batch with a timer of the kernel, on time within some tens of microseconds
    /// instead of a millisecond; costs a little more CPU [Linux only]
    #[arg(long, help_heading = "Sending")]
    precise: bool,

    /// How often an item is sent at most, before it counts as failed
    #[arg(long, value_name = "N", default_value = "8", value_parser = values::count, help_heading = "Sending")]
    attempts: u32,

    /// How long a call may take
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = values::positive_span, help_heading = "Sending")]
    timeout: Duration,

    /// Ceiling on catching up after a stall, as a multiple of the rate
    #[arg(long, value_name = "FACTOR", default_value = "1.5", value_parser = catch_up, help_heading = "Sending")]
    catch_up: f64,

    /// Ceiling on write units a second, the first included; batches are made small enough
    /// for it
    #[arg(long, value_name = "RATE", help_heading = "Sending")]
    max_write_units: Option<Rate>,

    /// Readings that may wait unsent before further ones are dropped [default: 10 s of the rate]
    #[arg(long, value_name = "N", value_parser = values::count, help_heading = "Sending")]
    backlog: Option<u32>,

    #[command(flatten)]
    lake: LakeArgs,

    #[command(flatten)]
    limits: LimitArgs,

    /// Embedded services: time from a write to its record's arrival in the stream
    /// [default: 150ms]
    #[arg(long, value_name = "TIME", help_heading = "Embedded services")]
    change_delay: Option<ChangeDelay>,

    /// Embedded services: faults to inject, such as lose=1% or stall=2s@5s
    #[arg(
        long,
        value_name = "FAULTS",
        default_value = "",
        hide_default_value = true,
        long_help = super::local::fault_help(),
        help_heading = "Embedded services"
    )]
    fault: Faults,

    /// Embedded services: bytes of items, and of stream records, to keep in memory
    /// [default: 512MiB]
    #[arg(long, value_name = "BYTES", value_parser = values::bytes, help_heading = "Embedded services")]
    retain: Option<u64>,

    /// What the result must show, such as e2e.p99<400ms, lost=0, achieved>=99% or
    /// throttled<0.1%; repeatable; exit code 3 when one is missed. Profiles may have
    /// thresholds too; one that is given here stands for the profile's that bounds the same
    /// figure on the same side
    #[arg(long, value_name = "CONDITION", help_heading = "Output")]
    threshold: Vec<Condition>,

    /// End the run as soon as a threshold can be met no more, whatever the rest brings
    #[arg(long, help_heading = "Output")]
    abort_on_fail: bool,

    /// End the run when it has cost so much on AWS, in USD, whatever the target; it is
    /// looked at every tenth of a second, and what is in flight then comes on top. Of a
    /// sweep or a comparison: what its runs may cost together
    #[arg(long, value_name = "USD", value_parser = usd, help_heading = "Output")]
    max_cost: Option<f64>,

    /// Print the calls that would be made, in order, with their IAM actions and
    /// resources, and make none
    #[arg(long, help_heading = "Target")]
    dry_run: bool,

    /// How long to wait after a run on AWS for what CloudWatch counted of it, which comes
    /// minutes late; `off` does not ask [default: 3m; other servers are asked only with
    /// this]
    #[arg(long, value_name = "TIME|off", value_parser = values::span_or_off, help_heading = "Target")]
    cloudwatch: Option<Duration>,

    /// Do not ask before a run on AWS
    #[arg(short, long, help_heading = "Target")]
    yes: bool,

    #[command(flatten)]
    watch: WatchArgs,

    /// Write the result here as JSON; `-` is standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,

    /// Write a report; repeatable; the ending says which: .html, .md, .csv (series),
    /// .hlog (HdrHistogram log), .xml (JUnit), .prom (Prometheus). With one --baseline,
    /// .html and .md show both runs
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    report: Vec<Report>,

    /// Compare with this result file, or several of the same run; exit code 4 when
    /// something got worse (`hrload diff` compares several runs a side)
    #[arg(
        short,
        long,
        value_name = "FILE",
        num_args = 1..,
        help_heading = "Output"
    )]
    baseline: Vec<PathBuf>,

    /// A label kept in the result; repeatable
    #[arg(long, value_name = "TEXT", help_heading = "Output")]
    tag: Vec<String>,

    /// Print nothing but errors (and the result, with `-o -`)
    #[arg(short, long, help_heading = "Output")]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TargetArg {
    /// The embedded services, in this process
    Local,
    /// AWS, with the usual credentials
    Aws,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LayoutArg {
    /// Four strings, keyed by id: the blog post's
    Seed,
    /// Keyed by device and time, numbers as numbers
    Timeseries,
    /// A FHIR Observation
    Fhir,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ViaArg {
    /// The table's Kinesis streaming destination
    Kinesis,
    /// The table's own stream: DynamoDB Streams
    DynamodbStreams,
    /// A Kinesis stream that hrload itself puts every acknowledged reading into
    PutRecords,
    /// Writes alone are measured
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ConsumerArg {
    /// GetRecords, shared throughput
    Polling,
    /// SubscribeToShard, a throughput of its own
    EnhancedFanOut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ClientArg {
    /// aws-sdk-dynamodb
    Sdk,
    /// Requests written and signed by hand, for high rates
    Direct,
}

impl LayoutArg {
    pub(super) fn layout(self) -> Layout {
        match self {
            Self::Seed => Layout::Seed,
            Self::Timeseries => Layout::TimeSeries,
            Self::Fhir => Layout::Fhir,
        }
    }
}

fn catch_up(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if (1.0..=1000.0).contains(&factor) => Ok(factor),
        _ => Err("expected a factor from 1 to 1000, such as 1.5".to_owned()),
    }
}

fn usd(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(usd) if usd > 0.0 && usd.is_finite() => Ok(usd),
        _ => Err("expected an amount above zero, such as 0.50".to_owned()),
    }
}

/// Runs the main job.
pub(crate) fn run(mut args: RunArgs) -> Result<Exit, Problem> {
    let quiet = args.quiet;
    // What cannot be read is better known before the run than after it.
    let baseline = diff::read(&args.baseline)?;
    let reports = std::mem::take(&mut args.report);
    reports::probe(&reports, args.output.as_deref())?;
    let conditions = args.take_thresholds()?;
    let watch = std::mem::take(&mut args.watch);
    let asking = args.asking();
    let dry_run = args.dry_run.then_some(args.state.is_some());
    let request = args.into_request("--threshold", conditions)?;
    if !baseline.is_empty() {
        diff::comparable_before(&baseline, &experiment::foresee(&request)?)?;
    }
    if let Some(made_before) = dry_run {
        return screen::tell(&dry::calls(&request, made_before)).map(|()| Exit::Held);
    }
    let to_its_end = " if it runs to its end";
    agree(&request, "run", to_its_end, asking, || {
        experiment::estimate(&request)
    })?;
    let mut watching = watch.begin(quiet)?;
    let mut live = Live::new(quiet || watching.full_screen());
    let finished = on_runtime(async |interrupts| {
        watching.take_screen(interrupts.remote())?;
        let mut tell = |event: Event<'_>| {
            watching.hear(&event, &live);
            live.show(&event);
        };
        Ok::<_, Problem>(experiment::run(&request, interrupts, &mut tell).await?)
    });
    let not_removed = live.finish();
    let ledger = finished.as_ref().ok().map(|of| &of.result.ledger);
    watching.end(ledger, quiet);
    let finished = finished?;
    let result = &finished.result;
    // What people read first; then each other output, whatever became of the rest.
    let mut outputs = Outputs::default();
    // A file was written by the run itself.
    let stdout = request.output.filter(|output| *output == Output::Stdout);
    outputs.note(put_out(stdout.as_ref(), quiet, result, report::summary));
    for unwritten in reports::write_run(&reports, &baseline, result) {
        outputs.note(Err(unwritten));
    }
    let compared = if baseline.is_empty() || finished.word == Word::Interrupted {
        Ok(Exit::Held)
    } else {
        diff::against(&baseline, result, quiet)
    };
    let exit = compared.as_ref().map_or(Exit::Held, |exit| *exit);
    outputs.note(compared.map(drop));
    outputs.note(kept(result, finished.written, &outputs));
    // Which costs no output.
    outputs.note(not_removed.map_or(Ok(()), Err));
    outputs.end()?;
    Ok(match finished.word {
        Word::Held => exit,
        word => Exit::Run(word),
    })
}

/// Says where the result is, where it is not where it was asked for. One that nobody asked
/// for is kept when another output failed, so that it can be made again.
fn kept(result: &RunResult, written: Option<Written>, others: &Outputs) -> Result<(), Problem> {
    let (place, problem) = match written {
        Some(Written::There) => return Ok(()),
        Some(Written::Elsewhere { place, why }) => (place, Problem::from(why)),
        None if others.any_failed() => (
            result.rescue(),
            Problem::failed("an output of the run is missing"),
        ),
        None => return Ok(()),
    };
    Err(match place {
        Some(place) => {
            let place = place.display();
            problem.and(&format!(
                "the result is in {place}: `hrload show {place}` prints it, `hrload report` makes \
                 reports of it"
            ))
        }
        None => problem.and("nor could the result be kept anywhere else"),
    })
}

/// Finds out, before anything is sent, whether the output can be written.
pub(super) fn probe(output: Option<&Output>) -> Result<(), Problem> {
    match output {
        Some(Output::File(path)) => report::probe(path).map_err(Problem::failed),
        Some(Output::Stdout) | None => Ok(()),
    }
}

/// Prints the text of what was found, to standard error when standard output has the
/// JSON, and writes it where it was asked for; each is tried.
pub(super) fn put_out<T: Serialize>(
    output: Option<&Output>,
    quiet: bool,
    found: &T,
    text: impl FnOnce(&T, Columns) -> String,
) -> Result<(), Problem> {
    let mut outputs = Outputs::default();
    match output {
        _ if quiet => {}
        Some(Output::Stdout) => anstream::eprint!("{}", text(found, screen::of_stderr())),
        Some(Output::File(_)) | None => {
            outputs.note(super::print(&text(found, screen::of_stdout())))
        }
    }
    outputs.note(match output {
        Some(Output::File(path)) => report::write_json(path, found).map_err(|why| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("hrload-{}-{name}", std::process::id());
            let place = report::rescue(&name, found);
            Problem::from(why).and(&match place {
                Some(place) => format!("what was to be written is in {}", place.display()),
                None => "nor could it be kept anywhere else".to_owned(),
            })
        }),
        Some(Output::Stdout) => report::write_json(Path::new("-"), found).map_err(Problem::from),
        None => Ok(()),
    });
    outputs.end()
}
