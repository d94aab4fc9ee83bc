//! What a table says of itself: settings, state, and who asked how much of it.
//!
//! All figures are those of the last time the table was given.

use super::change::{Maximum, Mode, PendingChange, Units};
use super::side::{Side, Tally};
use super::throttle::Direction;
use super::{Assumptions, TableCapacity};

/// A table's settings and state at a time: DescribeTable's part in capacity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The mode, with the units provisioned now.
    pub mode: Mode,
    /// The on-demand maximum.
    pub maximum: Maximum,
    /// What the table serves, or could be provisioned to serve, at once.
    pub warm: Units,
    /// How many partitions there are.
    pub partitions: usize,
    /// Capacity saved and not yet used, in whole units.
    pub burst_left: Units,
    /// A change that has not taken effect.
    pub pending: Option<PendingChange>,
    /// Decreases of provisioned units in this UTC day.
    pub decreases_today: u32,
}

/// One partition, seen from one direction, since it was made or split off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionLoad {
    /// The first hash it holds.
    pub first_hash: u64,
    /// The last hash it holds.
    pub last_hash: u64,
    /// Units admitted (half units for reads, as in all of these).
    pub admitted: u64,
    /// Units refused by its cap.
    pub throttled: u64,
    /// The most units it was asked for in a minute that has ended.
    pub busiest_minute: u64,
}

impl TableCapacity {
    /// Settings and state as of the last time given.
    #[must_use]
    pub fn describe(&self) -> Description {
        Description {
            mode: self.mode,
            maximum: self.maximum,
            warm: self.warm(),
            partitions: self.space.count(),
            burst_left: self.each(|side| side.table.left() / side.scale),
            pending: self.pending,
            decreases_today: self
                .decreases
                .today(self.last_us.saturating_mul(self.assumptions.pace())),
        }
    }

    /// The units provisioned now; none on demand.
    #[must_use]
    pub fn provisioned(&self) -> Option<Units> {
        match self.mode {
            Mode::Provisioned(units) => Some(units),
            Mode::OnDemand => None,
        }
    }

    /// The warm throughput now: what the table could serve at once.
    #[must_use]
    pub fn warm(&self) -> Units {
        let warm = self.each(|side| side.peaks.warm() / side.scale);
        Units {
            write: warm.write.min(self.quotas.table.write),
            read: warm.read.min(self.quotas.table.read),
        }
    }

    /// All that was asked so far, by what became of it.
    #[must_use]
    pub fn tally(&self, direction: Direction) -> Tally {
        self.sides[direction as usize].total
    }

    /// The assumptions it works by.
    #[must_use]
    pub fn assumptions(&self) -> &Assumptions {
        &self.assumptions
    }

    /// The partition, by its place, that holds a hash.
    #[must_use]
    pub fn partition_of(&self, key_hash: u64) -> usize {
        self.space.locate(key_hash)
    }

    /// The partitions in the order of their hashes.
    pub fn partitions(&self, direction: Direction) -> impl Iterator<Item = PartitionLoad> + '_ {
        let lanes = self.sides[direction as usize].lanes.iter();
        lanes.enumerate().map(|(at, lane)| {
            let (first_hash, last_hash) = self.space.range(at);
            PartitionLoad {
                first_hash,
                last_hash,
                admitted: lane.admitted,
                throttled: lane.throttled,
                busiest_minute: lane.busiest,
            }
        })
    }

    /// The partition with the busiest minute, the first of equals.
    #[must_use]
    pub fn hottest_partition(&self, direction: Direction) -> Option<PartitionLoad> {
        self.partitions(direction).reduce(|hottest, other| {
            let key = |load: &PartitionLoad| (load.busiest_minute, load.throttled, load.admitted);
            if key(&other) > key(&hottest) {
                other
            } else {
                hottest
            }
        })
    }

    fn each(&self, figure: impl Fn(&Side) -> u64) -> Units {
        Units {
            write: figure(&self.sides[0]),
            read: figure(&self.sides[1]),
        }
    }
}
