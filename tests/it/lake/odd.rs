//! Services and machines that are not as one would have them.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::lake::kinesis::Kinesis;
use crate::lake::world::{World, collect, record, text};
use crate::support::hrload_with_credentials;
use crate::support::shim::{before, shim};

/// `hrload deliver` from a Kinesis that does as it is told, until it has no more.
fn deliver(kinesis: &Kinesis, lake: &Path, words: &str) -> Output {
    hrload_with_credentials(&format!("deliver --stream readings {words}"))
        .args(["--until-idle", "500ms", "-o", "-"])
        .args(["--endpoint-url", &format!("http://{}", kinesis.address)])
        .arg("--lake")
        .arg(lake)
        .output()
        .unwrap()
}

#[track_caller]
fn delivered(kinesis: &Kinesis, lake: &Path, words: &str) -> u64 {
    let output = deliver(kinesis, lake, words);
    assert!(output.status.success(), "{}", text(&output));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    told["records_delivered"].as_u64().unwrap()
}

fn now_ms() -> u64 {
    jiff::Timestamp::now().as_millisecond() as u64
}

#[test]
fn an_answer_that_says_nothing_is_asked_for_again_and_ends_no_shard() {
    let folder = tempfile::tempdir().unwrap();
    let kinesis = Kinesis::start();
    kinesis.add_shard("shardId-0", &[]);
    for number in 0..10 {
        kinesis.put("shardId-0", now_ms(), record(number));
    }
    let nothing = [
        "",
        "{}",
        r#"{"Records":null}"#,
        r#"{"MillisBehindLatest":0}"#,
        r#"{"Records":[]}"#,
        r#"{"Records":[],"MillisBehindLatest":0}"#,
    ];
    kinesis.answer("GetRecords", &nothing);
    kinesis.answer("ListShards", &["{}", r#"{"Shards":[]}"#]);
    kinesis.answer("DescribeStreamSummary", &["{}"]);
    assert_eq!(delivered(&kinesis, folder.path(), ""), 10);
    // Nor one that is closed and has records yet.
    for number in 10..15 {
        kinesis.put("shardId-0", now_ms(), record(number));
    }
    kinesis.add_shard("shardId-1", &["shardId-0"]);
    kinesis.put("shardId-1", now_ms(), record(15));
    kinesis.answer("GetRecords", &nothing[..4]);
    assert_eq!(delivered(&kinesis, folder.path(), ""), 6);
    let mut objects = Default::default();
    collect(folder.path(), folder.path(), &mut objects);
    let bytes: usize = objects.values().map(Vec::len).sum();
    assert_eq!(bytes, 16 * (record(0).len() + 1));
}

#[test]
fn a_page_that_does_not_say_how_far_its_tip_is_does_not_pass_for_quiet() {
    let folder = tempfile::tempdir().unwrap();
    let kinesis = Kinesis::start();
    kinesis.add_shard("shardId-0", &[]);
    for number in 0..4 {
        kinesis.put("shardId-0", now_ms(), record(number));
    }
    // Kinesis may give empty pages on the way to records.
    let empty = r#"{"Records":[],"NextShardIterator":"shardId-0/0"}"#;
    kinesis.answer("GetRecords", &[empty; 2]);
    assert_eq!(delivered(&kinesis, folder.path(), ""), 4);
}

#[test]
fn delivery_waits_for_others_that_use_up_what_a_shard_allows() {
    let folder = tempfile::tempdir().unwrap();
    let kinesis = Kinesis::start();
    kinesis.add_shard("shardId-0", &[]);
    for number in 0..4 {
        kinesis.put("shardId-0", now_ms(), record(number));
    }
    kinesis.refuse(
        "GetRecords",
        &["ProvisionedThroughputExceededException"; 12],
    );
    assert_eq!(delivered(&kinesis, folder.path(), ""), 4);
}

#[test]
fn latest_is_by_the_services_clock_and_a_second_try_goes_on_there() {
    for ahead_ms in [-60_000, 60_000] {
        let folder = tempfile::tempdir().unwrap();
        let kinesis = Kinesis::start();
        kinesis.state().ahead_ms = ahead_ms;
        kinesis.add_shard("shardId-0", &[]);
        kinesis.put("shardId-0", now_ms() - 30_000, record(0));
        kinesis.put("shardId-0", now_ms(), record(1));
        let lake = folder.path();
        assert_eq!(delivered(&kinesis, lake, "--from latest"), 1, "{ahead_ms}");
        kinesis.add_shard("shardId-1", &[]);
        kinesis.put("shardId-1", now_ms(), record(2));
        assert_eq!(delivered(&kinesis, lake, ""), 1, "{ahead_ms}");
    }
}

#[test]
fn a_beginning_that_the_services_clock_has_not_reached_blocks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let kinesis = Kinesis::start();
    kinesis.add_shard("shardId-0", &[]);
    assert_eq!(delivered(&kinesis, folder.path(), "--from latest"), 0);
    // The service's clock is set back by an hour.
    kinesis.state().ahead_ms = -3_600_000;
    kinesis.put("shardId-0", now_ms(), record(0));
    assert_eq!(delivered(&kinesis, folder.path(), ""), 1);
}

#[test]
fn a_stream_made_anew_under_its_name_is_noticed_and_its_checkpoint_left_alone() {
    let world = World::with(1, "--time-scale 60");
    world.make_stream("re");
    world.put_to("re", (0..3).map(record));
    let done = world
        .deliver_stream("re", "--until-idle 500ms")
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", text(&done));
    world.remove_stream("re");
    world.make_stream("re");
    world.put_to("re", (3..6).map(record));
    let checkpoint = world.lake().join("_hrload/re.checkpoint.json");
    let before = std::fs::read_to_string(&checkpoint).unwrap();
    let refused = world
        .deliver_stream("re", "--until-idle 500ms")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    let said = text(&refused);
    assert!(
        said.contains("another stream of that name") && said.contains("re.checkpoint.json"),
        "{said}"
    );
    assert_eq!(std::fs::read_to_string(&checkpoint).unwrap(), before);
    // A checkpoint of an earlier version does not say when its stream was made.
    let mut older: Value = serde_json::from_str(&before).unwrap();
    older
        .as_object_mut()
        .unwrap()
        .remove("stream_created_ms")
        .unwrap();
    std::fs::write(&checkpoint, older.to_string()).unwrap();
    let refused = world
        .deliver_stream("re", "--until-idle 500ms")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    std::fs::remove_file(&checkpoint).unwrap();
    let done = world
        .deliver_stream("re", "--until-idle 500ms")
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", text(&done));
    assert_eq!(world.lines().len(), 6);
}

#[test]
fn a_folder_that_syncs_and_locks_nothing_is_delivered_into_and_that_is_told_once() {
    let world = World::new(1);
    world.put((0..50).map(record));
    let library = shim(world.folder.path());
    let mut command = world.deliver("--until-idle 500ms --buffer-size 100");
    before(&mut command, &library, ("SHIM_FOLDER", "1"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let said = text(&output);
    for warning in ["cannot be synced", "takes no locks"] {
        assert_eq!(said.matches(warning).count(), 1, "{warning}: {said}");
    }
    assert_eq!(world.lines().len(), 50);
}

#[test]
fn a_lake_that_is_removed_while_it_is_delivered_into_is_not_told_as_complete() {
    let world = World::new(1);
    world.put((0..10).map(record));
    let process = world
        .deliver("--buffer-interval 0")
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while world.objects().is_empty() {
        std::thread::yield_now();
    }
    std::fs::rename(world.lake(), world.folder.path().join("gone")).unwrap();
    world.put((10..20).map(record));
    let output = process.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("was removed"), "{}", text(&output));
    // All of it is in the stream yet.
    assert_eq!(world.delivered("")["records_delivered"], 20);
}
