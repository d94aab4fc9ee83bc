//! The result file and what is printed of it.
//!
//! In go what [`measure`](hrload_measure) recorded and what the run was
//! ([`Config`], [`Environment`], [`RunInfo`], [`Generator`], filled by the
//! experiment); out come a [`RunResult`], its JSON file with a published
//! schema (`results/schema.json`), and a one-screen text. Everything printed
//! comes from the result alone, so that `hrload show FILE` prints a run again
//! exactly. `export` writes a result for other readers (Markdown, CSV, logs),
//! `html` as a page. Must not know how a run is made, nor talk to any service.
//!
//! `docs/results.md` explains the file to its readers.

mod calls;
mod causes;
mod check;
mod cloudwatch;
mod condition;
mod config;
mod counted;
mod diff;
mod export;
mod figures;
mod file;
mod generator;
mod history;
pub mod html;
mod lake;
mod latency;
mod ledger;
mod modes;
mod plain;
mod plan;
mod planned;
pub mod plot;
mod puts;
mod result;
pub mod screen;
mod series;
mod sweep;
mod text;
mod units;
mod verdict;

pub use calls::{CallNote, Calls};
pub use causes::{HeldBack, Whose};
pub use check::{Unsound, check};
pub use cloudwatch::{CloudWatch, CloudWatchFigure, Given};
pub use condition::{Condition, ConditionError, SoFar, Subject};
pub use config::{Config, Environment, Phase, RateChange, RunInfo, Target, Via, timestamp};
pub use diff::{
    Change, DiffResult, DiffSettings, Difference, Doubtful, FigureChange, Unheld, diff,
    diff_markdown, differences, unlike,
};
pub use export::{Dialect, Exposition};
pub use export::{Format, Report, ReportError, UnknownEnding};
pub use figures::{Figures, Finding, Measure, Percentile};
pub use file::{ReadError, WriteError, Written, probe, rescue, write_json, write_text};
pub use generator::{Bound, Generator};
pub use history::{
    Counts, CountsError, Entry, FigureTrend, HistoryError, LevelChange, TrendResult, UnknownFigure,
    trend, trend_plot,
};
pub use lake::Lake;
pub use latency::{ByStage, SecondLatency, StageLatency};
pub use ledger::{Ledger, MissingReading, WarmUp};
pub use modes::{
    Ended, Figure, Missed, ModeFigures, ModesResult, Quantiles, TableRuns, ThrottledBy, modes,
};
pub use plain::{cell, lines, tame};
pub use plan::{plan, plan_plot};
pub use planned::{Beside, Planned};
pub use puts::Puts;
pub use result::{
    Capacity, ClockOffset, Cost, CostLine, Observed, Rate, RunResult, SchemaName, SlowDevice,
    Threshold, Throttle,
};
pub use screen::Columns;
pub use series::SeriesEntry;
pub use sweep::{
    Cause, Knee, Limiting, Percentiles, SweepResult, SweepStep, sweep, sweep_plot, sweep_step,
};
pub use text::summary;
pub use units::{
    amount, bytes, count, duration, parse_duration, parse_number, parse_scaled, rate, usd,
};
pub use verdict::{PACING_BOUND_S, Reason, ReasonKind, TOLERANCE, Verdict, Word};
