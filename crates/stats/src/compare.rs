//! Whether two sides differ, by how much, and what would settle it.

use super::bootstrap::RunFigure;
use super::interval::Interval;
use super::problem::StatsError;
use super::settings::{Noise, Practical, Settings};
use super::side::{Basis, Side, Spread, finite, half_width, welch};
use super::student;

/// No more runs a side than this are advised.
pub(super) const MOST_RUNS: u32 = 1_000;

/// What is concluded of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The interval leaves out zero and holds changes that matter. Whether that
    /// is better or worse is the caller's to say. Where nothing has changed it
    /// comes up as often as the confidence leaves open, or more seldom.
    Changed,
    /// The interval holds no change that matters in practice, be there one or
    /// not.
    NotChanged,
    /// Too few or too short runs to tell.
    Inconclusive {
        /// How many more runs, on each side, would probably (with the power
        /// asked for) settle it, should the change and the noise turn out to be
        /// what they look like. For runs whose spread is not known, at least as
        /// many. `None` when a thousand would not do.
        more_runs: Option<u32>,
    },
}

/// A change as a share of the base: 0.1 is a tenth more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Relative {
    /// New by base, less one.
    pub change: f64,
    /// Where the true share may lie (Fieller 1954,
    /// <https://doi.org/10.1111/j.2517-6161.1954.tb00159.x>): unlike the
    /// absolute interval divided by the base, it allows for the noise of the
    /// base too.
    pub interval: Interval,
}

/// One figure of two sides, compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The mean of the base's runs.
    pub base: f64,
    /// The mean of the new side's runs.
    pub new: f64,
    /// `new - base`, in the figure's unit.
    pub change: f64,
    /// Where the true change may lie.
    pub interval: Interval,
    /// The change by the base; `None` when the base is not surely above zero,
    /// so that any share of it is possible.
    pub relative: Option<Relative>,
    /// Hedges' g: the change in standard deviations between runs, corrected for
    /// their small number. `None` with fewer than four runs in all, without
    /// spread, or without more than one run on either side.
    pub effect: Option<f64>,
    /// How probable a change at least as large is were there none, 0 to 1; of
    /// this figure by itself, however many are judged together.
    pub p_value: f64,
    /// The smallest true change, in the figure's unit, that runs like these
    /// would show with the power asked for.
    pub minimum_detectable: f64,
    /// What the interval allows for.
    pub basis: Basis,
    /// What is concluded.
    pub verdict: Verdict,
}

impl Comparison {
    /// Compares a figure of the runs of `new` with that of the runs of `base`.
    ///
    /// The unit of observation is the run: with several runs a side the noise
    /// is what differs between them, whatever their seconds are like. Equally
    /// many runs a side are compared by Student's t, other numbers by Welch's,
    /// which does not take both sides to vary alike. With one run on one side,
    /// it is taken to vary like the other side's. With one run on each, the interval shows
    /// the noise within them and the verdict is withheld as inconclusive,
    /// unless [`Noise::WithinRuns`] says that there is no other.
    ///
    /// # Errors
    ///
    /// A side without runs, a value that is not finite, a setting out of range,
    /// or no more than one run a side (or [`Noise::WithinRuns`]) and a run whose
    /// own noise is not known.
    pub fn of(
        base: &[RunFigure],
        new: &[RunFigure],
        settings: &Settings,
    ) -> Result<Self, StatsError> {
        settings.check()?;
        let sides = [Side::of(base)?, Side::of(new)?];
        let [base, new] = sides;
        let noise = Uncertainty::of(sides, settings.noise)?;
        let confidence = settings.each();
        let change = new.mean - base.mean;

        let now = noise.after(0);
        let quantile = student::two_sided(confidence, now.degrees);
        let error = now.error();
        let interval = finite(Interval::around(change, half_width(quantile, error)))?;
        let relative = relative(sides, now.variances, quantile);
        let p_value = match (error > 0.0, change == 0.0) {
            (true, _) => student::p_value(change / error, now.degrees),
            (false, true) => 1.0,
            (false, false) => 0.0,
        };
        let shift = student::detectable_shift(settings.power, now.degrees, confidence);
        let minimum_detectable = half_width(shift, error);

        let plan = Plan {
            change,
            base: base.mean,
            settings,
            confidence,
        };
        let withheld = noise.basis == Basis::WithinRuns && settings.noise == Noise::BetweenRuns;
        let verdict = if withheld {
            Verdict::Inconclusive {
                more_runs: plan.more_runs(&noise.between_more()),
            }
        } else if matters_not(&settings.practical, &interval, relative.as_ref()) {
            Verdict::NotChanged
        } else if !interval.contains(0.0) {
            Verdict::Changed
        } else {
            Verdict::Inconclusive {
                more_runs: plan.more_runs(&noise),
            }
        };
        Ok(Self {
            base: base.mean,
            new: new.mean,
            change,
            interval,
            relative,
            effect: effect(sides),
            p_value,
            minimum_detectable,
            basis: noise.basis,
            verdict,
        })
    }
}

fn matters_not(practical: &Practical, interval: &Interval, relative: Option<&Relative>) -> bool {
    interval.within(practical.absolute)
        || relative.is_some_and(|relative| relative.interval.within(practical.relative))
}

/// The noise of a difference between two sides.
struct Uncertainty {
    spreads: [Spread; 2],
    runs: [usize; 2],
    basis: Basis,
    /// Whether both spreads were seen between runs.
    between: bool,
}

/// The noise of a difference for a certain number of runs.
struct Precision {
    variances: [f64; 2],
    degrees: f64,
}

impl Precision {
    fn error(&self) -> f64 {
        (self.variances[0] + self.variances[1]).sqrt()
    }
}

impl Uncertainty {
    fn of(sides: [Side; 2], noise: Noise) -> Result<Self, StatsError> {
        let runs = sides.map(|side| side.runs);
        let within = || match sides.map(|side| side.within) {
            [Some(base), Some(new)] => Ok((Basis::WithinRuns, [base, new])),
            _ => Err(StatsError::NoSpread),
        };
        let (basis, spreads) = match (noise, sides.map(|side| side.between())) {
            (Noise::WithinRuns, _) | (Noise::BetweenRuns, [None, None]) => within()?,
            (Noise::BetweenRuns, [Some(base), Some(new)]) => (Basis::BetweenRuns, [base, new]),
            (Noise::BetweenRuns, [Some(base), None]) => (Basis::OneSide, [base, like(&base)]),
            (Noise::BetweenRuns, [None, Some(new)]) => (Basis::OneSide, [like(&new), new]),
        };
        let alike = sides.iter().any(|side| side.variance == Some(0.0));
        Ok(Self {
            spreads,
            runs,
            basis,
            between: basis == Basis::BetweenRuns && !alike,
        })
    }

    /// The noise with `more` more runs on each side.
    fn after(&self, more: u32) -> Precision {
        let variances = [0, 1].map(|side| self.spreads[side].variance(self.runs[side], more));
        let degrees = self.spreads.map(|spread| spread.degrees(more));
        // Equally many runs a side: Student's pooled variance, whose error is
        // the same as Welch's and whose promise, where both sides are the same
        // thing, is exact for as few as two. Welch's is too careful there, by
        // half with two or three runs. Which of them is taken hangs on the
        // number of runs alone, never on what they showed.
        let pooled = self.between && self.runs[0] == self.runs[1];
        // One variance, estimated once, serves both sides.
        let shared = self.basis == Basis::OneSide && more == 0;
        Precision {
            variances,
            degrees: if pooled || shared {
                degrees[0] + degrees[1]
            } else {
                welch(variances, degrees)
            },
        }
    }

    /// What is known beforehand of single runs that are to become several: at
    /// least the noise within them, and as many degrees of freedom as there
    /// will be runs to see it by.
    fn between_more(&self) -> Self {
        Self {
            spreads: self.spreads.map(|spread| like(&spread)),
            runs: self.runs,
            basis: Basis::BetweenRuns,
            between: true,
        }
    }
}

/// A single run taken to vary as another side's; it has no degrees of freedom
/// of its own, and gains one with each further run.
fn like(other: &Spread) -> Spread {
    Spread {
        per_run: other.per_run,
        degrees: 0.0,
        degrees_a_run: 1.0,
    }
}

fn relative(sides: [Side; 2], variances: [f64; 2], quantile: f64) -> Option<Relative> {
    let [base, new] = sides.map(|side| side.mean);
    // In units of the base, so that neither tiny nor huge figures leave the
    // range of numbers.
    let ratio = new / base;
    let width = |variance: f64| half_width(quantile, variance.sqrt() / base).powi(2);
    let [base_width, new_width] = variances.map(width);
    if !(base > 0.0 && base_width < 1.0) {
        return None;
    }
    // Fieller's quadratic in the ratio; its discriminant written as a sum of
    // what is not negative.
    let lead = 1.0 - base_width;
    let root = (new_width * lead + base_width * ratio * ratio).sqrt();
    let interval = Interval {
        low: (ratio - root) / lead - 1.0,
        high: (ratio + root) / lead - 1.0,
    };
    let change = ratio - 1.0;
    finite(interval)
        .ok()
        .map(|interval| Relative { change, interval })
}

fn effect(sides: [Side; 2]) -> Option<f64> {
    let mut squares = 0.0;
    let mut degrees = 0.0;
    for side in sides {
        if let Some(variance) = side.variance {
            let own = (side.runs - 1) as f64;
            squares += variance * own;
            degrees += own;
        }
    }
    let factor = student::hedges_factor(degrees)?;
    let effect = factor * (sides[1].mean - sides[0].mean) / (squares / degrees).sqrt();
    effect.is_finite().then_some(effect)
}

/// How many runs would settle what these do not.
struct Plan<'a> {
    change: f64,
    base: f64,
    settings: &'a Settings,
    confidence: f64,
}

impl Plan<'_> {
    fn more_runs(&self, noise: &Uncertainty) -> Option<u32> {
        if !self.settles(noise, MOST_RUNS) {
            return None;
        }
        let (mut too_few, mut enough) = (0, MOST_RUNS);
        while enough - too_few > 1 {
            let middle = u32::midpoint(too_few, enough);
            if self.settles(noise, middle) {
                enough = middle;
            } else {
                too_few = middle;
            }
        }
        Some(enough)
    }

    /// Whether so many more runs would probably put the interval clear of zero,
    /// or between the nearest changes that matter.
    fn settles(&self, noise: &Uncertainty, more: u32) -> bool {
        let practical = self.settings.practical;
        let matters = practical
            .absolute
            .max(practical.relative * self.base.max(0.0));
        let change = self.change.abs();
        let then = noise.after(more);
        let error = then.error();
        if error == 0.0 {
            return true;
        }
        let critical = student::two_sided(self.confidence, then.degrees);
        let clear_of = |room: f64| student::power(room / error, then.degrees, critical);
        let changed = clear_of(change);
        let unchanged = if change < matters {
            // Both ends have to be clear.
            clear_of(matters - change) + clear_of(matters + change) - 1.0
        } else {
            0.0
        };
        changed.max(unchanged) >= self.settings.power
    }
}
