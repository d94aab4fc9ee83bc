//! `hrload diff`, as a person runs it on result files.

#![allow(clippy::unwrap_used)]

#[path = "../report/case.rs"]
#[allow(dead_code)] // this test uses its part
mod case;
#[path = "../support/mod.rs"]
mod support;

mod baseline;
mod files;
mod unheld;
mod unlike;
mod verdicts;

use std::fs;
use std::path::Path;
use std::process::Output;

use hrload::measure::{Latency, Stage};
use hrload::report::{RunResult, StageLatency};
use serde_json::Value;
use support::hrload;

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
fn files_of(folder: &Path, side: &str, like: &RunResult, scales: &[(f64, f64)]) -> Vec<String> {
    let results = scales.iter().enumerate().map(|(at, &(latency, rate))| {
        let id = format!("{side}-{at}");
        scaled(like, &id, latency, rate)
    });
    write(folder, side, &results.collect::<Vec<_>>())
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

/// Results that are like these, of other runs.
fn again(files: &[String]) -> Vec<String> {
    let again = files.iter().map(|file| {
        let mut result: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        result["run"]["id"] = format!("{}-again", result["run"]["id"]).into();
        let file = format!("{file}.again");
        fs::write(&file, result.to_string()).unwrap();
        file
    });
    again.collect()
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
