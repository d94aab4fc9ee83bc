//! What cannot be believed, or cannot be written, is said before anything is.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Case, hrload};

/// Runs `hrload report` in a folder: exit code and standard error.
fn report(folder: &Path, words: &str) -> (i32, String) {
    let mut command = hrload();
    command.arg("report").args(words.split_whitespace());
    let output = command.current_dir(folder).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), stderr)
}

#[test]
fn damaged_foreign_and_changed_results_are_refused_and_nothing_is_written() {
    let result = serde_json::to_value(Case::lossy().run()).unwrap();
    let whole = result.to_string();
    let mut other = result.clone();
    other["run"]["id"] = json!("20231114T221320-0000");
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut value = result.clone();
        change(&mut value);
        value.to_string()
    };
    let histogram = |value: &mut Value| value["latency"]["e2e"]["histogram"] = json!("HISTFAAA");
    let in_second = |value: &mut Value| {
        value["series"][2]["latency"]["e2e"]["histogram"] = json!("not base64!");
    };
    let cases = [
        (whole[..whole.len() / 2].to_owned(), "is truncated"),
        ("# hello".to_owned(), "is not JSON"),
        ("{\"runs\": []}".to_owned(), "\"schema\" is missing"),
        (
            changed(&|of| of["schema"] = json!("hrload.result/2")),
            "hrload.result/2",
        ),
        (
            changed(&|of| of["ledger"]["sent"] = json!(-4)),
            "invalid value",
        ),
        (
            changed(&|of| of["ledger"]["acknowledged"] = json!(5)),
            "sent = acknowledged + failed is 2000 ≠ 55",
        ),
        (
            changed(&|of| of["latency"]["e2e"]["p99"] = json!(0.001)),
            "latency.e2e.p99 is 0.001 s, by its histogram",
        ),
        (
            changed(&|of| of["latency"]["e2e"]["count"] = json!(7)),
            "latency.e2e has a count of 7, its histogram 1940",
        ),
        (
            changed(&|of| of["series"][2]["second"] = json!(0)),
            "second 0 comes after second 0",
        ),
        (
            changed(&histogram),
            "histogram of latency.e2e does not decode",
        ),
        (changed(&in_second), "series, second 1, e2e does not decode"),
        (
            changed(&|of| of["series"] = json!([])),
            "has an empty series",
        ),
    ];
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("whole.json"), other.to_string()).unwrap();
    for (text, reason) in cases {
        fs::write(folder.path().join("r.json"), text).unwrap();
        // Even what could be written is not, where another report cannot be made.
        for words in [
            "r.json --report out.md --report out.html",
            "whole.json r.json --report out.md --report out.html",
        ] {
            let (code, stderr) = report(folder.path(), words);
            assert_eq!(code, 2, "{reason}: {stderr}");
            assert!(stderr.contains(reason), "{reason}: {stderr}");
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "{reason}");
        }
    }
    let (code, stderr) = report(folder.path(), "none.json --report out.md");
    assert_eq!(code, 2, "{stderr}");
}

#[test]
fn reports_that_need_no_series_are_made_without_one() {
    let folder = TempDir::new().unwrap();
    let mut result = Case::default().run();
    result.series.clear();
    result.write(&folder.path().join("r.json")).unwrap();
    let words = "r.json --report out.md --report out.xml --report out.prom";
    let (code, stderr) = report(folder.path(), words);
    assert_eq!(code, 0, "{stderr}");
    for ending in ["csv", "hlog", "html"] {
        let (code, stderr) = report(folder.path(), &format!("r.json --report out.{ending}"));
        assert_eq!(code, 2);
        assert!(stderr.contains(".md, .xml and .prom need none"), "{stderr}");
    }
}

#[test]
fn only_pages_and_markdown_show_two_results() {
    let folder = TempDir::new().unwrap();
    let mut result = Case::default().run();
    result.write(&folder.path().join("r.json")).unwrap();
    result.run.id.push('2');
    result.write(&folder.path().join("s.json")).unwrap();
    result.run.id.push('3');
    result.write(&folder.path().join("t.json")).unwrap();
    for ending in ["csv", "hlog", "xml", "prom"] {
        let (code, stderr) = report(folder.path(), &format!("r.json s.json --report o.{ending}"));
        assert_eq!(code, 2);
        assert!(stderr.contains("only .html and .md show two"), "{stderr}");
    }
    let (code, _) = report(folder.path(), "r.json s.json t.json --report o.html");
    assert_eq!(code, 2);
    let (code, stderr) = report(folder.path(), "r.json");
    assert_eq!(code, 2);
    assert!(stderr.contains("--report <FILE>"), "{stderr}");
}

#[test]
fn what_cannot_be_written_is_found_before_the_run() {
    let folder = TempDir::new().unwrap();
    let cases = [
        ("--report out.pdf", 2, ".html, .md, .csv (series), .hlog"),
        ("--report out", 2, "names no kind of report"),
        ("--report no/such/out.html", 1, "No such file"),
        ("--report out.md --report out.md", 2, "asked for twice"),
        ("--report r.md -o r.md", 2, "asked for twice"),
    ];
    for (words, expected, reason) in cases {
        let mut command = hrload();
        // A run of an hour: it is not begun.
        command.args(["-q", "-d", "1h"]).args(words.split(' '));
        let output = command.current_dir(&folder).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(expected), "{words}: {stderr}");
        assert!(stderr.contains(reason), "{words}: {stderr}");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "{words}");
    }
    for words in ["sweep --report out.html", "modes --report out.html"] {
        let output = hrload().args(words.split(' ')).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words}: {stderr}");
        assert!(
            stderr.contains("unexpected argument '--report'"),
            "{words}: {stderr}"
        );
    }
}
