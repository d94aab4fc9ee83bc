//! Rows for readers: people, and programs.

use std::io::{self, Write};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, PrimitiveArray, RecordBatch, StringArray,
};
use datafusion::arrow::csv;
use datafusion::arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, FieldRef, Float32Type, Float64Type, Schema, SchemaRef,
};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::LineDelimitedWriter;
use datafusion::arrow::json::writer::{
    Encoder, EncoderFactory, EncoderOptions, LineDelimited, NullableEncoder, WriterBuilder,
};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use hrload_report::Columns;
use hrload_report::screen::{Column, Row, Table};

/// Rows that a table for people shows: more would have to be kept to be aligned, and
/// nobody reads them.
const SHOWN: usize = 1_000;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Aligned, for people; the first thousand.
    Table,
    /// Comma-separated, with a line of names (RFC 4180).
    Csv,
    /// An object a line.
    Json,
    /// Apache Parquet, ZSTD inside.
    Parquet,
}

/// Rows that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Where they go does not take them.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A column's type has no place in the format.
    #[error("{0}")]
    Type(String),
}

impl From<ArrowError> for OutputError {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::IoError(_, error) => Self::Io(error),
            ArrowError::CsvError(message) | ArrowError::JsonError(message) => Self::Type(message),
            error => Self::Type(error.to_string()),
        }
    }
}

impl From<ParquetError> for OutputError {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(error) => match error.downcast::<io::Error>() {
                Ok(error) => Self::Io(*error),
                Err(error) => Self::Type(error.to_string()),
            },
            error => Self::Type(error.to_string()),
        }
    }
}

/// Columns of a text that a screen leaves of it.
const SHORTEST: usize = 12;

/// Rows as a table: numbers end under each other, texts may lose their middle.
fn table(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Table, OutputError> {
    let columns = schema.fields().iter().map(|field| match field.data_type() {
        of if of.is_numeric() => Column::numbers(field.name()),
        of if of.is_temporal() => Column::words(field.name()),
        _ => Column::words(field.name()).shortens_to(SHORTEST),
    });
    let mut table = Table::new(columns.collect()).framed();
    let options = FormatOptions::new().with_null("");
    for batch in batches {
        let formatters = batch.columns().iter();
        let formatters = formatters.map(|of| ArrayFormatter::try_new(of.as_ref(), &options));
        let formatters = formatters.collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            let mut cells = Row::new();
            for formatter in &formatters {
                cells = cells.cell(formatter.value(row).try_to_string()?);
            }
            table.push(cells);
        }
    }
    Ok(table)
}

/// A double that is no number, by its name in Trino.
fn name_of(of: f64) -> Option<&'static str> {
    match of {
        of if of.is_nan() => Some("NaN"),
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ => None,
    }
}

/// Rows whose doubles that are no numbers are spelt as Trino spells them.
fn spelt(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let odd = |column: &ArrayRef| match column.data_type() {
        DataType::Float64 => {
            let doubles = column.as_primitive::<Float64Type>();
            doubles.iter().flatten().any(|of| !of.is_finite())
        }
        DataType::Float32 => {
            let doubles = column.as_primitive::<Float32Type>();
            doubles.iter().flatten().any(|of| !of.is_finite())
        }
        _ => false,
    };
    if !batch.columns().iter().any(odd) {
        return Ok(batch.clone());
    }
    let schema = batch.schema();
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| -> Result<_, ArrowError> {
        if !odd(column) {
            return Ok((Arc::clone(field), Arc::clone(column)));
        }
        let formatter = ArrayFormatter::try_new(column.as_ref(), &FormatOptions::new())?;
        let texts = (0..column.len()).map(|at| {
            let text = column.is_valid(at).then(|| formatter.value(at).to_string());
            text.map(|text| match text.parse().ok().and_then(name_of) {
                Some(name) => name.to_owned(),
                None => text,
            })
        });
        let texts: ArrayRef = Arc::new(texts.collect::<StringArray>());
        let field = Field::new(field.name(), DataType::Utf8, true);
        Ok((Arc::new(field), texts))
    });
    let columns: Vec<(FieldRef, ArrayRef)> = columns.collect::<Result<_, _>>()?;
    let (fields, columns): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

/// Writes doubles into JSON, which has no number for some of them: those are texts.
#[derive(Debug)]
struct Doubles;

impl EncoderFactory for Doubles {
    fn make_default_encoder<'a>(
        &self,
        _: &'a FieldRef,
        array: &'a dyn Array,
        _: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let encoder: Box<dyn Encoder + 'a> = match array.data_type() {
            DataType::Float64 => Box::new(Double(array.as_primitive::<Float64Type>())),
            DataType::Float32 => Box::new(Double(array.as_primitive::<Float32Type>())),
            _ => return Ok(None),
        };
        Ok(Some(NullableEncoder::new(encoder, array.nulls().cloned())))
    }
}

struct Double<'a, T: ArrowPrimitiveType>(&'a PrimitiveArray<T>);

impl<T> Encoder for Double<'_, T>
where
    T: ArrowPrimitiveType,
    T::Native: Into<f64> + std::fmt::Debug,
{
    fn encode(&mut self, at: usize, out: &mut Vec<u8>) {
        let of = self.0.value(at);
        let text = match name_of(of.into()) {
            Some(name) => format!("\"{name}\""),
            None => format!("{of:?}"),
        };
        out.extend_from_slice(text.as_bytes());
    }
}

/// Writes rows as they come.
pub struct Writer<W: Write + Send> {
    to: To<W>,
    rows: u64,
}

enum To<W: Write + Send> {
    Table {
        out: W,
        columns: Columns,
        schema: SchemaRef,
        shown: Vec<RecordBatch>,
        rows: usize,
    },
    Csv(Box<csv::Writer<W>>),
    Json(Box<LineDelimitedWriter<W>>),
    Parquet(Box<ArrowWriter<W>>),
}

impl<W: Write + Send> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl<W: Write + Send> Writer<W> {
    /// For rows of these columns; a table for people takes no more of a screen than
    /// `columns`, or as much as it needs without a screen.
    ///
    /// # Errors
    /// The format has no place for one of them.
    pub fn new(
        format: Format,
        schema: SchemaRef,
        columns: Option<Columns>,
        out: W,
    ) -> Result<Self, OutputError> {
        let columns = columns.unwrap_or(Columns::UNBOUNDED);
        let to = match format {
            Format::Table => To::Table {
                out,
                columns,
                schema,
                shown: Vec::new(),
                rows: 0,
            },
            Format::Csv => {
                let nested = |of: &DataType| of.is_nested();
                if let Some(field) = schema
                    .fields()
                    .iter()
                    .find(|field| nested(field.data_type()))
                {
                    return Err(OutputError::Type(format!(
                        "the column {:?} is nested, which CSV has no place for; name its parts \
                         (`a.b.c`), or take --format json",
                        field.name()
                    )));
                }
                let mut writer = csv::WriterBuilder::new().with_header(true).build(out);
                // The names stand there even if no row does.
                writer.write(&RecordBatch::new_empty(schema))?;
                To::Csv(Box::new(writer))
            }
            Format::Json => {
                let builder = WriterBuilder::new()
                    .with_explicit_nulls(true)
                    .with_encoder_factory(Arc::new(Doubles));
                To::Json(Box::new(builder.build::<_, LineDelimited>(out)))
            }
            Format::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .build();
                To::Parquet(Box::new(ArrowWriter::try_new(
                    out,
                    schema,
                    Some(properties),
                )?))
            }
        };
        Ok(Self { to, rows: 0 })
    }

    /// Writes some rows.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        self.rows += batch.num_rows() as u64;
        match &mut self.to {
            To::Table { shown, rows, .. } => {
                let fits = batch.num_rows().min(SHOWN - *rows);
                if fits > 0 {
                    shown.push(spelt(&batch.slice(0, fits))?);
                    *rows += fits;
                }
            }
            To::Csv(writer) => writer.write(&spelt(batch)?)?,
            To::Json(writer) => writer.write(batch)?,
            To::Parquet(writer) => writer.write(batch)?,
        }
        Ok(())
    }

    /// Writes what is left; returns how many rows there were.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(self) -> Result<(u64, W), OutputError> {
        let mut out = match self.to {
            To::Table {
                mut out,
                columns,
                schema,
                shown,
                rows,
            } => {
                let table = table(&schema, &shown)?;
                write!(out, "{}", table.fitted(columns))?;
                let more = self.rows - rows as u64;
                if more > 0 {
                    writeln!(out, "and {more} rows more: --format csv has them all")?;
                }
                out
            }
            To::Csv(writer) => writer.into_inner(),
            To::Json(mut writer) => {
                writer.finish()?;
                writer.into_inner()
            }
            To::Parquet(writer) => writer.into_inner()?,
        };
        out.flush()?;
        Ok((self.rows, out))
    }
}
