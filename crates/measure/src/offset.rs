//! What causality says of two clocks.

use super::latency::span_us;

/// Bounds of the services' clock minus ours, in microseconds.
///
/// Every reading squeezes the offset: it is created at the service after it
/// was due here, and read here after it arrived there. The tightest of all
/// readings remain. They hold whatever the network does, but they hold for
/// *one* service clock: creation times are DynamoDB's and arrival times are
/// Kinesis's, and `low_us > high_us` says that these two disagree with each
/// other, or that a clock moved during the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OffsetBounds {
    /// At least this: nothing is read before it arrived.
    pub low_us: Option<i64>,
    /// At most this: nothing is created before it was sent.
    pub high_us: Option<i64>,
}

impl OffsetBounds {
    /// Takes in one reading.
    ///
    /// A creation time of `created_grain_us` coarseness stands for any instant
    /// less than a grain later, whence the grain in the upper bound. The
    /// intended start stands in for the moment of sending, which a reader of
    /// the stream does not know; sending is never earlier.
    pub fn observe(
        &mut self,
        intended_us: u64,
        created_us: u64,
        created_grain_us: u64,
        arrived_us: u64,
        read_us: u64,
    ) {
        let high = span_us(intended_us, created_us.saturating_add(created_grain_us));
        let low = span_us(read_us, arrived_us);
        self.merge(Self {
            low_us: Some(low),
            high_us: Some(high),
        });
    }

    /// Keeps the tighter of both bounds.
    pub fn merge(&mut self, other: Self) {
        self.low_us = self.low_us.max(other.low_us);
        self.high_us = match (self.high_us, other.high_us) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
    }

    /// Whether the bounds contradict each other.
    #[must_use]
    pub fn contradictory(&self) -> bool {
        matches!((self.low_us, self.high_us), (Some(low), Some(high)) if low > high)
    }
}
