//! The main job, as a person runs it: the binary, real HTTP, the embedded services.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::support::local::Local;
use crate::support::proxy::{Proxy, amend};
use crate::support::{finish, hrload, hrload_with_credentials, output, run};

const SMALL: &str = "--devices 200 --rate 500/s -w 0s -d 1s --change-delay 0 --drain 20s";

/// A small run against other services.
fn run_against(local: &Local, words: &str) -> crate::support::Run {
    // How late changes come is up to the other services.
    let words = format!("{} {words} -o -", SMALL.replace("--change-delay 0", ""));
    finish(local.client(&words).output().unwrap())
}

#[test]
fn a_run_accounts_for_every_reading() {
    let run = run(SMALL);
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.assert_closed();
    assert_eq!(run.result["schema"], "hrload.result/1");
    assert_eq!(run.result["run"]["interrupted"], false);
    let scheduled = run.count("ledger.scheduled");
    assert!((450..=550).contains(&scheduled), "{scheduled}");
    for (name, expected) in [
        ("acknowledged", scheduled),
        ("seen", scheduled),
        ("failed", 0),
        ("missing", 0),
        ("duplicates", 0),
        ("foreign", 0),
    ] {
        assert_eq!(run.count(&format!("ledger.{name}")), expected, "{name}");
    }
    for stage in [
        "lateness",
        "service",
        "response",
        "capture",
        "replication",
        "read",
        "e2e",
    ] {
        assert!(run.count(&format!("latency.{stage}.count")) > 0, "{stage}");
    }
    assert_eq!(run.count("latency.e2e.count"), scheduled);
    // 25 small items cost 25 units, whoever counts.
    assert_eq!(run.number("capacity.consumed_units"), scheduled as f64);
    assert_eq!(run.number("capacity.computed_units"), scheduled as f64);
}

#[test]
fn no_second_spends_more_write_units_than_it_may_and_neither_does_the_first() {
    for words in ["-t 1", "-t 2 --batch 7"] {
        let run = run(&format!(
            "--devices 200 --rate 1000/s -w 1s -d 2s --via none --max-write-units 200 {words}"
        ));
        let series = run.result["series"].as_array().unwrap();
        let sent = |entry: &serde_json::Value| entry["computed_units"].as_u64().unwrap();
        let sent: Vec<u64> = series.iter().map(sent).collect();
        assert!(sent.iter().all(|units| *units <= 200), "{words}: {sent:?}");
        assert!(sent.iter().any(|units| *units > 150), "{words}: {sent:?}");
    }
}

#[test]
fn embedded_services_are_in_the_region_that_was_asked_for() {
    for (words, region) in [("", "us-east-1"), ("--region eu-central-1", "eu-central-1")] {
        let lake = tempfile::tempdir().unwrap();
        let run = run(&format!("{SMALL} {words} --lake {}", lake.path().display()));
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(run.result["config"]["region"], region);
        let files = walkdir::WalkDir::new(lake.path()).into_iter().flatten();
        let files = files.filter(|of| of.file_type().is_file());
        let texts = files.filter_map(|of| std::fs::read_to_string(of.path()).ok());
        let records: String = texts.collect();
        let told = format!("\"awsRegion\":\"{region}\"");
        let readings = run.count("lake.records") as usize;
        assert_eq!(records.matches(&told).count(), readings);
    }
}

#[test]
fn both_clients_and_every_layout_account_alike() {
    for client in ["sdk", "direct"] {
        for layout in ["post", "timeseries", "fhir"] {
            let run = run(&format!("{SMALL} --client {client} --layout {layout}"));
            assert_eq!(run.code, 0, "{client} {layout}: {}", run.stderr);
            run.assert_closed();
            assert_eq!(
                run.count("ledger.seen"),
                run.count("ledger.scheduled"),
                "{client} {layout}"
            );
        }
    }
}

#[test]
fn a_run_with_the_kernels_timer_accounts_for_every_reading() {
    let run = run(&format!("{SMALL} --precise"));
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.assert_closed();
    assert_eq!(run.result["config"]["precise"], true);
    assert_eq!(run.count("ledger.seen"), run.count("ledger.scheduled"));
}

#[test]
fn the_warm_up_is_sent_and_not_measured() {
    let run = run("--devices 200 --rate 500/s -w 500ms -d 1s --change-delay 0 --drain 20s");
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.assert_closed();
    let warm_up = run.count("ledger.warm_up.acknowledged");
    assert!((200..=300).contains(&warm_up), "{warm_up}");
    assert_eq!(run.count("ledger.warm_up.sightings"), warm_up);
    let scheduled = run.count("ledger.scheduled");
    assert!((450..=550).contains(&scheduled), "{scheduled}");
    assert_eq!(run.count("latency.e2e.count"), scheduled);
}

#[test]
fn writes_alone_can_be_measured() {
    let run = run("--devices 200 --rate 500/s -w 0s -d 1s --drain 20s --via none");
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.assert_closed();
    assert!(run.count("ledger.acknowledged") > 0);
}

#[test]
fn what_no_limit_holds_back_is_priced_at_the_shards_that_it_takes() {
    let run = run(
        "--devices 2000 --rate 1500/s -w 0s -d 2s --change-delay 0 --drain 20s \
         --capacity unlimited --shards 1",
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.count("config.shards"), 1);
    let lines = run.result["cost"]["lines"].as_array().unwrap();
    let shards = |line: &&serde_json::Value| line["item"] == "Kinesis Data Streams: shards";
    let hours = lines.iter().find(shards).unwrap()["quantity"]
        .as_f64()
        .unwrap();
    let shards = hours * 3_600.0 / run.number("run.measured");
    assert!((shards - 2.0).abs() < 1e-6, "{shards}");
}

#[test]
fn a_run_in_which_nothing_can_become_due_says_so_before_and_after() {
    let run = run("--profile new-year --devices 500 -w 1s -d 1s --via none");
    assert_eq!(run.code, 3, "{}", run.stderr);
    let told = "no reading comes while this run measures, from 1 to 2 s after its start: the \
                first of profile new-year come after 15 s";
    let (before, _) = run.stderr.split_once("measuring").unwrap();
    assert!(before.contains(told), "{}", run.stderr);
    let warnings = run.result["warnings"].as_array().unwrap();
    assert!(
        warnings[0].as_str().unwrap().starts_with(told),
        "{warnings:?}"
    );
}

#[test]
fn out_of_file_handles_at_the_beginning_is_told_as_that() {
    let run = "exec \"$0\" run -q --devices 50 -r 50/s -d 1s -w 0s --drain 1s --shards 300";
    let output = std::process::Command::new("sh")
        .args(["-c", &format!("ulimit -n 150; {run}")])
        .arg(crate::support::hrload().get_program())
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("Too many open files"), "{stderr}");
    assert!(stderr.contains("raise `ulimit -n`"), "{stderr}");
    assert!(!stderr.contains("check the endpoint"), "{stderr}");
}

#[test]
fn enhanced_fan_out_reads_what_polling_reads() {
    let run = run(&format!("{SMALL} --consumer enhanced-fan-out"));
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.assert_closed();
    assert_eq!(run.count("ledger.seen"), run.count("ledger.scheduled"));
}

#[test]
fn several_threads_and_shards_account_alike() {
    let run = run(&format!("{SMALL} --threads 3 --shards 7"));
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.assert_closed();
    assert_eq!(run.count("ledger.seen"), run.count("ledger.scheduled"));
}

#[test]
fn the_result_file_is_shown_again_as_it_was_printed() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("result.json");
    let printed = output(&format!("{SMALL} -o {}", file.display()));
    assert_eq!(printed.status.code(), Some(0));
    let shown = output(&format!("show {}", file.display()));
    assert_eq!(shown.status.code(), Some(0));
    let shown = String::from_utf8(shown.stdout).unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert!(shown.lines().count() > 15, "{shown}");
    assert!(
        printed.contains(shown.trim()),
        "--- printed\n{printed}\n--- shown\n{shown}"
    );
}

#[test]
fn the_other_services_of_a_machine_can_be_driven() {
    let run = run_against(&Local::start("--change-delay 0"), "");
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.assert_closed();
    assert_eq!(run.count("ledger.seen"), run.count("ledger.scheduled"));
}

#[test]
fn a_table_too_small_for_the_rate_throttles_and_every_reading_is_still_accounted_for() {
    // At this pace a new table has three seconds of its units saved, not 300.
    let small = "--mode provisioned --wcu 50 --time-scale 100 --attempts 2";
    let run = run(&format!("{SMALL} {small}"));
    assert_eq!(run.code, 3, "{}", run.stderr);
    run.assert_closed();
    assert!(run.count("ledger.failed") > 100, "{}", run.stderr);
    assert_eq!(
        run.count("ledger.seen"),
        run.count("ledger.acknowledged"),
        "what is written is never lost"
    );
    let throttles = run.result["throttles"].as_array().unwrap();
    let reason = "TableWriteProvisionedThroughputExceeded";
    assert!(
        throttles
            .iter()
            .any(|throttle| throttle["reason"] == reason),
        "{throttles:?}"
    );
    assert_eq!(run.result["config"]["billing_mode"], "PROVISIONED");
    assert_eq!(run.result["config"]["write_capacity"], 50.0);
}

#[test]
fn a_stream_too_small_for_the_rate_falls_behind_and_loses_nothing() {
    let run = run(
        "--devices 2000 --rate 1500/s -w 0s -d 4s --change-delay 0 --drain 20s --shards 1 \
         --client direct",
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.assert_closed();
    assert_eq!(run.count("ledger.failed"), 0);
    assert_eq!(run.count("ledger.seen"), run.count("ledger.scheduled"));
    // 6,000 records through 1,000 a second, less what the shard had saved.
    let latest = run.number("latency.replication.max");
    assert!((0.5..4.0).contains(&latest), "{latest}");
}

#[test]
fn the_services_alone_can_come_with_a_table_and_a_stream() {
    let local =
        Local::start("--change-delay 0 --mode provisioned --wcu 40 --shards 3 --time-scale 100");
    let run = run_against(&local, "--table hrload --stream hrload --attempts 1");
    assert_eq!(run.code, 3, "{}", run.stderr);
    run.assert_closed();
    assert!(run.count("ledger.failed") > 0);
    assert_eq!(run.result["config"]["shards"], 3);
}

#[test]
fn a_null_server_takes_everything_and_writes_nothing() {
    let run = run_against(&Local::start("--null"), "--via none --client direct");
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.assert_closed();
    assert_eq!(
        run.count("ledger.acknowledged"),
        run.count("ledger.scheduled")
    );
    assert_eq!(run.number("capacity.consumed_units"), 0.0);
}

#[test]
fn what_the_run_before_is_still_deleting_is_waited_for_and_made_again() {
    let local = Local::start("");
    for _ in 0..2 {
        let run = run_against(&local, "--table again --stream again");
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.assert_closed();
    }
}

/// Starts a long run, waits until it measures, and signals it.
fn interrupted(signals: usize) -> std::process::Output {
    let mut child = hrload()
        .args("--devices 100 --rate 200/s -w 0s -d 600s --change-delay 0 -o -".split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let pid = rustix::process::Pid::from_child(&child);
    let mut lines = stderr.lines();
    for line in lines.by_ref() {
        if line.unwrap().contains("measuring") {
            break;
        }
    }
    for _ in 0..signals {
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    }
    // Keep its pipe empty, or it would wait for us.
    let rest = std::thread::spawn(move || for _ in lines {});
    let output = child.wait_with_output().unwrap();
    rest.join().unwrap();
    output
}

#[test]
fn an_interrupted_run_still_writes_its_result() {
    let output = interrupted(1);
    assert_eq!(output.status.code(), Some(130));
    let run = finish(output);
    assert_eq!(run.result["run"]["interrupted"], true);
    run.assert_closed();
}

/// Starts `hrload WORDS`, waits until it says `text`, and interrupts it.
fn interrupted_at(words: &str, text: &str) -> std::process::Output {
    let mut child = hrload()
        .args(words.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    crate::support::await_line(&mut stderr, text);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let rest = std::thread::spawn(move || for _ in stderr.lines() {});
    let output = child.wait_with_output().unwrap();
    rest.join().unwrap();
    output
}

#[test]
fn a_signal_in_the_drain_is_told_as_that() {
    let words = "--devices 100 --rate 200/s -w 0s -d 1s --drain 600s --fault lose=50% -o -";
    let output = interrupted_at(words, "draining");
    assert_eq!(output.status.code(), Some(130));
    let run = finish(output);
    assert_eq!(run.result["run"]["interrupted"], true);
    assert_eq!(run.result["run"]["phase"], "drain");
    run.assert_closed();
}

#[test]
fn a_signal_in_the_set_up_ends_it() {
    // Takes connections, and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let words = format!("-d 1s --timeout 600s --endpoint-url {url}");
    let output = interrupted_at(&words, "connecting");
    assert_eq!(output.status.code(), Some(130));
    assert!(output.stdout.is_empty());
}

#[test]
fn a_second_signal_stops_at_once() {
    let output = interrupted(2);
    assert_eq!(output.status.code(), Some(130));
}

#[test]
fn a_quiet_run_prints_nothing() {
    let output = output(&format!("{SMALL} -q"));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn a_stream_that_falls_behind_puts_a_run_in_doubt_that_its_drain_lets_hold() {
    // One shard takes a thousand records a second; another server's are not known.
    let local = Local::start("");
    let words = "--devices 3000 -r 2500/s -w 0s -d 4s --drain 60s --shards 1 \
                 --warm-throughput 8000 -q -o -";
    let run = finish(local.client(words).output().unwrap());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.result["verdict"]["word"], "held");
    let doubts = run.result["verdict"]["doubts"].to_string();
    assert!(
        doubts.contains("change records arrived later and later"),
        "{doubts}"
    );
}

/// A small run against other services: how theirs behave is theirs to say.
const AGAINST: &str = "--devices 200 --rate 500/s -w 0s -d 1s --drain 20s";

/// What an answer does not say is not nothing, and no share is made of the rest.
#[test]
fn answers_that_do_not_say_what_they_consumed_are_counted_and_not_taken_for_zero() {
    for client in ["sdk", "direct"] {
        let local = Local::start("");
        let proxy = Proxy::in_weather(local.address(), |called, before| {
            if called != "BatchWriteItem" || before % 3 != 0 {
                return crate::support::proxy::Fate::Pass;
            }
            amend(|body| {
                body.as_object_mut().unwrap().remove("ConsumedCapacity");
            })
        });
        let words = format!(
            "{AGAINST} --client {client} --endpoint-url http://{} -o -",
            proxy.address
        );
        let run = finish(hrload_with_credentials(&words).output().unwrap());
        assert_eq!(run.code, 0, "{}", run.stderr);
        let (untold, answered) = (
            run.count("capacity.untold_calls"),
            run.count("capacity.answered_calls"),
        );
        let calls: u64 = run.result["series"]
            .as_array()
            .unwrap()
            .iter()
            .map(|second| second["calls"].as_u64().unwrap())
            .sum();
        assert_eq!(answered, calls);
        assert_eq!(untold, calls.div_ceil(3));
        let consumed = run.number("capacity.consumed_units");
        assert!(consumed < run.number("capacity.computed_units"));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.json");
        std::fs::write(&file, run.result.to_string()).unwrap();
        let shown = output(&format!("show {}", file.display()));
        let shown = String::from_utf8(shown.stdout).unwrap();
        let shown: Vec<&str> = shown.split_whitespace().collect();
        let shown = shown.join(" ");
        let told = format!("consumed, told in {} of {calls} calls,", calls - untold);
        assert!(shown.contains(&told), "{shown}");
        assert!(!shown.contains("from item sizes ("), "{shown}");
    }
}

#[test]
fn both_clients_judge_odd_consumed_units_alike() {
    for client in ["sdk", "direct"] {
        let local = Local::start("");
        let proxy = Proxy::in_weather(local.address(), |called, before| {
            if called != "BatchWriteItem" {
                return crate::support::proxy::Fate::Pass;
            }
            match before {
                // Less than nothing, one table where a list of tables should be, null for one;
                // null for the list says nothing, and is an answer.
                0 => amend(|body| body["ConsumedCapacity"][0]["CapacityUnits"] = (-5).into()),
                1 => amend(|body| body["ConsumedCapacity"] = body["ConsumedCapacity"][0].take()),
                2 => amend(|body| body["ConsumedCapacity"][0] = serde_json::Value::Null),
                3 => amend(|body| body["ConsumedCapacity"] = serde_json::Value::Null),
                _ => crate::support::proxy::Fate::Pass,
            }
        });
        let words = format!(
            "{AGAINST} --client {client} --endpoint-url http://{} -o -",
            proxy.address
        );
        let run = finish(hrload_with_credentials(&words).output().unwrap());
        assert_eq!(run.count("call_failures.unreadable-answer"), 3, "{client}");
        assert_eq!(run.count("capacity.untold_calls"), 1, "{client}");
        assert!(run.number("capacity.consumed_units") > 0.0);
    }
}

/// Batches that wait when measuring ends are sent for a second more, which is of the drain.
#[test]
fn measured_and_drained_are_the_whole_of_a_run() {
    let run = run("--devices 600 --rate 600/s -w 0s -d 1s -p 1 --fault respond=100ms --drain 5s");
    let at = |name: &str| {
        let text = run.result["run"][name].as_str().unwrap();
        text.parse::<jiff::Timestamp>().unwrap()
    };
    let whole = at("ended").duration_since(at("measured_from"));
    let told = run.number("run.measured") + run.number("run.drained");
    let untold = whole.as_secs_f64() - told;
    assert!(run.count("ledger.cut_off") > 0, "all was sent in time");
    assert!((-0.5..0.5).contains(&untold), "{untold} s are of no phase");
    // What was sent in that second counts, and the rate is not what the target gives.
    let doubts = run.result["verdict"]["doubts"].to_string();
    let told = "readings were acknowledged after the 1 s that were measured, and within these ";
    assert!(doubts.contains(told), "{doubts}");
}

#[test]
fn records_that_were_trimmed_before_they_were_read_are_told_with_what_to_do() {
    for via in ["kinesis", "dynamodb-streams"] {
        let words = "--devices 300 -r 600/s -w 0s -d 3s --drain 3s --poll-interval 1s";
        let run = run(&format!("{words} --retain 20000 --via {via}"));
        assert!(run.count("ledger.missing") > 0, "{via}");
        let causes = run.result["causes"].as_array().unwrap();
        let trimmed = causes
            .iter()
            .find(|of| of["advice"] == "raise --retain")
            .unwrap();
        let what = trimmed["what"].as_str().unwrap();
        let records = what.strip_prefix("the embedded stream trimmed ").unwrap();
        let (records, rest) = records.split_once(' ').unwrap();
        assert!(
            records.replace(',', "").parse::<u64>().unwrap() > 100,
            "{what}"
        );
        assert_eq!(rest, "records before they were read", "{what}");
    }
}

#[test]
fn a_consumer_that_is_gone_by_the_end_is_no_failure_to_read() {
    let local = Local::start("");
    let proxy = Proxy::in_weather(local.address(), |called, _| match called {
        "DeregisterStreamConsumer" => crate::support::proxy::Fate::Refuse(
            "ResourceNotFoundException",
            "Consumer arn:aws:kinesis:us-east-1:1:stream/s/consumer/c:1 not found.",
        ),
        _ => crate::support::proxy::Fate::Pass,
    });
    let words = format!(
        "{AGAINST} --consumer enhanced-fan-out --endpoint-url http://{} -o -",
        proxy.address
    );
    let run = finish(hrload_with_credentials(&words).output().unwrap());
    assert_eq!(run.code, 0, "{}", run.stderr);
    let told = format!("{}{}", run.result["causes"], run.result["warnings"]);
    assert!(!told.contains("Consumer"), "{told}");
}
