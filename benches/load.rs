//! What the schedule costs: a load worker's whole loop, from a reading that
//! falls due to one that is settled, with a client that answers at once. What
//! is left of a run's CPU is the client's, and the fleet's (`workload`).
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "support/mod.rs"]
mod support;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use support::schedule::schedule;

const READINGS: u32 = 10_000;

fn worker(c: &mut Criterion) {
    let mut group = c.benchmark_group("schedule");
    group.throughput(Throughput::Elements(u64::from(READINGS)));
    group.sample_size(20);
    group.bench_function("10,000 readings through a worker", |b| {
        b.iter(|| black_box(schedule(READINGS)));
    });
    group.finish();
}

criterion_group!(benches, worker);
criterion_main!(benches);
