//! A run's outputs are written apart from each other: what goes wrong with one costs that
//! one, and the result is never lost.

#![allow(clippy::unwrap_used)]

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::support::{await_line, hrload, output};

const SMALL: &str = "run --devices 50 -r 200/s -w 0s -d 2s --change-delay 0";

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// The result that was kept in `folder` instead, as `hrload show` prints it.
fn shown(folder: &Path, stderr: &str) -> String {
    let kept: Vec<_> = fs::read_dir(folder).unwrap().collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let file = kept.into_iter().next().unwrap().unwrap().path();
    let file = file.display().to_string();
    assert!(
        stderr.contains(&format!("the result is in {file}")),
        "{stderr}"
    );
    let shown = output(&format!("show {file}"));
    assert_eq!(shown.status.code(), Some(0));
    text(shown.stdout)
}

#[test]
fn a_folder_that_is_removed_in_mid_run_costs_neither_summary_nor_result() {
    let (folder, refuge) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let gone = folder.path().join("gone");
    fs::create_dir(&gone).unwrap();
    let kept = folder.path().join("kept.md");
    let words = format!(
        "{SMALL} -o {0}/r.json --report {0}/r.html --report {1}",
        gone.display(),
        kept.display()
    );
    let mut child = hrload()
        .args(words.split_whitespace())
        .env("TMPDIR", refuge.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    await_line(&mut stderr, "measuring");
    fs::remove_dir(&gone).unwrap();
    let mut told = String::new();
    stderr.read_to_string(&mut told).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    let summary = text(output.stdout);
    assert!(summary.contains("latency"), "{summary}");
    assert!(told.contains("r.html") && told.contains("r.json"), "{told}");
    assert!(fs::read_to_string(kept).unwrap().contains("Throttled"));
    assert!(summary.contains(shown(refuge.path(), &told).trim()));
}

/// `hrload WORDS` with its standard output going to `stdout`.
fn to(stdout: impl Into<Stdio>, words: &str, refuge: &Path) -> Output {
    let mut command = hrload();
    command
        .args(words.split_whitespace())
        .env("TMPDIR", refuge)
        .stdout(stdout);
    command.output().unwrap()
}

#[test]
fn a_full_disk_costs_what_is_written_there_and_nothing_else() {
    let (folder, refuge) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let report = folder.path().join("r.md");
    let words = format!("{SMALL} -o /dev/full --report {}", report.display());
    let run = to(Stdio::piped(), &words, refuge.path());
    let told = text(run.stderr);
    assert_eq!(run.status.code(), Some(1), "{told}");
    assert!(told.contains("No space left on device"), "{told}");
    assert!(text(run.stdout).contains("latency"));
    assert!(report.exists());
    assert!(shown(refuge.path(), &told).contains("latency"));
}

#[test]
fn a_full_standard_output_does_not_cost_the_result() {
    let (folder, refuge) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let result = folder.path().join("r.json");
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let run = to(
        full(),
        &format!("{SMALL} -o {}", result.display()),
        refuge.path(),
    );
    assert_eq!(run.status.code(), Some(1), "{}", text(run.stderr));
    assert!(result.exists());
    assert_eq!(fs::read_dir(refuge.path()).unwrap().count(), 0);

    let run = to(full(), &format!("{SMALL} -o -"), refuge.path());
    let told = text(run.stderr);
    assert_eq!(run.status.code(), Some(1), "{told}");
    assert!(shown(refuge.path(), &told).contains("latency"));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let [result, another] =
        ["r.json", "s.json"].map(|name| folder.path().join(name).display().to_string());
    for file in [&result, &another] {
        let made = output(&format!("{SMALL} -o {file}"));
        assert_eq!(made.status.code(), Some(0));
    }
    for words in [
        format!("{SMALL} -o -"),
        format!("show {result}"),
        format!("diff {result} --against {another} -o -"),
        "plan --devices 10 -o -".to_owned(),
        "profiles".to_owned(),
        "completions bash".to_owned(),
        "man".to_owned(),
        "--help".to_owned(),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let run = to(writer, &words, folder.path());
        let told = text(run.stderr);
        assert_eq!(run.status.code(), Some(0), "{words}: {told}");
        assert!(!told.contains("error:"), "{words}: {told}");
    }
}

#[test]
fn names_of_before_are_understood_and_told_as_they_are_now() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.json");
    let words = "run -q -r 50 --devices 5 -w 0s -d 1s --via none --layout seed \
                 --profile seed-parity -o";
    let made = output(&format!("{words} {}", file.display()));
    assert_eq!(made.status.code(), Some(0), "{}", text(made.stderr));
    let now = fs::read_to_string(&file).unwrap();
    let config: Value = serde_json::from_str::<Value>(&now).unwrap()["config"].take();
    assert_eq!(config["layout"], "post");
    assert_eq!(config["profile"], "post");
    // A file of before, beside one of now.
    let before = now.replace("\"layout\": \"post\"", "\"layout\": \"seed\"");
    assert_ne!(before, now);
    let mut before: Value = serde_json::from_str(&before).unwrap();
    before["run"]["id"] = "another".into();
    let old = folder.path().join("old.json");
    fs::write(&old, before.to_string()).unwrap();
    let compared = output(&format!(
        "diff {} --against {}",
        old.display(),
        file.display()
    ));
    let told = text(compared.stderr);
    assert!(!told.contains("layout"), "{told}");
    assert!(matches!(compared.status.code(), Some(0 | 4)), "{told}");
    let help = text(output("run --help").stdout);
    assert!(
        help.contains("- post:") && !help.contains("- seed:"),
        "{help}"
    );
}
