//! What `report` promises: a result file that keeps to its published schema,
//! comes back as it was written and is refused clearly when it is not one; and
//! a summary that fits a screen and says what happened.
#![allow(clippy::unwrap_used)]

mod case;
mod conditions;
mod figures;
mod fits;
mod modes;
mod sweep;
mod verdict;

use std::path::{Path, PathBuf};
use std::{env, fs};

use case::Case;
use hrload_measure::Stage;
use hrload_report::{
    Columns, Phase, ReadError, RunResult, Threshold, Verdict, Via, probe, summary,
};

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares with a committed file, or rewrites it when the variable is set.
fn assert_committed(path: &str, actual: &str, variable: &str) {
    let file = in_repository(path);
    if env::var_os(variable).is_some() {
        fs::write(&file, actual).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == actual,
        "{path} is not what the code makes. If that is meant: {variable}=1 cargo test -p hrload-report --test report\n\
         --- committed\n{committed}\n--- made\n{actual}"
    );
}

fn schema() -> serde_json::Value {
    schemars::schema_for!(RunResult).to_value()
}

#[test]
fn the_published_schema_is_the_one_of_the_types() {
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    assert_committed("../../results/schema.json", &text, "UPDATE_SCHEMA");
}

#[test]
fn written_results_keep_to_the_schema() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let none = Case {
        via: Via::None,
        ..Case::default()
    };
    let mut with_all = Case::lossy().run();
    with_all.thresholds.push(Threshold {
        expression: "e2e.p99 < 1s".into(),
        measured: Some(0.4),
        met: true,
    });
    for result in [Case::default().run(), with_all, none.run()] {
        let value = serde_json::to_value(&result).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
    let mut other = serde_json::to_value(Case::default().run()).unwrap();
    other["schema"] = "hrload.result/9".into();
    assert!(!validator.is_valid(&other));
    other["schema"] = "hrload.result/1".into();
    other["ledger"]["sent"] = (-1).into();
    assert!(!validator.is_valid(&other));
}

#[test]
fn the_result_holds_what_was_recorded() {
    let result = Case::lossy().run();
    let ledger = &result.ledger;
    assert_eq!(ledger.scheduled, 2_000);
    assert_eq!(ledger.failed, 50);
    assert_eq!(ledger.acknowledged, 1_950);
    // Of the 20 that would have gone missing, 10 had failed already.
    assert_eq!(ledger.missing, Some(10));
    assert_eq!(ledger.missing_examples.len(), 10);
    assert!(ledger.closed);
    assert_eq!(result.rate.offered, 500.0);
    assert_eq!(result.rate.achieved, 487.5);
    assert_eq!(result.failures["http-500"], 50);
    assert_eq!(
        result.throttles[0].reason.as_deref(),
        Some("TableWriteProvisionedThroughputExceeded")
    );
    assert_eq!(result.throttles[0].items, 286);

    let phases: Vec<_> = result.series.iter().map(|s| (s.second, s.phase)).collect();
    assert_eq!(phases[0], (-1, Phase::WarmUp));
    assert_eq!(phases[1], (0, Phase::Measure));
    assert_eq!(phases[5], (4, Phase::Drain));
    let measured = || result.series.iter().filter(|entry| entry.second >= 0);
    assert_eq!(measured().map(|s| s.acknowledged).sum::<u64>(), 1_950);
    assert!(
        result.latency.get(Stage::Freshness).is_none(),
        "nothing was delivered"
    );
    for stage in Stage::ALL.into_iter().filter(|of| *of != Stage::Freshness) {
        let whole = result.latency.get(stage).unwrap();
        let by_second: u64 = measured()
            .filter_map(|s| s.latency.get(stage))
            .map(|of| of.count)
            .sum();
        assert_eq!(whole.count, by_second, "{stage:?}");
        let histogram = whole.decode().unwrap();
        assert_eq!(histogram.count(), whole.count, "{stage:?}");
        let p99 = histogram.quantile_us(0.99) as f64 / 1e6;
        assert!(
            (p99 - whole.p99).abs() <= whole.p99.abs() / 1_000.0,
            "{stage:?}"
        );
        assert!(
            whole.p99 <= whole.max && whole.min <= whole.p50,
            "{stage:?}"
        );
    }
    let capture = result.latency.get(Stage::Capture).unwrap();
    assert!(capture.max < 0.0 && capture.histogram_negative.is_some());
}

#[test]
fn a_result_comes_back_from_its_file_as_it_was_and_prints_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.json");
    let result = Case::lossy().run();
    fs::write(&path, "an older result").unwrap();
    result.write(&path).unwrap();
    let read = RunResult::read(&path).unwrap();
    assert_eq!(read, result);
    assert_eq!(
        summary(&read, Columns::default()),
        summary(&result, Columns::default())
    );
    let left: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "no temporary file is left");
}

#[test]
fn keys_of_later_versions_are_ignored() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.json");
    let result = Case::interrupted().run();
    let mut value = serde_json::to_value(&result).unwrap();
    value["a_later_key"] = 1.into();
    value["ledger"]["another"] = "x".into();
    fs::write(&path, value.to_string()).unwrap();
    assert_eq!(RunResult::read(&path).unwrap(), result);
}

#[test]
fn what_is_not_a_result_is_refused_with_its_reason() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.json");
    let whole = serde_json::to_string_pretty(&Case::interrupted().run()).unwrap();
    let broken = whole.replace("\"devices\": 100", "\"devices\": \"many\"");
    type Is = fn(&ReadError) -> bool;
    let cases: [(&str, &str, Is); 8] = [
        ("", "not JSON", |e| matches!(e, ReadError::NotJson { .. })),
        ("# Results", "not JSON", |e| {
            matches!(e, ReadError::NotJson { .. })
        }),
        (&whole[..whole.len() / 2], "truncated", |e| {
            matches!(e, ReadError::Truncated { .. })
        }),
        ("[1, 2]", "missing", |e| {
            matches!(e, ReadError::OtherSchema { .. })
        }),
        ("{\"a\": 1}", "missing", |e| {
            matches!(e, ReadError::OtherSchema { .. })
        }),
        (
            "{\"schema\": \"hrload.result/7\"}",
            "hrload.result/7",
            |e| matches!(e, ReadError::OtherSchema { .. }),
        ),
        ("{\"schema\": \"hrload.result/1\"}", "missing field", |e| {
            matches!(e, ReadError::Invalid { .. })
        }),
        (&broken, "invalid type", |e| {
            matches!(e, ReadError::Invalid { .. })
        }),
    ];
    for (text, says, is) in cases {
        fs::write(&path, text).unwrap();
        let error = RunResult::read(&path).unwrap_err();
        assert!(is(&error), "{error:?}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.to_string().contains("run.json"), "{error}");
    }
    let error = RunResult::read(&directory.path().join("none.json")).unwrap_err();
    assert!(matches!(error, ReadError::Io { .. }), "{error:?}");
}

#[test]
fn an_unwritable_path_is_found_before_the_run_and_a_writable_one_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("run.json");
    fs::write(&file, "kept").unwrap();
    probe(&file).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
    probe(&directory.path().join("new.json")).unwrap();
    probe(Path::new("-")).unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);

    for (path, reason) in [
        (directory.path().to_owned(), "directory"),
        (directory.path().join("no/such/run.json"), "No such file"),
        (file.join("below-a-file.json"), "Not a directory"),
    ] {
        let before = probe(&path).unwrap_err().to_string();
        assert!(before.contains(reason), "{before}");
        let after = Case::interrupted().run().write(&path).unwrap_err();
        assert_eq!(after.to_string(), before);
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_devices_are_not_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("target.json");
    let link = directory.path().join("link.json");
    fs::write(&target, "").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let result = Case::interrupted().run();
    result.write(&link).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(RunResult::read(&target).unwrap(), result);

    let null = Path::new("/dev/null");
    result.write(null).unwrap();
    assert!(!fs::metadata(null).unwrap().is_file());
}

#[test]
fn the_verdict_names_every_reason() {
    assert!(Verdict::of(&Case::default().run()).held());
    let lossy = Verdict::of(&Case::lossy().run());
    let told = |verdict: &Verdict| -> Vec<String> {
        verdict.reasons.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        told(&lossy),
        [
            "10 of 1,950 acknowledged never seen",
            "3 of 488 acknowledged in the warm-up never seen",
            "50 failed (2.5 %)",
        ]
    );
    let [doubt] = &lossy.doubts[..] else {
        panic!("{:?}", lossy.doubts);
    };
    assert!(doubt.starts_with(
        "the generator was the limit: all 64 batches were in flight for 31 % of the time: raise -p"
    ));
    let mut broken = Case::interrupted().run();
    broken.ledger.closed = false;
    broken.ledger.broken = vec!["sent = acknowledged + failed: 3 ≠ 2".into()];
    assert_eq!(
        told(&Verdict::of(&broken)),
        [
            "the ledger does not close: sent = acknowledged + failed: 3 ≠ 2",
            "interrupted after 2 s of 30 s"
        ]
    );
}

#[test]
fn summaries_say_what_happened_on_one_screen() {
    let none = Case {
        via: Via::None,
        ..Case::default()
    };
    for (name, case) in [
        ("held", Case::default()),
        ("lossy", Case::lossy()),
        ("interrupted", Case::interrupted()),
        ("writes-alone", none),
    ] {
        let text =
            anstream::adapter::strip_str(&summary(&case.run(), Columns::default())).to_string();
        assert!(text.lines().count() <= 48, "{name} is longer than a screen");
        assert_committed(&format!("tests/report/{name}.txt"), &text, "UPDATE_GOLDEN");
    }
}

#[test]
fn control_characters_of_a_foreign_file_do_not_reach_the_terminal() {
    let mut result = Case::lossy().run();
    result.config.profile = "evil\u{1b}[2J".into();
    result.warnings = vec!["bell\u{7}".into()];
    result.throttles[0].exception = "x\u{1b}]0;title\u{7}".into();
    result.call_failures.insert("a\nb".into(), 1);
    let text = summary(&result, Columns::default());
    assert!(!text.contains("\u{1b}[2J") && !text.contains("\u{1b}]") && !text.contains('\u{7}'));
    assert!(text.contains("a b"));
}
