//! Tables named by ARN, wherever a table is named.

use serde_json::{Value, json};

use crate::direct::Direct;

const ARN: &str = "arn:aws:dynamodb:eu-west-1:000000000000:table/t.t";

/// ARNs of tables that are not of this account and region.
const ELSEWHERE: [&str; 3] = [
    "arn:aws:dynamodb:us-east-1:000000000000:table/t.t",
    "arn:aws:dynamodb:eu-west-1:123456789012:table/t.t",
    "arn:aws-cn:dynamodb:eu-west-1:000000000000:table/t.t",
];

/// What no table can be called.
const MALFORMED: [&str; 4] = [
    "arn:aws:dynamodb:eu-west-1:000000000000:table/t.t/stream/x",
    "arn:aws:kinesis:eu-west-1:000000000000:table/t.t",
    "arn:aws:dynamodb:eu-west-1:table/t.t",
    "x:table/t.t",
];

/// A request of each operation on a table, and the answer's place for its name.
fn requests(table: &str) -> Vec<(&'static str, Value, Option<&'static str>)> {
    let stream = "arn:aws:kinesis:eu-west-1:000000000000:stream/none-such";
    let mut requests = vec![
        ("DescribeTable", json!({}), None),
        (
            "PutItem",
            json!({"Item": {"id": {"S": "a"}}}),
            Some("/ConsumedCapacity/TableName"),
        ),
        (
            "GetItem",
            json!({"Key": {"id": {"S": "a"}}}),
            Some("/ConsumedCapacity/TableName"),
        ),
        (
            "Query",
            json!({"KeyConditionExpression": "id = :i",
                   "ExpressionAttributeValues": {":i": {"S": "a"}}}),
            Some("/ConsumedCapacity/TableName"),
        ),
        ("Scan", json!({}), Some("/ConsumedCapacity/TableName")),
        (
            "DeleteItem",
            json!({"Key": {"id": {"S": "a"}}}),
            Some("/ConsumedCapacity/TableName"),
        ),
        ("DescribeKinesisStreamingDestination", json!({}), None),
        (
            "EnableKinesisStreamingDestination",
            json!({"StreamArn": stream}),
            None,
        ),
        (
            "DisableKinesisStreamingDestination",
            json!({"StreamArn": stream}),
            None,
        ),
        (
            "UpdateKinesisStreamingDestination",
            json!({"StreamArn": stream, "UpdateKinesisStreamingConfiguration":
                   {"ApproximateCreationDateTimePrecision": "MILLISECOND"}}),
            None,
        ),
        (
            "UpdateTable",
            json!({"DeletionProtectionEnabled": false}),
            None,
        ),
        ("DeleteTable", json!({}), None),
    ];
    for (_, body, place) in &mut requests {
        body["TableName"] = json!(table);
        if place.is_some() {
            body["ReturnConsumedCapacity"] = json!("TOTAL");
        }
    }
    requests
}

#[test]
fn an_arn_stands_for_the_name_in_every_operation() {
    // Beside the name every answer is the one that the name gets.
    let (by_name, by_arn) = (Direct::with_tables(), Direct::with_tables());
    for ((operation, named, _), (_, arned, place)) in requests("t.t").into_iter().zip(requests(ARN))
    {
        let name = by_name.call(operation, &named.to_string());
        let arn = by_arn.call(operation, &arned.to_string());
        match (name, arn) {
            (Ok(mut name), Ok(mut arn)) => {
                if let Some(place) = place {
                    assert_eq!(arn.pointer(place).unwrap(), ARN, "{operation}: {arn}");
                    *arn.pointer_mut(place).unwrap() = json!("t.t");
                }
                for table in ["/Table", "/TableDescription"] {
                    for answer in [&mut name, &mut arn] {
                        if let Some(table) = answer.pointer_mut(table) {
                            table["TableId"].take();
                        }
                    }
                }
                assert_eq!(name, arn, "{operation}");
            }
            (Err(name), Err(arn)) => {
                let same = arn.message.replace(ARN, "t.t") == name.message;
                assert!(same, "{operation}: {name:?} {arn:?}");
            }
            (name, arn) => panic!("{operation}: {name:?} {arn:?}"),
        }
    }
}

#[test]
fn a_table_of_another_account_or_region_is_not_found_here() {
    let direct = Direct::with_tables();
    for arn in ELSEWHERE {
        for (operation, body, _) in requests(arn) {
            let (exception, message) = direct.refused(operation, &body.to_string());
            let told = format!("{operation} {arn}: {message}");
            assert_eq!(exception, "ResourceNotFoundException", "{told}");
        }
        for (operation, items) in [
            ("BatchGetItem", json!({"Keys": [{"id": {"S": "a"}}]})),
            (
                "BatchWriteItem",
                json!([{"DeleteRequest": {"Key": {"id": {"S": "a"}}}}]),
            ),
        ] {
            let body = json!({"RequestItems": {arn: items}});
            let (exception, _) = direct.refused(operation, &body.to_string());
            assert_eq!(exception, "ResourceNotFoundException", "{operation} {arn}");
        }
    }
    assert_eq!(
        direct.ok("DescribeTable", json!({"TableName": "t.t"}))["Table"]["TableStatus"],
        "ACTIVE"
    );
}

#[test]
fn what_is_no_arn_of_a_table_names_none() {
    let direct = Direct::with_tables();
    for text in MALFORMED {
        for (operation, body, _) in requests(text) {
            let (exception, message) = direct.refused(operation, &body.to_string());
            let told = format!("{operation} {text}: {message}");
            assert_eq!(exception, "ValidationException", "{told}");
        }
        let tag = json!({"ResourceArn": text, "TagKeys": ["a"]}).to_string();
        assert_eq!(
            direct.refused("UntagResource", &tag).0,
            "ValidationException"
        );
    }
}

#[test]
fn a_table_can_be_made_by_its_arn() {
    let mut direct = Direct::new();
    direct.create(ARN, &[("id", "S")]);
    direct.now_us += 1_000_000;
    let described = direct.ok("DescribeTable", json!({"TableName": "t.t"}));
    assert_eq!(described["Table"]["TableName"], "t.t");
    assert_eq!(described["Table"]["TableArn"], ARN);
    let elsewhere = json!({"TableName": ELSEWHERE[0], "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]});
    let refused = direct.refused("CreateTable", &elsewhere.to_string());
    assert_eq!(refused.0, "ValidationException");
}

#[test]
fn batches_take_arns_and_answer_with_what_they_were_given() {
    let direct = Direct::with_tables();
    let put = |table: &str, id: &str| {
        json!({"RequestItems": {table: [{"PutRequest": {"Item": {"id": {"S": id}}}}]},
               "ReturnConsumedCapacity": "TOTAL"})
    };
    for (table, id) in [(ARN, "a"), ("t.t", "b")] {
        let answer = direct.ok("BatchWriteItem", put(table, id));
        assert_eq!(answer["ConsumedCapacity"][0]["TableName"], table);
    }
    for table in [ARN, "t.t"] {
        let keys = json!({"Keys": [{"id": {"S": "a"}}, {"id": {"S": "b"}}]});
        let body = json!({"RequestItems": {table: keys}, "ReturnConsumedCapacity": "TOTAL"});
        let answer = direct.ok("BatchGetItem", body);
        assert_eq!(answer["Responses"][table].as_array().unwrap().len(), 2);
        assert_eq!(answer["ConsumedCapacity"][0]["TableName"], table);
    }
}

#[test]
fn a_batch_that_names_a_table_by_name_and_by_arn_is_refused_whole() {
    let direct = Direct::with_tables();
    let put = |id: &str| json!([{"PutRequest": {"Item": {"id": {"S": id}}}}]);
    let key = |id: &str| json!({"Keys": [{"id": {"S": id}}]});
    for (operation, body) in [
        (
            "BatchWriteItem",
            json!({"RequestItems": {"t.t": put("a"), "s.s": [], ARN: put("b")}}),
        ),
        (
            "BatchWriteItem",
            json!({"RequestItems": {"t.t": put("a"), ARN: put("b")}}),
        ),
        (
            "BatchGetItem",
            json!({"RequestItems": {"t.t": key("a"), ARN: key("b")}}),
        ),
    ] {
        let (exception, message) = direct.refused(operation, &body.to_string());
        assert_eq!(exception, "ValidationException", "{message}");
    }
    let twice = json!({"RequestItems": {"t.t": put("a"), ARN: put("b")}}).to_string();
    let message = direct.refused("BatchWriteItem", &twice).1;
    assert_eq!(message, "Provided list of table names contains duplicates");
    let count = direct.ok("Scan", json!({"TableName": "t.t", "Select": "COUNT"}));
    assert_eq!(count["Count"], 0);
    // One name twice in the JSON is one member, the last.
    let last = format!(
        r#"{{"RequestItems":{{"t.t":{},"t.t":{}}}}}"#,
        put("a"),
        put("b")
    );
    direct.call("BatchWriteItem", &last).unwrap();
    let all = direct.ok("Scan", json!({"TableName": "t.t"}));
    assert_eq!(all["Items"], json!([{"id": {"S": "b"}}]));
    let last = format!(
        r#"{{"RequestItems":{{"t.t":{},"t.t":{}}}}}"#,
        key("b"),
        key("a")
    );
    let read = direct.call("BatchGetItem", &last).unwrap();
    assert_eq!(read["Responses"], json!({"t.t": []}));
}
