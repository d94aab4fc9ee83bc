//! What a run chooses for itself when it is not told: threads, batches in
//! flight, waiting room, shards. Pure functions of the rate.

/// Readings a second that one load thread is given. The SDK client sends about
/// 150,000 items a second with a core to itself; under half of that leaves the
/// thread room to be on time.
const READINGS_PER_THREAD: f64 = 60_000.0;

/// How long a call may take before the in-flight limit binds.
const CALL_SECONDS: f64 = 0.1;

/// How many seconds of readings may wait before further ones are dropped.
const BACKLOG_SECONDS: f64 = 10.0;

/// Kinesis takes 1,000 records a second into a shard
/// (<https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html>).
const SHARD_RECORDS: f64 = 1_000.0;

/// How full a shard may be on average: partition keys are spread by hash, so
/// some shards get more than their share.
const SHARD_FILL: f64 = 0.8;

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

/// Shards of a stream that carries every write of `rate`, each a record.
#[must_use]
pub fn shards(rate: f64) -> u32 {
    ((rate / (SHARD_RECORDS * SHARD_FILL)).ceil() as u32).clamp(1, 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_rate_gets_one_thread_and_one_shard() {
        assert_eq!(threads(500.0, 8), 1);
        assert_eq!(shards(500.0), 1);
        assert_eq!(concurrency(500.0, 25, 1), 16);
        assert_eq!(backlog(500.0), 10_000);
    }

    #[test]
    fn a_large_rate_gets_more_but_never_more_threads_than_cores() {
        assert_eq!(threads(100_000.0, 8), 2);
        assert_eq!(threads(1_000_000.0, 2), 2);
        assert_eq!(shards(100_000.0), 125);
        assert_eq!(concurrency(100_000.0, 25, 2), 400);
        assert_eq!(backlog(100_000.0), 1_000_000);
    }
}
