//! What measuring a reading costs: one value into a histogram, and what the
//! ledger is told of a reading on its way out and on its way back.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "support/mod.rs"]
mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use support::ledger;

fn measure(c: &mut Criterion) {
    let mut group = c.benchmark_group("measure");
    group.throughput(Throughput::Elements(1));
    group.bench_function("a value into a histogram", |b| b.iter(ledger::histogram()));
    group.bench_function("scheduled, sent, acknowledged", |b| {
        b.iter(ledger::send_recorder());
    });
    group.bench_function("arrived", |b| b.iter(ledger::arrival_recorder()));
    group.finish();
}

criterion_group!(benches, measure);
criterion_main!(benches);
