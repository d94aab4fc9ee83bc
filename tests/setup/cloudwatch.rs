//! What AWS counted of a run, beside hrload's own count. AWS is played by the embedded
//! services, and CloudWatch by a stand-in that speaks its protocol.

use std::process::Output;

use serde_json::Value;

use super::World;
use super::support::proxy::{Proxy, Said};

fn run(world: &World, proxy: &Proxy, words: &str) -> (Output, Value) {
    let file = world.folder.path().join("result.json");
    let words = format!(
        "run --target aws --devices 200 -r 200/s -d 1s -w 0s --drain 10s {words} -o {}",
        file.display()
    );
    let mut command = world.command(&words);
    command.env("AWS_ENDPOINT_URL", format!("http://{}", proxy.address));
    let output = command.output().unwrap();
    let result = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    (output, result)
}

fn figure<'a>(result: &'a Value, metric: &str) -> &'a Value {
    let figures = result["cloudwatch"]["figures"].as_array().unwrap();
    figures.iter().find(|of| of["metric"] == metric).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Units of a run of 200 readings a second for a second.
const UNITS: f64 = 200.0;

#[test]
fn figures_that_come_late_are_waited_for_and_set_beside_the_runs_own() {
    let world = World::new();
    let proxy = Proxy::with_cloudwatch(world.address, |call, metric| {
        Ok(match (metric, call) {
            // Nothing at first; then a minute, then both.
            (_, 1..=2) => vec![],
            ("ConsumedWriteCapacityUnits" | "IncomingRecords", 3..=4) => vec![100.0],
            ("ConsumedWriteCapacityUnits" | "IncomingRecords", _) => vec![100.0, UNITS - 100.0],
            ("AgeOfOldestUnreplicatedRecord", _) => vec![40.0, 2_500.0],
            ("ThrottledPutRecordCount", _) => vec![3.0, 4.0],
            _ => vec![],
        })
    });
    let (output, result) = run(&world, &proxy, "--cloudwatch 6s");
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(
        stderr.contains("waiting for CloudWatch's figures"),
        "{stderr}"
    );
    assert_eq!(
        result["cloudwatch"]["complete"], true,
        "{}",
        result["cloudwatch"]
    );
    let consumed = figure(&result, "ConsumedWriteCapacityUnits");
    assert_eq!(consumed["counted"], UNITS);
    assert!(
        (consumed["own"].as_f64().unwrap() - UNITS).abs() < 25.0,
        "{consumed}"
    );
    assert_eq!(consumed["differs"], Value::Null);
    assert_eq!(
        figure(&result, "WriteThrottleEvents")["counted"],
        Value::Null
    );
    assert_eq!(figure(&result, "WriteThrottleEvents")["own"], 0.0);
    // The largest, not the sum; and what hrload cannot see is pointed out.
    let age = figure(&result, "AgeOfOldestUnreplicatedRecord");
    assert_eq!(age["counted"], 2_500.0);
    assert!(age["differs"].as_str().unwrap().contains("2.5"), "{age}");
    let put = figure(&result, "ThrottledPutRecordCount");
    assert_eq!(put["counted"], 7.0);
    assert!(
        put["differs"].as_str().unwrap().contains("7 records"),
        "{put}"
    );
    for told in [
        "ConsumedWriteCapacityUnits",
        "a record waited 2.5",
        "AWS counted",
    ] {
        assert!(stdout.contains(told), "{told:?}\n{stdout}");
    }
    assert!(world.there().is_empty(), "removed before it waited");
}

#[test]
fn figures_that_are_apart_are_pointed_out_with_what_may_be_the_reason() {
    let world = World::new();
    world.table("wear1");
    let proxy = Proxy::with_cloudwatch(world.address, |_, metric| {
        Ok(match metric {
            "ConsumedWriteCapacityUnits" => vec![3.0 * UNITS],
            "WriteThrottleEvents" => vec![400.0],
            _ => vec![],
        })
    });
    let (output, result) = run(&world, &proxy, "--cloudwatch 1s --table wear1 --via none");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(result["cloudwatch"]["complete"], true, "as much is there");
    let consumed = figure(&result, "ConsumedWriteCapacityUnits");
    let why = consumed["differs"].as_str().unwrap();
    assert!(why.contains("others may have written"), "{why}");
    let throttled = figure(&result, "WriteThrottleEvents");
    assert!(throttled["differs"].is_string(), "{throttled}");
    // No stream, no metrics of one.
    let figures = result["cloudwatch"]["figures"].as_array().unwrap();
    assert!(figures.iter().all(|of| of["metric"] != "IncomingRecords"));
}

#[test]
fn what_cloudwatch_refuses_is_told_in_a_line_and_fails_nothing() {
    let world = World::new();
    let proxy = Proxy::with_cloudwatch(world.address, |_, _| Err("AccessDeniedException"));
    let (output, result) = run(&world, &proxy, "--cloudwatch 5s");
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(result.get("cloudwatch"), None);
    let told: Vec<&str> = stderr
        .lines()
        .filter(|line| line.contains("gave no figures"))
        .collect();
    assert_eq!(told.len(), 1, "{stderr}");
    assert!(told[0].contains("AccessDeniedException"), "{stderr}");
}

#[test]
fn more_than_the_run_wrote_is_blamed_on_nothing_that_the_run_did_not_see() {
    let world = World::new();
    let proxy = Proxy::with_cloudwatch(world.address, |_, metric| {
        Ok(match metric {
            "ConsumedWriteCapacityUnits" | "IncomingRecords" => vec![3.0 * UNITS],
            _ => vec![],
        })
    });
    let (output, result) = run(&world, &proxy, "--cloudwatch 1s");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(result["call_failures"], serde_json::json!({}));
    assert_eq!(result["ledger"]["duplicates"], 0);
    for metric in ["ConsumedWriteCapacityUnits", "IncomingRecords"] {
        let why = figure(&result, metric)["differs"].as_str().unwrap();
        for not_seen in ["call_failures", "duplicates", "most likely"] {
            assert!(!why.contains(not_seen), "{why}");
        }
        assert!(why.contains("saw nothing that explains it"), "{why}");
    }
    assert!(!text(&output.stdout).contains("asks again"), "all is there");
    // The sum of no throttles has no sign.
    assert!(!result.to_string().contains("-0,"), "{result}");
}

#[test]
fn the_wait_is_bounded_whatever_cloudwatch_does() {
    for (said, told) in [
        ("silence", "it did not answer within 500 ms"),
        ("endless", "its answer has no end"),
    ] {
        let world = World::new();
        let proxy = Proxy::with_cloudwatch(world.address, move |_, _| match said {
            "silence" => Said::Silence,
            _ => Said::Endless(vec![UNITS]),
        });
        let wait = if said == "silence" { "500ms" } else { "1m" };
        let (output, result) = run(&world, &proxy, &format!("--cloudwatch {wait}"));
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        assert!(stderr.contains(told), "{said}: {stderr}");
        assert_eq!(result.get("cloudwatch"), None, "{said}");
    }
}

#[test]
fn what_cloudwatch_says_of_a_metric_is_told_in_its_words() {
    for (status, words) in [
        ("Forbidden", "does not give these credentials"),
        ("InternalError", "CloudWatch failed at this metric"),
        ("PartialData", "a part of this metric only"),
    ] {
        let world = World::new();
        let proxy = Proxy::with_cloudwatch(world.address, move |_, metric| {
            let whole = ["ConsumedWriteCapacityUnits", "IncomingRecords"].contains(&metric);
            let values = if whole && status == "PartialData" {
                vec![UNITS]
            } else {
                vec![]
            };
            Said::Status(status, "because", values)
        });
        let wait = if status == "Forbidden" { "1h" } else { "1s" };
        let (output, result) = run(&world, &proxy, &format!("--cloudwatch {wait}"));
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        assert_eq!(result["cloudwatch"]["complete"], false, "{status}");
        let consumed = figure(&result, "ConsumedWriteCapacityUnits");
        let why = consumed["differs"].as_str().unwrap();
        for part in [words, status, "because"] {
            assert!(why.contains(part), "{part:?}: {why}");
        }
    }
}

#[test]
fn another_server_that_was_asked_is_not_to_be_asked_by_a_command_that_refuses() {
    let world = World::new();
    let proxy = Proxy::with_cloudwatch(world.address, |_, _| Ok(vec![]));
    let file = world.folder.path().join("other.json");
    let words = format!(
        "run --endpoint-url http://{} --devices 200 -r 200/s -d 1s -w 0s --cloudwatch 300ms -o {}",
        proxy.address,
        file.display()
    );
    let output = world.command(&words).output().unwrap();
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(
        shown.contains("a longer `--cloudwatch` waits for more"),
        "{shown}"
    );
    assert!(!shown.contains("hrload cloudwatch"), "{shown}");
}

#[test]
fn figures_can_be_asked_for_later_and_kept_in_the_result() {
    let world = World::new();
    let proxy = Proxy::with_cloudwatch(world.address, |_, metric| {
        Ok(match metric {
            "ConsumedWriteCapacityUnits" | "IncomingRecords" => vec![UNITS],
            _ => vec![],
        })
    });
    let (_, result) = run(&world, &proxy, "--cloudwatch off");
    assert_eq!(result.get("cloudwatch"), None);
    let file = world.folder.path().join("result.json");
    let later = |words: &str| {
        let mut command = world.command(&format!("cloudwatch {} {words}", file.display()));
        command.env("AWS_ENDPOINT_URL", format!("http://{}", proxy.address));
        command.output().unwrap()
    };
    let shown = later("");
    assert_eq!(shown.status.code(), Some(0), "{}", text(&shown.stderr));
    assert!(text(&shown.stdout).contains("IncomingRecords"));
    let kept = later(&format!("-o {}", file.display()));
    assert_eq!(kept.status.code(), Some(0), "{}", text(&kept.stderr));
    let result: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(figure(&result, "IncomingRecords")["counted"], UNITS);
    assert_eq!(result["ledger"]["closed"], true);
}

#[test]
fn a_run_that_was_not_on_aws_has_no_figures_to_ask_for() {
    let world = World::new();
    let file = world.folder.path().join("local.json");
    let words = format!(
        "run -r 100/s --devices 50 -d 200ms -w 0s -o {}",
        file.display()
    );
    let local = world.command(&words).output().unwrap();
    assert_eq!(local.status.code(), Some(0));
    for words in [
        format!("cloudwatch {}", file.display()),
        "run --cloudwatch 1m".to_owned(),
    ] {
        let refused = world.command(&words).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{words}");
        assert!(
            text(&refused.stderr).contains("loudW") || text(&refused.stderr).contains("cloudwatch")
        );
    }
}
