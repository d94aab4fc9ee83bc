//! How often operations of the control plane may be called.

use serde_json::{Value, json};

use crate::account::{Account, SETTLE_US, arn};

/// Makes as many calls as are answered at once, at most 2,000; gives how many, and what
/// the next is told.
fn answered(account: &Account, operation: &str, body: impl Fn(u32) -> Value) -> (u32, String) {
    for call in 0..2000 {
        let Err(refusal) = account.call(operation, body(call)) else {
            continue;
        };
        if !refusal.message.starts_with("Rate exceeded") {
            continue; // It was carried out as far as such a request is.
        }
        assert_eq!(refusal.status, 400);
        assert_eq!(refusal.exception, "LimitExceededException");
        return (call, refusal.message);
    }
    (2000, String::new())
}

#[test]
fn each_operation_is_answered_as_often_a_second_as_documented() {
    let of_account = "Rate exceeded for account 123456789012.";
    let of_stream = "Rate exceeded for stream s under account 123456789012.";
    let stream = || json!({"StreamName": "s"});
    let by_arn = || json!({"StreamARN": arn("s")});
    let consumer = || json!({"StreamARN": arn("s"), "ConsumerName": "c"});
    let rows: [(&str, u32, &str, Value); 20] = [
        ("ListStreams", 5, of_account, json!({})),
        ("DescribeLimits", 1, of_account, json!({})),
        ("CreateStream", 5, of_account, stream()),
        ("DescribeStream", 10, of_stream, stream()),
        ("DescribeStreamSummary", 20, of_stream, stream()),
        (
            "AddTagsToStream",
            5,
            of_stream,
            json!({"StreamName": "s", "Tags": {"a": "b"}}),
        ),
        ("ListShards", 1000, of_stream, stream()),
        ("ListTagsForStream", 5, of_stream, stream()),
        (
            "RemoveTagsFromStream",
            5,
            of_stream,
            json!({"StreamName": "s", "TagKeys": ["a"]}),
        ),
        ("ListStreamConsumers", 5, of_stream, by_arn()),
        ("RegisterStreamConsumer", 5, of_stream, consumer()),
        ("DescribeStreamConsumer", 20, of_stream, consumer()),
        ("DeregisterStreamConsumer", 5, of_stream, consumer()),
        (
            "IncreaseStreamRetentionPeriod",
            5,
            of_stream,
            json!({"StreamName": "s", "RetentionPeriodHours": 48}),
        ),
        (
            "DecreaseStreamRetentionPeriod",
            5,
            of_stream,
            json!({"StreamName": "s", "RetentionPeriodHours": 24}),
        ),
        (
            "SplitShard",
            5,
            of_stream,
            json!({"StreamName": "s", "ShardToSplit": "shardId-000000000000",
                "NewStartingHashKey": "1000"}),
        ),
        (
            "MergeShards",
            5,
            of_stream,
            json!({"StreamName": "s", "ShardToMerge": "shardId-000000000000",
                "AdjacentShardToMerge": "shardId-000000000001"}),
        ),
        (
            "UpdateShardCount",
            10,
            of_stream,
            json!({"StreamName": "s", "TargetShardCount": 2, "ScalingType": "UNIFORM_SCALING"}),
        ),
        (
            "DeleteStream",
            5,
            of_stream,
            json!({"StreamName": "s", "EnforceConsumerDeletion": true}),
        ),
        // None is documented.
        (
            "TagResource",
            2000,
            "",
            json!({"ResourceARN": arn("s"), "Tags": {"a": "b"}}),
        ),
    ];
    for time_scale in [1, 60] {
        for (operation, allowed, told, body) in &rows {
            let account = Account::limited(time_scale);
            account.create("s", 2);
            account.ok("RegisterStreamConsumer", consumer());
            account.pass(SETTLE_US);
            account.pass(1_000_000);
            let (calls, message) = answered(&account, operation, |_| body.clone());
            assert_eq!((calls, message.as_str()), (*allowed, *told), "{operation}");
            if ["DeleteStream", "DeregisterStreamConsumer", "TagResource"].contains(operation) {
                continue; // What they name is gone now, or no limit is known.
            }
            // One more with each share of a second, by real time at every scale.
            account.pass(1_000_000_u64.div_ceil(u64::from(*allowed)) - 1);
            assert_eq!(answered(&account, operation, |_| body.clone()).0, 0);
            account.pass(1);
            assert_eq!(answered(&account, operation, |_| body.clone()).0, 1);
        }
    }
}

#[test]
fn calls_are_counted_for_each_stream_or_for_the_account() {
    let account = Account::limited(1);
    for name in ["s", "t"] {
        account.create(name, 1);
    }
    let tags = |name: &str| {
        answered(
            &account,
            "ListTagsForStream",
            |_| json!({"StreamName": name}),
        )
    };
    assert_eq!((tags("s").0, tags("t").0), (5, 5));
    let describe =
        |name: &str| answered(&account, "DescribeStream", |_| json!({"StreamName": name}));
    assert_eq!((describe("s").0, describe("t").0), (10, 0));
}

#[test]
fn a_request_that_is_wrong_or_names_no_stream_does_not_count() {
    let account = Account::limited(1);
    account.create("s", 1);
    for _ in 0..50 {
        account.refused("DescribeStream", json!({"StreamName": "none"}));
        account.refused("DescribeStream", json!({"StreamName": "s", "Limit": 0}));
    }
    let (calls, _) = answered(&account, "DescribeStream", |_| json!({"StreamName": "s"}));
    assert_eq!(calls, 10);
}

#[test]
fn without_limits_calls_are_not_counted() {
    let account = Account::with_stream("s", 1);
    for operation in ["ListShards", "DescribeStream"] {
        let (calls, _) = answered(&account, operation, |_| json!({"StreamName": "s"}));
        assert_eq!(calls, 2000, "{operation}");
    }
}
