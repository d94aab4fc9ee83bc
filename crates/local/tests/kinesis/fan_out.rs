//! Enhanced fan-out: consumers and subscriptions.

use aws_smithy_types::event_stream::Message;
use bytes::Bytes;
use hrload_local::Failure;
use hrload_local::kinesis::Answer;
use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;

use crate::account::{Account, SETTLE_US, arn, data, text};

const SHARD: &str = "shardId-000000000000";

fn register(account: &Account, name: &str) -> String {
    let body = json!({"StreamARN": arn("s"), "ConsumerName": name});
    let answer = account.ok("RegisterStreamConsumer", body);
    assert_eq!(answer["Consumer"]["ConsumerStatus"], "CREATING");
    text(&answer["Consumer"]["ConsumerARN"])
}

fn subscribe(account: &Account, consumer: &str, from: &Value) -> Result<Receiver<Bytes>, Failure> {
    let body = json!({"ConsumerARN": consumer, "ShardId": SHARD, "StartingPosition": from});
    let body = body.to_string();
    match account
        .streams
        .call("SubscribeToShard", body.as_bytes(), account.now_us.get())?
    {
        Answer::Events(receiver) => Ok(receiver),
        Answer::Json(_) => panic!("not an event stream"),
    }
}

fn header(message: &Message, name: &str) -> Option<String> {
    let header = message
        .headers()
        .iter()
        .find(|h| h.name().as_str() == name)?;
    Some(header.value().as_string().unwrap().as_str().to_owned())
}

/// The next frame's kind and payload; `None` when the stream has ended.
async fn next(receiver: &mut Receiver<Bytes>) -> Option<(String, Value)> {
    let frame = receiver.recv().await?;
    let message = aws_smithy_eventstream::frame::read_message_from(&mut &frame[..]).unwrap();
    assert_eq!(
        header(&message, ":content-type").unwrap(),
        "application/x-amz-json-1.1"
    );
    let kind = match header(&message, ":message-type").unwrap().as_str() {
        "event" => header(&message, ":event-type").unwrap(),
        "exception" => header(&message, ":exception-type").unwrap(),
        other => panic!("message of type {other}"),
    };
    Some((kind, serde_json::from_slice(message.payload()).unwrap()))
}

/// The next event with records, or without when `empty`.
async fn event(receiver: &mut Receiver<Bytes>) -> Value {
    let (kind, event) = next(receiver).await.unwrap();
    assert_eq!(kind, "SubscribeToShardEvent");
    event
}

#[test]
fn consumers_are_registered_listed_described_and_deregistered() {
    let account = Account::with_stream("s", 1);
    let arns = ["b", "a", "c"].map(|name| register(&account, name));
    assert_eq!(
        arns[0],
        format!(
            "{}/consumer/b:{}",
            arn("s"),
            account.now_us.get() / 1_000_000
        )
    );
    let again = json!({"StreamARN": arn("s"), "ConsumerName": "a"});
    let (exception, _) = account.refused("RegisterStreamConsumer", again.clone());
    assert_eq!(exception, "ResourceInUseException");
    account.pass(SETTLE_US);
    for body in [again.clone(), json!({"ConsumerARN": arns[1]})] {
        let answer = account.ok("DescribeStreamConsumer", body);
        assert_eq!(answer["ConsumerDescription"]["ConsumerStatus"], "ACTIVE");
        assert_eq!(answer["ConsumerDescription"]["StreamARN"], arn("s"));
    }
    let page = account.ok(
        "ListStreamConsumers",
        json!({"StreamARN": arn("s"), "MaxResults": 2}),
    );
    let names = |page: &Value| -> Vec<String> {
        let consumers = page["Consumers"].as_array().unwrap();
        consumers.iter().map(|c| text(&c["ConsumerName"])).collect()
    };
    assert_eq!(names(&page), ["a", "b"]);
    let body = json!({"StreamARN": arn("s"), "NextToken": page["NextToken"]});
    assert_eq!(names(&account.ok("ListStreamConsumers", body)), ["c"]);
    let described = account.ok("DescribeStreamSummary", json!({"StreamName": "s"}));
    let created = &described["StreamDescriptionSummary"]["StreamCreationTimestamp"];
    let mut body = json!({"StreamARN": arn("s"), "StreamCreationTimestamp": created});
    assert_eq!(
        names(&account.ok("ListStreamConsumers", body.clone())).len(),
        3
    );
    body["StreamCreationTimestamp"] = json!(created.as_f64().unwrap() + 60.0);
    let (exception, _) = account.refused("ListStreamConsumers", body);
    assert_eq!(
        exception, "ResourceNotFoundException",
        "of an earlier stream"
    );

    let delete = json!({"StreamName": "s"});
    let (exception, _) = account.refused("DeleteStream", delete);
    assert_eq!(exception, "ResourceInUseException", "there are consumers");
    account.ok("DeregisterStreamConsumer", json!({"ConsumerARN": arns[0]}));
    account.pass(SETTLE_US);
    let gone = json!({"ConsumerARN": arns[0]});
    let (exception, _) = account.refused("DescribeStreamConsumer", gone);
    assert_eq!(exception, "ResourceNotFoundException");
    let body = json!({"StreamName": "s", "EnforceConsumerDeletion": true});
    account.ok("DeleteStream", body);
}

#[test]
fn a_stream_has_at_most_twenty_consumers() {
    let account = Account::with_stream("s", 1);
    let body = json!({"StreamARN": arn("s"), "ConsumerName": "x"});
    for i in 0..20 {
        register(&account, &i.to_string());
        if [4, 9, 14].contains(&i) {
            let (exception, message) = account.refused("RegisterStreamConsumer", body.clone());
            assert_eq!(exception, "LimitExceededException");
            assert!(message.contains("At most 5 consumers"), "{message}");
            account.pass(SETTLE_US);
        }
    }
    let (exception, message) = account.refused("RegisterStreamConsumer", body);
    assert_eq!(exception, "LimitExceededException");
    assert!(message.contains("has 20 registered consumers"), "{message}");
}

#[tokio::test]
async fn a_subscription_pushes_what_is_there_and_what_comes() {
    let account = Account::with_stream("s", 1);
    let consumer = register(&account, "c");
    account.pass(SETTLE_US);
    account.put("s", "k", b"one");
    account.put("s", "k", b"two");
    let mut events = subscribe(&account, &consumer, &json!({"Type": "TRIM_HORIZON"})).unwrap();
    assert_eq!(
        next(&mut events).await.unwrap(),
        ("initial-response".to_owned(), json!({}))
    );
    let first = event(&mut events).await;
    let read: Vec<_> = first["Records"]
        .as_array()
        .unwrap()
        .iter()
        .map(data)
        .collect();
    assert_eq!(read, [b"one", b"two"]);
    assert_eq!(first["MillisBehindLatest"], 0);
    assert!(first.get("ChildShards").is_none());

    let sequence = account.put("s", "k", b"three").1;
    let second = event(&mut events).await;
    assert_eq!(second["Records"][0]["SequenceNumber"], sequence);
    assert_eq!(data(&second["Records"][0]), b"three");
    // The continuation number lies between what was read and what comes.
    let continuation = text(&second["ContinuationSequenceNumber"]);
    assert!(continuation > sequence);
    account.put("s", "k", b"four");
    for kind in ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"] {
        let body = json!({"StreamName": "s", "ShardId": SHARD, "ShardIteratorType": kind,
            "StartingSequenceNumber": continuation});
        let iterator = text(&account.ok("GetShardIterator", body)["ShardIterator"]);
        let page = account.records(&iterator, 10);
        assert_eq!(data(&page["Records"][0]), b"four");
    }
}

#[tokio::test]
async fn a_subscription_at_the_tip_says_so_at_once() {
    let account = Account::with_stream("s", 1);
    let consumer = register(&account, "c");
    account.pass(SETTLE_US);
    account.put("s", "k", b"old");
    let mut events = subscribe(&account, &consumer, &json!({"Type": "LATEST"})).unwrap();
    next(&mut events).await.unwrap();
    let first = event(&mut events).await;
    assert_eq!(first["Records"], json!([]));
    assert_eq!(first["MillisBehindLatest"], 0);
    account.put("s", "k", b"new");
    assert_eq!(data(&event(&mut events).await["Records"][0]), b"new");
}

#[tokio::test]
async fn the_last_event_of_a_shard_names_its_children_and_ends_the_subscription() {
    let account = Account::with_stream("s", 1);
    let consumer = register(&account, "c");
    account.pass(SETTLE_US);
    account.put("s", "k", b"last");
    let body = json!({"StreamName": "s", "TargetShardCount": 2, "ScalingType": "UNIFORM_SCALING"});
    account.ok("UpdateShardCount", body);
    let mut events = subscribe(&account, &consumer, &json!({"Type": "TRIM_HORIZON"})).unwrap();
    next(&mut events).await.unwrap();
    // The subscription itself notices that the update is due.
    let mut read = Vec::new();
    let last = loop {
        let event = event(&mut events).await;
        read.extend(event["Records"].as_array().unwrap().iter().map(data));
        if event.get("ChildShards").is_some() {
            break event;
        }
    };
    assert_eq!(read, [b"last"]);
    assert_eq!(last["ContinuationSequenceNumber"], Value::Null);
    let children = last["ChildShards"].as_array().unwrap();
    assert_eq!(children.len(), 2);
    assert_eq!(children[0]["ParentShards"], json!([SHARD]));
    assert!(next(&mut events).await.is_none());
}

#[tokio::test]
async fn a_second_subscription_is_refused_for_five_seconds_and_then_takes_over() {
    let account = Account::with_stream("s", 1);
    let consumer = register(&account, "c");
    let latest = json!({"Type": "LATEST"});
    let early = subscribe(&account, &consumer, &latest).unwrap_err();
    assert_eq!(early.exception, "ResourceInUseException");
    assert!(early.message.contains("CREATING"), "{}", early.message);
    account.pass(SETTLE_US);
    let mut first = subscribe(&account, &consumer, &latest).unwrap();
    account.pass(4_999_999);
    let refused = subscribe(&account, &consumer, &latest).unwrap_err();
    assert_eq!(refused.exception, "ResourceInUseException");
    assert_eq!(
        refused.message,
        "Another active subscription exists for this consumer: 123456789012:s:\
         shardId-000000000000:c"
    );
    account.pass(1);
    let mut second = subscribe(&account, &consumer, &latest).unwrap();
    let mut last = next(&mut first).await.unwrap();
    while let Some(frame) = next(&mut first).await {
        last = frame;
    }
    assert_eq!(last.0, "ResourceInUseException");
    next(&mut second).await.unwrap();
    event(&mut second).await;
    account.put("s", "k", b"x");
    assert_eq!(data(&event(&mut second).await["Records"][0]), b"x");

    // Deregistering the consumer ends it.
    account.ok("DeregisterStreamConsumer", json!({"ConsumerARN": consumer}));
    let (kind, _) = next(&mut second).await.unwrap();
    assert_eq!(kind, "ResourceNotFoundException");
    assert!(next(&mut second).await.is_none());
}

#[tokio::test]
async fn a_slow_subscriber_gets_everything_in_order() {
    let account = Account::with_stream("s", 1);
    let consumer = register(&account, "c");
    account.pass(SETTLE_US);
    let mut events = subscribe(&account, &consumer, &json!({"Type": "TRIM_HORIZON"})).unwrap();
    // Far more than the channel holds, in many small steps.
    for i in 0..2000_u32 {
        account.put("s", "k", &i.to_be_bytes());
        if i % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    next(&mut events).await.unwrap();
    let mut expected = 0_u32;
    while expected < 2000 {
        for record in event(&mut events).await["Records"].as_array().unwrap() {
            assert_eq!(data(record), expected.to_be_bytes());
            expected += 1;
        }
    }
}

#[test]
fn subscribing_outside_a_runtime_is_an_error_not_a_panic() {
    let account = Account::with_stream("s", 1);
    let consumer = register(&account, "c");
    account.pass(SETTLE_US);
    let failure = subscribe(&account, &consumer, &json!({"Type": "LATEST"})).unwrap_err();
    assert_eq!(failure.status, 500);
    assert_eq!(failure.exception, "InternalFailureException");
}

/// Bytes of data in each record that [`fill`] puts, and in its key.
const RECORD: usize = 100 << 10;
/// What a consumer may get of a shard in a second.
const RATE: f64 = (2 << 20) as f64;

/// Puts so many records as fast as the shard takes them.
fn fill(account: &Account, records: usize) {
    let data = vec![7; RECORD - 1];
    for _ in 0..records {
        account.put("s", "k", &data);
        account.pass(1_000_000 * RECORD as u64 / (1 << 20) + 1);
    }
}

/// Reads so many records; gives how much came by when, in seconds since `since`.
async fn arrivals(
    events: &mut Receiver<Bytes>,
    records: usize,
    since: tokio::time::Instant,
) -> Vec<(f64, usize)> {
    let mut came = Vec::new();
    let mut read = 0;
    while read < records {
        let (kind, event) = next(events).await.unwrap();
        if kind == "SubscribeToShardEvent" {
            let more = event["Records"].as_array().unwrap().len();
            read += more;
            came.push((since.elapsed().as_secs_f64(), more * RECORD));
        }
    }
    came
}

/// Asserts that no span of time has more than its rate and a second's burst.
fn assert_within_rate(came: &[(f64, usize)]) {
    for first in 0..came.len() {
        let mut bytes = 0;
        for (at, more) in &came[first..] {
            bytes += more;
            let allowed = RATE * (at - came[first].0 + 1.0) + 1.0;
            assert!(bytes as f64 <= allowed, "{bytes} by {at} s: {came:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_consumer_gets_two_mebibytes_a_second_of_a_shard_at_every_time_scale() {
    for time_scale in [1, 60] {
        let account = Account::limited(time_scale);
        account.create("s", 1);
        let consumers = ["a", "b"].map(|name| register(&account, name));
        account.pass(SETTLE_US);
        fill(&account, 120);
        let since = tokio::time::Instant::now();
        let mut readers = tokio::task::JoinSet::new();
        for consumer in &consumers {
            let from = json!({"Type": "TRIM_HORIZON"});
            let mut events = subscribe(&account, consumer, &from).unwrap();
            readers.spawn(async move { arrivals(&mut events, 120, since).await });
        }
        while let Some(came) = readers.join_next().await {
            let came = came.unwrap();
            assert_within_rate(&came);
            // A second's worth is there at once, and the rest comes at the full rate.
            let total = (120 * RECORD) as f64;
            let fastest = total / RATE - 1.0;
            let last = came.last().unwrap().0;
            assert!((fastest..fastest + 0.1).contains(&last), "{last} s");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_limits_a_consumer_gets_all_at_once() {
    let account = Account::with_stream("s", 1);
    let consumer = register(&account, "c");
    account.pass(SETTLE_US);
    fill(&account, 120);
    let since = tokio::time::Instant::now();
    let mut events = subscribe(&account, &consumer, &json!({"Type": "TRIM_HORIZON"})).unwrap();
    let came = arrivals(&mut events, 120, since).await;
    assert_eq!(came.last().unwrap().0, 0.0, "{came:?}");
}

#[tokio::test(start_paused = true)]
async fn subscribing_again_gives_no_new_burst() {
    let account = Account::limited(1);
    account.create("s", 1);
    let consumer = register(&account, "c");
    account.pass(SETTLE_US);
    fill(&account, 200);
    let from = json!({"Type": "TRIM_HORIZON"});
    let since = tokio::time::Instant::now();
    let mut first = subscribe(&account, &consumer, &from).unwrap();
    let mut came = Vec::new();
    while since.elapsed() < std::time::Duration::from_secs(5) {
        let more = arrivals(&mut first, 1, since).await;
        came.extend(more);
    }
    account.pass(since.elapsed().as_micros() as u64);
    let mut second = subscribe(&account, &consumer, &from).unwrap();
    came.extend(arrivals(&mut second, 100, since).await);
    assert_within_rate(&came);
}

#[tokio::test(start_paused = true)]
async fn a_held_back_consumer_hears_that_it_is_superseded_or_gone() {
    let account = Account::limited(1);
    account.create("s", 1);
    let consumer = register(&account, "c");
    account.pass(SETTLE_US);
    fill(&account, 300);
    let from = json!({"Type": "TRIM_HORIZON"});
    let mut first = subscribe(&account, &consumer, &from).unwrap();
    arrivals(&mut first, 30, tokio::time::Instant::now()).await;
    account.pass(5_000_000);
    let mut second = subscribe(&account, &consumer, &from).unwrap();
    for (events, exception) in [
        (&mut first, "ResourceInUseException"),
        (&mut second, "ResourceNotFoundException"),
    ] {
        let mut last = String::new();
        while let Some((kind, _)) = next(events).await {
            last = kind;
        }
        assert_eq!(last, exception);
        // The second's turn.
        account
            .call("DeregisterStreamConsumer", json!({"ConsumerARN": consumer}))
            .ok();
    }
}
