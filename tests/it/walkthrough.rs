//! The walk of `docs/walkthrough.md`, command by command: the document is the test.
//!
//! Its fenced blocks that are marked `sh local` run here, one after the other, in one
//! shell and an empty folder, with the binary under test as `hrload`; those marked
//! `sh sql` too where it has SQL. What follows a command after `#=>` is part of what
//! it must print. The port in the document is replaced by a free one.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

const PORT: &str = "8000";
/// Of the dashboard.
const PAGE: &str = "8080";

struct Step {
    line: usize,
    command: String,
    prints: Vec<String>,
}

fn steps(document: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut runs = None;
    for (number, line) in document.lines().enumerate() {
        match (line.strip_prefix("```"), runs) {
            (Some("sh local"), None) => runs = Some(true),
            (Some("sh sql"), None) => runs = Some(cfg!(feature = "sql")),
            (Some(_), None) => runs = Some(false),
            (Some(_), Some(_)) => runs = None,
            (None, Some(true)) => {
                if let Some(printed) = line.strip_prefix("#=> ") {
                    steps.last_mut().unwrap().prints.push(printed.to_owned());
                } else if steps.last().is_some_and(|step| {
                    step.command.ends_with('\\') || step.command.matches('\'').count() % 2 == 1
                }) {
                    let step = steps.last_mut().unwrap();
                    write!(step.command, "\n{line}").unwrap();
                } else if !line.is_empty() {
                    steps.push(Step {
                        line: number + 1,
                        command: line.to_owned(),
                        prints: Vec::new(),
                    });
                }
            }
            (None, _) => {}
        }
    }
    steps
}

/// A port that was free a moment ago.
fn port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

#[test]
fn every_command_of_the_walk_does_what_the_document_says() {
    let document = include_str!("../../docs/walkthrough.md");
    let (services, page) = (port(), port());
    let document = document.replace(PORT, &services).replace(PAGE, &page);
    let steps = steps(&document);
    assert!(steps.len() >= 6, "{} steps", steps.len());

    // Each command's output goes to a file of its own, and its number when it ended;
    // what was left running ends with the shell.
    let mut script = String::from("trap 'kill $(jobs -p)' EXIT\nset -e\n");
    for (index, step) in steps.iter().enumerate() {
        let redirect = format!("> out.{index} 2>&1");
        match step.command.strip_suffix(" &") {
            Some(command) => {
                // It goes on once it has said what it is to say.
                let said = step.prints.iter().map(|text| {
                    format!("until grep -qF '{text}' out.{index}; do sleep 0.1; kill -0 $!; done\n")
                });
                let said: String = said.collect();
                writeln!(script, "{command} {redirect} &\n{said}")
            }
            None => writeln!(script, "{{ {}\n}} {redirect}", step.command),
        }
        .unwrap();
        writeln!(script, "echo {index} > done").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_hrload")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let status = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "us-west-2")
        .env("AWS_CONFIG_FILE", "/nonexistent")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        .stdin(Stdio::null())
        .status()
        .unwrap();
    let read = |name: String| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    let done: usize = read("done".to_owned())
        .trim()
        .parse()
        .map_or(0, |last: usize| last + 1);
    for (index, step) in steps.iter().enumerate() {
        let printed = read(format!("out.{index}"));
        assert!(
            index < done,
            "docs/walkthrough.md, line {}: {} failed ({status}):\n{printed}",
            step.line,
            step.command
        );
        for expected in &step.prints {
            assert!(
                printed.contains(expected),
                "docs/walkthrough.md, line {}: {} did not print {expected:?} but\n{printed}",
                step.line,
                step.command
            );
        }
    }
}
