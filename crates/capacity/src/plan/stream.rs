//! One stream, through a whole day: what each shard is offered, and what waits.

use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::answer::Carried;
use super::demand::{KeyRange, Keys, binomial};
use super::table::TELL_EVERY_S;
use crate::stream::{OnDemandStream, Replication, StreamAssumptions};

const SECOND_US: u64 = 1_000_000;

/// A kind of stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Provisioned(u32),
    OnDemand,
}

/// The change records of a day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Changes<'a> {
    /// Records made in each second.
    pub(super) made: &'a [u64],
    /// A record's size with its partition key.
    pub(super) bytes: u64,
    pub(super) keys: Keys,
    pub(super) seed: u64,
}

/// An open shard and what waits for it.
struct Shard {
    number: u32,
    range: KeyRange,
    way: Replication,
    /// Whether nothing waits and all that may be saved is.
    rested: bool,
    /// Records of this minute.
    minute: u64,
}

/// Shards of a new on-demand stream.
pub(super) fn initial_shards() -> u32 {
    StreamAssumptions::default().on_demand.initial_shards
}

/// Carries a day's changes. A second's records scatter over the shards by their
/// keys' hashes; within the second they come evenly. Says now and then how much
/// of the day is over.
pub(super) fn carry(stream: Stream, changes: Changes<'_>, tell: &mut dyn FnMut(f64)) -> Carried {
    let assumptions = StreamAssumptions::default();
    let mut rng = SmallRng::seed_from_u64(changes.seed);
    let mut growing =
        (stream == Stream::OnDemand).then(|| OnDemandStream::new(&assumptions.on_demand, 0));
    let count = match stream {
        Stream::Provisioned(shards) => shards.max(1),
        Stream::OnDemand => assumptions.on_demand.initial_shards,
    };
    let mut rest = changes.keys.whole();
    let mut shards: Vec<Shard> = (0..count)
        .map(|number| Shard {
            number,
            range: rest.take(1.0 / f64::from(count - number), &mut rng),
            way: Replication::new(&assumptions.shard, &assumptions.replication, 0),
            rested: true,
            minute: 0,
        })
        .collect();

    let mut carried = Carried::default();
    let mut closed = Closed::default();
    let limits = assumptions.shard;
    for (second, &made) in (0u64..).zip(changes.made) {
        if second % TELL_EVERY_S == 0 {
            tell(second as f64 / changes.made.len() as f64);
        }
        let (from_us, until_us) = (second * SECOND_US, (second + 1) * SECOND_US);
        carried.records += made;
        let (mut records, mut share) = (made, 1.0);
        let (mut waiting, last) = (0, shards.len() - 1);
        for (at, shard) in shards.iter_mut().enumerate() {
            let mine = if at == last {
                records
            } else {
                binomial(records, shard.range.share / share, &mut rng)
            };
            records -= mine;
            share -= shard.range.share;
            shard.minute += mine;
            let bytes = mine * changes.bytes;
            // What is below the limits of a rested shard leaves it rested.
            let below = mine <= u64::from(limits.write_records_per_s)
                && bytes <= u64::from(limits.write_bytes_per_s);
            let (records, bytes) = if shard.rested && below {
                (mine, bytes)
            } else {
                let delivered = shard.way.offer(from_us, until_us, mine, bytes);
                shard.rested = shard.way.is_rested();
                waiting += shard.way.backlog().records;
                (delivered.records, delivered.bytes)
            };
            if let Some(stream) = &mut growing {
                stream.observe(from_us, shard.number, records, bytes);
            }
        }
        if waiting > 0 {
            carried.throttled_seconds += 1;
            carried.most_waiting = carried.most_waiting.max(waiting);
        }
        if second % 60 == 59 {
            for shard in &mut shards {
                carried.hottest_shard = carried.hottest_shard.max(shard.minute / 60);
                shard.minute = 0;
            }
        }
        if let Some(stream) = &mut growing {
            split(stream, until_us, &mut shards, &mut closed, &mut rng);
        }
    }
    for shard in &shards {
        closed.add(&shard.way);
        carried.left += shard.way.backlog().records;
    }
    carried.delayed = closed.delayed;
    carried.lost = closed.lost;
    carried.longest_delay = closed.longest_us.div_ceil(SECOND_US);
    carried.shards_at_end = shards.len() as u32;
    carried
}

/// What became of records at shards that are done.
#[derive(Default)]
struct Closed {
    delayed: u64,
    lost: u64,
    longest_us: u64,
}

impl Closed {
    fn add(&mut self, way: &Replication) {
        let totals = way.totals();
        self.delayed += totals.delayed;
        self.lost += totals.failed;
        self.longest_us = self.longest_us.max(totals.max_age_us);
    }
}

/// Splits the shards that are due.
fn split(
    stream: &mut OnDemandStream,
    now_us: u64,
    shards: &mut Vec<Shard>,
    closed: &mut Closed,
    rng: &mut SmallRng,
) {
    while let Some(due) = stream.split_due(now_us) {
        let Some(at) = shards.iter().position(|shard| shard.number == due.shard) else {
            continue;
        };
        let mut parent = shards.remove(at);
        for (number, way) in (due.left..).zip(parent.way.split(2)) {
            let part = if number == due.left { 0.5 } else { 1.0 };
            shards.push(Shard {
                number,
                range: parent.range.take(part, rng),
                rested: way.is_rested(),
                way,
                minute: 0,
            });
        }
        closed.add(&parent.way);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(stream: Stream, made: &[u64], bytes: u64, keys: Keys) -> Carried {
        carry(
            stream,
            Changes {
                made,
                bytes,
                keys,
                seed: 1,
            },
            &mut |_| {},
        )
    }

    #[test]
    fn one_shard_under_twice_its_records_falls_behind_by_half_a_second_a_second() {
        let day = carried(Stream::Provisioned(1), &[2_000; 600], 600, Keys::Own);
        // A second's burst is left of the first.
        assert_eq!(day.most_waiting, 600_000 - 1_000);
        assert_eq!((day.left, day.lost), (599_000, 0));
        assert!((298..=300).contains(&day.longest_delay), "{day:?}");
        assert_eq!(day.throttled_seconds, 599);
        assert_eq!(day.hottest_shard, 2_000);
    }

    #[test]
    fn a_backlog_is_late_and_not_lost() {
        let mut made = vec![3_000; 60];
        made.resize(600, 0);
        let day = carried(Stream::Provisioned(2), &made, 600, Keys::Own);
        assert_eq!((day.records, day.left, day.lost), (180_000, 0, 0));
        // 1,000 a second more than two shards take, less two seconds' burst.
        assert!((57_000..=59_500).contains(&day.most_waiting), "{day:?}");
        assert!((28..=31).contains(&day.longest_delay), "{day:?}");
    }

    #[test]
    fn large_records_are_limited_by_bytes() {
        let (small, large) = (600, 4_096);
        let delayed = |bytes| carried(Stream::Provisioned(2), &[1_000; 300], bytes, Keys::Own);
        assert_eq!(delayed(small).delayed, 0);
        assert!(delayed(large).delayed > 100_000);
    }

    #[test]
    fn shards_at_the_brim_are_late_for_scatter_alone() {
        // 999.6 a second each on average, and 1,000 at most: the second's burst
        // that they save is spent now and then.
        let full = carried(Stream::Provisioned(5), &[4_998; 3_600], 600, Keys::Own);
        assert!(full.delayed > 0 && full.delayed_share() < 0.2, "{full:?}");
        let roomy = carried(Stream::Provisioned(6), &[4_998; 3_600], 600, Keys::Own);
        assert_eq!(roomy.delayed, 0, "{roomy:?}");
    }

    #[test]
    fn keys_of_few_devices_make_a_hot_shard() {
        let hottest =
            |keys| carried(Stream::Provisioned(8), &[4_000; 120], 600, keys).hottest_shard;
        assert!(hottest(Keys::Own) < 530);
        assert!(hottest(Keys::Devices(40)) > 600);
    }

    #[test]
    fn an_on_demand_stream_doubles_and_then_drains() {
        let day = carried(Stream::OnDemand, &[6_000; 7_200], 600, Keys::Own);
        // 4 shards for a quarter of an hour, 8 for another, then 16.
        assert_eq!(day.shards_at_end, 16);
        assert_eq!((day.left, day.lost), (0, 0));
        // 2,000 a second more than four take, for 900 s.
        let most = day.most_waiting as f64 / (2_000.0 * 900.0);
        assert!((0.98..1.01).contains(&most), "{day:?}");
        let calm = carried(Stream::OnDemand, &[1_500; 7_200], 600, Keys::Own);
        assert_eq!((calm.delayed, calm.shards_at_end), (0, 4));
    }
}
