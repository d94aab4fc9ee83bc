//! Reading a table's own stream: DescribeStream and GetRecords of DynamoDB Streams.
//!
//! Creation times are whole seconds, and there are no arrival times
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html>):
//! what is known of a reading is when it was intended, created and read.

use aws_sdk_dynamodbstreams::types::{
    AttributeValue, OperationType, Record, Shard as ListedShard, ShardIteratorType,
    StreamDescription, StreamRecord,
};
use tokio::time::{Instant, sleep_until};

use super::TableStream;
use super::backoff::Backoff;
use super::failure::{Failed, FollowError, Trouble};
use super::polling::{NO_NEXT, phase};
use super::position::Position;
use super::session::Session;
use super::shards::{Origin, Shard, has_end};
use crate::codec::change::{Scalar, reading_of};
use crate::workload::ReadingId;

/// The most records GetRecords returns
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html>).
const PAGE_RECORDS: usize = 1_000;

/// All pages of DescribeStream.
pub(super) async fn list(
    session: &Session,
    stream: &TableStream,
) -> Result<Vec<Shard>, FollowError> {
    let mut backoff = Backoff::default();
    let mut shards = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let request = stream
            .client
            .describe_stream()
            .stream_arn(&stream.arn)
            .set_exclusive_start_shard_id(after.clone());
        let failed = match session.call(request.send()).await {
            Ok(page) => {
                let described = page.stream_description.unwrap_or_else(nothing);
                let whole = described.shards.is_some();
                let page = described.shards.unwrap_or_default();
                shards.extend(page.iter().filter_map(shard));
                match described.last_evaluated_shard_id {
                    Some(last) if whole => {
                        backoff.succeeded();
                        after = Some(last);
                        continue;
                    }
                    None if whole && !shards.is_empty() => return Ok(shards),
                    // A stream has a shard at any time.
                    _ => Failed::unusable("an answer that names no shards"),
                }
            }
            Err(failed) => failed,
        };
        session
            .wait_after("DescribeStream", failed, &mut backoff)
            .await?;
    }
}

fn nothing() -> StreamDescription {
    StreamDescription::builder().build()
}

fn shard(listed: &ListedShard) -> Option<Shard> {
    let range = listed.sequence_number_range();
    Some(Shard {
        id: listed.shard_id()?.to_owned(),
        parents: listed
            .parent_shard_id()
            .map(str::to_owned)
            .into_iter()
            .collect(),
        closed: range.is_some_and(|range| range.ending_sequence_number().is_some()),
    })
}

/// Reads a shard to its end. `turn` numbers the shards, to spread their calls over the
/// interval.
pub(super) async fn read_shard(
    session: &Session,
    stream: &TableStream,
    shard: &str,
    origin: Origin,
    turn: usize,
) -> Result<(), FollowError> {
    let gauge = session.begin_shard(shard);
    let mut backoff = Backoff::default();
    let mut position = Position::origin(origin);
    let mut iterator = open(session, stream, shard, &mut position).await?;
    // A first page shows that the shard may be read, too.
    let mut unread = true;
    let interval = stream.interval.max(TableStream::SHORTEST_INTERVAL);
    let mut due = Instant::now() + phase(turn, interval);
    loop {
        sleep_until(due).await;
        let called = Instant::now();
        let request = stream
            .client
            .get_records()
            .shard_iterator(&iterator)
            .limit(PAGE_RECORDS as i32);
        match session.call(request.send()).await {
            Ok(page) => {
                let read_us = session.clock.now_us();
                session.waited_for_page(called.elapsed());
                let records = page.records();
                let mut intake = session.intake(read_us);
                let mut last_created_us = read_us;
                for record in records {
                    let change = record.dynamodb();
                    let created_us = change.map_or(0, created_us);
                    let bytes = change.and_then(StreamRecord::size_bytes).unwrap_or(0);
                    let bytes = u64::try_from(bytes).unwrap_or(0);
                    intake.change(arrival(record), created_us, bytes);
                    last_created_us = created_us;
                }
                // No answer says how far it is to the tip; a full page is not at it.
                let full = records.len() >= PAGE_RECORDS;
                let behind_us = read_us.saturating_sub(last_created_us);
                intake.end(gauge, Some(if full { behind_us / 1_000 } else { 0 }));
                let last = records.last().and_then(Record::dynamodb);
                if let Some(last) = last.and_then(StreamRecord::sequence_number) {
                    position = Position::After(last.to_owned());
                }
                due = called
                    + if full {
                        TableStream::SHORTEST_INTERVAL
                    } else {
                        interval
                    };
                let next = page.next_shard_iterator;
                let ended = next.is_none()
                    && page.records.is_some()
                    && has_end(&list(session, stream).await?, shard);
                if (ended || next.is_some()) && std::mem::take(&mut unread) {
                    session.shard_ready();
                }
                if ended {
                    session.end_shard(gauge);
                    return Ok(());
                }
                iterator = match next {
                    Some(next) => {
                        backoff.succeeded();
                        next
                    }
                    None => {
                        let failed = Failed::unusable(NO_NEXT);
                        session
                            .wait_after("GetRecords", failed, &mut backoff)
                            .await?;
                        open(session, stream, shard, &mut position).await?
                    }
                };
            }
            Err(failed) => {
                let trouble = failed.trouble;
                let renew = match trouble {
                    Trouble::ExpiredIterator => {
                        session.count(|tally| tally.expired_iterators += 1);
                        true
                    }
                    _ => {
                        session
                            .wait_after("GetRecords", failed, &mut backoff)
                            .await?;
                        matches!(trouble, Trouble::InvalidArgument | Trouble::Trimmed)
                    }
                };
                if trouble == Trouble::Trimmed {
                    // What is gone is gone, and will be missed.
                    position = Position::TrimHorizon;
                }
                if renew {
                    iterator = open(session, stream, shard, &mut position).await?;
                }
                due = called + interval;
            }
        }
    }
}

/// An iterator at `position`, which is settled by it.
async fn open(
    session: &Session,
    stream: &TableStream,
    shard: &str,
    position: &mut Position,
) -> Result<String, FollowError> {
    let mut backoff = Backoff::default();
    loop {
        let asked_us = session.service_us();
        let (kind, sequence_number) = match &*position {
            Position::Latest => (ShardIteratorType::Latest, None),
            // There are no places by time. What was written before the run is known by
            // its readings' times, and is not counted.
            Position::TrimHorizon | Position::At(_) => (ShardIteratorType::TrimHorizon, None),
            Position::After(number) => {
                let after = Some(number.clone());
                (ShardIteratorType::AfterSequenceNumber, after)
            }
        };
        let request = stream
            .client
            .get_shard_iterator()
            .stream_arn(&stream.arn)
            .shard_id(shard)
            .shard_iterator_type(kind)
            .set_sequence_number(sequence_number);
        let failed = match session.call(request.send()).await {
            Ok(answer) => match answer.shard_iterator {
                Some(iterator) => {
                    position.taken(asked_us);
                    return Ok(iterator);
                }
                None => Failed::unusable("an answer without an iterator"),
            },
            Err(failed) => failed,
        };
        if failed.trouble == Trouble::Trimmed {
            *position = Position::TrimHorizon;
        }
        session
            .wait_after("GetShardIterator", failed, &mut backoff)
            .await?;
    }
}

fn created_us(change: &StreamRecord) -> u64 {
    let created = change.approximate_creation_date_time();
    let seconds = created.map_or(0, aws_smithy_types::DateTime::secs);
    u64::try_from(seconds).unwrap_or(0) * 1_000_000
}

/// The reading that the change brought, if it was one: as `Change::arrival`.
fn arrival(record: &Record) -> Option<ReadingId> {
    if record.event_name() != Some(&OperationType::Insert) {
        return None;
    }
    let change = record.dynamodb()?;
    let item = change.new_image().or(change.keys())?;
    reading_of(|name| match item.get(name)? {
        AttributeValue::S(text) => Some(Scalar::Text(text)),
        AttributeValue::N(number) => Some(Scalar::Number(number)),
        _ => None,
    })
}
