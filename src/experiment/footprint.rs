//! What one reading of a workload asks of a table and a stream.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::capacity::size::write_units;
use crate::codec::change::{self, ChangeImage, ChangeKind, Precision};
use crate::codec::{Layout, item};
use crate::workload::{Fleet, Partition, Reading, Source, Workload};

/// Bytes of a change record's partition key: AWS's are 32 hexadecimal digits.
const PARTITION_KEY_BYTES: usize = 32;
/// How many devices are asked for a reading: some never send.
const DEVICES_ASKED: u32 = 256;

/// What one reading weighs, in a table and in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Footprint {
    /// The item, by DynamoDB's size rule.
    pub item_bytes: usize,
    /// Its change record, partition key included.
    pub record_bytes: usize,
}

impl Footprint {
    /// Of a reading of `workload`, laid out as `layout`: readings differ by a
    /// digit or two only, and most devices have as many digits as the last.
    /// Nothing, if no device sends.
    pub(super) fn of(workload: &Workload, layout: Layout, table: &str, region: &str) -> Self {
        let of = workload.devices();
        let last = of.saturating_sub(DEVICES_ASKED)..of;
        let reading = last.rev().find_map(|index| {
            let mut fleet = Fleet::new(workload, Partition { index, of }, 1_700_000_000_000_000);
            fleet.next_until(u64::MAX)
        });
        reading.map_or(
            Self {
                item_bytes: 0,
                record_bytes: 0,
            },
            |reading| Self {
                item_bytes: layout.item_bytes(&reading),
                record_bytes: record_bytes(layout, &reading, table, region),
            },
        )
    }

    /// Bytes of the change record without its partition key.
    pub(super) fn data_bytes(self) -> usize {
        self.record_bytes.saturating_sub(PARTITION_KEY_BYTES)
    }

    /// Write units of an item.
    pub(super) fn write_units(self) -> u64 {
        write_units(self.item_bytes)
    }
}

/// Devices whose readings are counted to tell how evenly a fleet sends, at most,
const DEVICES_COUNTED: u32 = 4_096;

/// and how many readings of each, on average.
const READINGS_COUNTED: u64 = 20;

/// To how many keys that are written alike the keys of a workload come, where items are
/// keyed by device: devices send at different rates, and some not at all. Nothing where
/// each item has a key of its own.
pub(super) fn even_keys(workload: &Workload, layout: Layout) -> Option<f64> {
    layout.key_schema().sort?;
    let of = workload.devices().div_ceil(DEVICES_COUNTED).max(1);
    let part = Partition { index: 0, of };
    let mut fleet = Fleet::new(workload, part, 1_700_000_000_000_000);
    let mut of_device: HashMap<u32, u64> = HashMap::new();
    let most = READINGS_COUNTED * u64::from(part.size(workload.devices()));
    let mut readings = 0;
    while readings < most
        && let Some(reading) = fleet.next_until(u64::MAX)
    {
        *of_device.entry(reading.id.device).or_default() += 1;
        readings += 1;
    }
    // Of two readings of one device there are as many pairs as its share squared.
    let pairs = |n: u64| (n * n.saturating_sub(1)) as f64;
    let same: f64 = of_device.values().map(|&n| pairs(n)).sum();
    Some(f64::from(of) * pairs(readings) / same.max(1.0))
}

/// Bytes of a reading of `workload` as an item, by DynamoDB's size rule, and as
/// a change record with its partition key.
#[must_use]
pub fn weigh(workload: &Workload, layout: Layout) -> (usize, usize) {
    let footprint = Footprint::of(workload, layout, "hrload", "us-east-1");
    (footprint.item_bytes, footprint.record_bytes)
}

fn record_bytes(layout: Layout, reading: &Reading, table: &str, region: &str) -> usize {
    let mut image = Vec::new();
    item::encode(&mut image, layout, reading);
    let schema = layout.key_schema();
    let names = [Some(schema.partition.0), schema.sort.map(|sort| sort.0)];
    let attributes: Map<String, Value> = serde_json::from_slice(&image).unwrap_or_default();
    let keys = attributes
        .into_iter()
        .filter(|(name, _)| names.contains(&Some(name)))
        .collect::<Map<_, _>>();
    let mut record = Vec::new();
    change::encode(
        &mut record,
        &ChangeImage {
            region,
            event_id: 0,
            kind: ChangeKind::Insert,
            table,
            created_us: reading.id.intended_us,
            precision: Some(Precision::Microsecond),
            keys: Value::Object(keys).to_string().as_bytes(),
            new_image: Some(&image),
            old_image: None,
            size_bytes: layout.item_bytes(reading),
        },
    );
    record.len() + PARTITION_KEY_BYTES
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;
    use crate::workload::{Pace, Profile};

    #[test]
    fn a_reading_weighs_one_unit_and_its_record_more_than_twice_its_item() {
        let profile = Profile::named("steady").unwrap();
        let run = Duration::from_secs(30);
        let workload = Workload::new(profile, 100, Pace::Natural, 1, run).unwrap();
        for (layout, least) in [
            (Layout::Post, 450),
            (Layout::TimeSeries, 450),
            (Layout::Fhir, 900),
        ] {
            let found = Footprint::of(&workload, layout, "hrload", "us-east-1");
            assert_eq!(found.write_units(), 1, "{found:?}");
            assert!(
                found.record_bytes > least && found.record_bytes < 4_000,
                "{found:?}"
            );
            assert!(found.record_bytes > 2 * found.item_bytes, "{found:?}");
        }
    }

    #[test]
    fn keys_are_fewer_where_devices_send_unevenly() {
        let run = Duration::from_secs(4);
        let of = |profile: &str, devices, layout| {
            let profile = Profile::named(profile).unwrap();
            let pace = Pace::Rate(5_000.0);
            let workload = Workload::new(profile, devices, pace, 1, run).unwrap();
            even_keys(&workload, layout)
        };
        assert_eq!(of("steady", 200, Layout::Post), None);
        // Some are not worn, and those that are send at rates of their own.
        for profile in ["steady", "marathon"] {
            let few = of(profile, 200, Layout::TimeSeries).unwrap();
            assert!((60.0..130.0).contains(&few), "{profile}: {few}");
        }
        let many = of("steady", 50_000, Layout::TimeSeries).unwrap();
        assert!((15_000.0..50_000.0).contains(&many), "{many}");
    }
}
