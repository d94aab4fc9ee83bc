//! The delivery itself: pages in, objects and checkpoints out.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use bytes::Bytes;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

use super::buffer::{Buffer, Hints, Record};
use super::checkpoint::{Checkpoint, CheckpointError, Position, Positions, Promise};
use super::compress::Compression;
use super::naming::Naming;
use super::source::{self, Page, SourceError};
use super::store::{Lake, StoreError};
use super::transform::Transform;
use crate::clock::Clock;

/// How much earlier than our clock says "now" is looked for in the stream:
/// more than clocks in use disagree by.
const CLOCK_MARGIN_US: u64 = 10_000_000;

/// Where to begin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Start {
    /// At the lake's checkpoint, or with the oldest record where it has none.
    #[default]
    Resume,
    /// At the lake's checkpoint, which must be there.
    Checkpoint,
    /// With the oldest record; the lake must have no checkpoint.
    TrimHorizon,
    /// With the records of the last ten seconds (clocks may disagree by as
    /// much, and none of the next ones may be missed); the lake must have no
    /// checkpoint.
    Latest,
}

/// What to deliver, and how.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The stream's name.
    pub stream: String,
    /// Where to begin.
    pub start: Start,
    /// When objects close.
    pub hints: Hints,
    /// What is done to records.
    pub transform: Transform,
    /// What is appended to each transformed record (AppendDelimiterToRecord).
    pub delimiter: Vec<u8>,
    /// How objects are compressed.
    pub compression: Compression,
    /// What objects are called.
    pub naming: Naming,
    /// End when so long no record came and all shards were at their tips;
    /// `None`: never.
    pub until_idle: Option<Duration>,
}

/// What was delivered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Delivered {
    /// Records read from the stream.
    pub records_read: u64,
    /// Records in objects.
    pub records_delivered: u64,
    /// Records that the transform left out.
    pub records_dropped: u64,
    /// Records under `processing-failed/`.
    pub records_failed: u64,
    /// Objects written, of either kind.
    pub objects: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Objects of an interrupted delivery whose records were delivered again.
    pub redelivered_objects: Vec<String>,
    /// When the oldest record that is read but not delivered arrived, in
    /// microseconds since the Unix epoch; `None` when all are delivered.
    pub oldest_undelivered_us: Option<u64>,
}

/// What happens on the way.
#[derive(Debug)]
pub enum Event<'a> {
    /// Records of these objects, which an interrupted delivery wrote, will be
    /// delivered again.
    Redelivers(&'a [String]),
    /// An object was written.
    Object {
        /// Its key.
        key: &'a str,
        /// What has been delivered so far.
        so_far: &'a Delivered,
    },
}

/// Why delivery ended unasked. What was not delivered is still in the stream,
/// and the checkpoint says where.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The checkpoint cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A checkpoint was asked for and there is none.
    #[error("the lake {0} has no checkpoint of this stream; say --from trim-horizon or latest")]
    NoCheckpoint(String),
    /// Another beginning was asked for than the checkpoint's.
    #[error(
        "the lake {place} has a checkpoint; leave out --from to go on there, or remove {key} \
         to begin anew, which delivers again or skips what lies between"
    )]
    HasCheckpoint {
        /// The lake.
        place: String,
        /// The checkpoint's key.
        key: String,
    },
    /// The lake does not take what it is given.
    #[error(
        "{0}; what was not delivered is still in the stream: run the same command again to go on"
    )]
    Store(#[from] StoreError),
    /// The stream does not give.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The compressor failed.
    #[error("compressing an object failed: {0}")]
    Compress(#[from] std::io::Error),
}

/// Delivers until `stop` is ready, or until the stream is idle; then writes
/// what is buffered. Run it on a `current_thread` runtime.
///
/// # Errors
/// The stream, the lake or its checkpoint cannot be used.
pub async fn deliver(
    delivery: &Delivery,
    client: &Client,
    lake: &Lake,
    clock: Clock,
    stop: impl Future<Output = ()>,
    mut tell: impl FnMut(Event<'_>),
) -> Result<Delivered, DeliverError> {
    let mut delivered = Delivered::default();
    let (positions, unknown) = begin(delivery, lake, clock, &mut delivered).await?;
    if !delivered.redelivered_objects.is_empty() {
        tell(Event::Redelivers(&delivered.redelivered_objects));
    }
    let (sender, mut pages) = mpsc::channel(1);
    let mut reading = std::pin::pin!(source::read(
        client,
        &delivery.stream,
        positions.clone(),
        unknown,
        sender,
    ));
    let mut stop = std::pin::pin!(stop);
    let mut run = Run {
        delivery,
        lake,
        clock,
        buffer: Buffer::new(delivery.hints),
        written: positions.clone(),
        positions,
        delivered,
    };
    let mut active = Instant::now();
    loop {
        let due = run.due();
        let idle_at = delivery.until_idle.map(|idle| active + idle);
        let page = tokio::select! {
            biased;
            () = &mut stop => break,
            Some(page) = pages.recv() => page,
            error = &mut reading => match error {
                Ok(never) => match never {},
                Err(error) => {
                    run.flush(&mut tell).await?;
                    return Err(error.into());
                }
            },
            () = at(due) => {
                run.flush(&mut tell).await?;
                continue;
            }
            () = at(idle_at) => break,
        };
        if !page.records.is_empty() || page.behind_ms > 0 {
            active = Instant::now();
        }
        run.take(page, &mut tell).await?;
    }
    run.flush(&mut tell).await?;
    run.close().await?;
    Ok(run.delivered)
}

/// A timer that may not be set.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// Where reading begins: for the shards of the checkpoint, and for others.
async fn begin(
    delivery: &Delivery,
    lake: &Lake,
    clock: Clock,
    delivered: &mut Delivered,
) -> Result<(Positions, Position), DeliverError> {
    let found = Checkpoint::read(lake, &delivery.stream).await?;
    match (delivery.start, found) {
        (Start::Resume | Start::Checkpoint, Some(checkpoint)) => {
            let (positions, again) = checkpoint.settle(lake).await?;
            delivered.redelivered_objects = again;
            // A stream's beginning is kept under a name that no shard has.
            let unknown = positions.get(BEGINNING).cloned();
            Ok((positions, unknown.unwrap_or(Position::TrimHorizon)))
        }
        (Start::Checkpoint, None) => Err(DeliverError::NoCheckpoint(lake.place().to_owned())),
        (_, Some(_)) => Err(DeliverError::HasCheckpoint {
            place: lake.place().to_owned(),
            key: Checkpoint::key(&delivery.stream),
        }),
        (start, None) => {
            let now_us = clock.now_us();
            let unknown = match start {
                Start::Latest => Position::AtUs(now_us.saturating_sub(CLOCK_MARGIN_US)),
                _ => Position::TrimHorizon,
            };
            let positions = Positions::from([(BEGINNING.to_owned(), unknown.clone())]);
            // Before anything is read: whoever starts again begins here too.
            Checkpoint::new(&delivery.stream, now_us, positions.clone())
                .write(lake)
                .await?;
            Ok((positions, unknown))
        }
    }
}

/// Where shards begin of which no record is delivered yet.
const BEGINNING: &str = "*";

struct Run<'a> {
    delivery: &'a Delivery,
    lake: &'a Lake,
    clock: Clock,
    buffer: Buffer,
    /// What objects hold for sure.
    written: Positions,
    /// What they hold once the buffer is written.
    positions: Positions,
    delivered: Delivered,
}

impl Run<'_> {
    fn due(&self) -> Option<Instant> {
        let due_us = self.buffer.due_us()?;
        Some(Instant::from_std(self.clock.instant_at(due_us)))
    }

    async fn take(
        &mut self,
        page: Page,
        tell: &mut impl FnMut(Event<'_>),
    ) -> Result<(), DeliverError> {
        for record in &page.records {
            let arrived_us = record
                .approximate_arrival_timestamp()
                .and_then(|time| u64::try_from(time.as_nanos() / 1_000).ok())
                .unwrap_or(0);
            let record = Record {
                data: record.data().as_ref(),
                sequence_number: record.sequence_number(),
                arrived_us,
            };
            self.buffer.push(record, self.clock.now_us());
            self.delivered.records_read += 1;
            let position = Position::After(record.sequence_number.to_owned());
            match self.positions.get_mut(&page.shard) {
                Some(known) => *known = position,
                None => drop(self.positions.insert(page.shard.clone(), position)),
            }
            if self.buffer.is_full() {
                self.flush(tell).await?;
            }
        }
        if page.ended {
            self.positions.insert(page.shard, Position::Done);
        }
        Ok(())
    }

    /// Writes what is buffered: promise, objects.
    async fn flush(&mut self, tell: &mut impl FnMut(Event<'_>)) -> Result<(), DeliverError> {
        let Some(oldest_us) = self.buffer.records().oldest_arrival_us() else {
            return Ok(());
        };
        self.delivered.oldest_undelivered_us = Some(oldest_us);
        let delivery = self.delivery;
        let done = (delivery.transform)
            .apply(
                self.buffer.records(),
                &delivery.delimiter,
                &delivery.stream,
                || self.clock.now_us(),
            )
            .await;
        let closed_us = self.clock.now_us();
        let mut objects = Vec::new();
        if done.failed > 0 {
            let key = delivery
                .naming
                .error_key(oldest_us, closed_us, Uuid::new_v4());
            objects.push((key, done.failed_body));
        }
        if done.ok > 0 {
            let key = delivery
                .naming
                .data_key(oldest_us, closed_us, Uuid::new_v4());
            objects.push((key, delivery.compression.compress(done.body)?));
        }
        let mut checkpoint = Checkpoint::new(&delivery.stream, closed_us, self.written.clone());
        checkpoint.promise = Some(Promise {
            objects: objects.iter().map(|(key, _)| key.clone()).collect(),
            shards: self.positions.clone(),
        });
        checkpoint.write(self.lake).await?;
        self.delivered.records_delivered += done.ok;
        self.delivered.records_dropped += done.dropped;
        self.delivered.records_failed += done.failed;
        for (key, body) in objects {
            let bytes = body.len() as u64;
            self.lake.put(&key, Bytes::from(body)).await?;
            self.delivered.objects += 1;
            self.delivered.bytes += bytes;
            let so_far = &self.delivered;
            tell(Event::Object { key: &key, so_far });
        }
        self.written.clone_from(&self.positions);
        self.buffer.clear();
        self.delivered.oldest_undelivered_us = None;
        Ok(())
    }

    /// The end: nothing is buffered, and the promise is kept.
    async fn close(&mut self) -> Result<(), DeliverError> {
        let now_us = self.clock.now_us();
        let last = Checkpoint::new(&self.delivery.stream, now_us, self.positions.clone());
        last.write(self.lake).await?;
        Ok(())
    }
}
