//! The due queue: who sends next, among a million devices.
//!
//! A hierarchical timing wheel (Varghese and Lauck 1987,
//! <https://doi.org/10.1145/41457.37504>): three wheels of 4,096 slots, the
//! finest 16 us a slot. An entry waits in the wheel that its distance asks
//! for and moves down at most twice, so that putting in and taking out are
//! O(1). Slots are lists linked by 32-bit indices through an array beside the
//! devices, four entries a cache line, and nothing is allocated once the list of the current slot has
//! grown to its largest.

const SLOT_BITS: u32 = 12;
const SLOTS: usize = 1 << SLOT_BITS;
const FINEST_BITS: u32 = 4;
const LEVELS: usize = 3;
/// Words of 64 slots; as many as a word has bits.
const WORDS: usize = SLOTS / 64;
const _: () = assert!(WORDS == 64);
const NONE: u32 = u32::MAX;

/// What the queue holds for each device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    due_us: u64,
    next: u32,
    /// The device's number in the fleet: here because it is wanted whenever
    /// the rest is.
    number: u32,
}

/// Entries by due time, then by index.
#[derive(Clone, Debug)]
pub(crate) struct Wheel {
    entries: Vec<Entry>,
    levels: [Level; LEVELS],
    /// The finest slot under way, counted from time 0. All entries of earlier
    /// slots and of this one are in `ready`.
    slot: u64,
    /// Entries of the slot under way, latest first.
    ready: Vec<(u64, u32)>,
    waiting: usize,
}

#[derive(Clone, Debug)]
struct Level {
    heads: Box<[u32]>,
    /// A bit for each slot that holds something,
    occupied: [u64; WORDS],
    /// and one for each word of those that is not zero.
    words: u64,
}

impl Level {
    fn new() -> Self {
        Self {
            heads: vec![NONE; SLOTS].into_boxed_slice(),
            occupied: [0; WORDS],
            words: 0,
        }
    }

    /// The first occupied slot from `from` up, if any. No loop: how far it is
    /// to the next reading, no branch predictor can tell.
    #[inline]
    fn first_from(&self, from: usize) -> Option<usize> {
        let word = from / 64;
        let here = self.occupied.get(word)? & (!0 << (from % 64));
        let later = self.words & (!1 << word);
        if here == 0 && later == 0 {
            return None;
        }
        let next = if here == 0 {
            later.trailing_zeros() as usize
        } else {
            word
        };
        let bits = if here == 0 {
            self.occupied[next % WORDS]
        } else {
            here
        };
        Some(next * 64 + bits.trailing_zeros() as usize)
    }

    #[inline]
    fn occupy(&mut self, slot: usize) {
        self.occupied[slot / 64] |= 1 << (slot % 64);
        self.words |= 1 << (slot / 64);
    }

    #[inline]
    fn take(&mut self, slot: usize) -> u32 {
        let word = &mut self.occupied[slot / 64];
        *word &= !(1 << (slot % 64));
        self.words &= !(u64::from(*word == 0) << (slot / 64));
        std::mem::replace(&mut self.heads[slot], NONE)
    }
}

impl Wheel {
    /// An empty queue for devices of these `numbers`, known by their index in
    /// it, at time `now_us`; nothing may be put in before that.
    pub(crate) fn new(numbers: impl IntoIterator<Item = u32>, now_us: u64) -> Self {
        let entry = |number| Entry {
            due_us: 0,
            next: NONE,
            number,
        };
        Self {
            entries: numbers.into_iter().map(entry).collect(),
            levels: [Level::new(), Level::new(), Level::new()],
            slot: now_us >> FINEST_BITS,
            ready: Vec::with_capacity(1024),
            waiting: 0,
        }
    }

    /// Puts `index`, which must not be in the queue, in at `due_us`.
    #[inline]
    pub(crate) fn put(&mut self, index: u32, due_us: u64) {
        let slot = due_us >> FINEST_BITS;
        if slot <= self.slot {
            let entry = (due_us, index);
            let place = self.ready.partition_point(|other| *other > entry);
            self.ready.insert(place, entry);
        } else {
            self.entries[index as usize].due_us = due_us;
            self.link(index, slot);
            self.waiting += 1;
        }
    }

    #[inline]
    fn link(&mut self, index: u32, slot: u64) {
        // The level is that of the highest digit in which the two differ; what
        // is beyond the coarsest wheel waits in its last turn and is put in
        // again when that comes by.
        let differ = slot ^ self.slot;
        let level =
            usize::from(differ >> SLOT_BITS != 0) + usize::from(differ >> (2 * SLOT_BITS) != 0);
        let turn = if differ >> (3 * SLOT_BITS) != 0 {
            SLOTS - 1
        } else {
            (slot >> (SLOT_BITS * level as u32)) as usize & (SLOTS - 1)
        };
        let level = &mut self.levels[level];
        self.entries[index as usize].next = level.heads[turn];
        level.heads[turn] = index;
        level.occupy(turn);
    }

    /// The earliest entry. `nears` hears of entries that come into the finest
    /// wheel: what is kept about them will be wanted within 65 ms.
    #[inline]
    pub(crate) fn first(&mut self, nears: impl FnMut(u32)) -> Option<(u64, u32)> {
        if self.ready.is_empty() {
            self.turn(nears);
        }
        self.ready.last().copied()
    }

    /// The fleet's number of the device at `index`.
    pub(crate) fn number(&self, index: u32) -> u32 {
        self.entries[index as usize].number
    }

    /// Takes the entry that [`Wheel::first`] showed.
    #[inline]
    pub(crate) fn take_first(&mut self) {
        self.ready.pop();
    }

    /// Moves to the next occupied slot.
    fn turn(&mut self, mut nears: impl FnMut(u32)) {
        while self.ready.is_empty() && self.waiting > 0 {
            let mask = SLOTS - 1;
            let fine = self.slot as usize & mask;
            if let Some(turn) = self.levels[0].first_from(fine) {
                self.slot = (self.slot & !(mask as u64)) | turn as u64;
                self.drain(turn);
                continue;
            }
            let medium = (self.slot >> SLOT_BITS) as usize & mask;
            if let Some(turn) = self.levels[1].first_from(medium + 1) {
                let above = self.slot >> (2 * SLOT_BITS);
                self.slot = (above << SLOT_BITS | turn as u64) << SLOT_BITS;
                self.move_down(1, turn, &mut nears);
                continue;
            }
            let coarse = (self.slot >> (2 * SLOT_BITS)) as usize & mask;
            if let Some(turn) = self.levels[2].first_from(coarse + 1) {
                let above = self.slot >> (3 * SLOT_BITS);
                self.slot = (above << SLOT_BITS | turn as u64) << (2 * SLOT_BITS);
                self.move_down(2, turn, |_| {});
            } else {
                // Everything left is beyond this turn of the coarsest wheel
                // (12.7 days): it waits in the last slot, which may be this.
                self.slot = ((self.slot >> (3 * SLOT_BITS)) + 1) << (3 * SLOT_BITS);
                self.move_down(2, SLOTS - 1, |_| {});
            }
        }
    }

    fn drain(&mut self, turn: usize) {
        let mut index = self.levels[0].take(turn);
        while index != NONE {
            let entry = self.entries[index as usize];
            self.ready.push((entry.due_us, index));
            self.waiting -= 1;
            index = entry.next;
        }
        if self.ready.len() > 1 {
            self.ready.sort_unstable_by(|a, b| b.cmp(a));
        }
    }

    fn move_down(&mut self, level: usize, turn: usize, mut nears: impl FnMut(u32)) {
        let mut index = self.levels[level].take(turn);
        while index != NONE {
            let Entry { due_us, next, .. } = self.entries[index as usize];
            nears(index);
            let slot = due_us >> FINEST_BITS;
            if slot <= self.slot {
                self.ready.push((due_us, index));
                self.waiting -= 1;
            } else {
                self.link(index, slot);
            }
            index = next;
        }
        self.ready.sort_unstable_by(|a, b| b.cmp(a));
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
        let mut wheel = Wheel::new(0..entries, start_us);
        let mut model = std::collections::BTreeSet::new();
        for index in 0..entries {
            let due_us = start_us + u64::from(rng.below(3_000_000));
            wheel.put(index, due_us);
            model.insert((due_us, index));
        }
        for _ in 0..60_000 {
            let found = wheel.first(|_| {});
            assert_eq!(found, model.pop_first());
            let Some((due_us, index)) = found else { break };
            wheel.take_first();
            // From the same microsecond to 300 days ahead.
            let far = rng.bits() >> (20 + rng.below(44));
            let due_us = due_us + far.min(300 * 86_400_000_000);
            wheel.put(index, due_us);
            model.insert((due_us, index));
        }
    }

    #[test]
    fn an_empty_wheel_has_no_first_entry() {
        let mut wheel = Wheel::new(0..3, 5);
        assert_eq!(wheel.first(|_| {}), None);
        wheel.put(2, 1_000_000);
        assert_eq!(wheel.first(|_| {}), Some((1_000_000, 2)));
        wheel.take_first();
        assert_eq!(wheel.first(|_| {}), None);
    }
}
