//! `--engine athena`, against a server that answers as Athena does
//! (<https://docs.aws.amazon.com/athena/latest/APIReference/>).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Output;
use std::sync::mpsc;

use serde_json::{Value, json};

use crate::support::hrload;

/// Answers calls one after the other by `answer`, which is told the operation, the
/// request and how many calls there were before; passes on what it was asked.
fn athena(
    answer: fn(&str, &Value, usize) -> (u16, Value),
) -> (String, mpsc::Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, asked) = mpsc::channel();
    std::thread::spawn(move || {
        let mut calls = 0;
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            loop {
                let (mut operation, mut length) = (String::new(), 0);
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                    let lower = line.to_ascii_lowercase();
                    if let Some(rest) = lower.strip_prefix("content-length:") {
                        length = rest.trim().parse().unwrap();
                    }
                    if lower.starts_with("x-amz-target:") {
                        operation = line.trim().rsplit('.').next().unwrap().to_owned();
                    }
                    line.clear();
                }
                if operation.is_empty() {
                    break;
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let body: Value = serde_json::from_slice(&body).unwrap();
                let (status, text) = answer(&operation, &body, calls);
                calls += 1;
                let _ = sender.send((operation, body));
                let text = text.to_string();
                let head = format!(
                    "HTTP/1.1 {status} x\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\r\n",
                    text.len()
                );
                if stream.write_all((head + &text).as_bytes()).is_err() {
                    break;
                }
            }
        }
    });
    (url, asked)
}

fn query(url: &str, words: &[&str]) -> Output {
    hrload()
        .args([
            "query",
            "--engine",
            "athena",
            "--athena-endpoint-url",
            url,
            "--region",
            "us-east-1",
        ])
        .args(words)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .output()
        .unwrap()
}

fn state(state: &str, reason: Option<&str>, scanned: u64) -> Value {
    json!({"QueryExecution": {
        "QueryExecutionId": "one",
        "Status": {"State": state, "StateChangeReason": reason},
        "Statistics": {"DataScannedInBytes": scanned, "EngineExecutionTimeInMillis": 1500},
    }})
}

fn row(cells: &[&str]) -> Value {
    let cells: Vec<_> = cells
        .iter()
        .map(|cell| json!({"VarCharValue": cell}))
        .collect();
    json!({ "Data": cells })
}

#[test]
fn rows_come_page_by_page_with_what_they_cost() {
    let (url, asked) = athena(|operation, request, _| {
        let columns = json!({"ColumnInfo": [
            {"Name": "HeartRate", "Type": "varchar"}, {"Name": "Sensor_ID", "Type": "varchar"},
        ]});
        let answer = match operation {
            "StartQueryExecution" => json!({"QueryExecutionId": "one"}),
            "GetQueryExecution" => state("SUCCEEDED", None, 40_000_000),
            "GetQueryResults" if request["NextToken"].is_null() => json!({
                "ResultSet": {"Rows": [row(&["HeartRate", "Sensor_ID"]), row(&["71", "3"])], "ResultSetMetadata": columns},
                "NextToken": "more",
            }),
            _ => json!({"ResultSet": {"Rows": [row(&["72", "4"])], "ResultSetMetadata": columns}}),
        };
        (200, answer)
    });
    let words = [
        "--format",
        "csv",
        "--output-location",
        "s3://bucket/results/",
        "--workgroup",
        "team",
    ];
    let output = query(&url, &words);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "HeartRate,Sensor_ID\n71,3\n72,4\n"
    );
    assert!(told.contains("2 rows in 1.5"), "{told}");
    assert!(
        told.contains("Athena scanned 40.0 MB, 0.000200 USD"),
        "{told}"
    );
    let (operation, started) = asked.recv().unwrap();
    assert_eq!(operation, "StartQueryExecution");
    assert!(
        started["QueryString"]
            .as_str()
            .unwrap()
            .contains("heartratedata2021")
    );
    assert_eq!(started["QueryExecutionContext"]["Database"], "dbhr");
    assert_eq!(started["WorkGroup"], "team");
    assert_eq!(
        started["ResultConfiguration"]["OutputLocation"],
        "s3://bucket/results/"
    );
}

#[test]
fn a_statement_that_fails_says_so_in_athenas_words_and_where() {
    let (url, _asked) = athena(|operation, _, calls| {
        let reason = "COLUMN_NOT_FOUND: line 1:8: Column 'bpn' cannot be resolved";
        let answer = match operation {
            "StartQueryExecution" => json!({"QueryExecutionId": "one"}),
            _ if calls == 1 => state("QUEUED", None, 0),
            _ => state("FAILED", Some(reason), 0),
        };
        (200, answer)
    });
    let output = query(&url, &["SELECT bpn FROM t"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        told.contains("Column 'bpn' cannot be resolved\n  SELECT bpn FROM t\n         ^"),
        "{told}"
    );
}

#[test]
fn a_call_that_is_refused_is_told_with_its_name() {
    let (url, _asked) = athena(|_, _, _| {
        let answer = json!({"__type": "AccessDeniedException", "Message": "not allowed to athena:StartQueryExecution"});
        (400, answer)
    });
    let output = query(&url, &["SELECT 1"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("StartQueryExecution failed") && told.contains("not allowed"),
        "{told}"
    );
}

#[test]
fn a_statement_that_defines_costs_nothing_and_one_that_asks_costs_the_minimum() {
    for (kind, scanned, told) in [
        ("DDL", 500_000_000, "Athena scanned 500 MB, 0.00 USD"),
        ("DML", 0, "Athena scanned 0 B, 0.0000500 USD"),
    ] {
        let answer: fn(&str, &Value, usize) -> (u16, Value) = match kind {
            "DDL" => |operation, _, _| defined(operation, "DDL", 500_000_000),
            _ => |operation, _, _| defined(operation, "DML", 0),
        };
        let (url, _asked) = athena(answer);
        let output = query(&url, &["select 1"]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        assert!(stderr.contains(told), "{kind}, {scanned}: {stderr}");
    }
}

fn defined(operation: &str, kind: &str, scanned: u64) -> (u16, Value) {
    let answer = match operation {
        "StartQueryExecution" => json!({"QueryExecutionId": "one"}),
        "GetQueryExecution" => {
            let mut state = state("SUCCEEDED", None, scanned);
            state["QueryExecution"]["StatementType"] = json!(kind);
            state
        }
        _ => json!({"ResultSet": {"Rows": [], "ResultSetMetadata": {"ColumnInfo": []}}}),
    };
    (200, answer)
}

/// Pages without an end, whose tokens are all another, or all the same.
fn endless(operation: &str, calls: usize, same: bool) -> (u16, Value) {
    let columns = json!({"ColumnInfo": [{"Name": "a", "Type": "varchar"}]});
    let answer = match operation {
        "StartQueryExecution" => json!({"QueryExecutionId": "one"}),
        "GetQueryExecution" => state("SUCCEEDED", None, 1),
        _ => json!({
            "ResultSet": {"Rows": [row(&["1"])], "ResultSetMetadata": columns},
            "NextToken": if same { "same".to_owned() } else { format!("after {calls}") },
        }),
    };
    (200, answer)
}

#[test]
fn pages_that_name_themselves_are_an_error() {
    let (url, _asked) = athena(|operation, _, calls| endless(operation, calls, true));
    let output = query(&url, &["--format", "csv", "select a from t"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("the rows have no end"), "{stderr}");
}

#[test]
fn reading_rows_can_be_interrupted() {
    let (url, asked) = athena(|operation, _, calls| endless(operation, calls, false));
    let mut command = hrload();
    command
        .args(["query", "--engine", "athena", "--region", "us-east-1"])
        .args([
            "--athena-endpoint-url",
            &url,
            "--format",
            "csv",
            "select a from t",
        ])
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped());
    let running = command.spawn().unwrap();
    let mut pages = 0;
    while pages < 3 {
        let (operation, _) = asked.recv().unwrap();
        pages += usize::from(operation == "GetQueryResults");
    }
    crate::support::signal(running.id(), "INT");
    let output = running.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(
        stderr.contains("interrupted while rows were read"),
        "{stderr}"
    );
}
