//! The members that each operation serves
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html>).
//! What is not listed is refused by name.

use crate::dynamodb::shape::Structure;
use crate::dynamodb::shape::Type::{Integer, Structure as Of, Text, Timestamp};

pub(super) static LIST_STREAMS: Structure = Structure {
    name: "ListStreamsInput",
    members: &[
        ("TableName", Text),
        ("Limit", Integer),
        ("ExclusiveStartStreamArn", Text),
    ],
};

static SHARD_FILTER: Structure = Structure {
    name: "ShardFilter",
    members: &[("Type", Text), ("ShardId", Text)],
};

pub(super) static DESCRIBE_STREAM: Structure = Structure {
    name: "DescribeStreamInput",
    members: &[
        ("StreamArn", Text),
        ("Limit", Integer),
        ("ExclusiveStartShardId", Text),
        ("ShardFilter", Of(&SHARD_FILTER)),
    ],
};

pub(super) static GET_SHARD_ITERATOR: Structure = Structure {
    name: "GetShardIteratorInput",
    members: &[
        ("StreamArn", Text),
        ("ShardId", Text),
        ("ShardIteratorType", Text),
        ("SequenceNumber", Text),
        ("Timestamp", Timestamp),
    ],
};

pub(super) static GET_RECORDS: Structure = Structure {
    name: "GetRecordsInput",
    members: &[("ShardIterator", Text), ("Limit", Integer)],
};
