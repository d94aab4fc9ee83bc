//! Options that would do nothing, because what they are about is not there, are refused.

use super::args::{ConsumerArg, LoadArgs, ViaArg};
use crate::cli::capacity::ModeArgs;
use crate::cli::lake::LakeArgs;
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

impl LoadArgs {
    /// Refuses flags that would do nothing.
    pub(super) fn check_places(
        &self,
        mode: ModeArgs,
        lake: Option<&LakeArgs>,
    ) -> Result<(), Problem> {
        for (given, about) in self.placed(mode, lake) {
            if let Some((flag, why)) = given.zip(self.lacks(about, mode)) {
                return Err(Problem::usage(format!("{flag} {why}")));
            }
        }
        self.check_poll_interval()
    }

    /// What was given and is not of every run, with what it is about.
    fn placed(&self, mode: ModeArgs, lake: Option<&LakeArgs>) -> Vec<(Option<String>, About)> {
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
            (self.units.of_table(mode), Limits),
            (scaling, Provisioned),
            (change_delay, Changes),
            (of_changes, Changes),
            (lake.and_then(LakeArgs::flag), Kinesis),
            (self.units.of_stream(), Kinesis),
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
    fn lacks(&self, about: About, mode: ModeArgs) -> Option<String> {
        let via = self.via.name();
        match about {
            About::Embedded => (!self.embedded()).then(|| {
                "is for the embedded services, but another target was named; leave it out, or \
                 leave out the target"
                    .to_owned()
            }),
            About::Account => self.embedded().then(|| {
                "is about an account, but the embedded services have none and end with the run; \
                 leave it out, or name another target"
                    .to_owned()
            }),
            About::Limits => self.limits.unlimited().then(|| {
                "is about the capacity limits that --capacity unlimited turns off; leave one of \
                 the two out"
                    .to_owned()
            }),
            About::Provisioned => (!mode.provisioned()).then(|| {
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
