//! A token bucket in whole numbers.

/// Parts of a unit: a rate of one unit a second earns one part a microsecond,
/// so earning is a multiplication and loses nothing to rounding.
pub(super) const PARTS: i64 = 1_000_000;

/// Units that are earned at a rate, kept up to a capacity and spent.
///
/// What costs more than the capacity is affordable when the bucket is full and
/// leaves a debt: a record larger than a second's worth of bytes passes, and
/// the shard's average holds all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    /// Parts a microsecond.
    rate: i64,
    /// Parts.
    capacity: i64,
    /// Parts; below zero after a large spending.
    level: i64,
}

fn parts(units: u64) -> i64 {
    i64::try_from(units)
        .unwrap_or(i64::MAX)
        .saturating_mul(PARTS)
}

impl Bucket {
    /// A bucket that holds what it earns in `burst_ms`, at least a unit, and has
    /// what it earns in `saved_ms`.
    pub(super) fn new(rate_per_s: u32, burst_ms: u32, saved_ms: u32) -> Self {
        let rate = i64::from(rate_per_s.max(1));
        let earned = |ms: u32| rate.saturating_mul(i64::from(ms) * 1000);
        let capacity = earned(burst_ms).max(PARTS);
        Self {
            rate,
            capacity,
            level: earned(saved_ms).min(capacity),
        }
    }

    /// A full one.
    pub(super) fn full(rate_per_s: u32, burst_ms: u32) -> Self {
        Self::new(rate_per_s, burst_ms, u32::MAX)
    }

    /// Earns for a time.
    #[inline]
    pub(super) fn earn(&mut self, elapsed_us: u64) {
        self.earn_beyond(elapsed_us);
        self.spill();
    }

    /// Earns for a time in which what is spent next was spent steadily, so that
    /// the capacity binds only afterwards: see [`Self::spill`].
    #[inline]
    pub(super) fn earn_beyond(&mut self, elapsed_us: u64) {
        let elapsed = i64::try_from(elapsed_us).unwrap_or(i64::MAX);
        self.level = self.level.saturating_add(elapsed.saturating_mul(self.rate));
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.level >= self.capacity
    }

    /// Loses what the bucket cannot keep.
    #[inline]
    pub(super) fn spill(&mut self) {
        self.level = self.level.min(self.capacity);
    }

    #[inline]
    pub(super) fn affords(&self, units: u64) -> bool {
        self.level >= parts(units).min(self.capacity)
    }

    #[inline]
    pub(super) fn spend(&mut self, units: u64) {
        self.level = self.level.saturating_sub(parts(units));
    }

    /// How often `units` can be spent one after another.
    pub(super) fn times(&self, units: u64) -> u64 {
        let cost = parts(units);
        if cost == 0 {
            u64::MAX
        } else if cost > self.capacity {
            u64::from(self.level >= self.capacity)
        } else {
            (self.level / cost).max(0) as u64
        }
    }

    /// Whole units that can be spent.
    pub(super) fn units(&self) -> u64 {
        (self.level / PARTS).max(0) as u64
    }

    /// How long until `units` can be spent in all, if nothing is spent before.
    /// The capacity does not bind: meant for a queue, which spends steadily.
    pub(super) fn earns_in_us(&self, units: u64) -> u64 {
        let missing = parts(units).saturating_sub(self.level).max(0);
        (missing as u64).div_ceil(self.rate as u64)
    }

    /// How long until [`Self::affords`] is true.
    pub(super) fn affords_in_us(&self, units: u64) -> u64 {
        let missing = parts(units).min(self.capacity).saturating_sub(self.level);
        (missing.max(0) as u64).div_ceil(self.rate as u64)
    }

    /// How long until a debt is paid.
    pub(super) fn solvent_in_us(&self) -> u64 {
        (self.level.min(0).unsigned_abs()).div_ceil(self.rate as u64)
    }

    /// Units a second.
    pub(super) fn rate_per_s(&self) -> u64 {
        self.rate as u64
    }
}
