//! `hrload plan` on the command line: what it prints, writes and refuses.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::support::{hrload, output, run};
use hrload::capacity::plan::{Plan, SCHEMA};

/// A plan small enough to be quick.
const SMALL: &str = "plan --devices 500 --rate 50/s --days 10";

#[track_caller]
fn refused(words: &str, says: &[&str]) {
    let output = output(words);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{words}\n{stderr}");
    for text in says {
        assert!(stderr.contains(text), "{words}: no {text:?} in\n{stderr}");
    }
    assert!(!stderr.contains("panicked"), "{words}\n{stderr}");
    assert!(output.stdout.is_empty(), "{words}");
}

#[test]
fn wrong_use_is_named_and_shown_right() {
    for (words, says) in [
        ("plan", &["--devices"][..]),
        ("plan --devices 0", &["--devices", "above zero", "10k"]),
        ("plan --devices 10 --days 0", &["--days", "above zero"]),
        ("plan --devices 10 --rate 0", &["--rate", "5k/s"]),
        (
            "plan --devices 10 --rate 5/s --interval 1s",
            &["--rate", "--interval"],
        ),
        ("plan --devices 10 --profile steddy", &["steddy", "steady"]),
        (
            "plan --devices 10 --region eu-west-9",
            &["--region", "eu-west-9", "us-east-1", "--prices FILE"],
        ),
        (
            "plan --devices 10 --region eu-west-1 --prices crates/capacity/src/prices/us-east-1.toml",
            &["--region eu-west-1", "us-east-1.toml", "leave --region out"],
        ),
        (
            "plan --devices 10 --prices no-such-file.toml",
            &["no-such-file.toml"],
        ),
        ("plan --devices 10 --stored-gb -1", &["-1"]),
        (
            "plan --devices 10 --stored-gb much",
            &["--stored-gb", "250"],
        ),
        ("plan --devices 10 --plot -", &["a file of its own"]),
        (
            "plan --devices 10 --plot one.svg --output one.svg",
            &["--plot plan.svg"],
        ),
    ] {
        refused(words, says);
    }
}

#[test]
fn a_plan_on_the_screen_has_tables_streams_storage_and_a_bill() {
    let output = output(&format!("{SMALL} --stored-gb 73"));
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for wanted in [
        "500 devices, profile steady: a day simulated, 10 days billed",
        "readings a day",
        "73 GB in the table at first",
        "auto scaling",
        "on demand, new",
        "> 1 shard (the",
        "records limit a shard",
        "DynamoDB, storage",
        "bill         of those marked >, for 10 days at the prices of us-east-1",
    ] {
        let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let wanted_line = wanted.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(one_line.contains(&wanted_line), "no {wanted:?} in\n{text}");
    }
    assert!(!text.contains("raised quota"), "{text}");
    // Rows of one table are as wide as its heading.
    let rows: Vec<&str> = text.lines().filter(|l| l.starts_with("> ")).collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    // What to take comes last, and what of it is said last.
    let take = text.lines().position(|line| line.starts_with("take "));
    assert!(
        take > text.lines().position(|line| line.starts_with("bill ")),
        "{text}"
    );
}

#[test]
fn a_plan_that_takes_long_says_how_far_it_is() {
    let mut child = hrload()
        .args("plan --devices 3M --profile commute".split(' '))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(first.starts_with("simulating a day, "), "{first}");
    assert!(first.ends_with(" % done"), "{first}");
}

#[test]
fn a_fleet_that_sends_nothing_has_no_plan() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("still.toml");
    fs::write(
        &path,
        "name = \"still\"\nsummary = \"\"\n[arrivals]\nprocess = \"steady\"\n\
         [cohort]\nworn = 0\n",
    )
    .unwrap();
    let words = format!("plan --devices 3 --profile {}", path.display());
    refused(
        &words,
        &["none of the 3 devices sends anything", "more devices"],
    );
}

/// A run's line `plan`: seconds with throttles, planned and measured.
fn throttled_seconds(words: &str) -> (f64, f64) {
    let run = run(&format!("-q --via none --devices 1000 -w 0s {words}"));
    let seconds = |which| run.number(&format!("planned.throttled_seconds.{which}"));
    (seconds("planned"), seconds("measured"))
}

#[test]
fn a_run_and_its_plan_begin_with_what_a_new_table_has_saved() {
    // 400 units a second more than it gets, for 10 s: a small part of its burst. Catching up
    // after a stall, it is still below what its one partition gives.
    let words = "--mode provisioned --wcu 200 -r 600/s -d 10s --threshold throttled=0";
    assert_eq!(throttled_seconds(words), (0.0, 0.0));
    // Its one partition gives 1,000 a second, burst or not.
    let (planned, measured) = throttled_seconds("--mode provisioned --wcu 900 -r 1500/s -d 4s");
    assert!((3.0..=4.0).contains(&planned), "{planned}");
    assert!(
        (planned - measured).abs() <= 2.0 && measured >= 2.0,
        "{planned} {measured}"
    );
}

#[test]
fn the_plan_of_a_run_is_of_the_measured_seconds_and_of_its_table() {
    // The warm-up spends what a new table has; then it gives five units a second.
    let words = "-q --via none --devices 300 -r 300/s --mode provisioned --wcu 5 -w 6s -d 4s";
    let run = run(words);
    let of = |which: &str| run.number(&format!("planned.{which}"));
    assert_eq!(of("write_units.planned"), 20.0);
    let measured = of("write_units.measured");
    assert!((15.0..=30.0).contains(&measured), "{measured}");
    assert_eq!(of("throttled_seconds.planned"), 4.0);
    let measured = of("throttled_seconds.measured");
    assert!((1.0..=4.0).contains(&measured), "{measured}");
}

#[test]
fn a_run_of_part_of_a_second_stands_beside_the_plan_of_that_part() {
    for (words, planned) in [
        ("-w 0s -d 1500ms", 300.0),
        ("-w 500ms -d 2s", 400.0),
        ("-w 0s -d 250ms", 50.0),
    ] {
        let run = run(&format!("-q --via none --devices 1000 -r 200/s {words}"));
        let found = run.number("planned.write_units.planned");
        assert!((found - planned).abs() < 1e-6 * planned, "{words}: {found}");
    }
}

#[test]
fn a_flush_of_the_whole_fleet_is_sized_for_and_dropped_by_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("flush.toml");
    let shown = output("profiles show sync-aligned");
    let text = String::from_utf8(shown.stdout).unwrap();
    let sooner = text.replace("first_s = 15.0", "first_s = 1.0");
    assert_ne!(text, sooner);
    fs::write(&path, sooner).unwrap();
    let run = run(&format!(
        "--profile {} --devices 300 -d 4s -w 0s --drain 60s --change-delay 0",
        path.display()
    ));
    let peak = run.count("ledger.scheduled");
    assert!(peak > 11_000, "{peak}");
    assert_eq!(run.count("ledger.dropped"), 0);
    assert!(run.count("config.backlog") > peak);
    assert!(run.count("config.shards") >= peak.div_ceil(1_000));
    assert!(run.number("config.warm_throughput") > peak as f64);
    assert!(run.result["throttles"].as_array().unwrap().is_empty());
    assert_eq!(run.count("ledger.missing"), 0);
    assert!(
        run.stderr.contains("capacity is sized for the peak"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_plan_and_a_run_make_the_same_stream_for_a_rate() {
    for (rate, shards) in [("799/s", 1), ("999/s", 2)] {
        let planned = output(&format!("plan --devices 1000 --rate {rate} -o -"));
        let plan: Plan = serde_json::from_slice(&planned.stdout).unwrap();
        assert_eq!(
            plan.streams[plan.recommended_stream].shards, shards,
            "{rate}"
        );
        let made = run(&format!(
            "-q --devices 1000 -r {rate} -d 1s -w 0s --change-delay 0"
        ));
        assert_eq!(made.result["config"]["shards"], shards, "{rate}");
    }
}

#[test]
fn a_plan_file_and_a_plot_hold_the_same_day() {
    let dir = tempfile::tempdir().unwrap();
    let (json, svg) = (dir.path().join("plan.json"), dir.path().join("plan.svg"));
    let words = format!("{SMALL} -o {} --plot {}", json.display(), svg.display());
    assert!(output(&words).status.success());
    let plan: Plan = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!(plan.schema, SCHEMA);
    assert_eq!(plan.demand.minutes.most.len(), 1_440);
    let drawn = fs::read_to_string(svg).unwrap();
    for table in &plan.tables {
        assert!(drawn.contains(&table.name), "{}", table.name);
    }
    for wanted in [
        "Demand against capacity: 500 devices, profile steady",
        "write units a second",
        "hour of the day",
        "(recommended)",
        "minutes with throttled writes",
    ] {
        assert!(drawn.contains(wanted), "{wanted}");
    }
}

#[test]
fn a_plan_to_standard_output_is_json_alone() {
    let output = output(&format!("{SMALL} -o -"));
    let plan: Plan = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(plan.days, 10.0);
}

#[test]
fn the_same_question_has_the_same_answer() {
    let ask = || output(&format!("{SMALL} --layout timeseries --seed 7")).stdout;
    let answer = ask();
    assert!(!answer.is_empty());
    assert_eq!(answer, ask());
}
