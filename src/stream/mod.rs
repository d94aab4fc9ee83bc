//! Reading the change stream.
//!
//! In go a feed (a Kinesis data stream, or a table's own stream: DynamoDB Streams) and
//! the name of a table; out come arrivals, told to a
//! [`crate::measure::ArrivalRecorder`]: which reading, created, arrived and
//! read when. Finds shards and follows their splits and merges, so that every
//! shard is read once, from its start, and after its parents. Must not know
//! who writes the table, nor what is done with what was measured.
//!
//! Everything runs on the thread that polls [`follow()`]: a future for each
//! shard, and no locks.
//!
//! ```text
//! listing      -> shards (which, in what order) -> polling | fan_out -> session -> recorder
//! table_stream ->                               -> table_stream      ->
//! ```

mod answers;
mod backoff;
mod control;
mod failure;
mod fan_out;
mod follow;
mod listing;
mod polling;
mod position;
mod session;
mod shards;
mod table_stream;

use std::time::Duration;

pub(crate) use answers::Answers;
pub(crate) use backoff::Backoff;
pub use control::{Control, Handle, Progress, ShardProgress, control};
pub(crate) use failure::{Failed, Trouble};
pub use failure::{FollowError, Service};
pub use follow::{Outcome, follow};
pub(crate) use polling::NO_NEXT;
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

/// A Kinesis data stream.
#[derive(Debug, Clone)]
pub struct KinesisStream {
    /// Who asks. Its retries are not used: they are made here.
    pub client: aws_sdk_kinesis::Client,
    /// The stream's name.
    pub name: String,
}

/// A table's own stream, of DynamoDB Streams.
#[derive(Debug, Clone)]
pub struct TableStream {
    /// Who asks. Its retries are not used: they are made here.
    pub client: aws_sdk_dynamodbstreams::Client,
    /// The stream's ARN.
    pub arn: String,
    /// Time from one GetRecords call to the next on one shard; after a full page the
    /// next follows at once.
    pub interval: Duration,
}

impl TableStream {
    /// How often Lambda asks each shard: four times a second
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>). DynamoDB
    /// publishes no limit.
    pub const USUAL_INTERVAL: Duration = Duration::from_millis(250);

    /// The shortest time between two calls on a shard, however far behind the reader is:
    /// ten a second.
    pub const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);
}

/// Where changes are read from.
#[derive(Debug, Clone)]
pub enum Feed {
    /// A Kinesis data stream, and how records are fetched.
    Kinesis(KinesisStream, Consumer),
    /// A table's own stream.
    Table(TableStream),
}

impl Feed {
    /// The stream's name or ARN.
    fn stream(&self) -> &str {
        match self {
            Feed::Kinesis(stream, _) => &stream.name,
            Feed::Table(stream) => &stream.arn,
        }
    }

    fn service(&self) -> Service {
        match self {
            Feed::Kinesis(..) => Service::Kinesis,
            Feed::Table(_) => Service::DynamoDbStreams,
        }
    }
}

/// What to follow.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where changes are read from.
    pub feed: Feed,
    /// The table whose changes count; those of others are foreign.
    pub table: String,
    /// Where to begin.
    pub from: From,
}
