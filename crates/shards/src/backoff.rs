//! How long to wait before the next attempt.

use std::time::Duration;

/// Ceiling of the first wait.
const BASE: Duration = Duration::from_millis(100);
/// Ceiling of every wait.
const CAP: Duration = Duration::from_secs(5);
/// Ceiling of a wait for capacity, which comes anew every second.
const THROTTLED_CAP: Duration = Duration::from_secs(1);

/// Exponential backoff with full jitter: a wait is drawn evenly from zero to a
/// ceiling that doubles with every failure in a row
/// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
    throttles: u32,
}

impl Backoff {
    /// Failures in a row so far; throttles are none.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Throttles in a row so far.
    pub(super) fn throttles(&self) -> u32 {
        self.throttles
    }

    /// Begins anew after a call that was answered.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// One more failure: how long to wait, where `jitter` is drawn evenly from 0 to 1.
    pub fn failed(&mut self, jitter: f64) -> Duration {
        let ceiling = ceiling(self.failures, CAP);
        self.failures = self.failures.saturating_add(1);
        ceiling.mul_f64(jitter)
    }

    /// One more refusal for want of capacity: how long to wait.
    pub fn throttled(&mut self, jitter: f64) -> Duration {
        let ceiling = ceiling(self.throttles, THROTTLED_CAP);
        self.throttles = self.throttles.saturating_add(1);
        ceiling.mul_f64(jitter)
    }
}

fn ceiling(before: u32, cap: Duration) -> Duration {
    let doubled = 1u32.checked_shl(before).unwrap_or(u32::MAX);
    BASE.saturating_mul(doubled).min(cap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_the_cap_and_starts_anew_after_success() {
        let mut backoff = Backoff::default();
        let ceilings: Vec<u128> = (0..8).map(|_| backoff.failed(1.0).as_millis()).collect();
        assert_eq!(ceilings, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        for _ in 0..100 {
            assert_eq!(backoff.failed(1.0), CAP);
        }
        backoff.succeeded();
        assert_eq!(backoff.failed(0.5), BASE / 2);
    }

    #[test]
    fn throttles_are_waited_for_apart_from_failures_and_for_a_second_at_most() {
        let mut backoff = Backoff::default();
        let ceilings: Vec<u128> = (0..6).map(|_| backoff.throttled(1.0).as_millis()).collect();
        assert_eq!(ceilings, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(backoff.failures(), 0);
        assert_eq!(backoff.failed(1.0), BASE);
    }
}
