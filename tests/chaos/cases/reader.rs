//! Whoever reads the changes: answers about the stream that are slow, refused or untrue.

use std::time::Duration;

use serde_json::{Value, json};

use crate::case::Case;
use crate::play::{READERS, against, all, server};
use crate::support::proxy::{DENIED, Fate, Proxy, amend};
use crate::told::Told;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (reader, via) in READERS {
        if reader != "fan-out" {
            cases.extend(of_pages(reader, via));
        }
        cases.extend(of_listings(reader, via));
    }
    cases.extend(of_subscriptions());
    cases
}

/// A run in whose weather calls of this operation meet that.
fn meet(
    via: &str,
    operation: &'static str,
    bad: impl Fn(u32) -> Fate + Send + Sync + 'static,
) -> Told {
    let local = server("");
    let proxy = Proxy::in_weather(local.address(), move |called, before| {
        match called == operation {
            true => bad(before),
            false => Fate::Pass,
        }
    });
    all(against(proxy.address, &format!("--devices 20 {via}")))
}

fn without(key: &'static str) -> Fate {
    amend(move |body| drop(body.as_object_mut().unwrap().remove(key)))
}

fn records(body: &mut Value) -> &mut Vec<Value> {
    body["Records"].as_array_mut().unwrap()
}

/// GetRecords, of a stream and of a table's own.
fn of_pages(reader: &'static str, via: &'static str) -> Vec<Case> {
    let case = |name: &str, injected, bad: fn(u32) -> Fate| {
        Case::new(format!("{name}/{reader}"), injected, move || {
            meet(via, "GetRecords", bad)
        })
    };
    let failing = |name, injected, bad: fn(u32) -> Fate| {
        case(name, injected, bad)
            .comes_out("held", &[])
            .all_seen()
            .counts("ledger.duplicates", 0)
            .cause("reader", &["calls to read the stream failed"])
    };
    vec![
        failing(
            "records-absent",
            "every third page has no Records",
            |before| match before % 3 {
                2 => without("Records"),
                _ => Fate::Pass,
            },
        ),
        failing(
            "pages-empty",
            "every third page is an empty body",
            |before| match before % 3 {
                2 => Fate::Answer(200, "application/x-amz-json-1.1", ""),
                _ => Fate::Pass,
            },
        ),
        failing(
            "pages-503",
            "every third page is a 503 web page",
            |before| match before % 3 {
                2 => Fate::Answer(503, "text/html", "<html>busy</html>"),
                _ => Fate::Pass,
            },
        ),
        failing(
            "next-absent",
            "every third page has no NextShardIterator, of an open shard",
            |before| match before % 3 {
                2 => without("NextShardIterator"),
                _ => Fate::Pass,
            },
        ),
        case("behind-absent", "no page has MillisBehindLatest", |_| {
            without("MillisBehindLatest")
        })
        .comes_out("held", &[])
        .all_seen(),
        case(
            "records-repeated",
            "every page has its records twice",
            |_| {
                amend(|body| {
                    let records = records(body);
                    records.extend(records.clone());
                })
            },
        )
        .comes_out("not-held", &["other-writer"])
        .perhaps(&["duplicates"])
        .check(|told| told.same("ledger.duplicates", "ledger.seen")),
        case(
            "records-backwards",
            "every page has its records backwards",
            |_| amend(|body| records(body).reverse()),
        )
        .comes_out("held", &[])
        .all_seen()
        .counts("ledger.duplicates", 0),
        case(
            "reads-throttled",
            "six reads are throttled",
            |before| match before {
                3..9 => Fate::Refuse("ProvisionedThroughputExceededException", "Rate exceeded"),
                _ => Fate::Pass,
            },
        )
        .comes_out("held", &[])
        .all_seen()
        .cause("reader", &["6 of its reads of the stream were throttled"]),
        Case::new(
            format!("reads-denied/{reader}"),
            "reads are denied from the ninth on",
            move || {
                meet(
                    &format!("-d 3s {via}"),
                    "GetRecords",
                    |before| match before {
                        ..8 => Fate::Pass,
                        _ => DENIED,
                    },
                )
            },
        )
        .comes_out("not-held", &["missing"])
        .cause(
            "reader",
            &[
                "calls to read the stream failed",
                "GetRecords",
                "denied",
                "permission",
            ],
        ),
        Case::new(
            format!("reads-slow/{reader}"),
            "each read takes 3 s longer",
            move || {
                let words = format!("--drain 20s --timeout 10s {via}");
                // The first page of each shard begins the run.
                let first = if reader == "polling" { 1 } else { 4 };
                meet(&words, "GetRecords", move |before| match before < first {
                    true => Fate::Pass,
                    false => Fate::Late(Duration::from_secs(3)),
                })
            },
        )
        .comes_out("held", &[])
        .all_seen()
        .cause("reader", &["its reads of the stream took "])
        .perhaps_cause("reader", &["behind the stream's newest record"]),
    ]
}

/// What a listing of shards may say.
fn of_listings(reader: &'static str, via: &'static str) -> Vec<Case> {
    let of_table = via.contains("dynamodb-streams");
    let operation = match of_table {
        true => "DescribeStream",
        false => "ListShards",
    };
    let shards = move |body: &mut Value| match of_table {
        true => body["StreamDescription"]["Shards"].take(),
        false => body["Shards"].take(),
    };
    let put = move |body: &mut Value, shards: Value| match of_table {
        true => body["StreamDescription"]["Shards"] = shards,
        false => body["Shards"] = shards,
    };
    let none = move || {
        amend(move |body| {
            shards(body);
            put(body, json!([]));
        })
    };
    let ended = move || {
        amend(move |body| {
            let mut all = shards(body);
            for shard in all.as_array_mut().unwrap() {
                let range = &mut shard["SequenceNumberRange"];
                range["EndingSequenceNumber"] = json!("99999999999999999999999999999999999999");
            }
            put(body, all);
        })
    };
    let mut cases = vec![
        Case::new(
            format!("no-shards-at-first/{reader}"),
            "three listings name no shards",
            move || {
                meet(via, operation, move |before| match before {
                    ..3 => none(),
                    _ => Fate::Pass,
                })
            },
        )
        .comes_out("held", &[])
        .all_seen()
        .cause(
            "reader",
            &["calls to read the stream failed", "names no shards"],
        ),
        Case::new(
            format!("shards-ended-and-not/{reader}"),
            "listings say that open shards have ended",
            move || meet(via, operation, move |_| ended()),
        )
        .comes_out("held", &[])
        .all_seen(),
    ];
    if !of_table {
        cases.push(
            Case::new(
                format!("no-shards/{reader}"),
                "no listing names a shard",
                move || meet(via, operation, move |_| none()),
            )
            .exits(1)
            .says("names no shards"),
        );
    }
    cases
}

/// Enhanced fan-out subscribes, and does not ask for pages.
fn of_subscriptions() -> Vec<Case> {
    let via = "--via kinesis --consumer enhanced-fan-out";
    vec![
        Case::new(
            "subscriptions-refused/fan-out",
            "three subscriptions are refused for want of capacity",
            move || {
                meet(via, "SubscribeToShard", |before| match before {
                    ..3 => Fate::Refuse("LimitExceededException", "Rate exceeded"),
                    _ => Fate::Pass,
                })
            },
        )
        .comes_out("held", &[])
        .all_seen()
        .cause("reader", &["3 of its reads of the stream were throttled"]),
        Case::new(
            "subscriptions-denied/fan-out",
            "subscribing is denied",
            move || meet(via, "SubscribeToShard", |_| DENIED),
        )
        .exits(1)
        .says("SubscribeToShard")
        .says("denied")
        .says("permission"),
    ]
}
