//! Following a stream from start to stop.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::Shard as ListedShard;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, sleep, timeout};

use super::backoff::Backoff;
use super::control::{Control, Orders};
use super::failure::FollowError;
use super::fan_out::{self, FanOut};
use super::polling;
use super::session::{Session, Tally};
use super::shards::{Listing, Origin, Shard, ShardGraph};
use super::{Config, Consumer};
use crate::clock::Clock;
use crate::measure::{ArrivalRecord, ArrivalRecorder};

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
    client: Client,
    clock: Clock,
    recorder: ArrivalRecorder,
    control: Control,
) -> (ArrivalRecord, Outcome) {
    let Control {
        mut orders,
        reports,
    } = control;
    let session = Session::new(config, &client, clock, recorder, reports);
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
enum Reader {
    Polling { interval: Duration },
    FanOut(FanOut),
}

impl Reader {
    async fn obtain(
        session: &Session,
        registered: &fan_out::Registered,
    ) -> Result<Self, FollowError> {
        match &session.config.consumer {
            Consumer::Polling { interval } => Ok(Reader::Polling {
                interval: *interval,
            }),
            Consumer::EnhancedFanOut { name } => FanOut::obtain(session, name, registered)
                .await
                .map(Reader::FanOut),
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
    reader: &Reader,
) -> Result<std::convert::Infallible, FollowError> {
    let hasten = Notify::new();
    let mut graph = ShardGraph::new(session.config.from);
    let mut turn = 0;
    let mut first_round = true;
    // One task a shard, and one that lists.
    let mut tasks: FuturesUnordered<Task<'_>> = FuturesUnordered::new();
    tasks.push(Box::pin(list(session, graph.begin_listing())));
    loop {
        match tasks.next().await {
            Some(Ok(Event::ListingDue)) => {
                tasks.push(Box::pin(list(session, graph.begin_listing())));
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
    reader: &Reader,
    shard: String,
    origin: Origin,
    turn: usize,
) -> Result<Event, FollowError> {
    let children = match reader {
        Reader::Polling { interval } => {
            polling::read_shard(session, &shard, origin, *interval, turn).await?
        }
        Reader::FanOut(fan_out) => fan_out.read_shard(session, &shard, origin).await?,
    };
    Ok(Event::Ended(shard, children))
}

async fn listing_due(hasten: &Notify) -> Result<Event, FollowError> {
    sleep(HASTY_LISTING).await;
    // Either way it is time: hastened, or the interval is over.
    let _ = timeout(LISTING_INTERVAL - HASTY_LISTING, hasten.notified()).await;
    Ok(Event::ListingDue)
}

/// All pages of ListShards.
async fn list(session: &Session, listing: Listing) -> Result<Event, FollowError> {
    let mut backoff = Backoff::default();
    let mut shards = Vec::new();
    let mut next_token: Option<String> = None;
    loop {
        let request = session.client.list_shards();
        let request = match &next_token {
            // A token stands for the stream; both together are refused.
            Some(token) => request.next_token(token),
            None => request.stream_name(&session.config.stream),
        };
        match session.call(request.send()).await {
            Ok(page) => {
                backoff.succeeded();
                shards.extend(page.shards().iter().map(shard));
                next_token = page.next_token;
                if next_token.is_none() {
                    return Ok(Event::Listed(listing, shards));
                }
            }
            Err(failed) => {
                session
                    .wait_after("ListShards", failed, &mut backoff)
                    .await?;
                // Tokens expire: begin again.
                next_token = None;
                shards.clear();
            }
        }
    }
}

fn shard(listed: &ListedShard) -> Shard {
    let parents = [listed.parent_shard_id(), listed.adjacent_parent_shard_id()];
    Shard {
        id: listed.shard_id().to_owned(),
        parents: parents.into_iter().flatten().map(str::to_owned).collect(),
        closed: listed
            .sequence_number_range()
            .is_some_and(|range| range.ending_sequence_number().is_some()),
    }
}
