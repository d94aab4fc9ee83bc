//! `hrload trend`, as a person runs it on histories.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::case::Case;
use crate::support::shim::{before, shim};
use crate::support::{hrload, run};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A line of a history.
fn entry(label: &str, p99: f64, instructions: f64) -> Value {
    json!({
        "schema": "hrload.history/1",
        "at": "2026-11-01T00:00:00Z",
        "label": label,
        "workload": "steady",
        "machine": "one",
        "runs": 3,
        "figures": {"achieved": 1_000.0, "e2e.p99": p99},
        "instructions": {"sign a call": instructions},
    })
}

fn write(path: &Path, entries: impl IntoIterator<Item = Value>) {
    let lines: Vec<String> = entries.into_iter().map(|of| of.to_string()).collect();
    fs::write(path, lines.join("\n") + "\n").unwrap();
}

fn trend(history: &Path, flags: &[&str]) -> Output {
    let mut command = hrload();
    command.arg("trend").arg(history).args(flags);
    command.output().unwrap()
}

fn text(of: &[u8]) -> String {
    String::from_utf8_lossy(of).into_owned()
}

/// Twelve entries; from the seventh on latencies are higher, instructions lower.
fn with_a_change() -> Vec<Value> {
    let noise = [0.0, 0.004, -0.003, 0.002, -0.004, 0.001];
    let level = |at: usize| match at {
        0..6 => (0.400, 2_000.0),
        _ => (0.480, 1_500.0),
    };
    let one = |at: usize| {
        let (p99, instructions) = level(at);
        entry(&format!("c{at}"), p99 * (1.0 + noise[at % 6]), instructions)
    };
    (0..12).map(one).collect()
}

#[test]
fn a_change_of_level_is_found_named_and_drawn() {
    let folder = TempDir::new().unwrap();
    let (history, plot) = (folder.path().join("h.jsonl"), folder.path().join("h.svg"));
    write(&history, with_a_change());
    let flags = ["--plot", plot.to_str().unwrap(), "-o", "-"];
    let output = trend(&history, &flags);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let changes = |figure: &str| -> Vec<(String, bool)> {
        let figures = result["figures"].as_array().unwrap();
        let of = figures.iter().find(|of| of["figure"] == figure).unwrap();
        let changes = of["changes"].as_array().unwrap().iter();
        changes
            .map(|of| {
                let label = of["label"].as_str().unwrap().to_owned();
                (label, of["better"].as_bool().unwrap())
            })
            .collect()
    };
    assert_eq!(changes("e2e.p99"), [("c6".to_owned(), false)]);
    assert_eq!(
        changes("instructions: sign a call"),
        [("c6".to_owned(), true)]
    );
    assert_eq!(changes("achieved"), []);
    let shown = text(&output.stderr);
    assert!(
        shown.contains("worse from c6 on: 400 ms -> 480 ms (+20.0%)"),
        "{shown}"
    );
    let svg = fs::read_to_string(plot).unwrap();
    assert!(
        svg.contains("c6: e2e.p99") && svg.contains("instructions"),
        "{svg}"
    );
}

#[test]
fn a_figure_that_was_zero_is_drawn_with_the_others() {
    let folder = TempDir::new().unwrap();
    let history = folder.path().join("h.jsonl");
    let entries = (0..16).map(|at| {
        let mut entry = entry(&format!("c{at}"), 0.3, 1.0);
        entry["figures"]["missing"] = if at < 8 { 0.0 } else { 0.4 }.into();
        entry["figures"]["failed"] = 0.0.into();
        entry
    });
    write(&history, entries);
    let plot = folder.path().join("t.svg");
    let drawn = |flags: &[&str]| {
        let _ = fs::remove_file(&plot);
        let flags = [flags, &["--plot", plot.to_str().unwrap()]].concat();
        let output = trend(&history, &flags);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        // A text stands on a line of its own within its element.
        fs::read_to_string(&plot).unwrap().replace('\n', "")
    };
    let svg = drawn(&[]);
    for of in ["achieved", "missing", "failed", "e2e.p99"] {
        assert!(svg.contains(&format!(">{of}<")), "{of}: {svg}");
    }
    assert!(svg.contains("c8: missing"), "{svg}");
    let svg = drawn(&["--figure", "missing"]);
    assert!(svg.contains("c8: missing"), "{svg}");
    let svg = drawn(&["--figure", "failed"]);
    assert!(svg.contains(">failed<"), "{svg}");
}

#[test]
fn other_machines_and_workloads_are_left_out_of_times_and_not_of_counts() {
    let folder = TempDir::new().unwrap();
    let history = folder.path().join("h.jsonl");
    let mut entries = with_a_change();
    for entry in &mut entries[..5] {
        entry["machine"] = "another".into();
    }
    write(&history, entries);
    let output = trend(&history, &["-o", "-"]);
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&result["entries"], &result["other"]),
        (&12.into(), &5.into())
    );
    let values = |figure: &str| {
        let figures = result["figures"].as_array().unwrap();
        let of = figures.iter().find(|of| of["figure"] == figure).unwrap();
        of["values"].as_array().unwrap().len()
    };
    assert_eq!(values("e2e.p99"), 7);
    assert_eq!(values("instructions: sign a call"), 12);
}

/// A result as if its readings had come at this rate.
fn at_rate(result: &mut Value, achieved: f64) {
    let number = |of: &Value| of.as_f64().unwrap();
    let factor = achieved / number(&result["rate"]["achieved"]);
    for key in ["offered", "achieved", "seen"] {
        result["rate"][key] = (number(&result["rate"][key]) * factor).into();
    }
    let measured = number(&result["run"]["measured"]) / factor;
    result["run"]["measured"] = measured.into();
    let usd = number(&result["cost"]["usd"]);
    result["cost"]["usd_per_hour"] = (usd / (measured / 3_600.0)).into();
}

#[test]
fn the_fewest_entries_that_are_named_suffice_and_no_fewer_do() {
    let folder = TempDir::new().unwrap();
    let history = folder.path().join("h.jsonl");
    // A clean jump by 40 %, half of the entries before it and half after.
    let shown = |entries: usize| {
        let one = |at: usize| {
            let noise = [0.0, 0.004, -0.003, 0.002, -0.004, 0.001][at % 6];
            let level = if at < entries / 2 { 0.4 } else { 0.56 };
            entry(&format!("c{at}"), level * (1.0 + noise), 1.0)
        };
        write(&history, (0..entries).map(one));
        text(&trend(&history, &[]).stdout)
    };
    let little = shown(6);
    let (_, rest) = little.split_once("can be told from ").unwrap();
    let named: usize = rest.split(' ').next().unwrap().parse().unwrap();
    assert!((7..20).contains(&named), "{little}");
    for entries in 6..named {
        let shown = shown(entries);
        assert!(!shown.contains("worse from"), "{entries}: {shown}");
        let row = shown.lines().find(|line| line.starts_with("e2e.p99"));
        // The mean of two levels is none.
        assert!(row.unwrap().trim_end().ends_with(" -"), "{shown}");
    }
    for entries in named..named + 6 {
        let shown = shown(entries);
        let from = format!("worse from c{} on", entries / 2);
        assert!(shown.contains(&from), "{entries}: {shown}");
        assert!(!shown.contains("can be told from"), "{entries}: {shown}");
        let row = shown.lines().find(|line| line.starts_with("e2e.p99"));
        let level = row.unwrap().split_whitespace().rev().nth(1).unwrap();
        let level: f64 = level.parse().unwrap();
        assert!((555.0..565.0).contains(&level), "{shown}");
    }
}

#[test]
fn a_figure_that_the_newest_entry_lacks_is_worse() {
    let folder = TempDir::new().unwrap();
    let history = folder.path().join("h.jsonl");
    let mut entries = with_a_change();
    entries[11]["figures"]
        .as_object_mut()
        .unwrap()
        .remove("e2e.p99");
    write(&history, entries);
    let output = trend(&history, &[]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(4), "{shown}");
    assert!(
        shown.contains("worse: nothing to measure since c10"),
        "{shown}"
    );
}

#[test]
fn a_cost_at_other_prices_is_another_course() {
    let folder = TempDir::new().unwrap();
    let history = folder.path().join("h.jsonl");
    let course = |other: &str| {
        let mut entries = with_a_change();
        for (at, entry) in entries.iter_mut().enumerate() {
            let (usd, prices) = if at < 6 { (0.5, other) } else { (0.8, "2026") };
            entry["figures"]["usd_per_million"] = (usd * (1.0 + 1e-4 * at as f64)).into();
            entry["prices"] = prices.into();
        }
        write(&history, entries);
        let output = trend(&history, &["--figure", "usd_per_million", "-o", "-", "-q"]);
        let result: Value = serde_json::from_slice(&output.stdout).unwrap();
        let of = &result["figures"][0];
        (
            of["entries"].as_array().unwrap().len(),
            of["changes"].as_array().unwrap().len(),
        )
    };
    assert_eq!(course("2026"), (12, 1));
    assert_eq!(course("2024"), (6, 0));
}

#[test]
fn runs_that_did_not_hold_become_no_entry_unless_they_are_allowed() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let history = folder.path().join("h.jsonl");
    let lossy = path("lossy.json");
    let words = "-q --devices 100 -r 500 -w 0s -d 1s --drain 1s --change-delay 0 --fault lose=50%";
    let output = hrload()
        .args(words.split(' '))
        .args(["-o", &lossy])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let add = ["--add", &lossy, "--label", "x"];
    let output = trend(&history, &add);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(
        said.contains("did not hold") && said.contains(" acknowledged "),
        "{said}"
    );
    assert!(!history.exists());
    let output = trend(&history, &[&add[..], &["--allow-unheld"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let line = fs::read_to_string(&history).unwrap();
    let entry: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(entry["figures"]["unheld"], 1.0);
    assert!(
        entry["figures"]["missing"].as_f64().unwrap() > 0.3,
        "{line}"
    );
}

#[test]
fn an_entry_is_the_mean_of_its_runs_and_added_at_the_end() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let history = folder.path().join("h.jsonl");
    let made = run("-q --devices 100 -r 500 -w 0s -d 2s --change-delay 0");
    assert_eq!(made.code, 0, "{}", made.stderr);
    let (mut one, mut two) = (made.result.clone(), made.result);
    at_rate(&mut one, 480.0);
    at_rate(&mut two, 500.0);
    two["run"]["id"] = "another".into();
    fs::write(path("1.json"), one.to_string()).unwrap();
    fs::write(path("2.json"), two.to_string()).unwrap();
    let counts = json!({"command": "x", "instructions_per_call": {"sign a call": 1_449.5}});
    fs::write(path("counts.json"), counts.to_string()).unwrap();

    let (one, two, counts) = (path("1.json"), path("2.json"), path("counts.json"));
    for label in ["first", "second"] {
        if label == "second" {
            // The runs of the first are in the history already.
            let flags = ["--add", &two, "--label", label];
            let output = trend(&history, &flags);
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(said.contains("run another is in line 1 of"), "{said}");
            for file in [&one, &two] {
                let mut other: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
                other["run"]["id"] = format!("{}-later", other["run"]["id"]).into();
                fs::write(file, other.to_string()).unwrap();
            }
        }
        let flags = ["--add", &one, &two, "--label", label, "--counts", &counts];
        let output = trend(&history, &flags);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let shown = text(&output.stdout);
        let entries = if label == "first" {
            "1 entry;"
        } else {
            "2 entries;"
        };
        assert!(shown.contains(entries), "{shown}");
        assert!(
            shown.contains("a change of level can be told from"),
            "{shown}"
        );
    }
    let lines = fs::read_to_string(&history).unwrap();
    let entries: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1]["label"], "second");
    assert_eq!(entries[1]["runs"], 2);
    let achieved = entries[1]["figures"]["achieved"].as_f64().unwrap();
    assert!((achieved - 490.0).abs() < 1e-6, "{achieved}");
    assert_eq!(entries[1]["figures"]["missing"], 0.0);
    assert_eq!(entries[1]["instructions"]["sign a call"], 1_449.5);

    // Runs of two workloads are no one entry, and the history stays as it was.
    let mut other: Value = serde_json::from_slice(&fs::read(&one).unwrap()).unwrap();
    other["config"]["devices"] = 7.into();
    other["run"]["id"] = "of-another-workload".into();
    fs::write(path("other.json"), other.to_string()).unwrap();
    let output = trend(
        &history,
        &["--add", &one, &path("other.json"), "--label", "x"],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("not of one workload"));
    assert_eq!(fs::read_to_string(&history).unwrap(), lines);
}

#[test]
fn entries_go_by_when_they_were_measured_and_a_change_of_nothing_is_none() {
    let folder = TempDir::new().unwrap();
    let history = folder.path().join("h.jsonl");
    let mut entries = with_a_change();
    for (at, entry) in entries.iter_mut().enumerate() {
        entry["at"] = format!("2026-11-{:02}T00:00:00Z", at + 1).into();
    }
    entries.reverse();
    write(&history, entries.clone());
    let shown = text(&trend(&history, &["--figure", "e2e.p99"]).stdout);
    let one_line = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(one_line.contains("worse from c6 on"), "{shown}");
    entries[0]["at"] = "yesterday".into();
    write(&history, entries);
    let output = trend(&history, &[]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("line 1 of"), "{said}");
    assert!(said.contains("\"yesterday\""), "{said}");

    // Half a millisecond more is less than timers are late.
    let level = |at: usize| if at < 8 { 0.3 } else { 0.3005 };
    let entries = (0..16).map(|at| entry(&format!("c{at}"), level(at), 1_500.0));
    write(&history, entries);
    let shown = text(&trend(&history, &["--figure", "e2e.p99"]).stdout);
    assert!(
        !shown.contains("worse") && !shown.contains("better"),
        "{shown}"
    );
}

#[test]
fn entries_that_are_added_at_once_are_all_there() {
    const AT_ONCE: usize = 8;
    let folder = TempDir::new().unwrap();
    let history = folder.path().join("h.jsonl");
    let add = |at: usize| {
        let mut run = Case::default().run();
        run.run.id = format!("run-{at}");
        let file = folder.path().join(format!("{at}.json"));
        run.write(&file).unwrap();
        let mut command = hrload();
        command.arg("trend").arg(&history).arg("--add").arg(file);
        command.args(["-q", "--label"]).arg(at.to_string());
        command
    };
    let added: Vec<_> = (0..AT_ONCE).map(|at| add(at).spawn().unwrap()).collect();
    for mut process in added {
        assert_eq!(process.wait().unwrap().code(), Some(0));
    }
    let lines = fs::read_to_string(&history).unwrap();
    let mut labels: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["label"].to_string())
        .collect();
    labels.sort();
    let expected: Vec<String> = (0..AT_ONCE).map(|at| format!("\"{at}\"")).collect();
    assert_eq!(labels, expected);
    // Nothing else stays beside it.
    let mut names = fs::read_dir(folder.path()).unwrap();
    let rest = names.find(|of| !matches!(of.as_ref().unwrap().path().extension(), Some(of) if of == "json" || of == "jsonl"));
    assert!(rest.is_none(), "{rest:?}");

    // Where nothing is locked, that is told once.
    let library = shim(folder.path());
    let mut command = add(AT_ONCE);
    command.args(["--figure", "achieved"]);
    before(&mut command, &library, ("SHIM_FOLDER", "1"));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(text(&output.stderr), "", "{output:?}");
    let mut command = hrload();
    let mut again: Value =
        serde_json::from_slice(&fs::read(folder.path().join("0.json")).unwrap()).unwrap();
    again["run"]["id"] = "once-more".into();
    let file = folder.path().join("again.json");
    fs::write(&file, again.to_string()).unwrap();
    command
        .arg("trend")
        .arg(&history)
        .args(["--label", "x", "--add"])
        .arg(file);
    before(&mut command, &library, ("SHIM_FOLDER", "1"));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        text(&output.stderr).matches("takes no locks").count(),
        1,
        "{output:?}"
    );
    assert_eq!(
        fs::read_to_string(&history).unwrap().lines().count(),
        AT_ONCE + 2
    );
}

#[test]
fn a_history_that_cannot_be_written_is_a_failure_and_no_wrong_use() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("run.json");
    Case::default().run().write(&file).unwrap();
    let history = folder.path().join("none").join("h.jsonl");
    let flags = ["--label", "x", "--add", file.to_str().unwrap()];
    let output = trend(&history, &flags);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot write to"), "{said}");
    // Nor on a file system that is read only.
    let history = folder.path().join("h.jsonl");
    fs::write(&history, entry("a", 0.4, 1.0).to_string()).unwrap();
    let mut command = hrload();
    command.arg("trend").arg(&history).args(flags);
    let under = folder.path().to_str().unwrap();
    command.env("SHIM_UNDER", under);
    before(&mut command, &shim(folder.path()), ("SHIM_MAKE", "30"));
    let output = command.output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot write to"), "{said}");
    assert_eq!(fs::read_to_string(&history).unwrap().lines().count(), 1);
}

#[test]
fn what_is_no_history_is_refused_with_its_line() {
    let folder = TempDir::new().unwrap();
    let history = folder.path().join("h.jsonl");
    let good = entry("a", 0.4, 1.0).to_string();
    for (content, flags, says) in [
        (String::new(), vec![], "has no entry yet"),
        (format!("{good}\n{}", &good[..40]), vec![], "line 2 of"),
        (
            good.replace("history/1", "history/2"),
            vec![],
            "is hrload.history/2, and this hrload reads",
        ),
        (good.replace("\"runs\"", "\"rusn\""), vec![], "line 1 of"),
        (
            good.clone(),
            vec!["--figure", "e2e.p98"],
            "there are achieved, e2e.p99, instructions: sign",
        ),
        (
            good.clone(),
            vec!["--plot", "t.svg", "-o", "t.svg"],
            "a file of its own",
        ),
    ] {
        fs::write(&history, content).unwrap();
        let output = trend(&history, &flags);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(says), "{says}: {said}");
    }
    let output = trend(&folder.path().join("none.jsonl"), &[]);
    assert_eq!(output.status.code(), Some(2));
}
