//! What happened in each second.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Counts, EncodedLatency, Interval, Intervals, Latencies, Latency, Stage};

/// Seconds of nothing that are filled in at most: a day. A clock that is off
/// by years must not fill the memory.
const LONGEST_SILENCE: usize = 86_400;

/// One second of a run, all recorders together.
#[derive(Debug, Clone, Default)]
pub struct Second {
    /// Seconds since measuring started; negative in the warm-up.
    pub second: i64,
    /// What happened in it. In the warm-up of warm-up readings, else of
    /// measured ones, so that seconds from 0 on add up to the ledger.
    pub counts: Counts,
    /// Latencies of what ended in it, for stages that have any.
    pub stages: Vec<SecondStage>,
}

/// Latencies of one stage in one second. The histogram is kept compressed,
/// about a kilobyte, so that hours of seconds fit in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondStage {
    /// Which stage.
    pub stage: Stage,
    /// Number of values.
    pub count: u64,
    /// Median, in microseconds.
    pub p50_us: i64,
    /// 99th percentile, in microseconds.
    pub p99_us: i64,
    /// Largest value, in microseconds.
    pub max_us: i64,
    /// All of them.
    pub encoded: EncodedLatency,
}

impl SecondStage {
    fn new(stage: Stage, latency: &Latency) -> Self {
        Self {
            stage,
            count: latency.count(),
            p50_us: latency.quantile_us(0.5),
            p99_us: latency.quantile_us(0.99),
            max_us: latency.max_us(),
            encoded: latency.encode(),
        }
    }
}

impl Second {
    /// The latencies of one stage; `None` when nothing of it ended in this second.
    #[must_use]
    pub fn stage(&self, stage: Stage) -> Option<&SecondStage> {
        self.stages.iter().find(|of| of.stage == stage)
    }

    /// Adds an interval that came after the second was thought complete.
    fn add_late(&mut self, interval: &Interval) {
        self.counts.merge(&interval.counts);
        for (stage, late) in interval.latencies.recorded() {
            let known = self.stages.iter().position(|of| of.stage == stage);
            let mut latency = known
                .and_then(|index| Latency::decode(&self.stages[index].encoded).ok())
                .unwrap_or_default();
            latency.merge(late);
            let of = SecondStage::new(stage, &latency);
            match known {
                Some(index) => self.stages[index] = of,
                None => self.stages.push(of),
            }
        }
    }
}

/// A second that some recorder may still add to.
#[derive(Debug, Clone, Default)]
struct Open {
    counts: Counts,
    latencies: Latencies,
}

/// The intervals of all recorders, merged second by second.
///
/// A second is complete once every recorder has published it or a later one.
/// Make all recorders before the run starts: one that joins later is counted,
/// but seconds before it may change after they were thought complete.
#[derive(Debug, Clone, Default)]
pub struct Series {
    complete: Vec<Second>,
    open: BTreeMap<i64, Open>,
    /// Up to which second each recorder has published.
    published: Vec<Option<i64>>,
    totals: Counts,
    spare: Vec<Latencies>,
}

impl Series {
    /// Takes in what recorders have published, waiting up to `patience` for
    /// the first interval. Call it at least every second or so; intervals wait
    /// in memory until then.
    pub fn collect(&mut self, intervals: &Intervals, patience: Duration) {
        intervals.receive(patience, |recorder, last, interval| {
            self.add(recorder, last, interval);
        });
        let recorders = self.published.len().max(intervals.recorders() as usize);
        self.published.resize(recorders, None);
        let horizon = self.published.iter().copied().min().flatten();
        while let Some(open) = self.open.first_entry()
            && horizon.is_some_and(|horizon| *open.key() <= horizon)
        {
            let (second, open) = open.remove_entry();
            self.complete(second, open);
        }
    }

    /// Takes in what is left when all recorders have finished; every second
    /// is complete after it.
    pub fn finish(&mut self, intervals: &Intervals) {
        self.collect(intervals, Duration::ZERO);
        while let Some((second, open)) = self.open.pop_first() {
            self.complete(second, open);
        }
    }

    fn add(&mut self, recorder: u32, last: bool, interval: &Interval) {
        let recorder = recorder as usize;
        if recorder >= self.published.len() {
            self.published.resize(recorder + 1, None);
        }
        self.published[recorder] = Some(if last { i64::MAX } else { interval.second });

        let known = self
            .complete
            .binary_search_by_key(&interval.second, |second| second.second);
        if let Ok(index) = known {
            self.complete[index].add_late(interval);
            if interval.second >= 0 {
                self.totals.extend(&interval.counts);
            }
            return;
        }
        let open = self.open.entry(interval.second).or_insert_with(|| Open {
            counts: Counts::default(),
            latencies: self.spare.pop().unwrap_or_default(),
        });
        open.counts.merge(&interval.counts);
        open.latencies.merge(&interval.latencies);
    }

    fn complete(&mut self, second: i64, mut open: Open) {
        // Seconds in which no recorder said anything (a stall of the whole
        // process) stand in the series too, as seconds of nothing.
        if let Some(previous) = self.complete.last().map(|previous| previous.second) {
            let silent = (previous.saturating_add(1)..second)
                .take(LONGEST_SILENCE)
                .map(|second| Second {
                    second,
                    ..Second::default()
                });
            self.complete.extend(silent);
        }
        let stages = open
            .latencies
            .recorded()
            .map(|(stage, latency)| SecondStage::new(stage, latency))
            .collect();
        if second >= 0 {
            self.totals.extend(&open.counts);
        }
        self.complete.push(Second {
            second,
            counts: open.counts,
            stages,
        });
        open.latencies.clear();
        self.spare.push(open.latencies);
    }

    /// The complete seconds, in order and without gaps (of less than a day).
    #[must_use]
    pub fn seconds(&self) -> &[Second] {
        &self.complete
    }

    /// The latest complete second, for a live display.
    #[must_use]
    pub fn latest(&self) -> Option<&Second> {
        self.complete.last()
    }

    /// What the complete seconds from 0 on add up to.
    #[must_use]
    pub fn totals(&self) -> &Counts {
        &self.totals
    }
}
