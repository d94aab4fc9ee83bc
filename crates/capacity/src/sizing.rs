//! How large a table and a stream are made for a load: one rule for runs and
//! plans.
//!
//! Both are made for the busiest second that is expected, and a quarter more
//! ([`Headroom`]). The headroom covers what an expectation hides: seconds above
//! it by chance, and keys that hash unevenly to partitions and shards.

use super::stream::{Headroom, ShardLimits, shards_for};
use super::table::PARTITION_CAP;

/// Returns the shards of a stream that carries `peak` records a second, each of
/// `record_bytes` with its partition key.
#[must_use]
pub fn shards(peak: f64, record_bytes: u64) -> u32 {
    let (headroom, limits) = (Headroom::default(), ShardLimits::default());
    shards_for(peak.ceil() as u64, record_bytes, headroom, &limits).shards
}

/// Returns the write units a second of a table that takes `peak` items a second, each of
/// `units`; at least one.
#[must_use]
pub fn write_units(peak: f64, units: u64, headroom: Headroom) -> u64 {
    let factor = 1.0 + f64::from(headroom.percent) / 100.0;
    ((peak * units as f64 * factor).ceil() as u64).max(1)
}

/// By how many standard deviations the busiest partition is above the mean one.
const BUSIEST: f64 = 3.0;

/// How many times as many partitions as the load needs a few keys are spread over at
/// most: more part no two keys that are not parted already, and never one key.
const SPREAD_AT_MOST: u64 = 4;

/// Returns the warm throughput of an on-demand table whose busiest partition takes its
/// part of `needed` write units a second, when those are of so many keys, each alike.
///
/// Keys come to partitions by their hash. The fewer they are, the less evenly: the load
/// of a partition scatters by the square root of the keys in it.
#[must_use]
pub fn warm_units_for_keys(needed: u64, keys: f64) -> u64 {
    let least = needed.div_ceil(PARTITION_CAP.write).max(1);
    let all = needed as f64;
    let busiest = |partitions: u64| {
        let partitions = partitions as f64;
        all / partitions + BUSIEST * all / (keys.max(1.0) * partitions).sqrt()
    };
    let mut tried = least..least * SPREAD_AT_MOST;
    let partitions = tried.find(|&of| busiest(of) <= PARTITION_CAP.write as f64);
    match partitions.unwrap_or(least * SPREAD_AT_MOST) {
        partitions if partitions == least => needed,
        partitions => partitions * PARTITION_CAP.write,
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::SmallRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    /// How often, of many tables, keys that are alike overload a partition.
    fn overloaded(load: u64, warm: u64, keys: u64) -> f64 {
        let mut rng = SmallRng::seed_from_u64(5);
        let partitions = warm.div_ceil(PARTITION_CAP.write) as usize;
        let tables = 2_000;
        let over = (0..tables).filter(|_| {
            let mut held = vec![0; partitions];
            (0..keys).for_each(|_| held[rng.random_range(0..partitions)] += 1);
            let most = held.iter().max().copied().unwrap_or(0);
            most * load / keys > PARTITION_CAP.write
        });
        over.count() as f64 / f64::from(tables)
    }

    #[test]
    fn few_keys_get_partitions_enough_for_the_busiest() {
        // A load, and the same with headroom.
        for (load, needed, keys) in [
            (5_000, 7_500, 46),
            (5_000, 7_500, 200),
            (20_000, 30_000, 900),
        ] {
            let warm = warm_units_for_keys(needed, keys as f64);
            assert!(warm > needed, "{load} of {keys}: {warm}");
            assert!(warm <= needed.next_multiple_of(1_000) * SPREAD_AT_MOST);
            let over = overloaded(load, warm, keys);
            assert!(over < 0.02, "{load} of {keys}, {warm}: {over}");
        }
        assert!(overloaded(5_000, 7_500, 46) > 0.3);
        // Many keys are spread evenly enough, and one key cannot be spread.
        assert_eq!(warm_units_for_keys(7_500, 1e6), 7_500);
        assert_eq!(warm_units_for_keys(600, 1e9), 600);
        assert_eq!(warm_units_for_keys(7_500, 1.0), 32_000);
    }

    #[test]
    fn a_quarter_more_than_the_peak_is_asked_for() {
        let usual = Headroom::default();
        assert_eq!(write_units(0.0, 1, usual), 1);
        assert_eq!(write_units(4_650.0, 1, usual), 5_813);
        assert_eq!(write_units(100.0, 3, Headroom { percent: 50 }), 450);
        for (peak, record_bytes, expected) in [
            (0.0, 600, 1),
            (799.0, 600, 1),
            (999.0, 600, 2),
            (5_000.0, 600, 7),
            (100.0, 1 << 20, 125),
        ] {
            assert_eq!(shards(peak, record_bytes), expected, "{peak}");
        }
    }
}
