//! What delivery costs, from records that were read to an object in a folder:
//! buffered, each ended with a newline, written and synced. In CPU time of all
//! threads, so that it says what one core delivers; the disk's own time is not
//! in it.
#![allow(clippy::unwrap_used, missing_docs)]

use std::time::Duration;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hrload::lake::{Buffer, Compression, Hints, Lake, Place, Record, Records, Transform};
use rustix::time::{ClockId, clock_gettime};

/// Of about 600 bytes each: a little under the 5 MiB of a default buffer.
const RECORDS: usize = 8_000;
const SEQUENCE_NUMBER: &str = "49590338271490256608559692538361571095921575989136588898";

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn records() -> Vec<Vec<u8>> {
    let record = |n: usize| {
        format!(
            "{{\"awsRegion\":\"us-east-1\",\"eventID\":\"7a1d{n:08x}\",\"eventName\":\"INSERT\",\
             \"recordFormat\":\"application/json\",\"tableName\":\"hrload\",\"dynamodb\":{{\
             \"ApproximateCreationDateTime\":{},\"Keys\":{{\"id\":{{\"S\":\"{n:036}\"}}}},\
             \"NewImage\":{{\"HeartRate\":{{\"S\":\"{}\"}},\"note\":{{\"S\":\"{}\"}}}}}}}}",
            1_700_000_000_000_000_u64 + n as u64,
            60 + n % 90,
            "x".repeat(300),
        )
        .into_bytes()
    };
    (0..RECORDS).map(record).collect()
}

fn delivery(c: &mut Criterion) {
    let records = records();
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(&Place::Folder(folder.path().to_owned()), None, None).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut group = c.benchmark_group("lake");
    group.throughput(Throughput::Elements(RECORDS as u64));
    group.sample_size(20);
    for (name, compression) in [
        ("newline, to a folder", Compression::None),
        ("newline, gzip, to a folder", Compression::Gzip),
        ("newline, zstd, to a folder", Compression::Zstd),
    ] {
        let mut buffer = Buffer::new(Hints::default());
        let mut spare = Records::default();
        group.bench_function(name, |b| {
            b.iter_custom(|times| {
                let before = cpu();
                for _ in 0..times {
                    for data in &records {
                        let record = Record {
                            data,
                            sequence_number: SEQUENCE_NUMBER,
                            arrived_us: 1,
                        };
                        buffer.push(record, 1);
                    }
                    let batch = buffer.replace(std::mem::take(&mut spare));
                    let done = Transform::Newline.built_in(&batch, b"", 1);
                    assert_eq!(done.ok, RECORDS as u64);
                    let body = compression.compress(done.body).unwrap();
                    runtime
                        .block_on(lake.put("2026/01/01/00/object", Bytes::from(body)))
                        .unwrap();
                    spare = batch;
                }
                cpu() - before
            });
        });
    }
    group.finish();
}

criterion_group!(benches, delivery);
criterion_main!(benches);
