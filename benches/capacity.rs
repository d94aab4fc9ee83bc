//! What capacity costs: one admitted write of the embedded DynamoDB, and a
//! second of a planner's day.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hrload::capacity::quota::Quotas;
use hrload::capacity::table::{Assumptions, Demand, Direction, Settings, TableCapacity};

const START_US: u64 = 1_721_011_200_000_000;
const KEYS: u64 = 10_000;

fn table(settings: Settings) -> TableCapacity {
    TableCapacity::new(
        settings,
        Assumptions::default(),
        Quotas::default(),
        START_US,
    )
    .unwrap()
}

/// Both modes with 40 partitions.
fn modes() -> [(&'static str, TableCapacity); 2] {
    let tables = [
        ("provisioned", table(Settings::provisioned(39_000, 3_000))),
        ("on-demand", table(Settings::on_demand().warmed(40_000, 1))),
    ];
    for (mode, table) in &tables {
        assert_eq!(table.describe().partitions, 40, "{mode}");
    }
    tables
}

fn hash(i: u64) -> u64 {
    (i % KEYS).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn admit(c: &mut Criterion) {
    let mut group = c.benchmark_group("admit");
    group.throughput(Throughput::Elements(1));
    for (mode, table) in modes() {
        for (load, step_us) in [("20,000/s", 50), ("200,000/s, throttled", 5)] {
            let mut table = table.clone();
            let (mut now_us, mut i) = (START_US, 0);
            group.bench_function(format!("a write, {mode}, {load}"), |b| {
                b.iter(|| {
                    now_us += step_us;
                    i += 1;
                    black_box(table.admit_write(now_us, hash(i), 1))
                });
            });
            let tally = table.tally(Direction::Write);
            // Nothing at all was offered where this benchmark is filtered out.
            let offered = tally.admitted > 0;
            let throttled = tally.all_throttled() > 0;
            assert!(!offered || throttled == (step_us == 5), "{tally:?}");
        }
    }
}

fn offer(c: &mut Criterion) {
    let mut group = c.benchmark_group("offer");
    let slices: Vec<u64> = (0..1_024).map(|i| 20 + i % 5).collect();
    for (mode, table) in modes() {
        for (what, demand) in [
            ("even, below the limits", Demand::Even(20_000)),
            ("even, above the limits", Demand::Even(200_000)),
            ("1,024 slices", Demand::Slices(&slices)),
        ] {
            let mut table = table.clone();
            let mut now_us = START_US;
            group.bench_function(format!("a second, {mode}, {what}"), |b| {
                b.iter(|| {
                    now_us += 1_000_000;
                    black_box(table.offer_writes(now_us, 1_000_000, demand))
                });
            });
        }
    }
}

criterion_group!(benches, admit, offer);
criterion_main!(benches);
