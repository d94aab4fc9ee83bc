//! What a plan says: plain values, whole enough to print and to draw from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bill::Bill;

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// [`SCHEMA`](super::SCHEMA).
    pub schema: String,
    /// Days that are billed.
    pub days: f64,
    /// What is asked of the table, in write units.
    pub demand: Demand,
    /// What is kept, and how it grows.
    pub storage: Storage,
    /// Ways of paying for the table, from the smallest.
    pub tables: Vec<Candidate>,
    /// Place in `tables` of the one to take.
    pub recommended: usize,
    /// Why.
    pub reason: String,
    /// Streams that carry the changes which the recommended table makes.
    pub streams: Vec<StreamCandidate>,
    /// Place in `streams` of the one to take.
    pub recommended_stream: usize,
    /// Why.
    pub stream_reason: String,
    /// What limits a shard: `records` or `bytes`.
    pub shards_bound_by: String,
    /// Quotas that an account has by default and what is recommended exceeds.
    pub beyond_quota: Vec<BeyondQuota>,
    /// Consumed of provisioned units at which on-demand costs as much, in
    /// percent: above it, provisioned is cheaper.
    pub break_even_percent: f64,
}

/// Write units a second over the day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Demand {
    /// On average.
    pub mean: f64,
    /// In all but the busiest hundredth of seconds, at most.
    pub p99: u64,
    /// In the busiest second.
    pub peak: u64,
    /// Readings of the day.
    pub readings: u64,
    /// By the minute.
    pub minutes: Minutes,
}

/// Write units a second in each minute of the day, in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Minutes {
    /// In its quietest second.
    pub least: Vec<u64>,
    /// On average.
    pub mean: Vec<f64>,
    /// In its busiest second.
    pub most: Vec<u64>,
}

/// What is kept, in GB of 2^30 bytes as AWS bills them. Nothing is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Storage {
    /// In the table at the start, with what is billed besides items.
    pub table_start_gb: f64,
    /// What a day adds to the table.
    pub table_day_gb: f64,
    /// In the table after all days.
    pub table_end_gb: f64,
    /// In S3 after all days, from nothing, as JSON as it comes.
    pub objects_end_gb: f64,
}

/// How a table is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Paying {
    /// For units provisioned, as many all day.
    Provisioned,
    /// For units provisioned, as auto scaling sets them.
    AutoScaling,
    /// For what is used.
    OnDemand,
}

/// A way of paying for the table, and what comes of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    /// What it is, in words.
    pub name: String,
    /// The same in a word or two.
    pub short: String,
    /// How it is paid for.
    pub paying: Paying,
    /// What it held.
    pub held: Held,
    /// Write units a second that it had to give: the units provisioned, or the
    /// warm throughput.
    pub capacity: Vec<Step>,
    /// When it throttled.
    pub throttled: Vec<Stretch>,
    /// The whole pipeline's bill for the days, with the recommended stream.
    pub bill: Bill,
}

/// From a second of the day on, until the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Seconds since the day began.
    pub from_s: u64,
    /// Units a second.
    pub units: u64,
}

/// Minutes in a row, each with a second in which it was so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stretch {
    /// The first.
    pub from_minute: u64,
    /// The first that is none of them.
    pub to_minute: u64,
}

/// What became of a day's readings at the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Held {
    /// Readings of the day.
    pub readings: u64,
    /// Seconds in which something was throttled.
    pub throttled_seconds: u64,
    /// Writes that were throttled. One that waits is tried, and counted, in
    /// each second.
    pub throttled_writes: u64,
    /// Readings that were not written in the second in which they were due.
    pub delayed: u64,
    /// The longest a reading waited, in seconds.
    pub longest_delay: u64,
    /// Readings still waiting when the day was over.
    pub left: u64,
    /// Units a second that the busiest partition was asked for, in its busiest
    /// minute. No more than 256 partitions are told apart.
    pub hottest_partition: u64,
    /// Partitions at the end.
    pub partitions: u64,
    /// Provisioned write units times hours of the day; 0 on demand.
    pub provisioned_unit_hours: f64,
}

/// A stream for the changes, and what comes of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StreamCandidate {
    /// What it is, in words.
    pub name: String,
    /// Shards at first.
    pub shards: u32,
    /// Whether it grows by itself.
    pub on_demand: bool,
    /// What it carried.
    pub carried: Carried,
    /// US dollars for the days.
    pub usd: f64,
}

/// What became of a day's change records on their way into a stream. Throttled
/// ones are late; no write fails for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Carried {
    /// Records of the day.
    pub records: u64,
    /// Seconds at whose end something waited for a shard.
    pub throttled_seconds: u64,
    /// Records that were not in the stream by the end of the second in which
    /// they were written.
    pub delayed: u64,
    /// The most records that waited at the end of a second.
    pub most_waiting: u64,
    /// The greatest age of a record that waited, in seconds.
    pub longest_delay: u64,
    /// Records lost to the stream, having waited longer than they are kept.
    pub lost: u64,
    /// Records still waiting when the day was over.
    pub left: u64,
    /// Records a second for the busiest shard, in its busiest minute.
    pub hottest_shard: u64,
    /// Open shards at the end.
    pub shards_at_end: u32,
}

/// A quota of an account that has to be raised first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BeyondQuota {
    /// Of what: `write units/s of a table`.
    pub what: String,
    /// How much is needed.
    pub needed: u64,
    /// How much an account has by default.
    pub quota: u64,
}

/// Share of `delayed` in `all`; none of nothing.
fn share(delayed: u64, all: u64) -> f64 {
    if all == 0 {
        0.0
    } else {
        delayed as f64 / all as f64
    }
}

impl Held {
    /// Share of the readings that were delayed.
    #[must_use]
    pub fn delayed_share(&self) -> f64 {
        share(self.delayed, self.readings)
    }
}

impl Carried {
    /// Share of the records that were delayed.
    #[must_use]
    pub fn delayed_share(&self) -> f64 {
        share(self.delayed, self.records)
    }
}
