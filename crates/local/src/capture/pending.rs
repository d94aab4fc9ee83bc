//! One link's queue: records that were captured and have not yet arrived.

use std::collections::VecDeque;

use super::delay::{Delays, Window};
use crate::kinesis::Batch;

/// Bytes after which a micro-batch goes on in a further one, so that handing
/// one over never takes long.
const BATCH_BYTES: usize = 1 << 20;
/// Emptied batches kept for reuse.
const SPARE_BATCHES: usize = 64;
/// How long a record waits, beyond its time, for the one it is to change
/// places with, in microseconds.
const HOLD_US: u64 = 1_000_000;

/// Records that arrive together.
#[derive(Debug)]
pub(super) struct DueBatch {
    /// When they arrive, in microseconds since the Unix epoch.
    pub(super) due_us: u64,
    /// When the first was written.
    pub(super) written_us: u64,
    pub(super) batch: Batch,
    window: Window,
    late_us: u64,
}

/// Records kept back until the next of their shard was captured.
#[derive(Debug)]
struct Held {
    shard: u32,
    written_us: u64,
    until_us: u64,
    batch: Batch,
}

/// One link's queue, in the order of arrival.
#[derive(Debug)]
pub(super) struct Pending {
    queue: VecDeque<DueBatch>,
    held: Vec<Held>,
    spare: Vec<Batch>,
    delays: Delays,
    window: Window,
    /// Number of the next record, from which its event id is made.
    pub(super) next_event: u64,
    pub(super) closed: bool,
}

impl Pending {
    pub(super) fn new(delays: Delays) -> Self {
        Self {
            queue: VecDeque::new(),
            held: Vec::new(),
            spare: Vec::new(),
            delays,
            window: Window::default(),
            next_event: 0,
            closed: false,
        }
    }

    /// Begins taking in the changes of a call at `now_us`.
    pub(super) fn begin(&mut self, now_us: u64) {
        if now_us >= self.window.closes_us {
            self.window = self.delays.window(now_us);
        }
    }

    /// The batch for a record written at `now_us` that arrives `late_us` later
    /// than its micro-batch. Nothing in the queue overtakes what is before it.
    /// Allocates only until enough batches have been recycled.
    pub(super) fn batch(&mut self, now_us: u64, late_us: u64) -> &mut Batch {
        let fits = self.queue.back().is_some_and(|last| {
            last.window == self.window
                && last.late_us == late_us
                && last.batch.bytes() < BATCH_BYTES
        });
        if !fits {
            let due_us = self.window.due_us + late_us;
            let after_us = self.queue.back().map_or(0, |last| last.due_us);
            self.queue.push_back(DueBatch {
                due_us: due_us.max(after_us),
                written_us: now_us,
                batch: self.spare.pop().unwrap_or_default(),
                window: self.window,
                late_us,
            });
        }
        let last = self.queue.len() - 1;
        &mut self.queue[last].batch
    }

    /// Keeps the records of `batch` back until the next of `shard` is captured.
    pub(super) fn hold(&mut self, now_us: u64, late_us: u64, shard: u32, batch: Batch) {
        match self.held.iter_mut().find(|held| held.shard == shard) {
            Some(held) => held.batch.append(&batch),
            None => self.held.push(Held {
                shard,
                written_us: now_us,
                until_us: self.window.due_us + late_us + HOLD_US,
                batch,
            }),
        }
    }

    /// Whether any record is kept back.
    pub(super) fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// Puts what is kept back for `shard` behind the record captured last;
    /// returns how many records that are.
    pub(super) fn release(&mut self, shard: u32) -> usize {
        let Some(at) = self.held.iter().position(|held| held.shard == shard) else {
            return 0;
        };
        let held = self.held.swap_remove(at);
        match self.queue.back_mut() {
            Some(last) => last.batch.append(&held.batch),
            None => return 0,
        }
        held.batch.len()
    }

    /// Gives up waiting for records to change places with: all of them, or
    /// those whose time is over at `now_us`.
    pub(super) fn give_up(&mut self, now_us: u64, all: bool) {
        while let Some(at) = self
            .held
            .iter()
            .position(|held| all || held.until_us <= now_us)
        {
            let held = self.held.swap_remove(at);
            let after_us = self.queue.back().map_or(0, |last| last.due_us);
            self.queue.push_back(DueBatch {
                due_us: now_us.max(after_us),
                written_us: held.written_us,
                batch: held.batch,
                window: Window::default(),
                late_us: 0,
            });
        }
    }

    /// Takes the next batch if it is due at `now_us`.
    pub(super) fn pop(&mut self, now_us: u64) -> Option<DueBatch> {
        self.queue.pop_front_if(|first| first.due_us <= now_us)
    }

    /// Takes a delivered batch back for reuse.
    pub(super) fn recycle(&mut self, mut batch: Batch) {
        if self.spare.len() < SPARE_BATCHES {
            batch.clear();
            self.spare.push(batch);
        }
    }

    /// When something is to be done next; `u64::MAX` if nothing waits.
    pub(super) fn next_due_us(&self) -> u64 {
        let held = self.held.iter().map(|held| held.until_us);
        let queued = self.queue.front().map(|first| first.due_us);
        held.chain(queued).min().unwrap_or(u64::MAX)
    }

    /// When the oldest waiting record was written.
    pub(super) fn oldest_us(&self) -> Option<u64> {
        let held = self.held.iter().map(|held| held.written_us);
        let queued = self.queue.front().map(|first| first.written_us);
        held.chain(queued).min()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.held.is_empty()
    }
}
