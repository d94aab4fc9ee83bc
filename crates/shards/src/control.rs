//! How another thread talks to the thread that follows a stream.

use hrload_base::sync::locked;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use tokio::sync::{mpsc, watch};

use super::FollowError;
use hrload_measure::Readings;

/// Makes the two ends: [`Control`] goes to [`super::follow()`], [`Handle`] stays.
#[must_use]
pub fn control() -> (Handle, Control) {
    let (commands, orders) = mpsc::unbounded_channel();
    let (announce, state) = watch::channel(State::Starting);
    let gauges = Arc::new(Gauges::default());
    let handle = Handle {
        commands,
        state,
        gauges: Arc::clone(&gauges),
    };
    let control = Control {
        orders: Orders(orders),
        reports: Reports { announce, gauges },
    };
    (handle, control)
}

/// Directs a follower from any thread. When the last clone is dropped the
/// follower stops.
#[derive(Debug, Clone)]
pub struct Handle {
    commands: mpsc::UnboundedSender<Command>,
    state: watch::Receiver<State>,
    gauges: Arc<Gauges>,
}

/// The follower's end.
#[derive(Debug)]
pub struct Control {
    pub(super) orders: Orders,
    pub(super) reports: Reports,
}

/// What the follower is told.
#[derive(Debug)]
pub(super) struct Orders(mpsc::UnboundedReceiver<Command>);

/// What the follower tells.
#[derive(Debug)]
pub(super) struct Reports {
    announce: watch::Sender<State>,
    gauges: Arc<Gauges>,
}

/// How far a follower has come. Read from atomics: cheap, and each figure on
/// its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Records read, of whatever kind.
    pub records: u64,
    /// Measured readings seen, each once.
    pub seen: u64,
    /// Awaited readings not yet seen; `None` until [`Handle::await_readings`]
    /// was obeyed.
    pub outstanding: Option<u64>,
    /// How far the slowest shard is behind its tip, in milliseconds.
    pub behind_ms: u64,
    /// Shards being read.
    pub shards: u64,
    /// Reads that Kinesis throttled.
    pub throttled_reads: u64,
    /// Calls that failed otherwise and were tried again.
    pub retried_errors: u64,
}

#[derive(Debug)]
enum Command {
    AwaitReadings(Arc<Readings>),
    Stop,
}

#[derive(Debug, Clone)]
enum State {
    Starting,
    Ready,
    Failed(FollowError),
}

/// How far a follower has come with one shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardProgress {
    /// The shard's id.
    pub shard: Arc<str>,
    /// Records read of it so far.
    pub records: u64,
    /// How far the reader is behind its tip, in milliseconds.
    pub behind_ms: u64,
}

/// [`Progress`], shared.
#[derive(Debug)]
struct Gauges {
    /// The shards being read. Locked for the time of a copy, some times a
    /// second, and never for a record.
    by_shard: Mutex<Vec<ShardProgress>>,
    records: AtomicU64,
    seen: AtomicU64,
    /// [`NOT_AWAITED`] for none.
    outstanding: AtomicU64,
    behind_ms: AtomicU64,
    shards: AtomicU64,
    throttled_reads: AtomicU64,
    retried_errors: AtomicU64,
}

const NOT_AWAITED: u64 = u64::MAX;

impl Default for Gauges {
    fn default() -> Self {
        Self {
            by_shard: Mutex::default(),
            records: AtomicU64::new(0),
            seen: AtomicU64::new(0),
            outstanding: AtomicU64::new(NOT_AWAITED),
            behind_ms: AtomicU64::new(0),
            shards: AtomicU64::new(0),
            throttled_reads: AtomicU64::new(0),
            retried_errors: AtomicU64::new(0),
        }
    }
}

impl Handle {
    /// Returns once every shard that can be read at the start gave a first page, or
    /// has its subscription: what is written from now on will be seen.
    ///
    /// # Errors
    /// Following could not begin, or ended before it had.
    pub async fn ready(&self) -> Result<(), FollowError> {
        let mut state = self.state.clone();
        match state
            .wait_for(|state| !matches!(state, State::Starting))
            .await
            .as_deref()
        {
            Ok(State::Failed(error)) => Err(error.clone()),
            Ok(_) => Ok(()),
            Err(_) => Err(FollowError::Ended),
        }
    }

    /// From now on, wait for exactly these readings; see [`Progress::outstanding`].
    pub fn await_readings(&self, acknowledged: Arc<Readings>) {
        // Nobody listens after the end, and then there is nothing to wait for.
        let _ = self.commands.send(Command::AwaitReadings(acknowledged));
    }

    /// Ends following; [`super::follow()`] returns soon.
    pub fn stop(&self) {
        let _ = self.commands.send(Command::Stop);
    }

    /// How far the follower has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let gauges = &self.gauges;
        let outstanding = gauges.outstanding.load(Relaxed);
        Progress {
            records: gauges.records.load(Relaxed),
            seen: gauges.seen.load(Relaxed),
            outstanding: (outstanding != NOT_AWAITED).then_some(outstanding),
            behind_ms: gauges.behind_ms.load(Relaxed),
            shards: gauges.shards.load(Relaxed),
            throttled_reads: gauges.throttled_reads.load(Relaxed),
            retried_errors: gauges.retried_errors.load(Relaxed),
        }
    }
}

impl Handle {
    /// The shards being read, in the order in which they were found.
    #[must_use]
    pub fn shards(&self) -> Vec<ShardProgress> {
        let by_shard = &self.gauges.by_shard;
        // A copy that was cut short by a panic is as good as none.
        let by_shard = locked(by_shard);
        by_shard.clone()
    }
}

impl Orders {
    /// Waits for the next set of readings to await; `None` when it is time to stop.
    pub(super) async fn next_awaited(&mut self) -> Option<Arc<Readings>> {
        match self.0.recv().await {
            Some(Command::AwaitReadings(acknowledged)) => Some(acknowledged),
            Some(Command::Stop) | None => None,
        }
    }
}

impl Reports {
    pub(super) fn ready(&self) {
        self.announce.send_replace(State::Ready);
    }

    pub(super) fn is_ready(&self) -> bool {
        matches!(*self.announce.borrow(), State::Ready)
    }

    /// Following ended with an error; it matters to who waits for the start.
    pub(super) fn failed(&self, error: &FollowError) {
        self.announce.send_if_modified(|state| {
            let starting = matches!(state, State::Starting);
            if starting {
                *state = State::Failed(error.clone());
            }
            starting
        });
    }

    pub(super) fn publish_shards<'a>(&self, shards: impl Iterator<Item = &'a ShardProgress>) {
        let by_shard = &self.gauges.by_shard;
        let mut by_shard = locked(by_shard);
        by_shard.clear();
        by_shard.extend(shards.cloned());
    }

    pub(super) fn publish(&self, progress: Progress) {
        let gauges = &self.gauges;
        let outstanding = progress.outstanding.unwrap_or(NOT_AWAITED);
        gauges.records.store(progress.records, Relaxed);
        gauges.seen.store(progress.seen, Relaxed);
        gauges.outstanding.store(outstanding, Relaxed);
        gauges.behind_ms.store(progress.behind_ms, Relaxed);
        gauges.shards.store(progress.shards, Relaxed);
        gauges
            .throttled_reads
            .store(progress.throttled_reads, Relaxed);
        gauges
            .retried_errors
            .store(progress.retried_errors, Relaxed);
    }
}
