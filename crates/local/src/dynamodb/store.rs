//! Where items are kept: shards of append-only segments with an ordered index.
//!
//! In go keys and canonical items; out come the items, by key and in order of
//! key. A shard is not locked here: its owner holds one lock for each. Old
//! versions stay in their segment as garbage until the segment is given back,
//! so an image may be read on while changes are captured.

use hrload_base::sync::locked;
use std::collections::{BTreeMap, VecDeque, btree_map};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};

use super::key::ItemKey;
use crate::memory::Block;

/// Bytes of a segment, unless little is to be retained.
const SEGMENT_BYTES: usize = 1 << 20;
/// Bytes before an entry's key: hash, key length, item length, item size.
const HEADER_BYTES: usize = 8 + 2 + 4 + 4;

/// What all shards together keep.
#[derive(Debug)]
pub(super) struct Retention {
    limit: u64,
    segment_bytes: usize,
    live: AtomicU64,
    opened: AtomicU64,
    evicted: AtomicU64,
    /// The memory of segments that were given back, to be written again: the
    /// system would clear each page of new memory first.
    spare: Mutex<Vec<Block>>,
}

/// How many of those are kept.
const SPARE_SEGMENTS: usize = 16;

impl Retention {
    /// Keeps at most `limit` bytes of items and their keys.
    pub(super) fn new(limit: u64) -> Self {
        Self {
            limit,
            // Eviction goes by segment: with little to keep, segments are small.
            segment_bytes: (limit / 64).clamp(4096, SEGMENT_BYTES as u64) as usize,
            live: AtomicU64::new(0),
            opened: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
            spare: Mutex::default(),
        }
    }

    /// Memory for a segment that is to hold an entry of `bytes` first.
    fn room(&self, bytes: usize) -> Block {
        let fits = bytes <= self.segment_bytes;
        let spare = fits.then(|| self.spare().pop()).flatten();
        spare.unwrap_or_else(|| Block::new(self.segment_bytes.max(bytes)))
    }

    /// Takes the memory of a segment back.
    fn recycle(&self, mut bytes: Block) {
        bytes.clear();
        let mut spare = self.spare();
        if spare.len() < SPARE_SEGMENTS && bytes.capacity() == self.segment_bytes {
            spare.push(bytes);
        }
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Block>> {
        locked(&self.spare)
    }

    /// Whether more is kept than should be.
    pub(super) fn exceeded(&self) -> bool {
        self.live.load(Relaxed) > self.limit
    }

    /// Items that made room for newer ones.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted.load(Relaxed)
    }
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    segment: u32,
    offset: u32,
}

/// An item as kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored<'a> {
    /// Size by the item-size rule.
    pub(super) bytes: usize,
    /// Canonical JSON.
    pub(super) json: &'a [u8],
}

#[derive(Debug)]
struct Segment {
    /// Segments are numbered over all shards in the order in which they are opened.
    opened: u64,
    bytes: Block,
    live: usize,
}

/// What a put did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Put {
    /// The item that was there before.
    pub(super) old: Option<Place>,
    /// The item that is there now; `None` if the old one was the same.
    pub(super) new: Option<Place>,
}

/// One shard of a table.
#[derive(Debug, Default)]
pub(super) struct Shard {
    index: BTreeMap<ItemKey, Place>,
    log: Log,
    item_bytes: u64,
}

/// A shard's segments.
#[derive(Debug, Default)]
struct Log {
    segments: VecDeque<Option<Segment>>,
    /// Number of the first segment in `segments`.
    first: u32,
    /// Bytes in segments, and how many of them are live entries.
    held: usize,
    live: usize,
}

impl Shard {
    /// Items in the shard.
    pub(super) fn items(&self) -> usize {
        self.index.len()
    }

    /// Their size by the item-size rule.
    pub(super) fn item_bytes(&self) -> u64 {
        self.item_bytes
    }

    /// The number of the oldest segment with an item in it, if there is one:
    /// the lower, the older.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.log.oldest().map(|(opened, _)| opened)
    }

    /// Where `key`'s item stands.
    pub(super) fn find(&self, key: &ItemKey) -> Option<Place> {
        self.index.get(key).copied()
    }

    /// Keys and places from `range`, in order.
    pub(super) fn range(
        &self,
        range: impl std::ops::RangeBounds<ItemKey>,
    ) -> impl DoubleEndedIterator<Item = (&ItemKey, Place)> {
        self.index.range(range).map(|(key, place)| (key, *place))
    }

    /// The item at a place that was given out while the shard was locked.
    pub(super) fn read(&self, place: Place) -> Stored<'_> {
        let entry = self.log.entry(place);
        Stored {
            bytes: entry.item_bytes,
            json: entry.json,
        }
    }

    /// Writes an item. One that is the same as the one there is not written
    /// again. Looks the key up once; allocates for the index only.
    pub(super) fn put(
        &mut self,
        key: ItemKey,
        item_bytes: usize,
        json: &[u8],
        retention: &Retention,
    ) -> Put {
        let old = match self.index.entry(key) {
            btree_map::Entry::Vacant(vacant) => {
                let place = self.log.append(vacant.key(), item_bytes, json, retention);
                self.item_bytes += item_bytes as u64;
                vacant.insert(place);
                return Put {
                    old: None,
                    new: Some(place),
                };
            }
            btree_map::Entry::Occupied(mut occupied) => {
                let old = *occupied.get();
                if self.log.entry(old).json == json {
                    return Put {
                        old: Some(old),
                        new: None,
                    };
                }
                let place = self.log.append(occupied.key(), item_bytes, json, retention);
                occupied.insert(place);
                (old, place)
            }
        };
        self.item_bytes += item_bytes as u64;
        self.item_bytes -= self.log.bury(old.0, retention) as u64;
        Put {
            old: Some(old.0),
            new: Some(old.1),
        }
    }

    /// Removes an item; returns where it stood. It can be read until the shard
    /// is compacted.
    pub(super) fn delete(&mut self, key: &ItemKey, retention: &Retention) -> Option<Place> {
        let old = self.index.remove(key)?;
        self.item_bytes -= self.log.bury(old, retention) as u64;
        Some(old)
    }

    /// Gives back segments that are mostly garbage, moving what is still live
    /// in them, so that a small table overwritten often neither grows nor
    /// loses anything. Places given out before are no longer valid.
    pub(super) fn compact(&mut self, retention: &Retention) {
        while self.log.held - self.log.live > self.log.live + retention.segment_bytes {
            let Some((at, segment)) = self.log.take_worst(retention) else {
                return;
            };
            self.each_live(at, &segment, |shard, key, entry| {
                let place = shard
                    .log
                    .append(&key, entry.item_bytes, entry.json, retention);
                shard.index.insert(key, place);
            });
            retention.recycle(segment.bytes);
        }
    }

    /// Removes the oldest segment with everything in it. Returns whether there
    /// was one with live items.
    pub(super) fn evict_oldest(&mut self, retention: &Retention) -> bool {
        let before = self.items();
        let Some((_, at)) = self.log.oldest() else {
            return false;
        };
        let Some((at, segment)) = self.log.take(at, retention) else {
            return false;
        };
        self.each_live(at, &segment, |shard, key, entry| {
            shard.index.remove(&key);
            shard.item_bytes -= entry.item_bytes as u64;
        });
        retention.recycle(segment.bytes);
        let evicted = before - self.items();
        retention.evicted.fetch_add(evicted as u64, Relaxed);
        true
    }

    /// Removes all items, of a table that is deleted, and gives their memory back:
    /// nothing counts as evicted. Places given out before are no longer valid.
    pub(super) fn discard(&mut self, retention: &Retention) {
        let shard = std::mem::take(self);
        retention.live.fetch_sub(shard.log.live as u64, Relaxed);
    }

    /// Hands each live entry of a segment taken out of the log to `each`.
    fn each_live(
        &mut self,
        number: u32,
        segment: &Segment,
        mut each: impl FnMut(&mut Self, ItemKey, Entry<'_>),
    ) {
        let mut offset = 0;
        while offset < segment.bytes.len() {
            let entry = Entry::read(&segment.bytes, offset);
            let place = Place {
                segment: number,
                offset: offset as u32,
            };
            offset += entry.len();
            let key = entry.key();
            if self.find(&key) == Some(place) {
                each(self, key, entry);
            }
        }
    }
}

impl Log {
    fn entry(&self, place: Place) -> Entry<'_> {
        let segment = self
            .segments
            .get((place.segment - self.first) as usize)
            .and_then(Option::as_ref);
        // Places in the index point at segments that are kept.
        segment.map_or(Entry::EMPTY, |s| {
            Entry::read(&s.bytes, place.offset as usize)
        })
    }

    fn append(
        &mut self,
        key: &ItemKey,
        item_bytes: usize,
        json: &[u8],
        retention: &Retention,
    ) -> Place {
        let bytes = HEADER_BYTES + key.rest.len() + json.len();
        let full = match self.segments.back() {
            Some(Some(open)) => open.bytes.len() + bytes > retention.segment_bytes,
            _ => true,
        };
        if full {
            self.segments.push_back(Some(Segment {
                opened: retention.opened.fetch_add(1, Relaxed),
                bytes: retention.room(bytes),
                live: 0,
            }));
        }
        let segment = self.first + self.segments.len() as u32 - 1;
        let Some(Some(open)) = self.segments.back_mut() else {
            unreachable!("a segment was opened above");
        };
        let offset = open.bytes.len() as u32;
        Entry {
            hash: key.hash,
            rest: &key.rest,
            item_bytes,
            json,
        }
        .write(&mut open.bytes);
        open.live += bytes;
        self.held += bytes;
        self.live += bytes;
        retention.live.fetch_add(bytes as u64, Relaxed);
        Place { segment, offset }
    }

    /// Turns an entry into garbage; returns its item's size.
    fn bury(&mut self, place: Place, retention: &Retention) -> usize {
        let entry = self.entry(place);
        let (bytes, item_bytes) = (entry.len(), entry.item_bytes);
        self.live -= bytes;
        retention.live.fetch_sub(bytes as u64, Relaxed);
        if let Some(Some(segment)) = self.segments.get_mut((place.segment - self.first) as usize) {
            segment.live -= bytes;
        }
        item_bytes
    }

    /// The oldest segment with live entries: its number in time and its index.
    fn oldest(&self) -> Option<(u64, usize)> {
        let segments = self.segments.iter().enumerate();
        segments
            .filter_map(|(at, s)| s.as_ref().filter(|s| s.live > 0).map(|s| (s.opened, at)))
            .min()
    }

    /// Takes out the sealed segment with the most garbage, if any has some.
    fn take_worst(&mut self, retention: &Retention) -> Option<(u32, Segment)> {
        let sealed = self.segments.len().saturating_sub(1);
        let segments = self.segments.iter().take(sealed).enumerate();
        let (garbage, at) = segments
            .filter_map(|(at, s)| s.as_ref().map(|s| (s.bytes.len() - s.live, at)))
            .max()?;
        if garbage == 0 {
            return None;
        }
        self.take(at, retention)
    }

    /// Takes a segment out; returns its number in places.
    fn take(&mut self, at: usize, retention: &Retention) -> Option<(u32, Segment)> {
        let segment = self.segments.get_mut(at)?.take()?;
        let number = self.first + at as u32;
        self.held -= segment.bytes.len();
        self.live -= segment.live;
        retention.live.fetch_sub(segment.live as u64, Relaxed);
        while let Some(None) = self.segments.front() {
            self.segments.pop_front();
            self.first += 1;
        }
        Some((number, segment))
    }
}

/// An item with its key as it stands in a segment.
#[derive(Debug, Clone, Copy)]
struct Entry<'a> {
    hash: u64,
    rest: &'a [u8],
    item_bytes: usize,
    json: &'a [u8],
}

impl<'a> Entry<'a> {
    const EMPTY: Self = Self {
        hash: 0,
        rest: &[],
        item_bytes: 0,
        json: &[],
    };

    fn len(&self) -> usize {
        HEADER_BYTES + self.rest.len() + self.json.len()
    }

    fn key(&self) -> ItemKey {
        ItemKey {
            hash: self.hash,
            rest: self.rest.into(),
        }
    }

    fn write(&self, out: &mut Block) {
        out.extend_from_slice(&self.hash.to_le_bytes());
        out.extend_from_slice(&(self.rest.len() as u16).to_le_bytes());
        out.extend_from_slice(&(self.json.len() as u32).to_le_bytes());
        out.extend_from_slice(&(self.item_bytes as u32).to_le_bytes());
        out.extend_from_slice(self.rest);
        out.extend_from_slice(self.json);
    }

    fn read(bytes: &'a [u8], offset: usize) -> Self {
        fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
            let mut array = [0; N];
            array.copy_from_slice(&bytes[at..at + N]);
            array
        }
        let hash = u64::from_le_bytes(array(bytes, offset));
        let rest = usize::from(u16::from_le_bytes(array(bytes, offset + 8)));
        let json = u32::from_le_bytes(array(bytes, offset + 10)) as usize;
        let item_bytes = u32::from_le_bytes(array(bytes, offset + 14)) as usize;
        let key = offset + HEADER_BYTES;
        Self {
            hash,
            rest: &bytes[key..key + rest],
            item_bytes,
            json: &bytes[key + rest..key + rest + json],
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn key(n: u32) -> ItemKey {
        ItemKey::new(&n.to_be_bytes(), b"")
    }

    fn item(n: u32, version: u32) -> Vec<u8> {
        format!("{{\"n\":{{\"N\":\"{n}\"}},\"v\":{{\"N\":\"{version:0100}\"}}}}").into_bytes()
    }

    fn put(shard: &mut Shard, n: u32, version: u32, retention: &Retention) -> Put {
        let json = item(n, version);
        shard.put(key(n), json.len(), &json, retention)
    }

    #[test]
    fn an_overwritten_item_is_replaced_and_its_old_image_can_still_be_read() {
        let retention = Retention::new(u64::MAX);
        let mut shard = Shard::default();
        assert!(put(&mut shard, 1, 1, &retention).old.is_none());
        let second = put(&mut shard, 1, 2, &retention);
        assert_eq!(shard.read(second.old.unwrap()).json, item(1, 1));
        assert_eq!(shard.read(shard.find(&key(1)).unwrap()).json, item(1, 2));
        let third = put(&mut shard, 1, 2, &retention);
        assert!(third.new.is_none(), "the same item is not written again");
    }

    #[test]
    fn a_small_table_overwritten_often_loses_nothing_and_does_not_grow() {
        let retention = Retention::new(1 << 20);
        let mut shard = Shard::default();
        for version in 0..1_000 {
            for n in 0..20 {
                put(&mut shard, n, version, &retention);
            }
            shard.compact(&retention);
        }
        assert!(!retention.exceeded());
        assert_eq!((shard.items(), retention.evicted()), (20, 0));
        assert!(
            shard.log.held < 4 * retention.segment_bytes,
            "{}",
            shard.log.held
        );
        for n in 0..20 {
            assert_eq!(shard.read(shard.find(&key(n)).unwrap()).json, item(n, 999));
        }
    }

    #[test]
    fn beyond_what_is_to_be_retained_the_oldest_items_go_first() {
        let retention = Retention::new(100_000);
        let mut shard = Shard::default();
        for n in 0..2_000 {
            put(&mut shard, n, n, &retention);
            while retention.exceeded() {
                assert!(shard.evict_oldest(&retention));
            }
        }
        let kept = shard.items() as u32;
        assert_eq!(u64::from(2_000 - kept), retention.evicted());
        assert!(kept > 400, "{kept}");
        for n in 0..2_000 {
            assert_eq!(shard.find(&key(n)).is_some(), n >= 2_000 - kept, "{n}");
        }
    }

    proptest! {
        #[test]
        fn a_shard_holds_what_a_map_would_hold(
            operations in proptest::collection::vec((0u32..30, 0u32..4, 0u8..8), 0..400)
        ) {
            let retention = Retention::new(64 * 4096);
            let mut shard = Shard::default();
            let mut model = BTreeMap::new();
            for (n, version, operation) in operations {
                if operation == 0 {
                    prop_assert_eq!(shard.delete(&key(n), &retention).is_some(), model.remove(&n).is_some());
                } else {
                    let json = item(n, version);
                    shard.put(key(n), json.len(), &json, &retention);
                    model.insert(n, json);
                }
                shard.compact(&retention);
            }
            prop_assert_eq!(shard.items(), model.len());
            prop_assert_eq!(shard.item_bytes(), model.values().map(|j| j.len() as u64).sum::<u64>());
            for (n, json) in &model {
                let place = shard.find(&key(*n)).unwrap();
                prop_assert_eq!(shard.read(place).json, &json[..]);
            }
            let live: usize = model.values().map(|j| j.len() + HEADER_BYTES + 6).sum();
            prop_assert_eq!(shard.log.live, live);
            prop_assert_eq!(retention.live.load(Relaxed), live as u64);
        }
    }
}
