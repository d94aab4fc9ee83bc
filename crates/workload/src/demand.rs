//! How many readings are expected in each second of a run, without making
//! them: what a day of a million devices asks of a table is known in
//! milliseconds.
//!
//! Expectations only. What a second really brings scatters around them, by
//! about the square root where devices have nothing to do with each other.

use std::time::Duration;

use super::Workload;
use super::expectation::{BIN_S, Fleetwide, StormShape};
use super::plan::{Delivery, Plan, Sampling};

impl Workload {
    /// Expected readings due in each second of the first `run` of the workload,
    /// the whole fleet together.
    #[must_use]
    pub fn demand(&self, run: Duration) -> Vec<f64> {
        let plan = self.plan();
        let fleet = Fleetwide::count(plan, self.devices());
        let seconds = run.as_secs_f64().ceil() as usize;
        let faster = plan.tempo.compression;
        // Readings due in simulated time up to each second's end.
        let mut due = Vec::with_capacity(seconds);
        let shape = Shape::new(plan, &fleet);
        let mut before = shape.due_by(0.0);
        for second in 1..=seconds {
            let by = shape.due_by(second as f64 * faster);
            due.push((by - before).max(0.0));
            before = by;
        }
        due
    }
}

impl Workload {
    /// Seconds of the run before any reading comes: where all devices wait for one
    /// moment, a flush or the end of an outage, until then.
    #[must_use]
    pub fn silent_s(&self) -> f64 {
        let plan = self.plan();
        let until_us = match plan.delivery {
            Delivery::Sync {
                aligned: true,
                first_us,
                ..
            } => first_us,
            Delivery::Storm { ends_us, .. } => ends_us,
            Delivery::Sync { .. } | Delivery::Live => 0,
        };
        until_us as f64 * 1e-6 / plan.tempo.compression
    }
}

/// Readings due by a moment of simulated time, as a function.
enum Shape {
    /// At a rate that changes by the quarter of an hour: readings due by the
    /// end of each bin, the window over and over again.
    Live(Vec<f64>),
    /// At one rate.
    Even(f64),
    /// In flushes: per class, readings a second of all and how long a device's
    /// upload takes.
    Flushes {
        first_s: f64,
        every_s: f64,
        jitter_s: f64,
        classes: Vec<(f64, f64)>,
    },
    /// After an outage: readings due by the end of each grid step.
    Storm { step_s: f64, due: Vec<f64> },
}

/// Seconds between points of a storm's curve, and how many: most of a day.
const STORM_STEP_S: f64 = 1.0;
const STORM_STEPS: usize = 86_400;

impl Shape {
    fn new(plan: &Plan, fleet: &Fleetwide) -> Self {
        match plan.delivery {
            Delivery::Live if plan.sampling == Sampling::Natural => {
                let mut due = 0.0;
                let bins = fleet.natural_bins(plan).into_iter();
                let ends = bins.map(|rate| {
                    due += rate * BIN_S;
                    due
                });
                Self::Live(ends.collect())
            }
            Delivery::Live => Self::Even(fleet.live_rate(plan, 0.0)),
            Delivery::Sync { aligned: false, .. } => Self::Even(fleet.by_class(plan).iter().sum()),
            Delivery::Sync {
                every_us,
                jitter_us,
                first_us,
                ..
            } => {
                let every_s = every_us as f64 * 1e-6;
                let classes = fleet.by_class(plan).into_iter().zip(fleet.senders());
                let classes = classes.filter(|(_, devices)| *devices > 0.0);
                Self::Flushes {
                    first_s: first_us as f64 * 1e-6,
                    every_s,
                    jitter_s: jitter_us as f64 * 1e-6,
                    classes: classes
                        .map(|(rate, devices)| {
                            let buffered = rate / devices * every_s;
                            (rate, buffered * plan.upload_gap_us * 1e-6)
                        })
                        .collect(),
                }
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
                let ends_s = ends_us as f64 * 1e-6;
                let live = fleet.by_class(plan);
                let senders = fleet.senders();
                let rate_at = |t: f64| -> f64 {
                    let classes = live.iter().zip(senders).filter(|(_, count)| *count > 0.0);
                    classes
                        .map(|(rate, count)| storm.rate_at(t, rate / count) * count)
                        .sum()
                };
                let mut total = 0.0;
                let points = (0..STORM_STEPS).map(|step| {
                    let middle_s = (step as f64 + 0.5) * STORM_STEP_S;
                    if middle_s > ends_s {
                        total += rate_at(middle_s - ends_s) * STORM_STEP_S;
                    }
                    total
                });
                Self::Storm {
                    step_s: STORM_STEP_S,
                    due: points.collect(),
                }
            }
        }
    }

    fn due_by(&self, t: f64) -> f64 {
        match self {
            Self::Live(ends) => {
                let whole = ends.last().copied().unwrap_or(0.0);
                let turns = (t / (ends.len() as f64 * BIN_S)).floor();
                let within = t - turns * ends.len() as f64 * BIN_S;
                turns * whole + on_curve(ends, within / BIN_S)
            }
            Self::Even(rate) => rate * t,
            Self::Flushes {
                first_s,
                every_s,
                jitter_s,
                classes,
            } => {
                // Every flush that began, from the one before the run on: a
                // device's first buffer holds a whole period.
                let since = t - first_s;
                let last = (since / every_s).floor();
                classes
                    .iter()
                    .map(|(rate, upload_s)| {
                        let longest_s = jitter_s + upload_s;
                        let going_on = (longest_s / every_s).ceil().max(1.0);
                        let done = (last - going_on).max(-1.0);
                        let mut flushes = done + 1.0;
                        let mut flush = done + 1.0;
                        while flush <= last {
                            flushes += uploaded(since - flush * every_s, *jitter_s, *upload_s);
                            flush += 1.0;
                        }
                        flushes * rate * every_s
                    })
                    .sum()
            }
            Self::Storm { step_s, due } => on_curve(due, t / step_s),
        }
    }
}

/// The curve through `ends` at `at` steps from its start, which is 0; beyond
/// its end it goes on as steeply as last.
fn on_curve(ends: &[f64], at: f64) -> f64 {
    let Some(&whole) = ends.last() else {
        return 0.0;
    };
    let step = at.max(0.0).floor();
    let value = |end: usize| if end == 0 { 0.0 } else { ends[end - 1] };
    if step as usize >= ends.len() {
        let last = whole - value(ends.len() - 1);
        return whole + last * (at - ends.len() as f64);
    }
    let (from, to) = (value(step as usize), value(step as usize + 1));
    from + (to - from) * (at.max(0.0) - step)
}

/// Share of a flush that is uploaded `t` after it began, by devices that begin
/// evenly within `jitter_s` and take `upload_s` each.
fn uploaded(t: f64, jitter_s: f64, upload_s: f64) -> f64 {
    // The integral of the share of devices that have begun.
    let begun = |t: f64| {
        if t <= 0.0 {
            0.0
        } else if t < jitter_s {
            t * t / (2.0 * jitter_s)
        } else {
            t - jitter_s / 2.0
        }
    };
    if upload_s <= 0.0 {
        return match jitter_s > 0.0 {
            true => (t / jitter_s).clamp(0.0, 1.0),
            false => f64::from(t > 0.0),
        };
    }
    (begun(t) - begun(t - upload_s)) / upload_s
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Fleet, Pace, Partition, Profile, Source};
    use super::*;

    /// Readings due in each second, really made.
    fn made(workload: &Workload, run: Duration) -> Vec<f64> {
        let mut fleet = Fleet::new(workload, Partition::WHOLE, 0);
        let mut seconds = vec![0.0; run.as_secs() as usize];
        while let Some(reading) = fleet.next_until(run.as_micros() as u64 - 1) {
            seconds[(reading.id.intended_us / 1_000_000) as usize] += 1.0;
        }
        seconds
    }

    #[test]
    fn what_is_expected_of_each_profile_is_what_its_fleet_makes() {
        // Devices and seconds, chosen so that chance is small beside the bound.
        for (profile, devices, rate, run_s) in [
            ("steady", 20_000, Some(1_000.0), 60),
            ("post", 1_000, None, 60),
            ("resting-night", 4_000, None, 900),
            ("commute", 2_000, None, 600),
            ("lunchtime-run", 2_000, None, 600),
            ("sync-aligned", 3_000, None, 1_900),
            ("reconnect-storm", 300, None, 600),
            ("diurnal-day", 20_000, Some(2_000.0), 120),
        ] {
            let run = Duration::from_secs(run_s);
            let pace = rate.map_or(Pace::Natural, Pace::Rate);
            let profile = Profile::named(profile).unwrap();
            let name = profile.name().to_owned();
            let workload = Workload::new(profile, devices, pace, 3, run).unwrap();
            let (expected, made) = (workload.demand(run), made(&workload, run));
            let total = |seconds: &[f64]| seconds.iter().sum::<f64>();
            let ratio = total(&made) / total(&expected);
            assert!((0.88..1.12).contains(&ratio), "{name}: {ratio}");
            // By tenths of the run, so that the shape is held to as well.
            let tenth = expected.len() / 10;
            let most = expected.chunks(tenth).map(total).fold(0.0, f64::max);
            for (e, m) in expected.chunks(tenth).zip(made.chunks(tenth)) {
                let off = (total(e) - total(m)).abs() / most;
                assert!(off < 0.15, "{name}: {} for {}", total(m), total(e));
            }
        }
    }

    #[test]
    fn a_flush_is_uploaded_whole_and_never_backwards() {
        for (jitter, upload) in [(0.0, 0.0), (60.0, 0.0), (0.0, 2.0), (1.0, 3.0), (60.0, 5.0)] {
            let mut before = 0.0;
            for step in 0..2_000 {
                let share = uploaded(f64::from(step) * 0.05, jitter, upload);
                assert!(share >= before - 1e-12 && share <= 1.0 + 1e-12);
                before = share;
            }
            assert!((before - 1.0).abs() < 1e-12, "{jitter} {upload}: {before}");
        }
    }
}
