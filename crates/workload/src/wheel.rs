//! The due queue: who sends next, among a million devices.
//!
//! A hierarchical timing wheel (Varghese and Lauck 1987,
//! <https://doi.org/10.1145/41457.37504>) that sorts: two wheels of 4,096
//! slots, of 8.2 ms and of 33.6 s each. An entry waits in the wheel that its
//! distance asks for, moves down at most once, and is sorted with the others
//! of its slot when that comes up, so that every entry is written and read in
//! runs of memory. An entry is one word: where in its slot it is due, and
//! whose it is. Slots are lists of chunks from one pool.
//!
//! Nothing is allocated once the pool and the list of the slot under way have
//! grown to their largest.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A slot of the near wheel is 2 to this power of microseconds.
const SLOT_US_BITS: u32 = 13;
/// A wheel has 2 to this power of slots.
const WHEEL_BITS: u32 = 12;
const SLOTS: usize = 1 << WHEEL_BITS;
const MASK: u64 = SLOTS as u64 - 1;
/// A slot of the far wheel is 2 to this power of microseconds.
const FAR_US_BITS: u32 = SLOT_US_BITS + WHEEL_BITS;
/// Bits of an entry that say whose it is.
const INDEX_BITS: u32 = 32;
const _: () = assert!(FAR_US_BITS + INDEX_BITS <= u64::BITS);

/// Entries that come near at a time: what is kept about as many fits the
/// processor's first cache, beside all else that is at work there.
const AHEAD: usize = 32;

const NONE: u32 = u32::MAX;
const CHUNK: usize = 15;

/// Entries that wait in one slot; two cache lines.
#[derive(Clone, Copy, Debug)]
#[repr(align(128))]
struct Chunk {
    entries: [u64; CHUNK],
    len: u32,
    next: u32,
}

/// What the queue holds for each device, in bytes, its slots left aside.
pub(crate) const BYTES_EACH: usize = size_of::<Chunk>().div_ceil(CHUNK);

/// An entry of a slot that begins at a multiple of 2 to the power of `bits`.
#[inline]
fn pack(due_us: u64, index: u32, bits: u32) -> u64 {
    (due_us & ((1 << bits) - 1)) << INDEX_BITS | u64::from(index)
}

/// Due time, from the slot's beginning, and index.
#[inline]
fn unpack(entry: u64) -> (u64, u32) {
    (entry >> INDEX_BITS, entry as u32)
}

/// Chunks in use and chunks given back.
#[derive(Clone, Debug)]
struct Pool {
    chunks: Vec<Chunk>,
    free: u32,
}

impl Pool {
    /// A chunk with `entry` in it, before `next` in its list.
    fn chunk(&mut self, entry: u64, next: u32) -> u32 {
        let mut chunk = Chunk {
            entries: [0; CHUNK],
            len: 1,
            next,
        };
        chunk.entries[0] = entry;
        if let Some(free) = self.chunks.get_mut(self.free as usize) {
            let place = self.free;
            self.free = free.next;
            *free = chunk;
            return place;
        }
        self.chunks.push(chunk);
        (self.chunks.len() - 1) as u32
    }

    /// Takes the first chunk off the list `head`, which it moves on. It may be
    /// read until the next one is asked for.
    fn pop(&mut self, head: &mut u32) -> Option<&Chunk> {
        let chunk = self.chunks.get_mut(*head as usize)?;
        let next = std::mem::replace(&mut chunk.next, self.free);
        self.free = std::mem::replace(head, next);
        Some(chunk)
    }
}

impl Chunk {
    fn entries(&self) -> &[u64] {
        &self.entries[..self.len as usize]
    }
}

#[derive(Clone, Debug)]
struct Level {
    heads: Box<[u32]>,
    /// A bit for each slot that holds something,
    occupied: [u64; WORDS],
    /// and one for each word of those that is not zero.
    words: u64,
}

/// Words of 64 slots; as many as a word has bits.
const WORDS: usize = SLOTS / 64;
const _: () = assert!(WORDS == 64);

impl Level {
    fn new() -> Self {
        Self {
            heads: vec![NONE; SLOTS].into_boxed_slice(),
            occupied: [0; WORDS],
            words: 0,
        }
    }

    #[inline]
    fn push(&mut self, pool: &mut Pool, slot: usize, entry: u64) {
        let head = &mut self.heads[slot];
        if let Some(chunk) = pool.chunks.get_mut(*head as usize)
            && let Some(place) = chunk.entries.get_mut(chunk.len as usize)
        {
            *place = entry;
            chunk.len += 1;
            return;
        }
        *head = pool.chunk(entry, *head);
        self.occupied[slot / 64] |= 1 << (slot % 64);
        self.words |= 1 << (slot / 64);
    }

    /// The first occupied slot from `from` up, if any.
    fn first_from(&self, from: usize) -> Option<usize> {
        let word = from / 64;
        let here = self.occupied.get(word)? & (!0 << (from % 64));
        if here != 0 {
            return Some(word * 64 + here.trailing_zeros() as usize);
        }
        let later = self.words & (!1 << word);
        let word = (later != 0).then(|| later.trailing_zeros() as usize)?;
        Some(word * 64 + self.occupied[word].trailing_zeros() as usize)
    }

    fn take(&mut self, slot: usize) -> u32 {
        let word = &mut self.occupied[slot / 64];
        *word &= !(1 << (slot % 64));
        self.words &= !(u64::from(*word == 0) << (slot / 64));
        std::mem::replace(&mut self.heads[slot], NONE)
    }
}

/// Entries by due time, then by index.
#[derive(Clone, Debug)]
pub(crate) struct Wheel {
    pool: Pool,
    near: Level,
    far: Level,
    /// What is due beyond the far wheel's present turn of 38.2 hours.
    beyond: Vec<(u64, u32)>,
    /// The near slot under way, counted from time 0.
    slot: u64,
    /// Its entries, in order, and how many of them were taken.
    ready: Vec<u64>,
    taken: usize,
    /// How many of them were told to come near.
    told: usize,
    /// What was put in for the slot under way, or for before it, meanwhile.
    late: BinaryHeap<Reverse<(u64, u32)>>,
}

impl Wheel {
    /// An empty queue at time `now_us`, with room for `entries`; nothing may be
    /// put in for before that.
    pub(crate) fn new(entries: usize, now_us: u64) -> Self {
        // However they are spread: each slot may have one chunk that is not full.
        let chunks = entries / CHUNK + entries.min(2 * SLOTS);
        Self {
            pool: Pool {
                chunks: Vec::with_capacity(chunks),
                free: NONE,
            },
            near: Level::new(),
            far: Level::new(),
            beyond: Vec::new(),
            slot: now_us >> SLOT_US_BITS,
            ready: Vec::with_capacity(1024),
            taken: 0,
            told: 0,
            late: BinaryHeap::new(),
        }
    }

    /// Puts `index`, which must not be in the queue, in at `due_us`.
    #[inline]
    pub(crate) fn put(&mut self, index: u32, due_us: u64) {
        let slot = due_us >> SLOT_US_BITS;
        let differ = slot ^ self.slot;
        if slot <= self.slot {
            self.late.push(Reverse((due_us, index)));
        } else if differ >> WHEEL_BITS == 0 {
            let entry = pack(due_us, index, SLOT_US_BITS);
            let turn = (slot & MASK) as usize;
            self.near.push(&mut self.pool, turn, entry);
        } else if differ >> (2 * WHEEL_BITS) == 0 {
            let entry = pack(due_us, index, FAR_US_BITS);
            let turn = (slot >> WHEEL_BITS & MASK) as usize;
            self.far.push(&mut self.pool, turn, entry);
        } else {
            self.beyond.push((due_us, index));
        }
    }

    /// The earliest entry: due time and index. `nears` hears of the entries that
    /// come next, [`AHEAD`] of them at a time: what is kept about them is wanted
    /// now.
    #[inline]
    pub(crate) fn first(&mut self, nears: impl FnMut(u32)) -> Option<(u64, u32)> {
        if self.taken == self.told {
            self.tell(nears);
        }
        let ready = self.ready.get(self.taken).map(|&entry| {
            let (after_us, index) = unpack(entry);
            ((self.slot << SLOT_US_BITS) + after_us, index)
        });
        match self.late.peek() {
            None => ready,
            Some(&Reverse(late)) => Some(ready.map_or(late, |ready| ready.min(late))),
        }
    }

    /// Takes out `first`, which [`Wheel::first`] showed.
    #[inline]
    pub(crate) fn take(&mut self, first: (u64, u32)) {
        match self.late.peek() {
            Some(&Reverse(late)) if late == first => drop(self.late.pop()),
            _ => self.taken += 1,
        }
    }

    #[inline(never)]
    fn tell(&mut self, mut nears: impl FnMut(u32)) {
        if self.taken == self.ready.len() && self.late.is_empty() {
            self.turn();
        }
        self.told = self.ready.len().min(self.taken + AHEAD);
        for &entry in &self.ready[self.taken..self.told] {
            nears(unpack(entry).1);
        }
    }

    /// Moves to the next slot that holds something.
    fn turn(&mut self) {
        self.ready.clear();
        self.taken = 0;
        loop {
            if let Some(turn) = self.near.first_from((self.slot & MASK) as usize) {
                self.slot = self.slot & !MASK | turn as u64;
                self.drain(turn);
                return;
            }
            let turn = (self.slot >> WHEEL_BITS & MASK) as usize;
            if let Some(turn) = self.far.first_from(turn + 1) {
                let above = self.slot >> (2 * WHEEL_BITS);
                self.slot = (above << WHEEL_BITS | turn as u64) << WHEEL_BITS;
                self.move_down(turn);
                continue;
            }
            // Everything left is beyond this turn of the far wheel.
            let Some(&(earliest_us, _)) = self.beyond.iter().min() else {
                return;
            };
            self.slot = earliest_us >> FAR_US_BITS << WHEEL_BITS;
            for (due_us, index) in std::mem::take(&mut self.beyond) {
                self.put(index, due_us);
            }
            if !self.late.is_empty() {
                return;
            }
        }
    }

    fn drain(&mut self, turn: usize) {
        let mut head = self.near.take(turn);
        while let Some(chunk) = self.pool.pop(&mut head) {
            self.ready.extend_from_slice(chunk.entries());
        }
        self.ready.sort_unstable();
    }

    fn move_down(&mut self, turn: usize) {
        let begins_us = self.slot << SLOT_US_BITS;
        let mut head = self.far.take(turn);
        while let Some(chunk) = self.pool.pop(&mut head).copied() {
            for &entry in chunk.entries() {
                let (after_us, index) = unpack(entry);
                let due_us = begins_us + after_us;
                let turn = (due_us >> SLOT_US_BITS & MASK) as usize;
                let entry = pack(due_us, index, SLOT_US_BITS);
                self.near.push(&mut self.pool, turn, entry);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rng::{SplitMix64, Stream};
    use super::*;

    #[test]
    fn entries_come_out_by_time_then_index_at_any_distance() {
        let mut rng = SplitMix64::seeded(7, 0, Stream::Life);
        let start_us = 1_700_000_000_000_000;
        let entries = 500u32;
        let mut wheel = Wheel::new(entries as usize, start_us);
        let room = wheel.pool.chunks.capacity();
        let mut model = std::collections::BTreeSet::new();
        for index in 0..entries {
            let due_us = start_us + u64::from(rng.below(3_000_000));
            wheel.put(index, due_us);
            model.insert((due_us, index));
        }
        for _ in 0..60_000 {
            let found = wheel.first(|_| {});
            assert_eq!(found, model.pop_first());
            let Some(found) = found else { break };
            wheel.take(found);
            // From the same microsecond to 300 days ahead.
            let far = rng.bits() >> (20 + rng.below(44));
            let due_us = found.0 + far.min(300 * 86_400_000_000);
            wheel.put(found.1, due_us);
            model.insert((due_us, found.1));
        }
        assert_eq!(wheel.pool.chunks.capacity(), room, "the pool grew");
    }

    #[test]
    fn whoever_comes_up_was_announced_unless_put_in_for_the_slot_under_way() {
        let mut wheel = Wheel::new(100, 0);
        for index in 0..100 {
            wheel.put(index, 70_000 + u64::from(index) * 100_000);
        }
        let mut near = std::collections::BTreeSet::new();
        for index in 0..100 {
            let first = wheel.first(|index| {
                near.insert(index);
            });
            let (due_us, found) = first.expect("entries are left");
            assert!(found == index && near.contains(&index));
            wheel.take((due_us, found));
        }
        assert_eq!(wheel.first(|_| {}), None);
    }

    #[test]
    fn an_empty_wheel_has_no_first_entry() {
        let mut wheel = Wheel::new(3, 5);
        assert_eq!(wheel.first(|_| {}), None);
        wheel.put(2, 1_000_000);
        assert_eq!(wheel.first(|_| {}), Some((1_000_000, 2)));
        wheel.take((1_000_000, 2));
        assert_eq!(wheel.first(|_| {}), None);
    }
}
