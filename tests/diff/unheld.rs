//! Runs that did not hold, and what a bad service does to figures.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};

use hrload::report::RunResult;
use serde_json::Value;
use tempfile::TempDir;

use crate::case::Case;
use crate::support::local::Local;
use crate::verdicts::NOISE;
use crate::{again, diff, figure, files_as_they_are, files_of, scaled, shown, verdict, write};

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
    let (output, result) = diff(&base, &again(&base), &[]);
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
    for (at, run) in cut_short.iter_mut().enumerate() {
        run.run.id = format!("other-{at}");
    }
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
    let base = files_of(folder.path(), "base", &Case::default().run(), &NOISE);
    let mut cut_short = Case::default().run();
    cut_short.run.interrupted = true;
    let new = files_of(folder.path(), "new", &cut_short, &NOISE);
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
