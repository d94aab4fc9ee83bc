//! One table's way into one stream.

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use super::Shared;
use super::delay::Delays;
use super::pending::Pending;
use crate::kinesis::{Backlog, Batch};
use hrload_base::mix::mix;
use hrload_base::sync::locked;
use hrload_codec::change::{self, ChangeImage, ChangeKind, Precision};

/// One table's way into one stream. Writers call it from any thread.
#[derive(Debug)]
pub struct Link {
    shared: Arc<Shared>,
    table: String,
    stream_arn: String,
    precision: AtomicU8,
    /// Seed of this link's event ids.
    seed: u64,
    pending: Mutex<Pending>,
    /// What the stream had no capacity for. Held by whoever moves batches from
    /// the queue into the stream, so that they arrive in the queue's order.
    /// Taken before `pending`, never after.
    backlog: Mutex<Backlog>,
}

/// How long after a refusal the stream is tried again, in microseconds;
/// assumed.
const RETRY_US: u64 = 20_000;

/// One change, as the table knows it.
#[derive(Clone, Copy, Debug)]
pub struct TableChange<'a> {
    /// What happened.
    pub kind: ChangeKind,
    /// The partition key's bytes, from which the record's partition key is made.
    pub partition_key: &'a [u8],
    /// `Keys`, DynamoDB JSON.
    pub keys: &'a [u8],
    /// `NewImage`, DynamoDB JSON.
    pub new_image: Option<&'a [u8]>,
    /// `OldImage`, DynamoDB JSON.
    pub old_image: Option<&'a [u8]>,
    /// Size of keys and images by the item-size rule.
    pub size_bytes: usize,
}

/// Precisions as the link keeps them; 0 is none.
const PRECISIONS: [Precision; 3] = [
    Precision::Second,
    Precision::Millisecond,
    Precision::Microsecond,
];

fn precision_code(precision: Option<Precision>) -> u8 {
    precision
        .and_then(|precision| PRECISIONS.iter().position(|&p| p == precision))
        .map_or(0, |at| at as u8 + 1)
}

impl Link {
    pub(super) fn new(
        shared: Arc<Shared>,
        table: &str,
        stream_arn: &str,
        precision: Option<Precision>,
        number: u64,
    ) -> Self {
        let seed = mix(shared.seed ^ mix(number + 1));
        Self {
            table: table.to_owned(),
            stream_arn: stream_arn.to_owned(),
            precision: AtomicU8::new(precision_code(precision)),
            seed,
            pending: Mutex::new(Pending::new(Delays::new(shared.delay, seed))),
            backlog: Mutex::default(),
            shared,
        }
    }

    /// Takes in the changes of one call, written at `now_us`, in order. Encodes
    /// them; where there is no delay, they are in the stream on return. After
    /// [`Link::close`] it ignores them.
    ///
    /// Once its buffers have grown, it allocates nothing a record (unless a
    /// reorder fault strikes) and takes one lock a call, its own queue's.
    pub fn capture<'a>(&self, now_us: u64, changes: impl Iterator<Item = TableChange<'a>>) {
        let shared = &*self.shared;
        let precision = self.precision.load(Ordering::Relaxed);
        let precision = PRECISIONS.get(usize::from(precision).wrapping_sub(1));
        let mut pending = locked(&self.pending);
        if pending.closed {
            return;
        }
        let idle_until_us = pending.next_due_us();
        pending.begin(now_us);
        let mut taken = 0;
        for change in changes {
            let fault = shared.dice.next_change(now_us);
            let event = pending.next_event;
            pending.next_event += 1;
            if fault.lose {
                continue;
            }
            let image = ChangeImage {
                region: &shared.region,
                event_id: event_id(self.seed, event),
                kind: change.kind,
                table: &self.table,
                created_us: now_us,
                precision: precision.copied(),
                keys: change.keys,
                new_image: change.new_image,
                old_image: change.old_image,
                size_bytes: change.size_bytes,
            };
            let partition_key = record_key(change.partition_key);
            let mut kept_back = None;
            let batch = if fault.reorder {
                kept_back.insert(Batch::default())
            } else {
                pending.batch(now_us, fault.delay_us)
            };
            batch.push(&partition_key, |out| change::encode(out, &image));
            taken += 1;
            if fault.duplicate {
                batch.repeat_last();
                taken += 1;
            }
            if let Some(batch) = kept_back {
                let shard = self.shard_of_last(&batch, now_us);
                pending.hold(now_us, fault.delay_us, shard, batch);
            } else if pending.holds() {
                let shard = self.shard_of_last(pending.batch(now_us, fault.delay_us), now_us);
                let reordered = pending.release(shard) as u64;
                shared
                    .counts
                    .reordered
                    .fetch_add(reordered, Ordering::Relaxed);
            }
        }
        shared.counts.pending.fetch_add(taken, Ordering::Relaxed);
        let due_us = pending.next_due_us();
        drop(pending);
        if due_us <= now_us {
            let rest_us = self.deliver_until(|| now_us);
            if rest_us != u64::MAX {
                shared.set_alarm(rest_us);
            }
        } else if due_us < idle_until_us {
            shared.set_alarm(due_us);
        }
    }

    /// The shard that the last record of a batch goes to. Only within a shard
    /// is order to be seen, so a reorder fault asks for it; where the stream is
    /// gone, any will do.
    fn shard_of_last(&self, batch: &Batch, now_us: u64) -> u32 {
        self.shared
            .streams
            .shard_of_last(&self.stream_arn, batch, now_us)
            .unwrap_or(0)
    }

    /// Changes the precision of records captured from now on.
    pub fn set_precision(&self, precision: Precision) {
        self.precision
            .store(precision_code(Some(precision)), Ordering::Relaxed);
    }

    /// Ends the link: later changes are ignored, those captured before still
    /// arrive, each in its time.
    pub fn close(&self) {
        let mut pending = locked(&self.pending);
        pending.closed = true;
        pending.give_up(self.shared.clock.now_us(), true);
        drop(pending);
        // Also when nothing waits: the moving thread lets go of the link.
        self.shared.set_alarm(0);
    }

    /// Whether it is closed and everything arrived.
    pub(crate) fn is_done(&self) -> bool {
        let backlog = locked(&self.backlog);
        let pending = locked(&self.pending);
        pending.closed && pending.is_empty() && backlog.waiting() == 0
    }

    /// When the oldest waiting record was written.
    pub(super) fn oldest_us(&self) -> Option<u64> {
        let throttled = locked(&self.backlog).oldest_us();
        let due = locked(&self.pending).oldest_us();
        throttled.into_iter().chain(due).min()
    }

    /// Records that had to wait for the stream's capacity.
    pub(super) fn throttled(&self) -> u64 {
        locked(&self.backlog).throttled()
    }

    /// Moves what is due into the stream; returns when more will be.
    pub(super) fn deliver(&self) -> u64 {
        self.deliver_until(|| self.shared.clock.now_us())
    }

    fn deliver_until(&self, now_us: impl Fn() -> u64) -> u64 {
        let streams = &self.shared.streams;
        let mut backlog = locked(&self.backlog);
        if backlog.waiting() > 0 {
            let before = backlog.waiting();
            let arrived = streams.append_backlog(&self.stream_arn, &mut backlog, now_us());
            // A stream that is gone is final.
            let failed = arrived.is_err().then(|| backlog.give_up());
            self.count(before - backlog.waiting(), failed.unwrap_or(0));
        }
        let mut pending = locked(&self.pending);
        loop {
            let now_us = now_us();
            if pending.holds() {
                pending.give_up(now_us, false);
            }
            let Some(mut due) = pending.pop(now_us) else {
                let next_us = pending.next_due_us();
                return if backlog.waiting() > 0 {
                    next_us.min(now_us + RETRY_US)
                } else {
                    next_us
                };
            };
            // Writers go on while the stream takes the batch in.
            drop(pending);
            let (stream_arn, written_us) = (&self.stream_arn, due.written_us);
            let arrived =
                streams.append(stream_arn, &mut due.batch, &mut backlog, written_us, now_us);
            match arrived {
                Ok(arrived) => self.count(arrived, 0),
                Err(_) => self.count(due.batch.len(), due.batch.len()),
            }
            pending = locked(&self.pending);
            pending.recycle(due.batch);
        }
    }

    /// Counts records that no longer wait, `failed` of them because their
    /// stream is gone.
    fn count(&self, gone: usize, failed: usize) {
        let counts = &self.shared.counts;
        counts.failed.fetch_add(failed as u64, Ordering::Relaxed);
        let delivered = (gone - failed) as u64;
        counts.delivered.fetch_add(delivered, Ordering::Relaxed);
        counts.pending.fetch_sub(gone as u64, Ordering::Relaxed);
    }
}

/// The `eventID` of a link's n-th record: looks random, marked as UUID version
/// 4 like the service's, and repeats with the seed.
fn event_id(seed: u64, n: u64) -> u128 {
    let high = mix(seed ^ n);
    let low = mix(high ^ n);
    let id = (u128::from(high) << 64) | u128::from(low);
    (id & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62)
}

/// The record's partition key: 32 upper-case hexadecimal digits, the same for
/// the same item key and spread evenly. AWS's keys look the same, but how it
/// makes them is not published, so these are not the ones it would make.
fn record_key(partition_key: &[u8]) -> [u8; 32] {
    let half = |seed| {
        let mut hasher = foldhash::quality::FixedState::with_seed(seed).build_hasher();
        hasher.write(partition_key);
        hasher.finish()
    };
    let hash = (u128::from(half(1)) << 64) | u128::from(half(2));
    let bytes = hash.to_be_bytes();
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = b"0123456789ABCDEF"[usize::from(byte >> 4)];
        pair[1] = b"0123456789ABCDEF"[usize::from(byte & 0xf)];
    }
    digits
}
