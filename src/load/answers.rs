//! How the target answered, as far as it tells whether slots were too few.

use crate::measure::Latency;

/// What was seen of a target's answers. Adds up.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// Answered calls that left while fewer than half of the slots were taken:
    /// the service time without contention of the generator's making.
    pub uncontended: Latency,
    /// Time in slots of calls that ended while all slots were taken and
    /// batches were due, and the same of their squares: the second by the
    /// first is how long the call takes that holds a slot at any moment.
    pub held_us: f64,
    /// See `held_us`.
    pub held_squares: f64,
    /// The longest time in which calls were in flight and none ended.
    pub longest_silence_us: u64,
}

impl Answers {
    /// A call ended that had a slot for so long while all were taken.
    pub(super) fn held(&mut self, took_us: u64) {
        let took_us = took_us as f64;
        self.held_us += took_us;
        self.held_squares += took_us * took_us;
    }

    /// How long the call takes that holds a slot, in microseconds, while all
    /// are taken: what a batch that is due waits for. `None` where none did.
    #[must_use]
    pub fn holder_us(&self) -> Option<f64> {
        (self.held_us > 0.0).then(|| self.held_squares / self.held_us)
    }

    /// The service time without contention, in microseconds; `None` where no
    /// such call was answered.
    #[must_use]
    pub fn base_us(&self) -> Option<f64> {
        let is_known = !self.uncontended.is_empty();
        is_known.then(|| self.uncontended.quantile_us(0.5).max(1) as f64)
    }

    /// Adds another worker's.
    pub fn merge(&mut self, other: &Self) {
        self.uncontended.merge(&other.uncontended);
        self.held_us += other.held_us;
        self.held_squares += other.held_squares;
        self.longest_silence_us = self.longest_silence_us.max(other.longest_silence_us);
    }
}
