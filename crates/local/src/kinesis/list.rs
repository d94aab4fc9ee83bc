//! ListStreams and ListShards.

use hrload_base::sync::writing;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::describe::{is_listed, shard_value};
use super::request::{
    Body, Checks, MOST_ASKED, invalid, json as answer, parse, timestamp, timestamp_ms, whole,
};
use super::shard::{Shard, parse_shard_id};
use super::stream::{Phase, State, Stream};
use super::token::PageToken;
use super::{Answer, Failure, Streams};

/// Entries of one ListStreams answer, and of one ListShards answer.
const STREAMS_PAGE: usize = 100;
const SHARDS_PAGE: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListStreams {
    #[serde(default, deserialize_with = "whole")]
    limit: Option<i64>,
    exclusive_start_stream_name: Option<String>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListShards {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    next_token: Option<String>,
    exclusive_start_shard_id: Option<String>,
    #[serde(default, deserialize_with = "whole")]
    max_results: Option<i64>,
    stream_creation_timestamp: Option<f64>,
    shard_filter: Option<ShardFilter>,
}

/// Which shards to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ShardFilter {
    #[serde(rename = "Type")]
    kind: Option<String>,
    shard_id: Option<String>,
    timestamp: Option<f64>,
}

const FILTERS: [&str; 6] = [
    "AFTER_SHARD_ID",
    "AT_TRIM_HORIZON",
    "FROM_TRIM_HORIZON",
    "AT_LATEST",
    "AT_TIMESTAMP",
    "FROM_TIMESTAMP",
];

/// Where a listing of shards goes on.
#[derive(Debug, Serialize, Deserialize)]
struct ShardsPage {
    stream: String,
    stream_created_us: u64,
    filter: ShardFilter,
    first: usize,
}

impl ShardFilter {
    fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or_default()
    }

    fn check(&self, checks: &mut Checks) {
        match &self.kind {
            Some(kind) => checks.one_of(kind, "shardFilter.type", &FILTERS),
            None => checks.required(None, "shardFilter.type"),
        }
        if let Some(id) = &self.shard_id {
            checks.name(id, "shardFilter.shardId");
        }
    }

    /// Refuses a type that lacks what it needs.
    fn check_needs(&self) -> Result<(), Failure> {
        match self.kind() {
            "AFTER_SHARD_ID" if self.shard_id.is_none() => Err(invalid(
                "A ShardFilter of type AFTER_SHARD_ID needs a ShardId.",
            )),
            "AT_TIMESTAMP" | "FROM_TIMESTAMP" if self.timestamp.is_none() => Err(invalid(format!(
                "A ShardFilter of type {} needs a Timestamp.",
                self.kind()
            ))),
            _ => Ok(()),
        }
    }

    fn matches(&self, shard: &Shard, stream: &Stream, state: &State, now_us: u64) -> bool {
        // Streams are younger than their trim horizon until it passes them.
        let horizon_ms = state.cutoff_ms(now_us).max(stream.created_us / 1000);
        let asked_ms = timestamp_ms(self.timestamp.unwrap_or(0.0)).max(horizon_ms);
        let created_ms = shard.created_us / 1000;
        let closed_ms = shard.closed_us().map(|closed_us| closed_us / 1000);
        let ends_from = |time_ms| closed_ms.is_none_or(|closed_ms| closed_ms >= time_ms);
        match self.kind() {
            "AT_LATEST" => closed_ms.is_none(),
            "AT_TRIM_HORIZON" => created_ms <= horizon_ms && ends_from(horizon_ms),
            "AT_TIMESTAMP" => created_ms <= asked_ms && ends_from(asked_ms),
            "FROM_TIMESTAMP" => ends_from(asked_ms),
            "AFTER_SHARD_ID" => {
                let after = self.shard_id.as_deref().and_then(parse_shard_id);
                after.is_none_or(|after| shard.number > after)
            }
            _ => true,
        }
    }
}

impl Streams {
    /// Refuses a stream that was not created at the time that a request says.
    pub(super) fn check_created(&self, stream: &Stream, asked: Option<f64>) -> Result<(), Failure> {
        match asked {
            Some(asked) if timestamp_ms(asked) / 1000 != stream.created_us / 1_000_000 => {
                Err(self.no_stream(&stream.name))
            }
            _ => Ok(()),
        }
    }

    /// All streams that exist at `now_us`, by name. Forgets those that are gone.
    pub(super) fn all(&self, now_us: u64) -> Vec<Arc<Stream>> {
        let mut streams = writing(&self.streams);
        streams.retain(|_, stream| stream.read(now_us).phase != Phase::Gone);
        streams.values().cloned().collect()
    }

    pub(super) fn list_streams(&self, body: Body<'_>, now_us: u64) -> Result<Answer, Failure> {
        let request: ListStreams = parse(body)?;
        let mut checks = Checks::default();
        let limit = checks.page(request.limit, "limit", MOST_ASKED, STREAMS_PAGE);
        if let Some(name) = &request.exclusive_start_stream_name {
            checks.name(name, "exclusiveStartStreamName");
        }
        checks.token(request.next_token.as_deref());
        checks.done()?;
        let after = match request.next_token {
            Some(token) => Some(PageToken::<String>::read(&token, now_us)?),
            None => request.exclusive_start_stream_name,
        };
        self.admit(body.operation, None, now_us)?;
        let mut streams = self
            .all(now_us)
            .into_iter()
            .filter(|stream| after.as_ref().is_none_or(|after| stream.name > *after));
        let page: Vec<_> = streams.by_ref().take(limit).collect();
        let summaries = page.iter().map(|stream| {
            let state = stream.read(now_us);
            json!({
                "StreamName": stream.name,
                "StreamARN": stream.arn,
                "StreamStatus": state.phase.status(),
                "StreamModeDetails": { "StreamMode": state.mode.name() },
                "StreamCreationTimestamp": timestamp(stream.created_us),
            })
        });
        let more = streams.next().is_some();
        let mut list = json!({
            "StreamNames": page.iter().map(|stream| &stream.name).collect::<Vec<_>>(),
            "HasMoreStreams": more,
            "StreamSummaries": summaries.collect::<Vec<_>>(),
        });
        if let (true, Some(last)) = (more, page.last()) {
            list["NextToken"] = PageToken::write(last.name.clone(), now_us).into();
        }
        Ok(answer(&list))
    }

    pub(super) fn list_shards(&self, body: Body<'_>, now_us: u64) -> Result<Answer, Failure> {
        let request: ListShards = parse(body)?;
        let (name, arn) = (
            request.stream_name.as_deref(),
            request.stream_arn.as_deref(),
        );
        let mut checks = Checks::default();
        let limit = checks.page(request.max_results, "maxResults", MOST_ASKED, SHARDS_PAGE);
        if let Some(id) = &request.exclusive_start_shard_id {
            checks.name(id, "exclusiveStartShardId");
        }
        if let Some(filter) = &request.shard_filter {
            filter.check(&mut checks);
        }
        checks.token(request.next_token.as_deref());
        checks.stream(name, arn);
        checks.done()?;
        let (stream, filter, first) = match &request.next_token {
            Some(token) => {
                // The token has all of these in it.
                let beside = [
                    ("StreamName", name.is_some()),
                    ("StreamARN", arn.is_some()),
                    (
                        "ExclusiveStartShardId",
                        request.exclusive_start_shard_id.is_some(),
                    ),
                    (
                        "StreamCreationTimestamp",
                        request.stream_creation_timestamp.is_some(),
                    ),
                    ("ShardFilter", request.shard_filter.is_some()),
                ];
                if let Some((member, _)) = beside.iter().find(|(_, given)| *given) {
                    return Err(invalid(format!(
                        "NextToken and {member} cannot be provided together."
                    )));
                }
                let page: ShardsPage = PageToken::read(token, now_us)?;
                let stream = self.by_name(&page.stream, now_us)?;
                if stream.created_us != page.stream_created_us {
                    return Err(self.no_stream(&page.stream));
                }
                (stream, page.filter, page.first)
            }
            None => {
                let filter = request.shard_filter.unwrap_or_else(|| ShardFilter {
                    kind: Some("FROM_TRIM_HORIZON".to_owned()),
                    ..ShardFilter::default()
                });
                if name.is_none() && arn.is_none() {
                    return Err(invalid(
                        "Either NextToken or StreamName should be provided.",
                    ));
                }
                filter.check_needs()?;
                let stream = self.target(name, arn, now_us)?;
                self.check_created(&stream, request.stream_creation_timestamp)?;
                let first = request
                    .exclusive_start_shard_id
                    .as_deref()
                    .and_then(parse_shard_id)
                    .map_or(0, |number| number as usize + 1);
                (stream, filter, first)
            }
        };
        self.admit(body.operation, Some(&stream), now_us)?;
        let state = stream.read(now_us);
        if let Phase::Creating { .. } = state.phase {
            return Err(self.not_active(&stream, &state));
        }
        let mut shards = state.shards.iter().skip(first).filter(|shard| {
            is_listed(shard, &state, now_us) && filter.matches(shard, &stream, &state, now_us)
        });
        let page: Vec<_> = shards.by_ref().take(limit).collect();
        let more = shards.next().is_some();
        let values: Vec<Value> = page.iter().map(|shard| shard_value(shard)).collect();
        let mut list = json!({ "Shards": values });
        if let (true, Some(last)) = (more, page.last()) {
            let rest = ShardsPage {
                stream: stream.name.clone(),
                stream_created_us: stream.created_us,
                filter,
                first: last.number as usize + 1,
            };
            list["NextToken"] = PageToken::write(rest, now_us).into();
        }
        Ok(answer(&list))
    }
}
