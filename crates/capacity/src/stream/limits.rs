//! What one shard takes and gives.

use serde::Serialize;

/// The limits of one shard. The rates are those of
/// <https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html>;
/// how much of them may be saved up is not documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ShardLimits {
    /// Records written a second. Documented: 1,000.
    pub write_records_per_s: u32,
    /// Bytes written a second, partition keys included. Documented: 1 MB,
    /// taken as 1 MiB, as the API reference says it.
    pub write_bytes_per_s: u32,
    /// How much unused write capacity a shard keeps, as milliseconds of its
    /// rates. Assumed: 1,000. The limits are given "per second", so a second's
    /// worth may come at once; nothing documents more.
    pub write_burst_ms: u32,
    /// What a new shard has saved of it. Assumed: all, 1,000.
    pub write_saved_ms: u32,
    /// GetRecords calls a second. Documented: 5.
    pub read_calls_per_s: u32,
    /// Bytes read a second by all that poll. Documented: 2 MB, taken as 2 MiB.
    pub read_bytes_per_s: u32,
    /// Bytes pushed a second to each registered consumer. Documented: 2 MiB
    /// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_RegisterStreamConsumer.html>).
    pub fan_out_bytes_per_s: u32,
    /// How much unused read capacity a shard keeps, of calls and of bytes,
    /// polled and pushed.
    /// Assumed: 1,000 ms, as for writes.
    pub read_burst_ms: u32,
    /// What a call must return for the longer pause. Documented as 10 MB, the
    /// most a call returns; assumed to be meant decimally, so that a page that
    /// ends before 10 MiB because the next record did not fit counts as well.
    pub heavy_read_bytes: u32,
    /// How long reading pauses after such a call. Documented: the next 5 s
    /// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html>).
    pub heavy_read_pause_ms: u32,
    /// How long reading pauses after a call that overran the bytes a second.
    /// Documented: the next 1 s. Assumed besides: the pause lasts until what
    /// was read beyond the rate is made up for, or repeated overruns would
    /// read faster than the limit.
    pub read_overrun_pause_ms: u32,
    /// GetShardIterator calls a second. Documented: 5
    /// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html>).
    pub iterator_calls_per_s: u32,
}

impl Default for ShardLimits {
    fn default() -> Self {
        Self {
            write_records_per_s: 1000,
            write_bytes_per_s: 1 << 20,
            write_burst_ms: 1000,
            write_saved_ms: 1000,
            read_calls_per_s: 5,
            read_bytes_per_s: 2 << 20,
            fan_out_bytes_per_s: 2 << 20,
            read_burst_ms: 1000,
            heavy_read_bytes: 10_000_000,
            heavy_read_pause_ms: 5000,
            read_overrun_pause_ms: 1000,
            iterator_calls_per_s: 5,
        }
    }
}
