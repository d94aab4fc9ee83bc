//! When readings leave the device: at once, with a flush, after an outage, or
//! at the end of a session without a phone.

use super::super::calendar::DAY_S;
use super::super::plan::{Comeback, Sampling};
use super::super::rng::SplitMix64;
use super::{Activity, Delivery, Device, HAS_NO_PHONE, Plan, RUN_STARTS_US, SECOND_US};

/// For how long before the run a natural device lives unseen: a few of its
/// ticks, so that the first readings are neither too many nor too few.
const LEAD_S: f64 = 30.0;

impl Device {
    /// When the next reading is due, given when the last one was.
    #[inline]
    pub(crate) fn due_us(&mut self, plan: &Plan, start_us: u64, last_due_us: Option<u64>) -> u64 {
        self.find_release(plan);
        let held = self.at_us < self.release_us;
        let leaves_us = self.at_us.max(self.release_us_of(held));
        let due_us = start_us.saturating_add_signed(plan.run_us(leaves_us));
        // Ids are unique because a device's readings are due one after the
        // other; a backlog leaves at the speed of its upload.
        let apart_us = if held { plan.upload_gap_run_us() } else { 1 };
        last_due_us.map_or(due_us, |last| due_us.max(last + apart_us))
    }

    fn release_us_of(&self, held: bool) -> u64 {
        if held { self.release_us } else { 0 }
    }

    #[inline]
    fn find_release(&mut self, plan: &Plan) {
        match plan.delivery {
            Delivery::Storm { .. } => {}
            Delivery::Live => {
                if self.flags & HAS_NO_PHONE != 0 {
                    self.release_us = if self.bout.activity == Activity::Session {
                        u64::from(self.bout.session_s) * SECOND_US
                    } else {
                        0
                    };
                }
            }
            Delivery::Sync {
                every_us,
                aligned,
                jitter_us,
                first_us,
            } => {
                if self.at_us <= self.release_us {
                    return;
                }
                if aligned {
                    let first_us = RUN_STARTS_US + first_us;
                    let flushes = ((self.release_us - first_us) / every_us + 1)
                        .max((self.at_us - first_us).div_ceil(every_us));
                    let late_us = (jitter_us as f64 * self.rng.unit()) as u64;
                    let next_us = first_us + flushes * every_us + late_us;
                    self.release_us = next_us.max(self.at_us);
                } else {
                    let flushes = (self.at_us - self.release_us).div_ceil(every_us);
                    self.release_us += flushes * every_us;
                }
            }
        }
    }

    /// Whether its readings wait for a session without a phone to end, in the run or
    /// after it. What waited for one that ended before has left before.
    pub(super) fn waits_for_phone(&self) -> bool {
        self.flags & HAS_NO_PHONE != 0
            && self.bout.activity == Activity::Session
            && u64::from(self.bout.session_s) * SECOND_US >= RUN_STARTS_US
    }
}

/// Where a device's simulated life starts, and when it first lets readings go.
pub(super) fn starts(plan: &Plan, rng: &mut SplitMix64) -> (u64, u64) {
    let mut on_us = RUN_STARTS_US;
    let is_new = plan.new_share > 0.0 && rng.chance(plan.new_share);
    if is_new {
        on_us += (plan.new_within_us * rng.unit()) as u64;
    }
    match plan.delivery {
        Delivery::Live if plan.sampling == Sampling::Natural => {
            let lead_s = (LEAD_S * plan.tempo.sparsity).min(f64::from(DAY_S));
            (on_us - (lead_s * 1e6) as u64, 0)
        }
        Delivery::Live => (on_us, 0),
        Delivery::Sync {
            every_us,
            aligned,
            jitter_us,
            first_us,
        } => {
            let release_us = if aligned {
                RUN_STARTS_US + first_us + (jitter_us as f64 * rng.unit()) as u64
            } else {
                RUN_STARTS_US + (every_us as f64 * rng.unit()) as u64
            };
            // The buffer holds what a whole period left in it, unless the
            // device is new.
            let from_us = if aligned {
                RUN_STARTS_US + first_us - every_us
            } else {
                release_us - every_us
            };
            (if is_new { on_us } else { from_us }, release_us)
        }
        Delivery::Storm {
            outage_us,
            ends_us,
            comeback,
        } => {
            let after_us = match comeback {
                // Retries have long reached their longest distance; the end of
                // the outage falls at a random moment between two.
                Comeback::Backoff(most_us) => most_us * rng.unit() + 1e6 * rng.unit(),
                Comeback::Over(us) => us * rng.unit(),
                Comeback::AppOpen(us) => us * rng.exponential(),
            };
            let back_us = RUN_STARTS_US + ends_us;
            (back_us - outage_us, back_us + after_us as u64)
        }
    }
}
