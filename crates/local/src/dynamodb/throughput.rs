//! What a table admits, where limits bind.
//!
//! In go operations with their units, and changes of the settings; out come
//! admissions, the service's refusals, and what the table says of itself. The
//! rules are [`hrload_capacity::table`]'s; here they get a lock, their pace,
//! and DynamoDB's wording.

use hrload_base::sync::locked;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Map, json};

use super::table::{BillingMode, Settings, Table, Units};
use crate::{Failure, Limits};
use hrload_capacity::scaling::AutoScaling;
use hrload_capacity::table::{
    self as capacity, Change, Description, Direction, Maximum, Mode, PARTITION_CAP, Refusal, Scope,
    TableCapacity, Throttle,
};

/// One table's capacity.
#[derive(Debug)]
pub(super) struct Throughput {
    machine: Mutex<TableCapacity>,
}

fn whole(units: Option<i64>) -> u64 {
    u64::try_from(units.unwrap_or(0)).unwrap_or(0)
}

fn pair(units: Units) -> capacity::Units {
    capacity::Units {
        write: whole(units.write),
        read: whole(units.read),
    }
}

/// The mode of a table with these settings.
pub(super) fn mode(billing: BillingMode, provisioned: Units) -> Mode {
    match billing {
        BillingMode::Provisioned => Mode::Provisioned(pair(provisioned)),
        BillingMode::OnDemand => Mode::OnDemand,
    }
}

pub(super) fn maximum(limits: Units) -> Maximum {
    let limit = |units: Option<i64>| units.and_then(|units| u64::try_from(units).ok());
    Maximum {
        write: limit(limits.write),
        read: limit(limits.read),
    }
}

/// A warm throughput, if any was asked for.
pub(super) fn warm(units: Units) -> Option<capacity::Units> {
    (units != Units::default()).then(|| pair(units))
}

fn refused(refusal: Refusal) -> Failure {
    Failure::new(refusal.exception(), refusal.to_string())
}

/// The warm throughput of a table that no rules bind: what was asked for, and
/// at least what a table of these settings is made with
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html>).
pub(super) fn unlimited_warm(settings: &Settings) -> capacity::Units {
    let least = match mode(settings.billing, settings.provisioned) {
        Mode::Provisioned(units) => units,
        Mode::OnDemand => capacity::NEW_TABLE,
    };
    let asked = pair(settings.warm);
    capacity::Units {
        write: asked.write.max(least.write),
        read: asked.read.max(least.read),
    }
}

/// The last hash of each partition of a table that no rules bind: as many, of
/// one size, as a new table of these settings has.
pub(super) fn unlimited_partition_ends(settings: &Settings) -> Vec<u64> {
    let warm = capacity::partitions_for_warm(unlimited_warm(settings));
    let partitions = match mode(settings.billing, settings.provisioned) {
        Mode::Provisioned(units) => warm.max(capacity::partitions_for_provisioned(units)),
        Mode::OnDemand => warm,
    };
    let end = |partition: u64| {
        let after = (u128::from(partition + 1) << 64) / u128::from(partitions);
        (after - 1) as u64
    };
    (0..partitions).map(end).collect()
}

impl Throughput {
    /// The capacity of a table made at `now_us`; `elsewhere` is what other
    /// tables have provisioned.
    pub(super) fn new(
        limits: &Arc<Limits>,
        settings: &Settings,
        elsewhere: capacity::Units,
        now_us: u64,
    ) -> Result<Self, Failure> {
        let mode = mode(settings.billing, settings.provisioned);
        if let Mode::Provisioned(units) = mode {
            limits
                .quotas
                .check_account(units, elsewhere)
                .map_err(refused)?;
        }
        let settings = capacity::Settings {
            mode,
            warm: warm(settings.warm),
            maximum: maximum(settings.on_demand_limits),
        };
        let mut machine = TableCapacity::new(settings, limits.of_tables(), limits.quotas, now_us)
            .map_err(refused)?;
        if let Some(policy) = limits.auto_scaling {
            let scaling = AutoScaling::new(policy, limits.of_scaling())
                .map_err(|error| Failure::validation(error.to_string()))?;
            machine.set_auto_scaling(Direction::Write, Some(scaling));
        }
        Ok(Self {
            machine: Mutex::new(machine),
        })
    }

    fn machine(&self) -> MutexGuard<'_, TableCapacity> {
        locked(&self.machine)
    }

    /// Begins to admit the writes of one call: one lock for all of them.
    pub(super) fn writing(&self, now_us: u64) -> Writing<'_> {
        Writing {
            now_us,
            machine: self.machine(),
            throttle: None,
        }
    }

    /// Admits a read of so many units; they are known once it is carried out,
    /// and returned only if it is admitted.
    pub(super) fn admit_read(&self, now_us: u64, hash: u64, units: f64) -> Result<(), Throttle> {
        let halves = (units * 2.0) as u64;
        // What one partition can take at once, it takes.
        let halves = halves.min(2 * PARTITION_CAP.read);
        self.machine().admit_read(now_us, hash, halves)
    }

    /// Asks for a change; returns how long it takes, in microseconds of real
    /// time. `elsewhere` as for [`Throughput::new`].
    pub(super) fn update(
        &self,
        now_us: u64,
        change: Change,
        elsewhere: capacity::Units,
    ) -> Result<u64, Failure> {
        let mut machine = self.machine();
        machine.set_provisioned_elsewhere(elsewhere);
        let pending = machine.update(now_us, change).map_err(refused)?;
        Ok(pending.effective_us.saturating_sub(now_us))
    }

    /// The last hash of each partition, in order.
    pub(super) fn partition_ends(&self, now_us: u64) -> Vec<u64> {
        let mut machine = self.machine();
        machine.advance(now_us);
        let partitions = machine.partitions(Direction::Read);
        partitions.map(|partition| partition.last_hash).collect()
    }

    /// What the table says of itself.
    pub(super) fn describe(&self, now_us: u64) -> Description {
        let mut machine = self.machine();
        machine.advance(now_us);
        machine.describe()
    }
}

/// The writes of one call on their way into a table.
#[derive(Debug)]
pub(super) struct Writing<'a> {
    machine: MutexGuard<'a, TableCapacity>,
    now_us: u64,
    /// The last refusal.
    pub(super) throttle: Option<Throttle>,
}

impl Writing<'_> {
    /// Whether a write of so many units to the key of this hash is admitted.
    pub(super) fn admits(&mut self, hash: u64, units: u64) -> bool {
        // What one partition can take at once, it takes.
        let units = units.min(PARTITION_CAP.write);
        match self.machine.admit_write(self.now_us, hash, units) {
            Ok(()) => true,
            Err(throttle) => {
                self.throttle = Some(throttle);
                false
            }
        }
    }
}

/// The refusal of an operation on `table`, as DynamoDB words it.
pub(super) fn throttled(table: &Table, throttle: Throttle) -> Failure {
    let exception = throttle.exception();
    let reasons = json!([{"reason": throttle.reason(), "resource": table.arn}]);
    Failure {
        members: Map::from_iter([(exception.reasons_member.to_owned(), reasons)]),
        ..Failure::new(exception.name, exception.message)
    }
}

/// A throttle such as a fault asks for: the usual one of the table's mode.
pub(super) fn usual_throttle(table: &Table) -> Throttle {
    let on_demand = table.settings().billing == BillingMode::OnDemand;
    Throttle {
        direction: Direction::Write,
        scope: if on_demand {
            Scope::KeyRange
        } else {
            Scope::Provisioned
        },
        on_demand,
    }
}
