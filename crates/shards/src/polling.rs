//! Reading a shard with GetRecords.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::backoff::Backoff;
use super::failure::{Failed, FollowError, Trouble};
use super::position::Position;
use super::session::{Session, children};
use super::shards::{Origin, Shard, has_end};
use super::{Consumer, KinesisStream, listing};

/// The most records GetRecords returns
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html>).
const PAGE_RECORDS: i32 = 10_000;

/// Said of an answer that would be a shard's last, were the shard not open.
pub const NO_NEXT: &str = "an answer without NextShardIterator, of a shard without an end";

/// Reads a shard to its end and returns its children, as far as it names them.
/// `turn` numbers the shards, to spread their calls over the interval.
pub(super) async fn read_shard(
    session: &Session,
    stream: &KinesisStream,
    shard: &str,
    origin: Origin,
    interval: Duration,
    turn: usize,
) -> Result<Vec<Shard>, FollowError> {
    let gauge = session.begin_shard(shard);
    let mut backoff = Backoff::default();
    let mut position = Position::origin(origin);
    let mut iterator = open(session, stream, shard, &mut position).await?;
    // A first page shows that the shard may be read, too.
    let mut unread = true;
    let interval = interval.max(Consumer::SHORTEST_INTERVAL);
    let mut due = Instant::now() + phase(turn, interval);
    loop {
        sleep_until(due).await;
        let called = Instant::now();
        let request = stream
            .client
            .get_records()
            .shard_iterator(&iterator)
            .limit(PAGE_RECORDS);
        match session.call(request.send()).await {
            Ok(page) => {
                let read_us = session.clock.now_us();
                session.waited_for_page(called.elapsed());
                let behind_ms = page.millis_behind_latest();
                session.take(gauge, page.records(), behind_ms, read_us);
                if let Some(last) = page.records().last() {
                    position = Position::After(last.sequence_number().to_owned());
                }
                let pause = if behind_ms > Some(0) {
                    Consumer::SHORTEST_INTERVAL
                } else {
                    interval
                };
                due = called + pause;
                let children = children(page.child_shards.as_deref().unwrap_or_default());
                let next = page.next_shard_iterator;
                let ended = next.is_none()
                    && (!children.is_empty()
                        || has_end(&listing::list(session, stream).await?, shard));
                if (ended || next.is_some()) && std::mem::take(&mut unread) {
                    session.shard_ready();
                }
                if ended {
                    session.end_shard(gauge);
                    return Ok(children);
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
                let renew = match failed.trouble {
                    Trouble::ExpiredIterator => {
                        session.count(|tally| tally.expired_iterators += 1);
                        true
                    }
                    trouble => {
                        session
                            .wait_after("GetRecords", failed, &mut backoff)
                            .await?;
                        trouble == Trouble::InvalidArgument
                    }
                };
                if renew {
                    iterator = open(session, stream, shard, &mut position).await?;
                }
                due = called + Consumer::SHORTEST_INTERVAL;
            }
        }
    }
}

/// An iterator at `position`, which is settled by it.
async fn open(
    session: &Session,
    stream: &KinesisStream,
    shard: &str,
    position: &mut Position,
) -> Result<String, FollowError> {
    let mut backoff = Backoff::default();
    loop {
        let asked_us = session.service_us();
        let (kind, sequence_number, timestamp) = position.iterator();
        let request = stream
            .client
            .get_shard_iterator()
            .stream_name(&stream.name)
            .shard_id(shard)
            .shard_iterator_type(kind)
            .set_starting_sequence_number(sequence_number)
            .set_timestamp(timestamp);
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
        session
            .wait_after("GetShardIterator", failed, &mut backoff)
            .await?;
    }
}

/// When in the interval a shard has its turn: multiples of the golden ratio,
/// which fill it evenly however many shards there come to be.
pub(super) fn phase(turn: usize, interval: Duration) -> Duration {
    const GOLDEN: f64 = 0.618_033_988_749_895;
    interval.mul_f64((turn as f64 * GOLDEN).fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_spread_over_the_interval() {
        let interval = Duration::from_millis(200);
        for shards in [2, 5, 16, 100] {
            let mut phases: Vec<Duration> = (0..shards).map(|turn| phase(turn, interval)).collect();
            phases.sort_unstable();
            phases.push(interval + phases[0]);
            let widest = phases.windows(2).map(|pair| pair[1] - pair[0]).max();
            // No gap is wider than two and a half even shares.
            assert!(
                widest < Some(interval * 5 / (2 * shards as u32)),
                "{shards}: {widest:?}"
            );
        }
    }
}
