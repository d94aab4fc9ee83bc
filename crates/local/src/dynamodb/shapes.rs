//! The members that each operation serves
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB.html>).
//!
//! What is not listed is refused by name. BatchWriteItem reads its body itself
//! ([`super::batch`]) and refuses alike.

use super::shape::Structure;
use super::shape::Type::{Flag, Image, Integer, List, Long, Map, Structure as Of, Text};

pub(super) static NONE: Structure = Structure {
    name: "DescribeLimitsInput",
    members: &[],
};

/// An operation on a table that is told nothing but which.
pub(super) static TABLE: Structure = Structure {
    name: "DescribeTableInput",
    members: &[("TableName", Text)],
};

static PROVISIONED: Structure = Structure {
    name: "ProvisionedThroughput",
    members: &[("ReadCapacityUnits", Long), ("WriteCapacityUnits", Long)],
};

static ON_DEMAND: Structure = Structure {
    name: "OnDemandThroughput",
    members: &[
        ("MaxReadRequestUnits", Long),
        ("MaxWriteRequestUnits", Long),
    ],
};

static WARM: Structure = Structure {
    name: "WarmThroughput",
    members: &[("ReadUnitsPerSecond", Long), ("WriteUnitsPerSecond", Long)],
};

static STREAM: Structure = Structure {
    name: "StreamSpecification",
    members: &[("StreamEnabled", Flag), ("StreamViewType", Text)],
};

/// Encryption is AWS's own unless asked for: only that it is not can be said.
static ENCRYPTION: Structure = Structure {
    name: "SSESpecification",
    members: &[("Enabled", Flag)],
};

static KEY: Structure = Structure {
    name: "KeySchemaElement",
    members: &[("AttributeName", Text), ("KeyType", Text)],
};

static DEFINITION: Structure = Structure {
    name: "AttributeDefinition",
    members: &[("AttributeName", Text), ("AttributeType", Text)],
};

static TAG: Structure = Structure {
    name: "Tag",
    members: &[("Key", Text), ("Value", Text)],
};

pub(super) static CREATE_TABLE: Structure = Structure {
    name: "CreateTableInput",
    members: &[
        ("TableName", Text),
        ("KeySchema", List(&Of(&KEY))),
        ("AttributeDefinitions", List(&Of(&DEFINITION))),
        ("BillingMode", Text),
        ("ProvisionedThroughput", Of(&PROVISIONED)),
        ("OnDemandThroughput", Of(&ON_DEMAND)),
        ("WarmThroughput", Of(&WARM)),
        ("StreamSpecification", Of(&STREAM)),
        ("SSESpecification", Of(&ENCRYPTION)),
        ("TableClass", Text),
        ("DeletionProtectionEnabled", Flag),
        ("Tags", List(&Of(&TAG))),
    ],
};

pub(super) static UPDATE_TABLE: Structure = Structure {
    name: "UpdateTableInput",
    members: &[
        ("TableName", Text),
        ("BillingMode", Text),
        ("ProvisionedThroughput", Of(&PROVISIONED)),
        ("OnDemandThroughput", Of(&ON_DEMAND)),
        ("WarmThroughput", Of(&WARM)),
        ("StreamSpecification", Of(&STREAM)),
        ("SSESpecification", Of(&ENCRYPTION)),
        ("TableClass", Text),
        ("DeletionProtectionEnabled", Flag),
    ],
};

pub(super) static LIST_TABLES: Structure = Structure {
    name: "ListTablesInput",
    members: &[("ExclusiveStartTableName", Text), ("Limit", Integer)],
};

pub(super) static TAG_RESOURCE: Structure = Structure {
    name: "TagResourceInput",
    members: &[("ResourceArn", Text), ("Tags", List(&Of(&TAG)))],
};

pub(super) static UNTAG_RESOURCE: Structure = Structure {
    name: "UntagResourceInput",
    members: &[("ResourceArn", Text), ("TagKeys", List(&Text))],
};

/// All tags stand in one answer: there is no token to go on with.
pub(super) static LIST_TAGS: Structure = Structure {
    name: "ListTagsOfResourceInput",
    members: &[("ResourceArn", Text)],
};

const PRECISION: (&str, super::shape::Type) = ("ApproximateCreationDateTimePrecision", Text);

static ENABLE: Structure = Structure {
    name: "EnableKinesisStreamingConfiguration",
    members: &[PRECISION],
};

static UPDATE: Structure = Structure {
    name: "UpdateKinesisStreamingConfiguration",
    members: &[PRECISION],
};

/// Enabling and disabling alike.
pub(super) static STREAMING_DESTINATION: Structure = Structure {
    name: "KinesisStreamingDestinationInput",
    members: &[
        ("TableName", Text),
        ("StreamArn", Text),
        ("EnableKinesisStreamingConfiguration", Of(&ENABLE)),
    ],
};

pub(super) static UPDATE_STREAMING_DESTINATION: Structure = Structure {
    name: "UpdateKinesisStreamingDestinationInput",
    members: &[
        ("TableName", Text),
        ("StreamArn", Text),
        ("UpdateKinesisStreamingConfiguration", Of(&UPDATE)),
    ],
};

pub(super) static PUT_ITEM: Structure = Structure {
    name: "PutItemInput",
    members: &[
        ("TableName", Text),
        ("Item", Image),
        ("ReturnConsumedCapacity", Text),
        ("ReturnValues", Text),
        ("ReturnItemCollectionMetrics", Text),
        ("ReturnValuesOnConditionCheckFailure", Text),
        ("ExpressionAttributeNames", Map(&Text)),
        ("ExpressionAttributeValues", Image),
    ],
};

pub(super) static DELETE_ITEM: Structure = Structure {
    name: "DeleteItemInput",
    members: &[
        ("TableName", Text),
        ("Key", Image),
        ("ReturnConsumedCapacity", Text),
        ("ReturnValues", Text),
        ("ReturnItemCollectionMetrics", Text),
        ("ReturnValuesOnConditionCheckFailure", Text),
        ("ExpressionAttributeNames", Map(&Text)),
        ("ExpressionAttributeValues", Image),
    ],
};

pub(super) static GET_ITEM: Structure = Structure {
    name: "GetItemInput",
    members: &[
        ("TableName", Text),
        ("Key", Image),
        ("ConsistentRead", Flag),
        ("ReturnConsumedCapacity", Text),
        ("ExpressionAttributeNames", Map(&Text)),
    ],
};

static KEYS_AND_ATTRIBUTES: Structure = Structure {
    name: "KeysAndAttributes",
    members: &[
        ("Keys", List(&Image)),
        ("ConsistentRead", Flag),
        ("ExpressionAttributeNames", Map(&Text)),
    ],
};

pub(super) static BATCH_GET_ITEM: Structure = Structure {
    name: "BatchGetItemInput",
    members: &[
        ("RequestItems", Map(&Of(&KEYS_AND_ATTRIBUTES))),
        ("ReturnConsumedCapacity", Text),
    ],
};

pub(super) static QUERY: Structure = Structure {
    name: "QueryInput",
    members: &[
        ("TableName", Text),
        ("IndexName", Text),
        ("Select", Text),
        ("Limit", Integer),
        ("ConsistentRead", Flag),
        ("ScanIndexForward", Flag),
        ("ExclusiveStartKey", Image),
        ("ReturnConsumedCapacity", Text),
        ("KeyConditionExpression", Text),
        ("ExpressionAttributeNames", Map(&Text)),
        ("ExpressionAttributeValues", Image),
    ],
};

pub(super) static SCAN: Structure = Structure {
    name: "ScanInput",
    members: &[
        ("TableName", Text),
        ("IndexName", Text),
        ("Select", Text),
        ("Limit", Integer),
        ("ConsistentRead", Flag),
        ("ExclusiveStartKey", Image),
        ("ReturnConsumedCapacity", Text),
        ("Segment", Integer),
        ("TotalSegments", Integer),
        ("ExpressionAttributeNames", Map(&Text)),
        ("ExpressionAttributeValues", Image),
    ],
};
