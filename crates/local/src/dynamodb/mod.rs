//! DynamoDB, embedded: awsJson1.0, `DynamoDB_20120810`.
//!
//! In go operations; out come answers and, to [`super::capture`], changes.
//! Time is an argument. Items go a way written by hand, one pass from the
//! body's bytes to the table's; the control plane reads members by name.
//! What is not served is refused, never half done.

mod batch;
mod condition;
mod control;
mod create;
mod destination;
mod expression;
mod item;
mod json;
mod key;
pub(super) mod name;
mod number;
mod page;
mod problem;
mod query;
mod read;
pub(super) mod request;
mod reserved;
mod sets;
pub(super) mod shape;
mod shapes;
mod store;
mod stream;
mod table;
mod tagging;
mod throughput;
mod write;

use hrload_base::sync::{reading, writing};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde_json::{Value, json};

use self::request::Members;
use self::store::Retention;
use self::table::{Status, Table, Tables};
use super::capture::Capture;
use super::faults::FaultDice;
use super::kinesis::Streams;
use super::table_streams::TableStreams;
use super::{Failure, Limits};
use hrload_capacity::table::{Mode, Units};

pub(super) use self::table::TRANSITION_US;

/// All tables of the embedded DynamoDB.
pub struct Database {
    region: String,
    account: String,
    tables: Tables,
    retention: Retention,
    streams: Arc<Streams>,
    capture: Arc<Capture>,
    dice: Arc<FaultDice>,
    ids: AtomicU64,
    limits: Option<Arc<Limits>>,
    table_streams: Option<Arc<TableStreams>>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("region", &self.region)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// What a call comes with besides its body.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// When it is carried out: microseconds since the Unix epoch.
    pub now_us: u64,
    /// Whether a fault has it refused as throttled: a call that writes.
    pub throttle: bool,
}

/// Operations of DynamoDB that are not served.
const NOT_SERVED: &[&str] = &[
    "BatchExecuteStatement",
    "CancelBulkOperation",
    "CreateBackup",
    "CreateGlobalTable",
    "DeleteBackup",
    "DeleteResourcePolicy",
    "DescribeBackup",
    "DescribeBulkOperation",
    "DescribeContinuousBackups",
    "DescribeContributorInsights",
    "DescribeExport",
    "DescribeGlobalTable",
    "DescribeGlobalTableSettings",
    "DescribeImport",
    "DescribeTableReplicaAutoScaling",
    "DescribeTimeToLive",
    "ExecuteStatement",
    "ExecuteTransaction",
    "ExportTableToPointInTime",
    "GetResourcePolicy",
    "ImportTable",
    "ListBackups",
    "ListBulkOperations",
    "ListContributorInsights",
    "ListExports",
    "ListGlobalTables",
    "ListImports",
    "PutResourcePolicy",
    "RestoreTableFromBackup",
    "RestoreTableToPointInTime",
    "SearchVectors",
    "StartBulkPutItems",
    "TransactGetItems",
    "TransactWriteItems",
    "UpdateContinuousBackups",
    "UpdateContributorInsights",
    "UpdateGlobalTable",
    "UpdateGlobalTableSettings",
    "UpdateItem",
    "UpdateTableReplicaAutoScaling",
    "UpdateTimeToLive",
];

impl Database {
    /// An account without tables; keeps at most `retain_bytes` of items over
    /// all tables. Changes of tables with a streaming destination go to
    /// `capture`; `streams` says whether a stream exists.
    #[must_use]
    pub fn new(
        region: String,
        account: String,
        retain_bytes: u64,
        streams: Arc<Streams>,
        capture: Arc<Capture>,
        dice: Arc<FaultDice>,
    ) -> Self {
        Self {
            region,
            account,
            tables: Tables::default(),
            retention: Retention::new(retain_bytes),
            streams,
            capture,
            dice,
            ids: AtomicU64::new(0),
            limits: None,
            table_streams: None,
        }
    }

    /// The same with DynamoDB Streams, which tables have without it no way to.
    #[must_use]
    pub fn with_table_streams(mut self, table_streams: Arc<TableStreams>) -> Self {
        self.table_streams = Some(table_streams);
        self
    }

    /// The same under capacity limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Option<Arc<Limits>>) -> Self {
        self.limits = limits;
        self
    }

    /// Units provisioned for all tables but the one of this name.
    fn provisioned_besides(&self, name: &str, now_us: u64) -> Units {
        let tables = reading(&self.tables);
        let others = tables.values().filter(|table| table.name != name);
        let mut all = Units::default();
        for throughput in others.filter_map(|table| table.throughput.as_ref()) {
            if let Mode::Provisioned(units) = throughput.describe(now_us).mode {
                all.write += units.write;
                all.read += units.read;
            }
        }
        all
    }

    /// Carries out one operation (`PutItem`, ...) and appends the answer's
    /// JSON to `answer`, which is left as it was on failure.
    ///
    /// # Errors
    /// The service's own refusal.
    pub fn call(
        &self,
        operation: &str,
        body: &[u8],
        call: Call,
        answer: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let now_us = call.now_us;
        let body = std::str::from_utf8(body).map_err(|_| Failure::serialization(""))?;
        let value = match operation {
            "BatchWriteItem" => return batch::write(self, body, call, answer),
            "PutItem" => return write::put(self, body, call, answer),
            "DeleteItem" => return write::delete(self, body, call, answer),
            "GetItem" => return read::get(self, body, now_us, answer),
            "BatchGetItem" => return read::batch_get(self, body, now_us, answer),
            "Query" => return query::query(self, body, now_us, answer),
            "Scan" => return query::scan(self, body, now_us, answer),
            "TagResource" => return extend(answer, tagging::tag(self, body, now_us)),
            "UntagResource" => return extend(answer, tagging::untag(self, body, now_us)),
            "ListTagsOfResource" => tagging::list(self, body, now_us)?,
            "CreateTable" => create::create(self, body, now_us)?,
            "DescribeTable" => control::describe_table(self, body, now_us)?,
            "ListTables" => control::list_tables(self, body, now_us)?,
            "UpdateTable" => control::update_table(self, body, now_us)?,
            "DeleteTable" => control::delete_table(self, body, now_us)?,
            "DescribeLimits" => control::describe_limits(body)?,
            "DescribeEndpoints" => self.endpoints(body)?,
            "EnableKinesisStreamingDestination" => destination::enable(self, body, now_us)?,
            "DisableKinesisStreamingDestination" => destination::disable(self, body, now_us)?,
            "UpdateKinesisStreamingDestination" => destination::update(self, body, now_us)?,
            "DescribeKinesisStreamingDestination" => destination::describe(self, body, now_us)?,
            known if NOT_SERVED.contains(&known) => {
                return Err(Failure::unknown_operation(format!(
                    "{known} is not served by this local endpoint"
                )));
            }
            _ => return Err(Failure::unknown_operation("")),
        };
        answer.extend_from_slice(value.to_string().as_bytes());
        Ok(())
    }

    /// Items that made room for newer ones so far.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.retention.evicted()
    }

    fn endpoints(&self, body: &str) -> Result<Value, Failure> {
        Members::read(body, &shapes::NONE)?;
        Ok(json!({"Endpoints": [{
            "Address": format!("dynamodb.{}.amazonaws.com", self.region),
            "CachePeriodInMinutes": 1440,
        }]}))
    }

    /// Whether an ARN's beginning, up to the account, is that of tables here.
    fn is_here(&self, prefix: &str) -> bool {
        let rest = prefix.strip_prefix("arn:aws:dynamodb:");
        let place = rest.and_then(|rest| rest.split_once(':'));
        place == Some((&self.region, &self.account))
    }

    fn table_arn(&self, name: &str) -> String {
        format!(
            "arn:aws:dynamodb:{}:{}:table/{name}",
            self.region, self.account
        )
    }

    /// A table id: a UUID in form, different for each table of this process.
    fn next_id(&self) -> String {
        let n = self.ids.fetch_add(1, Relaxed);
        format!("{:08x}-0000-4000-8000-{n:012x}", std::process::id())
    }

    /// The table of this name, unless it is gone.
    fn table(&self, name: &str, now_us: u64) -> Option<Arc<Table>> {
        let tables = reading(&self.tables);
        let table = tables.get(name)?;
        if table.status(now_us) != Status::Gone {
            return Some(Arc::clone(table));
        }
        drop(tables);
        let mut tables = writing(&self.tables);
        if let Some(table) = tables.get(name)
            && table.status(now_us) == Status::Gone
        {
            // What a call wrote that had found the table before it was deleted.
            table.discard(&self.retention);
            tables.remove(name);
        }
        None
    }

    /// The table of this name, if its items can be read and written.
    fn serving_table(&self, name: &str, now_us: u64) -> Result<Arc<Table>, Failure> {
        self.table(name, now_us)
            .filter(|table| table.serves(now_us))
            .ok_or_else(|| {
                Failure::new("ResourceNotFoundException", "Requested resource not found")
            })
    }

    /// Makes room: as long as too much is kept, the segment with the oldest
    /// items over all tables goes. Rare, as each round frees a whole segment.
    fn make_room(&self) {
        while self.retention.exceeded() {
            let tables = reading(&self.tables);
            let oldest = tables
                .values()
                .flat_map(|table| (0..table::SHARDS).map(move |at| (table, at)))
                .filter_map(|(table, at)| Some((table.shard(at).oldest()?, table, at)))
                .min_by_key(|(oldest, ..)| *oldest);
            let Some((_, table, at)) = oldest else {
                return;
            };
            table.shard(at).evict_oldest(&self.retention);
        }
    }
}

fn extend(answer: &mut Vec<u8>, bytes: Result<Vec<u8>, Failure>) -> Result<(), Failure> {
    answer.extend_from_slice(&bytes?);
    Ok(())
}
