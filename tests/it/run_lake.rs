//! A run that delivers into a lake, and measures how late that is.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use crate::support::local::Local;
use crate::support::shim::{hrload_ahead, shim};
use crate::support::{finish, hrload, output, run};
use aws_sdk_kinesis::primitives::Blob;
use hrload::aws;

const SMALL: &str = "--devices 200 --rate 500/s -w 500ms -d 3s --change-delay 0 --drain 20s";

/// Lines of all objects under a folder, those of hrload's own left out.
fn lines(folder: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with('_') {
            continue;
        }
        if path.is_dir() {
            lines.extend(self::lines(&path));
        } else {
            let text = std::fs::read_to_string(&path).unwrap();
            lines.extend(text.lines().map(str::to_owned));
        }
    }
    lines
}

#[test]
fn every_acknowledged_reading_is_in_the_lake_and_its_lateness_in_the_result() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let run = run(&format!(
        "{SMALL} --lake {} --lake-interval 1s",
        lake.display()
    ));
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.assert_closed();
    let acknowledged = run.count("ledger.acknowledged");
    assert_eq!(run.count("lake.readings"), acknowledged);
    for none in ["missing", "duplicates", "failed", "closed_early"] {
        assert_eq!(run.count(&format!("lake.{none}")), 0, "{none}");
    }
    assert_eq!(run.count("latency.freshness.count"), acknowledged);
    // In the lake after it was in the stream, and not before its object closed:
    // the newest reading of an object has waited for the oldest to have waited.
    assert!(run.number("latency.freshness.max") >= 1.0);
    assert!(run.number("latency.freshness.min") > 0.0);
    assert!(run.number("latency.freshness.p50") > run.number("latency.e2e.p50") - 0.3);
    let lines = lines(&lake);
    // The warm-up's readings are there as well.
    assert_eq!(lines.len() as u64, run.count("lake.records"));
    assert!(lines.len() as u64 > acknowledged);
    for line in &lines {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(record["eventName"], "INSERT");
    }
}

#[test]
fn objects_that_the_end_of_a_run_closes_are_told_of_and_not_in_freshness() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = hrload()
        .args("--devices 200 --rate 500/s -w 0s -d 60s --change-delay 0 -o -".split(' '))
        .args(["--lake-interval", "300s", "--lake"])
        .arg(folder.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    wait_for_measuring(&mut process);
    let pid = rustix::process::Pid::from_child(&process);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let run = finish(process.wait_with_output().unwrap());
    assert_eq!(run.code, 130);
    assert!(run.result["latency"]["freshness"].is_null());
    assert_eq!(run.count("lake.readings"), run.count("lake.closed_early"));
    assert_eq!(run.count("lake.missing"), 0);
    assert!(run.count("lake.readings") > 0);
}

/// Reads standard error until a second of measuring was told of.
fn wait_for_measuring(process: &mut std::process::Child) {
    use std::io::{BufRead, BufReader};
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let measuring = lines.find(|line| line.as_ref().unwrap().contains("response p99"));
    assert!(measuring.is_some());
    // Whoever writes on must not find the pipe closed.
    std::thread::spawn(move || lines.for_each(drop));
}

#[test]
fn a_run_on_a_stream_that_was_there_delivers_its_own_readings_and_goes_on_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let local = Local::start("--change-delay 0 --shards 1");
    let words = format!(
        "--devices 100 --rate 200/s -w 0s -d 1s --drain 20s --keep --table kept --stream kept \
         --lake {} --lake-interval 0s -o -",
        folder.path().display()
    );
    for again in 0..2 {
        let run = finish(local.client(&words).output().unwrap());
        assert_eq!(run.code, 0, "{again}: {}", run.stderr);
        let acknowledged = run.count("ledger.acknowledged");
        assert_eq!(run.count("lake.readings"), acknowledged, "{again}");
        assert_eq!(run.count("lake.missing"), 0, "{again}");
        // What the first run delivered is not delivered once more.
        assert_eq!(run.count("lake.records"), acknowledged, "{again}");
    }
}

#[test]
fn a_run_on_a_stream_whose_service_has_another_time_delivers_its_own_readings() {
    let folder = tempfile::tempdir().unwrap();
    let library = shim(folder.path());
    for ahead_s in [-60, 60] {
        let lake = folder.path().join(format!("lake{ahead_s}"));
        let service = hrload_ahead(&library, ahead_s);
        let local = Local::started(service, "--change-delay 0 --shards 1");
        let words = "--devices 100 --rate 200/s -w 0s -d 1s --drain 20s --keep --table kept \
                     --stream kept -o -";
        // The stream is there when the second run begins, and no checkpoint is.
        let first = finish(local.client(words).output().unwrap());
        assert_eq!(first.code, 0, "{ahead_s}: {}", first.stderr);
        for again in 0..2 {
            let mut second = local.client(words);
            let second = second.args(["--lake-interval", "0s", "--lake"]).arg(&lake);
            let run = finish(second.output().unwrap());
            assert_eq!(run.code, 0, "{ahead_s} {again}: {}", run.stderr);
            let acknowledged = run.count("ledger.acknowledged");
            assert_eq!(run.count("lake.readings"), acknowledged, "{ahead_s}");
            assert_eq!(run.count("lake.missing"), 0, "{ahead_s} {again}");
        }
    }
}

#[test]
fn a_lake_that_is_removed_in_a_run_is_told_and_the_run_is_not_held() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let mut process = hrload()
        .args("--devices 200 --rate 500/s -w 0s -d 3s --change-delay 0 -o -".split(' '))
        .args(["--lake-interval", "0s", "--lake"])
        .arg(&lake)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Beside the folder of the checkpoint, one for a year's objects.
    while std::fs::read_dir(&lake).map_or(0, Iterator::count) < 2 {
        assert_eq!(process.try_wait().unwrap(), None);
        std::thread::yield_now();
    }
    std::fs::rename(&lake, folder.path().join("gone")).unwrap();
    let run = finish(process.wait_with_output().unwrap());
    assert_eq!(run.code, 3);
    let error = run.result["lake"]["error"].as_str().unwrap();
    assert!(error.contains("was removed"), "{error}");
}

#[test]
fn an_object_that_is_removed_in_a_run_is_missing_at_its_end() {
    let lake = tempfile::tempdir().unwrap();
    let mut process = hrload()
        .args("--devices 200 --rate 500/s -w 0s -d 3s --change-delay 0 -o -".split(' '))
        .args(["--lake-interval", "500ms", "--lake"])
        .arg(lake.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let objects = || {
        let all = walkdir::WalkDir::new(lake.path()).into_iter().flatten();
        let files = all.filter(|of| of.file_type().is_file());
        // Neither hrload's own files nor one that is being written.
        let within = |of: &Path| of.strip_prefix(lake.path()).unwrap().to_owned();
        let whole = |of: &Path| !within(of).to_string_lossy().contains(['#', '_']);
        let files = files.map(|of| of.path().to_owned());
        files.filter(|of| whole(of)).collect::<Vec<_>>()
    };
    while objects().len() < 2 {
        assert_eq!(process.try_wait().unwrap(), None);
        std::thread::yield_now();
    }
    let removed = objects().swap_remove(0);
    std::fs::remove_file(removed).unwrap();
    let run = finish(process.wait_with_output().unwrap());
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert_eq!(run.count("lake.gone"), 1);
    let there = lines(lake.path()).len() as u64;
    assert_eq!(run.count("lake.readings"), there);
    assert_eq!(
        run.count("lake.missing"),
        run.count("ledger.acknowledged") - there
    );
    assert_eq!(run.count("lake.objects") as usize, objects().len());
    let one_line = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    let told = "1 object was removed or changed";
    assert!(one_line.contains(told), "{}", run.stderr);
}

#[test]
fn an_object_of_failed_records_takes_no_reading_with_it() {
    let lake = tempfile::tempdir().unwrap();
    let local = Local::start("--change-delay 0 --shards 1");
    let words = "--devices 100 --rate 200/s -w 0s -d 4s --drain 20s --keep --table kept \
                 --stream kept --lake-interval 200ms -o -";
    let mut process = local
        .client(words)
        .arg("--lake")
        .arg(lake.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let objects = |of: &'static str| {
        let all = walkdir::WalkDir::new(lake.path()).into_iter().flatten();
        let files = all.filter(|of| of.file_type().is_file());
        let top = |path: &Path| {
            let within = path.strip_prefix(lake.path()).unwrap();
            within.to_string_lossy().into_owned()
        };
        let files = files.map(|of| of.into_path());
        let files = files.filter(|path| top(path).starts_with(of) && !top(path).contains('#'));
        files.collect::<Vec<_>>()
    };
    let mut awaited = |of: &'static str, count: usize| loop {
        assert_eq!(process.try_wait().unwrap(), None);
        let found = objects(of);
        if found.len() >= count {
            break found;
        }
        std::thread::yield_now();
    };
    // Readings are on their way: the first year's folder is there.
    awaited("20", 1);
    // What is not UTF-8 fails, and stands in an object of its own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let target = aws::Target::Local(local.address());
        let connection = aws::connect(&target, &aws::Options::default()).await;
        let put = connection.unwrap().kinesis.put_record().stream_name("kept");
        let put = put.partition_key("p").data(Blob::new(b"\xff"));
        put.send().await.unwrap();
    });
    let failed = awaited("processing-failed", 1).remove(0);
    // One that vanished before it was synced would be written again: delivery has gone on.
    awaited("20", objects("20").len() + 2);
    std::fs::remove_file(failed).unwrap();
    let run = finish(process.wait_with_output().unwrap());
    assert_eq!(run.count("lake.gone"), 1);
    assert_eq!(run.count("lake.failed"), 1);
    assert_eq!(run.count("lake.missing"), 0);
    assert_eq!(run.count("lake.readings"), run.count("ledger.acknowledged"));
    let told = run.result["warnings"].to_string();
    assert!(told.contains("1 object without readings went"), "{told}");
}

#[test]
fn a_lake_takes_the_streams_of_several_runs_whatever_they_are_called() {
    let folder = tempfile::tempdir().unwrap();
    let mut records = 0;
    for again in 0..2 {
        // The embedded services' stream has the same name each time.
        let run = run(&format!(
            "--devices 100 --rate 200/s -w 0s -d 1s --change-delay 0 --lake {} --lake-interval 0s",
            folder.path().display()
        ));
        assert_eq!(run.code, 0, "{again}: {}", run.stderr);
        assert_eq!(run.count("lake.missing"), 0, "{again}");
        let warnings = run.result["warnings"].to_string();
        let kept = warnings.contains("had a checkpoint of another stream named hrload");
        assert_eq!(kept, again == 1, "{again}: {warnings}");
        records += run.count("lake.records");
    }
    assert_eq!(lines(folder.path()).len() as u64, records);
}

#[test]
fn a_lake_that_cannot_be_is_said_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let lake = file.join("lake");
    let refused = output(&format!("{SMALL} --lake {}", lake.display()));
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.contains(&lake.display().to_string()), "{text}");
    assert!(!text.contains("measuring"), "{text}");
    for (words, part) in [
        ("--via none --lake x", "--via none"),
        ("sweep --slo p99<1s --lake x", "single run"),
    ] {
        let refused = output(words);
        assert_eq!(refused.status.code(), Some(2), "{words}");
        let text = String::from_utf8(refused.stderr).unwrap();
        assert!(text.contains(part), "{words}: {text}");
    }
}
