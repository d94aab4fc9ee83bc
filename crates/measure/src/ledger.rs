//! Every reading is accounted for.

use std::fmt;

use super::{ArrivalRecord, SendRecord, WarmUp};

/// The account of a run, in measured readings.
///
/// The left sides of its identities are counted by the workers, one by one;
/// `seen` and `missing` come from comparing the set of readings acknowledged
/// with the set of readings seen. An identity that holds is therefore a check
/// and not a definition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    /// Whether a change stream was read; without one, `seen` and everything
    /// below it is zero and means nothing.
    pub followed: bool,
    /// Acknowledged readings seen in the stream.
    pub seen: u64,
    /// Acknowledged readings not seen in the stream.
    pub missing: u64,
    /// Readings seen that were never acknowledged: failed for the client, yet
    /// written.
    pub seen_unacknowledged: u64,
    /// Further sightings of readings already seen.
    pub duplicates: u64,
    /// First sightings that came after a later reading of the same device.
    pub reordered: u64,
    /// Records that were not readings of this run.
    pub foreign: u64,
    /// Warm-up readings, apart.
    pub warm_up: WarmUp,
}

/// One of the identities a ledger must satisfy, and both its sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The identity, in the ledger's own words.
    pub equation: &'static str,
    /// What stands on its left.
    pub left: u64,
    /// What its right adds up to.
    pub right: u64,
}

impl Identity {
    /// Whether both sides are equal.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.left == self.right
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.holds() { '=' } else { '≠' };
        write!(f, "{}: {} {sign} {}", self.equation, self.left, self.right)
    }
}

impl Ledger {
    /// Draws up the account of a run; `arrivals` is `None` when no change
    /// stream was read.
    #[must_use]
    pub fn new(sending: &SendRecord, arrivals: Option<&ArrivalRecord>) -> Self {
        let counts = &sending.counts;
        let mut ledger = Ledger {
            scheduled: counts.scheduled,
            dropped: counts.dropped,
            cut_off: counts.cut_off,
            sent: counts.sent,
            acknowledged: counts.acknowledged,
            failed: counts.failed,
            warm_up: sending.warm_up,
            ..Ledger::default()
        };
        if let Some(arrivals) = arrivals {
            ledger.followed = true;
            let (acknowledged, seen) = (&sending.acknowledged, &arrivals.seen);
            ledger.seen = acknowledged.measured.intersection_len(&seen.measured);
            ledger.missing = acknowledged.measured.difference_len(&seen.measured);
            ledger.seen_unacknowledged = seen.measured.difference_len(&acknowledged.measured);
            ledger.duplicates = arrivals.counts.duplicates;
            ledger.reordered = arrivals.counts.reordered;
            ledger.foreign = arrivals.counts.foreign;
            ledger.warm_up.merge(&arrivals.warm_up);
            ledger.warm_up.seen = acknowledged.warm_up.intersection_len(&seen.warm_up);
            ledger.warm_up.missing = acknowledged.warm_up.difference_len(&seen.warm_up);
            ledger.warm_up.seen_unacknowledged = seen.warm_up.difference_len(&acknowledged.warm_up);
        }
        ledger
    }

    /// The identities that apply.
    #[must_use]
    pub fn identities(&self) -> Vec<Identity> {
        let mut identities = vec![
            Identity {
                equation: "scheduled = sent + dropped + cut_off",
                left: self.scheduled,
                right: self
                    .sent
                    .saturating_add(self.dropped)
                    .saturating_add(self.cut_off),
            },
            Identity {
                equation: "sent = acknowledged + failed",
                left: self.sent,
                right: self.acknowledged.saturating_add(self.failed),
            },
        ];
        let warm_up = &self.warm_up;
        identities.push(Identity {
            equation: "warm-up: scheduled = sent + dropped + cut_off",
            left: warm_up.scheduled,
            right: warm_up
                .sent
                .saturating_add(warm_up.dropped)
                .saturating_add(warm_up.cut_off),
        });
        identities.push(Identity {
            equation: "warm-up: sent = acknowledged + failed",
            left: warm_up.sent,
            right: warm_up.acknowledged.saturating_add(warm_up.failed),
        });
        if self.followed {
            identities.push(Identity {
                equation: "acknowledged = seen + missing",
                left: self.acknowledged,
                right: self.seen.saturating_add(self.missing),
            });
            identities.push(Identity {
                equation: "warm-up: acknowledged = seen + missing",
                left: warm_up.acknowledged,
                right: warm_up.seen.saturating_add(warm_up.missing),
            });
        }
        identities
    }

    /// The identities that do not hold.
    #[must_use]
    pub fn broken(&self) -> Vec<Identity> {
        let mut identities = self.identities();
        identities.retain(|identity| !identity.holds());
        identities
    }

    /// Whether every identity holds.
    #[must_use]
    pub fn closed(&self) -> bool {
        self.broken().is_empty()
    }
}
