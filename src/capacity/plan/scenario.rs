//! One way of paying for a table, through a whole day.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::demand::{SLICES, Seconds};
use crate::capacity::quota::Quotas;
use crate::capacity::scaling::{AutoScaling, ScalingAssumptions, ScalingPolicy};
use crate::capacity::table::{
    Assumptions, Demand, Direction, NEW_TABLE, Settings, TableCapacity, Units,
};

const SECOND_US: u64 = 1_000_000;
/// Read units of a provisioned table: readings are not read from it.
const READ_UNITS: u64 = 5;

/// A way of paying.
#[derive(Debug, Clone, Copy)]
pub(super) enum Table {
    Provisioned(u64),
    Scaled(ScalingPolicy),
    OnDemand { warm: Option<u64> },
}

/// What became of a day's readings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Held {
    /// Readings of the day.
    pub readings: u64,
    /// Seconds in which something was throttled.
    pub throttled_seconds: u64,
    /// Readings that were not written in the second in which they were due.
    pub delayed: u64,
    /// The longest a reading waited, in seconds.
    pub longest_delay: u64,
    /// Readings still waiting when the day was over.
    pub left: u64,
    /// Units a second that the busiest partition was asked for, in its busiest
    /// minute.
    pub hottest_partition: u64,
    /// Partitions at the end.
    pub partitions: u64,
    /// Provisioned write units times hours of the day; 0 on demand.
    pub provisioned_unit_hours: f64,
}

impl Held {
    /// Share of the readings that were delayed.
    #[must_use]
    pub fn delayed_share(&self) -> f64 {
        if self.readings == 0 {
            0.0
        } else {
            self.delayed as f64 / self.readings as f64
        }
    }
}

/// Writes a day's readings, each of so many units, to a table; what is throttled
/// is tried again in the next second, behind nothing.
pub(super) fn simulate(table: Table, seconds: &Seconds, units: u64) -> Held {
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
    let Ok(mut table) = TableCapacity::new(settings, Assumptions::default(), quotas, 0) else {
        return Held::default();
    };
    table.set_auto_scaling(Direction::Write, scaling);

    let mut held = Held::default();
    // Readings that wait, by the second in which they were due.
    let mut waiting: VecDeque<(u64, u64)> = VecDeque::new();
    let mut backlog: u64 = 0;
    let mut offered = [0; SLICES];
    for (second, (slices, due)) in (0u64..).zip(seconds.iter()) {
        held.readings += due;
        for (at, (offer, &new)) in offered.iter_mut().zip(slices).enumerate() {
            // What waits has keys all over.
            let share =
                backlog * (at as u64 + 1) / SLICES as u64 - backlog * at as u64 / SLICES as u64;
            *offer = (u64::from(new) + share) * units;
        }
        let from_us = second * SECOND_US;
        let tally = table.offer_writes(from_us, SECOND_US, Demand::Slices(&offered));
        held.throttled_seconds += u64::from(tally.all_throttled() > 0);
        if let Some(provisioned) = table.provisioned() {
            held.provisioned_unit_hours += provisioned.write as f64 / 3_600.0;
        }
        // Whole items, the oldest first.
        let mut admitted = tally.admitted / units;
        while admitted > 0
            && let Some((since, count)) = waiting.front_mut()
        {
            let taken = admitted.min(*count);
            held.longest_delay = held.longest_delay.max(second - *since);
            admitted -= taken;
            backlog -= taken;
            *count -= taken;
            if *count == 0 {
                waiting.pop_front();
            }
        }
        let late = due.saturating_sub(admitted);
        if late > 0 {
            held.delayed += late;
            backlog += late;
            waiting.push_back((second, late));
        }
    }
    held.left = backlog;
    if let (Some((since, _)), Some(last)) = (waiting.front(), seconds.iter().count().checked_sub(1))
    {
        held.longest_delay = held.longest_delay.max(last as u64 - since);
    }
    held.partitions = table.describe().partitions as u64;
    held.hottest_partition = table
        .hottest_partition(Direction::Write)
        .map_or(0, |load| load.busiest_minute / 60);
    held
}
