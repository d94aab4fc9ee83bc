//! `hrload plan` on the command line: what it prints, writes and refuses.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;

use hrload::capacity::plan::{Plan, SCHEMA};
use support::output;

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
            "plan --devices 10 --region eu-west-1 --prices src/capacity/prices/us-east-1.toml",
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
            "plan --devices 10 --plot one --output one",
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
        "provisioned, auto scaling 70%",
        "on demand, new",
        "> 1 shard (the mean, p99, the peak, the peak and a quarter)",
        "records limit a shard",
        "DynamoDB, storage",
        "its bill     10 days at the prices of us-east-1",
    ] {
        assert!(text.contains(wanted), "no {wanted:?} in\n{text}");
    }
    assert!(!text.contains("raised quota"), "{text}");
    // Rows of one table are as wide as its heading.
    let rows: Vec<&str> = text.lines().filter(|l| l.starts_with("> ")).collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert!(text.lines().all(|line| line.len() < 160), "{text}");
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
