//! `hrload report`, and `--report` of a run: results written for other readers.

use std::path::{Path, PathBuf};

use clap::Args;

use super::diff;
use super::problem::{Exit, Problem};
use crate::report::{Report, ReportError, RunResult, WriteError};

pub(super) const HELP: &str = "\
Examples:
  hrload report result.json --report result.html
      one self-contained page: ledger, latencies, throttles, cost
  hrload report old.json new.json --report compared.html
      both runs side by side, with what changed
  hrload report result.json --report summary.md \\
      && cat summary.md >> \"$GITHUB_STEP_SUMMARY\"
      the summary of a CI step
  hrload report result.json --report series.csv --report run.hlog \\
      --report junit.xml
      for spreadsheets, for HdrHistogram's log processor, for CI servers

The extension of a file chooses its kind: .html, .md, .csv (series, a row per
second), .hlog (HdrHistogram interval log, a tag per stage), .xml (JUnit, a case
per threshold), .prom (Prometheus). All are made before the first is written.

Exit codes: 0 written; 1 a file could not be written; 2 wrong use, or a result
that cannot be read, contradicts itself, or lacks the series that a report
needs.";

/// Arguments of `hrload report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Result file written with `-o`, or two, the base first; `-` is standard input
    #[arg(value_name = "RESULT", required = true, num_args = 1..=2)]
    results: Vec<PathBuf>,

    /// Report to write; repeatable. The extension chooses the kind: .html, .md, .csv
    /// (series), .hlog (HdrHistogram log), .xml (JUnit), .prom (Prometheus)
    #[arg(long, value_name = "FILE", required = true)]
    report: Vec<Report>,
}

/// Why reports were not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unwritten {
    /// They could not be made.
    #[error(transparent)]
    Made(#[from] ReportError),
    /// They could not be put into their files.
    #[error(transparent)]
    Written(#[from] WriteError),
}

/// Writes the reports.
pub(crate) fn report(args: &ReportArgs) -> Result<Exit, Problem> {
    let results = diff::read(&args.results)?;
    probe(&args.report, None)?;
    write(&args.report, &results).map_err(|error| match error {
        Unwritten::Made(error) => Problem::usage(error),
        Unwritten::Written(error) => Problem::failed(error),
    })?;
    Ok(Exit::Held)
}

/// Finds out, before any load, whether reports can be written; `output` is
/// where the result goes.
pub(super) fn probe(reports: &[Report], output: Option<&Path>) -> Result<(), Problem> {
    for (at, report) in reports.iter().enumerate() {
        let path = report.path();
        let before = reports[..at].iter().map(Report::path).chain(output);
        if before.into_iter().any(|other| other == path) {
            return Err(Problem::usage(format!(
                "{} is asked for twice; give each report, and the result, a file of its own",
                path.display()
            )));
        }
        report.probe().map_err(Problem::failed)?;
    }
    Ok(())
}

/// Makes all reports, then writes them: where one cannot be made, none is written.
fn write(reports: &[Report], results: &[RunResult]) -> Result<(), Unwritten> {
    let made = reports.iter().map(|report| report.text(results));
    let texts = made.collect::<Result<Vec<String>, ReportError>>()?;
    for (report, text) in reports.iter().zip(&texts) {
        report.write(text)?;
    }
    Ok(())
}

/// Writes those of a run that was compared with `baseline`: what can show two runs shows
/// both, if the baseline is one. A run cannot be had again, so each report is tried;
/// returns what went wrong.
pub(super) fn write_run(
    reports: &[Report],
    baseline: &[RunResult],
    result: &RunResult,
) -> Vec<Unwritten> {
    let both: Vec<RunResult> = match baseline {
        [base] if reports.iter().any(Report::compares) => vec![base.clone(), result.clone()],
        _ => Vec::new(),
    };
    let write = |report: &Report| {
        let results = match both.is_empty() {
            false if report.compares() => &both,
            _ => std::slice::from_ref(result),
        };
        Ok(report.write(&report.text(results)?)?)
    };
    let written = reports.iter().map(write);
    written.filter_map(Result::err).collect()
}

impl From<Unwritten> for Problem {
    fn from(error: Unwritten) -> Self {
        Self::failed(error)
    }
}
