//! Writing and reading items.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::direct::Direct;

#[test]
fn an_item_comes_back_as_dynamodb_would_return_it() {
    let direct = Direct::with_tables();
    let put = r#"{"TableName":"t.t","Item":{
        "id":{"S":"a\u00e9\ud83d\ude00\/\""},"n":{"N":"007.50"},"neg":{"N":"-1e-3"},"big":{"N":"1E2"},
        "b":{"B":"AAEC"},"t":{"BOOL":true},"z":{"NULL":true},"s":{"S":""},
        "ss":{"SS":["b","a"]},"ns":{"NS":["10","9.0"]},"bs":{"BS":["Ag==","AQ=="]},
        "l":{"L":[{"S":"x"},{"M":{"k":{"N":"1.0"},"a":{"S":"y"}}}]},"\u006eame":{"S":"first"},"name":{"S":"last"}}}"#;
    direct.call("PutItem", put).unwrap();
    let got = direct.ok(
        "GetItem",
        json!({"TableName": "t.t", "Key": {"id": {"S": "aé😀/\""}}}),
    );
    assert_eq!(
        got["Item"],
        json!({
            "id": {"S": "aé😀/\""}, "n": {"N": "7.5"}, "neg": {"N": "-0.001"}, "big": {"N": "100"},
            "b": {"B": "AAEC"}, "t": {"BOOL": true}, "z": {"NULL": true}, "s": {"S": ""},
            "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["9", "10"]}, "bs": {"BS": ["AQ==", "Ag=="]},
            "l": {"L": [{"S": "x"}, {"M": {"k": {"N": "1"}, "a": {"S": "y"}}}]}, "name": {"S": "last"},
        })
    );
}

#[test]
fn a_batch_writes_deletes_and_reports_its_capacity_in_all_forms() {
    let direct = Direct::with_tables();
    let puts: Vec<Value> = (0..24)
        .map(|n| json!({"PutRequest": {"Item": {"id": {"S": format!("i{n}")}}}}))
        .chain([
            json!({"PutRequest": {"Item": {"id": {"S": "big"}, "v": {"S": "x".repeat(2000)}}}}),
        ])
        .collect();
    let mut body = json!({"RequestItems": {"t.t": puts}, "ReturnConsumedCapacity": "TOTAL"});
    let answer = direct.ok("BatchWriteItem", body.clone());
    let total = json!([{"TableName": "t.t", "CapacityUnits": 26.0}]);
    assert_eq!(
        answer,
        json!({"UnprocessedItems": {}, "ConsumedCapacity": total})
    );
    body["ReturnConsumedCapacity"] = json!("INDEXES");
    let answer = direct.ok("BatchWriteItem", body.clone());
    assert_eq!(
        answer["ConsumedCapacity"][0]["Table"]["CapacityUnits"],
        26.0
    );
    body["ReturnConsumedCapacity"] = json!("NONE");
    assert_eq!(
        direct.ok("BatchWriteItem", body),
        json!({"UnprocessedItems": {}})
    );

    let mixed = json!({"RequestItems": {
        "t.t": [{"DeleteRequest": {"Key": {"id": {"S": "big"}}}},
                {"DeleteRequest": {"Key": {"id": {"S": "never there"}}}},
                {"PutRequest": {"Item": {"id": {"S": "i0"}, "v": {"N": "1"}}}}],
        "s.s": [{"PutRequest": {"Item": {"p": {"S": "a"}, "k": {"N": "1"}}}}],
    }, "ReturnConsumedCapacity": "TOTAL"});
    let answer = direct.ok("BatchWriteItem", mixed);
    // A delete costs what it deletes, or one unit.
    let units = |table: &str| {
        let list = answer["ConsumedCapacity"].as_array().unwrap();
        list.iter().find(|c| c["TableName"] == table).unwrap()["CapacityUnits"].clone()
    };
    assert_eq!((units("t.t"), units("s.s")), (json!(4.0), json!(1.0)));
    let count = direct.ok("Scan", json!({"TableName": "t.t", "Select": "COUNT"}));
    assert_eq!(count["Count"], 24);
}

#[test]
fn an_overwrite_costs_the_larger_of_both_items_and_returns_the_old_one_if_asked() {
    let direct = Direct::with_tables();
    let put = |v: &str| {
        direct.ok(
            "PutItem",
            json!({"TableName": "t.t", "ReturnValues": "ALL_OLD",
            "ReturnConsumedCapacity": "TOTAL", "Item": {"id": {"S": "a"}, "v": {"S": v}}}),
        )
    };
    let large = "x".repeat(3000);
    let first = put(&large);
    assert!(first.get("Attributes").is_none());
    let second = put("small");
    assert_eq!(second["ConsumedCapacity"]["CapacityUnits"], 3.0);
    assert_eq!(second["Attributes"]["v"]["S"], large);
    let deleted = direct.ok(
        "DeleteItem",
        json!({"TableName": "t.t", "ReturnValues": "ALL_OLD",
        "Key": {"id": {"S": "a"}}}),
    );
    assert_eq!(deleted["Attributes"]["v"]["S"], "small");
    assert_eq!(
        direct.ok(
            "GetItem",
            json!({"TableName": "t.t", "Key": {"id": {"S": "a"}}})
        ),
        json!({})
    );
}

#[test]
fn reads_cost_half_unless_they_are_consistent() {
    let direct = Direct::with_tables();
    direct.ok(
        "PutItem",
        json!({"TableName": "t.t", "Item": {"id": {"S": "a"}, "v": {"S": "x".repeat(5000)}}}),
    );
    for (consistent, units) in [(false, 1.0), (true, 2.0)] {
        let got = direct.ok(
            "GetItem",
            json!({"TableName": "t.t", "Key": {"id": {"S": "a"}},
            "ConsistentRead": consistent, "ReturnConsumedCapacity": "TOTAL"}),
        );
        assert_eq!(got["ConsumedCapacity"]["CapacityUnits"], units);
    }
    let batch = direct.ok(
        "BatchGetItem",
        json!({"RequestItems": {"t.t": {
        "Keys": [{"id": {"S": "a"}}, {"id": {"S": "b"}}], "ConsistentRead": true}},
        "ReturnConsumedCapacity": "TOTAL"}),
    );
    assert_eq!(batch["Responses"]["t.t"].as_array().unwrap().len(), 1);
    assert_eq!(batch["UnprocessedKeys"], json!({}));
    assert_eq!(batch["ConsumedCapacity"][0]["CapacityUnits"], 3.0);
}

/// All pages of a Query or Scan, following the keys it gives.
fn pages(direct: &Direct, operation: &str, body: &Value) -> Vec<Value> {
    let mut body = body.clone();
    let mut items = Vec::new();
    loop {
        let page = direct.ok(operation, body.clone());
        items.extend(page["Items"].as_array().unwrap().iter().cloned());
        match page.get("LastEvaluatedKey") {
            Some(key) => body["ExclusiveStartKey"] = key.clone(),
            None => return items,
        }
    }
}

#[test]
fn queries_return_the_asked_for_range_in_order_of_the_sort_key() {
    let direct = Direct::with_tables();
    for k in ["-20", "-3", "0", "0.5", "2", "10", "100"] {
        direct.ok(
            "PutItem",
            json!({"TableName": "s.s", "Item": {"p": {"S": "a"}, "k": {"N": k}}}),
        );
        direct.ok(
            "PutItem",
            json!({"TableName": "s.s", "Item": {"p": {"S": "other"}, "k": {"N": k}}}),
        );
    }
    for (condition, values, expected) in [
        (
            "",
            json!({}),
            vec!["-20", "-3", "0", "0.5", "2", "10", "100"],
        ),
        ("AND k = :x", json!({":x": {"N": "0.50"}}), vec!["0.5"]),
        ("AND k < :x", json!({":x": {"N": "0"}}), vec!["-20", "-3"]),
        (
            "AND k <= :x",
            json!({":x": {"N": "0"}}),
            vec!["-20", "-3", "0"],
        ),
        ("AND k > :x", json!({":x": {"N": "2"}}), vec!["10", "100"]),
        (
            "AND :x <= k",
            json!({":x": {"N": "2"}}),
            vec!["2", "10", "100"],
        ),
        (
            "AND k BETWEEN :x AND :y",
            json!({":x": {"N": "-3"}, ":y": {"N": "2"}}),
            vec!["-3", "0", "0.5", "2"],
        ),
        ("AND k > :x", json!({":x": {"N": "100"}}), vec![]),
        ("AND k = :x", json!({":x": {"N": "1"}}), vec![]),
    ] {
        let mut values = values;
        values[":p"] = json!({"S": "a"});
        for (forward, limit) in [(true, 2), (false, 3), (true, 100)] {
            let body = json!({"TableName": "s.s", "KeyConditionExpression": format!("#p = :p {condition}"),
                "ExpressionAttributeNames": {"#p": "p"}, "ExpressionAttributeValues": values,
                "ScanIndexForward": forward, "Limit": limit});
            let mut found: Vec<String> = pages(&direct, "Query", &body)
                .iter()
                .map(|item| item["k"]["N"].as_str().unwrap().to_owned())
                .collect();
            if !forward {
                found.reverse();
            }
            assert_eq!(
                found, expected,
                "{condition} forward {forward} limit {limit}"
            );
        }
    }
}

#[test]
fn begins_with_finds_exactly_the_keys_with_the_prefix() {
    let mut direct = Direct::new();
    direct.create("text", &[("p", "B"), ("k", "S")]);
    direct.now_us += 20_000;
    for k in ["a", "ab", "abc", "abd", "ac", "b", "ab\u{10ffff}"] {
        direct.ok(
            "PutItem",
            json!({"TableName": "text", "Item": {"p": {"B": "AQ=="}, "k": {"S": k}}}),
        );
    }
    let found = direct.ok(
        "Query",
        json!({"TableName": "text", "Select": "COUNT",
        "KeyConditionExpression": "p = :p AND begins_with(k, :k)",
        "ExpressionAttributeValues": {":p": {"B": "AQ=="}, ":k": {"S": "ab"}}}),
    );
    assert_eq!(found, json!({"Count": 4, "ScannedCount": 4}));
}

#[test]
fn a_page_ends_at_one_megabyte() {
    let direct = Direct::with_tables();
    for n in 0..8 {
        direct.ok(
            "PutItem",
            json!({"TableName": "s.s", "Item": {"p": {"S": "a"}, "k": {"N": n.to_string()},
            "v": {"S": "x".repeat(300_000)}}}),
        );
    }
    let query = json!({"TableName": "s.s", "KeyConditionExpression": "p = :p",
        "ExpressionAttributeValues": {":p": {"S": "a"}}});
    let page = direct.ok("Query", query.clone());
    assert_eq!(
        (&page["Count"], &page["LastEvaluatedKey"]["k"]["N"]),
        (&json!(3), &json!("2"))
    );
    assert_eq!(pages(&direct, "Query", &query).len(), 8);
    assert_eq!(
        pages(&direct, "Scan", &json!({"TableName": "s.s"})).len(),
        8
    );
}

#[test]
fn parallel_scans_see_every_item_exactly_once() {
    let direct = Direct::with_tables();
    for batch in 0..20 {
        let puts: Vec<Value> = (0..25)
            .map(|n| json!({"PutRequest": {"Item": {"id": {"S": format!("{batch}-{n}")}}}}))
            .collect();
        direct.ok("BatchWriteItem", json!({"RequestItems": {"t.t": puts}}));
    }
    for total in [1, 2, 3, 7, 100] {
        let mut seen = Vec::new();
        for segment in 0..total {
            let body = json!({"TableName": "t.t", "Segment": segment, "TotalSegments": total, "Limit": 13});
            let items = pages(&direct, "Scan", &body);
            seen.extend(
                items
                    .iter()
                    .map(|item| item["id"]["S"].as_str().unwrap().to_owned()),
            );
        }
        seen.sort();
        let all = seen.len();
        seen.dedup();
        assert_eq!((all, seen.len()), (500, 500), "{total} segments");
    }
}

#[test]
fn beyond_what_is_retained_old_items_go_and_are_counted() {
    let direct = Direct::retaining(200_000).and_tables();
    for n in 0..1000 {
        direct.ok(
            "PutItem",
            json!({"TableName": "t.t", "Item": {"id": {"S": n.to_string()},
            "v": {"S": "x".repeat(1000)}}}),
        );
    }
    let count = direct.ok("Scan", json!({"TableName": "t.t", "Select": "COUNT"}));
    let kept = count["Count"].as_u64().unwrap();
    assert_eq!(kept + direct.database.evicted(), 1000);
    assert!((100..=200).contains(&kept), "{kept}");
    let newest = direct.ok(
        "GetItem",
        json!({"TableName": "t.t", "Key": {"id": {"S": "999"}}}),
    );
    assert_eq!(newest["Item"]["id"]["S"], "999");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_table_holds_what_a_sorted_map_would_hold(
        writes in proptest::collection::vec((0u8..4, -50i32..50, any::<bool>(), 0u8..3), 1..120),
        low in -50i32..50, high in -50i32..50,
    ) {
        let direct = Direct::with_tables();
        let mut model = std::collections::BTreeMap::new();
        for (p, k, delete, v) in writes {
            let key = json!({"p": {"S": format!("p{p}")}, "k": {"N": format!("{k}.0")}});
            if delete {
                direct.ok("DeleteItem", json!({"TableName": "s.s", "Key": key}));
                model.remove(&(p, k));
            } else {
                let mut item = key;
                item["v"] = json!({"N": v.to_string()});
                direct.ok("PutItem", json!({"TableName": "s.s", "Item": item}));
                model.insert((p, k), v);
            }
        }
        let all = pages(&direct, "Scan", &json!({"TableName": "s.s", "Limit": 7}));
        prop_assert_eq!(all.len(), model.len());
        let (low, high) = (low.min(high), low.max(high));
        for p in 0..4 {
            let found = pages(&direct, "Query", &json!({"TableName": "s.s", "Limit": 5,
                "KeyConditionExpression": "p = :p AND k BETWEEN :a AND :b",
                "ExpressionAttributeValues": {":p": {"S": format!("p{p}")},
                    ":a": {"N": low.to_string()}, ":b": {"N": high.to_string()}}}));
            let found: Vec<(i32, u8)> = found.iter().map(|item| (
                item["k"]["N"].as_str().unwrap().parse().unwrap(),
                item["v"]["N"].as_str().unwrap().parse().unwrap(),
            )).collect();
            let expected: Vec<(i32, u8)> = model.range((p, low)..=(p, high)).map(|((_, k), v)| (*k, *v)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
