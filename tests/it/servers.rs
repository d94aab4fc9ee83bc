//! hrload on servers that others wrote, and others' clients on `hrload local`.
//!
//! Servers are those that the environment names, as `scripts/servers start` prints it:
//! `scripts/servers test` starts those that can be had here and runs their tests. What
//! is tried at length, with every client and layout, is `scripts/compatibility`.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_cloudwatch::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};

use crate::support::local::Local;
use crate::support::{Run, finish, hrload_with_credentials};

/// Slow servers hold this, and what they get wrong shows.
const PACE: &str = "--devices 50 -r 100/s -w 0s -d 1s --drain 20s -q";

/// The endpoints of these servers.
///
/// # Panics
/// One does not run: a test that was asked for and cannot look fails.
#[track_caller]
fn servers<const N: usize>(names: [&str; N]) -> [String; N] {
    names.map(|name| {
        let variable = format!("HRLOAD_TEST_{name}");
        std::env::var(&variable)
            .unwrap_or_else(|_| panic!("{variable} is not set: scripts/servers start prints it"))
    })
}

fn output(words: &str) -> Output {
    hrload_with_credentials(words).output().unwrap()
}

fn run(words: &str) -> Run {
    finish(output(&format!("run {PACE} {words} -o -")))
}

/// The run held: every reading was written, and seen where the stream is followed.
#[track_caller]
fn assert_held(run: &Run) {
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.assert_closed();
    let scheduled = run.count("ledger.scheduled");
    assert!(scheduled > 0);
    assert_eq!(run.count("ledger.acknowledged"), scheduled);
    if run.result["config"]["via"] != "none" {
        assert_eq!(run.count("ledger.seen"), scheduled);
        assert_eq!(run.count("ledger.duplicates"), 0);
        assert_eq!(run.count("latency.e2e.count"), scheduled);
    }
}

/// What the combination lacks is told in one short error.
#[track_caller]
fn assert_refused(words: &str, says: &[&str]) {
    let output = output(words);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{words}\n{stderr}");
    let errors: Vec<_> = stderr
        .lines()
        .filter(|line| line.starts_with("error:"))
        .collect();
    assert_eq!(errors.len(), 1, "{words}\n{stderr}");
    assert!(errors[0].len() < 600, "{words}\n{stderr}");
    for text in says {
        assert!(
            errors[0].contains(text),
            "{words}: no {text:?} in\n{stderr}"
        );
    }
}

#[test]
#[ignore = "needs eval \"$(scripts/servers start dynamodb-local)\""]
fn writes_to_dynamodb_local_are_accounted_for() {
    let [dynamodb] = servers(["DYNAMODB_LOCAL"]);
    for (client, layout) in [("sdk", "post"), ("direct", "timeseries")] {
        let run = run(&format!(
            "--endpoint-url {dynamodb} --via none --client {client} --layout {layout}"
        ));
        assert_held(&run);
        assert_eq!(
            run.count("capacity.consumed_units"),
            run.count("capacity.computed_units"),
            "{client}, {layout}"
        );
    }
}

#[test]
#[ignore = "needs eval \"$(scripts/servers start dynamodb-local)\""]
fn the_own_stream_of_a_table_of_dynamodb_local_is_followed() {
    let [dynamodb] = servers(["DYNAMODB_LOCAL"]);
    for words in [
        "--client sdk --layout post",
        "--client direct --layout fhir",
    ] {
        let words = format!("--endpoint-url {dynamodb} --via dynamodb-streams {words}");
        assert_held(&run(&words));
    }
}

#[test]
#[ignore = "needs eval \"$(scripts/servers start dynamodb-local kinesis-mock)\""]
fn kinesis_mock_is_filled_beside_a_table_of_dynamodb_local() {
    let [dynamodb, kinesis] = servers(["DYNAMODB_LOCAL", "KINESIS_MOCK"]);
    let run = run(&format!(
        "--endpoint-url {dynamodb} --kinesis-endpoint-url {kinesis} --via put-records"
    ));
    assert_held(&run);
    assert_eq!(run.count("puts.records"), run.count("ledger.scheduled"));
}

#[test]
#[ignore = "needs eval \"$(scripts/servers start dynamodb-local kinesis-mock)\""]
fn dynamodb_local_with_kinesis_mock_lacks_a_destination_and_is_told_so() {
    let [dynamodb, kinesis] = servers(["DYNAMODB_LOCAL", "KINESIS_MOCK"]);
    for (words, says) in [
        (
            format!("run {PACE} --endpoint-url {dynamodb}"),
            "InvalidAction",
        ),
        (
            format!("run {PACE} --endpoint-url {dynamodb} --kinesis-endpoint-url {kinesis}"),
            "UnknownOperationException",
        ),
        (
            format!("run {PACE} --endpoint-url {kinesis} --via none"),
            "UnknownOperationException",
        ),
    ] {
        assert_refused(&words, &[says, "--via none"]);
    }
}

#[test]
#[ignore = "needs eval \"$(scripts/servers start dynamodb-local kinesis-mock)\""]
fn a_certificate_of_kinesis_mock_that_nobody_knows_is_refused() {
    let [dynamodb, tls] = servers(["DYNAMODB_LOCAL", "KINESIS_MOCK_TLS"]);
    let words = format!("run {PACE} --endpoint-url {dynamodb} --kinesis-endpoint-url {tls}");
    assert_refused(&words, &["UnknownIssuer"]);
}

#[test]
#[ignore = "needs eval \"$(scripts/servers start moto)\""]
fn writes_to_moto_are_accounted_for_and_its_error_page_is_told_in_a_line() {
    let [moto] = servers(["MOTO"]);
    for (client, layout) in [("sdk", "fhir"), ("direct", "post")] {
        assert_held(&run(&format!(
            "--endpoint-url {moto} --via none --client {client} --layout {layout}"
        )));
    }
    assert_refused(
        &format!("run {PACE} --endpoint-url {moto}"),
        &["HTTP 500 without an AWS error", "--via none"],
    );
}

#[test]
#[ignore = "needs eval \"$(scripts/servers start localemu)\""]
fn the_whole_pipeline_of_localemu_is_followed() {
    let [localemu] = servers(["LOCALEMU"]);
    for words in [
        "--client sdk --layout post",
        "--client direct --layout timeseries",
        "--layout fhir --consumer enhanced-fan-out",
    ] {
        assert_held(&run(&format!("--endpoint-url {localemu} {words}")));
    }
}

#[test]
#[ignore = "needs eval \"$(scripts/servers start localemu)\""]
fn what_localemus_cloudwatch_was_told_stands_beside_a_runs_own_count() {
    let [localemu] = servers(["LOCALEMU"]);
    let table = format!("counted-{}", std::process::id());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(told(&localemu, &table));
    let run = run(&format!(
        "--endpoint-url {localemu} --via none --table {table} --cloudwatch 1s"
    ));
    assert_held(&run);
    let figures = run.result["cloudwatch"]["figures"].as_array().unwrap();
    let consumed = figures
        .iter()
        .find(|of| of["metric"] == "ConsumedWriteCapacityUnits");
    let consumed = consumed.unwrap();
    assert!(
        consumed["counted"].as_f64().unwrap() >= 1_000.0,
        "{consumed}"
    );
    assert!(consumed["differs"].is_string(), "{consumed}");
}

/// Puts a thousand units into this minute and as many into the next, when the run may be.
async fn told(server: &str, table: &str) {
    let config = aws_sdk_cloudwatch::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .endpoint_url(server)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    let client = aws_sdk_cloudwatch::Client::from_conf(config.build());
    let now_s = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs() as i64;
    for at_s in [now_s, now_s + 60] {
        let dimension = Dimension::builder().name("TableName").value(table).build();
        let datum = MetricDatum::builder()
            .metric_name("ConsumedWriteCapacityUnits")
            .dimensions(dimension)
            .timestamp(DateTime::from_secs(at_s))
            .value(1_000.0)
            .build();
        let put = client.put_metric_data().namespace("AWS/DynamoDB");
        put.metric_data(datum).send().await.unwrap();
    }
}

#[test]
#[ignore = "needs eval \"$(scripts/servers start localemu)\""]
fn what_setup_made_on_localemu_is_measured_and_torn_down() {
    let [localemu] = servers(["LOCALEMU"]);
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    let state = state.to_str().unwrap();
    let ok = |words: &str| {
        let output = output(words);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words}\n{stderr}");
    };
    ok(&format!("setup --endpoint-url {localemu} --state {state}"));
    assert_held(&run(&format!("--state {state}")));
    ok(&format!("teardown --state {state} --yes"));
    assert_refused(&format!("run {PACE} --state {state}"), &[]);
}

#[test]
#[ignore = "needs scripts/clients install; CI runs scripts/clients itself"]
fn others_clients_go_the_whole_way_on_the_embedded_services() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let home =
        std::env::var("SERVERS_HOME").map_or_else(|_| root.join("target/servers"), PathBuf::from);
    let output = Command::new(root.join("scripts/clients"))
        .arg("check")
        .env("HRLOAD", env!("CARGO_BIN_EXE_hrload"))
        .env("SERVERS_HOME", home)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The SDK for JavaScript does so with Kinesis. The bytes are those of RFC 9113 and of
/// HPACK's table (<https://www.rfc-editor.org/rfc/rfc7541#appendix-A>).
#[test]
fn a_client_that_speaks_http2_at_once_is_answered() {
    const HEADERS: u8 = 1;
    let local = Local::start("");
    let mut stream = TcpStream::connect(local.address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .unwrap();
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    stream.write_all(&settings).unwrap();
    // Stream 1, at its end: GET, /, http, and the authority `localhost`.
    stream
        .write_all(&[0, 0, 14, HEADERS, 5, 0, 0, 0, 1])
        .unwrap();
    stream.write_all(&[0x82, 0x84, 0x86, 0x41, 9]).unwrap();
    stream.write_all(b"localhost").unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).unwrap();
        if head[3] == HEADERS {
            assert_eq!(payload[0], 0x88, ":status 200 in HPACK's table");
            break;
        }
    }
}
