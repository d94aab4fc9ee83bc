//! `--via put-records`: hrload itself puts what was acknowledged into a Kinesis stream.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::support::local::Local;
use crate::support::proxy::{DENIED, Fate, Proxy};
use crate::support::{finish, hrload_with_credentials, output, run};

const SMALL: &str = "--devices 200 --rate 500/s -w 0s -d 1s --drain 20s --via put-records";

#[test]
fn every_client_layout_and_consumer_is_followed_and_accounted_for() {
    for words in [
        "--client sdk --layout post",
        "--client direct --layout timeseries",
        "--client direct --layout fhir --consumer enhanced-fan-out",
    ] {
        let run = run(&format!("{SMALL} {words} --shards 2"));
        assert_eq!(run.code, 0, "{words}: {}", run.stderr);
        run.assert_closed();
        let scheduled = run.count("ledger.scheduled");
        assert!((450..=550).contains(&scheduled), "{scheduled}");
        assert_eq!(run.count("ledger.seen"), scheduled, "{words}");
        for what in ["foreign", "duplicates", "reordered"] {
            assert_eq!(run.count(&format!("ledger.{what}")), 0, "{words}: {what}");
        }
        for stage in ["capture", "replication", "read", "e2e"] {
            assert_eq!(
                run.count(&format!("latency.{stage}.count")),
                scheduled,
                "{stage}"
            );
        }
        // Put after it was written, and by the same clock.
        assert!(run.number("latency.capture.min") >= 0.0);
        assert_eq!(run.count("puts.records"), scheduled);
        assert_eq!(run.result["puts"]["failed"], serde_json::json!({}));
    }
}

#[test]
fn the_result_says_that_the_stream_is_not_the_tables() {
    let run = run(SMALL);
    assert_eq!(run.result["config"]["via"], "put-records");
    let lines = run.result["cost"]["lines"].as_array().unwrap();
    let of = |item: &str| lines.iter().any(|line| line["item"] == item);
    assert!(of("Kinesis Data Streams: PUT payload"));
    assert!(!of("DynamoDB: change data capture"));
    let shown = output(&SMALL.replace("-d 1s", "-d 500ms"));
    let stdout = String::from_utf8(shown.stdout).unwrap();
    let words: Vec<&str> = stdout.split_whitespace().collect();
    let stdout = words.join(" ");
    assert!(stdout.contains("records put by hrload"), "{stdout}");
    assert!(stdout.contains("not DynamoDB's"), "{stdout}");
}

/// A run whose writes are all answered at the same moment: their records are put at once,
/// which asks for several times what a shard takes in a second on the slowest machine too.
const AT_ONCE: &str = "--devices 3000 --rate 2000/s -w 0s -d 1s --drain 60s -p 100 \
     --fault stall=2s@0ms --via put-records --layout fhir --shards 1";

#[test]
fn records_that_the_stream_has_no_capacity_for_are_put_again() {
    let run = run(AT_ONCE);
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.assert_closed();
    assert!(run.count("puts.throttled") > 0, "{}", run.result["puts"]);
    assert_eq!(run.count("puts.records"), run.count("ledger.scheduled"));
    assert_eq!(run.count("ledger.duplicates"), 0);
}

#[test]
fn records_that_are_given_up_are_missing_and_named() {
    // Nothing is put twice, so there is nothing to wait for.
    let words = AT_ONCE.replace("--drain 60s", "--drain 15s --attempts 1");
    let run = run(&words);
    assert_eq!(run.code, 3, "{}", run.stderr);
    run.assert_closed();
    let failed = &run.result["puts"]["failed"];
    let given_up = failed["ProvisionedThroughputExceededException"]
        .as_u64()
        .unwrap();
    assert_eq!(run.count("ledger.missing"), given_up);
    assert_eq!(
        run.count("puts.records") + given_up,
        run.count("ledger.acknowledged")
    );
}

#[test]
fn the_table_is_written_and_has_no_destination() {
    let local = Local::start("");
    let words = format!("{SMALL} --table beside --stream filled --keep -o -");
    let first = finish(local.client(&words).output().unwrap());
    assert_eq!(first.code, 0, "{}", first.stderr);
    // What is there already is read from its end on.
    let second = finish(local.client(&words).output().unwrap());
    assert_eq!(second.code, 0, "{}", second.stderr);
    assert_eq!(second.count("ledger.foreign"), 0);
    assert_eq!(
        second.count("ledger.seen"),
        second.count("ledger.scheduled")
    );
}

#[test]
fn a_stream_that_the_table_fills_already_is_not_filled_twice() {
    let local = Local::start("");
    let words = "--devices 50 --rate 100/s -w 0s -d 300ms --table both --stream both --keep";
    let kinesis = local.client(&format!("{words} -q")).output().unwrap();
    assert_eq!(kinesis.status.code(), Some(0));
    let doubled = local
        .client(&format!("{words} --via put-records"))
        .output()
        .unwrap();
    let stderr = String::from_utf8(doubled.stderr).unwrap();
    assert_eq!(doubled.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("would be there twice"), "{stderr}");
}

#[test]
fn what_was_put_is_delivered_into_a_lake() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let run = run(&format!(
        "{SMALL} --lake {} --lake-interval 1s",
        lake.display()
    ));
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.count("lake.readings"), run.count("ledger.scheduled"));
    assert!(Path::new(&lake).exists());
}

#[test]
fn a_dry_run_names_the_call_and_no_destination() {
    let dry = output(&format!("{SMALL} --stream filled --dry-run"));
    let stdout = String::from_utf8(dry.stdout).unwrap();
    let put = stdout
        .split("\non ")
        .find(|of| of.lines().any(|line| line == "  kinesis:PutRecords"));
    assert!(
        put.is_some_and(|of| of
            .lines()
            .next()
            .is_some_and(|on| on.ends_with("stream/filled"))),
        "{stdout}"
    );
    assert!(!stdout.contains("StreamingDestination"), "{stdout}");
    assert!(!stdout.contains("iam:"), "{stdout}");
}

/// Puts that failed are told with how many, whose it was and what it did.
#[test]
fn calls_that_failed_are_told_with_their_cause() {
    for (fate, code, whose, told, warned) in [
        (
            Fate::Answer(
                500,
                "application/x-amz-json-1.1",
                r#"{"__type":"InternalFailure"}"#,
            ),
            "InternalFailure",
            "target",
            "with an error, most with InternalFailure",
            false,
        ),
        (
            DENIED,
            "AccessDeniedException",
            "target",
            "AccessDenied",
            false,
        ),
        (
            Fate::LoseAnswer,
            "connection",
            "network",
            "cut connections before the answer was there",
            true,
        ),
    ] {
        let local = Local::start("");
        let refused = Arc::new(AtomicU64::new(0));
        let proxy = Proxy::in_weather(local.address(), {
            let refused = Arc::clone(&refused);
            move |called, before| {
                if called != "PutRecords" || before % 3 != 0 {
                    return Fate::Pass;
                }
                refused.fetch_add(1, Relaxed);
                fate.clone()
            }
        });
        let words = format!("{SMALL} -o - --endpoint-url http://{}", proxy.address);
        let run = finish(hrload_with_credentials(&words).output().unwrap());
        run.assert_closed();
        let failures = &run.result["puts"]["call_failures"];
        let refused = refused.load(Relaxed);
        assert!(refused > 0);
        assert_eq!(failures, &serde_json::json!({ code: refused }));
        let causes = run.result["causes"].as_array().unwrap();
        let calls = format!("{refused} PutRecords call");
        let is_told = |of: &&serde_json::Value| {
            let what = of["what"].as_str().unwrap();
            of["whose"] == whose && what.contains(told) && what.contains(&calls)
        };
        assert_eq!(causes.iter().filter(is_told).count(), 1, "{causes:?}");
        let warnings = run.result["warnings"].to_string();
        let lost = warnings.contains(&format!("{refused} PutRecords calls were sent"));
        assert_eq!(lost, warned, "{warnings}");
    }
}

#[test]
fn a_stream_that_was_too_small_for_the_puts_is_their_cause() {
    let run = run(
        "--devices 3000 --rate 3000/s -w 0s -d 1s --drain 2s --via put-records \
                   --layout fhir --shards 1 --attempts 1",
    );
    let throttled = run.count("puts.throttled");
    assert!(throttled > 0);
    let causes = run.result["causes"].to_string();
    assert!(
        causes.contains("the stream had no capacity for"),
        "{causes}"
    );
    assert!(causes.contains("--shards"), "{causes}");
    assert_eq!(run.result["puts"]["call_failures"], serde_json::json!({}));
}
