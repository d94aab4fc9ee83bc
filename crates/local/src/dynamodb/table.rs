//! One table: its schema, its status over time, its settings and its items.

use hrload_base::sync::locked;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use super::destination::Destinations;
use super::key::Schema;
use super::store::{Retention, Shard};
use super::throughput::{Throughput, unlimited_partition_ends};

/// Shards of a table. A batch locks each shard it writes to once, so more of
/// them let more threads write at a time but cost a batch more locks.
pub(super) const SHARDS: usize = 8;

/// How long control-plane changes take. On AWS they take seconds to minutes;
/// here just long enough for every status to be seen.
pub(crate) const TRANSITION_US: u64 = 20_000;

const NEVER: u64 = u64::MAX;

/// Where a table is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Creating,
    Active,
    Updating,
    Deleting,
    Gone,
}

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Updating => "UPDATING",
            Self::Deleting | Self::Gone => "DELETING",
        }
    }
}

/// How a table's throughput is bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BillingMode {
    Provisioned,
    OnDemand,
}

impl BillingMode {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Provisioned => "PROVISIONED",
            Self::OnDemand => "PAY_PER_REQUEST",
        }
    }
}

/// Read and write units, as a pair; what they mean depends on the setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Units {
    pub(super) read: Option<i64>,
    pub(super) write: Option<i64>,
}

/// What UpdateTable and the tag operations can change.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) billing: BillingMode,
    /// Provisioned units; zero on demand.
    pub(super) provisioned: Units,
    pub(super) last_increase_us: Option<u64>,
    pub(super) last_decrease_us: Option<u64>,
    pub(super) decreases: u64,
    /// When the table went over to on-demand, if it ever did.
    pub(super) on_demand_since_us: Option<u64>,
    /// Limits of an on-demand table.
    pub(super) on_demand_limits: Units,
    pub(super) warm: Units,
    pub(super) table_class: Option<String>,
    pub(super) deletion_protection: Option<bool>,
    pub(super) tags: Vec<(String, String)>,
}

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) id: String,
    pub(super) schema: Schema,
    /// `AttributeDefinitions` as given: name and type.
    pub(super) definitions: Vec<(String, String)>,
    pub(super) created_us: u64,
    pub(super) settings: Mutex<Settings>,
    /// What it admits; none without limits.
    pub(super) throughput: Option<Throughput>,
    /// Where changes go. Written by control-plane calls only.
    pub(super) destinations: RwLock<Destinations>,
    updating_until_us: AtomicU64,
    deleted_us: AtomicU64,
    shards: [Mutex<Shard>; SHARDS],
}

impl Table {
    pub(super) fn new(
        name: &str,
        arn: String,
        id: String,
        schema: Schema,
        definitions: Vec<(String, String)>,
        settings: Settings,
        now_us: u64,
    ) -> Self {
        Self {
            name: name.to_owned(),
            arn,
            id,
            schema,
            definitions,
            created_us: now_us,
            settings: Mutex::new(settings),
            throughput: None,
            destinations: RwLock::default(),
            updating_until_us: AtomicU64::new(0),
            deleted_us: AtomicU64::new(NEVER),
            shards: Default::default(),
        }
    }

    /// The same table under capacity limits.
    pub(super) fn limited(self, throughput: Option<Throughput>) -> Self {
        Self { throughput, ..self }
    }

    /// The table's status at `now_us`.
    pub(super) fn status(&self, now_us: u64) -> Status {
        let deleted_us = self.deleted_us.load(Relaxed);
        if deleted_us != NEVER {
            if now_us >= deleted_us.saturating_add(TRANSITION_US) {
                Status::Gone
            } else {
                Status::Deleting
            }
        } else if now_us < self.created_us + TRANSITION_US {
            Status::Creating
        } else if now_us < self.updating_until_us.load(Relaxed) {
            Status::Updating
        } else {
            Status::Active
        }
    }

    /// Whether items can be read and written.
    pub(super) fn serves(&self, now_us: u64) -> bool {
        matches!(self.status(now_us), Status::Active | Status::Updating)
    }

    /// Begins an update that takes `lasts_us`.
    pub(super) fn update(&self, now_us: u64, lasts_us: u64) {
        self.updating_until_us.store(now_us + lasts_us, Relaxed);
    }

    /// Begins the deletion.
    pub(super) fn delete(&self, now_us: u64) {
        self.deleted_us.store(now_us, Relaxed);
    }

    /// Removes all items.
    pub(super) fn discard(&self, retention: &Retention) {
        for at in 0..SHARDS {
            self.shard(at).discard(retention);
        }
    }

    /// The settings, locked.
    pub(super) fn settings(&self) -> MutexGuard<'_, Settings> {
        locked(&self.settings)
    }

    /// The shard that holds keys with this hash: shards follow one another in
    /// the order of keys, so that a scan goes from shard to shard.
    pub(super) fn shard_of(hash: u64) -> usize {
        (hash >> (u64::BITS - SHARDS.ilog2())) as usize
    }

    /// A shard, locked.
    pub(super) fn shard(&self, at: usize) -> MutexGuard<'_, Shard> {
        locked(&self.shards[at])
    }

    /// The last hash of each partition, in order.
    pub(super) fn partition_ends(&self, now_us: u64) -> Vec<u64> {
        match &self.throughput {
            Some(throughput) => throughput.partition_ends(now_us),
            None => unlimited_partition_ends(&self.settings()),
        }
    }

    /// Number of items and their size by the item-size rule.
    pub(super) fn contents(&self) -> (usize, u64) {
        (0..SHARDS).fold((0, 0), |(items, bytes), at| {
            let shard = self.shard(at);
            (items + shard.items(), bytes + shard.item_bytes())
        })
    }
}

/// All tables, by name. Read-locked by every call, written by CreateTable and
/// when a deleted table is gone.
pub(super) type Tables = RwLock<std::collections::BTreeMap<String, Arc<Table>>>;
