//! Runs of two sides compared: what changed, what did not, what cannot be told.
//!
//! In go results; out come a figure's change, its interval and a verdict each,
//! and what makes the sides incomparable in the first place. Here stands what is
//! in the file; `alike` looks for differences of what was run, `text` has the
//! comparison on a screen, `markdown` for a pull request.

mod alike;
mod markdown;
mod text;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Figures, Measure, RunResult};
use crate::measure::Stage;
use crate::stats::{Basis, Comparison, Practical, RunFigure, Settings, StatsError, Verdict};
pub use alike::{Difference, differences};
pub use markdown::diff_markdown;
pub(in crate::report) use markdown::tables;
pub use text::diff;

/// The name of the file's schema.
const SCHEMA: &str = "hrload.diff/1";

/// Latencies nearer to each other than this are not worth telling apart.
const LATENCY_FLOOR_S: f64 = 100e-6;
/// The same of stages between two clocks: services tell their times in whole
/// milliseconds.
const TWO_CLOCKS_FLOOR_S: f64 = 1e-3;
/// Shares of throttled items, likewise.
const THROTTLED_FLOOR: f64 = 0.001;

/// The content of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DiffResult {
    /// `hrload.diff/1`.
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
    /// Every figure that all runs have.
    pub figures: Vec<FigureChange>,
}

/// What became of a figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FigureChange {
    /// Its name: `achieved`, `e2e.p99`.
    pub figure: String,
    /// The mean of the base's runs, in the unit of the result file.
    pub base: f64,
    /// The mean of the new side's runs.
    pub new: f64,
    /// New less base.
    pub change: f64,
    /// Where the true change may lie; null where no noise is known.
    pub interval: Option<[f64; 2]>,
    /// The change as a share of the base; null where the base may be zero.
    pub relative: Option<f64>,
    /// Where the true share may lie.
    pub relative_interval: Option<[f64; 2]>,
    /// Hedges' g: the change in standard deviations between runs.
    pub effect: Option<f64>,
    /// The smallest true change that so many runs would probably show.
    pub minimum_detectable: Option<f64>,
    /// What the interval allows for: `between-runs`, `one-side` (the other has
    /// one run), `within-runs`, or `nothing`.
    pub basis: String,
    /// What is concluded.
    pub verdict: Change,
    /// For an inconclusive one: how many more runs, on each side, would probably
    /// settle it; null when a thousand would not.
    pub more_runs: Option<u32>,
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
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DiffSettings {
    /// How often all intervals together are to hold the truth, 0.5 to 1.
    pub confidence: f64,
    /// Changes of at most this share do not matter.
    pub practical: f64,
}

impl Default for DiffSettings {
    fn default() -> Self {
        Self {
            confidence: 0.95,
            practical: 0.05,
        }
    }
}

impl DiffResult {
    /// Compares the runs of `new` with those of `base`.
    ///
    /// # Errors
    /// A side without runs, or settings out of range.
    pub fn new(
        base: &[RunResult],
        new: &[RunResult],
        settings: DiffSettings,
    ) -> Result<Self, StatsError> {
        let sides = [base, new].map(|runs| runs.iter().map(Figures::of).collect::<Vec<_>>());
        let everywhere = |measure: Measure| {
            let all = |side: &Vec<Figures>| -> Option<Vec<RunFigure>> {
                side.iter().map(|of| of.get(measure)).collect()
            };
            Some((measure, all(&sides[0])?, all(&sides[1])?))
        };
        let known: Vec<Measure> = sides[0]
            .first()
            .map(|of| of.iter().map(|(measure, _)| measure).collect())
            .unwrap_or_default();
        let compared: Vec<_> = known.into_iter().filter_map(everywhere).collect();
        let count = u32::try_from(compared.len().max(1)).unwrap_or(u32::MAX);
        let mut figures = Vec::with_capacity(compared.len());
        for (measure, base, new) in compared {
            let settings = Settings {
                confidence: settings.confidence,
                figures: count,
                practical: Practical {
                    relative: settings.practical,
                    absolute: floor(measure),
                },
                ..Settings::default()
            };
            match Comparison::of(&base, &new, &settings) {
                Ok(of) => figures.push(FigureChange::of(measure, &of)),
                Err(StatsError::NoSpread) => figures.push(FigureChange::bare(measure, &base, &new)),
                Err(error) => return Err(error),
            }
        }
        let ids = |runs: &[RunResult]| runs.iter().map(|run| run.run.id.clone()).collect();
        Ok(Self {
            schema: SCHEMA.to_owned(),
            base: ids(base),
            new: ids(new),
            confidence: settings.confidence,
            practical: settings.practical,
            differences: differences(base, new),
            figures,
        })
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
}

fn floor(measure: Measure) -> f64 {
    match measure {
        Measure::Latency(stage, _) if stage.spans_clocks() => TWO_CLOCKS_FLOOR_S,
        Measure::Latency(..) => LATENCY_FLOOR_S,
        Measure::Throttled => THROTTLED_FLOOR,
        _ => 0.0,
    }
}

impl FigureChange {
    fn of(measure: Measure, of: &Comparison) -> Self {
        let better = (of.change > 0.0) == measure.more_is_better();
        let (verdict, more_runs) = match of.verdict {
            Verdict::Changed if better => (Change::Better, None),
            Verdict::Changed => (Change::Worse, None),
            Verdict::NotChanged => (Change::NotChanged, None),
            Verdict::Inconclusive { more_runs } => (Change::Inconclusive, more_runs),
        };
        let ends = |interval: crate::stats::Interval| [interval.low, interval.high];
        Self {
            figure: measure.name(),
            base: of.base,
            new: of.new,
            change: of.change,
            interval: Some(ends(of.interval)),
            relative: of.relative.map(|relative| relative.change),
            relative_interval: of.relative.map(|relative| ends(relative.interval)),
            effect: of.effect,
            minimum_detectable: Some(of.minimum_detectable),
            basis: match of.basis {
                Basis::BetweenRuns => "between-runs",
                Basis::OneSide => "one-side",
                Basis::WithinRuns => "within-runs",
            }
            .to_owned(),
            verdict,
            more_runs,
        }
    }

    /// One number a run, of one run a side: the numbers, and nothing to conclude.
    fn bare(measure: Measure, base: &[RunFigure], new: &[RunFigure]) -> Self {
        let mean = |side: &[RunFigure]| {
            side.iter().map(|of| of.value).sum::<f64>() / side.len().max(1) as f64
        };
        let (base, new) = (mean(base), mean(new));
        Self {
            figure: measure.name(),
            base,
            new,
            change: new - base,
            interval: None,
            relative: (base > 0.0).then(|| new / base - 1.0),
            relative_interval: None,
            effect: None,
            minimum_detectable: None,
            basis: "nothing".to_owned(),
            verdict: Change::Inconclusive,
            more_runs: None,
        }
    }

    /// Base, new and change, as people read them.
    pub(super) fn shown(&self) -> [String; 3] {
        let show = |value: f64| match self.measure() {
            Some(measure) => measure.show(value),
            None => value.to_string(),
        };
        let change = match self.relative {
            Some(relative) => text::signed(relative),
            None => show(self.change),
        };
        [show(self.base), show(self.new), change]
    }

    /// Where the true change may lie, as people read it; nothing where no noise
    /// is known.
    pub(super) fn shown_interval(&self) -> Option<String> {
        let show = |value: f64| match self.measure() {
            Some(measure) => measure.show(value),
            None => value.to_string(),
        };
        match (self.relative_interval, self.interval) {
            (Some(ends), _) => Some(ends.map(text::signed).join(" .. ")),
            (None, Some(ends)) => Some(ends.map(show).join(" .. ")),
            (None, None) => None,
        }
    }

    /// The figure that it is of.
    fn measure(&self) -> Option<Measure> {
        Measure::named(&self.figure)
    }

    /// Whether it is of the whole way: the rest says where a change comes from.
    fn is_headline(&self) -> bool {
        !matches!(
            self.measure(),
            Some(Measure::Latency(stage, _)) if !matches!(stage, Stage::Response | Stage::EndToEnd)
        )
    }
}
