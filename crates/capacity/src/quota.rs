//! Quotas: what a table and an account may ask for, and how often.
//!
//! From <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html>
//! and, for mode switches,
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/switching.capacitymode.html>.
//! Increases are not limited; decreases are counted by the UTC day, switches to
//! on-demand by a rolling one.

use super::table::{Direction, Refusal, Units};

const HOUR_US: u64 = 3_600_000_000;
const DAY_US: u64 = 24 * HOUR_US;

/// Decreases of provisioned units that a UTC day has at any time.
pub const FREE_DECREASES: u32 = 4;
/// All decreases a UTC day can have: the four, and one for each further hour.
pub const MOST_DECREASES: u32 = 27;
/// Switches from provisioned to on-demand in 24 hours. The way back is free.
pub const MOST_SWITCHES: usize = 4;

/// Units a second that may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// For one table, in both modes.
    pub table: Units,
    /// For all provisioned tables of an account in a Region.
    pub account: Units,
}

impl Default for Quotas {
    /// What an account has in most Regions unless it asked for more: 40,000 of
    /// each for a table, 80,000 for the account.
    fn default() -> Self {
        let both = |units| Units {
            write: units,
            read: units,
        };
        Self {
            table: both(40_000),
            account: both(80_000),
        }
    }
}

impl Quotas {
    /// Refuses more than a table may have.
    pub fn check_table(&self, asked: Units) -> Result<(), Refusal> {
        for direction in [Direction::Write, Direction::Read] {
            let (asked, quota) = (asked.of(direction), self.table.of(direction));
            if asked > quota {
                return Err(Refusal::TableQuota {
                    direction,
                    asked,
                    quota,
                });
            }
        }
        Ok(())
    }

    /// Refuses provisioned units that, with those of the account's other
    /// tables, are more than the account may have.
    pub fn check_account(&self, asked: Units, elsewhere: Units) -> Result<(), Refusal> {
        for direction in [Direction::Write, Direction::Read] {
            let (asked, elsewhere) = (asked.of(direction), elsewhere.of(direction));
            let quota = self.account.of(direction);
            if asked.saturating_add(elsewhere) > quota {
                return Err(Refusal::AccountQuota {
                    direction,
                    asked,
                    elsewhere,
                    quota,
                });
            }
        }
        Ok(())
    }
}

/// The decreases of one table.
///
/// Four at any time of a UTC day; after them one whenever the last is an hour
/// past. That is 27 a day at most. An UpdateTable that decreases both writes
/// and reads counts once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decreases {
    day: u64,
    today: u32,
    last_us: u64,
}

impl Decreases {
    /// Whether a decrease is allowed at this time.
    pub fn check(&self, now_us: u64) -> Result<(), Refusal> {
        let today = self.today(now_us);
        if today < FREE_DECREASES {
            return Ok(());
        }
        let next_day_us = (now_us / DAY_US + 1).saturating_mul(DAY_US);
        let next_us = if today < MOST_DECREASES {
            self.last_us.saturating_add(HOUR_US).min(next_day_us)
        } else {
            next_day_us
        };
        if now_us >= next_us {
            return Ok(());
        }
        Err(Refusal::Decreases { today, next_us })
    }

    /// Counts a decrease made at this time.
    pub fn count(&mut self, now_us: u64) {
        self.today = self.today(now_us) + 1;
        self.day = now_us / DAY_US;
        self.last_us = now_us;
    }

    /// Decreases made in the UTC day of this time.
    #[must_use]
    pub fn today(&self, now_us: u64) -> u32 {
        if self.day == now_us / DAY_US {
            self.today
        } else {
            0
        }
    }
}

/// The switches of one table from provisioned to on-demand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Switches {
    /// When the last were, the oldest first.
    at_us: [Option<u64>; MOST_SWITCHES],
}

impl Switches {
    /// Whether a switch is allowed at this time.
    pub fn check(&self, now_us: u64) -> Result<(), Refusal> {
        match self.at_us[0] {
            Some(oldest_us) if now_us < oldest_us.saturating_add(DAY_US) => {
                Err(Refusal::Switches {
                    next_us: oldest_us.saturating_add(DAY_US),
                })
            }
            _ => Ok(()),
        }
    }

    /// Counts a switch made at this time.
    pub fn count(&mut self, now_us: u64) {
        self.at_us.rotate_left(1);
        self.at_us[MOST_SWITCHES - 1] = Some(now_us);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const MIDNIGHT_US: u64 = 19_919 * DAY_US;

    /// Decreases as often as allowed, tried every minute of a day.
    fn made_in_a_day(decreases: &mut Decreases, day_us: u64) -> u32 {
        let mut made = 0;
        for minute in 0..24 * 60 {
            let now_us = day_us + minute * 60_000_000;
            while decreases.check(now_us).is_ok() {
                decreases.count(now_us);
                made += 1;
            }
        }
        made
    }

    #[test]
    fn a_utc_day_has_four_decreases_at_once_and_27_in_all() {
        let mut decreases = Decreases::default();
        for _ in 0..4 {
            assert_eq!(decreases.check(MIDNIGHT_US), Ok(()));
            decreases.count(MIDNIGHT_US);
        }
        let refusal = Refusal::Decreases {
            today: 4,
            next_us: MIDNIGHT_US + HOUR_US,
        };
        assert_eq!(decreases.check(MIDNIGHT_US + 1), Err(refusal));
        assert_eq!(decreases.check(MIDNIGHT_US + HOUR_US), Ok(()));
        let mut decreases = Decreases::default();
        assert_eq!(made_in_a_day(&mut decreases, MIDNIGHT_US), 27);
        assert_eq!(made_in_a_day(&mut decreases, MIDNIGHT_US + DAY_US), 27);
    }

    #[test]
    fn four_switches_to_on_demand_fit_into_any_24_hours() {
        let mut switches = Switches::default();
        for hour in [0, 1, 2, 20] {
            assert_eq!(switches.check(MIDNIGHT_US + hour * HOUR_US), Ok(()));
            switches.count(MIDNIGHT_US + hour * HOUR_US);
        }
        let next_us = MIDNIGHT_US + DAY_US;
        assert_eq!(
            switches.check(next_us - 1),
            Err(Refusal::Switches { next_us })
        );
        assert_eq!(switches.check(next_us), Ok(()));
        switches.count(next_us);
        assert!(switches.check(next_us).is_err());
    }

    #[test]
    fn quotas_name_what_was_asked_and_what_is_allowed() {
        let quotas = Quotas::default();
        let units = Units {
            write: 40_001,
            read: 1,
        };
        let refusal = quotas.check_table(units).unwrap_err();
        assert!(
            refusal.to_string().contains("40001 Write units"),
            "{refusal}"
        );
        assert_eq!(refusal.exception(), "LimitExceededException");
        let elsewhere = Units {
            write: 40_000,
            read: 0,
        };
        assert!(quotas.check_account(units, elsewhere).is_err());
        assert!(quotas.check_account(elsewhere, elsewhere).is_ok());
    }
}
