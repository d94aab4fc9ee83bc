//! Every member of every request, as the AWS SDK describes them: served, or refused by
//! name; and what is told first of a request that has more than one thing wrong.

use serde_json::{Value, json};

use crate::account::{Account, arn, base64};
use crate::service_model::{Member, Model};

const SHARD: &str = "shardId-000000000000";

/// The operations that are served, and which of their members are not, besides
/// `StreamId`, which none serves: AWS reserves it.
const SERVED: &[(&str, &[&str])] = &[
    ("AddTagsToStream", &[]),
    (
        "CreateStream",
        &["RecordDistributionStrategy", "WarmThroughputMiBps"],
    ),
    ("DecreaseStreamRetentionPeriod", &[]),
    ("DeleteStream", &[]),
    ("DeregisterStreamConsumer", &[]),
    ("DescribeLimits", &[]),
    ("DescribeStream", &[]),
    ("DescribeStreamConsumer", &[]),
    ("DescribeStreamSummary", &[]),
    ("GetRecords", &[]),
    ("GetShardIterator", &[]),
    ("IncreaseStreamRetentionPeriod", &[]),
    ("ListShards", &[]),
    ("ListStreamConsumers", &[]),
    ("ListStreams", &[]),
    ("ListTagsForResource", &[]),
    ("ListTagsForStream", &[]),
    ("MergeShards", &[]),
    ("PutRecord", &[]),
    ("PutRecords", &[]),
    ("RegisterStreamConsumer", &[]),
    ("RemoveTagsFromStream", &[]),
    ("SplitShard", &[]),
    ("SubscribeToShard", &[]),
    ("TagResource", &[]),
    ("UntagResource", &[]),
    ("UpdateMaxRecordSize", &[]),
    ("UpdateShardCount", &[]),
    ("UpdateStreamMode", &["WarmThroughputMiBps"]),
];

/// Exception and message of an answer; nothing where it was carried out.
fn told(account: &Account, operation: &str, body: &Value) -> (String, String) {
    match account.call(operation, body.clone()) {
        Ok(_) => Default::default(),
        Err(failure) => (failure.exception.to_owned(), failure.message),
    }
}

fn assert_asked(account: &Account, operation: &str, member: &Member, refused: bool) {
    let (exception, message) = told(account, operation, &member.alone);
    let name = member.names();
    let by_name = message == format!("{operation}: {name} is not supported by this local endpoint")
        && exception == "ValidationException";
    assert_eq!(
        by_name, refused,
        "{operation} {name}: {exception} {message}"
    );
    if refused {
        // What is null is not there.
        let (_, message) = told(account, operation, &json!({name: null}));
        assert!(!message.contains("not supported"), "{operation}: {message}");
    } else {
        let (exception, message) = told(account, operation, &member.mistyped);
        assert_eq!(exception, "SerializationException", "{operation} {name}");
        assert!(!message.is_empty(), "{operation} {name}");
    }
}

#[test]
fn every_member_of_kinesis_is_served_or_refused_by_name() {
    let model = Model::of("kinesis");
    for operation in model.operations() {
        let account = Account::with_stream("s", 1);
        let Some((_, refused)) = SERVED.iter().find(|(served, _)| *served == operation) else {
            let (exception, message) = account.refused(operation, json!({}));
            assert_eq!(exception, "UnknownOperationException");
            assert!(message.contains(operation), "{message}");
            continue;
        };
        for member in model.members(operation) {
            let name = member.names();
            let is_refused = name == "StreamId" || refused.contains(&&*name);
            assert_asked(&account, operation, &member, is_refused);
        }
        for member in model.invented(operation) {
            let (_, message) = told(&account, operation, &member.alone);
            let says = format!(
                "{operation}: {} is not supported by this local endpoint",
                member.names()
            );
            assert_eq!(message, says);
        }
        for refused in *refused {
            let mut members = model.members(operation).into_iter();
            assert!(members.any(|member| member.names() == *refused));
        }
    }
    for (served, _) in SERVED {
        assert!(model.operations().any(|known| known == *served), "{served}");
    }
}

#[test]
fn what_is_mistyped_is_told_in_the_services_words_and_before_anything_else() {
    let account = Account::with_stream("s", 1);
    const NUMBER: &str = "class com.amazon.coral.value.json.numbers.TruncatingBigNumber";
    for (operation, body, says) in [
        (
            "PutRecord",
            json!({"StreamName": "none", "PartitionKey": 23, "Invented": 1}),
            format!("{NUMBER} can not be converted to an String"),
        ),
        (
            "PutRecord",
            json!({"StreamName": "no name", "PartitionKey": "", "Data": "23456"}),
            "'23456' can not be converted to a Blob: Base64 encoded length is expected a \
             multiple of 4 bytes but found: 5"
                .to_owned(),
        ),
        (
            "PutRecords",
            json!({"StreamName": "none", "Records": [{"PartitionKey": "", "Data": ""},
                {"PartitionKey": "k", "Data": "=+/="}]}),
            "'=+/=' can not be converted to a Blob: Invalid Base64 character: '='".to_owned(),
        ),
        (
            "PutRecords",
            json!({"Records": [{"Data": "+/+="}]}),
            "'+/+=' can not be converted to a Blob: Invalid last non-pad Base64 character \
             dectected"
                .to_owned(),
        ),
        (
            "PutRecords",
            json!({"Records": ["x"]}),
            "Expected null".to_owned(),
        ),
        (
            "PutRecords",
            json!({"Records": {}}),
            "Start of structure or map found where not expected.".to_owned(),
        ),
        (
            "CreateStream",
            json!({"StreamName": "a b", "ShardCount": "1"}),
            "class java.lang.String can not be converted to an Integer".to_owned(),
        ),
        (
            "CreateStream",
            json!({"StreamName": "s", "Tags": {"a": true}}),
            "class java.lang.Boolean can not be converted to an String".to_owned(),
        ),
        (
            "AddTagsToStream",
            json!({"Tags": 23}),
            "Expected map or null".to_owned(),
        ),
        (
            "RemoveTagsFromStream",
            json!({"TagKeys": "x"}),
            "Expected list or null".to_owned(),
        ),
        (
            "DeleteStream",
            json!({"EnforceConsumerDeletion": "23"}),
            "'23' can not be converted to an Boolean".to_owned(),
        ),
        (
            "GetShardIterator",
            json!({"Timestamp": "23"}),
            "class java.lang.String can not be converted to milliseconds since epoch".to_owned(),
        ),
        (
            "ListShards",
            json!({"MaxResults": []}),
            "Start of list found where not expected".to_owned(),
        ),
    ] {
        let told = account.refused(operation, body.clone());
        assert_eq!(told, ("SerializationException", says), "{operation} {body}");
    }
    for body in [
        "{",
        "[1",
        "{\"a\":1}x",
        "\u{feff}{}",
        "{\"StreamName\":\"\\ud800\"}",
    ] {
        let answer = account
            .streams
            .call("PutRecord", body.as_bytes(), account.now_us.get());
        let failure = answer.unwrap_err();
        assert_eq!(failure.exception, "SerializationException", "{body}");
        assert_eq!(failure.message, "", "{body}");
    }
}

#[test]
fn all_that_is_wrong_with_a_request_is_told_at_once() {
    let account = Account::with_stream("s", 1);
    let long = "a".repeat(129);
    for (operation, body, at) in [
        (
            "PutRecord",
            json!({"StreamName": "", "PartitionKey": "", "Data": "", "ExplicitHashKey": "",
                "SequenceNumberForOrdering": ""}),
            vec![
                "sequenceNumberForOrdering",
                "partitionKey",
                "explicitHashKey",
                "streamName",
                "streamName",
            ],
        ),
        (
            "PutRecords",
            json!({"StreamName": "a b", "Records": [{"PartitionKey": "", "Data": ""},
                {"Data": ""}]}),
            vec![
                "records.1.member.partitionKey",
                "records.2.member.partitionKey",
                "streamName",
            ],
        ),
        (
            "GetShardIterator",
            json!({"StreamName": "", "ShardIteratorType": "", "ShardId": "",
                "StartingSequenceNumber": ""}),
            vec![
                "shardId",
                "shardId",
                "shardIteratorType",
                "startingSequenceNumber",
                "streamName",
                "streamName",
            ],
        ),
        (
            "GetRecords",
            json!({"ShardIterator": "", "Limit": 0, "StreamARN": "x"}),
            vec!["limit", "shardIterator", "streamARN"],
        ),
        (
            "SubscribeToShard",
            json!({"ConsumerARN": "x", "StartingPosition": {"Type": "x"}}),
            vec!["consumerARN", "shardId", "startingPosition.type"],
        ),
        (
            "CreateStream",
            json!({"ShardCount": 0, "MaxRecordSizeInKiB": 1, "Tags": {},
                "StreamModeDetails": {}}),
            vec![
                "shardCount",
                "streamName",
                "streamModeDetails.streamMode",
                "maxRecordSizeInKiB",
                "tags",
            ],
        ),
        (
            "ListShards",
            json!({"StreamName": "", "NextToken": "", "MaxResults": 0,
                "ExclusiveStartShardId": long, "ShardFilter": {"Type": "x", "ShardId": "?"}}),
            vec![
                "maxResults",
                "exclusiveStartShardId",
                "shardFilter.type",
                "shardFilter.shardId",
                "nextToken",
                "streamName",
                "streamName",
            ],
        ),
        (
            "ListStreams",
            json!({"Limit": 0, "ExclusiveStartStreamName": "?"}),
            vec!["limit", "exclusiveStartStreamName"],
        ),
        (
            "SplitShard",
            json!({"StreamName": "?", "NewStartingHashKey": "01"}),
            vec!["shardToSplit", "newStartingHashKey", "streamName"],
        ),
        (
            "MergeShards",
            json!({"StreamARN": arn("s"), "ShardToMerge": "?"}),
            vec!["shardToMerge", "adjacentShardToMerge"],
        ),
        (
            "UpdateShardCount",
            json!({"StreamName": "?", "TargetShardCount": 0, "ScalingType": "x"}),
            vec!["targetShardCount", "scalingType", "streamName"],
        ),
        (
            "RegisterStreamConsumer",
            json!({"StreamARN": "x", "ConsumerName": "?", "Tags": {"": "v"}}),
            vec!["streamARN", "consumerName", "tags"],
        ),
        (
            "ListTagsForStream",
            json!({"StreamName": "?", "Limit": 51, "ExclusiveStartTagKey": ""}),
            vec!["limit", "exclusiveStartTagKey", "streamName"],
        ),
        (
            "TagResource",
            json!({"ResourceARN": "x", "Tags": {"k": "v".repeat(257)}}),
            vec!["tags", "resourceARN"],
        ),
        (
            "UntagResource",
            json!({"TagKeys": []}),
            vec!["tagKeys", "resourceARN"],
        ),
        (
            "IncreaseStreamRetentionPeriod",
            json!({"StreamName": "?"}),
            vec!["retentionPeriodHours", "streamName"],
        ),
    ] {
        let (exception, message) = account.refused(operation, body);
        assert_eq!(exception, "ValidationException", "{message}");
        let s = if at.len() == 1 { "" } else { "s" };
        let (count, faults) = message.split_once(" detected: ").unwrap();
        assert_eq!(
            count,
            format!("{} validation error{s}", at.len()),
            "{message}"
        );
        let found: Vec<&str> = faults
            .split("; ")
            .map(|fault| {
                fault
                    .split_once("at '")
                    .unwrap()
                    .1
                    .split_once('\'')
                    .unwrap()
                    .0
            })
            .collect();
        assert_eq!(found, at, "{message}");
    }
}

#[tokio::test]
async fn a_dry_run_says_what_is_wrong_or_that_all_is_right_and_does_nothing() {
    let account = Account::with_stream("s", 1);
    account.put("s", "k", b"first");
    let iterator = account.iterator("s", SHARD, "TRIM_HORIZON");
    let consumer = account.ok(
        "RegisterStreamConsumer",
        json!({"StreamARN": arn("s"), "ConsumerName": "c"}),
    );
    account.pass(100_000);
    let consumer = &consumer["Consumer"]["ConsumerARN"];
    let data = base64(b"never");
    for (operation, right, wrong) in [
        (
            "PutRecord",
            json!({"StreamName": "s", "PartitionKey": "k", "Data": data}),
            json!({"StreamName": "none"}),
        ),
        (
            "PutRecords",
            json!({"StreamName": "s", "Records": [{"PartitionKey": "k", "Data": data}]}),
            json!({"StreamName": "none"}),
        ),
        (
            "GetShardIterator",
            json!({"StreamName": "s", "ShardId": SHARD, "ShardIteratorType": "LATEST"}),
            json!({"ShardId": "shardId-000000000009"}),
        ),
        (
            "GetRecords",
            json!({"ShardIterator": iterator}),
            json!({"StreamARN": arn("other")}),
        ),
        (
            "SubscribeToShard",
            json!({"ConsumerARN": consumer, "ShardId": SHARD,
                "StartingPosition": {"Type": "LATEST"}}),
            json!({"ShardId": "shardId-000000000009"}),
        ),
    ] {
        let mut body = right.clone();
        body["DryRun"] = json!(true);
        let (exception, message) = account.refused(operation, body.clone());
        assert_eq!(exception, "DryRunOperationException", "{message}");
        for (member, value) in wrong.as_object().unwrap() {
            body[member] = value.clone();
        }
        let (exception, message) = account.refused(operation, body);
        assert_ne!(exception, "DryRunOperationException", "{message}");
    }
    assert_eq!(account.read_all("s", SHARD), [b"first"]);
    // A subscription that was made would be in the way of this one.
    let subscribe = json!({"ConsumerARN": consumer, "ShardId": SHARD,
        "StartingPosition": {"Type": "LATEST"}, "DryRun": false});
    let body = subscribe.to_string();
    let now_us = account.now_us.get();
    let answer = account
        .streams
        .call("SubscribeToShard", body.as_bytes(), now_us);
    assert!(answer.is_ok(), "{answer:?}");
}

#[test]
fn lists_that_are_far_too_long_are_refused_by_their_length() {
    let account = Account::with_stream("s", 1);
    let many = 200_000;
    let tags: serde_json::Map<String, Value> =
        (0..many).map(|i| (format!("k{i}"), json!("v"))).collect();
    let keys: Vec<String> = (0..many).map(|i| format!("k{i}")).collect();
    let record = json!({"PartitionKey": "", "Data": ""});
    for (operation, body, most) in [
        (
            "AddTagsToStream",
            json!({"StreamName": "s", "Tags": tags}),
            200,
        ),
        (
            "TagResource",
            json!({"ResourceARN": arn("s"), "Tags": tags}),
            200,
        ),
        (
            "CreateStream",
            json!({"StreamName": "t", "Tags": tags}),
            200,
        ),
        (
            "RemoveTagsFromStream",
            json!({"StreamName": "s", "TagKeys": keys}),
            50,
        ),
        (
            "UntagResource",
            json!({"ResourceARN": arn("s"), "TagKeys": keys}),
            50,
        ),
        (
            "PutRecords",
            json!({"StreamName": "s", "Records": vec![record; many]}),
            500,
        ),
    ] {
        let (exception, message) = account.refused(operation, body);
        assert_eq!(exception, "ValidationException", "{operation}");
        let says = format!("Member must have length less than or equal to {most}");
        assert!(message.contains(&says), "{operation}");
        assert!(message.len() < 200_000, "{operation}: {}", message.len());
    }
}
