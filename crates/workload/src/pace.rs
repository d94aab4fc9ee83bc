//! From what was asked (a rate, an interval, or nothing) to a workload that
//! makes it, or an error that says what it could make.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::expectation::{self, Fleetwide, Rates};
use super::plan::{Plan, Sampling, Tempo};
use super::profile::{Compression, Profile};

/// How fast the fleet sends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// As the profile has it.
    Natural,
    /// Readings a second, the whole fleet together.
    Rate(f64),
    /// Time between the readings of a device: exactly that where devices have
    /// a period, else the mean over the fleet.
    Interval(Duration),
}

/// A profile, a number of devices, a pace and a seed, checked to fit together.
///
/// Physiology runs in simulated time. Two factors map it to the run's:
/// [`Workload::time_compression`] and [`Workload::thinning`].
#[derive(Clone, Debug)]
pub struct Workload {
    profile: Profile,
    devices: u32,
    pace: Pace,
    seed: u64,
    plan: Arc<Plan>,
    rates: Rates,
}

/// Between two readings every bout of a device's activity is gone through.
const LONGEST_INTERVAL: Duration = Duration::from_secs(7 * 86_400);

/// A workload that cannot be made.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum WorkloadError {
    /// A fleet of nothing.
    #[error("a fleet needs at least 1 device")]
    NoDevices,
    /// A rate that is no rate.
    #[error("the rate must be a number of readings a second above 0, not {0}")]
    BadRate(f64),
    /// An interval of nothing.
    #[error("the interval between a device's readings must be above 0")]
    BadInterval,
    /// An interval that a device's days would have to be simulated through for too long.
    #[error("the interval between a device's readings must be at most 7 days")]
    IntervalTooLong,
    /// The profile depends on how long the run is.
    #[error("profile `{profile}` depends on the run's length, which must be above 0")]
    NoRunLength {
        /// The profile's name.
        profile: String,
    },
    /// More than devices of this profile send.
    #[error(
        "{rate} readings a second from {devices} devices is beyond profile `{profile}`, which \
         makes at most {per_device} a second and device: {most} with {devices} devices; \
         {needed} devices would do"
    )]
    TooFast {
        /// The rate asked for, readings a second.
        rate: f64,
        /// The fleet's size.
        devices: u32,
        /// The profile's name.
        profile: String,
        /// The most readings a second that the profile makes for each device.
        per_device: f64,
        /// The most readings a second that the fleet makes.
        most: f64,
        /// The smallest fleet that makes the rate.
        needed: u64,
    },
    /// A day fitted into the run holds fewer readings than asked for.
    #[error(
        "{rate} readings a second is beyond profile `{profile}`, which fits its day into the run: \
         {devices} devices make at most {most:.0} a second in {run_s} s; {needed} devices would do"
    )]
    TooFastForRun {
        /// The rate asked for, readings a second.
        rate: f64,
        /// The fleet's size.
        devices: u32,
        /// The profile's name.
        profile: String,
        /// The most readings a second in a run of this length.
        most: f64,
        /// The run's length in seconds.
        run_s: f64,
        /// The smallest fleet that makes the rate.
        needed: u64,
    },
    /// None of the devices sends.
    #[error(
        "none of the {devices} devices sends anything in profile `{profile}`; more devices would"
    )]
    NoSenders {
        /// The fleet's size.
        devices: u32,
        /// The profile's name.
        profile: String,
    },
}

impl Workload {
    /// The workload of `devices` devices of `profile` at `pace`. `fit_to` is
    /// the run's length, warm-up included: profiles that compress a day, or
    /// whose rate is not the same throughout, need it.
    ///
    /// # Errors
    ///
    /// When there is no device, the pace is no pace, or the profile cannot
    /// make it; see [`WorkloadError`].
    pub fn new(
        profile: Profile,
        devices: u32,
        pace: Pace,
        seed: u64,
        fit_to: Duration,
    ) -> Result<Self, WorkloadError> {
        if devices == 0 {
            return Err(WorkloadError::NoDevices);
        }
        let asked = Asked {
            profile: &profile,
            devices,
            seed,
            run_s: fit_to.as_secs_f64(),
        };
        let (plan, rates) = asked.settle(pace)?;
        Ok(Self {
            profile,
            devices,
            pace,
            seed,
            plan: Arc::new(plan),
            rates,
        })
    }

    /// The profile.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The fleet's size, silent devices included.
    #[must_use]
    pub fn devices(&self) -> u32 {
        self.devices
    }

    /// The pace asked for.
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// The seed.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Expected readings a second of the run, the whole fleet together. For a
    /// reconnect storm the mean over the run, backlog included.
    #[must_use]
    pub fn mean_rate(&self) -> f64 {
        self.rates.mean
    }

    /// Expected readings in the run's busiest second.
    #[must_use]
    pub fn peak_rate(&self) -> f64 {
        self.rates.peak
    }

    /// Simulated seconds that pass in a second of the run. Arrivals, bursts
    /// and days pass this much faster; physiology is computed in simulated
    /// time, so that what is correlated over a minute stays so.
    #[must_use]
    pub fn time_compression(&self) -> f64 {
        self.plan.tempo.compression
    }

    /// How many times sparser than naturally devices sample, at least 1.
    #[must_use]
    pub fn thinning(&self) -> f64 {
        self.plan.tempo.sparsity
    }

    pub(crate) fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }
}

/// What was asked, on the way to a plan.
struct Asked<'a> {
    profile: &'a Profile,
    devices: u32,
    seed: u64,
    run_s: f64,
}

impl Asked<'_> {
    fn settle(&self, pace: Pace) -> Result<(Plan, Rates), WorkloadError> {
        let natural = self.plan(Tempo::NATURAL);
        let fits_run = self.profile.settings().day.compress == Compression::Run;
        if (fits_run || self.profile.settings().storm.is_some()) && self.run_s <= 0.0 {
            return Err(WorkloadError::NoRunLength {
                profile: self.name(),
            });
        }
        let rate = match pace {
            Pace::Natural => None,
            Pace::Rate(rate) if rate.is_finite() && rate > 0.0 => Some(rate),
            Pace::Rate(rate) => return Err(WorkloadError::BadRate(rate)),
            Pace::Interval(Duration::ZERO) => return Err(WorkloadError::BadInterval),
            Pace::Interval(interval) if interval > LONGEST_INTERVAL => {
                return Err(WorkloadError::IntervalTooLong);
            }
            Pace::Interval(interval) => {
                let period_s = interval.as_secs_f64();
                self.check_ceiling(f64::from(self.devices) / period_s)?;
                if natural.sampling != Sampling::Natural {
                    return self.ready(Tempo {
                        period_s: Some(period_s),
                        ..Tempo::NATURAL
                    });
                }
                Some(f64::from(self.devices) / period_s)
            }
        };
        if let Some(rate) = rate {
            self.check_ceiling(rate)?;
        }
        let fleet = Fleetwide::count(&natural, self.devices);
        if !fleet.sends(&natural) {
            return Err(self.no_senders());
        }
        if fits_run {
            return self.fit_run(&natural, &fleet, rate);
        }
        // Longer stretches of the day have other rates, and the rate decides
        // how much of the day the run sees: three rounds settle it.
        let mut compression = 1.0;
        if let Some(rate) = rate {
            for _ in 0..3 {
                let live = fleet.live_rate(&natural, self.run_s * compression);
                if live <= 0.0 {
                    return Err(self.no_senders());
                }
                compression = rate / live;
            }
        }
        self.ready(Tempo {
            compression,
            ..Tempo::NATURAL
        })
    }

    /// The whole window passes within the run; the rate thins the readings.
    fn fit_run(
        &self,
        natural: &Plan,
        fleet: &Fleetwide,
        rate: Option<f64>,
    ) -> Result<(Plan, Rates), WorkloadError> {
        let window_s = f64::from(natural.calendar.length_s());
        let compression = window_s / self.run_s;
        let unthinned = fleet.live_rate(natural, window_s);
        if unthinned <= 0.0 {
            return Err(self.no_senders());
        }
        let rate = rate.unwrap_or(unthinned);
        let most = unthinned * compression;
        if rate > most {
            return Err(WorkloadError::TooFastForRun {
                rate,
                devices: self.devices,
                profile: self.name(),
                most,
                run_s: self.run_s,
                needed: (f64::from(self.devices) * rate / most).ceil() as u64,
            });
        }
        // Devices that report on change find more changes the longer they
        // wait, so the rate is not quite inverse to the thinning.
        let mut sparsity = most / rate;
        for _ in 0..3 {
            let tempo = Tempo {
                compression,
                sparsity,
                period_s: None,
            };
            let made = fleet.live_rate(&self.plan(tempo), window_s) * compression;
            sparsity = (sparsity * made / rate).max(1.0);
        }
        // Where silences are shorter than waits, what comes differs from what
        // shares of time lead to expect by some per cent: try it out.
        let tempo = |sparsity| Tempo {
            compression,
            sparsity,
            period_s: None,
        };
        let thinned = self.plan(tempo(sparsity));
        let lived = expectation::lived_over_expected(&thinned, self.devices);
        let (plan, rates) = self.ready(tempo((sparsity * lived).max(1.0)))?;
        Ok((plan, rates.scaled(lived)))
    }

    fn ready(&self, tempo: Tempo) -> Result<(Plan, Rates), WorkloadError> {
        let plan = self.plan(tempo);
        let fleet = Fleetwide::count(&plan, self.devices);
        if !fleet.sends(&plan) {
            return Err(self.no_senders());
        }
        let rates = fleet.rates(&plan, self.run_s);
        Ok((plan, rates))
    }

    fn check_ceiling(&self, rate: f64) -> Result<(), WorkloadError> {
        let per_device = self.profile.settings().limits.per_device_per_s.get();
        let most = f64::from(self.devices) * per_device;
        if rate <= most {
            return Ok(());
        }
        Err(WorkloadError::TooFast {
            rate,
            devices: self.devices,
            profile: self.name(),
            per_device,
            most,
            needed: (rate / per_device).ceil() as u64,
        })
    }

    fn no_senders(&self) -> WorkloadError {
        WorkloadError::NoSenders {
            devices: self.devices,
            profile: self.name(),
        }
    }

    fn plan(&self, tempo: Tempo) -> Plan {
        Plan::new(self.profile, tempo, self.seed)
    }

    fn name(&self) -> String {
        self.profile.name().to_owned()
    }
}
