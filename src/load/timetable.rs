//! When what is scheduled is due, for runs whose rate is changed on the way.
//!
//! A fleet's schedule is fixed from its seed. Going faster, slower or pausing
//! changes no schedule but the time it is read by: the schedule's own runs at a
//! multiple of the clock's, from the moment of a change on. What stands in a
//! reading's id is the moment by the clock at which it is due by then, so that a
//! pause makes nothing late: while it lasts nothing is due.
//!
//! A change is made for a moment that is still to come, so that every worker
//! knows of it by then and all go by the same times. Until the first change a
//! worker pays for this with one atomic read a turn and one test a reading.

use crate::sync::locked;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Factors are whole thousandths: the way there and back is then exact.
const UNIT: u64 = 1_000;

/// The fastest factor.
const MOST: f64 = 1_000.0;

/// From a moment on, the schedule runs at this multiple of the clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TempoChange {
    /// The moment, in microseconds since the Unix epoch.
    pub at_us: u64,
    /// The multiple: 1 is as it was asked for, 0 a pause.
    pub factor: f64,
}

/// The changes of a run, shared by its workers and whoever makes them.
#[derive(Debug, Clone, Default)]
pub struct Timetable(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// How many changes there are: what workers look at.
    generation: AtomicU64,
    /// Locked by a worker only when there is a change it has not seen.
    legs: Mutex<Vec<Leg>>,
}

/// From a change to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Leg {
    /// When it begins by the clock.
    at_us: u64,
    /// When it begins by the schedule.
    scheduled_us: u64,
    /// Thousandths of the clock's speed.
    thousandths: u64,
}

impl Leg {
    fn scheduled_us(&self, clock_us: u64) -> u64 {
        let passed = u128::from(clock_us.saturating_sub(self.at_us));
        let scheduled = passed * u128::from(self.thousandths) / u128::from(UNIT);
        self.scheduled_us
            .saturating_add(u64::try_from(scheduled).unwrap_or(u64::MAX))
    }

    fn clock_us(&self, scheduled_us: u64) -> u64 {
        if self.thousandths == 0 {
            return u64::MAX;
        }
        let ahead = u128::from(scheduled_us.saturating_sub(self.scheduled_us));
        let passed = (ahead * u128::from(UNIT)).div_ceil(u128::from(self.thousandths));
        self.at_us
            .saturating_add(u64::try_from(passed).unwrap_or(u64::MAX))
    }
}

impl Timetable {
    /// From `at_us` (microseconds since the Unix epoch) on, the schedule runs at
    /// `factor` times the clock: 0 to 1,000, in thousandths. A moment before the
    /// last change's is taken as that.
    pub fn change(&self, at_us: u64, factor: f64) {
        let mut legs = locked(&self.0.legs);
        let at_us = legs.last().map_or(at_us, |last| last.at_us.max(at_us));
        let scheduled_us = legs.last().map_or(at_us, |last| last.scheduled_us(at_us));
        let factor = if factor.is_finite() { factor } else { 1.0 };
        legs.push(Leg {
            at_us,
            scheduled_us,
            thousandths: (factor.clamp(0.0, MOST) * UNIT as f64).round() as u64,
        });
        let generation = legs.len() as u64;
        self.0.generation.store(generation, Ordering::Release);
    }

    /// All changes, in order.
    #[must_use]
    pub fn changes(&self) -> Vec<TempoChange> {
        let legs = locked(&self.0.legs);
        let changes = legs.iter().map(|leg| TempoChange {
            at_us: leg.at_us,
            factor: leg.thousandths as f64 / UNIT as f64,
        });
        changes.collect()
    }
}

/// A worker's copy of the changes it knows of.
#[derive(Debug)]
pub(super) struct Course {
    timetable: Timetable,
    generation: u64,
    legs: Vec<Leg>,
}

impl Course {
    pub(super) fn new(timetable: Timetable) -> Self {
        Self {
            timetable,
            generation: 0,
            legs: Vec::new(),
        }
    }

    /// Takes in what was changed; whether anything was.
    pub(super) fn refresh(&mut self) -> bool {
        let shared = &self.timetable.0;
        let generation = shared.generation.load(Ordering::Acquire);
        if generation == self.generation {
            return false;
        }
        self.generation = generation;
        let legs = locked(&shared.legs);
        self.legs.clone_from(&legs);
        true
    }

    /// Whether nothing was ever changed.
    pub(super) fn is_plain(&self) -> bool {
        self.legs.is_empty()
    }

    /// The latest factor, in force or soon.
    pub(super) fn factor(&self) -> f64 {
        let last = self.legs.last();
        last.map_or(1.0, |leg| leg.thousandths as f64 / UNIT as f64)
    }

    /// Up to where the schedule is due when the clock shows `clock_us`.
    pub(super) fn scheduled_us(&self, clock_us: u64) -> u64 {
        let mut legs = self.legs.iter().rev();
        let leg = legs.find(|leg| leg.at_us <= clock_us);
        leg.map_or(clock_us, |leg| leg.scheduled_us(clock_us))
    }

    /// What the clock shows when what is scheduled for `scheduled_us` is due;
    /// the end of time while that is not in sight.
    pub(super) fn clock_us(&self, scheduled_us: u64) -> u64 {
        let mut legs = self.legs.iter().rev();
        let leg = legs.find(|leg| leg.scheduled_us < scheduled_us);
        leg.map_or(scheduled_us, |leg| leg.clock_us(scheduled_us))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn course(changes: &[(u64, f64)]) -> Course {
        let timetable = Timetable::default();
        for (at_us, factor) in changes {
            timetable.change(*at_us, *factor);
        }
        let mut course = Course::new(timetable);
        course.refresh();
        course
    }

    #[test]
    fn a_pause_moves_what_comes_after_it_and_nothing_before() {
        let course = course(&[(100, 0.0), (150, 1.0)]);
        for (scheduled_us, clock_us) in [(99, 99), (100, 100), (101, 151), (200, 250)] {
            assert_eq!(course.clock_us(scheduled_us), clock_us);
        }
        assert_eq!(course.scheduled_us(149), 100);
    }

    #[test]
    fn what_is_paused_for_good_is_never_due() {
        let course = course(&[(100, 0.5), (200, 0.0)]);
        assert_eq!(course.clock_us(150), 200);
        assert_eq!(course.clock_us(151), u64::MAX);
        assert_eq!(course.scheduled_us(u64::MAX), 150);
    }

    #[test]
    fn a_course_learns_of_each_change_once_and_factors_have_bounds() {
        let timetable = Timetable::default();
        let mut course = Course::new(timetable.clone());
        assert!(!course.refresh() && course.is_plain());
        for (factor, kept) in [(1.1, 1.1), (-3.0, 0.0), (f64::NAN, 1.0), (1e9, 1_000.0)] {
            timetable.change(7, factor);
            assert!(course.refresh() && !course.refresh());
            assert_eq!(course.factor(), kept);
        }
        // A change cannot come before the one before it.
        timetable.change(3, 1.0);
        let at: Vec<u64> = timetable.changes().iter().map(|of| of.at_us).collect();
        assert_eq!(at, [7, 7, 7, 7, 7]);
    }

    proptest! {
        /// What is due by the schedule is due by the clock, and the other way
        /// round; and nothing overtakes.
        #[test]
        fn both_ways_agree_and_keep_the_order(
            changes in prop::collection::vec((0_u64..1_000, 0_u64..4_000), 0..6),
            scheduled_us in 0_u64..5_000,
            clock_us in 0_u64..5_000,
        ) {
            let mut at_us = 0;
            let changes: Vec<(u64, f64)> = changes
                .into_iter()
                .map(|(after_us, thousandths)| {
                    at_us += after_us;
                    (at_us, thousandths as f64 / 1e3)
                })
                .collect();
            let course = course(&changes);
            let due = scheduled_us <= course.scheduled_us(clock_us);
            prop_assert_eq!(due, course.clock_us(scheduled_us) <= clock_us);
            prop_assert!(course.clock_us(scheduled_us) <= course.clock_us(scheduled_us + 1));
            prop_assert!(course.scheduled_us(clock_us) <= course.scheduled_us(clock_us + 1));
        }
    }
}
