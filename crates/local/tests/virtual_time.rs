//! The planner's virtual time beside the embedded services' own: the same
//! demand, refused as often, whichever way time passes.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::sync::Arc;

use hrload_base::clock::Clock;
use hrload_capacity::plan::{Seconds, Table, simulate};
use hrload_capacity::table::Assumptions;
use hrload_local::Limits;
use hrload_local::capture::{Capture, ChangeDelay};
use hrload_local::dynamodb::{Call, Database};
use hrload_local::faults::{FaultDice, Faults};
use hrload_local::kinesis::Streams;
use serde_json::{Value, json};

const SECOND_US: u64 = 1_000_000;
/// Midnight UTC, years ahead: what real time would do is never due.
const BEGIN_US: u64 = 2_000_000_000 / 86_400 * 86_400 * SECOND_US;

/// Of tables that begin with a second of their units, so that what they save
/// afterwards is seen.
fn cold() -> Assumptions {
    Assumptions {
        initial_burst_us: SECOND_US,
        ..Assumptions::default()
    }
}

/// An embedded DynamoDB with one provisioned table.
struct Service {
    database: Database,
    items: u64,
}

impl Service {
    fn with_table(units: u64, time_scale: u32) -> Self {
        let (region, account) = ("eu-west-1".to_owned(), "000000000000".to_owned());
        let limits = Some(Arc::new(Limits {
            time_scale,
            table: cold(),
            ..Limits::default()
        }));
        let dice = Arc::new(FaultDice::new(&Faults::default(), 1));
        let streams = Arc::new(Streams::new(region.clone(), account.clone(), 1 << 20));
        let capture = Capture::start(
            Arc::clone(&streams),
            region.clone(),
            ChangeDelay::Fixed(0),
            Arc::clone(&dice),
            1,
            Clock::start(),
        );
        let database = Database::new(region, account, 1 << 20, streams, Arc::new(capture), dice);
        let service = Self {
            database: database.with_limits(limits),
            items: 0,
        };
        let table = json!({
            "TableName": "readings",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "ProvisionedThroughput": {"WriteCapacityUnits": units, "ReadCapacityUnits": 5},
        });
        service
            .call("CreateTable", &table.to_string(), BEGIN_US)
            .unwrap();
        service
    }

    fn call(&self, operation: &str, body: &str, now_us: u64) -> Result<Value, String> {
        let mut answer = Vec::new();
        let call = Call {
            now_us,
            throttle: false,
        };
        match self
            .database
            .call(operation, body.as_bytes(), call, &mut answer)
        {
            Ok(()) => Ok(serde_json::from_slice(&answer).unwrap()),
            Err(failure) => Err(failure.exception.to_owned()),
        }
    }

    /// Writes an item to a key never seen before; false if it is throttled.
    fn write(&mut self, now_us: u64) -> bool {
        self.items += 1;
        let mut body = String::new();
        write!(
            body,
            r#"{{"TableName":"readings","Item":{{"id":{{"S":"{}"}}}}}}"#,
            self.items
        )
        .unwrap();
        match self.call("PutItem", &body, now_us) {
            Ok(_) => true,
            Err(exception) => {
                assert_eq!(exception, "ProvisionedThroughputExceededException");
                false
            }
        }
    }
}

/// What became of a demand.
#[derive(Debug, PartialEq)]
struct Outcome {
    throttled_writes: u64,
    throttled_seconds: u64,
    delayed: u64,
    left: u64,
}

/// Offers to a service what is due in each second; what is refused is tried
/// again in the next one, spread over it. With scaled time, seconds are as much
/// shorter, and so much less is due in each.
fn in_real_time(units: u64, due: &[u64], time_scale: u32) -> Outcome {
    let mut service = Service::with_table(units, time_scale);
    let scale = u64::from(time_scale);
    let second_us = SECOND_US / scale;
    let mut outcome = Outcome {
        throttled_writes: 0,
        throttled_seconds: 0,
        delayed: 0,
        left: 0,
    };
    for (second, &due) in (0u64..).zip(due) {
        assert!(due.is_multiple_of(scale));
        let (due, waiting) = (due / scale, outcome.left);
        let offered = due + waiting;
        let written = (0..offered)
            .filter(|n| {
                let within_us = n * second_us / offered;
                service.write(BEGIN_US + second * second_us + within_us)
            })
            .count() as u64;
        outcome.left = offered - written;
        outcome.throttled_writes += outcome.left;
        outcome.throttled_seconds += u64::from(outcome.left > 0);
        // Those that wait are written first.
        outcome.delayed += due - due.min(written.saturating_sub(waiting));
    }
    outcome.throttled_writes *= scale;
    outcome.delayed *= scale;
    outcome.left *= scale;
    outcome
}

fn in_virtual_time(units: u64, due: &[u64]) -> Outcome {
    let seconds = Seconds::exactly(due);
    let held = simulate(Table::Provisioned(units), &seconds, 1, &cold());
    Outcome {
        throttled_writes: held.throttled_writes,
        throttled_seconds: held.throttled_seconds,
        delayed: held.delayed,
        left: held.left,
    }
}

/// A minute of saving, a minute of more than the table has, and what follows.
fn demand(busy: u64, after: u64) -> Vec<u64> {
    let mut due = vec![0; 60];
    due.extend([busy; 60]);
    due.extend([after; 60]);
    due
}

#[test]
fn real_scaled_and_virtual_time_throttle_as_often() {
    // Below a partition's 1,000 a second: those are of a real second at any pace.
    for (units, busy, after, time_scale) in
        [(100, 250, 40, 1), (100, 250, 40, 10), (400, 980, 200, 20)]
    {
        let due = demand(busy, after);
        let planned = in_virtual_time(units, &due);
        let real = in_real_time(units, &due, time_scale);
        let case = format!("{units} units, x{time_scale}: {real:?}, planned {planned:?}");
        assert!(planned.throttled_writes > 1_000, "{case}");
        for (real, planned) in [
            (real.throttled_writes, planned.throttled_writes),
            (real.throttled_seconds, planned.throttled_seconds),
            (real.delayed, planned.delayed),
        ] {
            let ratio = real as f64 / planned as f64;
            assert!((0.98..=1.02).contains(&ratio), "{case}");
        }
    }
}

#[test]
fn below_its_units_a_table_throttles_in_neither_time() {
    let due = demand(100, 90);
    assert_eq!(in_virtual_time(100, &due), in_real_time(100, &due, 1));
    assert_eq!(in_virtual_time(100, &due).throttled_writes, 0);
}
