//! Rows for readers: people, and programs.

use std::io::{self, Write};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::csv;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::LineDelimitedWriter;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::report::Columns;
use crate::report::screen::{Column, Row, Table};

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
            Format::Json => To::Json(Box::new(LineDelimitedWriter::new(out))),
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
                    shown.push(batch.slice(0, fits));
                    *rows += fits;
                }
            }
            To::Csv(writer) => writer.write(batch)?,
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
