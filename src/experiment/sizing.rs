//! What a run chooses for itself when it is not told: threads, batches in
//! flight, waiting room, capacity. Pure functions of the rate.

use crate::capacity::sizing;
use crate::capacity::stream::Headroom;
use crate::load::limit::ClientKind;

/// Readings a second that one load thread is given. The SDK client sends about
/// 150,000 items a second with a core to itself; under half of that leaves the
/// thread room to be on time.
const READINGS_PER_THREAD: f64 = 60_000.0;

/// Readings a second that a load thread sends at most, with a core to itself.
/// The direct client sends about four times as many as the SDK's.
const fn most_per_thread(client: ClientKind) -> f64 {
    match client {
        ClientKind::Sdk => 150_000.0,
        ClientKind::Direct => 600_000.0,
    }
}

/// How long a call may take before the in-flight limit binds.
const CALL_SECONDS: f64 = 0.1;

/// How many seconds of readings may wait before further ones are dropped.
const BACKLOG_SECONDS: f64 = 10.0;

/// Returns the rate to size for: that of the profile's busiest second, but no more
/// than so many threads can send where that second is far above the `mean`.
///
/// A flush of the whole fleet beyond that waits in hrload, and needs no capacity.
#[must_use]
pub fn sized_for(mean: f64, peak: f64, threads: usize, client: ClientKind) -> f64 {
    let sendable = threads.max(1) as f64 * most_per_thread(client);
    peak.min(sendable.max(mean * FAR_ABOVE)).max(mean)
}

/// How far above the mean a peak is held to what can be sent.
const FAR_ABOVE: f64 = 10.0;

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

/// Readings that may wait unsent, over all threads. `rate` is that of the busiest
/// second, all of which may have to wait.
#[must_use]
pub fn backlog(rate: f64) -> usize {
    ((rate * BACKLOG_SECONDS).ceil() as usize).clamp(10_000, 20_000_000)
}

/// Shards of a stream that carries every write of `rate`, each a record of
/// `record_bytes`.
#[must_use]
pub fn shards(rate: f64, record_bytes: usize) -> u32 {
    sizing::shards(rate, record_bytes as u64).min(10_000)
}

/// Write units a second of a table that takes every item of `rate`, each of
/// `units`: with the usual headroom, and no less than the load takes that catches
/// up after a stall.
#[must_use]
pub fn write_units(rate: f64, units: u64, catch_up: f64) -> u64 {
    let catching_up = Headroom {
        percent: ((catch_up - 1.0).max(0.0) * 100.0).ceil() as u32,
    };
    sizing::write_units(rate, units, catching_up.max(Headroom::default()))
}

/// Write units a second that an on-demand table is to be warm for that takes `needed`,
/// of so many keys; nothing where all items have keys of their own.
#[must_use]
pub fn warm_units(needed: u64, keys: Option<f64>) -> u64 {
    keys.map_or(needed, |keys| sizing::warm_units_for_keys(needed, keys))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_rate_gets_one_thread_and_one_shard() {
        assert_eq!(threads(500.0, 8), 1);
        assert_eq!(shards(500.0, 600), 1);
        assert_eq!(write_units(500.0, 1, 1.5), 750);
        assert_eq!(write_units(500.0, 1, 1.0), 625);
        assert_eq!(concurrency(500.0, 25, 1), 16);
        assert_eq!(backlog(500.0), 10_000);
    }

    #[test]
    fn a_flush_is_sized_for_as_far_as_it_can_be_sent() {
        let sized = |mean, peak| sized_for(mean, peak, 2, ClientKind::Sdk);
        assert_eq!(sized(5_000.0, 5_000.0), 5_000.0);
        assert_eq!(sized(93.0, 79_000.0), 79_000.0);
        assert_eq!(sized(4_650.0, 4e6), 300_000.0);
        // A rate is sized for, whatever this machine makes of it.
        assert_eq!(sized(1e6, 1e6), 1e6);
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
