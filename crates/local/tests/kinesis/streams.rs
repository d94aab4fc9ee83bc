//! Streams and what is written on their labels.

use serde_json::{Value, json};

use crate::account::{Account, SETTLE_US, arn, text};

fn status(account: &Account, stream: &str) -> String {
    let summary = account.ok("DescribeStreamSummary", json!({"StreamName": stream}));
    text(&summary["StreamDescriptionSummary"]["StreamStatus"])
}

#[test]
fn a_stream_is_created_active_and_deleted_as_time_passes() {
    let account = Account::new();
    assert_eq!(
        account.ok("CreateStream", json!({"StreamName": "s", "ShardCount": 3})),
        Value::Null
    );
    assert_eq!(status(&account, "s"), "CREATING");
    assert!(account.streams.is_there(&arn("s"), account.now_us.get()));
    let put = json!({"StreamName": "s", "PartitionKey": "k", "Data": ""});
    assert_eq!(
        account.refused("PutRecord", put).0,
        "ResourceNotFoundException"
    );
    let (exception, message) = account.refused(
        "SplitShard",
        json!({"StreamName": "s", "ShardToSplit": "shardId-0", "NewStartingHashKey": "2"}),
    );
    assert_eq!(exception, "ResourceInUseException");
    assert_eq!(
        message,
        "Stream s under account 123456789012 not ACTIVE, instead in state CREATING"
    );

    account.pass(SETTLE_US);
    assert_eq!(status(&account, "s"), "ACTIVE");
    assert!(account.streams.is_there(&arn("s"), account.now_us.get()));
    let described = account.ok("DescribeStream", json!({"StreamARN": arn("s")}));
    let description = &described["StreamDescription"];
    assert_eq!(description["StreamARN"], arn("s"));
    assert_eq!(description["RetentionPeriodHours"], 24);
    assert_eq!(
        description["StreamModeDetails"]["StreamMode"],
        "PROVISIONED"
    );
    assert_eq!(
        description["StreamCreationTimestamp"].to_string(),
        "1721011165.891"
    );
    assert_eq!(description["Shards"].as_array().unwrap().len(), 3);

    account.ok("DeleteStream", json!({"StreamName": "s"}));
    assert_eq!(status(&account, "s"), "DELETING");
    assert!(!account.streams.is_there(&arn("s"), account.now_us.get()));
    account.pass(SETTLE_US);
    let (exception, message) = account.refused("DescribeStream", json!({"StreamName": "s"}));
    assert_eq!(exception, "ResourceNotFoundException");
    assert_eq!(message, "Stream s under account 123456789012 not found.");
    assert!(!account.streams.is_there(&arn("s"), account.now_us.get()));
}

#[test]
fn streams_that_cannot_be_created_are_refused_in_the_services_words() {
    let account = Account::with_stream("s", 1);
    for (body, exception, expected) in [
        (
            json!({}),
            "ValidationException",
            "Value null at 'streamName'",
        ),
        (
            json!({"StreamName": "a b", "ShardCount": 0}),
            "ValidationException",
            "2 validation errors detected: Value '0' at 'shardCount' failed to satisfy \
             constraint: Member must have value greater than or equal to 1; Value 'a b' at \
             'streamName' failed to satisfy constraint: Member must satisfy regular expression \
             pattern: [a-zA-Z0-9_.-]+",
        ),
        (
            json!({"StreamName": "x".repeat(129), "ShardCount": 1}),
            "ValidationException",
            "Member must have length less than or equal to 128",
        ),
        (
            json!({"StreamName": "t", "ShardCount": "1"}),
            "SerializationException",
            "",
        ),
        (
            json!({"StreamName": "s", "ShardCount": 1}),
            "ResourceInUseException",
            "Stream s under account 123456789012 already exists.",
        ),
        (
            json!({"StreamName": "t", "ShardCount": 20_000}),
            "LimitExceededException",
            "Current shard count for the account: 1. Limit: 20000.",
        ),
        (
            json!({"StreamName": "t", "StreamModeDetails": {"StreamMode": "FREE"}}),
            "ValidationException",
            "enum value set: [PROVISIONED, ON_DEMAND]",
        ),
    ] {
        let (got, message) = account.refused("CreateStream", body);
        assert_eq!(got, exception, "{message}");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_stream_of_no_particular_size_has_four_shards() {
    let account = Account::new();
    account.ok("CreateStream", json!({"StreamName": "s"}));
    account.pass(SETTLE_US);
    let described = account.ok("DescribeStreamSummary", json!({"StreamName": "s"}));
    let summary = &described["StreamDescriptionSummary"];
    assert_eq!(summary["OpenShardCount"], 4);
    assert_eq!(summary["StreamModeDetails"]["StreamMode"], "PROVISIONED");
}

#[test]
fn no_more_than_five_streams_are_created_at_a_time() {
    let account = Account::new();
    let create = |i: u32| json!({"StreamName": format!("s{i}"), "ShardCount": 1});
    for i in 0..5 {
        account.ok("CreateStream", create(i));
    }
    assert_eq!(
        account.refused("CreateStream", create(5)).0,
        "LimitExceededException"
    );
    account.pass(SETTLE_US);
    account.ok("CreateStream", create(5));
}

#[test]
fn an_on_demand_stream_starts_with_four_shards_and_is_not_resized_by_hand() {
    let account = Account::new();
    let mode = json!({"StreamMode": "ON_DEMAND"});
    account.ok(
        "CreateStream",
        json!({"StreamName": "s", "StreamModeDetails": mode}),
    );
    account.pass(SETTLE_US);
    assert_eq!(account.shards("s").len(), 4);
    let scale = json!({"StreamName": "s", "TargetShardCount": 8,
        "ScalingType": "UNIFORM_SCALING"});
    let (exception, message) = account.refused("UpdateShardCount", scale.clone());
    assert_eq!(exception, "ValidationException");
    assert!(message.ends_with("is in On-Demand mode."), "{message}");

    let provisioned = json!({"StreamARN": arn("s"),
        "StreamModeDetails": {"StreamMode": "PROVISIONED"}});
    account.ok("UpdateStreamMode", provisioned.clone());
    assert_eq!(status(&account, "s"), "UPDATING");
    account.pass(SETTLE_US);
    account.ok("UpdateShardCount", scale);
    account.pass(SETTLE_US);
    account.ok(
        "UpdateStreamMode",
        json!({"StreamARN": arn("s"), "StreamModeDetails": mode}),
    );
    account.pass(SETTLE_US);
    let (exception, _) = account.refused("UpdateStreamMode", provisioned);
    assert_eq!(exception, "LimitExceededException", "twice in 24 hours");
    let limits = account.ok("DescribeLimits", json!({}));
    assert_eq!(limits["OpenShardCount"], 8);
    assert_eq!(limits["OnDemandStreamCount"], 1);
}

#[test]
fn listings_come_in_pages() {
    let account = Account::new();
    for name in ["c", "a", "b"] {
        account.create(name, 1);
    }
    let mut names = Vec::new();
    let mut body = json!({"Limit": 1});
    loop {
        let page = account.ok("ListStreams", body);
        assert_eq!(
            page["StreamSummaries"][0]["StreamName"],
            page["StreamNames"][0]
        );
        assert_eq!(page["StreamSummaries"][0]["StreamStatus"], "ACTIVE");
        names.push(text(&page["StreamNames"][0]));
        if page["HasMoreStreams"] == false {
            break;
        }
        body = json!({"Limit": 1, "NextToken": page["NextToken"]});
    }
    assert_eq!(names, ["a", "b", "c"]);
    let rest = account.ok("ListStreams", json!({"ExclusiveStartStreamName": "b"}));
    assert_eq!(rest["StreamNames"], json!(["c"]));

    account.create("wide", 7);
    let mut ids = Vec::new();
    let mut body = json!({"StreamName": "wide", "MaxResults": 3});
    let token = loop {
        let page = account.ok("ListShards", body);
        ids.extend(
            page["Shards"]
                .as_array()
                .unwrap()
                .iter()
                .map(|s| text(&s["ShardId"])),
        );
        let Some(token) = page["NextToken"].as_str() else {
            break text(&page["Shards"][0]["ShardId"]);
        };
        body = json!({"NextToken": token, "MaxResults": 3});
    };
    assert_eq!(token, "shardId-000000000006");
    let all: Vec<_> = (0..7).map(|i| format!("shardId-{i:012}")).collect();
    assert_eq!(ids, all);
    let first = account.ok("ListShards", json!({"StreamName": "wide", "MaxResults": 3}));
    for (member, value) in [
        ("StreamName", json!("wide")),
        ("StreamARN", json!(arn("wide"))),
        ("ExclusiveStartShardId", json!("shardId-000000000000")),
        ("StreamCreationTimestamp", json!(1)),
        ("ShardFilter", json!({"Type": "AT_LATEST"})),
    ] {
        let body = json!({"NextToken": first["NextToken"], member: value});
        let told = account.refused("ListShards", body);
        let says = format!("NextToken and {member} cannot be provided together.");
        assert_eq!(told, ("InvalidArgumentException", says));
    }
    let told = account.refused("ListShards", json!({}));
    assert_eq!(told.1, "Either NextToken or StreamName should be provided.");
    account.pass(301_000_000);
    let (exception, _) = account.refused("ListShards", json!({"NextToken": first["NextToken"]}));
    assert_eq!(exception, "ExpiredNextTokenException");

    let page = account.ok("DescribeStream", json!({"StreamName": "wide", "Limit": 5}));
    assert_eq!(page["StreamDescription"]["HasMoreShards"], true);
    let body = json!({"StreamName": "wide", "ExclusiveStartShardId": all[4]});
    let page = account.ok("DescribeStream", body);
    assert_eq!(
        page["StreamDescription"]["Shards"][0]["ShardId"],
        json!(all[5])
    );
    assert_eq!(page["StreamDescription"]["HasMoreShards"], false);
}

#[test]
fn retention_can_be_lengthened_and_shortened_within_its_limits() {
    let account = Account::with_stream("s", 1);
    let body = |hours: i64| json!({"StreamName": "s", "RetentionPeriodHours": hours});
    account.ok("IncreaseStreamRetentionPeriod", body(48));
    account.pass(SETTLE_US);
    for (operation, hours, expected) in [
        (
            "IncreaseStreamRetentionPeriod",
            23,
            "Minimum allowed retention period is 24 hours.",
        ),
        (
            "IncreaseStreamRetentionPeriod",
            -1,
            "Minimum allowed retention period is 24 hours.",
        ),
        (
            "IncreaseStreamRetentionPeriod",
            8761,
            "Maximum allowed retention period is 8760 hours.",
        ),
        (
            "IncreaseStreamRetentionPeriod",
            47,
            "can not be shorter than existing retention period (48 hours). Use \
             DecreaseRetentionPeriod API.",
        ),
        (
            "DecreaseStreamRetentionPeriod",
            49,
            "can not be longer than existing retention period (48 hours). Use \
             IncreaseRetentionPeriod API.",
        ),
    ] {
        let (exception, message) = account.refused(operation, body(hours));
        assert_eq!(exception, "InvalidArgumentException");
        assert!(message.contains(expected), "{message}");
    }
    account.ok("DecreaseStreamRetentionPeriod", body(24));
}

#[test]
fn tags_are_kept_on_streams_and_on_consumers() {
    let account = Account::with_stream("s", 1);
    let tags = json!({"team": "heart", "cost": "1", "a": ""});
    account.ok("AddTagsToStream", json!({"StreamName": "s", "Tags": tags}));
    account.ok(
        "TagResource",
        json!({"ResourceARN": arn("s"), "Tags": {"cost": "2"}}),
    );
    let page = account.ok("ListTagsForStream", json!({"StreamName": "s", "Limit": 2}));
    assert_eq!(
        page,
        json!({"Tags": [{"Key": "a", "Value": ""}, {"Key": "cost", "Value": "2"}],
            "HasMoreTags": true})
    );
    let body = json!({"StreamName": "s", "ExclusiveStartTagKey": "cost"});
    let page = account.ok("ListTagsForStream", body);
    assert_eq!(page["Tags"], json!([{"Key": "team", "Value": "heart"}]));
    account.ok(
        "RemoveTagsFromStream",
        json!({"StreamName": "s", "TagKeys": ["a", "x"]}),
    );
    account.ok(
        "UntagResource",
        json!({"ResourceARN": arn("s"), "TagKeys": ["team"]}),
    );
    let tags = account.ok("ListTagsForResource", json!({"ResourceARN": arn("s")}));
    assert_eq!(tags, json!({"Tags": [{"Key": "cost", "Value": "2"}]}));

    let many: serde_json::Map<_, _> = (0..50).map(|i| (i.to_string(), json!(""))).collect();
    let (exception, message) =
        account.refused("AddTagsToStream", json!({"StreamName": "s", "Tags": many}));
    assert_eq!(exception, "InvalidArgumentException");
    assert!(message.contains("more than 50 tags"), "{message}");
}

#[test]
fn what_is_not_there_is_refused_clearly() {
    let account = Account::with_stream("s", 1);
    for (operation, body, exception) in [
        (
            "StartStreamEncryption",
            json!({"StreamName": "s"}),
            "UnknownOperationException",
        ),
        ("Nonsense", json!({}), "UnknownOperationException"),
        ("DescribeStream", json!({}), "InvalidArgumentException"),
        (
            "DescribeStream",
            json!({"StreamARN": "nonsense"}),
            "ValidationException",
        ),
        (
            "DescribeStream",
            json!({"StreamName": "t", "StreamARN": arn("s")}),
            "InvalidArgumentException",
        ),
        (
            "DescribeStream",
            json!({"StreamARN": "arn:aws:kinesis:us-east-1:123456789012:stream/s"}),
            "ResourceNotFoundException",
        ),
        (
            "GetShardIterator",
            json!({"StreamName": "s", "ShardId": "shardId-1", "ShardIteratorType": "LATEST"}),
            "ResourceNotFoundException",
        ),
        (
            "GetShardIterator",
            json!({"StreamName": "s", "ShardId": "x", "ShardIteratorType": "LATEST"}),
            "ResourceNotFoundException",
        ),
    ] {
        assert_eq!(
            account.refused(operation, body.clone()).0,
            exception,
            "{operation} {body}"
        );
    }
}
