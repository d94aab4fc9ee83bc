//! Single items: put, read, deleted and refused.

use serde_json::{Value, json};

use crate::support::*;

fn put(item: Value) -> (&'static str, Value) {
    ("PutItem", json!({"TableName": "readings", "Item": item}))
}

#[test]
fn items_are_put_read_and_deleted_alike() {
    let pair = furnished();
    let key = json!({"id": {"S": "1"}});
    agree_on_all(
        &pair,
        &[
            ("GetItem", json!({"TableName": "readings", "Key": key})),
            (
                "GetItem",
                json!({"TableName": "readings", "Key": key, "ConsistentRead": true, "ReturnConsumedCapacity": "TOTAL"}),
            ),
            (
                "GetItem",
                json!({"TableName": "readings", "Key": {"id": {"S": "none"}}, "ReturnConsumedCapacity": "INDEXES"}),
            ),
            (
                "PutItem",
                json!({"TableName": "readings", "Item": {"id": {"S": "1"}, "HeartRate": {"S": "80"}}, "ReturnValues": "ALL_OLD", "ReturnConsumedCapacity": "TOTAL"}),
            ),
            (
                "DeleteItem",
                json!({"TableName": "readings", "Key": key, "ReturnValues": "ALL_OLD", "ReturnConsumedCapacity": "TOTAL"}),
            ),
            (
                "DeleteItem",
                json!({"TableName": "readings", "Key": key, "ReturnConsumedCapacity": "INDEXES"}),
            ),
            ("GetItem", json!({"TableName": "readings", "Key": key})),
        ],
    );
}

#[test]
fn numbers_are_normalised_alike() {
    let pair = furnished();
    for number in [
        "1",
        "1.0",
        "007",
        "-0",
        "+5",
        "1e3",
        "1E-3",
        "12.3400",
        "0.00001",
        "1e125",
        "1e-130",
        "99999999999999999999999999999999999999",
        "-1.50e2",
        "123456789.987654321",
        ".5",
        "5.",
    ] {
        agree(
            &pair,
            "PutItem",
            &json!({"TableName": "readings", "Item": {"id": {"S": "n"}, "v": {"N": number}}}),
        );
        agree(
            &pair,
            "GetItem",
            &json!({"TableName": "readings", "Key": {"id": {"S": "n"}}}),
        );
    }
    let wrong: Vec<_> = [
        "",
        " ",
        "abc",
        "1e126",
        "1e-131",
        "0x10",
        "1,000",
        "NaN",
        "Infinity",
        "--1",
        "1e",
        "100000000000000000000000000000000000001",
    ]
    .iter()
    .map(|number| put(json!({"id": {"S": "n"}, "v": {"N": number}})))
    .collect();
    agree_on_all(&pair, &wrong);
}

#[test]
fn wrong_items_are_refused_alike() {
    let pair = furnished();
    agree_on_all(
        &pair,
        &[
            put(json!({})),
            put(json!({"HeartRate": {"S": "72"}})),
            put(json!({"id": {"N": "1"}})),
            put(json!({"id": {"S": ""}})),
            put(json!({"id": {"S": "x".repeat(2049)}})),
            put(json!({"id": {"S": "x"}, "v": {"SS": []}})),
            put(json!({"id": {"S": "x"}, "v": {"SS": ["a", "a"]}})),
            put(json!({"id": {"S": "x"}, "v": {"NS": ["1", "1.0"]}})),
            put(json!({"id": {"S": "x"}, "v": {"NULL": false}})),
            put(json!({"id": {"S": "x"}, "v": {}})),
            put(json!({"id": {"S": "x"}, "v": {"S": "a", "N": "1"}})),
            put(json!({"id": {"S": "x"}, "v": {"S": "y".repeat(400 * 1024)}})),
            (
                "PutItem",
                json!({"TableName": "nowhere", "Item": {"id": {"S": "1"}}}),
            ),
            (
                "PutItem",
                json!({"TableName": "no", "Item": {"id": {"S": "1"}}}),
            ),
            (
                "PutItem",
                json!({"TableName": "bad name!", "Item": {"id": {"S": "1"}}}),
            ),
            ("PutItem", json!({"Item": {"id": {"S": "1"}}})),
            ("PutItem", json!({"TableName": "readings"})),
            (
                "PutItem",
                json!({"TableName": "readings", "Item": {"id": {"S": "1"}}, "ReturnValues": "UPDATED_NEW"}),
            ),
            (
                "PutItem",
                json!({"TableName": "readings", "Item": {"id": {"S": "1"}}, "ReturnConsumedCapacity": "SOME"}),
            ),
            ("GetItem", json!({"TableName": "readings", "Key": {}})),
            (
                "GetItem",
                json!({"TableName": "readings", "Key": {"id": {"S": "1"}, "x": {"S": "1"}}}),
            ),
            (
                "GetItem",
                json!({"TableName": "series", "Key": {"device": {"S": "a"}}}),
            ),
            (
                "GetItem",
                json!({"TableName": "series", "Key": {"device": {"S": "a"}, "at": {"S": "1"}}}),
            ),
            (
                "DeleteItem",
                json!({"TableName": "nowhere", "Key": {"id": {"S": "1"}}}),
            ),
            ("DescribeTable", json!({"TableName": "nowhere"})),
            ("DeleteTable", json!({"TableName": "nowhere"})),
            ("CreateTable", hash_table("readings")),
            ("CreateTable", hash_table("no")),
            (
                "CreateTable",
                json!({"TableName": "keyless", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]}),
            ),
            (
                "CreateTable",
                json!({"TableName": "other", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{"AttributeName": "x", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}),
            ),
        ],
    );
}

#[test]
fn sizes_and_units_are_counted_alike() {
    let pair = furnished();
    let mut cases = Vec::new();
    // `id` and `v` are 3 bytes of names and 1 of key: units change at 1 KB,
    // reads at 4 KB, and 400 KB is the most.
    for edge in [1024, 2048, 4096, 8192, 400 * 1024] {
        for size in [edge - 1, edge, edge + 1] {
            let item = json!({"id": {"S": "s"}, "v": {"S": "x".repeat(size - 4)}});
            cases.push((
                "PutItem",
                json!({"TableName": "readings", "Item": item, "ReturnConsumedCapacity": "TOTAL"}),
            ));
            let batch = json!({"readings": [{"PutRequest": {"Item": item}}]});
            cases.push((
                "BatchWriteItem",
                json!({"RequestItems": batch, "ReturnConsumedCapacity": "TOTAL"}),
            ));
            for consistent in [false, true] {
                cases.push(("GetItem", json!({"TableName": "readings", "Key": {"id": {"S": "s"}}, "ConsistentRead": consistent, "ReturnConsumedCapacity": "TOTAL"})));
            }
        }
    }
    agree_on_all(&pair, &cases);
}
