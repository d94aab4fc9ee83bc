//! How many shards a stream needs.

use serde::Serialize;

use super::ShardLimits;

/// What shards are given beyond the demand, in per cent of it. Covers what a
/// mean rate hides: seconds above it, and keys that hash unevenly to shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Headroom {
    /// Per cent on top of the demand.
    pub percent: u32,
}

impl Default for Headroom {
    /// 25 %. Assumed: a shard then runs at 80 % of its limits.
    fn default() -> Self {
        Self { percent: 25 }
    }
}

/// Which limit of a shard a number of shards follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// Records a second.
    Records,
    /// Bytes a second.
    Bytes,
}

/// How many shards a demand needs, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ShardsNeeded {
    /// Shards, at least one.
    pub shards: u32,
    /// The limit they follow from.
    pub binding: Binding,
    /// Shards that the records alone need, headroom included.
    pub by_records: u32,
    /// Shards that the bytes alone need, headroom included.
    pub by_bytes: u32,
    /// How far the demand without headroom fills the binding limit of that
    /// many shards, in per cent, rounded up.
    pub utilisation_percent: u32,
}

/// Shards for `records_per_s` records of `record_bytes`, the size of a record
/// as it lies in the stream with its partition key: a change record is several
/// times as large as the item it is about, so measure it.
///
/// The larger of records over 1,000 and bytes over 1 MiB, as
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/kds_using-shards-and-metrics.html>
/// has it, but by bytes on the wire.
#[must_use]
pub fn shards_for(
    records_per_s: u64,
    record_bytes: u64,
    headroom: Headroom,
    limits: &ShardLimits,
) -> ShardsNeeded {
    let bytes_per_s = u128::from(records_per_s) * u128::from(record_bytes);
    let needed = |demand: u128, limit: u32| {
        let with_headroom = demand * (100 + u128::from(headroom.percent));
        let shards = with_headroom.div_ceil(u128::from(limit.max(1)) * 100);
        u32::try_from(shards).unwrap_or(u32::MAX).max(1)
    };
    let by_records = needed(records_per_s.into(), limits.write_records_per_s);
    let by_bytes = needed(bytes_per_s, limits.write_bytes_per_s);
    let shards = by_records.max(by_bytes);
    let filled = |demand: u128, limit: u32| {
        let capacity = u128::from(limit.max(1)) * u128::from(shards);
        u32::try_from((demand * 100).div_ceil(capacity)).unwrap_or(u32::MAX)
    };
    let filled_by_records = filled(records_per_s.into(), limits.write_records_per_s);
    let filled_by_bytes = filled(bytes_per_s, limits.write_bytes_per_s);
    ShardsNeeded {
        shards,
        binding: if filled_by_bytes > filled_by_records {
            Binding::Bytes
        } else {
            Binding::Records
        },
        by_records,
        by_bytes,
        utilisation_percent: filled_by_records.max(filled_by_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_follow_from_records_or_bytes_whichever_needs_more() {
        let none = Headroom { percent: 0 };
        for (records_per_s, record_bytes, headroom, shards, binding) in [
            (0, 613, none, 1, Binding::Records),
            (1000, 613, none, 1, Binding::Records),
            (1001, 613, none, 2, Binding::Records),
            (5000, 613, none, 5, Binding::Records),
            (5000, 613, Headroom::default(), 7, Binding::Records),
            // The worked example of the developer guide's page of 2023: 40
            // writes a second and a quarter of updates, 1,285 bytes.
            (50, 1285, none, 1, Binding::Bytes),
            (1000, 2048, none, 2, Binding::Bytes),
            (1000, 2048, Headroom::default(), 3, Binding::Bytes),
            (10, 10 << 20, none, 100, Binding::Bytes),
        ] {
            let needed = shards_for(
                records_per_s,
                record_bytes,
                headroom,
                &ShardLimits::default(),
            );
            assert_eq!(
                (needed.shards, needed.binding),
                (shards, binding),
                "{needed:?}"
            );
        }
        let full = shards_for(1000, 1, none, &ShardLimits::default());
        assert_eq!(full.utilisation_percent, 100);
    }
}
