//! What a run on AWS says before it makes anything. AWS is played by the embedded
//! services, which the environment names as AWS's endpoint.

use serde_json::Value;

use super::World;
use crate::support::proxy::{DENIED, Fate, Proxy};

/// What was told, and the result's warnings.
fn run(world: &World, proxy: &Proxy, words: &str) -> (String, String) {
    let file = world.folder.path().join("result.json");
    let words = format!(
        "run --target aws --devices 2000 -d 500ms -w 0s --drain 10s {words} -o {}",
        file.display()
    );
    let mut command = world.command(&words);
    command.env("AWS_ENDPOINT_URL", format!("http://{}", proxy.address));
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(matches!(output.status.code(), Some(0 | 3)), "{told}");
    let result: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    (told, result["warnings"].to_string())
}

#[test]
fn a_run_says_whose_it_is_and_what_is_too_small_for_it() {
    let world = World::new();
    let proxy = Proxy::before(world.address);
    let (told, warnings) = run(&world, &proxy, "-r 500/s");
    let whose = "arn:aws:sts::000000000000:assumed-role/planner/ana, in us-east-1";
    assert!(told.contains(whose), "{told}");
    assert!(!told.contains("warning"), "{told}");
    assert!(!warnings.contains("run needs"), "{warnings}");

    // A new table takes 4,000 write units/s at once.
    world.table("wear1");
    let (told, warnings) = run(&world, &proxy, "-r 5000/s --table wear1 --via none");
    let throttles = "table wear1 takes 4,000 write units/s at once and the run needs 5,000";
    assert!(told.contains(throttles), "{told}");
    assert!(warnings.contains(throttles), "{warnings}");

    super::ended(&world.setup("--table wear2 --stream feed2"), 0);
    let (told, _) = run(&world, &proxy, "-r 1500/s --table wear2 --stream feed2");
    let late = "stream feed2 has 1 shard and the run needs 2";
    assert!(told.contains(late), "{told}");
}

#[test]
fn a_clock_that_is_off_is_told_before_aws_refuses_it() {
    let world = World::new();
    let proxy = Proxy::in_weather(world.address, |operation, _| match operation {
        "DescribeLimits" => Fate::At("Tue, 01 Jan 2030 00:00:00 GMT"),
        _ => Fate::Pass,
    });
    let (told, warnings) = run(&world, &proxy, "-r 100/s --via none");
    for text in [told, warnings] {
        assert!(text.contains("behind AWS's"), "{text}");
        assert!(text.contains("NTP"), "{text}");
    }
}

#[test]
fn limits_that_may_not_be_read_are_named_and_done_without() {
    let world = World::new();
    let proxy = Proxy::in_weather(world.address, |operation, _| match operation {
        "DescribeLimits" => DENIED,
        _ => Fate::Pass,
    });
    let (told, _) = run(&world, &proxy, "-r 100/s");
    let missed = "not looked at: dynamodb:DescribeLimits (AccessDeniedException), \
                  kinesis:DescribeLimits (AccessDeniedException)";
    assert!(told.contains(missed), "{told}");
    assert!(!told.contains("warning"), "{told}");
}
