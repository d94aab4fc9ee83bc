//! What a Kinesis data stream takes and gives, as machines with explicit time.
//!
//! In go records, bytes and calls, each with its time in microseconds since
//! the Unix epoch; out come admissions, throttles worded as AWS words them,
//! splits that fall due, and how far change capture is behind. Nothing here
//! knows a clock, a lock, a socket or a record's content. A time before the
//! last one counts as the last. The embedded service asks record by record in
//! real time, the planner many at once in virtual time; both get the same
//! answers, because amounts are whole numbers inside.
//!
//! What AWS documents is cited where it stands. What it leaves open is a field
//! of [`StreamAssumptions`], described there as assumed, with the reason for
//! its default.

mod bucket;
mod calls;
mod limits;
mod on_demand;
mod peak;
mod pushes;
mod reads;
mod replication;
mod reshard;
mod rolling;
mod sizing;
mod throttle;
mod writes;

pub use calls::{CallAssumptions, CallLimit, CallRates, CallScope, call_limit};
pub use limits::ShardLimits;
pub use on_demand::{OnDemandAssumptions, OnDemandStream, Split};
pub use pushes::ShardPushes;
pub use reads::ShardReads;
pub use replication::{Delivered, Replication, ReplicationAssumptions, ReplicationTotals};
pub use reshard::{
    MAX_STREAM_SHARDS, ReshardAssumptions, Resize, ResizeRefused, Resizing, ShardCountUpdates,
    default_shard_quota, shard_count_path,
};
pub use rolling::{MODE_SWITCHES_A_DAY, RollingLimit, UPDATES_A_DAY, mode_switches};
pub use sizing::{Binding, Headroom, ShardsNeeded, shards_for};
pub use throttle::ShardThrottle;
pub use writes::{Admitted, ShardWrites};

/// Everything about streams that is a parameter.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct StreamAssumptions {
    /// What one shard takes and gives.
    pub shard: ShardLimits,
    /// How on-demand streams grow.
    pub on_demand: OnDemandAssumptions,
    /// How long resharding takes.
    pub reshard: ReshardAssumptions,
    /// How change capture copes with throttling.
    pub replication: ReplicationAssumptions,
    /// How limits of calls are kept.
    pub calls: CallAssumptions,
}

/// One shard's capacity: the two sides share nothing and can be locked apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardCapacity {
    /// PutRecord, PutRecords and change capture.
    pub writes: ShardWrites,
    /// GetRecords and GetShardIterator.
    pub reads: ShardReads,
}

impl ShardCapacity {
    /// A shard opened at `now_us`, with what a new one has saved.
    #[must_use]
    pub fn new(limits: &ShardLimits, now_us: u64) -> Self {
        Self {
            writes: ShardWrites::new(limits, now_us),
            reads: ShardReads::new(limits, now_us),
        }
    }
}
