//! PutRecord and PutRecords.

use std::borrow::Cow;

use serde::Deserialize;

use super::request::{Checks, invalid, parse};
use super::shard::shard_id;
use super::stream::{State, Stream};
use super::{Answer, Batch, Failure, Streams, hash_key};
use crate::capacity::stream::ShardThrottle;

/// Most records of one PutRecords call.
const MAX_RECORDS: usize = 500;
/// Most bytes of one PutRecords call, keys and data
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html>).
const MAX_BYTES: usize = 10 << 20;

/// A text, borrowed from the request where it has no escapes.
#[derive(Debug, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    #[serde(borrow)]
    data: Option<Text<'a>>,
    #[serde(borrow)]
    partition_key: Option<Text<'a>>,
    #[serde(borrow)]
    explicit_hash_key: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecords<'a> {
    #[serde(borrow)]
    records: Option<Vec<Entry<'a>>>,
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecord<'a> {
    #[serde(borrow, flatten)]
    entry: Entry<'a>,
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    sequence_number_for_ordering: Option<String>,
}

impl Entry<'_> {
    /// Refuses what is missing or too long; `within` leads the names of members.
    fn check(&self, checks: &mut Checks, within: &str) {
        match &self.partition_key {
            Some(Text(key)) => checks.length(key, &format!("{within}partitionKey"), 1, 256),
            None => {
                checks.required::<()>(None, &format!("{within}partitionKey"));
            }
        }
        if self.data.is_none() {
            checks.required::<()>(None, &format!("{within}data"));
        }
        if let Some(Text(key)) = &self.explicit_hash_key
            && hash_key::parse(key).is_none()
        {
            checks.fail(
                key,
                &format!("{within}explicitHashKey"),
                "Member must satisfy regular expression pattern: 0|([1-9]\\d{0,38})",
            );
        }
    }

    /// Adds the record, which was checked, to a batch.
    fn push(&self, batch: &mut Batch, state: &State, within: &str) -> Result<(), Failure> {
        let text = |text: &'_ Option<Text<'_>>| match text {
            Some(Text(text)) => text.to_string(),
            None => String::new(),
        };
        let partition_key = text(&self.partition_key);
        let hash_key = match &self.explicit_hash_key {
            None => hash_key::of_partition_key(partition_key.as_bytes()),
            Some(Text(key)) => hash_key::parse(key).flatten().ok_or_else(|| {
                invalid(format!(
                    "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. \
                     Specified value was {key}"
                ))
            })?,
        };
        let data = self.data.as_ref().map_or("", |Text(data)| data);
        let before = batch.bytes();
        let mut decoded = Ok(());
        batch.push_hashed(hash_key, partition_key.as_bytes(), |out| {
            decoded = base64_simd::STANDARD.decode_append(data, out);
        });
        decoded.map_err(|_| {
            Failure::new(
                "SerializationException",
                format!("The data of {within}record can not be converted to a Blob: not base64"),
            )
        })?;
        let data_bytes = batch.bytes() - before - partition_key.len();
        let most = state.max_record_kib as usize * 1024;
        if data_bytes > most {
            let mut checks = Checks::default();
            checks.fail(
                format_args!("java.nio.HeapByteBuffer[pos=0 lim={data_bytes} cap={data_bytes}]"),
                &format!("{within}data"),
                &format!("Member must have length less than or equal to {most}"),
            );
            checks.done()?;
        }
        Ok(())
    }
}

impl Streams {
    pub(super) fn put_record(&self, body: &[u8], now_us: u64) -> Result<Answer, Failure> {
        let request: PutRecord<'_> = parse(body)?;
        let mut checks = Checks::default();
        request.entry.check(&mut checks, "");
        checks.done()?;
        let stream = self.target(
            request.stream_name.as_deref(),
            request.stream_arn.as_deref(),
            now_us,
        )?;
        let state = stream.read(now_us);
        if !state.takes_records() {
            return Err(self.no_stream(&stream.name));
        }
        // Ordering by SequenceNumberForOrdering holds anyway: within a shard
        // every record is numbered above those before it. Only a number that
        // is none is refused.
        if let Some(number) = &request.sequence_number_for_ordering
            && super::sequence::Sequence::parse(number).is_none()
        {
            return Err(invalid(format!(
                "ExclusiveMinimumSequenceNumber {number} used in PutRecord on stream {} under \
                 account {} is invalid.",
                stream.name, self.account
            )));
        }
        let mut batch = Batch::default();
        request.entry.push(&mut batch, &state, "")?;
        let mut answer = Ok(Vec::new());
        stream.put(&state, &mut batch, now_us, |_, shard, sequence| {
            answer = match sequence {
                Ok(sequence) => Ok(format!(
                    "{{\"ShardId\":\"{}\",\"SequenceNumber\":\"{sequence}\"}}",
                    shard.id
                )
                .into_bytes()),
                Err(throttle) => Err(self.rate_exceeded(&stream, shard.number, throttle)),
            };
        });
        answer.map(Answer::Json)
    }

    pub(super) fn put_records(&self, body: &[u8], now_us: u64) -> Result<Answer, Failure> {
        let request: PutRecords<'_> = parse(body)?;
        let mut checks = Checks::default();
        match &request.records {
            None => checks.required::<()>(None, "records"),
            Some(records) => {
                let entries = format_args!("{} records", records.len()).to_string();
                if records.is_empty() {
                    let constraint = "Member must have length greater than or equal to 1";
                    checks.fail("[]", "records", constraint);
                } else if records.len() > MAX_RECORDS {
                    let constraint = "Member must have length less than or equal to 500";
                    checks.fail(entries, "records", constraint);
                } else {
                    for (i, record) in records.iter().enumerate() {
                        record.check(&mut checks, &format!("records.{}.member.", i + 1));
                    }
                }
            }
        }
        checks.done()?;
        let stream = self.target(
            request.stream_name.as_deref(),
            request.stream_arn.as_deref(),
            now_us,
        )?;
        let state = stream.read(now_us);
        if !state.takes_records() {
            return Err(self.no_stream(&stream.name));
        }
        let records = request.records.unwrap_or_default();
        let mut batch = Batch::default();
        for (i, record) in records.iter().enumerate() {
            record.push(&mut batch, &state, &format!("records.{}.member.", i + 1))?;
        }
        if batch.bytes() > MAX_BYTES {
            return Err(invalid("Records size exceeds 10 MB limit"));
        }
        let mut placed = vec![None; records.len()];
        stream.put(&state, &mut batch, now_us, |slot, shard, sequence| {
            placed[slot] = Some((shard.number, sequence));
        });
        drop(state);
        Ok(Answer::Json(self.put_results(&stream, &placed)))
    }

    fn put_results(&self, stream: &Stream, placed: &[Option<Placed>]) -> Vec<u8> {
        let failed = placed.iter().flatten().filter(|p| p.1.is_err()).count();
        let mut out = Vec::with_capacity(64 + placed.len() * 128);
        out.extend_from_slice(b"{\"FailedRecordCount\":");
        out.extend_from_slice(itoa::Buffer::new().format(failed).as_bytes());
        out.extend_from_slice(b",\"Records\":[");
        for (i, &(shard, sequence)) in placed.iter().flatten().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            match sequence {
                Ok(sequence) => {
                    out.extend_from_slice(b"{\"SequenceNumber\":\"");
                    sequence.write(&mut out);
                    out.extend_from_slice(b"\",\"ShardId\":\"");
                    out.extend_from_slice(shard_id(shard).as_bytes());
                    out.extend_from_slice(b"\"}");
                }
                Err(throttle) => {
                    let entry = serde_json::json!({
                        "ErrorCode": ShardThrottle::EXCEPTION,
                        "ErrorMessage": self.rate_exceeded(stream, shard, throttle).message,
                    });
                    out.extend_from_slice(entry.to_string().as_bytes());
                }
            }
        }
        out.extend_from_slice(b"]}");
        out
    }
}

/// A record's shard and what became of it.
type Placed = (u32, Result<super::sequence::Sequence, ShardThrottle>);
