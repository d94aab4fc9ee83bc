//! Memory of tables: taken by items, and given back when their table is deleted.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http2::{call, memory};
use super::support::local::Local;

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
