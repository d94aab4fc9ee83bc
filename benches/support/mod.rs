//! What the benchmarks and the allocation tests work on: readings, bodies,
//! records and pages, the same at every run.
#![allow(dead_code, clippy::unwrap_used)] // each user takes a part of it

pub(crate) mod floor;
pub(crate) mod ledger;
pub(crate) mod schedule;

use hrload::codec::signature::{AccessKey, Signature, Signer, Target};
use hrload::codec::{Layout, change, item};
use hrload::workload::{DeviceClass, Motion, Reading, ReadingId};

/// When everything here happens, in microseconds since the Unix epoch.
pub(crate) const START_US: u64 = 1_721_011_165_891_550;
/// The post's table.
pub(crate) const TABLE: &str = "heartrate-ddb-dev";
/// Every layout, with the name it goes by.
pub(crate) const LAYOUTS: [(&str, Layout); 3] = [
    ("post", Layout::Post),
    ("timeseries", Layout::TimeSeries),
    ("fhir", Layout::Fhir),
];

/// Readings of as many devices, 200 us apart.
pub(crate) fn readings(count: u32) -> Vec<Reading> {
    (0..count)
        .map(|index| Reading {
            id: ReadingId {
                intended_us: START_US + u64::from(index) * 200,
                device: index * 397 % 10_000,
                sequence: index,
            },
            observed_us: START_US,
            bpm: 60 + (index % 80) as u8,
            sensor: index * 397 % 10_000,
            motion: Motion::Sedentary,
            class: DeviceClass::Fitbit,
        })
        .collect()
}

/// The change data capture record of a reading that was inserted.
pub(crate) fn change_record(layout: Layout, reading: &Reading) -> Vec<u8> {
    let mut item = Vec::new();
    item::encode(&mut item, layout, reading);
    let tree: serde_json::Value = serde_json::from_slice(&item).unwrap();
    let schema = layout.key_schema();
    let names = std::iter::once(schema.partition).chain(schema.sort);
    let keys: serde_json::Value = names
        .map(|(name, _)| (name.to_owned(), tree[name].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let mut record = Vec::new();
    change::encode(
        &mut record,
        &change::ChangeImage {
            region: "us-west-2",
            event_id: 0xf894_36e0_627d_4d37_9879_42f8_6249_aa83,
            kind: change::ChangeKind::Insert,
            table: TABLE,
            created_us: reading.observed_us,
            precision: Some(change::Precision::Microsecond),
            keys: keys.to_string().as_bytes(),
            new_image: Some(&item),
            old_image: None,
            size_bytes: layout.item_bytes(reading),
        },
    );
    record
}

/// A GetRecords answer with the change records of `count` readings.
pub(crate) fn page(count: u32) -> String {
    let records: Vec<serde_json::Value> = readings(count)
        .iter()
        .map(|reading| {
            let data = change_record(Layout::Post, reading);
            serde_json::json!({
                "SequenceNumber": "49653934577403172270036403236523229901717376203382325250",
                "ApproximateArrivalTimestamp": 1_721_011_166.136,
                "Data": base64_simd::STANDARD.encode_to_string(data),
                "PartitionKey": "68406A366BD60300C59F519142163A14",
            })
        })
        .collect();
    serde_json::json!({
        "Records": records, "NextShardIterator": "AAAA", "MillisBehindLatest": 0,
    })
    .to_string()
}

/// Signs as the `direct` client does: the same signer, target and body.
pub(crate) struct Signing(Signer);

impl Default for Signing {
    fn default() -> Self {
        let target = Target {
            host: "127.0.0.1:8000",
            path: "/",
            region: "us-west-2",
            service: "dynamodb",
            content_type: "application/x-amz-json-1.0",
            operation: "DynamoDB_20120810.BatchWriteItem",
        };
        let key = AccessKey {
            id: "AKIAIOSFODNN7EXAMPLE",
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            session_token: None,
        };
        Self(Signer::new(&target, &key, START_US / 1_000_000))
    }
}

impl Signing {
    /// Date and authorization of a call with `body`.
    pub(crate) fn sign(&mut self, body: &[u8]) -> Signature<'_> {
        self.0.sign(body, START_US / 1_000_000)
    }
}
