//! Statements over the objects of a lake, answered here.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::QueryArgs;
use super::write::{self, Rows, number_of_rows};
use crate::cli::lake::open_existing;
use crate::cli::problem::{Exit, Problem};
use crate::experiment::{Interrupts, peak_memory_bytes};
use crate::query::{Answer, Engine, Limits, QueryError, Scanned};
use crate::report::{bytes, count, duration};

fn failed(error: QueryError) -> Problem {
    match error {
        QueryError::Statement { .. } | QueryError::NoRecords(_) | QueryError::Catalog(_) => {
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
            crate::cli::print(&format!("{told}\n"))?;
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
        tell(rows, known, &scanned, began.elapsed());
    }
    Ok(Exit::Held)
}

async fn ask(args: &QueryArgs, sql: &str, cores: usize) -> Result<(Answer, usize), Problem> {
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
    Ok((answer, engine.objects()))
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

fn tell(rows: u64, objects: usize, scanned: &Scanned, took: Duration) {
    let memory = peak_memory_bytes().map_or_else(String::new, |peak| {
        format!("; at most {} of memory", bytes(peak))
    });
    say!(
        "{} in {}; read {} of {} objects ({}), {} records{memory}",
        number_of_rows(rows),
        duration(took.as_secs_f64()),
        count(scanned.objects()),
        count(objects as u64),
        bytes(scanned.bytes()),
        count(scanned.records()),
    );
    if scanned.passed_over() > 0 {
        say!(
            "{} records are no readings and were passed over",
            count(scanned.passed_over())
        );
    }
    if let (places @ 1.., Some(first)) = scanned.broken() {
        say!(
            "text that is no JSON was left out up to the next line, {} times; once in {}, at byte {}",
            count(places),
            first.object,
            count(first.at as u64)
        );
    }
}
