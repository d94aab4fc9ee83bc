//! What the wearer is doing: a semi-Markov chain of bouts.
//!
//! Dwells and jumps were fitted to minute-by-minute intensity of volunteers
//! wearing a Fitbit in March to May 2016 (<https://zenodo.org/records/53894>):
//! bouts are not exponential, so most dwells are mixtures. Sessions (workouts)
//! interrupt the chain; sleep replaces it.

use super::calendar::Calendar;
use super::rng::SplitMix64;
use super::traits::Traits;

/// A bout of activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Activity {
    /// Asleep.
    Sleep,
    /// A short waking within the hours of sleep.
    Arousal,
    /// Sitting, standing.
    Sedentary,
    /// Pottering, strolling.
    Light,
    /// Brisk walking.
    Moderate,
    /// Running, climbing.
    Vigorous,
    /// A workout that the device was told of.
    Session,
}

use Activity::{Arousal, Light, Moderate, Sedentary, Session, Sleep, Vigorous};

impl Activity {
    /// Within the hours of sleep.
    #[must_use]
    pub fn is_sleep(self) -> bool {
        matches!(self, Sleep | Arousal)
    }

    /// Moderate or more.
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(self, Moderate | Vigorous | Session)
    }

    /// Scale of the heart rate's fast variation; fitted, but for sessions,
    /// which were compared with rides recorded at 1 Hz.
    pub(crate) fn fast_scale(self) -> f32 {
        [0.75, 0.75, 0.9, 1.9, 1.3, 1.0, 1.8][self as usize]
    }

    /// Share of the heart-rate reserve the bout asks for: mean and standard
    /// deviation. Sessions take theirs from the profile.
    fn effort(self) -> (f32, f32) {
        match self {
            Sleep => (-0.025, 0.012),
            Arousal => (0.08, 0.03),
            Sedentary => (0.065, 0.048),
            Light => (0.14, 0.063),
            Moderate => (0.31, 0.06),
            Vigorous | Session => (0.40, 0.12),
        }
    }

    fn dwell_min(self, rng: &mut SplitMix64) -> f64 {
        let mixture = |rng: &mut SplitMix64, p_long, short, long| {
            let mean = if rng.chance(p_long) { long } else { short };
            mean * rng.exponential()
        };
        match self {
            Sleep => 120.0 * rng.exponential(),
            Arousal => 2.5 * rng.exponential(),
            Sedentary => mixture(rng, 0.2, 3.5, 28.0),
            Light => 0.4 + 2.5 * rng.exponential(),
            Moderate => 0.4 + 2.0 * rng.exponential(),
            Vigorous => mixture(rng, 0.25, 3.5, 24.0),
            Session => EFFORT_HELD_MIN * rng.exponential(),
        }
    }

    /// What is left of a bout met at a random moment: the long part of a
    /// mixture is met in proportion to the time it fills.
    fn residual_min(self, rng: &mut SplitMix64) -> f64 {
        let mean = match self {
            Sedentary if rng.chance(5.6 / 8.4) => 28.0,
            Vigorous if rng.chance(6.0 / 8.625) => 24.0,
            Sedentary | Vigorous => 3.5,
            other => return other.dwell_min(rng),
        };
        mean * rng.exponential()
    }

    fn next_awake(self, rng: &mut SplitMix64) -> Self {
        let pick = rng.unit();
        let choose = |steps: [(f64, Self); 3]| {
            let mut below = 0.0;
            for (share, activity) in steps {
                below += share;
                if pick < below {
                    return activity;
                }
            }
            steps[2].1
        };
        match self {
            Sedentary => choose([(0.992, Light), (0.005, Moderate), (0.003, Vigorous)]),
            Light => choose([(0.952, Sedentary), (0.038, Moderate), (0.010, Vigorous)]),
            Moderate => choose([(0.073, Sedentary), (0.411, Light), (0.516, Vigorous)]),
            // A session ends as a vigorous bout does.
            Vigorous | Session => choose([(0.030, Sedentary), (0.165, Light), (0.805, Moderate)]),
            Sleep | Arousal => Sedentary,
        }
    }
}

/// A session's effort is drawn anew after an exponential time of this mean.
const EFFORT_HELD_MIN: f64 = 3.0;

/// Shares of waking time outside sessions, from the jumps and mean dwells
/// above; a test solves the chain and compares.
pub(crate) const AWAKE_SHARES: [(f64, Activity); 4] = [
    (0.6894, Sedentary),
    (0.2478, Light),
    (0.0187, Moderate),
    (0.0441, Vigorous),
];

/// "Never", as a second of simulated time.
pub(crate) const NEVER_S: u32 = u32::MAX;

/// How hard a session is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SessionEffort {
    /// Share of the heart-rate reserve: mean and standard deviation.
    OfReserve(f32, f32),
    /// Share of the highest heart rate: lowest and highest.
    OfMax(f32, f32),
}

/// When sessions start.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SessionPlan {
    /// At most one a day, with this probability, at an hour people work out.
    Daily(f64),
    /// At any time, such that this share of the fleet is in one.
    Share(f64),
}

/// Whether the hours of sleep are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SleepPlan {
    ByHour,
    Always,
    Never,
}

/// What a profile decides about activity.
#[derive(Clone, Debug)]
pub(crate) struct Habits {
    pub(crate) sleep: SleepPlan,
    pub(crate) sessions: SessionPlan,
    pub(crate) session_median_min: f32,
    pub(crate) session_effort: SessionEffort,
}

/// Log standard deviation of a session's length.
pub(crate) const SESSION_SIGMA: f32 = 0.5;

/// Per cent of workouts that start in each hour of the day; assumed, anchored
/// on the peak of 8.5 % at 18 h and 7 % at 19 h that Jawbone published (reported by
/// benefitspro.com on 26 October 2015).
pub(crate) const SESSION_STARTS: [f64; 24] = [
    0.3, 0.2, 0.2, 0.3, 1.0, 4.0, 6.5, 6.5, 6.0, 6.0, 5.0, 4.5, 5.0, 4.0, 4.5, 5.5, 7.0, 8.0, 8.5,
    7.0, 5.0, 3.0, 1.5, 0.5,
];

impl Habits {
    /// Mean length of a session in minutes.
    pub(crate) fn session_mean_min(&self) -> f64 {
        f64::from(self.session_median_min) * (0.5 * f64::from(SESSION_SIGMA).powi(2)).exp()
    }

    fn session_s(&self, rng: &mut SplitMix64) -> u32 {
        seconds(
            rng.log_normal(self.session_median_min, SESSION_SIGMA)
                .into(),
        )
    }

    /// Seconds from the end of a session to the next one's start.
    fn session_pause_s(&self, share: f64, rng: &mut SplitMix64) -> u32 {
        let mean_min = self.session_mean_min() * (1.0 - share) / share;
        seconds(mean_min * rng.exponential())
    }
}

/// Minutes to whole seconds, at least one: bouts must end later than they
/// start, or the chain would not move on.
fn seconds(minutes: f64) -> u32 {
    (minutes * 60.0).clamp(1.0, 1e9) as u32
}

/// Where a wearer stands in the chain.
#[derive(Clone, Debug)]
pub(crate) struct Bout {
    /// When this bout ends, in seconds of simulated time.
    pub(crate) ends_s: u32,
    /// In a session, its end; else the start of the next one known.
    pub(crate) session_s: u32,
    pub(crate) asleep_min: u16,
    pub(crate) awake_min: u16,
    pub(crate) swing_peak_min: u16,
    pub(crate) activity: Activity,
    pub(crate) zone: u8,
}

impl Bout {
    /// Meets the wearer at `now_s` in the middle of life. `lot`, a number in
    /// `[0, 1)`, decides whether a profile's share in session includes them. Returns also
    /// how long ago the session under way began, in seconds.
    pub(crate) fn met(
        traits: &Traits,
        (zone, lot): (u8, f64),
        now_s: u32,
        habits: &Habits,
        calendar: &Calendar,
        rng: &mut SplitMix64,
    ) -> (Self, u32) {
        let mut bout = Self {
            ends_s: NEVER_S,
            session_s: NEVER_S,
            asleep_min: traits.asleep_min,
            awake_min: traits.awake_min,
            swing_peak_min: traits.swing_peak_min,
            activity: Sedentary,
            zone,
        };
        let under_way = bout.meet_session(lot, now_s, habits, calendar, rng);
        if under_way.is_some() {
            bout.activity = Session;
        } else if bout.is_bedtime(now_s, habits, calendar) {
            bout.activity = if rng.chance(2.5 / 122.5) {
                Arousal
            } else {
                Sleep
            };
        } else {
            let mut pick = rng.unit();
            for (share, activity) in AWAKE_SHARES {
                bout.activity = activity;
                pick -= share;
                if pick < 0.0 {
                    break;
                }
            }
        }
        let left_s = seconds(bout.activity.residual_min(rng));
        bout.end_after(now_s, left_s, habits, calendar);
        (bout, under_way.unwrap_or(0))
    }

    /// For how long the wearer has been in session at `now_s`, if in one; sets
    /// `session_s`.
    fn meet_session(
        &mut self,
        lot: f64,
        now_s: u32,
        habits: &Habits,
        calendar: &Calendar,
        rng: &mut SplitMix64,
    ) -> Option<u32> {
        match habits.sessions {
            SessionPlan::Share(share) if lot < share => {
                // The session one meets is met in proportion to its length.
                let median = habits.session_median_min * SESSION_SIGMA.powi(2).exp();
                let length_s = seconds(rng.log_normal(median, SESSION_SIGMA).into());
                let since_s = (f64::from(length_s) * rng.unit()) as u32;
                self.session_s = now_s + (length_s - since_s);
                Some(since_s)
            }
            SessionPlan::Share(share) => {
                if share > 0.0 {
                    self.session_s = now_s.saturating_add(habits.session_pause_s(share, rng));
                }
                None
            }
            SessionPlan::Daily(_) => {
                let midnight_s = now_s - calendar.time_of_day_s(now_s, self.zone);
                let start_s = session_start(habits, midnight_s, rng)?;
                let end_s = start_s + habits.session_s(rng);
                if now_s < start_s {
                    self.session_s = start_s;
                } else if now_s < end_s {
                    self.session_s = end_s;
                    return Some(now_s - start_s);
                }
                None
            }
        }
    }

    /// A new day began at `midnight_s`: is there a workout in it?
    pub(crate) fn plan_day(
        &mut self,
        midnight_s: u32,
        now_s: u32,
        habits: &Habits,
        rng: &mut SplitMix64,
    ) {
        if self.activity == Session || !matches!(habits.sessions, SessionPlan::Daily(_)) {
            return;
        }
        self.session_s = match session_start(habits, midnight_s, rng) {
            Some(start_s) if start_s > now_s => start_s,
            _ => NEVER_S,
        };
        self.ends_s = self.ends_s.min(self.session_s);
    }

    /// The bout ended at `now_s`: enters the next one and returns the effort
    /// it asks for, as a share of the reserve of a wearer who rests at
    /// `resting_bpm` and reaches `max_bpm`.
    pub(crate) fn enter_next(
        &mut self,
        now_s: u32,
        (resting_bpm, max_bpm): (f32, f32),
        habits: &Habits,
        calendar: &Calendar,
        rng: &mut SplitMix64,
    ) -> f32 {
        let was = self.activity;
        let over = now_s >= self.session_s;
        self.activity = match was {
            Session if !over => Session,
            Session => {
                self.session_s = match habits.sessions {
                    SessionPlan::Share(share) if share > 0.0 => {
                        now_s.saturating_add(habits.session_pause_s(share, rng))
                    }
                    _ => NEVER_S,
                };
                self.after(was, now_s, habits, calendar, rng)
            }
            _ if over => {
                self.session_s = now_s + habits.session_s(rng);
                Session
            }
            _ => self.after(was, now_s, habits, calendar, rng),
        };
        let dwell_s = seconds(self.activity.dwell_min(rng));
        self.end_after(now_s, dwell_s, habits, calendar);
        self.effort((resting_bpm, max_bpm), habits, rng)
    }

    /// Draws the effort of the bout entered.
    pub(crate) fn effort(
        &self,
        (resting_bpm, max_bpm): (f32, f32),
        habits: &Habits,
        rng: &mut SplitMix64,
    ) -> f32 {
        let (mean, sd) = match (self.activity, habits.session_effort) {
            (Session, SessionEffort::OfMax(low, high)) => {
                let bpm = (low + (high - low) * rng.unit() as f32) * max_bpm;
                return (bpm - resting_bpm) / (max_bpm - resting_bpm);
            }
            (Session, SessionEffort::OfReserve(mean, sd)) => (mean, sd),
            (activity, _) => activity.effort(),
        };
        mean + sd * rng.normal()
    }

    fn after(
        &self,
        was: Activity,
        now_s: u32,
        habits: &Habits,
        calendar: &Calendar,
        rng: &mut SplitMix64,
    ) -> Activity {
        if self.is_bedtime(now_s, habits, calendar) {
            if was == Sleep { Arousal } else { Sleep }
        } else {
            was.next_awake(rng)
        }
    }

    /// Ends the bout after `dwell_s`, or earlier where bed, alarm or session
    /// cut it.
    fn end_after(&mut self, now_s: u32, dwell_s: u32, habits: &Habits, calendar: &Calendar) {
        let mut left_s = dwell_s;
        if habits.sleep == SleepPlan::ByHour && self.activity != Session {
            let tod_min = calendar.time_of_day_s(now_s, self.zone) / 60;
            let edge = if self.activity.is_sleep() {
                self.awake_min
            } else {
                self.asleep_min
            };
            left_s = left_s.min(minutes_until(edge, tod_min) * 60);
        }
        self.ends_s = now_s
            .saturating_add(left_s.max(1))
            .min(self.session_s.max(now_s + 1));
    }

    fn is_bedtime(&self, now_s: u32, habits: &Habits, calendar: &Calendar) -> bool {
        match habits.sleep {
            SleepPlan::Always => true,
            SleepPlan::Never => false,
            SleepPlan::ByHour => {
                let tod_min = calendar.time_of_day_s(now_s, self.zone) / 60;
                let night = (u32::from(self.awake_min) + 1440 - u32::from(self.asleep_min)) % 1440;
                (tod_min + 1440 - u32::from(self.asleep_min)) % 1440 < night
            }
        }
    }
}

/// Minutes from `tod_min` to the next `edge_min`, at least 1 and at most a day.
fn minutes_until(edge_min: u16, tod_min: u32) -> u32 {
    let ahead = (u32::from(edge_min) + 1440 - tod_min) % 1440;
    if ahead == 0 { 1440 } else { ahead }
}

/// The start of the workout of the day that began at `midnight_s`, if any.
fn session_start(habits: &Habits, midnight_s: u32, rng: &mut SplitMix64) -> Option<u32> {
    let SessionPlan::Daily(p) = habits.sessions else {
        return None;
    };
    if !rng.chance(p) {
        return None;
    }
    let mut pick = rng.unit() * SESSION_STARTS.iter().sum::<f64>();
    let mut hour = 0;
    for share in &SESSION_STARTS[..23] {
        if pick < *share {
            break;
        }
        pick -= share;
        hour += 1;
    }
    Some(midnight_s + hour * 3600 + rng.below(3600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_waking_time_solve_the_chain() {
        let mut rng = SplitMix64::seeded(1, 0, super::super::rng::Stream::Life);
        let mut minutes = [0.0; 7];
        let mut activity = Sedentary;
        for _ in 0..400_000 {
            minutes[activity as usize] += activity.dwell_min(&mut rng);
            activity = activity.next_awake(&mut rng);
        }
        let all: f64 = minutes.iter().sum();
        for (share, activity) in AWAKE_SHARES {
            let found = minutes[activity as usize] / all;
            assert!(
                (found - share).abs() < 0.03 * share + 0.002,
                "{activity:?}: {found} against {share}"
            );
        }
    }

    #[test]
    fn an_edge_of_the_day_is_ahead_never_behind() {
        for (edge, tod, ahead) in [(60, 0, 60), (0, 1439, 1), (10, 20, 1430), (5, 5, 1440)] {
            assert_eq!(minutes_until(edge, tod), ahead);
        }
    }
}
