//! An on-demand stream: when which shard is split, and what it takes now.

use serde::Serialize;

use super::peak::Peaks;

/// How an on-demand (Standard) stream grows, after
/// <https://docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct OnDemandAssumptions {
    /// Shards of a new stream. Documented: 4 MB/s of writes, 1 MB/s a shard.
    pub initial_shards: u32,
    /// What each shard takes a second, as in
    /// [`ShardLimits`](super::ShardLimits::write_bytes_per_s).
    pub shard_bytes_per_s: u64,
    /// The most a stream grows to. Documented: 200 MB/s of writes, taken as 200
    /// shards; more (10 GB/s) in us-east-1, us-west-2 and eu-west-1.
    pub maximum_bytes_per_s: u64,
    /// A shard that gets more than this is split. Documented: 500 KB/s, taken
    /// as half of what a shard takes.
    pub split_above_bytes_per_s: u64,
    /// A shard that gets more records than this is split. Assumed: 500, half
    /// of what a shard takes, since the documentation gives bytes only but
    /// records throttle as well.
    pub split_above_records_per_s: u64,
    /// Over how long traffic is averaged. Assumed: 60 s, the period of the
    /// stream's metrics.
    pub measured_over_s: u32,
    /// How long after the beginning of such traffic the shard is split.
    /// Documented as "within 15 minutes"; assumed: all of them. Set it lower
    /// for a kinder service.
    pub split_after_s: u32,
    /// How many days back the peak counts. Documented: 30.
    pub peak_days: u32,
}

impl Default for OnDemandAssumptions {
    fn default() -> Self {
        Self {
            initial_shards: 4,
            shard_bytes_per_s: 1 << 20,
            maximum_bytes_per_s: 200 << 20,
            split_above_bytes_per_s: 500 << 10,
            split_above_records_per_s: 500,
            measured_over_s: 60,
            split_after_s: 15 * 60,
            peak_days: 30,
        }
    }
}

/// A shard to be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Number of the shard, which takes no more records.
    pub shard: u32,
    /// Number of the new shard with the lower half of its hash keys; the next
    /// number is that of the upper half.
    pub left: u32,
    /// First hash key of the upper half.
    pub middle: u128,
    /// When.
    pub at_us: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Watched {
    start: u128,
    end: u128,
    open: bool,
    /// Of the present period.
    records: u64,
    bytes: u64,
    /// When it is split.
    due_us: Option<u64>,
}

impl Watched {
    fn new(start: u128, end: u128) -> Self {
        Self {
            start,
            end,
            open: true,
            records: 0,
            bytes: 0,
            due_us: None,
        }
    }
}

/// An on-demand stream's shards and how they multiply.
///
/// Shards are numbered as they are opened, from 0. They are split in the
/// middle of their hash keys, not between hot ones: a single hot key stays in
/// one shard, which is split again and again without relief, as documented.
/// That a stream sheds shards when its traffic is long gone is not modelled:
/// nothing says when.
///
/// What the stream refuses, its shards refuse: admission is each shard's
/// [`ShardWrites`](super::ShardWrites). The limit in bytes binds by there being
/// no more shards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnDemandStream {
    assumptions: OnDemandAssumptions,
    shards: Vec<Watched>,
    open: u32,
    /// Shards that are to be split, so that none has to be looked for.
    due: u32,
    period_from_us: u64,
    period_bytes: u64,
    peaks: Peaks,
}

impl OnDemandStream {
    /// A stream created at `now_us`.
    #[must_use]
    pub fn new(assumptions: &OnDemandAssumptions, now_us: u64) -> Self {
        Self::with_shards(assumptions, assumptions.initial_shards, now_us)
    }

    /// A stream that has `shards` equal shards at `now_us`, such as one that
    /// was provisioned before.
    #[must_use]
    pub fn with_shards(assumptions: &OnDemandAssumptions, shards: u32, now_us: u64) -> Self {
        let count = u128::from(shards.max(1));
        // 2^128 / count, as the service cuts: only a power of two divides it.
        let width = if count.is_power_of_two() {
            (u128::MAX / count).wrapping_add(1)
        } else {
            u128::MAX / count
        };
        let ranges = (0..count).map(|i| {
            let end = if i + 1 == count {
                u128::MAX
            } else {
                width * (i + 1) - 1
            };
            (width.wrapping_mul(i), end)
        });
        Self::with_ranges(assumptions, ranges, now_us)
    }

    /// A stream whose open shards have these hash key ranges, in the order of
    /// their numbers from 0.
    #[must_use]
    pub fn with_ranges(
        assumptions: &OnDemandAssumptions,
        ranges: impl IntoIterator<Item = (u128, u128)>,
        now_us: u64,
    ) -> Self {
        let shards: Vec<_> = ranges
            .into_iter()
            .map(|(start, end)| Watched::new(start, end))
            .collect();
        Self {
            assumptions: *assumptions,
            open: shards.len() as u32,
            shards,
            due: 0,
            period_from_us: now_us,
            period_bytes: 0,
            peaks: Peaks::new(
                assumptions.peak_days,
                u64::from(assumptions.split_after_s) * 1_000_000,
            ),
        }
    }

    fn period_us(&self) -> u64 {
        u64::from(self.assumptions.measured_over_s.max(1)) * 1_000_000
    }

    /// Notes what was written to a shard at `now_us`, partition keys included.
    /// Traffic of a closed shard counts for the stream only.
    ///
    /// Allocates nothing, except at most once a period.
    #[inline]
    pub fn observe(&mut self, now_us: u64, shard: u32, records: u64, bytes: u64) {
        if now_us.saturating_sub(self.period_from_us) >= self.period_us() {
            self.end_periods(now_us);
        }
        self.period_bytes += bytes;
        if let Some(watched) = self.shards.get_mut(shard as usize) {
            watched.records += records;
            watched.bytes += bytes;
        }
    }

    fn end_periods(&mut self, now_us: u64) {
        let period_us = self.period_us();
        let elapsed = now_us.saturating_sub(self.period_from_us) / period_us;
        if elapsed == 0 {
            return;
        }
        let began_us = self.period_from_us;
        let ended_us = began_us + period_us;
        let seconds = u64::from(self.assumptions.measured_over_s.max(1));
        let due_us = ended_us.max(began_us + u64::from(self.assumptions.split_after_s) * 1_000_000);
        let (bytes_limit, records_limit) = (
            self.assumptions.split_above_bytes_per_s * seconds,
            self.assumptions.split_above_records_per_s * seconds,
        );
        for shard in &mut self.shards {
            let busy = shard.bytes > bytes_limit || shard.records > records_limit;
            if busy && shard.open && shard.due_us.is_none() && shard.end - shard.start > 1 {
                shard.due_us = Some(due_us);
                self.due += 1;
            }
            (shard.bytes, shard.records) = (0, 0);
        }
        self.peaks.note(ended_us, self.period_bytes / seconds);
        self.period_bytes = 0;
        // Further periods that are over were empty.
        self.period_from_us = began_us + elapsed * period_us;
    }

    /// The next split that is due at `now_us`, earliest first. The machine
    /// counts it as done: the new shards are open. Ask until there is none.
    pub fn split_due(&mut self, now_us: u64) -> Option<Split> {
        self.end_periods(now_us);
        while self.due > 0 {
            let (number, at_us) = self
                .shards
                .iter()
                .enumerate()
                .filter_map(|(number, shard)| Some((number, shard.due_us?)))
                .filter(|&(_, due_us)| due_us <= now_us)
                .min_by_key(|&(number, due_us)| (due_us, number))?;
            self.due -= 1;
            self.shards[number].due_us = None;
            let more = u64::from(self.open + 1) * self.assumptions.shard_bytes_per_s;
            // As large as it gets, it waits: if traffic stays, it is due again.
            if more <= self.assumptions.maximum_bytes_per_s {
                return Some(self.split(number, at_us));
            }
        }
        None
    }

    fn split(&mut self, number: usize, at_us: u64) -> Split {
        let Watched { start, end, .. } = self.shards[number];
        let middle = start + (end - start) / 2 + 1;
        let left = self.shards.len() as u32;
        self.shards[number].open = false;
        self.shards.push(Watched::new(start, middle - 1));
        self.shards.push(Watched::new(middle, end));
        self.open += 1;
        Split {
            shard: number as u32,
            left,
            middle,
            at_us,
        }
    }

    /// When the next split is due, as far as traffic so far tells.
    #[must_use]
    pub fn next_split_us(&self) -> Option<u64> {
        self.shards.iter().filter_map(|shard| shard.due_us).min()
    }

    /// How many shards are open.
    #[must_use]
    pub fn open_shards(&self) -> u32 {
        self.open
    }

    /// Numbers and hash keys (first and last) of the open shards, in the order
    /// in which they were opened.
    pub fn shards(&self) -> impl Iterator<Item = (u32, u128, u128)> {
        (0..)
            .zip(&self.shards)
            .filter(|(_, shard)| shard.open)
            .map(|(number, shard)| (number, shard.start, shard.end))
    }

    /// Bytes a second that the open shards take together, if traffic is even.
    #[must_use]
    pub fn limit_bytes_per_s(&self) -> u64 {
        (u64::from(self.open) * self.assumptions.shard_bytes_per_s)
            .min(self.assumptions.maximum_bytes_per_s)
    }

    /// Bytes a second that AWS says the stream accommodates at `now_us`: double
    /// the peak of the previous 30 days, a peak of the last 15 minutes not yet
    /// counted; at least a new stream's. Traffic above it may be throttled.
    pub fn accommodates_bytes_per_s(&mut self, now_us: u64) -> u64 {
        self.end_periods(now_us);
        let initial =
            u64::from(self.assumptions.initial_shards) * self.assumptions.shard_bytes_per_s;
        self.peaks
            .at(now_us)
            .saturating_mul(2)
            .max(initial)
            .min(self.assumptions.maximum_bytes_per_s)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    const S: u64 = 1_000_000;
    const MIB: u64 = 1 << 20;

    fn stream() -> OnDemandStream {
        OnDemandStream::new(&OnDemandAssumptions::default(), 0)
    }

    /// A second of even traffic, and the splits that fall due in it.
    fn second(stream: &mut OnDemandStream, second: u64, bytes_per_s: u64) -> Vec<Split> {
        let open: Vec<_> = stream.shards().collect();
        for &(number, start, end) in &open {
            // By its share of the hash keys, in 2^32nds.
            let share = ((end - start) >> 96) as u64 + 1;
            let bytes = ((u128::from(bytes_per_s) * u128::from(share)) >> 32) as u64;
            stream.observe(second * S, number, 1, bytes);
        }
        std::iter::from_fn(|| stream.split_due((second + 1) * S)).collect()
    }

    #[test]
    fn a_new_stream_has_four_shards_and_takes_four_mebibytes() {
        let mut stream = stream();
        assert_eq!(stream.open_shards(), 4);
        assert_eq!(stream.limit_bytes_per_s(), 4 * MIB);
        assert_eq!(stream.accommodates_bytes_per_s(0), 4 * MIB);
        let ranges: Vec<_> = stream.shards().collect();
        assert_eq!((ranges[0].1, ranges[3].2), (0, u128::MAX));
        assert!(ranges.windows(2).all(|pair| pair[0].2 + 1 == pair[1].1));
    }

    #[test]
    fn traffic_above_half_of_its_shards_doubles_them_within_fifteen_minutes() {
        let mut stream = stream();
        let splits: Vec<_> = (0..899)
            .flat_map(|s| second(&mut stream, s, 3 * MIB))
            .collect();
        assert!(splits.is_empty());
        assert_eq!(stream.next_split_us(), Some(900 * S));
        assert_eq!(stream.accommodates_bytes_per_s(899 * S), 4 * MIB);
        let splits = second(&mut stream, 899, 3 * MIB);
        assert_eq!(splits.len(), 4);
        assert!(splits.iter().all(|split| split.at_us == 900 * S));
        assert_eq!((splits[0].shard, splits[0].left), (0, 4));
        assert_eq!(splits[0].middle, 1 << 125);
        assert_eq!(stream.open_shards(), 8);
        // 384 KiB a shard: no more splits.
        let more: Vec<_> = (900..3600)
            .flat_map(|s| second(&mut stream, s, 3 * MIB))
            .collect();
        assert!(more.is_empty());
    }

    #[test]
    fn a_peak_is_doubled_a_quarter_of_an_hour_after_it() {
        let mut stream = stream();
        for s in 0..960 {
            assert_eq!(stream.accommodates_bytes_per_s(s * S), 4 * MIB, "{s}");
            second(&mut stream, s, 3 * MIB);
        }
        assert_eq!(stream.accommodates_bytes_per_s(960 * S), 6 * MIB);
        assert_eq!(stream.limit_bytes_per_s(), 8 * MIB);
    }

    #[test]
    fn a_hot_key_is_split_off_never_and_takes_its_shard_along() {
        let mut stream = stream();
        let hot = 12_345u128;
        let mut splits = 0;
        for s in 0..3 * 900 {
            let (number, ..) = stream
                .shards()
                .find(|&(_, start, end)| (start..=end).contains(&hot))
                .unwrap();
            stream.observe(s * S, number, 1000, 600_000);
            while let Some(split) = stream.split_due((s + 1) * S) {
                assert_eq!(split.shard, number);
                splits += 1;
            }
        }
        assert_eq!(splits, 3);
        // Its shard is as hot as ever.
        assert_eq!(stream.open_shards(), 7);
    }

    #[test]
    fn records_split_a_shard_as_bytes_do() {
        let mut stream = stream();
        for s in 0..900 {
            stream.observe(s * S, 0, 501, 501);
            stream.observe(s * S, 1, 500, 500);
        }
        let splits: Vec<_> = std::iter::from_fn(|| stream.split_due(900 * S)).collect();
        assert_eq!(splits.iter().map(|s| s.shard).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn a_stream_at_its_maximum_grows_no_more() {
        let assumptions = OnDemandAssumptions {
            maximum_bytes_per_s: 6 * MIB,
            ..OnDemandAssumptions::default()
        };
        let mut stream = OnDemandStream::new(&assumptions, 0);
        for s in 0..7200 {
            second(&mut stream, s, 100 * MIB);
        }
        assert_eq!(stream.open_shards(), 6);
        assert_eq!(stream.limit_bytes_per_s(), 6 * MIB);
        assert_eq!(stream.accommodates_bytes_per_s(7200 * S), 6 * MIB);
    }

    #[test]
    fn a_long_silence_is_no_traffic() {
        let mut stream = stream();
        stream.observe(0, 0, 1, 29_000_000);
        assert_eq!(stream.split_due(40 * 86_400 * S), None);
        stream.observe(40 * 86_400 * S, 0, 1, 1);
        assert_eq!(stream.open_shards(), 4);
    }

    proptest! {
        #[test]
        fn open_shards_always_cover_every_hash_key_once(
            traffic in prop::collection::vec((0u32..12, 0u64..90_000_000, 0u64..400 * S), 1..200),
        ) {
            let mut stream = stream();
            let mut now_us = 0;
            for (shard, bytes, later_us) in traffic {
                now_us += later_us;
                stream.observe(now_us, shard, 1, bytes);
                while stream.split_due(now_us).is_some() {}
            }
            let mut ranges: Vec<_> = stream.shards().map(|(_, start, end)| (start, end)).collect();
            ranges.sort_unstable();
            prop_assert_eq!(ranges.len() as u32, stream.open_shards());
            prop_assert_eq!(ranges[0].0, 0);
            prop_assert_eq!(ranges[ranges.len() - 1].1, u128::MAX);
            prop_assert!(ranges.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0));
        }
    }
}
