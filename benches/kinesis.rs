//! What a change record costs the embedded Kinesis, from the table's write to
//! a reader's page. Divide by the records in a benchmark's name for the figure
//! a record; throughput is given in records.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hrload::clock::Clock;
use hrload::codec::change::{ChangeKind, Precision};
use hrload::local::capture::{Capture, ChangeDelay, TableChange};
use hrload::local::faults::FaultDice;
use hrload::local::kinesis::{Answer, Backlog, Batch, Streams};
use serde_json::{Value, json};

const RECORDS: usize = 500;
const START_US: u64 = 1_721_011_165_891_550;
const ARN: &str = "arn:aws:kinesis:eu-west-1:123456789012:stream/s";

/// An item of the post's layout: four strings, some 90 bytes.
fn item(i: usize) -> String {
    format!(
        "{{\"id\":{{\"S\":\"1721011165.{i:06}-{i}-17\"}},\"HeartRate\":{{\"S\":\"72\"}},\
         \"SensorID\":{{\"S\":\"sensor-{i}\"}},\"ReportTime\":{{\"S\":\"2024-07-15T02:39:25\"}}}}"
    )
}

/// A change record as large as that item makes it.
fn record(i: usize) -> String {
    format!(
        "{{\"dynamodb\":{{\"NewImage\":{},\"x\":\"{}\"}}}}",
        item(i),
        "x".repeat(400)
    )
}

/// A stream of four shards that has long reached its limit in memory.
fn streams() -> Streams {
    let streams = Streams::new("eu-west-1".into(), "123456789012".into(), 64 << 20);
    let body = br#"{"StreamName":"s","ShardCount":4}"#;
    streams
        .call("CreateStream", body, START_US - 1_000_000)
        .unwrap();
    let (mut batch, mut backlog) = (batch(), Backlog::default());
    while streams.trimmed() == 0 {
        streams
            .append(ARN, &mut batch, &mut backlog, START_US, START_US)
            .unwrap();
    }
    streams
}

fn batch() -> Batch {
    let mut batch = Batch::default();
    for i in 0..RECORDS {
        let key = format!(
            "{:032X}",
            (i as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c)
        );
        batch.push(key.as_bytes(), |out| {
            out.extend_from_slice(record(i).as_bytes())
        });
    }
    batch
}

fn answer(streams: &Streams, operation: &str, body: &[u8]) -> Vec<u8> {
    match streams.call(operation, body, START_US).unwrap() {
        Answer::Json(body) => body,
        Answer::Events(_) => unreachable!(),
    }
}

fn put(c: &mut Criterion) {
    let mut group = c.benchmark_group("put");
    group.throughput(Throughput::Elements(RECORDS as u64));
    let streams = streams();
    let (mut batch, mut backlog) = (batch(), Backlog::default());
    group.bench_function("500 change records, appended", |b| {
        b.iter(|| {
            streams
                .append(ARN, &mut batch, &mut backlog, START_US, START_US)
                .unwrap()
        });
    });
    let entries: Vec<Value> = (0..RECORDS)
        .map(|i| {
            let data = base64_simd::STANDARD.encode_to_string(record(i));
            json!({"PartitionKey": i.to_string(), "Data": data})
        })
        .collect();
    let body = json!({"StreamName": "s", "Records": entries}).to_string();
    group.bench_function("500 change records, PutRecords", |b| {
        b.iter(|| black_box(answer(&streams, "PutRecords", body.as_bytes())));
    });
}

fn get(c: &mut Criterion) {
    let mut group = c.benchmark_group("get");
    group.throughput(Throughput::Elements(RECORDS as u64));
    let streams = streams();
    let body = json!({"StreamName": "s", "ShardId": "shardId-000000000001",
        "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = answer(&streams, "GetShardIterator", body.to_string().as_bytes());
    let iterator: Value = serde_json::from_slice(&iterator).unwrap();
    let body = json!({"ShardIterator": iterator["ShardIterator"], "Limit": RECORDS}).to_string();
    group.bench_function("500 change records, GetRecords", |b| {
        b.iter(|| black_box(answer(&streams, "GetRecords", body.as_bytes())));
    });
}

fn capture(c: &mut Criterion) {
    const CALL: usize = 25;
    let mut group = c.benchmark_group("capture");
    group.throughput(Throughput::Elements(CALL as u64));
    let images: Vec<String> = (0..CALL).map(item).collect();
    let keys: Vec<String> = (0..CALL)
        .map(|i| format!("1721011165.{i:06}-{i}-17"))
        .collect();
    let key_images: Vec<String> = keys
        .iter()
        .map(|key| format!("{{\"id\":{{\"S\":\"{key}\"}}}}"))
        .collect();
    for (name, delay) in [
        ("25 changes, to the shards in the writing thread", "0"),
        (
            "25 changes, to the queue (the moving thread works beside)",
            "10ms",
        ),
    ] {
        let delay: ChangeDelay = delay.parse().unwrap();
        let streams = Arc::new(streams());
        let clock = Clock::start();
        let dice = Arc::new(FaultDice::default());
        let capture = Capture::start(streams, "eu-west-1".into(), delay, dice, 1, clock);
        let link = capture.link("readings", ARN, Some(Precision::Microsecond));
        group.bench_function(name, |b| {
            b.iter(|| {
                let changes = (0..CALL).map(|i| TableChange {
                    kind: ChangeKind::Insert,
                    partition_key: keys[i].as_bytes(),
                    keys: key_images[i].as_bytes(),
                    new_image: Some(images[i].as_bytes()),
                    old_image: None,
                    size_bytes: 180,
                });
                link.capture(clock.now_us(), changes);
            });
        });
        let moved_us = capture.cpu_us();
        if moved_us > 0 {
            let each_us = moved_us as f64 / capture.delivered().max(1) as f64;
            println!("moving thread: {each_us:.3} us of CPU a record");
        }
    }
}

criterion_group!(benches, put, get, capture);
criterion_main!(benches);
