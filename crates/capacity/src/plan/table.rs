//! One way of paying for a table, through a whole day.

use std::collections::VecDeque;

use super::answer::{Held, Paying, Step, Stretch};
use super::demand::{SLICES, Seconds};
use crate::quota::Quotas;
use crate::scaling::{AutoScaling, ScalingAssumptions, ScalingPolicy};
use crate::table::{
    Assumptions, Demand, Direction, NEW_TABLE, PARTITION_BYTES, Settings, TableCapacity, Units,
    partitions_for_size,
};

const SECOND_US: u64 = 1_000_000;
/// Read units of a provisioned table: readings are not read from it.
const READ_UNITS: u64 = 5;

/// A day takes longer with each partition. Beyond so many for its size, a table
/// is no better at keys that are all over.
const MOST_PARTITIONS: u64 = 256;

/// Simulated seconds from one word about how far it is to the next.
pub(super) const TELL_EVERY_S: u64 = 600;

/// A way of paying for a table, in write units a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// So many units, all day.
    Provisioned(u64),
    /// Units that follow the load, from the policy's minimum on.
    Scaled(ScalingPolicy),
    /// On demand, new or warmed for so much.
    OnDemand {
        /// Write units a second it is warmed for.
        warm: Option<u64>,
    },
}

impl Table {
    pub(super) fn paying(self) -> Paying {
        match self {
            Self::Provisioned(_) => Paying::Provisioned,
            Self::Scaled(_) => Paying::AutoScaling,
            Self::OnDemand { .. } => Paying::OnDemand,
        }
    }
}

/// A table's day.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Day {
    pub(super) held: Held,
    /// Readings written in each second.
    pub(super) written: Vec<u64>,
    pub(super) capacity: Vec<Step>,
    pub(super) throttled: Vec<Stretch>,
}

/// Writes the readings of these seconds, each of `units` write units, to a table
/// made as the first second begins. What is throttled is tried again in the next
/// second, spread over it with what is due then.
#[must_use]
pub fn simulate(table: Table, seconds: &Seconds, units: u64, assumptions: &Assumptions) -> Held {
    let made = made(table, 0, assumptions);
    through(made, seconds, units.max(1), 0, &mut |_| {}).held
}

/// A table, made as the first second begins, that holds so much already.
pub(super) fn made(
    table: Table,
    stored_bytes: u64,
    assumptions: &Assumptions,
) -> Option<TableCapacity> {
    let (settings, scaling) = match table {
        Table::Provisioned(write) => (Settings::provisioned(write, READ_UNITS), None),
        Table::Scaled(policy) => {
            let scaling = AutoScaling::new(policy, ScalingAssumptions::default()).ok();
            (Settings::provisioned(policy.minimum, READ_UNITS), scaling)
        }
        Table::OnDemand { warm } => {
            let settings = Settings::on_demand();
            let settings = warm
                .filter(|&write| write > NEW_TABLE.write)
                .map_or(settings, |write| settings.warmed(write, NEW_TABLE.read));
            (settings, None)
        }
    };
    // An account large enough for what is planned.
    let most = Units {
        write: u64::MAX >> 8,
        read: u64::MAX >> 8,
    };
    let quotas = Quotas {
        table: most,
        account: most,
    };
    let mut table = TableCapacity::new(settings, assumptions.clone(), quotas, 0).ok()?;
    table.set_auto_scaling(Direction::Write, scaling);
    table.set_size(0, stored_bytes.min(MOST_PARTITIONS * PARTITION_BYTES));
    Some(table)
}

/// The day of a table that holds so many bytes already. Says after each hour
/// how much of the day is over.
pub(super) fn through(
    made: Option<TableCapacity>,
    seconds: &Seconds,
    units: u64,
    stored_bytes: u64,
    tell: &mut dyn FnMut(f64),
) -> Day {
    let Some(mut table) = made else {
        return Day::default();
    };
    let mut day = Day {
        written: Vec::with_capacity(seconds.len()),
        ..Day::default()
    };
    let mut waiting = Waiting::default();
    let mut offered = [0; SLICES];
    for (second, (slices, due)) in (0u64..).zip(seconds.iter()) {
        if second % TELL_EVERY_S == 0 {
            tell(second as f64 / seconds.len() as f64);
        }
        let held = &mut day.held;
        held.readings += due;
        let backlog = waiting.readings;
        for (at, (offer, &new)) in offered.iter_mut().zip(slices).enumerate() {
            // What waits has keys all over.
            let share =
                backlog * (at as u64 + 1) / SLICES as u64 - backlog * at as u64 / SLICES as u64;
            *offer = (u64::from(new) + share) * units;
        }
        let from_us = second * SECOND_US;
        let tally = table.offer_writes(from_us, SECOND_US, Demand::Slices(&offered));
        // Whole items, the oldest first.
        let written = tally.admitted / units;
        let late = waiting.write(second, due, written);
        held.longest_delay = held.longest_delay.max(late.longest);
        held.delayed += late.readings;
        held.throttled_writes += waiting.readings;
        if tally.all_throttled() > 0 {
            held.throttled_seconds += 1;
            note(&mut day.throttled, second / 60);
        }
        let provisioned = table.provisioned().map(|units| units.write);
        if let Some(write) = provisioned {
            held.provisioned_unit_hours += write as f64 / 3_600.0;
        }
        let now = provisioned.unwrap_or_else(|| table.warm().write);
        if day.capacity.last().is_none_or(|step| step.units != now) {
            day.capacity.push(Step {
                from_s: second,
                units: now,
            });
        }
        day.written.push(written);
    }
    let held = &mut day.held;
    held.left = waiting.readings;
    if let (Some((since, _)), Some(last)) = (waiting.lots.front(), seconds.len().checked_sub(1)) {
        held.longest_delay = held.longest_delay.max(last as u64 - since);
    }
    held.partitions = (table.describe().partitions as u64).max(partitions_for_size(stored_bytes));
    held.hottest_partition = table
        .hottest_partition(Direction::Write)
        .map_or(0, |load| load.busiest_minute / 60);
    day
}

/// Adds a minute to the stretches before it.
fn note(stretches: &mut Vec<Stretch>, minute: u64) {
    match stretches.last_mut() {
        Some(last) if minute <= last.to_minute => last.to_minute = minute + 1,
        _ => stretches.push(Stretch {
            from_minute: minute,
            to_minute: minute + 1,
        }),
    }
}

/// Readings that wait, by the second in which they were due.
#[derive(Debug, Default)]
struct Waiting {
    lots: VecDeque<(u64, u64)>,
    readings: u64,
}

/// Readings that came late.
struct Late {
    /// Those that have to wait from this second on.
    readings: u64,
    /// The longest that one written now had waited, in seconds.
    longest: u64,
}

impl Waiting {
    /// Writes so many, the oldest first; the rest of those due now waits.
    fn write(&mut self, second: u64, due: u64, mut written: u64) -> Late {
        let mut longest = 0;
        while written > 0
            && let Some((since, count)) = self.lots.front_mut()
        {
            let taken = written.min(*count);
            longest = longest.max(second - *since);
            written -= taken;
            self.readings -= taken;
            *count -= taken;
            if *count == 0 {
                self.lots.pop_front();
            }
        }
        let late = due.saturating_sub(written);
        if late > 0 {
            self.readings += late;
            self.lots.push_back((second, late));
        }
        Late {
            readings: late,
            longest,
        }
    }
}
