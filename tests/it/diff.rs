//! `hrload diff`, as a person runs it on result files.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Child, Output, Stdio};

use crate::case::Case;
use crate::support::local::Local;
use crate::support::{hrload, run};
use hrload::measure::{Latency, Stage};
use hrload::report::{Cost, RunResult, StageLatency, Target, Via};
use serde_json::Value;
use tempfile::TempDir;

/// A result with all latencies of its readings' way, and its rates, scaled.
fn scaled(like: &RunResult, id: &str, latency: f64, rate: f64) -> RunResult {
    let mut result = like.clone();
    result.run.id = id.to_owned();
    for stage in [Stage::Response, Stage::EndToEnd] {
        let slot = result.latency.slot(stage);
        let mut scaled = Latency::default();
        for (us, count) in slot.as_ref().unwrap().decode().unwrap().counts() {
            for _ in 0..count {
                scaled.record((us as f64 * latency) as i64);
            }
        }
        *slot = Some(StageLatency::from(&scaled));
    }
    result.run.measured /= rate;
    result.rate.offered *= rate;
    result.rate.achieved *= rate;
    result.rate.seen = result.rate.seen.map(|seen| seen * rate);
    result
}

/// Writes results into files of a side.
fn write(folder: &Path, side: &str, results: &[RunResult]) -> Vec<String> {
    let file = |(at, result): (usize, &RunResult)| {
        let path = folder.join(format!("{side}-{at}.json"));
        result.write(&path).unwrap();
        path.to_str().unwrap().to_owned()
    };
    results.iter().enumerate().map(file).collect()
}

/// Files of runs like one, each with the latencies and the rate scaled.
fn files(folder: &Path, side: &str, like: &RunResult, scales: &[(f64, f64)]) -> Vec<String> {
    let results = scales.iter().enumerate().map(|(at, &(latency, rate))| {
        let id = format!("{side}-{at}");
        scaled(like, &id, latency, rate)
    });
    write(folder, side, &results.collect::<Vec<_>>())
}

fn diff(base: &[String], new: &[String], flags: &[&str]) -> (Output, Value) {
    let mut command = hrload();
    command.arg("diff").args(base).arg("--against").args(new);
    let output = command
        .args(flags)
        .args(["-o", "-", "-q"])
        .output()
        .unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output, json)
}

/// What a person sees of it.
fn shown(base: &[String], new: &[String], flags: &[&str]) -> String {
    let mut command = hrload();
    command.arg("diff").args(base).arg("--against").args(new);
    let output = command.args(flags).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn figure<'a>(result: &'a Value, name: &str) -> &'a Value {
    let figures = result["figures"].as_array().unwrap();
    let mut found = figures.iter().filter(|of| of["figure"] == name);
    found
        .next()
        .unwrap_or_else(|| panic!("no {name} in {result:#}"))
}

#[track_caller]
fn verdict<'a>(result: &'a Value, name: &str) -> &'a Value {
    &figure(result, name)["verdict"]
}

const NOISE: [(f64, f64); 4] = [
    (1.0, 1.0),
    (1.004, 1.0005),
    (0.997, 0.9996),
    (1.001, 1.0002),
];

#[test]
fn a_change_is_told_from_noise_and_fails_only_for_the_worse() {
    let folder = TempDir::new().unwrap();
    let like = Case::default().run();
    let slow = NOISE.map(|(latency, rate)| (latency * 1.5, rate));
    let base = files(folder.path(), "base", &like, &NOISE);
    let same = files(
        folder.path(),
        "same",
        &like,
        &NOISE.map(|(l, r)| (l * 1.001, r)),
    );
    let slow = files(folder.path(), "slow", &like, &slow);

    let (output, result) = diff(&base, &slow, &[]);
    assert_eq!(output.status.code(), Some(4), "{result:#}");
    assert_eq!(verdict(&result, "e2e.p99"), "worse");
    assert_eq!(verdict(&result, "achieved"), "not-changed");

    let (output, result) = diff(&slow, &base, &[]);
    assert_eq!(output.status.code(), Some(0), "{result:#}");
    assert_eq!(verdict(&result, "response.p99"), "better");

    let (output, result) = diff(&base, &same, &["--inconclusive", "fail"]);
    assert_eq!(output.status.code(), Some(0), "{result:#}");
    assert_eq!(verdict(&result, "e2e.p99"), "not-changed");

    // Half as much again does not matter to whoever says so.
    let (output, _) = diff(&base, &slow, &["--practical", "80%"]);
    assert_eq!(output.status.code(), Some(0));
    // Nor does it where each figure that changed has a bound of its own.
    let bounds = ["p50", "p99", "p99.9"].map(|p| {
        let bound = |stage: &str, ms| format!("--practical={stage}.{p}={ms}ms");
        [bound("e2e", 500), bound("response", 50)]
    });
    let bounds: Vec<&str> = bounds.iter().flatten().map(String::as_str).collect();
    let (output, result) = diff(&base, &slow, &bounds);
    assert_eq!(output.status.code(), Some(0), "{result:#}");
    assert_eq!(figure(&result, "e2e.p99")["matters"], 0.5);
}

#[test]
fn one_run_a_side_shows_changes_without_a_verdict() {
    let folder = TempDir::new().unwrap();
    let like = Case::default().run();
    let base = files(folder.path(), "base", &like, &[(1.0, 1.0)]);
    let slow = files(folder.path(), "slow", &like, &[(3.0, 1.0)]);
    let (output, result) = diff(&base, &slow, &[]);
    assert_eq!(output.status.code(), Some(0), "{result:#}");
    for figure in result["figures"].as_array().unwrap() {
        assert_ne!(figure["verdict"], "worse", "{figure:#}");
    }
    let (output, _) = diff(&base, &slow, &["--inconclusive", "fail"]);
    assert_eq!(output.status.code(), Some(4));
}

/// Three runs of each, at once, against a service with this fault.
fn runs_with(folder: &Path, fault: &str, flags: &str) -> Vec<String> {
    let words = match fault {
        "" => "--change-delay 0".to_owned(),
        fault => format!("--change-delay 0 --fault {fault}"),
    };
    let local = Local::start(&words);
    let runs: Vec<(String, Child)> = (0..3)
        .map(|at| {
            let name = format!("{}-{at}.json", fault.replace(['=', '%'], "_"));
            let file = folder.join(name).to_str().unwrap().to_owned();
            let words = "-q --rate 300/s -d 2s -w 0s --drain 2s --devices 300 --attempts 1";
            let child = local
                .client(&format!("{words} {flags} -o {file}"))
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            (file, child)
        })
        .collect();
    runs.into_iter()
        .map(|(file, child)| {
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            // Whatever became of the readings, there is a result.
            assert!(Path::new(&file).exists(), "{fault}: {said}");
            file
        })
        .collect()
}

#[test]
fn a_service_that_loses_doubles_or_fails_what_it_is_sent_is_found_worse() {
    let folder = TempDir::new().unwrap();
    let base = runs_with(folder.path(), "", "");
    let (output, result) = diff(&base, &base, &[]);
    assert_eq!(output.status.code(), Some(0), "{result:#}");
    for name in ["unheld", "missing", "failed", "duplicates"] {
        assert_eq!(verdict(&result, name), "not-changed", "{name}");
    }
    for (fault, worse, unheld) in [
        ("lose=100%", vec!["missing", "e2e.p99", "read.p50"], true),
        ("lose=50%", vec!["missing"], true),
        ("duplicate=100%", vec!["duplicates"], true),
        ("error=50%", vec!["failed"], true),
    ] {
        let new = runs_with(folder.path(), fault, "");
        let report = folder.path().join("diff.md");
        let report = report.to_str().unwrap();
        let (output, result) = diff(&base, &new, &["--report", report]);
        let markdown = fs::read_to_string(report).unwrap();
        assert_eq!(output.status.code(), Some(4), "{fault}: {markdown}");
        assert!(
            markdown.starts_with("### hrload: ❌"),
            "{fault}: {markdown}"
        );
        for name in &worse {
            assert_eq!(verdict(&result, name), "worse", "{fault}: {markdown}");
        }
        let named = result["unheld"].as_array().unwrap();
        if unheld {
            assert_eq!(named.len(), 3, "{fault}: {markdown}");
            assert_eq!(verdict(&result, "unheld"), "worse", "{fault}");
            assert!(markdown.contains("not held: new run"), "{markdown}");
        }
        let text = shown(&base, &new, &[]);
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        if fault == "lose=100%" {
            assert_eq!(figure(&result, "e2e.p99")["new"], Value::Null);
            for text in [&markdown, &text] {
                assert!(
                    text.contains("nothing to measure in 3 of 3 new runs"),
                    "{text}"
                );
            }
        }
        // The other way about it is better.
        let (_, result) = diff(&new, &base, &["--allow-unheld"]);
        for name in worse {
            assert_eq!(verdict(&result, name), "better", "{fault}");
        }
    }
}

#[test]
fn runs_that_did_not_hold_fail_a_comparison_unless_they_are_allowed() {
    let folder = TempDir::new().unwrap();
    let held = |at: usize| {
        scaled(
            &Case::default().run(),
            &format!("held-{at}"),
            NOISE[at].0,
            1.0,
        )
    };
    let whole: Vec<RunResult> = (0..3).map(held).collect();
    let mut cut_short = whole.clone();
    cut_short[1].run.interrupted = true;
    cut_short[1].run.id = "cut-short".to_owned();
    let base = write(folder.path(), "base", &whole);
    let new = write(folder.path(), "new", &cut_short);
    for (base, new, side) in [(&base, &new, "new"), (&new, &base, "base")] {
        let (output, result) = diff(base, new, &[]);
        assert_eq!(output.status.code(), Some(4), "{result:#}");
        assert_eq!(result["unheld"][0]["side"], side);
        assert_eq!(result["unheld"][0]["run"], "cut-short");
        let text = shown(base, new, &[]);
        for says in [
            &format!("not held: {side} run cut-short: interrupted after 4 s of 4 s"),
            "1 run did not hold: make it again, or allow it with --allow-unheld",
        ] {
            let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(one_line.contains(says), "{text}");
        }
        // One run of three may be chance: it is told, and fails no more.
        let (output, result) = diff(base, new, &["--allow-unheld"]);
        assert_eq!(output.status.code(), Some(0), "{result:#}");
        assert_eq!(result["unheld"].as_array().unwrap().len(), 1);
        assert_eq!(verdict(&result, "unheld"), "inconclusive");
    }
}

#[test]
fn runs_that_are_allowed_not_to_hold_are_counted_and_nothing_is_concluded() {
    let folder = TempDir::new().unwrap();
    let base = files(folder.path(), "base", &Case::default().run(), &NOISE);
    let mut cut_short = Case::default().run();
    cut_short.run.interrupted = true;
    let new = files(folder.path(), "new", &cut_short, &NOISE);
    let (output, result) = diff(&base, &new, &["--allow-unheld"]);
    assert_eq!(output.status.code(), Some(0), "{result:#}");
    let found = figure(&result, "unheld");
    assert_eq!(found["verdict"], "inconclusive");
    assert_eq!(found["interval"], Value::Null, "{found:#}");
    assert_eq!(found["absent"], "allowed by --allow-unheld");
    let (_, result) = diff(&base, &new, &[]);
    assert_eq!(verdict(&result, "unheld"), "worse");
}

#[test]
fn items_that_failed_otherwise_were_tried_and_not_throttled() {
    let folder = TempDir::new().unwrap();
    let like = Case::default().run();
    let mut failed = like.clone();
    let ledger = &mut failed.ledger;
    (ledger.acknowledged, ledger.failed) = (0, ledger.sent);
    (ledger.seen, ledger.missing) = (Some(0), Some(0));
    (failed.rate.achieved, failed.rate.seen) = (0.0, Some(0.0));
    for second in &mut failed.series {
        (second.acknowledged, second.failed) = (0, second.sent);
    }
    let base = files_as_they_are(folder.path(), "base", &like);
    let new = files_as_they_are(folder.path(), "new", &failed);
    let (_, result) = diff(&base, &new, &["--allow-unheld"]);
    let found = figure(&result, "throttled");
    assert_eq!(found["new"], 0.0, "{found:#}");
    assert_eq!(found["verdict"], "not-changed", "{found:#}");
}

#[test]
fn costs_at_other_prices_are_no_change_and_other_servers_are_named() {
    let folder = TempDir::new().unwrap();
    let mut like = Case::default().run();
    like.config.target = Target::Endpoint;
    like.config.dynamodb_endpoint = Some("http://127.0.0.1:8000/".into());
    like.cost = Some(Cost {
        usd: 0.5,
        usd_per_hour: Some(450.0),
        usd_per_million: Some(250.0),
        prices: "us-east-1, 2024-01-01".into(),
        lines: Vec::new(),
    });
    let mut elsewhere = like.clone();
    elsewhere.config.dynamodb_endpoint = Some("http://127.0.0.1:9000/".into());
    let cost = elsewhere.cost.as_mut().unwrap();
    cost.usd_per_million = Some(350.0);
    let dearer = elsewhere.clone();
    elsewhere.cost.as_mut().unwrap().prices = "us-east-1, 2026-09-11".into();
    let base = files(folder.path(), "base", &like, &NOISE);
    let new = files(folder.path(), "new", &elsewhere, &NOISE);
    let (output, result) = diff(&base, &new, &[]);
    assert_eq!(output.status.code(), Some(0), "{result:#}");
    let found = figure(&result, "usd_per_million");
    assert_eq!(found["verdict"], "inconclusive", "{found:#}");
    let told = "at other prices: us-east-1, 2024-01-01 and us-east-1, 2026-09-11";
    assert_eq!(found["absent"], told);
    let differences = result["differences"].as_array().unwrap();
    let named: Vec<&Value> = differences.iter().map(|of| &of["what"]).collect();
    assert_eq!(named, ["dynamodb_endpoint", "prices"]);
    // At the same prices it is a change.
    let new = files(folder.path(), "dearer", &dearer, &NOISE);
    let (_, result) = diff(&base, &new, &[]);
    assert_eq!(verdict(&result, "usd_per_million"), "worse");
}

#[test]
fn a_figure_that_one_side_lacks_stands_in_the_table_in_words() {
    let folder = TempDir::new().unwrap();
    let like = Case::default().run();
    let base = files(folder.path(), "base", &like, &NOISE);
    let mut unread = like.clone();
    unread.latency.e2e = None;
    unread.ledger.seen = Some(0);
    unread.ledger.missing = Some(unread.ledger.acknowledged);
    unread.rate.seen = Some(0.0);
    let unread = files_as_they_are(folder.path(), "unread", &unread);
    let unfollowed = Case {
        via: Via::None,
        ..Case::default()
    };
    let unfollowed = files_as_they_are(folder.path(), "unfollowed", &unfollowed.run());
    for (base, new, word, says) in [
        (
            &base,
            &unread,
            "worse",
            "nothing to measure in 4 of 4 new runs",
        ),
        (
            &unread,
            &base,
            "better",
            "nothing to measure in 4 of 4 base runs",
        ),
        (
            &unread,
            &unread,
            "inconclusive",
            "nothing to measure in 4 of 4 base runs and 4 of 4 new runs",
        ),
        (
            &base,
            &unfollowed,
            "inconclusive",
            "not asked for in 4 of 4 new runs",
        ),
    ] {
        let (_, result) = diff(base, new, &["--allow-different"]);
        let found = figure(&result, "e2e.p99");
        assert_eq!(found["verdict"], word, "{found:#}");
        assert_eq!(found["absent"], says, "{found:#}");
        let text = shown(base, new, &["--allow-different"]);
        let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(one_line.contains(says), "{text}");
    }
    // Of what no run was asked for nothing is said.
    let (_, result) = diff(&unfollowed, &unfollowed, &[]);
    let figures = result["figures"].as_array().unwrap();
    assert!(
        figures.iter().all(|of| of["figure"] != "e2e.p99"),
        "{result:#}"
    );
}

/// Four files of one run, under ids of their own.
fn files_as_they_are(folder: &Path, side: &str, like: &RunResult) -> Vec<String> {
    let results = (0..4).map(|at| {
        let mut result = like.clone();
        result.run.id = format!("{side}-{at}");
        result
    });
    write(folder, side, &results.collect::<Vec<_>>())
}

#[test]
fn a_small_change_of_a_small_stage_does_not_matter_to_a_long_way() {
    let folder = TempDir::new().unwrap();
    // End to end some 300 ms, of which service is 5 ms.
    let like = Case::default().run();
    let with_service = |by: f64| -> Vec<RunResult> {
        let results = (0..4).map(|at| {
            let mut result = scaled(&like, &format!("service-{by}-{at}"), 1.0, 1.0);
            let service = result.latency.service.as_mut().unwrap();
            let mut faster = Latency::default();
            for (us, count) in service.decode().unwrap().counts() {
                for _ in 0..count {
                    faster.record((us as f64 * by * (1.0 + at as f64 / 1e3)) as i64);
                }
            }
            *service = StageLatency::from(&faster);
            result
        });
        results.collect()
    };
    let base = write(folder.path(), "base", &with_service(0.06));
    let new = write(folder.path(), "new", &with_service(0.12));
    let (output, result) = diff(&base, &new, &[]);
    // 0.3 ms became 0.6 ms.
    assert_eq!(output.status.code(), Some(0), "{result:#}");
    assert_eq!(verdict(&result, "service.p99"), "not-changed");
    let matters = figure(&result, "service.p99")["matters"].as_f64().unwrap();
    let e2e = figure(&result, "e2e.p99")["base"].as_f64().unwrap();
    assert!((matters / e2e - 0.05).abs() < 0.001, "{matters} of {e2e}");
}

#[test]
fn a_change_stands_in_its_unit_and_its_share_in_a_column_of_its_own() {
    let folder = TempDir::new().unwrap();
    let like = Case::default().run();
    let base = files(folder.path(), "base", &like, &NOISE);
    let slow = NOISE.map(|(latency, rate)| (latency * 40.0, rate));
    let new = files(folder.path(), "new", &like, &slow);
    let text = shown(&base, &new, &[]);
    let row = |name: &str| -> Vec<&str> {
        let row = text.lines().find(|line| line.starts_with(name)).unwrap();
        row.split("  ")
            .map(str::trim)
            .filter(|of| !of.is_empty())
            .collect()
    };
    let e2e = row("e2e.p50");
    assert_eq!(e2e.len(), 6, "{text}");
    assert!(e2e[3].starts_with('+') && e2e[3].ends_with(" s"), "{e2e:?}");
    assert_eq!(e2e[4..], ["> 10 x", "worse"], "{text}");
    assert!(row("achieved")[4].ends_with(" %"), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}

#[test]
fn runs_of_different_things_are_refused_unless_allowed() {
    let folder = TempDir::new().unwrap();
    let like = Case::default().run();
    let mut other = like.clone();
    other.config.devices = 200;
    other.config.client = "direct".to_owned();
    other.config.attempts = 1;
    let base = files(folder.path(), "base", &like, &[(1.0, 1.0), (1.01, 1.0)]);
    let new = files(folder.path(), "new", &other, &[(1.0, 1.0), (1.01, 1.0)]);
    let (output, _) = diff(&base, &new, &[]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("devices is 100 against 200"), "{stderr}");
    assert!(!stderr.contains("client is"), "{stderr}");
    let (output, result) = diff(&base, &new, &["--allow-different"]);
    assert_eq!(output.status.code(), Some(0), "{result:#}");
    let differ = result["differences"].as_array().unwrap();
    let differ: Vec<&Value> = differ.iter().map(|of| &of["what"]).collect();
    assert_eq!(differ, ["devices", "client", "attempts"]);
}

#[test]
fn what_is_no_result_is_refused_by_name_by_every_reader() {
    let folder = TempDir::new().unwrap();
    let good = Case::default().run();
    let base = files(folder.path(), "base", &good, &[(1.0, 1.0)]);
    let whole = fs::read_to_string(&base[0]).unwrap();
    let value: Value = serde_json::from_str(&whole).unwrap();
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut value = value.clone();
        change(&mut value);
        Some(value.to_string())
    };
    let too_many = serde_json::json!(1u64 << 63);
    let verdict = |word: &str| serde_json::json!({"word": word, "reasons": [], "doubts": []});
    let threshold = serde_json::json!({"expression": "missing>5", "measured": 7.0, "met": true});
    let measured = |expression: &str, measured: Option<f64>| {
        let said = serde_json::json!([
            {"expression": expression, "measured": measured, "met": true}
        ]);
        changed(&|of| of["thresholds"] = said.clone())
    };
    let cases: Vec<(&str, Option<String>, &str)> = vec![
        (
            "measured",
            measured("e2e.p99<1h", Some(1.84)),
            "threshold e2e.p99<1h is said to have measured 1.84 s, by the figures it is",
        ),
        (
            "unmeasured",
            measured("missing<5", None),
            "threshold missing<5 is said to have measured nothing, by the figures it is 0",
        ),
        (
            "condition",
            measured("zzz", Some(1.0)),
            "threshold zzz is no condition that can be judged",
        ),
        (
            "cut",
            Some(whole[..whole.len() / 2].to_owned()),
            "truncated",
        ),
        ("missing", None, "cannot read"),
        (
            "list",
            Some(format!("[{}]", "1,".repeat(99) + "1")),
            "schema",
        ),
        (
            "p99",
            changed(&|of| of["latency"]["e2e"]["p99"] = 0.001.into()),
            "latency.e2e.p99 is 0.001 s, by its histogram",
        ),
        (
            "undecoded",
            changed(&|of| of["latency"]["service"]["histogram"] = "HISTFAAA".into()),
            "the histogram of latency.service does not decode",
        ),
        (
            "no-histogram",
            changed(&|of| {
                let service = of["latency"]["service"].as_object_mut().unwrap();
                service.remove("histogram");
            }),
            "latency.service has a count of 2000, its histogram 0",
        ),
        (
            "count",
            changed(&|of| of["latency"]["e2e"]["count"] = too_many.clone()),
            "latency.e2e has a count of 9223372036854775808",
        ),
        (
            "ledger",
            changed(&|of| of["ledger"]["duplicates"] = too_many.clone()),
            "ledger.duplicates is 9223372036854775808, which no run comes to",
        ),
        (
            "identity",
            changed(&|of| of["ledger"]["sent"] = 1.into()),
            "scheduled = sent + dropped + cut_off is 2000 ≠ 1",
        ),
        (
            "broken",
            changed(&|of| of["ledger"]["broken"] = serde_json::json!(["x"])),
            "is said to be closed, and yet to be broken: x",
        ),
        (
            "rate",
            changed(&|of| of["rate"]["achieved"] = 900.0.into()),
            "rate.achieved is 900/s, by the ledger 500/s",
        ),
        (
            "second",
            changed(&|of| of["series"][2]["latency"]["e2e"]["p99"] = 9.0.into()),
            "series, second 1, e2e.p99 is 9 s, by its histogram",
        ),
        (
            "verdict",
            changed(&|of| of["verdict"] = verdict("rate-held")),
            "its verdict is \"rate held\", by the figures \"held\"",
        ),
        (
            "threshold",
            changed(&|of| of["thresholds"] = serde_json::json!([threshold])),
            "threshold missing>5 is said to be met, by the figures it is missed",
        ),
        (
            "time",
            changed(&|of| of["run"]["drained"] = (-1.0).into()),
            "run.drained is -1 s, which no run lasts",
        ),
    ];
    let history = folder.path().join("h.jsonl");
    let history = history.to_str().unwrap();
    for (name, content, says) in cases {
        let path = folder.path().join(format!("{name}.json"));
        if let Some(content) = content {
            fs::write(&path, content).unwrap();
        }
        let path = path.to_str().unwrap();
        let page = folder.path().join("page.html");
        let page = page.to_str().unwrap();
        for words in [
            vec!["show", path],
            vec!["diff", &base[0], "--against", path],
            vec!["diff", path, "--against", &base[0]],
            vec!["report", path, "--report", page],
            vec!["trend", history, "--add", path, "--label", "x"],
            vec!["cloudwatch", path],
            vec!["run", "-b", path, "-d", "1h"],
        ] {
            let output = hrload().args(&words).output().unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{words:?}: {stderr}");
            assert!(stderr.contains(says), "{words:?}: {stderr}");
            assert!(stderr.contains(path), "{words:?}: {stderr}");
        }
        assert!(!Path::new(history).exists() && !Path::new(page).exists());
    }
    let words = ["diff", &base[0]];
    let output = hrload().args(words).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn an_endless_device_is_no_result() {
    let output = hrload().args(["show", "/dev/zero"]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("is not JSON"), "{stderr}");
}

#[test]
fn text_of_a_file_drives_no_terminal() {
    let folder = TempDir::new().unwrap();
    let harm = "\u{1b}]0;owned\u{7}\u{1b}]52;c;eA==\u{7}\u{202e}txt\u{2066}\u{9b}2J";
    let mut hostile = Case::interrupted().run();
    hostile.run.id = harm.to_owned();
    hostile.config.profile = harm.to_owned();
    hostile.config.client = harm.to_owned();
    hostile.run.out_of_reach = Some(harm.to_owned());
    hostile.environment.version = harm.to_owned();
    hostile.environment.cpu = Some(harm.to_owned());
    hostile.environment.commit = Some(harm.to_owned());
    hostile.warnings = vec![harm.to_owned()];
    hostile.failures.insert(harm.to_owned(), 1);
    let paths = write(folder.path(), "hostile", &[hostile.clone(), hostile]);
    let plain = write(folder.path(), "plain", &[Case::default().run()]);
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let history = file("h.jsonl");
    let report = file("d.md");
    let words: Vec<Vec<&str>> = vec![
        vec!["show", &paths[0]],
        vec![
            "diff",
            &paths[0],
            "--against",
            &paths[1],
            "--report",
            &report,
        ],
        vec!["diff", &plain[0], "--against", &paths[0]],
        vec![
            "diff",
            &plain[0],
            "--against",
            &paths[0],
            "--allow-different",
        ],
        vec!["trend", &history, "--add", &paths[0]],
        vec!["trend", &history, "--add", &paths[0], "--allow-unheld"],
    ];
    let acts = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{2069}').contains(&c);
    for words in words {
        let output = hrload().args(&words).output().unwrap();
        for said in [output.stdout, output.stderr] {
            let said = String::from_utf8(said).unwrap();
            assert!(!said.contains(acts), "{words:?}: {said:?}");
        }
    }
    for ending in ["html", "md", "csv", "hlog", "xml", "prom"] {
        let report = file(&format!("r.{ending}"));
        let words = ["report", &paths[0], "--report", &report];
        let output = hrload().args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{ending}");
    }
    for ending in [
        "d.md", "r.html", "r.md", "r.csv", "r.hlog", "r.xml", "r.prom",
    ] {
        let written = fs::read_to_string(file(ending)).unwrap();
        let acts = |c: char| acts(c) && c != '\r';
        assert!(!written.contains(acts), "{ending}");
    }
}

#[test]
fn a_run_is_compared_with_its_baseline_in_one_go() {
    let folder = TempDir::new().unwrap();
    let words = "-q --devices 100 -r 500 -w 0s -d 3s --change-delay 0";
    let real = run(words);
    assert_eq!(real.code, 0, "{}", real.stderr);
    let real: RunResult = serde_json::from_value(real.result).unwrap();
    // One run against one has no verdict.
    let base = files(folder.path(), "base", &real, &[(1.0, 1.0)]);
    let alone = run(&format!("{words} -b {}", base[0]));
    assert_eq!(alone.code, 0, "{}", alone.stderr);
    // A hundredth of its own latency before, twice over: it got worse.
    let scales = [(0.01, 1.0), (0.0101, 1.0)];
    let fast = files(folder.path(), "fast", &real, &scales);
    let baselines = format!("{words} -b {}", fast.join(" -b "));
    assert_eq!(run(&baselines).code, 4);
}

#[test]
fn a_baseline_that_says_nothing_of_the_run_is_refused_before_it() {
    let folder = TempDir::new().unwrap();
    let words = "-q --devices 50 -r 200 -w 0s";
    let real = run(&format!("{words} -d 1s"));
    assert_eq!(real.code, 0, "{}", real.stderr);
    let real: RunResult = serde_json::from_value(real.result).unwrap();
    let mut interrupted = real.clone();
    interrupted.run.interrupted = true;
    interrupted.verdict = None;
    let mut other = real.clone();
    other.config.seed = 2;
    other.run.id = "other".to_owned();
    let file = |name: &str, results: &[RunResult]| write(folder.path(), name, results).join(" ");
    let good = file("good", std::slice::from_ref(&real));
    let cases = [
        (good.clone(), "-d 1h", "duration is 1 s against 3600 s"),
        (good.clone(), "-d 1s -r 300", "rate is 200 against 300"),
        (
            good.clone(),
            "-d 1s --via none",
            "via is kinesis against none",
        ),
        (
            file("interrupted", std::slice::from_ref(&interrupted)),
            "-d 1s",
            "did not hold: interrupted",
        ),
        (
            file("mixed", &[real.clone(), other]),
            "-d 1s",
            "seed is 2 against 1",
        ),
    ];
    for (baseline, more, says) in cases {
        let words = words.replace("-r 200", if more.contains("-r") { "" } else { "-r 200" });
        let output = hrload()
            .args(format!("{words} {more} -o - -b {baseline}").split_whitespace())
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{more}: {stderr}");
        assert!(stderr.contains(says), "{more}: {stderr}");
        assert!(output.stdout.is_empty(), "{more}: nothing was run");
    }
}
