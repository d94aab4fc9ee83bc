//! What held batches back, and for how long.

/// For how long each of a worker's bounds held batches back that were ready to
/// leave. Adds up over workers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// All in-flight slots were taken.
    pub slots_bound_us: u64,
    /// The ceiling on catching up.
    pub catch_up_bound_us: u64,
    /// Of that, while what was made up for had been held back by something else:
    /// by slots, by the ceiling on write units, by a machine that woke late, or by a
    /// target that took no readings, so that they came back.
    pub recovering_us: u64,
    /// The ceiling on write units.
    pub write_units_bound_us: u64,
    /// For how long batches that were due were held back by timers that rang late, where
    /// that is more than timers do by nature.
    pub late_us: u64,
    /// Readings that were dropped because more fell due at once than may wait.
    pub overflowed: u64,
}

impl Limits {
    /// Adds another worker's.
    pub fn merge(&mut self, other: &Limits) {
        self.slots_bound_us += other.slots_bound_us;
        self.catch_up_bound_us += other.catch_up_bound_us;
        self.recovering_us += other.recovering_us;
        self.write_units_bound_us += other.write_units_bound_us;
        self.late_us += other.late_us;
        self.overflowed += other.overflowed;
    }
}

/// A timer that rings later than this was held up.
const LATE_US: u64 = 5_000;

/// Whether a timer that rings so late was held up.
pub(super) fn is_late(late_us: u64) -> bool {
    late_us > LATE_US
}

/// A queue whose oldest reading has waited for less than this was filled by
/// readings that fell due together, and not by a lack of anything.
const AT_ONCE_US: u64 = 500_000;

/// What holds a ready batch back at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    Nothing,
    Slots,
    CatchUp,
    WriteUnits,
}

/// Adds up for how long which bound held.
#[derive(Debug)]
pub(super) struct BoundMeter {
    limits: Limits,
    bound: Bound,
    since_us: u64,
    /// The load is behind its schedule for something other than the ceiling on
    /// catching up.
    is_behind: bool,
}

impl BoundMeter {
    pub(super) fn new(now_us: u64) -> Self {
        Self {
            limits: Limits::default(),
            bound: Bound::Nothing,
            since_us: now_us,
            is_behind: false,
        }
    }

    /// What holds batches back.
    pub(super) fn bound(&self) -> Bound {
        self.bound
    }

    /// From `now_us` on, `bound` is what holds batches back.
    pub(super) fn set(&mut self, now_us: u64, bound: Bound) {
        let held_us = now_us.saturating_sub(self.since_us);
        match self.bound {
            Bound::Nothing => {}
            Bound::Slots => self.limits.slots_bound_us += held_us,
            Bound::CatchUp => {
                self.limits.catch_up_bound_us += held_us;
                if self.is_behind {
                    self.limits.recovering_us += held_us;
                }
            }
            Bound::WriteUnits => self.limits.write_units_bound_us += held_us,
        }
        self.is_behind |= matches!(bound, Bound::Slots | Bound::WriteUnits);
        self.bound = bound;
        self.since_us = now_us;
    }

    /// Nothing that is due waits; `to_come_again`: readings wait to be sent again.
    pub(super) fn caught_up(&mut self, now_us: u64, to_come_again: bool) {
        self.set(now_us, Bound::Nothing);
        self.is_behind &= to_come_again;
    }

    /// Readings that were sent come back to be sent again.
    pub(super) fn came_back(&mut self) {
        self.is_behind = true;
    }

    /// A batch that was due was held back for so long by a timer that rang late.
    pub(super) fn woken_late(&mut self, held_us: u64) {
        if is_late(held_us) && self.bound == Bound::Nothing {
            self.limits.late_us += held_us;
            self.is_behind = true;
        }
    }

    /// A reading was dropped at `now_us`, the oldest that waits being due since then.
    pub(super) fn dropped(&mut self, now_us: u64, oldest_us: Option<u64>) {
        let waited_us = oldest_us.map_or(0, |us| now_us.saturating_sub(us));
        if waited_us < AT_ONCE_US {
            self.limits.overflowed += 1;
        }
    }

    /// Measuring begins: what held back the warm-up is measured nowhere.
    pub(super) fn begin(&mut self, now_us: u64) {
        self.set(now_us, self.bound);
        self.limits = Limits::default();
    }

    /// The times up to `now_us`.
    pub(super) fn read(&mut self, now_us: u64) -> Limits {
        self.set(now_us, self.bound);
        self.limits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn making_up_for_what_came_back_is_not_the_ceilings_doing() {
        let mut meter = BoundMeter::new(0);
        meter.set(0, Bound::CatchUp);
        meter.set(10_000, Bound::Nothing);
        meter.came_back();
        // The rest of what came back still waits for its pause to end.
        meter.caught_up(20_000, true);
        meter.set(20_000, Bound::CatchUp);
        meter.caught_up(50_000, false);
        meter.set(50_000, Bound::CatchUp);
        let limits = meter.read(57_000);
        assert_eq!(limits.catch_up_bound_us, 47_000);
        assert_eq!(limits.recovering_us, 30_000);
    }

    #[test]
    fn a_timer_is_late_where_a_batch_waited_for_it_and_for_nothing_else() {
        let mut meter = BoundMeter::new(0);
        meter.woken_late(LATE_US);
        meter.woken_late(9_000);
        meter.set(0, Bound::Slots);
        meter.woken_late(80_000);
        assert_eq!(meter.read(0).late_us, 9_000);
    }
}
