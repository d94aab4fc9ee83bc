//! Logs of change records that are not streams of the account: what the embedded
//! DynamoDB Streams keep their records in. Written by [`super::super::capture`], read
//! here; no call of Kinesis sees them, as they have an account of their own.

use hrload_base::sync::writing;
use std::sync::Arc;

use super::Streams;
use super::stream::{Mode, Stream, TRANSITION_US};

/// How far one shard's log goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Index of the oldest record that is kept.
    pub(crate) horizon: u64,
    /// Index of the next record to arrive.
    pub(crate) next: u64,
}

/// What was read of a shard's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Read {
    /// Index of the first record that was shown.
    pub(crate) first: u64,
    /// Index from which to read on.
    pub(crate) end: u64,
    /// Whether there is nothing behind it now.
    pub(crate) at_tip: bool,
}

impl Streams {
    /// Opens a log of so many shards that takes records at once; returns the ARN to
    /// link to.
    pub(crate) fn open_log(&self, name: &str, shards: u32, now_us: u64) -> String {
        let arn = format!("log:stream/{name}");
        let stream = Stream::create(
            name.to_owned(),
            arn.clone(),
            Mode::Provisioned,
            shards,
            self.all.clone(),
            now_us.saturating_sub(TRANSITION_US),
        );
        let mut streams = writing(&self.streams);
        streams.insert(name.to_owned(), Arc::new(stream));
        arn
    }

    /// How far a shard's log goes; `None` where there is no such shard.
    pub(crate) fn extent(&self, arn: &str, shard: u32, now_us: u64) -> Option<Extent> {
        let stream = self.by_arn(arn, now_us).ok()?;
        let state = stream.read(now_us);
        let shard = state.shards.get(shard as usize)?;
        let log = shard.log_since(state.cutoff_ms(now_us));
        Some(Extent {
            horizon: log.horizon(),
            next: log.next_index(),
        })
    }

    /// Index of a shard's first record that arrived at a time or later; of the next to
    /// arrive if there is none. `None` where there is no such shard.
    pub(crate) fn arrived_from(
        &self,
        arn: &str,
        shard: u32,
        time_ms: u64,
        now_us: u64,
    ) -> Option<u64> {
        let stream = self.by_arn(arn, now_us).ok()?;
        let state = stream.read(now_us);
        let shard = state.shards.get(shard as usize)?;
        let log = shard.log_since(state.cutoff_ms(now_us));
        Some(log.index_at_time(time_ms))
    }

    /// Shows the records of a shard from `position` on, in order: so many at most, and
    /// so many bytes, but one if there is any. `None` where there is no such shard.
    pub(crate) fn read_log(
        &self,
        arn: &str,
        shard: u32,
        position: u64,
        (max_records, max_bytes): (usize, usize),
        now_us: u64,
        mut show: impl FnMut(u64, &[u8]),
    ) -> Option<Read> {
        let stream = self.by_arn(arn, now_us).ok()?;
        let state = stream.read(now_us);
        let shard = state.shards.get(shard as usize)?;
        let log = shard.log_since(state.cutoff_ms(now_us));
        let run = log.run(position, max_records, max_bytes, now_us / 1000);
        shard.count_unread(run.trimmed);
        log.visit(run.first, run.end, |record| {
            show(record.index, record.data);
            true
        });
        Some(Read {
            first: run.first,
            end: run.end,
            at_tip: run.at_tip,
        })
    }
}
