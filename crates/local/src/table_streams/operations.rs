//! ListStreams, DescribeStream, GetShardIterator, GetRecords
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html>).

use hrload_base::sync::reading;
use serde_json::{Value, json};

use super::place::{Iterator, index_of, sequence_number};
use super::{TableStream, TableStreams, record, shapes};
use crate::Failure;
use crate::dynamodb::name::broken as name_broken;
use crate::dynamodb::request::{Members, constraints, missing, not_in};

/// Most records of one GetRecords answer, and most bytes
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html>).
const PAGE: (usize, usize) = (1_000, 1 << 20);
/// Most streams or shards in one answer.
const MOST_LISTED: usize = 100;

/// The lengths that the service allows its members.
const STREAM_ARN: (&str, &str, usize, usize) = ("StreamArn", "streamArn", 37, 1024);
const EXCLUSIVE_START_STREAM_ARN: (&str, &str, usize, usize) = (
    "ExclusiveStartStreamArn",
    "exclusiveStartStreamArn",
    37,
    1024,
);
const SHARD_ID: (&str, &str, usize, usize) = ("ShardId", "shardId", 28, 65);
const FILTER_SHARD_ID: (&str, &str, usize, usize) = ("ShardId", "shardFilter.shardId", 28, 65);
const EXCLUSIVE_START_SHARD_ID: (&str, &str, usize, usize) =
    ("ExclusiveStartShardId", "exclusiveStartShardId", 28, 65);
const SHARD_ITERATOR: (&str, &str, usize, usize) = ("ShardIterator", "shardIterator", 1, 2048);
const SEQUENCE_NUMBER: (&str, &str, usize, usize) = ("SequenceNumber", "sequenceNumber", 21, 40);

/// The kinds of iterators, as the service lists them.
const ITERATOR_TYPES: &str =
    "TRIM_HORIZON, LATEST, AT_SEQUENCE_NUMBER, AFTER_SEQUENCE_NUMBER, AT_TIMESTAMP";

/// The members of a request, checked on the way; what is wrong is told together.
struct Checked<'a> {
    members: Members<'a>,
    errors: Vec<String>,
}

impl<'a> Checked<'a> {
    fn new(members: Members<'a>) -> Self {
        Self {
            members,
            errors: Vec::new(),
        }
    }

    /// A member of a certain length.
    fn text(&mut self, (name, member, least, most): (&str, &str, usize, usize)) -> Option<String> {
        let text = self.members.text(name)?.into_owned();
        let at = format!("Value '{text}' at '{member}' failed to satisfy constraint: Member must");
        if text.len() < least {
            let error = format!("{at} have length greater than or equal to {least}");
            self.errors.push(error);
        } else if text.len() > most {
            let error = format!("{at} have length less than or equal to {most}");
            self.errors.push(error);
        }
        Some(text)
    }

    /// One that has to be there.
    fn required(&mut self, member: (&str, &str, usize, usize)) -> String {
        let text = self.text(member);
        if text.is_none() {
            self.errors.push(missing(member.1));
        }
        text.unwrap_or_default()
    }

    /// One of a few words that has to be there.
    fn one_of(&mut self, name: &str, member: &str, set: &str) -> String {
        let word = self.members.text(name).map(|word| word.into_owned());
        match &word {
            None => self.errors.push(missing(member)),
            Some(word) if !set.split(", ").any(|known| known == word) => {
                self.errors.push(not_in(word, member, set));
            }
            Some(_) => {}
        }
        word.unwrap_or_default()
    }

    /// `Limit`, or the most there is.
    fn limit(&mut self, most: usize) -> usize {
        let Some(asked) = self.members.integer("Limit") else {
            return most;
        };
        let at =
            format!("Value '{asked}' at 'limit' failed to satisfy constraint: Member must have");
        if asked < 1 {
            let error = format!("{at} value greater than or equal to 1");
            self.errors.push(error);
        } else if asked > most as i64 {
            let error = format!("{at} value less than or equal to {most}");
            self.errors.push(error);
        }
        asked.clamp(1, most as i64) as usize
    }

    /// Refuses the request if anything is wrong with it.
    fn report(&self) -> Result<(), Failure> {
        constraints(&self.errors)
    }
}

/// Refuses what is no ARN of a stream.
pub(super) fn check_arn(arn: &str) -> Result<(), Failure> {
    let mut parts = arn.splitn(6, ':');
    let head = [parts.next(), parts.next(), parts.next()];
    let resource = parts.nth(2).and_then(|path| path.strip_prefix("table/"));
    let stream = resource.and_then(|path| path.split_once("/stream/"));
    let right = matches!(head, [Some("arn"), Some(_), Some("dynamodb")])
        && stream.is_some_and(|(table, label)| {
            name_broken(table, "tableName").is_none() && !label.is_empty() && !label.contains('/')
        });
    if right {
        Ok(())
    } else {
        Err(Failure::validation(format!("Invalid StreamArn: {arn}")))
    }
}

impl TableStreams {
    pub(super) fn list_streams(&self, body: &str) -> Result<Vec<u8>, Failure> {
        let mut request = Checked::new(Members::read(body, &shapes::LIST_STREAMS)?);
        let table = request.members.text("TableName");
        let name_broken = table
            .as_ref()
            .and_then(|name| name_broken(name, "tableName"));
        request.errors.extend(name_broken);
        let limit = request.limit(MOST_LISTED);
        let after = request.text(EXCLUSIVE_START_STREAM_ARN).unwrap_or_default();
        request.report()?;
        if !after.is_empty() {
            check_arn(&after)?;
        }
        let streams = reading(&self.streams);
        let mut listed = streams
            .values()
            .filter(|stream| table.as_ref().is_none_or(|t| stream.table == *t))
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
        let mut request = Checked::new(Members::read(body, &shapes::DESCRIBE_STREAM)?);
        let arn = request.required(STREAM_ARN);
        let limit = request.limit(MOST_LISTED);
        let after = request.text(EXCLUSIVE_START_SHARD_ID);
        let parent = request.members.object("ShardFilter").map(|filter| {
            let mut filter = Checked::new(filter);
            filter.one_of("Type", "shardFilter.type", "CHILD_SHARDS");
            let parent = filter.required(FILTER_SHARD_ID);
            request.errors.append(&mut filter.errors);
            parent
        });
        request.report()?;
        let stream = self.stream(&arn)?;
        let number = |id: &str| {
            let number = stream.shard_number(id);
            number.ok_or_else(|| no_shard(&stream, id))
        };
        let first = match (&after, &parent) {
            // No shard of these streams has children: they are never split.
            (_, Some(parent)) => number(parent).map(|_| stream.shards)?,
            (Some(id), None) => number(id)? + 1,
            (None, None) => 0,
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
        if end > first && end < stream.shards {
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
        let mut request = Checked::new(Members::read(body, &shapes::GET_SHARD_ITERATOR)?);
        let arn = request.required(STREAM_ARN);
        let id = request.required(SHARD_ID);
        let kind = request.one_of("ShardIteratorType", "shardIteratorType", ITERATOR_TYPES);
        let number = request.text(SEQUENCE_NUMBER);
        request.report()?;
        let time_ms = request.members.number("Timestamp").map(|s| s * 1000.0);
        for (name, needed, given) in [
            (
                "SequenceNumber",
                kind.ends_with("_SEQUENCE_NUMBER"),
                number.is_some(),
            ),
            ("Timestamp", kind == "AT_TIMESTAMP", time_ms.is_some()),
        ] {
            if needed != given {
                let not = if needed { "" } else { "not " };
                return Err(Failure::validation(format!(
                    "{name} must {not}be given with ShardIteratorType {kind}"
                )));
            }
        }
        let stream = self.stream(&arn)?;
        let shard = stream.shard_number(&id);
        let shard = shard.ok_or_else(|| no_shard(&stream, &id))?;
        let extent = self.logs.extent(&stream.log, shard, now_us);
        let extent = extent.ok_or_else(|| no_shard(&stream, &id))?;
        let (position, exact) = match (kind.as_str(), number, time_ms) {
            ("LATEST", ..) => (extent.next, false),
            (_, Some(number), _) => {
                let index = index_of(shard, &number).filter(|index| *index <= extent.next);
                let index = index.ok_or_else(|| {
                    Failure::validation(format!(
                        "Invalid SequenceNumber: {number} is not of shard {id}"
                    ))
                })?;
                let after = kind == "AFTER_SEQUENCE_NUMBER";
                (index + u64::from(after), true)
            }
            (_, None, Some(time_ms)) => {
                if time_ms > (now_us / 1000) as f64 {
                    return Err(Failure::validation(
                        "Invalid Timestamp: it must not be in the future",
                    ));
                }
                let position = self.created_from(&stream, shard, time_ms as u64, now_us);
                (position.unwrap_or(extent.next), false)
            }
            // TRIM_HORIZON: the others came with what they need.
            (_, None, None) => (extent.horizon, false),
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

    /// Index of a shard's first record that was created at a time or later; `None`
    /// where there is none yet.
    fn created_from(
        &self,
        stream: &TableStream,
        shard: u32,
        time_ms: u64,
        now_us: u64,
    ) -> Option<u64> {
        // What arrived before was created before. Behind it, those on their way at that
        // time are passed over.
        let mut position = self
            .logs
            .arrived_from(&stream.log, shard, time_ms, now_us)?;
        loop {
            let mut found = None;
            let show = |index, captured: &[u8]| {
                if found.is_none() && record::created_ms(captured).is_none_or(|ms| ms >= time_ms) {
                    found = Some(index);
                }
            };
            let log = &self.logs;
            let read = log.read_log(&stream.log, shard, position, PAGE, now_us, show)?;
            if found.is_some() || read.end <= position || read.at_tip {
                return found;
            }
            position = read.end;
        }
    }

    pub(super) fn get_records(&self, body: &str, now_us: u64) -> Result<Vec<u8>, Failure> {
        let mut request = Checked::new(Members::read(body, &shapes::GET_RECORDS)?);
        let text = request.required(SHARD_ITERATOR);
        let limit = request.limit(PAGE.0);
        request.report()?;
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
