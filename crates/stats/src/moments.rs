//! Mean and variance.

/// The arithmetic mean; 0 of nothing.
pub(super) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    // Around the first value: equal values then have exactly their own mean,
    // and a variance of exactly 0.
    let origin = values[0];
    origin + values.iter().map(|value| value - origin).sum::<f64>() / values.len() as f64
}

/// The sample variance, divided by one less than the number of values; 0 of
/// fewer than two.
pub(super) fn variance(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    squares / (values.len() - 1) as f64
}

/// Mean and variance of values met one by one (Welford 1962,
/// <https://doi.org/10.1080/00401706.1962.10490022>), so that thousands of
/// resamples need not be kept.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Running {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Running {
    pub(super) fn add(&mut self, value: f64) {
        self.count += 1;
        let off = value - self.mean;
        self.mean += off / self.count as f64;
        self.squares += off * (value - self.mean);
    }

    pub(super) fn variance(&self) -> f64 {
        if self.count < 2 {
            0.0
        } else {
            self.squares / (self.count - 1) as f64
        }
    }
}
