//! What a run leaves to be reported.

use super::lake::Kept;
use super::units::Units;
use super::workers::Sent;
use crate::load::{CopyOutcome, TempoChange};
use crate::measure::{ArrivalRecord, Series};
use crate::report::{Condition, Phase};
use crate::stream;
use std::time::Duration;

/// What a run that lived to its end leaves to be reported.
pub(super) struct Lived {
    /// What the load threads recorded.
    pub sent: Sent,
    /// What was read, if anything was followed.
    pub read: Option<(ArrivalRecord, stream::Outcome)>,
    /// What was delivered, if anything was to be.
    pub lake: Option<Kept>,
    /// Every second.
    pub series: Series,
    /// The phase that was reached.
    pub reached: Phase,
    /// A signal ended it.
    pub interrupted: bool,
    /// The threshold that could be met no more and ended it.
    pub out_of_reach: Option<Condition>,
    /// What it may cost was reached and ended it; in USD.
    pub budget_spent: Option<f64>,
    /// What it cost by its end, in USD, where it may cost so much and no more.
    pub spent_usd: Option<f64>,
    /// First intended start that was measured, and where the measuring ended.
    pub measured_us: (u64, u64),
    /// How long draining took.
    pub drained: Duration,
    /// Readings whose acknowledgement and creation did not meet.
    pub unmatched: u64,
    /// When it went faster or slower than was asked for, or paused.
    pub tempo_changes: Vec<TempoChange>,
    /// Write units that the table was provisioned with, if that was watched.
    pub units: Option<Units>,
    /// What became of the records that hrload put into the stream itself.
    pub copied: Option<CopyOutcome>,
    /// CPU time of the whole process while sending, in microseconds.
    pub process_cpu_us: u64,
}
