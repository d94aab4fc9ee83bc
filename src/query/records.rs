//! Tables of change records as they lie there: columns found in the records, or
//! declared by `CREATE EXTERNAL TABLE`. Names are in lower case, as in Athena's
//! catalog, so that a statement may spell them in any.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, ListArray, RecordBatch, RecordBatchOptions, StructArray,
    TimestampMicrosecondBuilder, new_null_array,
};
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
use serde_json::value::RawValue;
use serde_json::{Deserializer, Value};

use super::columns;
use super::error::QueryError;
use super::leaves::Leaves;
use super::objects::Timed;
use super::scan::{Decode, Scanned, Source, Text};
use super::types::{self, ColumnType, lower_all, without_doubles};
use crate::lake::Lake;

/// Objects and records of each that are looked at to find what columns there are:
/// the oldest, the newest and some between.
const LOOK_OBJECTS: usize = 8;
const LOOK_RECORDS: usize = 200;

/// What records have, spelt as they spell it, in alphabetical order.
pub(super) async fn discover(lake: &Lake, objects: &[Timed]) -> Result<Fields, QueryError> {
    let mut keys: Vec<_> = objects.iter().map(|of| of.object.key.as_str()).collect();
    keys.sort_unstable();
    let last = keys.len().saturating_sub(1);
    let looks = LOOK_OBJECTS.min(keys.len());
    let mut found = Schema::empty();
    for look in 0..looks {
        let key = keys[look * last / looks.max(2).saturating_sub(1)];
        let Some(bytes) = lake.read(key).await? else {
            continue;
        };
        let records = Deserializer::from_slice(&bytes).into_iter::<Value>();
        // Behind what is no JSON, what came before it still tells.
        let records: Vec<_> = records
            .take(LOOK_RECORDS)
            .map_while(Result::ok)
            .filter(Value::is_object)
            .collect();
        found = merge(found, &records)?;
    }
    if found.fields().is_empty() {
        return Err(QueryError::NoRecords(lake.place().to_owned()));
    }
    Ok(without_doubles(&settled(found.fields())))
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
    /// What is read, spelt as records spell it.
    read: Fields,
    /// What statements see: the same in lower case, and with what was found the
    /// hour of the object, as Athena projects partitions.
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
        let read: Fields = found
            .iter()
            .filter(|field| !field.name().eq_ignore_ascii_case(columns::HOUR))
            .cloned()
            .collect();
        let hour = Field::new(
            columns::HOUR,
            DataType::Timestamp(TimeUnit::Microsecond, None),
            true,
        );
        let seen = lower_all(&read)
            .iter()
            .cloned()
            .chain([Arc::new(hour)])
            .collect::<Fields>();
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
        found: Option<&Fields>,
        leaves: &Arc<OnceLock<Leaves>>,
    ) -> Self {
        let declared = declared.iter();
        let read: Fields = declared
            .map(|(name, of)| types::field(name, of, found))
            .collect();
        Self {
            source,
            seen: Arc::new(Schema::new(lower_all(&read))),
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
    fn decode(&self, text: &[u8], rows: usize) -> Result<(RecordBatch, usize), ArrowError> {
        let mut decoder = ReaderBuilder::new(Arc::clone(&self.read))
            .with_batch_size(rows)
            .with_coerce_primitive(true)
            .with_ignore_type_conflicts(true)
            .build_decoder()?;
        let read = decoder.decode(text)?;
        let batch = decoder.flush()?;
        Ok((
            batch.unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(&self.read))),
            read,
        ))
    }

    /// One record after the other, leaving out what is no JSON and what is no
    /// object: their text.
    fn good(text: &mut Text, rows: usize, scanned: &Scanned) -> Vec<u8> {
        let mut good = Vec::new();
        let mut found = 0;
        while found < rows && text.at < text.bytes.len() {
            let rest = &text.bytes[text.at..];
            let mut records = Deserializer::from_slice(rest).into_iter::<&RawValue>();
            match records.next() {
                None => text.at = text.bytes.len(),
                Some(Ok(record)) => {
                    if record.get().starts_with('{') {
                        good.extend_from_slice(record.get().as_bytes());
                        good.push(b'\n');
                        found += 1;
                    } else {
                        scanned.add_records(0, 1);
                    }
                    text.at += records.byte_offset();
                }
                Some(Err(_)) => text.skip_line(text.at + records.byte_offset(), scanned),
            }
        }
        good
    }

    fn dress(&self, batch: &RecordBatch, hour_us: Option<i64>) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let mut read = batch.columns().iter();
        let columns = self.seen.fields().iter().map(|field| match read.next() {
            Some(column) => renamed(column, field.data_type()),
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

/// The same values under the names of another type; null where nothing was read.
fn renamed(array: &ArrayRef, to: &DataType) -> ArrayRef {
    match to {
        DataType::Struct(fields) => {
            let array = array.as_struct();
            let read = |name: &str| {
                let mut names = array.column_names().into_iter();
                names.position(|read| read.eq_ignore_ascii_case(name))
            };
            let columns = fields.iter().map(|field| match read(field.name()) {
                Some(index) => renamed(array.column(index), field.data_type()),
                None => new_null_array(field.data_type(), array.len()),
            });
            let (columns, nulls) = (columns.collect(), array.nulls().cloned());
            Arc::new(StructArray::new(fields.clone(), columns, nulls))
        }
        DataType::List(field) => {
            let array = array.as_list::<i32>();
            let values = renamed(array.values(), field.data_type());
            let (offsets, nulls) = (array.offsets().clone(), array.nulls().cloned());
            Arc::new(ListArray::new(Arc::clone(field), offsets, values, nulls))
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
        while text.at < text.bytes.len() {
            let batch = match self.decode(&text.bytes[text.at..], rows) {
                Ok((batch, read)) => {
                    text.at += read;
                    batch
                }
                Err(_) => {
                    let good = Self::good(text, rows, scanned);
                    self.decode(&good, rows)?.0
                }
            };
            if batch.num_rows() > 0 {
                scanned.add_records(batch.num_rows(), 0);
                return self.dress(&batch, text.of.hour_us).map(Some);
            }
        }
        Ok(None)
    }
}
