//! What the embedded DynamoDB costs: a BatchWriteItem of 25 items in the seed
//! layout, from the body's bytes to the answer's, with and without a stream.
//! The bar is 60 us of server CPU for the call with a stream.
//!
//! Reports CPU time, not wall time: this thread's for the calls, and that of
//! the thread which moves change records, until all of them have arrived.
#![allow(clippy::unwrap_used, missing_docs)]

use std::cell::Cell;
use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hrload::clock::Clock;
use hrload::local::capture::{Capture, ChangeDelay};
use hrload::local::dynamodb::{Call, Database};
use hrload::local::faults::{FaultDice, Faults};
use hrload::local::kinesis::Streams;

const RETAIN_BYTES: u64 = 256 << 20;
const STREAM: &str = "arn:aws:kinesis:eu-west-1:000000000000:stream/changes";

/// The clock of the records, so that what is captured is soon delivered.
struct Local {
    database: Database,
    capture: Arc<Capture>,
    clock: Clock,
    next: Cell<u64>,
}

impl Local {
    fn new(streaming: bool) -> Self {
        let (region, account) = ("eu-west-1".to_owned(), "000000000000".to_owned());
        let clock = Clock::start();
        let dice = Arc::new(FaultDice::new(&Faults::default(), 1));
        let streams = Arc::new(Streams::new(region.clone(), account.clone(), RETAIN_BYTES));
        streams
            .call(
                "CreateStream",
                br#"{"StreamName":"changes","ShardCount":4}"#,
                0,
            )
            .unwrap();
        let capture = Arc::new(Capture::start(
            Arc::clone(&streams),
            region.clone(),
            "150ms".parse::<ChangeDelay>().unwrap(),
            Arc::clone(&dice),
            1,
            clock,
        ));
        let moving = Arc::clone(&capture);
        let database = Database::new(region, account, RETAIN_BYTES, streams, moving, dice);
        let local = Self {
            database,
            capture,
            clock,
            next: Cell::new(0),
        };
        let table = r#"{"TableName":"heartrate-ddb-dev","BillingMode":"PAY_PER_REQUEST",
            "KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],
            "AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}]}"#;
        local.call("CreateTable", table.as_bytes(), 1);
        if streaming {
            let enable = format!(r#"{{"TableName":"heartrate-ddb-dev","StreamArn":"{STREAM}"}}"#);
            local.call(
                "EnableKinesisStreamingDestination",
                enable.as_bytes(),
                1_000_000,
            );
        }
        local
    }

    fn call(&self, operation: &str, body: &[u8], now_us: u64) -> usize {
        let mut answer = Vec::with_capacity(256);
        let call = Call {
            now_us,
            throttle: false,
        };
        self.database
            .call(operation, body, call, &mut answer)
            .unwrap();
        answer.len()
    }

    /// A body with 25 readings that were never sent before.
    fn body(&self) -> Vec<u8> {
        let first = self.next.get();
        self.next.set(first + 25);
        let mut body = String::from(r#"{"RequestItems":{"heartrate-ddb-dev":["#);
        for n in first..first + 25 {
            if n > first {
                body.push(',');
            }
            write!(
                body,
                r#"{{"PutRequest":{{"Item":{{"id":{{"S":"1700000000.{:06}-{:05}-{}"}},"HeartRate":{{"S":"{}"}},"SensorID":{{"S":"{}"}},"ReportTime":{{"S":"11/14/2023 22:13:20"}}}}}}}}"#,
                n % 1_000_000, n % 10_000, n / 10_000, 60 + n % 80, n % 10_000
            )
            .unwrap();
        }
        body.push_str(r#"]},"ReturnConsumedCapacity":"TOTAL"}"#);
        body.into_bytes()
    }
}

/// CPU time of the calling thread.
fn thread_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// CPU time of so many calls, and of moving their changes to the stream.
fn cpu_of_calls(local: &Local, calls: u64) -> Duration {
    let moved_us = local.capture.cpu_us();
    let mut cpu = Duration::ZERO;
    for _ in 0..calls {
        let body = local.body();
        let before = thread_cpu();
        local.call("BatchWriteItem", black_box(&body), local.clock.now_us());
        cpu += thread_cpu() - before;
    }
    while local.capture.pending() > 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    cpu + Duration::from_micros(local.capture.cpu_us() - moved_us)
}

fn batch_write(c: &mut Criterion) {
    let mut group = c.benchmark_group("batch_write_item_25");
    group.throughput(Throughput::Elements(25));
    for (name, streaming) in [("no_stream", false), ("stream", true)] {
        let local = Local::new(streaming);
        group.bench_function(name, |b| b.iter_custom(|calls| cpu_of_calls(&local, calls)));
    }
    group.finish();
}

criterion_group!(benches, batch_write);
criterion_main!(benches);
