//! How an on-demand stream grows: what its shards get is noted, and shards
//! that the rules want split are named.

use super::hash_key::HashRange;
use crate::Limits;
use hrload_capacity::stream::OnDemandStream;

/// How often splits are looked for, in microseconds of real time.
pub(super) const LOOK_EVERY_US: u64 = 250_000;

/// One on-demand stream's growth.
#[derive(Debug)]
pub(super) struct Growth {
    limits: Limits,
    machine: OnDemandStream,
    /// The stream's numbers of the machine's shards, by theirs.
    numbers: Vec<u32>,
}

/// A shard to be split.
#[derive(Clone, Copy, Debug)]
pub(super) struct SplitDue {
    pub(super) shard: u32,
    /// First hash key of the upper half.
    pub(super) middle: u128,
    /// When, in real time.
    pub(super) at_us: u64,
}

impl Growth {
    /// The growth of a stream that has these open shards at `now_us`.
    pub(super) fn new(limits: &Limits, open: &[(u32, HashRange)], now_us: u64) -> Self {
        let ranges = open.iter().map(|(_, range)| (range.start, range.end));
        let clock_us = limits.clock_us(now_us);
        Self {
            machine: OnDemandStream::with_ranges(&limits.stream.on_demand, ranges, clock_us),
            numbers: open.iter().map(|(number, _)| *number).collect(),
            limits: limits.clone(),
        }
    }

    /// Notes what was written to a shard.
    pub(super) fn note(&mut self, now_us: u64, shard: u32, records: u64, bytes: u64) {
        // Shards are numbered upwards here and there.
        let Ok(number) = self.numbers.binary_search(&shard) else {
            return;
        };
        let (clock_us, weight) = (self.limits.clock_us(now_us), self.limits.weight());
        self.machine
            .observe(clock_us, number as u32, records * weight, bytes * weight);
    }

    /// The next split that is due. Its shards will have the numbers `left` and
    /// `left + 1`.
    pub(super) fn split_due(&mut self, now_us: u64, left: u32) -> Option<SplitDue> {
        let split = self.machine.split_due(self.limits.clock_us(now_us))?;
        self.numbers.extend([left, left + 1]);
        Some(SplitDue {
            shard: self.numbers[split.shard as usize],
            middle: split.middle,
            at_us: self.limits.real_us(split.at_us),
        })
    }
}
