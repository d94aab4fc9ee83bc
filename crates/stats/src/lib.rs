//! What can be concluded from runs.
//!
//! In go plain numbers: a figure for each second of a run, a figure for each
//! run of a side, a figure for each entry of a history. Out come how far
//! seconds depend on each other ([`dependence()`], [`block_length`]), how far a
//! run's own figure can be trusted ([`BlockBootstrap`]), what several runs say
//! together ([`estimate`]), whether two sides differ ([`Comparison`], of rare things
//! by their [`Count`]s) and where
//! a history changed its level ([`ChangePoints`]).
//!
//! Pure functions over slices, the same from the same seed. This room knows
//! nothing of readings, histograms, files or clocks, and it never answers with
//! NaN: what cannot be concluded is a [`StatsError`] or a `None` that says why
//! in its documentation. `docs/method.md` explains the method to readers of
//! results.

mod bootstrap;
mod change_point;
mod compare;
mod count;
mod dependence;
mod interval;
mod moments;
mod problem;
mod settings;
mod side;
mod student;

pub use bootstrap::{BlockBootstrap, RunFigure, Within};
pub use change_point::{ChangePoint, ChangePoints};
pub use compare::{Comparison, Relative, Verdict};
pub use count::Count;
pub use dependence::{
    Dependence, SHORTEST_SERIES, autocorrelation, block_length, dependence, optimal_block,
};
pub use interval::Interval;
pub use problem::StatsError;
pub use settings::{Noise, Practical, Settings};
pub use side::{Basis, Estimate, estimate};
