//! One second of one recorder, and the channel it travels.
//!
//! A recorder fills an [`Interval`]; once its second is over the interval
//! goes through the [`IntervalSink`] to whoever holds the [`Intervals`]. The
//! receiver adds it to the series and sends it back, emptied, so that a
//! recorder lives on two or three intervals for its whole life.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::{Counts, Latencies, Reach, Stage};

pub(super) const SECOND_US: u64 = 1_000_000;

/// One recorder's counts and latencies of one second.
///
/// Seconds are counted from the start of measuring; a negative one belongs to
/// the warm-up, and holds warm-up readings. Other seconds hold measured
/// readings only, so that they add up to the whole run.
#[derive(Debug, Clone, Default)]
pub struct Interval {
    /// Which second.
    pub second: i64,
    /// What happened in it.
    pub counts: Counts,
    /// Latencies of what ended in it.
    pub latencies: Latencies,
}

/// What travels: an interval, who sends it, and how it comes back.
#[derive(Debug)]
struct Published {
    recorder: u32,
    last: bool,
    interval: Interval,
    home: mpsc::Sender<Interval>,
}

/// Where a recorder publishes its intervals. Clone one for each recorder.
#[derive(Debug, Clone)]
pub struct IntervalSink {
    sender: mpsc::Sender<Published>,
    recorders: Arc<AtomicU32>,
}

/// The receiving end of all sinks of a run.
#[derive(Debug)]
pub struct Intervals {
    receiver: mpsc::Receiver<Published>,
    recorders: Arc<AtomicU32>,
}

impl IntervalSink {
    /// A channel: a sink to clone for each recorder, and its other end. When
    /// the other end is gone, intervals are dropped and recording goes on.
    #[must_use]
    pub fn channel() -> (Self, Intervals) {
        let (sender, receiver) = mpsc::channel();
        let recorders = Arc::new(AtomicU32::new(0));
        let sink = Self {
            sender,
            recorders: Arc::clone(&recorders),
        };
        (
            sink,
            Intervals {
                receiver,
                recorders,
            },
        )
    }
}

impl Intervals {
    /// Recorders there have been so far.
    pub(super) fn recorders(&self) -> u32 {
        self.recorders.load(Ordering::SeqCst)
    }

    /// Hands every interval that has come to `take`, as (recorder, last of
    /// that recorder, interval), waiting up to `patience` for the first.
    pub(super) fn receive(&self, patience: Duration, mut take: impl FnMut(u32, bool, &Interval)) {
        let mut next = self.receiver.recv_timeout(patience).ok();
        while let Some(mut published) = next {
            take(published.recorder, published.last, &published.interval);
            published.interval.counts.clear();
            published.interval.latencies.clear();
            // The recorder may have finished; then the interval is freed here.
            let _ = published.home.send(published.interval);
            next = self.receiver.try_recv().ok();
        }
    }
}

/// The part of a recorder that knows which second it is.
#[derive(Debug)]
pub(super) struct Track {
    sender: mpsc::Sender<Published>,
    recorder: u32,
    home: mpsc::Sender<Interval>,
    returned: mpsc::Receiver<Interval>,
    measure_start_us: u64,
    /// End of the current second.
    boundary_us: u64,
    current: Interval,
    latencies: Latencies,
    counts: Counts,
    cpu_us: Option<u64>,
}

impl Track {
    pub(super) fn new(reach: Reach, sink: &IntervalSink) -> Self {
        let (home, returned) = mpsc::channel();
        let mut track = Self {
            sender: sink.sender.clone(),
            recorder: sink.recorders.fetch_add(1, Ordering::SeqCst),
            home,
            returned,
            measure_start_us: 0,
            boundary_us: 0,
            current: Interval::default(),
            latencies: Latencies::default(),
            counts: Counts::default(),
            cpu_us: None,
        };
        track.open(reach);
        track
    }

    /// The run begins then.
    pub(super) fn open(&mut self, reach: Reach) {
        self.measure_start_us = reach.measure_start_us;
        self.begin(reach.run_start_us);
    }

    fn begin(&mut self, at_us: u64) {
        let since_us = i128::from(at_us) - i128::from(self.measure_start_us);
        let second = since_us.div_euclid(i128::from(SECOND_US));
        let boundary = i128::from(self.measure_start_us) + (second + 1) * i128::from(SECOND_US);
        self.current.second = i64::try_from(second).unwrap_or(i64::MAX);
        self.boundary_us = u64::try_from(boundary).unwrap_or(u64::MAX);
    }

    /// Something happened at `at_us`: publishes the current interval if its
    /// second is over. Seconds in which nothing was called at all are left out.
    pub(super) fn advance(&mut self, at_us: u64) {
        if at_us >= self.boundary_us {
            self.publish(false);
            self.begin(at_us);
        }
    }

    /// The counts of this second, for something of a measured reading or (if
    /// not `measured`) of a warm-up reading; `None` when it counts nowhere,
    /// being a straggler of the warm-up in a measured second.
    pub(super) fn counts(&mut self, measured: bool) -> Option<&mut Counts> {
        (measured || self.current.second < 0).then_some(&mut self.current.counts)
    }

    /// Records a latency under the same condition. No lock and, once the
    /// stage's histogram exists, no allocation.
    pub(super) fn record(&mut self, measured: bool, stage: Stage, us: i64) {
        if measured || self.current.second < 0 {
            self.current.latencies.record(stage, us);
        }
    }

    /// The counts of this second, for what belongs to no reading.
    pub(super) fn gauges(&mut self) -> &mut Counts {
        &mut self.current.counts
    }

    pub(super) fn warming_up(&self) -> bool {
        self.current.second < 0
    }

    /// CPU time since the last call.
    pub(super) fn cpu_since_us(&mut self, cpu_us: u64) -> u64 {
        let before = self.cpu_us.replace(cpu_us).unwrap_or(cpu_us);
        cpu_us.saturating_sub(before)
    }

    fn publish(&mut self, last: bool) {
        if self.current.second >= 0 {
            self.counts.extend(&self.current.counts);
            self.latencies.merge(&self.current.latencies);
        }
        let fresh = self.returned.try_recv().unwrap_or_default();
        let published = Published {
            recorder: self.recorder,
            last,
            interval: std::mem::replace(&mut self.current, fresh),
            home: self.home.clone(),
        };
        let _ = self.sender.send(published);
    }

    /// Publishes the last interval and hands over what measured seconds add up to.
    pub(super) fn finish(mut self, now_us: u64) -> (Counts, Latencies) {
        self.advance(now_us);
        self.publish(true);
        (self.counts, self.latencies)
    }
}
