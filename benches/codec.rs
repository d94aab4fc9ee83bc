//! The hot path: readings to bytes, bytes to readings. Beside each stands its
//! floor, the speed that nothing can beat: a `memcpy` or the SHA-256 of the same
//! bytes. The ratio of the two is printed.
//!
//! `cargo bench --bench codec`
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "support/mod.rs"]
mod support;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use hrload::codec::{Layout, batch, change, item, page, response, transform};
use support::floor::{Floor, beside};
use support::{LAYOUTS, Signing, TABLE, change_record, readings};

/// A benchmark of `run`, which reads or writes `items` in `bytes`, and of
/// copying them.
fn beside_memcpy(c: &mut Criterion, name: &str, items: u64, bytes: &[u8], run: impl FnMut()) {
    beside(c, name, &Floor::Memcpy, items, bytes, run);
}

fn encode_batch(c: &mut Criterion) {
    let readings = readings(batch::MAX_ITEMS as u32);
    for (name, layout) in LAYOUTS {
        let mut body = Vec::new();
        batch::encode(&mut body, TABLE, layout, &readings);
        let bytes = body.clone();
        let (name, floor) = (
            format!("encode 25 items, {name}"),
            Floor::MemcpyAndNumbers(&readings),
        );
        beside(c, &name, &floor, 25, &bytes, || {
            body.clear();
            batch::encode(&mut body, TABLE, layout, black_box(&readings));
            black_box(&body);
        });
    }
}

fn sign(c: &mut Criterion) {
    let mut body = Vec::new();
    batch::encode(&mut body, TABLE, Layout::Post, &readings(25));
    let mut signing = Signing::default();
    beside(c, "sign 25 items", &Floor::Sha256, 25, &body, || {
        black_box(signing.sign(black_box(&body)));
    });
}

fn decode_batch(c: &mut Criterion) {
    let readings = readings(batch::MAX_ITEMS as u32);
    let mut request = Vec::new();
    batch::encode(&mut request, TABLE, Layout::Post, &readings);
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
            25,
            body.as_bytes(),
            || {
                response::decode_batch(black_box(body.as_bytes()), Layout::Post, &mut reply)
                    .unwrap();
                black_box(&reply);
            },
        );
    }
}

fn decode_change(c: &mut Criterion) {
    for (name, layout) in LAYOUTS {
        let record = change_record(layout, &readings(1)[0]);
        beside_memcpy(c, &format!("decode change, {name}"), 1, &record, || {
            black_box(change::decode(black_box(&record)).unwrap());
        });
    }
}

fn encode_change(c: &mut Criterion) {
    let reading = readings(1)[0];
    let mut image = Vec::new();
    item::encode(&mut image, Layout::Post, &reading);
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
    beside_memcpy(c, "encode change, post", 1, &bytes, || {
        record.clear();
        change::encode(&mut record, black_box(&change));
        black_box(&record);
    });
}

fn decode_page(c: &mut Criterion) {
    let body = support::page(500);
    let mut scratch = Vec::new();
    beside_memcpy(c, "decode page of 500", 500, body.as_bytes(), || {
        let end = page::decode(black_box(body.as_bytes()), &mut scratch, |record| {
            black_box(record.arrived_us);
        });
        black_box(end.unwrap());
    });
    beside_memcpy(
        c,
        "decode page of 500 and its changes",
        500,
        body.as_bytes(),
        || {
            let end = page::decode(black_box(body.as_bytes()), &mut scratch, |record| {
                black_box(change::decode(record.data).unwrap());
            });
            black_box(end.unwrap());
        },
    );
}

/// The transform in the process, and as a Lambda function has it: base64 off,
/// a newline, base64 on.
fn transform_records(c: &mut Criterion) {
    let records: Vec<Vec<u8>> = readings(500)
        .iter()
        .map(|reading| change_record(Layout::Post, reading))
        .collect();
    let bytes = records.concat();
    let mut lines = Vec::with_capacity(bytes.len() + records.len());
    beside_memcpy(c, "transform 500 records", 500, &bytes, || {
        lines.clear();
        for record in black_box(&records) {
            assert!(transform::newline(record, &mut lines));
        }
        black_box(&lines);
    });
    let event = transform::Event {
        records: records
            .iter()
            .enumerate()
            .map(|(index, record)| transform::Asked {
                record_id: index.to_string(),
                data: base64_simd::STANDARD.encode_to_string(record),
            })
            .collect(),
    };
    beside_memcpy(c, "answer an event of 500 records", 500, &bytes, || {
        black_box(transform::answer(black_box(&event)));
    });
}

criterion_group!(
    benches,
    encode_batch,
    sign,
    decode_batch,
    decode_change,
    encode_change,
    decode_page,
    transform_records
);
criterion_main!(benches);
