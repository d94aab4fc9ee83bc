//! `hrload run`, and `hrload` without a subcommand: the main job.

mod args;
mod dry;
mod places;
mod request;

pub(super) use args::{LayoutArg, LoadArgs, PaceArgs};
pub(super) use request::Job;

use std::path::Path;

use clap::Args;
use serde::Serialize;

use self::args::SingleRunArgs;
use super::agree::agree;
use super::capacity::ModeArgs;
use super::diff;
use super::live::Live;
use super::place::on_runtime;
use super::problem::{Exit, Outputs, Problem};
use super::report as reports;
use super::screen;
use crate::experiment::{self, Event, Output};
use crate::report::{self, Columns, RunResult, Word, Written};

/// Arguments of the main job, grouped as `--help` shows them.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pace: PaceArgs,

    #[command(flatten)]
    load: LoadArgs,

    #[command(flatten)]
    mode: ModeArgs,

    #[command(flatten)]
    single: SingleRunArgs,
}

/// Runs the main job.
pub(crate) fn run(mut args: RunArgs) -> Result<Exit, Problem> {
    let quiet = args.load.quiet();
    // What cannot be read is better known before the run than after it.
    let baseline = diff::read(&args.single.baseline)?;
    let reports = std::mem::take(&mut args.single.report);
    reports::probe(&reports, args.load.output.as_deref())?;
    let watch = std::mem::take(&mut args.single.watch);
    let asking = args.load.asking();
    let dry_run = args.single.dry_run;
    let dry_run = dry_run.then_some(args.load.state.is_some());
    let request = args.into_request()?;
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
