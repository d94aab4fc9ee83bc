//! Memory of tables and streams: taken by what is in them, and given back when they are
//! deleted.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http2::{call, memory};
use crate::support::local::Local;

const ITEMS: usize = 200;
const ITEM_BYTES: usize = 350_000;
/// MiB of all items.
const FILLED: u64 = (ITEMS * ITEM_BYTES) as u64 / (1 << 20);

fn dynamodb(local: &Local, operation: &str, body: &Value) -> Value {
    call(local, &format!("DynamoDB_20120810.{operation}"), body)
}

/// Waits until the table is described with this status; `gone` when it is no more.
fn until_described(local: &Local, status: &str) {
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        let described = dynamodb(local, "DescribeTable", &json!({"TableName": "items"}));
        let now = described["Table"]["TableStatus"].as_str();
        if now.unwrap_or("gone") == status {
            return;
        }
        assert!(Instant::now() < patience, "{described}");
        std::thread::yield_now();
    }
}

#[test]
fn a_deleted_tables_memory_is_given_back() {
    let local = Local::start("--capacity unlimited");
    let table = json!({"TableName": "items"});
    let create = json!({"TableName": "items", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]});
    let value = "x".repeat(ITEM_BYTES - 100);
    let before = memory(&local);
    // Again: memory that was given back once is not kept the next time.
    for round in 0..3 {
        let created = dynamodb(&local, "CreateTable", &create);
        assert!(created["TableDescription"].is_object(), "{created}");
        until_described(&local, "ACTIVE");
        for item in 0..ITEMS {
            let item = json!({"id": {"S": item.to_string()}, "v": {"S": value}});
            let put = dynamodb(
                &local,
                "PutItem",
                &json!({"TableName": "items", "Item": item}),
            );
            assert_eq!(put, json!({}));
        }
        let filled = memory(&local).saturating_sub(before);
        assert!(
            filled >= FILLED,
            "round {round}: {filled} MiB for {FILLED} of items"
        );
        dynamodb(&local, "DeleteTable", &table);
        let kept = memory(&local).saturating_sub(before);
        assert!(
            kept < FILLED / 3,
            "round {round}: {kept} of {filled} MiB are kept"
        );
        until_described(&local, "gone");
    }
}

#[test]
fn a_deleted_streams_memory_is_given_back() {
    let local = Local::start("--capacity unlimited");
    let kinesis = |operation: &str, body: &Value| {
        call(&local, &format!("Kinesis_20131202.{operation}"), body)
    };
    let data = base64_simd::STANDARD.encode_to_string(vec![7; 100_000]);
    let records = vec![json!({"PartitionKey": "k", "Data": data}); 10];
    let put = json!({"StreamName": "s", "Records": records});
    let create = json!({"StreamName": "s", "ShardCount": 1});
    // MiB of the records of all calls.
    let full = 80 * 10 * 100_000 / (1 << 20);
    let before = memory(&local);
    for round in 0..3 {
        assert_eq!(kinesis("CreateStream", &create), Value::Null);
        for call in 0..80 {
            let patience = Instant::now() + Duration::from_secs(20);
            // Until the stream is ACTIVE.
            while kinesis("PutRecords", &put)["FailedRecordCount"] != 0 {
                assert!(Instant::now() < patience, "call {call} of round {round}");
            }
        }
        let filled = memory(&local).saturating_sub(before);
        assert!(filled >= full, "round {round}: {filled} MiB for {full}");
        assert_eq!(
            kinesis("DeleteStream", &json!({"StreamName": "s"})),
            Value::Null
        );
        let patience = Instant::now() + Duration::from_secs(20);
        // Any call will do: none names the stream.
        let limits = || kinesis("DescribeLimits", &json!({}))["OpenShardCount"].clone();
        loop {
            let kept = memory(&local).saturating_sub(before);
            if kept < full / 3 && limits() == 0 {
                break;
            }
            assert!(
                Instant::now() < patience,
                "round {round}: {kept} of {filled} MiB are kept"
            );
            limits();
        }
    }
}
