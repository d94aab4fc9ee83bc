//! The stream's records, shard by shard, from where the lake stands.
//!
//! Kinesis is asked once a second and shard, as Firehose does. A shard is read
//! when its parents have been read to their end. Pages go through a channel of
//! one: while an object is being written, each shard holds one page at most and
//! asks for no more.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::{Record, ShardIteratorType};
use aws_smithy_types::DateTime;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::checkpoint::{Position, Positions};
use super::order::{ListedShard, Order, Shards};
use hrload_shards::{Answers, Backoff, Failed, NO_NEXT, Trouble};

/// Time between two calls on a shard that has no more to give; Firehose's own.
const IDLE_INTERVAL: Duration = Duration::from_secs(1);
/// And on one that has: five calls a second are allowed.
const BUSY_INTERVAL: Duration = Duration::from_millis(200);
/// Records of a page. With change records of a few hundred bytes a page stays
/// around a megabyte.
const PAGE_RECORDS: i32 = 2_000;
/// Time between listings, which find shards that came to be.
const LISTING_INTERVAL: Duration = Duration::from_secs(5);
/// Failures in a row before the source gives up: about a minute. Throttles are none of
/// them: other consumers of a shard may use up what is allowed for as long as they like.
const PATIENCE: u32 = 30;

/// Why the stream cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} on stream {stream} failed: {message}; {advice}")]
pub struct SourceError {
    stream: String,
    operation: &'static str,
    message: String,
    advice: &'static str,
}

const CHECK_NAMES: &str = "check the stream's name, the endpoint, the region and the credentials";
/// A sequence number of another stream is refused so.
const CHECK_CHECKPOINT: &str = "the stream may have been made anew since the lake's checkpoint \
     was written: then remove the checkpoint under _hrload/ to deliver the new stream";

/// What the source tells, in order.
#[derive(Debug)]
pub enum Told {
    /// Records of a shard.
    Page(Page),
    /// Shards that were found.
    Listed(Listed),
    /// Calls that fail and are tried again.
    Failing(Failing),
}

/// A read of a shard failed, and is tried again.
#[derive(Debug)]
pub struct Failing {
    pub shard: String,
    /// What failed, and how.
    pub why: String,
}

/// What a shard gave.
#[derive(Debug)]
pub struct Page {
    pub shard: String,
    pub records: Vec<Record>,
    /// When it was asked for.
    pub asked: Instant,
    /// The answer says that there was nothing behind these.
    pub at_tip: bool,
    /// The shard has been read to its end.
    pub ended: bool,
}

/// A listing, taken in.
#[derive(Debug)]
pub struct Listed {
    /// All shards that the stream has.
    pub shards: BTreeSet<String>,
    /// Those that are being read.
    pub reading: BTreeSet<String>,
    /// How many wait until their parents have been read.
    pub waiting: usize,
    /// How many had been read to their end when it was asked for: a listing that
    /// knows of fewer than have ended does not know the last ones' children.
    pub ended: usize,
}

/// What a task of the source ends with.
enum Done {
    Listed(Shards),
    Ended(String),
}

/// Reads all shards from `from` on, and whatever comes. Ends only with an error.
pub async fn follow(
    client: &Client,
    stream: &str,
    from: Position,
    told: mpsc::Sender<Told>,
) -> Result<std::convert::Infallible, SourceError> {
    Feed::new(client, stream)
        .read(Positions::new(), from, told)
        .await
}

/// A stream, and who asks about it.
pub(super) struct Feed<'a> {
    client: Client,
    stream: &'a str,
    answers: Answers,
    /// A page was read: credentials and permissions were good.
    has_read: Cell<bool>,
    /// Why the last call failed, if it did and is tried again.
    failing: watch::Sender<Option<String>>,
}

/// Which stream it is, and what its clock shows.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    /// When it was made, in milliseconds since the Unix epoch: another one of its name
    /// was made at another time. `None` where the service does not say.
    pub(super) created_ms: Option<u64>,
    /// Its ARN, where the service says.
    pub(super) arn: Option<String>,
    /// What the service's clock shows, to the second, in microseconds since the Unix
    /// epoch, if it says.
    pub(super) service_us: Option<u64>,
}

impl<'a> Feed<'a> {
    pub(super) fn new(client: &Client, stream: &'a str) -> Self {
        let answers = Answers::default();
        let config = client.config().to_builder().interceptor(answers.clone());
        Self {
            client: Client::from_conf(config.build()),
            stream,
            answers,
            has_read: Cell::new(false),
            failing: watch::Sender::new(None),
        }
    }

    /// Why the last call failed, if it did and is tried again; and whatever comes of it.
    pub(super) fn failing(&self) -> watch::Receiver<Option<String>> {
        self.failing.subscribe()
    }

    fn succeeded(&self) {
        self.failing
            .send_if_modified(|failing| failing.take().is_some());
    }

    /// Asks which stream it is.
    pub(super) async fn identify(&self) -> Result<Identity, SourceError> {
        let mut backoff = Backoff::default();
        loop {
            let request = self.client.describe_stream_summary();
            let failed = match request.stream_name(self.stream).send().await {
                Ok(answer) => match answer.stream_description_summary {
                    Some(summary) if !summary.stream_name.is_empty() => {
                        self.succeeded();
                        let created = summary.stream_creation_timestamp.to_millis().ok();
                        let created_ms = created.and_then(|ms| u64::try_from(ms).ok());
                        return Ok(Identity {
                            created_ms: created_ms.filter(|ms| *ms > 0),
                            arn: Some(summary.stream_arn).filter(|arn| !arn.is_empty()),
                            service_us: self.answers.service_us(),
                        });
                    }
                    _ => Failed::unusable("an answer without a description"),
                },
                Err(error) => Failed::from(error),
            };
            self.wait(&mut backoff, "DescribeStreamSummary", failed)
                .await?;
        }
    }

    /// Reads from `positions` on; shards that are not in there from `unknown` when
    /// the first listing has them, else from their first record. Ends only with an
    /// error.
    pub(super) async fn read(
        &self,
        positions: Positions,
        unknown: Position,
        told: mpsc::Sender<Told>,
    ) -> Result<std::convert::Infallible, SourceError> {
        read_all(self, Order::new(positions, unknown), told).await
    }

    /// All shards. A stream has one at any time.
    async fn shards(&self) -> Result<Shards, SourceError> {
        let mut backoff = Backoff::default();
        let mut shards = Shards::new();
        let mut token: Option<String> = None;
        loop {
            let request = match token.take() {
                // A token stands for the stream; both together are refused.
                Some(token) => self.client.list_shards().next_token(token),
                None => self.client.list_shards().stream_name(self.stream),
            };
            let failed = match request.send().await {
                Ok(page) => {
                    for shard in page.shards() {
                        let parents = [shard.parent_shard_id(), shard.adjacent_parent_shard_id()];
                        let parents = parents.into_iter().flatten().map(str::to_owned);
                        let range = shard.sequence_number_range();
                        let listed = ListedShard {
                            parents: parents.collect(),
                            closed: range
                                .is_some_and(|range| range.ending_sequence_number().is_some()),
                        };
                        shards.insert(shard.shard_id().to_owned(), listed);
                    }
                    match (page.shards, page.next_token) {
                        (Some(_), Some(next)) => {
                            token = Some(next);
                            continue;
                        }
                        (Some(_), None) if !shards.is_empty() => {
                            self.succeeded();
                            return Ok(shards);
                        }
                        _ => Failed::unusable("an answer that names no shards"),
                    }
                }
                Err(error) => Failed::from(error),
            };
            self.wait(&mut backoff, "ListShards", failed).await?;
            shards.clear();
        }
    }

    /// Whether a listing says that a shard has an end: it takes no more records, or
    /// others go on where it ended.
    async fn has_end(&self, id: &str) -> Result<bool, SourceError> {
        let shards = self.shards().await?;
        let closed = shards.get(id).is_some_and(|shard| shard.closed);
        Ok(closed || shards.values().any(|of| of.parents.iter().any(|p| p == id)))
    }

    async fn iterator(&self, shard: &str, position: &Position) -> Result<String, SourceError> {
        let mut kind = match position {
            Position::TrimHorizon | Position::Done => ShardIteratorType::TrimHorizon,
            Position::AtUs(_) => ShardIteratorType::AtTimestamp,
            Position::After(_) => ShardIteratorType::AfterSequenceNumber,
        };
        let mut backoff = Backoff::default();
        loop {
            let request = self.client.get_shard_iterator();
            let request = request.stream_name(self.stream).shard_id(shard);
            let request = match (&kind, position) {
                (ShardIteratorType::AtTimestamp, Position::AtUs(us)) => {
                    request.timestamp(DateTime::from_millis((us / 1_000) as i64))
                }
                (_, Position::After(number)) => request.starting_sequence_number(number),
                _ => request,
            };
            let failed = match request.shard_iterator_type(kind.clone()).send().await {
                Ok(answer) => match answer.shard_iterator {
                    Some(iterator) => {
                        self.succeeded();
                        return Ok(iterator);
                    }
                    None => Failed::unusable("an answer without an iterator"),
                },
                Err(error) => Failed::from(error),
            };
            if failed.trouble == Trouble::InvalidArgument && kind == ShardIteratorType::AtTimestamp
            {
                // The service's clock has not reached the time: it was set back since, or
                // the time is another clock's. Nothing is missed from the beginning on.
                kind = ShardIteratorType::TrimHorizon;
                continue;
            }
            self.wait(&mut backoff, "GetShardIterator", failed).await?;
        }
    }

    /// Waits until a failed call may be tried again.
    async fn wait(
        &self,
        backoff: &mut Backoff,
        operation: &'static str,
        failed: Failed,
    ) -> Result<(), SourceError> {
        let jitter = rand::random();
        if failed.trouble == Trouble::Throttled {
            sleep(backoff.throttled(jitter)).await;
            return Ok(());
        }
        let hopeless = match failed.trouble {
            Trouble::NotFound => true,
            Trouble::Denied => !self.has_read.get(),
            _ => false,
        };
        let refused_position =
            operation == "GetShardIterator" && failed.trouble == Trouble::InvalidArgument;
        if hopeless || refused_position || backoff.failures() + 1 >= PATIENCE {
            return Err(SourceError {
                stream: self.stream.to_owned(),
                operation,
                message: failed.message,
                advice: if refused_position {
                    CHECK_CHECKPOINT
                } else {
                    CHECK_NAMES
                },
            });
        }
        let (stream, message) = (self.stream, failed.message);
        let failing = format!("{operation} on stream {stream} failed: {message}");
        self.failing.send_if_modified(|known| {
            let new = known.as_ref() != Some(&failing);
            *known = Some(failing);
            new
        });
        sleep(backoff.failed(jitter)).await;
        Ok(())
    }
}

/// Who knows the shards of a stream, and what is in them.
trait Asked {
    /// All shards that there are when it is called.
    async fn list(&self) -> Result<Shards, SourceError>;

    /// Reads a shard to its end, telling of each page.
    async fn shard(
        &self,
        id: &str,
        from: Position,
        told: &mpsc::Sender<Told>,
    ) -> Result<(), SourceError>;
}

/// Reads all shards in their order, and whatever comes. Ends only with an error.
///
/// Nothing but the next event is waited for here: a shard's task has its place in the
/// channel's queue, and while it is not polled it takes that place and does not use it, so
/// that whoever waits behind it waits for ever.
async fn read_all(
    asked: &impl Asked,
    mut order: Order,
    told: mpsc::Sender<Told>,
) -> Result<std::convert::Infallible, SourceError> {
    type Task<'a> = Pin<Box<dyn Future<Output = Result<Done, SourceError>> + 'a>>;
    let told = &told;
    // One task a shard, and one that lists.
    let mut tasks: FuturesUnordered<Task<'_>> = FuturesUnordered::new();
    let mut next_listing = Instant::now();
    // A listing was taken in and is not told yet.
    let mut untold = false;
    loop {
        let listing_due = if order.wants_listing() {
            Instant::now()
        } else {
            next_listing
        };
        tokio::select! {
            Some(finished) = tasks.next() => match finished? {
                Done::Ended(id) => order.ended(id),
                Done::Listed(shards) => {
                    order.listed(shards);
                    untold = true;
                    next_listing = Instant::now() + LISTING_INTERVAL;
                }
            },
            () = sleep_until(listing_due), if !order.is_listing() => {
                order.begin_listing();
                tasks.push(Box::pin(async { asked.list().await.map(Done::Listed) }));
            }
            room = told.reserve(), if untold => match room {
                Ok(room) => {
                    room.send(Told::Listed(order.summary()));
                    untold = false;
                }
                Err(_) => return ending().await,
            },
        }
        for (id, from) in order.start() {
            tasks.push(Box::pin(async move {
                asked.shard(&id, from, told).await?;
                Ok(Done::Ended(id))
            }));
        }
    }
}

/// Waits while delivery has no room.
async fn tell(to: &mpsc::Sender<Told>, told: Told) {
    if to.send(told).await.is_err() {
        ending().await
    }
}

/// Delivery is ending: it polls this no more.
async fn ending<T>() -> T {
    std::future::pending().await
}

impl Asked for Feed<'_> {
    async fn list(&self) -> Result<Shards, SourceError> {
        self.shards().await
    }

    async fn shard(
        &self,
        id: &str,
        mut position: Position,
        told: &mpsc::Sender<Told>,
    ) -> Result<(), SourceError> {
        let mut backoff = Backoff::default();
        let mut iterator = self.iterator(id, &position).await?;
        loop {
            let called = Instant::now();
            let request = self.client.get_records().shard_iterator(&iterator);
            let failed = match request.limit(PAGE_RECORDS).send().await {
                Ok(answer) => {
                    self.has_read.set(true);
                    self.succeeded();
                    let named = !answer.child_shards().is_empty();
                    let behind_ms = answer.millis_behind_latest;
                    let next = answer.next_shard_iterator;
                    let ended = next.is_none() && (named || self.has_end(id).await?);
                    if let Some(last) = answer.records.last() {
                        position = Position::After(last.sequence_number.clone());
                    }
                    let page = Page {
                        shard: id.to_owned(),
                        records: answer.records,
                        asked: called,
                        at_tip: behind_ms == Some(0) && next.is_some(),
                        ended,
                    };
                    tell(told, Told::Page(page)).await;
                    if ended {
                        return Ok(());
                    }
                    match next {
                        Some(next) => {
                            iterator = next;
                            backoff.succeeded();
                            let pause = if behind_ms > Some(0) {
                                BUSY_INTERVAL
                            } else {
                                IDLE_INTERVAL
                            };
                            sleep_until(called + pause).await;
                            continue;
                        }
                        None => Failed::unusable(NO_NEXT),
                    }
                }
                Err(error) => Failed::from(error),
            };
            // Back-pressure may outlast an iterator's five minutes.
            let expired = failed.trouble == Trouble::ExpiredIterator;
            if !expired {
                let (shard, stream) = (id.to_owned(), self.stream);
                let why = format!("GetRecords on stream {stream} failed: {}", failed.message);
                tell(told, Told::Failing(Failing { shard, why })).await;
                self.wait(&mut backoff, "GetRecords", failed).await?;
            }
            sleep_until(called + BUSY_INTERVAL).await;
            iterator = self.iterator(id, &position).await?;
        }
    }
}

#[cfg(test)]
mod tests;
