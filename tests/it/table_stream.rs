//! `--via dynamodb-streams`: readings followed through the table's own stream.

#![allow(clippy::unwrap_used)]

use crate::support::local::Local;
use crate::support::{finish, output, run};
use hrload::aws::{self, Options, Target};

const SMALL: &str = "--devices 200 --rate 500/s -w 0s -d 1s --change-delay 0 --drain 20s \
                     --via dynamodb-streams";

#[test]
fn every_client_and_layout_is_followed_and_accounted_for() {
    for client in ["sdk", "direct"] {
        for layout in ["post", "timeseries", "fhir"] {
            let run = run(&format!("{SMALL} --client {client} --layout {layout}"));
            assert_eq!(run.code, 0, "{client} {layout}: {}", run.stderr);
            run.assert_closed();
            let scheduled = run.count("ledger.scheduled");
            assert!((450..=550).contains(&scheduled), "{scheduled}");
            assert_eq!(run.count("ledger.seen"), scheduled, "{client} {layout}");
            assert_eq!(run.count("ledger.foreign"), 0, "{client} {layout}");
            assert_eq!(run.count("latency.e2e.count"), scheduled);
        }
    }
}

#[test]
fn a_result_says_what_the_stream_cannot_tell_and_what_it_costs() {
    let run = run(SMALL);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.result["config"]["via"], "dynamodb-streams");
    assert_eq!(run.result["config"]["consumer"], "polling");
    assert_eq!(run.result["config"]["poll_interval"], 0.25);
    assert_eq!(run.result["config"]["stream"], serde_json::Value::Null);
    for stage in ["capture", "replication", "read"] {
        assert_eq!(run.result["latency"].get(stage), None, "{stage}");
    }
    assert!(run.number("latency.e2e.p50") > run.number("latency.response.p50"));
    let lines = run.result["cost"]["lines"].as_array().unwrap();
    let of = |item: &str| lines.iter().find(|line| line["item"] == item);
    let reads = of("DynamoDB: stream reads").unwrap();
    assert!(reads["quantity"].as_f64().unwrap() >= 4.0, "{reads}");
    // A dollar buys five million.
    let usd = reads["quantity"].as_f64().unwrap() / 5e6;
    assert!(
        (reads["usd"].as_f64().unwrap() - usd).abs() < 1e-12,
        "{reads}"
    );
    assert_eq!(of("DynamoDB: change data capture"), None);
    assert_eq!(of("Kinesis Data Streams: shards"), None);
}

#[test]
fn what_faults_do_to_the_stream_is_seen() {
    let short = SMALL.replace("--drain 20s", "--drain 1s");
    let lossy = run(&format!("{short} --fault lose=2%"));
    assert_eq!(lossy.code, 3, "{}", lossy.stderr);
    lossy.assert_closed();
    assert!(lossy.count("ledger.missing") > 0);
    let twice = run(&format!("{SMALL} --fault duplicate=2%"));
    assert_eq!(twice.code, 3, "{}", twice.stderr);
    assert!(twice.count("ledger.duplicates") > 0);
}

/// What a DescribeTable on the other process says of the table's stream.
fn specification(local: &Local, table: &str) -> serde_json::Value {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let described = runtime.block_on(async {
        let place = Target::Local(local.address());
        let connection = aws::connect(&place, &Options::default()).await.unwrap();
        let describe = connection.dynamodb.describe_table().table_name(table);
        describe.send().await
    });
    let table = described.unwrap().table.unwrap();
    serde_json::json!({
        "enabled": table.stream_specification().map(|of| of.stream_enabled()),
        "arn": table.latest_stream_arn(),
    })
}

#[test]
fn a_table_that_is_there_gets_a_stream_for_the_run_alone() {
    let local = Local::start("");
    let against = |words: &str| {
        let words = format!(
            "--devices 200 --rate 500/s -w 0s -d 1s --drain 20s --table there {words} -o -"
        );
        finish(local.client(&words).output().unwrap())
    };
    let via = "--via dynamodb-streams";
    let made = against("--keep --via none");
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert_eq!(
        specification(&local, "there")["enabled"],
        serde_json::Value::Null
    );

    let followed = against(via);
    assert_eq!(followed.code, 0, "{}", followed.stderr);
    followed.assert_closed();
    assert_eq!(followed.count("ledger.foreign"), 0);
    let after = specification(&local, "there");
    assert_eq!(after["enabled"], serde_json::Value::Null);
    assert!(after["arn"].is_string(), "{after}");

    // One that is enabled is used, from its end on, and left as it is.
    let kept = against(&format!("{via} --keep"));
    assert_eq!(kept.code, 0, "{}", kept.stderr);
    assert_eq!(specification(&local, "there")["enabled"], true);
    let again = against(via);
    assert_eq!(again.code, 0, "{}", again.stderr);
    again.assert_closed();
    assert_eq!(again.count("ledger.foreign"), 0);
    assert_eq!(specification(&local, "there")["enabled"], true);
}

#[test]
fn what_only_a_kinesis_stream_has_is_refused() {
    for (words, says) in [
        ("--lake out", "--lake is about a Kinesis stream"),
        ("--stream s", "--stream s is about a Kinesis stream"),
        (
            "--consumer enhanced-fan-out",
            "--consumer enhanced-fan-out is about a Kinesis stream",
        ),
    ] {
        let refused = output(&format!("{SMALL} {words}"));
        let stderr = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{words}: {stderr}");
        assert!(stderr.contains(says), "{words}: {stderr}");
        assert!(
            stderr.contains("--via dynamodb-streams"),
            "{words}: {stderr}"
        );
    }
}

#[test]
fn a_dry_run_names_the_calls_that_read_the_tables_stream() {
    let dry = output(&format!("{SMALL} --table wear --dry-run"));
    let stdout = String::from_utf8(dry.stdout).unwrap();
    let stream = "arn:aws:dynamodb:*:*:table/wear/stream/*";
    for call in ["DescribeStream", "GetShardIterator", "GetRecords"] {
        let call_line = format!("  dynamodb:{call}");
        let names = |of: &&str| of.lines().any(|line| line == call_line);
        let on = stdout.split("\non ").find(names);
        assert!(
            on.is_some_and(|of| of.starts_with(stream)),
            "{call}\n{stdout}"
        );
    }
    assert!(!stdout.contains("kinesis:"), "{stdout}");
    assert!(stdout.contains("dynamodb:UpdateTable"), "{stdout}");
}
