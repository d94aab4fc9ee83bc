//! The options of runs, in groups: each command takes those that mean something to it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::capacity::{LimitArgs, UnitArgs};
use crate::cli::lake::LakeArgs;
use crate::cli::local::fault_help;
use crate::cli::values::{self, Rate};
use crate::cli::watching::WatchArgs;
use crate::codec::Layout;
use crate::endpoint::Endpoint;
use crate::local::Faults;
use crate::local::capture::ChangeDelay;
use crate::report::{Condition, Report};

/// How many readings a second there are, for commands that do not search for it.
#[derive(Debug, Default, Args)]
pub(crate) struct PaceArgs {
    /// Readings per second of the whole fleet (5000, 5k/s, 300k/min) [default: the profile's
    /// own rate]
    #[arg(
        short,
        long,
        value_name = "RATE",
        conflicts_with = "interval",
        help_heading = "Workload"
    )]
    pub(super) rate: Option<Rate>,

    /// Time between two readings of a device, instead of --rate
    #[arg(long, value_name = "TIME", value_parser = values::positive_span, help_heading = "Workload")]
    pub(super) interval: Option<Duration>,
}

/// What every command takes that makes runs.
#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    /// Number of wearables in the fleet
    #[arg(long, value_name = "N", default_value = "10000", value_parser = values::count, help_heading = "Workload")]
    pub(super) devices: u32,

    /// Workload profile: a name from `hrload profiles`, or a TOML file
    #[arg(
        long,
        value_name = "NAME|FILE",
        default_value = "steady",
        help_heading = "Workload"
    )]
    pub(super) profile: String,

    /// How a reading is stored as an item
    #[arg(long, value_enum, default_value_t = LayoutArg::Post, help_heading = "Workload")]
    pub(super) layout: LayoutArg,

    /// Random seed; runs with the same seed send the same readings
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Workload")]
    pub(super) seed: u64,

    /// How long to measure
    #[arg(short, long, value_name = "TIME", default_value = "30s", value_parser = values::positive_span, help_heading = "Phases")]
    pub(super) duration: Duration,

    /// How long to run at the full rate before measuring
    #[arg(short, long, value_name = "TIME", default_value = "5s", value_parser = values::span, help_heading = "Phases")]
    pub(super) warmup: Duration,

    /// How long to wait at the end for readings that were written and not yet seen
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = values::span, help_heading = "Phases")]
    pub(super) drain: Duration,

    /// Where to send: the embedded services, or AWS
    #[arg(long, value_enum, help_heading = "Target")]
    pub(super) target: Option<TargetArg>,

    /// Send to another server that speaks DynamoDB
    #[arg(long, value_name = "URL", value_parser = values::url, help_heading = "Target")]
    pub(super) endpoint_url: Option<Endpoint>,

    /// Kinesis endpoint [default: --endpoint-url]
    #[arg(long, value_name = "URL", value_parser = values::url, requires = "endpoint_url", help_heading = "Target")]
    pub(super) kinesis_endpoint_url: Option<Endpoint>,

    /// AWS region [default: from the environment or configuration file; us-east-1 for the
    /// embedded services]
    #[arg(long, value_name = "REGION", help_heading = "Target")]
    pub(super) region: Option<String>,

    /// Profile of the AWS configuration file [default: AWS_PROFILE, or `default`]
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    pub(super) aws_profile: Option<String>,

    /// Table to write to, created if it does not exist [default: a new one for this run]
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    pub(super) table: Option<String>,

    /// Stream that receives the table's changes, created if it does not exist [default: a new
    /// one for this run]
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    pub(super) stream: Option<String>,

    /// Use the target, region, table and stream that `hrload setup` recorded in this file,
    /// and keep them
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["target", "endpoint_url", "region", "table", "stream"],
        help_heading = "Target"
    )]
    pub(super) state: Option<PathBuf>,

    /// Keep the table and stream that this run creates (the embedded services end with it)
    #[arg(long, help_heading = "Target")]
    pub(super) keep: bool,

    #[command(flatten)]
    pub(super) units: UnitArgs,

    /// How readings are followed after the write
    #[arg(long, value_enum, default_value_t = ViaArg::Kinesis, help_heading = "Following")]
    pub(super) via: ViaArg,

    /// How the stream is read
    #[arg(long, value_enum, default_value_t = ConsumerArg::Polling, help_heading = "Following")]
    pub(super) consumer: ConsumerArg,

    /// Time between two GetRecords calls on a shard. At least 200ms (100ms with
    /// dynamodb-streams): Kinesis allows five calls per second and shard, those of --lake
    /// included [default: 200ms; 250ms with --lake or dynamodb-streams]
    #[arg(long, value_name = "TIME", value_parser = values::positive_span, help_heading = "Following")]
    pub(super) poll_interval: Option<Duration>,

    /// Client that sends: the AWS SDK, as applications use it, or a direct one that needs about
    /// a fifth of its CPU time
    #[arg(long, value_enum, default_value_t = ClientArg::Sdk, help_heading = "Sending")]
    pub(super) client: ClientArg,

    /// Load threads [default: one per 60,000 readings/s]
    #[arg(short, long, value_name = "N", value_parser = values::threads, help_heading = "Sending")]
    pub(super) threads: Option<u32>,

    /// Most batches in flight, over all threads [default: enough for the rate at 100 ms a call]
    #[arg(short = 'p', long, value_name = "N", value_parser = values::in_flight, help_heading = "Sending")]
    pub(super) concurrency: Option<u32>,

    /// Most items in a BatchWriteItem call, 1 to 25
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u8).range(1..=25), help_heading = "Sending")]
    pub(super) batch: u8,

    /// How long a reading waits for its batch to fill
    #[arg(long, value_name = "TIME", default_value = "10ms", value_parser = values::span, help_heading = "Sending")]
    pub(super) linger: Duration,

    /// Wake for each batch by a kernel timer, within tens of microseconds instead of a
    /// millisecond, for slightly more CPU time [Linux only]
    #[arg(long, help_heading = "Sending")]
    pub(super) precise: bool,

    /// How often an item is sent before it counts as failed
    #[arg(long, value_name = "N", default_value = "8", value_parser = values::count, help_heading = "Sending")]
    pub(super) attempts: u32,

    /// How long a call may take
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = values::positive_span, help_heading = "Sending")]
    pub(super) timeout: Duration,

    /// Fastest catching up after a stall, as a multiple of the rate
    #[arg(long, value_name = "FACTOR", default_value = "1.5", value_parser = catch_up, help_heading = "Sending")]
    pub(super) catch_up: f64,

    /// Most write units per second, from the first second on
    #[arg(long, value_name = "RATE", help_heading = "Sending")]
    pub(super) max_write_units: Option<Rate>,

    /// Readings that may wait to be sent; further ones are dropped [default: 10 s of the rate]
    #[arg(long, value_name = "N", value_parser = values::count, help_heading = "Sending")]
    pub(super) backlog: Option<u32>,

    #[command(flatten)]
    pub(super) limits: LimitArgs,

    /// Embedded services: time from a write to its record's arrival in the stream
    /// [default: 150ms]
    #[arg(long, value_name = "TIME", help_heading = "Embedded services")]
    pub(super) change_delay: Option<ChangeDelay>,

    /// Embedded services: faults to inject, such as lose=1% or stall=2s@5s
    #[arg(
        long,
        value_name = "FAULTS",
        default_value = "",
        hide_default_value = true,
        long_help = fault_help(),
        help_heading = "Embedded services"
    )]
    pub(super) fault: Faults,

    /// Embedded services: memory for items, and as much for stream records [default: 512MiB]
    #[arg(long, value_name = "BYTES", value_parser = values::bytes, help_heading = "Embedded services")]
    pub(super) retain: Option<u64>,

    /// End the run when it has cost this much on AWS, in USD, whatever the target (checked
    /// every 100 ms; what is in flight then comes on top). For a sweep or a comparison: the
    /// limit of all runs together
    #[arg(long, value_name = "USD", value_parser = usd, help_heading = "Output")]
    pub(super) max_cost: Option<f64>,

    /// How long to wait after a run on AWS for CloudWatch's counts, which come minutes late;
    /// `off` does not ask [default: 3m on AWS, off elsewhere]
    #[arg(long, value_name = "TIME|off", value_parser = values::span_or_off, help_heading = "Target")]
    pub(super) cloudwatch: Option<Duration>,

    /// Do not ask before a run on AWS
    #[arg(short, long, help_heading = "Target")]
    pub(super) yes: bool,

    /// Write the result here as JSON; `-` is standard output
    #[arg(
        short,
        long,
        value_name = "FILE",
        display_order = 900,
        help_heading = "Output"
    )]
    pub(super) output: Option<PathBuf>,

    /// Label to keep in the result; repeatable
    #[arg(
        long,
        value_name = "TEXT",
        display_order = 901,
        help_heading = "Output"
    )]
    pub(super) tag: Vec<String>,

    /// Print errors only (and the result, with `-o -`)
    #[arg(short, long, display_order = 902, help_heading = "Output")]
    pub(super) quiet: bool,
}

/// What is of a single run: how it is judged, watched and reported, and its lake.
#[derive(Debug, Args)]
pub(crate) struct SingleRunArgs {
    #[command(flatten)]
    pub(super) lake: LakeArgs,

    /// Condition that the result must meet, such as e2e.p99<400ms, lost=0, achieved>=99% or
    /// throttled<0.1%; repeatable; exit code 3 if one is missed. It replaces a threshold of
    /// the profile that bounds the same figure on the same side
    #[arg(long, value_name = "CONDITION", help_heading = "Output")]
    pub(super) threshold: Vec<Condition>,

    /// End the run as soon as a threshold can no longer be met
    #[arg(long, help_heading = "Output")]
    pub(super) abort_on_fail: bool,

    /// Print the calls that would be made, in order, with their IAM actions and resources,
    /// and make none
    #[arg(long, help_heading = "Target")]
    pub(super) dry_run: bool,

    #[command(flatten)]
    pub(super) watch: WatchArgs,

    /// Write a report; repeatable. The extension chooses the kind: .html, .md, .csv (series),
    /// .hlog (HdrHistogram log), .xml (JUnit), .prom (Prometheus). With one --baseline,
    /// .html and .md show both runs
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(super) report: Vec<Report>,

    /// Compare with this result file, or with several runs of one configuration; exit code
    /// 4 if something got worse (`hrload diff` compares several runs per side)
    #[arg(
        short,
        long,
        value_name = "FILE",
        num_args = 1..,
        help_heading = "Output"
    )]
    pub(super) baseline: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TargetArg {
    /// The embedded services, in this process
    Local,
    /// AWS, with the usual credentials
    Aws,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LayoutArg {
    /// Four strings, keyed by id: the blog post's
    #[value(alias = "seed")]
    Post,
    /// Keyed by device and time, with numbers as numbers
    Timeseries,
    /// A FHIR Observation
    Fhir,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ViaArg {
    /// The table's Kinesis streaming destination
    Kinesis,
    /// The table's own stream: DynamoDB Streams
    DynamodbStreams,
    /// A Kinesis stream into which hrload puts every acknowledged reading itself
    PutRecords,
    /// Not at all: only writes are measured
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ConsumerArg {
    /// GetRecords, with shared throughput
    Polling,
    /// SubscribeToShard, with a throughput of its own
    EnhancedFanOut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ClientArg {
    /// aws-sdk-dynamodb
    Sdk,
    /// Hand-written requests, for high rates
    Direct,
}

impl LayoutArg {
    pub(in crate::cli) fn layout(self) -> Layout {
        match self {
            Self::Post => Layout::Post,
            Self::Timeseries => Layout::TimeSeries,
            Self::Fhir => Layout::Fhir,
        }
    }
}

fn catch_up(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if (1.0..=1000.0).contains(&factor) => Ok(factor),
        _ => Err("expected a factor from 1 to 1000, such as 1.5".to_owned()),
    }
}

fn usd(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(usd) if usd > 0.0 && usd.is_finite() => Ok(usd),
        _ => Err("expected an amount above zero, such as 0.50".to_owned()),
    }
}
