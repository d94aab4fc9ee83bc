//! The stages of a reading's way.

/// A stage of a reading's way, or of the calls that carried it.
///
/// The first seven are the way of a reading; each starts where an earlier one
/// ended, so that they can be stacked into end-to-end latency. Where readings
/// are delivered into a lake too, the way there is another one's, beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Intended start to first sent; includes the wait for a batch to fill.
    Lateness,
    /// First sent to acknowledged, retries included.
    Service,
    /// Intended start to acknowledged.
    Response,
    /// Acknowledged to `ApproximateCreationDateTime`: two clocks, may be negative.
    Capture,
    /// `ApproximateCreationDateTime` to `ApproximateArrivalTimestamp`: two
    /// service clocks, may be negative.
    Replication,
    /// `ApproximateArrivalTimestamp` to read: two clocks, may be negative.
    Read,
    /// Intended start to read from the stream: one clock.
    EndToEnd,
    /// Intended start to readable in the lake: one clock.
    Freshness,
    /// How late the generator was: from the moment a batch should have left
    /// (full, or lingered) to the moment it did, once for each of its readings.
    Pacing,
    /// A batch, from first sent until its last item was settled.
    Batch,
    /// One call.
    Attempt,
}

impl Stage {
    /// All stages, in the order of the result file.
    pub const ALL: [Stage; 11] = [
        Stage::Lateness,
        Stage::Service,
        Stage::Response,
        Stage::Capture,
        Stage::Replication,
        Stage::Read,
        Stage::EndToEnd,
        Stage::Freshness,
        Stage::Pacing,
        Stage::Batch,
        Stage::Attempt,
    ];

    /// The stage's key in the result file (`e2e`, `lateness`, ...).
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Stage::Lateness => "lateness",
            Stage::Service => "service",
            Stage::Response => "response",
            Stage::Capture => "capture",
            Stage::Replication => "replication",
            Stage::Read => "read",
            Stage::EndToEnd => "e2e",
            Stage::Freshness => "freshness",
            Stage::Pacing => "pacing",
            Stage::Batch => "batch",
            Stage::Attempt => "attempt",
        }
    }

    /// The stage whose [`Self::key`] is `key`.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.key() == key)
    }

    /// What the stage spans, in a few words for a table.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Stage::Lateness => "due -> sent, batching included",
            Stage::Service => "sent -> acknowledged, retries included",
            Stage::Response => "due -> acknowledged",
            Stage::Capture => "acknowledged -> created (two clocks)",
            Stage::Replication => "created -> arrived (service clocks)",
            Stage::Read => "arrived -> read (two clocks)",
            Stage::EndToEnd => "due -> read",
            Stage::Freshness => "due -> in the lake, where it can be queried",
            Stage::Pacing => "batch due -> sent: the generator's own",
            Stage::Batch => "batch sent -> all its items settled",
            Stage::Attempt => "one call",
        }
    }

    /// Whether the stage spans two clocks that may disagree, so that its
    /// values are only as good as the offset bounds and may be negative.
    #[must_use]
    pub fn spans_clocks(self) -> bool {
        matches!(self, Stage::Capture | Stage::Replication | Stage::Read)
    }
}
