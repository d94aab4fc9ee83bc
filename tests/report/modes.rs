//! What is concluded from tables compared.

use hrload::report::{Condition, Cost, Ended, ModesResult, RunResult, modes};

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
    let tables = tables
        .into_iter()
        .map(|(name, runs)| (name.to_owned(), runs));
    ModesResult::new(&slo(), tables.collect(), Ended::Done)
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
    let text = anstream::adapter::strip_str(&modes(&result)).to_string();
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
        ("unmeasured", Vec::new()),
    ]);
    assert_eq!(result.taken, None);
    assert!(modes(&result).contains("none met the objectives"));
}
