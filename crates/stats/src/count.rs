//! Counts of what is rare, compared: exact where they are few.
//!
//! A share of readings that are lost or doubled is no normal value: three runs
//! that lost nothing vary by nothing, and so would a fourth that lost one by
//! chance count as changed. A change therefore has to be more than both what
//! differs between runs and what counting itself leaves open.

use statrs::distribution::{ContinuousCDF, Gamma};

use super::bootstrap::{RunFigure, Within};
use super::compare::{Comparison, MOST_RUNS, Relative, Verdict};
use super::interval::Interval;
use super::problem::StatsError;
use super::settings::Settings;
use super::side::Basis;

/// How many of how many, in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub count: u64,
    /// Of how many; more than none.
    pub of: u64,
}

/// Degrees of freedom of a variance that is known from counting, not estimated.
const KNOWN: f64 = 1e6;

impl Count {
    /// The share, as a figure of its run.
    #[must_use]
    pub fn share(self) -> f64 {
        self.count as f64 / self.of as f64
    }

    /// The share with the noise of counting.
    fn figure(self) -> RunFigure {
        let of = self.of as f64;
        RunFigure {
            value: self.share(),
            within: Some(Within {
                variance: self.count as f64 / (of * of),
                degrees: KNOWN,
            }),
        }
    }
}

/// The counts of a side, added up.
#[derive(Clone, Copy)]
struct Total {
    count: f64,
    of: f64,
}

impl Total {
    fn of(runs: &[Count]) -> Self {
        Self {
            count: runs.iter().map(|run| run.count as f64).sum(),
            of: runs.iter().map(|run| run.of as f64).sum(),
        }
    }

    /// As many times the runs.
    fn times(self, factor: f64) -> Self {
        Self {
            count: self.count * factor,
            of: self.of * factor,
        }
    }

    /// Where the true share may lie: Garwood's exact limits of a Poisson count
    /// (1936, <https://doi.org/10.1093/biomet/28.3-4.437>), which are those of a
    /// binomial one or wider.
    fn limits(self, confidence: f64) -> [f64; 2] {
        let tail = (1.0 - confidence) / 2.0;
        let low = if self.count > 0.0 {
            quantile(self.count, tail)
        } else {
            0.0
        };
        [
            low / self.of,
            quantile(self.count + 1.0, 1.0 - tail) / self.of,
        ]
    }
}

/// The quantile of the gamma distribution with this shape and a rate of 1.
fn quantile(shape: f64, below: f64) -> f64 {
    Gamma::new(shape, 1.0).map_or(f64::INFINITY, |gamma| gamma.inverse_cdf(below))
}

/// Where the true difference of two shares may lie, by counting alone. Each
/// side's limits are missed by half of what the confidence leaves open.
fn exact(base: Total, new: Total, confidence: f64) -> Interval {
    let each = 1.0 - (1.0 - confidence) / 2.0;
    let [base_low, base_high] = base.limits(each);
    let [new_low, new_high] = new.limits(each);
    Interval {
        low: new_low - base_high,
        high: new_high - base_low,
    }
}

impl Comparison {
    /// Compares the shares of counts of the runs of `new` with those of `base`.
    ///
    /// The interval holds both the one of [`Comparison::of`] and the exact one
    /// of the counts added up, so that a change is found where nothing has
    /// changed at most as often as by the stricter of the two. Where three runs
    /// or more a side are told apart by none against some, the exact one alone
    /// counts. A side that counted nothing, in every run, beside another that did
    /// neither, has not changed.
    ///
    /// # Errors
    ///
    /// A side without runs, a run with nothing to count of, or a setting out of
    /// range.
    pub fn of_counts(
        base: &[Count],
        new: &[Count],
        settings: &Settings,
    ) -> Result<Self, StatsError> {
        if base.iter().chain(new).any(|run| run.of == 0) {
            return Err(StatsError::NotFinite {
                what: "a share of a count",
            });
        }
        let figures = |side: &[Count]| side.iter().map(|run| run.figure()).collect::<Vec<_>>();
        let mut found = Self::of(&figures(base), &figures(new), settings)?;
        let totals = [Total::of(base), Total::of(new)];
        if totals.iter().all(|total| total.count == 0.0) {
            found.verdict = Verdict::NotChanged;
            return Ok(found);
        }
        if found.basis == Basis::WithinRuns {
            return Ok(found);
        }
        let by_counting = exact(totals[0], totals[1], settings.each());
        let apart = apart(base, new) || apart(new, base);
        found.interval = if apart {
            by_counting
        } else {
            found.interval.and(by_counting)
        };
        found.relative = found.relative.map(|of| Relative {
            interval: of.interval.and(Interval {
                low: by_counting.low / found.base,
                high: by_counting.high / found.base,
            }),
            ..of
        });
        found.minimum_detectable = found.minimum_detectable.max(by_counting.half_width());
        let practical = settings.practical;
        let matters = practical.absolute.max(practical.relative * found.base);
        let settled = |interval: &Interval| interval.within(matters) || !interval.contains(0.0);
        found.verdict = if found.interval.within(matters) {
            Verdict::NotChanged
        } else if !found.interval.contains(0.0) {
            Verdict::Changed
        } else {
            let runs = base.len().min(new.len()) as f64;
            let by_counting = fewest(|more| {
                let factor = (runs + f64::from(more)) / runs;
                let [base, new] = totals.map(|total| total.times(factor));
                settled(&exact(base, new, settings.each()))
            });
            let between = match found.verdict {
                Verdict::Inconclusive { more_runs } if !apart => more_runs,
                _ => Some(1),
            };
            Verdict::Inconclusive {
                more_runs: between.zip(by_counting).map(|(one, other)| one.max(other)),
            }
        };
        Ok(found)
    }
}

/// Whether none was counted in any run of one side, and some in every run of the
/// other. Chance that strikes whole runs, in bursts, seldom sorts three runs a side
/// so: in one of 32 pairs at the very worst, where it strikes every second run.
fn apart(none: &[Count], some: &[Count]) -> bool {
    const RUNS: usize = 3;
    none.len().min(some.len()) >= RUNS
        && none.iter().all(|run| run.count == 0)
        && some.iter().all(|run| run.count > 0)
}

/// The fewest more runs that will do; `None` when the most would not.
fn fewest(enough: impl Fn(u32) -> bool) -> Option<u32> {
    if !enough(MOST_RUNS) {
        return None;
    }
    let (mut too_few, mut will_do) = (0, MOST_RUNS);
    while will_do - too_few > 1 {
        let middle = u32::midpoint(too_few, will_do);
        if enough(middle) {
            will_do = middle;
        } else {
            too_few = middle;
        }
    }
    Some(will_do)
}
