//! `hrload trend`: a project's own figures over its history.

use std::path::{Path, PathBuf};

use clap::Args;

use super::diff;
use super::problem::{Exit, Outputs, Problem};
use super::run;
use super::values;
use crate::experiment::Output;
use crate::report::{self, Counts, Entry, HistoryError, TrendResult};

pub(super) const HELP: &str = "\
Examples:
  hrload trend results/baseline/history.jsonl --plot trend.svg
      every figure over time, and where its level changed
  hrload trend history.jsonl --add run-*.json \\
      --label \"$(git rev-parse --short HEAD)\"
      adds the means of these runs as an entry, and shows the history
  hrload trend history.jsonl --figure e2e.p99 -o -
      one figure, as JSON

A history has one entry per line, as JSON. A level needs at least three entries,
and short histories have too few to show one. Of a hundred unchanged figures,
one is reported as changed. Times are compared among entries of the newest one's
workload and machine, instruction counts among all.

Exit codes: 0 shown; 1 a file could not be written; 2 wrong use, or a file that
cannot be read; 4 a run to be added did not hold, or the newest entry lacks a
figure that an earlier one has.";

/// Arguments of `hrload trend`.
#[derive(Debug, Args)]
pub(crate) struct TrendArgs {
    /// History file, one entry of JSON per line
    #[arg(
        value_name = "HISTORY",
        default_value = "results/baseline/history.jsonl"
    )]
    history: PathBuf,

    /// Add an entry first: the means of these results, which must be of one workload
    #[arg(long, value_name = "RESULT", num_args = 1..)]
    add: Vec<PathBuf>,

    /// Name of the entry [default: the commit that its last run was built from]
    #[arg(long, value_name = "TEXT", requires = "add")]
    label: Option<String>,

    /// Add runs even if some did not hold or were cut short
    #[arg(long, requires = "add")]
    allow_unheld: bool,

    /// Instruction counts for the entry, as scripts/instructions --update writes them
    #[arg(long, value_name = "FILE", requires = "add")]
    counts: Option<PathBuf>,

    /// Show this figure, such as e2e.p99; repeatable [default: the main ones]
    #[arg(long, value_name = "NAME")]
    figure: Vec<String>,

    /// Draw the first five figures as SVG
    #[arg(long, value_name = "FILE.svg", value_parser = values::picture)]
    plot: Option<PathBuf>,

    /// Write the levels as JSON; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Print errors only
    #[arg(short, long)]
    quiet: bool,
}

/// Adds an entry where there is one to add, and shows the history.
pub(crate) fn run(args: &TrendArgs) -> Result<Exit, Problem> {
    let output = args.output.clone().map(Output::of);
    run::probe(output.as_ref())?;
    if let Some(path) = &args.plot {
        if args.output.as_ref() == Some(path) {
            return Err(Problem::usage(
                "--plot wants a file of its own, such as --plot trend.svg",
            ));
        }
        report::probe(path).map_err(Problem::failed)?;
    }
    if !args.add.is_empty() {
        let added = entry(args)?.append_to(&args.history);
        let lacks = added.map_err(|error| match error {
            HistoryError::Write(error) => Problem::failed(error),
            error => Problem::usage(error),
        })?;
        if let Some(lacks) = lacks.filter(|_| !args.quiet) {
            say!("warning: {lacks}");
        }
    }
    let history = Entry::read_all(&args.history).map_err(Problem::usage)?;
    if history.is_empty() {
        return Err(Problem::usage(format!(
            "history {} has no entry yet: add one with --add RESULT",
            args.history.display()
        )));
    }
    let result = TrendResult::new(&history, &args.figure).map_err(Problem::usage)?;
    let mut outputs = Outputs::default();
    outputs.note(run::put_out(
        output.as_ref(),
        args.quiet,
        &result,
        report::trend,
    ));
    if let Some(path) = &args.plot {
        outputs.note(draw(path, &result));
    }
    outputs.end()?;
    Ok(if result.lost_sight() {
        Exit::Regressed
    } else {
        Exit::Held
    })
}

fn entry(args: &TrendArgs) -> Result<Entry, Problem> {
    let results = diff::read(&args.add)?;
    let counts = match &args.counts {
        Some(path) => Counts::read(path).map_err(Problem::usage)?,
        None => Counts::default(),
    };
    let commit = results
        .last()
        .and_then(|of| of.environment.commit.as_deref());
    let label = args.label.as_deref().or(commit).ok_or_else(|| {
        Problem::usage("the results do not say what commit they are of: give --label TEXT")
    })?;
    Entry::new(label, &results, counts, args.allow_unheld).map_err(|error| match error {
        HistoryError::Unheld { .. } => Problem::regressed(error),
        error => Problem::usage(error),
    })
}

fn draw(path: &Path, result: &TrendResult) -> Result<(), Problem> {
    let svg = report::trend_plot(result).map_err(Problem::failed)?;
    Ok(report::write_text(path, &svg)?)
}
