//! A profile made ready to run: tables and settled choices, shared by all
//! devices and partitions.

use super::activity::{Habits, SessionEffort, SessionPlan, SleepPlan};
use super::calendar::{Calendar, DAY_S, SECOND_US};
use super::heart::{RegularStep, Swing};
use super::profile::{Process, Profile, Return, Settings, Sleep, SyncPhase, Wearing};
use super::reading::DeviceClass;
use super::wearing::{Gaps, Nights};

/// The classes in the order of their shares.
pub(crate) const CLASSES: [DeviceClass; 4] = [
    DeviceClass::Fitbit,
    DeviceClass::Apple,
    DeviceClass::Garmin,
    DeviceClass::Strap,
];

/// Mean seconds between the background readings of a class; none for straps,
/// which are worn in sessions only. Fitbit-like: measured
/// (<https://zenodo.org/records/53894>); Apple-like: 3 to 7 minutes
/// (<https://developer.apple.com/forums/thread/724724>); Garmin-like: assumed.
pub(crate) const BACKGROUND_S: [Option<f64>; 4] = [Some(8.6), Some(300.0), Some(120.0), None];

/// How readings are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sampling {
    /// At the class's period.
    Regular,
    /// At exponential times of that mean.
    Poisson,
    /// As the device decides.
    Natural,
}

/// When readings leave the device.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Delivery {
    /// At once, but for sessions without a phone.
    Live,
    /// With the next flush.
    Sync {
        every_us: u64,
        aligned: bool,
        jitter_us: u64,
        first_us: u64,
    },
    /// When the device is back after an outage.
    Storm {
        outage_us: u64,
        ends_us: u64,
        comeback: Comeback,
    },
}

/// How long after an outage a device comes back, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Comeback {
    Backoff(f64),
    Over(f64),
    AppOpen(f64),
}

/// Ticks of a natural device: seconds between them.
pub(crate) const FITBIT_TICK_S: f64 = 5.0;
pub(crate) const FITBIT_SESSION_TICK_S: f64 = 1.0;
pub(crate) const APPLE_SESSION_S: f64 = 5.0;
pub(crate) const STRAP_S: f64 = 1.0;
/// Share of Garmin-like devices set to record every second; assumed.
pub(crate) const GARMIN_EVERY_SECOND: f64 = 0.3;
/// Mean seconds between smart recordings: 77 % at 6 s, else 1 to 5 s.
pub(crate) const GARMIN_SMART_S: f64 = 0.77 * 6.0 + 0.23 * 3.0;

/// The pace of a run: how simulated time and sampling map to the run's time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tempo {
    /// Simulated seconds that pass in a second of the run.
    pub(crate) compression: f64,
    /// Sampling is this much sparser than natural.
    pub(crate) sparsity: f64,
    /// Every device's period in seconds of the run, in place of its class's.
    pub(crate) period_s: Option<f64>,
}

impl Tempo {
    pub(crate) const NATURAL: Self = Self {
        compression: 1.0,
        sparsity: 1.0,
        period_s: None,
    };
}

/// A profile made ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) tempo: Tempo,
    /// Seconds of the run in a simulated second.
    run_per_simulated: f64,
    upload_gap_run_us: u64,
    pub(crate) sampling: Sampling,
    pub(crate) delivery: Delivery,
    /// Between two readings of a backlog, in simulated microseconds.
    pub(crate) upload_gap_us: f64,
    pub(crate) calendar: Calendar,
    pub(crate) habits: Habits,
    pub(crate) gaps: Gaps,
    pub(crate) nights: Option<Nights>,
    pub(crate) worn: f64,
    pub(crate) swing: Swing,
    pub(crate) steps: [[Option<RegularStep>; 2]; 4],
    pub(crate) sleep_window_min: (u16, u16),
    pub(crate) resting_shift_bpm: f32,
    pub(crate) phoneless: f64,
    pub(crate) new_share: f64,
    pub(crate) new_within_us: f64,
    pub(crate) sensors: Option<u32>,
    pub(crate) uniform_bpm: Option<(u8, u8)>,
    class_edges: [f64; 5],
    zone_edges: Vec<f64>,
    zone_offsets_s: Vec<i32>,
}

impl Plan {
    pub(crate) fn new(profile: &Profile, tempo: Tempo, seed: u64) -> Self {
        let settings = profile.settings();
        let cohort = &settings.cohort;
        let (delivery, upload_per_s) = delivery(settings);
        let zones: Vec<i32> = {
            let first = settings.day.time_zones[0].utc_offset_h;
            let zones = settings.day.time_zones.iter();
            zones
                .map(|zone| ((zone.utc_offset_h - first) * 3600.0).round() as i32)
                .collect()
        };
        let window_min = cohort.sleep_window.map(|time| (time.seconds() / 60) as u16);
        Self {
            seed,
            tempo,
            run_per_simulated: 1.0 / tempo.compression,
            upload_gap_run_us: (1e6 / upload_per_s / tempo.compression).round().max(1.0) as u64,
            sampling: sampling(settings.arrivals.process),
            delivery,
            upload_gap_us: 1e6 / upload_per_s,
            calendar: Calendar::new(settings.day.from.seconds(), settings.day.length_s(), &zones),
            habits: habits(settings),
            gaps: Gaps::new(cohort.gaps.get(), cohort.short_gaps.get()),
            nights: matches!(cohort.worn, Wearing::ByHour(_)).then(Nights::new),
            worn: match cohort.worn {
                Wearing::Always(share) => share.get(),
                Wearing::ByHour(_) => 1.0,
            },
            swing: Swing::new(),
            steps: steps(settings, tempo),
            sleep_window_min: (window_min[0], window_min[1]),
            resting_shift_bpm: cohort.resting_shift_bpm,
            phoneless: cohort.phoneless.get(),
            new_share: {
                let new = cohort.new_devices.get();
                new / (1.0 + new)
            },
            new_within_us: cohort.new_within_min.get() * 6e7,
            sensors: settings.readings.sensors,
            uniform_bpm: settings.readings.uniform_bpm.map(|[low, high]| (low, high)),
            class_edges: edges(settings.classes.weights()),
            zone_edges: {
                let shares = settings.day.time_zones.iter().map(|zone| zone.share.get());
                running(shares)
            },
            zone_offsets_s: zones,
        }
    }

    /// The class of device number `device`; `None` for the silent.
    ///
    /// Classes follow a low-discrepancy sequence instead of a draw: a fleet of
    /// any size has its shares to within a device or two, whatever the seed.
    pub(crate) fn class(&self, device: u32) -> Option<DeviceClass> {
        let point = quasi_random(device, 0.618_033_988_749_894_9, 0.0);
        let edge = self.class_edges.iter().position(|edge| point < *edge)?;
        CLASSES.get(edge).copied()
    }

    /// Whether device number `device` is on a wrist at all.
    pub(crate) fn is_worn(&self, device: u32) -> bool {
        quasi_random(device, std::f64::consts::SQRT_2, 0.5) < self.worn
    }

    /// `rates` by bins of `bin_s` of local time, as the first zone's clock sees
    /// the whole fleet.
    pub(crate) fn across_zones(&self, rates: &[f64], bin_s: f64) -> Vec<f64> {
        let mut seen = vec![0.0; rates.len()];
        let mut below = 0.0;
        for (edge, offset_s) in self.zone_edges.iter().zip(&self.zone_offsets_s) {
            let ahead = (f64::from(*offset_s) / bin_s).round() as i64;
            for (bin, seen) in (0i64..).zip(&mut seen) {
                let local = (bin + ahead).rem_euclid(rates.len() as i64);
                *seen += (edge - below) * rates[local as usize];
            }
            below = *edge;
        }
        seen
    }

    /// The time zone of the device for which a draw from `[0, 1)` was `point`.
    pub(crate) fn zone(&self, point: f64) -> u8 {
        let zone = self.zone_edges.iter().position(|edge| point < *edge);
        zone.unwrap_or(self.zone_edges.len() - 1) as u8
    }

    /// The regular step of a class, in the background or in a session.
    pub(crate) fn step(&self, class: DeviceClass, session: bool) -> Option<&RegularStep> {
        self.steps[class as usize][usize::from(session)].as_ref()
    }

    /// Microseconds of the run from its start to `at_us` of simulated time;
    /// negative before the start.
    pub(crate) fn run_us(&self, at_us: u64) -> i64 {
        let simulated = at_us as i64 - super::calendar::RUN_STARTS_US as i64;
        // To the nearest, without the call that `round` is.
        let half = if simulated < 0 { -0.5 } else { 0.5 };
        (simulated as f64 * self.run_per_simulated + half) as i64
    }

    /// Between two readings of a backlog, in microseconds of the run.
    pub(crate) fn upload_gap_run_us(&self) -> u64 {
        self.upload_gap_run_us
    }
}

/// Point `index` of the additive sequence of `step`, in `[0, 1)`.
pub(crate) fn quasi_random(index: u32, step: f64, shift: f64) -> f64 {
    (f64::from(index) * step + shift).fract()
}

/// Upper edges of the shares, scaled to 1.
fn edges(weights: [f64; 5]) -> [f64; 5] {
    let mut edges = [0.0; 5];
    edges.copy_from_slice(&running(weights.into_iter()));
    edges
}

fn running(weights: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let all: f64 = weights.clone().sum();
    let sums = weights.scan(0.0, |sum, weight| {
        *sum += weight;
        Some(*sum / all)
    });
    sums.collect()
}

fn sampling(process: Process) -> Sampling {
    match process {
        Process::Poisson => Sampling::Poisson,
        Process::Natural => Sampling::Natural,
        Process::Steady | Process::SyncBurst | Process::ReconnectStorm => Sampling::Regular,
    }
}

fn delivery(settings: &Settings) -> (Delivery, f64) {
    let us = |seconds: f64| (seconds * 1e6).round() as u64;
    if let Some(sync) = &settings.sync {
        let delivery = Delivery::Sync {
            every_us: us(sync.every_s.get()),
            aligned: sync.phase == SyncPhase::Aligned,
            jitter_us: us(sync.jitter_s.get()),
            first_us: us(sync.first_s.get()),
        };
        return (delivery, sync.upload_per_s.get());
    }
    if let Some(storm) = &settings.storm {
        let delivery = Delivery::Storm {
            outage_us: us(storm.outage_h.get() * 3600.0),
            ends_us: us(storm.ends_s.get()),
            comeback: match storm.comeback {
                Return::BackoffS(s) => Comeback::Backoff(s.get() * 1e6),
                Return::OverS(s) => Comeback::Over(s.get() * 1e6),
                Return::AppOpenS(s) => Comeback::AppOpen(s.get() * 1e6),
            },
        };
        return (delivery, storm.upload_per_s.get());
    }
    (Delivery::Live, settings.cohort.backlog_per_s.get())
}

fn habits(settings: &Settings) -> Habits {
    let cohort = &settings.cohort;
    let [mean, sd] = cohort.session_effort;
    Habits {
        sleep: match cohort.sleep {
            Sleep::ByHour => SleepPlan::ByHour,
            Sleep::All => SleepPlan::Always,
            Sleep::None => SleepPlan::Never,
        },
        sessions: match cohort.in_session {
            Some(share) => SessionPlan::Share(share.get()),
            None => SessionPlan::Daily(cohort.workouts_per_day.get()),
        },
        session_median_min: cohort.session_median_min.get() as f32,
        session_effort: match cohort.session_of_max {
            Some([low, high]) => SessionEffort::OfMax(low, high),
            None => SessionEffort::OfReserve(mean, sd),
        },
    }
}

/// The lengths of regular steps in simulated seconds, background and session.
fn lengths_s(settings: &Settings, tempo: Tempo, class: usize) -> [Option<f64>; 2] {
    if sampling(settings.arrivals.process) == Sampling::Natural {
        let natural = [
            [Some(FITBIT_TICK_S), Some(FITBIT_SESSION_TICK_S)],
            [BACKGROUND_S[1], Some(APPLE_SESSION_S)],
            [BACKGROUND_S[2], Some(1.0)],
            [None, Some(STRAP_S)],
        ];
        return natural[class].map(|s| s.map(|s| s * tempo.sparsity));
    }
    let every = settings.arrivals.every_s.map(|s| s.get());
    let reports = every.or(BACKGROUND_S[class]);
    let asked = tempo.period_s.map(|s| s * tempo.compression);
    let length = reports.map(|s| asked.unwrap_or(s));
    [length, length]
}

fn steps(settings: &Settings, tempo: Tempo) -> [[Option<RegularStep>; 2]; 4] {
    let step = |s: f64| RegularStep::new(((s * 1e6).round() as u64).max(1));
    [0, 1, 2, 3].map(|class| lengths_s(settings, tempo, class).map(|s| s.map(step)))
}

/// Longest window a device looks ahead for a reading before it counts as
/// silent for good.
pub(crate) const SILENT_FOR_GOOD_US: u64 = 60 * DAY_S as u64 * SECOND_US;
