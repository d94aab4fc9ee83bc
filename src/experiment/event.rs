//! What is told of a run, while it goes on and at its end.

use std::time::Duration;

use super::error::RunError;
use super::setting::Setting;
use super::watch::Snapshot;
use crate::measure::Second;
use crate::report::{Cause, Condition, Phase, RunResult, Word, Written};

/// What whoever watches a run hears.
#[derive(Debug)]
pub enum Event<'a> {
    /// A set-up or tear-down step begins.
    Step(&'a str),
    /// Something about the target that is worth a line.
    Told(&'a str),
    /// Everything is in place; sending begins.
    Ready(&'a Setting),
    /// A phase begins; it lasts at most this long.
    Phase(Phase, Duration),
    /// Seconds of the series are complete: each second is told once.
    Complete(&'a [Second]),
    /// The rest of the readings comes into the lake; it takes at most this long.
    AwaitsLake(Duration),
    /// A second has passed.
    Second(&'a Snapshot),
    /// What was created is still there; what was measured is kept.
    NotRemoved(&'a RunError),
    /// The first signal came.
    Interrupted,
    /// The run ends early: this threshold can no longer be met.
    OutOfReach(&'a Condition),
    /// The run ends early: it has cost this much, in USD, which is what it may.
    BudgetSpent(f64),
}

impl Event<'_> {
    /// Logs what happens once or seldom: seconds and what people are told are left out.
    pub(super) fn log(&self) {
        match self {
            Self::Step(step) => tracing::info!(step),
            Self::Ready(setting) => tracing::info!(
                threads = setting.threads,
                in_flight = setting.concurrency,
                shards = setting.shards,
                "ready"
            ),
            Self::Phase(phase, most) => tracing::info!(?phase, ?most, "a phase begins"),
            Self::AwaitsLake(most) => tracing::info!(?most, "waiting for the lake"),
            Self::NotRemoved(error) => tracing::warn!(%error, "not removed"),
            Self::Interrupted => tracing::info!("interrupted"),
            Self::OutOfReach(missed) => tracing::info!(%missed, "ending early"),
            Self::BudgetSpent(usd) => tracing::info!(usd, "ending early"),
            Self::Told(_) | Self::Complete(_) | Self::Second(_) => {}
        }
    }
}

/// A finished run.
#[derive(Debug)]
pub struct Finished {
    /// The content of the result file.
    pub result: RunResult,
    /// What became of that file; `None` where none was asked for.
    pub written: Option<Written>,
    /// How it came out.
    pub word: Word,
    /// What does not give its rate for long, and why.
    pub unsustained: Option<Cause>,
    /// What it cost from its first reading to the end of its draining, in USD, where a
    /// limit was given.
    pub spent_usd: Option<f64>,
}
