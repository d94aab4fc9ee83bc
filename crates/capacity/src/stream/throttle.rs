//! Why a shard refuses, and how AWS says so.

use std::fmt;

use serde::Serialize;

/// A call or record that a shard's limits do not allow. AWS does not tell the
/// limits of one side apart on the wire; this does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ShardThrottle {
    /// Records written a second.
    WriteRecords,
    /// Bytes written a second.
    WriteBytes,
    /// GetRecords calls a second.
    ReadCalls,
    /// The pause after a GetRecords call that returned too much.
    ReadBytes,
    /// GetShardIterator calls a second.
    Iterators,
}

impl ShardThrottle {
    /// The exception, and the `ErrorCode` of a record of PutRecords.
    pub const EXCEPTION: &'static str = "ProvisionedThroughputExceededException";

    /// The CloudWatch metric of the shard that counts it; AWS counts
    /// GetShardIterator in none.
    #[must_use]
    pub fn metric(self) -> Option<&'static str> {
        match self {
            Self::WriteRecords | Self::WriteBytes => Some("WriteProvisionedThroughputExceeded"),
            Self::ReadCalls | Self::ReadBytes => Some("ReadProvisionedThroughputExceeded"),
            Self::Iterators => None,
        }
    }

    /// The exception's message, and the `ErrorMessage` of a record of
    /// PutRecords: the wording of
    /// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html>.
    #[must_use]
    pub fn message(self, shard_id: &str, stream: &str, account: &str) -> String {
        format!("Rate exceeded for shard {shard_id} in stream {stream} under account {account}.")
    }
}

impl fmt::Display for ShardThrottle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WriteRecords => "records a second into a shard",
            Self::WriteBytes => "bytes a second into a shard",
            Self::ReadCalls => "GetRecords calls a second of a shard",
            Self::ReadBytes => "bytes a second out of a shard",
            Self::Iterators => "GetShardIterator calls a second of a shard",
        })
    }
}
