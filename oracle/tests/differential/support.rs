//! Both engines with tables in them, and how their answers are compared.

use hrload_oracle::{Answer, Pair};
use serde_json::{Value, json};

pub(crate) fn hash_table(name: &str) -> Value {
    json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    })
}

/// Provisioned, so that it has one partition: theirs counts a scan as if all tables had.
pub(crate) fn range_table(name: &str, sort: &str) -> Value {
    json!({
        "TableName": name,
        "BillingMode": "PROVISIONED",
        "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
        "AttributeDefinitions": [
            {"AttributeName": "device", "AttributeType": "S"},
            {"AttributeName": "at", "AttributeType": sort},
        ],
        "KeySchema": [
            {"AttributeName": "device", "KeyType": "HASH"},
            {"AttributeName": "at", "KeyType": "RANGE"},
        ],
    })
}

/// Both engines, with the same tables and items in them.
pub(crate) fn furnished() -> Pair {
    let pair = Pair::start();
    for table in [
        hash_table("readings"),
        range_table("series", "N"),
        range_table("names", "S"),
        range_table("blobs", "B"),
    ] {
        let (ours, theirs) = pair.call("CreateTable", &table);
        assert_eq!(
            (ours.status, theirs.status),
            (200, 200),
            "{ours:?} {theirs:?}"
        );
    }
    for table in ["readings", "series", "names", "blobs"] {
        await_active(&pair, table);
    }
    for at in ["-5", "0", "1", "2.5", "10", "100", "3e2"] {
        agree(
            &pair,
            "PutItem",
            &json!({"TableName": "series", "Item": {"device": {"S": "a"}, "at": {"N": at}, "bpm": {"N": "72"}}}),
        );
    }
    for at in ["", "alpha", "alps", "beta", "z"] {
        let body = json!({"TableName": "names", "Item": {"device": {"S": "a"}, "at": {"S": at}, "bpm": {"N": "72"}}});
        agree(&pair, "PutItem", &body);
    }
    agree(
        &pair,
        "PutItem",
        &json!({"TableName": "readings", "Item": {"id": {"S": "1"}, "HeartRate": {"S": "72"}}}),
    );
    pair
}

pub(crate) fn await_active(pair: &Pair, table: &str) {
    for _ in 0..2_000 {
        let (ours, theirs) = pair.call("DescribeTable", &json!({"TableName": table}));
        let active = |answer: &Answer| answer.body["Table"]["TableStatus"] == "ACTIVE";
        if active(&ours) && active(&theirs) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("table {table} does not become ACTIVE");
}

#[track_caller]
pub(crate) fn agree(pair: &Pair, operation: &str, body: &Value) {
    let (ours, theirs) = pair.call(operation, body);
    assert_eq!(ours, theirs, "{operation} {body}");
}

/// What the engines answer to a body, if they do not answer the same.
pub(crate) fn difference_raw(pair: &Pair, operation: &str, body: &str) -> Option<String> {
    let (ours, theirs) = pair.call_raw(operation, body);
    (ours != theirs).then(|| format!("{operation} {}", shown(body, &ours, &theirs)))
}

/// Both answers to a body, to be read.
pub(crate) fn shown(body: &str, ours: &Answer, theirs: &Answer) -> String {
    let answer = |a: &Answer| format!("{} {} {}", a.status, a.exception, a.body);
    let (ours, theirs) = (answer(ours), answer(theirs));
    format!("{body}\n  ours:   {ours}\n  theirs: {theirs}")
}

/// Runs all cases before it fails, and shows every difference at once.
#[track_caller]
pub(crate) fn agree_on_all(pair: &Pair, cases: &[(&str, Value)]) {
    let differences: Vec<String> = cases
        .iter()
        .filter_map(|(operation, body)| difference_raw(pair, operation, &body.to_string()))
        .collect();
    assert!(
        differences.is_empty(),
        "{} of {} differ:\n{}",
        differences.len(),
        cases.len(),
        differences.join("\n")
    );
}
