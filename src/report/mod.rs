//! The result file and what is printed of it.
//!
//! In go what [`measure`](crate::measure) recorded and what the run was
//! ([`Config`], [`Environment`], [`RunInfo`], [`Generator`], filled by the
//! experiment); out come a [`RunResult`], its JSON file with a published
//! schema (`results/schema.json`), and a one-screen text. Everything printed
//! comes from the result alone, so that `hrload show FILE` prints a run again
//! exactly. Must not know how a run is made, nor talk to any service.
//!
//! `docs/results.md` explains the file to its readers.

mod config;
mod file;
mod generator;
mod latency;
mod ledger;
mod plan;
pub mod plot;
mod result;
mod series;
mod text;
mod units;
mod verdict;

pub use config::{Config, Environment, Phase, RunInfo, Target, Via, redact, timestamp};
pub use file::{ReadError, WriteError, probe, write_json};
pub use generator::{Bound, Generator};
pub use latency::{ByStage, SecondLatency, StageLatency};
pub use ledger::{Ledger, MissingReading, WarmUp};
pub use plan::{plan, plan_plot};
pub use result::{
    Capacity, ClockOffset, Cost, CostLine, Observed, Rate, RunResult, SchemaName, Threshold,
    Throttle,
};
pub use series::SeriesEntry;
pub use text::summary;
pub use units::{amount, bytes, count, duration, rate};
pub use verdict::{TOLERANCE, Verdict};
