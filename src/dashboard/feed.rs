//! Where readings come from: the objects of a lake, or the records of a stream.

use crate::sync::locked;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use aws_sdk_kinesis::Client;

use super::board::{Board, Seen};
use super::page::State;
use super::{lake, stream};
use crate::clock::Clock;
use crate::codec::sample::Sample;
use crate::lake::Place;
use crate::measure::Stage;

/// What to show.
#[derive(Debug, Clone)]
pub enum Source {
    /// The objects of a lake, and those that come to it. A folder need not be there
    /// yet.
    Lake {
        /// Where it is.
        place: Place,
        /// Of S3, if it is another than AWS's.
        endpoint: Option<String>,
        /// Of the bucket.
        region: Option<String>,
    },
    /// The records that a stream still has, and those that come to it.
    Stream {
        /// Kinesis.
        client: Box<Client>,
        /// The stream's name.
        stream: String,
    },
}

/// The board, and how it is fed.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    board: Arc<Mutex<Board>>,
    state: Arc<Mutex<State>>,
    /// When the source was last known to have answered, in microseconds.
    answered_us: Arc<AtomicU64>,
}

/// A source that has not answered for longer is not up to date. It is asked at least
/// once a second.
const SILENT_US: u64 = 5_000_000;

impl Shared {
    pub(super) fn new(board: Board) -> Self {
        Self {
            board: Arc::new(Mutex::new(board)),
            state: Arc::new(Mutex::new(State::Reading)),
            answered_us: Arc::default(),
        }
    }

    /// The source, all parts of it, answered no longer ago than this.
    pub(super) fn answered(&self, at_us: u64) {
        self.answered_us.store(at_us, Relaxed);
    }

    /// For how many seconds it has not answered; 0 for a time in which it need not.
    pub(super) fn silent_s(&self, now_us: u64) -> u64 {
        let silent_us = now_us.saturating_sub(self.answered_us.load(Relaxed));
        if silent_us > SILENT_US {
            silent_us / 1_000_000
        } else {
            0
        }
    }

    /// What a panicked thread left is still a board.
    pub(super) fn board(&self) -> std::sync::MutexGuard<'_, Board> {
        locked(&self.board)
    }

    pub(super) fn state(&self, now_us: u64) -> State {
        let state = locked(&self.state);
        match (&*state, self.silent_s(now_us)) {
            (State::Current, silent_s @ 1..) => {
                State::Failed(format!("it has not answered for {silent_s} s"))
            }
            (state, _) => state.clone(),
        }
    }

    pub(super) fn set(&self, state: State) {
        let mut now = locked(&self.state);
        if *now != state {
            *now = state;
            drop(now);
            // Whoever looks is to see it.
            self.board().touch();
        }
    }
}

/// Feeds a board, as long as it is polled. What fails is tried again.
pub(super) async fn run(source: Source, shared: Shared, clock: Clock) {
    match source {
        Source::Lake {
            place,
            endpoint,
            region,
        } => {
            let lake = lake::Follower::new(place, endpoint, region, shared, clock);
            lake.run().await;
        }
        Source::Stream { client, stream } => {
            let error = stream::follow(&client, &stream, &shared, clock).await;
            shared.set(State::Failed(error.to_string()));
            // Beginning anew would count everything twice.
            std::future::pending::<()>().await;
        }
    }
}

pub(super) fn see(board: &mut Board, sample: &Sample<'_>, seen_us: u64, stages: &[(Stage, i64)]) {
    board.see(&Seen {
        device: &sample.device,
        bpm: sample.bpm,
        observed_us: sample.observed_us,
        created_us: sample.created_us,
        seen_us,
        stages,
    });
}

pub(super) fn span(from_us: u64, to_us: u64) -> i64 {
    i64::try_from(i128::from(to_us) - i128::from(from_us)).unwrap_or(i64::MAX)
}
