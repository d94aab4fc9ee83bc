//! Every member of every request, as the AWS SDK describes them: served, or refused by
//! name.

use serde_json::Value;

use crate::direct::Direct;
use crate::http;
use crate::service_model::{Member, Model};

/// The operations that are served, and which of their members are not.
const SERVED: &[(&str, &[&str])] = &[
    (
        "BatchGetItem",
        &[
            "RequestItems.AttributesToGet",
            "RequestItems.ProjectionExpression",
        ],
    ),
    ("BatchWriteItem", &[]),
    (
        "CreateTable",
        &[
            "GlobalSecondaryIndexes",
            "GlobalTableSettingsReplicationMode",
            "GlobalTableSourceArn",
            "LocalSecondaryIndexes",
            "ResourcePolicy",
            "SSESpecification.KMSMasterKeyId",
            "SSESpecification.SSEType",
            "VectorIndexes",
        ],
    ),
    (
        "DeleteItem",
        &["ConditionExpression", "ConditionalOperator", "Expected"],
    ),
    ("DeleteTable", &[]),
    ("DescribeEndpoints", &[]),
    ("DescribeKinesisStreamingDestination", &[]),
    ("DescribeLimits", &[]),
    ("DescribeTable", &[]),
    ("DisableKinesisStreamingDestination", &[]),
    ("EnableKinesisStreamingDestination", &[]),
    ("GetItem", &["AttributesToGet", "ProjectionExpression"]),
    ("ListTables", &[]),
    ("ListTagsOfResource", &["NextToken"]),
    (
        "PutItem",
        &["ConditionExpression", "ConditionalOperator", "Expected"],
    ),
    (
        "Query",
        &[
            "AttributesToGet",
            "ConditionalOperator",
            "FilterExpression",
            "KeyConditions",
            "ProjectionExpression",
            "QueryFilter",
        ],
    ),
    (
        "Scan",
        &[
            "AttributesToGet",
            "ConditionalOperator",
            "FilterExpression",
            "ProjectionExpression",
            "ScanFilter",
        ],
    ),
    ("TagResource", &[]),
    ("UntagResource", &[]),
    ("UpdateKinesisStreamingDestination", &[]),
    (
        "UpdateTable",
        &[
            "AttributeDefinitions",
            "DisassociationProtectionEnabled",
            "GlobalSecondaryIndexUpdates",
            "GlobalTableSettingsReplicationMode",
            "GlobalTableWitnessUpdates",
            "MultiRegionConsistency",
            "ReplicaUpdates",
            "SSESpecification.KMSMasterKeyId",
            "SSESpecification.SSEType",
            "VectorIndexUpdates",
        ],
    ),
];

/// The member among `refused` that `member` is, or is part of.
fn refused_part<'a>(member: &Member, refused: &[&'a str]) -> Option<&'a str> {
    let names = member.names();
    let mut parts = refused.iter().copied();
    parts.find(|part| names == *part || names.starts_with(&format!("{part}.")))
}

/// Asks a service of each member of an operation, and of invented ones.
fn ask_of_each(
    model: &Model,
    operation: &str,
    refused: &[&str],
    call: impl Fn(&Value) -> (String, String),
) {
    let by_name = |name: &str, message: &str| {
        message.ends_with(&format!(": {name} is not supported by this local endpoint"))
    };
    for part in refused {
        let members = model.members(operation);
        let known = members.iter().any(|member| member.names() == *part);
        assert!(known, "{operation}: {part} is not in the model");
    }
    for member in model.members(operation) {
        let (exception, message) = call(&member.alone);
        let told = format!("{operation} {}: {exception}: {message}", member.alone);
        match refused_part(&member, refused) {
            Some(part) => {
                assert_eq!(exception, "ValidationException", "{told}");
                assert!(by_name(part, &message), "{told}");
            }
            None => {
                assert!(!message.contains("not supported"), "{told}");
                let (exception, message) = call(&member.mistyped);
                let told = format!("{operation} {}: {message}", member.mistyped);
                assert_eq!(exception, "SerializationException", "{told}");
                assert!(!message.is_empty(), "{told}");
            }
        }
    }
    for member in model.invented(operation) {
        let (_, message) = call(&member.alone);
        let name = member.names();
        let part = refused_part(&member, refused).unwrap_or(&name);
        assert!(by_name(part, &message), "{operation} {name}: {message}");
    }
}

#[test]
fn every_member_of_dynamodb_is_served_or_refused_by_name() {
    let direct = Direct::with_tables();
    let model = Model::of("dynamodb");
    for operation in model.operations() {
        let served = SERVED.iter().find(|(served, _)| *served == operation);
        match served {
            Some((_, refused)) => ask_of_each(&model, operation, refused, |body| {
                match direct.call(operation, &body.to_string()) {
                    Ok(_) => Default::default(),
                    Err(failure) => (failure.exception.to_owned(), failure.message),
                }
            }),
            None => {
                let (exception, message) = direct.refused(operation, "{}");
                assert_eq!(exception, "UnknownOperationException");
                assert!(message.starts_with(operation), "{operation}: {message}");
            }
        }
    }
    for (served, _) in SERVED {
        assert!(model.operations().any(|known| known == *served), "{served}");
    }
}

#[test]
fn every_member_of_dynamodb_streams_is_served() {
    let services = http::services("");
    let model = Model::of("dynamodbstreams");
    for operation in model.operations() {
        ask_of_each(&model, operation, &[], |body| {
            let answer = http::streams(&services, operation, body);
            let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
            let exception = text("__type").rsplit('#').next().unwrap().to_owned();
            (exception, text("message") + &text("Message"))
        });
    }
}

#[test]
fn a_mistyped_member_is_told_before_anything_else_that_is_wrong() {
    let direct = Direct::with_tables();
    for (operation, body) in [
        (
            "PutItem",
            r#"{"TableName":"x","Item":{"id":{}},"ReturnValues":5}"#,
        ),
        ("PutItem", r#"{"Expected":{},"Item":{"id":{"S":7}}}"#),
        ("GetItem", r#"{"Key":{"id":{}},"ConsistentRead":"maybe"}"#),
        (
            "BatchGetItem",
            r#"{"RequestItems":{"x":{"Keys":[]}},"ReturnConsumedCapacity":1}"#,
        ),
        (
            "BatchWriteItem",
            r#"{"RequestItems":{"x":[]},"Invented":1,"ReturnConsumedCapacity":1}"#,
        ),
        (
            "Query",
            r#"{"TableName":"t.t","ExpressionAttributeValues":{":v":{}},"ExclusiveStartKey":{"id":{"S":1}}}"#,
        ),
        (
            "Query",
            r#"{"TableName":"t.t","ExclusiveStartKey":{"id":{}},"ScanIndexForward":3}"#,
        ),
        ("Scan", r#"{"Segment":-1,"Select":[]}"#),
        (
            "CreateTable",
            r#"{"TableName":"x","Tags":[{"Key":1}],"KeySchema":[]}"#,
        ),
        (
            "UpdateTable",
            r#"{"TableName":"x","ReplicaUpdates":[],"DeletionProtectionEnabled":2}"#,
        ),
        ("UntagResource", r#"{"TagKeys":[1]}"#),
        ("DescribeLimits", "[]"),
        ("DescribeEndpoints", "{"),
    ] {
        let (exception, message) = direct.refused(operation, body);
        assert_eq!(exception, "SerializationException", "{body}: {message}");
    }
}
