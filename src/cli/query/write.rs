//! Rows on their way out.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write, stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use tempfile::NamedTempFile;

use super::{FormatArg, QueryArgs};
use crate::cli::problem::Problem;
use crate::cli::screen;
use crate::query::{Format, OutputError, Writer};
use crate::report::count;

enum Out {
    Standard(io::Stdout, Arc<AtomicBool>),
    /// Beside its place until it is whole.
    File(BufWriter<NamedTempFile<File>>),
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Out::Standard(out, closed) => out.write(bytes).inspect_err(|e| note(e, closed)),
            Out::File(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Out::Standard(out, closed) => out.flush().inspect_err(|e| note(e, closed)),
            Out::File(out) => out.flush(),
        }
    }
}

/// Notes that the reader has gone: writers of rows make a text of what the system said.
fn note(error: &io::Error, closed: &AtomicBool) {
    if error.kind() == io::ErrorKind::BrokenPipe {
        closed.store(true, Ordering::Relaxed);
    }
}

/// Writes rows where the arguments say.
pub(super) struct Rows {
    writer: Writer<BufWriter<Out>>,
    file: Option<PathBuf>,
    /// Standard output has no reader any more.
    closed: Arc<AtomicBool>,
}

fn failed(file: Option<&Path>, closed: &AtomicBool, error: OutputError) -> Problem {
    if closed.load(Ordering::Relaxed) {
        return io::Error::from(io::ErrorKind::BrokenPipe).into();
    }
    match (error, file) {
        (OutputError::Io(error), None) => Problem::of_stdout(error),
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
        (None, None | Some("txt")) => Ok(Format::Table),
        (None, Some(other)) => Err(Problem::usage(format!(
            "the ending .{other} names no form of rows; endings are .csv, .json, .jsonl, .ndjson, \
             .parquet and .txt (a table)"
        ))),
    }
}

impl Rows {
    pub(super) fn new(
        args: &QueryArgs,
        format: Format,
        schema: SchemaRef,
    ) -> Result<Self, Problem> {
        let file = args.output.clone().filter(|file| file != "-");
        let closed = Arc::new(AtomicBool::new(false));
        let out = match &file {
            None => Out::Standard(stdout(), Arc::clone(&closed)),
            Some(path) => {
                let folder = path
                    .parent()
                    .filter(|folder| !folder.as_os_str().is_empty());
                let beside = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")));
                let beside = beside.map_err(|error| failed(Some(path), &closed, error.into()))?;
                Out::File(BufWriter::new(beside))
            }
        };
        let columns = file.is_none().then(screen::of_stdout);
        let writer = Writer::new(format, schema, columns, BufWriter::new(out));
        Ok(Self {
            writer: writer.map_err(|error| failed(file.as_deref(), &closed, error))?,
            file,
            closed,
        })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), Problem> {
        let written = self.writer.write(batch);
        written.map_err(|error| failed(self.file.as_deref(), &self.closed, error))
    }

    /// How many there were.
    pub(super) fn finish(self) -> Result<u64, Problem> {
        let (file, closed) = (self.file, self.closed);
        let failed = |error: OutputError| failed(file.as_deref(), &closed, error);
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
