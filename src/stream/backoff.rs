//! How long to wait before the next attempt.

use std::time::Duration;

/// Ceiling of the first wait.
const BASE: Duration = Duration::from_millis(100);
/// Ceiling of every wait.
const CAP: Duration = Duration::from_secs(5);

/// Exponential backoff with full jitter: a wait is drawn evenly from zero to a
/// ceiling that doubles with every failure in a row
/// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Failures in a row so far.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// One more failure: how long to wait, where `jitter` is drawn evenly from 0 to 1.
    pub(super) fn failed(&mut self, jitter: f64) -> Duration {
        let ceiling = BASE.saturating_mul(1u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        ceiling.min(CAP).mul_f64(jitter)
    }
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
}
