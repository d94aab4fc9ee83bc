//! Reading the change stream.
//!
//! In go the name of a stream and of a table; out come arrivals, told to a
//! [`crate::measure::ArrivalRecorder`]: which reading, created, arrived and
//! read when. Finds shards and follows their splits and merges, so that every
//! shard is read once, from its start, and after its parents. Must not know
//! who writes the table, nor what is done with what was measured.
//!
//! Everything runs on the thread that polls [`follow()`]: a future for each
//! shard, and no locks.
//!
//! ```text
//! ListShards -> shards (which, in what order) -> polling | fan_out -> session -> recorder
//! ```

mod backoff;
mod control;
mod failure;
mod fan_out;
mod follow;
mod polling;
mod position;
mod session;
mod shards;

use std::time::Duration;

pub use control::{Control, Handle, Progress, ShardProgress, control};
pub use failure::FollowError;
pub use follow::{Outcome, follow};
pub use session::Tally;

/// How records are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consumer {
    /// GetRecords, each shard on its own beat.
    Polling {
        /// Time from one call to the next on one shard. Shorter than
        /// [`Consumer::SHORTEST_INTERVAL`] is taken as that.
        interval: Duration,
    },
    /// SubscribeToShard: Kinesis pushes records to a consumer of its own.
    EnhancedFanOut {
        /// The consumer's name. One that exists is used; otherwise it is
        /// registered, and deregistered at the end.
        name: String,
    },
}

impl Consumer {
    /// Kinesis allows five GetRecords calls a second on a shard
    /// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html>).
    pub const SHORTEST_INTERVAL: Duration = Duration::from_millis(200);
}

impl Default for Consumer {
    fn default() -> Self {
        Consumer::Polling {
            interval: Self::SHORTEST_INTERVAL,
        }
    }
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// With the oldest record there is. For a stream made for the run.
    Beginning,
    /// With the next record of each open shard. Shards that appear later are
    /// read from their first record.
    Now,
}

/// What to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The stream's name.
    pub stream: String,
    /// The table whose changes count; those of others are foreign.
    pub table: String,
    /// How records are fetched.
    pub consumer: Consumer,
    /// Where to begin.
    pub from: From,
}
