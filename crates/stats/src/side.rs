//! What several runs of one side say together.

use super::bootstrap::RunFigure;
use super::interval::Interval;
use super::problem::{StatsError, check};
use super::settings::check_confidence;
use super::{moments, student};

/// Where the noise that an interval allows for was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Between the runs of each side.
    BetweenRuns,
    /// Between the runs of one side; the other has a single run, which is taken
    /// to vary as much.
    OneSide,
    /// Within runs. What differs from run to run is not in it: the interval is
    /// about these very runs, and another run of the same thing may lie outside.
    WithinRuns,
}

/// A figure over the runs of one side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean of the runs' own values.
    pub value: f64,
    /// How many runs there were.
    pub runs: usize,
    /// Where the mean over endlessly many runs may lie; `None` for a single run
    /// of which no noise is known.
    pub interval: Option<Interval>,
    /// What `interval` allows for: with several runs what varies between them,
    /// with a single one what varies within it.
    pub basis: Basis,
    /// The standard deviation between runs, in the figure's unit; `None` for a
    /// single run.
    pub deviation: Option<f64>,
    /// How much of the variance between runs the noise within them explains, 0
    /// to 1. Near 1, longer runs serve as well as more of them; near 0, only
    /// more runs help. `None` when either is not known, or runs do not vary.
    pub within_share: Option<f64>,
}

/// The mean of `runs` and where it may lie at `confidence`: Student's t over
/// the runs' own values, or over the blocks of a single run.
///
/// # Errors
///
/// No run, a value that is not finite, or a confidence outside 0.5 to 1.
pub fn estimate(runs: &[RunFigure], confidence: f64) -> Result<Estimate, StatsError> {
    check_confidence(confidence)?;
    let side = Side::of(runs)?;
    let basis = if runs.len() > 1 {
        Basis::BetweenRuns
    } else {
        Basis::WithinRuns
    };
    let spread = side.between().or(side.within);
    let interval = spread
        .map(|spread| {
            let error = spread.variance(side.runs, 0).sqrt();
            let half_width = half_width(student::two_sided(confidence, spread.degrees), error);
            finite(Interval::around(side.mean, half_width))
        })
        .transpose()?;
    Ok(Estimate {
        value: side.mean,
        runs: runs.len(),
        interval,
        basis,
        deviation: side.variance.map(f64::sqrt),
        within_share: side.within_share(),
    })
}

/// So many standard errors, and nothing of nothing.
pub(super) fn half_width(quantile: f64, error: f64) -> f64 {
    if error > 0.0 { quantile * error } else { 0.0 }
}

/// The interval, unless numbers so large went in that it has no ends.
pub(super) fn finite(interval: Interval) -> Result<Interval, StatsError> {
    if interval.low.is_finite() && interval.high.is_finite() {
        Ok(interval)
    } else {
        Err(StatsError::NotFinite {
            what: "an interval",
        })
    }
}

/// The runs of a side, boiled down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    pub(super) mean: f64,
    pub(super) runs: usize,
    /// The sample variance of the runs' values; `None` for a single run.
    pub(super) variance: Option<f64>,
    /// Noise within runs; `None` unless it is known of all of them.
    pub(super) within: Option<Spread>,
}

/// How one run's figure varies, and how well that is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    /// The variance of one run's figure.
    pub(super) per_run: f64,
    /// Degrees of freedom behind it.
    pub(super) degrees: f64,
    /// What one more run would add to them.
    pub(super) degrees_a_run: f64,
}

impl Spread {
    /// The variance of the mean of `runs + more` runs.
    pub(super) fn variance(&self, runs: usize, more: u32) -> f64 {
        self.per_run / (runs as f64 + f64::from(more))
    }

    pub(super) fn degrees(&self, more: u32) -> f64 {
        self.degrees + self.degrees_a_run * f64::from(more)
    }
}

impl Side {
    pub(super) fn of(runs: &[RunFigure]) -> Result<Self, StatsError> {
        let values: Vec<f64> = runs.iter().map(|run| run.value).collect();
        let what = "a figure over runs";
        check(what, 1, &values)?;
        let mean = moments::mean(&values);
        let variance = (values.len() > 1).then(|| moments::variance(&values));
        let within = Spread::within(runs)?;
        if !mean.is_finite() || variance.is_some_and(|variance| !variance.is_finite()) {
            return Err(StatsError::NotFinite { what });
        }
        Ok(Self {
            mean,
            runs: runs.len(),
            variance,
            within,
        })
    }

    /// The spread between runs. Runs that came out exactly alike (a counter, a
    /// percentile in the same bucket) show none; the noise within them, where
    /// known, then stands in.
    pub(super) fn between(&self) -> Option<Spread> {
        let variance = self.variance?;
        match self.within {
            Some(within) if variance == 0.0 => Some(within),
            _ => Some(Spread {
                per_run: variance,
                degrees: (self.runs - 1) as f64,
                degrees_a_run: 1.0,
            }),
        }
    }

    fn within_share(&self) -> Option<f64> {
        let variance = self.variance.filter(|&variance| variance > 0.0)?;
        Some((self.within?.per_run / variance).min(1.0))
    }
}

impl Spread {
    /// The mean variance within runs, with the degrees of freedom of the sum of
    /// several estimated variances (Welch 1947 and Satterthwaite 1946, as in
    /// [`welch`]).
    fn within(runs: &[RunFigure]) -> Result<Option<Self>, StatsError> {
        let mut sum = 0.0;
        let mut squares = 0.0;
        let mut fewest = f64::INFINITY;
        for run in runs {
            let Some(within) = run.within else {
                return Ok(None);
            };
            let fine = |number: f64| number.is_finite() && number >= 0.0;
            if !(fine(within.variance) && fine(within.degrees) && within.degrees > 0.0) {
                return Err(StatsError::NotFinite {
                    what: "the noise within a run",
                });
            }
            sum += within.variance;
            squares += within.variance * within.variance / within.degrees;
            fewest = fewest.min(within.degrees);
        }
        let degrees = sum * sum / squares;
        let degrees = if degrees.is_finite() { degrees } else { fewest };
        let count = runs.len() as f64;
        Ok(Some(Self {
            per_run: sum / count,
            degrees,
            degrees_a_run: degrees / count,
        }))
    }
}

/// The degrees of freedom of the sum of two estimated variances with their own
/// (Welch 1947, <https://doi.org/10.1093/biomet/34.1-2.28>).
pub(super) fn welch(variances: [f64; 2], degrees: [f64; 2]) -> f64 {
    let sum = variances[0] + variances[1];
    // Shares, not squares, of variances: those of small numbers would vanish.
    let term = |side: usize| {
        let share = variances[side] / sum;
        if share > 0.0 {
            share * share / degrees[side]
        } else {
            0.0
        }
    };
    let together = 1.0 / (term(0) + term(1));
    if together.is_finite() {
        together
    } else {
        degrees[0].min(degrees[1])
    }
}
