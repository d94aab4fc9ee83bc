//! A bucket of capacity: what a whole table may take, and what it has saved.
//!
//! DynamoDB admits requests by token buckets
//! (<https://www.usenix.org/conference/atc22/presentation/elhemali>, section 4)
//! and keeps up to 300 seconds of unused capacity
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html>).
//! Here one bucket is both: it fills at the rate, up to its depth. An operation
//! is admitted while anything is left and then takes all it costs, so the level
//! may fall below zero by less than one operation. In any window of `w` seconds
//! a bucket therefore admits at most `rate * w + depth` and one operation.
//!
//! The level is kept in millionths of a unit, because a rate in units a second
//! is the same number in millionths a microsecond: filling is exact, and the
//! same however finely time is cut.

use super::MICROS;

/// Rates above this are taken as this; it keeps every product within 64 bits.
const MAX_RATE: u64 = 1_000_000_000;
/// The deepest bucket: an hour of its rate.
const MAX_DEPTH_US: u64 = 3_600 * MICROS;

/// A token bucket, exact to a millionth of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    /// Units a second.
    rate: u64,
    depth_us: u64,
    /// The most it holds, in millionths of a unit.
    depth: i64,
    /// What it holds, in millionths of a unit; below zero after an operation
    /// that cost more than was left.
    level: i64,
    at_us: u64,
}

impl Bucket {
    /// A bucket that holds up to `depth_us` of its rate (at least a second:
    /// capacity is given by the second) and begins with `saved_us` of it.
    pub(super) fn new(rate: u64, depth_us: u64, saved_us: u64, now_us: u64) -> Self {
        let mut bucket = Self {
            rate: 0,
            depth_us: depth_us.clamp(MICROS, MAX_DEPTH_US),
            depth: 0,
            level: 0,
            at_us: now_us,
        };
        bucket.set_rate(rate);
        bucket.level = bucket.depth.min(bucket.worth(saved_us));
        bucket
    }

    /// Changes the rate from now on. What is saved stays, up to the new depth.
    /// The caller has refilled up to now.
    pub(super) fn set_rate(&mut self, rate: u64) {
        self.rate = rate.min(MAX_RATE);
        self.depth = self.worth(self.depth_us);
        self.level = self.level.min(self.depth);
    }

    /// What so many microseconds of the rate are, in millionths of a unit.
    fn worth(&self, us: u64) -> i64 {
        i64::try_from(self.rate.saturating_mul(us)).unwrap_or(i64::MAX)
    }

    /// Adds what the time since the last call is worth.
    #[inline]
    pub(super) fn refill(&mut self, now_us: u64) {
        if now_us > self.at_us {
            let more = self.worth(now_us - self.at_us);
            self.at_us = now_us;
            self.level = self.level.saturating_add(more).min(self.depth);
        }
    }

    /// Whether an operation is admitted now.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.level > 0
    }

    /// Takes what an admitted operation costs.
    #[inline]
    pub(super) fn take(&mut self, units: u64) {
        self.level = self.level.saturating_sub(micro_units(units));
    }

    /// How many of the single units that arrive evenly from now until
    /// `until_us` are admitted. Time that has passed already brings nothing.
    pub(super) fn room_until(&self, until_us: u64) -> u64 {
        u64::try_from(self.level_until(until_us))
            .unwrap_or(0)
            .div_ceil(MICROS)
    }

    /// Passes the time until `until_us`, in which `units` were taken evenly.
    pub(super) fn take_until(&mut self, until_us: u64, units: u64) {
        let level = self.level_until(until_us);
        self.level = level.saturating_sub(micro_units(units)).min(self.depth);
        self.at_us = self.at_us.max(until_us);
    }

    fn level_until(&self, until_us: u64) -> i64 {
        let more = self.worth(until_us.saturating_sub(self.at_us));
        self.level.saturating_add(more)
    }

    /// Whole units left.
    pub(super) fn left(&self) -> u64 {
        u64::try_from(self.level).unwrap_or(0) / MICROS
    }
}

fn micro_units(units: u64) -> i64 {
    i64::try_from(units.saturating_mul(MICROS)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START_US: u64 = 1_721_011_165_000_000;

    #[test]
    fn it_never_holds_more_than_its_depth_however_long_it_is_left() {
        let mut bucket = Bucket::new(1_000, 300 * MICROS, 0, 0);
        bucket.refill(u64::MAX);
        assert_eq!(bucket.left(), 300_000);
    }

    #[test]
    fn an_operation_larger_than_what_is_left_is_admitted_and_owed() {
        let mut bucket = Bucket::new(5, MICROS, MICROS, START_US);
        assert!(bucket.is_open());
        bucket.take(400);
        bucket.refill(START_US + 79 * MICROS);
        assert!(!bucket.is_open());
        bucket.refill(START_US + 79 * MICROS + 1);
        assert!(bucket.is_open());
    }

    #[test]
    fn a_lower_rate_keeps_no_more_than_its_own_depth() {
        let mut bucket = Bucket::new(1_000, 300 * MICROS, 300 * MICROS, START_US);
        bucket.set_rate(10);
        assert_eq!(bucket.left(), 3_000);
    }

    proptest! {
        #[test]
        fn no_window_admits_more_than_its_rate_its_depth_and_one_operation(
            rate in 1u64..5_000,
            depth_s in 1u64..20,
            operations in prop::collection::vec((0u64..400_000, 1u64..50), 1..200),
        ) {
            let mut bucket = Bucket::new(rate, depth_s * MICROS, depth_s * MICROS, START_US);
            let mut now_us = START_US;
            let mut admitted = Vec::new();
            for (wait_us, units) in operations {
                now_us += wait_us;
                bucket.refill(now_us);
                if bucket.is_open() {
                    bucket.take(units);
                    admitted.push((now_us, units));
                }
            }
            for first in 0..admitted.len() {
                let mut sum = 0;
                for &(at_us, units) in &admitted[first..] {
                    // The last operation of a window may be owed in part.
                    let window_us = at_us - admitted[first].0;
                    prop_assert!(sum * MICROS <= rate * (window_us + depth_s * MICROS));
                    sum += units;
                }
            }
        }

        #[test]
        fn filling_in_steps_is_filling_at_once(
            rate in 0u64..50_000,
            taken in 0u64..100_000,
            steps in prop::collection::vec(0u64..3_000_000, 1..20),
        ) {
            let mut at_once = Bucket::new(rate, 30 * MICROS, 10 * MICROS, START_US);
            at_once.take(taken);
            let mut in_steps = at_once.clone();
            let mut now_us = START_US;
            for step in steps {
                now_us += step;
                in_steps.refill(now_us);
            }
            at_once.refill(now_us);
            prop_assert_eq!(at_once, in_steps);
        }
    }
}
