//! What reached the lake, and how late it could be queried there.

use super::latency::{Latency, span_us};
use super::{Reach, Readings};
use crate::workload::ReadingId;

/// Records the readings in objects of a lake. Owned by the delivering thread.
#[derive(Debug)]
pub struct LakeRecorder {
    reach: Reach,
    record: LakeRecord,
}

/// The readings that are in a lake, and how late they came there.
#[derive(Debug, Clone, Default)]
pub struct LakeRecord {
    /// Readings in whole objects, each once.
    pub held: Readings,
    /// Intended start until the object could be read, of their first sightings
    /// in objects that closed by themselves.
    pub freshness: Latency,
    /// Measured readings whose object was closed early, by the end of the run:
    /// they are not in `freshness`.
    pub closed_early: u64,
    /// Further sightings of measured readings.
    pub duplicates: u64,
}

impl LakeRecorder {
    /// A recorder for the lake of one run.
    #[must_use]
    pub fn new(reach: Reach) -> Self {
        Self {
            reach,
            record: LakeRecord {
                held: Readings::partition(reach, 0, 1),
                ..LakeRecord::default()
            },
        }
    }

    /// A reading is in an object that can be read since `queryable_us`, and
    /// that was `closed_early` or not. Those of other runs are passed over, and of
    /// the warm-up's it is kept that they are there.
    pub fn queryable(&mut self, id: ReadingId, queryable_us: u64, closed_early: bool) {
        if !self.reach.covers(id, queryable_us) {
            return;
        }
        let measured = self.reach.measures(id);
        let is_new = self.record.held.of(measured).insert(id.device, id.sequence);
        if !measured {
            return;
        }
        if !is_new {
            self.record.duplicates += 1;
        } else if closed_early {
            self.record.closed_early += 1;
        } else {
            self.record
                .freshness
                .record(span_us(id.intended_us, queryable_us));
        }
    }

    /// Readings in the lake so far, each once, those of the warm-up included.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.record.held.measured.len() + self.record.held.warm_up.len()
    }

    /// What was recorded.
    #[must_use]
    pub fn finish(self) -> LakeRecord {
        self.record
    }
}
