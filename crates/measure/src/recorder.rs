//! What one load worker records.

use std::sync::{Arc, OnceLock};

use super::interval::Track;
use super::latency::span_us;
use super::rendezvous::capture_us;
use super::{Counts, IntervalSink, Latencies, Readings, Rendezvous, Stage, WarmUp};
use hrload_workload::ReadingId;

/// What a run covers, as far as classifying a reading needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// First intended start of the run, warm-up included (epoch microseconds).
    pub run_start_us: u64,
    /// First intended start that is measured; earlier ones are warm-up.
    pub measure_start_us: u64,
    /// Number of devices in the fleet; larger device numbers are foreign.
    pub devices: u32,
}

impl Reach {
    /// Whether a reading is measured, not warm-up.
    #[must_use]
    pub fn measures(&self, id: ReadingId) -> bool {
        id.intended_us >= self.measure_start_us
    }

    /// Whether a reading that was read at `read_us` can be of this run at all.
    #[must_use]
    pub fn covers(&self, id: ReadingId, read_us: u64) -> bool {
        id.device < self.devices && (self.run_start_us..=read_us).contains(&id.intended_us)
    }
}

/// The times of a run, told to those who began to read before it did: a stream has to be
/// followed already when the first reading is sent.
#[derive(Clone, Debug, Default)]
pub struct Opening(Arc<OnceLock<Reach>>);

impl Opening {
    /// The run begins: nothing is of it that was intended before.
    pub fn open(&self, reach: Reach) {
        // A run begins once.
        let _ = self.0.set(reach);
    }

    /// What the run covers, once that is known.
    pub(super) fn reach(&self) -> Option<Reach> {
        self.0.get().copied()
    }
}

/// How one call went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Attempt<'a> {
    /// Answered 200; some items may have come back unprocessed.
    Answered {
        /// Items written.
        written: u32,
        /// Items that came back in `UnprocessedItems`.
        unprocessed: u32,
        /// Write units the server says it consumed.
        consumed_units: Option<f64>,
    },
    /// Refused as a whole by a throttle.
    Throttled {
        /// Exception name.
        exception: &'a str,
        /// The throttling reason, where the service gives one.
        reason: Option<&'a str>,
        /// Items in the call.
        items: u32,
    },
    /// Failed in another way.
    Failed {
        /// A short stable code: `timeout`, `connection`, `http-500`, or an exception name.
        code: &'a str,
        /// Items in the call.
        items: u32,
    },
}

/// Records what one load worker does. Owned by its thread.
///
/// Times are microseconds since the Unix epoch. Readings whose intended start
/// lies before `measure_start_us` are warm-up: they are counted apart, and
/// their latencies show in the seconds of the warm-up only.
///
/// Once warm, nothing here allocates or locks for a reading, with two
/// exceptions that are rare by nature: the first value that needs a larger
/// histogram, and a reading acknowledged out of order across a multiple of 64
/// of its device's sequence (see [`SequenceSet`](super::SequenceSet)). Once a second an interval
/// goes through a channel.
#[derive(Debug)]
pub struct SendRecorder {
    reach: Reach,
    track: Track,
    followed: Option<Followed>,
    warm_up: WarmUp,
}

/// What is kept of acknowledged readings for whoever reads the stream.
#[derive(Debug)]
struct Followed {
    rendezvous: Arc<Rendezvous>,
    acknowledged: Readings,
}

impl SendRecorder {
    /// A recorder for one worker of a run. Without a rendezvous no stream is
    /// followed, and which readings were acknowledged is not kept.
    #[must_use]
    pub fn new(
        reach: Reach,
        sink: IntervalSink,
        rendezvous: impl Into<Option<Arc<Rendezvous>>>,
    ) -> Self {
        Self::for_partition(reach, sink, rendezvous, 0, 1)
    }

    /// A recorder for worker `index` of `of`, which sees those devices only
    /// for which `device % of == index`: all recorders together then need no
    /// more memory than one. Other devices are recorded rightly too, but cost
    /// this recorder the memory of the whole fleet.
    #[must_use]
    pub fn for_partition(
        reach: Reach,
        sink: IntervalSink,
        rendezvous: impl Into<Option<Arc<Rendezvous>>>,
        index: u32,
        of: u32,
    ) -> Self {
        Self {
            reach,
            track: Track::new(reach, &sink),
            followed: rendezvous.into().map(|rendezvous| Followed {
                rendezvous,
                acknowledged: Readings::partition(reach, index, of),
            }),
            warm_up: WarmUp::default(),
        }
    }

    /// Counts one thing that happened to a reading.
    fn count(
        &mut self,
        id: ReadingId,
        warm_up: impl FnOnce(&mut WarmUp) -> &mut u64,
        counts: impl FnOnce(&mut Counts) -> &mut u64,
    ) -> bool {
        let measured = self.reach.measures(id);
        if !measured {
            *warm_up(&mut self.warm_up) += 1;
        }
        if let Some(of_second) = self.track.counts(measured) {
            *counts(of_second) += 1;
        }
        measured
    }

    /// A reading has become due and was taken from the fleet.
    pub fn scheduled(&mut self, id: ReadingId) {
        // It is at least as late as that now, which keeps measured readings
        // out of the seconds of the warm-up.
        self.track.advance(id.intended_us);
        self.count(id, |w| &mut w.scheduled, |c| &mut c.scheduled);
    }

    /// A reading was given up unsent, because too many were waiting.
    pub fn dropped(&mut self, id: ReadingId) {
        self.count(id, |w| &mut w.dropped, |c| &mut c.dropped);
    }

    /// A reading was still unsent when the run ended.
    pub fn cut_off(&mut self, id: ReadingId) {
        self.count(id, |w| &mut w.cut_off, |c| &mut c.cut_off);
    }

    /// A reading leaves for the first time, at `sent_us`, in a batch that
    /// should have left at `due_us`; writing it should cost `computed_units`.
    pub fn sent(&mut self, id: ReadingId, due_us: u64, sent_us: u64, computed_units: u64) {
        self.track.advance(sent_us);
        let measured = self.count(id, |w| &mut w.sent, |c| &mut c.sent);
        if let Some(counts) = self.track.counts(measured) {
            counts.computed_units += computed_units;
        }
        let lateness_us = span_us(id.intended_us, sent_us);
        self.track.record(measured, Stage::Lateness, lateness_us);
        let pacing_us = span_us(due_us, sent_us);
        self.track.record(measured, Stage::Pacing, pacing_us);
    }

    /// A reading was written; it first left at `sent_us`.
    pub fn acknowledged(&mut self, id: ReadingId, sent_us: u64, acknowledged_us: u64) {
        self.track.advance(acknowledged_us);
        let measured = self.count(id, |w| &mut w.acknowledged, |c| &mut c.acknowledged);
        let service_us = span_us(sent_us, acknowledged_us);
        self.track.record(measured, Stage::Service, service_us);
        let response_us = span_us(id.intended_us, acknowledged_us);
        self.track.record(measured, Stage::Response, response_us);
        let Some(followed) = &mut self.followed else {
            return;
        };
        let acknowledged = followed.acknowledged.of(measured);
        acknowledged.insert(id.device, id.sequence);
        if measured && let Some(created_us) = followed.rendezvous.acknowledged(id, acknowledged_us)
        {
            let capture_us = capture_us(acknowledged_us, created_us);
            self.track.record(true, Stage::Capture, capture_us);
        }
    }

    /// A reading was given up after its last attempt (or an error that a
    /// retry cannot mend); `code` as in [`Attempt::Failed`] or an exception name.
    pub fn failed(&mut self, id: ReadingId, code: &str) {
        let measured = self.count(id, |w| &mut w.failed, |c| &mut c.failed);
        if let Some(counts) = self.track.counts(measured) {
            counts.failures.add(code, 1);
        }
    }

    /// One call ended at `done_us`. `measured`: at least one of its readings is measured;
    /// `outcome` counts the items and units of those alone.
    pub fn attempt(&mut self, sent_us: u64, done_us: u64, measured: bool, outcome: Attempt<'_>) {
        self.track.advance(done_us);
        let attempt_us = span_us(sent_us, done_us);
        self.track.record(measured, Stage::Attempt, attempt_us);
        let Some(counts) = self.track.counts(measured) else {
            return;
        };
        counts.calls += 1;
        match outcome {
            Attempt::Answered {
                unprocessed,
                consumed_units,
                ..
            } => {
                counts.answered_calls += 1;
                counts.untold_calls += u64::from(consumed_units.is_none());
                counts.consumed_units += consumed_units.unwrap_or(0.0);
                if unprocessed > 0 {
                    counts.unprocessed += u64::from(unprocessed);
                    counts.throttled("UnprocessedItems", "", u64::from(unprocessed));
                }
            }
            Attempt::Throttled {
                exception,
                reason,
                items,
            } => counts.throttled(exception, reason.unwrap_or_default(), u64::from(items)),
            Attempt::Failed { code, .. } => counts.call_failures.add(code, 1),
        }
    }

    /// The last item of a batch was settled at `settled_us`.
    pub fn batch_settled(&mut self, sent_us: u64, settled_us: u64, measured: bool) {
        self.track.advance(settled_us);
        let batch_us = span_us(sent_us, settled_us);
        self.track.record(measured, Stage::Batch, batch_us);
    }

    /// Readings waiting to be sent and batches in flight, for the series and
    /// for telling whether the generator was the limit. `bound_us`: for how
    /// long since the last tick all in-flight slots were taken while readings
    /// were waiting. `cpu_us`: this thread's CPU time so far.
    ///
    /// Call it at least every 100 ms; publishes the interval once its second is over.
    pub fn tick(
        &mut self,
        now_us: u64,
        waiting: usize,
        in_flight: usize,
        bound_us: u64,
        cpu_us: u64,
    ) {
        self.track.advance(now_us);
        let cpu_us = self.track.cpu_since_us(cpu_us);
        let gauges = self.track.gauges();
        gauges.waiting_max = gauges.waiting_max.max(waiting as u64);
        gauges.in_flight_max = gauges.in_flight_max.max(in_flight as u64);
        gauges.bound_us += bound_us;
        gauges.send_cpu_us += cpu_us;
    }

    /// Publishes the last interval and hands over what was recorded.
    #[must_use]
    pub fn finish(self, now_us: u64) -> SendRecord {
        let (counts, latencies) = self.track.finish(now_us);
        SendRecord {
            acknowledged: self
                .followed
                .map_or_else(Readings::default, |followed| followed.acknowledged),
            latencies,
            counts,
            warm_up: self.warm_up,
        }
    }
}

/// What one worker recorded over the whole run. Adds up (`merge`).
#[derive(Debug, Clone, Default)]
pub struct SendRecord {
    /// Readings that were acknowledged; empty if no stream was followed.
    pub acknowledged: Readings,
    /// Whole-run latencies of the sending stages, and captures that met here.
    pub latencies: Latencies,
    /// Counts of measured readings and their calls.
    pub counts: Counts,
    /// Counts of warm-up readings.
    pub warm_up: WarmUp,
}

impl SendRecord {
    /// Adds what another worker recorded.
    pub fn merge(&mut self, other: &SendRecord) {
        self.acknowledged.merge(&other.acknowledged);
        self.latencies.merge(&other.latencies);
        self.counts.merge(&other.counts);
        self.warm_up.merge(&other.warm_up);
    }
}
