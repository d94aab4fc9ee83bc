//! Runs of two sides compared: what changed, what did not, what cannot be told.
//!
//! In go results; out come a figure's change, its interval and a verdict each,
//! the runs that did not hold, and what makes the sides incomparable in the first
//! place. A figure that one side could not measure is a finding, not a gap. Here
//! stands what is in the file; `figure` draws up a figure, `alike` looks for
//! differences of what was run, `text` has the comparison on a screen, `markdown`
//! for a pull request.

mod alike;
mod figure;
mod markdown;
mod text;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Figures, Finding, Measure, Percentile, RunResult, Verdict};
use crate::measure::Stage;
use crate::stats::{Practical, Settings, StatsError};
pub use alike::{Difference, differences, unlike};
pub use figure::FigureChange;
use figure::Sides;
pub use markdown::diff_markdown;
pub(in crate::report) use markdown::tables;
pub use text::diff;

/// The name of the file's schema.
const SCHEMA: &str = "hrload.diff/2";

/// The content of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DiffResult {
    /// `hrload.diff/2`.
    pub schema: String,
    /// Runs of the base, by id.
    pub base: Vec<String>,
    /// Runs of the new side, by id.
    pub new: Vec<String>,
    /// How often all intervals together hold the truth.
    pub confidence: f64,
    /// Changes of at most this share do not matter.
    pub practical: f64,
    /// What differs in what was run.
    pub differences: Vec<Difference>,
    /// Runs that did not hold what they were offered, or were cut short.
    pub unheld: Vec<Unheld>,
    /// Runs whose figures are doubtful, as where the generator was the limit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubtful: Vec<Doubtful>,
    /// Whether runs that did not hold were allowed; they fail the comparison otherwise.
    pub unheld_allowed: bool,
    /// Whether figures that cannot be told were allowed; they fail the comparison otherwise.
    #[serde(default = "allowed")]
    pub inconclusive_allowed: bool,
    /// Whether it failed: something got worse, or there is what was not allowed.
    #[serde(default)]
    pub failed: bool,
    /// Every figure that runs of one side or the other were to have.
    pub figures: Vec<FigureChange>,
}

/// What cannot be told was always allowed in files that do not say.
fn allowed() -> bool {
    true
}

/// A run that did not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unheld {
    /// `base` or `new`.
    pub side: String,
    /// The run's id.
    pub run: String,
    /// Why, the gravest reason first.
    pub why: Vec<String>,
}

impl Unheld {
    /// In a line.
    pub(super) fn line(&self) -> String {
        format!(
            "not held: {} run {}: {}",
            self.side,
            self.run,
            self.why.join("; ")
        )
    }
}

/// A run whose figures are doubtful.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Doubtful {
    /// `base` or `new`.
    pub side: String,
    /// The run's id.
    pub run: String,
    /// What makes its figures doubtful.
    pub doubts: Vec<String>,
}

impl Doubtful {
    /// In a line.
    pub(super) fn line(&self) -> String {
        format!(
            "in doubt: {} run {}: {}",
            self.side,
            self.run,
            self.doubts.join("; ")
        )
    }
}

/// What is concluded of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It changed, for the better.
    Better,
    /// It changed, for the worse.
    Worse,
    /// It did not change by anything that matters.
    NotChanged,
    /// It cannot be told.
    Inconclusive,
}

/// What is asked of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct DiffSettings {
    /// How often all intervals together are to hold the truth, 0.5 to 1.
    pub confidence: f64,
    /// Changes of at most this share do not matter.
    pub practical: f64,
    /// Figures with a smallest difference that matters of their own, in the
    /// figure's unit.
    pub matters: Vec<(Measure, f64)>,
    /// Whether runs that did not hold may be compared.
    pub allow_unheld: bool,
    /// Whether figures that cannot be told let it pass.
    pub allow_inconclusive: bool,
}

impl Default for DiffSettings {
    fn default() -> Self {
        Self {
            confidence: 0.95,
            practical: 0.05,
            matters: Vec::new(),
            allow_unheld: false,
            allow_inconclusive: true,
        }
    }
}

impl DiffSettings {
    /// What is too small to matter in a figure. A stage matters by what it adds to
    /// the whole way; where the figure has a bound of its own, that alone counts.
    fn practical(&self, measure: Measure, sides: &[Vec<Figures>; 2]) -> Practical {
        let own = self.matters.iter().rev().find(|of| of.0 == measure);
        if let Some(&(_, absolute)) = own {
            return Practical {
                relative: 0.0,
                absolute,
            };
        }
        let of_way = match measure {
            Measure::Latency(stage, percentile) if !is_whole(stage) => {
                self.practical * way(percentile, sides)
            }
            _ => 0.0,
        };
        Practical {
            relative: self.practical,
            absolute: measure.matters().max(of_way),
        }
    }
}

/// Whether it is of a whole way, and not of a part of one.
fn is_whole(stage: Stage) -> bool {
    matches!(stage, Stage::Response | Stage::EndToEnd | Stage::Freshness)
}

/// How long the whole way takes: end to end where all runs know that, else to the
/// acknowledgement; the quicker side's mean.
fn way(percentile: Percentile, sides: &[Vec<Figures>; 2]) -> f64 {
    let mean = |stage| -> Option<f64> {
        let side = |side: &Vec<Figures>| -> Option<f64> {
            let values = side.iter().map(|of| {
                let of = of.get(Measure::Latency(stage, percentile))?;
                Some(of.value)
            });
            let values: Vec<f64> = values.collect::<Option<_>>()?;
            Some(values.iter().sum::<f64>() / values.len() as f64)
        };
        Some(side(&sides[0])?.min(side(&sides[1])?))
    };
    let whole = mean(Stage::EndToEnd).or_else(|| mean(Stage::Response));
    whole.unwrap_or(0.0).max(0.0)
}

impl DiffResult {
    /// Compares the runs of `new` with those of `base`.
    ///
    /// # Errors
    /// A side without runs, or settings out of range.
    pub fn new(
        base: &[RunResult],
        new: &[RunResult],
        settings: &DiffSettings,
    ) -> Result<Self, StatsError> {
        let sides = [base, new].map(|runs| runs.iter().map(Figures::of).collect::<Vec<_>>());
        let of = |measure| {
            let side = |side: &Vec<Figures>| -> Vec<Finding> {
                side.iter().map(|of| of.finding(measure)).collect()
            };
            (measure, Sides::of(side(&sides[0]), side(&sides[1])))
        };
        let all: Vec<(Measure, Sides)> = Measure::all()
            .map(of)
            .filter(|(_, sides)| !sides.not_asked())
            .collect();
        let differences = differences(base, new);
        let repriced = differences.iter().find(|of| of.what == alike::PRICES);
        // What units cost says nothing of a change where their prices are not the same.
        let repriced = |measure: Measure| repriced.filter(|_| measure == Measure::UsdPerMillion);
        let judged = |measure: Measure| measure != Measure::Unheld && repriced(measure).is_none();
        let compared = all
            .iter()
            .filter(|(measure, sides)| sides.known() && judged(*measure));
        let count = u32::try_from(compared.count().max(1)).unwrap_or(u32::MAX);
        let mut figures = Vec::with_capacity(all.len());
        for (measure, of) in &all {
            let asked = Settings {
                confidence: settings.confidence,
                figures: count,
                practical: settings.practical(*measure, &sides),
                ..Settings::default()
            };
            figures.push(if *measure == Measure::Unheld {
                FigureChange::gate(*measure, of, settings.allow_unheld)
            } else if let Some(prices) = repriced(*measure) {
                FigureChange::repriced(*measure, of, prices)
            } else {
                FigureChange::of(*measure, of, &asked)?
            });
        }
        let ids = |runs: &[RunResult]| runs.iter().map(|run| run.run.id.clone()).collect();
        let mut unheld = unheld_of("base", base);
        unheld.extend(unheld_of("new", new));
        let mut doubtful = doubtful_of("base", base);
        doubtful.extend(doubtful_of("new", new));
        let mut result = Self {
            schema: SCHEMA.to_owned(),
            base: ids(base),
            new: ids(new),
            confidence: settings.confidence,
            practical: settings.practical,
            differences,
            unheld,
            doubtful,
            unheld_allowed: settings.allow_unheld,
            inconclusive_allowed: settings.allow_inconclusive,
            failed: false,
            figures,
        };
        result.failed = result.failed();
        Ok(result)
    }

    /// Whether it found something worse, rests on runs that it may not rest on, or leaves
    /// open what it may not leave open.
    #[must_use]
    pub fn failed(&self) -> bool {
        let unheld = !self.unheld_allowed && !self.unheld.is_empty();
        self.count(Change::Worse) > 0 || unheld || self.fails_untold()
    }

    /// Whether figures that cannot be told fail it.
    pub(super) fn fails_untold(&self) -> bool {
        !self.inconclusive_allowed && self.count(Change::Inconclusive) > 0
    }

    /// The figures of the whole way, and those that say where a change comes from.
    pub(super) fn figures_by_rank(&self) -> (Vec<&FigureChange>, Vec<&FigureChange>) {
        self.figures.iter().partition(|of| of.is_headline())
    }

    /// Figures that came to this.
    #[must_use]
    pub fn count(&self, change: Change) -> usize {
        self.figures
            .iter()
            .filter(|of| of.verdict == change)
            .count()
    }

    /// What follows from runs that did not hold.
    pub(super) fn about_unheld(&self) -> Option<String> {
        let (runs, them) = match self.unheld.len() {
            0 => return None,
            1 => ("1 run did not hold".to_owned(), "it"),
            n => (format!("{n} runs did not hold"), "them"),
        };
        Some(if self.unheld_allowed {
            format!("{runs}, which was allowed")
        } else {
            format!("{runs}: make {them} again, or allow {them} with --allow-unheld")
        })
    }

    /// What follows from figures that cannot be told, where they are not allowed.
    pub(super) fn about_untold(&self) -> Option<String> {
        let figures = match self.count(Change::Inconclusive) {
            1 => "1 figure".to_owned(),
            n => format!("{n} figures"),
        };
        self.fails_untold().then(|| {
            format!("failed: {figures} cannot be told, which --inconclusive fail does not allow")
        })
    }

    /// `base 3 runs, new 1 run; ...`: what was compared, and how.
    pub(super) fn about(&self) -> String {
        let runs = |ids: &[String]| match ids.len() {
            1 => "1 run".to_owned(),
            n => format!("{n} runs"),
        };
        format!(
            "base {}, new {}; {} confidence over all figures, changes within {} do not matter",
            runs(&self.base),
            runs(&self.new),
            super::units::fine_percent(self.confidence),
            super::units::fine_percent(self.practical),
        )
    }
}

/// The runs of a side that did not hold.
fn unheld_of(side: &str, runs: &[RunResult]) -> Vec<Unheld> {
    let unheld = runs.iter().filter_map(|run| {
        let verdict = Verdict::of(run);
        (!verdict.held()).then(|| Unheld {
            side: side.to_owned(),
            run: run.run.id.clone(),
            why: verdict.reasons.iter().map(ToString::to_string).collect(),
        })
    });
    unheld.collect()
}

/// The runs of a side whose figures are doubtful.
fn doubtful_of(side: &str, runs: &[RunResult]) -> Vec<Doubtful> {
    let doubtful = runs.iter().filter_map(|run| {
        let doubts = Verdict::of(run).doubts;
        (!doubts.is_empty()).then(|| Doubtful {
            side: side.to_owned(),
            run: run.run.id.clone(),
            doubts,
        })
    });
    doubtful.collect()
}
