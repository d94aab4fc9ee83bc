//! The ledger as it stands in the result file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use hrload_measure as measure;

/// The account of a run, in measured readings. What concerns the change
/// stream is absent when none was followed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ledger {
    /// Readings that became due.
    pub scheduled: u64,
    /// Readings given up unsent because too many were waiting.
    pub dropped: u64,
    /// Readings still unsent at the end.
    pub cut_off: u64,
    /// Readings that left, each once.
    pub sent: u64,
    /// Readings written.
    pub acknowledged: u64,
    /// Readings given up after having been sent.
    pub failed: u64,
    /// Acknowledged readings seen in the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
    /// Acknowledged readings not seen in the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<u64>,
    /// Readings seen that were never acknowledged: failed for the client, yet written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_unacknowledged: Option<u64>,
    /// Further sightings of readings already seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicates: Option<u64>,
    /// First sightings that came after a later reading of the same device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reordered: Option<u64>,
    /// Records that were not readings of this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreign: Option<u64>,
    /// Whether every identity holds: scheduled = sent + dropped + `cut_off`,
    /// sent = acknowledged + failed, acknowledged = seen + missing.
    pub closed: bool,
    /// Identities that do not hold, with both sides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<String>,
    /// The first missing readings, ten at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_examples: Vec<MissingReading>,
    /// Warm-up readings, which are measured nowhere.
    pub warm_up: WarmUp,
}

/// Names a reading that was acknowledged and not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissingReading {
    /// The device's number.
    pub device: u32,
    /// The reading's number within its device.
    pub sequence: u32,
}

/// The account of the warm-up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarmUp {
    /// Readings that became due.
    pub scheduled: u64,
    /// Readings given up unsent because too many were waiting.
    pub dropped: u64,
    /// Readings still unsent at the end.
    pub cut_off: u64,
    /// Readings that left.
    pub sent: u64,
    /// Readings written.
    pub acknowledged: u64,
    /// Readings given up after having been sent.
    pub failed: u64,
    /// Sightings in the stream, repeated ones included.
    pub sightings: u64,
    /// Acknowledged readings seen in the stream; null when none was followed, and in
    /// files of versions that did not count them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
    /// Acknowledged readings not seen in the stream; null likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<u64>,
    /// Readings seen that were never acknowledged; null likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_unacknowledged: Option<u64>,
    /// Further sightings of readings already seen; null likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicates: Option<u64>,
    /// Records that were not of this run, read before measuring began.
    pub foreign: u64,
}

impl Ledger {
    /// Readings seen in the stream, acknowledged or not; none where it was not followed.
    pub(super) fn sighted(&self) -> Option<u64> {
        Some(self.seen? + self.seen_unacknowledged?)
    }
}

impl From<&measure::Ledger> for Ledger {
    fn from(ledger: &measure::Ledger) -> Self {
        let followed = |count| ledger.followed.then_some(count);
        let warm_up = ledger.warm_up;
        let broken: Vec<String> = ledger.broken().iter().map(ToString::to_string).collect();
        Self {
            scheduled: ledger.scheduled,
            dropped: ledger.dropped,
            cut_off: ledger.cut_off,
            sent: ledger.sent,
            acknowledged: ledger.acknowledged,
            failed: ledger.failed,
            seen: followed(ledger.seen),
            missing: followed(ledger.missing),
            seen_unacknowledged: followed(ledger.seen_unacknowledged),
            duplicates: followed(ledger.duplicates),
            reordered: followed(ledger.reordered),
            foreign: followed(ledger.foreign),
            closed: broken.is_empty(),
            broken,
            missing_examples: Vec::new(),
            warm_up: WarmUp {
                scheduled: warm_up.scheduled,
                dropped: warm_up.dropped,
                cut_off: warm_up.cut_off,
                sent: warm_up.sent,
                acknowledged: warm_up.acknowledged,
                failed: warm_up.failed,
                sightings: warm_up.sightings,
                seen: followed(warm_up.seen),
                missing: followed(warm_up.missing),
                seen_unacknowledged: followed(warm_up.seen_unacknowledged),
                duplicates: followed(warm_up.duplicates),
                foreign: warm_up.foreign,
            },
        }
    }
}
