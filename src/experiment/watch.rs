//! Watching a run: the series as it grows, and a snapshot of it every second.

use std::time::Duration;

use super::event::Event;
use super::reader::Reader;
use crate::clock::Clock;
use crate::measure::{Intervals, Series, Stage};
use crate::report::Phase;
use crate::stream::ShardProgress;

/// The state of a run, about once a second.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Current phase.
    pub phase: Phase,
    /// Time in it.
    pub elapsed: Duration,
    /// Its length at most.
    pub length: Duration,
    /// Readings acknowledged in the last whole second.
    pub acknowledged_per_s: f64,
    /// Response time at the 99th percentile in the last whole second.
    pub response_p99_s: Option<f64>,
    /// End-to-end latency at the median in the last whole second.
    pub e2e_p50_s: Option<f64>,
    /// End-to-end latency at the 99th percentile in the last whole second.
    pub e2e_p99_s: Option<f64>,
    /// Readings acknowledged and not yet seen; `None` when nothing is followed.
    pub unseen: Option<u64>,
    /// Readings waiting to be sent.
    pub waiting: u64,
    /// Items throttled in the last whole second.
    pub throttled: u64,
    /// Readings failed so far.
    pub failed: u64,
    /// The multiple of the rate asked for that is in force; 0 while paused.
    pub tempo: f64,
    /// The shards being read.
    pub shards: Vec<ShardProgress>,
}

/// Collects the series and tells of phases and seconds.
pub(super) struct Watch {
    clock: Clock,
    intervals: Intervals,
    series: Series,
    following: bool,
    phase: Phase,
    tempo: f64,
    began_us: u64,
    until_us: u64,
    /// Seconds of the phase that were told of.
    told: u64,
    /// Seconds of the series that were told of.
    complete: usize,
}

impl Watch {
    /// Watches what recorders publish to `intervals`.
    pub(super) fn new(clock: Clock, intervals: Intervals, following: bool) -> Self {
        Self {
            clock,
            intervals,
            series: Series::default(),
            following,
            phase: Phase::SetUp,
            tempo: 1.0,
            began_us: 0,
            until_us: 0,
            told: 0,
            complete: 0,
        }
    }

    /// The seconds so far.
    pub(super) fn series(&self) -> &Series {
        &self.series
    }

    /// The current phase.
    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// The load goes at this multiple of the rate asked for, from now on or soon.
    pub(super) fn set_tempo(&mut self, factor: f64) {
        self.tempo = factor;
    }

    /// A phase begins at `began_us` and lasts until `until_us` at most.
    pub(super) fn begin(
        &mut self,
        phase: Phase,
        began_us: u64,
        until_us: u64,
        tell: &mut dyn FnMut(Event<'_>),
    ) {
        self.phase = phase;
        self.began_us = began_us;
        self.until_us = until_us;
        self.told = 0;
        if until_us > began_us {
            tell(Event::Phase(
                phase,
                Duration::from_micros(until_us - began_us),
            ));
        }
    }

    /// Takes in what was published; tells of seconds that are complete, and of
    /// a second that has passed.
    pub(super) fn look(&mut self, reader: Option<&Reader>, tell: &mut dyn FnMut(Event<'_>)) {
        self.series.collect(&self.intervals, Duration::ZERO);
        self.tell_complete(tell);
        let elapsed = Duration::from_micros(self.clock.now_us().saturating_sub(self.began_us));
        if elapsed.as_secs() > self.told {
            self.told = elapsed.as_secs();
            let shards = reader.map(Reader::shards).unwrap_or_default();
            tell(Event::Second(&self.snapshot(elapsed, shards)));
        }
    }

    fn tell_complete(&mut self, tell: &mut dyn FnMut(Event<'_>)) {
        let seconds = self.series.seconds();
        if seconds.len() > self.complete {
            tell(Event::Complete(&seconds[self.complete..]));
            self.complete = seconds.len();
        }
    }

    fn snapshot(&self, elapsed: Duration, shards: Vec<ShardProgress>) -> Snapshot {
        let totals = self.series.totals();
        let mut snapshot = Snapshot {
            phase: self.phase,
            elapsed,
            length: Duration::from_micros(self.until_us.saturating_sub(self.began_us)),
            acknowledged_per_s: 0.0,
            response_p99_s: None,
            e2e_p50_s: None,
            e2e_p99_s: None,
            unseen: self
                .following
                .then(|| totals.acknowledged.saturating_sub(totals.seen)),
            waiting: 0,
            throttled: 0,
            failed: totals.failed,
            tempo: self.tempo,
            shards,
        };
        let Some(second) = self.series.latest() else {
            return snapshot;
        };
        let seconds = |us: i64| us as f64 / 1e6;
        snapshot.acknowledged_per_s = second.counts.acknowledged as f64;
        snapshot.response_p99_s = second.stage(Stage::Response).map(|of| seconds(of.p99_us));
        snapshot.e2e_p50_s = second.stage(Stage::EndToEnd).map(|of| seconds(of.p50_us));
        snapshot.e2e_p99_s = second.stage(Stage::EndToEnd).map(|of| seconds(of.p99_us));
        snapshot.waiting = second.counts.waiting_max;
        snapshot.throttled = second.counts.throttles.iter().map(|(_, of)| of.items).sum();
        snapshot
    }

    /// Every second, when all recorders have finished.
    pub(super) fn finish(mut self, tell: &mut dyn FnMut(Event<'_>)) -> Series {
        self.series.finish(&self.intervals);
        self.tell_complete(tell);
        self.series
    }
}
