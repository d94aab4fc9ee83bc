//! A benchmark beside the least that its work could cost.

use std::cell::Cell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Bencher, Criterion, Throughput};
use hrload::workload::Reading;
use sha2::{Digest, Sha256};

/// What a benchmark is held to, over the same bytes.
pub(crate) enum Floor<'a> {
    /// Copying them.
    Memcpy,
    /// Copying them, and writing the numbers of these readings as decimals.
    MemcpyAndNumbers(&'a [Reading]),
    /// Their SHA-256.
    Sha256,
}

/// One group: `run`, which reads or writes `bytes` that are `items` items, and
/// its floor. Prints how many times the floor it takes, fastest sample by
/// fastest sample, which other work on the machine disturbs least.
pub(crate) fn beside(
    c: &mut Criterion,
    name: &str,
    floor: &Floor<'_>,
    items: u64,
    bytes: &[u8],
    mut run: impl FnMut(),
) {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::ElementsAndBytes {
        elements: items,
        bytes: bytes.len() as u64,
    });
    let fastest = [Cell::new(f64::INFINITY), Cell::new(f64::INFINITY)];
    group.bench_function("run", |b| timed(b, &fastest[0], &mut run));
    let mut copy = vec![0; bytes.len()];
    let mut memcpy = || {
        copy.copy_from_slice(black_box(bytes));
        black_box(&mut copy);
    };
    let floor = match floor {
        Floor::Memcpy => {
            group.bench_function("memcpy", |b| timed(b, &fastest[1], &mut memcpy));
            "memcpy"
        }
        Floor::MemcpyAndNumbers(readings) => {
            group.bench_function("memcpy and numbers", |b| {
                timed(b, &fastest[1], || {
                    memcpy();
                    numbers(black_box(readings));
                });
            });
            "memcpy and numbers"
        }
        Floor::Sha256 => {
            group.bench_function("SHA-256", |b| {
                timed(b, &fastest[1], || {
                    black_box(Sha256::digest(black_box(bytes)));
                });
            });
            "SHA-256"
        }
    };
    group.finish();
    let ratio = fastest[0].get() / fastest[1].get();
    if ratio.is_finite() {
        println!("{name}: {ratio:.1} times {floor} of the same bytes\n");
    }
}

/// Writes the numbers that an item of the post's layout holds: seconds and
/// microseconds of its id, device, sequence, beats, sensor, and the time's six.
pub(crate) fn numbers(readings: &[Reading]) {
    let mut text = itoa::Buffer::new();
    for reading in readings {
        let id = &reading.id;
        let time = [12u8, 31, 24, 23, 59, 59];
        for number in [id.intended_us / 1_000_000, id.intended_us % 1_000_000] {
            black_box(text.format(number));
        }
        for number in [id.device, id.sequence, reading.sensor] {
            black_box(text.format(number));
        }
        for number in [reading.bpm].into_iter().chain(black_box(time)) {
            black_box(text.format(number));
        }
    }
}

fn timed(bencher: &mut Bencher<'_>, fastest: &Cell<f64>, mut run: impl FnMut()) {
    bencher.iter_custom(|iterations| {
        let start = Instant::now();
        for _ in 0..iterations {
            run();
        }
        let elapsed: Duration = start.elapsed();
        fastest.set(
            fastest
                .get()
                .min(elapsed.as_nanos() as f64 / iterations as f64),
        );
        elapsed
    });
}
