//! DescribeStream, DescribeStreamSummary, DescribeLimits, and how streams and
//! shards look in answers.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::request::{Body, Checks, MOST_ASKED, json as answer, parse, timestamp, whole};
use super::sequence::Sequence;
use super::shard::{Shard, parse_shard_id, shard_id};
use super::stream::{Mode, State, Stream};
use super::{Answer, Failure, Streams};

/// Shards of one DescribeStream answer.
const DESCRIBE_PAGE: usize = 100;
/// Open shards an account may have, in the large Regions
/// (<https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html>).
pub(super) const SHARD_LIMIT: u32 = 20_000;
/// On-demand streams an account may have.
const ON_DEMAND_STREAM_LIMIT: usize = 50;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeStream {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(default, deserialize_with = "whole")]
    limit: Option<i64>,
    exclusive_start_shard_id: Option<String>,
}

/// A shard's `HashKeyRange`.
pub(super) fn hash_key_range(shard: &Shard) -> Value {
    json!({
        "StartingHashKey": shard.range.start.to_string(),
        "EndingHashKey": shard.range.end.to_string(),
    })
}

/// A shard as the listings show it.
pub(super) fn shard_value(shard: &Shard) -> Value {
    let mut sequences = Map::new();
    let number = |sequence: Sequence| Value::from(sequence.to_string());
    sequences.insert(
        "StartingSequenceNumber".into(),
        number(Sequence::starting(shard.number, shard.created_s)),
    );
    if let Some(closed_us) = shard.closed_us() {
        sequences.insert(
            "EndingSequenceNumber".into(),
            number(Sequence::closing(
                shard.number,
                shard.created_s,
                closed_us / 1_000_000,
            )),
        );
    }
    let mut value = Map::new();
    value.insert("ShardId".into(), shard.id.clone().into());
    let parents = ["ParentShardId", "AdjacentParentShardId"].into_iter();
    for (member, parent) in parents.zip(shard.parents) {
        if let Some(parent) = parent {
            value.insert(member.into(), shard_id(parent).into());
        }
    }
    value.insert("HashKeyRange".into(), hash_key_range(shard));
    value.insert("SequenceNumberRange".into(), sequences.into());
    value.into()
}

/// Whether a shard still belongs in listings: open, or closed within the
/// retention period.
pub(super) fn is_listed(shard: &Shard, state: &State, now_us: u64) -> bool {
    shard
        .closed_us()
        .is_none_or(|closed_us| closed_us / 1000 >= state.cutoff_ms(now_us))
}

/// The members that DescribeStream and DescribeStreamSummary share.
fn stream_value(stream: &Stream, state: &State) -> Map<String, Value> {
    let mut value = Map::new();
    value.insert("StreamName".into(), stream.name.clone().into());
    value.insert("StreamARN".into(), stream.arn.clone().into());
    value.insert("StreamStatus".into(), state.phase.status().into());
    value.insert(
        "StreamModeDetails".into(),
        json!({ "StreamMode": state.mode.name() }),
    );
    value.insert("RetentionPeriodHours".into(), state.retention_hours.into());
    value.insert(
        "StreamCreationTimestamp".into(),
        timestamp(stream.created_us),
    );
    value.insert(
        "EnhancedMonitoring".into(),
        json!([{ "ShardLevelMetrics": [] }]),
    );
    value.insert("EncryptionType".into(), "NONE".into());
    value
}

impl Streams {
    pub(super) fn describe_stream(&self, body: Body<'_>, now_us: u64) -> Result<Answer, Failure> {
        let request: DescribeStream = parse(body)?;
        let mut checks = Checks::default();
        let limit = checks.page(request.limit, "limit", MOST_ASKED, DESCRIBE_PAGE);
        if let Some(id) = &request.exclusive_start_shard_id {
            checks.name(id, "exclusiveStartShardId");
        }
        let (name, arn) = (
            request.stream_name.as_deref(),
            request.stream_arn.as_deref(),
        );
        checks.stream(name, arn);
        checks.done()?;
        let stream = self.target(name, arn, now_us)?;
        self.admit(body.operation, Some(&stream), now_us)?;
        let state = stream.read(now_us);
        let first = match &request.exclusive_start_shard_id {
            None => 0,
            Some(id) => parse_shard_id(id).map_or(0, |number| number as usize + 1),
        };
        let mut shards = state
            .shards
            .iter()
            .skip(first)
            .filter(|shard| is_listed(shard, &state, now_us));
        let page: Vec<Value> = shards
            .by_ref()
            .take(limit)
            .map(|s| shard_value(s))
            .collect();
        let mut description = stream_value(&stream, &state);
        description.insert("Shards".into(), page.into());
        description.insert("HasMoreShards".into(), shards.next().is_some().into());
        Ok(answer(&json!({ "StreamDescription": description })))
    }

    pub(super) fn describe_stream_summary(
        &self,
        body: Body<'_>,
        now_us: u64,
    ) -> Result<Answer, Failure> {
        let request: DescribeStream = parse(body)?;
        let (name, arn) = (
            request.stream_name.as_deref(),
            request.stream_arn.as_deref(),
        );
        let stream = self.named(name, arn, now_us)?;
        self.admit(body.operation, Some(&stream), now_us)?;
        let state = stream.read(now_us);
        let mut summary = stream_value(&stream, &state);
        summary.insert("OpenShardCount".into(), state.open_shard_count().into());
        let consumers = state.consumers.values().filter(|c| c.exists(now_us));
        summary.insert("ConsumerCount".into(), consumers.count().into());
        summary.insert("MaxRecordSizeInKiB".into(), state.max_record_kib.into());
        Ok(answer(&json!({ "StreamDescriptionSummary": summary })))
    }

    pub(super) fn describe_limits(&self, body: Body<'_>, now_us: u64) -> Result<Answer, Failure> {
        body.check()?;
        self.admit(body.operation, None, now_us)?;
        let streams = self.all(now_us);
        let on_demand = streams
            .iter()
            .filter(|stream| stream.read(now_us).mode == Mode::OnDemand)
            .count();
        Ok(answer(&json!({
            "ShardLimit": SHARD_LIMIT,
            "OpenShardCount": self.open_shards(now_us),
            "OnDemandStreamCount": on_demand,
            "OnDemandStreamCountLimit": ON_DEMAND_STREAM_LIMIT,
        })))
    }

    /// Open shards of the account.
    pub(super) fn open_shards(&self, now_us: u64) -> u32 {
        self.all(now_us)
            .iter()
            .map(|stream| stream.read(now_us).open_shard_count())
            .sum()
    }

    /// Refuses to open `more` shards beyond what the account may have.
    pub(super) fn check_shard_limit(&self, more: u32, now_us: u64) -> Result<(), Failure> {
        let open = self.open_shards(now_us);
        if open.saturating_add(more) <= SHARD_LIMIT {
            return Ok(());
        }
        Err(Failure::new(
            "LimitExceededException",
            format!(
                "This request would exceed the shard limit for the account {} in {}. Current shard \
                 count for the account: {open}. Limit: {SHARD_LIMIT}. Number of additional shards \
                 that would have resulted from this request: {more}. Refer to the AWS Service \
                 Limits page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) \
                 for current limits and how to request higher limits.",
                self.account, self.region
            ),
        ))
    }
}
