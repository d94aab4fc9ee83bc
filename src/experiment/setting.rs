//! What was asked for and what follows from it: the numbers a run goes by.

use std::fmt;

use super::machine;
use super::request::{Request, Target, Via};
use super::sizing;
use crate::codec::Layout;
use crate::load::limit::ClientKind;
use crate::report::{amount, count, duration};
use crate::stream::Consumer;
use crate::workload::Workload;

/// A run's numbers, all chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Profile name.
    pub profile: String,
    /// Devices in the fleet.
    pub devices: u32,
    /// Readings a second, on average.
    pub mean_rate: f64,
    /// Readings in the busiest second.
    pub peak_rate: f64,
    /// Item layout.
    pub layout: Layout,
    /// Seed.
    pub seed: u64,
    /// Where to, in words.
    pub target: String,
    /// Table name.
    pub table: String,
    /// Stream name; `None` when nothing is followed.
    pub stream: Option<String>,
    /// Shards wanted of a stream that is created; after set-up, those found.
    pub shards: u32,
    /// How the stream is read, in words.
    pub consumer: Option<String>,
    /// Which client.
    pub client: ClientKind,
    /// Load threads.
    pub threads: usize,
    /// Batches in flight at most, over all threads.
    pub concurrency: usize,
    /// Items in a batch at most.
    pub batch: usize,
    /// Readings that may wait, over all threads.
    pub backlog: usize,
}

impl Setting {
    /// Chooses what the request leaves open, from the rate.
    pub(super) fn choose(request: &Request, workload: &Workload, run_id: &str) -> Self {
        let (mean, peak) = (workload.mean_rate(), workload.peak_rate());
        let sending = &request.sending;
        // A flush of the whole fleet at one instant would ask for as many
        // threads and connections as devices; what cannot leave at once waits.
        let sized = peak.min(mean * PEAK_SIZED);
        let threads = sending
            .threads
            .map_or_else(|| sizing::threads(sized, machine::cores()), |n| n as usize);
        let concurrency = sending.concurrency.map_or_else(
            || sizing::concurrency(sized, sending.batch, threads),
            |n| (n as usize).max(threads),
        );
        let embedded = matches!(request.target, Target::Embedded(_));
        let name = |asked: &Option<String>| {
            asked.clone().unwrap_or_else(|| {
                if embedded {
                    "hrload".to_owned()
                } else {
                    run_id.to_owned()
                }
            })
        };
        let consumer = match &request.via {
            Via::None => None,
            Via::Kinesis(Consumer::Polling { interval }) => {
                Some(format!("polled every {}", duration(interval.as_secs_f64())))
            }
            Via::Kinesis(Consumer::EnhancedFanOut { .. }) => Some("enhanced fan-out".to_owned()),
        };
        Self {
            profile: request.profile.name().to_owned(),
            devices: request.devices,
            mean_rate: mean,
            peak_rate: peak,
            layout: request.layout,
            seed: request.seed,
            target: match &request.target {
                Target::Embedded(_) => "embedded services".to_owned(),
                Target::Aws { .. } => "AWS".to_owned(),
                Target::Endpoint { dynamodb, .. } => dynamodb.to_string(),
            },
            table: name(&request.resources.table),
            stream: consumer.is_some().then(|| name(&request.resources.stream)),
            shards: request
                .resources
                .shards
                .unwrap_or_else(|| sizing::shards(sized)),
            consumer,
            client: sending.client,
            threads,
            concurrency,
            batch: sending.batch,
            backlog: sending
                .backlog
                .map_or_else(|| sizing::backlog(sized), |n| n as usize),
        }
    }
}

/// How far above the mean rate threads, connections and shards are sized.
const PEAK_SIZED: f64 = 10.0;

/// Singular or plural, with the number.
fn many(number: usize, one: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {one}{s}", count(number as u64))
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, profile {}, {} readings/s",
            many(self.devices as usize, "device"),
            self.profile,
            amount(self.mean_rate),
        )?;
        if self.peak_rate > self.mean_rate * 1.05 {
            write!(f, " ({} at the peak)", amount(self.peak_rate))?;
        }
        write!(
            f,
            ", seed {}\n{}: table {}",
            self.seed, self.target, self.table
        )?;
        if let (Some(stream), Some(consumer)) = (&self.stream, &self.consumer) {
            write!(
                f,
                ", stream {stream} with {}, {consumer}",
                many(self.shards as usize, "shard"),
            )?;
        }
        let client = match self.client {
            ClientKind::Sdk => "SDK client",
            ClientKind::Direct => "direct client",
        };
        write!(
            f,
            "\n{client}, {}, up to {} of {} in flight",
            many(self.threads, "load thread"),
            many(self.concurrency, "batch").replace("batchs", "batches"),
            many(self.batch, "item"),
        )
    }
}
