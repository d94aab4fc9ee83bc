//! A load worker's whole loop with nothing behind it: readings that fall due,
//! batches, in-flight slots, books, and a client that answers at once.
//!
//! Time is tokio's paused clock, which moves from one due time to the next, so
//! that a run takes as long as its work does.

use std::iter::Peekable;
use std::vec::IntoIter;

use hrload::clock::Clock;
use hrload::codec::Layout;
use hrload::load::{Call, Config, Journal, Outcome, Sink, Slot, Stop, run_with};
use hrload::measure::Attempt;
use hrload::workload::{Reading, ReadingId, Source};

use super::{TABLE, readings};

/// Runs `count` readings, 200 us apart, through a worker. Returns the calls
/// they took.
pub(crate) fn schedule(count: u32) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let clock = Clock::start();
        let now_us = clock.now_us();
        let mut readings = readings(count);
        for (n, reading) in readings.iter_mut().enumerate() {
            reading.id.intended_us = now_us + n as u64 * 200;
        }
        let end_us = now_us + u64::from(count) * 200;
        let config = Config::new(TABLE, Layout::Post, 5_000.0);
        let mut journal = Acknowledged(0);
        let source = Scheduled(readings.into_iter().peekable());
        let stop = Stop::at(end_us);
        let outcome = run_with(&config, source, &AtOnce, clock, &mut journal, &stop).await;
        assert_eq!(journal.0, count, "readings were not acknowledged");
        outcome.calls
    })
}

struct Scheduled(Peekable<IntoIter<Reading>>);

impl Source for Scheduled {
    fn next_due_us(&mut self) -> Option<u64> {
        self.0.peek().map(|reading| reading.id.intended_us)
    }

    fn next_until(&mut self, until_us: u64) -> Option<Reading> {
        self.0.next_if(|reading| reading.id.intended_us <= until_us)
    }
}

/// A client, and its slot, for which everything is written at once.
struct AtOnce;

impl Sink for AtOnce {
    type Slot = Self;

    fn slot(&self, _table: &str, _layout: Layout) -> Self {
        Self
    }
}

impl Slot for AtOnce {
    async fn send(&mut self, call: &mut Call) {
        call.outcome = Outcome::Answered;
    }
}

/// Counts what was acknowledged.
struct Acknowledged(u32);

impl Journal for Acknowledged {
    fn scheduled(&mut self, _: ReadingId) {}
    fn dropped(&mut self, _: ReadingId) {}
    fn cut_off(&mut self, _: ReadingId) {}
    fn sent(&mut self, _: ReadingId, _: u64, _: u64, _: u64) {}
    fn acknowledged(&mut self, _: &Reading, _: u64, _: u64) {
        self.0 += 1;
    }
    fn failed(&mut self, _: ReadingId, _: &str) {}
    fn attempt(&mut self, _: u64, _: u64, _: bool, _: Attempt<'_>) {}
    fn batch_settled(&mut self, _: u64, _: u64, _: bool) {}
    fn tick(&mut self, _: u64, _: usize, _: usize, _: u64, _: u64) {}
}
