//! Seconds as they stand in the result file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::result::throttles;
use super::{ByStage, Phase, SecondLatency, Throttle};
use hrload_measure::Second;

/// One second of a run.
///
/// In the warm-up it counts warm-up readings, from second 0 on measured ones,
/// so that seconds from 0 on add up to the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeriesEntry {
    /// Seconds since measuring started; negative in the warm-up.
    pub second: i64,
    /// `warm-up`, `measure` or `drain`.
    pub phase: Phase,
    /// Readings that became due.
    pub scheduled: u64,
    /// Readings given up unsent.
    pub dropped: u64,
    /// Readings still unsent at the end.
    pub cut_off: u64,
    /// Readings that left.
    pub sent: u64,
    /// Readings written.
    pub acknowledged: u64,
    /// Readings given up after having been sent.
    pub failed: u64,
    /// Readings seen in the stream, each once, acknowledged or not.
    pub seen: u64,
    /// Further sightings.
    pub duplicates: u64,
    /// Sightings out of order.
    pub reordered: u64,
    /// Records of something else.
    pub foreign: u64,
    /// Calls that ended.
    pub calls: u64,
    /// Items that came back unprocessed.
    pub unprocessed: u64,
    /// Write units consumed, by the service's word.
    pub consumed_units: f64,
    /// Write units a second that the table was provisioned with, where that was
    /// watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned_units: Option<u64>,
    /// Write units of the readings sent, by the size of their items.
    pub computed_units: u64,
    /// Most readings waiting to be sent.
    pub waiting_max: u64,
    /// Most batches in flight.
    pub in_flight_max: u64,
    /// How long readings waited for a batch in flight to end, in seconds,
    /// threads added up.
    pub slots_bound: f64,
    /// CPU time of the load threads, in seconds.
    pub send_cpu: f64,
    /// CPU time of the reading thread, in seconds.
    pub read_cpu: f64,
    /// How far the slowest shard's reader was behind, in seconds.
    pub behind: f64,
    /// Reads of the stream that were throttled.
    pub throttled_reads: u64,
    /// Throttled calls and items, by cause.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub throttles: Vec<Throttle>,
    /// Calls that failed in another way, by code.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub call_failures: BTreeMap<String, u64>,
    /// Readings given up, by code.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failures: BTreeMap<String, u64>,
    /// Latencies of what ended in this second.
    pub latency: ByStage<SecondLatency>,
}

impl SeriesEntry {
    /// One second of a run that measured for `measured` seconds.
    pub(super) fn new(second: &Second, measured: f64) -> Self {
        let counts = &second.counts;
        let phase = if second.second < 0 {
            Phase::WarmUp
        } else if (second.second as f64) < measured {
            Phase::Measure
        } else {
            Phase::Drain
        };
        let by_code = |tally: &hrload_measure::Tally<String, u64>| {
            tally
                .iter()
                .map(|(code, count)| (code.clone(), *count))
                .collect()
        };
        Self {
            second: second.second,
            phase,
            scheduled: counts.scheduled,
            dropped: counts.dropped,
            cut_off: counts.cut_off,
            sent: counts.sent,
            acknowledged: counts.acknowledged,
            failed: counts.failed,
            seen: counts.seen,
            duplicates: counts.duplicates,
            reordered: counts.reordered,
            foreign: counts.foreign,
            calls: counts.calls,
            unprocessed: counts.unprocessed,
            consumed_units: counts.consumed_units,
            provisioned_units: None,
            computed_units: counts.computed_units,
            waiting_max: counts.waiting_max,
            in_flight_max: counts.in_flight_max,
            slots_bound: counts.bound_us as f64 / 1e6,
            send_cpu: counts.send_cpu_us as f64 / 1e6,
            read_cpu: counts.read_cpu_us as f64 / 1e6,
            behind: counts.behind_ms_max as f64 / 1e3,
            throttled_reads: counts.throttled_reads,
            throttles: throttles(counts),
            call_failures: by_code(&counts.call_failures),
            failures: by_code(&counts.failures),
            latency: second
                .stages
                .iter()
                .map(|of| (of.stage, SecondLatency::from(of)))
                .collect(),
        }
    }
}
