//! The function beside another one: the Python handler of the blog post, which
//! `scripts/lambda-oracle` asked the same events. What it answered is in
//! `data/handler.json`; it is not here itself.

#![allow(clippy::unwrap_used)]

mod support;

use serde_json::Value;
use support::invoke;

/// Places in the event whose records come back as failed, where the handler
/// raises an exception, and so fails every record of the call, or, of what is no
/// base64, takes the characters that are.
const FAILED: [(&str, &[usize]); 8] = [
    ("no UTF-8", &[0]),
    ("no UTF-8 between others: a character cut off", &[1]),
    (
        "no UTF-8 between others: a character written longer than it is",
        &[1],
    ),
    ("no UTF-8 between others: half a surrogate pair", &[1]),
    ("no UTF-8 between others: beyond Unicode", &[1]),
    ("no UTF-8 between others: Latin 1", &[1]),
    ("no base64: too short", &[0]),
    ("no base64: characters outside it", &[0, 1]),
];

/// Events that are none of Firehose's: both functions fail.
const NO_EVENTS: [&str; 2] = ["a record without data", "an event without records"];

fn cases() -> Vec<Value> {
    let data: Value = serde_json::from_str(include_str!("data/handler.json")).unwrap();
    data["cases"].as_array().unwrap().clone()
}

fn name(case: &Value) -> &str {
    case["name"].as_str().unwrap()
}

/// The body of an answer, of records with id, result and data.
fn body<'a>(records: impl Iterator<Item = (&'a Value, &'a str, String)>) -> String {
    let records: Vec<_> = records
        .map(|(id, result, data)| {
            format!(r#"{{"recordId":{id},"result":"{result}","data":{data}}}"#)
        })
        .collect();
    format!(r#"{{"records":[{}]}}"#, records.join(","))
}

/// Answers the event of a case; it is an answer, no error.
fn answered(case: &Value) -> String {
    let (path, body) = invoke(&case["event"].to_string());
    assert!(path.contains("/response"), "{}: {path} {body}", name(case));
    body
}

#[test]
fn it_answers_byte_for_byte_as_the_handler_does() {
    let mut compared = 0;
    for case in cases() {
        let differs = FAILED.iter().any(|(differs, _)| *differs == name(&case));
        let Some(records) = case["answer"]["records"].as_array() else {
            continue;
        };
        if differs {
            continue;
        }
        // The handler copies whatever else a record has, which Firehose has no
        // use for.
        let expected = body(records.iter().map(|record| {
            assert_eq!(record["result"], "Ok");
            (&record["recordId"], "Ok", record["data"].to_string())
        }));
        assert_eq!(answered(&case), expected, "{}", name(&case));
        compared += records.len();
    }
    assert!(compared > 300, "{compared} records compared");
}

#[test]
fn one_bad_record_does_not_fail_those_beside_it_as_it_does_in_the_handler() {
    let cases = cases();
    for (wanted, failed) in FAILED {
        let case = cases.iter().find(|case| name(case) == wanted).unwrap();
        let records = case["event"]["records"].as_array().unwrap();
        // What failed comes back as it was; the others are two small objects.
        let expected = body(records.iter().enumerate().map(|(at, record)| {
            let data = &record["data"];
            if failed.contains(&at) {
                return (&record["recordId"], "ProcessingFailed", data.to_string());
            }
            let line = match data.as_str().unwrap() {
                "eyJhIjoxfQ==" => r#""eyJhIjoxfQo=""#,
                "eyJiIjoyfQ==" => r#""eyJiIjoyfQo=""#,
                other => panic!("{wanted}: {other}"),
            };
            (&record["recordId"], "Ok", line.to_owned())
        }));
        assert_eq!(answered(case), expected, "{wanted}");
    }
}

#[test]
fn every_event_that_the_handler_fails_is_one_of_those_said_above() {
    for case in cases() {
        let Some(raised) = case["raised"].as_str() else {
            continue;
        };
        if NO_EVENTS.contains(&name(&case)) {
            let (path, body) = invoke(&case["event"].to_string());
            assert!(path.contains("/error"), "{}: {path} {body}", name(&case));
        } else {
            assert!(
                FAILED.iter().any(|(differs, _)| *differs == name(&case)),
                "{}: the handler raised {raised}",
                name(&case)
            );
        }
    }
}
