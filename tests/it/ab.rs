//! `hrload ab`, as a person runs it: whole runs, in turns.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Output, Stdio};

use crate::support::hrload;
use serde_json::Value;
use tempfile::TempDir;

const SMALL: &str = "--devices 50 -r 200 -w 0s -d 1s --change-delay 0";

fn ab(words: &[&str], common: &str) -> Output {
    let mut command = hrload();
    command.arg("ab").args(words).arg("--");
    command.args(common.split_whitespace()).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn both_sides_are_run_in_turns_and_compared() {
    let folder = TempDir::new().unwrap();
    let (keep, report) = (folder.path().join("runs"), folder.path().join("ab.md"));
    let words = [
        "--base",
        "--batch 1",
        "--new",
        "--batch 25 --tag \'the new one\'",
        "--rounds",
        "2",
        "--keep",
        keep.to_str().unwrap(),
        "--report",
        report.to_str().unwrap(),
        "-o",
        "-",
    ];
    let output = ab(&words, SMALL);
    // Larger batches wait longer to be full: that may well be worse.
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 4)), "{code:?} {}", stderr(&output));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    for side in ["base", "new"] {
        assert_eq!(result[side].as_array().unwrap().len(), 2, "{side}");
    }
    let differing = result["differences"].as_array().unwrap();
    let batch = differing.iter().find(|of| of["what"] == "batch").unwrap();
    assert_eq!((&batch["base"], &batch["new"]), (&"1".into(), &"25".into()));
    let read = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(keep.join(name)).unwrap()).unwrap()
    };
    assert_eq!(read("new-2.json")["config"]["tags"][0], "the new one");
    let started = ["base-1", "new-1", "new-2", "base-2"]
        .map(|name| read(&format!("{name}.json"))["run"]["started"].to_string());
    assert!(started.is_sorted(), "{started:?}");
    let markdown = fs::read_to_string(report).unwrap();
    assert!(markdown.starts_with("### hrload: "), "{markdown}");
    assert!(markdown.contains("| e2e.p99 |"), "{markdown}");
}

#[test]
fn another_binary_can_be_a_side() {
    let folder = TempDir::new().unwrap();
    let other = folder.path().join("hrload-other");
    let script = format!(
        "#!/bin/sh\nexec {} \"$@\" --tag other\n",
        env!("CARGO_BIN_EXE_hrload")
    );
    fs::write(&other, script).unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).unwrap();
    let keep = folder.path().join("runs");
    let words = [
        "--new-binary",
        other.to_str().unwrap(),
        "--rounds",
        "1",
        "--keep",
        keep.to_str().unwrap(),
    ];
    let output = ab(&words, SMALL);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let new: Value = serde_json::from_slice(&fs::read(keep.join("new-1.json")).unwrap()).unwrap();
    assert_eq!(new["config"]["tags"][0], "other");
    assert!(
        stderr(&output).contains("round 1 of 1: new"),
        "{}",
        stderr(&output)
    );
    // Another comparison's results would stand among these.
    let output = ab(&words, SMALL);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("-1.json of an earlier comparison"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn what_cannot_be_compared_is_refused_with_the_next_step() {
    for (words, common, code, says) in [
        (vec![], SMALL, 2, "both sides are the same"),
        (
            vec!["--base", "--client 'sdk"],
            SMALL,
            2,
            "a quote is not closed",
        ),
        (vec!["--base", "--clinet sdk"], SMALL, 2, "'--clinet'"),
        (
            vec!["--new", "--clinet sdk"],
            SMALL,
            2,
            "the new side's words are none of hrload run",
        ),
        (
            vec!["--new", "-p 1", "--keep", "Cargo.toml/runs"],
            SMALL,
            2,
            "cannot make --keep Cargo.toml/runs",
        ),
        (
            vec!["--new-binary", "/nonexistent"],
            SMALL,
            2,
            "cannot run /nonexistent",
        ),
        (
            vec!["--base", "-p 1", "--report", "ab.html"],
            SMALL,
            2,
            "the ending .md",
        ),
        (
            vec!["--base", "-p 1"],
            "--endpoint-url http://127.0.0.1:1 --region x",
            1,
            "base side failed",
        ),
    ] {
        let output = ab(&words, common);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{words:?} {said}");
        assert!(said.contains(says), "{words:?} {said}");
        assert!(!said.contains("round 1 of"), "{words:?} {said}");
    }
}

#[test]
fn a_signal_ends_it_and_whole_rounds_are_compared() {
    let mut child = hrload()
        .args(["ab", "--base", "-p 4", "--rounds", "100", "--"])
        .args(SMALL.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let whole = lines.by_ref().map(Result::unwrap);
    // The first round is whole with its second line.
    assert!(
        whole
            .take(2)
            .last()
            .unwrap()
            .contains("round 1 of 100: new")
    );
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let rest = std::thread::spawn(move || for _ in lines {});
    let output = child.wait_with_output().unwrap();
    rest.join().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let compared = String::from_utf8(output.stdout).unwrap();
    assert!(compared.contains("base 1 run, new 1 run"), "{compared}");
}
