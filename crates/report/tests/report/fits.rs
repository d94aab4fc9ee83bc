//! Whatever was run, what is printed fits the screen it is printed on.

use hrload_report::{
    Cause, Columns, Condition, DiffResult, DiffSettings, Difference, Ended, Entry, Limiting,
    ModesResult, RunResult, SweepResult, TableRuns, TrendResult, Verdict, diff, modes, summary,
    sweep, trend,
};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::case::Case;

const NAME: &str = "messung-des-ganzen-bestandes-心拍数の測定-für-dringende-fälle-ohne-pause-\
                    und-ohne-ende-von-geräten-aller-art-in-allen-regionen-2026-11-30-abend";
const WARNING: &str = "https://example.invalid/a/very/long/address/that/has/no/space/in/it/at/all/\
                       and-goes-on-and-on says that `--backlog` is too small for what was asked of it";

fn screens() -> impl Iterator<Item = Columns> {
    [1, 40, 60, 80, 100, 120, 300].into_iter().map(Columns::of)
}

/// Prints on screens of every width, and returns what stands on one of 80 columns.
#[track_caller]
fn on_every_screen(what: &str, text: impl Fn(Columns) -> String) -> String {
    for columns in screens() {
        let text = anstream::adapter::strip_str(&text(columns)).to_string();
        for line in text.lines() {
            assert!(
                line.width() <= columns.get(),
                "{what}: {} of {} columns: {line}\n{text}",
                line.width(),
                columns.get()
            );
            assert_eq!(line, line.trim_end(), "{what}");
        }
    }
    anstream::adapter::strip_str(&text(Columns::default())).to_string()
}

/// A run of which everything is long, large and many.
fn awkward() -> RunResult {
    let mut value = serde_json::to_value(Case::lossy().run()).unwrap();
    let huge = 9_223_372_036_854_775_u64;
    let mut set = |path: &str, to: Value| {
        let (parent, key) = path.rsplit_once('/').unwrap();
        let parent = value.pointer_mut(parent).and_then(Value::as_object_mut);
        let parent = parent.unwrap_or_else(|| panic!("{path}"));
        parent.insert(key.to_owned(), to);
    };
    for count in [
        "scheduled",
        "sent",
        "acknowledged",
        "failed",
        "dropped",
        "seen",
        "missing",
    ] {
        set(&format!("/ledger/{count}"), json!(huge));
    }
    set("/ledger/duplicates", json!(huge));
    set("/ledger/reordered", json!(huge));
    set("/ledger/foreign", json!(huge));
    set("/ledger/warm_up/scheduled", json!(huge));
    set("/ledger/warm_up/dropped", json!(huge));
    set("/rate/achieved", json!(123_456_789.4));
    set("/rate/offered", json!(987_654_321.6));
    set("/config/rate", json!(1_987_654_321.6));
    set("/config/profile", json!(NAME));
    set("/config/region", json!(NAME));
    set("/config/client", json!(NAME));
    set("/throttles/0/exception", json!(NAME));
    set("/throttles/0/reason", json!(NAME));
    set(
        "/call_failures",
        json!({ NAME: huge, "b": 2, "c": 3, "d": 4 }),
    );
    set("/failures", json!({ NAME: huge }));
    set("/warnings", json!([WARNING, NAME, WARNING, "d", "e", "f"]));
    set("/capacity/consumed_units", json!(1e17));
    for percentile in ["p50", "p90", "p99", "p999", "max"] {
        for stage in ["capture", "replication", "e2e"] {
            set(
                &format!("/latency/{stage}/{percentile}"),
                json!(-123_456_789.0),
            );
        }
    }
    set(
        "/thresholds",
        json!([{ "expression": format!("{NAME}<1s"), "measured": 1e9, "met": false }]),
    );
    set(
        "/generator/limit",
        json!({ "what": format!("{NAME} for 31 % of the time"), "advice": WARNING }),
    );
    set(
        "/causes",
        json!([
            { "whose": "target", "what": WARNING, "advice": WARNING },
            { "whose": "network", "what": NAME, "advice": NAME },
            { "whose": "reader", "what": "reading", "advice": WARNING },
        ]),
    );
    set(
        "/cost",
        json!({
            "usd": -0.000_01, "usd_per_hour": 1e12, "usd_per_million": 1e12, "prices": NAME,
            "lines": []
        }),
    );
    set(
        "/planned",
        json!({
            "write_units": { "planned": 1e15, "measured": 2e15 },
            "throttled_seconds": { "planned": 1e15, "measured": 2e15 },
            "record_bytes": { "planned": 1e15, "measured": 2e15 },
        }),
    );
    let figure = json!({
        "metric": NAME, "statistic": "Sum", "counted": 1e15, "own": 1e15, "differs": WARNING
    });
    set(
        "/cloudwatch",
        json!({
            "from": "2026-11-30T21:00:00Z", "to": "2026-11-30T21:00:00Z",
            "asked": "2026-11-30T21:00:00Z", "complete": false, "figures": [figure]
        }),
    );
    set(
        "/lake",
        json!({
            "place": format!("s3://bucket/{NAME}"), "buffer_bytes": 1, "buffer_interval": 1.0,
            "compression": "none", "objects": huge, "bytes": huge, "records": huge, "failed": 0,
            "readings": huge, "missing": huge, "duplicates": huge, "closed_early": huge,
            "error": null
        }),
    );
    set(
        "/puts",
        json!({ "records": huge, "calls": huge, "throttled": huge, "failed": { NAME: huge } }),
    );
    serde_json::from_value(value).unwrap()
}

#[test]
fn summaries_fit_and_begin_and_end_with_the_verdict() {
    let none = Case {
        via: hrload_report::Via::None,
        ..Case::default()
    };
    for (what, result) in [
        ("held", Case::default().run()),
        ("lossy", Case::lossy().run()),
        ("interrupted", Case::interrupted().run()),
        ("writes alone", none.run()),
        ("awkward", awkward()),
    ] {
        let text = on_every_screen(what, |columns| summary(&result, columns));
        let word = Verdict::of(&result).word.to_string();
        let verdict = |line: Option<&str>| line.is_some_and(|line| line.starts_with(&word));
        assert!(verdict(text.lines().next()), "{what}: {text}");
        assert!(verdict(text.lines().last()), "{what}: {text}");
    }
}

#[test]
fn numbers_stand_whole_and_under_each_other() {
    let text = on_every_screen("awkward", |columns| summary(&awkward(), columns));
    for number in [
        "9,223,372,036,854,775 scheduled",
        "-123456789 s",
        "123,456,789.4/s",
    ] {
        assert!(text.contains(number), "{number}: {text}");
    }
    let text = summary(&Case::lossy().run(), Columns::default());
    let text = anstream::adapter::strip_str(&text).to_string();
    let table = text.lines().skip_while(|line| !line.starts_with("latency"));
    let ends: Vec<Vec<usize>> = table
        .take_while(|line| !line.is_empty())
        .map(numbers_end)
        .collect();
    assert!(
        ends.len() > 8 && ends.iter().all(|of| of == &ends[0]),
        "{ends:?}\n{text}"
    );
}

/// Where the first five numbers of a row end, with their units.
fn numbers_end(row: &str) -> Vec<usize> {
    let units = [" us", " ms", " s"];
    let ends = (0..=row.len()).filter(|&at| {
        let (before, after) = row.split_at(at);
        let heading = ["p50", "p90", "p99", "p99.9", "max"];
        let is_end = units.iter().any(|unit| before.ends_with(unit))
            || heading.iter().any(|of| before.ends_with(of));
        is_end && (after.is_empty() || after.starts_with(' '))
    });
    ends.take(5).collect()
}

#[test]
fn sweeps_fit_whatever_was_tried() {
    let mut result = SweepResult::new(vec![NAME.into(), WARNING.into()]);
    let cause = Cause {
        limiting: Limiting::HotPartition,
        because: WARNING.into(),
    };
    for (at, held) in [(1.0, true), (987_654_321.5, true), (1_987_654_321.5, false)] {
        let mut run = awkward();
        run.latency = Case::lossy().run().latency;
        result.add(at, &run, held, (!held).then(|| cause.clone()));
    }
    result.conclude();
    let text = on_every_screen("sweep", |columns| sweep(&result, columns));
    for part in ["987,654,321.5/s", "123,456,789.4/s", "knee "] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        text.lines().any(|line| line.starts_with("limit ")),
        "{text}"
    );
}

#[test]
fn comparisons_of_tables_fit_whatever_their_number() {
    let table = |name: &str, runs| TableRuns {
        name: name.to_owned(),
        gives: None,
        asked: 500.0,
        settles_at: Some(714.0),
        runs,
    };
    let slo = Condition::list("e2e.p99<1s,lost=0").unwrap();
    for tables in 1..7 {
        let tables = (0..tables).map(|at| table(&format!("{NAME}, {at}"), vec![awkward()]));
        let result = ModesResult::new(&slo, 1, tables.collect(), Ended::Done);
        let text = on_every_screen("modes", |columns| modes(&result, columns));
        for name in result.tables.iter().map(|of| &of.name) {
            let end = &name[name.len() - 4..];
            assert!(text.contains(end), "{end}: {text}");
        }
        assert!(text.lines().any(|line| line.starts_with("take ")), "{text}");
    }
}

#[test]
fn comparisons_and_histories_fit_whatever_they_are_of() {
    let runs = [Case::default().run(), Case::lossy().run()];
    let [base, new] = runs.each_ref().map(std::slice::from_ref);
    let mut result = DiffResult::new(base, new, &DiffSettings::default()).unwrap();
    result.differences.push(Difference {
        what: NAME.into(),
        base: NAME.into(),
        new: WARNING.into(),
        forbids: false,
    });
    let text = on_every_screen("diff", |columns| diff(&result, columns));
    assert!(
        text.lines().last().unwrap().ends_with("inconclusive"),
        "{text}"
    );

    let held = Case::default().run();
    let mut entries = Vec::new();
    for at in 0..12 {
        let mut run = held.clone();
        let label = format!("{NAME} {at}");
        if at > 5 {
            run.rate.achieved *= 10.0;
        }
        let results = std::slice::from_ref(&run);
        let counts = hrload_report::Counts::default();
        entries.push(Entry::new(&label, results, counts, true).unwrap());
    }
    let mut result = TrendResult::new(&entries, &[]).unwrap();
    result.machine = NAME.into();
    result.other = 3;
    on_every_screen("trend", |columns| trend(&result, columns));
}
