//! Promises of the fleet: who sends what, and when.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::time::Duration;

use hrload_workload::{
    DeviceClass, Fleet, Pace, Partition, Profile, Reading, Source, Workload, WorkloadError,
};
use proptest::prelude::*;

const START_US: u64 = 1_700_000_000_000_000;
const RUN: Duration = Duration::from_secs(60);

fn workload(profile: &str, devices: u32, pace: Pace) -> Workload {
    Workload::new(Profile::named(profile).unwrap(), devices, pace, 42, RUN).unwrap()
}

/// The built-in profile with `from` replaced by `to`.
fn altered(profile: &str, from: &str, to: &str) -> Profile {
    let profile = Profile::named(profile).unwrap();
    assert!(
        profile.text().contains(from),
        "{from} stands in the profile"
    );
    Profile::parse(&profile.text().replace(from, to), "test.toml").unwrap()
}

/// All readings of the first `seconds`.
fn readings(workload: &Workload, partition: Partition, seconds: f64) -> Vec<Reading> {
    let until_us = START_US + (seconds * 1e6) as u64;
    let mut fleet = Fleet::new(workload, partition, START_US);
    std::iter::from_fn(|| fleet.next_until(until_us)).collect()
}

/// Readings in each `bin_s` of the first `seconds`.
fn counts(workload: &Workload, seconds: f64, bin_s: f64) -> Vec<f64> {
    let until_us = START_US + (seconds * 1e6) as u64;
    let mut fleet = Fleet::new(workload, Partition::WHOLE, START_US);
    let mut bins = vec![0.0; (seconds / bin_s).ceil() as usize];
    while let Some(reading) = fleet.next_until(until_us) {
        let bin = (reading.id.intended_us - START_US) as f64 / 1e6 / bin_s;
        let last = bins.len() - 1;
        bins[(bin as usize).min(last)] += 1.0;
    }
    bins
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn close(found: f64, wanted: f64, tolerance: f64, what: &str) {
    let off = found / wanted - 1.0;
    assert!(
        off.abs() <= tolerance,
        "{what}: {found:.4}, wanted {wanted:.4} within {tolerance}, off by {off:.4}"
    );
}

/// FNV-1a over every field of every reading.
fn hash(readings: &[Reading]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for r in readings {
        for value in [
            r.id.intended_us,
            r.id.device.into(),
            r.id.sequence.into(),
            r.observed_us,
            r.bpm.into(),
            r.sensor.into(),
            r.motion as u64,
            r.class as u64,
        ] {
            for byte in value.to_le_bytes() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
    }
    hash
}

#[test]
fn any_number_of_threads_makes_the_same_readings() {
    for name in Profile::names() {
        let workload = workload(name, 3_000, Pace::Rate(3_000.0));
        let whole = hash(&readings(&workload, Partition::WHOLE, 20.0));
        for of in [1, 2, 4] {
            let parts = (0..of).map(|index| {
                let workload = workload.clone();
                std::thread::spawn(move || readings(&workload, Partition { index, of }, 20.0))
            });
            let parts: Vec<_> = parts.collect();
            let mut merged: Vec<Reading> = Vec::new();
            for part in parts {
                merged.extend(part.join().unwrap());
            }
            merged.sort_by_key(|r| (r.id.intended_us, r.id.device));
            assert_eq!(hash(&merged), whole, "{name} in {of} parts");
        }
    }
}

#[test]
fn another_seed_makes_other_readings() {
    let profile = Profile::named("steady").unwrap();
    let of_post = |seed| {
        let workload = Workload::new(profile.clone(), 1_000, Pace::Rate(1e3), seed, RUN).unwrap();
        hash(&readings(&workload, Partition::WHOLE, 5.0))
    };
    assert_eq!(of_post(1), of_post(1));
    assert_ne!(of_post(1), of_post(2));
}

#[test]
fn a_part_comes_in_order_of_time_then_device() {
    for name in Profile::names() {
        let workload = workload(name, 2_000, Pace::Rate(2_000.0));
        let part = readings(&workload, Partition { index: 1, of: 3 }, 20.0);
        assert!(part.len() > 100, "{name}: {} readings", part.len());
        assert!(part.iter().all(|r| r.id.device % 3 == 1), "{name}");
        let key = |r: &Reading| (r.id.intended_us, r.id.device);
        assert!(part.is_sorted_by(|a, b| key(a) < key(b)), "{name}");
    }
}

#[test]
fn nothing_is_observed_after_it_is_sent_or_out_of_range() {
    for name in Profile::names() {
        for r in readings(
            &workload(name, 2_000, Pace::Rate(2e3)),
            Partition::WHOLE,
            20.0,
        ) {
            assert!(r.observed_us <= r.id.intended_us, "{name}: {r:?}");
            assert!((35..=215).contains(&r.bpm), "{name}: {r:?}");
        }
    }
}

#[test]
fn live_readings_are_sent_when_observed() {
    let workload = workload("steady", 1_000, Pace::Natural);
    for r in readings(&workload, Partition::WHOLE, 20.0) {
        assert_eq!(r.observed_us, r.id.intended_us);
    }
}

#[test]
fn steady_holds_its_rate_to_a_thousandth() {
    for (devices, rate) in [(10_000, 5_000.0), (10_000, 50.0), (300, 1_000.0)] {
        let workload = workload("steady", devices, Pace::Rate(rate));
        close(workload.mean_rate(), rate, 1e-5, "expected");
        let seconds = (150_000.0 / rate).max(30.0);
        let bins = counts(&workload, 2.0 * seconds, seconds);
        for found in bins {
            close(found / seconds, rate, 0.001, "offered");
        }
    }
}

#[test]
fn an_interval_is_the_period_of_every_device_that_reports() {
    let workload = workload("steady", 500, Pace::Interval(Duration::from_secs(2)));
    let mut last = HashMap::new();
    for r in readings(&workload, Partition::WHOLE, 30.0) {
        if let Some(before) = last.insert(r.id.device, r.id.intended_us) {
            assert_eq!(r.id.intended_us - before, 2_000_000);
        }
    }
    // All but the straps, one in twenty.
    assert!((474..=476).contains(&last.len()), "{}", last.len());
    close(
        workload.mean_rate(),
        last.len() as f64 / 2.0,
        1e-9,
        "expected",
    );
}

#[test]
fn natural_profiles_hold_a_rate_on_average() {
    for name in ["resting-night", "commute", "lunchtime-run", "marathon"] {
        let workload = workload(name, 10_000, Pace::Rate(5_000.0));
        let found = mean(&counts(&workload, 30.0, 1.0));
        close(found, 5_000.0, 0.03, name);
    }
}

#[test]
fn a_day_fits_into_the_run_and_holds_its_mean_rate() {
    let workload = workload("diurnal-day", 20_000, Pace::Rate(2_000.0));
    close(workload.time_compression(), 1_440.0, 1e-9, "compression");
    let bins = counts(&workload, 60.0, 2.5);
    close(mean(&bins) / 2.5, 2_000.0, 0.03, "mean over the day");
    let night = mean(&bins[1..5]);
    let day = mean(&bins[10..20]);
    assert!((0.3..0.55).contains(&(night / day)), "{}", night / day);
}

#[test]
fn poisson_arrivals_scatter_as_a_poisson_process_does() {
    let profile = altered("steady", "process = \"steady\"", "process = \"poisson\"");
    let workload = Workload::new(profile, 10_000, Pace::Rate(5_000.0), 3, RUN).unwrap();
    let bins = counts(&workload, 60.0, 0.05);
    let mean = mean(&bins);
    let variance = bins.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / (bins.len() - 1) as f64;
    close(mean, 250.0, 0.01, "rate");
    // Standard error of the index of dispersion over 1,200 bins: 0.041.
    close(variance / mean, 1.0, 0.125, "index of dispersion");
}

#[test]
fn steady_arrivals_scatter_less_than_poisson_ones() {
    let workload = workload("steady", 10_000, Pace::Rate(5_000.0));
    let bins = counts(&workload, 60.0, 0.5);
    let mean = mean(&bins);
    let variance = bins.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / bins.len() as f64;
    assert!(variance / mean < 0.9, "{}", variance / mean);
}

/// What 100,000 devices send, against the model's own figures for its
/// profiles. Those take every Fitbit-like device at its mean of 8.6 s; here
/// devices report on change, which is rarer at night: hence the 12 %.
#[test]
fn natural_rates_are_those_of_the_model() {
    for (name, wanted, tolerance) in [
        ("steady", 4_930.0, 0.005),
        ("resting-night", 2_015.0, 0.12),
        ("commute", 12_500.0, 0.04),
        ("lunchtime-run", 6_290.0, 0.04),
        ("marathon", 21_400.0, 0.05),
        ("sync-aligned", 4_650.0, 0.005),
        // Mean of the model's day, 3,497 readings a device.
        ("diurnal-day", 3_497e5 / 86_400.0, 0.10),
    ] {
        let workload = workload(name, 10_000, Pace::Natural);
        close(workload.mean_rate() * 10.0, wanted, tolerance, name);
    }
}

#[test]
fn what_is_expected_is_what_comes() {
    for (name, seconds, tolerance) in [
        ("steady", 60.0, 0.002),
        ("resting-night", 60.0, 0.03),
        ("commute", 60.0, 0.03),
        ("lunchtime-run", 60.0, 0.03),
        // A single finish is four hours of one runner.
        ("marathon", 60.0, 0.05),
        ("sync-aligned", 900.0, 0.005),
        ("diurnal-day", 60.0, 0.03),
        ("post", 60.0, 0.001),
    ] {
        let workload = workload(name, 10_000, Pace::Natural);
        let found = counts(&workload, seconds, seconds)[0] / seconds;
        close(found, workload.mean_rate(), tolerance, name);
    }
}

#[test]
fn a_day_peaks_as_the_model_s_does() {
    let one = workload("diurnal-day", 10_000, Pace::Natural);
    let peak = |workload: &Workload| workload.peak_rate() / workload.mean_rate();
    close(peak(&one), 1.30, 0.04, "peak over mean, one zone");
    let three = altered(
        "diurnal-day",
        "time_zones = [{ utc_offset_h = 0.0, share = 1.0 }]",
        "time_zones = [{ utc_offset_h = -6.0, share = 0.4 }, \
         { utc_offset_h = 1.0, share = 0.35 }, { utc_offset_h = 8.0, share = 0.25 }]",
    );
    let three = Workload::new(three, 10_000, Pace::Natural, 42, RUN).unwrap();
    close(peak(&three), 1.12, 0.04, "peak over mean, three zones");
}

#[test]
fn aligned_flushes_peak_as_their_jitter_allows() {
    for (jitter_s, peak_over_mean) in [(1.0, 841.0), (10.0, 92.0), (60.0, 16.0)] {
        let jitter = format!("jitter_s = {jitter_s:?}");
        let profile = altered("sync-aligned", "jitter_s = 1.0", &jitter);
        let workload = Workload::new(profile, 100_000, Pace::Natural, 1, RUN).unwrap();
        let bins = counts(&workload, 90.0, 1.0);
        let most = bins.iter().copied().fold(0.0, f64::max);
        let mean = workload.mean_rate();
        close(most / mean, peak_over_mean, 0.12, &jitter);
        close(most, workload.peak_rate(), 0.10, "expected peak");
    }
}

#[test]
fn flushes_at_random_phase_hardly_peak() {
    let profile = altered("sync-aligned", "\"aligned\" # or \"random\"", "\"random\"");
    let workload = Workload::new(profile, 100_000, Pace::Natural, 1, RUN).unwrap();
    let bins = counts(&workload, 300.0, 1.0);
    let most = bins.iter().copied().fold(0.0, f64::max);
    close(mean(&bins), 4_650.0, 0.03, "mean");
    close(most / mean(&bins), 1.5, 0.15, "peak over mean");
}

#[test]
fn a_flush_holds_fifteen_minutes_of_each_device() {
    let workload = workload("sync-aligned", 100, Pace::Natural);
    let mut flushed: HashMap<u32, Vec<Reading>> = HashMap::new();
    for r in readings(&workload, Partition::WHOLE, 60.0) {
        flushed.entry(r.id.device).or_default().push(r);
    }
    assert!((39..=41).contains(&flushed.len()), "{}", flushed.len());
    for readings in flushed.values() {
        assert!((104..=106).contains(&readings.len()), "{}", readings.len());
        let span_us = readings.last().unwrap().observed_us - readings[0].observed_us;
        close(span_us as f64, 900e6, 0.02, "observed over");
        let sent_us = readings.last().unwrap().id.intended_us - readings[0].id.intended_us;
        assert!(sent_us < 200_000);
    }
}

/// A storm's profile whose devices come back in another way.
fn storm(comeback: &str) -> Profile {
    let from = "return = { backoff-s = 64.0 }";
    altered(
        "reconnect-storm",
        from,
        &format!("return = {{ {comeback} }}"),
    )
}

const LONG: Duration = Duration::from_secs(3 * 3600);

#[test]
fn a_reconnect_storm_peaks_as_high_as_the_model_s() {
    for (comeback, peak) in [
        ("over-s = 1.0", 9.3e6),
        ("backoff-s = 64.0", 2.2e6),
        ("over-s = 900.0", 169e3),
        ("app-open-s = 7200.0", 22e3),
    ] {
        let workload = Workload::new(storm(comeback), 100_000, Pace::Natural, 5, LONG).unwrap();
        close(workload.peak_rate(), peak, 0.06, comeback);
    }
}

#[test]
fn a_reconnect_storm_comes_in_as_its_devices_return() {
    // Readings a second of 100,000 devices; where devices return over a longer
    // time than they upload, the backlog of 142 million comes in evenly.
    for (comeback, to_s, bins_of_s, rate, tolerance) in [
        ("over-s = 1.0", 18.0, 0.1, 9.3e6, 0.05),
        ("backoff-s = 64.0", 85.0, 5.0, 2.2e6, 0.1),
        ("over-s = 900.0", 915.0, 915.0, 142e6 / 915.0, 0.05),
        (
            "app-open-s = 7200.0",
            1_815.0,
            1_815.0,
            142e6 * 0.221 / 1_815.0,
            0.08,
        ),
    ] {
        let workload = Workload::new(storm(comeback), 2_000, Pace::Natural, 5, LONG).unwrap();
        let bins = counts(&workload, to_s, bins_of_s);
        let most = bins.iter().copied().fold(0.0, f64::max) / bins_of_s;
        close(most * 50.0, rate, tolerance, comeback);
    }
}

#[test]
fn a_storm_brings_back_every_reading_of_the_outage() {
    let workload = workload("reconnect-storm", 100, Pace::Natural);
    let readings = readings(&workload, Partition::WHOLE, 150.0);
    assert!(
        readings
            .iter()
            .all(|r| r.id.intended_us >= START_US + 15_000_000)
    );
    let late = readings
        .iter()
        .filter(|r| r.observed_us < START_US + 15_000_000);
    // 28,800 s at the fleet's natural rate.
    close(late.count() as f64, 28_800.0 * 4.93, 0.03, "backlog");
    let fitbit = readings.iter().filter(|r| r.class == DeviceClass::Fitbit);
    close(
        fitbit.count() as f64 / readings.len() as f64,
        0.94,
        0.01,
        "share of Fitbit-like",
    );
}

#[test]
fn nothing_is_due_before_the_run() {
    let phoneless = altered("marathon", "phoneless = 0.02", "phoneless = 1.0");
    let compressed = altered(
        "marathon",
        "to = \"14:00\"",
        "to = \"14:00\"\ncompress = \"run\"",
    );
    let text = compressed.text();
    let both = text.replace("phoneless = 0.02", "phoneless = 0.5");
    let both = Profile::parse(&both, "both.toml").unwrap();
    let own = Profile::names().map(|name| Profile::named(name).unwrap());
    for profile in own.chain([phoneless, compressed, both]) {
        let name = profile.name().to_owned();
        for pace in [Pace::Natural, Pace::Rate(500.0)] {
            let run = Duration::from_secs(5);
            let Ok(workload) = Workload::new(profile.clone(), 1_000, pace, 7, run) else {
                continue;
            };
            let made = readings(&workload, Partition::WHOLE, 5.0);
            let early = made
                .iter()
                .filter(|of| of.id.intended_us < START_US)
                .count();
            assert_eq!(early, 0, "{name}, {pace:?}: of {}", made.len());
        }
    }
}

#[test]
fn phoneless_runners_upload_at_the_finish() {
    let profile = altered("marathon", "phoneless = 0.02", "phoneless = 1.0");
    let workload = Workload::new(profile, 200, Pace::Natural, 8, RUN).unwrap();
    let readings = readings(&workload, Partition::WHOLE, 1_200.0);
    let hours_late = |r: &Reading| (r.id.intended_us - r.observed_us) as f64 / 3.6e9;
    let longest = readings.iter().map(hours_late).fold(0.0, f64::max);
    assert!(longest > 1.0, "latest by {longest} h");
}

#[test]
fn the_seed_s_simulator_is_reproduced() {
    let workload = workload("post", 50, Pace::Rate(2_000.0));
    let readings = readings(&workload, Partition::WHOLE, 20.0);
    let mut bpm = [0u32; 256];
    let mut sensors = [0u32; 6];
    for r in &readings {
        bpm[usize::from(r.bpm)] += 1;
        sensors[r.sensor as usize] += 1;
    }
    assert_eq!(sensors[0], 0);
    for n in &sensors[1..] {
        close(f64::from(*n), readings.len() as f64 / 5.0, 0.05, "sensor");
    }
    assert_eq!(
        bpm[..60].iter().sum::<u32>() + bpm[141..].iter().sum::<u32>(),
        0
    );
    for n in &bpm[60..=140] {
        close(
            f64::from(*n),
            readings.len() as f64 / 81.0,
            0.2,
            "heart rate",
        );
    }
}

#[test]
fn steady_keys_are_as_skewed_as_the_class_mix_makes_them() {
    let workload = workload("steady", 10_000, Pace::Rate(5_000.0));
    let mut by_device = vec![0u32; 10_000];
    for r in readings(&workload, Partition::WHOLE, 60.0) {
        by_device[r.id.device as usize] += 1;
    }
    by_device.sort_unstable_by(|a, b| b.cmp(a));
    let all: u32 = by_device.iter().sum();
    let top: u32 = by_device[..100].iter().sum();
    close(
        f64::from(top) / f64::from(all),
        0.024,
        0.05,
        "busiest hundredth",
    );
    let ranked: f64 = by_device
        .iter()
        .rev()
        .zip(1..)
        .map(|(n, i)| f64::from(*n) * f64::from(i))
        .sum();
    let gini = 2.0 * ranked / (1e4 * f64::from(all)) - (1e4 + 1.0) / 1e4;
    close(gini, 0.55, 0.03, "Gini coefficient");
}

#[test]
fn parts_of_a_fleet_cover_it() {
    for devices in [1, 2, 3, 10, 101] {
        for of in 1..6 {
            let sizes = (0..of).map(|index| Partition { index, of }.size(devices));
            assert_eq!(sizes.sum::<u32>(), devices);
        }
    }
}

#[test]
fn impossible_workloads_are_refused_with_what_would_be_possible() {
    let make = |devices, pace| {
        let profile = Profile::named("steady").unwrap();
        Workload::new(profile, devices, pace, 1, RUN).unwrap_err()
    };
    assert_eq!(make(0, Pace::Natural), WorkloadError::NoDevices);
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = make(10, Pace::Rate(rate));
        assert!(
            matches!(error, WorkloadError::BadRate(_)),
            "{rate}: {error}"
        );
    }
    assert_eq!(
        make(10, Pace::Interval(Duration::ZERO)),
        WorkloadError::BadInterval
    );
    let error = make(10, Pace::Rate(5_000.0)).to_string();
    for part in [
        "5000",
        "10 devices",
        "`steady`",
        "at most 100",
        "1000 with 10",
        "50 devices would do",
    ] {
        assert!(error.contains(part), "{part} in: {error}");
    }
    let error = make(10, Pace::Interval(Duration::from_millis(5)));
    assert!(matches!(error, WorkloadError::TooFast { .. }), "{error}");

    let day = Profile::named("diurnal-day").unwrap();
    let error = Workload::new(
        day.clone(),
        10,
        Pace::Rate(900.0),
        1,
        Duration::from_secs(3600),
    );
    let error = error.unwrap_err();
    assert!(
        matches!(error, WorkloadError::TooFastForRun { .. }),
        "{error}"
    );
    let error = Workload::new(day, 10, Pace::Natural, 1, Duration::ZERO).unwrap_err();
    assert!(error.to_string().contains("run's length"), "{error}");
}

#[test]
fn a_fleet_of_straps_sends_nothing_in_the_background() {
    let text = "name = \"x\"\nsummary = \"y\"\n[arrivals]\nprocess = \"steady\"\n\
                [classes]\nfitbit = 0\napple = 0\ngarmin = 0\nstrap = 1\n";
    let profile = Profile::parse(text, "x.toml").unwrap();
    for pace in [Pace::Natural, Pace::Rate(1.0), Pace::Interval(RUN)] {
        let error = Workload::new(profile.clone(), 10, pace, 1, RUN).unwrap_err();
        assert!(matches!(error, WorkloadError::NoSenders { .. }), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn ids_are_unique_and_sequences_have_no_gaps(
        name in prop::sample::select(Profile::names().collect::<Vec<_>>()),
        devices in 1u32..300,
        per_device in 0.01f64..20.0,
        seed: u64,
        of in 1u32..4,
    ) {
        let profile = Profile::named(name).unwrap();
        let rate = Pace::Rate(per_device * f64::from(devices));
        let Ok(workload) = Workload::new(profile, devices, rate, seed, RUN) else {
            return Ok(());
        };
        let mut next: HashMap<u32, (u32, u64)> = HashMap::new();
        for index in 0..of {
            let until_us = START_US + 60_000_000;
            let mut fleet = Fleet::new(&workload, Partition { index, of }, START_US);
            for r in std::iter::from_fn(|| fleet.next_until(until_us)).take(20_000) {
                let (sequence, last_us) = next.entry(r.id.device).or_insert((0, 0));
                prop_assert_eq!(r.id.sequence, *sequence);
                prop_assert!(r.id.intended_us > *last_us);
                (*sequence, *last_us) = (r.id.sequence + 1, r.id.intended_us);
            }
        }
    }
}
