//! Splits and merges, and that nothing is lost over them.

use std::collections::{BTreeMap, BTreeSet};

use md5::{Digest, Md5};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::account::{Account, SETTLE_US, data, text};

fn key(value: &Value) -> u128 {
    value.as_str().unwrap().parse().unwrap()
}

fn range(shard: &Value) -> (u128, u128) {
    let range = &shard["HashKeyRange"];
    (key(&range["StartingHashKey"]), key(&range["EndingHashKey"]))
}

fn is_open(shard: &Value) -> bool {
    shard["SequenceNumberRange"]["EndingSequenceNumber"].is_null()
}

/// The open shards by hash key; they must partition the key space.
fn open_shards(account: &Account) -> Vec<Value> {
    let mut open: Vec<_> = account.shards("s").into_iter().filter(is_open).collect();
    open.sort_by_key(range);
    assert_eq!(range(&open[0]).0, 0);
    assert_eq!(range(&open[open.len() - 1]).1, u128::MAX);
    for pair in open.windows(2) {
        assert_eq!(range(&pair[0]).1 + 1, range(&pair[1]).0);
    }
    open
}

fn scale(account: &Account, target: u32) -> Value {
    let body = json!({"StreamName": "s", "TargetShardCount": target,
        "ScalingType": "UNIFORM_SCALING"});
    let answer = account.ok("UpdateShardCount", body);
    account.pass(SETTLE_US);
    answer
}

#[test]
fn a_split_closes_the_shard_and_its_readers_are_told_of_the_children() {
    let account = Account::with_stream("s", 1);
    account.put("s", "k", b"before");
    let middle = 1_u128 << 127;
    let body = json!({"StreamName": "s", "ShardToSplit": "shardId-000000000000",
        "NewStartingHashKey": middle.to_string()});
    account.ok("SplitShard", body.clone());
    // While the stream is UPDATING, the old shard goes on.
    assert_eq!(account.put("s", "k", b"during").0, "shardId-000000000000");
    let at_tip = account.iterator("s", "shardId-000000000000", "LATEST");
    assert!(account.records(&at_tip, 1)["NextShardIterator"].is_string());
    account.pass(SETTLE_US);
    assert_ne!(account.put("s", "k", b"after").0, "shardId-000000000000");

    let page = account.records(&account.iterator("s", "shardId-0", "TRIM_HORIZON"), 1);
    assert_eq!(data(&page["Records"][0]), b"before");
    assert!(page.get("ChildShards").is_none(), "the shard has more");
    let page = account.records(page["NextShardIterator"].as_str().unwrap(), 1);
    assert_eq!(data(&page["Records"][0]), b"during");
    assert_eq!(page["NextShardIterator"], Value::Null);
    assert_eq!(page["MillisBehindLatest"], 0);
    assert_eq!(
        page["ChildShards"],
        json!([
            {"ShardId": "shardId-000000000001", "ParentShards": ["shardId-000000000000"],
             "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": (middle - 1).to_string()}},
            {"ShardId": "shardId-000000000002", "ParentShards": ["shardId-000000000000"],
             "HashKeyRange": {"StartingHashKey": middle.to_string(),
                              "EndingHashKey": u128::MAX.to_string()}},
        ])
    );
    let merge = json!({"StreamName": "s", "ShardToMerge": "shardId-000000000000",
        "AdjacentShardToMerge": "shardId-000000000002"});
    let (exception, _) = account.refused("MergeShards", merge);
    assert_eq!(exception, "InvalidArgumentException");
    let (exception, message) = account.refused("SplitShard", body);
    assert_eq!(exception, "InvalidArgumentException");
    assert!(
        message.contains("has already been merged or split"),
        "{message}"
    );

    let ended = &account.shards("s")[0]["SequenceNumberRange"]["EndingSequenceNumber"];
    let answer = account.ok(
        "GetShardIterator",
        json!({"StreamName": "s", "ShardId": "shardId-0",
        "ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": ended}),
    );
    let page = account.records(answer["ShardIterator"].as_str().unwrap(), 1);
    assert_eq!(
        (page["Records"].clone(), page["NextShardIterator"].clone()),
        (json!([]), Value::Null)
    );
}

#[test]
fn only_neighbours_are_merged_and_their_child_names_both() {
    let account = Account::with_stream("s", 3);
    let merge = |a: u32, b: u32| {
        json!({"StreamName": "s",
        "ShardToMerge": format!("shardId-{a:012}"), "AdjacentShardToMerge": format!("shardId-{b:012}")})
    };
    for (a, b) in [(0, 2), (1, 0), (0, 0)] {
        let (exception, message) = account.refused("MergeShards", merge(a, b));
        assert_eq!(exception, "InvalidArgumentException");
        assert!(message.ends_with("are not an adjacent pair of shards eligible for merging"));
    }
    account.ok("MergeShards", merge(1, 2));
    account.pass(SETTLE_US);
    let child = &account.shards("s")[3];
    assert_eq!(child["ParentShardId"], "shardId-000000000001");
    assert_eq!(child["AdjacentParentShardId"], "shardId-000000000002");
    assert_eq!(open_shards(&account).len(), 2);
}

#[test]
fn splits_outside_the_shard_are_refused() {
    let account = Account::with_stream("s", 2);
    let middle = 1_u128 << 127;
    for at in [middle, middle + 1, u128::MAX, 5] {
        let body = json!({"StreamName": "s", "ShardToSplit": "shardId-1",
            "NewStartingHashKey": at.to_string()});
        let (exception, message) = account.refused("SplitShard", body);
        assert_eq!(exception, "InvalidArgumentException");
        assert!(
            message.contains("is not both greater than one plus"),
            "{message}"
        );
    }
}

#[test]
fn the_shard_count_is_updated_to_uniform_shards_within_double_and_half() {
    let account = Account::with_stream("s", 4);
    for (target, expected) in [
        (
            9,
            "UpdateShardCount cannot scale up over double your current open shard count. Current \
             open shard count: 4 Target shard count: 9",
        ),
        (
            1,
            "UpdateShardCount cannot scale down below half your current open shard count.",
        ),
    ] {
        let body = json!({"StreamName": "s", "TargetShardCount": target,
            "ScalingType": "UNIFORM_SCALING"});
        let (exception, message) = account.refused("UpdateShardCount", body);
        assert_eq!(exception, "LimitExceededException");
        assert!(message.contains(expected), "{message}");
    }
    let mut before = 4;
    for target in [8, 4, 5, 3, 6, 12, 7, 13, 26, 25] {
        let answer = scale(&account, target);
        assert_eq!(answer["CurrentShardCount"], before);
        assert_eq!(answer["TargetShardCount"], target);
        before = target;
        let open = open_shards(&account);
        assert_eq!(open.len(), target as usize);
        let width = u128::MAX / u128::from(target);
        for shard in &open {
            let (start, end) = range(shard);
            assert!(
                (end - start).abs_diff(width) < 1 << 66,
                "{target} shards: {start} to {end}"
            );
        }
    }
    let body = json!({"StreamName": "s", "TargetShardCount": 24, "ScalingType": "UNIFORM_SCALING"});
    let (exception, _) = account.refused("UpdateShardCount", body);
    assert_eq!(exception, "LimitExceededException", "ten times in 24 hours");
}

#[test]
fn shards_are_listed_by_every_filter() {
    let account = Account::with_stream("s", 2);
    account.pass(10_000_000);
    let before_ms = account.now_us.get() / 1000;
    account.pass(1_000_000);
    scale(&account, 4); // closes 0 and 1, opens 2 to 5
    account.pass(10_000_000);
    let after_ms = account.now_us.get() / 1000;
    let listed = |filter: Value| -> Vec<u32> {
        let answer = account.ok(
            "ListShards",
            json!({"StreamName": "s", "ShardFilter": filter}),
        );
        let shards = answer["Shards"].as_array().unwrap();
        shards
            .iter()
            .map(|s| s["ShardId"].as_str().unwrap()[8..].parse().unwrap())
            .collect()
    };
    let at = |kind: &str, ms: u64| json!({"Type": kind, "Timestamp": ms as f64 / 1000.0});
    assert_eq!(
        listed(json!({"Type": "FROM_TRIM_HORIZON"})),
        [0, 1, 2, 3, 4, 5]
    );
    assert_eq!(listed(json!({"Type": "AT_TRIM_HORIZON"})), [0, 1]);
    assert_eq!(listed(json!({"Type": "AT_LATEST"})), [2, 3, 4, 5]);
    assert_eq!(
        listed(json!({"Type": "AFTER_SHARD_ID", "ShardId": "shardId-000000000003"})),
        [4, 5]
    );
    assert_eq!(listed(at("AT_TIMESTAMP", before_ms)), [0, 1]);
    assert_eq!(listed(at("AT_TIMESTAMP", after_ms)), [2, 3, 4, 5]);
    assert_eq!(listed(at("FROM_TIMESTAMP", before_ms)), [0, 1, 2, 3, 4, 5]);
    assert_eq!(listed(at("FROM_TIMESTAMP", after_ms)), [2, 3, 4, 5]);
    for filter in [
        json!({"Type": "AT_TIMESTAMP"}),
        json!({"Type": "AFTER_SHARD_ID"}),
    ] {
        let body = json!({"StreamName": "s", "ShardFilter": filter});
        assert_eq!(
            account.refused("ListShards", body).0,
            "InvalidArgumentException"
        );
    }
    // Closed shards are listed for as long as their records are kept.
    account.pass(24 * 3_600_000_000);
    assert_eq!(listed(json!({"Type": "FROM_TRIM_HORIZON"})), [2, 3, 4, 5]);
}

/// One thing that happens to a stream.
#[derive(Clone, Debug)]
enum Event {
    Put(u8),
    Split {
        shard: prop::sample::Index,
        at: u128,
    },
    Merge {
        shard: prop::sample::Index,
    },
    Scale {
        per_mille: u32,
    },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => (1_u8..40).prop_map(Event::Put),
        1 => (any::<prop::sample::Index>(), any::<u128>())
            .prop_map(|(shard, at)| Event::Split { shard, at }),
        1 => any::<prop::sample::Index>().prop_map(|shard| Event::Merge { shard }),
        1 => (500_u32..2000).prop_map(|per_mille| Event::Scale { per_mille }),
    ];
    prop::collection::vec(event, 1..16)
}

fn happen(account: &Account, event: &Event, next: &mut u32) {
    let open = open_shards(account);
    match event {
        Event::Put(count) => {
            let records: Vec<_> = (*next..*next + u32::from(*count))
                .map(|i| {
                    json!({"PartitionKey": i.to_string(),
                    "Data": crate::account::base64(&i.to_be_bytes())})
                })
                .collect();
            *next += u32::from(*count);
            account.ok("PutRecords", json!({"StreamName": "s", "Records": records}));
            account.pass(3_000);
        }
        Event::Split { shard, at } => {
            let shard = shard.get(&open);
            let (start, end) = range(shard);
            if end - start < 4 {
                return;
            }
            let at = start + 2 + at % (end - start - 2);
            let body = json!({"StreamName": "s", "ShardToSplit": shard["ShardId"],
                "NewStartingHashKey": at.to_string()});
            account.ok("SplitShard", body);
        }
        Event::Merge { shard } if open.len() > 1 => {
            let lower = shard.index(open.len() - 1);
            let body = json!({"StreamName": "s", "ShardToMerge": open[lower]["ShardId"],
                "AdjacentShardToMerge": open[lower + 1]["ShardId"]});
            account.ok("MergeShards", body);
        }
        Event::Merge { .. } => {}
        Event::Scale { per_mille } => {
            let count = open.len() as u32;
            let target = (count * per_mille / 1000)
                .clamp(count.div_ceil(2), 2 * count)
                .min(40);
            let body = json!({"StreamName": "s", "TargetShardCount": target,
                "ScalingType": "UNIFORM_SCALING"});
            // The same count and the eleventh update of a day are refused.
            let _ = account.call("UpdateShardCount", body);
        }
    }
    account.pass(SETTLE_US);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_record_is_read_exactly_once_by_walking_shards_and_their_children(
        events in events(),
        page in 1_usize..50,
    ) {
        let account = Account::with_stream("s", 2);
        let mut put = 0;
        for event in &events {
            happen(&account, event, &mut put);
        }
        open_shards(&account);
        let shards: BTreeMap<String, Value> = account.shards("s").into_iter()
            .map(|shard| (text(&shard["ShardId"]), shard)).collect();

        // From the first shards on, each child when all its parents are done.
        let mut todo: Vec<String> = vec![0, 1].into_iter().map(|i| format!("shardId-{i:012}")).collect();
        let mut done = BTreeSet::new();
        let mut seen = BTreeSet::new();
        while let Some(id) = todo.pop() {
            let shard = &shards[&id];
            let (start, end) = range(shard);
            let numbers = &shard["SequenceNumberRange"];
            let mut last = text(&numbers["StartingSequenceNumber"]);
            for parent in ["ParentShardId", "AdjacentParentShardId"] {
                if let Some(parent) = shard[parent].as_str() {
                    let ended = &shards[parent]["SequenceNumberRange"]["EndingSequenceNumber"];
                    prop_assert!(ended.as_str().unwrap() < last.as_str(), "numbers grow to children");
                }
            }
            let mut iterator = account.iterator("s", &id, "TRIM_HORIZON");
            loop {
                let answer = account.records(&iterator, page);
                for record in answer["Records"].as_array().unwrap() {
                    let i = u32::from_be_bytes(data(record).try_into().unwrap());
                    prop_assert!(seen.insert(i), "record {i} is read once");
                    let hash = u128::from_be_bytes(Md5::digest(i.to_string()).into());
                    prop_assert!(start <= hash && hash <= end, "record {i} is where its key says");
                    let number = text(&record["SequenceNumber"]);
                    prop_assert!(number > last && number.len() == 56);
                    last = number;
                }
                match answer["NextShardIterator"].as_str() {
                    Some(next) if answer["MillisBehindLatest"] != 0 => iterator = next.to_owned(),
                    Some(_) => {
                        prop_assert!(is_open(shard));
                        break;
                    }
                    None => {
                        prop_assert!(numbers["EndingSequenceNumber"].as_str().unwrap() > last.as_str());
                        done.insert(id.clone());
                        for child in answer["ChildShards"].as_array().unwrap() {
                            let parents = child["ParentShards"].as_array().unwrap();
                            if parents.iter().all(|p| done.contains(p.as_str().unwrap())) {
                                todo.push(text(&child["ShardId"]));
                            }
                        }
                        break;
                    }
                }
            }
        }
        prop_assert_eq!(seen.len() as u32, put);
    }
}
