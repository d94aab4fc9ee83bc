//! Records that their shards had no capacity for, until they are taken.
//!
//! Change data capture never gives a record up and never reorders those of one
//! key: what a shard refuses waits here, and so does everything that comes
//! after it for the same hash keys, also when the shard is split or merged
//! meanwhile. Writers are not held up; what waits is counted, not bounded.

use std::collections::VecDeque;

use super::batch::Batch;
use super::hash_key::HashRange;

/// Bytes after which a run of records goes on in a further one, so that what
/// has been taken is given back in pieces.
const RUN_BYTES: usize = 1 << 20;

/// Records of one link that wait for capacity.
#[derive(Debug, Default)]
pub struct Backlog {
    /// In the order in which they came to be: where two queues overlap, the
    /// later waits for the earlier.
    queues: Vec<Queue>,
    waiting: usize,
    throttled: u64,
}

/// What waits for the hash keys of one shard, as that was when it refused.
#[derive(Debug)]
struct Queue {
    range: HashRange,
    runs: VecDeque<Run>,
}

#[derive(Debug)]
struct Run {
    batch: Batch,
    /// The first record that was not yet taken.
    next: usize,
    /// When the first was written.
    written_us: u64,
}

impl Backlog {
    /// How many records wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many records had to wait so far. CloudWatch's
    /// `ThrottledPutRecordCount`.
    #[must_use]
    pub fn throttled(&self) -> u64 {
        self.throttled
    }

    /// When the oldest of those that wait was written, to the precision of the
    /// batch it came in.
    #[must_use]
    pub fn oldest_us(&self) -> Option<u64> {
        let runs = self.queues.iter().filter_map(|queue| queue.runs.front());
        runs.map(|run| run.written_us).min()
    }

    /// Forgets all that wait; returns how many they were.
    pub fn give_up(&mut self) -> usize {
        self.queues.clear();
        std::mem::take(&mut self.waiting)
    }

    /// Whether a record for these hash keys has to wait behind others.
    pub(super) fn blocks(&self, range: HashRange) -> bool {
        self.queues.iter().any(|queue| queue.range.overlaps(range))
    }

    /// Lets a record of `batch`, written at `written_us`, wait for the shard
    /// of `range`.
    pub(super) fn add(&mut self, range: HashRange, batch: &Batch, slot: usize, written_us: u64) {
        // Behind everything that waits for one of these hash keys: after a
        // split and a merge that may not be the queue with this very range.
        let last = self.queues.iter().rposition(|q| q.range.overlaps(range));
        let same = last.filter(|&at| self.queues[at].range == range);
        let at = same.unwrap_or_else(|| {
            let runs = VecDeque::new();
            self.queues.push(Queue { range, runs });
            self.queues.len() - 1
        });
        let runs = &mut self.queues[at].runs;
        let fits = |run: &&mut Run| run.batch.bytes() < RUN_BYTES;
        if let Some(run) = runs.back_mut().filter(fits) {
            run.batch.push_copy(batch, slot);
        } else {
            let mut run = Run {
                batch: Batch::default(),
                next: 0,
                written_us,
            };
            run.batch.push_copy(batch, slot);
            runs.push_back(run);
        }
        self.waiting += 1;
        self.throttled += 1;
    }

    /// Offers what waits to `takes`, in order, each queue until its first
    /// refusal; returns how many records were taken.
    pub(super) fn offer(&mut self, mut takes: impl FnMut(&Batch, usize) -> bool) -> usize {
        let before = self.waiting;
        for at in 0..self.queues.len() {
            let (earlier, rest) = self.queues.split_at_mut(at);
            let queue = &mut rest[0];
            let behind = |other: &Queue| other.range.overlaps(queue.range);
            if earlier
                .iter()
                .any(|other| !other.runs.is_empty() && behind(other))
            {
                continue;
            }
            while let Some(run) = queue.runs.front_mut() {
                while run.next < run.batch.len() && takes(&run.batch, run.next) {
                    run.next += 1;
                    self.waiting -= 1;
                }
                if run.next < run.batch.len() {
                    break;
                }
                queue.runs.pop_front();
            }
        }
        self.queues.retain(|queue| !queue.runs.is_empty());
        before - self.waiting
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    /// Shards are halves, quarters, ... of the key space: `level` of them.
    fn shard_of(key: u8, shards: u8) -> HashRange {
        let width = 256 / u128::from(shards);
        let start = u128::from(key) / width * width;
        HashRange {
            start,
            end: start + width - 1,
        }
    }

    #[derive(Clone, Debug)]
    enum Event {
        /// A record with this key.
        Write(u8),
        /// Capacity for so many records in all shards.
        Capacity(u8),
        /// The stream now has 2 to this power of shards.
        Reshard(u8),
    }

    proptest! {
        #[test]
        fn every_record_is_taken_once_and_in_the_order_of_its_key(
            events in proptest::collection::vec(
                prop_oneof![
                    6 => any::<u8>().prop_map(Event::Write),
                    2 => (0u8..6).prop_map(Event::Capacity),
                    1 => (0u8..4).prop_map(Event::Reshard),
                ],
                1..300,
            )
        ) {
            let mut backlog = Backlog::default();
            let mut taken: Vec<(u8, u32)> = Vec::new();
            let mut written: Vec<(u8, u32)> = Vec::new();
            let (mut capacity, mut shards) = (0u32, 1u8);
            for (number, event) in (0u32..).zip(events) {
                match event {
                    Event::Reshard(power) => shards = 1 << power,
                    Event::Write(key) => {
                        written.push((key, number));
                        let mut batch = Batch::default();
                        batch.push_hashed(u128::from(key), b"k", |out| {
                            out.extend_from_slice(&number.to_le_bytes());
                        });
                        let range = shard_of(key, shards);
                        if capacity == 0 || backlog.blocks(range) {
                            backlog.add(range, &batch, 0, u64::from(number));
                        } else {
                            capacity -= 1;
                            taken.push((key, number));
                        }
                    }
                    Event::Capacity(more) => {
                        capacity += u32::from(more);
                        let count = backlog.offer(|batch, slot| take(batch, slot, &mut capacity, &mut taken));
                        prop_assert!(count <= usize::from(more) + written.len());
                    }
                }
                prop_assert_eq!(backlog.waiting(), written.len() - taken.len());
                let oldest = backlog.oldest_us();
                prop_assert_eq!(oldest.is_some(), backlog.waiting() > 0);
            }
            capacity = u32::MAX;
            while backlog.waiting() > 0 {
                prop_assert!(backlog.offer(|batch, slot| take(batch, slot, &mut capacity, &mut taken)) > 0);
            }
            for key in 0..=255 {
                let of = |records: &[(u8, u32)]| -> Vec<u32> {
                    records.iter().filter(|r| r.0 == key).map(|r| r.1).collect()
                };
                prop_assert_eq!(of(&taken), of(&written), "key {}", key);
            }
        }
    }

    fn take(batch: &Batch, slot: usize, capacity: &mut u32, taken: &mut Vec<(u8, u32)>) -> bool {
        if *capacity == 0 {
            return false;
        }
        *capacity -= 1;
        let number = u32::from_le_bytes(batch.record(slot).1.try_into().unwrap());
        taken.push((batch.hash_key(slot) as u8, number));
        true
    }
}
