//! Requests of the embedded services, below their HTTP front.
//!
//! An input is lines of an operation and a body, in the order of their calls, which are a
//! minute apart. A word in them stands for what an answer before held: `@iterator`,
//! `@token`, `@sequence`, `@stream`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use bytes::Bytes;
use hrload::clock::Clock;
use hrload::local::capture::{Capture, ChangeDelay};
use hrload::local::dynamodb::{Call, Database};
use hrload::local::faults::{FaultDice, Faults};
use hrload::local::kinesis::{Answer, Streams};
use hrload::local::table_streams::TableStreams;
use hrload::local::{Failure, Limits};
use serde_json::Value;

const REGION: &str = "us-east-1";
const ACCOUNT: &str = "000000000000";
const RETAINED_BYTES: u64 = 1 << 20;
const CALLS: usize = 12;
/// Items that are in the table `rng`.
const PUT: usize = 3;
const START_US: u64 = 1_700_000_000_000_000;
const MINUTE_US: u64 = 60_000_000;

/// The refusals that any operation may give
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html>),
/// and those of bodies that cannot be read.
const COMMON: &[&str] = &[
    "AccessDeniedException",
    "SerializationException",
    "ThrottlingException",
    "UnknownOperationException",
    "ValidationException",
];
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>
const OF_DYNAMODB: &[&str] = &[
    "ConditionalCheckFailedException",
    "ItemCollectionSizeLimitExceededException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ResourceInUseException",
    "ResourceNotFoundException",
    "TableNotFoundException",
    "TagResourceLimitExceededException",
];
const OF_TABLE_STREAMS: &[&str] = &[
    "ExpiredIteratorException",
    "LimitExceededException",
    "ResourceNotFoundException",
    "TrimmedDataAccessException",
];
/// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_Operations.html>
const OF_KINESIS: &[&str] = &[
    "DryRunOperationException",
    "ExpiredIteratorException",
    "ExpiredNextTokenException",
    "InvalidArgumentException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "ResourceInUseException",
    "ResourceNotFoundException",
];

/// The calls of an input, each made as [`Said`] has it.
fn each_call(data: &[u8], mut call: impl FnMut(&str, &[u8], u64) -> Option<Value>) {
    let mut said = Said::default();
    let lines = data.split(|byte| *byte == b'\n');
    let lines = lines.filter(|line| !line.is_empty()).take(CALLS);
    for (number, line) in (1..).zip(lines) {
        let space = line.iter().position(|byte| *byte == b' ');
        let (operation, body) = line.split_at(space.unwrap_or(line.len()));
        let operation = String::from_utf8_lossy(operation);
        let body = said.put_into(body.get(1..).unwrap_or_default());
        if let Some(answer) = call(&operation, &body, START_US + number * MINUTE_US) {
            said.hear(&answer);
        }
    }
}

/// Values of earlier answers that later calls can use.
#[derive(Default)]
struct Said([(&'static str, String); 4]);

impl Said {
    fn hear(&mut self, answer: &Value) {
        let records = answer["Records"].as_array().and_then(|all| all.last());
        let records = records.unwrap_or(answer);
        let number = &records["SequenceNumber"];
        let of_table = &records["dynamodb"]["SequenceNumber"];
        let next = &answer["NextShardIterator"];
        for (at, word, values) in [
            (0, "@iterator", [&answer["ShardIterator"], next]),
            (1, "@token", [&answer["NextToken"], &Value::Null]),
            (2, "@sequence", [number, of_table]),
            (
                3,
                "@stream",
                [&answer["Streams"][0]["StreamArn"], &Value::Null],
            ),
        ] {
            if let Some(value) = values.into_iter().find_map(Value::as_str) {
                self.0[at] = (word, value.to_owned());
            }
        }
    }

    fn put_into(&self, body: &[u8]) -> Vec<u8> {
        let Ok(text) = std::str::from_utf8(body) else {
            return body.to_vec();
        };
        let known = self.0.iter().filter(|(word, _)| !word.is_empty());
        let text = known.fold(text.to_owned(), |text, (word, value)| {
            text.replace(word, value)
        });
        text.into_bytes()
    }
}

/// A refusal is the caller's to mend, in words and a type that the service has.
fn check_refusal(of: &Failure, types: &[&str], body: &[u8]) {
    assert!(matches!(of.status, 400 | 403 | 413), "{of:?}");
    let known = COMMON.contains(&of.exception) || types.contains(&of.exception);
    assert!(known, "{of:?}");
    let body: Value = serde_json::from_slice(body).expect("a refusal is JSON");
    let kind = body["__type"].as_str().expect("a type");
    assert!(kind.ends_with(of.exception), "{kind}");
}

fn json(answer: &[u8]) -> Value {
    if answer.is_empty() {
        return Value::Null;
    }
    let answer: Value = serde_json::from_slice(answer).expect("an answer is JSON");
    assert!(answer.is_object(), "{answer}");
    answer
}

/// DynamoDB with what it captures into, and nobody else's.
struct Account {
    database: Database,
    table_streams: Arc<TableStreams>,
}

impl Account {
    /// One with the tables `tbl`, of a hash key `id`, and `rng`, of a hash key `device` and a
    /// range key `at`, whose changes are streamed through one shard; and the stream `s`.
    fn new() -> Self {
        let dice = Arc::new(FaultDice::new(&Faults::default(), 1));
        let clock = Clock::start();
        let into = |streams: &Arc<Streams>| {
            let (streams, region) = (Arc::clone(streams), REGION.to_owned());
            let delay = ChangeDelay::Fixed(0);
            Capture::start(streams, region, delay, Arc::clone(&dice), 1, clock)
        };
        let streams = Arc::new(streams());
        let captures = Arc::new(into(&streams));
        let logs = Streams::new(String::new(), String::new(), RETAINED_BYTES);
        let logs = Arc::new(logs);
        let table_streams = Arc::new(TableStreams::new(Arc::clone(&logs), into(&logs)));
        let database = Database::new(
            REGION.to_owned(),
            ACCOUNT.to_owned(),
            RETAINED_BYTES,
            streams,
            captures,
            dice,
        );
        let account = Self {
            database: database
                .with_table_streams(Arc::clone(&table_streams))
                .with_limits(Some(Arc::new(Limits::default()))),
            table_streams,
        };
        for body in [
            r#"{"TableName":"tbl","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}"#,
            r#"{"TableName":"rng","ProvisionedThroughput":{"ReadCapacityUnits":800,"WriteCapacityUnits":500},"AttributeDefinitions":[{"AttributeName":"device","AttributeType":"S"},{"AttributeName":"at","AttributeType":"N"}],"KeySchema":[{"AttributeName":"device","KeyType":"HASH"},{"AttributeName":"at","KeyType":"RANGE"}],"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}}"#,
        ] {
            account.made("CreateTable", body, START_US);
        }
        for at in 1..=PUT {
            let item = format!(
                r#"{{"TableName":"rng","Item":{{"device":{{"S":"d"}},"at":{{"N":"{at}"}},"bpm":{{"N":"70"}}}}}}"#
            );
            account.made("PutItem", &item, START_US + MINUTE_US / 2);
        }
        account
    }

    /// How many records the stream of `rng` has.
    fn streamed(&self) -> usize {
        let mut records = 0;
        let requests = concat!(
            r#"ListStreams {}"#,
            "\n",
            r#"GetShardIterator {"StreamArn":"@stream","ShardId":"shardId-00000001700000000000-00000000","ShardIteratorType":"TRIM_HORIZON"}"#,
            "\n",
            r#"GetRecords {"ShardIterator":"@iterator"}"#,
        );
        each_call(requests.as_bytes(), |operation, body, now_us| {
            let answer = self.table_streams.call(operation, body, now_us);
            let answer = json(&answer.expect("a request as people write it"));
            records = answer["Records"].as_array().map_or(0, Vec::len);
            Some(answer)
        });
        records
    }

    fn made(&self, operation: &str, body: &str, now_us: u64) {
        let mut answer = Vec::new();
        let call = Call {
            now_us,
            throttle: false,
        };
        let made = self
            .database
            .call(operation, body.as_bytes(), call, &mut answer);
        made.expect("a request as people write it");
    }
}

/// An empty account's streams but for `s`, of two shards.
fn streams() -> Streams {
    let streams = Streams::new(REGION.to_owned(), ACCOUNT.to_owned(), RETAINED_BYTES);
    let streams = streams.with_limits(Some(Arc::new(Limits::default())));
    let body = br#"{"StreamName":"s","ShardCount":2}"#;
    let made = streams.call("CreateStream", body, START_US - MINUTE_US);
    made.expect("a request as people write it");
    streams
}

/// DynamoDB answers with JSON, or refuses in its own words and writes nothing; an item
/// that it took can be read.
pub(super) fn dynamodb(data: &[u8]) {
    let account = Account::new();
    let mut same_tables = true;
    each_call(data, |operation, body, now_us| {
        same_tables &= !operation.ends_with("Table");
        let call = Call {
            now_us,
            throttle: false,
        };
        let mut answer = b"before".to_vec();
        let called = account.database.call(operation, body, call, &mut answer);
        let answer = answer.strip_prefix(b"before").expect("it is appended to");
        match called {
            Ok(()) => {
                if operation == "PutItem" && same_tables {
                    check_item(&account, body, now_us);
                }
                Some(json(answer))
            }
            Err(refusal) => {
                assert!(answer.is_empty(), "an answer beside a refusal");
                check_refusal(&refusal, OF_DYNAMODB, &refusal.dynamodb_body());
                None
            }
        }
    });
}

/// The item that was put is there, with all its attributes.
fn check_item(account: &Account, put: &[u8], now_us: u64) {
    let Some(put) = super::json::plain(put) else {
        return;
    };
    let item = &put["Item"];
    let key = match put["TableName"].as_str() {
        Some("tbl") => serde_json::json!({"id": item["id"]}),
        Some("rng") => serde_json::json!({"device": item["device"], "at": item["at"]}),
        _ => return,
    };
    let get = serde_json::json!({
        "TableName": put["TableName"], "Key": key, "ConsistentRead": true,
    });
    let mut answer = Vec::new();
    let call = Call {
        now_us,
        throttle: false,
    };
    let got = account
        .database
        .call("GetItem", get.to_string().as_bytes(), call, &mut answer);
    let answer = got.map(|()| json(&answer));
    let Ok(answer) = answer else {
        panic!("an item that was put cannot be read: {answer:?}");
    };
    let names = |item: &Value| {
        let names = item.as_object().into_iter().flat_map(|of| of.keys());
        let mut names: Vec<_> = names.cloned().collect();
        names.sort();
        names
    };
    assert_eq!(names(&answer["Item"]), names(item));
}

/// DynamoDB Streams answers with JSON, or refuses in its own words.
pub(super) fn dynamodb_streams(data: &[u8]) {
    static ACCOUNT: OnceLock<Account> = OnceLock::new();
    let account = ACCOUNT.get_or_init(|| {
        let account = Account::new();
        // Without a delay, changes are in the stream when the write returns.
        assert_eq!(account.streamed(), PUT, "records in the stream of `rng`");
        account
    });
    each_call(data, |operation, body, now_us| {
        match account.table_streams.call(operation, body, now_us) {
            Ok(answer) => {
                let answer = json(&answer);
                check_records(&answer);
                Some(answer)
            }
            Err(refusal) => {
                check_refusal(&refusal, OF_TABLE_STREAMS, &refusal.dynamodb_body());
                None
            }
        }
    });
}

/// Records are those that were put, in the order of their writes.
fn check_records(answer: &Value) {
    let records = answer["Records"].as_array();
    let at = |record: &Value| {
        assert_eq!(record["eventName"], "INSERT", "{record}");
        let of = &record["dynamodb"];
        assert_eq!(of["Keys"]["device"]["S"], "d", "{record}");
        assert_eq!(of["NewImage"]["bpm"]["N"], "70", "{record}");
        let at = of["Keys"]["at"]["N"].as_str().map(str::parse::<usize>);
        let number = of["SequenceNumber"].as_str().map(str::len);
        assert!(number.is_some_and(|digits| digits >= 21), "{record}");
        at.and_then(Result::ok).expect("the number of an item")
    };
    let came: Vec<usize> = records.into_iter().flatten().map(at).collect();
    RECORDS.fetch_add(came.len() as u64, Ordering::Relaxed);
    let first = came.first().copied().unwrap_or(1);
    assert!(
        came.iter().copied().eq(first..first + came.len()),
        "{came:?}"
    );
    assert!(came.iter().all(|at| (1..=PUT).contains(at)), "{came:?}");
}

/// Records that [`dynamodb_streams`] was shown.
static RECORDS: AtomicU64 = AtomicU64::new(0);

/// How many records of tables' streams inputs have read so far in this process.
pub(super) fn records_read() -> u64 {
    RECORDS.load(Ordering::Relaxed)
}

/// Kinesis answers with JSON or with whole frames, or refuses in its own words.
pub(super) fn kinesis(data: &[u8]) {
    let streams = streams();
    each_call(data, |operation, body, now_us| {
        // Subscriptions run on the runtime that they are called in.
        let runtime = (operation == "SubscribeToShard").then(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build();
            runtime.expect("a runtime")
        });
        let entered = runtime.as_ref().map(tokio::runtime::Runtime::enter);
        let called = streams.call(operation, body, now_us);
        drop(entered);
        match called {
            Ok(Answer::Json(answer)) => Some(json(&answer)),
            Ok(Answer::Events(mut events)) => {
                let runtime = runtime.expect("events are a subscription's");
                let first = runtime.block_on(async {
                    for _ in 0..8 {
                        tokio::task::yield_now().await;
                    }
                    events.try_recv()
                });
                check_frames(first.unwrap_or_default());
                None
            }
            Err(refusal) => {
                check_refusal(&refusal, OF_KINESIS, &refusal.kinesis_body());
                None
            }
        }
    });
}

/// Frames are whole, and what they carry is JSON.
fn check_frames(mut bytes: Bytes) {
    let mut decoder = MessageFrameDecoder::new();
    while !bytes.is_empty() {
        match decoder.decode_frame(&mut bytes) {
            Ok(DecodedFrame::Complete(message)) => drop(json(message.payload())),
            other => panic!("half a frame: {other:?}"),
        }
    }
}
