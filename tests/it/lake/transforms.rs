//! Programs that are asked as a Lambda function would be.

use serde_json::Value;

use crate::lake::world::{World, record, text};

/// Answers as `each` says: a Python expression, or several, over the record `r` that
/// give a list of answers.
fn python(world: &World, each: &str) -> String {
    world.program(
        "transform.py",
        &format!(
            "#!/usr/bin/env python3\n\
             import base64, json, sys\n\
             event = json.load(sys.stdin)\n\
             answers = []\n\
             for at, r in enumerate(event['records']):\n    \
                 id, data = r['recordId'], r['data']\n    \
                 answers += {each}\n\
             json.dump({{'records': answers}}, sys.stdout)\n"
        ),
    )
}

/// The failed records' lines.
fn failed(world: &World) -> Vec<Value> {
    let objects = world.objects();
    let failed = objects
        .iter()
        .filter(|(key, _)| key.starts_with("processing-failed/"));
    failed
        .flat_map(|(_, body)| {
            String::from_utf8(body.clone())
                .unwrap()
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .map(|line| serde_json::from_str(&line).unwrap())
        .collect()
}

#[test]
fn a_record_without_a_usable_answer_fails_alone_and_is_not_asked_about_again() {
    for (answer, code) in [
        (
            "[{'recordId': id, 'result': 'Ok'}]",
            "Lambda.JsonProcessingException",
        ),
        (
            "[{'recordId': id, 'result': 'Ok', 'data': None}]",
            "Lambda.JsonProcessingException",
        ),
        (
            "[{'recordId': id, 'result': 'Ok', 'data': '?'}]",
            "Lambda.JsonProcessingException",
        ),
        (
            "[{'recordId': id, 'result': 'ok', 'data': data}]",
            "Lambda.JsonProcessingException",
        ),
        ("[]", "Lambda.MissingRecordId"),
        (
            "[{'recordId': 'other', 'result': 'Ok', 'data': data}]",
            "Lambda.MissingRecordId",
        ),
        (
            "[{'recordId': id, 'result': 'Ok', 'data': data}] * 2",
            "Lambda.DuplicatedRecordId",
        ),
    ] {
        let world = World::new(1);
        world.put((0..5).map(record));
        let good = "[{'recordId': id, 'result': 'Ok', 'data': data}]";
        let program = python(&world, &format!("{answer} if at == 2 else {good}"));
        let done = world.delivered(&format!("--transform {program}"));
        assert_eq!(done["records_delivered"], 4, "{answer}");
        assert_eq!(done["records_failed"], 1, "{answer}");
        let failed = failed(&world);
        assert_eq!(failed.len(), 1, "{answer}");
        assert_eq!(failed[0]["errorCode"], code, "{answer}: {}", failed[0]);
        assert_eq!(failed[0]["attemptsMade"], 1, "{answer}");
    }
}

#[test]
fn many_small_records_are_asked_about_within_what_lambda_takes() {
    let world = World::new(4);
    let small =
        |number: usize| format!("{{\"n\":{number:06},\"x\":\"{}\"}}", "x".repeat(30)).into_bytes();
    world.put((0..20_000).map(small));
    let log = world.folder.path().join("log");
    let program = world.program(
        "copy.py",
        &format!(
            "#!/usr/bin/env python3\n\
             import json, sys\n\
             asked = sys.stdin.read()\n\
             answers = [{{'recordId': r['recordId'], 'result': 'Ok', 'data': r['data']}}\n    \
                        for r in json.loads(asked)['records']]\n\
             answer = json.dumps({{'records': answers}})\n\
             open('{}', 'a').write('%d %d\\n' % (len(asked), len(answer)))\n\
             print(answer)\n",
            log.display()
        ),
    );
    let done = world.delivered(&format!("--transform {program}"));
    assert_eq!(done["records_delivered"], 20_000);
    assert_eq!(done["records_failed"], 0);
    let log = std::fs::read_to_string(log).unwrap();
    let sizes = log
        .split_whitespace()
        .map(|size| size.parse::<usize>().unwrap());
    assert!(sizes.max().unwrap() <= 6 << 20, "{log}");
}

#[test]
fn answers_that_are_longer_than_foreseen_are_asked_for_in_smaller_questions() {
    let world = World::new(1);
    let large = |number: usize| format!("{number:06}{}", "x".repeat(30_000)).into_bytes();
    world.put((0..30).map(large));
    let longer = "[{'recordId': id, 'result': 'Ok', \
                  'data': base64.b64encode(base64.b64decode(data) * 8).decode()}]";
    let program = python(&world, longer);
    let done = world.delivered(&format!("--transform {program}"));
    assert_eq!(done["records_delivered"], 30);
    assert_eq!(done["records_failed"], 0);
}

#[test]
fn a_program_that_may_not_be_run_is_refused_before_anything_is_read() {
    let world = World::new(1);
    world.put([record(1)]);
    let plain = world.folder.path().join("plain.py");
    std::fs::write(&plain, "#!/bin/sh\n").unwrap();
    let folder = world.folder.path().display().to_string();
    for (transform, part) in [
        (plain.display().to_string(), "chmod +x"),
        (folder, "no file"),
        ("nowhere.py".to_owned(), "no file"),
    ] {
        let words = format!("--transform {transform} --until-idle 500ms");
        let refused = world.deliver(&words).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
        assert!(text(&refused).contains(part), "{}", text(&refused));
        assert!(!world.lake().exists(), "{transform}");
    }
}

#[test]
fn a_program_that_cannot_be_started_fails_no_records() {
    let world = World::new(1);
    world.put((0..10).map(record));
    let program = world.program("t.py", "#!/nowhere/interpreter\n");
    let words = format!("--transform {program} --until-idle 500ms");
    let ended = world.deliver(&words).output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", text(&ended));
    assert!(
        text(&ended).contains("cannot be started"),
        "{}",
        text(&ended)
    );
    assert!(world.objects().is_empty());
    assert_eq!(world.delivered("")["records_delivered"], 10);
}

#[test]
fn a_bare_name_is_a_program_of_this_folder() {
    let world = World::new(1);
    world.put([record(1)]);
    let program = world.program(
        "copy.sh",
        "#!/bin/sh\ncat >/dev/null\necho '{\"records\":[]}'\n",
    );
    assert!(program.ends_with("copy.sh"));
    let done = world
        .deliver("--transform copy.sh --until-idle 500ms")
        .current_dir(world.folder.path())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", text(&done));
    assert_eq!(failed(&world)[0]["errorCode"], "Lambda.MissingRecordId");
}

#[test]
fn a_prefix_that_no_object_can_have_is_refused_at_once_and_promises_nothing() {
    let world = World::new(1);
    world.put([record(1)]);
    for prefix in ["../up/", "a//b/", "./", "_hrload/"] {
        let words = format!("--prefix {prefix} --until-idle 500ms");
        let refused = world.deliver(&words).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
        assert!(!world.lake().exists(), "{prefix}");
    }
    // A promise of such a name, which an earlier version wrote down, was never kept.
    world.delivered("--from trim-horizon");
    let checkpoint = world.lake().join("_hrload/hrload.checkpoint.json");
    let mut noted: Value = serde_json::from_slice(&std::fs::read(&checkpoint).unwrap()).unwrap();
    let shards = noted["shards"].take();
    noted["shards"] = serde_json::json!({"*": "trim_horizon"});
    noted["promise"] = serde_json::json!({"objects": ["../up/x"], "shards": shards});
    std::fs::write(&checkpoint, noted.to_string()).unwrap();
    assert_eq!(world.delivered("")["records_delivered"], 1);
}

#[test]
fn a_program_is_told_the_streams_own_region_and_name() {
    let world = World::new(1);
    world.put([record(1)]);
    let event = world.folder.path().join("event.json");
    let program = world.program(
        "note.sh",
        &format!(
            "#!/bin/sh\ncat >{}\necho '{{\"records\":[]}}'\n",
            event.display()
        ),
    );
    world.delivered(&format!("--transform {program}"));
    let event: Value = serde_json::from_slice(&std::fs::read(&event).unwrap()).unwrap();
    assert_eq!(event["region"], "us-east-1");
    let stream = "arn:aws:kinesis:us-east-1:000000000000:stream/hrload";
    assert_eq!(event["sourceKinesisStreamArn"], stream);
    let delivery = "arn:aws:firehose:us-east-1:000000000000:deliverystream/hrload";
    assert_eq!(event["deliveryStreamArn"], delivery);
}
