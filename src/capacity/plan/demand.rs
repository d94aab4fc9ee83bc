//! The seconds of a day, scattered around what is expected of them.

use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand_distr::{Distribution, Poisson};

/// Parts of the key space that are told apart; partitions split at powers of two.
pub(super) const SLICES: usize = 16;

/// Readings due in each second, by part of the key space.
#[derive(Debug)]
pub(super) struct Seconds {
    seconds: Vec<[u32; SLICES]>,
    totals: Vec<u64>,
}

impl Seconds {
    /// Devices that have nothing to do with each other scatter like a Poisson
    /// process; keys are spread by hash.
    pub(super) fn around(expected: &[f64], seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut seconds = Vec::with_capacity(expected.len());
        for &readings in expected {
            let mut slices = [0; SLICES];
            if let Ok(poisson) = Poisson::new(readings / SLICES as f64) {
                for slice in &mut slices {
                    *slice = poisson.sample(&mut rng) as u32;
                }
            }
            seconds.push(slices);
        }
        let total = |slices: &[u32; SLICES]| slices.iter().map(|&n| u64::from(n)).sum();
        Self {
            totals: seconds.iter().map(total).collect(),
            seconds,
        }
    }

    /// Readings of each second: by slice, and all.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u32; SLICES], u64)> {
        self.seconds.iter().zip(self.totals.iter().copied())
    }

    /// Readings of the day.
    pub(super) fn readings(&self) -> u64 {
        self.totals.iter().sum()
    }

    /// Readings a second: mean, 99th percentile, most.
    pub(super) fn summary(&self) -> (f64, u64, u64) {
        let mut sorted = self.totals.clone();
        sorted.sort_unstable();
        let Some(&most) = sorted.last() else {
            return (0.0, 0, 0);
        };
        let p99 = sorted[(sorted.len() - 1) * 99 / 100];
        (self.readings() as f64 / sorted.len() as f64, p99, most)
    }
}
