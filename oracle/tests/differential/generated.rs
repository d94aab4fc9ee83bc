//! Generated requests, from fixed seeds.

use hrload_oracle::{Answer, Pair};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::{Value, json};

use crate::support::*;

/// An attribute value of any type, nested up to three deep.
fn attribute() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        "[ -~]{0,20}".prop_map(|s| json!({"S": s})),
        "\\PC{0,8}".prop_map(|s| json!({"S": s})),
        (any::<i64>(), 0u32..6).prop_map(|(n, scale)| json!({"N": format!("{n}e-{scale}")})),
        any::<bool>().prop_map(|b| json!({"BOOL": b})),
        Just(json!({"NULL": true})),
        proptest::collection::btree_set("[a-z]{1,4}", 1..4).prop_map(|s| json!({"SS": s})),
        proptest::collection::btree_set(-99i32..99, 1..4)
            .prop_map(|s| json!({"NS": s.iter().map(ToString::to_string).collect::<Vec<_>>()})),
        Just(json!({"B": "aGVhcnQ="})),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|l| json!({"L": l})),
            proptest::collection::btree_map("[a-z]{1,5}", inner, 0..4)
                .prop_map(|m| json!({"M": m})),
        ]
    })
}

fn runner(cases: u32, seed: u64) -> TestRunner {
    TestRunner::new(Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..Config::default()
    })
}

/// Fails a property if the engines do not answer the same, sets in any order.
fn same(pair: &Pair, operation: &str, body: &Value) -> Result<Answer, TestCaseError> {
    let (ours, theirs) = pair.call(operation, body);
    let (ours, theirs) = (sets_sorted(ours), sets_sorted(theirs));
    prop_assert_eq!(&ours, &theirs, "{} {}", operation, body);
    Ok(ours)
}

#[test]
fn any_item_comes_back_from_both_as_it_went_in() {
    let pair = furnished();
    let items = proptest::collection::btree_map("[a-zA-Z_]{1,8}|\\PC{1,4}", attribute(), 0..5);
    runner(400, 7)
        .run(&items, |attributes| {
            let mut item: Value = json!(attributes);
            item["id"] = json!({"S": "any"});
            let put = json!({"TableName": "readings", "Item": item, "ReturnValues": "ALL_OLD", "ReturnConsumedCapacity": "TOTAL"});
            same(&pair, "PutItem", &put)?;
            let get = json!({"TableName": "readings", "Key": {"id": {"S": "any"}}, "ReturnConsumedCapacity": "TOTAL"});
            same(&pair, "GetItem", &get)?;
            Ok(())
        })
        .unwrap();
}

#[test]
fn any_number_is_kept_or_refused_alike() {
    let pair = furnished();
    let numbers = prop_oneof![
        "[+-]?0{0,3}[0-9]{0,20}(\\.[0-9]{0,20}0{0,3})?([eE][+-]?[0-9]{1,3})?",
        "[+-]?[1-9][0-9]{36,39}",
        "[1-9]e-?12[4-9]|[1-9]e-?13[0-2]",
        "[-+.eE0-9 ]{0,8}",
    ];
    let cases = (
        numbers.clone(),
        proptest::collection::vec(numbers, 1..3),
        any::<bool>(),
    );
    runner(600, 11)
        .run(&cases, |(number, set, batch)| {
            let item = json!({"id": {"S": "number"}, "n": {"N": number}, "s": {"NS": set}});
            let (operation, body) = if batch {
                (
                    "BatchWriteItem",
                    json!({"RequestItems": {"readings": [{"PutRequest": {"Item": item}}]}}),
                )
            } else {
                ("PutItem", json!({"TableName": "readings", "Item": item}))
            };
            same(&pair, operation, &body)?;
            same(
                &pair,
                "GetItem",
                &json!({"TableName": "readings", "Key": {"id": {"S": "number"}}}),
            )?;
            Ok(())
        })
        .unwrap();
}

/// A sort key, all of few so that they meet.
fn sort_number() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        (-30i32..30).prop_map(|n| n.to_string()),
        (-30i32..30, 1u32..4).prop_map(|(n, e)| format!("{n}e-{e}")),
        (-3i32..3, 10u32..100).prop_map(|(n, e)| format!("{n}e{e}")),
    ]
}

fn sort_text() -> impl Strategy<Value = String> + Clone {
    "[ab]{1,3}|[a-c\u{00e9}\u{ffff}\u{10000}]{1,2}"
}

#[derive(Debug, Clone)]
struct RandomQuery {
    form: usize,
    low: Value,
    high: Value,
    forward: bool,
    limit: usize,
    consumed: &'static str,
}

fn random_query(sort: impl Strategy<Value = Value> + Clone) -> impl Strategy<Value = RandomQuery> {
    let consumed = prop_oneof![Just("NONE"), Just("TOTAL"), Just("INDEXES")];
    (
        0usize..8,
        sort.clone(),
        sort,
        any::<bool>(),
        1usize..8,
        consumed,
    )
        .prop_map(|(form, low, high, forward, limit, consumed)| RandomQuery {
            form,
            low,
            high,
            forward,
            limit,
            consumed,
        })
}

impl RandomQuery {
    fn body(&self, table: &str) -> Value {
        const FORMS: [&str; 8] = [
            "#at = :low",
            "#at < :low",
            "#at <= :low",
            "#at > :low",
            ":low <= #at",
            "#at BETWEEN :low AND :high",
            "begins_with(#at, :low)",
            "",
        ];
        let form = FORMS[self.form];
        let mut body = json!({
            "TableName": table,
            "KeyConditionExpression": if form.is_empty() { "device = :d".to_owned() } else { format!("device = :d AND {form}") },
            "ExpressionAttributeValues": {":d": {"S": "q"}},
            "ScanIndexForward": self.forward,
            "Limit": self.limit,
            "ReturnConsumedCapacity": self.consumed,
        });
        if form.contains("#at") {
            body["ExpressionAttributeNames"] = json!({"#at": "at"});
        }
        if form.contains(":low") {
            body["ExpressionAttributeValues"][":low"] = self.low.clone();
        }
        if form.contains(":high") {
            body["ExpressionAttributeValues"][":high"] = self.high.clone();
        }
        body
    }
}

/// Fills a partition with random sort keys, then reads random ranges of it,
/// page by page.
fn queries_agree(table: &str, sort: impl Strategy<Value = Value> + Clone + 'static, seed: u64) {
    let pair = furnished();
    let items = proptest::collection::vec((sort.clone(), 0usize..3_000), 60);
    runner(1, seed)
        .run(&items, |items| {
            for (at, padding) in items {
                let item =
                    json!({"device": {"S": "q"}, "at": at, "pad": {"S": "x".repeat(padding)}});
                let put =
                    json!({"TableName": table, "Item": item, "ReturnConsumedCapacity": "TOTAL"});
                same(&pair, "PutItem", &put)?;
            }
            Ok(())
        })
        .unwrap();
    runner(150, seed)
        .run(&random_query(sort), |query| {
            let mut body = query.body(table);
            loop {
                let page = same(&pair, "Query", &body)?;
                match page.body.get("LastEvaluatedKey") {
                    Some(key) => body["ExclusiveStartKey"] = key.clone(),
                    None => return Ok(()),
                }
            }
        })
        .unwrap();
}

#[test]
fn any_range_of_numbers_is_found_and_paged_alike() {
    queries_agree("series", sort_number().prop_map(|n| json!({"N": n})), 13);
}

#[test]
fn any_range_of_strings_is_found_and_paged_alike() {
    queries_agree("names", sort_text().prop_map(|s| json!({"S": s})), 17);
}

#[test]
fn any_range_of_binaries_is_found_and_paged_alike() {
    let binary = prop_oneof![
        "AA==", "AAA=", "/w==", "/wA=", "//8=", "f/8=", "gA==", "gAE="
    ];
    queries_agree("blobs", binary.prop_map(|b| json!({"B": b})), 19);
}

#[test]
fn any_batch_of_puts_and_deletes_leaves_the_same_tables() {
    let pair = furnished();
    // Few keys, so that batches overwrite, delete what is missing, and now and
    // then name a key twice.
    let request = (0u32..60, 0usize..5, any::<bool>(), 0usize..2_500);
    let batches = proptest::collection::vec(request, 1..=26);
    runner(150, 23)
        .run(&batches, |requests| {
            let mut items = json!({});
            for (n, kind, _, padding) in &requests {
                let pad = json!({"S": "x".repeat(*padding)});
                let (table, request) = match kind {
                    0 => ("readings", json!({"DeleteRequest": {"Key": {"id": {"S": n.to_string()}}}})),
                    1 => ("series", json!({"DeleteRequest": {"Key": {"device": {"S": "b"}, "at": {"N": n.to_string()}}}})),
                    2 | 3 => ("readings", json!({"PutRequest": {"Item": {"id": {"S": n.to_string()}, "pad": pad}}})),
                    _ => ("series", json!({"PutRequest": {"Item": {"device": {"S": "b"}, "at": {"N": n.to_string()}, "pad": pad}}})),
                };
                let list = items.as_object_mut().unwrap().entry(table).or_insert(json!([]));
                list.as_array_mut().unwrap().push(request);
            }
            let detail = if requests[0].2 { "TOTAL" } else { "INDEXES" };
            let body = json!({"RequestItems": items, "ReturnConsumedCapacity": detail});
            same(&pair, "BatchWriteItem", &body)?;
            Ok(())
        })
        .unwrap();
    for table in ["readings", "series"] {
        // Not its units: theirs counts every table as one partition.
        let (ours, theirs) = pair.call("Scan", &json!({"TableName": table}));
        assert_eq!(items_sorted(ours), items_sorted(theirs), "{table}");
    }
    for at in 0..60 {
        let key = json!({"id": {"S": at.to_string()}});
        agree(
            &pair,
            "GetItem",
            &json!({"TableName": "readings", "Key": key}),
        );
    }
}

/// A scan's order is that of a hash that AWS does not publish.
fn items_sorted(mut answer: Answer) -> Answer {
    if let Some(Value::Array(items)) = answer.body.get_mut("Items") {
        items.sort_by_key(ToString::to_string);
    }
    answer
}

/// Sets have no order, on AWS either.
fn sets_sorted(mut answer: Answer) -> Answer {
    fn walk(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (name, member) in members.iter_mut() {
                    if let ("SS" | "NS" | "BS", Value::Array(elements)) =
                        (name.as_str(), &mut *member)
                    {
                        elements.sort_by_key(ToString::to_string);
                    } else {
                        walk(member);
                    }
                }
            }
            Value::Array(elements) => elements.iter_mut().for_each(walk),
            _ => {}
        }
    }
    walk(&mut answer.body);
    answer
}
