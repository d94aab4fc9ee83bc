//! One stream: its status, its shards and what is written on its label.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::backlog::Backlog;
use super::batch::Batch;
use super::consumer::Consumer;
use super::hash_key::{HashRange, uniform_ranges};
use super::reshard::{Reshard, Step, uniform_steps};
use super::retention::Budget;
use super::sequence::Sequence;
use super::shard::{Shard, Throttled};

/// How long CREATING, UPDATING and DELETING last here, in microseconds. On AWS
/// it is seconds to minutes; long enough to be seen by a program that polls,
/// short enough not to be waited for.
pub(super) const TRANSITION_US: u64 = 20_000;

/// Whether shards are counted by the owner or by the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Provisioned,
    OnDemand,
}

impl Mode {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Provisioned => "PROVISIONED",
            Self::OnDemand => "ON_DEMAND",
        }
    }
}

/// Where a stream is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Creating {
        shards: u32,
    },
    Active,
    /// Until the change, if there is one, takes effect.
    Updating {
        reshard: Option<Reshard>,
    },
    Deleting,
    Gone,
}

impl Phase {
    pub(super) fn status(self) -> &'static str {
        match self {
            Self::Creating { .. } => "CREATING",
            Self::Active => "ACTIVE",
            Self::Updating { .. } => "UPDATING",
            Self::Deleting | Self::Gone => "DELETING",
        }
    }
}

/// An open shard, by the last hash key it takes.
#[derive(Clone, Copy, Debug)]
struct Route {
    end: u128,
    shard: u32,
}

/// What may change in a stream.
#[derive(Debug)]
pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) mode: Mode,
    pub(super) retention_hours: u64,
    pub(super) max_record_kib: u64,
    /// All shards ever opened; a shard's number is its place.
    pub(super) shards: Vec<Arc<Shard>>,
    /// The open shards, sorted by hash key.
    routes: Vec<Route>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) consumers: BTreeMap<String, Consumer>,
    /// When the shard count was updated, for the limit per 24 h.
    pub(super) scaled_us: Vec<u64>,
    /// When the mode was changed, for the limit per 24 h.
    pub(super) mode_changed_us: Vec<u64>,
}

/// One stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) created_us: u64,
    budget: Arc<Budget>,
    /// When the present transition ends; `u64::MAX` when there is none. Read
    /// by every call without a lock.
    due_us: AtomicU64,
    state: RwLock<State>,
}

impl Stream {
    pub(super) fn create(
        name: String,
        arn: String,
        mode: Mode,
        shards: u32,
        budget: Arc<Budget>,
        now_us: u64,
    ) -> Self {
        Self {
            name,
            arn,
            created_us: now_us,
            budget,
            due_us: AtomicU64::new(now_us + TRANSITION_US),
            state: RwLock::new(State {
                phase: Phase::Creating { shards },
                mode,
                retention_hours: 24,
                max_record_kib: 1024,
                shards: Vec::new(),
                routes: Vec::new(),
                tags: BTreeMap::new(),
                consumers: BTreeMap::new(),
                scaled_us: Vec::new(),
                mode_changed_us: Vec::new(),
            }),
        }
    }

    /// The state as it is at `now_us`.
    pub(super) fn read(&self, now_us: u64) -> RwLockReadGuard<'_, State> {
        self.settle(now_us);
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state as it is at `now_us`, to be changed.
    pub(super) fn write(&self, now_us: u64) -> RwLockWriteGuard<'_, State> {
        self.settle(now_us);
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a transition that ends [`TRANSITION_US`] from now. `state` is
    /// this stream's, locked.
    pub(super) fn begin(&self, state: &mut State, phase: Phase, now_us: u64) {
        state.phase = phase;
        self.due_us.store(now_us + TRANSITION_US, Ordering::Release);
    }

    /// When the present transition ends; `u64::MAX` when there is none.
    pub(super) fn due_us(&self) -> u64 {
        self.due_us.load(Ordering::Acquire)
    }

    /// Ends the present transition if its time has come. The first call after
    /// that time does it, and it counts as done at that time, so nothing has to
    /// run in the background.
    fn settle(&self, now_us: u64) {
        if now_us < self.due_us() {
            return;
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        // Another caller may have been first.
        let due_us = self.due_us();
        if now_us < due_us {
            return;
        }
        self.due_us.store(u64::MAX, Ordering::Release);
        match state.phase {
            Phase::Creating { shards } => {
                for range in uniform_ranges(shards) {
                    state.open(range, [None, None], self.created_us, &self.budget);
                }
            }
            Phase::Updating {
                reshard: Some(reshard),
            } => state.reshard(reshard, due_us, &self.budget),
            Phase::Updating { reshard: None } | Phase::Active => {}
            Phase::Deleting | Phase::Gone => {
                state.phase = Phase::Gone;
                // Readers that wait in a subscription wake up and find out.
                for shard in state.shards.drain(..) {
                    shard.ring();
                }
                state.routes.clear();
                state.consumers.clear();
                return;
            }
        }
        state.phase = Phase::Active;
        state.sort_routes();
    }

    /// Puts a batch; `placed` hears, for each record in no particular order,
    /// its slot, its shard and its sequence number. Each shard is locked once.
    pub(super) fn put(
        &self,
        state: &State,
        batch: &mut Batch,
        now_us: u64,
        mut placed: impl FnMut(usize, &Shard, Result<Sequence, Throttled>),
    ) {
        let order = batch.by_shard(|hash_key| state.shard_number_of(hash_key));
        for run in order.chunk_by(|a, b| a.0 == b.0) {
            let shard = &state.shards[run[0].0 as usize];
            let mut log = shard.log();
            for &(_, slot) in run {
                let (partition_key, data) = batch.record(slot as usize);
                let sequence = shard.append(&mut log, partition_key, data, now_us);
                placed(slot as usize, shard, sequence);
            }
            drop(log);
            shard.ring();
        }
        batch.keep(order);
        self.budget.enforce();
    }
}

impl Stream {
    /// Puts changes; what a shard does not take, and all that follows it in
    /// that shard, waits in `backlog`. Returns how many records arrived.
    pub(super) fn put_changes(
        &self,
        state: &State,
        batch: &mut Batch,
        backlog: &mut Backlog,
        written_us: u64,
        now_us: u64,
    ) -> usize {
        let mut arrived = 0;
        let order = batch.by_shard(|hash_key| state.shard_number_of(hash_key));
        for run in order.chunk_by(|a, b| a.0 == b.0) {
            let shard = &state.shards[run[0].0 as usize];
            let mut log = shard.log();
            let mut refused = backlog.blocks(shard.range);
            for &(_, slot) in run {
                let slot = slot as usize;
                if !refused {
                    let (partition_key, data) = batch.record(slot);
                    let placed = shard.append(&mut log, partition_key, data, now_us);
                    refused = placed.is_err();
                    arrived += usize::from(!refused);
                }
                if refused {
                    backlog.add(shard.range, batch, slot, written_us);
                }
            }
            drop(log);
            shard.ring();
        }
        batch.keep(order);
        self.budget.enforce();
        arrived
    }

    /// Puts what waits, as far as the shards take it. Returns how many records
    /// arrived.
    pub(super) fn put_backlog(&self, state: &State, backlog: &mut Backlog, now_us: u64) -> usize {
        let arrived = backlog.offer(|batch, slot| {
            let shard = &state.shards[state.shard_number_of(batch.hash_key(slot)) as usize];
            let (partition_key, data) = batch.record(slot);
            let placed = shard.append(&mut shard.log(), partition_key, data, now_us);
            if placed.is_ok() {
                shard.ring();
            }
            placed.is_ok()
        });
        self.budget.enforce();
        arrived
    }
}

impl State {
    /// Whether records can be written.
    pub(super) fn takes_records(&self) -> bool {
        matches!(self.phase, Phase::Active | Phase::Updating { .. })
    }

    /// Shards that take records, sorted by hash key.
    pub(super) fn open_shards(&self) -> impl Iterator<Item = &Arc<Shard>> {
        self.routes
            .iter()
            .filter_map(|route| self.shards.get(route.shard as usize))
    }

    /// How many shards take records, or will when the stream is made.
    pub(super) fn open_shard_count(&self) -> u32 {
        match self.phase {
            Phase::Creating { shards } => shards,
            _ => self.routes.len() as u32,
        }
    }

    /// Shards opened from `shard`, where it was closed.
    pub(super) fn children_of(&self, shard: u32) -> impl Iterator<Item = &Arc<Shard>> {
        self.shards
            .iter()
            .skip(shard as usize + 1)
            .filter(move |child| child.parents.contains(&Some(shard)))
    }

    /// Before this arrival time nothing is kept, in milliseconds since the Unix epoch.
    pub(super) fn cutoff_ms(&self, now_us: u64) -> u64 {
        (now_us / 1000).saturating_sub(self.retention_hours * 3_600_000)
    }

    /// Number of the open shard for a hash key. To be called on a stream that
    /// takes records: its open shards cover all hash keys.
    pub(super) fn shard_number_of(&self, hash_key: u128) -> u32 {
        let at = self.routes.partition_point(|route| route.end < hash_key);
        self.routes[at].shard
    }

    fn open(
        &mut self,
        range: HashRange,
        parents: [Option<u32>; 2],
        now_us: u64,
        budget: &Arc<Budget>,
    ) {
        let number = self.shards.len() as u32;
        // A child's sequence numbers must lie above its parents'.
        let created_s = parents
            .iter()
            .flatten()
            .map(|&parent| self.shards[parent as usize].created_s + 1)
            .chain([now_us / 1_000_000])
            .max()
            .unwrap_or(0);
        let shard = Shard::new(
            number,
            range,
            parents,
            now_us,
            created_s,
            Arc::clone(budget),
        );
        self.shards.push(shard);
        self.routes.push(Route {
            end: range.end,
            shard: number,
        });
    }

    fn sort_routes(&mut self) {
        self.routes.sort_unstable_by_key(|route| route.end);
    }

    fn close(&mut self, number: u32, now_us: u64) {
        self.shards[number as usize].close(now_us);
        self.routes.retain(|route| route.shard != number);
    }

    fn reshard(&mut self, reshard: Reshard, now_us: u64, budget: &Arc<Budget>) {
        match reshard {
            Reshard::Split { shard, at } => self.split(shard, at, now_us, budget),
            Reshard::Merge { lower, upper } => self.merge(lower, upper, now_us, budget),
            Reshard::Scale { target } => {
                let open: Vec<HashRange> = self.open_shards().map(|shard| shard.range).collect();
                for step in uniform_steps(&open, target) {
                    self.sort_routes();
                    match step {
                        Step::SplitAt(key) => {
                            let shard = self.shard_number_of(key);
                            self.split(shard, key, now_us, budget);
                        }
                        Step::MergeAt(key) => {
                            let lower = self.shard_number_of(key - 1);
                            let upper = self.shard_number_of(key);
                            self.merge(lower, upper, now_us, budget);
                        }
                    }
                }
            }
        }
    }

    fn split(&mut self, shard: u32, at: u128, now_us: u64, budget: &Arc<Budget>) {
        let (left, right) = self.shards[shard as usize].range.split_at(at);
        self.close(shard, now_us);
        self.open(left, [Some(shard), None], now_us, budget);
        self.open(right, [Some(shard), None], now_us, budget);
    }

    fn merge(&mut self, lower: u32, upper: u32, now_us: u64, budget: &Arc<Budget>) {
        let range = HashRange {
            start: self.shards[lower as usize].range.start,
            end: self.shards[upper as usize].range.end,
        };
        self.close(lower, now_us);
        self.close(upper, now_us);
        self.open(range, [Some(lower), Some(upper)], now_us, budget);
    }
}
