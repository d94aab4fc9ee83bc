//! One shard's records: an append-only log in chunks.
//!
//! A chunk is one run of bytes (partition key, then data, record after record)
//! and one small fixed-size entry a record. A record's sequence number is not
//! stored: its index follows from its place, its second from its arrival.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use super::retention::{Budget, Lease};
use super::shard::Shard;
use crate::memory::Block;
use hrload_capacity::stream::ShardWrites;

/// Where a record lies in its chunk. 16 bytes.
#[derive(Clone, Copy, Debug)]
struct Entry {
    offset: u32,
    data_bytes: u32,
    /// Arrival, in milliseconds after the chunk's first.
    after_ms: u32,
    key_bytes: u16,
}

/// The memory of a chunk, apart so that it can be used again.
#[derive(Debug)]
pub(super) struct Buffers {
    bytes: Block,
    entries: Vec<Entry>,
}

impl Buffers {
    /// Room for `bytes` of keys and data in records of 64 bytes or more.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Block::new(bytes),
            entries: Vec::with_capacity((bytes / 64).max(1)),
        }
    }

    pub(super) fn capacity_bytes(&self) -> usize {
        self.bytes.capacity() + self.entries.capacity() * size_of::<Entry>()
    }

    /// Whether this is the memory of a chunk of the usual size.
    pub(super) fn is_standard(&self, chunk_bytes: usize) -> bool {
        (chunk_bytes..=2 * chunk_bytes).contains(&self.bytes.capacity())
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }
}

#[derive(Debug)]
struct Chunk {
    buffers: Buffers,
    first_index: u64,
    first_ms: u64,
    _lease: Lease,
}

impl Chunk {
    fn end_index(&self) -> u64 {
        self.first_index + self.buffers.entries.len() as u64
    }

    fn arrival_ms(&self, entry: &Entry) -> u64 {
        self.first_ms + u64::from(entry.after_ms)
    }

    fn last_ms(&self) -> u64 {
        self.buffers
            .entries
            .last()
            .map_or(self.first_ms, |e| self.arrival_ms(e))
    }

    fn has_room(&self, record_bytes: usize, now_ms: u64) -> bool {
        let buffers = &self.buffers;
        buffers.bytes.len() + record_bytes <= buffers.bytes.capacity()
            && buffers.entries.len() < buffers.entries.capacity()
            && u32::try_from(now_ms - self.first_ms).is_ok()
    }
}

/// A record as it lies in the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored<'a> {
    pub(super) index: u64,
    pub(super) arrival_ms: u64,
    pub(super) partition_key: &'a [u8],
    pub(super) data: &'a [u8],
}

/// A run of records chosen for one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Index of the first record.
    pub(super) first: u64,
    /// Index behind the last record, from which to read on.
    pub(super) end: u64,
    /// Bytes of keys and data.
    pub(super) bytes: usize,
    /// Records between the position that was asked for and `first`: trimmed before that
    /// reader came to them.
    pub(super) trimmed: u64,
    /// Whether there is nothing behind `end` now.
    pub(super) at_tip: bool,
    /// How far `end` is from the tip: age of the last record chosen or, if
    /// none was, of the next one; 0 exactly at the tip.
    pub(super) behind_ms: u64,
}

/// One shard's records and whether more may come.
#[derive(Debug)]
pub(super) struct Log {
    chunks: VecDeque<Chunk>,
    next_index: u64,
    last_ms: u64,
    closed_us: Option<u64>,
    /// What the shard still takes; none without limits.
    pub(super) writes: Option<ShardWrites>,
}

impl Log {
    pub(super) fn new(writes: Option<ShardWrites>) -> Self {
        Self {
            chunks: VecDeque::new(),
            next_index: 1,
            last_ms: 0,
            closed_us: None,
            writes,
        }
    }

    /// When the shard was closed, in microseconds since the Unix epoch.
    pub(super) fn closed_us(&self) -> Option<u64> {
        self.closed_us
    }

    pub(super) fn close(&mut self, now_us: u64) {
        self.closed_us = Some(now_us);
    }

    /// Index of the next record to arrive.
    pub(super) fn next_index(&self) -> u64 {
        self.next_index
    }

    /// Index of the oldest record still held, or of the next to arrive.
    pub(super) fn horizon(&self) -> u64 {
        self.chunks
            .front()
            .map_or(self.next_index, |c| c.first_index)
    }

    /// Takes in one record; returns its index and its arrival time. Allocates
    /// only when a chunk has to be opened and none is there for reuse.
    pub(super) fn append(
        &mut self,
        budget: &Arc<Budget>,
        shard: &Weak<Shard>,
        partition_key: &[u8],
        data: &[u8],
        now_ms: u64,
    ) -> (u64, u64) {
        // Arrival times within a shard do not go back, so that they can be searched.
        let arrival_ms = now_ms.max(self.last_ms);
        let record_bytes = partition_key.len() + data.len();
        let index = self.next_index;
        let full = self
            .chunks
            .back()
            .is_none_or(|chunk| !chunk.has_room(record_bytes, arrival_ms));
        if full {
            let (buffers, lease) = budget.open(shard, index, record_bytes);
            self.chunks.push_back(Chunk {
                buffers,
                first_index: index,
                first_ms: arrival_ms,
                _lease: lease,
            });
        }
        if let Some(chunk) = self.chunks.back_mut() {
            let buffers = &mut chunk.buffers;
            buffers.entries.push(Entry {
                offset: buffers.bytes.len() as u32,
                data_bytes: data.len() as u32,
                after_ms: (arrival_ms - chunk.first_ms) as u32,
                key_bytes: partition_key.len() as u16,
            });
            buffers.bytes.extend_from_slice(partition_key);
            buffers.bytes.extend_from_slice(data);
        }
        self.next_index += 1;
        self.last_ms = arrival_ms;
        (index, arrival_ms)
    }

    /// Drops the oldest chunk if it is the one that begins with `first_index`.
    pub(super) fn trim_chunk(&mut self, budget: &Budget, first_index: u64) {
        if self.horizon() == first_index
            && let Some(chunk) = self.chunks.pop_front()
        {
            budget.count_trimmed(chunk.buffers.entries.len() as u64);
            budget.recycle(chunk.buffers);
        }
    }

    /// Drops the chunks whose records all arrived before `cutoff_ms`.
    pub(super) fn trim_before(&mut self, budget: &Budget, cutoff_ms: u64) {
        while let Some(chunk) = self.chunks.front()
            && chunk.last_ms() < cutoff_ms
        {
            self.trim_chunk(budget, chunk.first_index);
        }
    }

    /// Index of the first record that arrived at `time_ms` or later; of the
    /// next to arrive if there is none.
    pub(super) fn index_at_time(&self, time_ms: u64) -> u64 {
        let at = self.chunks.partition_point(|c| c.last_ms() < time_ms);
        self.chunks.get(at).map_or(self.next_index, |chunk| {
            let entries = &chunk.buffers.entries;
            let within = entries.partition_point(|e| chunk.arrival_ms(e) < time_ms);
            chunk.first_index + within as u64
        })
    }

    /// Chooses the records from `position` on (or from the horizon, if that
    /// has moved beyond) that fit into one answer: at least one, if there is any.
    pub(super) fn run(
        &self,
        position: u64,
        max_records: usize,
        max_bytes: usize,
        now_ms: u64,
    ) -> Run {
        let first = position.max(self.horizon()).min(self.next_index);
        let mut run = Run {
            first,
            end: first,
            bytes: 0,
            trimmed: first.saturating_sub(position),
            at_tip: true,
            behind_ms: 0,
        };
        let mut last_ms = None;
        self.visit(first, self.next_index, |record| {
            let bytes = run.bytes + record.partition_key.len() + record.data.len();
            let taken = (run.end - first) as usize;
            if taken == max_records || (taken > 0 && bytes > max_bytes) {
                return false;
            }
            run.bytes = bytes;
            run.end += 1;
            last_ms = Some(record.arrival_ms);
            true
        });
        if run.end < self.next_index {
            run.at_tip = false;
            // Never 0 short of the tip, however fresh the records are.
            run.behind_ms = now_ms.saturating_sub(last_ms.unwrap_or(now_ms)).max(1);
        }
        run
    }

    /// Shows the records from `first` to before `end`, in order, for as long
    /// as `show` returns true.
    pub(super) fn visit(&self, first: u64, end: u64, mut show: impl FnMut(Stored<'_>) -> bool) {
        let mut index = first;
        let mut at = self.chunks.partition_point(|c| c.end_index() <= first);
        while index < end
            && let Some(chunk) = self.chunks.get(at)
        {
            let bytes = &chunk.buffers.bytes;
            let from = (index - chunk.first_index) as usize;
            let to = (end.min(chunk.end_index()) - chunk.first_index) as usize;
            for entry in &chunk.buffers.entries[from..to] {
                let key_at = entry.offset as usize;
                let data_at = key_at + entry.key_bytes as usize;
                let record = Stored {
                    index,
                    arrival_ms: chunk.arrival_ms(entry),
                    partition_key: &bytes[key_at..data_at],
                    data: &bytes[data_at..data_at + entry.data_bytes as usize],
                };
                if !show(record) {
                    return;
                }
                index += 1;
            }
            at += 1;
        }
    }
}
