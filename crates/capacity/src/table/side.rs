//! One direction of a table, writes or reads: every limit an operation passes.
//!
//! An operation is admitted when the on-demand maximum (if there is one), the
//! table's own bucket and its partition's last second all have room, asked in
//! this order; the first that has none is the throttle's scope, and nothing is
//! taken. The table's bucket is the provisioned units with their burst, or the
//! warm throughput. A partition may take all of the table's (adaptive capacity:
//! there is no share of its own), up to its cap.
//!
//! Here amounts are write units or half read units: an eventually consistent
//! read costs half a unit, and half units make it whole.

use super::bucket::Bucket;
use super::on_demand::Peaks;
use super::partition::{KeySpace, PARTITION_CAP};
use super::second::{Offer, Second};
use super::throttle::{Direction, Scope};
use super::{Assumptions, MICROS};

/// What became of operations: each is in one of these numbers, by its units
/// (half units for reads).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Admitted.
    pub admitted: u64,
    /// Refused, by scope in the order of [`Scope::ALL`].
    pub throttled: [u64; 5],
}

impl Tally {
    /// Refused in this scope.
    #[must_use]
    pub fn throttled_by(&self, scope: Scope) -> u64 {
        self.throttled[scope as usize]
    }

    /// Refused, in all scopes.
    #[must_use]
    pub fn all_throttled(&self) -> u64 {
        self.throttled.iter().sum()
    }

    fn add(&mut self, other: &Self) {
        self.admitted += other.admitted;
        for (mine, theirs) in self.throttled.iter_mut().zip(other.throttled) {
            *mine += theirs;
        }
    }
}

/// One partition's part in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lane {
    second: Second,
    /// What it was asked for in this minute, without what the table as a whole
    /// refused: that says nothing about the partition.
    asked: u64,
    /// The most it was asked for in a minute.
    pub(super) busiest: u64,
    /// Minutes in a row it was hot, and the first and last hash seen in them.
    hot_minutes: u32,
    low: u64,
    high: u64,
    pub(super) admitted: u64,
    pub(super) throttled: u64,
}

impl Lane {
    fn new(now_us: u64) -> Self {
        Self {
            second: Second::new(now_us),
            asked: 0,
            busiest: 0,
            hot_minutes: 0,
            low: u64::MAX,
            high: 0,
            admitted: 0,
            throttled: 0,
        }
    }

    /// A part of this partition after a split. It keeps the last second, so
    /// that no key gets two caps' worth out of the second of the split.
    fn child(&self, now_us: u64) -> Self {
        Self {
            second: self.second.clone(),
            ..Self::new(now_us)
        }
    }

    #[inline]
    fn saw(&mut self, units: u64, low: u64, high: u64) {
        self.asked += units;
        self.low = self.low.min(low);
        self.high = self.high.max(high);
    }

    /// Ends a minute; `hot` is the least that makes it a hot one.
    fn minute(&mut self, hot: u64) {
        self.busiest = self.busiest.max(self.asked);
        if self.asked >= hot {
            self.hot_minutes += 1;
        } else {
            self.cool();
        }
        self.asked = 0;
    }

    fn cool(&mut self) {
        self.hot_minutes = 0;
        self.low = u64::MAX;
        self.high = 0;
    }
}

/// A partition's demand in a stretch of time, and what it gets of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Claim {
    lane: usize,
    demand: u64,
    offer: Offer,
    granted: u64,
    /// Whether the table's limit leaves it less than the partition would.
    short: bool,
}

/// Writes or reads of one table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Side {
    /// Amounts in a unit.
    pub(super) scale: u64,
    /// What a partition takes in a second.
    cap: u64,
    pub(super) lanes: Vec<Lane>,
    pub(super) table: Bucket,
    /// What it means when the table's bucket is empty.
    table_scope: Scope,
    maximum: Option<Bucket>,
    pub(super) peaks: Peaks,
    /// Admitted in this minute.
    minute: u64,
    pub(super) total: Tally,
    /// Scratch: empty between calls, kept for its memory.
    claims: Vec<Claim>,
}

impl Side {
    pub(super) fn new(
        direction: Direction,
        partitions: usize,
        assumptions: &Assumptions,
        now_us: u64,
    ) -> Self {
        let scale = match direction {
            Direction::Write => 1,
            Direction::Read => 2,
        };
        Self {
            scale,
            cap: PARTITION_CAP.of(direction) * scale,
            lanes: vec![Lane::new(now_us); partitions],
            table: Bucket::new(0, 0, 0, now_us),
            table_scope: Scope::Provisioned,
            maximum: None,
            peaks: Peaks::new(assumptions.growth_us, assumptions.minute_us()),
            minute: 0,
            total: Tally::default(),
            claims: Vec::new(),
        }
    }

    /// Becomes provisioned with so many units, or changes them.
    pub(super) fn provision(&mut self, units: u64, a: &Assumptions, fresh: bool, now_us: u64) {
        let rate = units.saturating_mul(self.scale);
        if fresh {
            self.table = Bucket::new(rate, a.burst_us, a.initial_burst_us, now_us);
        } else {
            self.table.refill(now_us);
            self.table.set_rate(rate);
        }
        self.table_scope = Scope::Provisioned;
        self.maximum = None;
        self.peaks.raise(rate);
    }

    /// Becomes on-demand, or takes what it has grown to by now.
    pub(super) fn serve_on_demand(&mut self, quota: u64, fresh: bool, now_us: u64) {
        let quota = quota.saturating_mul(self.scale);
        let rate = self.peaks.warm().min(quota);
        if fresh {
            self.table = Bucket::new(rate, MICROS, MICROS, now_us);
        } else {
            self.table.refill(now_us);
            self.table.set_rate(rate);
        }
        self.table_scope = if rate == quota {
            Scope::Account
        } else {
            Scope::Warm
        };
    }

    /// Sets or removes the on-demand maximum.
    pub(super) fn limit(&mut self, units: Option<u64>, a: &Assumptions, now_us: u64) {
        self.maximum = units.map(|units| {
            let rate = units.saturating_mul(self.scale);
            Bucket::new(rate, a.maximum_burst_us, a.maximum_burst_us, now_us)
        });
    }

    /// Admits one operation, or says what refuses it. The hot path: no
    /// division but by constants, nothing allocated, three cache lines.
    #[inline]
    pub(super) fn admit(
        &mut self,
        now_us: u64,
        partition: usize,
        hash: u64,
        units: u64,
    ) -> Result<(), Scope> {
        if let Some(maximum) = &mut self.maximum {
            maximum.refill(now_us);
            if !maximum.is_open() {
                return self.refuse(Scope::OnDemandMaximum, units);
            }
        }
        self.table.refill(now_us);
        if !self.table.is_open() {
            return self.refuse(self.table_scope, units);
        }
        let lane = &mut self.lanes[partition];
        lane.second.advance(now_us);
        lane.saw(units, hash, hash);
        if !lane.second.is_below(self.cap) {
            lane.throttled += units;
            return self.refuse(Scope::KeyRange, units);
        }
        lane.second.take(units);
        lane.admitted += units;
        self.table.take(units);
        if let Some(maximum) = &mut self.maximum {
            maximum.take(units);
        }
        self.minute += units;
        self.total.admitted += units;
        Ok(())
    }

    #[cold]
    fn refuse(&mut self, scope: Scope, units: u64) -> Result<(), Scope> {
        self.total.throttled[scope as usize] += units;
        Err(scope)
    }

    /// Admits of each partition's demand, which comes in single units evenly
    /// over `len_us`, what one by one would be. The demand is of one key if
    /// `key` is given.
    ///
    /// First each partition takes what its cap allows; when that is more than
    /// the table has, it is shared in proportion to demand, as operations in
    /// random order would share it.
    pub(super) fn offer(
        &mut self,
        from_us: u64,
        len_us: u64,
        demand: &[u64],
        key: Option<u64>,
        space: &KeySpace,
    ) -> Tally {
        let mut claims = std::mem::take(&mut self.claims);
        let mut wished = 0u64;
        for (lane, &demand) in demand.iter().enumerate().filter(|&(_, &demand)| demand > 0) {
            let second = &mut self.lanes[lane].second;
            let offer = second.offer(from_us, len_us, demand, self.cap);
            wished = wished.saturating_add(offer.admitted);
            claims.push(Claim {
                lane,
                demand,
                offer,
                granted: offer.admitted,
                short: false,
            });
        }
        let until_us = from_us.saturating_add(len_us);
        self.table.refill(from_us);
        let mut limit = self.table.room_until(until_us);
        let mut scope = self.table_scope;
        if let Some(maximum) = &mut self.maximum {
            maximum.refill(from_us);
            let most = maximum.room_until(until_us);
            if most < limit {
                (limit, scope) = (most, Scope::OnDemandMaximum);
            }
        }
        if wished > limit {
            share(&mut claims, limit);
        }
        let mut tally = Tally::default();
        for claim in claims.drain(..) {
            let lane = &mut self.lanes[claim.lane];
            lane.second.keep(claim.offer, claim.granted);
            let refused = claim.demand - claim.granted;
            let (low, high) = key.map_or_else(|| space.range(claim.lane), |key| (key, key));
            if claim.short {
                tally.throttled[scope as usize] += refused;
                lane.saw(claim.granted, low, high);
            } else {
                tally.throttled[Scope::KeyRange as usize] += refused;
                lane.throttled += refused;
                lane.saw(claim.demand, low, high);
            }
            lane.admitted += claim.granted;
            tally.admitted += claim.granted;
        }
        self.claims = claims;
        self.table.take_until(until_us, tally.admitted);
        if let Some(maximum) = &mut self.maximum {
            maximum.take_until(until_us, tally.admitted);
        }
        self.minute += tally.admitted;
        self.total.add(&tally);
        tally
    }

    /// Ends a minute, in the mode it was in: returns what was admitted in it.
    pub(super) fn end_minute(
        &mut self,
        end_us: u64,
        on_demand: bool,
        assumptions: &Assumptions,
    ) -> u64 {
        let admitted = std::mem::take(&mut self.minute);
        let minute_us = assumptions.minute_us();
        // A provisioned table grows by what is provisioned, not by traffic. The
        // second's worth that may come at once is no rate that was served.
        let rate = if on_demand {
            let rate = admitted.saturating_mul(MICROS).div_ceil(minute_us);
            rate.min(self.peaks.warm())
        } else {
            0
        };
        self.peaks.minute(end_us, rate);
        let cap = self.cap * minute_us / MICROS;
        let hot = cap.saturating_mul(assumptions.heat_percent) / 100;
        for lane in &mut self.lanes {
            lane.minute(hot.max(1));
        }
        admitted
    }

    /// Where to cut a partition that has been hot long enough: half-way between
    /// the first and the last hash seen. None for a single key, which gains
    /// nothing by it.
    pub(super) fn heat(&self, lane: usize, assumptions: &Assumptions) -> Option<u64> {
        let lane = &self.lanes[lane];
        let hot = lane.hot_minutes >= assumptions.heat_minutes.max(1);
        (hot && lane.low < lane.high).then(|| lane.low + (lane.high - lane.low) / 2 + 1)
    }

    /// Follows a split of one partition.
    pub(super) fn split(&mut self, lane: usize, now_us: u64) {
        let child = self.lanes[lane].child(now_us);
        self.lanes[lane] = child.clone();
        self.lanes.insert(lane + 1, child);
    }

    /// Follows a split of many: for each partition now, the one before.
    pub(super) fn split_all(&mut self, parents: &[usize], now_us: u64) {
        self.lanes = parents
            .iter()
            .enumerate()
            .map(|(at, &parent)| {
                let alone = at
                    .checked_sub(1)
                    .is_none_or(|before| parents[before] != parent)
                    && parents.get(at + 1) != Some(&parent);
                if alone {
                    self.lanes[parent].clone()
                } else {
                    self.lanes[parent].child(now_us)
                }
            })
            .collect();
    }
}

/// Shares `limit` in proportion to demand, none getting more than its partition
/// allows; what those leave goes to the others.
fn share(claims: &mut [Claim], limit: u64) {
    for claim in &mut *claims {
        claim.short = true;
    }
    let mut limit = u128::from(limit);
    let mut demand: u128 = claims.iter().map(|claim| u128::from(claim.demand)).sum();
    loop {
        let (mut left, mut others) = (limit, demand);
        for claim in claims.iter_mut().filter(|claim| claim.short) {
            let most = u128::from(claim.offer.admitted);
            if most * demand <= u128::from(claim.demand) * limit {
                claim.short = false;
                left -= most;
                others -= u128::from(claim.demand);
            }
        }
        let settled = others == demand;
        (limit, demand) = (left, others);
        if settled {
            break;
        }
    }
    // Whole units, the rounding carried from one to the next.
    let (mut sum, mut given) = (0, 0);
    for claim in claims.iter_mut().filter(|claim| claim.short) {
        sum += u128::from(claim.demand);
        let up_to = sum * limit / demand;
        claim.granted = ((up_to - given) as u64).min(claim.offer.admitted);
        given = up_to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_table_is_shared_by_demand_and_no_partition_gets_more_than_its_cap() {
        let claim = |demand: u64| Claim {
            lane: 0,
            demand,
            offer: Second::new(0).offer(0, MICROS, demand, 1_000),
            granted: 0,
            short: false,
        };
        for (demands, limit, granted) in [
            (vec![10_000, 100, 100], 510, vec![500, 5, 5]),
            (vec![100_000, 600, 600], 1_600, vec![1_000, 300, 300]),
            (vec![3, 3, 3], 8, vec![2, 3, 3]),
        ] {
            let mut claims: Vec<Claim> = demands.iter().copied().map(claim).collect();
            for claim in &mut claims {
                claim.granted = claim.offer.admitted;
            }
            share(&mut claims, limit);
            let got: Vec<u64> = claims.iter().map(|claim| claim.granted).collect();
            assert_eq!(got, granted, "{demands:?}");
        }
    }
}
