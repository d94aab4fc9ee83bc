//! UpdateShardCount, SplitShard and MergeShards.

use serde::Deserialize;
use serde_json::json;

use super::request::{Body, Checks, invalid, json as answer, nothing, parse, whole};
use super::reshard::Reshard;
use super::shard::{Shard, parse_shard_id};
use super::stream::{Mode, Phase, State, Stream, TRANSITION_US};
use super::{Answer, Failure, Streams, hash_key};
use hrload_capacity::stream as capacity;
use hrload_capacity::stream::ReshardAssumptions;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resize {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    // UpdateShardCount
    #[serde(default, deserialize_with = "whole")]
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
    fn check(&self, checks: &mut Checks) {
        checks.stream(self.stream_name.as_deref(), self.stream_arn.as_deref());
    }

    fn stream(&self, streams: &Streams, now_us: u64) -> Result<std::sync::Arc<Stream>, Failure> {
        streams.target(
            self.stream_name.as_deref(),
            self.stream_arn.as_deref(),
            now_us,
        )
    }
}

impl Streams {
    pub(super) fn update_shard_count(
        &self,
        body: Body<'_>,
        now_us: u64,
    ) -> Result<Answer, Failure> {
        let request: Resize = parse(body)?;
        let mut checks = Checks::default();
        if let Some(target) = request.target_shard_count {
            checks.range(target, "targetShardCount", 1, i64::MAX);
        }
        let target = checks.required(request.target_shard_count, "targetShardCount");
        match &request.scaling_type {
            Some(kind) => checks.one_of(kind, "scalingType", &["UNIFORM_SCALING"]),
            None => checks.required(None, "scalingType"),
        }
        request.check(&mut checks);
        checks.done()?;
        let stream = request.stream(self, now_us)?;
        self.admit(body.operation, Some(&stream), now_us)?;
        let open = stream.read(now_us).open_shard_count();
        if let Ok(target) = u32::try_from(target) {
            self.check_shard_limit(target.saturating_sub(open), now_us)?;
        }
        let mut state = stream.write(now_us);
        self.check_resizable(&stream, &state)?;
        let open = state.open_shard_count();
        // Beyond 32 bits it is far beyond the largest stream as well.
        let target = u32::try_from(target).unwrap_or(u32::MAX);
        let resize = resize(open, target);
        let updated = state.resizes.update(
            stream.clock_us(now_us),
            &resize,
            &ReshardAssumptions::default(),
        );
        updated.map_err(|refused| {
            let message = refused.message(&self.account, &self.region);
            Failure::new(refused.exception(), message)
        })?;
        let reshard = Reshard::Scale { target };
        begin(&stream, &mut state, reshard, resize, now_us);
        Ok(answer(&json!({
            "StreamName": stream.name,
            "StreamARN": stream.arn,
            "CurrentShardCount": open,
            "TargetShardCount": target,
        })))
    }

    pub(super) fn split_shard(&self, body: Body<'_>, now_us: u64) -> Result<Answer, Failure> {
        let request: Resize = parse(body)?;
        let mut checks = Checks::default();
        let id = checks.required_name(request.shard_to_split.clone(), "shardToSplit");
        if let Some(key) = &request.new_starting_hash_key {
            checks.hash_key(key, "newStartingHashKey");
        }
        let key = checks.required(request.new_starting_hash_key.clone(), "newStartingHashKey");
        request.check(&mut checks);
        checks.done()?;
        let stream = request.stream(self, now_us)?;
        self.admit(body.operation, Some(&stream), now_us)?;
        self.check_shard_limit(1, now_us)?;
        let mut state = stream.write(now_us);
        self.check_resizable(&stream, &state)?;
        let shard = self.open_shard(&stream, &state, &id)?;
        let range = shard.range;
        let at = hash_key::parse(&key)
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
        let reshard = Reshard::Split { shard, at };
        begin(&stream, &mut state, reshard, resize(1, 2), now_us);
        Ok(nothing())
    }

    pub(super) fn merge_shards(&self, body: Body<'_>, now_us: u64) -> Result<Answer, Failure> {
        let request: Resize = parse(body)?;
        let mut checks = Checks::default();
        let lower = checks.required_name(request.shard_to_merge.clone(), "shardToMerge");
        let upper = request.adjacent_shard_to_merge.clone();
        let upper = checks.required_name(upper, "adjacentShardToMerge");
        request.check(&mut checks);
        checks.done()?;
        let stream = request.stream(self, now_us)?;
        self.admit(body.operation, Some(&stream), now_us)?;
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
        let reshard = Reshard::Merge { lower, upper };
        begin(&stream, &mut state, reshard, resize(2, 1), now_us);
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
            return Err(invalid(format!(
                "Shard {} in stream {} under account {} has already been merged or split, and \
                 thus is not eligible for merging or splitting.",
                shard.id, stream.name, self.account
            )));
        }
        Ok(shard)
    }
}

/// A change of the shard count; the account's limit is looked at elsewhere.
fn resize(open: u32, target: u32) -> capacity::Resize {
    capacity::Resize {
        open,
        target,
        account_open: open,
        account_quota: u32::MAX,
    }
}

/// Begins a change that takes the time of `resize` where limits bind.
fn begin(
    stream: &Stream,
    state: &mut State,
    reshard: Reshard,
    resize: capacity::Resize,
    now_us: u64,
) {
    let lasts_us = stream.limits().map_or(TRANSITION_US, |limits| {
        let clock_us = resize.duration_us(&limits.stream.reshard);
        limits.real_us(clock_us).max(TRANSITION_US)
    });
    let phase = Phase::Updating {
        reshard: Some(reshard),
    };
    stream.begin_for(state, phase, now_us, lasts_us);
}
