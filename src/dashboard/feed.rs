//! Where readings come from: the objects of a lake, or the records of a stream.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_kinesis::Client;
use tokio::sync::mpsc;

use super::board::{Board, Seen};
use super::page::State;
use crate::clock::Clock;
use crate::codec::sample::{Sample, Samples};
use crate::lake::{self, Lake, Position, SourceError, StoreError, Told};
use crate::measure::Stage;

/// Between two listings of a lake that could be listed.
const LOOK: Duration = Duration::from_secs(1);
/// After one that could not.
const WAIT: Duration = Duration::from_secs(5);
/// Objects may be of readings that much older than themselves: the longest
/// interval of Firehose, and an hour for devices that were out of reach.
const OLDER_US: u64 = 4_500_000_000;

/// What to show.
#[derive(Debug, Clone)]
pub enum Source {
    /// The objects of a lake, and those that come to it.
    Lake(Lake),
    /// The records that a stream still has, and those that come to it.
    Stream {
        /// Kinesis.
        client: Box<Client>,
        /// The stream's name.
        stream: String,
    },
}

/// Why nothing more can come.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The stream cannot be read.
    #[error(transparent)]
    Stream(#[from] SourceError),
    /// The lake cannot be listed or read.
    #[error(transparent)]
    Lake(#[from] StoreError),
}

/// The board, and how it is fed.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) board: Arc<Mutex<Board>>,
    pub(super) state: Arc<Mutex<State>>,
}

impl Shared {
    /// What a panicked thread left is still a board.
    pub(super) fn board(&self) -> std::sync::MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> State {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.clone()
    }

    fn set(&self, state: State) {
        let mut now = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if *now != state {
            *now = state;
            drop(now);
            // Whoever looks is to see it.
            self.board().pass_over(0);
        }
    }
}

/// Feeds a board, as long as it is polled. What fails is tried again.
pub(super) async fn run(source: Source, shared: Shared, clock: Clock) {
    match source {
        Source::Lake(lake) => {
            let mut known = HashSet::new();
            loop {
                let wait = match look(&lake, &mut known, &shared).await {
                    Ok(()) => {
                        shared.set(State::Current);
                        LOOK
                    }
                    Err(error) => {
                        shared.set(State::Failed(error.to_string()));
                        WAIT
                    }
                };
                tokio::time::sleep(wait).await;
            }
        }
        Source::Stream { client, stream } => loop {
            let error = follow(&client, &stream, &shared, clock).await;
            shared.set(State::Failed(error.to_string()));
            // Beginning anew would count everything twice.
            std::future::pending::<()>().await;
        },
    }
}

/// Takes in the objects that are not known yet, the oldest first.
async fn look(lake: &Lake, known: &mut HashSet<String>, shared: &Shared) -> Result<(), StoreError> {
    let mut objects = lake.objects().await?;
    objects.retain(|of| !known.contains(&of.key));
    objects.sort_by(|a, b| (a.written_us, &a.key).cmp(&(b.written_us, &b.key)));
    let newest_us = objects.last().map_or(0, |of| of.written_us);
    let kept_us = shared.board().kept().as_micros() as u64 + OLDER_US;
    for object in objects {
        if object.written_us + kept_us >= newest_us
            && let Some(bytes) = lake.read(&object.key).await?
        {
            let shared = shared.clone();
            let take = move || take_object(&bytes, object.written_us, &shared);
            // A panic there is a bug that the log shows; the object is left out.
            let _ = tokio::task::spawn_blocking(take).await;
        }
        known.insert(object.key);
    }
    Ok(())
}

fn take_object(bytes: &[u8], written_us: u64, shared: &Shared) {
    let mut samples = Samples::of(bytes);
    let mut board = shared.board();
    for sample in samples.by_ref() {
        let fresh = sample.intended_us.map(|us| span(us, written_us));
        let stages = fresh.map(|us| (Stage::Freshness, us));
        see(&mut board, &sample, written_us, stages.as_slice());
    }
    board.pass_over(samples.passed_over + u64::from(samples.broken_at.is_some()));
}

/// Takes in what the stream has, until it cannot be read.
async fn follow(client: &Client, stream: &str, shared: &Shared, clock: Clock) -> FeedError {
    let began_us = clock.now_us();
    let (sender, mut told) = mpsc::channel(1);
    let follow = lake::follow(client, stream, Position::TrimHorizon, sender);
    let mut follow = std::pin::pin!(follow);
    loop {
        tokio::select! {
            error = &mut follow => match error {
                Ok(never) => match never {},
                Err(error) => return error.into(),
            },
            Some(told) = told.recv() => match told {
                Told::Listed(_) => {}
                Told::Page(page) => {
                    let read_us = clock.now_us();
                    let mut board = shared.board();
                    for record in &page.records {
                        let arrived = record.approximate_arrival_timestamp();
                        let arrived_us = arrived
                            .and_then(|time| u64::try_from(time.as_nanos() / 1_000).ok())
                            .unwrap_or(read_us);
                        let record = Record { data: record.data().as_ref(), arrived_us, read_us, began_us };
                        take_record(&mut board, &record);
                    }
                    drop(board);
                    if page.behind_ms == 0 {
                        shared.set(State::Current);
                    }
                }
            },
        }
    }
}

struct Record<'a> {
    data: &'a [u8],
    arrived_us: u64,
    read_us: u64,
    /// What arrived before was read late because nobody looked.
    began_us: u64,
}

fn take_record(board: &mut Board, record: &Record<'_>) {
    let mut samples = Samples::of(record.data);
    for sample in samples.by_ref() {
        let mut stages = [(
            Stage::Replication,
            span(sample.created_us, record.arrived_us),
        ); 3];
        let mut known = 1;
        if record.arrived_us >= record.began_us {
            stages[1] = (Stage::Read, span(record.arrived_us, record.read_us));
            known = 2;
            if let Some(us) = sample.intended_us {
                stages[2] = (Stage::EndToEnd, span(us, record.read_us));
                known = 3;
            }
        }
        see(board, &sample, record.arrived_us, &stages[..known]);
    }
    board.pass_over(samples.passed_over + u64::from(samples.broken_at.is_some()));
}

fn see(board: &mut Board, sample: &Sample<'_>, seen_us: u64, stages: &[(Stage, i64)]) {
    board.see(&Seen {
        device: &sample.device,
        bpm: sample.bpm,
        observed_us: sample.observed_us,
        seen_us,
        stages,
    });
}

fn span(from_us: u64, to_us: u64) -> i64 {
    i64::try_from(i128::from(to_us) - i128::from(from_us)).unwrap_or(i64::MAX)
}
