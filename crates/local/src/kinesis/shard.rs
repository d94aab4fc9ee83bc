//! A shard: a hash key range, its ancestry and its log.

use hrload_base::sync::locked;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use tokio::sync::Notify;

use hrload_capacity::stream::{ShardLimits, ShardReads, ShardThrottle, ShardWrites};

use super::hash_key::HashRange;
use super::log::Log;
use super::retention::Budget;
use super::sequence::Sequence;

/// One shard of a stream. Everything but the log stays as it was made.
#[derive(Debug)]
pub(super) struct Shard {
    /// Number within the stream, from 0.
    pub(super) number: u32,
    /// `shardId-` and the number in twelve digits.
    pub(super) id: String,
    pub(super) range: HashRange,
    /// The shard that was split, or the two that were merged.
    pub(super) parents: [Option<u32>; 2],
    /// When it was opened, in microseconds since the Unix epoch.
    pub(super) created_us: u64,
    /// The second in its sequence numbers: later than its parents', so that
    /// numbers grow from parent to child.
    pub(super) created_s: u64,
    log: Mutex<Log>,
    /// What it still gives; none without limits.
    reads: Option<Mutex<ShardReads>>,
    budget: Arc<Budget>,
    /// For the places in the budget's order of trimming.
    this: Weak<Self>,
    /// Rung when records arrive or the shard is closed, if anyone listens.
    arrivals: Notify,
    listeners: AtomicUsize,
}

/// The name of the shard with this number.
pub(super) fn shard_id(number: u32) -> String {
    format!("shardId-{number:012}")
}

/// Reads a shard's name as leniently as the service does: only the number
/// behind the dash counts (`shardId-0`, `x-00` and `0` are the same).
pub(super) fn parse_shard_id(id: &str) -> Option<u32> {
    let digits = id.split_once('-').map_or(id, |(_, digits)| digits);
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
        .filter(|&number| number <= i32::MAX as u32)
}

impl Shard {
    pub(super) fn new(
        number: u32,
        range: HashRange,
        parents: [Option<u32>; 2],
        created_us: u64,
        created_s: u64,
        limits: Option<&ShardLimits>,
        budget: Arc<Budget>,
    ) -> Arc<Self> {
        let writes = limits.map(|limits| ShardWrites::new(limits, created_us));
        let reads = limits.map(|limits| Mutex::new(ShardReads::new(limits, created_us)));
        Arc::new_cyclic(|this| Self {
            number,
            id: shard_id(number),
            range,
            parents,
            created_us,
            created_s,
            log: Mutex::new(Log::new(writes)),
            reads,
            budget,
            this: this.clone(),
            arrivals: Notify::new(),
            listeners: AtomicUsize::new(0),
        })
    }

    /// The log, locked. One holder at a time appends or reads.
    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        locked(&self.log)
    }

    /// Appends one record to the log, which the caller has locked, if the
    /// shard's capacity allows it. Every write passes here, whether from
    /// PutRecord, PutRecords or change data capture.
    pub(super) fn append(
        &self,
        log: &mut Log,
        partition_key: &[u8],
        data: &[u8],
        now_us: u64,
    ) -> Result<Sequence, ShardThrottle> {
        if let Some(writes) = &mut log.writes {
            writes.admit(now_us, (partition_key.len() + data.len()) as u32)?;
        }
        let (index, arrival_ms) =
            log.append(&self.budget, &self.this, partition_key, data, now_us / 1000);
        Ok(self.sequence(index, arrival_ms))
    }

    /// Asks for a GetRecords call.
    pub(super) fn admit_read(&self, now_us: u64) -> Result<(), ShardThrottle> {
        self.reads
            .as_ref()
            .map_or(Ok(()), |reads| locked(reads).call(now_us))
    }

    /// Says what a call that was allowed returned: keys and data.
    pub(super) fn was_read(&self, now_us: u64, bytes: usize) {
        if let Some(reads) = &self.reads {
            locked(reads).returned(now_us, bytes as u64);
        }
    }

    /// Asks for a GetShardIterator call.
    pub(super) fn admit_iterator(&self, now_us: u64) -> Result<(), ShardThrottle> {
        self.reads
            .as_ref()
            .map_or(Ok(()), |reads| locked(reads).iterator(now_us))
    }

    /// The sequence number of the record at `index`.
    pub(super) fn sequence(&self, index: u64, arrival_ms: u64) -> Sequence {
        Sequence {
            created_s: self.created_s,
            shard: self.number,
            index,
            behind: false,
            second: arrival_ms / 1000,
        }
    }

    /// A sequence number for the place before the record at `index`, whether
    /// that has arrived or not: larger than any before, smaller than its own.
    pub(super) fn sequence_before(&self, index: u64) -> Sequence {
        Sequence {
            created_s: self.created_s,
            shard: self.number,
            index: index.saturating_sub(1),
            behind: true,
            second: 0,
        }
    }

    /// When it was closed, in microseconds since the Unix epoch.
    pub(super) fn closed_us(&self) -> Option<u64> {
        self.log().closed_us()
    }

    /// Takes no more records.
    pub(super) fn close(&self, now_us: u64) {
        self.log().close(now_us);
        self.ring();
    }

    pub(super) fn trim_chunk(&self, first_index: u64) {
        self.log().trim_chunk(&self.budget, first_index);
    }

    /// A reader came to records that had been trimmed.
    pub(super) fn count_unread(&self, trimmed: u64) {
        self.budget.count_unread(trimmed);
    }

    /// The log without what arrived before `cutoff_ms`, as far as whole chunks go.
    pub(super) fn log_since(&self, cutoff_ms: u64) -> MutexGuard<'_, Log> {
        let mut log = self.log();
        log.trim_before(&self.budget, cutoff_ms);
        log
    }

    /// Tells listeners that something arrived.
    pub(super) fn ring(&self) {
        if self.listeners.load(Ordering::Acquire) > 0 {
            self.arrivals.notify_waiters();
        }
    }

    /// Listens until dropped.
    pub(super) fn listen(self: &Arc<Self>) -> Listener {
        self.listeners.fetch_add(1, Ordering::AcqRel);
        Listener(Arc::clone(self))
    }
}

/// Waits for arrivals in one shard.
#[derive(Debug)]
pub(super) struct Listener(Arc<Shard>);

impl Listener {
    /// Completes at the next arrival after it was enabled.
    pub(super) fn arrival(&self) -> tokio::sync::futures::Notified<'_> {
        self.0.arrivals.notified()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.listeners.fetch_sub(1, Ordering::AcqRel);
    }
}
