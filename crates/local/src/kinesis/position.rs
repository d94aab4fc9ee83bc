//! Starting positions: from an iterator type to an index in a shard's log.

use serde::Deserialize;

use super::Failure;
use super::request::{Checks, invalid, timestamp_ms};
use super::sequence::{CLOSING_INDEX, Sequence};
use super::shard::Shard;
use super::stream::State;

/// The five types, in the order in which the service names them.
const TYPES: [&str; 5] = [
    "AFTER_SEQUENCE_NUMBER",
    "LATEST",
    "AT_TIMESTAMP",
    "AT_SEQUENCE_NUMBER",
    "TRIM_HORIZON",
];

/// Where to begin, as GetShardIterator and SubscribeToShard ask for it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct StartingPosition {
    #[serde(rename = "Type")]
    pub(super) kind: Option<String>,
    pub(super) sequence_number: Option<String>,
    pub(super) timestamp: Option<f64>,
}

/// Where the request was made, for messages.
pub(super) struct Place<'a> {
    pub(super) operation: &'a str,
    pub(super) stream: &'a str,
    pub(super) account: &'a str,
}

impl StartingPosition {
    /// Checks spelling; the type stands at `at`, the sequence number at `sequence_at`.
    pub(super) fn check(&self, checks: &mut Checks, at: &str, sequence_at: &str) {
        if let Some(kind) = &self.kind {
            checks.one_of(kind, at, &TYPES);
        } else {
            checks.required::<()>(None, at);
        }
        checks.sequence(self.sequence_number.as_deref(), sequence_at);
    }

    /// Index of the first record to read.
    pub(super) fn resolve(
        &self,
        state: &State,
        shard: &Shard,
        place: &Place<'_>,
        now_us: u64,
    ) -> Result<u64, Failure> {
        let log = shard.log_since(state.cutoff_ms(now_us));
        let kind = self.kind.as_deref().unwrap_or_default();
        match (kind, &self.sequence_number) {
            ("AT_TIMESTAMP", _) => {
                let Some(timestamp) = self.timestamp else {
                    return Err(invalid(
                        "Must specify timestampInMillis parameter for iterator of type \
                         AT_TIMESTAMP. Current request has no timestamp parameter.",
                    ));
                };
                let (asked, now) = (timestamp_ms(timestamp), now_us / 1000);
                if asked > now {
                    return Err(invalid(format!(
                        "The timestampInMillis parameter cannot be greater than the \
                         currentTimestampInMillis. timestampInMillis: {asked}, \
                         currentTimestampInMillis: {now}"
                    )));
                }
                Ok(log.index_at_time(asked))
            }
            ("TRIM_HORIZON", None) => Ok(log.horizon()),
            ("LATEST", None) => Ok(log.next_index()),
            ("AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER", Some(number)) => {
                // Smaller than any number of a shard.
                if number == "0" {
                    return Ok(log.horizon());
                }
                let sequence = self.sequence(number, shard, place)?;
                let after = kind == "AFTER_SEQUENCE_NUMBER" || sequence.behind;
                let known = sequence.index < log.next_index();
                let closing = sequence.index == CLOSING_INDEX && log.closed_us().is_some();
                if !known && !closing {
                    return Err(refuse(number, shard, place, "is invalid."));
                }
                Ok((sequence.index + u64::from(after)).min(log.next_index()))
            }
            (kind, number) => Err(invalid(format!(
                "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and \
                 StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no \
                 StartingSequenceNumber. Request specified {kind} and {}",
                match number {
                    Some(_) => "also a StartingSequenceNumber.",
                    None => "no StartingSequenceNumber.",
                }
            ))),
        }
    }

    /// The sequence number, if it is one of this shard's.
    fn sequence(
        &self,
        number: &str,
        shard: &Shard,
        place: &Place<'_>,
    ) -> Result<Sequence, Failure> {
        let Some(sequence) = Sequence::parse(number) else {
            return Err(refuse(number, shard, place, "is invalid."));
        };
        if sequence.shard != shard.number {
            return Err(invalid(format!(
                "Invalid StartingSequenceNumber. It encodes {}, while it was used in a call to a \
                 shard with {}",
                super::shard::shard_id(sequence.shard),
                shard.id
            )));
        }
        if sequence.created_s != shard.created_s {
            return Err(refuse(
                number,
                shard,
                place,
                "is invalid because it did not come from this stream.",
            ));
        }
        Ok(sequence)
    }
}

fn refuse(number: &str, shard: &Shard, place: &Place<'_>, why: &str) -> Failure {
    invalid(format!(
        "StartingSequenceNumber {number} used in {} on shard {} in stream {} under account {} {why}",
        place.operation, shard.id, place.stream, place.account
    ))
}
