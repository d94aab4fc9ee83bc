//! What a run chooses for itself when it is not told: threads, batches in
//! flight, waiting room, capacity. Pure functions of the rate.

use crate::capacity::stream::{Headroom, ShardLimits, shards_for};

/// Readings a second that one load thread is given. The SDK client sends about
/// 150,000 items a second with a core to itself; under half of that leaves the
/// thread room to be on time.
const READINGS_PER_THREAD: f64 = 60_000.0;

/// How long a call may take before the in-flight limit binds.
const CALL_SECONDS: f64 = 0.1;

/// How many seconds of readings may wait before further ones are dropped.
const BACKLOG_SECONDS: f64 = 10.0;

/// Load threads for a rate, at most one a core.
#[must_use]
pub fn threads(rate: f64, cores: usize) -> usize {
    ((rate / READINGS_PER_THREAD).ceil() as usize).clamp(1, cores.max(1))
}

/// Batches in flight over all threads.
#[must_use]
pub fn concurrency(rate: f64, batch: usize, threads: usize) -> usize {
    let calls = rate / batch.max(1) as f64;
    ((calls * CALL_SECONDS).ceil() as usize)
        .clamp(16, 1024)
        .max(threads)
}

/// Readings that may wait unsent, over all threads.
#[must_use]
pub fn backlog(rate: f64) -> usize {
    ((rate * BACKLOG_SECONDS).ceil() as usize).clamp(10_000, 20_000_000)
}

/// Shards of a stream that carries every write of `rate`, each a record of
/// `record_bytes`.
#[must_use]
pub fn shards(rate: f64, record_bytes: usize) -> u32 {
    let (headroom, limits) = (Headroom::default(), ShardLimits::default());
    let needed = shards_for(rate.ceil() as u64, record_bytes as u64, headroom, &limits);
    needed.shards.min(10_000)
}

/// Write units a second of a table that takes every item of `rate`, each of
/// `units`, also while the load catches up after a stall.
#[must_use]
pub fn write_units(rate: f64, units: u64, catch_up: f64) -> u64 {
    (rate * catch_up * units as f64).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_rate_gets_one_thread_and_one_shard() {
        assert_eq!(threads(500.0, 8), 1);
        assert_eq!(shards(500.0, 600), 1);
        assert_eq!(write_units(500.0, 1, 1.5), 750);
        assert_eq!(concurrency(500.0, 25, 1), 16);
        assert_eq!(backlog(500.0), 10_000);
    }

    #[test]
    fn a_large_rate_gets_more_but_never_more_threads_than_cores() {
        assert_eq!(threads(100_000.0, 8), 2);
        assert_eq!(threads(1_000_000.0, 2), 2);
        assert_eq!(shards(100_000.0, 600), 125);
        assert_eq!(shards(100_000.0, 3 << 10), 367);
        assert_eq!(concurrency(100_000.0, 25, 2), 400);
        assert_eq!(backlog(100_000.0), 1_000_000);
    }
}
