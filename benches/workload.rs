//! What a sample and a fleet cost.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hrload::workload::diagnostics::observe;
use hrload::workload::{Fleet, Pace, Partition, Profile, Source, Workload};

const RUN: Duration = Duration::from_secs(30);

fn workload(profile: &str, devices: u32, rate: f64) -> Workload {
    let profile = Profile::named(profile).expect("a built-in profile");
    Workload::new(profile, devices, Pace::Rate(rate), 1, RUN).expect("a rate the profile makes")
}

/// One step of a device's physiology, many devices in turn: the queue aside.
fn device(c: &mut Criterion) {
    let mut group = c.benchmark_group("workload");
    group.throughput(Throughput::Elements(1));
    let workload = workload("steady", 10_000, 5_000.0);
    let devices = (0..10_000).map(|number| observe(&workload, number));
    let mut devices: Vec<_> = devices.filter(|device| device.sends()).take(256).collect();
    let mut turn = 0;
    group.bench_function("device", |b| {
        b.iter(|| {
            turn = (turn + 1) % devices.len();
            black_box(&devices[turn].next());
        });
    });
    group.finish();
}

/// One reading out of the queue, one step of physiology, one reading in.
fn sample(c: &mut Criterion) {
    let mut group = c.benchmark_group("workload");
    group.throughput(Throughput::Elements(1));
    for (name, profile, devices, rate) in [
        ("sample", "steady", 10_000, 5_000.0),
        ("sample_1m", "steady", 1_000_000, 100_000.0),
        ("sample_on_change", "lunchtime-run", 10_000, 5_000.0),
    ] {
        let workload = workload(profile, devices, rate);
        let mut fleet = Fleet::new(&workload, Partition::WHOLE, 0);
        group.bench_function(name, |b| {
            b.iter(|| {
                // By reference: a copy would wait for the stores of the original.
                black_box(&fleet.next_until(u64::MAX));
            })
        });
    }
    group.finish();
}

/// A million devices, from traits to first reading.
fn fleet_new(c: &mut Criterion) {
    let mut group = c.benchmark_group("workload");
    group.sample_size(10);
    let workload = workload("steady", 1_000_000, 100_000.0);
    group.bench_function("fleet_new_1m", |b| {
        b.iter(|| Fleet::new(black_box(&workload), Partition::WHOLE, 0));
    });
    group.bench_function("workload_new_10k_natural", |b| {
        b.iter(|| self::workload("lunchtime-run", black_box(10_000), 5_000.0));
    });
    group.finish();
}

criterion_group!(benches, device, sample, fleet_new);
criterion_main!(benches);
