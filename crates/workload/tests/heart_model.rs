//! The heart-rate model against data and literature: the model's table of
//! checks, row by row, measured on the readings that a fleet makes.
//!
//! Reference statistics (`data/heart-reference.json`, derived, without
//! personal data) come from seven volunteers wearing a Fitbit in March to May
//! 2016 (<https://zenodo.org/records/53894>). Every row is checked on a small
//! cohort here; `scripts/heart-model` repeats those that need statistics on a
//! large one. Widths are the model's own, nothing is added to them.
//!
//! Three choices decide rows that are close to their bounds, so they are told:
//!
//! - Rows 5 to 14 and the distances between distributions are taken on devices
//!   worn by the hour, as the reference's were, over two weeks a person. Worn
//!   all night, the distance of person-centred minutes is 0.08, at its bound;
//!   over three days a person, the autocorrelation at 60 minutes is 0.29, below
//!   its own. Rows 7, 15 and 17 are taken on devices always worn.
//! - Row 12 at 3,600 s holds because of the spread of sleep's ends in
//!   `traits.rs`, and row 15 between 50 and 60 % because of the ages there. Both
//!   are assumptions that were set with these rows in view, so the two rows
//!   test that they stay met, not the model's prediction. With ends that differ
//!   by 0.3 h row 12 is 20.5 and misses its bound of 24.6.
#![allow(clippy::unwrap_used)]

#[path = "heart_model/stats.rs"]
mod stats;

use std::collections::HashMap;
use std::time::Duration;

use hrload_workload::diagnostics::{self, Observation};
use hrload_workload::{
    Activity, Fleet, Pace, Partition, Profile, RESTING_BPM_FEMALE, RESTING_BPM_MALE, Sex, Source,
    Workload,
};

use stats::{acf, distance, mean, median, numbers, quantile, reference, sd};

/// Whole days from midnight on Fitbit-like devices, worn as the reference's
/// were: by four in ten at night.
const WORN_BY_HOUR: &str = r#"
name = "volunteers"
summary = "whole days, nights off the wrist, no gaps"
[arrivals]
process = "natural"
[day]
from = "00:00"
to = "00:00"
[classes]
fitbit = 1.0
apple = 0.0
garmin = 0.0
strap = 0.0
[cohort]
worn = "by-hour"
gaps = 0.0
"#;

fn workload(text: &str, devices: u32) -> Workload {
    let profile = Profile::parse(text, "heart_model.toml").unwrap();
    Workload::new(
        profile,
        devices,
        Pace::Natural,
        2016,
        Duration::from_secs(60),
    )
    .unwrap()
}

fn within(found: f64, low: f64, high: f64, what: &str) {
    println!("{what}: {found:.4} ({low:.4} to {high:.4})");
    assert!(
        (low..=high).contains(&found),
        "{what}: {found:.4}, wanted {low:.4} to {high:.4}"
    );
}

fn around(found: f64, wanted: f64, off: f64, what: &str) {
    within(found, wanted - off, wanted + off, what);
}

/// One person's days, seen as the reference's volunteers are.
struct Person {
    /// Every 5 s, the last reported rate; NaN off the wrist.
    grid: Vec<f64>,
    /// Mean of the readings of each minute; NaN off the wrist.
    minutes: Vec<f64>,
    steps: HashMap<i32, u32>,
    /// Readings after 5, 10 and 15 s, outside sessions.
    intervals: [u32; 3],
    sedentary_minus_asleep: f64,
    over_max: u32,
}

const DAY_S: usize = 86_400;

impl Person {
    fn live(workload: &Workload, device: u32, days: usize) -> Self {
        let max_bpm = diagnostics::traits(workload, device).max_bpm;
        let ends_s = (days * DAY_S) as f64;
        let mut person = Self {
            grid: Vec::with_capacity(days * DAY_S / 5),
            minutes: Vec::new(),
            steps: HashMap::new(),
            intervals: [0; 3],
            sedentary_minus_asleep: 0.0,
            over_max: 0,
        };
        let mut last: Option<Observation> = None;
        let mut minutes = vec![(0.0, 0.0); days * 1440];
        let (mut sedentary, mut asleep) = ((0.0, 0.0), (0.0, 0.0));
        for seen in diagnostics::observe(workload, device) {
            if seen.at_s >= ends_s {
                break;
            }
            let bpm = f64::from(seen.bpm);
            let minute = &mut minutes[(seen.at_s / 60.0) as usize];
            *minute = (minute.0 + bpm, minute.1 + 1.0);
            // No device is silent for more than three ticks but off the wrist.
            let before = last.filter(|last| seen.at_s - last.at_s < 15.5);
            while ((person.grid.len() * 5) as f64) < seen.at_s {
                let held = before.map_or(f64::NAN, |before| f64::from(before.bpm));
                person.grid.push(held);
            }
            if let Some(before) = before {
                let step = i32::from(seen.bpm) - i32::from(before.bpm);
                *person.steps.entry(step).or_default() += 1;
                let ticks = (seen.at_s - before.at_s) / 5.0;
                let in_session = |o: &Observation| o.activity == Activity::Session;
                let whole = (ticks.round() - ticks).abs() < 1e-6;
                if whole && !in_session(&before) && !in_session(&seen) {
                    person.intervals[ticks.round() as usize - 1] += 1;
                }
            }
            match seen.activity {
                Activity::Sedentary => sedentary = (sedentary.0 + bpm, sedentary.1 + 1.0),
                Activity::Sleep => asleep = (asleep.0 + bpm, asleep.1 + 1.0),
                _ => {}
            }
            if seen.bpm > max_bpm && !seen.locked {
                person.over_max += 1;
            }
            last = Some(seen);
        }
        person.minutes = minutes.into_iter().map(|(sum, n)| sum / n).collect();
        person.sedentary_minus_asleep = sedentary.0 / sedentary.1 - asleep.0 / asleep.1;
        person
    }

    /// Half the mean squared difference over `lag_s`, within the hours.
    fn variogram(&self, hours: std::ops::Range<usize>, lag_s: usize) -> f64 {
        let lag = lag_s / 5;
        let days = self.grid.chunks_exact(DAY_S / 5);
        0.5 * mean(days.flat_map(|day| {
            let slice = &day[hours.start * 720..hours.end * 720];
            let pairs = slice.iter().zip(&slice[lag..]);
            pairs.map(|(a, b)| (a - b).powi(2))
        }))
    }

    fn hours_mean(&self, hours: std::ops::Range<usize>) -> f64 {
        let minutes = self.minutes.iter().enumerate();
        mean(minutes.filter_map(|(i, bpm)| hours.contains(&(i / 60 % 24)).then_some(*bpm)))
    }
}

fn people(count: u32, days: usize) -> Vec<Person> {
    let workload = workload(WORN_BY_HOUR, count);
    (0..count)
        .map(|device| Person::live(&workload, device, days))
        .collect()
}

#[test]
fn rows_1_to_3_resting_rates_are_the_population_s() {
    let workload = workload(WORN_BY_HOUR, 120_000);
    let mut cells: HashMap<(Sex, usize), Vec<f64>> = HashMap::new();
    for device in 0..120_000 {
        let traits = diagnostics::traits(&workload, device);
        let decade = ((traits.age_years - 20.0) / 10.0) as usize;
        let resting = f64::from(traits.resting_bpm);
        assert!((40.0..=109.0).contains(&resting));
        cells.entry((traits.sex, decade)).or_default().push(resting);
    }
    let mut all = Vec::new();
    for (sex, means, overall) in [
        (Sex::Male, RESTING_BPM_MALE, 63.5),
        (Sex::Female, RESTING_BPM_FEMALE, 66.6),
    ] {
        let mut of_sex = Vec::new();
        for (decade, wanted) in means.into_iter().enumerate() {
            let cell = &cells[&(sex, decade)];
            assert!(cell.len() >= 1_000, "{sex:?} {decade}: {}", cell.len());
            let what = format!("row 2, {sex:?}, {}s", 20 + 10 * decade);
            around(mean(cell.iter().copied()), wanted.into(), 0.8, &what);
            of_sex.extend(cell);
        }
        around(
            mean(of_sex.iter().copied()),
            overall,
            0.5,
            &format!("row 1, {sex:?}"),
        );
        all.extend(of_sex);
    }
    within(sd(&all), 7.0, 9.0, "row 3, standard deviation");
}

/// Background readings once a minute: cheap where a spot check is enough.
const SPOT_CHECKS: &str = r#"
name = "spot-checks"
summary = "whole days, a reading a minute"
[arrivals]
process = "steady"
every_s = 60.0
[day]
from = "00:00"
to = "00:00"
[classes]
fitbit = 1.0
apple = 0.0
garmin = 0.0
strap = 0.0
"#;

#[test]
fn row_4_women_s_pulse_is_higher_than_men_s() {
    let text = SPOT_CHECKS.replace("00:00", "10:00");
    let workload = workload(&text, 4_000);
    let mut by_sex: HashMap<Sex, Vec<f64>> = HashMap::new();
    for device in 0..4_000 {
        let seated = diagnostics::observe(&workload, device)
            .take_while(|seen| seen.at_s < 1_800.0)
            .filter(|seen| seen.activity == Activity::Sedentary)
            .map(|seen| f64::from(seen.bpm));
        let pulse = mean(seated);
        if pulse.is_finite() {
            let sex = diagnostics::traits(&workload, device).sex;
            by_sex.entry(sex).or_default().push(pulse);
        }
    }
    let pulse = |sex| mean(by_sex[&sex].iter().copied());
    println!("seated M {} F {}", pulse(Sex::Male), pulse(Sex::Female));
    within(
        pulse(Sex::Female) - pulse(Sex::Male),
        2.0,
        4.5,
        "row 4, F - M",
    );
}

fn row_5(people: &[Person]) {
    let difference = mean(people.iter().map(|p| p.sedentary_minus_asleep));
    within(difference, 8.0, 16.0, "row 5, sedentary - asleep");
}

fn row_6(people: &[Person]) {
    let mut each: Vec<f64> = people
        .iter()
        .map(|p| p.hours_mean(10..20) - p.hours_mean(2..5))
        .collect();
    // Some take their device off in every one of the nights.
    each.retain(|difference| !difference.is_nan());
    within(mean(each.iter().copied()), 13.0, 24.0, "row 6, day - night");
    for p in [0.25, 0.75] {
        let what = format!("row 6, day - night, quantile {p} over people");
        within(quantile(&mut each, p), 13.0, 24.0, &what);
    }
}

fn row_7(profile: &[f64]) {
    let reference = numbers("hourly_profile_minus_mean");
    let at = |values: &[f64], sign: f64| {
        let hours = values.iter().enumerate();
        let (hour, bpm) = hours
            .max_by(|a, b| (sign * a.1).total_cmp(&(sign * b.1)))
            .unwrap();
        (hour as f64, *bpm)
    };
    for (sign, what) in [(-1.0, "row 7, trough"), (1.0, "row 7, maximum")] {
        let (found, wanted) = (at(profile, sign), at(&reference, sign));
        around(found.0, wanted.0, 2.0, &format!("{what}, hour"));
        around(found.1, wanted.1, 3.0, what);
    }
}

fn row_8(people: &[Person]) {
    let each: Vec<f64> = people.iter().map(|p| sd(&p.minutes)).collect();
    within(mean(each), 12.0, 16.0, "row 8, within-person SD");
}

fn rows_9_and_10(people: &[Person]) {
    let grid = median(people.iter().map(|p| acf(&p.grid, 1)).collect());
    within(grid, 0.985, 1.0, "row 9, lag-1 ACF at 5 s");
    let minutes = |lag| median(people.iter().map(|p| acf(&p.minutes, lag)).collect());
    within(minutes(1), 0.91, 0.98, "row 9, lag-1 ACF of minutes");
    let reference = numbers("acf_1min_means_lag_1_5_30_60");
    for (lag, wanted) in [5, 30, 60].into_iter().zip(&reference[1..]) {
        around(
            minutes(lag),
            *wanted,
            0.08,
            &format!("row 10, ACF at {lag} min"),
        );
    }
}

/// The reference's variogram at `lag_s`.
fn reference_variogram(key: &str, lag_s: f64) -> f64 {
    let at = numbers("lags_s").iter().position(|lag| *lag == lag_s);
    numbers(key)[at.unwrap()]
}

fn row_11(people: &[Person]) {
    for lag_s in [5.0, 60.0, 300.0, 3_600.0] {
        let wanted = reference_variogram("variogram_day_10_20h", lag_s);
        let found = mean(people.iter().map(|p| p.variogram(10..20, lag_s as usize)));
        let what = format!("row 11, variogram by day at {lag_s} s");
        within(found, wanted / 1.3, wanted * 1.3, &what);
    }
}

/// At 5 s from the ticks; beyond, from a reading a minute of many people,
/// because the variation within an hour of the night is that of the few who are
/// up (its standard deviation over people is twice its mean).
fn row_12(people: &[Person], sleepers: u32) {
    let mut found = vec![(5.0, mean(people.iter().map(|p| p.variogram(2..5, 5))))];
    let text = SPOT_CHECKS.replace("from = \"00:00\"", "from = \"02:00\"");
    let workload = workload(&text.replace("to = \"00:00\"", "to = \"05:00\""), sleepers);
    let mut sums = [(60.0, 0.0, 0.0), (300.0, 0.0, 0.0), (3_600.0, 0.0, 0.0)];
    for device in 0..sleepers {
        let night = diagnostics::observe(&workload, device);
        let night = night.take_while(|seen| seen.at_s < 3.0 * 3_600.0);
        let night: Vec<f64> = night.map(|seen| f64::from(seen.bpm)).collect();
        for (lag_s, sum, count) in &mut sums {
            for (a, b) in night.iter().zip(&night[(*lag_s / 60.0) as usize..]) {
                *sum += 0.5 * (a - b).powi(2);
                *count += 1.0;
            }
        }
    }
    found.extend(sums.map(|(lag_s, sum, count)| (lag_s, sum / count)));
    for (lag_s, found) in found {
        let wanted = reference_variogram("variogram_night_02_05h", lag_s);
        let what = format!("row 12, variogram by night at {lag_s} s");
        within(found, wanted / 2.0, wanted * 2.0, &what);
    }
}

fn pooled_steps(people: &[Person]) -> impl Fn(&dyn Fn(i32) -> bool) -> f64 {
    let mut pooled: HashMap<i32, f64> = HashMap::new();
    for (step, count) in people.iter().flat_map(|p| &p.steps) {
        *pooled.entry(*step).or_default() += f64::from(*count);
    }
    let all: f64 = pooled.values().sum();
    move |which| {
        let chosen = pooled.iter().filter(|(step, _)| which(**step));
        chosen.map(|(_, count)| count).sum::<f64>() / all
    }
}

fn row_13(people: &[Person]) {
    let share = pooled_steps(people);
    around(share(&|step| step == 0), 0.25, 0.04, "row 13, steps of 0");
    around(
        share(&|step| step.abs() == 1),
        0.42,
        0.04,
        "row 13, steps of 1",
    );
    around(
        share(&|step| step.abs() == 2),
        0.17,
        0.04,
        "row 13, steps of 2",
    );
    around(
        share(&|step| step.abs() >= 5),
        0.043,
        0.015,
        "row 13, steps of 5 or more",
    );
}

fn row_14(people: &[Person]) {
    let count = |i| {
        people
            .iter()
            .map(|p: &Person| f64::from(p.intervals[i]))
            .sum::<f64>()
    };
    let all: f64 = (0..3).map(count).sum();
    for (i, wanted) in [0.45, 0.31, 0.24].into_iter().enumerate() {
        let what = format!("row 14, intervals of {} s", 5 * (i + 1));
        around(count(i) / all, wanted, 0.08, &what);
    }
}

fn row_16(people: &[Person]) {
    assert_eq!(people.iter().map(|p| p.over_max).sum::<u32>(), 0, "row 16");
}

fn distances(people: &[Person]) {
    let centred = people.iter().flat_map(|p| {
        let m = mean(p.minutes.iter().copied());
        let there = p.minutes.iter().filter(|bpm| !bpm.is_nan());
        there.map(move |bpm| bpm - m)
    });
    let found = distance(centred.collect(), "centred_minute_hr_q");
    within(found, 0.0, 0.08, "KS distance, person-centred minutes");
    let increments = people
        .iter()
        .flat_map(|p| p.minutes.windows(2).map(|w| w[1] - w[0]))
        .filter(|step| !step.is_nan());
    let found = distance(increments.collect(), "one_min_increment_q");
    within(found, 0.0, 0.045, "KS distance, increments over a minute");

    let pmf: HashMap<String, f64> =
        serde_json::from_value(reference("sample_increment_pmf")).unwrap();
    let share = pooled_steps(people);
    let (mut below, mut largest) = (0.0, 0.0f64);
    // The table leaves out steps beyond 15, about as many down as up.
    let outside = (1.0 - pmf.values().sum::<f64>()) / 2.0;
    for step in -15..=15 {
        below += pmf[&step.to_string()];
        largest = largest.max((share(&|s| s <= step) - below - outside).abs());
    }
    within(largest, 0.0, 0.035, "KS distance, sample increments");
}

/// The hourly profile, shares of time below 50, 60, 70 and 80 % of the highest rate and above, and
/// 95th percentiles by age, from spot checks of `devices` people over `days`.
fn spot_checks(devices: u32, days: usize) {
    let workload = workload(SPOT_CHECKS, devices);
    let (mut zones, mut all) = ([0.0; 5], 0.0);
    let mut by_age: [Vec<f64>; 3] = Default::default();
    let mut hours = [(0.0, 0.0); 24];
    for device in 0..devices {
        let traits = diagnostics::traits(&workload, device);
        let group = [45.0, 60.0, 85.0]
            .iter()
            .position(|to| traits.age_years < *to)
            .unwrap();
        let seen = diagnostics::observe(&workload, device);
        for seen in seen.take_while(|seen| seen.at_s < (days * DAY_S) as f64) {
            let share = f64::from(seen.bpm) / f64::from(traits.max_bpm);
            let zone = [0.5, 0.6, 0.7, 0.8]
                .iter()
                .take_while(|edge| share >= **edge)
                .count();
            let hour = &mut hours[seen.time_of_day_s as usize / 3_600];
            *hour = (hour.0 + f64::from(seen.bpm), hour.1 + 1.0);
            zones[zone] += 1.0;
            all += 1.0;
            by_age[group].push(f64::from(seen.bpm));
        }
    }
    let daily = hours.iter().map(|hour| hour.0).sum::<f64>() / all;
    row_7(&hours.map(|(sum, n)| sum / n - daily));
    let widths = [5.0, 5.0, 1.0, 0.4, 0.2];
    for (i, wanted) in [81.0, 16.0, 2.0, 0.6, 0.22].into_iter().enumerate() {
        let what = format!("row 15, zone {i}, per cent of time");
        around(100.0 * zones[i] / all, wanted, widths[i], &what);
    }
    for (group, most) in [112.0, 103.0, 98.0].into_iter().enumerate() {
        let found = quantile(&mut by_age[group], 0.95);
        within(
            found,
            60.0,
            most,
            &format!("row 17, 95th percentile of age group {group}"),
        );
    }
}

#[test]
fn rows_7_15_and_17_the_day_zones_and_percentiles_by_age() {
    spot_checks(16_000, 1);
}

#[test]
fn row_18_exercise_at_one_second_is_as_smooth_as_recorded_rides() {
    let text = WORN_BY_HOUR
        .replace("fitbit = 1.0", "fitbit = 0.0")
        .replace("strap = 0.0", "strap = 1.0")
        + "in_session = 0.9\n";
    let workload = workload(&text, 60);
    let mut acfs = Vec::new();
    let (mut zero, mut steps) = (0.0, 0.0);
    for device in 0..60 {
        let seen = diagnostics::observe(&workload, device);
        let ride: Vec<_> = seen.take_while(|seen| seen.at_s < 3_600.0).collect();
        let bpm: Vec<f64> = ride.iter().map(|seen| f64::from(seen.bpm)).collect();
        if bpm.len() < 1_800 {
            continue;
        }
        acfs.push(acf(&bpm, 1));
        for pair in ride.windows(2).filter(|w| w[1].at_s - w[0].at_s < 1.5) {
            steps += 1.0;
            zero += f64::from(u8::from(pair[0].bpm == pair[1].bpm));
        }
    }
    assert!(acfs.len() > 30, "{} rides", acfs.len());
    within(median(acfs), 0.99, 1.0, "row 18, lag-1 ACF");
    within(zero / steps, 0.4, 0.8, "row 18, steps of 0");
}

#[test]
fn row_19_the_heart_answers_effort_in_about_a_minute() {
    let workload = workload(WORN_BY_HOUR, 20_000);
    let drawn = (0..20_000).map(|d| f64::from(diagnostics::traits(&workload, d).response_s));
    within(mean(drawn), 51.0, 64.0, "row 19, time constant drawn");

    // And as lived: of three equally distant points of one exponential, the
    // steps between them have the ratio e^(-distance/time constant).
    let mut ratios = Vec::new();
    for device in 0..100 {
        let drawn = f64::from(diagnostics::traits(&workload, device).response_s);
        let seen: Vec<_> = diagnostics::observe(&workload, device)
            .take_while(|seen| seen.at_s < 86_400.0)
            .collect();
        for [a, b, c] in seen.array_windows() {
            let (first_s, second_s) = (b.at_s - a.at_s, c.at_s - b.at_s);
            let same = a.activity == b.activity && b.activity == c.activity;
            let step = f64::from(b.mean_bpm - a.mean_bpm);
            let ratio = f64::from(c.mean_bpm - b.mean_bpm) / step;
            if same && (first_s - second_s).abs() < 1e-6 && step.abs() > 1.0 && ratio > 0.0 {
                ratios.push(-first_s / ratio.ln() / drawn);
            }
        }
    }
    println!("{} answers", ratios.len());
    around(
        median(ratios),
        1.0,
        0.05,
        "row 19, time constant lived over drawn",
    );
}

#[test]
fn the_fleet_sends_what_the_checks_observe() {
    let workload = workload(&WORN_BY_HOUR.replace("00:00", "17:30"), 20);
    let mut fleet = Fleet::new(&workload, Partition::WHOLE, 1_000_000_000);
    let mut sent: HashMap<u32, Vec<(u64, u8)>> = HashMap::new();
    while let Some(r) = fleet.next_until(4_600_000_000) {
        let at_us = r.id.intended_us - 1_000_000_000;
        sent.entry(r.id.device).or_default().push((at_us, r.bpm));
    }
    for device in 0..20 {
        let seen = diagnostics::observe(&workload, device);
        let seen = seen.map(|seen| ((seen.at_s * 1e6).round() as u64, seen.bpm));
        let seen: Vec<_> = seen.take_while(|seen| seen.0 <= 3_600_000_000).collect();
        assert_eq!(sent[&device], seen);
    }
}

fn every_row(people: &[Person], sleepers: u32) {
    row_5(people);
    row_6(people);
    row_8(people);
    rows_9_and_10(people);
    row_11(people);
    row_12(people, sleepers);
    row_13(people);
    row_14(people);
    row_16(people);
    distances(people);
}

/// Weeks of each, as in the reference: in a few days the mean that a person's
/// autocorrelation is taken about follows the days.
#[test]
fn rows_5_to_16_on_a_small_cohort() {
    every_row(&people(40, 14), 20_000);
}

#[test]
#[ignore = "slow: scripts/heart-model"]
fn rows_5_to_17_on_a_large_cohort() {
    every_row(&people(150, 30), 60_000);
    spot_checks(60_000, 2);
}
