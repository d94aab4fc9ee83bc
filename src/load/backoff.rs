//! How long an item waits before it is sent again.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

/// Exponential backoff with full jitter: before the n-th retry, a pause drawn
/// evenly from zero to `base * 2^(n-1)`, at most `cap`
/// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
///
/// The default base is the 50 ms that DynamoDB's guide gives as an example
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>),
/// the default cap the 20 s of the AWS SDKs
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Longest pause before the first retry.
    pub base: Duration,
    /// Longest pause before any retry.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(50),
            cap: Duration::from_secs(20),
        }
    }
}

impl Backoff {
    /// The longest pause after an item was sent `sends` times, in microseconds.
    #[must_use]
    pub fn ceiling_us(&self, sends: u32) -> u64 {
        let doublings = sends.saturating_sub(1).min(63);
        let pause = (self.base.as_micros() as u64).saturating_mul(1 << doublings);
        pause.min(self.cap.as_micros() as u64)
    }

    pub(super) fn draw_us(&self, sends: u32, rng: &mut Xoshiro256PlusPlus) -> u64 {
        rng.random_range(0..=self.ceiling_us(sends))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_cap_and_never_overflow() {
        let backoff = Backoff {
            base: Duration::from_millis(50),
            cap: Duration::from_secs(1),
        };
        for (sends, longest_ms) in [
            (0, 50),
            (1, 50),
            (2, 100),
            (5, 800),
            (6, 1000),
            (u32::MAX, 1000),
        ] {
            assert_eq!(backoff.ceiling_us(sends), longest_ms * 1000, "{sends}");
        }
    }
}
