//! `hrload sweep`, as a person runs it: the knee is where the rules put it.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::support::local::Local;
use crate::support::{finish, hrload, output, run};
use aws_sdk_dynamodb::types::TableStatus;
use aws_sdk_kinesis::types::StreamStatus;
use hrload::aws::{self, Options, Target};
use serde_json::Value;

/// The sweep's result and exit code.
fn swept(words: &str) -> (Value, i32) {
    let delay = match words.contains("--via none") {
        true => "",
        false => "--change-delay 0",
    };
    let run = run(&format!("sweep -q --devices 500 {delay} {words}"));
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
fn the_knee_is_never_more_than_the_table_gives_for_long() {
    // So short that what a table may give at once would carry it further.
    let (result, code) = swept(
        "--mode provisioned --wcu 500 --via none --from 490 --to 560 -d 1s -w 0s \
         --slo throttled<90%,lost<90%,achieved>=10%",
    );
    assert_eq!(code, 0, "{result:#}");
    let steps = result["steps"].as_array().unwrap();
    for step in steps {
        let rate = step["rate"].as_f64().unwrap();
        assert_eq!(step["held"], rate <= 500.0, "{step:#}");
        assert!(
            step["thresholds"]
                .as_array()
                .unwrap()
                .iter()
                .all(|of| of["met"] == true)
        );
    }
    let above = result["knee"]["above"].as_u64().unwrap() as usize;
    assert_eq!(steps[above]["cause"]["limiting"], "table");
    let because = result["cause"]["because"].as_str().unwrap();
    assert!(
        because.contains("and a table of 500 units/s gives"),
        "{because}"
    );
}

#[test]
fn the_knee_is_never_more_than_the_shards_take_for_long() {
    let (result, code) = swept(
        "--shards 1 --from 1100 --to 1100 --precision 100% -d 1s -w 0s --drain 5s \
         --slo lost<90%,achieved>=10%",
    );
    assert_eq!(code, 0, "{result:#}");
    let steps = result["steps"].as_array().unwrap();
    assert_eq!(
        (&steps[0]["held"], &steps[1]["held"]),
        (&false.into(), &true.into())
    );
    assert_eq!(steps[0]["cause"]["limiting"], "shard");
    assert_eq!(result["knee"]["step"], 1);
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
fn a_limit_is_one_of_the_objective_that_was_missed() {
    // One batch at a time, each 12 ms: what is short is the client, and what is missed the
    // price.
    let words = "--from 200 --to 200 --precision 100% -d 1s -w 0s --via none -p 1";
    let (result, _) = swept(&format!(
        "{words} --fault respond=12ms --slo usd_per_hour<0.1"
    ));
    let step = &result["steps"][0];
    let missed = &step["thresholds"][0];
    assert_eq!(
        (&missed["expression"], &missed["met"]),
        (&"usd_per_hour<0.1".into(), &false.into())
    );
    assert_eq!(step["cause"]["limiting"], "price", "{step:#}");
    let because = step["cause"]["because"].as_str().unwrap();
    assert!(
        because.starts_with("usd_per_hour<0.1 was missed, with 0."),
        "{because}"
    );

    // What fails is the service's, however long its answers take.
    let (result, _) = swept(&format!(
        "{words} --fault error=100% --attempts 1 --slo failed<1%"
    ));
    let cause = &result["steps"][0]["cause"];
    assert_eq!(cause["limiting"], "service", "{cause:#}");
    let because = cause["because"].as_str().unwrap();
    assert!(because.starts_with("answered "), "{because}");
    let words =
        format!("sweep --devices 500 {words} --fault error=100% --attempts 1 --slo failed<1%");
    let shown = hrload().args(words.split_whitespace()).output().unwrap();
    let said = String::from_utf8(shown.stdout).unwrap();
    assert!(said.contains("the service: answered "), "{said}");
    assert!(!said.contains("own time"), "{said}");

    // Any refusal is too much where none may be.
    let (result, _) = swept(
        "--from 2000 --to 2000 --precision 100% -d 1s -w 0s --via none --fault throttle=1 \
         --slo throttled=0",
    );
    let cause = &result["steps"][0]["cause"];
    let because = cause["because"].as_str().unwrap();
    assert!(because.starts_with("a table "), "{cause:#}");
    assert!(because.contains(" refused "), "{cause:#}");
}

#[tokio::test]
async fn a_sweep_of_another_server_makes_one_table_and_takes_it_away() {
    let local = Local::start("--change-delay 0");
    let words = "sweep --devices 100 --from 200 --to 400 -d 1s -w 0s --slo lost<50% -o -";
    let swept = finish(local.client(words).output().unwrap());
    assert_eq!(swept.code, 0, "{}", swept.stderr);
    assert_eq!(swept.result["steps"].as_array().unwrap().len(), 2);
    let made = swept.stderr.matches("table hrload-").count();
    assert_eq!(made, 1, "{}", swept.stderr);
    let target = Target::Local(local.address());
    let connection = aws::connect(&target, &Options::default()).await.unwrap();
    // What is being deleted is listed until it is gone.
    let tables = connection.dynamodb.list_tables().send().await.unwrap();
    for name in tables.table_names() {
        let of = connection.dynamodb.describe_table().table_name(name);
        if let Ok(described) = of.send().await {
            let status = described.table.unwrap().table_status;
            assert_eq!(status, Some(TableStatus::Deleting), "{name}");
        }
    }
    let streams = connection.kinesis.list_streams().send().await.unwrap();
    for name in streams.stream_names() {
        let of = connection
            .kinesis
            .describe_stream_summary()
            .stream_name(name);
        if let Ok(described) = of.send().await {
            let status = described.stream_description_summary.unwrap().stream_status;
            assert_eq!(status, StreamStatus::Deleting, "{name}");
        }
    }
}

#[test]
fn an_interrupted_sweep_tells_what_it_found_until_then() {
    let mut child = hrload()
        .args("sweep --devices 100 --from 200 -d 600s -w 0s --change-delay 0 -o -".split(' '))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first run is in place when it says what it is.
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("SDK client")));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    // A closed pipe must not be what ends it.
    let rest = std::thread::spawn(move || lines.map_while(Result::ok).count());
    let output = child.wait_with_output().unwrap();
    rest.join().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["interrupted"], true);
    assert_eq!(result["knee"], Value::Null);
    assert_eq!(result["steps"][0]["cut_short"], true);
}

#[test]
fn a_sweep_ends_when_its_runs_have_cost_together_what_they_may() {
    let swept = run(
        "sweep --devices 500 --change-delay 0 --from 200 --to 3200 -d 3s -w 0s \
         --slo lost<90%,achieved>=1% --max-cost 0.002",
    );
    assert_eq!(swept.code, 3, "{}", swept.stderr);
    let result = &swept.result;
    assert_eq!(result["max_cost_reached"], 0.002);
    assert_eq!(result["interrupted"], false);
    // The first costs a quarter of it; all of them, eight times as much as there is.
    let steps = result["steps"].as_array().unwrap();
    assert!((2..=4).contains(&steps.len()), "{steps:#?}");
    let (last, whole) = steps.split_last().unwrap();
    assert_eq!(last["cut_short"], true);
    assert!(whole.iter().all(|step| step["held"] == true), "{whole:#?}");
    let knee = &result["knee"];
    assert_eq!(knee["step"], whole.len() - 1);
    // What was cut short neither met nor missed.
    assert_eq!(knee["above"], Value::Null);
    assert_eq!(result["cause"], Value::Null);
    for told in [
        "this sweep costs about 0.",
        "it ends earlier, when 0.002 USD are spent",
        "0.002 USD spent: ending the run",
        "the search had cost what it may (0.002 USD)",
        "every rate that was tried to its end met the objectives",
        "cut short",
    ] {
        let one_line = swept
            .stderr
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(one_line.contains(told), "{told}: {}", swept.stderr);
    }
}

#[test]
fn a_sweep_that_makes_no_sense_is_refused() {
    for (words, says) in [
        ("sweep --slo p99<50", "such as 50ms"),
        ("sweep --slo fast", "such as p99<50ms"),
        ("sweep --from 5k --to 1k", "--from 5000 is above --to 1000"),
        ("sweep --rate 5k", "between --from and --to"),
        ("sweep -r 5k", "between --from and --to"),
        ("sweep --tui", "unexpected argument '--tui'"),
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
