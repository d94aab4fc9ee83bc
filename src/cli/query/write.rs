//! Rows on their way out.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write, stdout};
use std::path::{Path, PathBuf};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use tempfile::NamedTempFile;

use super::{FormatArg, QueryArgs};
use crate::cli::problem::Problem;
use crate::query::{Format, OutputError, Writer};
use crate::report::count;

enum Out {
    Standard(io::Stdout),
    /// Beside its place until it is whole.
    File(BufWriter<NamedTempFile<File>>),
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Out::Standard(out) => out.write(bytes),
            Out::File(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Out::Standard(out) => out.flush(),
            Out::File(out) => out.flush(),
        }
    }
}

/// Writes rows where the arguments say.
pub(super) struct Rows {
    writer: Writer<BufWriter<Out>>,
    file: Option<PathBuf>,
}

fn failed(file: Option<&Path>, error: OutputError) -> Problem {
    match (error, file) {
        (OutputError::Io(error), None) => error.into(),
        (OutputError::Io(error), Some(file)) => {
            Problem::failed(format!("{} cannot be written: {error}", file.display()))
        }
        (OutputError::Type(message), _) => Problem::usage(message),
    }
}

/// By what was asked for, else by the file's ending.
pub(super) fn format(args: &QueryArgs) -> Result<Format, Problem> {
    let to_terminal =
        args.output.as_deref().is_none_or(|file| file == "-") && stdout().is_terminal();
    let ending = args
        .output
        .as_ref()
        .and_then(|file| file.extension()?.to_str());
    match (args.format, ending) {
        (Some(FormatArg::Parquet), _) if to_terminal => Err(Problem::usage(
            "Parquet is not for terminals: give --output FILE, or pipe it",
        )),
        (Some(FormatArg::Table), _) => Ok(Format::Table),
        (Some(FormatArg::Csv), _) | (None, Some("csv")) => Ok(Format::Csv),
        (Some(FormatArg::Json), _) | (None, Some("json" | "jsonl" | "ndjson")) => Ok(Format::Json),
        (Some(FormatArg::Parquet), _) | (None, Some("parquet")) => Ok(Format::Parquet),
        (None, _) => Ok(Format::Table),
    }
}

impl Rows {
    pub(super) fn new(
        args: &QueryArgs,
        format: Format,
        schema: SchemaRef,
    ) -> Result<Self, Problem> {
        let file = args.output.clone().filter(|file| file != "-");
        let out = match &file {
            None => Out::Standard(stdout()),
            Some(path) => {
                let folder = path
                    .parent()
                    .filter(|folder| !folder.as_os_str().is_empty());
                let beside = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")));
                let beside = beside.map_err(|error| failed(Some(path), error.into()))?;
                Out::File(BufWriter::new(beside))
            }
        };
        let writer = Writer::new(format, schema, BufWriter::new(out));
        Ok(Self {
            writer: writer.map_err(|error| failed(file.as_deref(), error))?,
            file,
        })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), Problem> {
        let written = self.writer.write(batch);
        written.map_err(|error| failed(self.file.as_deref(), error))
    }

    /// How many there were.
    pub(super) fn finish(self) -> Result<u64, Problem> {
        let file = self.file;
        let failed = |error: OutputError| failed(file.as_deref(), error);
        let (rows, out) = self.writer.finish().map_err(failed)?;
        let out = out
            .into_inner()
            .map_err(|error| failed(error.into_error().into()))?;
        if let (Out::File(beside), Some(path)) = (out, &file) {
            let beside = beside.into_inner();
            let beside = beside.map_err(|error| failed(error.into_error().into()))?;
            let kept = beside.persist(path);
            kept.map_err(|error| failed(error.error.into()))?;
        }
        Ok(rows)
    }
}

/// Singular or plural.
pub(super) fn number_of_rows(rows: u64) -> String {
    match rows {
        1 => "1 row".to_owned(),
        rows => format!("{} rows", count(rows)),
    }
}
