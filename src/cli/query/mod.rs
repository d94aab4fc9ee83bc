//! `hrload query`: SQL over a lake.

use std::io::{IsTerminal, Read, stdin};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::problem::{Exit, Problem};
use super::values;
use crate::endpoint::Endpoint;
use crate::files;
use crate::lake::Place;

#[cfg(feature = "sql")]
mod athena;
#[cfg(feature = "sql")]
mod lake;
#[cfg(feature = "sql")]
mod write;

pub(super) const HELP: &str = "\
Examples:
  hrload query --lake ./lake
      the blog post's statement: heart rate, time and sensor of every record
  hrload query --lake ./lake 'SELECT minute, sum(readings) FROM per_minute
      GROUP BY minute ORDER BY minute'
      one of the built-in views: readings (typed, each once), per_minute,
      late_arrivals, future_dated, zones, silent_devices; samples has every
      delivered copy
  hrload query --lake ./lake \"SELECT count(*) FROM samples
      WHERE hour >= timestamp '2026-11-23 17:00:00'\"
      reads only the objects of those hours
  hrload query --lake s3://bucket/heart-rate -o readings.parquet \\
      'SELECT * FROM readings'
      from a bucket to a file for other tools
  hrload query --engine athena --output-location s3://bucket/results/ \\
      --file report.sql
      by Athena, with what it scanned and what that costs

Tables: heartratedata2021 and records (change records, with the columns found in
them), samples, those of CREATE EXTERNAL TABLE, and the views above, all in the
database dbhr. Names are case-insensitive. SHOW TABLES and DESCRIBE list them.

Exit codes: 0 answered; 1 failed; 2 wrong use, or an invalid statement;
130 interrupted.";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EngineArg {
    /// Here, over the objects of --lake
    Lake,
    /// Athena, over its own catalog
    Athena,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    /// Aligned for people; the first 1,000 rows
    Table,
    /// Comma-separated, with a header
    Csv,
    /// One object per line
    Json,
    /// Apache Parquet
    Parquet,
}

/// Arguments of `hrload query`.
#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    /// Statement; - reads it from standard input [default: the blog post's]
    #[arg(value_name = "SQL")]
    sql: Option<String>,

    /// Read the statement from this file
    #[arg(short, long, value_name = "FILE", conflicts_with = "sql")]
    file: Option<PathBuf>,

    /// Folder or s3://BUCKET/PREFIX to query
    #[arg(
        long,
        value_name = "PLACE",
        env = "HRLOAD_LAKE",
        required_if_eq("engine", "lake")
    )]
    lake: Option<Place>,

    /// Engine that answers
    #[arg(long, value_enum, default_value = "lake")]
    engine: EngineArg,

    /// Format of the rows [default: by the extension of --output, else table]
    #[arg(long, value_enum)]
    format: Option<FormatArg>,

    /// Write the rows to this file, whole or not at all; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Memory for grouping and sorting; the rest goes to disk
    #[arg(long, value_name = "BYTES", default_value = "1GiB", value_parser = values::bytes)]
    memory: u64,

    /// Trust the wearables' clocks: no reading arrives later than this after it was taken,
    /// so that objects outside the times in the statement are skipped [default: clocks are
    /// not trusted, all objects are read]
    #[arg(long, value_name = "TIME", value_parser = values::span)]
    late: Option<Duration>,

    /// S3 endpoint of a lake in a bucket [default: AWS_ENDPOINT_URL_S3, or AWS's]
    #[arg(long, value_name = "URL", value_parser = values::url, help_heading = "Target")]
    s3_endpoint_url: Option<Endpoint>,

    /// Region [default: from the environment or profile]
    #[arg(long, value_name = "REGION", help_heading = "Target")]
    region: Option<String>,

    /// Athena endpoint [default: AWS_ENDPOINT_URL_ATHENA, or AWS's]
    #[arg(long, value_name = "URL", value_parser = values::url, help_heading = "Athena")]
    athena_endpoint_url: Option<Endpoint>,

    /// Profile of the AWS configuration file, for Athena
    #[arg(long, value_name = "NAME", help_heading = "Athena")]
    aws_profile: Option<String>,

    /// Database of unqualified names
    #[arg(
        long,
        value_name = "NAME",
        default_value = "dbhr",
        help_heading = "Athena"
    )]
    database: String,

    /// Workgroup [default: Athena's primary]
    #[arg(long, value_name = "NAME", help_heading = "Athena")]
    workgroup: Option<String>,

    /// Where Athena writes the rows, s3://BUCKET/PREFIX/ [default: the workgroup's]
    #[arg(long, value_name = "PLACE", help_heading = "Athena")]
    output_location: Option<String>,

    /// Print the rows only
    #[arg(short, long)]
    quiet: bool,
}

impl QueryArgs {
    /// The statement; `None`: none was given.
    fn statement(&self) -> Result<Option<String>, Problem> {
        if let Some(file) = &self.file {
            let text = files::read_text(file);
            let text = text.map_err(|error| {
                Problem::usage(format!("{} cannot be read: {error}", file.display()))
            });
            return text.map(Some);
        }
        if self.sql.as_deref() == Some("-") {
            if stdin().is_terminal() {
                say!("reading a statement until Ctrl-D");
            }
            let mut text = String::new();
            stdin().read_to_string(&mut text)?;
            return Ok(Some(text));
        }
        Ok(self.sql.clone())
    }
}

/// Answers a statement.
#[cfg(feature = "sql")]
pub(crate) fn run(args: &QueryArgs) -> Result<Exit, Problem> {
    let sql = args.statement()?;
    let sql = sql.as_deref().unwrap_or(crate::query::POSTS_STATEMENT);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores)
        .enable_all()
        .build()?;
    let answered = runtime.block_on(async {
        match args.engine {
            EngineArg::Lake => lake::answer(args, sql, cores).await,
            EngineArg::Athena => athena::answer(args, sql).await,
        }
    });
    // What an interrupted statement still reads is not waited for.
    runtime.shutdown_background();
    answered
}

/// Says how to get it.
#[cfg(not(feature = "sql"))]
pub(crate) fn run(args: &QueryArgs) -> Result<Exit, Problem> {
    // A file that is not there is told first, as it would be with SQL.
    args.statement()?;
    Err(Problem::usage(
        "this hrload was built without SQL: build it with `cargo build --release --features sql`",
    ))
}
