//! Flags about capacity: what tables and streams are made with, and which of
//! AWS's limits the embedded services keep.

use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::problem::Problem;
use super::values::{self, Rate};
use crate::capacity::scaling::{AutoScaling, ScalingAssumptions, ScalingPolicy};
use crate::experiment::{StreamMode, TableMode, Warm};
use crate::local::Limits;

/// How a table that is created is paid for.
#[derive(Debug, Default, Clone, Copy, Args)]
pub(crate) struct ModeArgs {
    /// Capacity mode of a table that is created [default: on-demand]
    #[arg(long, value_enum, help_heading = "Capacity")]
    mode: Option<ModeArg>,
}

impl ModeArgs {
    /// Whether it was said.
    pub(crate) fn given(self) -> bool {
        self.mode.is_some()
    }

    /// Whether a table that is created is paid for by units.
    pub(crate) fn provisioned(self) -> bool {
        self.mode == Some(ModeArg::Provisioned)
    }
}

/// How much table and stream take that are created.
#[derive(Debug, Args)]
pub(crate) struct UnitArgs {
    /// Write units per second of a provisioned table [default: enough for the rate]
    #[arg(long, value_name = "N", value_parser = values::count, help_heading = "Capacity")]
    wcu: Option<u32>,

    /// Write units per second that an on-demand table is warmed for; `new` is a new table's
    /// 4,000 [default: enough for the rate]
    #[arg(long, value_name = "N|new", help_heading = "Capacity")]
    warm_throughput: Option<WarmArg>,

    /// Capacity mode of a stream that is created [default: provisioned]
    #[arg(long, value_enum, help_heading = "Capacity")]
    stream_mode: Option<StreamModeArg>,

    /// Shards of a stream that is created [default: enough for the rate]
    #[arg(long, value_name = "N", value_parser = values::shards, help_heading = "Capacity")]
    pub(crate) shards: Option<u32>,
}

impl UnitArgs {
    /// Returns the first given flag that is about how much a table takes.
    pub(crate) fn of_table(&self, mode: ModeArgs) -> Option<String> {
        let units = self.wcu.map(|units| format!("--wcu {units}"));
        let mode = mode.provisioned().then(|| "--mode provisioned".to_owned());
        let warm = self.warm_throughput.map(|WarmArg(warm)| match warm {
            Warm::Units(units) => format!("--warm-throughput {units}"),
            Warm::New | Warm::Sized => "--warm-throughput new".to_owned(),
        });
        units.or(mode).or(warm)
    }

    /// Returns the first given flag that is about a Kinesis stream.
    pub(crate) fn of_stream(&self) -> Option<String> {
        let shards = self.shards.map(|shards| format!("--shards {shards}"));
        shards.or_else(|| self.stream_mode.map(|_| "--stream-mode".to_owned()))
    }
}

/// Which limits the embedded services keep.
#[derive(Debug, Args)]
pub(crate) struct LimitArgs {
    /// Embedded services: whether AWS's capacity limits apply
    #[arg(
        long,
        value_enum,
        default_value = "aws",
        help_heading = "Embedded services"
    )]
    capacity: CapacityArg,

    /// Embedded services: speed-up of what takes minutes on AWS, 1 to 100; at 60, a
    /// 30-minute rule takes 30 seconds
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(Limits::MOST_TIME_SCALE)),
        help_heading = "Embedded services"
    )]
    time_scale: u32,

    /// Embedded services: auto scaling of provisioned tables (--mode), by target
    /// utilisation and bounds of write units, such as 70%,1000..40000
    #[arg(
        long,
        value_name = "TARGET,MIN..MAX",
        help_heading = "Embedded services"
    )]
    auto_scaling: Option<ScalingArg>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ModeArg {
    /// Pay per request; capacity grows with the traffic
    OnDemand,
    /// A fixed number of units per second
    Provisioned,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StreamModeArg {
    /// A fixed number of shards
    Provisioned,
    /// Four shards at first, then as the traffic grows
    OnDemand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CapacityArg {
    /// The limits of AWS
    Aws,
    /// No limits
    Unlimited,
}

/// `new`, or write units a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct WarmArg(Warm);

impl FromStr for WarmArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "new" {
            return Ok(Self(Warm::New));
        }
        let wrong = || "expected write units a second, such as 10000 or 10k, or `new`".to_owned();
        let Rate(units) = text.parse().map_err(|_: String| wrong())?;
        if units < 1.0 {
            return Err(wrong());
        }
        Ok(Self(Warm::Units(units.ceil() as u64)))
    }
}

/// `70%,1000..40000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ScalingArg(ScalingPolicy);

impl FromStr for ScalingArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = || {
            let (target, bounds) = text.split_once(',')?;
            let (minimum, maximum) = bounds.split_once("..")?;
            Some(ScalingPolicy {
                target_percent: target.trim().strip_suffix('%')?.parse().ok()?,
                minimum: minimum.trim().replace('_', "").parse().ok()?,
                maximum: maximum.trim().replace('_', "").parse().ok()?,
            })
        };
        let policy = parsed().ok_or(
            "expected a target utilisation and bounds of write units, such as 70%,1000..40000",
        )?;
        AutoScaling::new(policy, ScalingAssumptions::default()).map_err(|e| e.to_string())?;
        Ok(Self(policy))
    }
}

impl UnitArgs {
    /// Whether any of them was given.
    pub(crate) fn any(&self) -> bool {
        self.wcu.is_some()
            || self.warm_throughput.is_some()
            || self.stream_mode.is_some()
            || self.shards.is_some()
    }

    /// The table's mode; contradictions are named.
    pub(crate) fn table_mode(&self, mode: ModeArgs) -> Result<TableMode, Problem> {
        match (mode.provisioned(), self.wcu, self.warm_throughput) {
            (false, Some(wcu), _) => Err(Problem::usage(format!(
                "--wcu {wcu} sets the units of a provisioned table, but the table is on demand; \
                 add --mode provisioned, or warm it with --warm-throughput {wcu}"
            ))),
            (true, _, Some(_)) => Err(Problem::usage(
                "--warm-throughput warms an on-demand table, but --mode provisioned was given; \
                 set its units with --wcu",
            )),
            (true, write_units, None) => Ok(TableMode::Provisioned {
                write_units: write_units.map(u64::from),
            }),
            (false, None, warm) => Ok(TableMode::OnDemand {
                warm: warm.map_or(Warm::Sized, |WarmArg(warm)| warm),
            }),
        }
    }

    /// The stream's mode; contradictions are named.
    pub(crate) fn stream_mode(&self) -> Result<StreamMode, Problem> {
        match (self.stream_mode, self.shards) {
            (Some(StreamModeArg::OnDemand), Some(shards)) => Err(Problem::usage(format!(
                "--shards {shards} sets the shards of a provisioned stream, but --stream-mode \
                 on-demand was given; leave one of the two out"
            ))),
            (Some(StreamModeArg::OnDemand), None) => Ok(StreamMode::OnDemand),
            _ => Ok(StreamMode::Provisioned),
        }
    }
}

impl LimitArgs {
    /// The limits asked for, if any are to bind.
    pub(crate) fn limits(&self) -> Result<Option<Limits>, Problem> {
        let auto_scaling = self.auto_scaling.map(|ScalingArg(policy)| policy);
        if self.unlimited() {
            if let Some(flag) = self.changed() {
                return Err(Problem::usage(format!(
                    "{flag} is about the capacity limits that --capacity unlimited turns off; \
                     leave one of the two out"
                )));
            }
            return Ok(None);
        }
        Ok(Some(Limits {
            time_scale: self.time_scale,
            auto_scaling,
            ..Limits::default()
        }))
    }

    /// One of these flags that was given, for a target that is not embedded.
    pub(crate) fn given(&self) -> Option<String> {
        self.unlimited()
            .then(|| "--capacity unlimited".to_owned())
            .or_else(|| self.changed())
    }

    /// Whether no limit binds.
    pub(crate) fn unlimited(&self) -> bool {
        self.capacity == CapacityArg::Unlimited
    }

    /// Auto scaling, as it was given.
    pub(crate) fn scaling(&self) -> Option<String> {
        let policy = self.auto_scaling.as_ref();
        policy.map(|ScalingArg(policy)| format!("--auto-scaling {policy}"))
    }

    fn changed(&self) -> Option<String> {
        let scale = self.time_scale;
        self.scaling()
            .or_else(|| (scale != 1).then(|| format!("--time-scale {scale}")))
    }
}

/// What tells the tables of `hrload modes` apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Compared {
    /// What the table on demand is warmed for.
    pub(super) warm: Warm,
    /// Units of the provisioned one.
    pub(super) write_units: Option<u64>,
    /// Of the auto-scaled one.
    pub(super) auto_scaling: Option<ScalingPolicy>,
}

impl Compared {
    pub(super) fn take(units: &mut UnitArgs, limits: &mut LimitArgs) -> Result<Self, Problem> {
        if limits.unlimited() {
            return Err(Problem::usage(
                "--capacity unlimited leaves nothing to compare: without limits every table is \
                 the same; leave it out",
            ));
        }
        Ok(Self {
            warm: units
                .warm_throughput
                .take()
                .map_or(Warm::Sized, |WarmArg(warm)| warm),
            write_units: units.wcu.take().map(u64::from),
            auto_scaling: limits.auto_scaling.take().map(|ScalingArg(policy)| policy),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn auto_scaling_is_a_target_and_bounds() {
        let policy = "70%,1000..40_000".parse::<ScalingArg>();
        let policy = policy.map(|ScalingArg(policy)| policy.to_string());
        assert_eq!(policy, Ok("70%,1000..40000".to_owned()));
        for (wrong, named) in [
            ("70,1..2", "such as 70%,1000..40000"),
            ("70%,1..", "such as 70%,1000..40000"),
            ("95%,1..2", "20% to 90%"),
            ("70%,9..2", "9..2"),
        ] {
            let error = wrong.parse::<ScalingArg>().unwrap_err();
            assert!(error.contains(named), "{wrong}: {error}");
        }
    }

    #[test]
    fn warm_throughput_is_a_number_or_new() {
        assert_eq!("new".parse(), Ok(WarmArg(Warm::New)));
        assert_eq!("10k".parse(), Ok(WarmArg(Warm::Units(10_000))));
        assert!("old".parse::<WarmArg>().is_err_and(|e| e.contains("`new`")));
    }
}
