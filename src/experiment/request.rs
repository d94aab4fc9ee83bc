//! What a person asks for, parsed and complete: past this point no default is
//! left to choose but those that depend on the workload.

use std::path::PathBuf;
use std::time::Duration;

use crate::aws::State;
use crate::codec::Layout;
use crate::endpoint::Endpoint;
use crate::lake::{Format, Hints, Place};
use crate::load::limit::ClientKind;
use crate::local::capture::ChangeDelay;
use crate::local::{Faults, Limits};
use crate::report::Condition;
use crate::workload::{Pace, Profile, Workload, WorkloadError};

/// One run.
#[derive(Debug, Clone)]
pub struct Request {
    /// What the fleet does.
    pub profile: Profile,
    /// Devices in the fleet.
    pub devices: u32,
    /// How fast the fleet sends.
    pub pace: Pace,
    /// How a reading becomes an item.
    pub layout: Layout,
    /// Seed of everything random.
    pub seed: u64,
    /// Phases.
    pub phases: Phases,
    /// Where to send.
    pub target: Target,
    /// Look around on AWS before anything is made.
    pub look_around: bool,
    /// How long to wait after the run for what AWS counted of it; `None` does not ask.
    pub cloudwatch: Option<Duration>,
    /// Table and stream.
    pub resources: Resources,
    /// How readings are followed.
    pub via: Via,
    /// Where they are delivered to, if they are.
    pub lake: Option<LakeRequest>,
    /// How they are sent.
    pub sending: Sending,
    /// What the result must show.
    pub thresholds: Vec<Condition>,
    /// End the run as soon as one of them can no longer be met.
    pub abort_on_fail: bool,
    /// End the run when it has cost so much on AWS, in USD.
    pub max_cost_usd: Option<f64>,
    /// Where the result goes.
    pub output: Option<Output>,
    /// Labels kept in the result.
    pub tags: Vec<String>,
    /// The command line, kept in the result.
    pub command: Vec<String>,
}

impl Request {
    /// The fleet, and what it does while the run lasts.
    ///
    /// # Errors
    /// The profile cannot send at the pace asked for.
    pub fn workload(&self) -> Result<Workload, WorkloadError> {
        Workload::new(
            self.profile.clone(),
            self.devices,
            self.pace,
            self.seed,
            self.phases.warmup + self.phases.measure,
        )
    }
}

/// How long each phase lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phases {
    /// At the full rate, discarded.
    pub warmup: Duration,
    /// Measured.
    pub measure: Duration,
    /// At most, until every acknowledged reading was seen.
    pub drain: Duration,
}

/// Where to send.
#[derive(Debug, Clone)]
pub enum Target {
    /// The embedded services, started for the run in this process.
    Embedded(Box<Embedded>),
    /// AWS, with the SDK's usual credentials, region and endpoint variables.
    Aws {
        /// Overrides the region of the environment.
        region: Option<String>,
        /// Overrides the configuration profile of the environment.
        profile: Option<String>,
    },
    /// Any other server.
    Endpoint {
        /// DynamoDB's URL.
        dynamodb: Endpoint,
        /// Kinesis's URL; `None` is the same.
        kinesis: Option<Endpoint>,
        /// Overrides the region of the environment.
        region: Option<String>,
        /// Overrides the configuration profile of the environment.
        profile: Option<String>,
    },
}

/// How the embedded services are to behave.
#[derive(Debug, Clone)]
pub struct Embedded {
    /// The region that they say they are in; `None` is us-east-1.
    pub region: Option<String>,
    /// Time from a write to its record's arrival.
    pub change_delay: ChangeDelay,
    /// Faults to inject.
    pub faults: Faults,
    /// Bytes of items, and of stream records, to keep.
    pub retain_bytes: u64,
    /// The capacity rules that bind; `None` for none.
    pub limits: Option<Limits>,
}

/// Table and stream.
#[derive(Debug, Clone)]
pub struct Resources {
    /// What made both before, where a state file names them; then `table`, and `stream`
    /// if it is followed, are its.
    pub made_by: Option<Box<State>>,
    /// Table name; `None` makes one for this run.
    pub table: Option<String>,
    /// Stream name; `None` makes one for this run.
    pub stream: Option<String>,
    /// How a table that is created is paid for.
    pub table_mode: TableMode,
    /// The same of a stream.
    pub stream_mode: StreamMode,
    /// Shards of a provisioned stream that is created; `None` is enough for the
    /// rate.
    pub shards: Option<u32>,
    /// Leave what was created.
    pub keep: bool,
}

/// How a table's capacity is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableMode {
    /// Pay per request.
    OnDemand {
        /// What it is warmed for.
        warm: Warm,
    },
    /// So many units a second.
    Provisioned {
        /// Write units; `None` is enough for the rate.
        write_units: Option<u64>,
    },
}

/// What an on-demand table is warmed for when it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warm {
    /// Enough for the rate.
    Sized,
    /// Nothing: a bare new table.
    New,
    /// So many write units a second.
    Units(u64),
}

/// How a stream's capacity is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamMode {
    /// So many shards.
    Provisioned,
    /// As the traffic has it.
    OnDemand,
}

/// How readings are followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// Through the table's Kinesis streaming destination.
    Kinesis(crate::stream::Consumer),
    /// Through the table's own stream (DynamoDB Streams).
    DynamoDbStreams {
        /// Time from one GetRecords call to the next on one shard.
        interval: Duration,
    },
    /// Through a Kinesis stream that hrload itself puts the acknowledged readings into.
    PutRecords(crate::stream::Consumer),
    /// Not at all: writes alone are measured.
    None,
}

impl Via {
    /// How the Kinesis stream is read, if one is followed.
    #[must_use]
    pub fn consumer(&self) -> Option<&crate::stream::Consumer> {
        match self {
            Via::Kinesis(consumer) | Via::PutRecords(consumer) => Some(consumer),
            Via::DynamoDbStreams { .. } | Via::None => None,
        }
    }
}

/// Delivery into a lake while the run goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeRequest {
    /// The folder or bucket.
    pub place: Place,
    /// S3's URL; `None` is AWS's, or what the environment says.
    pub s3_endpoint: Option<String>,
    /// When objects close.
    pub hints: Hints,
    /// What they are made of.
    pub format: Format,
}

/// How readings are sent. `None` is chosen from the rate.
#[derive(Debug, Clone)]
pub struct Sending {
    /// Which client.
    pub client: ClientKind,
    /// Load threads.
    pub threads: Option<u32>,
    /// Batches in flight at most, over all threads.
    pub concurrency: Option<u32>,
    /// Items in a call at most, 1 to 25.
    pub batch: usize,
    /// How long a reading may wait for its batch to fill.
    pub linger: Duration,
    /// Wake with the kernel's timer instead of tokio's.
    pub precise: bool,
    /// How often an item is sent at most.
    pub attempts: u32,
    /// How long a call may take.
    pub timeout: Duration,
    /// Ceiling on catching up after a stall, as a multiple of the rate.
    pub catch_up: f64,
    /// Ceiling on write units a second.
    pub max_write_units: Option<f64>,
    /// Readings that may wait unsent, over all threads.
    pub backlog: Option<u32>,
}

/// Where the result goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Standard output, as JSON.
    Stdout,
    /// A file.
    File(PathBuf),
}

impl Output {
    /// Where a path leads: `-` is standard output.
    #[must_use]
    pub fn of(path: PathBuf) -> Self {
        if path.as_os_str() == "-" {
            Self::Stdout
        } else {
            Self::File(path)
        }
    }
}
