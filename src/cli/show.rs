//! `hrload show FILE`: the summary of a result file, again.

use std::path::PathBuf;

use clap::Args;

use super::problem::{Exit, Problem};
use crate::report::{self, RunResult};

/// Arguments of `hrload show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// A result written with `-o`; `-` is standard input
    file: PathBuf,
}

/// Prints the summary.
pub(crate) fn show(args: &ShowArgs) -> Result<Exit, Problem> {
    let result = RunResult::read(&args.file).map_err(Problem::usage)?;
    super::print(&report::summary(&result, super::screen::of_stdout()))?;
    Ok(Exit::Held)
}
