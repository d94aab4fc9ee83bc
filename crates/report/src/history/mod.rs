//! The history of a project's own figures: a line of JSON for each time that it
//! was measured, and where a level changed.
//!
//! In go results and counts, out come lines to keep, and from many lines the
//! course of each figure. `entry` is a line, `trend` finds changes of level,
//! `text` and `picture` show them.

mod entry;
mod picture;
mod text;
mod trend;

pub use entry::{Counts, CountsError, Entry, HistoryError};
pub use picture::trend_plot;
pub use text::trend;
pub use trend::{FigureTrend, LevelChange, TrendResult, UnknownFigure};
