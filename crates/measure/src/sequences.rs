//! Which readings were seen, in constant memory for each device.

use std::collections::BTreeMap;

const FULL: u64 = u64::MAX;

/// The latest word of one device, 16 bytes.
///
/// Sequences come nearly in order, so that only the latest 64 need bits of
/// their own: a word of sequences between `start` and `word` is complete
/// unless [`SequenceSet::older`] says what it holds.
#[derive(Debug, Clone, Copy, Default)]
struct Window {
    /// The lowest sequence of the device; meaningless while `bits` is 0.
    start: u32,
    /// Which word of 64 sequences `bits` are of: the latest with any.
    word: u32,
    /// One bit for each sequence; 0 only for a device without any.
    bits: u64,
}

/// Bits at and above `sequence` in its word.
fn from_bit(sequence: u32) -> u64 {
    FULL << (sequence % 64)
}

impl Window {
    /// What a word holds when it is as complete as it can be.
    fn complete(self, word: u32) -> u64 {
        if word == self.start / 64 {
            from_bit(self.start)
        } else {
            FULL
        }
    }
}

/// Consecutive older words of a device, each with the same bits. Words that
/// were skipped over stand in one stretch however many they are, so that a
/// sequence from nowhere costs no more than any other.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    words: u32,
    bits: u64,
}

/// Consecutive words of one device, with what two sets hold in each.
struct Joint {
    word: u32,
    words: u32,
    ours: u64,
    theirs: u64,
}

/// A set of (device, sequence) pairs, made for sequences that come nearly in
/// order and without gaps: 16 bytes a device, and about 40 more for each run
/// of up to 64 sequences that stays incomplete behind the latest.
///
/// A device's sequences may start anywhere, so that a set of measured readings
/// need not hold those of the warm-up before them.
///
/// [`Self::insert`] allocates nothing while sequences stay within the latest
/// word of their device and the device is within the range asked for with
/// [`Self::with_devices`] or [`Self::partition`].
#[derive(Debug, Clone)]
pub struct SequenceSet {
    /// This set holds devices `offset`, `offset + stride`, and so on.
    offset: u32,
    stride: u32,
    windows: Vec<Window>,
    /// Older words that are not complete, by device and first word.
    older: BTreeMap<(u32, u32), Stretch>,
    len: u64,
}

impl Default for SequenceSet {
    fn default() -> Self {
        Self {
            offset: 0,
            stride: 1,
            windows: Vec::new(),
            older: BTreeMap::new(),
            len: 0,
        }
    }
}

impl SequenceSet {
    /// An empty set, with room for devices 0 to `devices` (exclusive).
    #[must_use]
    pub fn with_devices(devices: u32) -> Self {
        Self::partition(devices, 0, 1)
    }

    /// An empty set, with room for those of the devices 0 to `devices`
    /// (exclusive) for which `device % of == index`. Others may be inserted
    /// nevertheless; the first makes the set as large as one for all devices.
    #[must_use]
    pub fn partition(devices: u32, index: u32, of: u32) -> Self {
        let of = of.max(1);
        let index = index % of;
        let room = devices.saturating_sub(index).div_ceil(of);
        Self {
            offset: index,
            stride: of,
            windows: vec![Window::default(); room as usize],
            ..Self::default()
        }
    }

    /// Number of pairs.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of memory in use for devices, not counting incomplete older words.
    #[must_use]
    pub fn device_bytes(&self) -> usize {
        self.windows.capacity() * size_of::<Window>()
    }

    fn slot(&self, device: u32) -> Option<usize> {
        let ours = device % self.stride == self.offset;
        ours.then_some((device / self.stride) as usize)
    }

    fn window(&self, device: u32) -> Option<Window> {
        let window = *self.windows.get(self.slot(device)?)?;
        (window.bits != 0).then_some(window)
    }

    /// The slot of a device, made if need be.
    fn ensure(&mut self, device: u32) -> usize {
        let slot = match self.slot(device) {
            Some(slot) => slot,
            None => {
                self.widen();
                device as usize
            }
        };
        if slot >= self.windows.len() {
            self.windows.resize(slot + 1, Window::default());
        }
        slot
    }

    /// From a partition of the devices to all of them.
    fn widen(&mut self) {
        let narrow = std::mem::take(&mut self.windows);
        let last = narrow.len().saturating_sub(1) * self.stride as usize + self.offset as usize;
        self.windows = vec![Window::default(); last + 1];
        for (slot, window) in narrow.into_iter().enumerate() {
            self.windows[slot * self.stride as usize + self.offset as usize] = window;
        }
        (self.offset, self.stride) = (0, 1);
    }

    /// Adds a pair; `false` when it was there already.
    pub fn insert(&mut self, device: u32, sequence: u32) -> bool {
        let slot = self.ensure(device);
        let window = &mut self.windows[slot];
        let (word, bit) = (sequence / 64, 1 << (sequence % 64));
        let newly = if window.bits == 0 {
            *window = Window {
                start: sequence,
                word,
                bits: bit,
            };
            true
        } else if word == window.word {
            let newly = window.bits & bit == 0;
            window.bits |= bit;
            window.start = window.start.min(sequence);
            newly
        } else if word > window.word {
            let left = *window;
            *window = Window {
                start: left.start,
                word,
                bits: bit,
            };
            if left.bits != left.complete(left.word) {
                self.put(device, left.word, 1, left.bits);
            }
            self.put(device, left.word + 1, word - left.word - 1, 0);
            true
        } else if sequence < window.start {
            self.insert_before_start(device, slot, sequence);
            true
        } else {
            self.insert_older(device, slot, word, bit)
        };
        self.len += u64::from(newly);
        newly
    }

    fn put(&mut self, device: u32, word: u32, words: u32, bits: u64) {
        if words > 0 {
            self.older.insert((device, word), Stretch { words, bits });
        }
    }

    /// A sequence below all others: what was complete from `start` on now has
    /// a beginning that is missing.
    fn insert_before_start(&mut self, device: u32, slot: usize, sequence: u32) {
        let Window { start, word, .. } = self.windows[slot];
        let (first, was_first) = (sequence / 64, start / 64);
        self.windows[slot].start = sequence;
        let bit = 1 << (sequence % 64);
        if first == was_first {
            // Within one older word (the latest is the caller's business).
            let held = self.older.get(&(device, first)).map(|held| held.bits);
            let bits = held.unwrap_or(from_bit(start)) | bit;
            self.settle(device, first, bits, from_bit(sequence));
        } else {
            if was_first < word && !self.older.contains_key(&(device, was_first)) {
                // Complete down to `start`, which is no longer its beginning.
                if from_bit(start) != FULL {
                    self.put(device, was_first, 1, from_bit(start));
                }
            }
            self.put(device, first + 1, was_first - first - 1, 0);
            self.settle(device, first, bit, from_bit(sequence));
        }
    }

    /// Stores a single older word, or forgets it once it is complete.
    fn settle(&mut self, device: u32, word: u32, bits: u64, complete: u64) {
        if bits == complete {
            self.older.remove(&(device, word));
        } else {
            self.put(device, word, 1, bits);
        }
    }

    /// The stretch of older words that `word` is in, and its first word.
    fn stretch(&self, device: u32, word: u32) -> Option<(u32, Stretch)> {
        let (&(_, first), &stretch) = self.older.range((device, 0)..=(device, word)).next_back()?;
        (word - first < stretch.words).then_some((first, stretch))
    }

    fn insert_older(&mut self, device: u32, slot: usize, word: u32, bit: u64) -> bool {
        let Some((first, stretch)) = self.stretch(device, word) else {
            return false;
        };
        if stretch.bits & bit != 0 {
            return false;
        }
        let before = word - first;
        self.older.remove(&(device, first));
        self.put(device, first, before, stretch.bits);
        self.put(device, word + 1, stretch.words - before - 1, stretch.bits);
        let complete = self.windows[slot].complete(word);
        self.settle(device, word, stretch.bits | bit, complete);
        true
    }

    /// Whether the pair is in the set.
    #[must_use]
    pub fn contains(&self, device: u32, sequence: u32) -> bool {
        let Some(window) = self.window(device) else {
            return false;
        };
        let (word, bit) = (sequence / 64, 1 << (sequence % 64));
        if word >= window.word {
            word == window.word && window.bits & bit != 0
        } else if sequence < window.start {
            false
        } else {
            self.stretch(device, word)
                .is_none_or(|(_, stretch)| stretch.bits & bit != 0)
        }
    }

    /// The highest sequence of a device.
    #[must_use]
    pub fn highest(&self, device: u32) -> Option<u32> {
        let window = self.window(device)?;
        Some(window.word * 64 + window.bits.ilog2())
    }

    /// Adds all pairs of `other`.
    pub fn merge(&mut self, other: &SequenceSet) {
        for (device, window) in other.devices() {
            let slot = self.ensure(device);
            if self.windows[slot].bits == 0 {
                // The usual case: every device belongs to one worker.
                self.windows[slot] = window;
                for (&key, &stretch) in other.older.range((device, 0)..=(device, u32::MAX)) {
                    self.older.insert(key, stretch);
                }
                self.len += other.device_len(device, window);
            } else {
                for stretch in other.stretches(device) {
                    for sequence in sequences(stretch.0, stretch.1.words, stretch.1.bits) {
                        self.insert(device, sequence);
                    }
                }
            }
        }
    }

    /// Devices with at least one sequence, in order.
    fn devices(&self) -> impl Iterator<Item = (u32, Window)> {
        self.windows
            .iter()
            .enumerate()
            .filter(|(_, window)| window.bits != 0)
            .map(|(slot, &window)| (slot as u32 * self.stride + self.offset, window))
    }

    fn device_len(&self, device: u32, window: Window) -> u64 {
        if self.older.is_empty() {
            let whole = u64::from(window.word) * 64 - u64::from(window.start.min(window.word * 64));
            let latest = u64::from(window.bits.count_ones());
            return whole + latest;
        }
        self.stretches(device)
            .map(|(_, stretch)| u64::from(stretch.words) * u64::from(stretch.bits.count_ones()))
            .sum()
    }

    /// All words of a device from its start to its latest, as stretches in order.
    fn stretches(&self, device: u32) -> impl Iterator<Item = (u32, Stretch)> {
        let window = self.window(device);
        let mut older = self
            .older
            .range((device, 0)..=(device, u32::MAX))
            .map(|(&(_, word), &stretch)| (word, stretch))
            .peekable();
        let mut next = window.map(|window| window.start / 64);
        std::iter::from_fn(move || {
            let window = window?;
            let word = next?;
            let stretch = match older.next_if(|&(first, _)| first == word) {
                Some((_, stretch)) => stretch,
                None if word == window.word => {
                    next = None;
                    let bits = window.bits;
                    return Some((word, Stretch { words: 1, bits }));
                }
                // The first word has a beginning of its own.
                None if word == window.start / 64 => Stretch {
                    words: 1,
                    bits: window.complete(word),
                },
                None => {
                    let until = older.peek().map_or(window.word, |&(first, _)| first);
                    Stretch {
                        words: until - word,
                        bits: FULL,
                    }
                }
            };
            next = Some(word + stretch.words);
            Some((word, stretch))
        })
    }

    /// What this set and another hold of a device, side by side.
    fn joint(&self, other: &SequenceSet, device: u32) -> impl Iterator<Item = Joint> {
        let mut ours = self.stretches(device).peekable();
        let mut theirs = other.stretches(device).peekable();
        let mut word = 0;
        std::iter::from_fn(move || {
            let end = |&(first, stretch): &(u32, Stretch)| first + stretch.words;
            while ours.next_if(|stretch| end(stretch) <= word).is_some() {}
            while theirs.next_if(|stretch| end(stretch) <= word).is_some() {}
            let (a, b) = (ours.peek(), theirs.peek());
            let first = |side: Option<&(u32, Stretch)>| side.map(|&(first, _)| first.max(word));
            let from = match (first(a), first(b)) {
                (Some(a), Some(b)) => a.min(b),
                (a, b) => a.or(b)?,
            };
            // Up to the next word at which either side changes.
            let mut until = u32::MAX;
            let mut bits = |side: Option<&(u32, Stretch)>| match side {
                Some(&(first, stretch)) if first <= from => {
                    until = until.min(first + stretch.words);
                    stretch.bits
                }
                Some(&(first, _)) => {
                    until = until.min(first);
                    0
                }
                None => 0,
            };
            let (ours, theirs) = (bits(a), bits(b));
            word = until;
            Some(Joint {
                word: from,
                words: until - from,
                ours,
                theirs,
            })
        })
    }

    /// How many pairs are in both sets.
    #[must_use]
    pub fn intersection_len(&self, other: &SequenceSet) -> u64 {
        self.devices()
            .flat_map(|(device, _)| self.joint(other, device))
            .map(|joint| {
                u64::from(joint.words) * u64::from((joint.ours & joint.theirs).count_ones())
            })
            .sum()
    }

    /// How many pairs of this set are not in `other`.
    #[must_use]
    pub fn difference_len(&self, other: &SequenceSet) -> u64 {
        self.devices()
            .flat_map(|(device, _)| self.joint(other, device))
            .map(|joint| {
                u64::from(joint.words) * u64::from((joint.ours & !joint.theirs).count_ones())
            })
            .sum()
    }

    /// The pairs of this set that are not in `other`, by device and sequence:
    /// the readings to name in a message, with `take`.
    pub fn difference(&self, other: &SequenceSet) -> impl Iterator<Item = (u32, u32)> {
        self.devices().flat_map(move |(device, _)| {
            self.joint(other, device).flat_map(move |joint| {
                sequences(joint.word, joint.words, joint.ours & !joint.theirs)
                    .map(move |sequence| (device, sequence))
            })
        })
    }
}

/// The sequences in consecutive words of the same bits.
fn sequences(word: u32, words: u32, bits: u64) -> impl Iterator<Item = u32> {
    let words = if bits == 0 { 0 } else { words };
    (word..word + words).flat_map(move |word| {
        (0..64)
            .filter(move |bit| bits >> bit & 1 == 1)
            .map(move |bit| word * 64 + bit)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::SequenceSet;

    /// Runs, jumps and repeats, around word boundaries and far away.
    fn pairs() -> impl Strategy<Value = Vec<(u32, u32)>> {
        let sequence = prop_oneof![
            8 => 0..300_u32,
            1 => (0..8_u32).prop_map(|n| n * 64),
            1 => (0..8_u32).prop_map(|n| n * 64 + 63),
            1 => u32::MAX - 200..=u32::MAX,
        ];
        let run = (0..6_u32, sequence, 1..150_u32).prop_map(|(device, from, count)| {
            (from..from.saturating_add(count))
                .map(|sequence| (device, sequence))
                .collect::<Vec<_>>()
        });
        prop::collection::vec(run, 0..12).prop_map(|runs| runs.concat())
    }

    fn build(mut set: SequenceSet, pairs: &[(u32, u32)]) -> (SequenceSet, HashSet<(u32, u32)>) {
        let mut model = HashSet::new();
        for &(device, sequence) in pairs {
            assert_eq!(
                set.insert(device, sequence),
                model.insert((device, sequence)),
                "device {device} sequence {sequence}"
            );
        }
        (set, model)
    }

    proptest! {
        #[test]
        fn it_is_a_set_whatever_the_order(
            pairs in pairs().prop_shuffle(),
            runs in pairs(),
            probes in pairs(),
            of in 1..4_u32,
        ) {
            let pairs = [runs, pairs].concat();
            let (set, model) = build(SequenceSet::partition(6, 1, of), &pairs);
            prop_assert_eq!(set.len(), model.len() as u64);
            for (device, sequence) in pairs.into_iter().chain(probes) {
                prop_assert_eq!(
                    set.contains(device, sequence),
                    model.contains(&(device, sequence))
                );
            }
            for device in 0..6 {
                let highest = model.iter().filter(|pair| pair.0 == device).map(|pair| pair.1).max();
                prop_assert_eq!(set.highest(device), highest);
            }
        }

        #[test]
        fn comparing_two_sets_agrees_with_hash_sets(
            ours in pairs(),
            shuffled in pairs().prop_shuffle(),
            theirs in pairs(),
        ) {
            let (a, model_a) = build(SequenceSet::default(), &[ours, shuffled.clone()].concat());
            let (b, model_b) = build(SequenceSet::with_devices(6), &[theirs, shuffled].concat());
            prop_assert_eq!(a.intersection_len(&b), model_a.intersection(&model_b).count() as u64);
            prop_assert_eq!(a.difference_len(&b), model_a.difference(&model_b).count() as u64);
            let mut expected: Vec<_> = model_a.difference(&model_b).copied().collect();
            expected.sort_unstable();
            prop_assert_eq!(a.difference(&b).collect::<Vec<_>>(), expected);

            let mut both = a.clone();
            both.merge(&b);
            prop_assert_eq!(both.len(), model_a.union(&model_b).count() as u64);
            prop_assert_eq!(a.difference_len(&both) + b.difference_len(&both), 0);
            prop_assert_eq!(both.difference_len(&a), model_b.difference(&model_a).count() as u64);
        }
    }

    #[test]
    fn a_million_devices_cost_16_bytes_each_and_no_more_when_warm() {
        let mut set = SequenceSet::with_devices(1_000_000);
        for sequence in 5..200 {
            for device in (0..1_000_000).step_by(97) {
                set.insert(device, sequence);
            }
        }
        assert_eq!(set.device_bytes(), 16_000_000);
        assert!(
            set.older.is_empty(),
            "contiguous sequences leave nothing behind"
        );
    }

    #[test]
    fn workers_partitions_together_cost_what_one_set_costs() {
        let bytes: usize = (0..7)
            .map(|index| SequenceSet::partition(1_000, index, 7).device_bytes())
            .sum();
        assert_eq!(bytes, 16_000);
    }

    #[test]
    fn a_sequence_from_nowhere_costs_no_more_than_another() {
        let mut set = SequenceSet::default();
        set.insert(0, 0);
        set.insert(0, u32::MAX);
        assert_eq!(set.older.len(), 2);
        assert!(!set.contains(0, 1_000_000));
        assert!(set.insert(0, 1_000_000));
        assert_eq!(set.len(), 3);
    }
}
