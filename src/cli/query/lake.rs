//! Statements over the objects of a lake, answered here.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::QueryArgs;
use super::write::{self, Rows, number_of_rows};
use crate::cli::lake::s3_endpoint;
use crate::cli::problem::{Exit, Problem};
use crate::endpoint::Endpoint;
use crate::experiment::{Interrupts, peak_memory_bytes};
use crate::lake::read::Tally;
use crate::lake::{Lake, Place};
use crate::query::{Answer, Engine, Limits, QueryError, Scanned};
use crate::report::{bytes, count, duration};

fn failed(error: QueryError) -> Problem {
    match error {
        QueryError::Statement { .. } | QueryError::NoRecords { .. } | QueryError::Catalog(_) => {
            Problem::usage(error)
        }
        error => Problem::failed(error),
    }
}

pub(super) async fn answer(args: &QueryArgs, sql: &str, cores: usize) -> Result<Exit, Problem> {
    let began = Instant::now();
    let mut interrupts = Interrupts::listen()?;
    let format = write::format(args)?;
    let asked = ask(args, sql, cores);
    let answer = tokio::select! {
        answer = asked => answer?,
        () = interrupts.next() => return Err(Problem::interrupted("interrupted before there were rows")),
    };
    let (mut rows, known) = match answer {
        (Answer::Done(told), _) => {
            crate::cli::screen::tell(&told)?;
            return Ok(Exit::Held);
        }
        (Answer::Rows(rows), known) => (rows, known),
    };

    let scanned = rows.scanned();
    let display = Display::new(args.quiet);
    let mut out = Rows::new(args, format, rows.schema())?;
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    loop {
        tokio::select! {
            batch = rows.next() => match batch {
                Some(batch) => out.write(&batch.map_err(failed)?)?,
                None => break,
            },
            _ = tick.tick() => display.show(&scanned),
            () = interrupts.next() => {
                return Err(Problem::interrupted("interrupted; rows that were to go to a file are not there"));
            }
        }
    }
    display.clear();
    let rows = out.finish()?;
    if !args.quiet {
        tell(rows, &known, &scanned, began.elapsed());
    }
    for line in told(&scanned.remarks(), args.quiet) {
        say!("{line}");
    }
    Ok(Exit::Held)
}

/// A lake to look into: a folder has to be there.
fn open_existing(
    place: &Place,
    endpoint: Option<&Endpoint>,
    region: Option<&str>,
) -> Result<Lake, Problem> {
    if let Place::Folder(folder) = place
        && !folder.is_dir()
    {
        return Err(Problem::usage(format!(
            "--lake wants a folder that is there, found {}; `hrload deliver` or `hrload --lake` \
             makes one",
            folder.display()
        )));
    }
    let endpoint = s3_endpoint(endpoint, place)?;
    Lake::open(place, endpoint.as_deref(), region).map_err(Problem::failed)
}

/// What the lake has, read or not.
struct Known {
    objects: usize,
    passed_over: u64,
}

async fn ask(args: &QueryArgs, sql: &str, cores: usize) -> Result<(Answer, Known), Problem> {
    let Some(place) = &args.lake else {
        return Err(Problem::usage("--lake names what is asked"));
    };
    let endpoint = args.s3_endpoint_url.as_ref();
    let lake = open_existing(place, endpoint, args.region.as_deref())?;
    let limits = Limits {
        memory_bytes: usize::try_from(args.memory).unwrap_or(usize::MAX),
        cores,
        late: args.late,
    };
    let engine = Engine::open(lake, limits).await;
    let mut engine = engine.map_err(failed)?;
    let answer = engine.run(sql).await.map_err(failed)?;
    let known = Known {
        objects: engine.objects(),
        passed_over: engine.passed_over(),
    };
    Ok((answer, known))
}

/// How far it is, on terminals.
struct Display(Option<ProgressBar>);

impl Display {
    fn new(quiet: bool) -> Self {
        let shown = !quiet && stderr().is_terminal();
        Self(shown.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
            let style = ProgressStyle::with_template("{msg}");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        }))
    }

    fn show(&self, scanned: &Scanned) {
        if let Some(bar) = &self.0 {
            bar.set_message(format!(
                "reading: {} objects of {}, {}, {} records",
                count(scanned.objects()),
                count(scanned.known()),
                bytes(scanned.bytes()),
                count(scanned.records()),
            ));
        }
    }

    fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn tell(rows: u64, known: &Known, scanned: &Scanned, took: Duration) {
    let memory = peak_memory_bytes().map_or_else(String::new, |peak| {
        format!("; at most {} of memory", bytes(peak))
    });
    say!(
        "{} in {}; read {} of {} objects ({}), {} records{memory}",
        number_of_rows(rows),
        duration(took.as_secs_f64()),
        count(scanned.objects()),
        count(known.objects as u64),
        bytes(scanned.bytes()),
        count(scanned.records()),
    );
    if known.passed_over > 0 {
        say!(
            "{} passed over, as Athena does, for names that begin with _ or .",
            count(known.passed_over)
        );
    }
}

/// Remarks on what was read, a line each, the first places below. `grave` leaves only
/// those that readings may be hidden behind.
fn told(remarks: &Tally, grave: bool) -> Vec<String> {
    const SPOTS: usize = 5;
    let mut lines = Vec::new();
    for (remark, found) in remarks.iter() {
        if grave && !remark.hides_readings() {
            continue;
        }
        let words = remark.words(found.count);
        lines.push(format!("{} {words}", count(found.count)));
        let shown = found.spots.iter().take(SPOTS);
        lines.extend(shown.clone().map(|spot| format!("  {spot}")));
        let more = found.count - shown.len() as u64;
        if more > 0 {
            lines.push(format!("  and {} more", count(more)));
        }
    }
    lines
}
