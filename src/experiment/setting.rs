//! What was asked for and what follows from it: the numbers a run goes by.

use std::fmt;

use super::footprint::{Footprint, even_keys};
use super::machine;
use super::request::{Request, StreamMode, TableMode, Target, Via, Warm};
use super::sizing;
use crate::aws::TableThroughput;
use crate::capacity::quota::Quotas;
use crate::capacity::table::NEW_TABLE;
use crate::codec::Layout;
use crate::load::limit::ClientKind;
use crate::report::{amount, count, duration};
use crate::stream::Consumer;
use crate::workload::Workload;

/// A run's numbers, all chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Names the run.
    pub run: String,
    /// Profile name.
    pub profile: String,
    /// Devices in the fleet.
    pub devices: u32,
    /// Readings a second, on average.
    pub mean_rate: f64,
    /// Readings in the busiest second.
    pub peak_rate: f64,
    /// Readings a second that what is not asked for is sized for: the peak, or
    /// what the load threads can send of it.
    pub sized_rate: f64,
    /// Item layout.
    pub layout: Layout,
    /// Seed.
    pub seed: u64,
    /// Where to, in words.
    pub target: String,
    /// Table name.
    pub table: String,
    /// Name of the Kinesis stream; `None` when none is followed.
    pub stream: Option<String>,
    /// The table's own stream is followed.
    pub table_stream: bool,
    /// What a reading weighs.
    pub(super) footprint: Footprint,
    /// How a table that is created is paid for, and for how much.
    pub throughput: TableThroughput,
    /// Shards wanted of a stream that is created; after set-up, those found.
    pub shards: u32,
    /// A stream that is created grows with the traffic.
    pub stream_on_demand: bool,
    /// Capacity was chosen for the rate: the table's, and the stream's.
    pub sized: (bool, bool),
    /// AWS's limits bind: always but on embedded services without them.
    pub limited: bool,
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
        let threads = sending
            .threads
            .map_or_else(|| sizing::threads(peak, machine::cores()), |n| n as usize);
        let sized = sizing::sized_for(mean, peak, threads, sending.client);
        let concurrency = sending.concurrency.map_or_else(
            || sizing::concurrency(sized, sending.batch, threads),
            |n| (n as usize).max(threads),
        );
        let embedded = matches!(request.target, Target::Embedded(_));
        let limited = !matches!(&request.target, Target::Embedded(e) if e.limits.is_none());
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
            Via::Kinesis(Consumer::Polling { interval })
            | Via::PutRecords(Consumer::Polling { interval }) => {
                Some(format!("polled every {}", duration(interval.as_secs_f64())))
            }
            Via::Kinesis(Consumer::EnhancedFanOut { .. })
            | Via::PutRecords(Consumer::EnhancedFanOut { .. }) => {
                Some("enhanced fan-out".to_owned())
            }
            Via::DynamoDbStreams { interval } => Some(format!(
                "each shard polled every {}",
                duration(interval.as_secs_f64())
            )),
        };
        let via_kinesis = request.via.consumer().is_some();
        let table_stream = matches!(request.via, Via::DynamoDbStreams { .. });
        let table = name(&request.resources.table);
        let footprint = Footprint::of(workload, request.layout, &table, FOOTPRINT_REGION);
        let resources = &request.resources;
        let needed = sizing::write_units(sized, footprint.write_units(), sending.catch_up);
        // Others' servers may not know warm throughput, and need none.
        let can_warm = limited && !matches!(request.target, Target::Endpoint { .. });
        // On AWS warmth is paid for, and a table of its own accord splits what is hot.
        let keys = embedded.then(|| even_keys(workload, request.layout));
        let warm = sizing::warm_units(needed, keys.flatten());
        let warm_sized = (can_warm && warm > NEW_TABLE.write).then_some(warm);
        let throughput = match resources.table_mode {
            TableMode::OnDemand { warm } => TableThroughput::OnDemand {
                warm_write_units: match warm {
                    Warm::Sized => warm_sized,
                    Warm::New => None,
                    Warm::Units(units) => Some(units),
                },
            },
            TableMode::Provisioned { write_units } => TableThroughput::Provisioned {
                write_units: write_units.unwrap_or(needed),
                read_units: READ_UNITS,
            },
        };
        let stream_on_demand = resources.stream_mode == StreamMode::OnDemand;
        let sized_shards = sizing::shards(sized, footprint.record_bytes);
        let sized_table = match resources.table_mode {
            TableMode::OnDemand { warm } => warm == Warm::Sized && warm_sized.is_some(),
            TableMode::Provisioned { write_units } => write_units.is_none(),
        };
        let sized_stream =
            via_kinesis && !stream_on_demand && resources.shards.is_none() && sized_shards > 1;
        Self {
            run: run_id.to_owned(),
            footprint,
            throughput,
            stream_on_demand,
            sized: (limited && sized_table, limited && sized_stream),
            limited,
            profile: request.profile.name().to_owned(),
            devices: request.devices,
            mean_rate: mean,
            peak_rate: peak,
            sized_rate: sized,
            layout: request.layout,
            seed: request.seed,
            target: match &request.target {
                Target::Embedded(_) => "embedded services".to_owned(),
                Target::Aws { .. } => "AWS".to_owned(),
                Target::Endpoint { dynamodb, .. } => dynamodb.to_string(),
            },
            table,
            stream: via_kinesis.then(|| name(&request.resources.stream)),
            table_stream,
            shards: resources.shards.unwrap_or(sized_shards),
            consumer,
            client: sending.client,
            threads,
            concurrency,
            batch: sending.batch,
            backlog: sending
                .backlog
                .map_or_else(|| sizing::backlog(peak), |n| n as usize),
        }
    }
}

/// Region in the records that shards are sized by.
const FOOTPRINT_REGION: &str = "us-east-1";

/// Read units of a provisioned table: nothing is read.
const READ_UNITS: u64 = 5;

impl Setting {
    /// Write units a second that are more than an account has by default.
    pub(super) fn beyond_quota(&self) -> Option<u64> {
        let units = match self.throughput {
            TableThroughput::OnDemand { warm_write_units } => warm_write_units?,
            TableThroughput::Provisioned { write_units, .. } => write_units,
        };
        (units > Quotas::default().table.write).then_some(units)
    }
}

impl Setting {
    /// Whether about as much is due in each second.
    pub(super) fn is_even(&self) -> bool {
        self.peak_rate <= self.mean_rate * 1.05
    }

    /// Names what capacity is sized for.
    fn sized_for(&self) -> String {
        let most = amount(self.sized_rate);
        if self.sized_rate < self.peak_rate {
            format!(
                "{most}/s, what {} can send",
                many(self.threads, "load thread")
            )
        } else if !self.is_even() {
            "the peak".to_owned()
        } else {
            "the rate".to_owned()
        }
    }
}

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
        if !self.is_even() {
            write!(f, " ({} at the peak)", amount(self.peak_rate))?;
        }
        write!(f, ", seed {}\n{}", self.seed, self.target)?;
        if !self.limited {
            write!(f, " without capacity limits")?;
        }
        write!(f, ": table {}", self.table)?;
        if self.limited {
            match self.throughput {
                TableThroughput::OnDemand { warm_write_units } => match warm_write_units {
                    Some(units) => write!(f, " on demand, warm for {} writes/s", count(units))?,
                    None => write!(f, " on demand")?,
                },
                TableThroughput::Provisioned { write_units, .. } => {
                    write!(f, " with {} write units/s", count(write_units))?;
                }
            }
        }
        if let (Some(stream), Some(consumer)) = (&self.stream, &self.consumer) {
            let mode = if self.stream_on_demand {
                "on demand, now "
            } else {
                "with "
            };
            write!(
                f,
                "; stream {stream} {mode}{}, {consumer}",
                many(self.shards as usize, "shard"),
            )?;
        }
        if let (true, Some(consumer)) = (self.table_stream, &self.consumer) {
            write!(f, "; its own stream (DynamoDB Streams), {consumer}")?;
        }
        let (table, stream) = self.sized;
        let less_of_table = match self.throughput {
            TableThroughput::OnDemand { .. } => "--warm-throughput new",
            TableThroughput::Provisioned { .. } => "--wcu N",
        };
        let less = [
            (table, less_of_table),
            (stream, "--shards 1"),
            (stream, "--stream-mode on-demand"),
        ];
        let less: Vec<&str> = less.iter().filter(|(on, _)| *on).map(|l| l.1).collect();
        if !less.is_empty() {
            let less = less.join(", ");
            write!(
                f,
                "\ncapacity is sized for {}; with less of it: {less}",
                self.sized_for(),
            )?;
        }
        if let Some(units) = self.beyond_quota() {
            write!(
                f,
                "\na table of {} write units/s needs a raised quota on AWS ({} by default)",
                count(units),
                count(Quotas::default().table.write),
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
