//! Requests with as much of one thing as fits: limits come first, and what is read is
//! read in linear time. What is not would take these tests hours.

use std::fmt::Write;

use serde_json::json;

use crate::direct::Direct;

/// How many of a thing a request has: two megabytes of small ones.
const MANY: usize = 100_000;

/// `MANY` parts, with a comma between them.
fn many(part: impl Fn(usize) -> String) -> String {
    let mut all = String::new();
    for n in 0..MANY {
        let comma = if n > 0 { "," } else { "" };
        write!(all, "{comma}{}", part(n)).unwrap();
    }
    all
}

#[test]
fn every_list_and_map_of_a_request_can_be_long() {
    let direct = Direct::with_tables();
    let arn = "arn:aws:dynamodb:eu-west-1:000000000000:table/t.t";
    let keyed = r#""TableName":"t.t","KeyConditionExpression":"id = :i""#;
    let value = r#"":i":{"S":"a"}"#;
    // All the references that fit into an expression, so that each is looked up.
    let references: Vec<String> = (0..200).map(|n| format!("#n{n} = :v{n}")).collect();
    let references = references.join(" AND ");
    let table = r#""TableName":"new","BillingMode":"PAY_PER_REQUEST""#;
    let put = r#"{"PutRequest":{"Item":{"id":{"S":"a"}}}}"#;
    for (operation, body, expected) in [
        (
            "Query",
            format!(
                r##"{{{keyed},"ExpressionAttributeValues":{{{value}}},"ExpressionAttributeNames":{{{}}}}}"##,
                many(|n| format!(r##""#n{n}":"x""##))
            ),
            "unused in expressions: keys: {#n0, #n1, #n10, ",
        ),
        (
            "Query",
            format!(
                r#"{{{keyed},"ExpressionAttributeValues":{{{value},{}}}}}"#,
                many(|n| format!(r#"":v{n}":{{"S":"x"}}"#))
            ),
            "unused in expressions: keys: {:v0, :v1, :v10, ",
        ),
        (
            "Query",
            format!(
                r##"{{"TableName":"t.t","KeyConditionExpression":"{references}","ExpressionAttributeNames":{{{}}},"ExpressionAttributeValues":{{{}}}}}"##,
                many(|n| format!(r##""#n{n}":"x{n}""##)),
                many(|n| format!(r#"":v{n}":{{"S":"x"}}"#)),
            ),
            "The number of query conditions (200) exceeds the number of key attributes",
        ),
        (
            "GetItem",
            format!(
                r##"{{"TableName":"t.t","Key":{{"id":{{"S":"a"}}}},"ExpressionAttributeNames":{{{}}}}}"##,
                many(|n| format!(r##""#n{n}":"x""##))
            ),
            "can only be specified when using expressions",
        ),
        (
            "GetItem",
            format!(
                r#"{{"TableName":"t.t","Key":{{{}}}}}"#,
                many(|n| format!(r#""k{n}":{{"S":"x"}}"#))
            ),
            "The provided key element does not match the schema",
        ),
        (
            "PutItem",
            format!(
                r#"{{"TableName":"t.t","Item":{{"id":{{"S":"a"}},{}}}}}"#,
                many(|n| format!(r#""k{}":{{"S":"x"}}"#, MANY - n))
            ),
            "Item size has exceeded the maximum allowed size",
        ),
        (
            "PutItem",
            format!(
                r#"{{"TableName":"t.t","Item":{{"id":{{"S":"a"}},"s":{{"SS":["x",{},"x"]}}}}}}"#,
                many(|n| format!(r#""m{n}""#))
            ),
            "contains duplicates.",
        ),
        (
            "PutItem",
            format!(
                r#"{{"TableName":"t.t",{}}}"#,
                many(|n| format!(r#""M{n}":1"#))
            ),
            "M0 is not supported by this local endpoint",
        ),
        (
            "BatchWriteItem",
            format!(
                r#"{{"RequestItems":{{{}}}}}"#,
                many(|n| format!(r#""table-{n}":[{put}]"#))
            ),
            "Member must have length less than or equal to 25",
        ),
        (
            "BatchWriteItem",
            format!(
                r#"{{"RequestItems":{{"t.t":[{}],{}}}}}"#,
                many(|_| "{}".to_owned()),
                many(|_| r#""s.s":[{}]"#.to_owned())
            ),
            "Member must have length less than or equal to 25",
        ),
        (
            "BatchWriteItem",
            format!(
                r#"{{"RequestItems":{{"t.t":[{}]}}}}"#,
                many(|_| r#"{"PutRequest":{}}"#.to_owned())
            ),
            "10 validation errors detected: ",
        ),
        (
            "BatchGetItem",
            format!(
                r#"{{"RequestItems":{{{}}}}}"#,
                many(|n| format!(r#""table-{n}":{{"Keys":[{{}}]}}"#))
            ),
            "Member must have length less than or equal to 100",
        ),
        (
            "BatchGetItem",
            format!(
                r#"{{"RequestItems":{{"t.t":{{"Keys":[{}]}}}}}}"#,
                many(|n| format!(r#"{{"id":{{"S":"{n}"}}}}"#))
            ),
            "Member must have length less than or equal to 100",
        ),
        (
            "CreateTable",
            format!(
                r#"{{{table},"KeySchema":[{}],"AttributeDefinitions":[{}]}}"#,
                many(|_| "{}".to_owned()),
                many(|_| "{}".to_owned()),
            ),
            "10 validation errors detected: ",
        ),
        (
            "CreateTable",
            format!(
                r#"{{{table},"KeySchema":[{{"AttributeName":"id","KeyType":"HASH"}}],"AttributeDefinitions":[{}]}}"#,
                many(|n| format!(r#"{{"AttributeName":"a{n}","AttributeType":"S"}}"#)),
            ),
            "Some index key attributes are not defined in AttributeDefinitions",
        ),
        (
            "CreateTable",
            format!(
                r#"{{{table},"KeySchema":[{{"AttributeName":"id","KeyType":"HASH"}}],"AttributeDefinitions":[{{"AttributeName":"id","AttributeType":"S"}}],"Tags":[{}]}}"#,
                many(|n| format!(r#"{{"Key":"k{n}","Value":""}}"#)),
            ),
            "a resource has at most 50",
        ),
        (
            "TagResource",
            format!(
                r#"{{"ResourceArn":"{arn}","Tags":[{}]}}"#,
                many(|n| format!(r#"{{"Key":"k{n}","Value":""}}"#)),
            ),
            "a resource has at most 50",
        ),
    ] {
        let (_, message) = direct.refused(operation, &body);
        let start: String = message.chars().take(300).collect();
        assert!(message.contains(expected), "{operation}: {start}");
    }
    let tags: Vec<_> = (0..50)
        .map(|n| json!({"Key": format!("k{n}"), "Value": ""}))
        .collect();
    direct.ok("TagResource", json!({"ResourceArn": arn, "Tags": tags}));
    let keys = many(|n| format!(r#""k{}""#, n + 1));
    let untag = format!(r#"{{"ResourceArn":"{arn}","TagKeys":[{keys}]}}"#);
    direct.call("UntagResource", &untag).unwrap();
    let left = direct.ok("ListTagsOfResource", json!({"ResourceArn": arn}));
    assert_eq!(left["Tags"], json!([{"Key": "k0", "Value": ""}]));
}
