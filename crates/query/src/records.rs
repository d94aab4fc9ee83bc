//! Tables of change records as they lie there: columns found in the records, or
//! declared by `CREATE EXTERNAL TABLE`. Names are in lower case, as in Athena's
//! catalog, so that a statement may spell them in any.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StructArray,
    TimestampMicrosecondBuilder, new_null_array,
};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{
    DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit,
};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::ReaderBuilder;
use datafusion::arrow::json::reader::infer_json_schema_from_iterator;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use serde_json::Value;

use super::columns;
use super::error::QueryError;
use super::leaves::Leaves;
use super::objects::Timed;
use super::scan::{Decode, Scanned, Source, Text};
use super::spelling::spell;
use super::types::{self, ColumnType};
use hrload_lake::Lake;
use hrload_lake::read::{self as lake, Piece, Records, Remark, Tally};

/// Objects and records of each that are looked at to find what columns there are:
/// the oldest, the newest and some between.
const LOOK_OBJECTS: usize = 8;
const LOOK_RECORDS: usize = 200;

/// What records have, in lower case and alphabetical order.
pub(super) async fn discover(lake: &Lake, objects: &[Timed]) -> Result<Fields, QueryError> {
    let mut sorted: Vec<_> = objects.iter().map(|of| &of.object).collect();
    sorted.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    let last = sorted.len().saturating_sub(1);
    let looks = LOOK_OBJECTS.min(sorted.len());
    let chosen = (0..looks).map(|look| look * last / looks.max(2).saturating_sub(1));
    let mut chosen: Vec<usize> = chosen.collect();
    chosen.dedup();
    // Where those tell nothing, the others may.
    let others = (0..sorted.len()).filter(|index| !chosen.contains(index));
    let mut found = Schema::empty();
    let mut tally = Tally::default();
    for (look, index) in chosen.iter().copied().chain(others).enumerate() {
        if look >= chosen.len() && !found.fields().is_empty() {
            break;
        }
        let object = sorted[index];
        match lake.text(object).await? {
            lake::Text::Whole(text) => {
                let records = sampled(&object.key, &text, &mut tally);
                found = merge(found, &records)?;
            }
            lake::Text::Gone => {}
            lake::Text::Unreadable(why) => tally.whole(Remark::Object, &object.key, why),
        }
    }
    if found.fields().is_empty() {
        return Err(QueryError::NoRecords {
            place: lake.place().to_owned(),
            tally,
        });
    }
    Ok(settled(found.fields()))
}

/// The first records of a text, their names in lower case.
fn sampled(key: &str, text: &[u8], tally: &mut Tally) -> Vec<Value> {
    let mut records = Vec::new();
    for (at, piece) in Records::of(text) {
        match piece {
            Piece::Record(record) => {
                // What is nested deeper than can be read is no column.
                if let Ok(record) = serde_json::from_slice(record) {
                    records.push(lowered(record));
                }
            }
            Piece::Other => tally.at(Remark::NoRecord, key, at, String::new),
            Piece::Broken(why) => tally.at(Remark::Line, key, at, || why),
        }
        if records.len() == LOOK_RECORDS {
            break;
        }
    }
    records
}

fn lowered(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), lowered(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(lowered).collect(),
        value => value,
    }
}

/// The columns of both. A record that contradicts those before it is left out.
fn merge(found: Schema, records: &[Value]) -> Result<Schema, ArrowError> {
    let infer = |records: &[Value]| infer_json_schema_from_iterator(records.iter().map(Ok));
    let all = infer(records).and_then(|new| Schema::try_merge([found.clone(), new]));
    if let Ok(all) = all {
        return Ok(all);
    }
    records.iter().try_fold(found, |found, record| {
        let both = infer(std::slice::from_ref(record))
            .and_then(|new| Schema::try_merge([found.clone(), new]));
        Ok(both.unwrap_or(found))
    })
}

/// In alphabetical order; what was null everywhere is text.
fn settled(fields: &Fields) -> Fields {
    fn settle(of: &DataType) -> DataType {
        match of {
            DataType::Null => DataType::Utf8,
            DataType::Struct(fields) if fields.is_empty() => DataType::Utf8,
            DataType::Struct(fields) => DataType::Struct(settled(fields)),
            DataType::List(of) => DataType::new_list(settle(of.data_type()), true),
            of => of.clone(),
        }
    }
    let fields = fields.iter();
    let mut settled: Vec<_> = fields
        .map(|field| Field::new(field.name(), settle(field.data_type()), true))
        .collect();
    settled.sort_by(|a, b| a.name().cmp(b.name()));
    settled.into()
}

/// A table.
#[derive(Debug)]
pub(super) struct RecordsTable {
    source: Source,
    /// What is read of records.
    read: Fields,
    /// What statements see: the same, and with what was found the hour of the object,
    /// as Athena projects partitions.
    seen: SchemaRef,
    /// Set once the statement is planned.
    leaves: Arc<OnceLock<Leaves>>,
}

impl RecordsTable {
    /// With the columns that were found.
    pub(super) fn discovered(
        source: Source,
        found: &Fields,
        leaves: &Arc<OnceLock<Leaves>>,
    ) -> Self {
        let found = found.iter().filter(|field| field.name() != columns::HOUR);
        let read: Fields = found.cloned().collect();
        let hour = Field::new(
            columns::HOUR,
            DataType::Timestamp(TimeUnit::Microsecond, None),
            true,
        );
        let seen: Fields = read.iter().cloned().chain([Arc::new(hour)]).collect();
        Self {
            source,
            read,
            seen: Arc::new(Schema::new(seen)),
            leaves: Arc::clone(leaves),
        }
    }

    /// With the columns that were declared.
    pub(super) fn declared(
        source: Source,
        declared: &[(String, ColumnType)],
        leaves: &Arc<OnceLock<Leaves>>,
    ) -> Self {
        let declared = declared.iter();
        let read: Fields = declared.map(|(name, of)| types::field(name, of)).collect();
        Self {
            source,
            seen: Arc::new(Schema::new(read.clone())),
            read,
            leaves: Arc::clone(leaves),
        }
    }
}

#[async_trait]
impl TableProvider for RecordsTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.seen)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let objects = self.source.prune(session, &self.seen, filters)?;
        let all: Vec<_> = (0..self.seen.fields().len()).collect();
        let columns = projection.unwrap_or(&all);
        let seen = Arc::new(self.seen.project(columns)?);
        let read = columns.iter().filter_map(|column| self.read.get(*column));
        let narrow = |field: &FieldRef| match self.leaves.get() {
            Some(leaves) => leaves.narrow(field),
            None => field.as_ref().clone(),
        };
        let decode = Rows {
            read: Arc::new(Schema::new(read.map(narrow).collect::<Vec<_>>())),
            seen: Arc::clone(&seen),
        };
        self.source
            .plan(session, objects, &seen, Arc::new(decode), limit)
    }
}

#[derive(Debug)]
struct Rows {
    read: SchemaRef,
    seen: SchemaRef,
}

impl Rows {
    /// Those records as rows; `Err`: one of them is none.
    fn rows(&self, records: &[(usize, &[u8])]) -> Result<RecordBatch, ArrowError> {
        if self.read.fields().is_empty() {
            let options = RecordBatchOptions::new().with_row_count(Some(records.len()));
            let schema = Arc::clone(&self.read);
            return RecordBatch::try_new_with_options(schema, Vec::new(), &options);
        }
        let mut decoder = ReaderBuilder::new(Arc::clone(&self.read))
            .with_batch_size(records.len())
            .with_coerce_primitive(true)
            .with_ignore_type_conflicts(true)
            .build_decoder()?;
        let mut spelt = Vec::new();
        for (_, record) in records {
            spelt.clear();
            spelt.extend_from_slice(record);
            spell(&mut spelt, self.read.fields());
            if decoder.decode(&spelt)? != spelt.len() {
                break;
            }
        }
        decoder
            .flush()?
            .filter(|rows| rows.num_rows() == records.len())
            .ok_or_else(|| ArrowError::JsonError("it is no row".to_owned()))
    }

    /// The same, but for those that are none: each costs itself.
    fn good(
        &self,
        records: &[(usize, &[u8])],
        none: &mut impl FnMut(usize, String),
        good: &mut Vec<RecordBatch>,
    ) {
        match (self.rows(records), records) {
            (Ok(rows), _) => good.push(rows),
            (Err(error), [(at, _)]) => none(*at, error.to_string()),
            (Err(_), _) => {
                let (some, others) = records.split_at(records.len() / 2);
                self.good(some, none, good);
                self.good(others, none, good);
            }
        }
    }

    fn dress(&self, batch: &RecordBatch, hour_us: Option<i64>) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let mut read = batch.columns().iter();
        let columns = self.seen.fields().iter().map(|field| match read.next() {
            Some(column) => widened(column, field.data_type()),
            None => {
                let mut hours = TimestampMicrosecondBuilder::with_capacity(rows);
                (0..rows).for_each(|_| hours.append_option(hour_us));
                Arc::new(hours.finish())
            }
        });
        let columns = columns.collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.seen),
            columns,
            &options,
        )?)
    }
}

/// The same values with all parts of their type; null where nothing was read.
fn widened(array: &ArrayRef, to: &DataType) -> ArrayRef {
    match to {
        DataType::Struct(fields) => {
            let array = array.as_struct();
            let columns = fields
                .iter()
                .map(|field| match array.column_by_name(field.name()) {
                    Some(column) => widened(column, field.data_type()),
                    None => new_null_array(field.data_type(), array.len()),
                });
            let (columns, nulls) = (columns.collect(), array.nulls().cloned());
            Arc::new(StructArray::new(fields.clone(), columns, nulls))
        }
        _ => Arc::clone(array),
    }
}

impl Decode for Rows {
    fn decode(
        &self,
        text: &mut Text,
        rows: usize,
        scanned: &Scanned,
    ) -> Result<Option<RecordBatch>> {
        let key = &text.of.object.key;
        let mut pieces = Records::from(&text.bytes, text.at);
        loop {
            let mut found = Vec::new();
            let mut ended = false;
            while found.len() < rows {
                match pieces.next() {
                    None => {
                        ended = true;
                        break;
                    }
                    Some((at, Piece::Broken(why))) => {
                        text.tally.at(Remark::Line, key, at, || why);
                    }
                    Some((at, Piece::Other)) => {
                        text.tally.at(Remark::NoRecord, key, at, String::new);
                    }
                    Some((at, Piece::Record(record))) => found.push((at, record)),
                }
            }
            text.at = pieces.read_to();
            let mut good = Vec::new();
            if !found.is_empty() {
                let tally = &mut text.tally;
                let mut none = |at, why| tally.at(Remark::NoRecord, key, at, || why);
                self.good(&found, &mut none, &mut good);
            }
            let batch = concat_batches(&self.read, &good)?;
            scanned.add_records(batch.num_rows() as u64);
            if batch.num_rows() > 0 {
                return self.dress(&batch, text.of.hour_us).map(Some);
            }
            if ended {
                return Ok(None);
            }
        }
    }
}
