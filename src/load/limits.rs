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
    /// by slots, by the ceiling on write units, or by a machine that woke late.
    pub recovering_us: u64,
    /// The ceiling on write units.
    pub write_units_bound_us: u64,
    /// By how much timers rang late, where that is more than timers do by nature.
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

    /// Nothing that is due waits.
    pub(super) fn caught_up(&mut self, now_us: u64) {
        self.set(now_us, Bound::Nothing);
        self.is_behind = false;
    }

    /// A timer rang so late. Returns the time, where that is more than they do by
    /// nature, else 0.
    pub(super) fn rang(&mut self, late_us: u64) -> u64 {
        if late_us <= LATE_US {
            return 0;
        }
        self.limits.late_us += late_us;
        self.is_behind = true;
        late_us
    }

    /// A reading was dropped at `now_us`, the oldest that waits being due since then.
    pub(super) fn dropped(&mut self, now_us: u64, oldest_us: Option<u64>) {
        let waited_us = oldest_us.map_or(0, |us| now_us.saturating_sub(us));
        if waited_us < AT_ONCE_US {
            self.limits.overflowed += 1;
        }
    }

    /// The times up to `now_us`.
    pub(super) fn read(&mut self, now_us: u64) -> Limits {
        self.set(now_us, self.bound);
        self.limits
    }
}
