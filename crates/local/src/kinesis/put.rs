//! PutRecord and PutRecords.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;

use super::request::{Body, Checks, Few, Unserved, flag, invalid, parse_quick};
use super::shard::shard_id;
use super::stream::{State, Stream};
use super::{Answer, Batch, Failure, Streams, hash_key};
use hrload_capacity::stream::ShardThrottle;

/// Most records of one PutRecords call.
const MAX_RECORDS: usize = 500;
/// Most bytes of one PutRecords call, keys and data
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html>).
const MAX_BYTES: usize = 10 << 20;
/// Most bytes of one record's data on any stream.
const MAX_DATA_BYTES: usize = 10 << 20;

/// A text, borrowed from the request where it has no escapes.
#[derive(Debug, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Entry<'a> {
    #[serde(borrow)]
    data: Option<Text<'a>>,
    #[serde(borrow)]
    partition_key: Option<Text<'a>>,
    #[serde(borrow)]
    explicit_hash_key: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PutRecords<'a> {
    #[serde(borrow)]
    records: Option<Few<Entry<'a>, MAX_RECORDS>>,
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    dry_run: Option<bool>,
    #[serde(rename = "StreamId", default)]
    _stream_id: Option<Unserved>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PutRecord<'a> {
    #[serde(borrow)]
    data: Option<Text<'a>>,
    #[serde(borrow)]
    partition_key: Option<Text<'a>>,
    #[serde(borrow)]
    explicit_hash_key: Option<Text<'a>>,
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    sequence_number_for_ordering: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    dry_run: Option<bool>,
    #[serde(rename = "StreamId", default)]
    _stream_id: Option<Unserved>,
}

impl Entry<'_> {
    /// Adds the record to a batch, also one that [`Self::check`] will refuse. A hash key
    /// that is none is taken for 0.
    fn push(&self, batch: &mut Batch) -> Result<(), Refused> {
        let key = self.partition_key.as_ref().map_or("", |Text(key)| key);
        let hash_key = match &self.explicit_hash_key {
            None => hash_key::of_partition_key(key.as_bytes()),
            Some(Text(key)) => hash_key::parse(key).flatten().unwrap_or(0),
        };
        let data = self.data.as_ref().map_or("", |Text(data)| data);
        let mut decoded = Ok(());
        batch.push_hashed(hash_key, key.as_bytes(), |out| {
            decoded = base64_simd::STANDARD.decode_append(data, out);
        });
        decoded.map_err(|_| Refused)
    }

    /// Refuses what is missing or too long.
    fn check(&self, checks: &mut Checks, data_bytes: usize, within: Within) {
        match &self.partition_key {
            // As short in bytes it is so in characters.
            Some(Text(key)) if (1..=256).contains(&key.len()) => {}
            Some(Text(key)) => checks.length(key, &format!("{within}partitionKey"), 1, 256),
            None => {
                checks.required::<()>(None, &format!("{within}partitionKey"));
            }
        }
        if self.data.is_none() {
            checks.required::<()>(None, &format!("{within}data"));
        }
        if data_bytes > MAX_DATA_BYTES {
            too_long(checks, within, data_bytes, MAX_DATA_BYTES);
        }
        if let Some(Text(key)) = &self.explicit_hash_key {
            checks.hash_key(key, &format!("{within}explicitHashKey"));
        }
    }

    /// Refuses what the stream does not take of a record that was checked.
    fn check_against(
        &self,
        (stream, state): (&Stream, &State),
        (key, data): (&[u8], &[u8]),
        within: Within,
    ) -> Result<(), Failure> {
        if let Some(Text(key)) = &self.explicit_hash_key
            && hash_key::parse(key).flatten().is_none()
        {
            return Err(invalid(format!(
                "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. \
                 Specified value was {key}"
            )));
        }
        let most = state.max_record_kib as usize * 1024;
        if data.len() > most {
            let mut checks = Checks::default();
            too_long(&mut checks, within, data.len(), most);
            return checks.done();
        }
        // The record's size is that of both.
        let bytes = key.len() + data.len();
        if bytes > most {
            return Err(invalid(format!(
                "The size of {within}data and its partition key together, {bytes} bytes, exceeds \
                 the maximum record size of stream {}, {most} bytes.",
                stream.name
            )));
        }
        Ok(())
    }
}

/// The data is not base64.
struct Refused;

fn too_long(checks: &mut Checks, within: Within, bytes: usize, most: usize) {
    checks.fail(
        format_args!("java.nio.HeapByteBuffer[pos=0 lim={bytes} cap={bytes}]"),
        &format!("{within}data"),
        &format!("Member must have length less than or equal to {most}"),
    );
}

/// Leads the names of a record's members: its place in a list, if it is in one.
#[derive(Clone, Copy)]
struct Within(Option<usize>);

impl fmt::Display for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(index) => write!(f, "records.{}.member.", index + 1),
            None => Ok(()),
        }
    }
}

/// All records, decoded, whether they will be refused or not.
fn batch(body: Body<'_>, entries: &[Entry<'_>]) -> Result<Batch, Failure> {
    let mut batch = Batch::default();
    for entry in entries {
        if entry.push(&mut batch).is_err() {
            // Says what of which is not base64.
            body.check()?;
            return Err(Failure::serialization(""));
        }
    }
    Ok(batch)
}

impl Streams {
    pub(super) fn put_record(&self, body: Body<'_>, now_us: u64) -> Result<Answer, Failure> {
        let request: PutRecord<'_> = parse_quick(body)?;
        let entry = Entry {
            data: request.data,
            partition_key: request.partition_key,
            explicit_hash_key: request.explicit_hash_key,
        };
        let mut batch = batch(body, std::slice::from_ref(&entry))?;
        let mut checks = Checks::default();
        let ordering = request.sequence_number_for_ordering.as_deref();
        checks.sequence(ordering, "sequenceNumberForOrdering");
        entry.check(&mut checks, batch.record(0).1.len(), Within(None));
        let (name, arn) = (
            request.stream_name.as_deref(),
            request.stream_arn.as_deref(),
        );
        checks.stream(name, arn);
        checks.done()?;
        let stream = self.target(name, arn, now_us)?;
        let state = stream.read(now_us);
        if !state.takes_records() {
            return Err(self.no_stream(&stream.name));
        }
        // Ordering by SequenceNumberForOrdering holds anyway: within a shard
        // every record is numbered above those before it. Only a number that
        // is none is refused.
        if let Some(number) = ordering
            && super::sequence::Sequence::parse(number).is_none()
        {
            return Err(invalid(format!(
                "ExclusiveMinimumSequenceNumber {number} used in PutRecord on stream {} under \
                 account {} is invalid.",
                stream.name, self.account
            )));
        }
        entry.check_against((&stream, &state), batch.record(0), Within(None))?;
        if request.dry_run == Some(true) {
            return Err(Self::dry_run());
        }
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

    pub(super) fn put_records(&self, body: Body<'_>, now_us: u64) -> Result<Answer, Failure> {
        let request: PutRecords<'_> = parse_quick(body)?;
        let records = request.records.as_ref();
        let entries = records.map_or(&[][..], |records| &records.kept[..]);
        let mut batch = batch(body, entries)?;
        let mut checks = Checks::default();
        match records.map(|records| records.count) {
            None => checks.required::<()>(None, "records"),
            Some(0) => {
                let constraint = "Member must have length greater than or equal to 1";
                checks.fail("[]", "records", constraint);
            }
            Some(1..=MAX_RECORDS) => {}
            Some(count) => {
                let constraint =
                    format!("Member must have length less than or equal to {MAX_RECORDS}");
                checks.fail(format_args!("{count} records"), "records", &constraint);
            }
        }
        for (i, entry) in entries.iter().enumerate().take(MAX_RECORDS) {
            entry.check(&mut checks, batch.record(i).1.len(), Within(Some(i)));
        }
        let (name, arn) = (
            request.stream_name.as_deref(),
            request.stream_arn.as_deref(),
        );
        checks.stream(name, arn);
        checks.done()?;
        let stream = self.target(name, arn, now_us)?;
        let state = stream.read(now_us);
        if !state.takes_records() {
            return Err(self.no_stream(&stream.name));
        }
        for (i, entry) in entries.iter().enumerate() {
            entry.check_against((&stream, &state), batch.record(i), Within(Some(i)))?;
        }
        if batch.bytes() > MAX_BYTES {
            return Err(invalid("Records size exceeds 10 MB limit"));
        }
        if request.dry_run == Some(true) {
            return Err(Self::dry_run());
        }
        let mut placed = vec![None; entries.len()];
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
