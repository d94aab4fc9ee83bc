//! What is concluded of a figure.

use std::fs;

use hrload::measure::Latency;
use hrload::report::{RunResult, StageLatency};
use tempfile::TempDir;

use crate::case::Case;
use crate::{diff, figure, files_of, scaled, shown, verdict, write};

pub(crate) const NOISE: [(f64, f64); 4] = [
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
    let base = files_of(folder.path(), "base", &like, &NOISE);
    let same = files_of(
        folder.path(),
        "same",
        &like,
        &NOISE.map(|(l, r)| (l * 1.001, r)),
    );
    let slow = files_of(folder.path(), "slow", &like, &slow);

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
    let base = files_of(folder.path(), "base", &like, &[(1.0, 1.0)]);
    let slow = files_of(folder.path(), "slow", &like, &[(3.0, 1.0)]);
    let (output, result) = diff(&base, &slow, &[]);
    assert_eq!(output.status.code(), Some(0), "{result:#}");
    for figure in result["figures"].as_array().unwrap() {
        assert_ne!(figure["verdict"], "worse", "{figure:#}");
    }
    assert_eq!(result["failed"], false);
    // Nothing was throttled on either side.
    let found = figure(&result, "throttled");
    assert_eq!((&found["base"], &found["new"]), (&0.0.into(), &0.0.into()));
    assert_eq!(found["verdict"], "not-changed", "{found:#}");
}

#[test]
fn what_cannot_be_told_and_may_not_be_fails_in_every_form() {
    let folder = TempDir::new().unwrap();
    let like = Case::default().run();
    let base = files_of(folder.path(), "base", &like, &[(1.0, 1.0)]);
    let slow = files_of(folder.path(), "slow", &like, &[(3.0, 1.0)]);
    let report = folder.path().join("of.md");
    let words = ["--report", report.to_str().unwrap()];
    let markdown = |flags: &[&str]| {
        let (output, result) = diff(&base, &slow, &[&words, flags].concat());
        (
            output.status.code(),
            result,
            fs::read_to_string(&report).unwrap(),
        )
    };
    let (code, result, text) = markdown(&[]);
    assert_eq!(code, Some(0));
    assert_eq!(
        (&result["failed"], &result["inconclusive_allowed"]),
        (&false.into(), &true.into())
    );
    assert!(
        text.starts_with("### hrload: ✅ nothing is known to be worse"),
        "{text}"
    );

    let (code, result, text) = markdown(&["--inconclusive", "fail"]);
    assert_eq!(code, Some(4));
    assert_eq!(
        (&result["failed"], &result["inconclusive_allowed"]),
        (&true.into(), &false.into())
    );
    let figures = result["figures"].as_array().unwrap();
    let untold = figures
        .iter()
        .filter(|of| of["verdict"] == "inconclusive")
        .count();
    let first = format!("### hrload: ❌ {untold} cannot be told, 0 better");
    assert_eq!(text.lines().next(), Some(&first[..]), "{text}");
    let line = format!(
        "failed: {untold} figures cannot be told, which --inconclusive fail does not allow"
    );
    assert!(text.contains(&line), "{text}");
    let text = shown(&base, &slow, &["--inconclusive", "fail"]);
    assert!(text.contains(&line), "{text}");
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
    let base = files_of(folder.path(), "base", &like, &NOISE);
    let slow = NOISE.map(|(latency, rate)| (latency * 40.0, rate));
    let new = files_of(folder.path(), "new", &like, &slow);
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
