//! The seconds of a day, scattered around what is expected of them.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Binomial, Distribution, Poisson, StandardNormal};

use super::answer::{Demand, Minutes};

/// Parts of the key space that are told apart; partitions split at powers of two.
pub(super) const SLICES: usize = 16;

/// Readings due in each second, by part of the key space.
#[derive(Debug)]
pub struct Seconds {
    seconds: Vec<[u32; SLICES]>,
    totals: Vec<u64>,
}

impl Seconds {
    /// Devices that have nothing to do with each other scatter like a Poisson
    /// process; keys are spread by hash.
    #[must_use]
    pub fn around(expected: &[f64], keys: Keys, seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut shares = [0.0; SLICES];
        let mut rest = keys.whole();
        for (at, share) in shares.iter_mut().enumerate() {
            let part = rest.take(1.0 / (SLICES - at) as f64, &mut rng);
            *share = part.share;
        }
        let seconds = expected.iter().map(|&readings| {
            let mut slices = [0; SLICES];
            for (slice, share) in slices.iter_mut().zip(shares) {
                if let Ok(poisson) = Poisson::new(readings * share) {
                    *slice = poisson.sample(&mut rng) as u32;
                }
            }
            slices
        });
        Self::of(seconds.collect())
    }

    /// So many readings in each second, spread evenly over the keys.
    #[must_use]
    pub fn exactly(due: &[u64]) -> Self {
        let even = |&readings: &u64| {
            let by = |at: usize| (readings * at as u64 / SLICES as u64) as u32;
            std::array::from_fn(|at| by(at + 1) - by(at))
        };
        Self::of(due.iter().map(even).collect())
    }

    fn of(seconds: Vec<[u32; SLICES]>) -> Self {
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

    /// How many seconds there are.
    pub(super) fn len(&self) -> usize {
        self.totals.len()
    }

    /// What they ask of a table, each reading `units` write units.
    pub(super) fn demand(&self, units: u64) -> Demand {
        let mut sorted = self.totals.clone();
        sorted.sort_unstable();
        let readings = self.totals.iter().sum();
        let p99 = sorted.get(sorted.len().saturating_sub(1) * 99 / 100);
        Demand {
            mean: readings as f64 / self.len().max(1) as f64 * units as f64,
            p99: p99.copied().unwrap_or(0) * units,
            peak: sorted.last().copied().unwrap_or(0) * units,
            readings,
            minutes: self.minutes(units),
        }
    }

    fn minutes(&self, units: u64) -> Minutes {
        let mut minutes = Minutes::default();
        for minute in self.totals.chunks(60) {
            let all: u64 = minute.iter().sum();
            let least = minute.iter().min().copied().unwrap_or(0);
            let most = minute.iter().max().copied().unwrap_or(0);
            minutes.least.push(least * units);
            minutes
                .mean
                .push(all as f64 / minute.len() as f64 * units as f64);
            minutes.most.push(most * units);
        }
        minutes
    }
}

/// What keys readings have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// Each its own: every part of the key space gets its share.
    Own,
    /// So many in all, each of one device: a part of the key space gets what
    /// the devices send whose keys happen to lie in it.
    Devices(u32),
}

impl Keys {
    /// The whole key space.
    pub(super) fn whole(self) -> KeyRange {
        KeyRange {
            share: 1.0,
            keys: match self {
                Self::Own => None,
                Self::Devices(devices) => Some((u64::from(devices), u64::from(devices.max(1)))),
            },
        }
    }
}

/// A range of key hashes, and its share of all readings.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyRange {
    pub(super) share: f64,
    /// Keys in it, and in all, where they are few enough to be counted.
    keys: Option<(u64, u64)>,
}

impl KeyRange {
    /// Cuts off a part of so much of its hashes.
    pub(super) fn take(&mut self, part: f64, rng: &mut SmallRng) -> Self {
        let taken = match self.keys {
            None => Self {
                share: self.share * part,
                keys: None,
            },
            Some((keys, all)) => {
                let keys = binomial(keys, part, rng);
                Self {
                    share: keys as f64 / all as f64,
                    keys: Some((keys, all)),
                }
            }
        };
        self.share = (self.share - taken.share).max(0.0);
        if let (Some((left, _)), Some((keys, _))) = (&mut self.keys, taken.keys) {
            *left -= keys;
        }
        taken
    }
}

/// Variance from which on the normal distribution stands for the binomial one:
/// five standard deviations are then 25, and counts are whole numbers anyway.
const NORMAL_FROM: f64 = 25.0;

/// How many of `n` fall into a part of this share.
#[inline]
pub(super) fn binomial(n: u64, share: f64, rng: &mut SmallRng) -> u64 {
    if n == 0 || share <= 0.0 {
        return 0;
    }
    if share >= 1.0 {
        return n;
    }
    let mean = n as f64 * share;
    let variance = mean * (1.0 - share);
    if variance < NORMAL_FROM {
        return Binomial::new(n, share).map_or(0, |binomial| binomial.sample(rng));
    }
    let deviation: f64 = rng.sample(StandardNormal);
    ((mean + variance.sqrt() * deviation + 0.5).max(0.0) as u64).min(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_count_scatter_as_they_should() {
        let mut rng = SmallRng::seed_from_u64(1);
        for (n, share) in [(3, 0.25), (40, 0.5), (1_000, 0.125), (100_000, 0.01)] {
            let drawn: Vec<f64> = (0..20_000)
                .map(|_| binomial(n, share, &mut rng) as f64)
                .collect();
            let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
            let square = |x: &f64| (x - mean) * (x - mean);
            let variance = drawn.iter().map(square).sum::<f64>() / drawn.len() as f64;
            let expected = n as f64 * share;
            assert!((mean / expected - 1.0).abs() < 0.02, "{n} {share}: {mean}");
            let expected = expected * (1.0 - share);
            // Rounding to whole numbers adds a twelfth.
            let off = (variance - expected).abs();
            assert!(off < 0.05 * expected + 0.09, "{n} {share}: {variance}");
        }
        assert_eq!(binomial(7, 1.0, &mut rng), 7);
        assert_eq!(binomial(7, 0.0, &mut rng), 0);
    }

    #[test]
    fn few_devices_are_spread_unevenly_and_none_is_lost() {
        let expected = [160.0; 600];
        let slices = |keys| {
            let seconds = Seconds::around(&expected, keys, 3);
            let mut sums = [0u64; SLICES];
            for (slices, _) in seconds.iter() {
                for (sum, &n) in sums.iter_mut().zip(slices) {
                    *sum += u64::from(n);
                }
            }
            sums
        };
        let (own, few) = (slices(Keys::Own), slices(Keys::Devices(40)));
        let spread = |sums: &[u64; SLICES]| {
            let most = sums.iter().max().copied().unwrap_or(0);
            most as f64 / (sums.iter().sum::<u64>() as f64 / SLICES as f64)
        };
        assert!(spread(&own) < 1.1, "{own:?}");
        assert!(spread(&few) > 1.4, "{few:?}");
        let ratio = few.iter().sum::<u64>() as f64 / 96_000.0;
        assert!((ratio - 1.0).abs() < 0.02, "{ratio}");
    }

    #[test]
    fn an_exact_demand_is_kept_to_the_reading() {
        let due = [0, 1, 15, 16, 17, 1_000_003];
        let seconds = Seconds::exactly(&due);
        let found: Vec<u64> = seconds.iter().map(|(_, total)| total).collect();
        assert_eq!(found, due);
        let demand = seconds.demand(2);
        assert_eq!((demand.peak, demand.minutes.least[0]), (2_000_006, 0));
    }
}
