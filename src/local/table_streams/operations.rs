//! ListStreams, DescribeStream, GetShardIterator, GetRecords
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html>).

use std::sync::PoisonError;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::place::{Iterator, index_of, sequence_number};
use super::{TableStream, TableStreams, record};
use crate::local::Failure;

/// Most records of one GetRecords answer, and most bytes
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html>).
const PAGE: (usize, usize) = (1_000, 1 << 20);
/// Most streams or shards in one answer.
const MOST_LISTED: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListStreams {
    table_name: Option<String>,
    limit: Option<usize>,
    exclusive_start_stream_arn: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeStream {
    stream_arn: Option<String>,
    limit: Option<usize>,
    exclusive_start_shard_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetShardIterator {
    stream_arn: Option<String>,
    shard_id: Option<String>,
    shard_iterator_type: Option<String>,
    sequence_number: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetRecords {
    shard_iterator: Option<String>,
    limit: Option<usize>,
}

fn parse<T: DeserializeOwned>(body: &str) -> Result<T, Failure> {
    serde_json::from_str(body).map_err(|_| Failure::serialization(""))
}

fn required(value: Option<String>, member: &str) -> Result<String, Failure> {
    value.ok_or_else(|| {
        Failure::validation(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: \
             Member must not be null"
        ))
    })
}

/// A `Limit`, or the most there is.
fn limit(asked: Option<usize>, most: usize) -> Result<usize, Failure> {
    match asked {
        None => Ok(most),
        Some(asked) if (1..=most).contains(&asked) => Ok(asked),
        Some(asked) => Err(Failure::validation(format!(
            "1 validation error detected: Value '{asked}' at 'limit' failed to satisfy constraint: \
             Member must have value between 1 and {most}"
        ))),
    }
}

impl TableStreams {
    pub(super) fn list_streams(&self, body: &str) -> Result<Vec<u8>, Failure> {
        let request: ListStreams = parse(body)?;
        let limit = limit(request.limit, MOST_LISTED)?;
        let after = request.exclusive_start_stream_arn.unwrap_or_default();
        let streams = self.streams.read().unwrap_or_else(PoisonError::into_inner);
        let mut listed = streams
            .values()
            .filter(|stream| {
                request
                    .table_name
                    .as_ref()
                    .is_none_or(|t| stream.table == *t)
            })
            .filter(|stream| stream.arn > after)
            .peekable();
        let page: Vec<&TableStream> = listed.by_ref().take(limit).map(|s| &**s).collect();
        let shown = |stream: &&TableStream| {
            json!({
                "StreamArn": stream.arn,
                "StreamLabel": stream.label,
                "TableName": stream.table,
            })
        };
        let mut answer = json!({"Streams": page.iter().map(shown).collect::<Vec<_>>()});
        if listed.peek().is_some() {
            answer["LastEvaluatedStreamArn"] = json!(page.last().map(|stream| &stream.arn));
        }
        Ok(answer.to_string().into_bytes())
    }

    pub(super) fn describe_stream(&self, body: &str, now_us: u64) -> Result<Vec<u8>, Failure> {
        let request: DescribeStream = parse(body)?;
        let limit = limit(request.limit, MOST_LISTED)?;
        let stream = self.stream(&required(request.stream_arn, "streamArn")?)?;
        let first = match &request.exclusive_start_shard_id {
            Some(id) => {
                stream
                    .shard_number(id)
                    .ok_or_else(|| no_shard(&stream, id))?
                    + 1
            }
            None => 0,
        };
        let end = stream.shards.min(first + limit as u32);
        let shards: Vec<Value> = (first..end)
            .map(|number| self.describe_shard(&stream, number, now_us))
            .collect();
        let mut description = json!({
            "CreationRequestDateTime": (stream.created_us / 1000) as f64 / 1000.0,
            "KeySchema": stream.keys,
            "Shards": shards,
            "StreamArn": stream.arn,
            "StreamLabel": stream.label,
            "StreamStatus": stream.status(now_us),
            "StreamViewType": stream.view.name(),
            "TableName": stream.table,
        });
        if end < stream.shards {
            description["LastEvaluatedShardId"] = json!(stream.shard_id(end - 1));
        }
        Ok(json!({"StreamDescription": description})
            .to_string()
            .into_bytes())
    }

    fn describe_shard(&self, stream: &TableStream, number: u32, now_us: u64) -> Value {
        let mut range = json!({"StartingSequenceNumber": sequence_number(number, 1)});
        if stream.is_over()
            && let Some(extent) = self.logs.extent(&stream.log, number, now_us)
        {
            range["EndingSequenceNumber"] = json!(sequence_number(number, extent.next));
        }
        json!({"ShardId": stream.shard_id(number), "SequenceNumberRange": range})
    }

    pub(super) fn get_shard_iterator(&self, body: &str, now_us: u64) -> Result<Vec<u8>, Failure> {
        let request: GetShardIterator = parse(body)?;
        let stream = self.stream(&required(request.stream_arn, "streamArn")?)?;
        let id = required(request.shard_id, "shardId")?;
        let kind = required(request.shard_iterator_type, "shardIteratorType")?;
        let shard = stream.shard_number(&id);
        let shard = shard.ok_or_else(|| no_shard(&stream, &id))?;
        let extent = self.logs.extent(&stream.log, shard, now_us);
        let extent = extent.ok_or_else(|| no_shard(&stream, &id))?;
        let (position, exact) = match (kind.as_str(), request.sequence_number) {
            ("TRIM_HORIZON", None) => (extent.horizon, false),
            ("LATEST", None) => (extent.next, false),
            ("AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER", Some(number)) => {
                let index = index_of(shard, &number).filter(|index| *index <= extent.next);
                let index = index.ok_or_else(|| {
                    Failure::validation(format!(
                        "Invalid SequenceNumber: {number} is not of shard {id}"
                    ))
                })?;
                let after = kind == "AFTER_SEQUENCE_NUMBER";
                (index + u64::from(after), true)
            }
            ("TRIM_HORIZON" | "LATEST", Some(_)) => {
                return Err(Failure::validation(format!(
                    "SequenceNumber must not be given with ShardIteratorType {kind}"
                )));
            }
            ("AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER", None) => {
                return Err(Failure::validation(format!(
                    "SequenceNumber must be given with ShardIteratorType {kind}"
                )));
            }
            _ => {
                return Err(Failure::validation(format!(
                    "1 validation error detected: Value '{kind}' at 'shardIteratorType' failed to \
                     satisfy constraint: Member must satisfy enum value set: \
                     [AFTER_SEQUENCE_NUMBER, AT_SEQUENCE_NUMBER, LATEST, TRIM_HORIZON]"
                )));
            }
        };
        if exact && position < extent.horizon {
            return Err(trimmed());
        }
        let iterator = Iterator {
            shard,
            position,
            exact,
            issued_ms: now_us / 1000,
        };
        Ok(json!({"ShardIterator": iterator.write(&stream.arn)})
            .to_string()
            .into_bytes())
    }

    pub(super) fn get_records(&self, body: &str, now_us: u64) -> Result<Vec<u8>, Failure> {
        let request: GetRecords = parse(body)?;
        let limit = limit(request.limit, PAGE.0)?;
        let text = required(request.shard_iterator, "shardIterator")?;
        let (arn, iterator) = Iterator::read(&text, now_us / 1000)?;
        let stream = self.stream(arn)?;
        // Asked before it is read: what arrives in between is not taken for the end.
        let over = stream.is_over();
        let view = stream.view.name();
        let mut out = b"{\"Records\":[".to_vec();
        let empty = out.len();
        let mut unreadable = None;
        let show = |index, captured: &[u8]| {
            if out.len() > empty {
                out.push(b',');
            }
            let number = sequence_number(iterator.shard, index);
            if let Err(error) = record::write(&mut out, captured, number, view) {
                unreadable = Some(error);
            }
        };
        let page = (limit, PAGE.1);
        let read = self
            .logs
            .read_log(
                &stream.log,
                iterator.shard,
                iterator.position,
                page,
                now_us,
                show,
            )
            .ok_or_else(|| no_shard(&stream, &stream.shard_id(iterator.shard)))?;
        // Records are written by the codec room; one that cannot be read is a mistake here.
        if unreadable.is_some() {
            return Err(Failure::internal());
        }
        if iterator.exact && read.first > iterator.position {
            return Err(trimmed());
        }
        out.push(b']');
        if !(over && read.at_tip) {
            let next = Iterator {
                position: read.end,
                exact: read.end > read.first || iterator.exact,
                issued_ms: now_us / 1000,
                ..iterator
            };
            out.extend_from_slice(b",\"NextShardIterator\":\"");
            out.extend_from_slice(next.write(&stream.arn).as_bytes());
            out.push(b'"');
        }
        out.push(b'}');
        Ok(out)
    }
}

fn no_shard(stream: &TableStream, id: &str) -> Failure {
    Failure::new(
        "ResourceNotFoundException",
        format!(
            "Requested resource not found: Shard: {id} in stream {} not found",
            stream.arn
        ),
    )
}

fn trimmed() -> Failure {
    Failure::new(
        "TrimmedDataAccessException",
        "The data you are trying to access has been trimmed",
    )
}
