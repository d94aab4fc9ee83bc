//! Readings that wait: to be sent, or to be sent again.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::codec::Layout;
use crate::workload::Reading;

/// A reading on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub(super) reading: Reading,
    /// From when on it may leave: its intended start or, for a retry, the end
    /// of its backoff.
    pub(super) ready_us: u64,
    /// When it first left; 0 if it has not.
    pub(super) first_sent_us: u64,
    /// How often it was sent.
    pub(super) sends: u32,
    /// Write units that putting it costs.
    pub(super) units: u32,
    /// The batch it first left in; meaningless before.
    pub(super) group: u32,
}

/// A batch as it leaves the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Departure {
    /// When it should have left.
    pub(super) due_us: u64,
    /// Write units of its items.
    pub(super) units: u64,
}

/// Ordered by the end of the backoff; the serial number keeps the order of
/// equals, so that a run can be repeated.
#[derive(Debug)]
struct Retry {
    serial: u64,
    item: Item,
}

impl Retry {
    fn rank(&self) -> (u64, u64) {
        (self.item.ready_us, self.serial)
    }
}

impl PartialEq for Retry {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Retry {}

impl PartialOrd for Retry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Retry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

/// The queue of one worker: retries first, then new readings, each in the
/// order in which they became ready. Its buffers are kept, so that a reading
/// allocates nothing once the longest queue of the run has been seen.
#[derive(Debug)]
pub(super) struct Waiting {
    layout: Layout,
    batch: usize,
    linger_us: u64,
    new: VecDeque<Item>,
    again: VecDeque<Item>,
    backing_off: BinaryHeap<Reverse<Retry>>,
    serial: u64,
    aside: Vec<Item>,
}

impl Waiting {
    pub(super) fn new(layout: Layout, batch: usize, linger_us: u64) -> Self {
        Self {
            layout,
            batch,
            linger_us,
            new: VecDeque::new(),
            again: VecDeque::new(),
            backing_off: BinaryHeap::new(),
            serial: 0,
            aside: Vec::new(),
        }
    }

    /// Readings that wait, those backing off included.
    pub(super) fn len(&self) -> usize {
        self.new.len() + self.again.len() + self.backing_off.len()
    }

    /// Since when the oldest reading that was not sent yet has been due.
    pub(super) fn oldest_us(&self) -> Option<u64> {
        self.new.front().map(|item| item.ready_us)
    }

    /// Readings that may leave.
    pub(super) fn ready(&self) -> usize {
        self.new.len() + self.again.len()
    }

    /// A new reading, later than all before it.
    pub(super) fn push_new(&mut self, item: Item) {
        self.new.push_back(item);
    }

    /// An item to be sent again at its `ready_us`.
    pub(super) fn push_retry(&mut self, item: Item) {
        self.serial += 1;
        self.backing_off.push(Reverse(Retry {
            serial: self.serial,
            item,
        }));
    }

    /// Lets retries whose backoff is over at `now_us` rejoin.
    pub(super) fn advance(&mut self, now_us: u64) {
        while let Some(Reverse(retry)) = self.backing_off.peek() {
            if retry.item.ready_us > now_us {
                break;
            }
            if let Some(Reverse(retry)) = self.backing_off.pop() {
                self.again.push_back(retry.item);
            }
        }
    }

    fn lingered_us(&self) -> Option<u64> {
        let first = [self.new.front(), self.again.front()];
        let first_us = first.into_iter().flatten().map(|item| item.ready_us).min();
        first_us.map(|us| us.saturating_add(self.linger_us))
    }

    /// Whether a batch should leave at `now_us`: full, or lingered, or `flush`.
    pub(super) fn is_due(&self, now_us: u64, flush: bool) -> bool {
        let ready = self.ready();
        ready >= self.batch
            || (flush && ready > 0)
            || self.lingered_us().is_some_and(|us| us <= now_us)
    }

    /// Since when a batch has been due at `now_us`; `None` when none is.
    pub(super) fn due_since_us(&self, now_us: u64) -> Option<u64> {
        // Retries leave first.
        let mut ready = self.again.iter().chain(&self.new);
        let last = ready.nth(self.batch.saturating_sub(1));
        let full_us = last.map(|item| item.ready_us);
        let due_us = [self.lingered_us(), full_us].into_iter().flatten().min();
        due_us.filter(|us| *us <= now_us)
    }

    /// Whether readings wait that were sent before.
    pub(super) fn comes_again(&self) -> bool {
        !(self.again.is_empty() && self.backing_off.is_empty())
    }

    /// When something will be due if nothing is added.
    pub(super) fn next_us(&self) -> Option<u64> {
        let retry = self.backing_off.peek();
        let retry_us = retry.map(|Reverse(retry)| retry.item.ready_us);
        [self.lingered_us(), retry_us].into_iter().flatten().min()
    }

    /// Moves the next batch into `items` (which is empty): at most as many as
    /// a batch takes, no two with one key. Those that share a key with an
    /// earlier one keep their place for a later batch.
    pub(super) fn take(&mut self, now_us: u64, items: &mut Vec<Item>) -> Departure {
        let (mut first_us, mut last_us) = (u64::MAX, 0);
        let mut units = 0;
        for queue in [&mut self.again, &mut self.new] {
            while items.len() < self.batch {
                let Some(item) = queue.pop_front() else { break };
                if items
                    .iter()
                    .any(|other| same_key(self.layout, &item.reading, &other.reading))
                {
                    self.aside.push(item);
                    continue;
                }
                first_us = first_us.min(item.ready_us);
                last_us = last_us.max(item.ready_us);
                units += u64::from(item.units);
                items.push(item);
            }
            while let Some(item) = self.aside.pop() {
                queue.push_front(item);
            }
        }
        // A batch that filled up while slots were taken should nevertheless
        // have left when its first reading had lingered; one that is flushed
        // is never early.
        let lingered_us = first_us.saturating_add(self.linger_us);
        let full = items.len() == self.batch;
        let due_us = if full {
            last_us.min(lingered_us)
        } else {
            lingered_us
        };
        Departure {
            due_us: due_us.min(now_us),
            units,
        }
    }

    /// Removes whatever still waits.
    pub(super) fn pop(&mut self) -> Option<Item> {
        self.again
            .pop_front()
            .or_else(|| self.backing_off.pop().map(|Reverse(retry)| retry.item))
            .or_else(|| self.new.pop_front())
    }
}

/// Whether the two items would have the same key; BatchWriteItem refuses a
/// call with two operations on one
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html>).
fn same_key(layout: Layout, a: &Reading, b: &Reading) -> bool {
    match layout {
        Layout::Post | Layout::Fhir => a.id == b.id,
        Layout::TimeSeries => a.id.device == b.id.device && a.id.intended_us == b.id.intended_us,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::{DeviceClass, Motion, ReadingId};
    use proptest::prelude::*;

    fn item(ready_us: u64, device: u32, sequence: u32) -> Item {
        Item {
            reading: Reading {
                id: ReadingId {
                    intended_us: 1_000,
                    device,
                    sequence,
                },
                observed_us: 1_000,
                bpm: 70,
                sensor: device,
                motion: Motion::Sedentary,
                class: DeviceClass::Fitbit,
            },
            ready_us,
            first_sent_us: 0,
            sends: 0,
            units: 1,
            group: 0,
        }
    }

    #[test]
    fn a_batch_is_due_when_it_filled_or_when_its_first_reading_had_lingered() {
        // Ready times, batch size, now; then when it should have left.
        for (ready, batch, now_us, due_us) in [
            (vec![100, 110, 120], 3, 120, 120),
            (vec![100, 110, 120], 3, 5_000, 120),
            (vec![100, 110], 3, 1_100, 1_100),
            (vec![100, 110], 3, 5_000, 1_100),
            (vec![100, 110, 4_000], 3, 5_000, 1_100),
            (vec![100], 3, 200, 200),
        ] {
            let mut waiting = Waiting::new(Layout::Post, batch, 1_000);
            for (n, ready_us) in ready.iter().enumerate() {
                waiting.push_new(item(*ready_us, n as u32, 0));
            }
            let mut items = Vec::new();
            let departure = waiting.take(now_us, &mut items);
            assert_eq!(departure.due_us, due_us, "{ready:?} at {now_us}");
            assert_eq!(items.len(), ready.len());
        }
    }

    #[test]
    fn a_retry_leaves_before_new_readings_once_its_backoff_is_over() {
        let mut waiting = Waiting::new(Layout::Post, 2, 0);
        waiting.push_new(item(10, 1, 0));
        waiting.push_new(item(11, 2, 0));
        waiting.push_retry(item(20, 3, 0));
        assert!(waiting.is_due(11, false));
        let mut items = Vec::new();
        waiting.advance(20);
        waiting.take(20, &mut items);
        let devices: Vec<u32> = items.iter().map(|item| item.reading.id.device).collect();
        assert_eq!(devices, [3, 1]);
    }

    proptest! {
        #[test]
        fn no_batch_holds_two_items_with_one_key_and_none_is_lost(
            arrivals in prop::collection::vec((any::<bool>(), 0u64..50, 0u32..6, 0u32..3), 0..200),
            batch in 1usize..=25,
            time_series in any::<bool>(),
        ) {
            let layout = if time_series { Layout::TimeSeries } else { Layout::Post };
            let mut waiting = Waiting::new(layout, batch, 10);
            let mut expected = Vec::new();
            for (retry, ready_us, device, sequence) in arrivals {
                expected.push((device, sequence));
                let item = item(ready_us, device, sequence);
                if retry { waiting.push_retry(item) } else { waiting.push_new(item) }
            }
            waiting.advance(50);
            let mut seen = Vec::new();
            while waiting.is_due(50, true) {
                let mut items = Vec::new();
                let departure = waiting.take(50, &mut items);
                prop_assert!(!items.is_empty() && items.len() <= batch);
                prop_assert_eq!(departure.units, items.len() as u64);
                for (n, a) in items.iter().enumerate() {
                    for b in &items[..n] {
                        prop_assert!(!same_key(layout, &a.reading, &b.reading));
                    }
                }
                seen.extend(items.iter().map(|item| (item.reading.id.device, item.reading.id.sequence)));
            }
            prop_assert_eq!(waiting.len(), 0);
            expected.sort_unstable();
            seen.sort_unstable();
            prop_assert_eq!(seen, expected);
        }
    }
}
