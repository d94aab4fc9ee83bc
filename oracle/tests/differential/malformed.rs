//! Bodies that are not what the operation expects.

use serde_json::{Value, json};

use crate::accepted::{KINDS, accepted};
use crate::support::*;

#[test]
fn malformed_bodies_and_unknown_calls_are_refused_alike() {
    let pair = furnished();
    let cases = [
        ("PutItem", "{"),
        ("PutItem", ""),
        ("PutItem", "{} {}"),
        ("PutItem", r#"{"TableName": "readings",}"#),
        ("PutItem", r#"{"TableName": "readings" "Item": {}}"#),
        ("PutItem", r#"{"TableName": "\ud800"}"#),
        (
            "PutItem",
            r#"{"TableName": "readings", "Item": {"id": {"S": "1"}, "v": {"BOOL": "maybe"}}}"#,
        ),
        ("NoSuchCall", "{}"),
    ];
    let differences: Vec<String> = cases
        .iter()
        .filter_map(|(operation, body)| difference_raw(&pair, operation, body))
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Well-formed requests, whose members are then spoilt one by one.
fn sound_requests() -> Vec<(&'static str, Value)> {
    let item = json!({
        "id": {"S": "1"}, "b": {"B": "aGVhcnQ="}, "f": {"BOOL": true}, "l": {"L": [{"N": "1"}]},
        "m": {"M": {"x": {"NULL": true}}}, "n": {"N": "72"}, "s": {"SS": ["a", "b"]},
    });
    vec![
        (
            "PutItem",
            json!({"TableName": "readings", "Item": item, "ReturnValues": "NONE", "ReturnConsumedCapacity": "TOTAL"}),
        ),
        (
            "GetItem",
            json!({"TableName": "readings", "Key": {"id": {"S": "1"}}, "ConsistentRead": true}),
        ),
        (
            "DeleteItem",
            json!({"TableName": "series", "Key": {"device": {"S": "a"}, "at": {"N": "7"}}}),
        ),
        (
            "BatchWriteItem",
            json!({"RequestItems": {
                "readings": [{"PutRequest": {"Item": {"id": {"S": "2"}, "n": {"N": "1"}}}}],
                "series": [{"DeleteRequest": {"Key": {"device": {"S": "a"}, "at": {"N": "7"}}}}],
            }}),
        ),
        (
            "BatchGetItem",
            json!({"RequestItems": {"readings": {"Keys": [{"id": {"S": "1"}}], "ConsistentRead": false}}}),
        ),
        (
            "Query",
            json!({
                "TableName": "series",
                "KeyConditionExpression": "device = :d AND #at > :t",
                "ExpressionAttributeNames": {"#at": "at"},
                "ExpressionAttributeValues": {":d": {"S": "a"}, ":t": {"N": "0"}},
                "ExclusiveStartKey": {"device": {"S": "a"}, "at": {"N": "1"}},
                "Limit": 2, "ScanIndexForward": true, "Select": "ALL_ATTRIBUTES",
            }),
        ),
        (
            "Scan",
            json!({"TableName": "readings", "Limit": 100, "Segment": 0, "TotalSegments": 1, "Select": "COUNT"}),
        ),
        (
            "ListTables",
            json!({"Limit": 2, "ExclusiveStartTableName": "names"}),
        ),
        (
            "CreateTable",
            json!({
                "TableName": "readings", "BillingMode": "PROVISIONED",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "at", "AttributeType": "N"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
                "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
                "Tags": [{"Key": "a", "Value": "b"}],
            }),
        ),
        (
            "UpdateTable",
            json!({
                "TableName": "nowhere", "BillingMode": "PROVISIONED",
                "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
            }),
        ),
        ("DescribeTable", json!({"TableName": "readings"})),
    ]
}

/// Every place in a request below the top.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut visit = |step: &str, inner: &Value| {
        let step = step.replace('~', "~0").replace('/', "~1");
        let path = format!("{at}/{step}");
        found.push(path.clone());
        places(inner, &path, found);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, inner)| visit(name, inner)),
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .for_each(|(at, inner)| visit(&at.to_string(), inner)),
        _ => {}
    }
}

#[test]
fn requests_with_one_member_spoilt_are_answered_alike() {
    let pair = furnished();
    let spoilt = [
        json!(null),
        json!(5),
        json!(1.5),
        json!(true),
        json!("text"),
        json!(""),
        json!([]),
        json!({}),
    ];
    let mut differences = Vec::new();
    let mut seen = [false; KINDS.len()];
    for (operation, sound) in sound_requests() {
        let mut found = Vec::new();
        places(&sound, "", &mut found);
        for place in found {
            for value in &spoilt {
                let mut request = sound.clone();
                *request.pointer_mut(&place).unwrap() = value.clone();
                let body = request.to_string();
                let (ours, theirs) = pair.call_raw(operation, &body);
                if ours == theirs {
                    continue;
                }
                match accepted(&place, &ours, &theirs) {
                    Some(kind) => seen[kind] = true,
                    None => differences.push(format!(
                        "{place} = {value}: {}",
                        shown(&body, &ours, &theirs)
                    )),
                }
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
    for (kind, seen) in KINDS.iter().zip(seen) {
        assert!(seen, "accepted, but no longer met: {}", kind.reason);
    }
}
