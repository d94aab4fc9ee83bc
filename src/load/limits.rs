//! What held batches back, and for how long.

/// For how long each of a worker's bounds held batches back that were ready to
/// leave. Adds up over workers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// All in-flight slots were taken.
    pub slots_bound_us: u64,
    /// The ceiling on catching up.
    pub catch_up_bound_us: u64,
    /// The ceiling on write units.
    pub write_units_bound_us: u64,
}

impl Limits {
    /// Adds another worker's.
    pub fn merge(&mut self, other: &Limits) {
        self.slots_bound_us += other.slots_bound_us;
        self.catch_up_bound_us += other.catch_up_bound_us;
        self.write_units_bound_us += other.write_units_bound_us;
    }
}

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
}

impl BoundMeter {
    pub(super) fn new(now_us: u64) -> Self {
        Self {
            limits: Limits::default(),
            bound: Bound::Nothing,
            since_us: now_us,
        }
    }

    /// From `now_us` on, `bound` is what holds batches back.
    pub(super) fn set(&mut self, now_us: u64, bound: Bound) {
        let held_us = now_us.saturating_sub(self.since_us);
        match self.bound {
            Bound::Nothing => {}
            Bound::Slots => self.limits.slots_bound_us += held_us,
            Bound::CatchUp => self.limits.catch_up_bound_us += held_us,
            Bound::WriteUnits => self.limits.write_units_bound_us += held_us,
        }
        self.bound = bound;
        self.since_us = now_us;
    }

    /// The times up to `now_us`.
    pub(super) fn read(&mut self, now_us: u64) -> Limits {
        self.set(now_us, self.bound);
        self.limits
    }
}
