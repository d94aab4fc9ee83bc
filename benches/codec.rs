//! The hot path: readings to bytes, bytes to readings. A `memcpy` of the same
//! bytes stands beside each, as the speed that nothing can beat.
//!
//! `cargo bench --bench codec`
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hrload::codec::{Layout, batch, change, item, page, response};
use hrload::workload::{DeviceClass, Motion, Reading, ReadingId};

const LAYOUTS: [(&str, Layout); 3] = [
    ("seed", Layout::Seed),
    ("timeseries", Layout::TimeSeries),
    ("fhir", Layout::Fhir),
];
const TABLE: &str = "heartrate-ddb-dev";

fn readings(count: u32) -> Vec<Reading> {
    (0..count)
        .map(|index| Reading {
            id: ReadingId {
                intended_us: 1_721_011_165_891_550 + u64::from(index) * 200,
                device: index * 397 % 10_000,
                sequence: index,
            },
            observed_us: 1_721_011_165_891_550,
            bpm: 60 + (index % 80) as u8,
            sensor: index * 397 % 10_000,
            motion: Motion::Sedentary,
            class: DeviceClass::Fitbit,
        })
        .collect()
}

fn change_record(layout: Layout, reading: &Reading) -> Vec<u8> {
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

/// A benchmark of `run`, which reads or writes `bytes`, and of copying them.
fn beside_memcpy(c: &mut Criterion, name: &str, bytes: &[u8], mut run: impl FnMut()) {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("run", |b| b.iter(&mut run));
    let mut copy = vec![0; bytes.len()];
    group.bench_function("memcpy", |b| {
        b.iter(|| {
            copy.copy_from_slice(black_box(bytes));
            black_box(&mut copy);
        });
    });
    group.finish();
}

fn encode_batch(c: &mut Criterion) {
    let readings = readings(batch::MAX_ITEMS as u32);
    for (name, layout) in LAYOUTS {
        let mut body = Vec::new();
        batch::encode(&mut body, TABLE, layout, &readings);
        let bytes = body.clone();
        beside_memcpy(c, &format!("encode 25 items, {name}"), &bytes, || {
            body.clear();
            batch::encode(&mut body, TABLE, layout, black_box(&readings));
            black_box(&body);
        });
    }
}

fn decode_batch(c: &mut Criterion) {
    let readings = readings(batch::MAX_ITEMS as u32);
    let mut request = Vec::new();
    batch::encode(&mut request, TABLE, Layout::Seed, &readings);
    let mut request: serde_json::Value = serde_json::from_slice(&request).unwrap();
    let consumed = r#""ConsumedCapacity":[{"TableName":"heartrate-ddb-dev","CapacityUnits":25.0}]"#;
    let unprocessed = request["RequestItems"].take();
    for (name, body) in [
        (
            "all written",
            format!(r#"{{"UnprocessedItems":{{}},{consumed}}}"#),
        ),
        (
            "none written",
            format!(r#"{{"UnprocessedItems":{unprocessed},{consumed}}}"#),
        ),
    ] {
        let mut reply = response::BatchReply::default();
        beside_memcpy(
            c,
            &format!("decode answer, {name}"),
            body.as_bytes(),
            || {
                response::decode_batch(black_box(body.as_bytes()), Layout::Seed, &mut reply)
                    .unwrap();
                black_box(&reply);
            },
        );
    }
}

fn decode_change(c: &mut Criterion) {
    for (name, layout) in LAYOUTS {
        let record = change_record(layout, &readings(1)[0]);
        beside_memcpy(c, &format!("decode change, {name}"), &record, || {
            black_box(change::decode(black_box(&record)).unwrap());
        });
    }
}

fn encode_change(c: &mut Criterion) {
    let reading = readings(1)[0];
    let mut image = Vec::new();
    item::encode(&mut image, Layout::Seed, &reading);
    let change = change::ChangeImage {
        region: "us-west-2",
        event_id: 0xf894_36e0_627d_4d37_9879_42f8_6249_aa83,
        kind: change::ChangeKind::Insert,
        table: TABLE,
        created_us: reading.observed_us,
        precision: Some(change::Precision::Microsecond),
        keys: br#"{"id":{"S":"1721011165.891550-0-0"}}"#,
        new_image: Some(&image),
        old_image: None,
        size_bytes: 100,
    };
    let mut record = Vec::new();
    change::encode(&mut record, &change);
    let bytes = record.clone();
    beside_memcpy(c, "encode change, seed", &bytes, || {
        record.clear();
        change::encode(&mut record, black_box(&change));
        black_box(&record);
    });
}

fn decode_page(c: &mut Criterion) {
    let records: Vec<serde_json::Value> = readings(500)
        .iter()
        .map(|reading| {
            let data = change_record(Layout::Seed, reading);
            serde_json::json!({
                "SequenceNumber": "49653934577403172270036403236523229901717376203382325250",
                "ApproximateArrivalTimestamp": 1_721_011_166.136,
                "Data": base64_simd::STANDARD.encode_to_string(data),
                "PartitionKey": "68406A366BD60300C59F519142163A14",
            })
        })
        .collect();
    let body = serde_json::json!({
        "Records": records, "NextShardIterator": "AAAA", "MillisBehindLatest": 0,
    })
    .to_string();
    let mut scratch = Vec::new();
    beside_memcpy(c, "decode page of 500", body.as_bytes(), || {
        let end = page::decode(black_box(body.as_bytes()), &mut scratch, |record| {
            black_box(record.arrived_us);
        });
        black_box(end.unwrap());
    });
    beside_memcpy(
        c,
        "decode page of 500 and its changes",
        body.as_bytes(),
        || {
            let end = page::decode(black_box(body.as_bytes()), &mut scratch, |record| {
                black_box(change::decode(record.data).unwrap());
            });
            black_box(end.unwrap());
        },
    );
}

criterion_group!(
    benches,
    encode_batch,
    decode_batch,
    decode_change,
    encode_change,
    decode_page
);
criterion_main!(benches);
