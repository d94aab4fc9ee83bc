//! Change data capture: from a table's writes to a stream's records.
//!
//! In go the changes of write calls, at once and in order; out come change
//! records in a stream's shards, some time later. A change is encoded by the
//! thread that wrote it and waits in its link's queue; one thread of its own
//! moves what is due into the shards. Must not know tables' contents nor who
//! reads the stream.
//!
//! As on AWS, records travel in micro-batches, keep the order in which they
//! were written (unless a fault says otherwise), and never hold up a write:
//! what waits is counted, not bounded.

mod delay;
mod link;
mod pending;

use hrload_base::process::thread_cpu_us;
use hrload_base::sync::locked;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

pub use delay::{ChangeDelay, DelayError};
pub use link::{Link, TableChange};

use super::faults::FaultDice;
use super::kinesis::Streams;
use hrload_base::clock::Clock;
use hrload_codec::change::Precision;

/// All links from tables to streams, and the thread that moves records along them.
#[derive(Debug)]
pub struct Capture {
    shared: Arc<Shared>,
    mover: Option<JoinHandle<()>>,
}

/// What links and the moving thread share.
#[derive(Debug)]
struct Shared {
    streams: Arc<Streams>,
    region: String,
    delay: ChangeDelay,
    dice: Arc<FaultDice>,
    seed: u64,
    clock: Clock,
    links: Mutex<Vec<Arc<Link>>>,
    /// When the moving thread is to look again. Links set it, the thread waits on it.
    alarm: Mutex<Alarm>,
    ring: Condvar,
    counts: Counts,
    /// CPU time of the moving thread so far, in microseconds; it writes this itself.
    cpu_us: AtomicU64,
}

#[derive(Debug)]
struct Alarm {
    /// Earliest time at which something is due, in microseconds since the Unix
    /// epoch; `u64::MAX` when nothing waits.
    due_us: u64,
    stop: bool,
}

/// Records by what became of them.
#[derive(Debug, Default)]
struct Counts {
    pending: AtomicU64,
    delivered: AtomicU64,
    failed: AtomicU64,
    reordered: AtomicU64,
}

impl Capture {
    /// Starts the moving thread. It ends when the value is dropped; what still
    /// waits then is not delivered. `clock` must be the one that tells writers
    /// the time. `seed` decides delays and event ids.
    #[must_use]
    pub fn start(
        streams: Arc<Streams>,
        region: String,
        delay: ChangeDelay,
        dice: Arc<FaultDice>,
        seed: u64,
        clock: Clock,
    ) -> Self {
        let shared = Arc::new(Shared {
            streams,
            region,
            delay,
            dice,
            seed,
            clock,
            links: Mutex::default(),
            alarm: Mutex::new(Alarm {
                due_us: u64::MAX,
                stop: false,
            }),
            ring: Condvar::new(),
            counts: Counts::default(),
            cpu_us: AtomicU64::new(0),
        });
        let moved = Arc::clone(&shared);
        let mover = std::thread::Builder::new()
            .name("change-capture".to_owned())
            .spawn(move || moved.run())
            // Without the thread, links deliver what is due with the next write.
            .ok();
        Self { shared, mover }
    }

    /// Opens a way from `table` into the stream; records are written with
    /// `precision` (`None`: milliseconds and no precision field).
    #[must_use]
    pub fn link(&self, table: &str, stream_arn: &str, precision: Option<Precision>) -> Arc<Link> {
        let mut links = locked(&self.shared.links);
        let link = Arc::new(Link::new(
            Arc::clone(&self.shared),
            table,
            stream_arn,
            precision,
            links.len() as u64,
        ));
        links.push(Arc::clone(&link));
        link
    }

    /// Records that were captured and have not yet arrived.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.shared.counts.pending.load(Ordering::Relaxed)
    }

    /// How long the oldest record that has not yet arrived has been waiting at
    /// `now_us`, in microseconds; 0 if none waits. CloudWatch's
    /// `AgeOfOldestUnreplicatedRecord`.
    #[must_use]
    pub fn oldest_age_us(&self, now_us: u64) -> u64 {
        locked(&self.shared.links)
            .iter()
            .filter_map(|link| link.oldest_us())
            .min()
            .map_or(0, |oldest_us| now_us.saturating_sub(oldest_us))
    }

    /// Records that arrived in a stream, duplicates included.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.shared.counts.delivered.load(Ordering::Relaxed)
    }

    /// Records that could not be delivered, because their stream is gone.
    /// CloudWatch's `FailedToReplicateRecordCount`.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.shared.counts.failed.load(Ordering::Relaxed)
    }

    /// Records of the open links that had to wait because a shard had no
    /// capacity for them. CloudWatch's `ThrottledPutRecordCount`.
    #[must_use]
    pub fn throttled(&self) -> u64 {
        let links = locked(&self.shared.links);
        links.iter().map(|link| link.throttled()).sum()
    }

    /// Records that a reorder fault really put behind a later one: one that
    /// found no successor in time stays in its place.
    #[must_use]
    pub fn reordered(&self) -> u64 {
        self.shared.counts.reordered.load(Ordering::Relaxed)
    }

    /// CPU time used by the moving thread so far, in microseconds, as of its
    /// last round.
    #[must_use]
    pub fn cpu_us(&self) -> u64 {
        self.shared.cpu_us.load(Ordering::Relaxed)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        locked(&self.shared.alarm).stop = true;
        self.shared.ring.notify_one();
        if let Some(mover) = self.mover.take() {
            // It does not panic; if it did, there is nothing left to do here.
            let _ = mover.join();
        }
        // Links hold `shared` and `shared` holds them.
        locked(&self.shared.links).clear();
    }
}

impl Shared {
    /// Has the moving thread look no later than at `due_us`.
    fn set_alarm(&self, due_us: u64) {
        let mut alarm = locked(&self.alarm);
        if due_us < alarm.due_us {
            alarm.due_us = due_us;
            self.ring.notify_one();
        }
    }

    /// The moving thread: delivers what is due, then sleeps until more is.
    fn run(&self) {
        let mut links = Vec::new();
        loop {
            links.clear();
            links.extend(locked(&self.links).iter().cloned());
            let next_us = links.iter().map(|link: &Arc<Link>| link.deliver());
            let next_us = next_us.min().unwrap_or(u64::MAX);
            if links.iter().any(|link| link.is_done()) {
                locked(&self.links).retain(|link| !link.is_done());
            }
            self.publish_cpu();
            if !self.sleep_until(next_us) {
                return;
            }
        }
    }

    /// Waits for `due_us` or an earlier alarm; false when it is time to stop.
    fn sleep_until(&self, due_us: u64) -> bool {
        let mut alarm = locked(&self.alarm);
        alarm.due_us = alarm.due_us.min(due_us);
        loop {
            if alarm.stop {
                return false;
            }
            let now_us = self.clock.now_us();
            if now_us >= alarm.due_us {
                alarm.due_us = u64::MAX;
                return true;
            }
            alarm = if alarm.due_us == u64::MAX {
                self.ring
                    .wait(alarm)
                    .unwrap_or_else(PoisonError::into_inner)
            } else {
                let wait = Duration::from_micros(alarm.due_us - now_us);
                self.ring
                    .wait_timeout(alarm, wait)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            };
        }
    }

    fn publish_cpu(&self) {
        self.cpu_us.store(thread_cpu_us(), Ordering::Relaxed);
    }
}
