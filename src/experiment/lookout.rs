//! Looking out for the first condition that a run can meet no more.

use std::time::Duration;

use crate::measure::Series;
use crate::report::{Condition, SoFar};

/// Sees each second of a run once it is complete.
#[derive(Debug)]
pub(super) struct Lookout<'a> {
    conditions: &'a [Condition],
    so_far: SoFar,
    /// Seconds of the series that were seen.
    seen: usize,
}

impl<'a> Lookout<'a> {
    /// For a run that measures so long, its busiest second at this rate.
    pub(super) fn new(conditions: &'a [Condition], peak_rate: f64, measure: Duration) -> Self {
        Self {
            conditions,
            so_far: SoFar::new(peak_rate, measure.as_secs_f64()),
            seen: 0,
        }
    }

    /// The first condition that is out of reach by what the series holds.
    pub(super) fn look(&mut self, series: &Series) -> Option<&'a Condition> {
        let seconds = series.seconds();
        for second in &seconds[self.seen..] {
            self.so_far.add(second);
        }
        self.seen = seconds.len();
        let so_far = &self.so_far;
        self.conditions.iter().find(|of| of.out_of_reach(so_far))
    }
}
