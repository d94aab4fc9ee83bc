//! UpdateShardCount, SplitShard and MergeShards.

use serde::Deserialize;
use serde_json::json;

use super::control::DAY_US;
use super::request::{Checks, invalid, json as answer, nothing, parse};
use super::reshard::Reshard;
use super::shard::{Shard, parse_shard_id};
use super::stream::{Mode, Phase, State, Stream};
use super::{Answer, Failure, Streams, hash_key};

/// Updates of one stream's shard count within 24 hours
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html>).
const UPDATES_A_DAY: usize = 10;
/// Shards a stream may be scaled to.
const MAX_SHARDS: i64 = 10_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resize {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    // UpdateShardCount
    target_shard_count: Option<i64>,
    scaling_type: Option<String>,
    // SplitShard
    shard_to_split: Option<String>,
    new_starting_hash_key: Option<String>,
    // MergeShards
    shard_to_merge: Option<String>,
    adjacent_shard_to_merge: Option<String>,
}

impl Resize {
    fn stream(&self, streams: &Streams, now_us: u64) -> Result<std::sync::Arc<Stream>, Failure> {
        streams.target(
            self.stream_name.as_deref(),
            self.stream_arn.as_deref(),
            now_us,
        )
    }
}

impl Streams {
    pub(super) fn update_shard_count(&self, body: &[u8], now_us: u64) -> Result<Answer, Failure> {
        let request: Resize = parse(body)?;
        let mut checks = Checks::default();
        let target = checks.required(request.target_shard_count, "targetShardCount");
        checks.range(target, "targetShardCount", 1, i64::MAX);
        let scaling = checks.required(request.scaling_type.clone(), "scalingType");
        checks.one_of(&scaling, "scalingType", &["UNIFORM_SCALING"]);
        checks.done()?;
        let stream = request.stream(self, now_us)?;
        let open = stream.read(now_us).open_shard_count();
        if let Ok(target) = u32::try_from(target) {
            self.check_shard_limit(target.saturating_sub(open), now_us)?;
        }
        let mut state = stream.write(now_us);
        self.check_resizable(&stream, &state)?;
        let open = state.open_shard_count();
        let counts = format!("Current open shard count: {open} Target shard count: {target}");
        let limit = |what: &str| {
            Failure::new(
                "LimitExceededException",
                format!("UpdateShardCount cannot {what}. {counts}"),
            )
        };
        if target > 2 * i64::from(open) {
            return Err(limit("scale up over double your current open shard count"));
        }
        if 2 * target < i64::from(open) {
            return Err(limit("scale down below half your current open shard count"));
        }
        if target > MAX_SHARDS {
            return Err(limit("scale a stream to more than 10000 shards"));
        }
        if target == i64::from(open) {
            return Err(invalid(format!(
                "The target shard count is the current open shard count. {counts}"
            )));
        }
        state.scaled_us.retain(|&at| now_us - at < DAY_US);
        if state.scaled_us.len() >= UPDATES_A_DAY {
            return Err(limit(
                "be called more than 10 times for a stream within 24 hours",
            ));
        }
        state.scaled_us.push(now_us);
        // Between 1 and 10,000: checked above.
        let reshard = Reshard::Scale {
            target: target as u32,
        };
        begin(&stream, &mut state, reshard, now_us);
        Ok(answer(&json!({
            "StreamName": stream.name,
            "StreamARN": stream.arn,
            "CurrentShardCount": open,
            "TargetShardCount": target,
        })))
    }

    pub(super) fn split_shard(&self, body: &[u8], now_us: u64) -> Result<Answer, Failure> {
        let request: Resize = parse(body)?;
        let mut checks = Checks::default();
        let id = checks.required(request.shard_to_split.clone(), "shardToSplit");
        let key = checks.required(request.new_starting_hash_key.clone(), "newStartingHashKey");
        let parsed = hash_key::parse(&key);
        if parsed.is_none() {
            checks.fail(
                &key,
                "newStartingHashKey",
                "Member must satisfy regular expression pattern: 0|([1-9]\\d{0,38})",
            );
        }
        checks.done()?;
        let stream = request.stream(self, now_us)?;
        self.check_shard_limit(1, now_us)?;
        let mut state = stream.write(now_us);
        self.check_resizable(&stream, &state)?;
        let shard = self.open_shard(&stream, &state, &id)?;
        let range = shard.range;
        let at = parsed
            .flatten()
            .filter(|&at| at > range.start.saturating_add(1) && at < range.end)
            .ok_or_else(|| {
                invalid(format!(
                    "NewStartingHashKey {key} used in SplitShard() on shard {} in stream {} under \
                     account {} is not both greater than one plus the shard's StartingHashKey {} \
                     and less than the shard's EndingHashKey {}.",
                    shard.id, stream.name, self.account, range.start, range.end
                ))
            })?;
        let shard = shard.number;
        begin(&stream, &mut state, Reshard::Split { shard, at }, now_us);
        Ok(nothing())
    }

    pub(super) fn merge_shards(&self, body: &[u8], now_us: u64) -> Result<Answer, Failure> {
        let request: Resize = parse(body)?;
        let mut checks = Checks::default();
        let lower = checks.required(request.shard_to_merge.clone(), "shardToMerge");
        let upper = checks.required(
            request.adjacent_shard_to_merge.clone(),
            "adjacentShardToMerge",
        );
        checks.done()?;
        let stream = request.stream(self, now_us)?;
        let mut state = stream.write(now_us);
        self.check_resizable(&stream, &state)?;
        let lower = self.open_shard(&stream, &state, &lower)?;
        let upper = self.open_shard(&stream, &state, &upper)?;
        if !lower.range.touches(&upper.range) {
            return Err(invalid(format!(
                "Shards {} and {} in stream {} under account {} are not an adjacent pair of \
                 shards eligible for merging",
                lower.id, upper.id, stream.name, self.account
            )));
        }
        let (lower, upper) = (lower.number, upper.number);
        begin(&stream, &mut state, Reshard::Merge { lower, upper }, now_us);
        Ok(nothing())
    }

    fn check_resizable(&self, stream: &Stream, state: &State) -> Result<(), Failure> {
        if state.phase != Phase::Active {
            return Err(self.not_active(stream, state));
        }
        if state.mode == Mode::OnDemand {
            return Err(Failure::new(
                "ValidationException",
                format!(
                    "Request is invalid. Stream {} under account {} is in On-Demand mode.",
                    stream.name, self.account
                ),
            ));
        }
        Ok(())
    }

    /// The shard with this name, if it is still open.
    fn open_shard<'a>(
        &self,
        stream: &Stream,
        state: &'a State,
        id: &str,
    ) -> Result<&'a Shard, Failure> {
        let shard = parse_shard_id(id)
            .and_then(|number| state.shards.get(number as usize))
            .ok_or_else(|| {
                Failure::new(
                    "ResourceNotFoundException",
                    format!(
                        "Could not find shard {id} in stream {} under account {}.",
                        stream.name, self.account
                    ),
                )
            })?;
        if shard.closed_us().is_some() {
            return Err(Failure::new(
                "ResourceInUseException",
                format!(
                    "Shard {} in stream {} under account {} has already been merged or split, and \
                     thus is not eligible for merging or splitting.",
                    shard.id, stream.name, self.account
                ),
            ));
        }
        Ok(shard)
    }
}

fn begin(stream: &Stream, state: &mut State, reshard: Reshard, now_us: u64) {
    let phase = Phase::Updating {
        reshard: Some(reshard),
    };
    stream.begin(state, phase, now_us);
}
