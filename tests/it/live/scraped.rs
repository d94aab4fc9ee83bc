//! `--metrics-listen`: OpenMetrics that add up to what the result says.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use crate::live::http::{ask, ask_as, ask_for};
use crate::support::{hrload, output};

/// A run with a port to scrape, at the address that it prints.
fn scraped(words: &str) -> (Child, SocketAddr) {
    let mut child = hrload()
        .args("--devices 200 --rate 500/s --metrics-listen 127.0.0.1:0 -o -".split_whitespace())
        .args(words.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = loop {
        let line = lines.next().unwrap().unwrap();
        if let Some(rest) = line.strip_prefix("metrics at http://") {
            break rest.strip_suffix("/metrics").unwrap().parse().unwrap();
        }
    };
    // What is not read would hold the run up.
    std::thread::spawn(move || lines.for_each(drop));
    (child, address)
}

/// Samples by name and labels.
fn samples(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name, value.parse().unwrap())
        })
        .collect()
}

fn readable_by_prometheus(texts: &[String]) {
    let program = "import sys, json\n\
         from prometheus_client.openmetrics.parser import text_string_to_metric_families as read\n\
         for text in json.load(sys.stdin): assert len(list(read(text))) > 3\n";
    let mut python = Command::new("python3");
    let home = std::env::var("HOME").unwrap_or_default();
    python
        .env("PYTHONPATH", format!("{home}/.cache/hrload-readers/python"))
        .stdin(Stdio::null());
    let known = python.args(["-c", "import prometheus_client"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        eprintln!("parser skipped: no prometheus_client; scripts/browser install brings it");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("texts.json");
    std::fs::write(&file, serde_json::to_string(texts).unwrap()).unwrap();
    let output = Command::new("python3")
        .env("PYTHONPATH", format!("{home}/.cache/hrload-readers/python"))
        .args(["-c", program])
        .stdin(std::fs::File::open(&file).unwrap())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
}

#[test]
fn counters_only_rise_and_end_at_most_at_the_ledger() {
    let (mut child, address) = scraped("-w 1s -d 3s --change-delay 0");
    let mut texts: Vec<String> = Vec::new();
    while let Some(answer) = ask(address, "GET", "/metrics") {
        assert_eq!(answer.status, 200);
        let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert!(answer.head.contains(kind), "{}", answer.head);
        if texts.last() != Some(&answer.body) {
            texts.push(answer.body);
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let mut json = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut json)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let result: serde_json::Value = serde_json::from_str(&json).unwrap();

    let mut unseen_told = 0;
    let mut before: BTreeMap<&str, f64> = BTreeMap::new();
    for text in &texts {
        assert!(text.ends_with("# EOF\n"), "{text}");
        let now = samples(text);
        for (name, value) in &now {
            let rises = ["_total", "_bucket", "_count"];
            if rises
                .iter()
                .any(|what| name.split('{').next().unwrap().ends_with(what))
            {
                let earlier = before.insert(name, *value).unwrap_or(0.0);
                assert!(*value >= earlier, "{name}: {earlier} then {value}");
            }
        }
        // Of one moment, whichever that is.
        let of_measured = |name: &str| {
            let labelled = format!("hrload_{name}_readings_total{{phase=\"measure\"}}");
            now.get(labelled.as_str()).copied().unwrap_or(0.0)
        };
        if let Some(unseen) = now.get("hrload_unseen_readings") {
            let difference = of_measured("acknowledged") - of_measured("seen");
            assert_eq!(*unseen, difference.max(0.0), "{text}");
            unseen_told += 1;
        }
        let phases = now
            .iter()
            .filter(|(name, _)| name.starts_with("hrload_phase{"));
        assert_eq!(phases.map(|(_, value)| value).sum::<f64>(), 1.0, "{text}");
    }
    assert!(unseen_told > 0);
    let last = samples(texts.last().unwrap());
    for name in ["scheduled", "sent", "acknowledged", "seen"] {
        let ledger = result["ledger"][name].as_f64().unwrap();
        let measured = last[format!("hrload_{name}_readings_total{{phase=\"measure\"}}").as_str()];
        assert!(
            measured > 0.0 && measured <= ledger,
            "{name}: {measured} of {ledger}"
        );
    }
    assert!(last["hrload_scheduled_readings_total{phase=\"warm-up\"}"] > 0.0);
    // Every value is in the bucket without a bound, and in the sum.
    let count = last["hrload_stage_seconds_count{stage=\"response\"}"];
    let all = last["hrload_stage_seconds_bucket{stage=\"response\",le=\"+Inf\"}"];
    assert!(count > 0.0 && count == all, "{count} {all}");
    let sum = last["hrload_stage_seconds_sum{stage=\"response\"}"];
    let mean = result["latency"]["response"]["mean"].as_f64().unwrap();
    assert!(
        sum / count < mean * 10.0 && sum / count > mean / 10.0,
        "{sum} {count} {mean}"
    );
    assert!(!last.contains_key("hrload_stage_seconds_sum{stage=\"capture\"}"));
    let shard = "hrload_shard_records_total{shard=\"shardId-000000000000\"}";
    assert!(last[shard] > 0.0, "{last:?}");
    readable_by_prometheus(&texts);
}

#[test]
fn who_does_not_ask_for_openmetrics_gets_plain_text_with_the_same_samples() {
    let (mut child, address) = scraped("-w 0s -d 20s --change-delay 0");
    // Names stay once they are there, so that the later text has them all.
    let names = |text: &str| -> std::collections::BTreeSet<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let names = lines.map(|line| line.rsplit_once(' ').unwrap().0);
        let names = names.filter(|name| !name.contains("le=\"") && !name.contains("latest"));
        names.map(str::to_owned).collect()
    };
    let open = loop {
        let open = ask(address, "GET", "/metrics").unwrap();
        if open.body.contains("hrload_seen_readings_total") {
            break open;
        }
    };
    for accept in ["*/*", "text/plain", "text/plain;version=0.0.4"] {
        let plain = ask_for(address, "GET", "/metrics", accept).unwrap();
        let kind = "content-type: text/plain; version=0.0.4; charset=utf-8";
        assert!(plain.head.contains(kind), "{accept}: {}", plain.head);
        let body = &plain.body;
        for absent in ["# UNIT", "# EOF", " info\n"] {
            assert!(!body.contains(absent), "{accept}: {body}");
        }
        let typed = "# TYPE hrload_seen_readings_total counter\n";
        assert!(body.contains(typed), "{accept}: {body}");
        assert!(
            names(body).is_superset(&names(&open.body)),
            "{accept}: {body}"
        );
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_a_file_and_the_port_both_have_has_one_name_and_the_same_labels() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.prom");
    let words = format!("-w 1s -d 2s --change-delay 0 --report {}", file.display());
    let (mut child, address) = scraped(&words);
    let mut last = String::new();
    while let Some(answer) = ask_for(address, "GET", "/metrics", "text/plain") {
        last = answer.body;
    }
    let mut json = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut json)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let written = std::fs::read_to_string(file).unwrap();
    // Name and names of labels of each sample, by name.
    let shapes = |text: &str| -> BTreeMap<String, String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let shape = |line: &str| {
            let (name, labels) = line.split_once(['{', ' ']).unwrap();
            let labels = labels.split("\",").filter_map(|of| of.split_once("=\""));
            let labels: Vec<&str> = labels.map(|(label, _)| label).collect();
            (name.to_owned(), labels.join(","))
        };
        lines.map(shape).collect()
    };
    let (live, written) = (shapes(&last), shapes(&written));
    let both: Vec<&String> = live
        .keys()
        .filter(|name| written.contains_key(*name))
        .collect();
    assert!(both.len() > 12, "{both:?}");
    for name in both {
        assert_eq!(live[name], written[name], "{name}");
    }
    let phase = &written["hrload_acknowledged_readings_total"];
    assert_eq!(phase, "phase");
}

#[test]
fn other_paths_and_methods_are_refused_with_a_hint() {
    let (mut child, address) = scraped("-w 0s -d 20s --via none");
    for (method, path, status, says) in [
        ("GET", "/", 200, "/metrics"),
        ("GET", "/other", 404, "/metrics"),
        ("POST", "/metrics", 405, "GET"),
        ("HEAD", "/metrics", 200, ""),
    ] {
        let answer = ask(address, method, path).unwrap();
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(
            answer.body.contains(says),
            "{method} {path}: {}",
            answer.body
        );
    }
    let text = ask(address, "GET", "/metrics").unwrap().body;
    assert!(!text.contains("hrload_seen_readings"), "{text}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn metrics_are_told_to_who_asks_by_a_name_that_is_allowed_alone() {
    let (mut child, address) = scraped("--via none -d 60s --allow-host bench.example");
    for (host, status) in [
        ("localhost:9464", 200),
        ("bench.example", 200),
        ("evil.example", 403),
    ] {
        let answer = ask_as(address, host, "GET", "/metrics").unwrap();
        assert_eq!(answer.status, status, "{host}");
        assert_eq!(answer.body.contains("--allow-host"), status == 403);
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_port_that_is_taken_and_a_place_that_makes_no_sense_are_wrong_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for (words, says) in [
        (format!("--metrics-listen {address}"), address.to_string()),
        (
            format!("--metrics-listen {address}"),
            "another port".to_owned(),
        ),
        (
            "--metrics-listen nowhere".to_owned(),
            "127.0.0.1:9464".to_owned(),
        ),
        (
            "sweep --metrics-listen 9464".to_owned(),
            "single run".to_owned(),
        ),
        (
            "modes --metrics-listen 9464".to_owned(),
            "single run".to_owned(),
        ),
    ] {
        let output = output(&words);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words}: {stderr}");
        assert!(stderr.contains(&says), "{words}: no {says:?} in {stderr}");
    }
}
