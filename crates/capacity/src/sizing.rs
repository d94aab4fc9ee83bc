//! How large a table and a stream are made for a load: one rule for runs and
//! plans.
//!
//! Both are made for the busiest second that is expected, and a quarter more
//! ([`Headroom`]). The headroom covers what an expectation hides: seconds above
//! it by chance, and keys that hash unevenly to partitions and shards.

use super::stream::{Headroom, ShardLimits, shards_for};

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

#[cfg(test)]
mod tests {
    use super::*;

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
