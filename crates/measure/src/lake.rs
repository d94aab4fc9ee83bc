//! What reached the lake, and how late it could be queried there.

use super::latency::{Latency, span_us};
use super::{Opening, Reach, Readings, SequenceSet};
use hrload_workload::ReadingId;

/// Records the readings in objects of a lake. Owned by the delivering thread.
#[derive(Debug)]
pub struct LakeRecorder {
    opening: Opening,
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
    /// A recorder for the lake of one run, which may begin later.
    #[must_use]
    pub fn before(opening: Opening, devices: u32) -> Self {
        Self {
            opening,
            record: LakeRecord {
                held: Readings {
                    measured: SequenceSet::with_devices(devices),
                    warm_up: SequenceSet::default(),
                },
                ..LakeRecord::default()
            },
        }
    }

    /// A reading is in an object that can be read since `queryable_us`, and
    /// that was `closed_early` or not. Those of other runs are passed over, and of
    /// the warm-up's it is kept that they are there.
    pub fn queryable(&mut self, id: ReadingId, queryable_us: u64, closed_early: bool) {
        let reach = self.opening.reach();
        let is_ours = |reach: &Reach| reach.covers(id, queryable_us);
        let Some(reach) = reach.filter(is_ours) else {
            return;
        };
        let measured = reach.measures(id);
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

    /// Those of them that are measured.
    #[must_use]
    pub fn measured(&self) -> u64 {
        self.record.held.measured.len()
    }

    /// What was recorded.
    #[must_use]
    pub fn finish(self) -> LakeRecord {
        self.record
    }
}
