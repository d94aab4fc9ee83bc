//! The stream's records, shard by shard, from where the lake stands.
//!
//! Kinesis is asked once a second and shard, as Firehose does. A shard is read
//! when its parents have been read to their end. Pages go through a channel of
//! one: while an object is being written, each shard holds one page at most and
//! asks for no more.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::types::{Record, ShardIteratorType};
use aws_smithy_types::DateTime;
use aws_smithy_types::error::display::DisplayErrorContext;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::checkpoint::{Position, Positions};

/// Time between two calls on a shard that has no more to give; Firehose's own.
const IDLE_INTERVAL: Duration = Duration::from_secs(1);
/// And on one that has: five calls a second are allowed.
const BUSY_INTERVAL: Duration = Duration::from_millis(200);
/// Records of a page. With change records of a few hundred bytes a page stays
/// around a megabyte.
const PAGE_RECORDS: i32 = 2_000;
/// Time between listings, which find shards that came to be.
const LISTING_INTERVAL: Duration = Duration::from_secs(5);
/// Failures in a row before the source gives up: about a minute.
const PATIENCE: u32 = 16;
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

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
pub(crate) enum Told {
    Page(Page),
    Listed(Listed),
}

/// What a shard gave.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) shard: String,
    pub(crate) records: Vec<Record>,
    /// When it was asked for.
    pub(crate) asked: Instant,
    /// How far the shard's tip is ahead, in milliseconds.
    pub(crate) behind_ms: u64,
    /// The shard has been read to its end.
    pub(crate) ended: bool,
}

/// A listing, taken in.
#[derive(Debug)]
pub(crate) struct Listed {
    /// All shards that the stream has.
    pub(crate) shards: BTreeSet<String>,
    /// Those that are being read.
    pub(crate) reading: BTreeSet<String>,
    /// How many wait until their parents have been read.
    pub(crate) waiting: usize,
    /// How many have been read to their end so far: a listing that knows of
    /// fewer than have ended does not know the last ones' children.
    pub(crate) ended: usize,
}

/// What a task of the source ends with.
enum Done {
    Listed(BTreeMap<String, Vec<String>>),
    Ended(String),
}

/// Reads all shards from `from` on, and whatever comes. Ends only with an error.
pub(crate) async fn follow(
    client: &Client,
    stream: &str,
    from: Position,
    told: mpsc::Sender<Told>,
) -> Result<std::convert::Infallible, SourceError> {
    read(client, stream, Positions::new(), from, told).await
}

/// Reads from `positions` on; shards that are not in there from `unknown` when
/// the first listing has them, else from their first record. Ends only with an
/// error.
pub(super) async fn read(
    client: &Client,
    stream: &str,
    positions: Positions,
    unknown: Position,
    told: mpsc::Sender<Told>,
) -> Result<std::convert::Infallible, SourceError> {
    let source = Source {
        client,
        stream,
        told,
    };
    let mut done: HashSet<String> = (positions.iter())
        .filter(|(_, position)| **position == Position::Done)
        .map(|(id, _)| id.clone())
        .collect();
    let mut reading: BTreeSet<String> = BTreeSet::new();
    let mut ended = 0;
    type Task<'a> = Pin<Box<dyn Future<Output = Result<Done, SourceError>> + 'a>>;
    let mut tasks: FuturesUnordered<Task<'_>> = FuturesUnordered::new();
    let mut listing = true;
    let mut again = false;
    tasks.push(Box::pin(source.list()));
    let mut first = true;
    let mut next_listing = Instant::now() + LISTING_INTERVAL;
    loop {
        let finished = tokio::select! {
            Some(finished) = tasks.next() => finished?,
            () = sleep_until(next_listing), if !listing => {
                listing = true;
                tasks.push(Box::pin(source.list()));
                continue;
            }
        };
        let listed = match finished {
            Done::Ended(id) => {
                reading.remove(&id);
                done.insert(id);
                ended += 1;
                // It has children, which a listing under way may not know.
                next_listing = Instant::now();
                again = listing;
                continue;
            }
            Done::Listed(listed) => listed,
        };
        listing = false;
        if !std::mem::take(&mut again) {
            next_listing = Instant::now() + LISTING_INTERVAL;
        }
        let mut waiting = 0;
        for (id, parents) in &listed {
            let waits = parents
                .iter()
                .any(|parent| listed.contains_key(parent) && !done.contains(parent));
            if waits && !done.contains(id) {
                waiting += 1;
            }
            if waits || done.contains(id) || !reading.insert(id.clone()) {
                continue;
            }
            let position = match positions.get(id) {
                Some(position) => position.clone(),
                None if first => unknown.clone(),
                None => Position::TrimHorizon,
            };
            tasks.push(Box::pin(source.shard(id.clone(), position)));
        }
        first = false;
        let listed = Listed {
            shards: listed.into_keys().collect(),
            reading: reading.clone(),
            waiting,
            ended,
        };
        source.tell(Told::Listed(listed)).await;
    }
}

struct Source<'a> {
    client: &'a Client,
    stream: &'a str,
    told: mpsc::Sender<Told>,
}

impl Source<'_> {
    /// Shards and their parents.
    async fn list(&self) -> Result<Done, SourceError> {
        let mut patience = Patience::default();
        'anew: loop {
            let mut shards = BTreeMap::new();
            let mut token: Option<String> = None;
            loop {
                let request = match token.take() {
                    // A token stands for the stream; both together are refused.
                    Some(token) => self.client.list_shards().next_token(token),
                    None => self.client.list_shards().stream_name(self.stream),
                };
                match request.send().await {
                    Ok(page) => {
                        for shard in page.shards() {
                            let parents =
                                [shard.parent_shard_id(), shard.adjacent_parent_shard_id()];
                            let parents = parents.into_iter().flatten().map(str::to_owned);
                            shards.insert(shard.shard_id().to_owned(), parents.collect());
                        }
                        match page.next_token {
                            Some(next) => token = Some(next),
                            None => return Ok(Done::Listed(shards)),
                        }
                    }
                    Err(error) => {
                        self.wait(&mut patience, "ListShards", &error).await?;
                        continue 'anew;
                    }
                }
            }
        }
    }

    /// Reads a shard to its end.
    async fn shard(&self, id: String, mut position: Position) -> Result<Done, SourceError> {
        let mut patience = Patience::default();
        let mut iterator = self.iterator(&id, &position).await?;
        loop {
            let called = Instant::now();
            let request = self.client.get_records().shard_iterator(&iterator);
            match request.limit(PAGE_RECORDS).send().await {
                Ok(answer) => {
                    patience = Patience::default();
                    let behind_ms = answer.millis_behind_latest.unwrap_or(0).max(0) as u64;
                    let next = answer.next_shard_iterator;
                    if let Some(last) = answer.records.last() {
                        position = Position::After(last.sequence_number.clone());
                    }
                    let page = Page {
                        shard: id.clone(),
                        records: answer.records,
                        asked: called,
                        behind_ms,
                        ended: next.is_none(),
                    };
                    self.tell(Told::Page(page)).await;
                    match next {
                        Some(next) => iterator = next,
                        None => return Ok(Done::Ended(id)),
                    }
                    let pause = if behind_ms > 0 {
                        BUSY_INTERVAL
                    } else {
                        IDLE_INTERVAL
                    };
                    sleep_until(called + pause).await;
                }
                Err(error) => {
                    // Back-pressure may outlast an iterator's five minutes.
                    if error.code() != Some("ExpiredIteratorException") {
                        self.wait(&mut patience, "GetRecords", &error).await?;
                    }
                    iterator = self.iterator(&id, &position).await?;
                }
            }
        }
    }

    /// Waits while delivery has no room.
    async fn tell(&self, told: Told) {
        if self.told.send(told).await.is_err() {
            // Delivery is ending: it polls this no more.
            std::future::pending::<()>().await;
        }
    }

    async fn iterator(&self, shard: &str, position: &Position) -> Result<String, SourceError> {
        let request = self
            .client
            .get_shard_iterator()
            .stream_name(self.stream)
            .shard_id(shard);
        let request = match position {
            Position::TrimHorizon | Position::Done => {
                request.shard_iterator_type(ShardIteratorType::TrimHorizon)
            }
            Position::AtUs(us) => request
                .shard_iterator_type(ShardIteratorType::AtTimestamp)
                .timestamp(DateTime::from_millis((us / 1_000) as i64)),
            Position::After(sequence_number) => request
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .starting_sequence_number(sequence_number),
        };
        let mut patience = Patience::default();
        loop {
            match request.clone().send().await {
                Ok(answer) => {
                    return answer.shard_iterator.ok_or_else(|| {
                        self.error("GetShardIterator", "the answer has no iterator".to_owned())
                    });
                }
                Err(error) => self.wait(&mut patience, "GetShardIterator", &error).await?,
            }
        }
    }

    fn error(&self, operation: &'static str, message: String) -> SourceError {
        SourceError {
            stream: self.stream.to_owned(),
            operation,
            message,
            advice: CHECK_NAMES,
        }
    }

    /// Waits until a failed call may be tried again.
    async fn wait<E, R>(
        &self,
        patience: &mut Patience,
        operation: &'static str,
        error: &SdkError<E, R>,
    ) -> Result<(), SourceError>
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug,
    {
        let hopeless = matches!(
            error.code(),
            Some(
                "ResourceNotFoundException"
                    | "AccessDeniedException"
                    | "UnrecognizedClientException"
            )
        );
        let refused_position =
            operation == "GetShardIterator" && error.code() == Some("InvalidArgumentException");
        patience.failures += 1;
        if hopeless || refused_position || patience.failures >= PATIENCE {
            let message = match (error.code(), error.message()) {
                (Some(code), Some(message)) => format!("{code}: {message}"),
                _ => DisplayErrorContext(error).to_string(),
            };
            let mut error = self.error(operation, message);
            if refused_position {
                error.advice = CHECK_CHECKPOINT;
            }
            return Err(error);
        }
        let wait = FIRST_WAIT.saturating_mul(1 << patience.failures.min(10));
        sleep(wait.min(LONGEST_WAIT)).await;
        Ok(())
    }
}

#[derive(Default)]
struct Patience {
    failures: u32,
}
