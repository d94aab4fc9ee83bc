//! GetShardIterator and GetRecords.

use serde::Deserialize;

use super::position::{Place, StartingPosition};
use super::request::{Body, Checks, flag, parse, whole};
use super::shard::shard_id;
use super::token::ShardIterator;
use super::{Answer, Failure, Streams, page};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetShardIterator {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    shard_id: Option<String>,
    shard_iterator_type: Option<String>,
    starting_sequence_number: Option<String>,
    timestamp: Option<f64>,
    #[serde(default, deserialize_with = "flag")]
    dry_run: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetRecords {
    shard_iterator: Option<String>,
    #[serde(default, deserialize_with = "whole")]
    limit: Option<i64>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    dry_run: Option<bool>,
}

impl Streams {
    pub(super) fn get_shard_iterator(
        &self,
        body: Body<'_>,
        now_us: u64,
    ) -> Result<Answer, Failure> {
        let request: GetShardIterator = parse(body)?;
        let mut checks = Checks::default();
        let shard_id = checks.required_name(request.shard_id, "shardId");
        let from = StartingPosition {
            kind: request.shard_iterator_type,
            sequence_number: request.starting_sequence_number,
            timestamp: request.timestamp,
        };
        from.check(&mut checks, "shardIteratorType", "startingSequenceNumber");
        let (name, arn) = (
            request.stream_name.as_deref(),
            request.stream_arn.as_deref(),
        );
        checks.stream(name, arn);
        checks.done()?;
        let stream = self.target(name, arn, now_us)?;
        let state = stream.read(now_us);
        let shard = self.shard(&stream, &state, &shard_id)?;
        let place = Place {
            operation: "GetShardIterator",
            stream: &stream.name,
            account: &self.account,
        };
        let position = from.resolve(&state, shard, &place, now_us)?;
        if request.dry_run == Some(true) {
            return Err(Self::dry_run());
        }
        shard
            .admit_iterator(now_us)
            .map_err(|throttle| self.rate_exceeded(&stream, shard.number, throttle))?;
        let iterator = ShardIterator {
            stream: &stream.name,
            stream_created_us: stream.created_us,
            shard: shard.number,
            position,
            issued_ms: now_us / 1000,
        };
        let mut out = b"{\"ShardIterator\":\"".to_vec();
        iterator.write(&mut out);
        out.extend_from_slice(b"\"}");
        Ok(Answer::Json(out))
    }

    pub(super) fn get_records(&self, body: Body<'_>, now_us: u64) -> Result<Answer, Failure> {
        let request: GetRecords = parse(body)?;
        let mut checks = Checks::default();
        let limit = request.limit.unwrap_or(page::MAX_RECORDS as i64);
        checks.range(limit, "limit", 1, page::MAX_RECORDS as i64);
        if let Some(text) = &request.shard_iterator {
            checks.length(text, "shardIterator", 1, 512);
        }
        let text = checks.required(request.shard_iterator, "shardIterator");
        checks.stream(None, request.stream_arn.as_deref());
        checks.done()?;

        let mut bytes = Vec::new();
        let iterator = ShardIterator::read(&text, &mut bytes)?;
        let now_ms = now_us / 1000;
        iterator.check_age(now_ms)?;
        let gone = || self.no_shard(&shard_id(iterator.shard), iterator.stream);
        let stream = self.by_name(iterator.stream, now_us).map_err(|_| gone())?;
        if stream.created_us != iterator.stream_created_us {
            return Err(gone());
        }
        if let Some(arn) = &request.stream_arn
            && *arn != stream.arn
        {
            return Err(super::invalid(format!(
                "The ShardIterator is of another stream than StreamARN {arn}."
            )));
        }
        let state = stream.read(now_us);
        let shard = state.shards.get(iterator.shard as usize).ok_or_else(gone)?;

        if request.dry_run == Some(true) {
            return Err(Self::dry_run());
        }
        shard
            .admit_read(now_us)
            .map_err(|throttle| self.rate_exceeded(&stream, shard.number, throttle))?;
        let log = shard.log_since(state.cutoff_ms(now_us));
        let run = log.run(iterator.position, limit as usize, page::MAX_BYTES, now_ms);
        shard.count_unread(run.trimmed);
        let ended = run.at_tip && log.closed_us().is_some();
        let mut out = Vec::with_capacity(512);
        if ended {
            // Nothing can follow, so there is nothing to go on with.
            out.extend_from_slice(b"{\"NextShardIterator\":null,");
        } else {
            out.extend_from_slice(b"{\"NextShardIterator\":\"");
            ShardIterator {
                position: run.end,
                issued_ms: now_ms,
                ..iterator
            }
            .write(&mut out);
            out.extend_from_slice(b"\",");
        }
        page::write_behind(&mut out, &run);
        out.push(b',');
        page::write_records(&mut out, shard, &log, &run);
        drop(log);
        shard.was_read(now_us, run.bytes);
        if ended {
            out.push(b',');
            page::write_children(&mut out, state.children_of(shard.number));
        }
        out.push(b'}');
        Ok(Answer::Json(out))
    }
}
