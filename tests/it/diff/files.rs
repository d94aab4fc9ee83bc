//! What is no result, and text in files that are.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::case::Case;
use crate::diff::{files_of, write};
use crate::support::hrload;

#[test]
fn what_is_no_result_is_refused_by_name_by_every_reader() {
    let folder = TempDir::new().unwrap();
    let good = Case::default().run();
    let base = files_of(folder.path(), "base", &good, &[(1.0, 1.0)]);
    let whole = fs::read_to_string(&base[0]).unwrap();
    let value: Value = serde_json::from_str(&whole).unwrap();
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut value = value.clone();
        change(&mut value);
        Some(value.to_string())
    };
    let too_many = serde_json::json!(1u64 << 63);
    let verdict = |word: &str| serde_json::json!({"word": word, "reasons": [], "doubts": []});
    let threshold = serde_json::json!({"expression": "missing>5", "measured": 7.0, "met": true});
    let measured = |expression: &str, measured: Option<f64>| {
        let said = serde_json::json!([
            {"expression": expression, "measured": measured, "met": true}
        ]);
        changed(&|of| of["thresholds"] = said.clone())
    };
    let cases: Vec<(&str, Option<String>, &str)> = vec![
        (
            "measured",
            measured("e2e.p99<1h", Some(1.84)),
            "threshold e2e.p99<1h is said to have measured 1.84 s, by the figures it is",
        ),
        (
            "unmeasured",
            measured("missing<5", None),
            "threshold missing<5 is said to have measured nothing, by the figures it is 0",
        ),
        (
            "condition",
            measured("zzz", Some(1.0)),
            "threshold zzz is no condition that can be judged",
        ),
        (
            "cut",
            Some(whole[..whole.len() / 2].to_owned()),
            "truncated",
        ),
        ("missing", None, "cannot read"),
        (
            "list",
            Some(format!("[{}]", "1,".repeat(99) + "1")),
            "schema",
        ),
        (
            "p99",
            changed(&|of| of["latency"]["e2e"]["p99"] = 0.001.into()),
            "latency.e2e.p99 is 0.001 s, by its histogram",
        ),
        (
            "undecoded",
            changed(&|of| of["latency"]["service"]["histogram"] = "HISTFAAA".into()),
            "the histogram of latency.service does not decode",
        ),
        (
            "no-histogram",
            changed(&|of| {
                let service = of["latency"]["service"].as_object_mut().unwrap();
                service.remove("histogram");
            }),
            "latency.service has a count of 2000, its histogram 0",
        ),
        (
            "count",
            changed(&|of| of["latency"]["e2e"]["count"] = too_many.clone()),
            "latency.e2e has a count of 9223372036854775808",
        ),
        (
            "ledger",
            changed(&|of| of["ledger"]["duplicates"] = too_many.clone()),
            "ledger.duplicates is 9223372036854775808, which no run comes to",
        ),
        (
            "identity",
            changed(&|of| of["ledger"]["sent"] = 1.into()),
            "scheduled = sent + dropped + cut_off is 2000 ≠ 1",
        ),
        (
            "broken",
            changed(&|of| of["ledger"]["broken"] = serde_json::json!(["x"])),
            "is said to be closed, and yet to be broken: x",
        ),
        (
            "cpu",
            changed(&|of| of["generator"]["send_cpu"] = 500.0.into()),
            "generator.send_cpu is 500, which no run of its time comes to",
        ),
        (
            "negative",
            changed(&|of| of["capacity"]["consumed_units"] = (-5.0).into()),
            "capacity.consumed_units is -5, which no run",
        ),
        (
            "drained",
            changed(&|of| of["run"]["drained"] = 99_999.0.into()),
            "run.drained is 99999, which no run of its time comes to",
        ),
        (
            "throttled",
            changed(&|of| {
                of["throttles"] = serde_json::json!([
                    {"exception": "Throttled", "reason": null, "calls": 1, "items": 9}
                ]);
            }),
            "9 items were throttled by Throttled, and none in any second",
        ),
        (
            "limit",
            changed(&|of| {
                of["causes"] = serde_json::json!([
                    {"whose": "generator", "what": "was late", "advice": "wait"}
                ]);
            }),
            "a cause is the generator's (was late), and generator.limit is null",
        ),
        (
            "bill",
            changed(&|of| {
                of["cost"] = serde_json::json!({
                    "usd": 1.0, "prices": "x",
                    "lines": [{"item": "a", "quantity": 1.0, "unit": "b", "usd": 0.5}]
                });
            }),
            "cost.usd is 1, by its lines 0.5",
        ),
        (
            "rate",
            changed(&|of| of["rate"]["achieved"] = 900.0.into()),
            "rate.achieved is 900/s, by the ledger 500/s",
        ),
        (
            "second",
            changed(&|of| of["series"][2]["latency"]["e2e"]["p99"] = 9.0.into()),
            "series, second 1, e2e.p99 is 9 s, by its histogram",
        ),
        (
            "verdict",
            changed(&|of| of["verdict"] = verdict("rate-held")),
            "its verdict is \"rate held\", by the figures \"held\"",
        ),
        (
            "threshold",
            changed(&|of| of["thresholds"] = serde_json::json!([threshold])),
            "threshold missing>5 is said to be met, by the figures it is missed",
        ),
        (
            "time",
            changed(&|of| of["run"]["drained"] = (-1.0).into()),
            "run.drained is -1 s, which no run lasts",
        ),
    ];
    let history = folder.path().join("h.jsonl");
    let history = history.to_str().unwrap();
    for (name, content, says) in cases {
        let path = folder.path().join(format!("{name}.json"));
        if let Some(content) = content {
            fs::write(&path, content).unwrap();
        }
        let path = path.to_str().unwrap();
        let page = folder.path().join("page.html");
        let page = page.to_str().unwrap();
        for words in [
            vec!["show", path],
            vec!["diff", &base[0], "--against", path],
            vec!["diff", path, "--against", &base[0]],
            vec!["report", path, "--report", page],
            vec!["trend", history, "--add", path, "--label", "x"],
            vec!["cloudwatch", path],
            vec!["run", "-b", path, "-d", "1h"],
        ] {
            let output = hrload().args(&words).output().unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{words:?}: {stderr}");
            assert!(stderr.contains(says), "{words:?}: {stderr}");
            assert!(stderr.contains(path), "{words:?}: {stderr}");
        }
        assert!(!Path::new(history).exists() && !Path::new(page).exists());
    }
    let words = ["diff", &base[0]];
    let output = hrload().args(words).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn an_endless_device_is_no_result() {
    let output = hrload().args(["show", "/dev/zero"]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("is not JSON"), "{stderr}");
}

#[test]
fn text_of_a_file_drives_no_terminal() {
    let folder = TempDir::new().unwrap();
    let harm = "\u{1b}]0;owned\u{7}\u{1b}]52;c;eA==\u{7}\u{202e}txt\u{2066}\u{9b}2J";
    let mut hostile = Case::interrupted().run();
    hostile.run.id = harm.to_owned();
    hostile.config.profile = harm.to_owned();
    hostile.config.client = harm.to_owned();
    hostile.run.out_of_reach = Some(harm.to_owned());
    hostile.environment.version = harm.to_owned();
    hostile.environment.cpu = Some(harm.to_owned());
    hostile.environment.commit = Some(harm.to_owned());
    hostile.warnings = vec![harm.to_owned()];
    hostile.failures.insert(harm.to_owned(), 1);
    let mut other = hostile.clone();
    other.run.id += harm;
    let paths = write(folder.path(), "hostile", &[hostile, other]);
    let plain = write(folder.path(), "plain", &[Case::default().run()]);
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let history = file("h.jsonl");
    let report = file("d.md");
    let words: Vec<Vec<&str>> = vec![
        vec!["show", &paths[0]],
        vec![
            "diff",
            &paths[0],
            "--against",
            &paths[1],
            "--report",
            &report,
        ],
        vec!["diff", &plain[0], "--against", &paths[0]],
        vec![
            "diff",
            &plain[0],
            "--against",
            &paths[0],
            "--allow-different",
        ],
        vec!["trend", &history, "--add", &paths[0]],
        vec!["trend", &history, "--add", &paths[0], "--allow-unheld"],
    ];
    let acts = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{2069}').contains(&c);
    for words in words {
        let output = hrload().args(&words).output().unwrap();
        for said in [output.stdout, output.stderr] {
            let said = String::from_utf8(said).unwrap();
            assert!(!said.contains(acts), "{words:?}: {said:?}");
        }
    }
    for ending in ["html", "md", "csv", "hlog", "xml", "prom"] {
        let report = file(&format!("r.{ending}"));
        let words = ["report", &paths[0], "--report", &report];
        let output = hrload().args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{ending}");
    }
    for ending in [
        "d.md", "r.html", "r.md", "r.csv", "r.hlog", "r.xml", "r.prom",
    ] {
        let written = fs::read_to_string(file(ending)).unwrap();
        let acts = |c: char| acts(c) && c != '\r';
        assert!(!written.contains(acts), "{ending}");
    }
}
