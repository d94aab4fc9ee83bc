//! Whether a condition is out of reach while the run still goes on.
//!
//! What was lost stays lost, and the schedule brings only so many readings more.
//! A condition is out of reach once no end of the run could meet it; a bad second
//! that the rest may still make good is no reason to end one.

use super::{Bound, Comparison, Condition, Counted, Figure, Moment};
use hrload_measure::{Counts, Latencies, Latency, Second, Stage};

/// What a run that still measures has come to.
#[derive(Debug, Clone)]
pub struct SoFar {
    /// Readings that the schedule brings in all, at most.
    most: f64,
    /// How long is measured, in seconds.
    measured_s: f64,
    counts: Counts,
    latencies: Latencies,
}

/// Standard deviations by which a random schedule may exceed its mean: once in
/// a billion runs.
const CHANCE: f64 = 6.0;

/// The relative width of a histogram's bins, at most.
const RESOLUTION: f64 = 0.002;

impl SoFar {
    /// A run of `measured_s` seconds in which nothing has happened yet, and at
    /// most `rate` readings a second become due on average.
    #[must_use]
    pub fn new(rate: f64, measured_s: f64) -> Self {
        let mean = rate * measured_s;
        Self {
            most: mean + CHANCE * mean.sqrt(),
            measured_s,
            counts: Counts::default(),
            latencies: Latencies::default(),
        }
    }

    /// Takes in a second that is complete. Seconds of the warm-up do not count.
    pub fn add(&mut self, second: &Second) {
        if second.second < 0 {
            return;
        }
        self.counts.extend(&second.counts);
        for of in &second.stages {
            // What was encoded in this process decodes.
            if let Ok(latency) = Latency::decode(&of.encoded) {
                self.latencies.add(of.stage, &latency);
            }
        }
    }

    /// Readings that will not come to the end of their way.
    fn lost(&self) -> f64 {
        (self.counts.failed + self.counts.dropped) as f64
    }

    /// Times an item was refused.
    fn refused(&self) -> f64 {
        let refused = self.counts.throttles.iter().map(|(_, count)| count.items);
        refused.sum::<u64>() as f64
    }
}

impl Condition {
    /// Whether the result will miss this condition however the run goes on.
    /// Never says so too early; conditions on what only the whole run tells
    /// (missing readings, dollars) are not known before its end.
    #[must_use]
    pub fn out_of_reach(&self, so_far: &SoFar) -> bool {
        match self.figure {
            Figure::Latency(stage, moment) => self.latency_is_lost(stage, moment, so_far),
            Figure::Count(counted) => self.count_is_lost(counted, so_far),
            Figure::Achieved => self.rate_is_lost(so_far),
            Figure::SendCpu => {
                let cpu_s = so_far.counts.send_cpu_us as f64 / 1e6;
                self.is_exceeded(cpu_s, so_far.measured_s)
            }
            Figure::Dollars(_) => false,
        }
    }

    /// Whether `least`, which only grows, is over the bound; of `most` at the
    /// run's end, where the bound is a share.
    fn is_exceeded(&self, least: f64, most: f64) -> bool {
        let bound = match self.bound {
            Bound::Absolute(bound) => bound,
            Bound::Share(share) => share * most,
        };
        match self.comparison {
            Comparison::Below => least >= bound && least > 0.0,
            Comparison::AtMost | Comparison::Equal => least > bound,
            Comparison::Above | Comparison::AtLeast => false,
        }
    }

    fn latency_is_lost(&self, stage: Stage, moment: Moment, so_far: &SoFar) -> bool {
        let Bound::Absolute(bound_s) = self.bound else {
            return false;
        };
        let latency = so_far.latencies.get(stage);
        match self.comparison {
            Comparison::Below | Comparison::AtMost => {}
            Comparison::Above | Comparison::AtLeast => {
                // Equal to the bound, by the histogram's resolution, counts as above.
                let below_us = (bound_s * 1e6 * (1.0 - RESOLUTION)) as i64 - 1;
                let below = latency.count_within_us(below_us);
                return match moment {
                    Moment::Min => below > 0,
                    Moment::Percentile(_) if stage == Stage::Attempt => false,
                    Moment::Percentile(percent) => below as f64 > percent / 100.0 * so_far.most,
                    // One that is slow enough may yet come.
                    Moment::Max | Moment::Mean => false,
                };
            }
            Comparison::Equal => return false,
        }
        // Equal to the bound, by the histogram's resolution, counts as within.
        let above = latency.count() - latency.count_within_us((bound_s * 1e6) as i64);
        match moment {
            Moment::Max => above > 0,
            // Calls are tried again without a limit that is known here.
            Moment::Percentile(_) | Moment::Mean if stage == Stage::Attempt => false,
            Moment::Percentile(percent) => above as f64 > (1.0 - percent / 100.0) * so_far.most,
            // Between two clocks a latency may be negative and mend the mean.
            Moment::Mean if stage.spans_clocks() => false,
            Moment::Mean => {
                latency.mean_us() / 1e6 * latency.count() as f64 > bound_s * so_far.most
            }
            // The next may be quicker.
            Moment::Min => false,
        }
    }

    fn count_is_lost(&self, counted: Counted, so_far: &SoFar) -> bool {
        let counts = &so_far.counts;
        let (least, most) = match counted {
            Counted::Lost => (so_far.lost(), so_far.most),
            Counted::Failed => (counts.failed as f64, so_far.most),
            Counted::Dropped => (counts.dropped as f64, so_far.most),
            Counted::Duplicates => (counts.duplicates as f64, so_far.most),
            Counted::Reordered => (counts.reordered as f64, so_far.most),
            Counted::Throttled => (so_far.refused(), so_far.most + so_far.refused()),
            // What is missing may only be late, and what was seen without an
            // acknowledgement may still get one.
            Counted::Missing
            | Counted::SeenUnacknowledged
            | Counted::LakeMissing
            | Counted::LakeDuplicates => return false,
            // Until the end nothing is cut off.
            Counted::CutOff => return false,
        };
        self.is_exceeded(least, most)
    }

    fn rate_is_lost(&self, so_far: &SoFar) -> bool {
        let most_acknowledged = so_far.most - so_far.lost();
        let (most, bound) = match self.bound {
            Bound::Absolute(bound) => (most_acknowledged / so_far.measured_s, bound),
            Bound::Share(share) => (most_acknowledged / so_far.most, share),
        };
        match self.comparison {
            Comparison::AtLeast => most < bound,
            Comparison::Above => most <= bound && so_far.lost() > 0.0,
            Comparison::Below | Comparison::AtMost | Comparison::Equal => false,
        }
    }
}
