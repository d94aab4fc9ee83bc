//! An account of the embedded Kinesis with a clock that is told the time.

use std::cell::Cell;
use std::sync::Arc;

use hrload_local::kinesis::{Answer, Streams};
use hrload_local::{Failure, Limits};
use serde_json::{Value, json};

pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const ACCOUNT: &str = "123456789012";
/// 2024-07-15T02:39:25.891550Z.
pub(crate) const START_US: u64 = 1_721_011_165_891_550;
/// More than any transition takes.
pub(crate) const SETTLE_US: u64 = 100_000;

pub(crate) struct Account {
    pub(crate) streams: Arc<Streams>,
    pub(crate) now_us: Cell<u64>,
}

impl Account {
    pub(crate) fn new() -> Self {
        Self::retaining(1 << 30)
    }

    pub(crate) fn retaining(bytes: u64) -> Self {
        Self::of(Streams::new(REGION.into(), ACCOUNT.into(), bytes))
    }

    /// An account that AWS's limits bind.
    pub(crate) fn limited(time_scale: u32) -> Self {
        let limits = Limits {
            time_scale,
            ..Limits::default()
        };
        let streams = Streams::new(REGION.into(), ACCOUNT.into(), 1 << 30);
        Self::of(streams.with_limits(Some(Arc::new(limits))))
    }

    fn of(streams: Streams) -> Self {
        Self {
            streams: Arc::new(streams),
            now_us: Cell::new(START_US),
        }
    }

    /// An account with one active stream.
    pub(crate) fn with_stream(name: &str, shards: u32) -> Self {
        let account = Self::new();
        account.create(name, shards);
        account
    }

    pub(crate) fn create(&self, name: &str, shards: u32) {
        self.ok(
            "CreateStream",
            json!({"StreamName": name, "ShardCount": shards}),
        );
        self.pass(SETTLE_US);
    }

    pub(crate) fn pass(&self, us: u64) {
        self.now_us.set(self.now_us.get() + us);
    }

    pub(crate) fn call(&self, operation: &str, body: Value) -> Result<Value, Failure> {
        let body = body.to_string();
        match self
            .streams
            .call(operation, body.as_bytes(), self.now_us.get())?
        {
            Answer::Json(body) if body.is_empty() => Ok(Value::Null),
            Answer::Json(body) => Ok(serde_json::from_slice(&body).unwrap()),
            Answer::Events(_) => panic!("{operation} answered with events"),
        }
    }

    pub(crate) fn ok(&self, operation: &str, body: Value) -> Value {
        self.call(operation, body)
            .unwrap_or_else(|failure| panic!("{operation}: {failure:?}"))
    }

    /// Exception and message of a refusal.
    pub(crate) fn refused(&self, operation: &str, body: Value) -> (&'static str, String) {
        match self.call(operation, body) {
            Err(failure) => {
                assert_eq!(failure.status, 400);
                (failure.exception, failure.message)
            }
            Ok(answer) => panic!("{operation} answered {answer}"),
        }
    }

    /// Puts one record; gives its shard and sequence number.
    pub(crate) fn put(&self, stream: &str, key: &str, data: &[u8]) -> (String, String) {
        let answer = self.ok(
            "PutRecord",
            json!({"StreamName": stream, "PartitionKey": key, "Data": base64(data)}),
        );
        (text(&answer["ShardId"]), text(&answer["SequenceNumber"]))
    }

    pub(crate) fn iterator(&self, stream: &str, shard: &str, kind: &str) -> String {
        let answer = self.ok(
            "GetShardIterator",
            json!({"StreamName": stream, "ShardId": shard, "ShardIteratorType": kind}),
        );
        text(&answer["ShardIterator"])
    }

    pub(crate) fn records(&self, iterator: &str, limit: usize) -> Value {
        self.ok(
            "GetRecords",
            json!({"ShardIterator": iterator, "Limit": limit}),
        )
    }

    /// Data of everything in a shard from the trim horizon on.
    pub(crate) fn read_all(&self, stream: &str, shard: &str) -> Vec<Vec<u8>> {
        let mut iterator = Some(self.iterator(stream, shard, "TRIM_HORIZON"));
        let mut all = Vec::new();
        while let Some(at) = iterator {
            let page = self.records(&at, 10_000);
            let records = page["Records"].as_array().unwrap();
            all.extend(records.iter().map(data));
            iterator = page["NextShardIterator"].as_str().map(str::to_owned);
            if page["MillisBehindLatest"] == 0 {
                break;
            }
        }
        all
    }

    pub(crate) fn shards(&self, stream: &str) -> Vec<Value> {
        let answer = self.ok("ListShards", json!({"StreamName": stream}));
        answer["Shards"].as_array().unwrap().clone()
    }
}

pub(crate) fn arn(stream: &str) -> String {
    format!("arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{stream}")
}

pub(crate) fn base64(data: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(data)
}

/// A record's data.
pub(crate) fn data(record: &Value) -> Vec<u8> {
    base64_simd::STANDARD
        .decode_to_vec(record["Data"].as_str().unwrap())
        .unwrap()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
