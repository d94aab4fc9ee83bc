//! What the reader of the stream records.

use std::sync::Arc;

use super::interval::Track;
use super::latency::span_us;
use super::rendezvous::capture_us;
use super::{
    Counts, IntervalSink, Latencies, OffsetBounds, Opening, Reach, Readings, Rendezvous,
    SlowestDevices, Stage, WarmUp,
};
use hrload_workload::ReadingId;

/// Readings that are waited for, and how many of them are still to come.
#[derive(Debug)]
struct Awaited {
    readings: Arc<Readings>,
    outstanding: u64,
}

/// When a record was created, arrived and was read (epoch microseconds).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moments {
    /// `ApproximateCreationDateTime`.
    pub created_us: u64,
    /// How coarse that is (1, 1,000 or 1,000,000).
    pub created_grain_us: u64,
    /// `ApproximateArrivalTimestamp`; `None` where the feed does not tell, as DynamoDB
    /// Streams do not. Stages that begin or end with it are not recorded then.
    pub arrived_us: Option<u64>,
    /// When it was read, by our clock.
    pub read_us: u64,
}

/// Records what was read from the stream. Owned by the reading thread.
///
/// As with [`SendRecorder`](super::SendRecorder), nothing here allocates or
/// locks for a reading once warm, unless it came out of order.
#[derive(Debug)]
pub struct ArrivalRecorder {
    /// Until the run begins.
    opening: Option<Opening>,
    reach: Reach,
    track: Track,
    rendezvous: Arc<Rendezvous>,
    seen: Readings,
    slowest: SlowestDevices,
    offset: OffsetBounds,
    warm_up: WarmUp,
    awaited: Option<Awaited>,
}

impl ArrivalRecorder {
    /// A recorder for the stream of one run.
    #[must_use]
    pub fn new(reach: Reach, sink: IntervalSink, rendezvous: Arc<Rendezvous>) -> Self {
        Self {
            opening: None,
            reach,
            track: Track::new(reach, &sink),
            rendezvous,
            seen: Readings::partition(reach, 0, 1),
            slowest: SlowestDevices::default(),
            offset: OffsetBounds::default(),
            warm_up: WarmUp::default(),
            awaited: None,
        }
    }

    /// A recorder that begins to read before the run does. What comes until then is of
    /// others. `warms_up`: the run will have a warm-up.
    #[must_use]
    pub fn before(
        opening: Opening,
        devices: u32,
        warms_up: bool,
        sink: IntervalSink,
        rendezvous: Arc<Rendezvous>,
    ) -> Self {
        let reach = Reach {
            run_start_us: 0,
            measure_start_us: u64::from(warms_up),
            devices,
        };
        Self {
            opening: Some(opening),
            ..Self::new(reach, sink, rendezvous)
        }
    }

    /// Whether the run has begun.
    fn is_open(&mut self) -> bool {
        let Some(opening) = &self.opening else {
            return true;
        };
        let Some(reach) = opening.reach() else {
            return false;
        };
        self.opening = None;
        self.reach = reach;
        self.track.open(reach);
        self.track.gauges().foreign += self.warm_up.foreign;
        true
    }

    /// A change record of this run's table with a reading in it was read.
    ///
    /// A reading of a device that the fleet does not have, or intended before
    /// the run or after it was read, is of another run and counts as foreign.
    pub fn arrived(&mut self, id: ReadingId, moments: Moments) {
        let Moments {
            created_us,
            created_grain_us,
            arrived_us,
            read_us,
        } = moments;
        if !self.is_open() {
            self.warm_up.foreign += 1;
            return;
        }
        self.track.advance(read_us);
        if !self.reach.covers(id, read_us) {
            return self.foreign();
        }
        let measured = self.reach.measures(id);
        if !measured {
            self.warm_up.sightings += 1;
        }
        if !self.first_sighting(id, measured) {
            return;
        }
        if let Some(counts) = self.track.counts(measured) {
            counts.seen += 1;
        }
        self.offset.observe(
            id.intended_us,
            created_us,
            created_grain_us,
            // What was read had been created, at any rate; not every server rounds down.
            arrived_us.unwrap_or(created_us.saturating_sub(created_grain_us)),
            read_us,
        );
        if let Some(arrived_us) = arrived_us {
            let replication_us = span_us(created_us, arrived_us);
            self.track
                .record(measured, Stage::Replication, replication_us);
            let reading_us = span_us(arrived_us, read_us);
            self.track.record(measured, Stage::Read, reading_us);
        }
        let end_to_end_us = span_us(id.intended_us, read_us);
        self.track.record(measured, Stage::EndToEnd, end_to_end_us);
        if measured {
            self.slowest.record(id.device, end_to_end_us);
        }
        if measured && let Some(acknowledged_us) = self.rendezvous.created(id, created_us) {
            let capture_us = capture_us(acknowledged_us, created_us);
            self.track.record(true, Stage::Capture, capture_us);
        }
    }

    /// Notes a reading; `false` when it was seen before. Readings out of order are counted
    /// where they are measured.
    fn first_sighting(&mut self, id: ReadingId, measured: bool) -> bool {
        let seen = self.seen.of(measured);
        let late = seen.highest(id.device) > Some(id.sequence);
        let newly = seen.insert(id.device, id.sequence);
        let counts = self.track.gauges();
        if !newly {
            counts.duplicates += u64::from(measured);
            self.warm_up.duplicates += u64::from(!measured);
            return false;
        }
        counts.reordered += u64::from(late && measured);
        if let Some(awaited) = &mut self.awaited
            && awaited.readings.contains(id, measured)
        {
            awaited.outstanding = awaited.outstanding.saturating_sub(1);
        }
        true
    }

    /// A record that brings no reading of this run: another table's, another run's, a
    /// change or a removal of an item that was there, or not a change record at all.
    pub fn foreign(&mut self) {
        if !self.is_open() {
            self.warm_up.foreign += 1;
            return;
        }
        self.track.gauges().foreign += 1;
        if self.track.warming_up() {
            self.warm_up.foreign += 1;
        }
    }

    /// What was seen of the shards, for the series: how far the reader is
    /// behind (the worst shard's `MillisBehindLatest`), throttled reads since
    /// the last tick, and this thread's CPU time so far.
    ///
    /// Call it at least every 100 ms.
    pub fn tick(&mut self, now_us: u64, behind_ms: u64, throttled_reads: u64, cpu_us: u64) {
        if !self.is_open() {
            return;
        }
        self.track.advance(now_us);
        let cpu_us = self.track.cpu_since_us(cpu_us);
        let gauges = self.track.gauges();
        gauges.behind_ms_max = gauges.behind_ms_max.max(behind_ms);
        gauges.throttled_reads += throttled_reads;
        gauges.read_cpu_us += cpu_us;
    }

    /// Measured readings seen so far, each once.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen.measured.len()
    }

    /// From now on, wait for exactly the readings of `acknowledged`, those of the
    /// warm-up included.
    pub fn await_readings(&mut self, acknowledged: Arc<Readings>) {
        self.awaited = Some(Awaited {
            outstanding: acknowledged.difference_len(&self.seen),
            readings: acknowledged,
        });
    }

    /// How many awaited readings have not been seen; `None` before [`Self::await_readings`].
    #[must_use]
    pub fn outstanding(&self) -> Option<u64> {
        self.awaited.as_ref().map(|awaited| awaited.outstanding)
    }

    /// Publishes the last interval and hands over what was recorded.
    #[must_use]
    pub fn finish(self, now_us: u64) -> ArrivalRecord {
        let (counts, latencies) = self.track.finish(now_us);
        ArrivalRecord {
            seen: self.seen,
            slowest: self.slowest,
            latencies,
            offset: self.offset,
            counts,
            warm_up: self.warm_up,
        }
    }
}

/// What was read from the stream over the whole run. Adds up (`merge`).
#[derive(Debug, Clone, Default)]
pub struct ArrivalRecord {
    /// Readings seen.
    pub seen: Readings,
    /// Whose took longest, end to end.
    pub slowest: SlowestDevices,
    /// Whole-run latencies of the reading stages, and captures that met here.
    pub latencies: Latencies,
    /// What causality says of the services' clock against ours, warm-up included.
    pub offset: OffsetBounds,
    /// Counts of measured readings.
    pub counts: Counts,
    /// Counts of warm-up readings.
    pub warm_up: WarmUp,
}

impl ArrivalRecord {
    /// Adds what another reader recorded of other shards.
    ///
    /// Readings seen by both are one reading in [`Self::seen`] and two in the
    /// counts; a reader for each shard, and each shard read once, gives none.
    pub fn merge(&mut self, other: &ArrivalRecord) {
        self.seen.merge(&other.seen);
        self.slowest.merge(&other.slowest);
        self.latencies.merge(&other.latencies);
        self.offset.merge(other.offset);
        self.counts.merge(&other.counts);
        self.warm_up.merge(&other.warm_up);
    }
}
