//! Following a stream: nothing missed and nothing read twice, whatever the
//! shards and the service do.
#![allow(clippy::unwrap_used)]

mod kinesis;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use aws_sdk_kinesis::config::{BehaviorVersion, Region};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_runtime_api::client::http::{SharedHttpConnector, http_client_fn};
use hrload_base::clock::Clock;
use hrload_codec::change::{self, ChangeImage, ChangeKind, Precision};
use hrload_codec::{Layout, item};
use hrload_measure::{
    ArrivalRecord, ArrivalRecorder, IntervalSink, Reach, Readings, Rendezvous, Stage,
};
use hrload_shards::{
    Config, Consumer, Feed, FollowError, From, Handle, KinesisStream, Outcome, Progress,
    TableStream, control, follow,
};
use hrload_workload::{DeviceClass, Motion, Reading, ReadingId};
use kinesis::Kinesis;

const TABLE: &str = "heartrate";
/// An hour before the tests: long before any clock margin.
const HOUR_US: u64 = 3_600_000_000;

fn client(kinesis: &Kinesis) -> aws_sdk_kinesis::Client {
    // Straight to the server, past any proxy of the environment.
    let http = http_client_fn(|settings, components| {
        let mut connector = Connector::builder()
            .connector_settings(settings.clone())
            .proxy_config(ProxyConfig::disabled());
        connector.set_sleep_impl(components.sleep_impl());
        SharedHttpConnector::new(connector.build_http())
    });
    let config = aws_sdk_kinesis::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .endpoint_url(format!("http://{}", kinesis.address))
        .http_client(http);
    aws_sdk_kinesis::Client::from_conf(config.build())
}

fn config(kinesis: &Kinesis, consumer: Consumer, from: From) -> Config {
    let stream = KinesisStream {
        client: client(kinesis),
        name: "readings".to_owned(),
    };
    Config {
        feed: Feed::Kinesis(stream, consumer),
        table: TABLE.to_owned(),
        from,
    }
}

fn fan_out() -> Consumer {
    Consumer::EnhancedFanOut {
        name: "c".to_owned(),
    }
}

/// A follower on its own thread.
struct Follower {
    handle: Handle,
    thread: JoinHandle<(ArrivalRecord, Outcome)>,
}

impl Follower {
    fn start(config: Config) -> Self {
        let (handle, control) = control();
        let clock = Clock::start();
        let reach = Reach {
            run_start_us: clock.now_us() - 2 * HOUR_US,
            measure_start_us: clock.now_us() - 2 * HOUR_US,
            devices: 1_000,
        };
        let (sink, intervals) = IntervalSink::channel();
        let recorder = ArrivalRecorder::new(reach, sink, Arc::new(Rendezvous::new(1_000)));
        let thread = std::thread::spawn(move || {
            let _intervals = intervals;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(follow(config, clock, recorder, control))
        });
        Self { handle, thread }
    }

    fn ready(&self) -> Result<(), FollowError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(self.handle.ready())
    }

    /// Waits until the progress is as wanted.
    fn wait(&self, wanted: impl Fn(Progress) -> bool) {
        let patience = Instant::now() + Duration::from_secs(30);
        while !wanted(self.handle.progress()) {
            assert!(Instant::now() < patience, "{:?}", self.handle.progress());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn stop(self) -> (ArrivalRecord, Outcome) {
        self.handle.stop();
        self.thread.join().unwrap()
    }
}

fn now_us() -> u64 {
    Clock::start().now_us()
}

fn id_of(device: u32, sequence: u32) -> ReadingId {
    ReadingId {
        intended_us: now_us() - HOUR_US,
        device,
        sequence,
    }
}

fn id(sequence: u32) -> ReadingId {
    id_of(7, sequence)
}

fn change_record(id: ReadingId, kind: ChangeKind, table: &str) -> Vec<u8> {
    let reading = Reading {
        id,
        observed_us: id.intended_us,
        bpm: 72,
        sensor: 7,
        motion: Motion::Sedentary,
        class: DeviceClass::Fitbit,
    };
    let mut image = Vec::new();
    item::encode(&mut image, Layout::Post, &reading);
    let mut record = Vec::new();
    change::encode(
        &mut record,
        &ChangeImage {
            region: "us-east-1",
            event_id: u128::from(id.sequence),
            kind,
            table,
            created_us: id.intended_us + 1_000,
            precision: Some(Precision::Microsecond),
            keys: &image,
            new_image: (kind != ChangeKind::Remove).then_some(&image),
            old_image: (kind != ChangeKind::Insert).then_some(&image),
            size_bytes: 100,
        },
    );
    record
}

/// Puts `count` new readings, numbered from `first`, that arrive now.
fn put(kinesis: &Kinesis, shard: &str, first: u32, count: u32) {
    for sequence in first..first + count {
        let record = change_record(id(sequence), ChangeKind::Insert, TABLE);
        kinesis.put(shard, now_us() / 1_000, record);
    }
}

/// Readings 0 to `count` of the one device were seen, and `others` of others.
fn assert_all_seen_once(record: &ArrivalRecord, count: u32, others: u64) {
    for sequence in 0..count {
        assert!(
            record.seen.measured.contains(7, sequence),
            "{sequence} was missed"
        );
    }
    assert_eq!(record.seen.measured.len(), u64::from(count) + others);
    assert_eq!(record.counts.duplicates, 0);
    assert_eq!(record.counts.foreign, 0);
}

#[test]
fn every_record_is_read_once_through_splits_and_merges_of_the_past() {
    for (consumer, hides_children, null_continuation) in [
        (Consumer::default(), false, false),
        (Consumer::default(), true, false),
        (fan_out(), false, false),
        (fan_out(), false, true),
    ] {
        let kinesis = Kinesis::start();
        kinesis.state().hides_children = hides_children;
        kinesis.state().null_continuation = null_continuation;
        kinesis.add_shard("shardId-0", &[]);
        put(&kinesis, "shardId-0", 0, 7);
        kinesis.add_shard("shardId-1", &["shardId-0"]);
        kinesis.add_shard("shardId-2", &["shardId-0"]);
        put(&kinesis, "shardId-1", 7, 5);
        let neighbour = change_record(id_of(8, 0), ChangeKind::Insert, TABLE);
        kinesis.put("shardId-2", now_us() / 1_000, neighbour);
        kinesis.add_shard("shardId-3", &["shardId-1", "shardId-2"]);
        put(&kinesis, "shardId-3", 12, 4);

        let follower = Follower::start(config(&kinesis, consumer, From::Beginning));
        follower.wait(|progress| progress.seen == 17);
        let (record, outcome) = follower.stop();
        assert_eq!(outcome.error, None);
        assert_eq!(outcome.tally.shards, 4);
        assert!(record.seen.measured.contains(8, 0));
        assert_all_seen_once(&record, 16, 1);
        // A device's readings came in order: children after their parents.
        assert_eq!(record.counts.reordered, 0);
    }
}

#[test]
fn shards_that_split_and_merge_while_followed_are_read_once() {
    for (consumer, hides_children) in [
        (Consumer::default(), false),
        (Consumer::default(), true),
        (fan_out(), false),
    ] {
        let kinesis = Kinesis::start();
        kinesis.state().hides_children = hides_children;
        kinesis.add_shard("shardId-0", &[]);
        let follower = Follower::start(config(&kinesis, consumer, From::Now));
        follower.ready().unwrap();
        put(&kinesis, "shardId-0", 0, 5);
        kinesis.add_shard("shardId-1", &["shardId-0"]);
        kinesis.add_shard("shardId-2", &["shardId-0"]);
        put(&kinesis, "shardId-1", 5, 5);
        follower.wait(|progress| progress.seen == 10);
        kinesis.add_shard("shardId-3", &["shardId-2", "shardId-1"]);
        put(&kinesis, "shardId-3", 10, 5);
        follower.wait(|progress| progress.seen == 15);
        let (record, outcome) = follower.stop();
        assert_eq!(outcome.tally.shards, 4);
        assert_all_seen_once(&record, 15, 0);
    }
}

#[test]
fn from_now_reads_what_comes_after_ready_and_nothing_before() {
    for (consumer, operation, refusals) in [
        (Consumer::default(), "GetRecords", vec![]),
        // The first iterator expires before anything was read with it.
        (
            Consumer::default(),
            "GetRecords",
            vec!["ExpiredIteratorException"],
        ),
        (fan_out(), "SubscribeToShard", vec![]),
    ] {
        let kinesis = Kinesis::start();
        kinesis.add_shard("shardId-0", &[]);
        kinesis.add_shard("shardId-1", &["shardId-0"]);
        for sequence in 100..105 {
            let old = change_record(id(sequence), ChangeKind::Insert, TABLE);
            kinesis.put("shardId-1", (now_us() - HOUR_US) / 1_000, old);
        }
        kinesis.refuse(operation, &refusals);
        let follower = Follower::start(config(&kinesis, consumer, From::Now));
        follower.ready().unwrap();
        put(&kinesis, "shardId-1", 0, 5);
        follower.wait(|progress| progress.seen == 5);
        let (record, outcome) = follower.stop();
        assert_eq!(outcome.tally.expired_iterators, refusals.len() as u64);
        assert_eq!(outcome.tally.records, 5);
        assert_all_seen_once(&record, 5, 0);
    }
}

#[test]
fn trouble_is_counted_by_its_kind_and_loses_nothing() {
    let kinesis = Kinesis::start();
    kinesis.add_shard("shardId-0", &[]);
    let follower = Follower::start(config(&kinesis, Consumer::default(), From::Beginning));
    follower.ready().unwrap();
    put(&kinesis, "shardId-0", 0, 8);
    follower.wait(|progress| progress.seen >= 3);
    kinesis.refuse(
        "GetRecords",
        &[
            "ProvisionedThroughputExceededException",
            "ExpiredIteratorException",
            "InternalFailure",
            "LimitExceededException",
        ],
    );
    kinesis.refuse("GetShardIterator", &["InternalFailure"]);
    put(&kinesis, "shardId-0", 8, 4);
    follower.wait(|progress| progress.seen == 12);
    let (record, outcome) = follower.stop();
    assert_all_seen_once(&record, 12, 0);
    assert_eq!(outcome.error, None);
    assert_eq!(outcome.tally.throttled_reads, 2);
    assert_eq!(outcome.tally.expired_iterators, 1);
    assert_eq!(outcome.tally.retried_errors, 2);
    assert_eq!(record.counts.throttled_reads, 2);
}

/// No `NextShardIterator`, of whatever shard.
const NOTHING: [&str; 6] = [
    "",
    "{}",
    r#"{"Records":null}"#,
    r#"{"MillisBehindLatest":0}"#,
    r#"{"Records":[]}"#,
    r#"{"Records":[],"MillisBehindLatest":0,"NextShardIterator":null}"#,
];

#[test]
fn an_answer_that_says_nothing_ends_no_shard_and_is_asked_for_again() {
    let kinesis = Kinesis::start();
    kinesis.add_shard("shardId-0", &[]);
    let follower = Follower::start(config(&kinesis, Consumer::default(), From::Beginning));
    follower.ready().unwrap();
    put(&kinesis, "shardId-0", 0, 8);
    follower.wait(|progress| progress.seen >= 3);
    kinesis.answer("GetRecords", &NOTHING);
    kinesis.answer("ListShards", &["{}", r#"{"Shards":[]}"#]);
    follower.wait(|progress| progress.seen == 8);
    // One that is closed has records as well, until they were read.
    put(&kinesis, "shardId-0", 8, 8);
    kinesis.add_shard("shardId-1", &["shardId-0"]);
    put(&kinesis, "shardId-1", 16, 4);
    kinesis.answer("GetRecords", &NOTHING[..4]);
    follower.wait(|progress| progress.seen == 20);
    let (record, outcome) = follower.stop();
    assert_all_seen_once(&record, 20, 0);
    assert_eq!(record.counts.reordered, 0);
    assert_eq!(outcome.tally.shards, 2);
    assert!(outcome.tally.retried_errors >= 10, "{:?}", outcome.tally);
}

#[test]
fn an_event_that_says_nothing_ends_no_shard_either() {
    let kinesis = Kinesis::start();
    kinesis.add_shard("shardId-0", &[]);
    kinesis.state().cut_events = 1;
    let follower = Follower::start(config(&kinesis, fan_out(), From::Beginning));
    follower.ready().unwrap();
    put(&kinesis, "shardId-0", 0, 5);
    follower.wait(|progress| progress.seen == 5);
    let (record, outcome) = follower.stop();
    assert_all_seen_once(&record, 5, 0);
    assert_eq!((outcome.tally.shards, outcome.tally.retried_errors), (1, 1));
}

#[test]
fn a_tables_own_stream_ends_no_shard_without_saying_so() {
    let kinesis = Kinesis::start();
    kinesis.add_shard("shardId-0", &[]);
    put(&kinesis, "shardId-0", 0, 8);
    let client = client(&kinesis);
    let config = client.config();
    let table = aws_sdk_dynamodbstreams::Config::builder()
        .behavior_version(aws_sdk_dynamodbstreams::config::BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .endpoint_url(format!("http://{}", kinesis.address));
    let table = table.http_client(config.http_client().unwrap());
    let follower = Follower::start(Config {
        feed: Feed::Table(TableStream {
            client: aws_sdk_dynamodbstreams::Client::from_conf(table.build()),
            arn: "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/x".to_owned(),
            interval: Duration::ZERO,
        }),
        table: TABLE.to_owned(),
        from: From::Beginning,
    });
    follower.ready().unwrap();
    kinesis.answer("GetRecords", &NOTHING);
    kinesis.answer("DescribeStream", &["{}", r#"{"StreamDescription":{}}"#]);
    follower.wait(|progress| progress.records == 8);
    put(&kinesis, "shardId-0", 8, 4);
    kinesis.add_shard("shardId-1", &["shardId-0"]);
    put(&kinesis, "shardId-1", 12, 4);
    follower.wait(|progress| progress.records == 16);
    let (_, outcome) = follower.stop();
    assert_eq!(outcome.tally.records, 16);
    assert_eq!(outcome.tally.shards, 2);
    assert!(outcome.tally.retried_errors >= 6, "{:?}", outcome.tally);
}

#[test]
fn from_now_goes_by_the_services_clock_and_not_by_ours() {
    for ahead_ms in [-60_000, 60_000] {
        let kinesis = Kinesis::start();
        kinesis.state().ahead_ms = ahead_ms;
        kinesis.add_shard("shardId-0", &[]);
        let old = change_record(id(100), ChangeKind::Insert, TABLE);
        kinesis.put("shardId-0", (now_us() - 30_000_000) / 1_000, old);
        // The place is lost before anything was read: it is found again by its time.
        kinesis.refuse("GetRecords", &["ExpiredIteratorException"]);
        let follower = Follower::start(config(&kinesis, Consumer::default(), From::Now));
        follower.ready().unwrap();
        put(&kinesis, "shardId-0", 0, 5);
        follower.wait(|progress| progress.seen == 5);
        let (record, outcome) = follower.stop();
        assert_eq!(outcome.tally.expired_iterators, 1);
        assert_eq!(outcome.tally.retried_errors, 0, "{ahead_ms}");
        assert_all_seen_once(&record, 5, 0);
    }
}

#[test]
fn the_first_read_waits_for_others_that_use_up_what_is_allowed() {
    let kinesis = Kinesis::start();
    kinesis.add_shard("shardId-0", &[]);
    kinesis.refuse("GetRecords", &["ProvisionedThroughputExceededException"; 8]);
    let follower = Follower::start(config(&kinesis, Consumer::default(), From::Now));
    follower.ready().unwrap();
    put(&kinesis, "shardId-0", 0, 3);
    follower.wait(|progress| progress.seen == 3);
    let (record, outcome) = follower.stop();
    assert_all_seen_once(&record, 3, 0);
    assert_eq!(outcome.error, None);
    assert_eq!(outcome.tally.throttled_reads, 8);
}

#[test]
fn a_shard_is_never_asked_more_than_five_times_a_second() {
    let kinesis = Kinesis::start();
    kinesis.add_shard("shardId-0", &[]);
    let eager = Consumer::Polling {
        interval: Duration::ZERO,
    };
    let begun = Instant::now();
    let follower = Follower::start(config(&kinesis, eager, From::Beginning));
    follower.ready().unwrap();
    put(&kinesis, "shardId-0", 0, 12);
    kinesis.refuse("GetRecords", &["ProvisionedThroughputExceededException"]);
    follower.wait(|progress| progress.seen == 12);
    let calls = kinesis.calls("GetRecords");
    let most = begun.elapsed().as_millis() / 200 + 1;
    assert!(calls as u128 <= most, "{calls} calls, at most {most}");
    follower.stop();
}

#[test]
fn a_subscription_that_ends_is_renewed_where_it_was() {
    let kinesis = Kinesis::start();
    kinesis.add_shard("shardId-0", &[]);
    kinesis.state().short_subscriptions = true;
    let follower = Follower::start(config(&kinesis, fan_out(), From::Now));
    follower.ready().unwrap();
    // The first subscription is over or ends with these; the second finds the rest.
    put(&kinesis, "shardId-0", 0, 3);
    kinesis.refuse("SubscribeToShard", &["ResourceInUseException"]);
    follower.wait(|progress| progress.seen == 3);
    let (record, outcome) = follower.stop();
    assert_all_seen_once(&record, 3, 0);
    assert_eq!(outcome.error, None);
    assert_eq!(outcome.tally.retried_errors, 0);
}

#[test]
fn a_consumer_registered_here_is_deregistered_and_a_found_one_is_left() {
    for (existing, registered, left) in [(None, 1, None), (Some(0), 0, Some(0))] {
        let kinesis = Kinesis::start();
        kinesis.add_shard("shardId-0", &[]);
        kinesis.state().consumer = existing;
        kinesis.state().consumer_takes = 1;
        let follower = Follower::start(config(&kinesis, fan_out(), From::Beginning));
        follower.ready().unwrap();
        follower.stop();
        assert_eq!(kinesis.calls("RegisterStreamConsumer"), registered);
        assert_eq!(kinesis.calls("DeregisterStreamConsumer"), registered);
        assert_eq!(kinesis.state().consumer, left);
    }
}

#[test]
fn a_consumer_whose_registration_was_not_answered_is_deregistered() {
    let kinesis = Kinesis::start();
    kinesis.add_shard("shardId-0", &[]);
    kinesis.state().unanswered_registrations = 1;
    let follower = Follower::start(config(&kinesis, fan_out(), From::Beginning));
    follower.ready().unwrap();
    follower.stop();
    assert_eq!(kinesis.calls("RegisterStreamConsumer"), 1);
    assert_eq!(kinesis.state().consumer, None);
}

#[test]
fn trouble_at_the_start_is_one_error_that_names_the_stream() {
    for consumer in [Consumer::default(), fan_out()] {
        let kinesis = Kinesis::start();
        let mut missing = config(&kinesis, consumer.clone(), From::Beginning);
        if let Feed::Kinesis(stream, _) = &mut missing.feed {
            stream.name = "nowhere".to_owned();
        }
        let follower = Follower::start(missing);
        let error = follower.ready().unwrap_err();
        assert!(matches!(error, FollowError::NoSuchStream { .. }), "{error}");
        assert!(error.to_string().contains("nowhere"), "{error}");
        let (_, outcome) = follower.stop();
        assert_eq!(outcome.error, Some(error));
    }

    let kinesis = Kinesis::start();
    kinesis.add_shard("shardId-0", &[]);
    kinesis.refuse("GetShardIterator", &["AccessDeniedException"]);
    let follower = Follower::start(config(&kinesis, Consumer::default(), From::Now));
    let error = follower.ready().unwrap_err();
    assert!(matches!(error, FollowError::Denied { .. }), "{error}");
    follower.stop();

    let refused = ["InternalFailure"; 20];
    kinesis.refuse("ListShards", &refused);
    let follower = Follower::start(config(&kinesis, Consumer::default(), From::Now));
    let error = follower.ready().unwrap_err();
    assert!(matches!(error, FollowError::Refused { .. }), "{error}");
    follower.stop();
}

#[test]
fn a_server_that_is_not_there_is_an_error() {
    let mut kinesis = Kinesis::start();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    kinesis.address = nobody.local_addr().unwrap();
    drop(nobody);
    let follower = Follower::start(config(&kinesis, Consumer::default(), From::Now));
    let error = follower.ready().unwrap_err();
    assert!(matches!(error, FollowError::Unreachable { .. }), "{error}");
    follower.stop();
}

#[test]
fn what_is_not_a_reading_of_this_table_is_foreign() {
    let kinesis = Kinesis::start();
    kinesis.add_shard("shardId-0", &[]);
    let now_ms = now_us() / 1_000;
    for record in [
        change_record(id(50), ChangeKind::Insert, "another"),
        change_record(id(51), ChangeKind::Remove, TABLE),
        change_record(id(52), ChangeKind::Modify, TABLE),
        b"no change record".to_vec(),
        b"".to_vec(),
        change_record(id(0), ChangeKind::Insert, TABLE),
    ] {
        kinesis.put("shardId-0", now_ms, record);
    }
    let follower = Follower::start(config(&kinesis, Consumer::default(), From::Beginning));
    follower.wait(|progress| progress.records == 6);
    let (record, outcome) = follower.stop();
    assert_eq!(record.counts.foreign, 5);
    assert_eq!(outcome.tally.unreadable, 2);
    assert_eq!(record.seen.measured.len(), 1);
    assert_eq!(record.latencies.get(Stage::EndToEnd).count(), 1);
}

#[test]
fn awaited_readings_are_counted_down() {
    let kinesis = Kinesis::start();
    kinesis.add_shard("shardId-0", &[]);
    let follower = Follower::start(config(&kinesis, Consumer::default(), From::Now));
    follower.ready().unwrap();
    assert_eq!(follower.handle.progress().outstanding, None);
    put(&kinesis, "shardId-0", 0, 2);
    follower.wait(|progress| progress.seen == 2);
    let mut readings = Readings::default();
    for sequence in 0..4 {
        readings.measured.insert(7, sequence);
    }
    follower.handle.await_readings(Arc::new(readings));
    follower.wait(|progress| progress.outstanding == Some(2));
    put(&kinesis, "shardId-0", 2, 2);
    follower.wait(|progress| progress.outstanding == Some(0));
    follower.stop();
}

#[test]
fn when_nobody_holds_the_handle_following_ends() {
    let kinesis = Kinesis::start();
    kinesis.add_shard("shardId-0", &[]);
    let follower = Follower::start(config(&kinesis, Consumer::default(), From::Now));
    drop(follower.handle);
    let (_, outcome) = follower.thread.join().unwrap();
    assert_eq!(outcome.error, None);
}
