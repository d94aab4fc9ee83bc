//! How far the seconds of a run depend on each other.
//!
//! A queue that is long now is long a second later, so that sixty seconds are
//! worth fewer than sixty independent observations. What takes them for
//! independent finds differences where there are none.

use super::moments;
use super::problem::{StatsError, check};

/// The fewest values whose dependence is estimated. Below it the longest lag
/// that [`optimal_block`] looks at would have no values left.
pub const SHORTEST_SERIES: usize = 12;

/// Sokal's window: lags are summed up to the first that is at least five times
/// the integrated time so far (Sokal 1997, "Monte Carlo methods in statistical
/// mechanics", section 3, <https://doi.org/10.1007/978-1-4899-0319-8_6>; 4 to 10
/// are advised). Farther lags add noise and hardly anything else.
const SOKAL_WINDOW: f64 = 5.0;

/// What dependence makes of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dependence {
    /// The integrated autocorrelation time, in values of the series: the sum of
    /// the autocorrelations at all lags, negative ones included. 1 for
    /// independent values; never below 1, because alternation, which would
    /// make a mean more certain than independence does, is not counted on.
    pub integrated_time: f64,
    /// As many independent values would tell the mean as well: the number of
    /// values divided by `integrated_time`.
    pub effective_size: f64,
}

/// The autocorrelation at lags `0..=lags`, each in -1 to 1, the first being 1.
///
/// Autocovariances are divided by the number of values at every lag (the
/// "biased" estimator), which keeps the sequence positive definite.
///
/// # Errors
///
/// Fewer values than `lags + 2`, a value that is not finite, or values that do
/// not vary.
pub fn autocorrelation(series: &[f64], lags: usize) -> Result<Vec<f64>, StatsError> {
    let covariances = Covariances::of("autocorrelation", lags.saturating_add(2), series)?;
    Ok((0..=lags).map(|lag| covariances.correlation(lag)).collect())
}

/// The integrated autocorrelation time of `series` and the effective sample
/// size that follows, truncated by Sokal's window (five times the time).
///
/// The estimate is poor, and too low, for series shorter than about fifty times
/// their integrated time.
///
/// # Errors
///
/// Fewer than [`SHORTEST_SERIES`] values, a value that is not finite, or values
/// that do not vary.
pub fn dependence(series: &[f64]) -> Result<Dependence, StatsError> {
    let covariances = Covariances::of("effective sample size", SHORTEST_SERIES, series)?;
    let mut time = 1.0;
    for lag in 1..series.len() {
        if (lag - 1) as f64 >= SOKAL_WINDOW * time {
            break;
        }
        time += 2.0 * covariances.correlation(lag);
    }
    let integrated_time = time.clamp(1.0, series.len() as f64);
    Ok(Dependence {
        integrated_time,
        effective_size: series.len() as f64 / integrated_time,
    })
}

/// The block length, in values, that Politis and White found best for the
/// variance of a mean under the circular block bootstrap: Politis and White
/// 2004 (<https://doi.org/10.1081/ETR-120028836>) with the correction of
/// Patton, Politis and White 2009
/// (<https://doi.org/10.1080/07474930802459016>).
///
/// # Errors
///
/// As [`dependence()`].
pub fn optimal_block(series: &[f64]) -> Result<f64, StatsError> {
    let covariances = Covariances::of("a block length", SHORTEST_SERIES, series)?;
    let n = series.len() as f64;
    // The names and constants of the paper: the correlogram is taken for zero
    // from the first lag that is followed by `run` insignificant ones.
    let run = 5.max(n.log10() as usize);
    let last = n.sqrt().ceil() as usize + run;
    let significant = 2.0 * (n.log10() / n).sqrt();
    let insignificant: Vec<bool> = (0..=last)
        .map(|lag| covariances.trimmed_correlation(lag).abs() < significant)
        .collect();
    let zero_from = insignificant
        .windows(run)
        .take(last + 1 - run)
        .position(|lags| lags.iter().all(|&insignificant| insignificant));
    let lags = zero_from.map_or(last, |lag| (2 * lag.max(1)).min(last));
    let mut weighted = 0.0;
    let mut spectrum = covariances.at(0);
    for lag in 1..=lags {
        let share = lag as f64 / lags as f64;
        let taper = if share <= 0.5 {
            1.0
        } else {
            2.0 * (1.0 - share)
        };
        let term = 2.0 * taper * covariances.at(lag);
        weighted += lag as f64 * term;
        spectrum += term;
    }
    let longest = (3.0 * n.sqrt()).min(n / 3.0).ceil();
    // 2 G^2 / D, with D = 4/3 g^2 for blocks of a fixed length.
    let ratio = 1.5 * (weighted / spectrum).powi(2);
    let block = (ratio * n).cbrt();
    // The flat-top spectrum at zero can come out as 0; nothing then speaks for
    // short blocks.
    Ok(if block.is_finite() {
        block.min(longest)
    } else {
        longest
    })
}

/// The block length to resample `series` with: a whole number of values from 1
/// to a quarter of the series.
///
/// It is twice [`optimal_block`]. That one gives the variance the least error,
/// and a bias downwards that makes intervals too short; twice its length,
/// together with the few degrees of freedom that so few blocks leave (see
/// [`Within`](super::Within)), gives intervals that cover what they should
/// (`scripts/statistics` prints by how much). Of several figures of a run take
/// the longest block. For a percentile, a series that moves with it serves:
/// how many of each second's values lie above the run's own percentile.
///
/// A series that does not vary gets blocks of 1.
///
/// # Errors
///
/// Fewer than [`SHORTEST_SERIES`] values, or a value that is not finite.
pub fn block_length(series: &[f64]) -> Result<usize, StatsError> {
    match optimal_block(series) {
        Ok(optimal) => {
            let longest = series.len() / 4;
            Ok(((2.0 * optimal).ceil() as usize).clamp(1, longest))
        }
        Err(StatsError::Constant { .. }) => Ok(1),
        Err(problem) => Err(problem),
    }
}

/// Autocovariances of a series, computed as they are asked for.
struct Covariances {
    centred: Vec<f64>,
    variance: f64,
}

impl Covariances {
    fn of(what: &'static str, needed: usize, series: &[f64]) -> Result<Self, StatsError> {
        check(what, needed, series)?;
        let mean = moments::mean(series);
        let centred: Vec<f64> = series.iter().map(|value| value - mean).collect();
        let variance = product(&centred, &centred) / series.len() as f64;
        if !variance.is_finite() {
            return Err(StatsError::NotFinite { what });
        }
        // Squares of tiny differences can vanish; the series is then as good as
        // constant.
        if variance <= 0.0 {
            return Err(StatsError::Constant {
                what,
                found: series.len(),
            });
        }
        Ok(Self { centred, variance })
    }

    fn at(&self, lag: usize) -> f64 {
        let n = self.centred.len();
        if lag >= n {
            return 0.0;
        }
        product(&self.centred[lag..], &self.centred[..n - lag]) / n as f64
    }

    fn correlation(&self, lag: usize) -> f64 {
        self.at(lag) / self.variance
    }

    /// Normalised by the values that a lag leaves at either end, as the `arch`
    /// package does it, with which `optimal_block` is compared in tests.
    fn trimmed_correlation(&self, lag: usize) -> f64 {
        let n = self.centred.len();
        let (late, early) = (&self.centred[lag + 1..], &self.centred[..n - lag - 1]);
        let norm = (product(late, late) * product(early, early)).sqrt();
        let correlation = self.at(lag) * n as f64 / norm;
        // No variation at one end: nothing to call insignificant.
        if correlation.is_finite() {
            correlation
        } else {
            1.0
        }
    }
}

fn product(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}
