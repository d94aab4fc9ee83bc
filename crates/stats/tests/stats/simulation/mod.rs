//! Error rates, seen in simulated runs: false alarms, coverage, power.
//!
//! Seconds are autoregressive (each a share `phi` of the one before, plus
//! normal noise), runs may differ by a level of their own. The tests hold the
//! rates to binomial bounds; `scripts/statistics` prints them, with more
//! repetitions, other shapes, and two methods that were not taken.

mod at_length;
mod between;
mod latencies;
mod within;

use hrload_stats::{Comparison, Verdict};
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{bare, strict};

type Draws = Xoshiro256PlusPlus;

fn draws(seed: u64) -> Draws {
    Draws::seed_from_u64(seed)
}

fn normal(draws: &mut Draws) -> f64 {
    StandardNormal.sample(draws)
}

/// How runs are made.
#[derive(Clone, Copy, Debug)]
struct Process {
    seconds: usize,
    /// Autocorrelation from one second to the next.
    phi: f64,
    /// Standard deviation between runs, in standard deviations of the mean of a
    /// run of independent seconds.
    between: f64,
}

impl Process {
    /// The seconds of a run around `level`; a second's own deviation is such
    /// that independent seconds would give the run's mean a deviation of 1.
    fn run(&self, level: f64, draws: &mut Draws) -> Vec<f64> {
        let scale = (self.seconds as f64).sqrt();
        let own = level + self.between * normal(draws);
        let mut state = normal(draws);
        let fresh = (1.0 - self.phi * self.phi).sqrt();
        (0..self.seconds)
            .map(|_| {
                state = self.phi * state + fresh * normal(draws);
                own + scale * state
            })
            .collect()
    }

    fn means(&self, runs: usize, level: f64, draws: &mut Draws) -> Vec<f64> {
        (0..runs).map(|_| mean(&self.run(level, draws))).collect()
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// How often something happened.
#[derive(Clone, Copy, Default)]
struct Rate {
    hits: u32,
    of: u32,
}

impl Rate {
    fn over(of: u32, mut happens: impl FnMut(u32) -> bool) -> Self {
        let hits = (0..of).filter(|&pair| happens(pair)).count() as u32;
        Self { hits, of }
    }

    fn share(self) -> f64 {
        f64::from(self.hits) / f64::from(self.of)
    }

    /// That the rate is `wanted`, within 3.3 binomial standard errors: once in
    /// a thousand cases outside, were the seeds not fixed.
    #[track_caller]
    fn is(self, wanted: f64, what: &str) {
        self.is_at_least(wanted, what);
        self.is_at_most(wanted, what);
    }

    #[track_caller]
    fn is_at_most(self, wanted: f64, what: &str) {
        let bound = wanted + 3.3 * self.error(wanted);
        assert!(
            self.share() <= bound,
            "{what}: {} above {bound}",
            self.share()
        );
    }

    #[track_caller]
    fn is_at_least(self, wanted: f64, what: &str) {
        let bound = wanted - 3.3 * self.error(wanted);
        assert!(
            self.share() >= bound,
            "{what}: {} below {bound}",
            self.share()
        );
    }

    fn error(self, wanted: f64) -> f64 {
        (wanted * (1.0 - wanted) / f64::from(self.of)).sqrt()
    }
}

const fn process(seconds: usize, phi: f64, between: f64) -> Process {
    Process {
        seconds,
        phi,
        between,
    }
}

fn alarms(pairs: u32, base: usize, new: usize, process: &Process, confidence: f64) -> Rate {
    let mut draws = draws(1);
    Rate::over(pairs, |_| {
        let base = bare(&process.means(base, 1_000.0, &mut draws));
        let new = bare(&process.means(new, 1_000.0, &mut draws));
        let found = Comparison::of(&base, &new, &strict(confidence)).unwrap();
        found.verdict == Verdict::Changed
    })
}
