//! `--otlp`: messages that a collector reads, and a collector that is not there.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use serde_json::Value;

use crate::live::http::{Asked, hear};
use crate::support::{finish, hrload};

const SMALL: &str = "--devices 200 --rate 500/s -w 1s -d 2s --change-delay 0 -o -";

/// A collector that answers everything with `status`, and what it is sent.
fn collector(status: u16) -> (String, mpsc::Receiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, asked) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, sender) = (stream.unwrap(), sender.clone());
            std::thread::spawn(move || {
                while let Some(asked) = hear(&mut stream, status) {
                    let _ = sender.send(asked);
                }
            });
        }
    });
    (url, asked)
}

/// The points of a metric in a message.
fn points<'a>(message: &'a Value, name: &str) -> Vec<&'a Value> {
    let metrics = &message["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
    let metrics = metrics.as_array().unwrap().iter();
    let metric = metrics.filter(|metric| metric["name"] == name);
    metric
        .flat_map(|metric| {
            let kinds = ["sum", "gauge", "histogram"].into_iter();
            kinds.filter_map(|kind| metric[kind]["dataPoints"].as_array())
        })
        .flatten()
        .collect()
}

fn attribute<'a>(of: &'a Value, key: &str) -> Option<&'a str> {
    let mut attributes = of["attributes"].as_array()?.iter();
    attributes.find(|attribute| attribute["key"] == key)?["value"]["stringValue"].as_str()
}

/// The value of a counter while measuring.
fn measured(message: &Value, name: &str) -> f64 {
    counted(message, name, "measure")
}

/// The value of a counter in a phase.
fn counted(message: &Value, name: &str, phase: &str) -> f64 {
    let points = points(message, name).into_iter();
    let mut points = points.filter(|point| attribute(point, "phase") == Some(phase));
    points
        .next()
        .map_or(0.0, |point| point["asDouble"].as_f64().unwrap())
}

#[test]
fn a_collector_gets_cumulative_metrics_that_end_at_the_ledger() {
    let (url, asked) = collector(200);
    let output = hrload()
        .args(SMALL.split_whitespace())
        .args(["--otlp", &format!("{url}/base")])
        .env("OTEL_METRIC_EXPORT_INTERVAL", "300")
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-key=se%20cret")
        .env("OTEL_RESOURCE_ATTRIBUTES", "team=heart")
        .output()
        .unwrap();
    let run = finish(output);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(!run.stderr.contains("metrics"), "{}", run.stderr);
    let asked: Vec<Asked> = asked.try_iter().collect();
    assert!(asked.len() > 2, "{}", asked.len());
    let mut messages: Vec<Value> = Vec::new();
    for asked in &asked {
        assert!(
            asked.line.starts_with("POST /base/v1/metrics HTTP/1.1"),
            "{}",
            asked.line
        );
        assert!(
            asked.head.contains("content-type: application/json"),
            "{}",
            asked.head
        );
        assert!(asked.head.contains("x-key: se cret"), "{}", asked.head);
        messages.push(serde_json::from_slice(&asked.body).unwrap());
    }
    let mut starts = Vec::new();
    let mut before = 0.0;
    for message in &messages {
        let resource = &message["resourceMetrics"][0]["resource"];
        assert_eq!(attribute(resource, "service.name"), Some("hrload"));
        assert_eq!(attribute(resource, "team"), Some("heart"));
        let id = run.result["run"]["id"].as_str();
        assert_eq!(attribute(resource, "service.instance.id"), id);
        let now = measured(message, "hrload_acknowledged_readings");
        assert!(now >= before, "{before} then {now}");
        before = now;
        for point in points(message, "hrload_sent_readings") {
            let nanoseconds = |key: &str| point[key].as_str().unwrap().parse::<u64>().unwrap();
            assert!(nanoseconds("startTimeUnixNano") < nanoseconds("timeUnixNano"));
            starts.push(nanoseconds("startTimeUnixNano"));
        }
        for point in points(message, "hrload_stage_seconds") {
            let counts = point["bucketCounts"].as_array().unwrap().iter();
            let counts: Vec<u64> = counts
                .map(|of| of.as_str().unwrap().parse().unwrap())
                .collect();
            let bounds = point["explicitBounds"].as_array().unwrap();
            assert_eq!(counts.len(), bounds.len() + 1);
            assert_eq!(point["count"], counts.iter().sum::<u64>().to_string());
        }
    }
    starts.dedup();
    assert_eq!(starts.len(), 1, "cumulative since one moment");
    let last = messages.last().unwrap();
    for name in ["scheduled", "sent", "acknowledged", "seen"] {
        let sent = measured(last, &format!("hrload_{name}_readings"));
        assert_eq!(sent as u64, run.count(&format!("ledger.{name}")), "{name}");
        let warm_up = counted(last, &format!("hrload_{name}_readings"), "warm-up");
        let of_ledger = run.count(&format!("ledger.warm_up.{name}"));
        assert_eq!(warm_up as u64, of_ledger, "{name} of the warm-up");
    }
    readable_by_opentelemetry(&asked);
}

/// The specification's own definitions read every message, and know every field.
fn readable_by_opentelemetry(asked: &[Asked]) {
    let python = |program: &str| {
        let mut python = Command::new("python3");
        let home = std::env::var("HOME").unwrap_or_default();
        python
            .args(["-c", program])
            .env("PYTHONPATH", format!("{home}/.cache/hrload-readers/python"))
            .stdin(Stdio::null());
        python
    };
    let import = "from google.protobuf.json_format import Parse\n\
        from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import \
        ExportMetricsServiceRequest as Request\n";
    let known = python(import).output();
    if !known.is_ok_and(|output| output.status.success()) {
        eprintln!("definitions skipped: no opentelemetry-proto; scripts/browser install brings it");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (index, asked) in asked.iter().enumerate() {
        std::fs::write(folder.path().join(index.to_string()), &asked.body).unwrap();
    }
    let program = format!(
        "{import}import os, sys\n\
         for name in os.listdir('.'):\n\
         \x20   message = Parse(open(name).read(), Request())\n\
         \x20   metrics = message.resource_metrics[0].scope_metrics[0].metrics\n\
         \x20   assert len(metrics) > 10, len(metrics)\n\
         \x20   for of in metrics: assert of.WhichOneof('data') and of.name and of.description\n\
         \x20   sums = [of.sum for of in metrics if of.HasField('sum')]\n\
         \x20   assert all(of.is_monotonic and of.aggregation_temporality == 2 for of in sums)\n"
    );
    let output = python(&program)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
}

#[test]
fn a_collector_that_is_down_or_refuses_costs_a_warning_and_not_the_run() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let down = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let (refusing, _asked) = collector(503);
    for (url, says) in [(down, "refused"), (refusing, "503")] {
        let output = hrload()
            .args(SMALL.split_whitespace())
            .args(["--otlp", &url])
            .env("OTEL_METRIC_EXPORT_INTERVAL", "300")
            .output()
            .unwrap();
        let run = finish(output);
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.assert_closed();
        let warnings = run.stderr.matches("the run goes on").count();
        assert_eq!(warnings, 1, "{}", run.stderr);
        assert!(run.stderr.contains("did not arrive"), "{}", run.stderr);
        assert!(run.stderr.to_lowercase().contains(says), "{}", run.stderr);
    }
}

#[test]
fn settings_that_cannot_be_are_wrong_use() {
    for (words, variable, value) in [
        ("--otlp nowhere", "OTEL_SERVICE_NAME", ""),
        ("--otlp", "OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://x:4317"),
        ("--otlp", "OTEL_EXPORTER_OTLP_HEADERS", "key"),
    ] {
        let mut command = hrload();
        let command = command.args(words.split_whitespace()).env(variable, value);
        let output = command.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            output.status.code(),
            Some(2),
            "{words} {variable}: {stderr}"
        );
        let name = if value.is_empty() { "--otlp" } else { variable };
        assert!(stderr.contains(name), "{words} {variable}: {stderr}");
    }
}
