//! `hrload setup`, `teardown` and `cleanup`, as a person uses them: what is made
//! is exactly what is removed, whatever fails on the way.

#![allow(clippy::unwrap_used)]

mod cloudwatch;
mod credentials;
mod preflight;
mod weather;

use std::io::{BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::support::local::Local;
use crate::support::proxy::Proxy;
use crate::support::{await_line, hrload_with_credentials};
use aws_sdk_dynamodb::types::BillingMode;
use hrload::aws::{self, Connection, Options, State, StateFile, Target, permissions};
use tempfile::TempDir;

/// The embedded services, and a folder for state files.
struct World {
    local: Local,
    folder: TempDir,
    address: SocketAddr,
}

impl World {
    fn new() -> Self {
        let local = Local::start("");
        Self {
            address: local.address(),
            local,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state.json")
    }

    fn kept(&self) -> Option<State> {
        StateFile::at(self.state()).find().unwrap()
    }

    /// In the folder, where the state file is that is not named.
    fn command(&self, words: &str) -> Command {
        let mut command = hrload_with_credentials(words);
        command.current_dir(self.folder.path());
        command
    }

    /// With the state file named.
    fn hrload(&self, words: &str) -> Output {
        let mut command = self.command(words);
        command.arg("--state").arg(self.state()).output().unwrap()
    }

    fn setup_at(&self, address: SocketAddr, words: &str) -> Output {
        self.hrload(&format!("setup --endpoint-url http://{address} {words}"))
    }

    fn setup(&self, words: &str) -> Output {
        self.setup_at(self.address, words)
    }

    /// Names of all tables and streams.
    fn there(&self) -> Vec<String> {
        self.with(async |connection| {
            let tables = connection.dynamodb.list_tables().send().await.unwrap();
            let streams = connection.kinesis.list_streams().send().await.unwrap();
            let tables = tables.table_names().iter().map(|t| format!("table {t}"));
            let streams = streams.stream_names().iter().map(|s| format!("stream {s}"));
            tables.chain(streams).collect()
        })
    }

    fn with<T>(&self, job: impl AsyncFnOnce(&Connection) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let target = Target::Local(self.address);
            let connection = aws::connect(&target, &Options::default()).await.unwrap();
            job(&connection).await
        })
    }

    /// Makes a table by hand.
    fn table(&self, name: &str) {
        self.with(async |connection| {
            use aws_sdk_dynamodb::types::{
                AttributeDefinition, KeySchemaElement, KeyType, ScalarAttributeType,
            };
            let key = KeySchemaElement::builder().attribute_name("id");
            let attribute = AttributeDefinition::builder().attribute_name("id");
            let call = connection.dynamodb.create_table().table_name(name);
            call.billing_mode(BillingMode::PayPerRequest)
                .key_schema(key.key_type(KeyType::Hash).build().unwrap())
                .attribute_definitions(
                    attribute
                        .attribute_type(ScalarAttributeType::S)
                        .build()
                        .unwrap(),
                )
                .send()
                .await
                .unwrap();
        });
    }

    fn delete_stream(&self, name: &str) {
        self.with(async |connection| {
            let delete = connection.kinesis.delete_stream().stream_name(name);
            delete.send().await.unwrap();
        });
    }

    fn delete_table(&self, name: &str) {
        self.with(async |connection| {
            let call = connection.dynamodb.delete_table().table_name(name);
            call.send().await.unwrap();
            let describe = || connection.dynamodb.describe_table().table_name(name);
            while describe().send().await.is_ok() {
                tokio::task::yield_now().await;
            }
        });
    }
}

#[track_caller]
fn ended(output: &Output, code: i32) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    stderr
}

#[test]
fn what_is_set_up_is_run_on_and_taken_down_and_nothing_else() {
    let world = World::new();
    world.table("other");
    ended(&world.setup("--table wear1 --stream feed1 --shards 2"), 0);
    let state = world.kept().unwrap();
    assert!(state.complete() && state.table.tagged && state.stream.tagged);
    assert_eq!(
        world.there(),
        ["table other", "table wear1", "stream feed1"]
    );

    let run = world.hrload("run -q -r 200/s --devices 100 -d 1s -w 0s --drain 10s -o -");
    ended(&run, 0);
    let result: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(result["ledger"]["missing"], 0);
    assert!(result["ledger"]["seen"].as_u64().unwrap() > 100);
    assert_eq!(
        world.there(),
        ["table other", "table wear1", "stream feed1"]
    );

    ended(&world.hrload("teardown --yes"), 0);
    assert_eq!(world.there(), ["table other"]);
    assert!(world.kept().is_none());
}

#[test]
fn a_second_set_up_changes_nothing_and_names_what_differs() {
    let world = World::new();
    ended(&world.setup("--table wear1"), 0);
    let before = world.kept();
    ended(&world.setup(""), 0);
    assert_eq!(world.kept(), before);
    let stderr = ended(&world.setup("--shards 3 --layout timeseries"), 1);
    for wanted in ["is 1 shards, asked for 3 shards", "asked for timeseries"] {
        assert!(stderr.contains(wanted), "{stderr}");
    }
    assert_eq!(world.kept(), before);
}

#[test]
fn a_table_that_was_there_before_is_left_and_the_stream_goes_again() {
    let world = World::new();
    world.table("mine");
    let stderr = ended(&world.setup("--table mine --stream feed1"), 1);
    assert!(stderr.contains("table mine exists already"), "{stderr}");
    assert_eq!(world.there(), ["table mine"]);
    assert!(world.kept().is_none());
}

#[test]
fn another_table_of_the_same_name_is_never_removed() {
    let world = World::new();
    ended(&world.setup("--table wear1 --stream feed1"), 0);
    world.delete_table("wear1");
    world.table("wear1");
    let stderr = ended(&world.hrload("teardown --yes"), 1);
    assert!(stderr.contains("another of the same name"), "{stderr}");
    assert_eq!(world.there(), ["table wear1"]);
    assert!(world.kept().is_some());
}

#[test]
fn a_run_writes_into_no_other_table_or_stream_of_the_same_name_and_makes_none() {
    const RUN: &str = "run -q -r 200/s --devices 100 -d 1s -w 0s --drain 10s";
    let set_up = |world: &World| ended(&world.setup("--table wear1 --stream feed1"), 0);
    // Somebody else's table, as fit for the load as the one that was set up.
    let other = |world: &World| {
        let state = world.folder.path().join("other.json");
        let words = format!(
            "setup --endpoint-url http://{} --table wear1 --stream feed2 --state {}",
            world.address,
            state.display()
        );
        ended(&world.command(&words).output().unwrap(), 0);
    };
    let items = |world: &World| {
        world.with(async |connection| {
            let scan = connection.dynamodb.scan().table_name("wear1");
            scan.send().await.unwrap().count()
        })
    };

    let world = World::new();
    set_up(&world);
    world.delete_table("wear1");
    let gone = ended(&world.hrload(RUN), 1);
    assert!(gone.contains("table wear1 was made by this"), "{gone}");
    assert_eq!(world.there(), ["stream feed1"]);
    other(&world);
    let another = ended(&world.hrload(RUN), 1);
    assert!(another.contains("another of the same name"), "{another}");
    // Whether its changes are followed or not.
    ended(&world.hrload(&format!("{RUN} --via none")), 1);
    ended(&world.hrload("sweep -q -d 1s -w 0s --from 100 --to 200"), 1);
    assert_eq!(items(&world), 0);

    let world = World::new();
    set_up(&world);
    world.delete_stream("feed1");
    world.with(async |connection| {
        let describe = || {
            connection
                .kinesis
                .describe_stream_summary()
                .stream_name("feed1")
        };
        while describe().send().await.is_ok() {
            tokio::task::yield_now().await;
        }
        let create = connection.kinesis.create_stream().stream_name("feed1");
        create.shard_count(1).send().await.unwrap();
    });
    let another = ended(&world.hrload(RUN), 1);
    assert!(
        another.contains("stream feed1") && another.contains("another of the same name"),
        "{another}"
    );
    assert_eq!(items(&world), 0);
    // Where the stream is not followed, whose it is does not matter.
    ended(&world.hrload(&format!("{RUN} --via none")), 0);
    assert!(items(&world) > 100);
}

#[test]
fn tearing_down_goes_on_where_it_was_cut_off() {
    let world = World::new();
    ended(&world.setup("--table wear1 --stream feed1"), 0);
    world.delete_table("wear1");
    ended(&world.hrload("teardown --yes"), 0);
    assert!(world.there().is_empty() && world.kept().is_none());
}

#[test]
fn without_a_terminal_nothing_is_removed_unless_yes_is_said() {
    let world = World::new();
    ended(&world.setup("--table wear1"), 0);
    let stderr = ended(&world.hrload("teardown"), 2);
    assert!(stderr.contains("--yes"), "{stderr}");
    assert_eq!(world.there(), ["table wear1", "stream wear1"]);
}

#[test]
fn whichever_call_is_denied_nothing_is_left_that_the_state_file_does_not_name() {
    for action in permissions::SETUP {
        let operation = action.operation();
        let world = World::new();
        let proxy = Proxy::denying(world.address, operation);
        let output = world.setup_at(proxy.address, "--table wear1 --stream feed1");
        if output.status.success() {
            let name = action.name.to_owned();
            assert!(!proxy.seen().contains(&name), "{name}");
            continue;
        }
        let stderr = ended(&output, 1);
        assert!(stderr.contains("AccessDenied"), "{operation}: {stderr}");
        let left = world.there();
        match world.kept() {
            None => assert!(left.is_empty(), "{operation}: {left:?}"),
            // It may be that what was made cannot be looked at, or not be removed:
            // then the state file says so, and a teardown that is allowed to, can.
            Some(mut state) => {
                state.dynamodb = Some(format!("http://{}", world.address));
                StateFile::at(world.state()).write(&state).unwrap();
                ended(&world.hrload("teardown --yes"), 0);
                assert!(world.there().is_empty(), "{operation}");
            }
        }
    }
}

#[test]
fn each_command_makes_the_calls_that_its_policy_allows_and_no_others() {
    let world = World::new();
    let proxied = |words: &str| {
        let proxy = Proxy::before(world.address);
        if let Some(mut state) = world.kept() {
            state.dynamodb = Some(format!("http://{}", proxy.address));
            StateFile::at(world.state()).write(&state).unwrap();
        }
        ended(
            &world.hrload(&words.replace("PROXY", &proxy.address.to_string())),
            0,
        );
        proxy.seen()
    };
    let sorted = |mut names: Vec<String>| {
        names.sort_unstable();
        names
    };
    let allowed = |of: &[permissions::Action]| -> Vec<String> {
        let called = of.iter().filter(|action| action.called);
        called.map(|action| action.name.to_owned()).collect()
    };
    // A dry run names the same calls in the same order.
    let told = |output: &Output| -> Vec<String> {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let names = text.lines().filter_map(|line| line.strip_prefix("  "));
        names.map(str::to_owned).collect()
    };
    let dry = world.setup("--table wear1 --dry-run");
    ended(&dry, 0);
    assert!(world.there().is_empty() && world.kept().is_none());
    let made = proxied("setup --endpoint-url http://PROXY --table wear1");
    assert_eq!(told(&dry), made);
    assert_eq!(sorted(made), allowed(permissions::SETUP));
    let run = proxied("run -q -r 200/s --devices 100 -d 1s -w 0s --drain 10s");
    assert_eq!(sorted(run), allowed(permissions::RUN_ON_STATE));
    let dry = world.hrload("teardown --dry-run");
    ended(&dry, 0);
    let removed = proxied("teardown --yes");
    assert_eq!(told(&dry), removed);
    assert_eq!(sorted(removed), allowed(permissions::TEARDOWN));
}

#[test]
fn a_run_of_its_own_makes_the_calls_that_its_policy_allows_and_no_others() {
    let world = World::new();
    let proxy = Proxy::before(world.address);
    let words = format!(
        "run -q -r 200/s --devices 100 -d 1s -w 0s --drain 10s --endpoint-url http://{}",
        proxy.address
    );
    let dry = world
        .command(&format!("{words} --dry-run"))
        .output()
        .unwrap();
    ended(&dry, 0);
    assert!(proxy.seen().is_empty());
    ended(&world.command(&words).output().unwrap(), 0);
    // A deletion that was accepted takes a moment.
    while !world.there().is_empty() {
        std::thread::yield_now();
    }
    let mut seen = proxy.seen();
    seen.sort_unstable();
    let called = permissions::RUN.iter().filter(|action| action.called);
    let called: Vec<_> = called.map(|action| action.name).collect();
    assert_eq!(seen, called);
    let text = String::from_utf8(dry.stdout).unwrap();
    let mut told: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .collect();
    told.sort_unstable();
    assert_eq!(told, called);
    let on_aws = "run --dry-run --target aws --consumer enhanced-fan-out --table wear1";
    let on_aws = world.command(on_aws).output().unwrap();
    let text = String::from_utf8(on_aws.stdout).unwrap();
    let first = "on *\n  sts:GetCallerIdentity\n  dynamodb:DescribeLimits\n";
    assert!(text.starts_with(first), "{text}");
    for call in ["RegisterStreamConsumer", "SubscribeToShard"] {
        assert!(text.contains(&format!("kinesis:{call}")), "{text}");
    }
    assert!(!text.contains("  kinesis:GetRecords\n"), "{text}");
    assert!(text.contains("table/wear1"), "{text}");
    assert!(
        text.contains("where table wear1 is there already"),
        "{text}"
    );
    let words = format!("{words} --dry-run --via none --keep");
    let none = world.command(&words).output().unwrap();
    let text = String::from_utf8(none.stdout).unwrap();
    assert_eq!(
        text.matches("kinesis").count() + text.matches("Delete").count(),
        0,
        "{text}"
    );
}

#[test]
fn a_stream_that_is_deleted_under_a_run_loses_readings_and_not_the_result() {
    let world = World::new();
    let file = world.folder.path().join("result.json");
    let words = format!(
        "run -r 200/s --devices 100 -d 6s -w 0s --drain 1s --stream feed1 \
         --endpoint-url http://{} -o {}",
        world.address,
        file.display()
    );
    let mut run = world
        .command(&words)
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(run.stderr.take().unwrap());
    await_line(&mut told, "measuring");
    world.delete_stream("feed1");
    let mut rest = String::new();
    told.read_to_string(&mut rest).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(3), "{rest}");
    let result: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(result["ledger"]["closed"], true);
    assert!(result["ledger"]["missing"].as_u64().unwrap() > 0);
    let warnings = result["warnings"].to_string();
    assert!(warnings.contains("feed1"), "{warnings}");
    while !world.there().is_empty() {
        std::thread::yield_now();
    }
}

#[test]
fn what_cannot_be_removed_after_a_run_is_named_and_the_result_is_kept() {
    let world = World::new();
    for operation in ["DeleteTable", "DeleteStream"] {
        let proxy = Proxy::denying(world.address, operation);
        let file = world.folder.path().join(operation);
        let words = format!(
            "run -r 200/s --devices 100 -d 1s -w 0s --drain 10s --endpoint-url http://{} -o {}",
            proxy.address,
            file.display()
        );
        let stderr = ended(&world.command(&words).output().unwrap(), 1);
        assert!(stderr.contains("AccessDenied"), "{stderr}");
        assert!(stderr.contains("what was measured is kept"), "{stderr}");
        let result: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(result["ledger"]["missing"], 0);
    }
}

#[test]
fn cleaning_up_removes_what_has_expired_and_was_tagged_and_nothing_else() {
    let world = World::new();
    world.table("other");
    ended(&world.setup("--table old --expires 1us"), 0);
    std::fs::remove_file(world.state()).unwrap();
    ended(&world.setup("--table new"), 0);
    let words = format!("cleanup --expired --endpoint-url http://{}", world.address);
    let asked = world.command(&words).output().unwrap();
    ended(&asked, 2);
    let listed = String::from_utf8_lossy(&asked.stdout).into_owned();
    assert!(listed.contains("table old") && listed.contains("stream old"));
    assert!(!listed.contains("new") && !listed.contains("other"));
    ended(
        &world.command(&format!("{words} --yes")).output().unwrap(),
        0,
    );
    let gone = |name: &str| !world.there().contains(&name.to_owned());
    while !gone("table old") || !gone("stream old") {
        std::thread::yield_now();
    }
    assert_eq!(world.there(), ["table new", "table other", "stream new"]);
    drop(world.local);
}

#[test]
fn the_policies_in_the_documentation_are_those_of_the_commands() {
    let page = include_str!("../../../docs/aws.md");
    for (heading, actions) in [
        ("### hrload setup\n", permissions::SETUP),
        ("### hrload run\n", permissions::RUN),
        ("### hrload run --state\n", permissions::RUN_ON_STATE),
        ("### hrload teardown\n", permissions::TEARDOWN),
        ("### hrload cleanup\n", permissions::CLEANUP),
    ] {
        let section = page.split_once(heading).unwrap().1;
        let policy = section.split_once("```json\n").unwrap().1;
        let policy = policy.split_once("```").unwrap().0;
        let policy: serde_json::Value = serde_json::from_str(policy).unwrap();
        let statements = policy["Statement"].as_array().unwrap();
        let listed = statements
            .iter()
            .flat_map(|statement| statement["Action"].as_array().unwrap());
        let mut listed: Vec<&str> = listed.map(|action| action.as_str().unwrap()).collect();
        listed.sort_unstable();
        let wanted: Vec<&str> = actions.iter().map(|action| action.name).collect();
        assert_eq!(listed, wanted, "{heading}");
    }
}

#[test]
fn one_process_at_a_time_works_on_a_state_file() {
    let world = World::new();
    let file = StateFile::at(world.state());
    let held = file.hold().unwrap();
    let refused = ended(&world.setup("--table wear1"), 1);
    assert!(refused.contains("another hrload is at work"), "{refused}");
    assert!(world.there().is_empty() && world.kept().is_none());
    drop(held);
    ended(&world.setup("--table wear1"), 0);
    let held = file.hold().unwrap();
    let refused = ended(&world.hrload("teardown --yes"), 1);
    assert!(refused.contains("another hrload is at work"), "{refused}");
    assert!(!world.there().is_empty());
    drop(held);
    ended(&world.hrload("teardown --yes"), 0);
    // Nothing stays in the folder.
    let left = std::fs::read_dir(world.folder.path()).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn said_again_with_another_time_it_expires_then() {
    let world = World::new();
    let done = world.setup("--table tab --stream s --shards 1 --expires 1h");
    ended(&done, 0);
    let before = world.kept().unwrap();
    // Without a word of it, nothing changes.
    ended(&world.setup("--table tab --stream s --shards 1"), 0);
    assert_eq!(world.kept().unwrap().expires, before.expires);
    ended(
        &world.setup("--table tab --stream s --shards 1 --expires 48h"),
        0,
    );
    let expires = world.kept().unwrap().expires;
    let moment = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    assert!(moment(&expires) > moment(&before.expires) + jiff::SignedDuration::from_hours(46));
    let tags = world.with(async |connection| {
        let described = connection.dynamodb.describe_table().table_name("tab");
        let described = described.send().await.unwrap();
        let arn = described.table().unwrap().table_arn().unwrap().to_owned();
        let of_table = connection
            .dynamodb
            .list_tags_of_resource()
            .resource_arn(arn);
        let of_table = of_table.send().await.unwrap();
        let of_table = of_table
            .tags()
            .iter()
            .find(|tag| tag.key() == "hrload:expires");
        let of_stream = connection.kinesis.list_tags_for_stream().stream_name("s");
        let of_stream = of_stream.send().await.unwrap();
        let of_stream = of_stream
            .tags()
            .iter()
            .find(|tag| tag.key() == "hrload:expires");
        let of_stream = of_stream.and_then(|tag| tag.value()).map(str::to_owned);
        [Some(of_table.unwrap().value().to_owned()), of_stream]
    });
    assert_eq!(tags, [Some(expires.clone()), Some(expires)]);
}
