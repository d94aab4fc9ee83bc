//! Following a stream from start to stop.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, sleep, timeout};

use super::control::{Control, Orders};
use super::failure::FollowError;
use super::fan_out::{self, FanOut};
use super::session::{Session, Tally};
use super::shards::{Listing, Origin, Shard, ShardGraph};
use super::{Config, Consumer, Feed, KinesisStream, TableStream, listing, polling, table_stream};
use hrload_base::clock::Clock;
use hrload_measure::{ArrivalRecord, ArrivalRecorder};

/// Time between listings, which find shards that no parent named.
const LISTING_INTERVAL: Duration = Duration::from_secs(10);
/// A listing that is waited for comes sooner, but not sooner than this.
const HASTY_LISTING: Duration = Duration::from_millis(500);
/// Time between ticks of the recorder.
const TICK: Duration = Duration::from_millis(50);

/// How following ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Why it ended unasked; `None` when it was told to stop.
    pub error: Option<FollowError>,
    /// The last call that failed and was tried again.
    pub last_failure: Option<FollowError>,
    /// What was done.
    pub tally: Tally,
}

/// Reads the stream until told to stop, telling `recorder` of every record.
///
/// The handle made with `control` says when everything written from then on
/// will be seen ([`super::Handle::ready`]). Trouble before that ends following
/// with an error; later trouble is retried, with backoff, for as long as it
/// lasts.
///
/// Poll it on a `current_thread` runtime on a thread of its own: it reads,
/// decodes and records there. It is not `Send`, and takes no lock.
pub async fn follow(
    config: Config,
    clock: Clock,
    recorder: ArrivalRecorder,
    control: Control,
) -> (ArrivalRecord, Outcome) {
    let Control {
        mut orders,
        reports,
    } = control;
    let session = Session::new(config, clock, recorder, reports);
    let registered = fan_out::Registered::default();
    let error = tokio::select! {
        biased;
        () = obey(&session, &mut orders) => None,
        () = tick(&session) => None,
        error = read(&session, &registered) => Some(error),
    };
    if let Some(error) = &error {
        session.reports.failed(error);
    }
    fan_out::release(&session, &registered).await;
    session.tick();
    let last_failure = session.last_failure();
    let (recorder, tally) = session.into_parts();
    let record = recorder.finish(clock.now_us());
    let outcome = Outcome {
        error,
        last_failure,
        tally,
    };
    (record, outcome)
}

/// Does what the handle says; returns when it says stop.
async fn obey(session: &Session, orders: &mut Orders) {
    while let Some(acknowledged) = orders.next_awaited().await {
        session.await_readings(acknowledged);
    }
}

/// Never returns.
async fn tick(session: &Session) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        session.tick();
    }
}

/// How this follower reads a shard.
enum Reader<'a> {
    Polling(&'a KinesisStream, Duration),
    FanOut(&'a KinesisStream, FanOut),
    Table(&'a TableStream),
}

impl<'a> Reader<'a> {
    async fn obtain(
        session: &'a Session,
        registered: &fan_out::Registered,
    ) -> Result<Self, FollowError> {
        Ok(match &session.config.feed {
            Feed::Kinesis(stream, Consumer::Polling { interval }) => {
                Reader::Polling(stream, *interval)
            }
            Feed::Kinesis(stream, Consumer::EnhancedFanOut { name }) => {
                let fan_out = FanOut::obtain(session, stream, name, registered).await?;
                Reader::FanOut(stream, fan_out)
            }
            Feed::Table(stream) => Reader::Table(stream),
        })
    }

    /// Every shard there is.
    async fn list(&self, session: &Session) -> Result<Vec<Shard>, FollowError> {
        match self {
            Reader::Polling(stream, _) | Reader::FanOut(stream, _) => {
                listing::list(session, stream).await
            }
            Reader::Table(stream) => table_stream::list(session, stream).await,
        }
    }
}

/// What the loop of [`read_all`] waits for.
enum Event {
    ListingDue,
    Listed(Listing, Vec<Shard>),
    Ended(String, Vec<Shard>),
}

type Task<'a> = Pin<Box<dyn Future<Output = Result<Event, FollowError>> + 'a>>;

/// Reads all shards, for as long as it is polled; ends only with an error.
async fn read(session: &Session, registered: &fan_out::Registered) -> FollowError {
    let read = async {
        let reader = Reader::obtain(session, registered).await?;
        read_all(session, &reader).await
    };
    match read.await {
        Err(error) => error,
        Ok(never) => match never {},
    }
}

async fn read_all(
    session: &Session,
    reader: &Reader<'_>,
) -> Result<std::convert::Infallible, FollowError> {
    let hasten = Notify::new();
    let mut graph = ShardGraph::new(session.config.from);
    let mut turn = 0;
    let mut first_round = true;
    // One task a shard, and one that lists.
    let mut tasks: FuturesUnordered<Task<'_>> = FuturesUnordered::new();
    tasks.push(Box::pin(list(session, reader, graph.begin_listing())));
    loop {
        match tasks.next().await {
            Some(Ok(Event::ListingDue)) => {
                tasks.push(Box::pin(list(session, reader, graph.begin_listing())));
            }
            Some(Ok(Event::Listed(listing, shards))) => {
                graph.end_listing(listing, shards);
                tasks.push(Box::pin(listing_due(&hasten)));
            }
            Some(Ok(Event::Ended(shard, children))) => graph.ended(&shard, children),
            Some(Err(error)) => return Err(error),
            // Never: there is always one that lists.
            None => return Err(FollowError::Ended),
        }
        let started = graph.start();
        if std::mem::take(&mut first_round) {
            session.expect_ready(started.len());
        }
        for (shard, origin) in started {
            tasks.push(Box::pin(read_shard(session, reader, shard, origin, turn)));
            turn += 1;
        }
        if graph.wants_listing() {
            hasten.notify_one();
        }
    }
}

async fn read_shard(
    session: &Session,
    reader: &Reader<'_>,
    shard: String,
    origin: Origin,
    turn: usize,
) -> Result<Event, FollowError> {
    let children = match reader {
        Reader::Polling(stream, interval) => {
            polling::read_shard(session, stream, &shard, origin, *interval, turn).await?
        }
        Reader::FanOut(stream, fan_out) => {
            fan_out.read_shard(session, stream, &shard, origin).await?
        }
        Reader::Table(stream) => {
            table_stream::read_shard(session, stream, &shard, origin, turn).await?;
            // A listing will tell of the children.
            Vec::new()
        }
    };
    Ok(Event::Ended(shard, children))
}

async fn list(
    session: &Session,
    reader: &Reader<'_>,
    listing: Listing,
) -> Result<Event, FollowError> {
    let shards = reader.list(session).await?;
    Ok(Event::Listed(listing, shards))
}

async fn listing_due(hasten: &Notify) -> Result<Event, FollowError> {
    sleep(HASTY_LISTING).await;
    // Either way it is time: hastened, or the interval is over.
    let _ = timeout(LISTING_INTERVAL - HASTY_LISTING, hasten.notified()).await;
    Ok(Event::ListingDue)
}
