//! What all futures of one follower share: the client, the recorder, the counts.

use std::cell::{Cell, RefCell, RefMut};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kinesis::config::StalledStreamProtectionConfig;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::types::{ChildShard, Record};
use aws_smithy_types::DateTime;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::answers::Answers;
use super::backoff::Backoff;
use super::control::{Progress, Reports, ShardProgress};
use super::failure::{Failed, FollowError, Trouble};
use super::shards::Shard;
use super::{Config, Feed};
use hrload_base::clock::Clock;
use hrload_base::process::thread_cpu_us;
use hrload_codec::change::{self, Precision};
use hrload_measure::{ArrivalRecorder, Moments, Readings};
use hrload_workload::ReadingId;

/// How long a call may take before it counts as failed.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// Before the follower is ready: how many failures of a call in a row are
/// taken for passing trouble.
const START_ATTEMPTS: u32 = 6;
/// And how many throttles in a row are, about a minute of them: others may use up what is
/// allowed for a while.
const START_THROTTLES: u32 = 100;

/// What was done to follow a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Shards that were begun.
    pub shards: u64,
    /// Records read, of whatever kind.
    pub records: u64,
    /// Readings of the table among them.
    pub readings: u64,
    /// Bytes of their data.
    pub reading_bytes: u64,
    /// Records that were not change records at all.
    pub unreadable: u64,
    /// Pages or events read.
    pub reads: u64,
    /// How long pages were waited for, in all, in microseconds; events are not asked for.
    pub reading_us: u64,
    /// Reads that Kinesis throttled.
    pub throttled_reads: u64,
    /// Iterators that had expired and were replaced.
    pub expired_iterators: u64,
    /// Subscriptions made (enhanced fan-out).
    pub subscriptions: u64,
    /// Calls that failed in another way and were tried again.
    pub retried_errors: u64,
}

impl Config {
    /// The same with clients that do not try again. That is done here, where throttled
    /// reads are counted and where it is known what to do after an expired iterator.
    /// Their answers are heard.
    fn without_retries(mut self, answers: &Answers) -> Self {
        match &mut self.feed {
            Feed::Kinesis(stream, _) => {
                let sdk = stream.client.config().to_builder();
                // A subscription is silent while nothing is written, which is no stall.
                let sdk = sdk
                    .retry_config(RetryConfig::disabled())
                    .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
                    .interceptor(answers.clone());
                stream.client = aws_sdk_kinesis::Client::from_conf(sdk.build());
            }
            Feed::Table(stream) => {
                let sdk = stream.client.config().to_builder();
                let sdk = sdk
                    .retry_config(RetryConfig::disabled())
                    .interceptor(answers.clone());
                stream.client = aws_sdk_dynamodbstreams::Client::from_conf(sdk.build());
            }
        }
        self
    }
}

/// One following of one stream. All futures that borrow it run on one thread
/// and hold no borrow over an await, so cells are enough.
pub(super) struct Session {
    pub(super) config: Config,
    pub(super) clock: Clock,
    pub(super) reports: Reports,
    answers: Answers,
    recorder: RefCell<ArrivalRecorder>,
    tally: Cell<Tally>,
    /// The last call that failed and was tried again.
    last_failure: RefCell<Option<FollowError>>,
    throttled_at_last_tick: Cell<u64>,
    /// How far each shard has come; `None` once it was read to its end.
    shards: RefCell<Vec<Option<ShardProgress>>>,
    /// Shards of the first round that have no iterator yet.
    unready: Cell<usize>,
    /// Jitter. Need not repeat from run to run.
    random: RefCell<SmallRng>,
}

/// A shard's place in [`Session::shards`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Gauge(usize);

impl Session {
    pub(super) fn new(
        config: Config,
        clock: Clock,
        recorder: ArrivalRecorder,
        reports: Reports,
    ) -> Self {
        let answers = Answers::default();
        Self {
            config: config.without_retries(&answers),
            clock,
            reports,
            answers,
            recorder: RefCell::new(recorder),
            tally: Cell::default(),
            last_failure: RefCell::default(),
            throttled_at_last_tick: Cell::new(0),
            shards: RefCell::default(),
            unready: Cell::new(0),
            random: RefCell::new(SmallRng::seed_from_u64(clock.now_us())),
        }
    }

    /// One call, with its time-out.
    pub(super) async fn call<T, E: Into<Failed>>(
        &self,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failed> {
        match tokio::time::timeout(CALL_TIMEOUT, call).await {
            Ok(result) => result.map_err(Into::into),
            Err(_) => Err(Failed::timed_out()),
        }
    }

    /// Counts a failed call and waits until it may be tried again.
    ///
    /// # Errors
    /// Before the follower is ready: trouble that no retry mends, or that
    /// stayed. Afterwards every trouble is taken for passing, until told to stop.
    pub(super) async fn wait_after(
        &self,
        operation: &'static str,
        failed: Failed,
        backoff: &mut Backoff,
    ) -> Result<(), FollowError> {
        if !self.reports.is_ready() {
            match failed.trouble {
                Trouble::Throttled if backoff.throttles() + 1 < START_THROTTLES => {}
                Trouble::Throttled => {
                    return Err(FollowError::Throttled {
                        service: self.config.feed.service(),
                        stream: self.config.feed.stream().to_owned(),
                        operation,
                        message: failed.message,
                        times: START_THROTTLES,
                    });
                }
                Trouble::NotFound | Trouble::Denied => return Err(self.error(operation, failed)),
                _ if backoff.failures() + 1 >= START_ATTEMPTS => {
                    return Err(self.error(operation, failed));
                }
                _ => {}
            }
        }
        let jitter = self.random.borrow_mut().random();
        let wait = match failed.trouble {
            Trouble::Throttled => {
                self.count(|tally| tally.throttled_reads += 1);
                backoff.throttled(jitter)
            }
            _ => {
                self.failed(operation, failed);
                backoff.failed(jitter)
            }
        };
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// What the service's clock shows, or showed at its last answer; ours where no answer
    /// tells. Places in a stream are times of its clock.
    pub(super) fn service_us(&self) -> u64 {
        let told_us = self.answers.service_us();
        told_us.unwrap_or_else(|| self.clock.now_us())
    }

    /// Counts a call that failed, and keeps why.
    pub(super) fn failed(&self, operation: &'static str, failed: Failed) {
        self.count(|tally| tally.retried_errors += 1);
        let error = self.error(operation, failed);
        self.last_failure.replace(Some(error));
    }

    fn error(&self, operation: &'static str, failed: Failed) -> FollowError {
        let feed = &self.config.feed;
        failed.into_error(feed.service(), operation, feed.stream())
    }

    /// The last call that failed and was tried again.
    pub(super) fn last_failure(&self) -> Option<FollowError> {
        self.last_failure.borrow().clone()
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Tally)) {
        let mut tally = self.tally.get();
        change(&mut tally);
        self.tally.set(tally);
    }

    /// A page came so long after it was asked for.
    pub(super) fn waited_for_page(&self, waited: Duration) {
        self.count(|tally| tally.reading_us += waited.as_micros() as u64);
    }

    /// So many shards make the first round: when all have given a page,
    /// the follower is ready.
    pub(super) fn expect_ready(&self, shards: usize) {
        self.unready.set(shards);
        if shards == 0 {
            self.reports.ready();
        }
    }

    /// A shard has its subscription, or gave a first page. Call once a shard.
    pub(super) fn shard_ready(&self) {
        match self.unready.get() {
            0 => {}
            1 => {
                self.unready.set(0);
                self.reports.ready();
            }
            more => self.unready.set(more - 1),
        }
    }

    pub(super) fn begin_shard(&self, shard: &str) -> Gauge {
        self.count(|tally| tally.shards += 1);
        let mut shards = self.shards.borrow_mut();
        shards.push(Some(ShardProgress {
            shard: shard.into(),
            records: 0,
            behind_ms: 0,
        }));
        Gauge(shards.len() - 1)
    }

    pub(super) fn end_shard(&self, gauge: Gauge) {
        self.shards.borrow_mut()[gauge.0] = None;
    }

    /// Takes in the records of one page or event, received at `read_us`.
    pub(super) fn take(
        &self,
        gauge: Gauge,
        records: &[Record],
        behind_ms: Option<i64>,
        read_us: u64,
    ) {
        let mut intake = self.intake(read_us);
        for record in records {
            let arrived_us = record.approximate_arrival_timestamp().map(epoch_us);
            intake.record(record.data().as_ref(), arrived_us);
        }
        intake.end(gauge, behind_ms.map(|ms| u64::try_from(ms).unwrap_or(0)));
    }

    /// Begins to take in one page or event, received at `read_us`.
    pub(super) fn intake(&self, read_us: u64) -> Intake<'_> {
        Intake {
            session: self,
            recorder: self.recorder.borrow_mut(),
            read_us,
            records: 0,
            readings: 0,
            reading_bytes: 0,
            unreadable: 0,
        }
    }

    pub(super) fn await_readings(&self, acknowledged: Arc<Readings>) {
        self.recorder.borrow_mut().await_readings(acknowledged);
        self.publish();
    }

    /// Tells the recorder of the time that passes, and the handle of the progress.
    pub(super) fn tick(&self) {
        let throttled = self.tally.get().throttled_reads;
        let new = throttled - self.throttled_at_last_tick.replace(throttled);
        let behind_ms = self.worst_behind_ms();
        self.recorder
            .borrow_mut()
            .tick(self.clock.now_us(), behind_ms, new, thread_cpu_us());
        self.reports
            .publish_shards(self.shards.borrow().iter().flatten());
        self.publish();
    }

    fn worst_behind_ms(&self) -> u64 {
        let shards = self.shards.borrow();
        let behind_ms = shards.iter().flatten().map(|shard| shard.behind_ms);
        behind_ms.max().unwrap_or(0)
    }

    fn publish(&self) {
        let tally = self.tally.get();
        let recorder = self.recorder.borrow();
        self.reports.publish(Progress {
            records: tally.records,
            seen: recorder.seen(),
            outstanding: recorder.outstanding(),
            behind_ms: self.worst_behind_ms(),
            shards: self.shards.borrow().iter().flatten().count() as u64,
            throttled_reads: tally.throttled_reads,
            retried_errors: tally.retried_errors,
        });
    }

    /// The end: the recorder, and what was done.
    pub(super) fn into_parts(self) -> (ArrivalRecorder, Tally) {
        (self.recorder.into_inner(), self.tally.get())
    }
}

/// One page or event on its way to the recorder.
pub(super) struct Intake<'a> {
    session: &'a Session,
    recorder: RefMut<'a, ArrivalRecorder>,
    read_us: u64,
    records: u64,
    readings: u64,
    reading_bytes: u64,
    unreadable: u64,
}

impl Intake<'_> {
    /// Tells the recorder of one record. Allocates nothing: the record is
    /// decoded where it lies.
    pub(super) fn record(&mut self, data: &[u8], arrived_us: Option<u64>) {
        self.records += 1;
        let Ok(change) = change::decode(data) else {
            self.unreadable += 1;
            self.recorder.foreign();
            return;
        };
        let table = self.session.config.table.as_bytes();
        match change.arrival() {
            Some(id) if change.table == table => {
                self.readings += 1;
                self.reading_bytes += data.len() as u64;
                self.recorder.arrived(
                    id,
                    Moments {
                        created_us: change.created_us,
                        created_grain_us: change.precision.grain_us(),
                        // Kinesis always gives an arrival time; a server that does not
                        // is taken to have let the record arrive at once.
                        arrived_us: Some(arrived_us.unwrap_or(change.created_us)),
                        read_us: self.read_us,
                    },
                );
            }
            _ => self.recorder.foreign(),
        }
    }

    /// Tells the recorder of one change of a table's own stream, of so many bytes,
    /// created in that second; `None` is a change of nothing that was written here.
    pub(super) fn change(&mut self, id: Option<ReadingId>, created_us: u64, bytes: u64) {
        self.records += 1;
        let Some(id) = id else {
            return self.recorder.foreign();
        };
        self.readings += 1;
        self.reading_bytes += bytes;
        self.recorder.arrived(
            id,
            Moments {
                created_us,
                created_grain_us: Precision::Second.grain_us(),
                arrived_us: None,
                read_us: self.read_us,
            },
        );
    }

    /// The page or event is over; it left the reader so far behind, if it says.
    pub(super) fn end(self, gauge: Gauge, behind_ms: Option<u64>) {
        let Self {
            session,
            recorder,
            records,
            readings,
            reading_bytes,
            unreadable,
            ..
        } = self;
        drop(recorder);
        if let Some(shard) = &mut session.shards.borrow_mut()[gauge.0] {
            shard.records += records;
            shard.behind_ms = behind_ms.unwrap_or(shard.behind_ms);
        }
        session.count(|tally| {
            tally.reads += 1;
            tally.records += records;
            tally.readings += readings;
            tally.reading_bytes += reading_bytes;
            tally.unreadable += unreadable;
        });
        if records > 0 {
            session.publish();
        }
    }
}

/// A moment in microseconds, rounded: the SDK reads seconds into a floating-
/// point number, which near today is exact to a quarter of a microsecond.
fn epoch_us(time: &DateTime) -> u64 {
    let seconds = u64::try_from(time.secs()).unwrap_or(0);
    seconds * 1_000_000 + (u64::from(time.subsec_nanos()) + 500) / 1_000
}

/// The children that the last page of a shard names. They are open or not; a
/// listing would tell, and nothing depends on it.
pub(super) fn children(of: &[ChildShard]) -> Vec<Shard> {
    of.iter()
        .map(|child| Shard {
            id: child.shard_id().to_owned(),
            parents: child.parent_shards().to_vec(),
            closed: false,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrival_times_survive_floating_point_to_the_microsecond() {
        for (seconds, us) in [
            (1_721_011_166.136, 1_721_011_166_136_000),
            (1_721_011_166.001, 1_721_011_166_001_000),
            (1_721_011_166.999, 1_721_011_166_999_000),
            (1_999_999_999.123, 1_999_999_999_123_000),
        ] {
            assert_eq!(epoch_us(&DateTime::from_secs_f64(seconds)), us, "{seconds}");
        }
    }
}
