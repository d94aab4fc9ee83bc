//! What is concluded from tables compared.

use hrload_report::{
    Columns, Condition, Cost, CostLine, Ended, ModesResult, RunResult, TableRuns, modes,
};

use crate::case::Case;

/// Runs of one table at this price.
fn runs(case: fn() -> Case, usd_per_hour: f64, repeat: usize) -> Vec<RunResult> {
    let slo = slo();
    let one = || {
        let mut run = case().run();
        run.thresholds = slo.iter().map(|of| of.judge(&run)).collect();
        run.cost = Some(Cost {
            usd: usd_per_hour / 900.0,
            usd_per_hour: Some(usd_per_hour),
            usd_per_million: Some(usd_per_hour / 1.8),
            prices: "us-east-1, 2026-01-01".into(),
            lines: Vec::new(),
        });
        run
    };
    (0..repeat).map(|_| one()).collect()
}

fn slo() -> Vec<Condition> {
    Condition::list("e2e.p99<1s,lost=0").unwrap()
}

fn compared(tables: Vec<(&str, Vec<RunResult>)>) -> ModesResult {
    let repeat = tables.iter().map(|(_, runs)| runs.len()).max().unwrap_or(0) as u32;
    let tables = tables
        .into_iter()
        .map(|(name, runs)| table(name, None, runs));
    ModesResult::new(&slo(), repeat, tables.collect(), Ended::Done)
}

/// A table that gives so many write units a second for long; 500 are asked for.
fn table(name: &str, gives: Option<f64>, runs: Vec<RunResult>) -> TableRuns {
    TableRuns {
        name: name.to_owned(),
        gives,
        asked: 500.0,
        settles_at: None,
        runs,
    }
}

#[test]
fn an_auto_scaled_table_is_chosen_by_what_it_comes_to() {
    let provisioned = |units: f64| {
        let mut runs = runs(Case::default, 1.0 + units * 0.001, 1);
        let run = &mut runs[0];
        let hours = run.run.measured / 3_600.0;
        run.cost.as_mut().unwrap().lines = vec![CostLine {
            item: "DynamoDB: writes, provisioned".into(),
            quantity: units * hours,
            unit: "WCU-hour".into(),
            usd: units * hours * 0.001,
        }];
        runs
    };
    // It measured 500 units, the least of its policy, before it would have had 714.
    let scaled = TableRuns {
        settles_at: Some(714.0),
        ..table("scaled", Some(900.0), provisioned(500.0))
    };
    let tables = vec![
        table("provisioned", Some(600.0), provisioned(600.0)),
        scaled,
    ];
    let result = ModesResult::new(&slo(), 1, tables, Ended::Done);
    assert_eq!(result.taken, Some(0), "{}", result.reason);
    let usd = result.tables[1].usd_per_hour_settled.unwrap();
    assert!((usd - 1.714).abs() < 1e-9, "{usd}");
    let text = modes(&result, Columns::default());
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.contains("scaled: comes to 714 write units/s"),
        "{text}"
    );
}

#[test]
fn the_cheapest_table_that_met_the_objectives_is_taken() {
    let result = compared(vec![
        ("dear", runs(Case::default, 3.0, 2)),
        ("fair", runs(Case::default, 2.0, 2)),
        ("cheap and lossy", runs(Case::lossy, 1.0, 2)),
    ]);
    assert_eq!(result.taken, Some(1), "{}", result.reason);
    assert!(
        result.reason.contains("1 cheaper did not"),
        "{}",
        result.reason
    );
    let lossy = &result.tables[2];
    assert_eq!((lossy.met, lossy.runs), (0, 2));
    assert_eq!(lossy.missed[0].expression, "lost=0");
    assert_eq!(
        lossy.throttles[0].reason,
        "TableWriteProvisionedThroughputExceeded"
    );
    let per_second: f64 = lossy.throttled_per_second.iter().sum();
    assert!(per_second > 200.0, "{:?}", lossy.throttled_per_second);
    // What never came in time is paid for by what did.
    let in_time = lossy.usd_per_million_in_time.unwrap().mean;
    let all = lossy.usd_per_million.unwrap().mean;
    assert!(in_time > all, "{in_time} {all}");
}

#[test]
fn the_screen_has_a_column_for_each_table() {
    let result = compared(vec![
        ("on demand, warm for 7,500", runs(Case::default, 3.0, 3)),
        ("provisioned, 7,500", runs(Case::lossy, 2.0, 3)),
    ]);
    let text = anstream::adapter::strip_str(&modes(&result, Columns::default())).to_string();
    for part in [
        "on demand, warm for 7,500",
        "provisioned, 7,500",
        "3 of 3 runs",
        "0 of 3 runs",
    ] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
    assert!(
        text.contains("take         on demand, warm for 7,500"),
        "{text}"
    );
}

#[test]
fn where_none_met_the_objectives_none_is_taken() {
    let result = compared(vec![
        ("lossy", runs(Case::lossy, 1.0, 1)),
        ("lossy, too", runs(Case::lossy, 1.0, 1)),
    ]);
    assert_eq!(result.taken, None);
    assert!(modes(&result, Columns::default()).contains("none met the objectives"));
}

#[test]
fn a_table_is_not_taken_while_runs_are_missing() {
    for tables in [
        vec![
            ("whole", runs(Case::default, 3.0, 3)),
            ("unmeasured", Vec::new()),
        ],
        vec![
            ("whole", runs(Case::default, 3.0, 3)),
            ("cut short", runs(Case::default, 1.0, 2)),
        ],
        vec![("nothing", Vec::new())],
        Vec::new(),
    ] {
        let result = compared(tables);
        assert_eq!(result.taken, None, "{}", result.reason);
        let text = modes(&result, Columns::default());
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
    let result = compared(vec![
        ("whole", runs(Case::default, 3.0, 3)),
        ("cut short", runs(Case::default, 1.0, 2)),
    ]);
    let text = modes(&result, Columns::default());
    assert!(text.contains("none yet: 5 of 6 runs were made"), "{text}");
}

#[test]
fn a_table_that_gives_less_for_long_than_is_asked_or_used_is_not_taken() {
    let with = |gives, used: f64| {
        let mut cheap = runs(Case::default, 1.0, 2);
        for run in &mut cheap {
            run.capacity.consumed_units = used * run.run.measured;
        }
        let dear = table("dear", Some(1_000.0), runs(Case::default, 3.0, 2));
        let tables = vec![table("cheap", gives, cheap), dear];
        ModesResult::new(&slo(), 2, tables, Ended::Done)
    };
    for (gives, used, taken, says) in [
        (None, 500.0, 0, ""),
        (Some(500.0), 500.4, 0, ""),
        (
            Some(499.0),
            400.0,
            1,
            "gives 499 write units/s for long, and 500 are asked for",
        ),
        (
            Some(500.0),
            520.0,
            1,
            "gives 500 write units/s for long, and 520 were used",
        ),
    ] {
        let result = with(gives, used);
        assert_eq!(
            result.taken,
            Some(taken),
            "{gives:?} {used}: {}",
            result.reason
        );
        assert!(
            modes(&result, Columns::default()).contains(says),
            "{}",
            modes(&result, Columns::default())
        );
        assert_eq!(result.tables[0].fits(), taken == 0);
    }
}

#[test]
fn a_price_that_is_no_number_is_none() {
    for price in [f64::NAN, f64::INFINITY] {
        let result = compared(vec![
            ("fair", runs(Case::default, 2.0, 1)),
            ("odd", runs(Case::default, price, 1)),
        ]);
        assert_eq!(result.taken, None, "{}", result.reason);
        assert!(result.reason.contains("no prices to choose by"));
    }
}

#[test]
fn units_that_a_service_does_not_tell_are_those_of_the_rules() {
    let mut silent = runs(Case::default, 2.0, 1);
    silent[0].capacity.consumed_units = 0.0;
    let by_rules = silent[0].capacity.computed_units as f64 / silent[0].run.measured;
    assert!(by_rules > 0.0);
    let result = compared(vec![("silent", silent)]);
    assert_eq!(
        result.tables[0].write_units.map(|of| of.mean),
        Some(by_rules)
    );
}
