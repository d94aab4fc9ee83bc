//! What AWS does not say, and what this model takes instead.
//!
//! Each field is one named assumption with its reason. What AWS documents as a
//! number stands beside the rule it belongs to.

use super::{MICROS, MINUTE_US};

/// The undocumented parts of how a table's capacity behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumptions {
    /// How much unused provisioned capacity is kept, in microseconds of the
    /// rate: 300 seconds. The figure is documented as what DynamoDB "currently"
    /// keeps; that all of it is kept, for the table as a whole, is assumed.
    pub burst_us: u64,
    /// Capacity saved in a table that was just made, or just became provisioned,
    /// in microseconds of its rate: all that it can keep, 300 seconds. AWS does not document it. Assumed from what a
    /// conformance suite that is green on AWS sees there: a fresh table of 5
    /// units takes 381 units within seconds, and a single write of 400 before it
    /// throttles
    /// (<https://github.com/paritysuite/dynamodb-conformance/pull/43>).
    pub initial_burst_us: u64,
    /// What an `OnDemandThroughput` maximum lets through at once, in
    /// microseconds of it: one second, assumed. AWS calls the maximum a best
    /// effort that bursts may exceed, without saying by how much.
    pub maximum_burst_us: u64,
    /// How long a new peak takes until it counts as the previous peak, twice
    /// which an on-demand table serves: 30 minutes, assumed to be meant by the
    /// documented "you might be throttled if you exceed double your previous
    /// peak within 30 minutes". It is the slowest reading of that sentence:
    /// real tables often grow sooner.
    pub growth_us: u64,
    /// Minutes in a row that a partition must be hot before it is split: 5,
    /// assumed. AWS documents that it splits for heat, not when.
    pub heat_minutes: u32,
    /// How much of its cap a partition must be asked for, over a minute, to be
    /// hot: 90 percent, assumed from "receives traffic near its limit".
    pub heat_percent: u64,
    /// How long UpdateTable takes to change provisioned units or an on-demand
    /// maximum: 2 minutes, assumed. AWS says minutes.
    pub update_us: u64,
    /// How long raising the warm throughput takes: 5 minutes, assumed. AWS says
    /// that it depends on value and size.
    pub warm_us: u64,
    /// How long a switch of the capacity mode takes: 5 minutes, assumed. AWS
    /// says several minutes, in which the old throughput is served.
    pub switch_us: u64,
    /// How many times faster than on AWS whatever takes minutes goes by: 1. Set
    /// it with [`Assumptions::at_pace`], which shortens the times above as well.
    pub pace: u64,
}

impl Default for Assumptions {
    fn default() -> Self {
        Self {
            burst_us: 300 * MICROS,
            initial_burst_us: 300 * MICROS,
            maximum_burst_us: MICROS,
            growth_us: 30 * 60 * MICROS,
            heat_minutes: 5,
            heat_percent: 90,
            update_us: 120 * MICROS,
            warm_us: 300 * MICROS,
            switch_us: 300 * MICROS,
            pace: 1,
        }
    }
}

impl Assumptions {
    /// Makes whatever takes minutes go by so many times faster.
    ///
    /// That is saving burst, growing, heat, changes, the minutes that auto scaling
    /// looks at, the hours and days of quotas. The limits of a second stay.
    #[must_use]
    pub fn at_pace(self, pace: u32) -> Self {
        let pace = u64::from(pace.max(1));
        let faster = |us: u64| us / pace;
        Self {
            burst_us: faster(self.burst_us),
            initial_burst_us: faster(self.initial_burst_us),
            growth_us: faster(self.growth_us),
            update_us: faster(self.update_us),
            warm_us: faster(self.warm_us),
            switch_us: faster(self.switch_us),
            pace: self.pace().saturating_mul(pace),
            ..self
        }
    }

    /// Returns how many times faster minutes go by: at least once.
    pub(super) fn pace(&self) -> u64 {
        self.pace.max(1)
    }

    /// Returns how long a minute of the table's rules lasts.
    pub(super) fn minute_us(&self) -> u64 {
        (MINUTE_US / self.pace()).max(1)
    }

    /// Returns when the minute ends that this time is in.
    pub(super) fn end_of_minute(&self, now_us: u64) -> u64 {
        let minute_us = self.minute_us();
        (now_us / minute_us + 1).saturating_mul(minute_us)
    }
}
