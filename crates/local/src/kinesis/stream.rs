//! One stream: its status, its shards and what is written on its label.

use hrload_base::sync::{locked, reading, writing};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::backlog::Backlog;
use super::batch::Batch;
use super::consumer::Consumer;
use super::growth::{Growth, LOOK_EVERY_US};
use super::hash_key::{HashRange, uniform_ranges};
use super::reshard::{Reshard, Step, uniform_steps};
use super::retention::Budget;
use super::sequence::Sequence;
use super::shard::Shard;
use crate::Limits;
use hrload_capacity::stream::{
    CallRates, RollingLimit, ShardCountUpdates, ShardThrottle, mode_switches,
};

/// How long CREATING, UPDATING and DELETING last here, in microseconds. On AWS
/// it is seconds to minutes; long enough to be seen by a program that polls,
/// short enough not to be waited for.
pub(super) const TRANSITION_US: u64 = 20_000;

// A destination may be enabled while its stream is CREATING: that ends first, so that no
// change comes too early.
const _: () = assert!(TRANSITION_US <= crate::dynamodb::TRANSITION_US);

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
    /// UpdateShardCount calls, of which only so many are allowed a day.
    pub(super) resizes: ShardCountUpdates,
    /// The same of the mode.
    pub(super) mode_switches: RollingLimit,
    /// How it grows: of an on-demand stream under limits.
    growth: Option<Mutex<Growth>>,
}

/// What all streams of an account share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) budget: Arc<Budget>,
    pub(super) limits: Option<Arc<Limits>>,
}

/// One stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) created_us: u64,
    all: Shared,
    /// Calls that name it, where limits count those.
    pub(super) calls: Mutex<CallRates>,
    /// When the present transition ends; `u64::MAX` when there is none. Read
    /// by every call without a lock.
    due_us: AtomicU64,
    /// When splits are looked for next; `u64::MAX` where it does not grow.
    look_us: AtomicU64,
    state: RwLock<State>,
}

impl Stream {
    pub(super) fn create(
        name: String,
        arn: String,
        mode: Mode,
        shards: u32,
        all: Shared,
        now_us: u64,
    ) -> Self {
        Self {
            name,
            arn,
            created_us: now_us,
            all,
            calls: Mutex::default(),
            due_us: AtomicU64::new(now_us + TRANSITION_US),
            look_us: AtomicU64::new(u64::MAX),
            state: RwLock::new(State {
                phase: Phase::Creating { shards },
                mode,
                retention_hours: 24,
                max_record_kib: 1024,
                shards: Vec::new(),
                routes: Vec::new(),
                tags: BTreeMap::new(),
                consumers: BTreeMap::new(),
                resizes: ShardCountUpdates::default(),
                mode_switches: mode_switches(),
                growth: None,
            }),
        }
    }

    /// The state as it is at `now_us`.
    pub(super) fn read(&self, now_us: u64) -> RwLockReadGuard<'_, State> {
        self.settle(now_us);
        reading(&self.state)
    }

    /// The state as it is at `now_us`, to be changed.
    pub(super) fn write(&self, now_us: u64) -> RwLockWriteGuard<'_, State> {
        self.settle(now_us);
        writing(&self.state)
    }

    /// Begins a transition that ends [`TRANSITION_US`] from now. `state` is
    /// this stream's, locked.
    pub(super) fn begin(&self, state: &mut State, phase: Phase, now_us: u64) {
        self.begin_for(state, phase, now_us, TRANSITION_US);
    }

    /// Begins a transition that takes `lasts_us`.
    pub(super) fn begin_for(&self, state: &mut State, phase: Phase, now_us: u64, lasts_us: u64) {
        state.phase = phase;
        self.due_us.store(now_us + lasts_us, Ordering::Release);
    }

    /// The time by the clock of the capacity rules.
    pub(super) fn clock_us(&self, now_us: u64) -> u64 {
        self.limits()
            .map_or(now_us, |limits| limits.clock_us(now_us))
    }

    /// The rules that bind it, if any do.
    pub(super) fn limits(&self) -> Option<&Limits> {
        self.all.limits.as_deref()
    }

    /// When the present transition ends; `u64::MAX` when there is none.
    pub(super) fn due_us(&self) -> u64 {
        self.due_us.load(Ordering::Acquire)
    }

    /// Ends the present transition if its time has come. The first call after
    /// that time does it, and it counts as done at that time, so nothing has to
    /// run in the background.
    fn settle(&self, now_us: u64) {
        if now_us >= self.look_us.load(Ordering::Acquire) {
            self.grow(now_us);
        }
        if now_us < self.due_us() {
            return;
        }
        let mut state = writing(&self.state);
        // Another caller may have been first.
        let due_us = self.due_us();
        if now_us < due_us {
            return;
        }
        self.due_us.store(u64::MAX, Ordering::Release);
        match state.phase {
            Phase::Creating { shards } => {
                for range in uniform_ranges(shards) {
                    state.open(range, [None, None], self.created_us, &self.all);
                }
            }
            Phase::Updating {
                reshard: Some(reshard),
            } => state.reshard(reshard, due_us, &self.all),
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
        self.follow_mode(&mut state, due_us);
    }

    /// Begins to grow, or ends it, as the mode has it.
    fn follow_mode(&self, state: &mut State, now_us: u64) {
        let grows = state.mode == Mode::OnDemand;
        let limits = self.limits().filter(|_| grows);
        if limits.is_some() == state.growth.is_some() {
            return;
        }
        state.growth = limits.map(|limits| {
            let mut open: Vec<(u32, HashRange)> =
                state.open_shards().map(|s| (s.number, s.range)).collect();
            open.sort_unstable_by_key(|(number, _)| *number);
            Mutex::new(Growth::new(limits, &open, now_us))
        });
        let look_us = state.growth.as_ref().map(|_| now_us + LOOK_EVERY_US);
        self.look_us
            .store(look_us.unwrap_or(u64::MAX), Ordering::Release);
    }

    /// Splits the shards whose time has come.
    fn grow(&self, now_us: u64) {
        let mut state = writing(&self.state);
        // Another caller may have been first.
        if now_us < self.look_us.load(Ordering::Acquire) {
            return;
        }
        self.look_us
            .store(now_us + LOOK_EVERY_US, Ordering::Release);
        let Some(growth) = state.growth.take() else {
            return;
        };
        while let Some(split) = locked(&growth).split_due(now_us, state.shards.len() as u32) {
            state.split(split.shard, split.middle, split.at_us, &self.all);
        }
        state.growth = Some(growth);
    }

    /// Puts a batch; `placed` hears, for each record in no particular order,
    /// its slot, its shard and its sequence number. Each shard is locked once.
    pub(super) fn put(
        &self,
        state: &State,
        batch: &mut Batch,
        now_us: u64,
        mut placed: impl FnMut(usize, &Shard, Result<Sequence, ShardThrottle>),
    ) {
        let order = batch.by_shard(|hash_key| state.shard_number_of(hash_key));
        for run in order.chunk_by(|a, b| a.0 == b.0) {
            let shard = &state.shards[run[0].0 as usize];
            let mut log = shard.log();
            let mut taken = (0, 0);
            for &(_, slot) in run {
                let (partition_key, data) = batch.record(slot as usize);
                let sequence = shard.append(&mut log, partition_key, data, now_us);
                if sequence.is_ok() {
                    taken.0 += 1;
                    taken.1 += partition_key.len() + data.len();
                }
                placed(slot as usize, shard, sequence);
            }
            drop(log);
            state.note(now_us, shard, taken);
            shard.ring();
        }
        batch.keep(order);
        self.all.budget.enforce();
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
            let mut taken = (0, 0);
            for &(_, slot) in run {
                let slot = slot as usize;
                if !refused {
                    let (partition_key, data) = batch.record(slot);
                    let placed = shard.append(&mut log, partition_key, data, now_us);
                    refused = placed.is_err();
                    if !refused {
                        taken.0 += 1;
                        taken.1 += partition_key.len() + data.len();
                    }
                }
                if refused {
                    backlog.add(shard.range, batch, slot, written_us);
                }
            }
            drop(log);
            shard.ring();
            state.note(now_us, shard, taken);
            arrived += taken.0;
        }
        batch.keep(order);
        self.all.budget.enforce();
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
                state.note(now_us, shard, (1, partition_key.len() + data.len()));
            }
            placed.is_ok()
        });
        self.all.budget.enforce();
        arrived
    }
}

impl State {
    /// Whether records can be written.
    pub(super) fn takes_records(&self) -> bool {
        matches!(self.phase, Phase::Active | Phase::Updating { .. })
    }

    /// Notes records and bytes that a shard took, where that makes it grow.
    fn note(&self, now_us: u64, shard: &Shard, (records, bytes): (usize, usize)) {
        if let Some(growth) = &self.growth {
            locked(growth).note(now_us, shard.number, records as u64, bytes as u64);
        }
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
        self.routes[self.route_to(hash_key)].shard
    }

    fn open(&mut self, range: HashRange, parents: [Option<u32>; 2], now_us: u64, all: &Shared) {
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
            all.limits.as_ref().map(|limits| &limits.stream.shard),
            Arc::clone(&all.budget),
        );
        self.shards.push(shard);
        let route = Route {
            end: range.end,
            shard: number,
        };
        self.routes.insert(self.route_to(range.end), route);
    }

    /// Place of the first route that ends at this hash key or behind it.
    fn route_to(&self, hash_key: u128) -> usize {
        self.routes.partition_point(|route| route.end < hash_key)
    }

    fn close(&mut self, number: u32, now_us: u64) {
        let shard = &self.shards[number as usize];
        shard.close(now_us);
        let at = self.route_to(shard.range.end);
        if self
            .routes
            .get(at)
            .is_some_and(|route| route.shard == number)
        {
            self.routes.remove(at);
        }
    }

    fn reshard(&mut self, reshard: Reshard, now_us: u64, all: &Shared) {
        match reshard {
            Reshard::Split { shard, at } => self.split(shard, at, now_us, all),
            Reshard::Merge { lower, upper } => self.merge(lower, upper, now_us, all),
            Reshard::Scale { target } => {
                let open: Vec<HashRange> = self.open_shards().map(|shard| shard.range).collect();
                for step in uniform_steps(&open, target) {
                    match step {
                        Step::SplitAt(key) => {
                            let shard = self.shard_number_of(key);
                            self.split(shard, key, now_us, all);
                        }
                        Step::MergeAt(key) => {
                            let lower = self.shard_number_of(key - 1);
                            let upper = self.shard_number_of(key);
                            self.merge(lower, upper, now_us, all);
                        }
                    }
                }
            }
        }
    }

    fn split(&mut self, shard: u32, at: u128, now_us: u64, all: &Shared) {
        let (left, right) = self.shards[shard as usize].range.split_at(at);
        self.close(shard, now_us);
        self.open(left, [Some(shard), None], now_us, all);
        self.open(right, [Some(shard), None], now_us, all);
    }

    fn merge(&mut self, lower: u32, upper: u32, now_us: u64, all: &Shared) {
        let range = HashRange {
            start: self.shards[lower as usize].range.start,
            end: self.shards[upper as usize].range.end,
        };
        self.close(lower, now_us);
        self.close(upper, now_us);
        self.open(range, [Some(lower), Some(upper)], now_us, all);
    }
}
