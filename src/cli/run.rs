//! `hrload run`, and `hrload` without a subcommand: the main job.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use http::Uri;
use serde::Serialize;

use super::capacity::{Compared, LimitArgs, ThroughputArgs};
use super::diff;
use super::lake::LakeArgs;
use super::live::Live;
use super::place::layout_name;
use super::problem::{Exit, Problem};
use super::profiles;
use super::report as reports;
use super::values::{self, Rate};
use super::watching::WatchArgs;
use crate::aws::StateFile;
use crate::codec::Layout;
use crate::experiment::{
    self, Embedded, Ending, Event, Interrupts, Output, Phases, Request, Resources, Sending, Target,
    Via,
};
use crate::load::limit::ClientKind;
use crate::local::Faults;
use crate::local::capture::ChangeDelay;
use crate::report::{self, Condition, Report};
use crate::stream::Consumer;
use crate::workload::Pace;

/// Arguments of the main job, grouped as `--help` shows them.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Number of wearables in the fleet
    #[arg(long, value_name = "N", default_value = "10000", value_parser = values::count, help_heading = "Workload")]
    devices: u32,

    /// Readings a second of the whole fleet (5000, 5k/s, 300k/min) [default: the profile's own pace]
    #[arg(
        short,
        long,
        value_name = "RATE",
        conflicts_with = "interval",
        help_heading = "Workload"
    )]
    rate: Option<Rate>,

    /// Time between two readings of a device: the other way to say the rate
    #[arg(long, value_name = "TIME", value_parser = values::positive_span, help_heading = "Workload")]
    interval: Option<Duration>,

    /// Workload profile: a name from `hrload profiles`, or a TOML file
    #[arg(
        long,
        value_name = "NAME|FILE",
        default_value = "steady",
        help_heading = "Workload"
    )]
    profile: String,

    /// How a reading is laid out as an item
    #[arg(long, value_enum, default_value_t = LayoutArg::Seed, help_heading = "Workload")]
    layout: LayoutArg,

    /// Seed of everything random: the same seed gives the same readings
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Workload")]
    seed: u64,

    /// How long to measure
    #[arg(short, long, value_name = "TIME", default_value = "30s", value_parser = values::positive_span, help_heading = "Phases")]
    duration: Duration,

    /// How long to run at the full rate before measuring; discarded
    #[arg(short, long, value_name = "TIME", default_value = "5s", value_parser = values::span, help_heading = "Phases")]
    warmup: Duration,

    /// How long to wait at the end for readings that were written but not yet seen
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = values::span, help_heading = "Phases")]
    drain: Duration,

    /// Where to send: the embedded services, or AWS
    #[arg(long, value_enum, help_heading = "Target")]
    target: Option<TargetArg>,

    /// Any other server that speaks DynamoDB
    #[arg(long, value_name = "URL", value_parser = values::url, help_heading = "Target")]
    endpoint_url: Option<Uri>,

    /// Kinesis endpoint [default: --endpoint-url]
    #[arg(long, value_name = "URL", value_parser = values::url, requires = "endpoint_url", help_heading = "Target")]
    kinesis_endpoint_url: Option<Uri>,

    /// AWS region [default: from the environment or configuration file]
    #[arg(long, value_name = "REGION", help_heading = "Target")]
    region: Option<String>,

    /// Profile of the AWS configuration file [default: AWS_PROFILE, or `default`]
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    aws_profile: Option<String>,

    /// Table to write to; created if it does not exist [default: one of this run's own]
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    table: Option<String>,

    /// Stream that the table's changes go to; created if it does not exist [default: one of this run's own]
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    stream: Option<String>,

    /// Write into what `hrload setup` made and noted in this file: its target, region,
    /// table and stream; they are kept
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["target", "endpoint_url", "region", "table", "stream"],
        help_heading = "Target"
    )]
    state: Option<PathBuf>,

    /// Keep the table and stream that this run created
    #[arg(long, help_heading = "Target")]
    keep: bool,

    #[command(flatten)]
    throughput: ThroughputArgs,

    /// How readings are followed: through the change stream, or not at all
    #[arg(long, value_enum, default_value_t = ViaArg::Kinesis, help_heading = "Following")]
    via: ViaArg,

    /// How the stream is read
    #[arg(long, value_enum, default_value_t = ConsumerArg::Polling, help_heading = "Following")]
    consumer: ConsumerArg,

    /// Time between two GetRecords calls on a shard; Kinesis allows five calls a second,
    /// those of --lake included [default: 200ms, with --lake 250ms]
    #[arg(long, value_name = "TIME", value_parser = values::positive_span, help_heading = "Following")]
    poll_interval: Option<Duration>,

    /// Client: the AWS SDK as applications use it, or a direct one at about a quarter of its CPU
    #[arg(long, value_enum, default_value_t = ClientArg::Sdk, help_heading = "Sending")]
    client: ClientArg,

    /// Load threads [default: one for every 60,000 readings/s]
    #[arg(short, long, value_name = "N", value_parser = values::count, help_heading = "Sending")]
    threads: Option<u32>,

    /// Batches in flight at most, over all threads [default: enough for the rate at 100 ms a call]
    #[arg(short = 'p', long, value_name = "N", value_parser = values::count, help_heading = "Sending")]
    concurrency: Option<u32>,

    /// Items in a BatchWriteItem call at most, 1 to 25
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u8).range(1..=25), help_heading = "Sending")]
    batch: u8,

    /// How long a reading may wait for its batch to fill
    #[arg(long, value_name = "TIME", default_value = "10ms", value_parser = values::span, help_heading = "Sending")]
    linger: Duration,

    /// Wake for each batch with a timer of the kernel, on time within some tens of microseconds
    /// instead of a millisecond; costs a little more CPU [Linux only]
    #[arg(long, help_heading = "Sending")]
    precise: bool,

    /// How often an item is sent at most, before it counts as failed
    #[arg(long, value_name = "N", default_value = "8", value_parser = values::count, help_heading = "Sending")]
    attempts: u32,

    /// How long a call may take
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = values::positive_span, help_heading = "Sending")]
    timeout: Duration,

    /// Ceiling on catching up after a stall, as a multiple of the rate
    #[arg(long, value_name = "FACTOR", default_value = "1.5", value_parser = catch_up, help_heading = "Sending")]
    catch_up: f64,

    /// Ceiling on write units a second
    #[arg(long, value_name = "RATE", help_heading = "Sending")]
    max_write_units: Option<Rate>,

    /// Readings that may wait unsent before further ones are dropped [default: 10 s of the rate]
    #[arg(long, value_name = "N", value_parser = values::count, help_heading = "Sending")]
    backlog: Option<u32>,

    #[command(flatten)]
    lake: LakeArgs,

    #[command(flatten)]
    limits: LimitArgs,

    /// Embedded services: time from a write to its record's arrival in the stream
    #[arg(
        long,
        value_name = "TIME",
        default_value = "150ms",
        help_heading = "Embedded services"
    )]
    change_delay: ChangeDelay,

    /// Embedded services: faults to inject, such as lose=1% or stall=2s@5s (see `hrload local --help`)
    #[arg(
        long,
        value_name = "FAULTS",
        default_value = "",
        hide_default_value = true,
        help_heading = "Embedded services"
    )]
    fault: Faults,

    /// Embedded services: bytes of items, and of stream records, to keep in memory
    #[arg(long, value_name = "BYTES", default_value = "512MiB", value_parser = values::bytes, help_heading = "Embedded services")]
    retain: u64,

    /// What the result must show, such as e2e.p99<400ms, lost=0, achieved>=99% or
    /// throttled<0.1%; repeatable; exit code 3 when one is missed. Profiles may have
    /// thresholds too; one that is given here stands for the profile's
    #[arg(long, value_name = "CONDITION", help_heading = "Output")]
    threshold: Vec<Condition>,

    /// End the run as soon as a threshold can be met no more, whatever the rest brings
    #[arg(long, help_heading = "Output")]
    abort_on_fail: bool,

    #[command(flatten)]
    watch: WatchArgs,

    /// Write the result here as JSON; `-` is standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,

    /// Write a report; repeatable; the ending says which: .html, .md, .csv (series),
    /// .hlog (HdrHistogram log), .xml (JUnit), .prom (OpenMetrics). With one --baseline,
    /// .html and .md show both runs
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    report: Vec<Report>,

    /// Compare with this result file, or several of the same run; exit code 4 when
    /// something got worse (`hrload diff` compares several runs a side)
    #[arg(
        short,
        long,
        value_name = "FILE",
        num_args = 1..,
        help_heading = "Output"
    )]
    baseline: Vec<PathBuf>,

    /// A label kept in the result; repeatable
    #[arg(long, value_name = "TEXT", help_heading = "Output")]
    tag: Vec<String>,

    /// Print nothing but errors (and the result, with `-o -`)
    #[arg(short, long, help_heading = "Output")]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TargetArg {
    /// The embedded services, in this process
    Local,
    /// AWS, with the usual credentials
    Aws,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LayoutArg {
    /// Four strings, keyed by id: the blog post's
    Seed,
    /// Keyed by device and time, numbers as numbers
    Timeseries,
    /// A FHIR Observation
    Fhir,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ViaArg {
    /// The table's Kinesis streaming destination
    Kinesis,
    /// Writes alone are measured
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ConsumerArg {
    /// GetRecords, shared throughput
    Polling,
    /// SubscribeToShard, a throughput of its own
    EnhancedFanOut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ClientArg {
    /// aws-sdk-dynamodb
    Sdk,
    /// Requests written and signed by hand, for high rates
    Direct,
}

impl LayoutArg {
    pub(super) fn layout(self) -> Layout {
        match self {
            Self::Seed => Layout::Seed,
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

impl RunArgs {
    /// For commands that choose the rate themselves: an error that says `why`
    /// when one was given.
    pub(super) fn no_rate(&self, why: &str) -> Result<(), Problem> {
        let flag = match (self.rate, self.interval) {
            (Some(Rate(rate)), _) => format!("--rate {rate}"),
            (_, Some(interval)) => format!("--interval {interval:?}"),
            (None, None) => return Ok(()),
        };
        Err(Problem::usage(format!("{flag} has no place here: {why}")))
    }

    /// The same for commands that judge their runs in another way.
    pub(super) fn no_thresholds(&self, why: &str) -> Result<(), Problem> {
        if let Some(file) = self.baseline.first() {
            return Err(Problem::usage(format!(
                "--baseline {} has no place here: it compares a single run",
                file.display()
            )));
        }
        if let Some(report) = self.report.first() {
            return Err(Problem::usage(format!(
                "--report {} has no place here: it is of a single run",
                report.path().display()
            )));
        }
        self.watch.refuse()?;
        self.lake.none()?;
        if self.abort_on_fail {
            return Err(Problem::usage(format!(
                "--abort-on-fail has no place here: {why}"
            )));
        }
        self.threshold.first().map_or(Ok(()), |condition| {
            Err(Problem::usage(format!(
                "--threshold {condition} has no place here: {why}"
            )))
        })
    }

    /// For a command that compares tables: takes out what tells them apart.
    pub(super) fn take_compared(&mut self) -> Result<Compared, Problem> {
        Compared::take(&mut self.throughput, &mut self.limits)
    }

    /// Takes out what the result must show: what was given, and what the profile
    /// says besides.
    fn take_thresholds(&mut self) -> Result<Vec<Condition>, Problem> {
        let mut wanted = std::mem::take(&mut self.threshold);
        let mut of_profile = profiles::thresholds(&profiles::find(&self.profile)?)?;
        of_profile.retain(|of| !wanted.iter().any(|given| given.is_like(of)));
        self.followed("the profile's threshold", &of_profile)?;
        wanted.append(&mut of_profile);
        if self.abort_on_fail && wanted.is_empty() {
            return Err(Problem::usage(
                "--abort-on-fail was given, but nothing that could fail; add a condition such as \
                 --threshold 'e2e.p99<1s'",
            ));
        }
        Ok(wanted)
    }

    /// Refuses conditions on readings that are not followed; `flag` is where the
    /// conditions come from.
    fn followed(&self, flag: &str, conditions: &[Condition]) -> Result<(), Problem> {
        let wanted = conditions.iter().find(|wanted| wanted.needs_stream());
        match wanted.filter(|_| self.via == ViaArg::None) {
            None => Ok(()),
            Some(wanted) => Err(Problem::usage(format!(
                "{flag} {wanted} is about readings that are followed, but --via none was \
                 given; leave it out, or write a condition such as response.p99<50ms"
            ))),
        }
    }

    /// Whether readings are followed through the stream.
    pub(super) fn follows(&self) -> bool {
        self.via != ViaArg::None
    }

    /// Whether the target is the embedded services.
    pub(super) fn embedded(&self) -> bool {
        self.target != Some(TargetArg::Aws) && self.endpoint_url.is_none() && self.state.is_none()
    }

    /// Whether nothing but errors is to be printed.
    pub(super) fn quiet(&self) -> bool {
        self.quiet
    }

    /// Arguments into a request: every contradiction is found here. `flag` is
    /// where `conditions` come from.
    pub(super) fn into_request(
        mut self,
        flag: &str,
        conditions: Vec<Condition>,
    ) -> Result<Request, Problem> {
        self.take_state()?;
        self.followed(flag, &conditions)?;
        let profile = profiles::find(&self.profile)?;
        let pace = match (self.rate, self.interval) {
            (Some(Rate(rate)), _) => Pace::Rate(rate),
            (None, Some(interval)) => Pace::Interval(interval),
            (None, None) => Pace::Natural,
        };
        let target = self.target()?;
        let poll_interval = self.poll_interval();
        if self.lake.given() && self.via == ViaArg::None {
            return Err(Problem::usage(
                "--lake delivers the stream, but --via none was given, which has none; leave one out",
            ));
        }
        let request = Request {
            profile,
            devices: self.devices,
            pace,
            layout: self.layout.layout(),
            seed: self.seed,
            phases: Phases {
                warmup: self.warmup,
                measure: self.duration,
                drain: self.drain,
            },
            target,
            resources: Resources {
                table: self.table,
                stream: self.stream,
                table_mode: self.throughput.table_mode()?,
                stream_mode: self.throughput.stream_mode()?,
                shards: self.throughput.shards,
                keep: self.keep,
            },
            via: match (self.via, self.consumer) {
                (ViaArg::None, _) => Via::None,
                (ViaArg::Kinesis, ConsumerArg::Polling) => Via::Kinesis(Consumer::Polling {
                    interval: poll_interval,
                }),
                (ViaArg::Kinesis, ConsumerArg::EnhancedFanOut) => {
                    Via::Kinesis(Consumer::EnhancedFanOut {
                        name: "hrload".to_owned(),
                    })
                }
            },
            lake: self.lake.request(),
            sending: Sending {
                client: match self.client {
                    ClientArg::Sdk => ClientKind::Sdk,
                    ClientArg::Direct => ClientKind::Direct,
                },
                threads: self.threads,
                concurrency: self.concurrency,
                batch: usize::from(self.batch),
                linger: self.linger,
                precise: self.precise,
                attempts: self.attempts,
                timeout: self.timeout,
                catch_up: self.catch_up,
                max_write_units: self.max_write_units.map(|Rate(units)| units),
                backlog: self.backlog,
            },
            thresholds: conditions,
            abort_on_fail: self.abort_on_fail,
            output: self.output.map(Output::of),
            tags: self.tag,
            command: std::env::args().collect(),
        };
        Ok(request)
    }

    /// Kinesis allows a shard five calls a second, whoever makes them. Delivery
    /// makes one.
    fn poll_interval(&self) -> Duration {
        let shared = Duration::from_millis(250);
        match self.poll_interval {
            Some(interval) => interval,
            None if self.lake.given() => shared,
            None => Consumer::SHORTEST_INTERVAL,
        }
    }

    /// Puts what a state file says in the place of the arguments it stands for.
    fn take_state(&mut self) -> Result<(), Problem> {
        let Some(path) = self.state.take() else {
            return Ok(());
        };
        let name = path.display().to_string();
        let state = StateFile::at(path).read().map_err(Problem::failed)?;
        if !state.complete() {
            return Err(Problem::failed(format!(
                "{name} is of a set-up that was not brought to its end; run `hrload setup` again, \
                 or `hrload teardown`"
            )));
        }
        if self.throughput.any() {
            return Err(Problem::usage(format!(
                "table and stream of {name} are made already; leave out what they are to be made \
                 with (--mode, --wcu, --warm-throughput, --stream-mode, --shards)"
            )));
        }
        let layout = layout_name(self.layout.layout());
        if layout != state.layout {
            return Err(Problem::usage(format!(
                "the table of {name} was made for --layout {}, not {layout}",
                state.layout
            )));
        }
        let url = |text: &Option<String>| {
            let parsed = text.as_deref().map(values::url).transpose();
            parsed.map_err(|e| Problem::failed(format!("{name}: {e}")))
        };
        self.endpoint_url = url(&state.dynamodb)?;
        self.kinesis_endpoint_url = url(&state.kinesis)?;
        if self.endpoint_url.is_none() {
            self.target = Some(TargetArg::Aws);
        }
        self.region = Some(state.region);
        self.table = Some(state.table.name);
        self.stream = Some(state.stream.name);
        self.keep = true;
        Ok(())
    }

    fn target(&self) -> Result<Target, Problem> {
        let embedded = self.embedded();
        if let Some(flag) = self.limits.given().filter(|_| !embedded) {
            return Err(Problem::usage(format!(
                "{flag} is for the embedded services, but another target was named; leave it out, \
                 or leave out the target"
            )));
        }
        match (self.target, &self.endpoint_url) {
            (Some(TargetArg::Local), Some(url)) => Err(Problem::usage(format!(
                "--target local starts its own services, but --endpoint-url {url} names others; give one of the two"
            ))),
            (_, Some(url)) => Ok(Target::Endpoint {
                dynamodb: url.clone(),
                kinesis: self.kinesis_endpoint_url.clone(),
                region: self.region.clone(),
                profile: self.aws_profile.clone(),
            }),
            (Some(TargetArg::Aws), None) => Ok(Target::Aws {
                region: self.region.clone(),
                profile: self.aws_profile.clone(),
            }),
            (None | Some(TargetArg::Local), None) => Ok(Target::Embedded(Box::new(Embedded {
                change_delay: self.change_delay,
                faults: self.fault.clone(),
                retain_bytes: self.retain,
                limits: self.limits.limits()?,
            }))),
        }
    }
}

/// Runs the main job.
pub(crate) fn run(mut args: RunArgs) -> Result<Exit, Problem> {
    let quiet = args.quiet;
    // What cannot be read is better known before the run than after it.
    let baseline = diff::read(&args.baseline)?;
    let reports = std::mem::take(&mut args.report);
    reports::probe(&reports, args.output.as_deref())?;
    let conditions = args.take_thresholds()?;
    let watch = std::mem::take(&mut args.watch);
    let request = args.into_request("--threshold", conditions)?;
    let mut watching = watch.begin(quiet)?;
    let mut live = Live::new(quiet || watching.full_screen());
    let finished = interruptible(async |interrupts| {
        watching.take_screen(interrupts.remote())?;
        let mut tell = |event: Event<'_>| {
            watching.hear(&event, &live);
            live.show(&event);
        };
        Ok::<_, Problem>(experiment::run(&request, interrupts, &mut tell).await?)
    });
    live.finish();
    watching.end(quiet);
    let finished = finished?;
    // A file was written by the run itself.
    let stdout = request.output.filter(|output| *output == Output::Stdout);
    put_out(stdout.as_ref(), quiet, &finished.result, report::summary)?;
    reports::write_run(&reports, &baseline, &finished.result).map_err(Problem::failed)?;
    let compared = if baseline.is_empty() || finished.ending == Ending::Interrupted {
        Exit::Held
    } else {
        diff::against(&baseline, &finished.result, quiet)?
    };
    Ok(match finished.ending {
        Ending::Held => compared,
        Ending::NotHeld => Exit::Missed,
        Ending::LedgerOpen => Exit::LedgerOpen,
        Ending::Interrupted => Exit::Interrupted,
    })
}

/// Does `job` on a runtime of this thread, where signals are heard.
pub(super) fn interruptible<T, E: Into<Problem>>(
    job: impl AsyncFnOnce(&mut Interrupts) -> Result<T, E>,
) -> Result<T, Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut interrupts = Interrupts::listen()?;
        job(&mut interrupts).await.map_err(Into::into)
    })
}

/// Finds out, before anything is sent, whether the output can be written.
pub(super) fn probe(output: Option<&Output>) -> Result<(), Problem> {
    match output {
        Some(Output::File(path)) => report::probe(path).map_err(Problem::failed),
        Some(Output::Stdout) | None => Ok(()),
    }
}

/// Writes what was found where it was asked for, and prints its text; to
/// standard error when standard output has the JSON.
pub(super) fn put_out<T: Serialize>(
    output: Option<&Output>,
    quiet: bool,
    found: &T,
    text: impl FnOnce(&T) -> String,
) -> Result<(), Problem> {
    match output {
        Some(Output::File(path)) => report::write_json(path, found).map_err(Problem::failed)?,
        Some(Output::Stdout) => {
            report::write_json(Path::new("-"), found).map_err(Problem::failed)?;
            if !quiet {
                anstream::eprint!("{}", text(found));
            }
            return Ok(());
        }
        None => {}
    }
    if quiet {
        return Ok(());
    }
    super::print(&text(found))
}
