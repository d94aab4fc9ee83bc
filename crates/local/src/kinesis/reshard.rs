//! Splits and merges: how the set of open shards changes.

use super::hash_key::{HashRange, uniform_starts};

/// A change of shards that was asked for and takes effect when the stream's
/// UPDATING ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reshard {
    /// Cut one shard in two; the second begins at `at`.
    Split { shard: u32, at: u128 },
    /// Join two neighbours.
    Merge { lower: u32, upper: u32 },
    /// Uniform scaling to this many shards.
    Scale { target: u32 },
}

/// One elementary step on the open shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Split the open shard that holds this key, so that a shard begins there.
    SplitAt(u128),
    /// Merge the open shard that begins at this key into the one before it.
    MergeAt(u128),
}

/// Cuts closer to a wanted cut than this are taken for it. Starts of uniform
/// ranges are rounded down, so those for 3 and for 6 shards differ by one key;
/// without this, scaling would leave shards that hold a single key.
const SAME_CUT: u128 = 1 << 64;

/// The splits and merges that turn the open shards into `target` equal ones.
///
/// First every missing cut is made, then every cut that is not wanted is
/// removed; as on the service, that may make short-lived shards on the way
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html>).
/// `open` is sorted by hash key and partitions the key space.
pub(super) fn uniform_steps(open: &[HashRange], target: u32) -> Vec<Step> {
    let cuts: Vec<u128> = open.iter().skip(1).map(|range| range.start).collect();
    let wanted: Vec<u128> = uniform_starts(target).skip(1).collect();
    let near = |cuts: &[u128], key: u128| {
        let after = cuts.partition_point(|&cut| cut < key.saturating_sub(SAME_CUT));
        cuts.get(after)
            .is_some_and(|cut| cut.abs_diff(key) <= SAME_CUT)
    };
    let splits = wanted
        .iter()
        .filter(|&&key| !near(&cuts, key))
        .map(|&key| Step::SplitAt(key));
    let merges = cuts
        .iter()
        .filter(|&&key| !near(&wanted, key))
        .map(|&key| Step::MergeAt(key));
    splits.chain(merges).collect()
}

#[cfg(test)]
mod tests {
    use super::super::hash_key::uniform_ranges;
    use super::*;

    #[test]
    fn doubling_splits_every_shard_and_halving_merges_every_pair() {
        for count in [1, 2, 3, 4, 5, 12] {
            let doubled = uniform_steps(&uniform_ranges(count), 2 * count);
            assert_eq!(doubled.len(), count as usize);
            assert!(doubled.iter().all(|step| matches!(step, Step::SplitAt(_))));
            let halved = uniform_steps(&uniform_ranges(2 * count), count);
            assert_eq!(halved.len(), count as usize);
            assert!(halved.iter().all(|step| matches!(step, Step::MergeAt(_))));
        }
    }

    #[test]
    fn scaling_four_to_five_cuts_four_times_and_joins_three_times() {
        let steps = uniform_steps(&uniform_ranges(4), 5);
        let splits = steps
            .iter()
            .filter(|s| matches!(s, Step::SplitAt(_)))
            .count();
        assert_eq!((splits, steps.len() - splits), (4, 3));
    }
}
