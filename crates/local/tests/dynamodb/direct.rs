//! The database without HTTP: the time is an argument.

use std::sync::Arc;

use hrload_base::clock::Clock;
use hrload_local::Failure;
use hrload_local::capture::{Capture, ChangeDelay};
use hrload_local::dynamodb::{Call, Database};
use hrload_local::faults::{FaultDice, Faults};
use hrload_local::kinesis::Streams;
use serde_json::{Value, json};

pub(crate) struct Direct {
    pub(crate) database: Database,
    pub(crate) now_us: u64,
}

impl Direct {
    pub(crate) fn new() -> Self {
        Self::retaining(u64::MAX)
    }

    pub(crate) fn retaining(bytes: u64) -> Self {
        let (region, account) = ("eu-west-1".to_owned(), "000000000000".to_owned());
        let dice = Arc::new(FaultDice::new(&Faults::default(), 1));
        let streams = Arc::new(Streams::new(region.clone(), account.clone(), bytes));
        let capture = Arc::new(Capture::start(
            Arc::clone(&streams),
            region.clone(),
            ChangeDelay::Fixed(0),
            Arc::clone(&dice),
            1,
            Clock::start(),
        ));
        Self {
            database: Database::new(region, account, bytes, streams, capture, dice),
            now_us: 1_700_000_000_000_000,
        }
    }

    /// An account with a table `t` keyed by `id` (S), and a table `s` keyed by
    /// `p` (S) and `k` (N), both active.
    pub(crate) fn with_tables() -> Self {
        Self::new().and_tables()
    }

    pub(crate) fn and_tables(mut self) -> Self {
        self.create("t.t", &[("id", "S")]);
        self.create("s.s", &[("p", "S"), ("k", "N")]);
        self.now_us += 1_000_000;
        self
    }

    pub(crate) fn create(&self, table: &str, keys: &[(&str, &str)]) {
        let roles = ["HASH", "RANGE"];
        let schema: Vec<Value> = keys
            .iter()
            .zip(roles)
            .map(|((name, _), role)| json!({"AttributeName": name, "KeyType": role}))
            .collect();
        let definitions: Vec<Value> = keys
            .iter()
            .map(|(name, kind)| json!({"AttributeName": name, "AttributeType": kind}))
            .collect();
        self.ok(
            "CreateTable",
            json!({"TableName": table, "KeySchema": schema, "AttributeDefinitions": definitions,
                   "BillingMode": "PAY_PER_REQUEST"}),
        );
    }

    pub(crate) fn call(&self, operation: &str, body: &str) -> Result<Value, Failure> {
        let mut answer = Vec::new();
        let call = Call {
            now_us: self.now_us,
            throttle: false,
        };
        self.database
            .call(operation, body.as_bytes(), call, &mut answer)?;
        Ok(if answer.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&answer).expect("answers are JSON")
        })
    }

    pub(crate) fn ok(&self, operation: &str, body: Value) -> Value {
        self.call(operation, &body.to_string())
            .unwrap_or_else(|failure| panic!("{operation} {body}: {failure:?}"))
    }

    pub(crate) fn refused(&self, operation: &str, body: &str) -> (&'static str, String) {
        match self.call(operation, body) {
            Ok(answer) => panic!("{operation} {body} was carried out: {answer}"),
            Err(failure) => (failure.exception, failure.message),
        }
    }
}
