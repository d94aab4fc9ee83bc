//! Partitions: ranges of the key hash, and how they are split.
//!
//! A table's items are spread over partitions by a hash of the partition key
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.Partitions.html>).
//! The caller hashes, uniformly; here the 64-bit hashes are cut into ranges, one
//! a partition. Partitions are split, never merged: when throughput or size
//! needs more of them, every range that is too wide is halved until none is, so
//! that the table stays even; when one is hot, it alone is cut.

use super::Units;

/// What a partition serves in a second
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html>).
pub const PARTITION_CAP: Units = Units {
    write: 1_000,
    read: 3_000,
};

/// What a partition stores: 10 GB.
pub const PARTITION_BYTES: u64 = 10_000_000_000;

/// More partitions than this are not modelled: a size of 160 TB.
const MAX_PARTITIONS: u64 = 1 << 14;

/// Partitions of a provisioned table: reads by 3,000 and writes by 1,000,
/// added, rounded up. The sum is what AWS used to document in its guidelines for
/// tables; the present documents only say that a partition has both limits.
#[must_use]
pub fn partitions_for_provisioned(units: Units) -> u64 {
    let thirds = units
        .write
        .saturating_mul(PARTITION_CAP.read / PARTITION_CAP.write);
    bounded(
        units
            .read
            .saturating_add(thirds)
            .div_ceil(PARTITION_CAP.read),
    )
}

/// Partitions that serve a warm throughput: as many as its larger part needs.
/// A new on-demand table has four.
#[must_use]
pub fn partitions_for_warm(units: Units) -> u64 {
    let writes = units.write.div_ceil(PARTITION_CAP.write);
    bounded(writes.max(units.read.div_ceil(PARTITION_CAP.read)))
}

/// Partitions that hold a table of this size.
#[must_use]
pub fn partitions_for_size(bytes: u64) -> u64 {
    bounded(bytes.div_ceil(PARTITION_BYTES))
}

fn bounded(partitions: u64) -> u64 {
    partitions.clamp(1, MAX_PARTITIONS)
}

/// Which of the highest bits of a hash find a partition at once.
const INDEX_BITS: u32 = 10;

/// The ranges, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeySpace {
    /// The first hash of each partition; the first of all is 0.
    starts: Vec<u64>,
    /// For each value of the highest bits: the partition its first hash is in.
    index: Vec<u32>,
}

impl KeySpace {
    /// So many ranges, equally wide.
    pub(super) fn even(partitions: u64) -> Self {
        let count = bounded(partitions);
        let mut space = Self {
            starts: (0..count)
                .map(|i| ((u128::from(i) << 64) / u128::from(count)) as u64)
                .collect(),
            index: vec![0; 1 << INDEX_BITS],
        };
        space.reindex();
        space
    }

    fn reindex(&mut self) {
        let mut partition = 0;
        for (bits, entry) in self.index.iter_mut().enumerate() {
            let first = (bits as u64) << (64 - INDEX_BITS);
            while self
                .starts
                .get(partition + 1)
                .is_some_and(|&start| start <= first)
            {
                partition += 1;
            }
            *entry = partition as u32;
        }
    }

    pub(super) fn count(&self) -> usize {
        self.starts.len()
    }

    /// The partition of a hash.
    #[inline]
    pub(super) fn locate(&self, hash: u64) -> usize {
        let mut partition = self.index[(hash >> (64 - INDEX_BITS)) as usize] as usize;
        // Rarely more than one step: only very narrow ranges share an entry.
        while partition + 1 < self.starts.len() && self.starts[partition + 1] <= hash {
            partition += 1;
        }
        partition
    }

    /// The first and the last hash of a partition.
    pub(super) fn range(&self, partition: usize) -> (u64, u64) {
        let last = match self.starts.get(partition + 1) {
            Some(next) => next - 1,
            None => u64::MAX,
        };
        (self.starts[partition], last)
    }

    /// Cuts a partition in two, the second beginning with the hash `at`: false
    /// if that is not inside it or there are too many.
    pub(super) fn split(&mut self, partition: usize, at: u64) -> bool {
        let (first, last) = self.range(partition);
        let possible = first < at && at <= last && self.count() < MAX_PARTITIONS as usize;
        if possible {
            self.starts.insert(partition + 1, at);
            self.reindex();
        }
        possible
    }

    /// Halves every range wider than one of `partitions` equal ones until none
    /// is. If any was: for each range now, the one it was part of before.
    pub(super) fn narrow(&mut self, partitions: u64) -> Option<Vec<usize>> {
        let most = (1u128 << 64).div_ceil(u128::from(bounded(partitions)));
        let mut starts = Vec::with_capacity(self.count());
        let mut parents = Vec::with_capacity(self.count());
        for partition in 0..self.count() {
            let (first, last) = self.range(partition);
            let width = u128::from(last - first) + 1;
            let mut parts = 1u128;
            while width.div_ceil(parts) > most {
                parts *= 2;
            }
            for part in 0..parts {
                starts.push(first + (width * part / parts) as u64);
                parents.push(partition);
            }
        }
        (starts.len() > self.count()).then(|| {
            self.starts = starts;
            self.reindex();
            parents
        })
    }

    /// Adds `units` to `demand`, one entry a partition, spread evenly over the
    /// hashes from `first` to `last`. Of units there
    /// are fewer than 2^63, so that the products below have 128 bits.
    pub(super) fn spread(&self, first: u64, last: u64, units: u64, demand: &mut [u64]) {
        if units == 0 {
            return;
        }
        let mut partition = self.locate(first);
        let whole = u128::from(last - first) + 1;
        let mut given = 0;
        loop {
            let (_, end) = self.range(partition);
            let up_to = if end >= last {
                units
            } else {
                // To the nearest, so that equal partitions get equal shares
                // although their ranges differ by a hash.
                let part = u128::from(end - first) + 1;
                ((part * u128::from(units) + whole / 2) / whole) as u64
            };
            demand[partition] += up_to - given;
            given = up_to;
            if end >= last {
                return;
            }
            partition += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_count_follows_from_throughput_and_size() {
        for (write, read, partitions) in [
            (1, 1, 1),
            (999, 3, 1),
            (1_000, 5, 2),
            (4_000, 12_000, 8),
            (40_000, 40_000, 54),
        ] {
            let units = Units { write, read };
            assert_eq!(partitions_for_provisioned(units), partitions, "{units:?}");
        }
        assert_eq!(partitions_for_warm(super::super::on_demand::NEW_TABLE), 4);
        assert_eq!(partitions_for_size(0), 1);
        assert_eq!(partitions_for_size(PARTITION_BYTES + 1), 2);
        assert_eq!(partitions_for_size(u64::MAX), MAX_PARTITIONS);
    }

    #[test]
    fn narrowing_halves_what_is_too_wide_and_leaves_the_rest() {
        let mut space = KeySpace::even(4);
        assert_eq!(space.narrow(4), None);
        assert!(space.split(0, 1 << 61));
        assert_eq!(space.narrow(6), Some(vec![0, 1, 2, 2, 3, 3, 4, 4]));
        assert_eq!(space.range(7), (7 << 61, u64::MAX));
        assert_eq!(
            KeySpace::even(1).narrow(u64::MAX).map(|p| p.len()),
            Some(1 << 14)
        );
    }

    proptest! {
        #[test]
        fn every_hash_is_in_the_partition_that_holds_it(
            partitions in 1u64..600,
            splits in prop::collection::vec(any::<u64>(), 0..40),
            hashes in prop::collection::vec(any::<u64>(), 1..40),
        ) {
            let mut space = KeySpace::even(partitions);
            for at in splits {
                space.split(space.locate(at), at);
            }
            for hash in hashes.into_iter().chain([0, u64::MAX]) {
                let (first, last) = space.range(space.locate(hash));
                prop_assert!(first <= hash && hash <= last);
            }
        }

        #[test]
        fn what_is_spread_arrives_whole_and_in_proportion(
            partitions in 1u64..100,
            units in 0u64..1_000_000_000,
        ) {
            let space = KeySpace::even(partitions);
            let mut demand = vec![0; space.count()];
            space.spread(0, u64::MAX, units, &mut demand);
            prop_assert_eq!(demand.iter().sum::<u64>(), units);
            for got in demand {
                prop_assert!(got.abs_diff(units / partitions) <= 1);
            }
        }
    }
}
