//! What has been delivered, so that a process that dies loses nothing.
//!
//! A checkpoint is written before the objects it promises and names them. Who
//! starts again looks whether they are there: objects appear whole, so if all
//! are, their records are delivered and reading goes on after them; if none
//! is, reading goes on where it stood before. Only a process that died between
//! two objects of one promise makes duplicates, and then they are told.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::store::{Lake, Seen, StoreError};

const SCHEMA: &str = "hrload.lake-checkpoint/1";

/// Where in a shard reading goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// With its oldest record.
    TrimHorizon,
    /// With the first record that arrived at this time or later, in
    /// microseconds since the Unix epoch.
    AtUs(u64),
    /// After the record with this sequence number.
    After(String),
    /// Nowhere: it is read to its end.
    Done,
}

/// By shard id.
pub(super) type Positions = BTreeMap<String, Position>;

/// Objects that were about to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Promise {
    pub(super) objects: Vec<String>,
    pub(super) shards: Positions,
}

/// How far a lake holds a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    schema: String,
    stream: String,
    /// When the stream was made, by the service's clock, in milliseconds since the Unix
    /// epoch: another stream of that name was made at another time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stream_created_ms: Option<u64>,
    /// Microseconds since the Unix epoch.
    written_us: u64,
    /// What is delivered for sure.
    pub(super) shards: Positions,
    /// What is delivered if its objects are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) promise: Option<Promise>,
}

/// A checkpoint that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It is not what was written.
    #[error(
        "the checkpoint {key} in {place} cannot be used: {cause}; restore it, or remove it and \
         say with --from where to begin (trim-horizon delivers again what the stream still has, \
         latest skips what was not delivered)"
    )]
    Corrupt {
        /// Its key in the lake.
        key: String,
        /// The lake.
        place: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Checkpoint {
    /// Of the stream of that name that was made then.
    pub(super) fn new(
        stream: &str,
        stream_created_ms: Option<u64>,
        written_us: u64,
        shards: Positions,
    ) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            stream: stream.to_owned(),
            stream_created_ms,
            written_us,
            shards,
            promise: None,
        }
    }

    /// When the stream was made that it is of, if that is another than the one of that
    /// name made at `created_ms`: `Some(None)` when it does not say, but was written
    /// before that one was made.
    pub(super) fn of_another(&self, created_ms: Option<u64>) -> Option<Option<u64>> {
        let created_ms = created_ms?;
        let another = match self.stream_created_ms {
            Some(of_ms) => of_ms != created_ms,
            None => self.written_us / 1_000 < created_ms,
        };
        another.then_some(self.stream_created_ms)
    }

    /// Writes it where it is in nobody's way: the key, by when its stream was made or,
    /// where it does not say, when it was written.
    pub(super) async fn set_aside(&self, lake: &Lake) -> Result<String, StoreError> {
        let told = self.stream_created_ms.unwrap_or(self.written_us / 1_000);
        let key = format!("_hrload/{}.{told}.checkpoint.json", self.stream);
        let json = serde_json::to_vec_pretty(self).unwrap_or_default();
        lake.put(&key, Bytes::from(json)).await?;
        Ok(key)
    }

    /// Where a stream's checkpoint is kept in the lake: beside no hour's
    /// objects, and behind an underscore, which Athena and Hive take for hidden.
    #[must_use]
    pub fn key(stream: &str) -> String {
        format!("_hrload/{stream}.checkpoint.json")
    }

    /// Reads the stream's; `None` when the lake has none.
    ///
    /// # Errors
    /// It cannot be read, or is not what was written.
    pub(super) async fn read(
        lake: &Lake,
        stream: &str,
    ) -> Result<Option<(Self, Seen)>, CheckpointError> {
        let key = Self::key(stream);
        let Some((bytes, version)) = lake.get(&key).await? else {
            return Ok(None);
        };
        match Self::parse(&bytes, stream) {
            Ok(read) => Ok(Some((read, Some(version)))),
            Err(cause) => Err(CheckpointError::Corrupt {
                place: lake.place().to_owned(),
                key,
                cause,
            }),
        }
    }

    /// Reads what a checkpoint of the stream holds.
    ///
    /// # Errors
    /// It is not what was written: the cause.
    pub fn parse(bytes: &[u8], stream: &str) -> Result<Self, String> {
        let read: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if read.schema != SCHEMA {
            return Err(format!("its schema is {:?}, not {SCHEMA:?}", read.schema));
        }
        if read.stream != stream {
            return Err(format!("it is of the stream {:?}", read.stream));
        }
        Ok(read)
    }

    /// Writes it in place of the last, which was `seen`.
    pub(super) async fn write(&self, lake: &Lake, seen: &mut Seen) -> Result<(), StoreError> {
        // A map of strings and numbers: there is nothing that cannot be written.
        let json = serde_json::to_vec_pretty(self).unwrap_or_default();
        lake.put_over(&Self::key(&self.stream), Bytes::from(json), seen)
            .await
    }

    /// Looks whether the promised objects are there, and returns where reading
    /// goes on, and the promised objects whose records will be delivered again.
    pub(super) async fn settle(self, lake: &Lake) -> Result<(Positions, Vec<String>), StoreError> {
        let Some(promise) = self.promise else {
            return Ok((self.shards, Vec::new()));
        };
        let mut there = Vec::new();
        for key in &promise.objects {
            // A name that nothing can have was promised by an earlier version.
            if lake.may_hold(key) && lake.has(key).await? {
                there.push(key.clone());
            }
        }
        if there.len() == promise.objects.len() {
            Ok((promise.shards, Vec::new()))
        } else {
            Ok((self.shards, there))
        }
    }
}
