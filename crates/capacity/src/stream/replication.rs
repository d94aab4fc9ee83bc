//! Change capture on its way into one shard: a queue in virtual time.
//!
//! DynamoDB retries records that a shard throttles and no write fails
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/kds_using-shards-and-metrics.html>),
//! so what a shard does not take waits, and the age of the oldest record grows
//! until the shard catches up. The time a record is on its way to a shard with
//! room to spare is not in here.

use std::collections::VecDeque;

use serde::Serialize;

use super::ShardLimits;
use super::bucket::Bucket;

/// What AWS leaves open about replication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ReplicationAssumptions {
    /// How long an unreplicated record is kept, in hours; 0 for ever. Assumed:
    /// 24, as DynamoDB Streams keeps its records and as is told of this
    /// replication, without a public source. Older ones are lost
    /// (`FailedToReplicateRecordCount`); the table keeps the write.
    pub keeps_hours: u32,
}

impl Default for ReplicationAssumptions {
    fn default() -> Self {
        Self { keeps_hours: 24 }
    }
}

/// Records of one offer that still wait. They were created evenly over a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lot {
    /// When the first of those left was created.
    from_us: u64,
    until_us: u64,
    records: u64,
    bytes: u64,
}

impl Lot {
    /// Takes the oldest `records` of it; gives their bytes.
    fn take(&mut self, records: u64) -> u64 {
        if records >= self.records {
            let bytes = self.bytes;
            *self = Self {
                from_us: self.until_us,
                records: 0,
                bytes: 0,
                ..*self
            };
            return bytes;
        }
        let share = |of: u64| {
            (u128::from(of) * u128::from(records) / u128::from(self.records.max(1))) as u64
        };
        let (bytes, span_us) = (share(self.bytes), share(self.until_us - self.from_us));
        self.records -= records;
        self.bytes -= bytes;
        self.from_us += span_us;
        bytes
    }

    /// How many of its oldest records have at most `bytes` together.
    fn records_within(&self, bytes: u64) -> u64 {
        if bytes >= self.bytes {
            return self.records;
        }
        (u128::from(bytes) * u128::from(self.records) / u128::from(self.bytes)) as u64
    }
}

/// Records and bytes that a shard took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Records.
    pub records: u64,
    /// Their bytes, partition keys included.
    pub bytes: u64,
}

/// What became of all records so far:
/// `offered = delivered + failed + moved + backlog`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReplicationTotals {
    /// Records that came, with those taken over from other shards.
    pub offered: u64,
    /// Records in the stream.
    pub delivered: u64,
    /// Records that waited too long and are lost to the stream.
    pub failed: u64,
    /// Records that went to other shards when this one was closed.
    pub moved: u64,
    /// Records that were not delivered in the step in which they came: each
    /// was throttled at least once. AWS's `ThrottledPutRecordCount` counts
    /// every attempt instead.
    pub delayed: u64,
    /// The greatest age of the oldest record at the end of any step.
    pub max_age_us: u64,
    /// Time at whose end there was a backlog.
    pub behind_us: u64,
}

/// Change records waiting for one shard, oldest first.
///
/// The shard takes them at its two rates as fast as they allow (assumed:
/// retries leave no capacity unused). Time goes in the steps in which the
/// caller offers records; within a step they come evenly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replication {
    at_us: u64,
    keeps_us: u64,
    limits: ShardLimits,
    records: Bucket,
    bytes: Bucket,
    queue: VecDeque<Lot>,
    backlog: Delivered,
    totals: ReplicationTotals,
}

impl Replication {
    /// The way into a shard opened at `now_us`.
    #[must_use]
    pub fn new(limits: &ShardLimits, assumptions: &ReplicationAssumptions, now_us: u64) -> Self {
        let hours = u64::from(assumptions.keeps_hours);
        Self {
            at_us: now_us,
            keeps_us: if hours == 0 {
                u64::MAX
            } else {
                hours * 3_600_000_000
            },
            limits: *limits,
            records: new_bucket(limits, limits.write_records_per_s),
            bytes: new_bucket(limits, limits.write_bytes_per_s),
            queue: VecDeque::new(),
            backlog: Delivered::default(),
            totals: ReplicationTotals::default(),
        }
    }

    /// Offers `records` with `bytes` together (as they lie in the stream, with
    /// partition keys), created evenly between `from_us` and `until_us`, and
    /// goes on to `until_us`. Gives what was delivered since the last step.
    pub fn offer(&mut self, from_us: u64, until_us: u64, records: u64, bytes: u64) -> Delivered {
        let before = self.advance(from_us);
        let from_us = self.at_us;
        let until_us = until_us.max(from_us);
        if records > 0 {
            self.queue.push_back(Lot {
                from_us,
                until_us,
                records,
                bytes,
            });
            self.backlog.records += records;
            self.backlog.bytes += bytes;
            self.totals.offered += records;
        }
        let now = self.advance(until_us);
        self.totals.delayed += self.backlog.records.min(records);
        Delivered {
            records: before.records + now.records,
            bytes: before.bytes + now.bytes,
        }
    }

    /// Goes on to `now_us`, with nothing new. Gives what was delivered.
    pub fn advance(&mut self, now_us: u64) -> Delivered {
        let elapsed_us = now_us.saturating_sub(self.at_us);
        self.at_us += elapsed_us;
        self.records.earn_beyond(elapsed_us);
        self.bytes.earn_beyond(elapsed_us);
        let delivered = self.deliver();
        self.records.spill();
        self.bytes.spill();
        self.expire();
        if self.backlog.records > 0 {
            self.totals.behind_us += elapsed_us;
            self.totals.max_age_us = self.totals.max_age_us.max(self.age_us());
        }
        delivered
    }

    fn deliver(&mut self) -> Delivered {
        let mut delivered = Delivered::default();
        while let Some(lot) = self.queue.front_mut() {
            let mut records = lot
                .records
                .min(self.records.units())
                .min(lot.records_within(self.bytes.units()));
            if records == 0 {
                // A record larger than the burst passes when the shard is rested.
                let one = lot.bytes.div_ceil(lot.records);
                if self.records.affords(1) && self.bytes.affords(one) {
                    records = 1;
                } else {
                    break;
                }
            }
            let bytes = lot.take(records);
            self.records.spend(records);
            self.bytes.spend(bytes);
            delivered.records += records;
            delivered.bytes += bytes;
            if lot.records == 0 {
                self.queue.pop_front();
            }
        }
        self.backlog.records -= delivered.records;
        self.backlog.bytes -= delivered.bytes;
        self.totals.delivered += delivered.records;
        delivered
    }

    fn expire(&mut self) {
        let cutoff_us = self.at_us.saturating_sub(self.keeps_us);
        while let Some(lot) = self.queue.front_mut()
            && lot.from_us < cutoff_us
        {
            let records = if lot.until_us <= cutoff_us {
                lot.records
            } else {
                let share = u128::from(lot.records) * u128::from(cutoff_us - lot.from_us)
                    / u128::from(lot.until_us - lot.from_us);
                share as u64
            };
            if records == 0 {
                break;
            }
            let bytes = lot.take(records);
            if lot.records == 0 {
                self.queue.pop_front();
            }
            self.backlog.records -= records;
            self.backlog.bytes -= bytes;
            self.totals.failed += records;
        }
    }

    /// What waits.
    #[must_use]
    pub fn backlog(&self) -> Delivered {
        self.backlog
    }

    /// Whether nothing waits and all that may be saved is. As long as it is
    /// offered no more than its rates, an offer changes nothing of that.
    #[must_use]
    pub fn is_rested(&self) -> bool {
        self.backlog.records == 0 && self.records.is_full() && self.bytes.is_full()
    }

    /// Age of the oldest record that waits, 0 if none does: the table's
    /// `AgeOfOldestUnreplicatedRecord`.
    #[must_use]
    pub fn age_us(&self) -> u64 {
        self.queue
            .front()
            .map_or(0, |lot| self.at_us.saturating_sub(lot.from_us))
    }

    /// What became of all records so far.
    #[must_use]
    pub fn totals(&self) -> ReplicationTotals {
        self.totals
    }

    /// When nothing waits any more, if nothing more comes.
    #[must_use]
    pub fn drained_at_us(&self) -> u64 {
        if self.backlog.records == 0 {
            return self.at_us;
        }
        let wait_us = self
            .records
            .earns_in_us(self.backlog.records)
            .max(self.bytes.earns_in_us(self.backlog.bytes));
        self.at_us.saturating_add(wait_us)
    }

    /// When nothing waits any more under a steady demand; `None` if the
    /// backlog never shrinks to nothing under it.
    #[must_use]
    pub fn drained_at_under(&self, records_per_s: u64, bytes_per_s: u64) -> Option<u64> {
        if self.backlog.records == 0 {
            return Some(self.at_us);
        }
        let spare_s = |bucket: &Bucket, backlog: u64, demand: u64| {
            let spare = bucket.rate_per_s().checked_sub(demand).filter(|&s| s > 0)?;
            let missing = u128::from(backlog.saturating_sub(bucket.units())) * 1_000_000;
            u64::try_from(missing.div_ceil(u128::from(spare))).ok()
        };
        let wait_us = spare_s(&self.records, self.backlog.records, records_per_s)?.max(spare_s(
            &self.bytes,
            self.backlog.bytes,
            bytes_per_s,
        )?);
        self.at_us.checked_add(wait_us)
    }

    /// Closes the shard in favour of `parts` new ones of equal key ranges, and
    /// hands each its share of what waits (assumed: records of an open shard's
    /// keys go there, even if they were throttled before it was opened). Keeps
    /// the totals of what this one delivered.
    #[must_use]
    pub fn split(&mut self, parts: u32) -> Vec<Self> {
        let parts = u64::from(parts.max(1));
        let mut children: Vec<Self> = (0..parts)
            .map(|_| Self {
                records: new_bucket(&self.limits, self.limits.write_records_per_s),
                bytes: new_bucket(&self.limits, self.limits.write_bytes_per_s),
                queue: VecDeque::new(),
                backlog: Delivered::default(),
                totals: ReplicationTotals::default(),
                ..*self
            })
            .collect();
        for mut lot in self.queue.drain(..) {
            let (whole, until_us) = (lot.records, lot.until_us);
            let before =
                |part: u64| (u128::from(whole) * u128::from(part) / u128::from(parts)) as u64;
            for (part, child) in (0..parts).zip(&mut children) {
                let from_us = lot.from_us;
                let records = before(part + 1) - before(part);
                let bytes = lot.take(records);
                // Each part was created over the whole time.
                lot.from_us = from_us;
                child.take_over(Lot {
                    from_us,
                    until_us,
                    records,
                    bytes,
                });
            }
        }
        self.totals.moved += self.backlog.records;
        self.backlog = Delivered::default();
        children
    }

    /// Closes `other` in favour of this shard, which takes over what waits there.
    pub fn merge(&mut self, other: &mut Self) {
        self.advance(other.at_us);
        for lot in other.queue.drain(..) {
            self.take_over(lot);
        }
        other.totals.moved += other.backlog.records;
        other.backlog = Delivered::default();
        self.queue
            .make_contiguous()
            .sort_by_key(|lot| (lot.from_us, lot.until_us));
    }

    fn take_over(&mut self, lot: Lot) {
        if lot.records == 0 {
            return;
        }
        self.backlog.records += lot.records;
        self.backlog.bytes += lot.bytes;
        self.totals.offered += lot.records;
        self.queue.push_back(lot);
    }
}

/// What a shard that was just opened has of a limit.
fn new_bucket(limits: &ShardLimits, per_s: u32) -> Bucket {
    Bucket::new(per_s, limits.write_burst_ms, limits.write_saved_ms)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    const S: u64 = 1_000_000;

    fn replication() -> Replication {
        let assumptions = ReplicationAssumptions::default();
        Replication::new(&ShardLimits::default(), &assumptions, 0)
    }

    #[test]
    fn a_shard_under_twice_its_rate_falls_behind_by_half_a_second_a_second() {
        let mut shard = replication();
        for second in 0..601 {
            shard.offer(second * S, (second + 1) * S, 2000, 2000 * 613);
        }
        // 601 s at 1,000 a second and a second's burst are delivered.
        assert_eq!(shard.totals().delivered, 602_000);
        assert_eq!(shard.backlog().records, 600_000);
        // What was created after 301 s waits.
        assert_eq!(shard.age_us(), 300 * S);
        assert_eq!(shard.totals().failed, 0);
        assert_eq!(shard.drained_at_us(), 1201 * S);
        assert_eq!(shard.drained_at_under(500, 0), Some(1801 * S));
        assert_eq!(shard.drained_at_under(1000, 0), None);

        let mut idle = shard.clone();
        idle.advance(1201 * S - 1000);
        assert_eq!(idle.backlog().records, 1);
        idle.advance(1201 * S);
        assert_eq!((idle.backlog().records, idle.age_us()), (0, 0));
        assert_eq!(idle.totals().delivered, 1_202_000);
    }

    #[test]
    fn four_shards_drain_what_one_could_not_take() {
        let mut one = replication();
        for second in 0..100 {
            one.offer(second * S, (second + 1) * S, 2000, 2000 * 613);
        }
        let waiting = one.backlog();
        let mut four = one.split(4);
        assert_eq!(one.backlog(), Delivered::default());
        assert_eq!(one.totals().moved, waiting.records);
        let sum = |shards: &[Replication]| {
            shards.iter().fold((0, 0), |(records, bytes), shard| {
                let backlog = shard.backlog();
                (records + backlog.records, bytes + backlog.bytes)
            })
        };
        assert_eq!(sum(&four), (waiting.records, waiting.bytes));
        // 99,000 waiting; 2,000 a second come and 4,000 go: 48 s, a fresh
        // shard's burst being a second of its own.
        let drained_us = four[0].drained_at_under(500, 500 * 613).unwrap();
        assert_eq!(drained_us, 100 * S + 47_500_000);
        let mut seconds = 0;
        while sum(&four).0 > 0 {
            for shard in &mut four {
                let from_us = (100 + seconds) * S;
                shard.offer(from_us, from_us + S, 500, 500 * 613);
            }
            seconds += 1;
        }
        assert_eq!(seconds, 48);
    }

    #[test]
    fn a_queue_kept_record_by_record_is_as_far_behind() {
        let mut shard = replication();
        let mut writes = crate::stream::ShardWrites::new(&ShardLimits::default(), 0);
        let mut waiting = VecDeque::new();
        for second in 0..60 {
            for i in 0..2000 {
                let now_us = second * S + i * 500;
                waiting.push_back(now_us);
                while !waiting.is_empty() && writes.admit(now_us, 613).is_ok() {
                    waiting.pop_front();
                }
            }
            shard.offer(second * S, (second + 1) * S, 2000, 2000 * 613);
            let records = shard.backlog().records;
            assert!(records.abs_diff(waiting.len() as u64) <= 1, "{second}");
            let age_us = waiting
                .front()
                .map_or(0, |created| (second + 1) * S - created);
            assert!(shard.age_us().abs_diff(age_us) <= 1000, "{second}");
        }
    }

    #[test]
    fn bytes_bind_where_records_are_large() {
        let mut shard = replication();
        for second in 0..10 {
            shard.offer(second * S, (second + 1) * S, 200, 200 * 10_486);
        }
        assert_eq!(shard.totals().delivered, 11 * (1 << 20) / 10_486);
        let mut large = replication();
        large.offer(0, S, 3, 9 << 20);
        assert_eq!(large.totals().delivered, 1);
        large.advance(20 * S);
        assert_eq!(large.totals().delivered, 3);
    }

    #[test]
    fn what_waits_for_a_day_is_lost_to_the_stream() {
        let mut shard = replication();
        // A day's worth and an hour of another.
        shard.offer(0, S, 25 * 3600 * 1000, 25 * 3600 * 1000);
        shard.advance(24 * 3600 * S);
        assert_eq!(shard.totals().failed, 0);
        shard.advance(24 * 3600 * S + 2 * S);
        let totals = shard.totals();
        assert_eq!(totals.delivered, (24 * 3600 + 2 + 1) * 1000);
        assert_eq!(totals.failed, 3597 * 1000);
        assert_eq!(shard.backlog(), Delivered::default());
    }

    #[test]
    fn two_shards_merged_keep_their_oldest_first() {
        let (mut left, mut right) = (replication(), replication());
        left.offer(0, S, 5000, 5000);
        right.offer(0, 2 * S, 6000, 6000);
        left.merge(&mut right);
        let waiting = left.backlog().records;
        assert_eq!(
            waiting + left.totals().delivered + right.totals().delivered,
            11_000
        );
        assert_eq!(left.age_us(), 2 * S - S * 3 / 5);
        left.advance(left.drained_at_us());
        assert_eq!(left.backlog(), Delivered::default());
    }

    proptest! {
        #[test]
        fn no_record_and_no_byte_is_lost_or_made(
            steps in prop::collection::vec((0u64..3 * S, 0u64..3000, 1u64..3000), 1..80),
            split_at in 0usize..80,
            parts in 1u32..5,
        ) {
            let mut shards = vec![replication()];
            let mut closed = Vec::new();
            let (mut now_us, mut offered, mut bytes) = (0, 0, 0);
            let mut delivered = Delivered::default();
            for (step, (span_us, records, each)) in steps.into_iter().enumerate() {
                if step == split_at {
                    let mut parent = shards.pop().unwrap();
                    shards = parent.split(parts);
                    closed.push(parent);
                }
                let until_us = now_us + span_us;
                for (i, shard) in shards.iter_mut().enumerate() {
                    // All to the first, to make it hot.
                    let records = if i == 0 { records } else { records / 10 };
                    let one = shard.offer(now_us, until_us, records, records * each);
                    offered += records;
                    bytes += records * each;
                    delivered.records += one.records;
                    delivered.bytes += one.bytes;
                }
                now_us = until_us;
                let waiting: u64 = shards.iter().map(|s| s.backlog().records).sum();
                let waiting_bytes: u64 = shards.iter().map(|s| s.backlog().bytes).sum();
                prop_assert_eq!(delivered.records + waiting, offered);
                prop_assert_eq!(delivered.bytes + waiting_bytes, bytes);
                for shard in shards.iter().chain(&closed) {
                    let totals = shard.totals();
                    let accounted = totals.delivered + totals.failed + totals.moved;
                    prop_assert_eq!(totals.offered, accounted + shard.backlog().records);
                }
            }
        }

        #[test]
        fn no_step_delivers_more_than_its_rate_and_the_burst(
            steps in prop::collection::vec((1u64..3 * S, 0u64..4000, 1u64..3000), 1..60),
        ) {
            let mut shard = replication();
            let (mut now_us, mut records, mut bytes) = (0u64, 0u64, 0u64);
            for (span_us, offered, each) in steps {
                let one = shard.offer(now_us, now_us + span_us, offered, offered * each);
                now_us += span_us;
                records += one.records;
                bytes += one.bytes;
                prop_assert!(records * S <= 1000 * (now_us + S));
                prop_assert!(bytes * S <= (1 << 20) * (now_us + S));
            }
        }

        #[test]
        fn a_shard_below_its_limits_is_never_behind(
            each in 1u64..100_000, percent in 1u64..=100, seconds in 1u64..200,
        ) {
            let records = (1000.min((1 << 20) / each) * percent / 100).max(1);
            let mut shard = replication();
            for second in 0..seconds {
                shard.offer(second * S, (second + 1) * S, records, records * each);
                prop_assert_eq!(shard.backlog(), Delivered::default());
            }
            prop_assert_eq!(shard.totals().delayed, 0);
        }

        #[test]
        fn the_time_of_draining_is_when_it_drains(
            records in 1u64..100_000, each in 1u64..5000,
        ) {
            let mut shard = replication();
            shard.offer(0, S, records, records * each);
            let at_us = shard.drained_at_us();
            if at_us > S {
                let mut before = shard.clone();
                before.advance(at_us - 1);
                prop_assert!(before.backlog().records > 0);
            }
            shard.advance(at_us);
            prop_assert_eq!(shard.backlog(), Delivered::default());
        }
    }
}
