//! Records on their way into a stream, many at a time.

use super::hash_key;

/// Where one record of a batch lies and which hash key it has.
#[derive(Clone, Copy, Debug)]
struct Slot {
    hash_key: u128,
    key_at: usize,
    data_at: usize,
    end: usize,
}

/// Records to be put into one stream by one call. Meant to be kept and filled
/// again: once its buffers have grown, filling it allocates nothing.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    slots: Vec<Slot>,
    /// Shard and slot of every record, sorted, while it is being put.
    order: Vec<(u32, u32)>,
}

impl Batch {
    /// Adds a record whose shard follows from its partition key. `write`
    /// appends the data to the buffer it is given and leaves the rest alone.
    pub fn push(&mut self, partition_key: &[u8], write: impl FnOnce(&mut Vec<u8>)) {
        let hash_key = hash_key::of_partition_key(partition_key);
        self.push_hashed(hash_key, partition_key, write);
    }

    /// Adds a record with a hash key of its own.
    pub fn push_hashed(
        &mut self,
        hash_key: u128,
        partition_key: &[u8],
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let key_at = self.bytes.len();
        self.bytes.extend_from_slice(partition_key);
        let data_at = self.bytes.len();
        write(&mut self.bytes);
        self.slots.push(Slot {
            hash_key,
            key_at,
            data_at,
            end: self.bytes.len(),
        });
    }

    /// Adds a copy of the last record.
    pub fn repeat_last(&mut self) {
        if let Some(&slot) = self.slots.last() {
            self.slots.push(slot);
        }
    }

    /// Adds a copy of the record in `slot` of `other`.
    pub(super) fn push_copy(&mut self, other: &Self, slot: usize) {
        let (partition_key, data) = other.record(slot);
        self.push_hashed(other.hash_key(slot), partition_key, |out| {
            out.extend_from_slice(data);
        });
    }

    /// Takes all records of `other` behind its own.
    pub fn append(&mut self, other: &Self) {
        let shift = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.slots.extend(other.slots.iter().map(|slot| Slot {
            hash_key: slot.hash_key,
            key_at: slot.key_at + shift,
            data_at: slot.data_at + shift,
            end: slot.end + shift,
        }));
    }

    /// Forgets the records, keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.slots.clear();
    }

    /// How many records it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Bytes of all partition keys and data.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Hash key of the last record.
    pub(super) fn last_hash_key(&self) -> Option<u128> {
        self.slots.last().map(|slot| slot.hash_key)
    }

    /// Hash key of the record in `slot`.
    pub(super) fn hash_key(&self, slot: usize) -> u128 {
        self.slots[slot].hash_key
    }

    /// Partition key and data of the record in `slot`.
    pub(super) fn record(&self, slot: usize) -> (&[u8], &[u8]) {
        let Slot {
            key_at,
            data_at,
            end,
            ..
        } = self.slots[slot];
        (&self.bytes[key_at..data_at], &self.bytes[data_at..end])
    }

    /// Sorts the records by shard, keeping their order within each, and gives
    /// the list of (shard, slot); to be handed back to [`Self::keep`].
    pub(super) fn by_shard(&mut self, shard_of: impl Fn(u128) -> u32) -> Vec<(u32, u32)> {
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        order.extend(
            self.slots
                .iter()
                .enumerate()
                .map(|(slot, record)| (shard_of(record.hash_key), slot as u32)),
        );
        // Slots are distinct, so an unstable sort keeps their order.
        order.sort_unstable();
        order
    }

    /// Takes the list of [`Self::by_shard`] back for reuse.
    pub(super) fn keep(&mut self, order: Vec<(u32, u32)>) {
        self.order = order;
    }
}
