//! What a shard takes: records and bytes a second.

use super::bucket::Bucket;
use super::{ShardLimits, ShardThrottle};

/// Pieces in which demand spread over a time is offered.
const LOT_US: u64 = 100_000;

/// The write side of a shard. A record passes if both its limits allow it; one
/// that does not pass uses up nothing (assumed: AWS does not say whether
/// refused records count against the limits).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardWrites {
    at_us: u64,
    records: Bucket,
    bytes: Bucket,
}

/// What became of many records of one demand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Admitted {
    /// Records taken.
    pub records: u64,
    /// Records refused.
    pub refused: u64,
    /// Which limit refused the last of them.
    pub throttle: Option<ShardThrottle>,
}

impl ShardWrites {
    /// The write side of a shard opened at `now_us`, with what a new one has saved.
    #[must_use]
    pub fn new(limits: &ShardLimits, now_us: u64) -> Self {
        let bucket = |per_s| Bucket::new(per_s, limits.write_burst_ms, limits.write_saved_ms);
        Self {
            at_us: now_us,
            records: bucket(limits.write_records_per_s),
            bytes: bucket(limits.write_bytes_per_s),
        }
    }

    #[inline]
    fn earn_until(&mut self, now_us: u64) {
        if now_us > self.at_us {
            let elapsed_us = now_us - self.at_us;
            self.records.earn(elapsed_us);
            self.bytes.earn(elapsed_us);
            self.at_us = now_us;
        }
    }

    #[inline]
    fn take(&mut self, record_bytes: u32) -> Result<(), ShardThrottle> {
        let bytes = u64::from(record_bytes);
        if !self.records.affords(1) {
            return Err(ShardThrottle::WriteRecords);
        }
        if !self.bytes.affords(bytes) {
            return Err(ShardThrottle::WriteBytes);
        }
        self.records.spend(1);
        self.bytes.spend(bytes);
        Ok(())
    }

    /// Takes one record of `record_bytes`, partition key included, at `now_us`.
    ///
    /// Allocates nothing; some ten integer operations.
    ///
    /// # Errors
    ///
    /// The limit that does not allow it.
    #[inline]
    pub fn admit(&mut self, now_us: u64, record_bytes: u32) -> Result<(), ShardThrottle> {
        self.earn_until(now_us);
        self.take(record_bytes)
    }

    /// Takes as many of `records` records of one size as there is room for at
    /// `now_us`: the same as [`Self::admit`] for each.
    pub fn admit_many(&mut self, now_us: u64, records: u64, record_bytes: u32) -> Admitted {
        self.earn_until(now_us);
        let bytes = u64::from(record_bytes);
        let by_records = self.records.times(1);
        let by_bytes = self.bytes.times(bytes);
        let taken = records.min(by_records).min(by_bytes);
        self.records.spend(taken);
        self.bytes.spend(taken.saturating_mul(bytes));
        Admitted {
            records: taken,
            refused: records - taken,
            throttle: (taken < records).then_some(if by_records <= by_bytes {
                ShardThrottle::WriteRecords
            } else {
                ShardThrottle::WriteBytes
            }),
        }
    }

    /// Takes what it can of a PutRecords call's records for this shard, in
    /// order; `outcome` hears the place of each in `sizes` and what became of
    /// it. A small record may pass where a larger one before it did not.
    pub fn admit_batch(
        &mut self,
        now_us: u64,
        sizes: impl IntoIterator<Item = u32>,
        mut outcome: impl FnMut(usize, Result<(), ShardThrottle>),
    ) -> Admitted {
        self.earn_until(now_us);
        let mut admitted = Admitted::default();
        for (place, size) in sizes.into_iter().enumerate() {
            let taken = self.take(size);
            match taken {
                Ok(()) => admitted.records += 1,
                Err(throttle) => {
                    admitted.refused += 1;
                    admitted.throttle = Some(throttle);
                }
            }
            outcome(place, taken);
        }
        admitted
    }

    /// Takes what it can of a demand that is spread evenly over `span_us` from
    /// `from_us` on, such as a second's. It is offered in equal lots, one every
    /// 100 ms from the start on: exactly [`Self::admit_many`] for each.
    pub fn admit_evenly(
        &mut self,
        from_us: u64,
        span_us: u64,
        records: u64,
        record_bytes: u32,
    ) -> Admitted {
        let lots = span_us.div_ceil(LOT_US).max(1);
        let before = |lot: u64| (u128::from(records) * u128::from(lot) / u128::from(lots)) as u64;
        let mut all = Admitted::default();
        for lot in 0..lots {
            let due = before(lot + 1) - before(lot);
            let one = self.admit_many(from_us + lot * LOT_US, due, record_bytes);
            all.records += one.records;
            all.refused += one.refused;
            all.throttle = one.throttle.or(all.throttle);
        }
        all
    }

    /// The earliest time at which a record of `record_bytes` passes, if none
    /// passes before it.
    #[must_use]
    pub fn admits_at_us(&self, record_bytes: u32) -> u64 {
        let wait_us = self
            .records
            .affords_in_us(1)
            .max(self.bytes.affords_in_us(u64::from(record_bytes)));
        self.at_us.saturating_add(wait_us)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: u64 = 1 << 20;

    fn writes() -> ShardWrites {
        ShardWrites::new(&ShardLimits::default(), 0)
    }

    #[test]
    fn a_shard_takes_a_thousand_small_records_a_second_however_many_come() {
        let mut shard = writes();
        let mut taken = 0;
        // 2,000 a second for a minute, one by one.
        for i in 0..120_000u64 {
            taken += u64::from(shard.admit(i * 500, 613).is_ok());
        }
        // A second's worth saved up, and what the last 500 us did not earn.
        assert_eq!(taken, 60_000 + 1000 - 1);
        assert_eq!(
            shard.admit(120_000 * 500 - 1, 613),
            Err(ShardThrottle::WriteRecords)
        );
    }

    #[test]
    fn large_records_meet_the_limit_in_bytes_and_small_ones_that_in_records() {
        for (record_bytes, throttle, a_minute) in [
            (100, ShardThrottle::WriteRecords, 60_000 + 1000),
            (1048, ShardThrottle::WriteRecords, 60_000 + 1000),
            (1049, ShardThrottle::WriteBytes, 61 * MIB / 1049),
            (100_000, ShardThrottle::WriteBytes, 61 * MIB / 100_000),
        ] {
            let mut shard = writes();
            let taken = (0..=600)
                .map(|tenth| shard.admit_many(tenth * 100_000, 10_000, record_bytes))
                .fold(0, |taken, one| {
                    assert_eq!(one.throttle, Some(throttle), "{record_bytes}");
                    taken + one.records
                });
            assert_eq!(taken, a_minute, "{record_bytes}");
        }
    }

    #[test]
    fn the_largest_record_passes_and_is_paid_for_afterwards() {
        let mut shard = writes();
        let largest = (10 * MIB) as u32 + 256;
        assert_eq!(shard.admit(0, largest), Ok(()));
        assert_eq!(shard.admit(0, 1), Err(ShardThrottle::WriteBytes));
        // 9 MiB and the key are owed.
        assert_eq!(shard.admits_at_us(1), 9_000_246);
        assert_eq!(shard.admit(9_000_245, 1), Err(ShardThrottle::WriteBytes));
        assert_eq!(shard.admit(9_000_246, 1), Ok(()));
    }

    #[test]
    fn a_batch_loses_only_the_records_that_do_not_fit() {
        let mut shard = writes();
        let mut refused = Vec::new();
        let sizes = [600_000, 600_000, 400_000, 48_576, 1];
        let admitted = shard.admit_batch(0, sizes, |place, outcome| {
            if outcome.is_err() {
                refused.push(place);
            }
        });
        assert_eq!(refused, [1, 4]);
        assert_eq!((admitted.records, admitted.refused), (3, 2));
        assert_eq!(admitted.throttle, Some(ShardThrottle::WriteBytes));
    }

    #[test]
    fn a_time_that_goes_back_counts_as_the_last() {
        let mut shard = writes();
        assert_eq!(shard.admit_many(5_000_000, 2000, 1).records, 1000);
        assert_eq!(shard.admit_many(1_000_000, 2000, 1).records, 0);
        assert_eq!(shard.admit_many(5_001_000, 2000, 1).records, 1);
        assert_eq!(shard.admit_many(u64::MAX, 2000, 1).records, 1000);
    }

    #[test]
    fn throttles_are_worded_as_the_service_words_them() {
        assert_eq!(
            ShardThrottle::WriteBytes.message("shardId-000000000001", "s", "111111111111"),
            "Rate exceeded for shard shardId-000000000001 in stream s under account 111111111111."
        );
        assert_eq!(
            ShardThrottle::EXCEPTION,
            "ProvisionedThroughputExceededException"
        );
    }

    /// Calls: time since the last, how many records, how large.
    fn demands() -> impl Strategy<Value = Vec<(u64, u64, u32)>> {
        let size = prop_oneof![1u32..2000, 2000u32..200_000, 900_000u32..3_000_000];
        prop::collection::vec((0u64..2_000_000, 0u64..1500, size), 1..60)
    }

    proptest! {
        #[test]
        fn many_at_once_are_taken_as_one_by_one(demands in demands()) {
            let (mut at_once, mut singly) = (writes(), writes());
            let mut now_us = 0;
            for (later_us, records, record_bytes) in demands {
                now_us += later_us;
                let one = at_once.admit_many(now_us, records, record_bytes);
                let mut last = None;
                let mut taken = 0;
                for _ in 0..records {
                    match singly.admit(now_us, record_bytes) {
                        Ok(()) => taken += 1,
                        Err(throttle) => last = Some(throttle),
                    }
                }
                if records == 0 {
                    singly.earn_until(now_us);
                }
                prop_assert_eq!(one, Admitted { records: taken, refused: records - taken, throttle: last });
                prop_assert_eq!(&at_once, &singly);
            }
        }

        #[test]
        fn no_window_takes_more_than_its_rate_the_burst_and_one_large_record(demands in demands()) {
            let mut shard = writes();
            let mut now_us = 0;
            let mut taken = Vec::new();
            for (later_us, records, record_bytes) in demands {
                now_us += later_us;
                let one = shard.admit_many(now_us, records, record_bytes);
                taken.push((now_us, one.records, one.records * u64::from(record_bytes)));
            }
            for first in 0..taken.len() {
                let (mut records, mut bytes) = (0u64, 0u64);
                for &(at_us, more, more_bytes) in &taken[first..] {
                    records += more;
                    bytes += more_bytes;
                    let window_us = at_us - taken[first].0;
                    prop_assert!(records * 1_000_000 <= 1000 * (window_us + 1_000_000));
                    let allowed = MIB * (window_us + 1_000_000);
                    // Above the burst, a record may leave a debt.
                    prop_assert!(bytes * 1_000_000 <= allowed + (3_000_000 - MIB) * 1_000_000);
                }
            }
        }

        #[test]
        fn nothing_is_refused_below_both_limits(
            record_bytes in 1u32..100_000,
            percent in 1u64..=100,
            seconds in 1u64..120,
        ) {
            let most = 1000.min(MIB / u64::from(record_bytes));
            let each_second = (most * percent / 100).max(1);
            let (mut spread, mut at_once) = (writes(), writes());
            for second in 0..seconds {
                let from_us = second * 1_000_000;
                let one = spread.admit_evenly(from_us, 1_000_000, each_second, record_bytes);
                prop_assert_eq!(one.refused, 0);
                let one = at_once.admit_many(from_us, each_second, record_bytes);
                prop_assert_eq!(one.refused, 0);
            }
        }

        #[test]
        fn the_time_at_which_a_record_passes_is_the_earliest(
            before in 0u64..1500, record_bytes in 1u32..2_000_000,
        ) {
            let mut shard = writes();
            shard.admit_many(0, before, 1000);
            shard.admit_many(0, 1, record_bytes);
            let at_us = shard.admits_at_us(record_bytes);
            prop_assert!(at_us == 0 || shard.clone().admit(at_us - 1, record_bytes).is_err());
            prop_assert!(shard.admit(at_us, record_bytes).is_ok());
        }
    }
}
