//! Answers that are empty, broken or untrue.

use serde_json::{Value, json};

use crate::case::Case;
use crate::play::{CLIENTS, against, all, server};
use crate::support::proxy::{Fate, Proxy, amend};
use crate::told::Told;

const JSON: &str = "application/x-amz-json-1.0";
const PAGE: &str = "<html><body><h1>Sign in</h1></body></html>";

/// Calls that are answered well before the weather turns.
const BEFORE: u32 = 5;
/// How many are answered badly, where it passes.
const BAD: u32 = 5;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for client in CLIENTS {
        cases.extend(of_writes(client));
        cases.extend(for_ever(client));
    }
    cases.extend(of_set_up());
    cases
}

/// A run whose write calls meet this from the sixth to the tenth.
fn passing(client: &str, local: &str, bad: impl Fn() -> Fate + Send + Sync + 'static) -> Told {
    let local = server(local);
    let proxy = Proxy::in_weather(local.address(), move |operation, before| {
        match operation == "BatchWriteItem" && (BEFORE..BEFORE + BAD).contains(&before) {
            true => bad(),
            false => Fate::Pass,
        }
    });
    let words = format!("--via none --client {client} -d 1s -r 200/s --batch 10");
    all(against(proxy.address, &words))
}

/// What an answer to BatchWriteItem may be instead of one.
type Lie = (&'static str, &'static str, fn() -> Fate, &'static str);

static LIES: [Lie; 13] = [
    (
        "empty-answer",
        "five answers 200 with no body",
        || Fate::Answer(200, JSON, ""),
        "unreadable-answer",
    ),
    (
        "no-content",
        "five answers 204, which have no body",
        || Fate::Answer(204, JSON, ""),
        "unreadable-answer",
    ),
    (
        "accepted",
        "five answers 202 with no body",
        || Fate::Answer(202, JSON, ""),
        "unreadable-answer",
    ),
    (
        "accepted-page",
        "five answers 202 with a web page",
        || Fate::Answer(202, "text/html", PAGE),
        "unreadable-answer",
    ),
    (
        "empty-object",
        "five answers {}",
        || Fate::Answer(200, JSON, "{}"),
        "unreadable-answer",
    ),
    (
        "truncated-answer",
        "five answers are cut off in their JSON",
        || Fate::Truncate(20),
        "unreadable-answer",
    ),
    (
        "wrong-checksum",
        "five answers have another body's x-amz-crc32",
        || Fate::Garble,
        "crc32-mismatch",
    ),
    (
        "page-instead",
        "five answers 200 with a web page",
        || Fate::Answer(200, "text/html", PAGE),
        "unreadable-answer",
    ),
    (
        "page-503",
        "five answers 503 with a web page",
        || Fate::Answer(503, "text/html", PAGE),
        "http-503",
    ),
    (
        "unprocessed-null",
        "five answers say UnprocessedItems: null",
        || amend(|body| body["UnprocessedItems"] = Value::Null),
        "unreadable-answer",
    ),
    (
        "capacity-only",
        "five answers have ConsumedCapacity and no UnprocessedItems",
        || amend(|body| drop(body.as_object_mut().unwrap().remove("UnprocessedItems"))),
        "unreadable-answer",
    ),
    (
        "unprocessed-foreign",
        "five answers name an item as unwritten that was not sent",
        || amend(|body| body["UnprocessedItems"] = not_sent()),
        "unreadable-answer",
    ),
    (
        "unprocessed-garbage",
        "five answers name something as unwritten that is no item",
        || amend(|body| body["UnprocessedItems"] = json!({"t": [{"PutRequest": 7}]})),
        "unreadable-answer",
    ),
];

/// A reading as the default layout has it, of no run.
fn not_sent() -> Value {
    json!({"t": [{"PutRequest": {"Item": {
        "id": {"S": "1721011165.000000-7-7"},
        "HeartRate": {"S": "70"},
        "SensorID": {"S": "7"},
        "ReportTime": {"S": "07/15/24 02:39:25"},
    }}}]})
}

fn of_writes(client: &'static str) -> Vec<Case> {
    let lies = LIES.iter().map(|&(name, injected, fate, code)| {
        Case::new(format!("{name}/{client}"), injected, move || {
            passing(client, "", fate)
        })
        .comes_out("held", &[])
        .all_written()
        .cause("target", &["answered 5 calls with an error", code])
    });
    let mut cases: Vec<Case> = lies.collect();
    cases.push(
        Case::new(
            format!("unprocessed-twice/{client}"),
            "items come back unwritten, each named twice",
            move || {
                passing(client, "--fault unprocessed=5%", || {
                    amend(|body| {
                        let tables = body["UnprocessedItems"].as_object_mut().unwrap();
                        for items in tables.values_mut() {
                            let items = items.as_array_mut().unwrap();
                            items.extend(items.clone());
                        }
                    })
                })
            },
        )
        .comes_out("held", &[])
        .all_written()
        .perhaps_cause("target", &["answered", "unreadable-answer"])
        .cause("target", &["no capacity for", "UnprocessedItems"]),
    );
    cases
}

/// What never tells that anything was written is not taken for written.
fn for_ever(client: &'static str) -> Vec<Case> {
    let meet = move |bad: fn() -> Fate| {
        let local = server("");
        let proxy = Proxy::in_weather(local.address(), move |operation, before| {
            match operation == "BatchWriteItem" && before >= BEFORE {
                true => bad(),
                false => Fate::Pass,
            }
        });
        let words = format!("--client {client} -d 1s --batch 10 --attempts 2");
        all(against(proxy.address, &words))
    };
    let chosen = LIES
        .iter()
        .filter(|(name, ..)| ["unprocessed-null", "capacity-only", "page-instead"].contains(name));
    let cases = chosen.map(|&(name, _, fate, code)| {
        let injected = match name {
            "unprocessed-null" => "answers say UnprocessedItems: null from the middle on",
            "capacity-only" => "answers have no UnprocessedItems from the middle on",
            _ => "answers are web pages from the middle on",
        };
        Case::new(format!("{name}-for-ever/{client}"), injected, move || {
            meet(fate)
        })
        .comes_out("not-held", &["failed"])
        .some("ledger.failed")
        .cause("target", &["answered", "calls with an error", code])
    });
    cases.collect()
}

/// Answers about a table and a stream that do not say what is asked.
fn of_set_up() -> Vec<Case> {
    let meet = |operation: &'static str, bad: u32, change: fn(&mut Value)| {
        let local = server("");
        let proxy = Proxy::in_weather(local.address(), move |called, before| {
            match called == operation && (1..=bad).contains(&before) {
                true => amend(change),
                false => Fate::Pass,
            }
        });
        all(against(proxy.address, "-d 1s --via kinesis"))
    };
    let of_table = |body: &mut Value| {
        body["Table"].as_object_mut().unwrap().remove("TableStatus");
    };
    let of_stream = |body: &mut Value| {
        let summary = body["StreamDescriptionSummary"].as_object_mut().unwrap();
        summary.remove("StreamStatus");
    };
    vec![
        Case::new(
            "table-without-status",
            "answers to DescribeTable have no TableStatus",
            move || meet("DescribeTable", u32::MAX, of_table),
        )
        .exits(1)
        .says("TableStatus"),
        Case::new(
            "stream-without-status",
            "answers to DescribeStreamSummary have no StreamStatus",
            move || meet("DescribeStreamSummary", u32::MAX, of_stream),
        )
        .exits(1)
        .says("looking for stream"),
    ]
}
