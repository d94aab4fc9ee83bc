//! How heart rates of the model are distributed, to set beside those seen.

use std::time::Duration;

use super::board::HIGHEST_BPM;
use super::summary::BIN_BPM;
use crate::workload::{Fleet, Pace, Partition, Profile, Source, Workload};

/// Shares of readings by heart rate, in bins of five beats a minute from zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Shares(pub Vec<f64>);

/// Wearers that are simulated, for a day with a reading a minute.
const WEARERS: u32 = 300;
const DAY: Duration = Duration::from_secs(86_400);
/// A day like any other, beginning at midnight in UTC: 2026-01-01.
const START_US: u64 = 1_767_225_600_000_000;
const SEED: u64 = 1;

/// Simulates the profile `steady` for a day. Takes some tenths of a second.
///
/// # Panics
/// Never: the profile and its pace are always the same.
#[must_use]
pub fn reference() -> Shares {
    let pace = Pace::Interval(Duration::from_secs(60));
    let profile = Profile::named(Profile::DEFAULT).expect("it is built in");
    let workload = Workload::new(profile, WEARERS, pace, SEED, DAY).expect("steady has senders");
    let mut fleet = Fleet::new(&workload, Partition::WHOLE, START_US);
    let mut bins = vec![0_u64; HIGHEST_BPM / BIN_BPM + 1];
    let end_us = START_US + DAY.as_micros() as u64;
    while let Some(reading) = fleet.next_until(end_us) {
        bins[usize::from(reading.bpm) / BIN_BPM] += 1;
    }
    let total = bins.iter().sum::<u64>().max(1) as f64;
    Shares(bins.iter().map(|of| *of as f64 / total).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_a_distribution_of_people_at_rest_and_at_work() {
        let Shares(shares) = reference();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let between = |from: usize, to: usize| shares[from / 5..to / 5].iter().sum::<f64>();
        assert!(between(50, 110) > 0.7, "{}", between(50, 110));
        assert!(between(0, 30) < 0.01 && between(220, 255) < 0.01);
    }
}
