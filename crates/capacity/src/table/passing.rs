//! What happens to a table by itself as time passes.
//!
//! Three things, in the order they are due: an accepted change takes effect; a
//! minute of the UTC clock ends, and with it traffic may have set a peak, a
//! partition may have been hot long enough to be split, and auto scaling decides;
//! auto scaling asks for what it decided when its alarm has gone off.

use super::change::{Change, Mode, PendingChange, Refusal, Units};
use super::on_demand::NEW_TABLE;
use super::partition::{partitions_for_provisioned, partitions_for_warm};
use super::side::Side;
use super::throttle::Direction;
use super::{DIRECTIONS, TableCapacity};
use crate::scaling::ScalingAction;

/// Minutes looked at one by one after a long silence: three days. After that
/// nothing is left to happen.
const MOST_MINUTES: u64 = 3 * 24 * 60;

impl TableCapacity {
    #[cold]
    pub(super) fn catch_up(&mut self) {
        let mut minutes = 0;
        while self.next_us <= self.last_us {
            let now_us = self.next_us;
            if self.pending.is_some_and(|p| p.effective_us <= now_us) {
                self.apply_pending();
            }
            if self.minute_end_us <= now_us {
                self.end_minute();
                minutes += 1;
                if minutes > MOST_MINUTES {
                    self.minute_end_us = self.assumptions.end_of_minute(self.last_us);
                }
            }
            for direction in DIRECTIONS {
                if self.wanted[direction as usize].is_some_and(|w| w.at_us <= now_us) {
                    self.scale(direction, now_us);
                }
            }
            self.schedule();
        }
    }

    /// Finds when something happens by itself next.
    pub(super) fn schedule(&mut self) {
        let pending_us = self.pending.map(|pending| pending.effective_us);
        let wanted_us = self.wanted.iter().flatten().map(|wanted| wanted.at_us);
        self.next_us = wanted_us
            .chain(pending_us)
            .fold(self.minute_end_us, u64::min);
    }

    fn apply_pending(&mut self) {
        let Some(PendingChange {
            change,
            effective_us,
        }) = self.pending.take()
        else {
            return;
        };
        self.raise_warm(change.warm.unwrap_or_default());
        self.maximum = change.maximum.unwrap_or(self.maximum);
        let mode = change.mode.unwrap_or(self.mode);
        let fresh = (mode == Mode::OnDemand) != (self.mode == Mode::OnDemand);
        self.mode = mode;
        if fresh {
            self.wanted = [None, None];
        }
        self.enter_mode(fresh, effective_us);
    }

    pub(super) fn raise_warm(&mut self, warm: Units) {
        for (side, direction) in self.sides.iter_mut().zip(DIRECTIONS) {
            side.peaks
                .raise(warm.of(direction).saturating_mul(side.scale));
        }
    }

    /// Gives both sides what the mode says; `fresh` when it was another before.
    pub(super) fn enter_mode(&mut self, fresh: bool, now_us: u64) {
        match self.mode {
            Mode::Provisioned(units) => {
                for (side, direction) in self.sides.iter_mut().zip(DIRECTIONS) {
                    side.provision(units.of(direction), &self.assumptions, fresh, now_us);
                }
                self.ensure_partitions(partitions_for_provisioned(units), now_us);
            }
            Mode::OnDemand => {
                // A switched table serves what a new one does, or what it was
                // ever provisioned for.
                self.raise_warm(NEW_TABLE);
                let maxima = [self.maximum.write, self.maximum.read];
                for (side, maximum) in self.sides.iter_mut().zip(maxima) {
                    side.limit(maximum, &self.assumptions, now_us);
                }
                self.grow(fresh, now_us);
            }
        }
        self.ensure_partitions(partitions_for_warm(self.warm()), now_us);
    }

    /// Serves on demand what the peaks allow by now.
    fn grow(&mut self, fresh: bool, now_us: u64) {
        for (side, direction) in self.sides.iter_mut().zip(DIRECTIONS) {
            side.serve_on_demand(self.quotas.table.of(direction), fresh, now_us);
        }
    }

    pub(super) fn ensure_partitions(&mut self, partitions: u64, now_us: u64) {
        if let Some(parents) = self.space.narrow(partitions) {
            for side in &mut self.sides {
                side.split_all(&parents, now_us);
            }
        }
    }

    fn end_minute(&mut self) {
        let end_us = self.minute_end_us;
        self.minute_end_us = self.assumptions.end_of_minute(end_us);
        for direction in DIRECTIONS {
            let side = &mut self.sides[direction as usize];
            let on_demand = self.mode == Mode::OnDemand;
            let admitted = side.end_minute(end_us, on_demand, &self.assumptions);
            // As much as at this rate in a minute of sixty seconds.
            let consumed = admitted
                .div_ceil(side.scale)
                .saturating_mul(self.assumptions.pace());
            let Mode::Provisioned(units) = self.mode else {
                continue;
            };
            let at = direction as usize;
            if let Some(scaling) = &mut self.scaling[at] {
                let action = scaling.minute(end_us, consumed, units.of(direction));
                // One action at a time, and none while the table is updated.
                if self.wanted[at].is_none() && self.pending.is_none() {
                    self.wanted[at] = action;
                }
            }
        }
        // From the back, so that places before stay.
        for partition in (0..self.space.count()).rev() {
            let heat = |side: &Side| side.heat(partition, &self.assumptions);
            let cut = self.sides.iter().find_map(heat);
            if cut.is_some_and(|at| self.space.split(partition, at)) {
                for side in &mut self.sides {
                    side.split(partition, end_us);
                }
            }
        }
        if self.mode == Mode::OnDemand {
            self.grow(false, end_us);
            self.ensure_partitions(partitions_for_warm(self.warm()), end_us);
        }
    }

    /// Asks for what auto scaling wants; again later if the table is being
    /// updated, and not at all if a quota says no: the next minute decides anew.
    fn scale(&mut self, direction: Direction, now_us: u64) {
        let at = direction as usize;
        let (Some(action), Mode::Provisioned(units)) = (self.wanted[at].take(), self.mode) else {
            return;
        };
        let change = Change {
            mode: Some(Mode::Provisioned(units.with(direction, action.units))),
            ..Change::default()
        };
        // `update` is given a time of its own: that of the action.
        let last_us = std::mem::replace(&mut self.last_us, now_us);
        let next_us = std::mem::replace(&mut self.next_us, u64::MAX);
        let answer = self.update(now_us, change);
        self.last_us = last_us;
        self.next_us = next_us;
        if let Err(Refusal::InUse { until_us }) = answer {
            self.wanted[at] = Some(ScalingAction {
                at_us: until_us,
                ..action
            });
        }
    }
}
