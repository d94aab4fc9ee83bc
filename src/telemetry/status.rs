//! A run as it is at a moment.

use std::time::Duration;

use crate::measure::{Counts, Stage};
use crate::report::Phase;

use super::Distribution;

/// What ran, as far as a label needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// Names the run.
    pub run: String,
    /// The profile's name.
    pub profile: String,
    /// Where to, in words.
    pub target: String,
    /// `sdk` or `direct`.
    pub client: String,
    /// Devices in the fleet.
    pub devices: u32,
    /// Whether readings are followed through the stream.
    pub followed: bool,
}

/// A run at a moment. Published whole: its figures belong together.
#[derive(Debug, Clone)]
pub struct Status {
    /// What runs; empty until set-up is over.
    pub about: About,
    /// When it was published, in microseconds since the Unix epoch.
    pub at_us: u64,
    /// Since when its counters count, likewise.
    pub since_us: u64,
    /// The current phase.
    pub phase: Phase,
    /// Time in it.
    pub elapsed: Duration,
    /// Its length at most; zero where that is not known.
    pub length: Duration,
    /// Readings a second that were asked for, on average.
    pub asked_per_s: f64,
    /// The multiple of it that is in force; 0 while paused.
    pub tempo: f64,
    /// Counts of the warm-up's seconds; what is left of its readings when measuring
    /// begins is not in them. In the end, the ledger's.
    pub warm_up: Counts,
    /// Counts of the measured seconds, of measured readings: in the end, the
    /// ledger's.
    pub measured: Counts,
    /// Counts of the latest whole second.
    pub latest: Counts,
    /// Latencies of the latest whole second, for stages that have any.
    pub stages: Vec<StageNow>,
    /// Latencies of all seconds, for stages that have any.
    pub distributions: Vec<(Stage, Distribution)>,
    /// Readings acknowledged and not yet seen; `None` when nothing is followed.
    pub unseen: Option<u64>,
    /// The shards being read.
    pub shards: Vec<ShardNow>,
    /// The latest seconds' rates, the oldest first.
    pub recent: Vec<RateAt>,
}

/// A stage in a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageNow {
    /// Which.
    pub stage: Stage,
    /// Number of values.
    pub count: u64,
    /// Median, in microseconds.
    pub p50_us: i64,
    /// 99th percentile, in microseconds.
    pub p99_us: i64,
    /// Largest value, in microseconds.
    pub max_us: i64,
}

/// A shard at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct ShardNow {
    /// Its id.
    pub shard: String,
    /// Records read of it so far.
    pub records: u64,
    /// Records a second, since the moment before.
    pub records_per_s: f64,
    /// How far its reader is behind, in milliseconds.
    pub behind_ms: u64,
}

/// A second's rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateAt {
    /// Seconds since measuring began; negative in the warm-up.
    pub second: i64,
    /// Readings that became due in it.
    pub offered: u64,
    /// Readings acknowledged in it.
    pub achieved: u64,
}

impl Status {
    /// A run of which nothing is known yet.
    #[must_use]
    pub fn new(since_us: u64) -> Self {
        Self {
            about: About::default(),
            at_us: since_us,
            since_us,
            phase: Phase::SetUp,
            elapsed: Duration::ZERO,
            length: Duration::ZERO,
            asked_per_s: 0.0,
            tempo: 1.0,
            warm_up: Counts::default(),
            measured: Counts::default(),
            latest: Counts::default(),
            stages: Vec::new(),
            distributions: Vec::new(),
            unseen: None,
            shards: Vec::new(),
            recent: Vec::new(),
        }
    }
}
