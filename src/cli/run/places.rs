//! Which flags have a place: one that is about something that is not there is refused,
//! where it would do nothing.

use clap::Arg;

use super::{ConsumerArg, RunArgs, ViaArg};
use crate::cli::problem::Problem;
use crate::local::Faults;
use crate::report::duration;
use crate::stream::{Consumer, TableStream};

/// What a flag is about.
#[derive(Debug, Clone, Copy)]
enum About {
    /// The services in this process.
    Embedded,
    /// An account of AWS, or another server.
    Account,
    /// The limits of a table, which the embedded services may be told to leave out.
    Limits,
    /// A table that is paid for by units.
    Provisioned,
    /// Records of the table's changes.
    Changes,
    /// A Kinesis stream.
    Kinesis,
    /// Calls of GetRecords.
    Polling,
}

/// Arguments that are of a single run, and the flag that was given of them.
struct OfOneRun {
    arguments: &'static [&'static str],
    given: fn(&RunArgs) -> Option<String>,
    /// Whether they say how the run is judged, which commands of several runs are told in
    /// another way.
    judges: bool,
}

const OF_ONE_RUN: [OfOneRun; 7] = [
    OfOneRun {
        arguments: &["baseline"],
        given: |run| {
            let file = run.baseline.first()?;
            Some(format!("--baseline {}", file.display()))
        },
        judges: false,
    },
    OfOneRun {
        arguments: &["report"],
        given: |run| {
            let report = run.report.first()?;
            Some(format!("--report {}", report.path().display()))
        },
        judges: false,
    },
    OfOneRun {
        arguments: &["tui", "metrics_listen", "allow_host", "otlp"],
        given: |run| run.watch.given(),
        judges: false,
    },
    OfOneRun {
        arguments: &[
            "lake",
            "lake_interval",
            "lake_size",
            "lake_compression",
            "lake_format",
            "s3_endpoint_url",
        ],
        given: |run| run.lake.flag(),
        judges: false,
    },
    OfOneRun {
        arguments: &["dry_run"],
        given: |run| run.dry_run.then(|| "--dry-run".to_owned()),
        judges: false,
    },
    OfOneRun {
        arguments: &["abort_on_fail"],
        given: |run| run.abort_on_fail.then(|| "--abort-on-fail".to_owned()),
        judges: true,
    },
    OfOneRun {
        arguments: &["threshold"],
        given: |run| {
            let condition = run.threshold.first()?;
            Some(format!("--threshold {condition}"))
        },
        judges: true,
    },
];

/// Hides an argument that is of a single run: for the help of commands of several.
pub(in crate::cli) fn hide_of_one_run(arg: Arg) -> Arg {
    let id = arg.get_id().as_str();
    let of_one = OF_ONE_RUN.iter().any(|of| of.arguments.contains(&id));
    if of_one { arg.hide(true) } else { arg }
}

impl RunArgs {
    /// For commands of several runs: refuses what is of a single one. `judged` is how
    /// they are told what a run must show.
    pub(in crate::cli) fn refuse_of_one_run(&self, judged: &str) -> Result<(), Problem> {
        for of in &OF_ONE_RUN {
            if let Some(flag) = (of.given)(self) {
                let why = if of.judges {
                    judged
                } else {
                    "it is of a single run"
                };
                return Err(Problem::usage(format!("{flag} has no place here: {why}")));
            }
        }
        Ok(())
    }

    /// Refuses flags that would do nothing.
    pub(super) fn check_places(&self) -> Result<(), Problem> {
        for (given, about) in self.placed() {
            if let Some((flag, why)) = given.zip(self.lacks(about)) {
                return Err(Problem::usage(format!("{flag} {why}")));
            }
        }
        self.check_poll_interval()
    }

    /// What was given and is not of every run, with what it is about.
    fn placed(&self) -> Vec<(Option<String>, About)> {
        use About::{Account, Changes, Embedded, Kinesis, Limits, Polling, Provisioned};
        let change_delay = self.change_delay.map(|of| format!("--change-delay {of}"));
        let faults = (self.fault != Faults::default()).then(|| format!("--fault {}", self.fault));
        let of_changes = self.fault.of_changes();
        let of_changes = (of_changes != Faults::default()).then(|| format!("--fault {of_changes}"));
        let retain = self.retain.map(|bytes| format!("--retain {bytes}"));
        let scaling = self.limits.scaling();
        let named = |flag: &str, value: &Option<String>| {
            let value = value.as_ref();
            value.map(|value| format!("{flag} {value}"))
        };
        let kinesis = self.kinesis_endpoint_url.as_ref();
        let kinesis = kinesis.map(|url| format!("--kinesis-endpoint-url {url}"));
        let waits = self.cloudwatch.filter(|wait| !wait.is_zero());
        let waits = waits.map(|_| "--cloudwatch".to_owned());
        let fan_out = self.consumer == ConsumerArg::EnhancedFanOut;
        let poll = self.poll_interval.map(|_| "--poll-interval".to_owned());
        vec![
            (change_delay.clone(), Embedded),
            (faults, Embedded),
            (retain, Embedded),
            (self.limits.given(), Embedded),
            (named("--aws-profile", &self.aws_profile), Account),
            (waits, Account),
            (self.keep.then(|| "--keep".to_owned()), Account),
            (self.throughput.of_table(), Limits),
            (scaling, Provisioned),
            (change_delay, Changes),
            (of_changes, Changes),
            (self.lake.flag(), Kinesis),
            (self.throughput.of_stream(), Kinesis),
            (named("--stream", &self.stream), Kinesis),
            (kinesis, Kinesis),
            (
                fan_out.then(|| "--consumer enhanced-fan-out".to_owned()),
                Kinesis,
            ),
            (poll, Polling),
        ]
    }

    /// Why there is nothing of it; none where there is.
    fn lacks(&self, about: About) -> Option<String> {
        let via = self.via.name();
        match about {
            About::Embedded => (!self.embedded()).then(|| {
                "is for the embedded services, but another target was named; leave it out, or \
                 leave out the target"
                    .to_owned()
            }),
            About::Account => self.embedded().then(|| {
                "has no place here: the embedded services have no account and end with the run; \
                 leave it out, or name another target"
                    .to_owned()
            }),
            About::Limits => self.limits.unlimited().then(|| {
                "is about the capacity limits that --capacity unlimited turns off; leave one of \
                 the two out"
                    .to_owned()
            }),
            About::Provisioned => (!self.throughput.provisioned()).then(|| {
                "is of a provisioned table, but the table is on demand; add --mode provisioned"
                    .to_owned()
            }),
            About::Changes => matches!(self.via, ViaArg::PutRecords | ViaArg::None).then(|| {
                format!(
                    "is about records of the table's changes, but --via {via} was given, which \
                     has none; leave one out"
                )
            }),
            About::Kinesis => {
                matches!(self.via, ViaArg::DynamodbStreams | ViaArg::None).then(|| {
                    format!(
                        "is about a Kinesis stream, but --via {via} was given, which has none; \
                         leave one out"
                    )
                })
            }
            About::Polling => {
                let instead = match (self.via, self.consumer) {
                    (ViaArg::None, _) => "--via none",
                    (_, ConsumerArg::EnhancedFanOut) => "--consumer enhanced-fan-out",
                    _ => return None,
                };
                Some(format!(
                    "is about GetRecords calls, but {instead} was given, which makes none; leave \
                     one out"
                ))
            }
        }
    }

    /// A reader does not ask more often than it may, whatever it is told.
    fn check_poll_interval(&self) -> Result<(), Problem> {
        let (least, why) = match self.via {
            ViaArg::DynamodbStreams => (TableStream::SHORTEST_INTERVAL, "no shard is asked"),
            _ => (
                Consumer::SHORTEST_INTERVAL,
                "Kinesis allows five calls a second, so that no shard is asked",
            ),
        };
        match self.poll_interval.filter(|interval| *interval < least) {
            None => Ok(()),
            Some(interval) => Err(Problem::usage(format!(
                "--poll-interval of {} is too short: {why} more often than every {}",
                duration(interval.as_secs_f64()),
                duration(least.as_secs_f64())
            ))),
        }
    }
}

impl ViaArg {
    /// As it is written.
    fn name(self) -> &'static str {
        match self {
            Self::Kinesis => "kinesis",
            Self::DynamodbStreams => "dynamodb-streams",
            Self::PutRecords => "put-records",
            Self::None => "none",
        }
    }
}
