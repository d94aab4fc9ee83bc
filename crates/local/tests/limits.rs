//! The embedded services under AWS's capacity limits, hours in seconds: time is
//! an argument.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use hrload_base::clock::Clock;
use hrload_capacity::scaling::ScalingPolicy;
use hrload_capacity::table::Assumptions;
use hrload_local::Limits;
use hrload_local::capture::{Capture, ChangeDelay};
use hrload_local::dynamodb::{Call, Database};
use hrload_local::faults::{FaultDice, Faults};
use hrload_local::kinesis::{Answer, Streams};
use serde_json::{Value, json};

const SECOND_US: u64 = 1_000_000;

/// What became of writes.
#[derive(Clone, Debug, Default, PartialEq)]
struct Outcome {
    written: u64,
    refused: u64,
    /// Calls refused whole, by reason.
    reasons: BTreeMap<String, u64>,
}

/// Both services, in a time of their own far from the clock's.
struct Services {
    database: Database,
    streams: Arc<Streams>,
    capture: Arc<Capture>,
    now_us: u64,
    items: u64,
}

impl Services {
    fn new(limits: Limits) -> Self {
        let (region, account) = ("eu-west-1".to_owned(), "000000000000".to_owned());
        let limits = Some(Arc::new(limits));
        let dice = Arc::new(FaultDice::new(&Faults::default(), 1));
        let streams = Streams::new(region.clone(), account.clone(), 16 << 20);
        let streams = Arc::new(streams.with_limits(limits.clone()));
        let clock = Clock::start();
        let capture = Arc::new(Capture::start(
            Arc::clone(&streams),
            region.clone(),
            ChangeDelay::Fixed(0),
            Arc::clone(&dice),
            1,
            clock,
        ));
        let database = Database::new(
            region,
            account,
            16 << 20,
            Arc::clone(&streams),
            Arc::clone(&capture),
            dice,
        );
        Self {
            database: database.with_limits(limits),
            streams,
            capture,
            // Midnight UTC, years ahead: what real time would do is never due.
            now_us: 2_000_000_000 / 86_400 * 86_400 * SECOND_US,
            items: 0,
        }
    }

    fn dynamodb(&self, operation: &str, body: &str) -> Result<Value, Value> {
        let mut answer = Vec::new();
        let call = Call {
            now_us: self.now_us,
            throttle: false,
        };
        match self
            .database
            .call(operation, body.as_bytes(), call, &mut answer)
        {
            Ok(()) => Ok(serde_json::from_slice(&answer).unwrap()),
            Err(failure) => {
                let mut error = json!({"exception": failure.exception, "message": failure.message});
                error.as_object_mut().unwrap().extend(failure.members);
                Err(error)
            }
        }
    }

    fn kinesis(&self, operation: &str, body: &Value) -> Result<Value, String> {
        let body = body.to_string();
        match self.streams.call(operation, body.as_bytes(), self.now_us) {
            Ok(Answer::Json(answer)) if answer.is_empty() => Ok(Value::Null),
            Ok(Answer::Json(answer)) => Ok(serde_json::from_slice(&answer).unwrap()),
            Ok(Answer::Events(_)) => unreachable!(),
            Err(failure) => Err(format!("{}: {}", failure.exception, failure.message)),
        }
    }

    fn create(&mut self, settings: Value) {
        let mut body = json!({
            "TableName": "readings",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        });
        body.as_object_mut()
            .unwrap()
            .extend(settings.as_object().unwrap().clone());
        self.dynamodb("CreateTable", &body.to_string()).unwrap();
        self.now_us += SECOND_US;
    }

    fn on_demand() -> Value {
        json!({"BillingMode": "PAY_PER_REQUEST"})
    }

    fn provisioned(write: u64, read: u64) -> Value {
        json!({"ProvisionedThroughput": {"WriteCapacityUnits": write, "ReadCapacityUnits": read}})
    }

    fn table(&self) -> Value {
        self.dynamodb("DescribeTable", r#"{"TableName":"readings"}"#)
            .unwrap()["Table"]
            .clone()
    }

    /// Writes `rate` small items a second for so long, evenly, to keys never
    /// seen before, or all to one.
    fn write(&mut self, rate: u64, seconds: f64, one_key: bool) -> Outcome {
        let mut outcome = Outcome::default();
        let began_us = self.now_us;
        let items = (rate as f64 * seconds) as u64;
        // Small batches, so that a fast clock sees no clumps.
        let batch = if one_key { 1 } else { 5 };
        for done in (0..items).step_by(batch) {
            self.now_us = began_us + done * SECOND_US / rate;
            self.batch((items - done).min(batch as u64), one_key, &mut outcome);
        }
        self.now_us = began_us + (seconds * SECOND_US as f64) as u64;
        outcome
    }

    fn batch(&mut self, items: u64, one_key: bool, outcome: &mut Outcome) {
        let mut body = String::from(r#"{"RequestItems":{"readings":["#);
        for item in 0..items {
            let (comma, number) = (if item > 0 { "," } else { "" }, self.items);
            let key = if one_key { 7 } else { number };
            self.items += 1;
            write!(
                body,
                r#"{comma}{{"PutRequest":{{"Item":{{"id":{{"S":"{key}"}},"n":{{"N":"{number}"}}}}}}}}"#
            )
            .unwrap();
        }
        body.push_str("]}}");
        match self.dynamodb("BatchWriteItem", &body) {
            Ok(answer) => {
                let unprocessed = answer["UnprocessedItems"]["readings"].as_array();
                let refused = unprocessed.map_or(0, Vec::len) as u64;
                outcome.refused += refused;
                outcome.written += items - refused;
            }
            Err(error) => {
                let reasons = ["ThrottlingReasons", "throttlingReasons"];
                let reason = reasons
                    .iter()
                    .find_map(|at| error[*at][0]["reason"].as_str());
                let reason = reason.unwrap_or_else(|| panic!("{error}")).to_owned();
                *outcome.reasons.entry(reason).or_default() += 1;
                outcome.refused += items;
            }
        }
    }

    /// Writes a batch of items of so many bytes.
    fn large_batch(&mut self, items: u64, bytes: usize, outcome: &mut Outcome) {
        let text = "x".repeat(bytes);
        let puts: Vec<Value> = (0..items)
            .map(
                |n| json!({"PutRequest": {"Item": {"id": {"S": n.to_string()}, "t": {"S": text}}}}),
            )
            .collect();
        let body = json!({"RequestItems": {"readings": puts}});
        let answer = self.dynamodb("BatchWriteItem", &body.to_string()).unwrap();
        let unprocessed = answer["UnprocessedItems"]["readings"].as_array();
        let refused = unprocessed.map_or(0, Vec::len) as u64;
        outcome.refused += refused;
        outcome.written += items - refused;
    }

    fn follow(&mut self, shards: u32) {
        let create = json!({"StreamName": "changes", "ShardCount": shards});
        self.kinesis("CreateStream", &create).unwrap();
        self.now_us += SECOND_US;
        let body = json!({"TableName": "readings", "StreamArn":
            "arn:aws:kinesis:eu-west-1:000000000000:stream/changes"});
        self.dynamodb("EnableKinesisStreamingDestination", &body.to_string())
            .unwrap();
        self.now_us += SECOND_US;
    }
}

/// The first of so many seconds in which a write at this rate is refused.
fn first_refusal(services: &mut Services, rate: u64, seconds: u64) -> Option<u64> {
    (0..seconds).find(|_| services.write(rate, 1.0, false).refused > 0)
}

#[test]
fn a_provisioned_table_throttles_when_its_burst_is_spent() {
    let mut services = Services::new(cold(30));
    // Five minutes of saving and spending in ten seconds.
    // Four partitions: a share of 2,000 a second is far below what each takes.
    services.create(Services::provisioned(1_000, 9_000));
    // Saves all it can: 300 s of 1,000.
    services.now_us += 20 * SECOND_US;
    // 2,000 a second spend 1,000 of what is saved: 300 s, in 10 s of ours.
    let held = services.write(2_000, 9.8, false);
    assert_eq!(held.refused, 0, "{held:?}");
    let after = services.write(2_000, 10.0, false);
    let share = after.refused as f64 / (after.refused + after.written) as f64;
    assert!((0.47..0.51).contains(&share), "{after:?}");
    let reason = "TableWriteProvisionedThroughputExceeded";
    assert!(
        after.reasons.keys().all(|found| found == reason),
        "{after:?}"
    );
}

#[test]
fn a_new_on_demand_table_throttles_beyond_4_000_writes_a_second_and_then_grows() {
    let mut services = Services::new(Limits {
        time_scale: 60,
        ..Limits::default()
    });
    services.create(Services::on_demand());
    assert_eq!(
        services.table()["WarmThroughput"]["WriteUnitsPerSecond"],
        4_000
    );
    let early = services.write(10_000, 5.0, false);
    let admitted = early.written as f64 / 5.0;
    assert!((3_900.0..4_400.0).contains(&admitted), "{early:?}");
    // Half an hour of the table's time is a minute of ours.
    services.write(4_000, 65.0, false);
    let later = services.write(10_000, 5.0, false);
    assert!(later.written as f64 / 5.0 > 1.6 * admitted, "{later:?}");
    let warm = &services.table()["WarmThroughput"]["WriteUnitsPerSecond"];
    assert!(warm.as_u64().unwrap() >= 7_600, "{warm}");
}

#[test]
fn a_hot_key_is_capped_at_1_000_writes_a_second_however_large_the_table() {
    let mut services = Services::new(Limits::default());
    let mut settings = Services::on_demand();
    settings["WarmThroughput"] =
        json!({"WriteUnitsPerSecond": 40_000, "ReadUnitsPerSecond": 12_000});
    services.create(settings);
    let hot = services.write(2_000, 5.0, true);
    assert!((5_000..=6_000).contains(&hot.written), "{hot:?}");
    let reasons: Vec<&String> = hot.reasons.keys().collect();
    assert_eq!(reasons, ["TableWriteKeyRangeThroughputExceeded"]);
    // The others' keys have room.
    services.now_us += SECOND_US;
    assert_eq!(services.write(20_000, 1.0, false).refused, 0);
}

#[test]
fn a_stream_of_one_shard_falls_behind_without_failing_a_write_and_drains_when_it_has_four() {
    let mut services = Services::new(Limits::default());
    services.create(Services::on_demand());
    services.follow(1);
    let load = |services: &mut Services, seconds| {
        let outcome = services.write(2_000, seconds, false);
        assert_eq!(outcome.refused, 0, "{outcome:?}");
    };
    load(&mut services, 10.0);
    // Half of what is written arrives: after 10 s it is 5 s behind.
    let age_us = services.capture.oldest_age_us(services.now_us);
    assert!((4_000_000..5_500_000).contains(&age_us), "{age_us}");
    assert!(services.capture.throttled() > 8_000);
    load(&mut services, 10.0);
    let later_us = services.capture.oldest_age_us(services.now_us);
    assert!((9_000_000..11_000_000).contains(&later_us), "{later_us}");

    let scale = |services: &mut Services, target: u32| {
        let body = json!({"StreamName": "changes", "TargetShardCount": target,
            "ScalingType": "UNIFORM_SCALING"});
        services.kinesis("UpdateShardCount", &body)
    };
    let refused = scale(&mut services, 4).unwrap_err();
    assert!(refused.contains("over double"), "{refused}");
    for target in [2, 4] {
        scale(&mut services, target).unwrap();
        let mut seconds = 0;
        let status = |services: &Services| {
            let body = json!({"StreamName": "changes"});
            let summary = services.kinesis("DescribeStreamSummary", &body).unwrap();
            summary["StreamDescriptionSummary"]["StreamStatus"].clone()
        };
        while status(&services) == "UPDATING" {
            load(&mut services, 1.0);
            seconds += 1;
        }
        assert!(
            (25..=40).contains(&seconds),
            "{seconds} s to {target} shards"
        );
    }
    // Four shards take 4,000 a second: the backlog goes as fast as it came.
    load(&mut services, 60.0);
    assert_eq!(services.capture.pending(), 0);
    assert_eq!(services.capture.failed(), 0);
    assert_eq!(services.capture.delivered(), services.items);
}

/// Limits of tables that begin with a second of their units, so that what they save
/// afterwards is seen.
fn cold(time_scale: u32) -> Limits {
    Limits {
        time_scale,
        table: Assumptions {
            initial_burst_us: SECOND_US,
            ..Assumptions::default()
        },
        ..Limits::default()
    }
}

#[test]
fn what_is_allowed_in_a_second_is_allowed_at_every_time_scale() {
    for time_scale in [1, 7, 60, 100] {
        let services = || {
            Services::new(Limits {
                time_scale,
                ..Limits::default()
            })
        };
        // A hundred units at once of a new on-demand table's 4,000.
        let mut new = services();
        new.create(Services::on_demand());
        let mut outcome = Outcome::default();
        new.large_batch(25, 4_000, &mut outcome);
        assert_eq!((outcome.written, outcome.refused), (25, 0), "x{time_scale}");
        let mut half = services();
        half.create(Services::on_demand());
        let outcome = half.write(2_000, 8.0, false);
        assert_eq!(outcome.refused, 0, "x{time_scale}: {outcome:?}");
        // All of a provisioned table's second at once, and then each second's.
        let mut provisioned = services();
        provisioned.create(Services::provisioned(50, 5));
        let mut outcome = Outcome::default();
        for _ in 0..2 {
            provisioned.batch(25, false, &mut outcome);
        }
        assert_eq!(outcome.refused, 0, "x{time_scale}");
        provisioned.now_us += SECOND_US;
        let outcome = provisioned.write(50, 10.0, false);
        assert_eq!(outcome.refused, 0, "x{time_scale}: {outcome:?}");
        // Nor is more: a key has its 1,000.
        let mut hot = services();
        hot.create(Services::on_demand());
        let outcome = hot.write(2_000, 2.0, true);
        assert!(
            (1_980..=3_000).contains(&outcome.written),
            "x{time_scale}: {outcome:?}"
        );
    }
}

#[test]
fn time_scaled_or_not_a_table_refuses_as_much() {
    let refused = |time_scale: u32| {
        let mut services = Services::new(cold(time_scale));
        services.create(Services::provisioned(500, 9_000));
        let scale = f64::from(time_scale);
        // Two minutes, less the second since it was made.
        services.now_us += 120 * SECOND_US / u64::from(time_scale) - SECOND_US;
        let outcome = services.write(1_200, 240.0 / scale, false);
        outcome.refused as f64 * scale
    };
    let (plain, scaled) = (refused(1), refused(20));
    assert!(plain > 10_000.0);
    assert!((scaled / plain - 1.0).abs() < 0.02, "{scaled} and {plain}");
}

#[test]
fn auto_scaling_raises_a_provisioned_table_after_two_busy_minutes() {
    let mut services = Services::new(Limits {
        time_scale: 60,
        auto_scaling: Some(ScalingPolicy {
            target_percent: 70,
            minimum: 500,
            maximum: 4_000,
        }),
        ..Limits::default()
    });
    services.create(Services::provisioned(500, 9_000));
    let units = |services: &Services| {
        services.table()["ProvisionedThroughput"]["WriteCapacityUnits"]
            .as_u64()
            .unwrap()
    };
    let minute = 1.0;
    services.write(700, 2.0 * minute, false);
    assert_eq!(units(&services), 500, "alarm and update take minutes");
    services.write(700, 8.0 * minute, false);
    let raised = units(&services);
    assert!((900..=1_100).contains(&raised), "{raised}");
    let held = services.write(700, 5.0 * minute, false);
    assert_eq!(held.refused, 0, "{held:?}");
}

#[test]
fn an_on_demand_stream_splits_its_busy_shards() {
    let mut services = Services::new(Limits {
        time_scale: 60,
        ..Limits::default()
    });
    let mut settings = Services::on_demand();
    settings["WarmThroughput"] =
        json!({"WriteUnitsPerSecond": 12_000, "ReadUnitsPerSecond": 12_000});
    services.create(settings);
    let create = json!({"StreamName": "changes",
        "StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
    services.kinesis("CreateStream", &create).unwrap();
    services.now_us += SECOND_US;
    let body = json!({"TableName": "readings", "StreamArn":
        "arn:aws:kinesis:eu-west-1:000000000000:stream/changes"});
    services
        .dynamodb("EnableKinesisStreamingDestination", &body.to_string())
        .unwrap();
    services.now_us += SECOND_US;
    let shards = |services: &Services| {
        let body = json!({"StreamName": "changes"});
        let summary = services.kinesis("DescribeStreamSummary", &body).unwrap();
        summary["StreamDescriptionSummary"]["OpenShardCount"].clone()
    };
    assert_eq!(shards(&services), 4);
    // 750 records a second in each shard: split within a quarter of an hour.
    services.write(3_000, 10.0, false);
    assert_eq!(shards(&services), 4);
    services.write(3_000, 8.0, false);
    assert_eq!(shards(&services), 8);
    assert_eq!(services.capture.failed(), 0);
}

#[test]
fn reads_are_throttled_by_shard_calls_and_by_table_units() {
    let mut services = Services::new(Limits::default());
    services.create(Services::provisioned(100, 5));
    services.follow(1);
    assert_eq!(services.write(20, 1.0, false).refused, 0);
    let get = r#"{"TableName":"readings","Key":{"id":{"S":"3"}},"ConsistentRead":true}"#;
    // Five units a second: 300 s of them are saved, and what the set-up took.
    let outcomes: Vec<_> = (0..1_600)
        .map(|_| services.dynamodb("GetItem", get))
        .collect();
    let refused = outcomes.iter().find_map(|o| o.as_ref().err()).unwrap();
    assert_eq!(
        refused["exception"],
        "ProvisionedThroughputExceededException"
    );
    assert_eq!(
        refused["ThrottlingReasons"][0]["reason"],
        "TableReadProvisionedThroughputExceeded"
    );
    let iterator = json!({"StreamName": "changes", "ShardId": "shardId-000000000000",
        "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = services.kinesis("GetShardIterator", &iterator).unwrap();
    let read = json!({"ShardIterator": iterator["ShardIterator"]});
    let reads: Vec<_> = (0..6)
        .map(|_| services.kinesis("GetRecords", &read))
        .collect();
    assert!(reads[..5].iter().all(Result::is_ok));
    let refused = reads[5].as_ref().unwrap_err();
    assert!(refused.starts_with("ProvisionedThroughputExceededException: Rate exceeded"));
    services.now_us += SECOND_US;
    assert!(services.kinesis("GetRecords", &read).is_ok());
}

#[test]
fn update_table_takes_its_time_and_is_refused_beyond_the_quotas() {
    let mut services = Services::new(Limits::default());
    services.create(Services::provisioned(10, 10));
    let update = |services: &Services, write: u64| {
        services.dynamodb(
            "UpdateTable",
            &json!({"TableName": "readings", "ProvisionedThroughput":
                {"WriteCapacityUnits": write, "ReadCapacityUnits": 10}})
            .to_string(),
        )
    };
    let beyond = update(&services, 50_000).unwrap_err();
    assert_eq!(beyond["exception"], "LimitExceededException");
    update(&services, 100).unwrap();
    let table = services.table();
    assert_eq!(table["TableStatus"], "UPDATING");
    assert_eq!(table["ProvisionedThroughput"]["WriteCapacityUnits"], 10);
    services.now_us += 3 * 60 * SECOND_US;
    let table = services.table();
    assert_eq!(table["TableStatus"], "ACTIVE");
    assert_eq!(table["ProvisionedThroughput"]["WriteCapacityUnits"], 100);
}

#[test]
fn a_new_provisioned_table_gives_its_whole_burst_before_it_refuses() {
    // 300 s of 10 units, spent at 90 a second more than it gets.
    let mut services = Services::new(Limits::default());
    services.create(Services::provisioned(10, 5));
    let first = first_refusal(&mut services, 100, 60);
    assert!(matches!(first, Some(33)), "{first:?}");
    let outcome = services.write(100, 10.0, false);
    assert!((95..=110).contains(&outcome.written), "{outcome:?}");
    // One that starts without savings refuses within its first seconds.
    let mut steady = Services::new(Limits::default().without_savings());
    steady.create(Services::provisioned(1_000, 9_000));
    let first = first_refusal(&mut steady, 2_000, 10);
    assert!(matches!(first, Some(0..=2)), "{first:?}");
}
