//! `hrload diff`, as a person runs it on result files.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use support::{hrload, run};
use tempfile::TempDir;

/// Files of runs like a real one, each with the p99s and the rate scaled.
fn files(folder: &Path, side: &str, like: &Value, scales: &[(f64, f64)]) -> Vec<String> {
    let file = |(at, &(latency, rate)): (usize, &(f64, f64))| {
        let mut result = like.clone();
        let scale = |value: &mut Value, by: f64| *value = (value.as_f64().unwrap() * by).into();
        result["run"]["id"] = format!("{side}-{at}").into();
        for stage in ["response", "e2e"] {
            scale(&mut result["latency"][stage]["p99"], latency);
        }
        scale(&mut result["rate"]["achieved"], rate);
        let path = folder.join(format!("{side}-{at}.json"));
        fs::write(&path, result.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    scales.iter().enumerate().map(file).collect()
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

#[track_caller]
fn verdict<'a>(result: &'a Value, figure: &str) -> &'a Value {
    let figures = result["figures"].as_array().unwrap();
    let mut found = figures.iter().filter(|of| of["figure"] == figure);
    &found.next().unwrap()["verdict"]
}

/// A short real run, made once a test.
fn real() -> Value {
    let run = run("-q --devices 100 -r 500 -w 0s -d 3s --change-delay 0");
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.result
}

#[test]
fn a_change_is_told_from_noise_and_fails_only_for_the_worse() {
    let folder = TempDir::new().unwrap();
    let like = real();
    let noise = [
        (1.0, 1.0),
        (1.004, 1.0005),
        (0.997, 0.9996),
        (1.001, 1.0002),
    ];
    let slow = noise.map(|(latency, rate)| (latency * 1.5, rate));
    let base = files(folder.path(), "base", &like, &noise);
    let same = files(
        folder.path(),
        "same",
        &like,
        &noise.map(|(l, r)| (l * 1.001, r)),
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
}

#[test]
fn one_run_a_side_shows_changes_without_a_verdict() {
    let folder = TempDir::new().unwrap();
    let like = real();
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

#[test]
fn runs_of_different_things_are_refused_unless_allowed() {
    let folder = TempDir::new().unwrap();
    let like = real();
    let mut other = like.clone();
    other["config"]["devices"] = 200.into();
    other["config"]["client"] = "direct".into();
    let base = files(folder.path(), "base", &like, &[(1.0, 1.0), (1.01, 1.0)]);
    let new = files(folder.path(), "new", &other, &[(1.0, 1.0), (1.01, 1.0)]);
    let (output, _) = diff(&base, &new, &[]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("devices is 100 against 200"), "{stderr}");
    assert!(!stderr.contains("client is"), "{stderr}");
    let (output, result) = diff(&base, &new, &["--allow-different"]);
    assert_eq!(output.status.code(), Some(0), "{result:#}");
    assert_eq!(result["differences"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_no_result_is_refused_by_name() {
    let folder = TempDir::new().unwrap();
    let base = files(folder.path(), "base", &real(), &[(1.0, 1.0)]);
    let cut = folder.path().join("cut.json");
    let whole = fs::read_to_string(&base[0]).unwrap();
    fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let missing = folder.path().join("missing.json");
    for (path, says) in [(&cut, "truncated"), (&missing, "cannot read")] {
        let name = path.to_str().unwrap().to_owned();
        let (output, _) = diff(&base, std::slice::from_ref(&name), &[]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(says) && stderr.contains(&name), "{stderr}");
    }
    let words = ["diff", &base[0]];
    assert_eq!(
        hrload().args(words).output().unwrap().status.code(),
        Some(2)
    );
}

#[test]
fn a_run_is_compared_with_its_baseline_in_one_go() {
    let folder = TempDir::new().unwrap();
    let words = "-q --devices 100 -r 500 -w 0s -d 3s --change-delay 0";
    // One run against one has no verdict.
    let base = files(folder.path(), "base", &real(), &[(1.0, 1.0)]);
    let alone = run(&format!("{words} -b {}", base[0]));
    assert_eq!(alone.code, 0, "{}", alone.stderr);
    // A hundredth of its own latency before, twice over: it got worse.
    let fast = files(
        folder.path(),
        "fast",
        &real(),
        &[(0.01, 1.0), (0.0101, 1.0)],
    );
    let baselines = format!("{words} -b {}", fast.join(" -b "));
    assert_eq!(run(&baselines).code, 4);
    let missing = hrload()
        .args(words.split(' '))
        .args(["-b", "/nonexistent.json"])
        .output();
    assert_eq!(missing.unwrap().status.code(), Some(2));
}
