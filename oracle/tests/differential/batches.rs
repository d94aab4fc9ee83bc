//! BatchWriteItem and BatchGetItem.

use serde_json::{Value, json};

use crate::support::*;

fn put_request(id: &str) -> Value {
    json!({"PutRequest": {"Item": {"id": {"S": id}, "HeartRate": {"S": "72"}}}})
}

#[test]
fn batches_are_taken_and_refused_alike() {
    let pair = furnished();
    let many =
        |count: usize| -> Value { (0..count).map(|i| put_request(&i.to_string())).collect() };
    agree_on_all(
        &pair,
        &[
            (
                "BatchWriteItem",
                json!({"RequestItems": {"readings": many(25)}, "ReturnConsumedCapacity": "TOTAL"}),
            ),
            (
                "BatchWriteItem",
                json!({"RequestItems": {"readings": many(1)}, "ReturnConsumedCapacity": "INDEXES"}),
            ),
            (
                "BatchWriteItem",
                json!({"RequestItems": {"readings": [put_request("a"), {"DeleteRequest": {"Key": {"id": {"S": "3"}}}}]}}),
            ),
            (
                "BatchGetItem",
                json!({"RequestItems": {"readings": {"Keys": [{"id": {"S": "1"}}]}}, "ReturnConsumedCapacity": "TOTAL"}),
            ),
            (
                "BatchGetItem",
                json!({"RequestItems": {"readings": {"Keys": [{"id": {"S": "missing"}}], "ConsistentRead": true}}}),
            ),
            (
                "BatchWriteItem",
                json!({"RequestItems": {"readings": many(26)}}),
            ),
            ("BatchWriteItem", json!({"RequestItems": {"readings": []}})),
            ("BatchWriteItem", json!({"RequestItems": {}})),
            (
                "BatchWriteItem",
                json!({"RequestItems": {"nowhere": many(1)}}),
            ),
            (
                "BatchWriteItem",
                json!({"RequestItems": {"readings": [put_request("a"), put_request("a")]}}),
            ),
            (
                "BatchWriteItem",
                json!({"RequestItems": {"readings": [put_request("a"), {"DeleteRequest": {"Key": {"id": {"S": "a"}}}}]}}),
            ),
            (
                "BatchWriteItem",
                json!({"RequestItems": {"readings": [{"PutRequest": {"Item": {"HeartRate": {"S": "72"}}}}]}}),
            ),
            (
                "BatchWriteItem",
                json!({"RequestItems": {"readings": [{"PutRequest": {"Item": {"id": {"N": "1"}}}}]}}),
            ),
            (
                "BatchWriteItem",
                json!({"RequestItems": {"readings": [{"PutRequest": {"Item": {"id": {"S": ""}}}}]}}),
            ),
            (
                "BatchWriteItem",
                json!({"RequestItems": {"readings": [{}]}}),
            ),
            (
                "BatchWriteItem",
                json!({"RequestItems": {"readings": [{"DeleteRequest": {"Key": {"id": {"S": "a"}, "x": {"S": "b"}}}}]}}),
            ),
            (
                "BatchGetItem",
                json!({"RequestItems": {"readings": {"Keys": []}}}),
            ),
            (
                "BatchGetItem",
                json!({"RequestItems": {"readings": {"Keys": [{"id": {"S": "1"}}, {"id": {"S": "1"}}]}}}),
            ),
            (
                "BatchGetItem",
                json!({"RequestItems": {"nowhere": {"Keys": [{"id": {"S": "1"}}]}}}),
            ),
        ],
    );
}
