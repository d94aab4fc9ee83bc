//! What the embedded services allow: the rules of [`hrload_capacity`], and how
//! fast their clocks run.

use hrload_capacity::quota::Quotas;
use hrload_capacity::scaling::{ScalingAssumptions, ScalingPolicy};
use hrload_capacity::stream::StreamAssumptions;
use hrload_capacity::table::Assumptions;

/// The capacity rules that bind the embedded services. Without any, they take
/// whatever comes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many times faster than real time whatever takes minutes goes by:
    /// saving burst, growing, scaling, changes. 1 to [`Limits::MOST_TIME_SCALE`].
    /// What is allowed in a second stays what it is.
    pub time_scale: u32,
    /// Auto scaling of the write units of every provisioned table.
    pub auto_scaling: Option<ScalingPolicy>,
    /// What is assumed of auto scaling,
    pub scaling: ScalingAssumptions,
    /// of tables,
    pub table: Assumptions,
    /// and of streams.
    pub stream: StreamAssumptions,
    /// What the account may ask for.
    pub quotas: Quotas,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time_scale: 1,
            auto_scaling: None,
            scaling: ScalingAssumptions::default(),
            table: Assumptions::default(),
            stream: StreamAssumptions::default(),
            quotas: Quotas::default(),
        }
    }
}

impl Limits {
    /// Above this, a table would keep less than three seconds of unused capacity.
    pub const MOST_TIME_SCALE: u32 = 100;

    /// The same where nothing is saved up in new tables and shards, so that a
    /// few seconds show what a rate comes to in the long run.
    #[must_use]
    pub fn without_savings(mut self) -> Self {
        self.table.initial_burst_us = 0;
        self.stream.shard.write_saved_ms = 0;
        self
    }

    /// Returns what is assumed of tables, at the pace of `time_scale`.
    pub(crate) fn of_tables(&self) -> Assumptions {
        self.table.clone().at_pace(self.time_scale)
    }

    /// Returns what is assumed of auto scaling, at the pace of `time_scale`.
    pub(crate) fn of_scaling(&self) -> ScalingAssumptions {
        self.scaling.clone().at_pace(self.time_scale)
    }

    /// The time by the clock of how streams grow and are resharded. Where it
    /// starts does not matter to them; that it goes `time_scale` times as fast
    /// does.
    ///
    /// A second of that clock is a `time_scale`-th of a real one. For a rate to
    /// be what it is by that clock, what comes counts for [`Limits::weight`].
    /// What a shard takes in a second goes by real time.
    pub(crate) fn clock_us(&self, now_us: u64) -> u64 {
        now_us.saturating_mul(u64::from(self.time_scale.max(1)))
    }

    /// Real time at which the rules' clock shows `clock_us`.
    pub(crate) fn real_us(&self, clock_us: u64) -> u64 {
        clock_us.div_ceil(u64::from(self.time_scale.max(1)))
    }

    /// Returns what one record or byte counts for; see [`Limits::clock_us`].
    pub(crate) fn weight(&self) -> u64 {
        u64::from(self.time_scale.max(1))
    }
}
