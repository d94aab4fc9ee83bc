//! The course of each figure of a history.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Entry;
use crate::Measure;
use hrload_stats::{ChangePoints, StatsError};

/// The name of the file's schema.
const SCHEMA: &str = "hrload.trend/1";

/// What the names of instruction counts begin with.
pub(super) const INSTRUCTIONS: &str = "instructions: ";

/// Changes of at most this share of an instruction count do not matter.
const INSTRUCTIONS_MATTER: f64 = 0.001;

/// Figures that are looked at unless others are asked for.
const HEADLINE: [&str; 10] = [
    "unheld",
    "achieved",
    "missing",
    "failed",
    "duplicates",
    "response.p50",
    "response.p99",
    "e2e.p50",
    "e2e.p99",
    "send_cpu",
];

/// The content of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrendResult {
    /// `hrload.trend/1`.
    pub schema: String,
    /// Entries of the history.
    pub entries: usize,
    /// Of which this many are of another workload or machine than the newest, so
    /// that nothing but their instruction counts is in a course.
    pub other: usize,
    /// What the newest was asked.
    pub workload: String,
    /// Where it was measured.
    pub machine: String,
    /// The course of each figure.
    pub figures: Vec<FigureTrend>,
}

/// The course of a figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FigureTrend {
    /// Its name: `e2e.p99`, `instructions: sign a call`.
    pub figure: String,
    /// Which entries have it, from 1 for the oldest.
    pub entries: Vec<usize>,
    /// Their labels.
    pub labels: Vec<String>,
    /// Its values, in the unit of the result file.
    pub values: Vec<f64>,
    /// Where its level changed, oldest first.
    pub changes: Vec<LevelChange>,
    /// The newest entry that has it, where the newest of all that are looked at
    /// does not: there was nothing to measure any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
}

/// A change of level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LevelChange {
    /// The first value of the new level, an index into `values`.
    pub at: usize,
    /// Its label.
    pub label: String,
    /// The mean of the level before.
    pub before: f64,
    /// The mean of the new level.
    pub after: f64,
    /// The share of shuffled histories with a cut as good.
    pub p_value: f64,
    /// Whether the new level is the better one.
    pub better: bool,
}

/// No entry has a figure of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no entry has a figure `{name}`; {}", those(known))]
pub struct UnknownFigure {
    name: String,
    known: Vec<String>,
}

/// The figures that there are, in words.
fn those(known: &[String]) -> String {
    match known {
        [] => "none of the newest one's workload and machine has any".to_owned(),
        known => format!("there are {}", known.join(", ")),
    }
}

impl TrendResult {
    /// Whether the newest entry lacks a figure that one before it has.
    #[must_use]
    pub fn lost_sight(&self) -> bool {
        self.figures.iter().any(|of| of.last_seen.is_some())
    }

    /// The course of the headline figures and of all instruction counts, or, where
    /// `wanted` is not empty, of those figures.
    ///
    /// # Errors
    /// A wanted figure is in no entry that counts.
    pub fn new(history: &[Entry], wanted: &[String]) -> Result<Self, UnknownFigure> {
        let newest = history.last();
        let alike = |of: &Entry| {
            newest.is_some_and(|new| (&of.workload, &of.machine) == (&new.workload, &new.machine))
        };
        let known = known(history, alike);
        if let Some(name) = wanted.iter().find(|name| !known.contains(name)) {
            return Err(UnknownFigure {
                name: name.clone(),
                known,
            });
        }
        let is_wanted = |name: &String| {
            if wanted.is_empty() {
                HEADLINE.contains(&name.as_str()) || name.starts_with(INSTRUCTIONS)
            } else {
                wanted.contains(name)
            }
        };
        let figures = known.into_iter().filter(is_wanted);
        Ok(Self {
            schema: SCHEMA.to_owned(),
            entries: history.len(),
            other: history.iter().filter(|of| !alike(of)).count(),
            workload: newest.map(|of| of.workload.clone()).unwrap_or_default(),
            machine: newest.map(|of| of.machine.clone()).unwrap_or_default(),
            figures: figures
                .map(|name| FigureTrend::new(name, history, alike))
                .collect(),
        })
    }
}

/// The names of all figures, in the order of the result file, instructions last.
fn known(history: &[Entry], alike: impl Fn(&Entry) -> bool) -> Vec<String> {
    let measured = history.iter().filter(|of| alike(of));
    let mut names: Vec<String> = measured.flat_map(|of| of.figures.keys().cloned()).collect();
    let rank = |name: &String| Measure::all().position(|of| of.name() == *name);
    names.sort_by_key(|name| (rank(name), name.clone()));
    names.dedup();
    let counted = history.iter().flat_map(|of| of.instructions.keys());
    let mut counted: Vec<String> = counted
        .map(|name| format!("{INSTRUCTIONS}{name}"))
        .collect();
    counted.sort();
    counted.dedup();
    names.append(&mut counted);
    names
}

impl FigureTrend {
    fn new(figure: String, history: &[Entry], alike: impl Fn(&Entry) -> bool) -> Self {
        // A cost at other prices is not of this course.
        let is_cost = Measure::named(&figure) == Some(Measure::UsdPerMillion);
        let prices = history.last().and_then(|newest| newest.prices.as_ref());
        let in_course = |of: &Entry| alike(of) && (!is_cost || of.prices.as_ref() == prices);
        let value = |of: &Entry| match figure.strip_prefix(INSTRUCTIONS) {
            // Counted, not timed: the same on any machine of its kind.
            Some(function) => of.instructions.get(function).copied(),
            None => of.figures.get(&figure).copied().filter(|_| in_course(of)),
        };
        let mut entries = Vec::new();
        let (mut labels, mut values) = (Vec::new(), Vec::new());
        let mut last_seen = None;
        for (at, entry) in history.iter().enumerate() {
            if figure.starts_with(INSTRUCTIONS) || in_course(entry) {
                // Instructions are not counted for each entry.
                last_seen = match value(entry) {
                    None if !figure.starts_with(INSTRUCTIONS) => labels.last().cloned(),
                    _ => None,
                };
            }
            if let Some(value) = value(entry) {
                entries.push(at + 1);
                labels.push(entry.label.clone());
                values.push(value);
            }
        }
        // Values that are no numbers have no level.
        let found: Result<_, StatsError> = ChangePoints::default().find(&values);
        let measure = Measure::named(&figure);
        let better = measure.is_some_and(Measure::more_is_better);
        let matters = |before: f64, after: f64| {
            let bound = measure.map_or(INSTRUCTIONS_MATTER * before.abs(), Measure::matters);
            (after - before).abs() > bound
        };
        let found = found.unwrap_or_default().into_iter();
        let found = found.filter(|of| matters(of.before, of.after));
        let changes = found.map(|of| LevelChange {
            at: of.at,
            label: labels[of.at].clone(),
            before: of.before,
            after: of.after,
            p_value: of.p_value,
            better: (of.after > of.before) == better,
        });
        Self {
            changes: changes.collect(),
            last_seen,
            figure,
            entries,
            labels,
            values,
        }
    }

    /// The level of the newest values: the middle one of those from the last change
    /// on, which is a value that was measured. None where a change could not have
    /// been found, so that the values may be of two levels.
    #[must_use]
    pub fn level(&self) -> Option<f64> {
        let fewest = ChangePoints::default().fewest().ok()?;
        if self.values.len() < fewest {
            return None;
        }
        let since = self.changes.last().map_or(0, |of| of.at);
        let mut values = self.values.get(since..)?.to_vec();
        values.sort_by(f64::total_cmp);
        values.get(values.len().checked_sub(1)? / 2).copied()
    }

    /// A value as people read it.
    #[must_use]
    pub fn show(&self, value: f64) -> String {
        match Measure::named(&self.figure) {
            Some(measure) => measure.show(value),
            None => crate::amount(value),
        }
    }
}
