//! What a shard gives: GetRecords calls and bytes a second, and iterators.

use super::bucket::Bucket;
use super::{ShardLimits, ShardThrottle};

/// The read side of a shard, shared by all consumers that poll it.
///
/// A GetRecords call is asked for before it is carried out, when nobody knows
/// yet what it will return: [`Self::call`], then [`Self::returned`]. So the
/// limit in bytes acts on the calls after the one that overran it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardReads {
    at_us: u64,
    calls: Bucket,
    bytes: Bucket,
    iterators: Bucket,
    /// Calls before this time are refused.
    paused_until_us: u64,
    heavy_bytes: u64,
    heavy_pause_us: u64,
    overrun_pause_us: u64,
}

impl ShardReads {
    /// The read side of a shard opened at `now_us`, with all its burst.
    #[must_use]
    pub fn new(limits: &ShardLimits, now_us: u64) -> Self {
        let bucket = |per_s| Bucket::full(per_s, limits.read_burst_ms);
        Self {
            at_us: now_us,
            calls: bucket(limits.read_calls_per_s),
            bytes: bucket(limits.read_bytes_per_s),
            iterators: bucket(limits.iterator_calls_per_s),
            paused_until_us: 0,
            heavy_bytes: u64::from(limits.heavy_read_bytes),
            heavy_pause_us: u64::from(limits.heavy_read_pause_ms) * 1000,
            overrun_pause_us: u64::from(limits.read_overrun_pause_ms) * 1000,
        }
    }

    fn earn_until(&mut self, now_us: u64) {
        if now_us > self.at_us {
            let elapsed_us = now_us - self.at_us;
            self.calls.earn(elapsed_us);
            self.bytes.earn(elapsed_us);
            self.iterators.earn(elapsed_us);
            self.at_us = now_us;
        }
    }

    /// Asks for a GetRecords call at `now_us`. A refused call uses up nothing.
    ///
    /// # Errors
    ///
    /// [`ShardThrottle::ReadBytes`] in the pause after a call that returned too
    /// much, [`ShardThrottle::ReadCalls`] if calls come too often.
    pub fn call(&mut self, now_us: u64) -> Result<(), ShardThrottle> {
        self.earn_until(now_us);
        if self.at_us < self.paused_until_us {
            return Err(ShardThrottle::ReadBytes);
        }
        if !self.calls.affords(1) {
            return Err(ShardThrottle::ReadCalls);
        }
        self.calls.spend(1);
        Ok(())
    }

    /// Says what a call that was allowed returned: data and partition keys.
    pub fn returned(&mut self, now_us: u64, bytes: u64) {
        self.earn_until(now_us);
        self.bytes.spend(bytes);
        let debt_us = self.bytes.solvent_in_us();
        let pause_us = if bytes >= self.heavy_bytes {
            self.heavy_pause_us.max(debt_us)
        } else if debt_us > 0 {
            self.overrun_pause_us.max(debt_us)
        } else {
            return;
        };
        self.paused_until_us = self
            .paused_until_us
            .max(self.at_us.saturating_add(pause_us));
    }

    /// Asks for a GetShardIterator call at `now_us`.
    ///
    /// # Errors
    ///
    /// [`ShardThrottle::Iterators`] if calls come too often.
    pub fn iterator(&mut self, now_us: u64) -> Result<(), ShardThrottle> {
        self.earn_until(now_us);
        if !self.iterators.affords(1) {
            return Err(ShardThrottle::Iterators);
        }
        self.iterators.spend(1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: u64 = 1 << 20;

    fn reads() -> ShardReads {
        ShardReads::new(&ShardLimits::default(), 0)
    }

    #[test]
    fn the_sixth_call_of_a_second_is_refused() {
        let mut shard = reads();
        for _ in 0..5 {
            assert_eq!(shard.call(0), Ok(()));
            shard.returned(0, 100);
        }
        assert_eq!(shard.call(0), Err(ShardThrottle::ReadCalls));
        assert_eq!(shard.call(199_999), Err(ShardThrottle::ReadCalls));
        assert_eq!(shard.call(200_000), Ok(()));
    }

    #[test]
    fn a_call_that_returns_too_much_pauses_the_calls_after_it() {
        for (bytes, paused_us) in [
            (MIB, 0),
            (2 * MIB, 0),
            // The documented second.
            (2 * MIB + 1, 1_000_000),
            (4 * MIB, 1_000_000),
            // Until it is made up for.
            (5 * MIB, 1_500_000),
            (9_999_999, 3_768_372),
            // The documented five seconds.
            (10_000_000, 5_000_000),
            (10 * MIB, 5_000_000),
        ] {
            let mut shard = reads();
            assert_eq!(shard.call(0), Ok(()));
            shard.returned(0, bytes);
            if paused_us > 0 {
                let refused = shard.call(paused_us - 1);
                assert_eq!(refused, Err(ShardThrottle::ReadBytes), "{bytes}");
            }
            assert_eq!(shard.call(paused_us), Ok(()), "{bytes}");
        }
    }

    #[test]
    fn iterators_are_counted_apart_from_calls() {
        let mut shard = reads();
        for _ in 0..5 {
            assert_eq!(shard.iterator(0), Ok(()));
            assert_eq!(shard.call(0), Ok(()));
        }
        assert_eq!(shard.iterator(0), Err(ShardThrottle::Iterators));
        assert_eq!(shard.iterator(200_000), Ok(()));
    }

    proptest! {
        #[test]
        fn no_window_gives_more_than_its_rate_the_burst_and_one_call(
            calls in prop::collection::vec((0u64..1_000_000, 0u64..=10 * MIB), 1..80),
        ) {
            let mut shard = reads();
            let mut now_us = 0;
            let mut given = Vec::new();
            for (later_us, bytes) in calls {
                now_us += later_us;
                if shard.call(now_us).is_ok() {
                    shard.returned(now_us, bytes);
                    given.push((now_us, bytes));
                }
            }
            for first in 0..given.len() {
                let (mut count, mut bytes) = (0u64, 0u64);
                for &(at_us, more) in &given[first..] {
                    count += 1;
                    bytes += more;
                    let window_us = at_us - given[first].0;
                    prop_assert!(count * 1_000_000 <= 5 * (window_us + 1_000_000));
                    let allowed = 2 * MIB * (window_us + 1_000_000);
                    prop_assert!(bytes * 1_000_000 <= allowed + 10 * MIB * 1_000_000);
                }
            }
        }

        #[test]
        fn nothing_is_refused_below_all_limits(
            gap_us in 200_000u64..2_000_000, share in 0u64..=100, calls in 1u64..200,
        ) {
            let mut shard = reads();
            let bytes = (2 * MIB * gap_us / 1_000_000).min(2 * MIB) * share / 100;
            for call in 0..calls {
                prop_assert_eq!(shard.call(call * gap_us), Ok(()));
                shard.returned(call * gap_us, bytes);
            }
        }
    }
}
