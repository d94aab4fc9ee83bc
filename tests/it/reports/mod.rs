//! What `--report` and `hrload report` promise: each form is read by those who
//! read that form, text of a result stays text, and what cannot be believed is
//! refused before anything is written.
#![allow(clippy::unwrap_used)]

mod forms;
mod page;
mod refusals;

use std::process::{Command, Stdio};

use crate::case::Case;
use hrload::report::{Report, RunResult, Via};

/// `hrload`, as a person runs it.
fn hrload() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hrload"));
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// A report's text, by the ending of its file.
fn text(ending: &str, results: &[RunResult]) -> String {
    let report: Report = format!("report.{ending}").parse().unwrap();
    report.text(results).unwrap()
}

/// Runs of every kind that a report may be of, with a name each.
fn kinds() -> Vec<(&'static str, RunResult)> {
    let unfollowed = Case {
        via: Via::None,
        ..Case::default()
    };
    let mut nothing = Case::default().run();
    nothing.ledger = Default::default();
    nothing.latency = Default::default();
    nothing.rate = Default::default();
    nothing.run.measured = 0.0;
    nothing.slowest_devices.clear();
    nothing.ledger.closed = true;
    for second in &mut nothing.series {
        second.latency = Default::default();
        second.scheduled = 0;
        second.dropped = 0;
        second.cut_off = 0;
        second.sent = 0;
        second.acknowledged = 0;
        second.failed = 0;
        second.seen = 0;
    }
    vec![
        ("held", Case::default().run()),
        ("lossy", Case::lossy().run()),
        ("interrupted", Case::interrupted().run()),
        ("unfollowed", unfollowed.run()),
        ("nothing", nothing),
        ("hostile", hostile()),
    ]
}

/// Text that would do harm if it were not taken as text.
const HARM: &str = "</title><script>alert('x')</script>\u{1b}[2J & \"q\" | a\nb ]]> \\";

/// A run with such text wherever a person, a server or a file may have put it.
fn hostile() -> RunResult {
    let mut result = Case::lossy().run();
    let harm = || HARM.to_owned();
    let config = &mut result.config;
    config.tags = vec![harm()];
    config.table = harm();
    config.profile = harm();
    config.profile_text = harm();
    config.command.push(harm());
    config.dynamodb_endpoint = Some(harm());
    result.run.id = harm();
    result.environment.version = harm();
    result.environment.cpu = Some(harm());
    result.warnings = vec![harm()];
    result.throttles[0].exception = harm();
    result.throttles[0].reason = Some(harm());
    result.failures.insert(harm(), 1);
    result.ledger.broken = vec![harm()];
    result.ledger.closed = false;
    result
}
