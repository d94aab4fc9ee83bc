//! What is in the lake afterwards.

use std::io::Read;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::world::{World, record};

#[test]
fn every_record_is_a_line_once_and_a_second_delivery_goes_on_behind_the_first() {
    let world = World::new(3);
    world.put((0..1_000).map(record));
    let first = world.delivered("--buffer-size 4KiB");
    assert_eq!(first["records_delivered"], 1_000);
    assert_eq!(first["oldest_undelivered_us"], serde_json::Value::Null);
    assert!(first["objects"].as_u64().unwrap() > 2);
    assert_eq!(
        first["objects"].as_u64().unwrap() as usize,
        world.objects().len()
    );
    world.put((1_000..1_500).map(record));
    assert_eq!(world.delivered("")["records_delivered"], 500);
    let lines = world.lines();
    assert_eq!(lines.len(), 1_500);
    assert!(lines.values().all(|times| *times == 1));
    for key in world.objects().keys() {
        let parts: Vec<&str> = key.split('/').collect();
        assert_eq!(parts.len(), 5, "{key}: year, month, day, hour, name");
        assert!(parts[4].starts_with("hrload-1-"), "{key}");
    }
}

#[test]
fn objects_are_compressed_and_named_as_asked_and_failed_records_stand_apart() {
    let world = World::new(1);
    world.put([record(1), b"\xff\xfe".to_vec(), b"no JSON".to_vec()]);
    let done = world.delivered("--compression gzip --prefix heart/ --append-delimiter |");
    assert_eq!(done["records_delivered"], 2);
    assert_eq!(done["records_failed"], 1);
    for (key, body) in world.objects() {
        if key.starts_with("heart/processing-failed/") {
            let line: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(line["rawData"], "//4=");
            assert_eq!(line["errorCode"], "Lambda.ProcessingFailedStatus");
        } else {
            assert!(key.starts_with("heart/2") && key.ends_with(".gz"), "{key}");
            let mut text = String::new();
            flate2::read::GzDecoder::new(body.as_slice())
                .read_to_string(&mut text)
                .unwrap();
            assert_eq!(text, "{\"n\":000001}\n|no JSON\n|");
        }
    }
    assert_eq!(world.objects().len(), 2);
}

#[test]
fn an_interrupt_writes_what_was_read_and_the_next_delivery_goes_on_there() {
    let world = World::new(1);
    world.put((0..10).map(record));
    let process = world
        .deliver("--buffer-interval 900s -o -")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The first checkpoint is written before anything is read; nothing outside
    // tells when records were read, and either number of them is right.
    while !world.lake().join("_hrload/hrload.checkpoint.json").exists() {
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&process), Signal::INT).unwrap();
    let output = process.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let first: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(first["interrupted"], true);
    assert_eq!(first["records_read"], first["records_delivered"]);
    let rest = 10 - first["records_delivered"].as_u64().unwrap();
    assert_eq!(world.delivered("")["records_delivered"], rest);
    assert_eq!(world.lines().len(), 10);
}
