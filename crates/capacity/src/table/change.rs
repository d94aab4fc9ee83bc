//! What may be changed in a table's capacity, and why a change is refused.

use thiserror::Error;

use super::throttle::Direction;

/// Write and read units, of a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Units {
    /// Write units: 1 KB of an item each.
    pub write: u64,
    /// Read units: a consistent read of 4 KB each.
    pub read: u64,
}

impl Units {
    /// The part of one direction.
    #[must_use]
    pub fn of(self, direction: Direction) -> u64 {
        match direction {
            Direction::Write => self.write,
            Direction::Read => self.read,
        }
    }

    /// Both parts, each the larger of the two.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            write: self.write.max(other.write),
            read: self.read.max(other.read),
        }
    }

    pub(super) fn with(mut self, direction: Direction, units: u64) -> Self {
        match direction {
            Direction::Write => self.write = units,
            Direction::Read => self.read = units,
        }
        self
    }
}

/// How a table's capacity is set: AWS's billing mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// So many units a second, at least one of each, and saved burst.
    Provisioned(Units),
    /// What traffic has made it.
    OnDemand,
}

/// An `OnDemandThroughput`: the most units a second an on-demand table takes;
/// without one, what it has grown to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maximum {
    /// Of write units.
    pub write: Option<u64>,
    /// Of read units.
    pub read: Option<u64>,
}

/// What a table is made with: CreateTable's part in capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The capacity mode.
    pub mode: Mode,
    /// A warm throughput above what the mode gives by itself.
    pub warm: Option<Units>,
    /// Kept, but without effect, while the table is provisioned.
    pub maximum: Maximum,
}

impl Settings {
    /// Provisioned with so many units, and nothing else said.
    #[must_use]
    pub fn provisioned(write: u64, read: u64) -> Self {
        Self::of(Mode::Provisioned(Units { write, read }))
    }

    /// On demand, and nothing else said.
    #[must_use]
    pub fn on_demand() -> Self {
        Self::of(Mode::OnDemand)
    }

    fn of(mode: Mode) -> Self {
        Self {
            mode,
            warm: None,
            maximum: Maximum::default(),
        }
    }

    /// The same with a warm throughput.
    #[must_use]
    pub fn warmed(self, write: u64, read: u64) -> Self {
        let warm = Some(Units { write, read });
        Self { warm, ..self }
    }
}

/// One UpdateTable. What is none stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Another mode, or other provisioned units.
    pub mode: Option<Mode>,
    /// A higher warm throughput.
    pub warm: Option<Units>,
    /// Another maximum for on-demand.
    pub maximum: Option<Maximum>,
}

impl Change {
    /// A change to so many provisioned units.
    #[must_use]
    pub fn provisioned(write: u64, read: u64) -> Self {
        Self {
            mode: Some(Mode::Provisioned(Units { write, read })),
            ..Self::default()
        }
    }
}

/// A change that was accepted; the table is `UPDATING` until it takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingChange {
    /// What was accepted.
    pub change: Change,
    /// When it takes effect, in microseconds since the Unix epoch.
    pub effective_us: u64,
}

/// Why settings or a change are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// An earlier change has not taken effect.
    #[error("the table is being updated until {until_us} us after the epoch: ask again after that")]
    InUse {
        /// When that is over, in microseconds since the Unix epoch.
        until_us: u64,
    },
    /// The units asked for are those there are.
    #[error("the provisioned throughput for the table would not change: ask for another value")]
    Unchanged,
    /// Zero units.
    #[error("{direction:?} units of 0 were asked for: ask for 1 or more")]
    Zero {
        /// Of which direction.
        direction: Direction,
    },
    /// A warm throughput below the present one.
    #[error(
        "a warm throughput of {asked} {direction:?} units was asked for, the table has {warm} and \
         never less again: ask for more"
    )]
    Colder {
        /// Of which direction.
        direction: Direction,
        /// What was asked for.
        asked: u64,
        /// What the table has.
        warm: u64,
    },
    /// More than one table may have.
    #[error(
        "{asked} {direction:?} units a second were asked for, the quota for a table is {quota}: \
         ask for less, or have the quota raised"
    )]
    TableQuota {
        /// Of which direction.
        direction: Direction,
        /// What was asked for.
        asked: u64,
        /// What a table may have.
        quota: u64,
    },
    /// More than all the provisioned tables of an account may have.
    #[error(
        "{asked} {direction:?} units a second were asked for and {elsewhere} are provisioned for \
         other tables, the account's quota is {quota}: ask for less, or have the quota raised"
    )]
    AccountQuota {
        /// Of which direction.
        direction: Direction,
        /// What was asked for.
        asked: u64,
        /// What other tables have.
        elsewhere: u64,
        /// What they may have together.
        quota: u64,
    },
    /// Too many decreases of provisioned units in this UTC day.
    #[error(
        "provisioned throughput was decreased {today} times in this UTC day: the next decrease \
         can be made at {next_us} us after the epoch"
    )]
    Decreases {
        /// Decreases made today.
        today: u32,
        /// When the next is allowed, in microseconds since the Unix epoch.
        next_us: u64,
    },
    /// Too many switches from provisioned to on-demand in 24 hours.
    #[error(
        "the table was switched to on-demand too often in 24 hours: it can be again at {next_us} \
         us after the epoch"
    )]
    Switches {
        /// When that is, in microseconds since the Unix epoch.
        next_us: u64,
    },
}

impl Refusal {
    /// The refusal by a clock that goes so many times slower.
    pub(super) fn at_pace(self, pace: u64) -> Self {
        match self {
            Self::Decreases { today, next_us } => Self::Decreases {
                today,
                next_us: next_us.div_ceil(pace),
            },
            Self::Switches { next_us } => Self::Switches {
                next_us: next_us.div_ceil(pace),
            },
            other => other,
        }
    }

    /// The exception AWS answers UpdateTable or CreateTable with.
    #[must_use]
    pub fn exception(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "ResourceInUseException",
            Self::Unchanged | Self::Zero { .. } | Self::Colder { .. } => "ValidationException",
            Self::TableQuota { .. }
            | Self::AccountQuota { .. }
            | Self::Decreases { .. }
            | Self::Switches { .. } => "LimitExceededException",
        }
    }
}
