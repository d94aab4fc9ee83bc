//! What goes wrong is said, and nothing is lost by it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Stdio;

use serde_json::Value;

use crate::lake::world::{World, record, text};
use crate::support::{await_line, hrload, signal};

/// A transform that is a shell script.
fn script(world: &World, body: &str) -> String {
    world.program("transform.sh", &format!("#!/bin/sh\n{body}\n"))
}

#[test]
fn a_transform_that_fails_leaves_its_records_under_processing_failed() {
    for (body, code, attempts) in [
        ("sleep 60", "Lambda.FunctionTimedOut", 4),
        ("exit 3", "Lambda.FunctionError", 4),
        // An answer that came is final.
        (
            "cat >/dev/null; echo nonsense",
            "Lambda.JsonProcessingException",
            1,
        ),
        (
            r#"cat >/dev/null; echo '{"records":[{"recordId":"other","result":"Ok","data":""}]}'"#,
            "Lambda.MissingRecordId",
            1,
        ),
        (
            "cat >/dev/null; head -c 7000000 /dev/zero",
            "Lambda.FunctionError",
            4,
        ),
    ] {
        let world = World::new(1);
        world.put([record(1)]);
        let script = script(&world, body);
        let done = world.delivered(&format!("--transform {script} --transform-timeout 300ms"));
        assert_eq!(done["records_failed"], 1, "{body}");
        let objects = world.objects();
        let (key, line) = objects.first_key_value().unwrap();
        assert!(key.starts_with("processing-failed/"), "{key}");
        let line: Value = serde_json::from_slice(line).unwrap();
        assert_eq!(line["errorCode"], code, "{body}: {line}");
        assert_eq!(line["attemptsMade"], attempts, "{body}");
        assert_eq!(objects.len(), 1);
    }
}

#[test]
fn a_checkpoint_that_is_none_is_said_and_left_alone() {
    let world = World::new(1);
    world.put([record(1)]);
    world.delivered("");
    let checkpoint = world.lake().join("_hrload/hrload.checkpoint.json");
    for wrong in ["", "{", "{\"schema\":\"hrload.lake-checkpoint/1\"}"] {
        std::fs::write(&checkpoint, wrong).unwrap();
        let output = world.deliver("--until-idle 0s").output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        let said = text(&output);
        assert!(
            said.contains("_hrload/hrload.checkpoint.json") && said.contains("--from"),
            "{said}"
        );
        assert_eq!(std::fs::read_to_string(&checkpoint).unwrap(), wrong);
    }
}

#[test]
fn a_lake_that_takes_no_more_ends_delivery_and_loses_nothing() {
    let world = World::new(1);
    world.put((0..100).map(record));
    // No file may grow beyond a block of 512 bytes, as on a full disk.
    let command = world.deliver("--until-idle 500ms --buffer-size 1MiB");
    let words = command.get_args().map(|word| word.display().to_string());
    let words: Vec<String> = words.collect();
    let mut limited = std::process::Command::new("sh");
    limited
        .arg("-c")
        .arg(format!(
            "trap '' XFSZ; ulimit -f 2; exec {} {}",
            env!("CARGO_BIN_EXE_hrload"),
            words.join(" ")
        ))
        .envs(
            command
                .get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        );
    let output = limited.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(
        text(&output).contains("still in the stream"),
        "{}",
        text(&output)
    );
    assert!(world.objects().is_empty(), "no object is there in part");
    assert_eq!(world.delivered("")["records_delivered"], 100);
}

#[test]
fn two_deliveries_of_one_stream_into_one_folder_are_refused() {
    let world = World::new(1);
    world.put([record(1)]);
    let mut first = world.deliver("-q --buffer-interval 0").spawn().unwrap();
    while world.objects().is_empty() {
        std::thread::yield_now();
    }
    let second = world.deliver("--until-idle 0s").output().unwrap();
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(
        text(&second).contains("another delivery"),
        "{}",
        text(&second)
    );
}

#[test]
fn a_stream_that_is_not_there_is_named() {
    let world = World::new(1);
    let output = world
        .deliver_stream("other", "--until-idle 0s")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("other"), "{}", text(&output));
}

#[test]
fn a_checkpoint_of_another_stream_of_that_name_is_not_gone_on_from() {
    let world = World::new(1);
    world.put([record(1)]);
    world.delivered("");
    let checkpoint = world.lake().join("_hrload/hrload.checkpoint.json");
    let text_of = std::fs::read_to_string(&checkpoint).unwrap();
    let mut parsed: Value = serde_json::from_str(&text_of).unwrap();
    for position in parsed["shards"].as_object_mut().unwrap().values_mut() {
        if position.get("after").is_some() {
            *position = serde_json::json!({ "after": "1" });
        }
    }
    std::fs::write(&checkpoint, parsed.to_string()).unwrap();
    let output = world.deliver("--until-idle 0s").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("made anew"), "{}", text(&output));
}

#[test]
fn a_bucket_that_refuses_is_said_and_nothing_counts_as_delivered() {
    for status in ["403 Forbidden", "500 Internal Server Error"] {
        let world = World::new(1);
        world.put([record(1)]);
        let endpoint = refuse(status);
        let output = world
            .deliver_to("s3://bucket/prefix", "--until-idle 500ms")
            .args(["--s3-endpoint-url", &endpoint])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{status}: {}", text(&output));
        assert!(
            text(&output).contains("s3://bucket/prefix"),
            "{}",
            text(&output)
        );
        assert_eq!(world.delivered("")["records_delivered"], 1);
    }
}

/// A server that answers everything so, for as long as the test process lives.
fn refuse(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut request = [0; 16 << 10];
            if connection.read(&mut request).is_ok() {
                let answer =
                    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                let _ = connection.write_all(answer.as_bytes());
            }
        }
    });
    endpoint
}

#[test]
fn a_stream_that_nobody_answers_for_is_told_at_once_and_is_no_idle_one() {
    let folder = tempfile::tempdir().unwrap();
    let summary = folder.path().join("summary.json");
    let mut command = hrload();
    command
        .args("deliver --endpoint-url http://127.0.0.1:1 --stream s --lake lake".split(' '))
        .args(["--until-idle", "1s", "-o"])
        .arg(&summary)
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut deliver = command.spawn().unwrap();
    let mut told = BufReader::new(deliver.stderr.take().unwrap());
    await_line(
        &mut told,
        "DescribeStreamSummary on stream s failed: Connection refused",
    );
    signal(deliver.id(), "INT");
    let mut rest = String::new();
    told.read_to_string(&mut rest).unwrap();
    assert_eq!(deliver.wait().unwrap().code(), Some(130), "{rest}");
    assert!(
        rest.contains("error: DescribeStreamSummary on stream s failed"),
        "{rest}"
    );
    let mut shown = String::new();
    deliver
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut shown)
        .unwrap();
    assert!(!shown.contains("everything that was read"), "{shown}");
}

/// A server that notes the first lines and headers of requests, and has no such object.
fn bucket() -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let mut reader = BufReader::new(client.try_clone().unwrap());
            let (mut head, mut line) = (String::new(), String::new());
            while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                head.push_str(&std::mem::take(&mut line));
            }
            let _ = sender.send(head);
            let _ = write!(
                &client,
                "HTTP/1.1 403 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
        }
    });
    (url, asked)
}

#[test]
fn a_bucket_on_this_machine_needs_no_credentials() {
    let world = World::new(1);
    let (url, asked) = bucket();
    let words = "--until-idle 100ms --s3-endpoint-url";
    let bare = |url: &str| {
        let mut command = world.deliver_to("s3://bucket/prefix", &format!("{words} {url}"));
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            command.env_remove(name);
        }
        command.output().unwrap()
    };
    let output = bare(&url);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let head = asked.recv().unwrap();
    assert!(head.contains("Credential=hrload/"), "{head}");
    assert!(!text(&output).contains("169.254"), "{}", text(&output));
}
