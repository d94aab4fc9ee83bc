//! The table `samples`: readings as they were delivered, whichever layout wrote
//! them; those that were delivered twice are there twice.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{
    ArrayRef, Int32Builder, RecordBatch, RecordBatchOptions, StringViewBuilder,
    TimestampMicrosecondBuilder,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::columns;
use super::scan::{Decode, Scanned, Source, Text};
use hrload_codec::sample::Sample;
use hrload_lake::read::Readings as InText;

const TIME: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// The whole table's columns, in order.
fn schema() -> Schema {
    Schema::new(vec![
        Field::new(columns::DEVICE, DataType::Utf8View, false),
        Field::new(columns::BPM, DataType::Int32, false),
        Field::new(columns::OBSERVED, TIME, false),
        Field::new(columns::INTENDED, TIME, true),
        Field::new(columns::CREATED, TIME, false),
        Field::new(columns::WRITTEN, TIME, false),
        Field::new(columns::HOUR, TIME, true),
        Field::new(columns::OBJECT, DataType::Utf8View, false),
    ])
}

/// The table.
#[derive(Debug)]
pub(super) struct SamplesTable {
    source: Source,
    schema: SchemaRef,
}

impl SamplesTable {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            schema: Arc::new(schema()),
        }
    }
}

#[async_trait]
impl TableProvider for SamplesTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        // Objects are left out; the rows of those that are read are judged above.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let objects = self.source.prune(session, &self.schema, filters)?;
        let schema = match projection {
            Some(columns) => Arc::new(self.schema.project(columns)?),
            None => Arc::clone(&self.schema),
        };
        let decode = Arc::new(Readings {
            schema: Arc::clone(&schema),
        });
        self.source.plan(session, objects, &schema, decode, limit)
    }
}

#[derive(Debug)]
struct Readings {
    schema: SchemaRef,
}

/// A column as it fills. What is the same in a whole object is not kept.
enum Filling {
    Device(StringViewBuilder),
    Bpm(Int32Builder),
    Observed(TimestampMicrosecondBuilder),
    Intended(TimestampMicrosecondBuilder),
    Created(TimestampMicrosecondBuilder),
    Written,
    Hour,
    Object,
}

fn time(us: u64) -> i64 {
    i64::try_from(us).unwrap_or(i64::MAX)
}

impl Filling {
    fn of(field: &Field, rows: usize) -> Self {
        let times = || TimestampMicrosecondBuilder::with_capacity(rows);
        match field.name().as_str() {
            columns::DEVICE => Self::Device(StringViewBuilder::with_capacity(rows)),
            columns::BPM => Self::Bpm(Int32Builder::with_capacity(rows)),
            columns::OBSERVED => Self::Observed(times()),
            columns::INTENDED => Self::Intended(times()),
            columns::CREATED => Self::Created(times()),
            columns::WRITTEN => Self::Written,
            columns::HOUR => Self::Hour,
            _ => Self::Object,
        }
    }

    fn push(&mut self, sample: &Sample<'_>) {
        match self {
            Self::Device(column) => column.append_value(&sample.device),
            Self::Bpm(column) => column.append_value(i32::from(sample.bpm)),
            Self::Observed(column) => column.append_value(time(sample.observed_us)),
            Self::Intended(column) => column.append_option(sample.intended_us.map(time)),
            Self::Created(column) => column.append_value(time(sample.created_us)),
            Self::Written | Self::Hour | Self::Object => {}
        }
    }

    fn finish(self, text: &Text, rows: usize) -> ArrayRef {
        let same = |value: Option<i64>| {
            let mut column = TimestampMicrosecondBuilder::with_capacity(rows);
            (0..rows).for_each(|_| column.append_option(value));
            Arc::new(column.finish()) as ArrayRef
        };
        match self {
            Self::Device(mut column) => Arc::new(column.finish()),
            Self::Bpm(mut column) => Arc::new(column.finish()),
            Self::Observed(mut column) | Self::Intended(mut column) | Self::Created(mut column) => {
                Arc::new(column.finish())
            }
            Self::Written => same(Some(time(text.of.object.written_us))),
            Self::Hour => same(text.of.hour_us),
            Self::Object => {
                let mut column = StringViewBuilder::with_capacity(rows).with_deduplicate_strings();
                (0..rows).for_each(|_| column.append_value(&text.of.object.key));
                Arc::new(column.finish())
            }
        }
    }
}

impl Decode for Readings {
    fn decode(
        &self,
        text: &mut Text,
        rows: usize,
        scanned: &Scanned,
    ) -> Result<Option<RecordBatch>> {
        let fields = self.schema.fields().iter();
        let mut columns: Vec<_> = fields.map(|field| Filling::of(field, rows)).collect();
        let mut read = 0;
        let mut readings = InText::from(&text.of.object.key, &text.bytes, text.at);
        readings.tally = std::mem::take(&mut text.tally);
        for sample in readings.by_ref().take(rows) {
            columns.iter_mut().for_each(|column| column.push(&sample));
            read += 1;
        }
        scanned.add_records(readings.seen);
        let at = readings.read_to();
        let (mut tally, tail) = (readings.tally, readings.tail);
        tally.merge(&tail);
        text.tally = tally;
        text.at = at;
        if read == 0 {
            return Ok(None);
        }
        let columns = columns.into_iter().map(|column| column.finish(text, read));
        let options = RecordBatchOptions::new().with_row_count(Some(read));
        let batch = RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns.collect(),
            &options,
        )?;
        Ok(Some(batch))
    }
}
