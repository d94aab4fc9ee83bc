//! What a run was: when, with what settings, on what machine.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When a run was and how far it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunInfo {
    /// Names the run; unique.
    pub id: String,
    /// When set-up began: RFC 3339, UTC (see [`timestamp`]).
    pub started: String,
    /// When the result was drawn up: RFC 3339, UTC.
    pub ended: String,
    /// The phase in which the run ended; `complete` unless it was cut short.
    pub phase: Phase,
    /// Whether it was interrupted (Ctrl-C or another signal).
    pub interrupted: bool,
    /// The threshold that could be met no more and for that ended the run;
    /// null in other runs.
    #[serde(default)]
    pub out_of_reach: Option<String>,
    /// What the run may cost (`--max-cost`), in USD, where that was reached and for
    /// that ended it; absent in other runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cost_reached: Option<f64>,
    /// When measuring began: RFC 3339, UTC; second 0 of the series. Null in files of
    /// older versions.
    #[serde(default)]
    pub measured_from: Option<String>,
    /// When the rate was changed while the run went on, by the keys of `--tui`; absent
    /// where it was not. Such a run is not comparable with any other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rate_changes: Vec<RateChange>,
    /// How long was measured, in seconds; shorter than asked for when cut short.
    pub measured: f64,
    /// How long draining took, in seconds.
    pub drained: f64,
}

/// A change of the rate while a run went on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RateChange {
    /// When, in seconds since measuring began; negative in the warm-up.
    pub second: f64,
    /// To which multiple of the rate asked for; 0 is a pause.
    pub factor: f64,
}

/// A phase of a run.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Table, stream and connections are being made.
    SetUp,
    /// Load at the full rate that is not measured.
    WarmUp,
    /// Load that is measured.
    Measure,
    /// No more load; acknowledged readings are waited for.
    Drain,
    /// The run went to its end.
    Complete,
}

/// What the load is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// The services embedded in hrload.
    Local,
    /// AWS.
    Aws,
    /// Another server, by URL.
    Endpoint,
}

/// How readings are followed after they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// Through a Kinesis data stream, where the table's changes go.
    Kinesis,
    /// Through the table's own stream.
    DynamodbStreams,
    /// Through a Kinesis data stream that hrload itself put the readings into.
    PutRecords,
    /// Not at all: writes alone are measured.
    None,
}

impl Via {
    /// Whether readings are followed to where they are read again.
    #[must_use]
    pub fn is_followed(self) -> bool {
        self != Self::None
    }

    /// As `--via` and the result file have it.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Kinesis => "kinesis",
            Self::DynamodbStreams => "dynamodb-streams",
            Self::PutRecords => "put-records",
            Self::None => "none",
        }
    }
}

/// Everything that is needed to repeat a run. Holds no secrets: pass URLs and
/// arguments through `redact`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Config {
    /// The command line as given, program name included.
    pub command: Vec<String>,
    /// Free words to find the run by.
    #[serde(default)]
    pub tags: Vec<String>,

    /// What the load is sent to.
    pub target: Target,
    /// AWS region.
    pub region: Option<String>,
    /// URL of DynamoDB, where it is not the region's own.
    pub dynamodb_endpoint: Option<String>,
    /// URL of Kinesis, where it is not the region's own.
    pub kinesis_endpoint: Option<String>,
    /// Table that was written.
    pub table: String,
    /// `PAY_PER_REQUEST` or `PROVISIONED`; null when the table was not made by the run.
    pub billing_mode: Option<String>,
    /// Provisioned write units per second, where there are.
    pub write_capacity: Option<f64>,
    /// Write units per second an on-demand table was warmed for, if it was.
    #[serde(default)]
    pub warm_throughput: Option<f64>,
    /// How readings were followed.
    pub via: Via,
    /// Kinesis stream that was read; null where none was.
    pub stream: Option<String>,
    /// Shards it was made with; null when it was not made by the run.
    pub shards: Option<u32>,
    /// `PROVISIONED` or `ON_DEMAND`; null when the stream was not made by the run.
    #[serde(default)]
    pub stream_mode: Option<String>,
    /// `polling` or `enhanced-fan-out`; null with `via` `none`.
    pub consumer: Option<String>,
    /// Time between reads of a shard when polling, in seconds.
    pub poll_interval: Option<f64>,

    /// Name of the workload profile, or the file it came from.
    pub profile: String,
    /// Its full text (TOML), so that the run can be repeated without the file.
    pub profile_text: String,
    /// Devices in the fleet.
    pub devices: u32,
    /// Readings per second asked for, of the whole fleet.
    pub rate: f64,
    /// Seconds between readings of a device, where the rate was given so.
    pub interval: Option<f64>,
    /// Seed of everything random in the workload.
    pub seed: u64,
    /// Item layout: `post`, `timeseries` or `fhir`.
    #[serde(deserialize_with = "layout_name")]
    pub layout: String,

    /// Client: `sdk` or `direct`.
    pub client: String,
    /// Load threads.
    pub threads: u32,
    /// Batches in flight, all threads together.
    pub concurrency: u32,
    /// Items in a batch at most, 1 to 25.
    pub batch: u32,
    /// How long a batch waits to be filled at most, in seconds.
    pub linger: f64,
    /// Whether batches were woken for with a timer of the kernel.
    #[serde(default)]
    pub precise: bool,
    /// How often an item is sent at most.
    pub attempts: u32,
    /// After how long a call is given up, in seconds.
    pub timeout: f64,
    /// Ceiling on catching up after a stall, as a multiple of the rate.
    pub catch_up: f64,
    /// Ceiling on write units per second; null for none.
    pub max_write_units: Option<f64>,
    /// Readings that may wait to be sent before some are dropped.
    pub backlog: u64,

    /// Warm-up asked for, in seconds.
    pub warm_up: f64,
    /// Measuring asked for, in seconds.
    pub duration: f64,
    /// Longest drain, in seconds.
    pub drain: f64,

    /// Delay of the change stream of the embedded services, as given; null
    /// for other targets.
    pub change_delay: Option<String>,
    /// Memory for retained stream records of the embedded services, in bytes.
    pub retain_bytes: Option<u64>,
    /// Capacity limits of the embedded services: `aws` or `unlimited`; null for
    /// other targets.
    #[serde(default)]
    pub capacity: Option<String>,
    /// How many times faster the embedded services let pass what takes minutes.
    #[serde(default)]
    pub time_scale: Option<u32>,
    /// Auto scaling of the embedded table: target utilisation and bounds of
    /// write units.
    #[serde(default)]
    pub auto_scaling: Option<String>,
    /// Faults that the embedded services injected, as given.
    #[serde(default)]
    pub faults: Vec<String>,
}

/// Versions and machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// hrload's version.
    pub version: String,
    /// Commit it was built from, where known; with `-dirty` when changed.
    pub commit: Option<String>,
    /// `release` or `debug`: figures of a debug build say nothing.
    pub build: String,
    /// Compiler, where known.
    pub rustc: Option<String>,
    /// Operating system and its version.
    pub os: String,
    /// Architecture.
    pub arch: String,
    /// Model of the CPU, where known.
    pub cpu: Option<String>,
    /// CPUs that the process may use.
    pub cpus: u32,
    /// Memory of the machine, in bytes, where known.
    pub memory_bytes: Option<u64>,
    /// Versions of the libraries that matter to the figures, by name.
    #[serde(default)]
    pub libraries: BTreeMap<String, String>,
}

/// `epoch_us` (microseconds since the Unix epoch) as RFC 3339 in UTC.
#[must_use]
pub fn timestamp(epoch_us: u64) -> String {
    i64::try_from(epoch_us)
        .ok()
        .and_then(|us| jiff::Timestamp::from_microsecond(us).ok())
        .unwrap_or(jiff::Timestamp::MAX)
        .to_string()
}

/// A layout's name as it is now: before 0.2 the blog post's was `seed`.
fn layout_name<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let name = String::deserialize(from)?;
    Ok(if name == "seed" {
        "post".to_owned()
    } else {
        name
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_rfc_3339_in_utc() {
        assert_eq!(timestamp(1_721_011_166_136_000), "2024-07-15T02:39:26.136Z");
    }
}
