//! One figure of two sides.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Change, Difference, is_whole};
use crate::report::{Finding, Measure};
use crate::stats::{Basis, Comparison, Count, Interval, RunFigure, Settings, StatsError, Verdict};

/// What became of a figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FigureChange {
    /// Its name: `achieved`, `e2e.p99`.
    pub figure: String,
    /// The mean of the base's runs that have it, in the unit of the result file; a
    /// count is a share of readings. Null where no run has it.
    pub base: Option<f64>,
    /// The mean of the new side's runs.
    pub new: Option<f64>,
    /// New less base.
    pub change: Option<f64>,
    /// Where the true change may lie; null where no noise is known.
    pub interval: Option<[f64; 2]>,
    /// The change as a share of the base; null where the base may be zero.
    pub relative: Option<f64>,
    /// Where the true share may lie.
    pub relative_interval: Option<[f64; 2]>,
    /// Changes of at most this do not matter, whatever share of the base they are.
    pub matters: f64,
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
    /// Why it was not compared: which runs do not have it, or at which prices they were
    /// told; null where it was.
    pub absent: Option<String>,
}

/// A figure in every run of both sides.
pub(super) struct Sides {
    base: Vec<Finding>,
    new: Vec<Finding>,
}

/// How many runs of a side, and which, lack a figure.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Lacking {
    /// It was to be measured, and there was nothing to measure.
    nothing: usize,
    /// It was not to be measured.
    not_asked: usize,
    runs: usize,
}

impl Lacking {
    fn of(side: &[Finding]) -> Self {
        let count = |what: Finding| side.iter().filter(|of| **of == what).count();
        Self {
            nothing: count(Finding::Nothing),
            not_asked: count(Finding::NotAsked),
            runs: side.len(),
        }
    }

    fn none(self) -> bool {
        self.nothing + self.not_asked == 0
    }

    /// `3 of 3 new runs`.
    fn words(self, count: usize, side: &str) -> Option<String> {
        (count > 0).then(|| format!("{count} of {} {side} runs", self.runs))
    }
}

impl Sides {
    pub(super) fn of(base: Vec<Finding>, new: Vec<Finding>) -> Self {
        Self { base, new }
    }

    fn lacking(&self) -> [Lacking; 2] {
        [Lacking::of(&self.base), Lacking::of(&self.new)]
    }

    /// Whether no run was to have it.
    pub(super) fn not_asked(&self) -> bool {
        self.lacking().iter().all(|of| of.not_asked == of.runs)
    }

    /// Whether every run has it.
    pub(super) fn known(&self) -> bool {
        self.lacking().into_iter().all(Lacking::none)
    }

    /// What is concluded of a figure that some runs lack, and which those are.
    fn absence(&self) -> Option<(Change, String)> {
        let [base, new] = self.lacking();
        if base.none() && new.none() {
            return None;
        }
        let both = |one: Option<String>, other: Option<String>| {
            let both: Vec<String> = one.into_iter().chain(other).collect();
            (!both.is_empty()).then(|| both.join(" and "))
        };
        let nothing = both(
            base.words(base.nothing, "base"),
            new.words(new.nothing, "new"),
        );
        let not_asked = both(
            base.words(base.not_asked, "base"),
            new.words(new.not_asked, "new"),
        );
        let words = [
            nothing.map(|of| format!("nothing to measure in {of}")),
            not_asked.map(|of| format!("not asked for in {of}")),
        ];
        let words: Vec<String> = words.into_iter().flatten().collect();
        let change = match (base, new) {
            _ if base.not_asked + new.not_asked > 0 => Change::Inconclusive,
            _ if base.none() => Change::Worse,
            _ if new.none() => Change::Better,
            _ => Change::Inconclusive,
        };
        Some((change, words.join("; ")))
    }

    fn figures(&self) -> [Vec<RunFigure>; 2] {
        [&self.base, &self.new].map(|side| side.iter().filter_map(|of| of.figure()).collect())
    }

    /// Its counts, where it is counted in every run.
    fn counts(&self) -> Option<[Vec<Count>; 2]> {
        let side = |side: &[Finding]| -> Option<Vec<Count>> {
            let counts = side.iter().map(|of| match of {
                Finding::Counted(count) => Some(*count),
                _ => None,
            });
            counts.collect()
        };
        Some([side(&self.base)?, side(&self.new)?])
    }

    /// The mean of each side's runs that have it.
    fn means(&self) -> [Option<f64>; 2] {
        self.figures().map(|side| {
            let sum = side.iter().map(|of| of.value).sum::<f64>();
            (!side.is_empty()).then(|| sum / side.len() as f64)
        })
    }
}

impl FigureChange {
    /// # Errors
    /// Settings out of range.
    pub(super) fn of(
        measure: Measure,
        sides: &Sides,
        settings: &Settings,
    ) -> Result<Self, StatsError> {
        let matters = settings.practical.absolute;
        if let Some((verdict, words)) = sides.absence() {
            return Ok(Self {
                verdict,
                absent: Some(words),
                ..Self::bare(measure, sides, matters)
            });
        }
        let [base, new] = sides.figures();
        if base.iter().chain(&new).all(|of| of.value == 0.0) && sides.counts().is_none() {
            return Ok(Self {
                verdict: Change::NotChanged,
                ..Self::bare(measure, sides, matters)
            });
        }
        let found = match sides.counts() {
            Some([base, new]) => Comparison::of_counts(&base, &new, settings),
            None => Comparison::of(&base, &new, settings),
        };
        match found {
            Ok(of) => Ok(Self::compared(measure, &of, matters)),
            Err(StatsError::NoSpread) => Ok(Self::bare(measure, sides, matters)),
            Err(error) => Err(error),
        }
    }

    /// A cost at other prices on each side, which is no change of the runs.
    pub(super) fn repriced(measure: Measure, sides: &Sides, prices: &Difference) -> Self {
        let words = format!("at other prices: {} and {}", prices.base, prices.new);
        Self {
            absent: Some(sides.absence().map_or(words, |(_, absent)| absent)),
            ..Self::bare(measure, sides, measure.matters())
        }
    }

    /// A share of runs of which none may be: more of them is worse, whatever chance has to
    /// do with it; where such runs are allowed, nothing is concluded from them.
    pub(super) fn gate(measure: Measure, sides: &Sides, allowed: bool) -> Self {
        let bare = Self::bare(measure, sides, 0.0);
        let (verdict, why) = match (bare.base.unwrap_or(0.0), bare.new.unwrap_or(0.0)) {
            (0.0, 0.0) => (Change::NotChanged, None),
            _ if allowed => (Change::Inconclusive, Some("allowed by --allow-unheld")),
            (base, new) if new > base => (Change::Worse, None),
            (base, new) if new < base => (Change::Better, None),
            _ => (Change::Inconclusive, None),
        };
        Self {
            verdict,
            absent: why.map(str::to_owned),
            ..bare
        }
    }

    fn compared(measure: Measure, of: &Comparison, matters: f64) -> Self {
        let better = (of.change > 0.0) == measure.more_is_better();
        let (verdict, more_runs) = match of.verdict {
            Verdict::Changed if better => (Change::Better, None),
            Verdict::Changed => (Change::Worse, None),
            Verdict::NotChanged => (Change::NotChanged, None),
            Verdict::Inconclusive { more_runs } => (Change::Inconclusive, more_runs),
        };
        let ends = |interval: Interval| [interval.low, interval.high];
        Self {
            figure: measure.name(),
            base: Some(of.base),
            new: Some(of.new),
            change: Some(of.change),
            interval: Some(ends(of.interval)),
            relative: of.relative.map(|relative| relative.change),
            relative_interval: of.relative.map(|relative| ends(relative.interval)),
            matters,
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
            absent: None,
        }
    }

    /// The numbers, and nothing to conclude.
    fn bare(measure: Measure, sides: &Sides, matters: f64) -> Self {
        let [base, new] = sides.means();
        let both = base.zip(new);
        Self {
            figure: measure.name(),
            base,
            new,
            change: both.map(|(base, new)| new - base),
            interval: None,
            relative: both
                .filter(|(base, _)| *base > 0.0)
                .map(|(base, new)| new / base - 1.0),
            relative_interval: None,
            matters,
            effect: None,
            minimum_detectable: None,
            basis: "nothing".to_owned(),
            verdict: Change::Inconclusive,
            more_runs: None,
            absent: None,
        }
    }

    fn show(&self, value: f64) -> String {
        match self.measure() {
            Some(measure) => measure.show(value),
            None => value.to_string(),
        }
    }

    /// A difference, with its sign.
    fn signed(&self, value: f64) -> String {
        let shown = self.show(value.abs());
        if self.show(0.0) == shown {
            return shown;
        }
        format!("{}{shown}", if value < 0.0 { "-" } else { "+" })
    }

    /// Base, new, the change in their unit, and as a share of the base, as people
    /// read them.
    pub(in crate::report) fn shown(&self) -> [String; 4] {
        let value = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |of| self.show(of));
        let change = self.change.map(|of| self.signed(of));
        [
            value(self.base),
            value(self.new),
            change.unwrap_or_else(|| "-".to_owned()),
            self.relative.map_or_else(|| "-".to_owned(), share),
        ]
    }

    /// Where the true change may lie, in the figure's unit; nothing where no noise
    /// is known.
    pub(in crate::report) fn shown_interval(&self) -> Option<String> {
        let [low, high] = self.interval?;
        Some(format!("{} to {}", self.signed(low), self.signed(high)))
    }

    /// The reason for the verdict that the numbers do not show.
    pub(in crate::report) fn why(&self) -> Option<String> {
        if let Some(absent) = &self.absent {
            return Some(absent.clone());
        }
        if self.verdict != Change::Inconclusive {
            return None;
        }
        Some(match self.more_runs {
            Some(1) => "1 more run a side would probably settle it".to_owned(),
            Some(more) => format!("{more} more runs a side would probably settle it"),
            None if self.interval.is_none() => "its noise is not known".to_owned(),
            None => "too noisy to settle".to_owned(),
        })
    }

    /// The figure that it is of.
    fn measure(&self) -> Option<Measure> {
        Measure::named(&self.figure)
    }

    /// Whether it is of the whole way: the rest says where a change comes from.
    pub(super) fn is_headline(&self) -> bool {
        !matches!(self.measure(), Some(Measure::Latency(stage, _)) if !is_whole(stage))
    }
}

/// A change as a share, with its sign; beyond a thousand per cent only that.
fn share(share: f64) -> String {
    if share >= 10.0 {
        "> 10 x".to_owned()
    } else {
        let text = format!("{:+.1} %", share * 100.0);
        match text.as_str() {
            "-0.0 %" | "+0.0 %" => "0.0 %".to_owned(),
            _ => text,
        }
    }
}
