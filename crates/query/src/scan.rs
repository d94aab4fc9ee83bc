//! Objects of a lake, read as rows: what both tables have in common.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::DFSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures_util::stream;

use super::objects::{Timed, Times, deal};
use hrload_base::sync::locked;
use hrload_lake::Lake;
use hrload_lake::read::{self as lake, Remark, Remarks, Tally};

/// What a statement has read so far.
#[derive(Debug, Default)]
pub struct Scanned {
    known: AtomicU64,
    /// Keys of those that were read.
    objects: Mutex<HashSet<String>>,
    bytes: AtomicU64,
    records: AtomicU64,
    remarks: Mutex<Remarks>,
}

impl Scanned {
    /// Objects of the tables that the statement names, read or not.
    #[must_use]
    pub fn known(&self) -> u64 {
        self.known.load(Ordering::Relaxed)
    }

    /// Objects read, each once: a statement that names two tables of a lake reads one for
    /// both.
    #[must_use]
    pub fn objects(&self) -> u64 {
        locked(&self.objects).len() as u64
    }

    /// Bytes read from them, as they lie there; of one that was read twice, twice.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Records read from them.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    /// Remarks on what was read.
    #[must_use]
    pub fn remarks(&self) -> Tally {
        locked(&self.remarks).total()
    }

    pub(super) fn add_records(&self, records: u64) {
        self.records.fetch_add(records, Ordering::Relaxed);
    }

    /// Remarks on an object as far as it was read; a statement may read one twice.
    pub(super) fn add_remarks(&self, object: &str, tally: &Tally) {
        let mut remarks = locked(&self.remarks);
        remarks.cover(object, tally);
    }
}

/// The text of an object, and how far it was read.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) of: Timed,
    pub(super) bytes: Vec<u8>,
    pub(super) at: usize,
    pub(super) tally: Tally,
}

/// How the text of objects becomes rows.
pub(super) trait Decode: fmt::Debug + Send + Sync + 'static {
    /// Rows of the text from where it was read to, at most `rows`; `None` when
    /// there are no more.
    fn decode(
        &self,
        text: &mut Text,
        rows: usize,
        scanned: &Scanned,
    ) -> Result<Option<RecordBatch>>;
}

/// What every scan of a lake is told.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) lake: Lake,
    pub(super) objects: Arc<Vec<Timed>>,
    /// Names that lead to no object.
    pub(super) names: Arc<Tally>,
    pub(super) scanned: Arc<Scanned>,
    /// Read whatever their names say, if nothing is promised.
    pub(super) late: Option<Duration>,
}

impl Source {
    /// The objects that may hold rows for which `filters` are true. `schema` is
    /// the whole table's.
    pub(super) fn prune(
        &self,
        session: &dyn Session,
        schema: &SchemaRef,
        filters: &[Expr],
    ) -> Result<Vec<Timed>> {
        let Some(filter) = conjunction(filters.iter().cloned()) else {
            return Ok(self.objects.to_vec());
        };
        let named = DFSchema::try_from(Arc::clone(schema))?;
        let filter = session.create_physical_expr(filter, &named)?;
        let predicate = PruningPredicateBuilder::new()
            .with_file_schema(Arc::clone(schema))
            .try_build(filter)?;
        let times = Times {
            objects: &self.objects,
            late: self.late,
        };
        let kept = predicate.prune(&times)?;
        let objects = self.objects.iter().zip(kept);
        Ok(objects
            .filter(|(_, kept)| *kept)
            .map(|(of, _)| of.clone())
            .collect())
    }

    /// A plan that reads `objects`, a share of them on each core. `schema` is what
    /// `decode` makes.
    pub(super) fn plan(
        &self,
        session: &dyn Session,
        objects: Vec<Timed>,
        schema: &SchemaRef,
        decode: Arc<dyn Decode>,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.scanned
            .known
            .fetch_max(self.objects.len() as u64, Ordering::Relaxed);
        self.scanned.add_remarks("", &self.names);
        let hands = session
            .config()
            .target_partitions()
            .min(objects.len().max(1));
        let partitions = deal(objects, hands).into_iter().map(|objects| {
            let hand = Hand {
                source: self.clone(),
                objects,
                schema: Arc::clone(schema),
                decode: Arc::clone(&decode),
            };
            Arc::new(hand) as Arc<dyn PartitionStream>
        });
        Ok(Arc::new(StreamingTableExec::try_new(
            Arc::clone(schema),
            partitions.collect(),
            None,
            [],
            false,
            limit,
        )?))
    }

    async fn text(&self, of: Timed) -> Result<Option<Text>> {
        let read = self.lake.text(&of.object).await;
        let read = read.map_err(|error| DataFusionError::External(Box::new(error)))?;
        let bytes = match read {
            lake::Text::Whole(bytes) => bytes,
            lake::Text::Gone => return Ok(None),
            lake::Text::Unreadable(why) => {
                let mut tally = Tally::default();
                tally.whole(Remark::Object, &of.object.key, why);
                self.scanned.add_remarks(&of.object.key, &tally);
                return Ok(None);
            }
        };
        let mut objects = locked(&self.scanned.objects);
        objects.insert(of.object.key.clone());
        drop(objects);
        self.scanned
            .bytes
            .fetch_add(of.object.bytes, Ordering::Relaxed);
        Ok(Some(Text {
            of,
            bytes,
            at: 0,
            tally: Tally::default(),
        }))
    }
}

/// The objects that one core reads, one after the other: one text at a time is in
/// memory.
#[derive(Debug)]
struct Hand {
    source: Source,
    objects: Vec<Timed>,
    schema: SchemaRef,
    decode: Arc<dyn Decode>,
}

struct Reading {
    source: Source,
    decode: Arc<dyn Decode>,
    rows: usize,
    left: VecDeque<Timed>,
    text: Option<Text>,
}

impl Reading {
    async fn next(mut self) -> Result<Option<(RecordBatch, Self)>> {
        loop {
            if let Some(text) = &mut self.text {
                let scanned = &self.source.scanned;
                let rows = self.decode.decode(text, self.rows, scanned)?;
                if !text.tally.is_empty() {
                    scanned.add_remarks(&text.of.object.key, &text.tally);
                }
                if let Some(rows) = rows {
                    return Ok(Some((rows, self)));
                }
                self.text = None;
            }
            let Some(next) = self.left.pop_front() else {
                return Ok(None);
            };
            self.text = self.source.text(next).await?;
        }
    }
}

impl PartitionStream for Hand {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let reading = Reading {
            source: self.source.clone(),
            decode: Arc::clone(&self.decode),
            rows: context.session_config().batch_size(),
            left: self.objects.clone().into(),
            text: None,
        };
        let batches = stream::try_unfold(reading, Reading::next);
        let schema = Arc::clone(&self.schema);
        Box::pin(RecordBatchStreamAdapter::new(schema, batches))
    }
}
