//! Who is told what became of each reading.

use crate::measure::{Attempt, SendRecorder};
use crate::workload::{Reading, ReadingId};

/// Receives everything a worker does, in order. A run's is the
/// [`SendRecorder`]; the methods are its methods, documented there.
///
/// Every reading that was `scheduled` is later told exactly one of `dropped`,
/// `cut_off`, `acknowledged` and `failed`; the last two only after `sent`, the
/// first two never after it.
#[allow(missing_docs)]
pub trait Journal {
    fn scheduled(&mut self, id: ReadingId);
    fn dropped(&mut self, id: ReadingId);
    fn cut_off(&mut self, id: ReadingId);
    fn sent(&mut self, id: ReadingId, due_us: u64, sent_us: u64, computed_units: u64);
    fn acknowledged(&mut self, reading: &Reading, sent_us: u64, acknowledged_us: u64);
    fn failed(&mut self, id: ReadingId, code: &str);
    fn attempt(&mut self, sent_us: u64, done_us: u64, measured: bool, outcome: Attempt<'_>);
    fn batch_settled(&mut self, sent_us: u64, settled_us: u64, measured: bool);
    fn tick(&mut self, now_us: u64, waiting: usize, in_flight: usize, bound_us: u64, cpu_us: u64);
}

impl Journal for SendRecorder {
    fn scheduled(&mut self, id: ReadingId) {
        self.scheduled(id);
    }

    fn dropped(&mut self, id: ReadingId) {
        self.dropped(id);
    }

    fn cut_off(&mut self, id: ReadingId) {
        self.cut_off(id);
    }

    fn sent(&mut self, id: ReadingId, due_us: u64, sent_us: u64, computed_units: u64) {
        self.sent(id, due_us, sent_us, computed_units);
    }

    fn acknowledged(&mut self, reading: &Reading, sent_us: u64, acknowledged_us: u64) {
        self.acknowledged(reading.id, sent_us, acknowledged_us);
    }

    fn failed(&mut self, id: ReadingId, code: &str) {
        self.failed(id, code);
    }

    fn attempt(&mut self, sent_us: u64, done_us: u64, measured: bool, outcome: Attempt<'_>) {
        self.attempt(sent_us, done_us, measured, outcome);
    }

    fn batch_settled(&mut self, sent_us: u64, settled_us: u64, measured: bool) {
        self.batch_settled(sent_us, settled_us, measured);
    }

    fn tick(&mut self, now_us: u64, waiting: usize, in_flight: usize, bound_us: u64, cpu_us: u64) {
        self.tick(now_us, waiting, in_flight, bound_us, cpu_us);
    }
}
