//! What can become of readings, counted: how many, and of how many.

use super::RunResult;

/// Something that happened to readings or items of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// Readings that became due and did not come to the end of their way.
    Lost,
    /// Readings acknowledged and never seen.
    Missing,
    /// Readings given up after having been sent.
    Failed,
    /// Readings given up unsent.
    Dropped,
    /// Readings still unsent at the end.
    CutOff,
    /// Further sightings of readings already seen.
    Duplicates,
    /// First sightings after a later reading of the same device.
    Reordered,
    /// Readings seen that were never acknowledged.
    SeenUnacknowledged,
    /// Readings acknowledged and not in the lake.
    LakeMissing,
    /// Readings that are in the lake more than once.
    LakeDuplicates,
    /// Items refused, each time.
    Throttled,
}

impl Counted {
    /// All of them, in the order of the result file.
    pub(super) const ALL: [Self; 11] = [
        Self::Lost,
        Self::Missing,
        Self::Failed,
        Self::Dropped,
        Self::CutOff,
        Self::Duplicates,
        Self::Reordered,
        Self::SeenUnacknowledged,
        Self::LakeMissing,
        Self::LakeDuplicates,
        Self::Throttled,
    ];

    /// Its name in conditions and comparisons.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Missing => "missing",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
            Self::CutOff => "cut_off",
            Self::Duplicates => "duplicates",
            Self::Reordered => "reordered",
            Self::SeenUnacknowledged => "seen_unacknowledged",
            Self::LakeMissing => "lake_missing",
            Self::LakeDuplicates => "lake_duplicates",
            Self::Throttled => "throttled",
        }
    }

    /// Whether it is told by what is read from the stream.
    pub(super) fn needs_stream(self) -> bool {
        matches!(
            self,
            Self::Missing | Self::Duplicates | Self::Reordered | Self::SeenUnacknowledged
        )
    }

    /// Whether it is told by what is read from the lake.
    pub(super) fn needs_lake(self) -> bool {
        matches!(self, Self::LakeMissing | Self::LakeDuplicates)
    }

    /// How many, and of how many; nothing where readings were not followed so far.
    pub(super) fn count(self, result: &RunResult) -> Option<(u64, u64)> {
        let ledger = &result.ledger;
        Some(match self {
            Self::Lost => {
                let arrived = ledger.seen.unwrap_or(ledger.acknowledged);
                (ledger.scheduled.saturating_sub(arrived), ledger.scheduled)
            }
            Self::Missing => (ledger.missing?, ledger.acknowledged),
            Self::Failed => (ledger.failed, ledger.sent),
            Self::Dropped => (ledger.dropped, ledger.scheduled),
            Self::CutOff => (ledger.cut_off, ledger.scheduled),
            Self::Duplicates => (ledger.duplicates?, ledger.acknowledged),
            Self::Reordered => (ledger.reordered?, ledger.acknowledged),
            Self::SeenUnacknowledged => (ledger.seen_unacknowledged?, ledger.sent),
            Self::LakeMissing => (result.lake.as_ref()?.missing, ledger.acknowledged),
            Self::LakeDuplicates => (result.lake.as_ref()?.duplicates, ledger.acknowledged),
            Self::Throttled => {
                let refused = result.throttles.iter().map(|throttle| throttle.items);
                let refused = refused.sum();
                (refused, tried(ledger.sent, ledger.acknowledged, refused))
            }
        })
    }
}

/// How often items were tried: each that was sent once at least, and each that was written
/// or refused as often as that. Tries that failed otherwise and were repeated are not known.
pub(super) fn tried(sent: u64, written: u64, refused: u64) -> u64 {
    sent.max(written.saturating_add(refused))
}
