//! Query and Scan.

use serde_json::{Value, json};

use crate::support::*;

fn query(table: &str, condition: &str, values: Value) -> (&'static str, Value) {
    (
        "Query",
        json!({
            "TableName": table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": {"#at": "at"},
            "ExpressionAttributeValues": values,
        }),
    )
}

#[test]
fn queries_find_and_page_alike() {
    let pair = furnished();
    let number = |n: &str| json!({":d": {"S": "a"}, ":t": {"N": n}});
    let mut cases: Vec<(&str, Value)> = ["=", "<", "<=", ">", ">="]
        .iter()
        .map(|operator| {
            query(
                "series",
                &format!("device = :d AND #at {operator} :t"),
                number("2.5"),
            )
        })
        .collect();
    cases.extend([
        query("series", "device = :d AND #at BETWEEN :t AND :u", json!({":d": {"S": "a"}, ":t": {"N": "-5"}, ":u": {"N": "10"}})),
        query("series", "#at > :t AND device = :d", number("0")),
        query("names", "device = :d AND begins_with(#at, :t)", json!({":d": {"S": "a"}, ":t": {"S": "al"}})),
        query("names", "device = :d AND #at > :t", json!({":d": {"S": "a"}, ":t": {"S": "alpha"}})),
        ("Query", json!({"TableName": "series", "KeyConditionExpression": "device = :d", "ExpressionAttributeValues": {":d": {"S": "a"}}, "Limit": 2})),
        ("Query", json!({"TableName": "series", "KeyConditionExpression": "device = :d", "ExpressionAttributeValues": {":d": {"S": "a"}}, "Limit": 2, "ExclusiveStartKey": {"device": {"S": "a"}, "at": {"N": "0"}}})),
        ("Query", json!({"TableName": "series", "KeyConditionExpression": "device = :d", "ExpressionAttributeValues": {":d": {"S": "a"}}, "ScanIndexForward": false, "Limit": 3, "ReturnConsumedCapacity": "TOTAL"})),
        ("Query", json!({"TableName": "series", "KeyConditionExpression": "device = :d", "ExpressionAttributeValues": {":d": {"S": "a"}}, "Select": "COUNT"})),
        ("Query", json!({"TableName": "series", "KeyConditionExpression": "device = :d", "ExpressionAttributeValues": {":d": {"S": "nobody"}}})),
        ("Scan", json!({"TableName": "readings"})),
        ("Scan", json!({"TableName": "series", "Select": "COUNT", "ReturnConsumedCapacity": "TOTAL"})),
    ]);
    agree_on_all(&pair, &cases);
}

#[test]
fn wrong_queries_are_refused_alike() {
    let pair = furnished();
    let device = json!({":d": {"S": "a"}});
    agree_on_all(
        &pair,
        &[
            ("Query", json!({"TableName": "series"})),
            (
                "Query",
                json!({"TableName": "series", "KeyConditionExpression": "device > :d", "ExpressionAttributeValues": device}),
            ),
            (
                "Query",
                json!({"TableName": "series", "KeyConditionExpression": "elsewhere = :d", "ExpressionAttributeValues": device}),
            ),
            (
                "Query",
                json!({"TableName": "series", "KeyConditionExpression": "device = :d AND", "ExpressionAttributeValues": device}),
            ),
            (
                "Query",
                json!({"TableName": "series", "KeyConditionExpression": "", "ExpressionAttributeValues": device}),
            ),
            (
                "Query",
                json!({"TableName": "series", "KeyConditionExpression": "device = :d", "ExpressionAttributeValues": {":d": {"S": "a"}, ":unused": {"S": "b"}}}),
            ),
            (
                "Query",
                json!({"TableName": "series", "KeyConditionExpression": "device = :d", "ExpressionAttributeValues": {":d": {"N": "1"}}}),
            ),
            (
                "Query",
                json!({"TableName": "series", "KeyConditionExpression": "device = :d", "ExpressionAttributeValues": device, "Limit": 0}),
            ),
            (
                "Query",
                json!({"TableName": "nowhere", "KeyConditionExpression": "device = :d", "ExpressionAttributeValues": device}),
            ),
            ("Scan", json!({"TableName": "nowhere"})),
            ("Scan", json!({"TableName": "readings", "Limit": 0})),
            ("Scan", json!({"TableName": "readings", "Segment": 0})),
        ],
    );
}

#[test]
fn wrong_values_in_queries_are_refused_alike() {
    let pair = furnished();
    let values = [
        json!({"N": "abc"}),
        json!({"N": ""}),
        json!({"N": "1e200"}),
        json!({"SS": []}),
        json!({"NS": []}),
        json!({"BS": []}),
        json!({"SS": ["a", "a"]}),
        json!({"NS": ["1", "1.0"]}),
        json!({"NULL": true}),
        json!({"NULL": false}),
        json!({"BOOL": true}),
        json!({"L": []}),
        json!({"M": {}}),
        json!({"S": "a", "N": "1"}),
        json!({"X": "a"}),
        json!({"B": "YQ=="}),
    ];
    let mut cases = Vec::new();
    for value in values {
        cases.push(query(
            "names",
            "device = :d AND #at > :t",
            json!({":d": {"S": "a"}, ":t": value}),
        ));
        cases.push(query(
            "names",
            "device = :d AND begins_with(#at, :t)",
            json!({":d": {"S": "a"}, ":t": value}),
        ));
        cases.push(query(
            "names",
            "device = :d AND #at = :t",
            json!({":d": value, ":t": {"S": "z"}}),
        ));
        let mut restarted = query(
            "names",
            "device = :d AND #at > :t",
            json!({":d": {"S": "a"}, ":t": {"S": "a"}}),
        );
        restarted.1["ExclusiveStartKey"] = json!({"device": {"S": "a"}, "at": value});
        cases.push(restarted);
        cases.push((
            "Scan",
            json!({"TableName": "names", "ExclusiveStartKey": {"device": {"S": "a"}, "at": value}}),
        ));
        cases.push((
            "GetItem",
            json!({"TableName": "names", "Key": {"device": {"S": "a"}, "at": value}}),
        ));
    }
    agree_on_all(&pair, &cases);
}
