//! Why a question has no answer.

/// Why numbers given to this room allow no conclusion.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StatsError {
    /// Fewer values than the method needs.
    #[error("{what} needs at least {needed} values and was given {found}")]
    TooFew {
        /// What was asked for.
        what: &'static str,
        /// The fewest values it works with.
        needed: usize,
        /// How many there were.
        found: usize,
    },
    /// A value is infinite or not a number, or so large that its square is.
    #[error("{what} needs finite values, and one is not, or is too large to square")]
    NotFinite {
        /// What was asked for.
        what: &'static str,
    },
    /// All values are the same, so that nothing can be said of how they vary.
    #[error("{what} needs values that vary, and all {found} are the same")]
    Constant {
        /// What was asked for.
        what: &'static str,
        /// How many there were.
        found: usize,
    },
    /// One run a side, with nothing known of how it varies.
    #[error(
        "one run a side shows no spread between runs; give several runs, or the seconds of each"
    )]
    NoSpread,
    /// A setting outside its range.
    #[error("{name} is {value}; it must be {wanted}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What it may be.
        wanted: &'static str,
    },
}

/// That `values` are as many as `what` needs, and finite.
pub(super) fn check(what: &'static str, needed: usize, values: &[f64]) -> Result<(), StatsError> {
    if values.len() < needed {
        return Err(StatsError::TooFew {
            what,
            needed,
            found: values.len(),
        });
    }
    if values.iter().all(|value| value.is_finite()) {
        Ok(())
    } else {
        Err(StatsError::NotFinite { what })
    }
}

/// That a setting named `name` lies within `range`, both ends excluded.
pub(super) fn between(
    name: &'static str,
    value: f64,
    range: std::ops::Range<f64>,
    wanted: &'static str,
) -> Result<(), StatsError> {
    if value > range.start && value < range.end {
        Ok(())
    } else {
        Err(StatsError::Setting {
            name,
            value,
            wanted,
        })
    }
}
