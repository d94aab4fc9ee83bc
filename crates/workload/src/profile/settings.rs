//! What a profile's text may say. Unknown keys are refused.

use serde::Deserialize;

use super::error::Flaw;
use super::values::{NonNegative, Positive, Share, TimeOfDay};

/// A whole profile.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The profile's name.
    pub name: String,
    /// What it models, in a line.
    pub summary: String,
    /// When devices send.
    pub arrivals: Arrivals,
    /// The stretch of the day.
    #[serde(default)]
    pub day: Day,
    /// The mix of devices.
    #[serde(default)]
    pub classes: Classes,
    /// Who wears them and what they do.
    #[serde(default)]
    pub cohort: Cohort,
    /// Flushes of buffered readings; wanted by `sync-burst` only.
    pub sync: Option<Sync>,
    /// An outage and the return from it; wanted by `reconnect-storm` only.
    pub storm: Option<Storm>,
    /// What a rate may ask of this profile.
    #[serde(default)]
    pub limits: Limits,
    /// What readings hold, where it is not the model's.
    #[serde(default)]
    pub readings: Readings,
    /// What a run's result must show, as `--threshold` has it. What such text
    /// means is not for this room to know.
    #[serde(default)]
    pub thresholds: Vec<String>,
}

/// When devices send.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrivals {
    /// The arrival process.
    pub process: Process,
    /// Seconds between the readings of any device, in place of its class's
    /// background mean; not for `natural`.
    pub every_s: Option<Positive>,
}

/// An arrival process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Process {
    /// Every device at its own fixed period and random phase.
    Steady,
    /// The same means, exponential gaps.
    Poisson,
    /// As devices do: on change, faster in workouts, with gaps and nights.
    Natural,
    /// Readings taken steadily, buffered, flushed together.
    SyncBurst,
    /// Readings taken steadily during an outage, sent on return.
    ReconnectStorm,
}

/// The stretch of the day in which a run takes place.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Day {
    /// Local time at which the run starts.
    pub from: TimeOfDay,
    /// Local time at which time of day goes back to `from`; the same as
    /// `from` for whole days.
    pub to: TimeOfDay,
    /// How simulated time follows the run's.
    pub compress: Compression,
    /// Time zones and their shares of the fleet; for whole days.
    pub time_zones: Vec<TimeZone>,
}

/// How simulated time follows the run's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    /// As fast as the rate asked for needs.
    Rate,
    /// The whole window passes within the run; the rate thins the readings.
    Run,
}

/// A time zone.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeZone {
    /// Offset from UTC in hours; the first zone's clock is the run's.
    pub utc_offset_h: f64,
    /// Its share of the fleet; shares are scaled to 1.
    pub share: Positive,
}

/// Shares of the device classes; scaled to 1. A table that is given is the whole
/// table: a class that it does not name has no share.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classes {
    /// Fitbit-like.
    #[serde(default = "none")]
    pub fitbit: NonNegative,
    /// Apple-like.
    #[serde(default = "none")]
    pub apple: NonNegative,
    /// Garmin-like.
    #[serde(default = "none")]
    pub garmin: NonNegative,
    /// Chest straps.
    #[serde(default = "none")]
    pub strap: NonNegative,
    /// Fleet members that send nothing at all.
    #[serde(default = "none")]
    pub silent: NonNegative,
}

/// No share.
fn none() -> NonNegative {
    literal(0.0)
}

/// Who wears the devices and what they do.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cohort {
    /// Who has the device on.
    pub worn: Wearing,
    /// Who sleeps.
    pub sleep: Sleep,
    /// Usual times of falling asleep and waking.
    pub sleep_window: [TimeOfDay; 2],
    /// Chance of a workout each day.
    pub workouts_per_day: Share,
    /// Share of the fleet in a session at any time, in place of daily
    /// workouts.
    pub in_session: Option<Share>,
    /// Median length of a session in minutes.
    pub session_median_min: Positive,
    /// Session effort as a share of the heart-rate reserve: mean and standard
    /// deviation.
    pub session_effort: [f32; 2],
    /// Session effort as a share of the highest heart rate, lowest and
    /// highest, in place of `session_effort`.
    pub session_of_max: Option<[f32; 2]>,
    /// Share of the fleet that carries no phone: their readings of a session
    /// leave when it ends.
    pub phoneless: Share,
    /// Readings a second that such a device sends when back.
    pub backlog_per_s: Positive,
    /// How often gaps of 1 min to 2 h in the signal occur, times the usual.
    pub gaps: NonNegative,
    /// How often those of 1 to 5 minutes occur, times that.
    pub short_gaps: NonNegative,
    /// Added to everyone's resting heart rate, beats per minute.
    pub resting_shift_bpm: f32,
    /// Devices new on that day, as a share of the old ones.
    pub new_devices: Share,
    /// New devices are switched on within so many minutes from the start.
    pub new_within_min: Positive,
}

/// Who has the device on.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "expected a share from 0 to 1, or \"by-hour\"")]
pub enum Wearing {
    /// A fixed share of the fleet, all the time.
    Always(Share),
    /// Everyone at noon, fewer at night.
    ByHour(ByHour),
}

/// The word `by-hour`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ByHour {
    /// By the hour of the day.
    ByHour,
}

/// Who sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sleep {
    /// Whoever is within the own hours of sleep.
    ByHour,
    /// Everyone.
    All,
    /// No one.
    None,
}

/// Buffered readings flushed together.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sync {
    /// Seconds between the flushes of a device.
    pub every_s: Positive,
    /// Whether devices flush at the same time.
    pub phase: SyncPhase,
    /// Aligned flushes start within so many seconds.
    pub jitter_s: NonNegative,
    /// Aligned: when the first flush comes, in seconds from the start.
    pub first_s: NonNegative,
    /// Readings a second that a flushing device sends.
    pub upload_per_s: Positive,
}

/// Whether devices flush at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SyncPhase {
    /// All at the same time, but for the jitter.
    Aligned,
    /// Each at its own.
    Random,
}

/// An outage and the return from it.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storm {
    /// Hours for which devices buffered; at most 48.
    pub outage_h: Positive,
    /// When the outage ends, in seconds from the start.
    pub ends_s: NonNegative,
    /// How devices come back.
    #[serde(rename = "return")]
    pub comeback: Return,
    /// Readings a second that a returning device sends.
    pub upload_per_s: Positive,
}

/// How devices come back after an outage.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Return {
    /// At the next retry of truncated exponential backoff: at 2^n seconds plus
    /// up to one, at most this many seconds apart.
    BackoffS(Positive),
    /// Spread evenly over so many seconds.
    OverS(Positive),
    /// When their app is next opened: exponential with this mean in seconds.
    AppOpenS(Positive),
}

/// What a rate may ask of the profile.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The most readings a second asked of a device, as a mean over the fleet.
    pub per_device_per_s: Positive,
}

/// What readings hold, where it is not the model's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Readings {
    /// Each reading gets a random `SensorID` from 1 to this number; without
    /// it, the device's index.
    pub sensors: Option<u32>,
    /// Each reading gets a random heart rate between these two, both included;
    /// without it, the wearer's.
    pub uniform_bpm: Option<[u8; 2]>,
}

fn literal<T: TryFrom<f64>>(value: f64) -> T
where
    T::Error: std::fmt::Debug,
{
    T::try_from(value).expect("a literal of this file is in range")
}

impl Default for Day {
    fn default() -> Self {
        Self {
            from: TimeOfDay::hours(10),
            to: TimeOfDay::hours(10),
            compress: Compression::Rate,
            time_zones: vec![TimeZone {
                utc_offset_h: 0.0,
                share: literal(1.0),
            }],
        }
    }
}

impl Default for Classes {
    fn default() -> Self {
        Self {
            fitbit: literal(0.40),
            apple: literal(0.35),
            garmin: literal(0.20),
            strap: literal(0.05),
            silent: literal(0.0),
        }
    }
}

impl Default for Cohort {
    fn default() -> Self {
        Self {
            worn: Wearing::Always(literal(1.0)),
            sleep: Sleep::ByHour,
            sleep_window: [
                TimeOfDay::minutes(22 * 60 + 33),
                TimeOfDay::minutes(6 * 60 + 39),
            ],
            workouts_per_day: literal(0.20),
            in_session: None,
            session_median_min: literal(40.0),
            session_effort: [0.62, 0.10],
            session_of_max: None,
            phoneless: literal(0.0),
            backlog_per_s: literal(100.0),
            gaps: literal(1.0),
            short_gaps: literal(1.0),
            resting_shift_bpm: 0.0,
            new_devices: literal(0.0),
            new_within_min: literal(10.0),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_device_per_s: literal(100.0),
        }
    }
}

impl Classes {
    /// Shares in the order of [`crate::DeviceClass`], then the
    /// silent ones; not scaled.
    #[must_use]
    pub fn weights(&self) -> [f64; 5] {
        [
            self.fitbit.get(),
            self.apple.get(),
            self.garmin.get(),
            self.strap.get(),
            self.silent.get(),
        ]
    }
}

impl Day {
    /// Length of the window in seconds, up to a day.
    #[must_use]
    pub fn length_s(&self) -> u32 {
        let length = (self.to.seconds() + 86_400 - self.from.seconds()) % 86_400;
        if length == 0 { 86_400 } else { length }
    }
}

impl Settings {
    /// What single values cannot tell.
    pub(super) fn check(&self) -> Result<(), Flaw> {
        self.check_processes()?;
        self.check_day()?;
        self.check_people()
    }

    fn check_processes(&self) -> Result<(), Flaw> {
        let process = self.arrivals.process;
        if (process == Process::SyncBurst) != self.sync.is_some() {
            return flaw(
                "arrivals",
                "process",
                "`sync-burst` wants a table [sync], and no other process does",
            );
        }
        if (process == Process::ReconnectStorm) != self.storm.is_some() {
            return flaw(
                "arrivals",
                "process",
                "`reconnect-storm` wants a table [storm], and no other process does",
            );
        }
        if process == Process::Natural && self.arrivals.every_s.is_some() {
            return flaw(
                "arrivals",
                "every_s",
                "not with the process `natural`, where devices decide; remove it",
            );
        }
        if self.day.compress == Compression::Run && process != Process::Natural {
            return flaw(
                "day",
                "compress",
                "`run` needs the process `natural`; expected `rate`",
            );
        }
        if let Some(sync) = self.sync
            && sync.jitter_s.get() >= sync.every_s.get()
        {
            return flaw(
                "sync",
                "jitter_s",
                "expected less than `every_s`, or flushes overlap",
            );
        }
        if self.storm.is_some_and(|storm| storm.outage_h.get() > 48.0) {
            return flaw("storm", "outage_h", "expected at most 48 hours");
        }
        Ok(())
    }

    fn check_day(&self) -> Result<(), Flaw> {
        if self.day.time_zones.is_empty() || self.day.time_zones.len() > 64 {
            return flaw("day", "time_zones", "expected 1 to 64 time zones");
        }
        let inhabited = |zone: &TimeZone| (-12.0..=14.0).contains(&zone.utc_offset_h);
        if !self.day.time_zones.iter().all(inhabited) {
            return flaw("day", "time_zones", "expected utc_offset_h from -12 to 14");
        }
        let window = self.day.length_s();
        if window < 60 {
            return flaw("day", "to", "expected at least a minute after `from`");
        }
        if self.day.time_zones.len() > 1 && window != 86_400 {
            return flaw(
                "day",
                "time_zones",
                "more than one needs whole days; set `to` to the time of `from`",
            );
        }
        if self.cohort.worn == Wearing::ByHour(ByHour::ByHour) && window != 86_400 {
            return flaw(
                "cohort",
                "worn",
                "\"by-hour\" needs whole days; expected a share from 0 to 1",
            );
        }
        Ok(())
    }

    fn check_people(&self) -> Result<(), Flaw> {
        if self.classes.weights()[..4].iter().sum::<f64>() <= 0.0 {
            return flaw(
                "classes",
                "",
                "no class has a share above 0, so nothing would be sent",
            );
        }
        let cohort = &self.cohort;
        let [mean, sd] = cohort.session_effort;
        if !(-0.5..=1.5).contains(&mean) || !(0.0..=1.0).contains(&sd) {
            return flaw(
                "cohort",
                "session_effort",
                "expected a mean from -0.5 to 1.5 and a standard deviation from 0 to 1",
            );
        }
        if let Some([low, high]) = cohort.session_of_max
            && !(0.3 <= low && low <= high && high <= 1.0)
        {
            return flaw(
                "cohort",
                "session_of_max",
                "expected a lowest and a highest share, from 0.3 to 1",
            );
        }
        if !(-30.0..=30.0).contains(&cohort.resting_shift_bpm) {
            return flaw("cohort", "resting_shift_bpm", "expected -30 to 30");
        }
        if cohort.session_median_min.get() > 1_440.0 {
            return flaw(
                "cohort",
                "session_median_min",
                "expected at most a day, 1440",
            );
        }
        if cohort.in_session.is_some_and(|share| share.get() > 0.95) {
            return flaw("cohort", "in_session", "expected at most 0.95");
        }
        if cohort.phoneless.get() > 0.0 && self.arrivals.process != Process::Natural {
            return flaw("cohort", "phoneless", "needs the process `natural`");
        }
        if self.readings.sensors == Some(0) {
            return flaw("readings", "sensors", "expected at least 1");
        }
        if let Some([low, high]) = self.readings.uniform_bpm
            && !(35 <= low && low <= high && high <= 215)
        {
            return flaw(
                "readings",
                "uniform_bpm",
                "expected a lowest and a highest rate, from 35 to 215",
            );
        }
        Ok(())
    }
}

fn flaw(table: &'static str, key: &'static str, problem: &str) -> Result<(), Flaw> {
    Err(Flaw {
        table,
        key,
        problem: problem.to_owned(),
    })
}
