//! `hrload sweep`, as a person runs it: the knee is where the rules put it.

#![allow(clippy::unwrap_used)]

mod support;

use serde_json::Value;
use support::{output, run};

/// The sweep's result and exit code.
fn swept(words: &str) -> (Value, i32) {
    let run = run(&format!("sweep -q --devices 500 --change-delay 0 {words}"));
    (run.result, run.code)
}

#[test]
fn a_provisioned_table_bends_at_its_units_and_is_named_as_the_limit() {
    let (result, code) = swept(
        "--mode provisioned --wcu 300 --from 150 --to 1200 --precision 30% -d 2s -w 1s \
         --drain 3s --slo throttled<1%,lost<50%",
    );
    assert_eq!(code, 0, "{result:#}");
    assert_eq!(result["schema"], "hrload.sweep/1");
    let knee = result["knee"]["step"].as_u64().unwrap() as usize;
    let rate = result["steps"][knee]["rate"].as_f64().unwrap();
    assert!((150.0..350.0).contains(&rate), "{rate}");
    assert_eq!(
        result["cause"]["limiting"], "table",
        "{:#}",
        result["cause"]
    );
    let because = result["cause"]["because"].as_str().unwrap();
    assert!(because.contains("300 units/s"), "{because}");
    let above = result["knee"]["above"].as_u64().unwrap() as usize;
    assert!(result["steps"][above]["rate"].as_f64().unwrap() <= rate * 1.31);
}

#[test]
fn a_stream_that_falls_behind_is_named_as_the_limit() {
    let (result, _) = swept(
        "--shards 1 --from 2000 --to 2000 --precision 100% -d 3s -w 1s --drain 2s \
         --slo e2e.p99<700ms",
    );
    assert_eq!(result["steps"][0]["held"], false);
    let cause = &result["steps"][0]["cause"];
    assert_eq!(cause["limiting"], "shard", "{cause:#}");
}

#[test]
fn a_sweep_that_makes_no_sense_is_refused() {
    for (words, says) in [
        ("sweep --slo p99<50", "such as 50ms"),
        ("sweep --slo fast", "such as p99<50ms"),
        ("sweep --from 5k --to 1k", "--from 5000 is above --to 1000"),
        ("sweep --rate 5k", "--rate 5000 has no place here"),
        ("sweep --threshold lost=0", "--slo"),
        ("sweep --endpoint-url http://127.0.0.1:1", "--to 10k"),
        ("sweep --plot -", "a file of its own"),
        ("sweep --precision 0%", "such as 5%"),
        ("sweep --via none --slo e2e.p99<1s", "--slo e2e.p99<1s"),
        (
            "sweep -q --plot /nonexistent/plot.svg",
            "/nonexistent/plot.svg",
        ),
    ] {
        let refused = output(words);
        let stderr = String::from_utf8(refused.stderr).unwrap();
        assert!(
            matches!(refused.status.code(), Some(1 | 2)),
            "{words}\n{stderr}"
        );
        assert!(stderr.contains(says), "{words}: no {says:?} in\n{stderr}");
        assert!(refused.stdout.is_empty(), "{words}");
    }
}
