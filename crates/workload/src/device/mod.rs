//! One wearable on one wrist: state, and the way to its next reading.
//!
//! A device is always looked at together with its next reading: physiology
//! stands at the moment at which that reading is observed, and what the device
//! keeps silent about has been passed over. The queue therefore holds readings
//! only, never ticks that report nothing.

mod delivery;
mod silence;

use super::activity::{Activity, Bout, NEVER_S};
use super::calendar::{DAY_S, RUN_STARTS_US, SECOND_US};
use super::heart::{self, Heart, RegularStep, Step};
use super::plan::{
    Delivery, GARMIN_EVERY_SECOND, Plan, SILENT_FOR_GOOD_US, Sampling, quasi_random,
};
use super::reading::{DeviceClass, Motion, Reading, ReadingId};
use super::rng::{SplitMix64, Stream};
use super::traits::Traits;
use super::wearing::NIGHT_DRAWN_S;

/// A Fitbit-like device reports at its third tick in any case,
const FORCED_AT_TICK: u8 = 3;
/// and now and then without a change.
const SPURIOUS: u32 = (0.1 * 4_294_967_296.0) as u32;

/// A wrist device sometimes locks onto the wearer's cadence: in this share of
/// vigorous bouts (assumed), for this mean time (assumed), and then reads 165
/// to 185 (range: <https://runningwritings.com>, May 2021).
const LOCK_SHARE: f64 = 0.02;
const LOCK_MEAN_S: f64 = 90.0;

const RECORDS_EVERY_SECOND: u8 = 1;
const HAS_NO_PHONE: u8 = 2;

/// One wearable on one wrist. 96 bytes; with the queue's 9, a million devices
/// take 105 MB.
/// Aligned so that it never touches more than two cache lines.
#[derive(Clone, Debug)]
#[repr(align(32))]
pub(crate) struct Device {
    rng: SplitMix64,
    /// Simulated time of the next reading, where physiology stands.
    at_us: u64,
    /// Readings observed before this moment of simulated time leave at it.
    release_us: u64,
    heart: Heart,
    bout: Bout,
    /// The next silence.
    quiet_from_s: u32,
    quiet_for_s: u16,
    /// Kind of the current night.
    night: u8,
    bpm: u8,
    sequence: u32,
    class: DeviceClass,
    /// Ticks since the last reading.
    ticks: u8,
    /// Heart rate the device is locked onto; 0 for none.
    locked_bpm: u8,
    flags: u8,
}

impl Device {
    /// Device number `device` of the fleet, with its first reading ahead;
    /// `None` when it never sends.
    pub(crate) fn new(plan: &Plan, device: u32) -> Option<Self> {
        let class = plan.class(device)?;
        if !plan.is_worn(device) {
            return None;
        }
        if plan.sampling != Sampling::Natural {
            plan.step(class, false)?;
        }
        let mut device = Self::met(plan, device, class);
        let phase = device.rng.unit();
        let mut sends = device.look_ahead(plan, phase);
        if plan.sampling == Sampling::Natural {
            // The first ticks only find the state that devices are met in.
            while sends && device.at_us < RUN_STARTS_US && !device.waits_for_phone() {
                sends = device.look_ahead(plan, 1.0);
            }
        }
        sends.then_some(device)
    }

    /// The wearer's constants, as drawn for device number `device`.
    pub(crate) fn traits(plan: &Plan, device: u32) -> Traits {
        let mut rng = SplitMix64::seeded(plan.seed, device, Stream::Traits);
        Traits::draw(&mut rng, plan.sleep_window_min, plan.resting_shift_bpm)
    }

    /// Device number `device`, were it of `class`, before its first reading.
    pub(crate) fn met(plan: &Plan, device: u32, class: DeviceClass) -> Self {
        let traits = Self::traits(plan, device);
        let mut rng = SplitMix64::seeded(plan.seed, device, Stream::Life);
        let mut flags = 0;
        if rng.chance(GARMIN_EVERY_SECOND) {
            flags |= RECORDS_EVERY_SECOND;
        }
        if plan.phoneless > 0.0 && rng.chance(plan.phoneless) {
            flags |= HAS_NO_PHONE;
        }
        let zone = plan.zone(rng.unit());
        let (at_us, release_us) = delivery::starts(plan, &mut rng);
        let at_s = (at_us / SECOND_US) as u32;
        let lot = quasi_random(device, 3f64.sqrt(), 0.5);
        let (bout, in_session_s) = Bout::met(
            &traits,
            (zone, lot),
            at_s,
            &plan.habits,
            &plan.calendar,
            &mut rng,
        );
        let range = (traits.resting_bpm, f32::from(traits.max_bpm));
        let effort = bout.effort(range, &plan.habits, &mut rng);
        let mut heart = Heart::met(&traits, effort, bout.activity.fast_scale(), &mut rng);
        let tod_min = plan.calendar.time_of_day_s(at_s, zone) / 60;
        heart.settle(&traits, tod_min, &plan.swing);
        let bpm = heart.shown(class, bout.activity.is_active());
        let mut device = Self {
            rng,
            at_us,
            release_us,
            heart,
            bout,
            quiet_from_s: NEVER_S,
            quiet_for_s: 0,
            night: 0,
            bpm,
            sequence: 0,
            class,
            ticks: 0,
            locked_bpm: 0,
            flags,
        };
        if device.waits_for_phone() {
            let since_us = u64::from(in_session_s.min(2 * DAY_S)) * SECOND_US;
            device.at_us -= since_us;
        }
        if plan.sampling == Sampling::Natural {
            device.meet_silence(plan);
        }
        device
    }

    /// What stands in the next reading. `device` and `due_us` are the queue's.
    #[inline]
    pub(crate) fn reading(
        &mut self,
        plan: &Plan,
        device: u32,
        start_us: u64,
        due_us: u64,
    ) -> Reading {
        let live = matches!(plan.delivery, Delivery::Live) && self.flags & HAS_NO_PHONE == 0;
        let observed_us = if live {
            due_us
        } else {
            let observed_us = start_us.saturating_add_signed(plan.run_us(self.at_us));
            observed_us.min(due_us)
        };
        let (bpm, sensor) = match (plan.uniform_bpm, plan.sensors) {
            (None, None) => (self.bpm, device),
            (uniform, sensors) => self.made_up(device, uniform, sensors),
        };
        let reading = Reading {
            id: ReadingId {
                intended_us: due_us,
                device,
                sequence: self.sequence,
            },
            observed_us,
            bpm,
            sensor,
            motion: self.motion(),
            class: self.class,
        };
        self.sequence += 1;
        reading
    }

    fn made_up(
        &mut self,
        device: u32,
        uniform: Option<(u8, u8)>,
        sensors: Option<u32>,
    ) -> (u8, u32) {
        let bpm = uniform.map_or(self.bpm, |(low, high)| {
            low + self.rng.below(u32::from(high - low) + 1) as u8
        });
        let sensor = sensors.map_or(device, |sensors| 1 + self.rng.below(sensors));
        (bpm, sensor)
    }

    fn motion(&self) -> Motion {
        match self.bout.activity {
            activity if activity.is_sleep() => Motion::Asleep,
            activity if activity.is_active() => Motion::Active,
            _ => Motion::Sedentary,
        }
    }

    /// Lives on to the next reading. `part` of the usual wait is left: 1, or a
    /// random phase for the first. False when there will be no more readings.
    ///
    /// Allocates nothing: it runs once a reading.
    #[inline]
    pub(crate) fn look_ahead(&mut self, plan: &Plan, mut part: f64) -> bool {
        if plan.uniform_bpm.is_some() {
            // Nobody looks at the heart: only time goes on.
            if let Some(step) = plan.step(self.class, false) {
                self.at_us += self.wait_us(plan, step.length_us(), part);
            }
            return true;
        }
        loop {
            let spurious = match plan.sampling {
                Sampling::Natural => match self.tick(plan, part) {
                    Some(bits) => bits,
                    None => return false,
                },
                Sampling::Regular | Sampling::Poisson => self.sample(plan, part),
            };
            part = 1.0;
            let bpm = self.shown();
            self.ticks += 1;
            let reports = plan.sampling != Sampling::Natural
                || self.class != DeviceClass::Fitbit
                || bpm != self.bpm
                || self.ticks >= FORCED_AT_TICK
                || spurious < SPURIOUS;
            if reports {
                self.bpm = bpm;
                self.ticks = 0;
                return true;
            }
        }
    }

    /// The next sample of a device with a period of its own.
    #[inline]
    fn sample(&mut self, plan: &Plan, part: f64) -> u32 {
        let Some(step) = plan.step(self.class, false) else {
            return 0;
        };
        let wait_us = self.wait_us(plan, step.length_us(), part);
        self.advance(plan, self.at_us + wait_us, Some(step))
    }

    #[inline]
    fn wait_us(&mut self, plan: &Plan, period_us: u64, part: f64) -> u64 {
        match plan.sampling {
            Sampling::Poisson => 1 + (period_us as f64 * self.rng.exponential()) as u64,
            _ if part < 1.0 => (period_us as f64 * part) as u64,
            _ => period_us,
        }
    }

    /// The next tick of a natural device: its wait runs at the speed of what
    /// the wearer does, and stands still in silences.
    #[inline(never)]
    fn tick(&mut self, plan: &Plan, mut part: f64) -> Option<u32> {
        let give_up_us = self.at_us + SILENT_FOR_GOOD_US;
        // Apple-like devices wait 3 to 7 minutes in the background, Garmin-like
        // ones mostly 6 and else 1 to 5 seconds in smart recording.
        let (background, session) = match self.class {
            DeviceClass::Apple => (0.6 + 0.8 * self.rng.unit(), 1.0),
            DeviceClass::Garmin if self.flags & RECORDS_EVERY_SECOND == 0 => {
                let smart_s = match self.rng.below(100) {
                    0..77 => 6,
                    pick => 1 + (pick - 77) * 5 / 23,
                };
                (1.0, f64::from(smart_s))
            }
            _ => (1.0, 1.0),
        };
        loop {
            let in_session = self.bout.activity == Activity::Session;
            let step = plan.step(self.class, in_session);
            let scale = if in_session { session } else { background };
            let whole_us = step.map(|step| step.length_us() as f64 * scale);
            let ends_us = match whole_us {
                Some(us) if part == 1.0 && scale == 1.0 => self.at_us + us as u64,
                Some(us) => self.at_us + (us * part) as u64,
                None => u64::MAX,
            };
            let edge_us = self.next_edge_us(plan, ends_us);
            if ends_us < edge_us {
                let regular = step.filter(|step| step.length_us() == ends_us - self.at_us);
                return Some(self.advance(plan, ends_us, regular));
            }
            if edge_us > give_up_us {
                return None;
            }
            if let Some(us) = whole_us {
                part = (part - (edge_us - self.at_us) as f64 / us).max(0.0);
            }
            self.advance(plan, edge_us, None);
            if u64::from(self.quiet_from_s) * SECOND_US <= edge_us {
                let back_us = edge_us + u64::from(self.quiet_for_s) * SECOND_US;
                self.sleep_over(plan, back_us);
                self.find_silence(plan);
            }
        }
    }

    /// Where the wait must be looked at again: a session's start or end, a
    /// silence, or, on the way to something far off, a new day.
    fn next_edge_us(&self, plan: &Plan, ends_us: u64) -> u64 {
        let edge_s = self.bout.session_s.min(self.quiet_from_s);
        let mut edge_us = u64::from(edge_s) * SECOND_US;
        const HOUR_US: u64 = 3_600 * SECOND_US;
        if ends_us - self.at_us > HOUR_US {
            edge_us = edge_us.min(self.next_day_us(plan));
        }
        edge_us.max(self.at_us)
    }

    /// The next midnight or drawing of a night, whichever comes first.
    fn next_day_us(&self, plan: &Plan) -> u64 {
        let at_s = (self.at_us / SECOND_US) as u32;
        let tod_s = plan.calendar.time_of_day_s(at_s, self.bout.zone);
        let edge_s = if tod_s < NIGHT_DRAWN_S {
            NIGHT_DRAWN_S
        } else {
            DAY_S
        };
        (u64::from(at_s) + u64::from(edge_s - tod_s)) * SECOND_US
    }

    /// Lives on to `to_us` and returns random bits left over. `regular` has
    /// the constants when the step is of its length.
    #[inline]
    fn advance(&mut self, plan: &Plan, to_us: u64, regular: Option<&RegularStep>) -> u32 {
        let length_us = to_us - self.at_us;
        let mut from_us = self.at_us;
        let minutes = to_us / (60 * SECOND_US) - from_us / (60 * SECOND_US);
        if minutes > 0 {
            self.pass_minutes(plan, minutes, (to_us / SECOND_US) as u32);
        }
        // Effort changes where bouts end, inside the step; the variations,
        // whose scale changes with it, take the step whole.
        if u64::from(self.bout.ends_s) * SECOND_US <= to_us {
            from_us = self.pass_bouts(plan, to_us);
        }
        self.at_us = to_us;
        let fast_scale = self.bout.activity.fast_scale();
        let asleep = self.bout.activity.is_sleep();
        let errs = heart::mean_error_share(self.class) > 0.0;
        let odd;
        let (step, answer) = match regular.filter(|regular| regular.length_us() == length_us) {
            Some(regular) if from_us + length_us == to_us => {
                (regular.step(), regular.answer(self.heart.response_s()))
            }
            regular => {
                let answer = heart::answer_to_effort(to_us - from_us, self.heart.response_s());
                odd = regular.is_none().then(|| Step::new(length_us));
                let step = odd.as_ref().or(regular.map(RegularStep::step));
                match step {
                    Some(step) => (step, answer),
                    None => return 0,
                }
            }
        };
        self.heart.follow(answer);
        let bits = self.heart.vary(step, fast_scale, asleep, &mut self.rng);
        if errs {
            self.heart.err(step, &mut self.rng);
        }
        if self.locked_bpm > 0 {
            let kept = (-(length_us as f64) * 1e-6 / LOCK_MEAN_S).exp();
            if !self.rng.chance(kept) {
                self.locked_bpm = 0;
            }
        }
        bits
    }

    /// Ends every bout that ends by `to_us`, and returns where the last did.
    #[cold]
    #[inline(never)]
    fn pass_bouts(&mut self, plan: &Plan, to_us: u64) -> u64 {
        let mut from_us = self.at_us;
        while u64::from(self.bout.ends_s) * SECOND_US <= to_us {
            let ends_us = (u64::from(self.bout.ends_s) * SECOND_US).max(from_us);
            let answer = heart::answer_to_effort(ends_us - from_us, self.heart.response_s());
            self.heart.follow(answer);
            from_us = ends_us;
            self.enter_next_bout(plan, (ends_us / SECOND_US) as u32);
        }
        from_us
    }

    fn enter_next_bout(&mut self, plan: &Plan, now_s: u32) {
        let was = self.bout.activity;
        let effort = self.bout.enter_next(
            now_s,
            self.heart.range(),
            &plan.habits,
            &plan.calendar,
            &mut self.rng,
        );
        self.heart.aim(effort);
        let vigorous = |activity| matches!(activity, Activity::Vigorous | Activity::Session);
        let begins = !vigorous(was) && vigorous(self.bout.activity);
        if begins && self.class != DeviceClass::Strap && self.rng.chance(LOCK_SHARE) {
            self.locked_bpm = 165 + self.rng.below(21) as u8;
        }
    }

    #[cold]
    #[inline(never)]
    fn pass_minutes(&mut self, plan: &Plan, minutes: u64, to_s: u32) {
        let zone = self.bout.zone;
        // Whole minutes: no edge between two calls is missed or seen twice.
        let from_s = (self.at_us / SECOND_US) as u32 / 60 * 60;
        let to_s = to_s / 60 * 60;
        let tod_before_s = plan.calendar.time_of_day_s(from_s, zone);
        let tod_s = plan.calendar.time_of_day_s(to_s, zone);
        if tod_s < tod_before_s || to_s - from_s >= DAY_S {
            self.heart.new_day(&mut self.rng);
            let midnight_s = to_s - tod_s;
            self.bout
                .plan_day(midnight_s, to_s, &plan.habits, &mut self.rng);
        }
        if plan.nights.is_some() && (tod_before_s..tod_s).contains(&(NIGHT_DRAWN_S - 1)) {
            self.night = self.rng.below(256) as u8;
            self.draw_silence(plan, to_s);
        }
        self.heart.refresh(
            minutes,
            tod_s / 60,
            self.bout.swing_peak_min,
            self.bout.activity.is_sleep(),
            &plan.swing,
            &mut self.rng,
        );
    }

    #[inline]
    fn shown(&mut self) -> u8 {
        let bpm = self.heart.shown(self.class, self.bout.activity.is_active());
        if self.locked_bpm > 0 {
            self.locked_bpm
        } else {
            bpm
        }
    }

    /// Simulated time of the next reading, in microseconds.
    pub(crate) fn at_us(&self) -> u64 {
        self.at_us
    }

    pub(crate) fn view(&self) -> (&Heart, &Bout) {
        (&self.heart, &self.bout)
    }

    pub(crate) fn bpm(&self) -> u8 {
        self.bpm
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.locked_bpm > 0
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_device_takes_about_a_hundred_bytes() {
        let all = super::super::Fleet::bytes(1);
        assert!(all <= 105, "{all} bytes");
    }
}
