//! A DynamoDB table's capacity: what it admits, what it refuses, how it grows.
//!
//! In go operations (a time, the hash of a key, units) or whole stretches of
//! demand, changes of the settings, and the time; out come admissions,
//! [`Throttle`]s and figures. It knows no items, no requests and no prices, reads
//! no clock and takes no locks: its owner does.
//!
//! [`TableCapacity`] puts the machines together. Time drives it: before it
//! answers, it lets everything happen that was due by then, in order: a pending
//! change takes effect, a minute ends (peaks, heat and auto scaling are looked
//! at by the minute), a scaling action is asked for. A time before the last one
//! given counts as the last one.
//!
//! | file | holds |
//! |---|---|
//! | `bucket` | the table's limit: a rate with saved capacity |
//! | `second` | a partition's limit: a sliding second |
//! | `side` | writes or reads: all limits an operation passes |
//! | `partition` | ranges of key hashes, how many, how they split |
//! | `passing` | what happens by itself as time passes |
//! | `on_demand` | warm throughput and how it grows |
//! | `change` | settings, changes, refusals |
//! | `figures` | what a table says of itself |
//! | `throttle` | what AWS says to a refused operation |
//! | `assumptions` | what AWS does not say |

mod assumptions;
mod bucket;
mod change;
mod figures;
mod on_demand;
mod partition;
mod passing;
mod second;
mod side;
#[cfg(test)]
mod tests;
mod throttle;

pub use assumptions::Assumptions;
pub use change::{Change, Maximum, Mode, PendingChange, Refusal, Settings, Units};
pub use figures::{Description, PartitionLoad};
pub use on_demand::NEW_TABLE;
pub use partition::{
    PARTITION_BYTES, PARTITION_CAP, partitions_for_provisioned, partitions_for_size,
    partitions_for_warm,
};
pub use side::Tally;
pub use throttle::{Direction, Exception, Scope, Throttle};

use super::quota::{Decreases, Quotas, Switches};
use super::scaling::{AutoScaling, ScalingAction};
use partition::KeySpace;
use side::Side;

/// Microseconds in a second; millionths in a unit.
const MICROS: u64 = 1_000_000;
const MINUTE_US: u64 = 60 * MICROS;

/// Times after this count as this, and operations of more units as of so many:
/// no sum can then overflow.
const END_OF_TIME_US: u64 = u64::MAX / 4;
const MOST_UNITS: u64 = 1 << 32;

const DIRECTIONS: [Direction; 2] = [Direction::Write, Direction::Read];

/// Demand of a stretch of time, in single units (half units for reads) that
/// come evenly over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand<'a> {
    /// Spread evenly over all keys.
    Even(u64),
    /// By equal parts of the hash space, in order: part `i` of `n` holds the
    /// hashes from `i * 2^64 / n` on. Powers of two are fastest. The parts stay
    /// the same when partitions split.
    Slices(&'a [u64]),
    /// Of one partition, by its place in [`TableCapacity::partitions`], spread
    /// evenly over its keys. Nothing is asked of a partition that is not there.
    Partition(usize, u64),
    /// Of one key, by its hash.
    Key(u64, u64),
}

/// The read and write capacity of one table.
#[derive(Clone, Debug, PartialEq)]
pub struct TableCapacity {
    assumptions: Assumptions,
    quotas: Quotas,
    mode: Mode,
    maximum: Maximum,
    space: KeySpace,
    /// Writes, then reads.
    sides: [Side; 2],
    scaling: [Option<AutoScaling>; 2],
    /// What auto scaling will ask for.
    wanted: [Option<ScalingAction>; 2],
    pending: Option<PendingChange>,
    decreases: Decreases,
    switches: Switches,
    /// Units provisioned for the account's other tables.
    elsewhere: Units,
    last_us: u64,
    minute_end_us: u64,
    /// When something happens by itself next.
    next_us: u64,
    /// Scratch: demand by partition.
    demand: Vec<u64>,
}

impl TableCapacity {
    /// A table made at `now_us`, or why it cannot be.
    pub fn new(
        settings: Settings,
        assumptions: Assumptions,
        quotas: Quotas,
        now_us: u64,
    ) -> Result<Self, Refusal> {
        let Settings {
            mode,
            warm,
            maximum,
        } = settings;
        check(&quotas, mode, warm, maximum, Units::default())?;
        let partitions = match mode {
            Mode::Provisioned(units) => partitions_for_provisioned(units),
            Mode::OnDemand => partitions_for_warm(NEW_TABLE),
        };
        let partitions = partitions.max(partitions_for_warm(warm.unwrap_or_default()));
        let space = KeySpace::even(partitions);
        let minute_end_us = assumptions.end_of_minute(now_us);
        let count = space.count();
        let mut table = Self {
            sides: DIRECTIONS.map(|side| Side::new(side, count, &assumptions, now_us)),
            assumptions,
            quotas,
            mode,
            maximum,
            space,
            scaling: [None, None],
            wanted: [None, None],
            pending: None,
            decreases: Decreases::default(),
            switches: Switches::default(),
            elsewhere: Units::default(),
            last_us: now_us,
            minute_end_us,
            next_us: 0,
            demand: Vec::with_capacity(count),
        };
        table.raise_warm(warm.unwrap_or_default());
        table.enter_mode(true, now_us);
        table.schedule();
        Ok(table)
    }

    /// Admits a write of so many units to the key with this hash, or says what
    /// refuses it; a refused write takes nothing. Hashes are uniform over all
    /// 64 bits.
    ///
    /// This is every write's path: it allocates nothing.
    #[inline]
    pub fn admit_write(&mut self, now_us: u64, key_hash: u64, units: u64) -> Result<(), Throttle> {
        self.admit(Direction::Write, now_us, key_hash, units)
    }

    /// Admits a read, in half units: a consistent read of 4 KB is two of them,
    /// an eventually consistent one is one.
    #[inline]
    pub fn admit_read(
        &mut self,
        now_us: u64,
        key_hash: u64,
        half_units: u64,
    ) -> Result<(), Throttle> {
        self.admit(Direction::Read, now_us, key_hash, half_units)
    }

    #[inline]
    fn admit(
        &mut self,
        direction: Direction,
        now_us: u64,
        hash: u64,
        units: u64,
    ) -> Result<(), Throttle> {
        let now_us = self.pass(now_us);
        let partition = self.space.locate(hash);
        let side = &mut self.sides[direction as usize];
        side.admit(now_us, partition, hash, units.min(MOST_UNITS))
            .map_err(|scope| Throttle {
                direction,
                scope,
                on_demand: self.mode == Mode::OnDemand,
            })
    }

    /// Offers the writes of a stretch of time at once: from `from_us` on, for
    /// `len_us`, at most one second (more counts as one). It is the same as
    /// admitting single units evenly over that time, within one unit for each
    /// 20 ms a partition is at its cap and one for the table. What happens by
    /// itself within the stretch happens at its end. Offers of the same stretch
    /// get what those before left.
    pub fn offer_writes(&mut self, from_us: u64, len_us: u64, demand: Demand<'_>) -> Tally {
        self.offer(Direction::Write, from_us, len_us, demand)
    }

    /// Offers reads, in half units, as [`offer_writes`](Self::offer_writes)
    /// does writes.
    pub fn offer_reads(&mut self, from_us: u64, len_us: u64, demand: Demand<'_>) -> Tally {
        self.offer(Direction::Read, from_us, len_us, demand)
    }

    fn offer(
        &mut self,
        direction: Direction,
        from_us: u64,
        len_us: u64,
        demand: Demand<'_>,
    ) -> Tally {
        let len_us = len_us.clamp(1, MICROS);
        let from_us = self.pass(from_us);
        self.demand.clear();
        self.demand.resize(self.space.count(), 0);
        let mut key = None;
        let mut spread = |first, last, units: u64| {
            let units = units.min(MOST_UNITS);
            self.space.spread(first, last, units, &mut self.demand);
        };
        match demand {
            Demand::Even(units) => spread(0, u64::MAX, units),
            Demand::Slices(slices) => {
                for (at, &units) in slices.iter().enumerate() {
                    let (first, last) = slice(at, slices.len());
                    spread(first, last, units);
                }
            }
            Demand::Partition(partition, units) => {
                if partition < self.space.count() {
                    let (first, last) = self.space.range(partition);
                    spread(first, last, units);
                }
            }
            Demand::Key(hash, units) => {
                spread(hash, hash, units);
                key = Some(hash);
            }
        }
        let side = &mut self.sides[direction as usize];
        let tally = side.offer(from_us, len_us, &self.demand, key, &self.space);
        self.demand.clear();
        tally
    }

    /// Lets pass what is due by this time. Every call with a time does so
    /// first; this is for reading figures at a time.
    pub fn advance(&mut self, now_us: u64) {
        let now_us = self.pass(now_us);
        for side in &mut self.sides {
            side.table.refill(now_us);
        }
    }

    /// Asks for a change. It takes effect after a delay, which is returned with
    /// it, or is refused.
    pub fn update(&mut self, now_us: u64, change: Change) -> Result<PendingChange, Refusal> {
        let now_us = self.pass(now_us);
        if let Some(pending) = &self.pending {
            return Err(Refusal::InUse {
                until_us: pending.effective_us,
            });
        }
        let mode = change.mode.unwrap_or(self.mode);
        let maximum = change.maximum.unwrap_or(self.maximum);
        check(&self.quotas, mode, change.warm, maximum, self.elsewhere)?;
        let mut delay_us = 0;
        let mut lower = false;
        let mut to_on_demand = false;
        match (self.mode, mode) {
            (Mode::Provisioned(now), Mode::Provisioned(then)) if change.mode.is_some() => {
                if now == then && change.warm.is_none() && change.maximum.is_none() {
                    return Err(Refusal::Unchanged);
                }
                lower = then.write < now.write || then.read < now.read;
                delay_us = self.assumptions.update_us;
            }
            (Mode::Provisioned(_), Mode::OnDemand) => {
                to_on_demand = true;
                delay_us = self.assumptions.switch_us;
            }
            (Mode::OnDemand, Mode::Provisioned(_)) => delay_us = self.assumptions.switch_us,
            _ => {}
        }
        // Quotas count by hours and days.
        let pace = self.assumptions.pace();
        let by_quotas_us = now_us.saturating_mul(pace);
        if lower {
            let allowed = self.decreases.check(by_quotas_us);
            allowed.map_err(|refusal| refusal.at_pace(pace))?;
        }
        if to_on_demand {
            let allowed = self.switches.check(by_quotas_us);
            allowed.map_err(|refusal| refusal.at_pace(pace))?;
        }
        if let Some(asked) = change.warm {
            let warm = self.warm();
            for direction in DIRECTIONS {
                let (asked, warm) = (asked.of(direction), warm.of(direction));
                if asked < warm {
                    return Err(Refusal::Colder {
                        direction,
                        asked,
                        warm,
                    });
                }
            }
            delay_us = delay_us.max(self.assumptions.warm_us);
        }
        if change.maximum.is_some() {
            delay_us = delay_us.max(self.assumptions.update_us);
        }
        // Asked for and counted, even if it is not yet in effect.
        if lower {
            self.decreases.count(by_quotas_us);
        }
        if to_on_demand {
            self.switches.count(by_quotas_us);
        }
        let pending = PendingChange {
            change,
            effective_us: now_us.saturating_add(delay_us),
        };
        self.pending = Some(pending);
        self.schedule();
        self.pass(now_us);
        Ok(pending)
    }

    /// Sets, or with none removes, the auto scaling of one direction. It rests
    /// while the table is on demand.
    pub fn set_auto_scaling(&mut self, direction: Direction, scaling: Option<AutoScaling>) {
        self.scaling[direction as usize] = scaling;
        self.wanted[direction as usize] = None;
        self.schedule();
    }

    /// Says how many units the account's other tables have provisioned, for
    /// its quota. None, at first.
    pub fn set_provisioned_elsewhere(&mut self, units: Units) {
        self.elsewhere = units;
    }

    /// Says how large the table is by now: it gets a partition for each 10 GB.
    pub fn set_size(&mut self, now_us: u64, bytes: u64) {
        let now_us = self.pass(now_us);
        self.ensure_partitions(partitions_for_size(bytes), now_us);
    }

    /// Takes the time, never backwards, and lets pass what is due.
    #[inline]
    fn pass(&mut self, now_us: u64) -> u64 {
        self.last_us = self.last_us.max(now_us.min(END_OF_TIME_US));
        if self.last_us >= self.next_us {
            self.catch_up();
        }
        self.last_us
    }
}

/// The first and last hash of part `at` of `count` equal parts.
fn slice(at: usize, count: usize) -> (u64, u64) {
    let start = |at: usize| {
        if count.is_power_of_two() {
            (at as u128) << (64 - count.trailing_zeros())
        } else {
            ((at as u128) << 64) / count as u128
        }
    };
    (start(at) as u64, (start(at + 1) - 1) as u64)
}

/// Refuses settings that no table can have, or no account.
fn check(
    quotas: &Quotas,
    mode: Mode,
    warm: Option<Units>,
    maximum: Maximum,
    elsewhere: Units,
) -> Result<(), Refusal> {
    let none = |units: Option<u64>| units == Some(0);
    for direction in DIRECTIONS {
        let provisioned = match mode {
            Mode::Provisioned(units) => Some(units.of(direction)),
            Mode::OnDemand => None,
        };
        let maximum = match direction {
            Direction::Write => maximum.write,
            Direction::Read => maximum.read,
        };
        if none(provisioned) || none(maximum) {
            return Err(Refusal::Zero { direction });
        }
    }
    if let Mode::Provisioned(units) = mode {
        quotas.check_table(units)?;
        quotas.check_account(units, elsewhere)?;
    }
    quotas.check_table(warm.unwrap_or_default())?;
    quotas.check_table(Units {
        write: maximum.write.unwrap_or(0),
        read: maximum.read.unwrap_or(0),
    })
}
