//! A run in bad weather: refused, throttled and unanswered calls. Each gives one
//! message with the next step, nothing is left behind, and what was measured is kept.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::process::Stdio;

use hrload::aws::permissions;
use serde_json::Value;

use super::{World, ended};
use crate::support::await_line;
use crate::support::proxy::{Fate, Proxy};

const RUN: &str = "run -q -r 200/s --devices 100 -d 1s -w 0s --drain 10s";

impl World {
    /// A deletion that was accepted takes a moment.
    fn is_cleared(&self) {
        while !self.there().is_empty() {
            std::thread::yield_now();
        }
    }

    fn run_through(&self, proxy: &Proxy, code: i32) -> String {
        let words = format!("{RUN} --endpoint-url http://{}", proxy.address);
        ended(&self.command(&words).output().unwrap(), code)
    }
}

#[test]
fn whichever_call_of_a_run_is_denied_it_says_so_and_leaves_nothing() {
    let calls = permissions::RUN.iter().filter(|action| action.called);
    for action in calls.filter(|action| !action.name.contains(":Delete")) {
        let operation = action.operation();
        let world = World::new();
        let proxy = Proxy::denying(world.address, operation);
        let stderr = world.run_through(&proxy, 1);
        assert!(stderr.contains("denied") || stderr.contains("AccessDenied"));
        assert!(
            stderr.contains("permission"),
            "{operation} has no next step: {stderr}"
        );
        assert_eq!(stderr.matches("error:").count(), 1, "{operation}: {stderr}");
        world.is_cleared();
    }
}

#[test]
fn a_throttled_control_plane_is_asked_again() {
    let world = World::new();
    let proxy = Proxy::in_weather(world.address, |operation, before| {
        let measured = ["BatchWriteItem", "GetRecords", "GetShardIterator"];
        if before < 2 && !measured.contains(&operation) {
            Fate::Refuse("ThrottlingException", "Rate exceeded")
        } else {
            Fate::Pass
        }
    });
    world.run_through(&proxy, 0);
    world.is_cleared();
}

#[test]
fn a_creation_or_removal_whose_answer_is_lost_leaves_nothing() {
    let world = World::new();
    for (operation, lost, code) in [
        ("CreateStream", 1, 0),
        ("CreateTable", 1, 0),
        ("EnableKinesisStreamingDestination", 1, 0),
        ("DeleteTable", 1, 0),
        ("DeleteStream", 1, 0),
        // Not one answer comes through.
        ("CreateStream", u32::MAX, 1),
        ("CreateTable", u32::MAX, 1),
    ] {
        let proxy = Proxy::in_weather(world.address, move |called, before| {
            if called == operation && before < lost {
                Fate::LoseAnswer
            } else {
                Fate::Pass
            }
        });
        world.run_through(&proxy, code);
        world.is_cleared();
    }
}

#[test]
fn an_answer_without_what_was_asked_for_is_no_statement() {
    const CLEANUP: &str = "cleanup --expired";
    for (words, operation, body, lacks) in [
        (RUN, "DescribeTable", r#"{"Table":{}}"#, "TableStatus"),
        (RUN, "DescribeStreamSummary", "", "StreamStatus"),
        (
            RUN,
            "DescribeKinesisStreamingDestination",
            r#"{"TableName":"t"}"#,
            "KinesisDataStreamDestinations",
        ),
        (CLEANUP, "ListTables", "{}", "TableNames"),
        (CLEANUP, "ListStreams", "{}", "StreamNames"),
    ] {
        let world = World::new();
        let proxy = Proxy::in_weather(world.address, move |called, _| {
            if called == operation {
                Fate::Answer(200, "application/x-amz-json-1.0", body)
            } else {
                Fate::Pass
            }
        });
        let words = format!("{words} --endpoint-url http://{}", proxy.address);
        let stderr = ended(&world.command(&words).output().unwrap(), 1);
        let told = format!("the answer is no answer to {operation}: it has no {lacks}");
        assert!(stderr.contains(&told), "{operation}: {stderr}");
    }
}

#[test]
fn where_tags_cannot_be_read_nothing_is_said_to_have_expired() {
    let world = World::new();
    ended(&world.setup("--table old --expires 1us"), 0);
    for operation in ["ListTagsOfResource", "ListTagsForStream"] {
        let proxy = Proxy::in_weather(world.address, move |called, _| {
            if called == operation {
                Fate::Refuse("UnknownOperationException", "no such call")
            } else {
                Fate::Pass
            }
        });
        let words = format!(
            "cleanup --expired --yes --endpoint-url http://{}",
            proxy.address
        );
        let output = world.command(&words).output().unwrap();
        let stderr = ended(&output, 1);
        assert!(stderr.contains("cannot be told"), "{operation}: {stderr}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn what_cannot_be_removed_yet_is_removed_when_it_can() {
    let world = World::new();
    let proxy = Proxy::in_weather(world.address, |called, before| {
        if ["DeleteTable", "DeleteStream"].contains(&called) && before < 2 {
            Fate::Refuse("ResourceInUseException", "it is being updated")
        } else {
            Fate::Pass
        }
    });
    world.run_through(&proxy, 0);
    world.is_cleared();
}

#[test]
fn a_set_up_whose_creation_is_not_seen_at_once_is_rolled_back_all_the_same() {
    for (creation, look) in [
        ("CreateStream", "DescribeStreamSummary"),
        ("CreateTable", "DescribeTable"),
    ] {
        let world = World::new();
        // Made, but no answer says so, and the looks that follow do not show it.
        let proxy = Proxy::in_weather(world.address, move |called, before| match called {
            called if called == creation => Fate::LoseAnswer,
            called if called == look && (1..4).contains(&before) => {
                Fate::Refuse("ResourceNotFoundException", "not found")
            }
            _ => Fate::Pass,
        });
        let words = format!("setup --shards 1 --endpoint-url http://{}", proxy.address);
        let stderr = ended(&world.command(&words).output().unwrap(), 1);
        assert!(
            stderr.contains("was made all the same"),
            "{creation}: {stderr}"
        );
        world.is_cleared();
    }
}

#[test]
fn a_region_that_is_not_there_is_told_in_one_message_with_the_next_step() {
    let world = World::new();
    // No name ends so: RFC 6761.
    let nowhere = "https://dynamodb.nowhere-1.invalid";
    for command in [
        "run -q --via none -d 1s -r 10/s --region nowhere-1",
        "setup --region nowhere-1",
    ] {
        let words = format!("{command} --endpoint-url {nowhere}");
        let stderr = ended(&world.command(&words).output().unwrap(), 1);
        assert_eq!(stderr.matches("error:").count(), 1, "{stderr}");
        assert!(stderr.contains("look at the region's name"), "{stderr}");
    }
}

#[test]
fn a_refusal_that_somebody_can_mend_says_how() {
    let world = World::new();
    for (exception, message, step) in [
        (
            "ExpiredTokenException",
            "The security token included in the request is expired",
            "aws sso login",
        ),
        (
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            "AWS_ACCESS_KEY_ID",
        ),
        (
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided.",
            "AWS_SECRET_ACCESS_KEY",
        ),
        (
            "InvalidSignatureException",
            "Signature expired: 20260102T030405Z is now earlier than 20260102T030905Z",
            "clock",
        ),
        (
            "OptInRequired",
            "The account needs a subscription",
            "--region",
        ),
    ] {
        let proxy = Proxy::in_weather(world.address, move |_, _| Fate::Refuse(exception, message));
        let stderr = world.run_through(&proxy, 1);
        assert!(stderr.contains(exception), "{stderr}");
        assert!(stderr.contains(step), "{exception}: {stderr}");
    }
    assert!(world.there().is_empty());
}

#[test]
fn credentials_that_expire_under_a_run_fail_readings_and_keep_the_result() {
    let world = World::new();
    let proxy = Proxy::in_weather(world.address, |operation, before| {
        if operation == "BatchWriteItem" && before >= 5 {
            Fate::Refuse("ExpiredTokenException", "The security token has expired")
        } else {
            Fate::Pass
        }
    });
    let file = world.folder.path().join("result.json");
    let words = format!(
        "{RUN} --endpoint-url http://{} -o {}",
        proxy.address,
        file.display()
    );
    ended(&world.command(&words).output().unwrap(), 3);
    let result: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(result["ledger"]["closed"], true);
    assert!(result["ledger"]["acknowledged"].as_u64().unwrap() > 0);
    let failed = &result["failures"]["ExpiredTokenException"];
    assert!(failed.as_u64().unwrap() > 0);
    assert!(result["warnings"].to_string().contains("aws sso login"));
    world.is_cleared();
}

#[test]
fn what_a_killed_run_leaves_has_tags_by_which_it_is_found() {
    let world = World::new();
    // What is kept has no end.
    for (keep, expires) in [("", true), ("--keep", false)] {
        let words = format!(
            "run -r 200/s --devices 100 -d 60s -w 0s --table wear1 --stream feed1 {keep} \
             --endpoint-url http://{}",
            world.address
        );
        let mut command = world.command(&words);
        let mut run = command
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(run.stderr.take().unwrap());
        await_line(&mut told, "measuring");
        run.kill().unwrap();
        run.wait().unwrap();
        for tags in [world.table_tags("wear1"), world.stream_tags("feed1")] {
            assert!(tags["hrload:run"].starts_with("hrload-"), "{tags:?}");
            assert_eq!(tags.contains_key("hrload:expires"), expires, "{tags:?}");
        }
        world.delete_table("wear1");
        world.delete_stream("feed1");
        world.is_cleared();
    }
}

impl World {
    fn table_tags(&self, name: &str) -> BTreeMap<String, String> {
        self.with(async |connection| {
            let table = connection.dynamodb.describe_table().table_name(name);
            let table = table.send().await.unwrap().table.unwrap();
            let tags = connection.dynamodb.list_tags_of_resource();
            let tags = tags.resource_arn(table.table_arn.unwrap()).send().await;
            let tags = tags.unwrap().tags.unwrap_or_default();
            tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
        })
    }

    fn stream_tags(&self, name: &str) -> BTreeMap<String, String> {
        self.with(async |connection| {
            let tags = connection.kinesis.list_tags_for_stream().stream_name(name);
            let tags = tags.send().await.unwrap().tags.into_iter();
            tags.map(|tag| (tag.key, tag.value.unwrap_or_default()))
                .collect()
        })
    }
}

#[test]
fn a_sweep_whose_table_cannot_be_removed_says_so_and_keeps_what_it_found() {
    let world = World::new();
    let proxy = Proxy::denying(world.address, "DeleteTable");
    let file = world.folder.path().join("sweep.json");
    let words = format!(
        "sweep -q --devices 100 --from 200 --to 200 -d 1s -w 0s --slo lost<50% \
         --endpoint-url http://{} -o {}",
        proxy.address,
        file.display()
    );
    let stderr = ended(&world.command(&words).output().unwrap(), 1);
    assert!(stderr.contains("deleting table hrload-"), "{stderr}");
    assert!(stderr.contains("remove it by hand"), "{stderr}");
    let found: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert!(!found["steps"].as_array().unwrap().is_empty());
}
