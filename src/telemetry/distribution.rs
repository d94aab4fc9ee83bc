//! How long a stage took, since the run began to send: counts between fixed
//! bounds.
//!
//! Fixed bounds and not quantiles: they add up, over the seconds between two
//! scrapes as over several generators, where quantiles do not. HdrHistogram's
//! own thousands of buckets are for the result file.

use crate::measure::{Latency, Stage};

/// Upper bounds in microseconds, half a millisecond to a minute: two or three a
/// decade, which is what percentiles are told from within a factor of 2.5.
const BOUNDS_US: [i64; 16] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

/// The same for stages between two clocks, whose values may be negative.
const TWO_CLOCK_BOUNDS_US: [i64; 18] = [
    -1_000_000, -100_000, -10_000, -1_000, 0, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000,
    250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 60_000_000,
];

/// Values of one stage, counted between bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    bounds_us: &'static [i64],
    /// One for each bound, and one for what is above the last.
    counts: Vec<u64>,
    sum_us: f64,
}

impl Distribution {
    /// Nothing yet, between the bounds that suit `stage`.
    #[must_use]
    pub fn new(stage: Stage) -> Self {
        let bounds_us: &[i64] = if stage.spans_clocks() {
            &TWO_CLOCK_BOUNDS_US
        } else {
            &BOUNDS_US
        };
        Self {
            bounds_us,
            counts: vec![0; bounds_us.len() + 1],
            sum_us: 0.0,
        }
    }

    /// Adds values. They are known within 0.1 %, and so is which side of a bound
    /// they are on.
    pub fn add(&mut self, latency: &Latency) {
        for (us, count) in latency.counts() {
            let within = |bound: &i64| us > bound + bound.abs() / 1_000;
            self.counts[self.bounds_us.partition_point(within)] += count;
        }
        self.sum_us += latency.mean_us() * latency.count() as f64;
    }

    /// Upper bounds in seconds, ascending.
    pub fn bounds(&self) -> impl Iterator<Item = f64> {
        self.bounds_us.iter().map(|us| *us as f64 / 1e6)
    }

    /// Values at or below each bound and above the one before; the last are
    /// above every bound.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Number of values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All values added up, in seconds; `None` where some may be negative, so
    /// that the sum could fall.
    #[must_use]
    pub fn sum(&self) -> Option<f64> {
        let negative = self.bounds_us.first().is_some_and(|first| *first < 0);
        (!negative).then_some(self.sum_us / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_once_and_at_its_bound_or_below() {
        let mut latency = Latency::default();
        let values = [0, 499, 500, 501, 5_000, 5_100, 59_000_000, 3_600_000_000];
        for us in values {
            latency.record(us);
        }
        let mut of = Distribution::new(Stage::Response);
        of.add(&latency);
        of.add(&latency);
        assert_eq!(of.count(), 16);
        assert_eq!(of.counts()[..5], [6, 2, 0, 2, 2]);
        assert_eq!(of.counts()[15..], [2, 2]);
        let sum = of.sum().unwrap_or_default();
        let exact = 2.0 * values.iter().sum::<i64>() as f64 / 1e6;
        assert!((sum / exact - 1.0).abs() < 1e-9, "{sum} {exact}");
    }

    #[test]
    fn negative_values_have_bounds_and_no_sum() {
        let mut latency = Latency::default();
        for us in [-2_000_000, -500, 0, 7] {
            latency.record(us);
        }
        let mut of = Distribution::new(Stage::Capture);
        of.add(&latency);
        assert_eq!(of.counts()[..6], [1, 0, 0, 0, 2, 1]);
        assert_eq!(of.sum(), None);
        assert!(of.bounds().is_sorted());
        assert_eq!(of.bounds().count() + 1, of.counts().len());
    }
}
