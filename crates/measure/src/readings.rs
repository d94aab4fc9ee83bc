//! Readings of one run, those of the warm-up apart.

use super::{Reach, SequenceSet};
use hrload_workload::ReadingId;

/// Readings of a run: those that are measured, and those of the warm-up.
///
/// Acknowledged and seen readings are kept alike, so that comparing the two tells
/// what is missing of either.
#[derive(Debug, Clone, Default)]
pub struct Readings {
    /// Readings intended when measuring had begun.
    pub measured: SequenceSet,
    /// Readings intended before.
    pub warm_up: SequenceSet,
}

impl Readings {
    /// An empty collection, with room for those of the run's devices for which
    /// `device % of == index`. A run without a warm-up needs no room for one.
    #[must_use]
    pub fn partition(reach: Reach, index: u32, of: u32) -> Self {
        let room = || SequenceSet::partition(reach.devices, index, of);
        Self {
            measured: room(),
            warm_up: if reach.run_start_us < reach.measure_start_us {
                room()
            } else {
                SequenceSet::default()
            },
        }
    }

    /// The set that a reading belongs to.
    pub(super) fn of(&mut self, measured: bool) -> &mut SequenceSet {
        if measured {
            &mut self.measured
        } else {
            &mut self.warm_up
        }
    }

    /// Whether a reading is among them.
    pub(super) fn contains(&self, id: ReadingId, measured: bool) -> bool {
        let set = if measured {
            &self.measured
        } else {
            &self.warm_up
        };
        set.contains(id.device, id.sequence)
    }

    /// How many of these are not in `other`.
    #[must_use]
    pub fn difference_len(&self, other: &Self) -> u64 {
        self.measured.difference_len(&other.measured) + self.warm_up.difference_len(&other.warm_up)
    }

    /// Adds what another thread collected.
    pub fn merge(&mut self, other: &Self) {
        self.measured.merge(&other.measured);
        self.warm_up.merge(&other.warm_up);
    }
}
