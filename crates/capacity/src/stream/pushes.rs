//! What a shard pushes to one consumer of enhanced fan-out.

use super::ShardLimits;
use super::bucket::Bucket;

/// The bytes of one shard for one registered consumer, which it shares with no other.
/// They are counted over subscriptions: one that takes over from another starts with
/// what that one left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardPushes {
    at_us: u64,
    bytes: Bucket,
}

impl ShardPushes {
    /// Those of a consumer that subscribes for the first time at `now_us`, with all its
    /// burst.
    #[must_use]
    pub fn new(limits: &ShardLimits, now_us: u64) -> Self {
        Self {
            at_us: now_us,
            bytes: Bucket::full(limits.fan_out_bytes_per_s, limits.read_burst_ms),
        }
    }

    /// Asks to push so many bytes of data and partition keys at `now_us`; they count if
    /// they may be pushed. More than the burst may be pushed when it is full, and
    /// leaves a debt.
    ///
    /// # Errors
    ///
    /// When they may be pushed, if not now.
    pub fn push(&mut self, now_us: u64, bytes: u64) -> Result<(), u64> {
        if now_us > self.at_us {
            self.bytes.earn(now_us - self.at_us);
            self.at_us = now_us;
        }
        // An empty event tells the consumer that it is alive, in a debt as well.
        if bytes == 0 || self.bytes.affords(bytes) {
            self.bytes.spend(bytes);
            return Ok(());
        }
        Err(self
            .at_us
            .saturating_add(self.bytes.affords_in_us(bytes).max(1)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn a_refusal_says_when_it_may_be_pushed() {
        let mut pushes = ShardPushes::new(&ShardLimits::default(), 5);
        assert_eq!(pushes.push(5, 2 * MIB), Ok(()));
        assert_eq!(pushes.push(5, MIB), Err(500_005));
        assert_eq!(pushes.push(500_004, MIB), Err(500_005));
        assert_eq!(pushes.push(500_005, MIB), Ok(()));
        // A record that is larger than the burst waits for all of it, and is made up for.
        assert_eq!(pushes.push(500_005, 10 * MIB), Err(1_500_005));
        assert_eq!(pushes.push(1_500_005, 10 * MIB), Ok(()));
        assert_eq!(pushes.push(1_500_005, 1), Err(5_500_006));
    }

    proptest! {
        #[test]
        fn no_window_gives_more_than_its_rate_and_the_burst(
            pushed in prop::collection::vec((0u64..1_000_000, 0u64..=2 * MIB), 1..80),
        ) {
            let mut pushes = ShardPushes::new(&ShardLimits::default(), 0);
            let mut now_us = 0;
            let mut given = Vec::new();
            for (later_us, bytes) in pushed {
                now_us += later_us;
                if pushes.push(now_us, bytes).is_ok() {
                    given.push((now_us, bytes));
                }
            }
            for (first, (from_us, _)) in given.iter().enumerate() {
                let mut bytes = 0;
                for (at_us, more) in &given[first..] {
                    bytes += more;
                    let window_us = at_us - from_us + 1_000_000;
                    prop_assert!(bytes * 1_000_000 <= 2 * MIB * window_us);
                }
            }
        }
    }
}
