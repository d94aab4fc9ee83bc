//! How many readings a second a fleet is expected to make, from its actual
//! classes, the shares of time in which devices are worn and in session, and
//! the one thing that has to be tried out: how often a Fitbit-like device
//! finds its value changed.

use super::activity::{SESSION_SIGMA, SESSION_STARTS, SessionPlan};
use super::calendar::{DAY_S, RUN_STARTS_US, SECOND_US};
use super::device::Device;
use super::plan::{
    CLASSES, Comeback, Delivery, GARMIN_EVERY_SECOND, GARMIN_SMART_S, Plan, Sampling, quasi_random,
};
use super::reading::DeviceClass;
use super::wearing::{Gaps, worn_share};

/// Readings a second of the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    pub(crate) mean: f64,
    pub(crate) peak: f64,
}

impl Rates {
    pub(crate) fn scaled(self, factor: f64) -> Self {
        Self {
            mean: self.mean * factor,
            peak: self.peak * factor,
        }
    }
}

/// A fleet's senders by class.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fleetwide {
    senders: [f64; 4],
}

/// A day is looked at in quarters of an hour.
pub(crate) const BIN_S: f64 = 900.0;
const BINS: usize = 96;

impl Fleetwide {
    /// Counts the devices that are worn.
    pub(crate) fn count(plan: &Plan, devices: u32) -> Self {
        let mut senders = [0.0; 4];
        for device in 0..devices {
            if let Some(class) = plan.class(device)
                && plan.is_worn(device)
            {
                senders[class as usize] += 1.0;
            }
        }
        Self { senders }
    }

    /// Devices that are worn, by class.
    pub(crate) fn senders(&self) -> [f64; 4] {
        self.senders
    }

    /// Whether any device ever sends.
    pub(crate) fn sends(&self, plan: &Plan) -> bool {
        let session_possible = match plan.habits.sessions {
            SessionPlan::Daily(share) | SessionPlan::Share(share) => share > 0.0,
        };
        let mut classes = CLASSES.into_iter().zip(self.senders);
        classes.any(|(class, count)| {
            let background = plan.step(class, false).is_some();
            let session = plan.sampling == Sampling::Natural && session_possible;
            count > 0.0 && (background || session)
        })
    }

    /// Readings a simulated second, once everything is live, over the first
    /// `seen_s` of the window.
    pub(crate) fn live_rate(&self, plan: &Plan, seen_s: f64) -> f64 {
        if plan.sampling != Sampling::Natural {
            return self.by_class(plan).iter().sum();
        }
        let bins = self.natural_bins(plan);
        let seen = ((seen_s / BIN_S).ceil() as usize).clamp(1, bins.len());
        bins[..seen].iter().sum::<f64>() / seen as f64
    }

    /// Readings a second of a run of `run_s`.
    pub(crate) fn rates(&self, plan: &Plan, run_s: f64) -> Rates {
        let faster = plan.tempo.compression;
        let seen_s = run_s * faster;
        match plan.delivery {
            Delivery::Live if plan.sampling == Sampling::Natural => {
                let bins = self.natural_bins(plan);
                let seen = ((seen_s / BIN_S).ceil() as usize).clamp(1, bins.len());
                let most = bins[..seen].iter().copied().fold(0.0, f64::max);
                Rates {
                    mean: faster * bins[..seen].iter().sum::<f64>() / seen as f64,
                    peak: faster * most,
                }
            }
            Delivery::Live => {
                let mean = faster * self.live_rate(plan, seen_s);
                Rates { mean, peak: mean }
            }
            Delivery::Sync {
                every_us,
                aligned,
                jitter_us,
                ..
            } => {
                let every_s = every_us as f64 * 1e-6;
                let jitter_s = jitter_us as f64 * 1e-6;
                self.sync_rates(plan, every_s, aligned.then_some(jitter_s))
            }
            Delivery::Storm {
                outage_us,
                ends_us,
                comeback,
            } => {
                let storm = StormShape {
                    outage_s: outage_us as f64 * 1e-6,
                    comeback,
                    upload_per_s: 1e6 / plan.upload_gap_us,
                };
                self.storm_rates(plan, &storm, seen_s - ends_us as f64 * 1e-6)
            }
        }
    }

    /// Readings a simulated second by class, for devices with a period.
    pub(crate) fn by_class(&self, plan: &Plan) -> [f64; 4] {
        let mut rates = [0.0; 4];
        for (class, count) in CLASSES.into_iter().zip(self.senders) {
            if let Some(step) = plan.step(class, false) {
                rates[class as usize] = count * 1e6 / step.length_us() as f64;
            }
        }
        rates
    }

    /// Readings a simulated second in each quarter of an hour of the window.
    pub(crate) fn natural_bins(&self, plan: &Plan) -> Vec<f64> {
        let sparsity = plan.tempo.sparsity;
        let fitbit = FitbitRates::tried(plan);
        let garmin_session = GARMIN_EVERY_SECOND + (1.0 - GARMIN_EVERY_SECOND) / GARMIN_SMART_S;
        let sessions = session_shares(plan);
        let kept = 1.0 - plan.gaps.share_lost();
        let window_s = f64::from(plan.calendar.length_s());
        let bins = (window_s / BIN_S).ceil() as usize;
        let zones: Vec<f64> = (0..bins)
            .map(|bin| {
                let tod_s = f64::from(plan.calendar.begins_s()) + (bin as f64 + 0.5) * BIN_S;
                let tod_s = tod_s.rem_euclid(f64::from(DAY_S));
                let day_bin = (tod_s / BIN_S) as usize % BINS;
                let in_session = sessions[day_bin];
                let worn = match plan.nights {
                    Some(_) => worn_share(tod_s),
                    None => 1.0,
                };
                let background = |class: DeviceClass| match (class, plan.step(class, false)) {
                    (DeviceClass::Fitbit, _) => fitbit.background[bin],
                    (_, Some(step)) => 1e6 / step.length_us() as f64,
                    (_, None) => 0.0,
                };
                let session = |class: DeviceClass| match class {
                    DeviceClass::Fitbit => fitbit.session,
                    DeviceClass::Apple => 0.2 / sparsity,
                    DeviceClass::Garmin => garmin_session / sparsity,
                    DeviceClass::Strap => 1.0 / sparsity,
                };
                let classes = CLASSES.into_iter().zip(self.senders);
                let rate: f64 = classes
                    .map(|(class, count)| {
                        let rest = (1.0 - in_session) * background(class);
                        count * (in_session * session(class) + rest)
                    })
                    .sum();
                rate * worn * kept
            })
            .collect();
        plan.across_zones(&zones, BIN_S)
    }

    /// Flushes every `every_s`, aligned within a jitter or not.
    fn sync_rates(&self, plan: &Plan, every_s: f64, jitter_s: Option<f64>) -> Rates {
        let faster = plan.tempo.compression;
        let by_class = self.by_class(plan);
        let mean: f64 = by_class.iter().sum();
        let peak = match jitter_s {
            Some(jitter_s) => {
                let second_s = faster;
                let seconds = (jitter_s / second_s).max(1.0);
                let scatter = scatter(self.senders.iter().sum::<f64>() / seconds, seconds);
                let classes = by_class.into_iter().zip(self.senders);
                let busiest = classes
                    .filter(|(_, count)| *count > 0.0)
                    .map(|(rate, count)| {
                        let buffered = rate / count * every_s;
                        let upload_s = buffered * plan.upload_gap_us * 1e-6;
                        rate * every_s * most_within(second_s, jitter_s, upload_s)
                    });
                busiest.sum::<f64>() * scatter
            }
            None => {
                let flushes = self.senders.iter().sum::<f64>() * faster / every_s;
                faster * mean * scatter(flushes, every_s / faster)
            }
        };
        Rates {
            mean: faster * mean,
            peak,
        }
    }

    /// Rates of a run that goes on for `after_s` after the outage.
    fn storm_rates(&self, plan: &Plan, storm: &StormShape, after_s: f64) -> Rates {
        let faster = plan.tempo.compression;
        let live = self.by_class(plan);
        let rate_at = |t: f64| -> f64 {
            let classes = live
                .iter()
                .zip(self.senders)
                .filter(|(_, count)| *count > 0.0);
            classes
                .map(|(rate, count)| storm.rate_at(t, rate / count) * count)
                .sum()
        };
        let after_s = after_s.max(0.0);
        const GRID: usize = 4_000;
        let most_s = storm.busy_s().min(after_s.max(faster));
        let grid = (0..GRID).map(|i| (i as f64 + 0.5) / GRID as f64);
        let peak = grid
            .clone()
            .map(|x| rate_at(x * most_s))
            .fold(0.0, f64::max);
        let sent: f64 = grid.map(|x| rate_at(x * after_s)).sum::<f64>() * after_s / GRID as f64;
        let ends_s = match plan.delivery {
            Delivery::Storm { ends_us, .. } => ends_us as f64 * 1e-6,
            _ => 0.0,
        };
        Rates {
            mean: faster * sent / (after_s + ends_s).max(f64::MIN_POSITIVE),
            peak: faster * peak * storm.scatter(peak),
        }
    }
}

/// An outage and the return from it, in simulated seconds.
pub(crate) struct StormShape {
    pub(crate) outage_s: f64,
    pub(crate) comeback: Comeback,
    pub(crate) upload_per_s: f64,
}

impl StormShape {
    /// Share of the devices back `t` seconds after the outage.
    fn back(&self, t: f64) -> f64 {
        match self.comeback {
            _ if t <= 0.0 => 0.0,
            Comeback::Backoff(us) => (t / (us * 1e-6 + 0.5)).min(1.0),
            Comeback::Over(us) => (t / (us * 1e-6)).min(1.0),
            Comeback::AppOpen(us) => 1.0 - (-t / (us * 1e-6)).exp(),
        }
    }

    /// Readings a second of a device that observes `live` a second.
    pub(crate) fn rate_at(&self, t: f64, live: f64) -> f64 {
        // While it uploads, its own new readings queue up behind.
        let upload_s = live * self.outage_s / (self.upload_per_s - live).max(1e-9);
        let done = self.back(t - upload_s);
        self.upload_per_s * (self.back(t) - done) + live * done
    }

    /// By when the peak has passed.
    fn busy_s(&self) -> f64 {
        match self.comeback {
            Comeback::Backoff(us) | Comeback::Over(us) => us * 1e-6 + 60.0,
            Comeback::AppOpen(us) => us * 1e-6 / 4.0,
        }
    }

    /// How far chance lifts a peak of `rate` readings a second, made by devices
    /// that take turns at uploading.
    fn scatter(&self, rate: f64) -> f64 {
        let uploading = rate / self.upload_per_s;
        let longest_s = self.outage_s / self.upload_per_s * LIVELIEST_PER_S;
        scatter(uploading, self.busy_s() / longest_s)
    }
}

/// Readings a second of the device with the largest backlog, Fitbit-like.
const LIVELIEST_PER_S: f64 = 1.0 / 8.6;

/// How far the largest of `turns` Poisson counts of mean `count` is above the
/// mean, as a factor: the expected maximum of normals by Cramer's expansion.
fn scatter(count: f64, turns: f64) -> f64 {
    if turns <= 4.0 {
        return 1.0;
    }
    let steep = (2.0 * turns.ln()).sqrt();
    let above = steep - (turns.ln().ln() + (4.0 * std::f64::consts::PI).ln()) / (2.0 * steep);
    1.0 + above / count.max(1.0).sqrt()
}

/// The largest share of what arrives within any `window_s`, of arrivals that
/// start evenly within `jitter_s` and go on for `upload_s` each: the middle of
/// a trapezoid.
fn most_within(window_s: f64, jitter_s: f64, upload_s: f64) -> f64 {
    let (short, long) = if jitter_s < upload_s {
        (jitter_s, upload_s)
    } else {
        (upload_s, jitter_s)
    };
    let half = window_s / 2.0;
    let (flat, end) = ((long - short) / 2.0, (long + short) / 2.0);
    if half >= end {
        return 1.0;
    }
    let level = 2.0 * half.min(flat) / long;
    if half <= flat {
        return level;
    }
    // The slope falls from 1/long at `flat` to nothing at `end`.
    let (reach, width) = (half - flat, end - flat);
    level + 2.0 * (reach - reach * reach / (2.0 * width)) / long
}

/// Share of the fleet in session in each quarter of an hour of the day.
fn session_shares(plan: &Plan) -> [f64; BINS] {
    let a_day = match plan.habits.sessions {
        SessionPlan::Share(share) => return [share; BINS],
        SessionPlan::Daily(a_day) => a_day,
    };
    let all: f64 = SESSION_STARTS.iter().sum();
    let median_bins = f64::from(plan.habits.session_median_min) * 60.0 / BIN_S;
    let mut shares = [0.0; BINS];
    for (start, in_hour) in SESSION_STARTS.iter().flat_map(|w| [w; 4]).enumerate() {
        for later in 0..BINS {
            let beyond = (later as f64 + 0.25).ln() - median_bins.ln();
            let going_on = 1.0 - normal_below(beyond / f64::from(SESSION_SIGMA));
            shares[(start + later) % BINS] += a_day * in_hour / all / 4.0 * going_on;
        }
    }
    // The sums above take each length at one point of a bin; the mean length
    // is known.
    let wanted = a_day * plan.habits.session_mean_min() * 60.0 / f64::from(DAY_S);
    let found = shares.iter().sum::<f64>() / BINS as f64;
    shares.map(|share| {
        if found > 0.0 {
            share * wanted / found
        } else {
            0.0
        }
    })
}

/// The normal distribution function, to 10^-3: a logistic approximation
/// (Bowling 2009) is enough for shares of an hour.
fn normal_below(x: f64) -> f64 {
    1.0 / (1.0 + (-1.5976 * x - 0.070_565_992 * x.powi(3)).exp())
}

/// Readings a second of a Fitbit-like device, tried out on a few.
struct FitbitRates {
    /// Outside sessions, by quarter of an hour of the window.
    background: Vec<f64>,
    session: f64,
}

/// Ticks to try: a fifth of a second's work at most.
const TRIED_TICKS: f64 = 1.5e6;

impl FitbitRates {
    fn tried(plan: &Plan) -> Self {
        let window_s = f64::from(plan.calendar.length_s());
        let tick_s = 5.0 * plan.tempo.sparsity;
        let mut quiet_free = plan.clone();
        quiet_free.gaps = Gaps::new(0.0, 1.0);
        quiet_free.nights = None;
        quiet_free.phoneless = 0.0;
        quiet_free.new_share = 0.0;

        let mut resting = quiet_free.clone();
        resting.habits.sessions = SessionPlan::Share(0.0);
        let devices = (TRIED_TICKS * tick_s / window_s).clamp(48.0, 400.0) as u32;
        let background = counted(&resting, devices, window_s);

        let mut working_out = quiet_free;
        working_out.habits.sessions = SessionPlan::Share(1.0);
        let session_s = (300.0 * plan.tempo.sparsity).min(10.0 * f64::from(DAY_S));
        let session = counted(&working_out, 200, session_s);
        let mean = |bins: &[f64]| bins.iter().sum::<f64>() / bins.len() as f64;
        Self {
            session: mean(&session),
            background: if f64::from(devices) * BIN_S / tick_s < 2_000.0 {
                // Too few ticks a bin to tell bins apart.
                vec![mean(&background); background.len()]
            } else {
                background
            },
        }
    }
}

/// Readings a second and device of `devices` Fitbit-like ones by quarter of an
/// hour, over `seen_s`.
fn counted(plan: &Plan, devices: u32, seen_s: f64) -> Vec<f64> {
    let bins = (seen_s / BIN_S).ceil() as usize;
    let mut counts = vec![0.0; bins];
    let ends_us = RUN_STARTS_US + (seen_s * SECOND_US as f64) as u64;
    for number in 0..devices {
        let mut device = Device::met(plan, number, DeviceClass::Fitbit);
        let mut part = quasi_random(number, 0.618_033_988_749_894_9, 0.5);
        while device.look_ahead(plan, part) && device.at_us() < ends_us {
            part = 1.0;
            if device.at_us() >= RUN_STARTS_US {
                let bin = (device.at_us() - RUN_STARTS_US) as f64 * 1e-6 / BIN_S;
                counts[(bin as usize).min(bins - 1)] += 1.0;
            }
        }
    }
    for (bin, count) in counts.iter_mut().enumerate() {
        let length_s = (seen_s - bin as f64 * BIN_S).min(BIN_S);
        *count /= f64::from(devices) * length_s;
    }
    counts
}

/// How many times as many readings the first devices of a fleet send in the
/// window as expected of them.
pub(crate) fn lived_over_expected(plan: &Plan, devices: u32) -> f64 {
    let window_s = f64::from(plan.calendar.length_s());
    let expected_each = 0.04 * window_s / plan.tempo.sparsity;
    let sample = (200_000.0 / expected_each).clamp(500.0, 8_000.0) as u32;
    let sample = sample.min(devices);
    let ends_us = RUN_STARTS_US + plan.calendar.length_s() as u64 * SECOND_US;
    let mut lived = 0.0;
    for number in 0..sample {
        let Some(mut device) = Device::new(plan, number) else {
            continue;
        };
        while device.at_us() < ends_us {
            lived += 1.0;
            if !device.look_ahead(plan, 1.0) {
                break;
            }
        }
    }
    let expected = Fleetwide::count(plan, sample).live_rate(plan, window_s) * window_s;
    // Of a handful of devices, chance says more than bias.
    if lived < 1_000.0 || expected <= 0.0 {
        1.0
    } else {
        lived / expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_as_high_as_its_spread_allows() {
        for (window, jitter, upload, share) in [
            (1.0, 10.0, 0.0, 0.1),
            (1.0, 0.0, 0.5, 1.0),
            (1.0, 1.0, 1.0, 0.75),
            (2.0, 1.0, 0.5, 1.0),
            (1.0, 60.0, 30.0, 1.0 / 60.0),
        ] {
            let found = most_within(window, jitter, upload);
            assert!((found - share).abs() < 1e-9, "{jitter} {upload}: {found}");
        }
    }
}
