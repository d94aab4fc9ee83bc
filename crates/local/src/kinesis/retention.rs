//! What all shards together may keep in memory.
//!
//! Records lie in chunks. Each chunk holds a lease on the budget for as long
//! as it lives; when the leases exceed the budget, the chunks opened first go
//! first, whichever shard they belong to. To a reader that is what the end of
//! the retention period is: the trim horizon moves.

use hrload_base::sync::locked;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use super::log::Buffers;
use super::shard::Shard;

/// How many emptied chunks are kept for reuse, so that a shard at its limit
/// allocates nothing.
const SPARE_CHUNKS: usize = 64;

/// The budget of one account.
#[derive(Debug)]
pub(super) struct Budget {
    limit_bytes: u64,
    /// Capacity of a chunk, except of one made for a larger record.
    chunk_bytes: usize,
    held_bytes: AtomicU64,
    trimmed_records: AtomicU64,
    trimmed_unread: AtomicU64,
    /// Chunks in the order in which they were opened: shard and first index.
    order: Mutex<VecDeque<(Weak<Shard>, u64)>>,
    spare: Mutex<Vec<Buffers>>,
}

/// A chunk's share of the budget, given back when dropped.
#[derive(Debug)]
pub(super) struct Lease {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.budget
            .held_bytes
            .fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Budget {
    pub(super) fn new(limit_bytes: u64) -> Arc<Self> {
        Arc::new(Self {
            limit_bytes,
            // A 256th of the budget: fine enough that trimming a chunk is not
            // a jump, coarse enough that opening one is rare.
            chunk_bytes: (limit_bytes / 256).clamp(4 << 10, 256 << 10) as usize,
            held_bytes: AtomicU64::new(0),
            trimmed_records: AtomicU64::new(0),
            trimmed_unread: AtomicU64::new(0),
            order: Mutex::default(),
            spare: Mutex::default(),
        })
    }

    /// Buffers for a chunk that is to hold a record of `record_bytes` next, and
    /// the lease for them. The chunk takes its place in the order of trimming.
    pub(super) fn open(
        self: &Arc<Self>,
        shard: &Weak<Shard>,
        first_index: u64,
        record_bytes: usize,
    ) -> (Buffers, Lease) {
        let buffers = if record_bytes > self.chunk_bytes {
            Buffers::with_capacity(record_bytes)
        } else {
            locked(&self.spare)
                .pop()
                .unwrap_or_else(|| Buffers::with_capacity(self.chunk_bytes))
        };
        let bytes = buffers.capacity_bytes() as u64;
        self.held_bytes.fetch_add(bytes, Ordering::Relaxed);
        locked(&self.order).push_back((shard.clone(), first_index));
        let lease = Lease {
            budget: Arc::clone(self),
            bytes,
        };
        (buffers, lease)
    }

    /// Takes back the buffers of a trimmed chunk.
    pub(super) fn recycle(&self, mut buffers: Buffers) {
        buffers.clear();
        let mut spare = locked(&self.spare);
        if spare.len() < SPARE_CHUNKS && buffers.is_standard(self.chunk_bytes) {
            spare.push(buffers);
        }
    }

    /// Counts records that were trimmed.
    pub(super) fn count_trimmed(&self, records: u64) {
        self.trimmed_records.fetch_add(records, Ordering::Relaxed);
    }

    /// Records trimmed so far.
    pub(super) fn trimmed_records(&self) -> u64 {
        self.trimmed_records.load(Ordering::Relaxed)
    }

    /// Counts trimmed records that a reader had not come to.
    pub(super) fn count_unread(&self, records: u64) {
        if records > 0 {
            self.trimmed_unread.fetch_add(records, Ordering::Relaxed);
        }
    }

    /// Records that readers found trimmed when they came to them.
    pub(super) fn trimmed_unread(&self) -> u64 {
        self.trimmed_unread.load(Ordering::Relaxed)
    }

    /// Trims the oldest chunks until the budget is met. To be called without
    /// any shard's lock held: it takes those of the shards it trims.
    pub(super) fn enforce(&self) {
        while self.held_bytes.load(Ordering::Relaxed) > self.limit_bytes {
            let oldest = {
                let mut order = locked(&self.order);
                // The newest chunk stays, however small the budget: it holds
                // what was written just now.
                if order.len() < 2 {
                    return;
                }
                order.pop_front()
            };
            if let Some((shard, first_index)) = oldest
                && let Some(shard) = shard.upgrade()
            {
                shard.trim_chunk(first_index);
            }
        }
    }
}
