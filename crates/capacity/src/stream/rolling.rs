//! So many of something within the last so long.

use std::collections::VecDeque;

/// UpdateShardCount calls a stream allows within any 24 hours
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html>).
pub const UPDATES_A_DAY: usize = 10;
/// Changes of capacity mode a stream allows within any 24 hours
/// (<https://docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html>).
pub const MODE_SWITCHES_A_DAY: usize = 2;

pub(super) const DAY_US: u64 = 24 * 3_600_000_000;

/// Allows something so often within any span of a length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollingLimit {
    allowed: usize,
    span_us: u64,
    /// When it was done, the latest `allowed` times.
    done_us: VecDeque<u64>,
}

/// The limit on a stream's changes between on-demand and provisioned.
#[must_use]
pub fn mode_switches() -> RollingLimit {
    RollingLimit::new(MODE_SWITCHES_A_DAY, DAY_US)
}

impl RollingLimit {
    /// Allows `allowed` times, at least once, within any `span_us`.
    #[must_use]
    pub fn new(allowed: usize, span_us: u64) -> Self {
        let allowed = allowed.max(1);
        Self {
            allowed,
            span_us,
            done_us: VecDeque::with_capacity(allowed),
        }
    }

    /// The earliest time at which it may be done once more; 0 if at any.
    #[must_use]
    pub fn allows_from_us(&self) -> u64 {
        if self.done_us.len() < self.allowed {
            return 0;
        }
        self.done_us
            .front()
            .map_or(0, |first| first.saturating_add(self.span_us))
    }

    /// Whether it may be done at `now_us`.
    #[must_use]
    pub fn allows(&self, now_us: u64) -> bool {
        now_us >= self.allows_from_us()
    }

    /// Does it at `now_us`, if it may be done then; says whether.
    pub fn take(&mut self, now_us: u64) -> bool {
        let now_us = self.done_us.back().map_or(now_us, |&last| last.max(now_us));
        if !self.allows(now_us) {
            return false;
        }
        if self.done_us.len() == self.allowed {
            self.done_us.pop_front();
        }
        self.done_us.push_back(now_us);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_switches_twice_within_a_day_and_again_when_the_first_is_a_day_old() {
        let mut limit = mode_switches();
        assert!(limit.take(1_000));
        assert!(limit.take(5_000));
        assert!(!limit.take(6_000));
        assert_eq!(limit.allows_from_us(), 1_000 + DAY_US);
        assert!(!limit.take(1_000 + DAY_US - 1));
        assert!(limit.take(1_000 + DAY_US));
        assert!(!limit.take(1_000 + DAY_US));
        assert!(limit.take(5_000 + DAY_US));
    }
}
