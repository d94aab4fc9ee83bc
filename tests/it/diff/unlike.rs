//! Sides that are not of the same, and figures that one of them lacks.

use hrload::report::{Cost, CostLine, Target, Via};
use serde_json::Value;
use tempfile::TempDir;

use crate::case::Case;
use crate::diff::verdicts::NOISE;
use crate::diff::{
    again, diff, figure, files_as_they_are, files_of, scaled, shown, verdict, write,
};
use crate::support::hrload;

#[test]
fn costs_at_other_prices_are_no_change_and_other_servers_are_named() {
    let folder = TempDir::new().unwrap();
    let mut like = Case::default().run();
    like.config.target = Target::Endpoint;
    like.config.dynamodb_endpoint = Some("http://127.0.0.1:8000/".into());
    like.cost = Some(Cost {
        usd: 0.5,
        usd_per_hour: Some(450.0),
        usd_per_million: Some(250.0),
        prices: "us-east-1, 2024-01-01".into(),
        lines: vec![CostLine {
            item: "writes".into(),
            quantity: 1.0,
            unit: "unit".into(),
            usd: 0.5,
        }],
    });
    let mut elsewhere = like.clone();
    elsewhere.config.dynamodb_endpoint = Some("http://127.0.0.1:9000/".into());
    let cost = elsewhere.cost.as_mut().unwrap();
    cost.usd_per_million = Some(350.0);
    let dearer = elsewhere.clone();
    elsewhere.cost.as_mut().unwrap().prices = "us-east-1, 2026-09-11".into();
    let base = files_of(folder.path(), "base", &like, &NOISE);
    let new = files_of(folder.path(), "new", &elsewhere, &NOISE);
    let (output, result) = diff(&base, &new, &[]);
    assert_eq!(output.status.code(), Some(0), "{result:#}");
    let found = figure(&result, "usd_per_million");
    assert_eq!(found["verdict"], "inconclusive", "{found:#}");
    let told = "at other prices: us-east-1, 2024-01-01 and us-east-1, 2026-09-11";
    assert_eq!(found["absent"], told);
    let differences = result["differences"].as_array().unwrap();
    let named: Vec<&Value> = differences.iter().map(|of| &of["what"]).collect();
    assert_eq!(named, ["dynamodb_endpoint", "prices"]);
    // At the same prices it is a change.
    let new = files_of(folder.path(), "dearer", &dearer, &NOISE);
    let (_, result) = diff(&base, &new, &[]);
    assert_eq!(verdict(&result, "usd_per_million"), "worse");
}

#[test]
fn a_figure_that_one_side_lacks_stands_in_the_table_in_words() {
    let folder = TempDir::new().unwrap();
    let like = Case::default().run();
    let base = files_of(folder.path(), "base", &like, &NOISE);
    let mut unread = like.clone();
    unread.latency.e2e = None;
    unread.ledger.seen = Some(0);
    unread.ledger.missing = Some(unread.ledger.acknowledged);
    unread.rate.seen = Some(0.0);
    let unread = files_as_they_are(folder.path(), "unread", &unread);
    let unfollowed = Case {
        via: Via::None,
        ..Case::default()
    };
    let unfollowed = files_as_they_are(folder.path(), "unfollowed", &unfollowed.run());
    for (base, new, word, says) in [
        (
            &base,
            &unread,
            "worse",
            "nothing to measure in 4 of 4 new runs",
        ),
        (
            &unread,
            &base,
            "better",
            "nothing to measure in 4 of 4 base runs",
        ),
        (
            &unread,
            &again(&unread),
            "inconclusive",
            "nothing to measure in 4 of 4 base runs and 4 of 4 new runs",
        ),
        (
            &base,
            &unfollowed,
            "inconclusive",
            "not asked for in 4 of 4 new runs",
        ),
    ] {
        let (_, result) = diff(base, new, &["--allow-different"]);
        let found = figure(&result, "e2e.p99");
        assert_eq!(found["verdict"], word, "{found:#}");
        assert_eq!(found["absent"], says, "{found:#}");
        let text = shown(base, new, &["--allow-different"]);
        let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(one_line.contains(says), "{text}");
    }
    // Of what no run was asked for nothing is said.
    let (_, result) = diff(&unfollowed, &again(&unfollowed), &[]);
    let figures = result["figures"].as_array().unwrap();
    assert!(
        figures.iter().all(|of| of["figure"] != "e2e.p99"),
        "{result:#}"
    );
}

#[test]
fn runs_of_different_things_are_refused_unless_allowed() {
    let folder = TempDir::new().unwrap();
    let like = Case::default().run();
    let mut other = like.clone();
    other.config.devices = 200;
    other.config.client = "direct".to_owned();
    other.config.attempts = 1;
    let base = files_of(folder.path(), "base", &like, &[(1.0, 1.0), (1.01, 1.0)]);
    let new = files_of(folder.path(), "new", &other, &[(1.0, 1.0), (1.01, 1.0)]);
    let (output, _) = diff(&base, &new, &[]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("devices is 100 against 200"), "{stderr}");
    assert!(!stderr.contains("client is"), "{stderr}");
    let (output, result) = diff(&base, &new, &["--allow-different"]);
    assert_eq!(output.status.code(), Some(0), "{result:#}");
    let differ = result["differences"].as_array().unwrap();
    let differ: Vec<&Value> = differ.iter().map(|of| &of["what"]).collect();
    assert_eq!(differ, ["devices", "client", "attempts"]);
}

#[test]
fn a_run_is_not_compared_with_itself() {
    let folder = TempDir::new().unwrap();
    let like = Case::default().run();
    let base = files_of(folder.path(), "base", &like, &NOISE);
    let new = files_of(folder.path(), "new", &like, &NOISE);
    let both = [&new[..], &base[1..2]].concat();
    for against in [&base, &both] {
        let (output, _) = diff(&base, against, &["--allow-different", "--allow-unheld"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        let at = usize::from(against == &both);
        let says = format!("are of one run, base-{at}: give each run once");
        assert!(said.contains(&says), "{said}");
    }
    let report = folder.path().join("of.md");
    let mut command = hrload();
    command.arg("report").args([&base[0], &base[0], "--report"]);
    let output = command.arg(&report).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("give each run once"), "{said}");
    assert!(!report.exists());
}

#[test]
fn what_differs_within_a_side_is_told_of_that_side() {
    let folder = TempDir::new().unwrap();
    let of = |name: &str, shards: &[u32]| {
        let runs = shards.iter().enumerate().map(|(at, &shards)| {
            let mut run = scaled(&Case::default().run(), &format!("{name}-{at}"), 1.0, 1.0);
            run.config.shards = Some(shards);
            run
        });
        write(folder.path(), name, &runs.collect::<Vec<_>>())
    };
    let (some, same) = (of("some", &[1, 9, 1, 4]), of("same", &[1, 1]));
    let of_line = |text: &str| {
        let mut lines = text.lines();
        let found = lines.find(|line| line.contains("differs: "));
        found.unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    let told = of_line(&shown(&some, &same, &[]));
    assert_eq!(told, "differs: shards 1, 9 and 4 against 1");
    let told = of_line(&shown(&same, &some, &[]));
    assert_eq!(told, "differs: shards 1 against 1, 9 and 4");
    let (_, result) = diff(&some, &same, &[]);
    assert_eq!(result["differences"][0]["base"], "1, 9 and 4");
    assert_eq!(result["differences"][0]["new"], "1");
}
