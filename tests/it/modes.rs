//! `hrload modes`, as a person runs it.

#![allow(clippy::unwrap_used)]

use crate::support::{output, run};

#[test]
fn a_table_that_is_too_small_is_told_from_those_that_hold() {
    let run = run(
        "modes -q --devices 200 -r 400 --wcu 100 -d 2s -w 1s --drain 10s --repeat 2 \
         --change-delay 0 --slo throttled<10%",
    );
    let tables = run.result["tables"].as_array().unwrap();
    assert_eq!(tables.len(), 3);
    let met: Vec<u64> = tables
        .iter()
        .map(|of| of["met"].as_u64().unwrap())
        .collect();
    assert_eq!(met, [2, 0, 2], "{:#}", run.result);
    assert_eq!(run.code, 0);
    assert_ne!(run.result["taken"], 1);
    let small = &tables[1];
    assert_eq!(small["name"], "provisioned, 100");
    assert!(!small["throttles"].as_array().unwrap().is_empty());
    for table in tables {
        let units = table["write_units"]["mean"].as_f64().unwrap();
        let usd = table["usd_per_hour"]["mean"].as_f64().unwrap();
        assert!(units > 90.0 && usd > 0.0, "{table:#}");
    }
}

#[test]
fn a_table_that_holds_for_the_length_of_the_run_alone_is_not_recommended() {
    let run = run(
        "modes --devices 200 -r 400 --wcu 390 -d 2s -w 0s --drain 10s --repeat 1 \
         --via none --slo throttled<90%,lost<90%",
    );
    let small = &run.result["tables"][1];
    assert_eq!(small["name"], "provisioned, 390");
    // It met what was asked of it, and is the cheapest.
    assert_eq!((&small["met"], &small["runs"]), (&1.into(), &1.into()));
    assert_ne!(run.result["taken"], 1, "{:#}", run.result["reason"]);
    assert_eq!(run.code, 0);
    let told = "provisioned, 390: gives 390 write units/s for long, and 400 are asked for";
    let one_line = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(one_line.contains(told), "{}", run.stderr);
}

#[test]
fn a_comparison_ends_when_its_runs_have_cost_together_what_they_may() {
    let compared = run(
        "modes --devices 200 -r 400 -d 3s -w 0s --change-delay 0 --repeat 10 \
         --slo lost<90% --max-cost 0.004",
    );
    assert_eq!(compared.code, 3, "{}", compared.stderr);
    let result = &compared.result;
    assert_eq!(result["max_cost_reached"], 0.004);
    assert_eq!(result["interrupted"], false);
    let tables = result["tables"].as_array().unwrap();
    let runs: u64 = tables.iter().map(|of| of["runs"].as_u64().unwrap()).sum();
    // The first run is whole; thirty would cost some five times as much as there is.
    assert!((1..30).contains(&runs), "{runs}");
    for told in [
        " USD in 30 runs (prices of ",
        "it ends earlier, when 0.004 USD are spent",
        "the comparison had cost what it may",
    ] {
        assert!(
            compared.stderr.contains(told),
            "{told}: {}",
            compared.stderr
        );
    }
}

#[test]
fn auto_scaling_is_paid_for_as_it_follows_the_load() {
    // A minute passes in 0.6 s: two busy minutes and an alarm later there is more.
    let run = run(
        "-q --devices 200 -r 400 -d 6s -w 0s --drain 10s --change-delay 0 \
         --time-scale 100 --mode provisioned --wcu 200 --auto-scaling 70%,200..2000",
    );
    let units = run.number("capacity.provisioned_units");
    assert!(units > 200.0 && units < 2_000.0, "{units}");
    let series = run.result["series"].as_array().unwrap();
    let at = |second: i64| {
        let mut found = series.iter().filter(|of| of["second"] == second);
        found.next().unwrap()["provisioned_units"].as_f64().unwrap()
    };
    assert!(at(0) < at(5), "{} {}", at(0), at(5));
    let lines = run.result["cost"]["lines"].as_array().unwrap();
    let hours = units * 6.0 / 3_600.0;
    let paid = lines
        .iter()
        .any(|line| (line["quantity"].as_f64().unwrap() - hours).abs() < 1e-6);
    assert!(paid, "{hours} unit hours are not in {lines:#?}");
}

#[test]
fn flags_that_leave_nothing_to_compare_are_refused() {
    for (words, says) in [
        ("modes -r 100 --mode provisioned", "all modes are compared"),
        ("modes -r 100 --capacity unlimited", "--capacity unlimited"),
        ("modes -r 100 --threshold lost=0", "--slo"),
        ("modes -r 100 --slo lots", "such as p99<50ms"),
        ("modes -r 100 --repeat 0", "--repeat"),
    ] {
        let refused = output(words);
        let stderr = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{words}\n{stderr}");
        assert!(stderr.contains(says), "{words}: no {says:?} in\n{stderr}");
    }
}
