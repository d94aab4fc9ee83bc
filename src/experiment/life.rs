//! What a run starts beside itself: load threads, a reader, a copier, a delivery.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::budget::Budget;
use super::copier::Copier;
use super::error::RunError;
use super::lake::{Deliverer, Source};
use super::request::{Request, Target, Via};
use super::setting::Setting;
use super::target::Connected;
use super::units::UnitsWatch;
use super::workers::{Common, Share, Workers};
use crate::aws::{Provisioned, TableThroughput};
use crate::clock::Clock;
use crate::lake::Lake;
use crate::load::{self, Backoff, CopyConfig, Stop};
use crate::measure::{IntervalSink, LakeRecorder, Opening, Reach, Rendezvous, SendRecorder};
use crate::stream::{self, Feed};
use crate::workload::{Partition, Reading, Workload};

/// How long waiting readings are still sent after the end.
const END_GRACE: Duration = Duration::from_secs(1);

/// A run whose table and stream are in place.
pub(super) struct Life<'a> {
    pub(super) request: &'a Request,
    pub(super) workload: &'a Workload,
    pub(super) setting: &'a Setting,
    pub(super) connected: &'a Connected,
    pub(super) made: &'a Provisioned,
}

impl Life<'_> {
    /// What the run may cost, if that was said.
    pub(super) fn budget(&self) -> Option<Budget<'_>> {
        let region = &self.connected.connection.region;
        let limit_usd = self.request.max_cost_usd?;
        Some(Budget::new(limit_usd, region, self.request, self.setting))
    }

    /// Begins to deliver into the lake, if that was asked for.
    pub(super) async fn deliver(
        &self,
        clock: Clock,
        opening: &Opening,
    ) -> Result<Option<Deliverer>, RunError> {
        let (Some(request), Some(stream)) = (&self.request.lake, &self.setting.stream) else {
            return Ok(None);
        };
        let connection = &self.connected.connection;
        let endpoint = request.s3_endpoint.as_deref();
        let lake = Lake::open(&request.place, endpoint, Some(&connection.region))?;
        let source = Source {
            client: connection.worker_kinesis(),
            stream: stream.clone(),
            table: self.setting.table.clone(),
            fresh: self.made.stream_created,
        };
        let recorder = LakeRecorder::before(opening.clone(), self.setting.devices);
        let deliverer = Deliverer::start(request, lake, source, clock, recorder).await?;
        Ok(Some(deliverer))
    }

    /// By then the last object has closed by itself.
    pub(super) fn longest_delivery(&self) -> Duration {
        let lake = self.request.lake.as_ref();
        lake.map_or(Duration::ZERO, |lake| lake.hints.interval) + self.request.phases.drain
    }

    /// Provisioned units change where auto scaling is at work.
    pub(super) fn watch_units(&self, clock: Clock) -> Option<UnitsWatch> {
        let provisioned = matches!(self.setting.throughput, TableThroughput::Provisioned { .. });
        let scaled = match &self.request.target {
            Target::Embedded(embedded) => {
                let limits = embedded.limits.as_ref();
                limits.is_some_and(|limits| limits.auto_scaling.is_some())
            }
            Target::Aws { .. } | Target::Endpoint { .. } => true,
        };
        (provisioned && scaled).then(|| {
            let connection = self.connected.connection.clone();
            UnitsWatch::start(connection, self.setting.table.clone(), clock)
        })
    }

    pub(super) fn follow(&self) -> Option<stream::Config> {
        let connection = &self.connected.connection;
        let (feed, fresh) = match &self.request.via {
            Via::None => return None,
            Via::Kinesis(consumer) | Via::PutRecords(consumer) => {
                let stream = stream::KinesisStream {
                    client: connection.worker_kinesis(),
                    name: self.setting.stream.clone()?,
                };
                let feed = Feed::Kinesis(stream, consumer.clone());
                (feed, self.made.stream_created)
            }
            Via::DynamoDbStreams { interval } => {
                let stream = stream::TableStream {
                    client: connection.worker_dynamodb_streams(),
                    arn: self.made.table_stream.clone()?,
                    interval: *interval,
                };
                let fresh = self.made.table_created || self.made.table_stream_enabled;
                (Feed::Table(stream), fresh)
            }
        };
        Some(stream::Config {
            feed,
            table: self.setting.table.clone(),
            from: if fresh {
                stream::From::Beginning
            } else {
                stream::From::Now
            },
        })
    }

    /// Begins to put acknowledged readings into the stream, if that is for hrload to do.
    pub(super) fn start_copier(
        &self,
        clock: Clock,
        stop: &Stop,
    ) -> Result<Option<(Copier, UnboundedSender<Reading>)>, RunError> {
        let (Via::PutRecords(_), Some(stream)) = (&self.request.via, &self.setting.stream) else {
            return Ok(None);
        };
        let connection = &self.connected.connection;
        let config = CopyConfig {
            stream: stream.clone(),
            table: self.setting.table.clone(),
            region: connection.region.clone(),
            layout: self.request.layout,
            attempts: self.request.sending.attempts,
            backoff: Backoff::default(),
            seed: self.request.seed,
        };
        Copier::start(config, connection.worker_kinesis(), clock, stop).map(Some)
    }

    pub(super) fn start_workers(
        &self,
        reach: Reach,
        clock: Clock,
        stop: &Stop,
        sink: IntervalSink,
        rendezvous: &Option<Arc<Rendezvous>>,
        copies: Option<UnboundedSender<Reading>>,
    ) -> Result<Workers, RunError> {
        let sending = &self.request.sending;
        let threads = self.setting.threads;
        let share = 1.0 / threads as f64;
        let shares = (0..threads)
            .map(|index| Share {
                config: load::Config {
                    table: self.setting.table.clone(),
                    layout: self.request.layout,
                    batch: sending.batch,
                    linger: sending.linger,
                    precise: sending.precise,
                    // The first threads take what does not divide evenly.
                    in_flight: self.setting.concurrency / threads
                        + usize::from(index < self.setting.concurrency % threads),
                    attempts: sending.attempts,
                    backlog: self.setting.backlog.div_ceil(threads),
                    backoff: Backoff::default(),
                    rate: self.setting.peak_rate * share,
                    catch_up: Some(sending.catch_up),
                    max_write_units: sending.max_write_units.map(|units| units * share),
                    end_grace: END_GRACE,
                    timeout: sending.timeout,
                    measure_start_us: reach.measure_start_us,
                    seed: self.request.seed.wrapping_add(index as u64),
                },
                partition: Partition {
                    index: index as u32,
                    of: threads as u32,
                },
                recorder: SendRecorder::for_partition(
                    reach,
                    sink.clone(),
                    rendezvous.clone(),
                    index as u32,
                    threads as u32,
                ),
                copies: copies.clone(),
            })
            .collect();
        let common = Common {
            workload: self.workload,
            run_start_us: reach.run_start_us,
            client: sending.client,
            connection: &self.connected.connection,
            clock,
            stop,
        };
        Workers::start(&common, shares)
    }
}
