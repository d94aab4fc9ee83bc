//! The IAM actions that each command needs, no more and no less: tests compare
//! them with the calls that are made, and docs/aws.md with its policies.
//!
//! Actions and resource types as in
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html>
//! and
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonkinesisdatastreams.html>.

/// One action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// `service:Operation`.
    pub name: &'static str,
    /// It is called in a command that goes well. Others are needed besides: to
    /// mend what went otherwise, or checked by the service on our behalf.
    pub called: bool,
}

impl Action {
    /// The operation without its service.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.name
            .split_once(':')
            .map_or(self.name, |(_, operation)| operation)
    }
}

const fn called(name: &'static str) -> Action {
    Action { name, called: true }
}

const fn besides(name: &'static str) -> Action {
    Action {
        name,
        called: false,
    }
}

/// `hrload setup`. Enabling a streaming destination is checked by DynamoDB
/// against Kinesis with the caller's rights, and makes a service-linked role the
/// first time
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/kds_iam.html>);
/// the deletions are for rolling back.
pub const SETUP: &[Action] = &[
    called("dynamodb:CreateTable"),
    besides("dynamodb:DeleteTable"),
    called("dynamodb:DescribeKinesisStreamingDestination"),
    called("dynamodb:DescribeTable"),
    called("dynamodb:EnableKinesisStreamingDestination"),
    called("dynamodb:ListTagsOfResource"),
    besides("dynamodb:TagResource"),
    besides("iam:CreateServiceLinkedRole"),
    besides("kinesis:AddTagsToStream"),
    called("kinesis:CreateStream"),
    besides("kinesis:DeleteStream"),
    besides("kinesis:DescribeStream"),
    called("kinesis:DescribeStreamSummary"),
    besides("kinesis:ListStreams"),
    called("kinesis:ListTagsForStream"),
    besides("kinesis:PutRecords"),
    besides("kinesis:TagResource"),
];

/// `hrload run` that makes its own table and stream, and removes them. Tags given
/// with a creation need the right to tag; they are read where a creation's answer
/// was lost. Limits are looked at on AWS alone, and a run does without.
pub const RUN: &[Action] = &[
    besides("cloudwatch:GetMetricData"),
    called("dynamodb:BatchWriteItem"),
    called("dynamodb:CreateTable"),
    called("dynamodb:DeleteTable"),
    called("dynamodb:DescribeKinesisStreamingDestination"),
    besides("dynamodb:DescribeLimits"),
    called("dynamodb:DescribeTable"),
    called("dynamodb:EnableKinesisStreamingDestination"),
    besides("dynamodb:ListTagsOfResource"),
    besides("dynamodb:TagResource"),
    besides("iam:CreateServiceLinkedRole"),
    besides("kinesis:AddTagsToStream"),
    called("kinesis:CreateStream"),
    called("kinesis:DeleteStream"),
    besides("kinesis:DescribeLimits"),
    besides("kinesis:DescribeStream"),
    called("kinesis:DescribeStreamSummary"),
    called("kinesis:GetRecords"),
    called("kinesis:GetShardIterator"),
    called("kinesis:ListShards"),
    besides("kinesis:ListStreams"),
    besides("kinesis:ListTagsForStream"),
    besides("kinesis:PutRecords"),
    besides("kinesis:TagResource"),
];

/// `hrload run --state`. Tags are read to tell its table and stream from others of the
/// same name.
pub const RUN_ON_STATE: &[Action] = &[
    besides("cloudwatch:GetMetricData"),
    called("dynamodb:BatchWriteItem"),
    called("dynamodb:DescribeKinesisStreamingDestination"),
    besides("dynamodb:DescribeLimits"),
    called("dynamodb:DescribeTable"),
    called("dynamodb:ListTagsOfResource"),
    besides("kinesis:DescribeLimits"),
    called("kinesis:DescribeStreamSummary"),
    called("kinesis:GetRecords"),
    called("kinesis:GetShardIterator"),
    called("kinesis:ListShards"),
    called("kinesis:ListTagsForStream"),
];

/// `hrload teardown`.
pub const TEARDOWN: &[Action] = &[
    called("dynamodb:DeleteTable"),
    called("dynamodb:DescribeTable"),
    called("dynamodb:ListTagsOfResource"),
    called("kinesis:DeleteStream"),
    called("kinesis:DescribeStreamSummary"),
    called("kinesis:ListTagsForStream"),
];

/// `hrload cleanup --expired`.
pub const CLEANUP: &[Action] = &[
    called("dynamodb:DeleteTable"),
    called("dynamodb:DescribeTable"),
    called("dynamodb:ListTables"),
    called("dynamodb:ListTagsOfResource"),
    called("kinesis:DeleteStream"),
    called("kinesis:DescribeStreamSummary"),
    called("kinesis:ListStreams"),
    called("kinesis:ListTagsForStream"),
];

/// The calls of a `hrload setup` that goes well, in the order of their first use;
/// descriptions are called again until what they describe can be used.
pub const SETUP_ORDER: &[&str] = &[
    "kinesis:DescribeStreamSummary",
    "kinesis:CreateStream",
    "kinesis:ListTagsForStream",
    "dynamodb:DescribeTable",
    "dynamodb:CreateTable",
    "dynamodb:ListTagsOfResource",
    "dynamodb:DescribeKinesisStreamingDestination",
    "dynamodb:EnableKinesisStreamingDestination",
];

/// The same of `hrload teardown`.
pub const TEARDOWN_ORDER: &[&str] = &[
    "dynamodb:DescribeTable",
    "dynamodb:ListTagsOfResource",
    "dynamodb:DeleteTable",
    "kinesis:DescribeStreamSummary",
    "kinesis:ListTagsForStream",
    "kinesis:DeleteStream",
];

/// The same of `hrload run` that makes its own table and stream.
pub const RUN_ORDER: &[&str] = &[
    "kinesis:DescribeStreamSummary",
    "kinesis:CreateStream",
    "dynamodb:DescribeTable",
    "dynamodb:CreateTable",
    "dynamodb:DescribeKinesisStreamingDestination",
    "dynamodb:EnableKinesisStreamingDestination",
    "kinesis:ListShards",
    "kinesis:GetShardIterator",
    "kinesis:GetRecords",
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteTable",
    "kinesis:DeleteStream",
];

/// Calls before those of a run on AWS.
pub const LOOK_AROUND_ORDER: &[&str] = &[
    "sts:GetCallerIdentity",
    "dynamodb:DescribeLimits",
    "kinesis:DescribeLimits",
];

/// Calls of a run that polls its stream, and of none that subscribes to it.
pub const POLLING_ORDER: &[&str] = &["kinesis:GetShardIterator", "kinesis:GetRecords"];

/// What stands for them with enhanced fan-out.
pub const FAN_OUT_ORDER: &[&str] = &[
    "kinesis:RegisterStreamConsumer",
    "kinesis:DescribeStreamConsumer",
    "kinesis:SubscribeToShard",
    "kinesis:DeregisterStreamConsumer",
];

/// What following a table's own stream (`--via dynamodb-streams`) needs besides: a table
/// that is there without one is updated.
pub const TABLE_STREAM: &[Action] = &[
    called("dynamodb:DescribeStream"),
    called("dynamodb:GetRecords"),
    called("dynamodb:GetShardIterator"),
    besides("dynamodb:UpdateTable"),
];

/// Its calls.
pub const TABLE_STREAM_ORDER: &[&str] = &[
    "dynamodb:DescribeStream",
    "dynamodb:GetShardIterator",
    "dynamodb:GetRecords",
];

/// The same of `hrload run --state`.
pub const RUN_ON_STATE_ORDER: &[&str] = &[
    "kinesis:DescribeStreamSummary",
    "kinesis:ListTagsForStream",
    "dynamodb:DescribeTable",
    "dynamodb:ListTagsOfResource",
    "dynamodb:DescribeKinesisStreamingDestination",
    "kinesis:ListShards",
    "kinesis:GetShardIterator",
    "kinesis:GetRecords",
    "dynamodb:BatchWriteItem",
];

/// Consumers are registered with a stream; all else is done to them.
fn is_of_consumer(name: &str) -> bool {
    FAN_OUT_ORDER.contains(&name) && !name.contains(":Register")
}

/// What a dry run prints: the calls of `order`, below the resource that each is made on,
/// and then the actions of `needed` that are wanted besides.
#[must_use]
pub fn dry_run(
    order: &[&str],
    needed: &[Action],
    region: &str,
    table: &str,
    stream: &str,
) -> String {
    let mut lines = String::new();
    let mut on = None;
    for name in order {
        let resource = if name.starts_with("sts:")
            || name.starts_with("cloudwatch:")
            || name.ends_with(":DescribeLimits")
        {
            "*".to_owned()
        } else if is_of_consumer(name) {
            format!("arn:aws:kinesis:{region}:*:stream/{stream}/consumer/*")
        } else if TABLE_STREAM_ORDER.contains(name) {
            format!("arn:aws:dynamodb:{region}:*:table/{table}/stream/*")
        } else if name.starts_with("kinesis:") {
            format!("arn:aws:kinesis:{region}:*:stream/{stream}")
        } else {
            format!("arn:aws:dynamodb:{region}:*:table/{table}")
        };
        if on.as_ref() != Some(&resource) {
            lines.push_str(&format!("on {resource}\n"));
        }
        lines.push_str(&format!("  {name}\n"));
        on = Some(resource);
    }
    let names = needed.iter().map(|action| action.name);
    for name in names.filter(|name| !order.contains(name)) {
        lines.push_str(&format!("needed besides: {name}\n"));
    }
    lines
}
