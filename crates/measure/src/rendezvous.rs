//! Where the acknowledgement of a reading and its change record meet.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering::SeqCst};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use super::latency::span_us;
use hrload_workload::ReadingId;

/// Slots of a bucket: a cache line of 64 bytes. A model of all interleavings has two.
const WAYS: usize = if cfg!(loom) { 2 } else { 8 };
/// Most buckets of a table: 64 MB.
const MOST_BUCKETS: usize = 1 << 20;

const TIME_BITS: u32 = 42;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;
const OCCUPIED: u64 = 1 << TIME_BITS;
const CREATED: u64 = 1 << (TIME_BITS + 1);
const TAG_MASK: u64 = !(TIME_MASK | OCCUPIED | CREATED);

#[derive(Debug, Default)]
#[repr(align(64))]
struct Bucket([AtomicU64; WAYS]);

/// A lock-free table in which whichever of the two comes first leaves its time
/// for the other.
///
/// One thread learns that a reading was acknowledged, another when its change
/// record was created, in either order. The first leaves an entry of 64 bits:
/// 20 of a hash of the reading, which side it is, and the time, modulo 51
/// days. The second takes the entry away and so learns the other's time.
///
/// Memory is bounded. In a full bucket the oldest entry gives way, which is
/// most often a reading whose other half will never come (lost, or failed for
/// the client); [`Self::unmatched`] says how many did. One pair of readings in
/// a million or so shares bucket and hash and may be mistaken for each other.
#[derive(Debug)]
pub struct Rendezvous {
    buckets: Box<[Bucket]>,
    unmatched: AtomicU64,
}

impl Default for Rendezvous {
    /// Room for 10,000 readings in the pipeline.
    fn default() -> Self {
        Self::new(10_000)
    }
}

impl Rendezvous {
    /// A table for about `in_pipeline` readings that were acknowledged and not
    /// yet read, or the other way round: the rate, times the seconds between
    /// the two. Costs about 64 bytes each (1,024 to 1,048,576 of them), so
    /// that buckets are an eighth full and seldom overflow.
    #[must_use]
    pub fn new(in_pipeline: usize) -> Self {
        Self::of_buckets(in_pipeline.clamp(1 << 10, MOST_BUCKETS).next_power_of_two())
    }

    /// Nothing meets: where records are created in whole seconds, their times say
    /// nothing of a call that takes milliseconds.
    #[must_use]
    pub fn apart() -> Self {
        Self::of_buckets(0)
    }

    /// A table of so many buckets, a power of two or none.
    fn of_buckets(buckets: usize) -> Self {
        let buckets = std::iter::repeat_with(Bucket::default).take(buckets);
        Self {
            buckets: buckets.collect(),
            unmatched: AtomicU64::new(0),
        }
    }

    /// A reading was acknowledged at `at_us`. The time at which it was
    /// created, if that is known already.
    pub fn acknowledged(&self, id: ReadingId, at_us: u64) -> Option<u64> {
        self.meet(id, at_us, 0)
    }

    /// A reading was created at `at_us`. The time at which it was
    /// acknowledged, if that is known already.
    pub fn created(&self, id: ReadingId, at_us: u64) -> Option<u64> {
        self.meet(id, at_us, CREATED)
    }

    /// Entries that had to give way before their other half came.
    #[must_use]
    pub fn unmatched(&self) -> u64 {
        self.unmatched.load(SeqCst)
    }

    /// Exactly one of the two sides that meet gets the other's time, also when
    /// they come at the same moment: both then leave an entry and find the
    /// other's, and the acknowledged entry is the token. Whoever clears it has
    /// won. Sequential consistency makes sure that one of them sees the other.
    fn meet(&self, id: ReadingId, at_us: u64, side: u64) -> Option<u64> {
        let hash = mix(u64::from(id.device) << 32 | u64::from(id.sequence));
        let last = self.buckets.len().wrapping_sub(1);
        let bucket = &self.buckets.get(hash as usize & last)?.0;
        let tag = hash & TAG_MASK;
        let mine = tag | side | OCCUPIED | (at_us & TIME_MASK);
        let other = tag | (side ^ CREATED) | OCCUPIED;

        if let Some((slot, entry)) = find(bucket, other)
            && clear(slot, entry)
        {
            return Some(time_near(entry, at_us));
        }
        let my_slot = self.leave(bucket, mine, at_us)?;
        let (slot, entry) = find(bucket, other)?;
        let won = if side == CREATED {
            clear(slot, entry)
        } else {
            clear(my_slot, mine)
        };
        if !won {
            return None;
        }
        if side == CREATED {
            clear(my_slot, mine);
        } else {
            clear(slot, entry);
        }
        Some(time_near(entry, at_us))
    }

    /// Puts an entry into an empty slot, or in place of the oldest.
    fn leave<'a>(&self, bucket: &'a [AtomicU64], mine: u64, at_us: u64) -> Option<&'a AtomicU64> {
        for slot in bucket {
            if slot.compare_exchange(0, mine, SeqCst, SeqCst).is_ok() {
                return Some(slot);
            }
        }
        let oldest = bucket
            .iter()
            .min_by_key(|slot| time_near(slot.load(SeqCst), at_us))?;
        if oldest.swap(mine, SeqCst) != 0 {
            self.unmatched.fetch_add(1, SeqCst);
        }
        Some(oldest)
    }
}

fn find(bucket: &[AtomicU64], wanted: u64) -> Option<(&AtomicU64, u64)> {
    bucket.iter().find_map(|slot| {
        let entry = slot.load(SeqCst);
        (entry & !TIME_MASK == wanted).then_some((slot, entry))
    })
}

fn clear(slot: &AtomicU64, entry: u64) -> bool {
    slot.compare_exchange(entry, 0, SeqCst, SeqCst).is_ok()
}

/// The full time of an entry: of all that share its low bits, the one nearest
/// to `near_us`.
fn time_near(entry: u64, near_us: u64) -> u64 {
    let ahead = (entry & TIME_MASK).wrapping_sub(near_us) & TIME_MASK;
    let shift = u64::BITS - TIME_BITS;
    let signed = ((ahead << shift) as i64) >> shift;
    near_us.wrapping_add_signed(signed)
}

/// The finaliser of SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>,
/// public domain): every bit of the hash depends on every bit of the reading.
fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

/// Acknowledged to created, whichever side has just learnt the other's time.
pub(super) fn capture_us(acknowledged_us: u64, created_us: u64) -> i64 {
    span_us(acknowledged_us, created_us)
}

/// All interleavings of two threads, by loom: `scripts/loom`.
#[cfg(all(test, loom))]
mod model {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    const NOW_US: u64 = 1_700_000_000_000_000;

    fn id(sequence: u32) -> ReadingId {
        ReadingId {
            intended_us: 0,
            device: 3,
            sequence,
        }
    }

    fn entries(table: &Rendezvous) -> usize {
        let slots = table.buckets.iter().flat_map(|bucket| &bucket.0);
        slots.filter(|slot| slot.load(SeqCst) != 0).count()
    }

    /// Runs `one` and `other` at the same time on a table of one bucket; how many of
    /// their calls met.
    fn both(
        table: Rendezvous,
        one: fn(&Rendezvous) -> usize,
        other: fn(&Rendezvous) -> usize,
    ) -> (usize, Arc<Rendezvous>) {
        let table = Arc::new(table);
        let shared = Arc::clone(&table);
        let thread = thread::spawn(move || one(&shared));
        let met = other(&table);
        let met = met + thread.join().expect("no panic");
        (met, table)
    }

    fn met(outcomes: &[Option<u64>]) -> usize {
        outcomes.iter().flatten().count()
    }

    #[test]
    fn the_two_sides_of_a_reading_meet_exactly_once_and_leave_nothing() {
        loom::model(|| {
            let (met, table) = both(
                Rendezvous::of_buckets(1),
                |table| met(&[table.acknowledged(id(1), NOW_US)]),
                |table| met(&[table.created(id(1), NOW_US + 1)]),
            );
            assert_eq!((met, table.unmatched(), entries(&table)), (1, 0, 0));
        });
    }

    #[test]
    fn two_readings_that_share_a_bucket_both_meet_once() {
        loom::model(|| {
            let (met, table) = both(
                Rendezvous::of_buckets(1),
                |table| {
                    met(&[
                        table.acknowledged(id(1), NOW_US),
                        table.acknowledged(id(2), NOW_US),
                    ])
                },
                |table| {
                    met(&[
                        table.created(id(2), NOW_US + 1),
                        table.created(id(1), NOW_US + 1),
                    ])
                },
            );
            // Two slots for at most four entries: what gave way is counted.
            let left = entries(&table);
            assert_eq!(2 * met + left + table.unmatched() as usize, 4);
        });
    }

    #[test]
    fn an_old_entry_gives_way_to_two_sides_that_meet() {
        loom::model(|| {
            let table = Rendezvous::of_buckets(1);
            assert_eq!(table.acknowledged(id(9), NOW_US - 1_000_000), None);
            let (met, table) = both(
                table,
                |table| met(&[table.acknowledged(id(1), NOW_US)]),
                |table| met(&[table.created(id(1), NOW_US + 1)]),
            );
            assert_eq!(met, 1);
            assert_eq!(table.unmatched() as usize + entries(&table), 1);
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    fn id(device: u32, sequence: u32) -> ReadingId {
        ReadingId {
            intended_us: 0,
            device,
            sequence,
        }
    }

    const NOW_US: u64 = 1_700_000_000_000_000;

    #[test]
    fn the_second_side_learns_the_time_of_the_first_in_either_order() {
        let table = Rendezvous::default();
        assert_eq!(table.acknowledged(id(1, 2), NOW_US), None);
        assert_eq!(table.created(id(1, 2), NOW_US + 150_000), Some(NOW_US));
        assert_eq!(table.created(id(1, 3), NOW_US + 7), None);
        // A creation time may lie hours after or before, clocks being what they are.
        let hours_before = NOW_US - 5 * 3_600_000_000;
        assert_eq!(table.acknowledged(id(1, 3), hours_before), Some(NOW_US + 7));
    }

    #[test]
    fn a_meeting_happens_once() {
        let table = Rendezvous::default();
        table.acknowledged(id(9, 9), NOW_US);
        assert!(table.created(id(9, 9), NOW_US).is_some());
        assert_eq!(table.created(id(9, 9), NOW_US), None);
    }

    #[test]
    fn readings_that_never_meet_give_way_and_are_counted() {
        let table = Rendezvous::new(1);
        let slots = table.buckets.len() * WAYS;
        for sequence in 0..3 * slots as u32 {
            table.acknowledged(id(0, sequence), NOW_US + u64::from(sequence));
        }
        assert!(table.unmatched() >= 2 * slots as u64);
        // What came last is still there.
        let last = 3 * slots as u32 - 1;
        assert!(table.created(id(0, last), NOW_US).is_some());
    }

    #[test]
    fn two_sides_at_the_same_moment_meet_exactly_once() {
        const READINGS: u32 = 20_000;
        let table = Rendezvous::new(READINGS as usize);
        let barrier = Barrier::new(2);
        let side = |created: bool| {
            let mut met = 0_u32;
            for sequence in 0..READINGS {
                // Neck and neck, so that many pairs truly collide.
                if sequence % 64 == 0 {
                    barrier.wait();
                }
                let other = if created {
                    table.created(id(3, sequence), NOW_US + 1)
                } else {
                    table.acknowledged(id(3, sequence), NOW_US)
                };
                met += u32::from(other.is_some());
            }
            met
        };
        let met = thread::scope(|scope| {
            let created = scope.spawn(|| side(true));
            let acknowledged = scope.spawn(|| side(false));
            created.join().expect("no panic") + acknowledged.join().expect("no panic")
        });
        assert_eq!(u64::from(met) + table.unmatched(), u64::from(READINGS));
        assert_eq!(table.unmatched(), 0);
    }
}
