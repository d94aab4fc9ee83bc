//! When the device reports nothing although its wearer lives on.

use super::super::activity::NEVER_S;
use super::{Device, FORCED_AT_TICK, Plan, SECOND_US};

impl Device {
    /// Is the device silent when the run begins?
    pub(super) fn meet_silence(&mut self, plan: &Plan) {
        self.night = self.rng.below(256) as u8;
        let now_s = (self.at_us / SECOND_US) as u32;
        self.draw_silence(plan, now_s);
        if self.quiet_from_s > now_s
            && let Some(left_s) = plan.gaps.met(&mut self.rng)
        {
            self.quiet_from_s = now_s;
            self.quiet_for_s = left_s as u16;
        }
    }

    pub(super) fn find_silence(&mut self, plan: &Plan) {
        self.draw_silence(plan, (self.at_us / SECOND_US) as u32);
    }

    /// Draws the next silence after `now_s`: a gap, or the night off.
    pub(super) fn draw_silence(&mut self, plan: &Plan, now_s: u32) {
        let (mut from_s, mut for_s) = (NEVER_S, 0);
        if let Some((wait_s, length_s)) = plan.gaps.next(&mut self.rng) {
            (from_s, for_s) = (now_s.saturating_add(wait_s).saturating_add(1), length_s);
        }
        let night = plan.nights.as_ref();
        match night.and_then(|n| n.next_off(self.night, now_s, self.bout.zone, &plan.calendar)) {
            Some(Err(left_s)) => (from_s, for_s) = (now_s, left_s),
            Some(Ok((off_s, length_s))) if off_s < from_s => (from_s, for_s) = (off_s, length_s),
            _ => {}
        }
        self.quiet_from_s = from_s;
        // The longest, a night off, is under 18 hours.
        self.quiet_for_s = for_s.min(u32::from(u16::MAX)) as u16;
    }

    /// Lives through a silence, a day at a time.
    pub(super) fn sleep_over(&mut self, plan: &Plan, until_us: u64) {
        while self.at_us < until_us {
            let to_us = until_us.min(self.next_day_us(plan));
            self.advance(plan, to_us, None);
        }
        // Back on the wrist a device reports at once.
        self.ticks = FORCED_AT_TICK;
    }
}
