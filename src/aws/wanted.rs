//! What is to be there before anything is sent, and what came of it.

use super::ownership::{EXPIRES, MAKER, RUN, Tags};

/// The table and stream that a run wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Table name.
    pub table: String,
    /// Partition key: name and type (`S` or `N`).
    pub partition_key: (&'static str, &'static str),
    /// Sort key, if the item layout has one.
    pub sort_key: Option<(&'static str, &'static str)>,
    /// How the table is paid for, if it has to be created.
    pub throughput: TableThroughput,
    /// The stream; `None` when writes alone are measured.
    pub stream: Option<WantedStream>,
    /// The table's changes are to go to the stream.
    pub destination: bool,
    /// The table's own stream (DynamoDB Streams) is to be enabled.
    pub table_stream: bool,
    /// Whose what is created is; `None` leaves it without tags.
    pub owner: Option<Owner>,
}

/// Whose a table or a stream is, as its tags tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Name of the run or the set-up: `hrload:run`.
    pub run: String,
    /// When `hrload cleanup --expired` may remove it, RFC 3339:
    /// `hrload:expires`. `None` is never.
    pub expires: Option<String>,
}

impl Owner {
    /// Tags by key.
    pub(super) fn tags(&self) -> Vec<(&'static str, &str)> {
        let maker = concat!("hrload ", env!("CARGO_PKG_VERSION"));
        let mut tags = vec![(RUN, self.run.as_str()), (MAKER, maker)];
        tags.extend(self.expires.as_deref().map(|expires| (EXPIRES, expires)));
        tags
    }

    /// Whether what has these tags is its.
    pub(super) fn is_told_by(&self, tags: Option<&Tags>) -> bool {
        tags.is_some_and(|tags| tags.get(RUN) == Some(&self.run))
    }
}

/// A table's capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableThroughput {
    /// Pay per request.
    OnDemand {
        /// Write units a second it is warmed for; `None` is what every new
        /// table has.
        warm_write_units: Option<u64>,
    },
    /// So many units a second.
    Provisioned {
        /// Write units.
        write_units: u64,
        /// Read units.
        read_units: u64,
    },
}

/// The stream that a run wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedStream {
    /// Stream name.
    pub name: String,
    /// Shards, if it has to be created; `None` is on demand.
    pub shards: Option<u32>,
}

/// What a run uses, and what of it was made for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provisioned {
    /// Table name.
    pub table: String,
    /// The table was created by [`provision`](super::provision()).
    pub table_created: bool,
    /// The stream's name and ARN.
    pub stream: Option<(String, String)>,
    /// The stream was created by [`provision`](super::provision()).
    pub stream_created: bool,
    /// The streaming destination was enabled by [`provision`](super::provision()).
    pub destination_enabled: bool,
    /// The ARN of the table's own stream, where one was wanted.
    pub table_stream: Option<String>,
    /// The table's own stream was enabled by [`provision`](super::provision()) on a table
    /// that was there before.
    pub table_stream_enabled: bool,
    /// Open shards of the stream when it was found or created.
    pub shards: u32,
}
