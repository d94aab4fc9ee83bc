//! The operations that are served, with the members that each knows.

use super::request::Body;
use super::shape::Shape::{self, Blob, Flag, Integer, List, Map, Structure, Text, Time};
use super::{Answer, Failure, Streams};

/// One operation.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) members: &'static [(&'static str, Shape)],
    pub(super) call: fn(&Streams, Body<'_>, u64) -> Result<Answer, Failure>,
}

const NAME: (&str, Shape) = ("StreamName", Text);
const ARN: (&str, Shape) = ("StreamARN", Text);
const RESOURCE: (&str, Shape) = ("ResourceARN", Text);
const TAGS: (&str, Shape) = ("Tags", Map(&Text));
const TAG_KEYS: (&str, Shape) = ("TagKeys", List(&Text));
const LIMIT: (&str, Shape) = ("Limit", Integer);
const MAX_RESULTS: (&str, Shape) = ("MaxResults", Integer);
const NEXT_TOKEN: (&str, Shape) = ("NextToken", Text);
const CREATED: (&str, Shape) = ("StreamCreationTimestamp", Time);
const MODE: (&str, Shape) = ("StreamModeDetails", Structure(&[("StreamMode", Text)]));
const RECORD_KIB: (&str, Shape) = ("MaxRecordSizeInKiB", Integer);
const HOURS: (&str, Shape) = ("RetentionPeriodHours", Integer);
const START_SHARD: (&str, Shape) = ("ExclusiveStartShardId", Text);
const SHARD: (&str, Shape) = ("ShardId", Text);
const CONSUMER: (&str, Shape) = ("ConsumerName", Text);
const CONSUMER_ARN: (&str, Shape) = ("ConsumerARN", Text);
const DATA: (&str, Shape) = ("Data", Blob);
const KEY: (&str, Shape) = ("PartitionKey", Text);
const HASH_KEY: (&str, Shape) = ("ExplicitHashKey", Text);
const DRY_RUN: (&str, Shape) = ("DryRun", Flag);

/// Those that are called most come first.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "GetRecords",
        members: &[("ShardIterator", Text), LIMIT, ARN, DRY_RUN],
        call: Streams::get_records,
    },
    Operation {
        name: "PutRecords",
        members: &[
            ("Records", List(&Structure(&[DATA, KEY, HASH_KEY]))),
            NAME,
            ARN,
            DRY_RUN,
        ],
        call: Streams::put_records,
    },
    Operation {
        name: "PutRecord",
        members: &[
            NAME,
            ARN,
            DATA,
            KEY,
            HASH_KEY,
            ("SequenceNumberForOrdering", Text),
            DRY_RUN,
        ],
        call: Streams::put_record,
    },
    Operation {
        name: "GetShardIterator",
        members: &[
            NAME,
            ARN,
            SHARD,
            ("ShardIteratorType", Text),
            ("StartingSequenceNumber", Text),
            ("Timestamp", Time),
            DRY_RUN,
        ],
        call: Streams::get_shard_iterator,
    },
    Operation {
        name: "SubscribeToShard",
        members: &[
            CONSUMER_ARN,
            SHARD,
            (
                "StartingPosition",
                Structure(&[
                    ("Type", Text),
                    ("SequenceNumber", Text),
                    ("Timestamp", Time),
                ]),
            ),
            DRY_RUN,
        ],
        call: Streams::subscribe_to_shard,
    },
    Operation {
        name: "ListShards",
        members: &[
            NAME,
            ARN,
            NEXT_TOKEN,
            START_SHARD,
            MAX_RESULTS,
            CREATED,
            (
                "ShardFilter",
                Structure(&[("Type", Text), SHARD, ("Timestamp", Time)]),
            ),
        ],
        call: Streams::list_shards,
    },
    Operation {
        name: "CreateStream",
        members: &[NAME, ("ShardCount", Integer), MODE, TAGS, RECORD_KIB],
        call: Streams::create_stream,
    },
    Operation {
        name: "DeleteStream",
        members: &[NAME, ARN, ("EnforceConsumerDeletion", Flag)],
        call: Streams::delete_stream,
    },
    Operation {
        name: "DescribeStream",
        members: &[NAME, ARN, LIMIT, START_SHARD],
        call: Streams::describe_stream,
    },
    Operation {
        name: "DescribeStreamSummary",
        members: &[NAME, ARN],
        call: Streams::describe_stream_summary,
    },
    Operation {
        name: "ListStreams",
        members: &[LIMIT, ("ExclusiveStartStreamName", Text), NEXT_TOKEN],
        call: Streams::list_streams,
    },
    Operation {
        name: "DescribeLimits",
        members: &[],
        call: Streams::describe_limits,
    },
    Operation {
        name: "UpdateStreamMode",
        members: &[ARN, MODE],
        call: Streams::update_stream_mode,
    },
    Operation {
        name: "UpdateMaxRecordSize",
        members: &[ARN, RECORD_KIB],
        call: Streams::update_max_record_size,
    },
    Operation {
        name: "IncreaseStreamRetentionPeriod",
        members: &[NAME, ARN, HOURS],
        call: Streams::increase_retention,
    },
    Operation {
        name: "DecreaseStreamRetentionPeriod",
        members: &[NAME, ARN, HOURS],
        call: Streams::decrease_retention,
    },
    Operation {
        name: "UpdateShardCount",
        members: &[
            NAME,
            ARN,
            ("TargetShardCount", Integer),
            ("ScalingType", Text),
        ],
        call: Streams::update_shard_count,
    },
    Operation {
        name: "SplitShard",
        members: &[
            NAME,
            ARN,
            ("ShardToSplit", Text),
            ("NewStartingHashKey", Text),
        ],
        call: Streams::split_shard,
    },
    Operation {
        name: "MergeShards",
        members: &[
            NAME,
            ARN,
            ("ShardToMerge", Text),
            ("AdjacentShardToMerge", Text),
        ],
        call: Streams::merge_shards,
    },
    Operation {
        name: "RegisterStreamConsumer",
        members: &[ARN, CONSUMER, TAGS],
        call: Streams::register_consumer,
    },
    Operation {
        name: "DeregisterStreamConsumer",
        members: &[ARN, CONSUMER, CONSUMER_ARN],
        call: Streams::deregister_consumer,
    },
    Operation {
        name: "DescribeStreamConsumer",
        members: &[ARN, CONSUMER, CONSUMER_ARN],
        call: Streams::describe_consumer,
    },
    Operation {
        name: "ListStreamConsumers",
        members: &[ARN, NEXT_TOKEN, MAX_RESULTS, CREATED],
        call: Streams::list_consumers,
    },
    Operation {
        name: "AddTagsToStream",
        members: &[NAME, ARN, TAGS],
        call: Streams::add_tags_to_stream,
    },
    Operation {
        name: "RemoveTagsFromStream",
        members: &[NAME, ARN, TAG_KEYS],
        call: Streams::remove_tags_from_stream,
    },
    Operation {
        name: "ListTagsForStream",
        members: &[NAME, ARN, ("ExclusiveStartTagKey", Text), LIMIT],
        call: Streams::list_tags_for_stream,
    },
    Operation {
        name: "TagResource",
        members: &[RESOURCE, TAGS],
        call: Streams::tag_resource,
    },
    Operation {
        name: "UntagResource",
        members: &[RESOURCE, TAG_KEYS],
        call: Streams::untag_resource,
    },
    Operation {
        name: "ListTagsForResource",
        members: &[RESOURCE],
        call: Streams::list_tags_for_resource,
    },
];
