//! A range of values that data allow.

/// From `low` to `high`, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lowest value.
    pub low: f64,
    /// The highest value, not below `low`.
    pub high: f64,
}

impl Interval {
    /// `half_width` on either side of `centre`.
    pub(super) fn around(centre: f64, half_width: f64) -> Self {
        Self {
            low: centre - half_width,
            high: centre + half_width,
        }
    }

    /// Whether `value` lies in it.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Whether all of it lies at most `bound` away from zero.
    #[must_use]
    pub fn within(&self, bound: f64) -> bool {
        -bound <= self.low && self.high <= bound
    }

    /// From the lower of both lows to the higher of both highs.
    #[must_use]
    pub fn and(&self, other: Self) -> Self {
        Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
        }
    }

    /// Half of its length.
    #[must_use]
    pub fn half_width(&self) -> f64 {
        (self.high - self.low) / 2.0
    }
}
