//! What is shown: real processes, whose output fits the screen, and shells that complete.

#![allow(clippy::unwrap_used)]

mod completions;

use std::path::Path;
use std::process::Command;

use crate::support::hrload;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

const NAME: &str = "messung-des-ganzen-bestandes-心拍数の測定-für-dringende-fälle-ohne-pause-\
                    und-ohne-ende-von-geräten-aller-art-in-allen-regionen-2026-11-30-abend";

/// A name that AWS takes.
const TABLE: &str = "a-table-of-the-whole-fleet-that-somebody-named-with-much-care-and-no-thought-of-\
                     screens-2026-11-30";

/// What a command prints to standard output, whatever its exit code.
fn printed(folder: &Path, words: &[&str]) -> String {
    let output = hrload().current_dir(folder).args(words).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!text.is_empty(), "{words:?}: {said}");
    text
}

#[track_caller]
fn assert_fits(what: &str, text: &str) {
    for line in text.lines() {
        assert!(
            line.width() <= 80,
            "{what}: {} columns: {line}\n{text}",
            line.width()
        );
    }
}

/// A result with long names and many remarks, out of a run that was made.
fn awkward(folder: &Path) -> Value {
    let run =
        "run -r 300/s --devices 50 -d 2s -w 0s --drain 5s --threshold e2e.p99<1us -o run.json";
    let words: Vec<&str> = run.split(' ').collect();
    let text = printed(folder, &words);
    assert_fits(run, &text);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("not held ") && lines[lines.len() - 1].starts_with("not held "));
    let result = std::fs::read(folder.join("run.json")).unwrap();
    let mut result: Value = serde_json::from_slice(&result).unwrap();
    let remark = format!("`{NAME}` is what people write, and more of it, until a screen is full");
    result["config"]["profile"] = json!(NAME);
    result["config"]["table"] = json!(NAME);
    result["config"]["client"] = json!(NAME);
    result["config"]["tags"] = json!([NAME, NAME]);
    result["warnings"] = json!(vec![remark; 7]);
    result["run"]["id"] = json!(NAME);
    result
}

#[test]
fn whatever_is_printed_fits_eighty_columns() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let result = awkward(folder);
    std::fs::write(folder.join("awkward.json"), result.to_string()).unwrap();
    let text = printed(folder, &["show", "awkward.json"]);
    let word = |line: Option<&str>| line.is_some_and(|line| line.starts_with("not held "));
    assert!(
        word(text.lines().next()) && word(text.lines().last()),
        "{text}"
    );
    for words in [
        &["show", "awkward.json"][..],
        &[
            "diff",
            "run.json",
            "--against",
            "awkward.json",
            "--allow-different",
        ],
        &[
            "trend",
            "h.jsonl",
            "--add",
            "awkward.json",
            "--allow-unheld",
            "--label",
            NAME,
        ],
        &[
            "plan",
            "--devices",
            "5000",
            "--days",
            "3650",
            "--stored-gb",
            "900000000",
        ],
        &["profiles", "--devices", "4000000"],
        &[
            "run",
            "--dry-run",
            "--target",
            "aws",
            "--region",
            "ap-southeast-3",
        ],
        &[
            "run",
            "--dry-run",
            "--target",
            "aws",
            "--table",
            TABLE,
            "--stream",
            TABLE,
        ],
        &[
            "setup",
            "--dry-run",
            "--endpoint-url",
            "http://127.0.0.1:1",
            "--table",
            "t",
        ],
        &["sweep", "-q", "--help"],
        &["--help"],
        &["run", "-h"],
        &["local", "--help"],
        &["query", "--help"],
    ] {
        assert_fits(&words.join(" "), &printed(folder, words));
    }
}

#[test]
fn a_sweep_and_a_comparison_fit_eighty_columns() {
    let folder = tempfile::tempdir().unwrap();
    for words in [
        "sweep --from 100 --to 200 -d 1s -w 0s --drain 5s --devices 50",
        "modes -r 100/s -d 1s -w 0s --drain 5s --devices 50 --repeat 1",
    ] {
        let text = printed(folder.path(), &words.split(' ').collect::<Vec<_>>());
        assert_fits(words, &text);
    }
}

#[test]
fn the_help_of_hrload_is_one_screen_with_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let help = printed(folder.path(), &["--help"]);
    assert!(help.lines().count() <= 40, "{help}");
    for group in [
        "Run and look:",
        "Plan and compare:",
        "The lake:",
        "Services and set-up:",
    ] {
        assert!(help.lines().any(|line| line == group), "{group}\n{help}");
    }
    assert_eq!(help, printed(folder.path(), &["-h"]));
    assert_eq!(help, printed(folder.path(), &["help"]));
    let commands = help.lines().filter_map(|line| line.strip_prefix("  "));
    let commands = commands.filter_map(|line| line.split(' ').next());
    for command in commands.filter(|of| !of.is_empty() && !of.starts_with('-')) {
        let of_command = printed(folder.path(), &["help", command]);
        assert!(
            of_command.contains("Usage: hrload"),
            "{command}: {of_command}"
        );
    }
}

#[test]
fn the_help_of_faults_has_the_list_of_them() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["local", "run", "modes", "sweep"] {
        let help = printed(folder.path(), &[command, "--help"]);
        for kind in ["lose=AMOUNT", "stall=TIME@TIME", "disconnect-after=AMOUNT"] {
            assert!(help.contains(kind), "{command}: {kind}\n{help}");
        }
    }
}

/// A program of this machine, or the word that a test was skipped.
fn program(name: &str) -> Option<Command> {
    let there = Command::new(name).arg("--version").output();
    if there.is_ok_and(|output| output.status.success()) {
        return Some(Command::new(name));
    }
    eprintln!("{name} skipped: it is not installed");
    None
}
