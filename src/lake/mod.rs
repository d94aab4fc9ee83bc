//! Delivery of a stream to object storage, as Firehose does it.
//!
//! In go the records of a stream, shard by shard; out come objects in a folder
//! or a bucket, each whole or not there at all, and a checkpoint that says
//! which records they hold. Must not know what a record says, who wrote it, nor
//! what reads the objects. The way back is [`read`]: the one reader of what lies in
//! a lake.
//!
//! ```text
//! source (shards) -> buffer (size, interval) -> transform -> format -> store
//!                                                     \-> failed <-/ -> store
//! ```

mod buffer;
mod checkpoint;
mod compress;
mod deliver;
mod failed;
mod format;
mod idle;
mod naming;
mod order;
#[cfg(feature = "sql")]
mod parquet;
pub mod read;
mod source;
mod store;
mod transform;
mod write;

pub use buffer::{Buffer, Hints, Record, Records};
pub use checkpoint::{Checkpoint, CheckpointError, Position};
pub use compress::Compression;
pub use deliver::{DeliverError, Delivered, Delivery, Event, Start, deliver};
pub use failed::{Cause, FailedRecord, failed_data};
pub use format::Format;
pub use naming::{ErrorKind, Naming, PrefixError};
pub use read::{Listing, Object};
pub use source::SourceError;
pub(crate) use source::{Told, follow};
pub use store::{Lake, Place, PlaceError, StoreError};
pub use transform::{Command, CommandError, Transform, Transformed};
