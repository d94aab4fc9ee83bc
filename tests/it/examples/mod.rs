//! Every example that `--help` and the README show is run, and does what it says.
//!
//! `examples.toml` beside this file has a row for each: how it is shortened, which exit
//! code it has, and what it must print or write. An example without a row fails, and so
//! does a row without an example. Links between documents are checked too.

#![allow(clippy::unwrap_used)]

mod links;
mod shown;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::{env, fs, thread};

use serde::Deserialize;
use tempfile::TempDir;

/// What is known of one example.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// The example as it is shown, white space folded.
    shown: String,
    /// Texts in it that are replaced, so that it is quick and finds what it needs here.
    #[serde(default)]
    replace: Vec<(String, String)>,
    /// Words put behind it.
    #[serde(default)]
    add: String,
    #[serde(default)]
    code: i32,
    /// It goes on until it is stopped: after so many seconds it gets a SIGINT.
    stop_after: Option<u32>,
    /// What it must print, on standard output or standard error.
    #[serde(default)]
    tells: Vec<String>,
    /// Files it must have written, with something in them.
    #[serde(default)]
    writes: Vec<String>,
    /// What it must tell when it is run as it is shown, at full speed.
    #[serde(default)]
    as_shown: Vec<String>,
    /// Exit code of the example as it is shown.
    #[serde(default)]
    code_as_shown: i32,
    /// Why it is not run here, and what runs it.
    elsewhere: Option<String>,
}

#[derive(Deserialize)]
struct Rows {
    example: Vec<Row>,
}

fn rows() -> Vec<Row> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/examples/examples.toml");
    let text = fs::read_to_string(file).unwrap();
    let rows: Rows = toml::from_str(&text).unwrap();
    rows.example
}

#[test]
fn every_example_has_a_row_and_every_row_an_example() {
    let shown: BTreeSet<String> = shown::examples().into_iter().collect();
    let rows: BTreeSet<String> = rows().into_iter().map(|row| row.shown).collect();
    let without_row: Vec<_> = shown.difference(&rows).collect();
    let without_example: Vec<_> = rows.difference(&shown).collect();
    assert!(
        without_row.is_empty() && without_example.is_empty(),
        "examples without a row in tests/examples/examples.toml: {without_row:#?}\n\
         rows whose example is shown nowhere: {without_example:#?}"
    );
}

/// Files that examples name, made once.
struct Fixtures {
    folder: TempDir,
    services: crate::support::local::Local,
}

impl Fixtures {
    fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let run = |words: String| {
            let output = crate::support::output(&words);
            let told = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{words}: {told}");
        };
        let quick = "-q -r 1000/s --devices 200 -w 0s -d 2s --change-delay 0 --drain 5s";
        for name in ["base-1", "new-1", "base-2", "new-2"] {
            run(format!("{quick} -o {}", at(&format!("{name}.json"))));
        }
        for name in ["result", "old", "run-1", "run"] {
            fs::copy(at("base-1.json"), at(&format!("{name}.json"))).unwrap();
        }
        fs::copy(at("new-1.json"), at("new.json")).unwrap();
        run(format!("{quick} --lake {} --lake-interval 1s", at("lake")));
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        let history = repository.join("results/baseline/history.jsonl");
        fs::create_dir_all(at("results/baseline")).unwrap();
        fs::copy(&history, at("results/baseline/history.jsonl")).unwrap();
        fs::copy(&history, at("history.jsonl")).unwrap();
        let prices = repository.join("crates/capacity/src/prices/us-east-1.toml");
        fs::copy(prices, at("mine.toml")).unwrap();
        let profile = crate::support::output("profiles show marathon");
        fs::write(at("profile.toml"), profile.stdout).unwrap();
        Self {
            folder,
            services: crate::support::local::Local::start(
                "--mode provisioned --wcu 4000 --shards 1",
            ),
        }
    }

    /// A folder of an example's own, with all fixtures in it.
    fn copied(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let copied = Command::new("cp")
            .args(["-R", &format!("{}/.", self.folder.path().display())])
            .arg(folder.path())
            .status()
            .unwrap();
        assert!(copied.success());
        folder
    }
}

/// Runs an example in a shell, as a reader would; what went wrong, if anything did.
fn run(row: &Row, fixtures: &Fixtures) -> Result<(), String> {
    let folder = fixtures.copied();
    let endpoint = format!("http://{}", fixtures.services.address());
    let mut command = row.shown.clone();
    for (from, to) in &row.replace {
        if !command.contains(from.as_str()) {
            return Err(format!("there is no {from:?} in it to be replaced"));
        }
        command = command.replace(from, to);
    }
    for port in [8000, 8765, 4566] {
        command = command.replace(&format!("http://127.0.0.1:{port}"), &endpoint);
    }
    command = format!("{command} {}", row.add);
    if let Some(seconds) = row.stop_after {
        command = format!("timeout --preserve-status -s INT {seconds} {command}");
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_hrload"));
    let (code, told) = shell(&command, folder.path(), binary, &endpoint);
    judge(&command, code, &told, row.code, &row.tells)?;
    for file in &row.writes {
        let written = fs::read(folder.path().join(file)).unwrap_or_default();
        if written.is_empty() {
            return Err(format!(
                "{file} is not there, or empty\n--- {command}\n{told}"
            ));
        }
    }
    Ok(())
}

/// The exit code of a command line, and what it printed.
fn shell(command: &str, folder: &Path, binary: &Path, endpoint: &str) -> (Option<i32>, String) {
    let path = format!(
        "{}:{}",
        binary.parent().unwrap().display(),
        env::var("PATH").unwrap_or_default()
    );
    let output = Command::new("bash")
        .args(["-c", command])
        .current_dir(folder)
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/nonexistent")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        .env("GITHUB_STEP_SUMMARY", "step.md")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (output.status.code(), told)
}

/// What is wrong with how a command ended and what it printed.
fn judge(
    command: &str,
    code: Option<i32>,
    told: &str,
    expected: i32,
    tells: &[String],
) -> Result<(), String> {
    let lacking = tells.iter().find(|text| !told.contains(text.as_str()));
    let what = match lacking {
        _ if told.contains("panicked") => "it panicked".to_owned(),
        _ if code != Some(expected) => format!("exit code {code:?}"),
        Some(text) => format!("it does not tell {text:?}"),
        None => return Ok(()),
    };
    Err(format!("{what}\n--- {command}\n{told}"))
}

#[test]
#[ignore = "minutes at full speed, with a release binary: scripts/showcases"]
fn showcases_hold_as_they_are_shown() {
    let binary = env::var("HRLOAD_BINARY").expect("HRLOAD_BINARY names a release binary");
    let rows = rows();
    let showcases: Vec<&Row> = rows.iter().filter(|row| !row.as_shown.is_empty()).collect();
    assert!(!showcases.is_empty());
    let mut wrong = Vec::new();
    for row in showcases {
        let folder = tempfile::tempdir().unwrap();
        // Each starts services of its own.
        let nowhere = "http://127.0.0.1:9";
        let (code, told) = shell(&row.shown, folder.path(), Path::new(&binary), nowhere);
        println!("$ {}\n{told}", row.shown);
        let judged = judge(&row.shown, code, &told, row.code_as_shown, &row.as_shown);
        wrong.extend(judged.err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_example_does_what_it_says() {
    let fixtures = Fixtures::make();
    let rows: Vec<Row> = rows()
        .into_iter()
        .filter(|row| row.elsewhere.is_none())
        .collect();
    assert!(
        rows.iter()
            .all(|row| !row.tells.is_empty() || !row.writes.is_empty())
    );
    let left = Mutex::new(rows.iter());
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        // They wait most of the time.
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(row) = left.lock().unwrap().next() else {
                        break;
                    };
                    if let Err(what) = run(row, &fixtures) {
                        let what = format!("{}\n{what}", row.shown);
                        wrong.lock().unwrap().push(what);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
