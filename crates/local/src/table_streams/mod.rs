//! DynamoDB Streams, embedded: awsJson1.0, `DynamoDBStreams_20120810`.
//!
//! In go operations and, from [`super::capture`], change records of tables whose
//! stream is enabled; out come answers. Records wait as long as those on their way to
//! Kinesis, and lie in logs of the same make ([`super::kinesis`]), without its capacity
//! rules: a table's stream takes what its table takes. Must not know tables' contents.
//!
//! As on AWS a shard gives at most 1,000 records or 1 MB a call, keeps them for a day,
//! and can be read for as long after its table is gone. A stream has a shard for each
//! partition that its table had when it was enabled; AWS splits them as the table
//! grows, and rolls them over every few hours.

mod operations;
mod place;
mod record;
mod shapes;

use hrload_base::sync::{reading, writing};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, RwLock};

use serde_json::{Value, json};

use super::Failure;
use super::capture::{Capture, Link};
use super::kinesis::Streams;

/// Which images a stream's records have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    KeysOnly,
    NewImage,
    OldImage,
    NewAndOldImages,
}

impl View {
    const ALL: [Self; 4] = [
        Self::NewImage,
        Self::OldImage,
        Self::NewAndOldImages,
        Self::KeysOnly,
    ];

    /// `StreamViewType`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::KeysOnly => "KEYS_ONLY",
            Self::NewImage => "NEW_IMAGE",
            Self::OldImage => "OLD_IMAGE",
            Self::NewAndOldImages => "NEW_AND_OLD_IMAGES",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.name() == name)
    }

    /// Whether its records show an item as it is now, and as it was.
    pub(super) fn shows(self) -> (bool, bool) {
        match self {
            Self::KeysOnly => (false, false),
            Self::NewImage => (true, false),
            Self::OldImage => (false, true),
            Self::NewAndOldImages => (true, true),
        }
    }
}

/// The stream of one table, from the moment it was enabled.
#[derive(Debug)]
pub(super) struct TableStream {
    pub(super) arn: String,
    /// When it was enabled, as its ARN ends.
    pub(super) label: String,
    pub(super) table: String,
    pub(super) view: View,
    /// The way changes take into it.
    pub(super) link: Arc<Link>,
    /// The table's `KeySchema`.
    keys: Value,
    created_us: u64,
    shards: u32,
    log: String,
    /// When it was disabled, or its table deleted; `u64::MAX` before.
    disabled_us: AtomicU64,
}

/// How long enabling and disabling take.
const TRANSITION_US: u64 = super::dynamodb::TRANSITION_US;

impl TableStream {
    /// Ends it: later changes do not get into it, those captured before still do.
    pub(super) fn disable(&self, now_us: u64) {
        self.disabled_us.store(now_us, Relaxed);
        self.link.close();
    }

    fn status(&self, now_us: u64) -> &'static str {
        let disabled_us = self.disabled_us.load(Relaxed);
        match now_us.checked_sub(disabled_us) {
            Some(since_us) if since_us < TRANSITION_US => "DISABLING",
            Some(_) => "DISABLED",
            None if now_us < self.created_us + TRANSITION_US => "ENABLING",
            None => "ENABLED",
        }
    }

    /// Whether no record will come into it any more.
    fn is_over(&self) -> bool {
        self.disabled_us.load(Relaxed) != u64::MAX && self.link.is_done()
    }

    /// `shardId-` and twenty digits of the time, then which of them it is.
    fn shard_id(&self, number: u32) -> String {
        format!("shardId-{:020}-{number:08x}", self.created_us / 1000)
    }

    fn shard_number(&self, id: &str) -> Option<u32> {
        let (_, number) = id.rsplit_once('-')?;
        let number = u32::from_str_radix(number, 16).ok()?;
        (number < self.shards && self.shard_id(number) == id).then_some(number)
    }
}

/// What enabling a table's stream needs to know.
#[derive(Debug)]
pub(super) struct Enabled<'a> {
    pub(super) table: &'a str,
    pub(super) table_arn: &'a str,
    pub(super) view: View,
    pub(super) keys: Value,
    pub(super) shards: u32,
}

/// The streams of all tables.
#[derive(Debug)]
pub struct TableStreams {
    logs: Arc<Streams>,
    capture: Capture,
    streams: RwLock<BTreeMap<String, Arc<TableStream>>>,
}

impl TableStreams {
    /// An account without any. `capture` must move records into `logs`, which no call
    /// of Kinesis may reach.
    #[must_use]
    pub fn new(logs: Arc<Streams>, capture: Capture) -> Self {
        Self {
            logs,
            capture,
            streams: RwLock::default(),
        }
    }

    /// How many records were trimmed when a reader came to them.
    #[must_use]
    pub fn trimmed_unread(&self) -> u64 {
        self.logs.trimmed_unread()
    }

    /// Enables a table's stream.
    pub(super) fn enable(&self, enabled: Enabled<'_>, now_us: u64) -> Arc<TableStream> {
        let mut streams = writing(&self.streams);
        // Labels are times to the millisecond, and tell streams of a table apart.
        let mut label_ms = now_us / 1000;
        let (label, arn) = loop {
            let label = label(label_ms);
            let arn = format!("{}/stream/{label}", enabled.table_arn);
            if !streams.contains_key(&arn) {
                break (label, arn);
            }
            label_ms += 1;
        };
        let name = format!("{}/{label}", enabled.table);
        let log = self.logs.open_log(&name, enabled.shards, now_us);
        let stream = Arc::new(TableStream {
            link: self.capture.link(enabled.table, &log, None),
            arn: arn.clone(),
            label,
            table: enabled.table.to_owned(),
            view: enabled.view,
            keys: enabled.keys,
            created_us: now_us,
            shards: enabled.shards,
            log,
            disabled_us: AtomicU64::new(u64::MAX),
        });
        streams.insert(arn, Arc::clone(&stream));
        stream
    }

    /// Carries out one operation (`GetRecords`, ...) and returns the answer's JSON.
    ///
    /// # Errors
    /// The service's own refusal.
    pub fn call(&self, operation: &str, body: &[u8], now_us: u64) -> Result<Vec<u8>, Failure> {
        let body = std::str::from_utf8(body).map_err(|_| Failure::serialization(""))?;
        match operation {
            "ListStreams" => self.list_streams(body),
            "DescribeStream" => self.describe_stream(body, now_us),
            "GetShardIterator" => self.get_shard_iterator(body, now_us),
            "GetRecords" => self.get_records(body, now_us),
            _ => Err(Failure::unknown_operation("")),
        }
    }

    /// CPU time that moving records has used so far, in microseconds.
    pub(super) fn cpu_us(&self) -> u64 {
        self.capture.cpu_us()
    }

    fn stream(&self, arn: &str) -> Result<Arc<TableStream>, Failure> {
        operations::check_arn(arn)?;
        let streams = reading(&self.streams);
        streams.get(arn).cloned().ok_or_else(|| {
            Failure::new(
                "ResourceNotFoundException",
                format!("Requested resource not found: Stream: {arn} not found"),
            )
        })
    }
}

/// A time as streams are labelled: `2026-01-31T12:34:56.789`.
fn label(epoch_ms: u64) -> String {
    jiff::Timestamp::from_millisecond(epoch_ms as i64).map_or_else(
        |_| epoch_ms.to_string(),
        |time| time.strftime("%Y-%m-%dT%H:%M:%S.%3f").to_string(),
    )
}

/// `StreamSpecification` of a table whose stream is enabled.
pub(super) fn specification(view: View) -> Value {
    json!({"StreamEnabled": true, "StreamViewType": view.name()})
}
