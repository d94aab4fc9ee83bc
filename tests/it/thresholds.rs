//! What a run must show: thresholds of the command line and of profiles, and runs
//! that end when one is out of reach.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use crate::support::{output, run};

const SMALL: &str = "--devices 200 --rate 500/s -w 0s --change-delay 0 --drain 20s";

/// A steady profile with these thresholds, in a file of its own.
fn profile(name: &str, thresholds: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("hrload-{}-{name}.toml", std::process::id()));
    let text = format!(
        "name = \"held-to\"\nsummary = \"steady, held to something\"\n\
         thresholds = {thresholds}\n[arrivals]\nprocess = \"steady\"\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// The thresholds of a result: expression and whether it was met.
fn judged(run: &crate::support::Run) -> Vec<(String, bool)> {
    let thresholds = run.result["thresholds"].as_array().unwrap();
    let pair = |of: &serde_json::Value| {
        let expression = of["expression"].as_str().unwrap().to_owned();
        (expression, of["met"].as_bool().unwrap())
    };
    thresholds.iter().map(pair).collect()
}

#[test]
fn a_profiles_thresholds_are_judged_and_the_command_line_comes_first() {
    let path = profile("judged", r#"["lost=0", "e2e.p99<1us"]"#);
    let profile = path.display();
    let missed = run(&format!("{SMALL} -d 1s --profile {profile}"));
    assert_eq!(missed.code, 3, "{}", missed.stderr);
    let expected = [
        ("lost=0".to_owned(), true),
        ("e2e.p99<1us".to_owned(), false),
    ];
    assert_eq!(judged(&missed), expected);

    let met = run(&format!(
        "{SMALL} -d 1s --profile {profile} --threshold e2e.p99<1m"
    ));
    assert_eq!(met.code, 0, "{}", met.stderr);
    let expected = [
        ("e2e.p99<60s".to_owned(), true),
        ("lost=0".to_owned(), true),
    ];
    assert_eq!(judged(&met), expected);

    let looser = run(&format!(
        "--devices 200 --rate 500/s -w 0s --change-delay 0 --drain 2s -d 1s \
         --profile {profile} --fault lose=2 --threshold lost<5% \
         --threshold e2e.p99<1m"
    ));
    assert_eq!(looser.code, 0, "{}", looser.stderr);
    let expected = [
        ("lost<5%".to_owned(), true),
        ("e2e.p99<60s".to_owned(), true),
    ];
    assert_eq!(judged(&looser), expected);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_profiles_thresholds_are_checked_before_anything_is_sent() {
    for (name, thresholds, more, says) in [
        ("typo", r#"["throtled<1%"]"#, "", "did you mean `throttled`"),
        (
            "via",
            r#"["e2e.p99<1s"]"#,
            "--via none",
            "the profile's threshold e2e.p99<1s",
        ),
    ] {
        let path = profile(name, thresholds);
        let output = output(&format!("{SMALL} --profile {} {more}", path.display()));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(says), "{stderr}");
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_run_ends_when_a_threshold_is_out_of_reach() {
    // Ten minutes, but for the first reading: none is answered within a microsecond.
    let words = format!("{SMALL} -d 600s --threshold max<1us --threshold lost=0 --abort-on-fail");
    let run = run(&words);
    assert_eq!(run.code, 3, "{}", run.stderr);
    run.assert_closed();
    assert_eq!(run.result["run"]["out_of_reach"], "max<1us");
    assert_eq!(run.result["run"]["interrupted"], false);
    assert_eq!(run.result["run"]["phase"], "measure");
    assert!(run.number("run.measured") < 60.0);
    let judged = judged(&run);
    assert_eq!(judged[0], ("max<1us".to_owned(), false));
    assert_eq!(judged[1], ("lost=0".to_owned(), true), "{}", run.stderr);
    assert!(
        run.stderr.contains("max<1us can no longer be met"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_run_ends_when_it_has_cost_what_it_may() {
    // Ten minutes would cost some thirty times as much.
    let run = run(&format!("{SMALL} -d 600s --max-cost 0.0005"));
    assert_eq!(run.code, 3, "{}", run.stderr);
    run.assert_closed();
    assert_eq!(run.number("run.max_cost_reached"), 0.0005);
    assert_eq!(run.result["run"]["phase"], "measure");
    assert!(run.number("cost.usd") < 0.002, "{}", run.result["cost"]);
    for told in [
        "this run costs about 0.",
        "it ends earlier, when 0.0005 USD are spent",
        "0.0005 USD spent: ending the run",
    ] {
        assert!(run.stderr.contains(told), "{told}: {}", run.stderr);
    }
}

#[test]
fn a_limit_that_is_not_reached_lets_a_run_go_on() {
    let run = run(&format!("{SMALL} -d 2s --max-cost 5"));
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.result["run"]["max_cost_reached"].is_null());
    assert!(!run.stderr.contains("it ends earlier"), "{}", run.stderr);
    let refused = output(&format!("{SMALL} --max-cost 0"));
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn what_can_still_be_met_lets_a_run_go_on() {
    let words = "-d 3s --threshold lost=0 --threshold e2e.p99<1m --abort-on-fail";
    let run = run(&format!("{SMALL} {words}"));
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.result["run"]["phase"], "complete");
    assert!(run.result["run"]["out_of_reach"].is_null());
}

#[test]
fn aborting_needs_something_that_can_fail() {
    let output = output(&format!("{SMALL} --abort-on-fail"));
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("--threshold"), "{stderr}");
}

#[test]
fn a_condition_on_what_will_not_be_measured_is_refused_before_the_run() {
    for (words, says) in [
        ("--via none --threshold e2e.p99<1s", "response.p99<50ms"),
        (
            "--via none --threshold missing=0",
            "readings that are followed",
        ),
        (
            "--via dynamodb-streams --threshold replication.p99<1s",
            "a stage of a Kinesis stream",
        ),
        ("--threshold freshness.p99<1m", "add --lake FOLDER"),
        (
            "--endpoint-url http://127.0.0.1:1 --threshold usd_per_hour<1",
            "say with --max-cost",
        ),
        (
            "--target aws --region mars-north-1 --threshold usd_per_million<1",
            "no prices are known",
        ),
        (
            "sweep --endpoint-url http://127.0.0.1:1 --to 1k --slo usd_per_hour<1",
            "say with --max-cost",
        ),
    ] {
        let refused = output(words);
        let stderr = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{words}: {stderr}");
        assert!(stderr.contains(says), "{words}: {stderr}");
    }
}

#[test]
fn a_few_failed_readings_are_not_held_in_any_form() {
    let folder = tempfile::tempdir().unwrap();
    let junit = folder.path().join("run.xml");
    let words = "--devices 500 --rate 2000/s -w 0s -d 2s --change-delay 0 --drain 3s --attempts 1 \
                 --fault unprocessed=4";
    let run = crate::support::run(&format!("{words} --report {}", junit.display()));
    run.assert_closed();
    assert_eq!(run.code, 3);
    assert_eq!(run.result["verdict"]["word"], "rate-held");
    assert_eq!(run.result["verdict"]["reasons"][0]["kind"], "failed");
    assert!(run.stderr.contains("\nrate held    "), "{}", run.stderr);
    assert!(run.stderr.contains("lost 4 readings"), "{}", run.stderr);
    let junit = std::fs::read_to_string(junit).unwrap();
    assert!(junit.contains("failures=\"1\"") && junit.contains("4 failed"));
    let gauges = folder.path().join("run.prom");
    let allowed = format!(
        "{words} --threshold failed<1% --report {}",
        gauges.display()
    );
    let allowed = crate::support::run(&allowed);
    assert_eq!(allowed.code, 0, "{}", allowed.stderr);
    assert!(allowed.stderr.contains("which failed<1% allows"));
    let gauges = std::fs::read_to_string(gauges).unwrap();
    assert!(gauges.contains("\nhrload_held 1\n"), "{gauges}");
    let help = gauges
        .lines()
        .find(|line| line.starts_with("# HELP hrload_held "));
    assert!(
        help.unwrap().contains("but what a threshold allows"),
        "{help:?}"
    );
}
