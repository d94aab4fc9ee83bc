//! The thread that delivers the stream into a lake.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::runtime::Builder;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::error::RunError;
use super::event;
use super::interrupt::Interrupts;
use super::request::LakeRequest;
use crate::clock::Clock;
use crate::codec::change;
use crate::lake::{
    self, DeliverError, Delivered, Delivery, Event, Lake, Naming, Records, Start, StoreError,
    Transform,
};
use crate::measure::{LakeRecord, LakeRecorder};
use crate::workload::ReadingId;

/// Objects that are looked for at a time, at the end.
const LOOKS: usize = 16;
/// How often one looks whether all is delivered.
const LOOK: Duration = Duration::from_millis(100);

/// What a delivery is to read.
pub(super) struct Source {
    pub(super) client: aws_sdk_kinesis::Client,
    pub(super) stream: String,
    /// Changes of others are passed over.
    pub(super) table: String,
    /// The stream was made for the run.
    pub(super) fresh: bool,
}

/// What a delivery left.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) record: LakeRecord,
    pub(super) delivered: Delivered,
    /// What of it was not there any more at the end.
    pub(super) gone: Gone,
    /// What the lake cannot do, in words.
    pub(super) lacks: Vec<String>,
    /// What ended it unasked.
    pub(super) error: Option<DeliverError>,
}

/// Objects that were written and then removed or changed by somebody else.
#[derive(Debug, Default)]
pub(super) struct Gone {
    pub(super) objects: u64,
    pub(super) bytes: u64,
    /// Measured readings in them.
    pub(super) readings: u64,
    /// Readings of the warm-up in them.
    pub(super) warm_up: u64,
    /// Why the lake did not say what it has.
    pub(super) unknown: Option<String>,
}

/// An object that was written.
#[derive(Debug, Default)]
struct Put {
    key: String,
    bytes: u64,
    /// Measured readings that came into the lake with it.
    readings: u64,
    /// Readings of the warm-up that did.
    warm_up: u64,
}

impl Gone {
    /// Looks whether what was written is there as it was written.
    async fn of(lake: &Lake, written: &[Put]) -> Self {
        let looks = written.iter().map(|put| async move {
            if lake.size(&put.key).await? == Some(put.bytes) {
                return Ok::<Self, StoreError>(Self::default());
            }
            Ok(Self {
                objects: 1,
                bytes: put.bytes,
                readings: put.readings,
                warm_up: put.warm_up,
                unknown: None,
            })
        });
        let mut looks = stream::iter(looks).buffer_unordered(LOOKS);
        let mut all = Self::default();
        while let Some(look) = looks.next().await {
            match look {
                Ok(gone) => {
                    all.objects += gone.objects;
                    all.bytes += gone.bytes;
                    all.readings += gone.readings;
                    all.warm_up += gone.warm_up;
                }
                Err(error) => {
                    all.unknown.get_or_insert_with(|| error.to_string());
                }
            }
        }
        all
    }
}

/// A running delivery.
#[derive(Debug)]
pub(super) struct Deliverer {
    stop: Arc<Notify>,
    abandon: Arc<Notify>,
    held: Arc<AtomicU64>,
    done: oneshot::Receiver<Kept>,
}

impl Deliverer {
    /// Starts the thread, and waits until everything written from now on will
    /// be delivered.
    pub(super) async fn start(
        request: &LakeRequest,
        lake: Lake,
        source: Source,
        clock: Clock,
        recorder: LakeRecorder,
    ) -> Result<Self, RunError> {
        let delivery = Delivery {
            stream: source.stream.clone(),
            start: if source.fresh {
                Start::Anew
            } else {
                Start::ResumeOrLatest
            },
            hints: request.hints,
            transform: Transform::Newline,
            delimiter: Vec::new(),
            format: request.format,
            naming: Naming::new(&source.stream, "", None, request.format.extension())
                .map_err(|error| RunError::LakeName(error.to_string()))?,
            until_idle: None,
        };
        let stop = Arc::new(Notify::new());
        let abandon = Arc::new(Notify::new());
        let held = Arc::new(AtomicU64::new(0));
        let (begun, ready) = oneshot::channel();
        let (sender, done) = oneshot::channel();
        let work = Work {
            delivery,
            lake,
            source,
            clock,
            recorder,
            stop: Arc::clone(&stop),
            abandon: Arc::clone(&abandon),
            held: Arc::clone(&held),
        };
        thread::Builder::new()
            .name("lake".to_owned())
            .spawn(move || {
                let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
                    return;
                };
                let kept = runtime.block_on(work.deliver(begun));
                // Nobody to tell: the run was stopped at once.
                let _ = sender.send(kept);
            })
            .map_err(RunError::Thread)?;
        let mut deliverer = Self {
            stop,
            abandon,
            held,
            done,
        };
        if ready.await.is_err() {
            let kept = deliverer.kept().await?;
            return Err(match kept.error {
                Some(error) => RunError::Lake(error),
                None => RunError::ThreadDied("the lake's thread"),
            });
        }
        Ok(deliverer)
    }

    /// Waits until so many readings are in the lake, or for so long, and ends the
    /// delivery: what has been read by then is written. Where a signal comes while it is
    /// written, that is not waited for, and what is in the lake is known all the same.
    /// Returns what it left, and whether a signal ended the wait.
    pub(super) async fn end(
        mut self,
        awaited: u64,
        longest: Duration,
        interrupts: &mut Interrupts,
        tell: &mut dyn FnMut(event::Event<'_>),
    ) -> Result<(Kept, bool), RunError> {
        tell(event::Event::AwaitsLake(longest));
        let mut interrupted = false;
        tokio::select! {
            () = self.await_readings(awaited, longest) => {}
            () = interrupts.next() => {
                interrupted = true;
                tell(event::Event::Interrupted);
            }
        }
        self.stop.notify_one();
        tokio::select! {
            kept = self.kept() => return Ok((kept?, interrupted)),
            () = interrupts.next() => self.abandon.notify_one(),
        }
        tokio::select! {
            kept = self.kept() => Ok((kept?, true)),
            () = interrupts.next() => Err(RunError::Stopped),
        }
    }

    /// Returns early when the delivery has ended by itself.
    async fn await_readings(&mut self, readings: u64, longest: Duration) {
        let mut ticker = interval(LOOK);
        ticker.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let deadline = Instant::now() + longest;
        while self.held.load(Ordering::Relaxed) < readings
            && Instant::now() < deadline
            && self.done.is_empty()
            && !self.done.is_terminated()
        {
            ticker.tick().await;
        }
    }

    async fn kept(&mut self) -> Result<Kept, RunError> {
        (&mut self.done)
            .await
            .map_err(|_| RunError::ThreadDied("the lake's thread"))
    }
}

struct Work {
    delivery: Delivery,
    lake: Lake,
    source: Source,
    clock: Clock,
    recorder: LakeRecorder,
    stop: Arc<Notify>,
    abandon: Arc<Notify>,
    held: Arc<AtomicU64>,
}

impl Work {
    async fn deliver(self, begun: oneshot::Sender<()>) -> Kept {
        let Self {
            delivery,
            lake,
            source,
            clock,
            mut recorder,
            stop,
            abandon,
            held,
        } = self;
        let mut begun = Some(begun);
        let mut latest = Delivered::default();
        let mut lacks = Vec::new();
        let mut written: Vec<Put> = Vec::new();
        // Readings that failed are in no object that holds readings.
        let mut failed = HashSet::new();
        let mut measured = 0;
        let ended = {
            let tell = |event: Event<'_>| match event {
                Event::Begun => {
                    if let Some(begun) = begun.take() {
                        // Nobody waits any more: the run was stopped.
                        let _ = begun.send(());
                    }
                }
                Event::Object {
                    key,
                    bytes,
                    failed: apart,
                    so_far,
                } => {
                    latest.clone_from(so_far);
                    written.push(Put {
                        key: key.to_owned(),
                        bytes,
                        ..Put::default()
                    });
                    let apart = apart.into_iter().flat_map(lake::failed_data);
                    failed.extend(apart.filter_map(|data| reading(&data, &source.table)));
                }
                Event::Buffer {
                    records,
                    written_us,
                    closed_early,
                } => {
                    note(
                        &mut recorder,
                        records,
                        &source.table,
                        &failed,
                        written_us,
                        closed_early,
                    );
                    failed.clear();
                    let now = recorder.held();
                    let before = held.swap(now, Ordering::Relaxed);
                    // The object of data is a buffer's last. Where it has none, no reading
                    // came into the lake.
                    if let Some(data) = written.last_mut().filter(|_| now > before) {
                        data.readings = recorder.measured() - measured;
                        data.warm_up = now - before - data.readings;
                    }
                    measured = recorder.measured();
                }
                Event::Without(lack) => lacks.push(lack.to_owned()),
                Event::Redelivers(_) | Event::Read(_) | Event::Failing(_) => {}
            };
            let stop = stop.notified();
            tokio::select! {
                ended = lake::deliver(&delivery, &source.client, &lake, clock, stop, tell) => ended,
                () = abandon.notified() => Err(DeliverError::Abandoned),
            }
        };
        let (delivered, error) = match ended {
            Ok(delivered) => (delivered, None),
            Err(error) => (latest, Some(error)),
        };
        Kept {
            record: recorder.finish(),
            delivered,
            gone: Gone::of(&lake, &written).await,
            lacks,
            error,
        }
    }
}

/// Finds the readings among records of a buffer, but for those that `failed`. Allocates
/// nothing: they are decoded where they lie.
fn note(
    recorder: &mut LakeRecorder,
    records: &Records,
    table: &str,
    failed: &HashSet<ReadingId>,
    written_us: u64,
    closed_early: bool,
) {
    for record in records.iter() {
        if let Some(id) = reading(record.data, table)
            && !failed.contains(&id)
        {
            recorder.queryable(id, written_us, closed_early);
        }
    }
}

/// The reading that a record of the table brings, if it is a change record and brings one.
fn reading(record: &[u8], table: &str) -> Option<ReadingId> {
    let change = change::decode(record).ok()?;
    let is_ours = change.table == table.as_bytes();
    change.arrival().filter(|_| is_ours)
}
