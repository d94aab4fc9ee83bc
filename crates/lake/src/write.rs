//! A buffer becomes objects, between two checkpoints.

use bytes::Bytes;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::buffer::Records;
use super::checkpoint::{Checkpoint, Positions, Promise};
use super::deliver::{DeliverError, Delivery};
use super::naming::ErrorKind;
use super::store::{Lake, Lock, Seen};
use super::transform::{Origin, Transform, Transformed};
use hrload_base::clock::Clock;

/// Records on their way, and where the stream stands behind them.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) records: Records,
    pub(super) positions: Positions,
}

/// One object of a batch.
#[derive(Debug)]
pub(super) struct Put {
    pub(super) key: String,
    pub(super) bytes: u64,
    /// Its content, where it holds records that failed.
    pub(super) failed: Option<Bytes>,
}

/// What became of a batch.
#[derive(Debug)]
pub(super) struct Written {
    /// In the order in which they were written.
    pub(super) objects: Vec<Put>,
    pub(super) ok: u64,
    pub(super) dropped: u64,
    pub(super) failed: u64,
    /// When the last of them was there.
    pub(super) written_us: u64,
    /// Emptied by whoever uses their room again.
    pub(super) records: Records,
}

/// Writes one batch after the other.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    pub(super) delivery: &'a Delivery,
    pub(super) lake: &'a Lake,
    pub(super) clock: Clock,
    /// When the stream was made.
    pub(super) created_ms: Option<u64>,
    /// What a transform is told of the stream.
    pub(super) origin: Origin,
    /// What objects hold for sure.
    pub(super) written: Positions,
    /// The checkpoint as it was last written.
    pub(super) seen: Seen,
    pub(super) lock: Lock,
}

impl Writer<'_> {
    /// Writes the promise, then the objects. The lake is the one that was opened before,
    /// and is still there behind them.
    pub(super) async fn write(mut self, batch: Batch) -> Result<(Self, Written), DeliverError> {
        let oldest_us = batch.records.oldest_arrival_us().unwrap_or(0);
        let (records, done) = self.transform(batch.records).await?;
        let closed_us = self.clock.now_us();
        let naming = &self.delivery.naming;
        let mut objects = Vec::new();
        for (kind, records, body) in [
            (ErrorKind::Processing, done.failed, done.failed_body),
            (
                ErrorKind::Conversion,
                done.unconverted,
                done.unconverted_body,
            ),
        ] {
            if records > 0 {
                let key = naming.error_key(kind, oldest_us, closed_us, Uuid::new_v4());
                objects.push((key, Bytes::from(body), true));
            }
        }
        if done.ok > 0 {
            let key = naming.data_key(oldest_us, closed_us, Uuid::new_v4());
            objects.push((key, Bytes::from(done.body), false));
        }
        let stream = &self.delivery.stream;
        self.lock.is_held()?;
        let mut checkpoint = Checkpoint::new(stream, self.created_ms, closed_us, self.written);
        checkpoint.promise = Some(Promise {
            objects: objects.iter().map(|(key, ..)| key.clone()).collect(),
            shards: batch.positions.clone(),
        });
        let noted = checkpoint.write(self.lake, &mut self.seen).await;
        self.lock.is_held()?;
        noted?;
        let mut written = Written {
            objects: Vec::with_capacity(objects.len()),
            ok: done.ok,
            dropped: done.dropped,
            failed: done.failed + done.unconverted,
            written_us: closed_us,
            records,
        };
        for (key, body, holds_failed) in objects {
            let bytes = body.len() as u64;
            let failed = holds_failed.then(|| body.clone());
            let put = self.lake.put(&key, body).await;
            self.lock.is_held()?;
            put?;
            written.objects.push(Put { key, bytes, failed });
        }
        written.written_us = self.clock.now_us();
        self.written = batch.positions;
        Ok((self, written))
    }

    /// Transforms, and makes the object's bytes, on a thread where neither holds up reading.
    async fn transform(&self, records: Records) -> Result<(Records, Transformed), DeliverError> {
        let Delivery {
            transform,
            delimiter,
            format,
            ..
        } = self.delivery;
        let clock = self.clock;
        let (transform, format) = (transform.clone(), *format);
        let asked = match &transform {
            Transform::Command(command) => {
                let now_us = || clock.now_us();
                Some(
                    command
                        .apply(&records, delimiter, &self.origin, now_us)
                        .await?,
                )
            }
            Transform::None | Transform::Newline => None,
        };
        let delimiter = delimiter.clone();
        let work = move || {
            let mut done =
                asked.unwrap_or_else(|| transform.built_in(&records, &delimiter, clock.now_us()));
            format.encode(&mut done, clock.now_us())?;
            Ok((records, done))
        };
        spawn_blocking(work)
            .await
            .unwrap_or_else(|panicked| Err(std::io::Error::other(panicked)))
            .map_err(DeliverError::Format)
    }

    /// The end: every promise is kept.
    pub(super) async fn close(mut self, positions: Positions) -> Result<(), DeliverError> {
        self.lock.is_held()?;
        let now_us = self.clock.now_us();
        let stream = &self.delivery.stream;
        let last = Checkpoint::new(stream, self.created_ms, now_us, positions);
        let noted = last.write(self.lake, &mut self.seen).await;
        self.lock.is_held()?;
        noted?;
        Ok(())
    }
}
