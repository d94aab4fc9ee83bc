//! The last second of a partition, or of a key: what a cap by the second holds.
//!
//! A partition serves 1,000 write and 3,000 read units a second and no burst
//! lifts that
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html>).
//! So this is no bucket, which would let two seconds' worth through at the
//! border of a pause, but a sum over a sliding second, kept in slots of 20 ms:
//! an operation is admitted while the units of its slot and the 49 before are
//! below the cap. Hence any 980 ms admit at most the cap and one operation, as
//! does any second that begins with a slot, and demand that never exceeds the
//! cap in any second is never refused.

use super::MICROS;

/// Slots a second is kept in. More would hold the cap more finely than 2 % and
/// make a planner's second dearer in proportion.
const SLOTS: usize = 50;
const SLOT_US: u64 = MICROS / SLOTS as u64;

/// How a rest below the number of slots is spread over them.
static RESTS: [[u32; SLOTS]; SLOTS] = rests();

const fn rests() -> [[u32; SLOTS]; SLOTS] {
    let mut rests = [[0; SLOTS]; SLOTS];
    let mut rest = 0;
    while rest < SLOTS {
        let mut slot = 0;
        while slot < SLOTS {
            let up_to = (slot + 1) * rest / SLOTS;
            rests[rest][slot] = (up_to - slot * rest / SLOTS) as u32;
            slot += 1;
        }
        rest += 1;
    }
    rests
}

/// Units admitted in the last second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Second {
    slots: [u32; SLOTS],
    /// Their sum.
    sum: u64,
    /// The slot of the last admission, counted from the epoch, and its place.
    head: u64,
    place: usize,
}

/// What a stretch of even demand got, until it is known whether it may keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) admitted: u64,
    /// Slots the demand was spread over, ending with the head.
    slots: usize,
    /// What the first of them held before.
    before: u32,
}

impl Second {
    pub(super) fn new(now_us: u64) -> Self {
        let head = now_us / SLOT_US;
        Self {
            slots: [0; SLOTS],
            sum: 0,
            head,
            place: (head % SLOTS as u64) as usize,
        }
    }

    /// Forgets what is older than a second.
    #[inline]
    pub(super) fn advance(&mut self, now_us: u64) {
        let slot = now_us / SLOT_US;
        if slot > self.head {
            self.advance_to(slot);
        }
    }

    fn advance_to(&mut self, slot: u64) {
        if slot - self.head >= SLOTS as u64 {
            self.slots = [0; SLOTS];
            self.sum = 0;
            self.place = (slot % SLOTS as u64) as usize;
        } else {
            for _ in self.head..slot {
                self.step();
            }
        }
        self.head = slot;
    }

    /// Goes to the next slot, which is empty then.
    #[inline]
    fn step(&mut self) {
        self.place = if self.place + 1 == SLOTS {
            0
        } else {
            self.place + 1
        };
        self.sum -= u64::from(self.slots[self.place]);
        self.slots[self.place] = 0;
    }

    /// Whether an operation is admitted under this cap.
    #[inline]
    pub(super) fn is_below(&self, cap: u64) -> bool {
        self.sum < cap
    }

    /// Counts an admitted operation.
    #[inline]
    pub(super) fn take(&mut self, units: u64) {
        let slot = &mut self.slots[self.place];
        let after = u64::from(*slot)
            .saturating_add(units)
            .min(u64::from(u32::MAX));
        self.sum += after - u64::from(*slot);
        *slot = after as u32;
    }

    /// Offers `demand` single units that arrive evenly in `len_us` from
    /// `from_us` on: at most a second, and whole slots. Counts what the cap
    /// admits of them.
    pub(super) fn offer(&mut self, from_us: u64, len_us: u64, demand: u64, cap: u64) -> Offer {
        self.advance(from_us);
        let last = from_us.saturating_add(len_us.max(1) - 1) / SLOT_US;
        let slots = (last.saturating_sub(self.head) + 1).min(SLOTS as u64);
        let calm = self.sum.saturating_add(demand) <= cap;
        if calm && slots == SLOTS as u64 && self.place == 0 {
            return self.take_whole(demand);
        }
        self.offer_by_slot(slots, demand, calm, cap)
    }

    /// Counts a whole second of even demand below the cap, which begins with
    /// the first slot: what a planner does most, and the same as slot by slot.
    fn take_whole(&mut self, demand: u64) -> Offer {
        let before = self.slots[0];
        let (each, rest) = (demand / SLOTS as u64, demand % SLOTS as u64);
        for (slot, extra) in self.slots.iter_mut().zip(&RESTS[rest as usize]) {
            *slot = each as u32 + extra;
        }
        self.slots[0] += before;
        self.sum = u64::from(before) + demand;
        self.place = SLOTS - 1;
        self.head += SLOTS as u64 - 1;
        Offer {
            admitted: demand,
            slots: SLOTS,
            before,
        }
    }

    fn offer_by_slot(&mut self, slots: u64, demand: u64, calm: bool, cap: u64) -> Offer {
        let before = self.slots[self.place];
        let mut admitted = 0;
        let (each, rest) = (demand / slots, demand % slots);
        let mut over = 0;
        for slot in 0..slots {
            if slot > 0 {
                self.step();
            }
            // The rest of the division comes evenly, too.
            over += rest;
            let extra = u64::from(over >= slots);
            over -= extra * slots;
            let units = if calm {
                each + extra
            } else {
                (each + extra).min(cap.saturating_sub(self.sum))
            };
            self.take(units);
            admitted += units;
        }
        self.head += slots - 1;
        Offer {
            admitted,
            slots: slots as usize,
            before,
        }
    }

    /// Gives back all but `granted` units of the offer just made, evenly.
    pub(super) fn keep(&mut self, offer: Offer, granted: u64) {
        if granted >= offer.admitted {
            return;
        }
        let mut place = (self.place + SLOTS + 1 - offer.slots) % SLOTS;
        let (mut offered, mut kept) = (0u64, 0u64);
        for slot in 0..offer.slots {
            let before = if slot == 0 { offer.before } else { 0 };
            let units = self.slots[place] - before;
            offered += u64::from(units);
            let share = u128::from(offered) * u128::from(granted) / u128::from(offer.admitted);
            let units_kept = (share as u64 - kept) as u32;
            kept += u64::from(units_kept);
            self.slots[place] = before + units_kept;
            self.sum -= u64::from(units - units_kept);
            place = (place + 1) % SLOTS;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START_US: u64 = 1_721_011_165_003_000;

    #[test]
    fn a_pause_saves_nothing_for_later() {
        let mut second = Second::new(START_US);
        for at_s in [0, 100, 101] {
            let offer = second.offer(START_US + at_s * MICROS, MICROS, 5_000, 1_000);
            assert_eq!(offer.admitted, 1_000, "second {at_s}");
        }
    }

    #[test]
    fn a_whole_second_at_once_is_the_same_as_slot_by_slot() {
        for demand in [0, 1, 7, 49, 50, 51, 333, 960, 999] {
            let mut at_once = Second::new(0);
            at_once.take(1);
            let mut by_slot = at_once.clone();
            for at_s in 0..3 {
                let from_us = at_s * MICROS;
                at_once.advance(from_us);
                by_slot.advance(from_us);
                assert_eq!(
                    at_once.take_whole(demand),
                    by_slot.offer_by_slot(SLOTS as u64, demand, true, 1_000)
                );
                assert_eq!(at_once, by_slot, "{demand}");
            }
        }
    }

    #[test]
    fn what_is_given_back_leaves_room_for_others() {
        let mut second = Second::new(0);
        second.take(7);
        let offer = second.offer(0, MICROS, 900, 1_000);
        second.keep(offer, 300);
        assert_eq!(second.sum, 307);
        assert_eq!(second.slots.iter().map(|&s| u64::from(s)).sum::<u64>(), 307);
        assert_eq!(second.slots[0], 7 + 6);
    }

    /// Operations with the time since the one before.
    fn operations() -> impl Strategy<Value = Vec<(u64, u64)>> {
        prop::collection::vec((0u64..30_000, 1u64..30), 1..600)
    }

    proptest! {
        #[test]
        fn no_window_below_a_second_admits_more_than_the_cap_and_one_operation(
            cap in 50u64..2_000,
            operations in operations(),
        ) {
            let mut second = Second::new(START_US);
            let mut now_us = START_US;
            let mut admitted: Vec<(u64, u64)> = Vec::new();
            for (wait_us, units) in operations {
                now_us += wait_us;
                second.advance(now_us);
                if second.is_below(cap) {
                    let window = admitted.iter().rev();
                    let before: u64 = window
                        .take_while(|(at_us, _)| now_us - at_us < MICROS - SLOT_US)
                        .map(|(_, units)| units)
                        .sum();
                    prop_assert!(before < cap);
                    second.take(units);
                    admitted.push((now_us, units));
                }
            }
        }

        #[test]
        fn demand_within_the_cap_in_every_second_is_never_refused(
            cap in 50u64..2_000,
            operations in operations(),
        ) {
            let mut second = Second::new(START_US);
            let mut now_us = START_US;
            let mut asked: Vec<(u64, u64)> = Vec::new();
            for (wait_us, units) in operations {
                now_us += wait_us;
                let window = asked.iter().rev();
                let before: u64 = window
                    .take_while(|(at_us, _)| now_us - at_us < MICROS)
                    .map(|(_, units)| units)
                    .sum();
                if before + units <= cap {
                    second.advance(now_us);
                    prop_assert!(second.is_below(cap));
                    second.take(units);
                    asked.push((now_us, units));
                }
            }
        }

        #[test]
        fn an_even_second_offered_at_once_is_that_second_unit_by_unit(
            demands in prop::collection::vec(0u64..3_000, 1..6),
        ) {
            let (cap, start_us) = (1_000, 1_721_011_165_000_000);
            let mut at_once = Second::new(start_us);
            let mut by_unit = Second::new(start_us);
            for (at, &demand) in demands.iter().enumerate() {
                let from_us = start_us + at as u64 * MICROS;
                let offer = at_once.offer(from_us, MICROS, demand, cap);
                let mut admitted = 0;
                for unit in 0..demand {
                    by_unit.advance(from_us + unit * MICROS / demand);
                    if by_unit.is_below(cap) {
                        by_unit.take(1);
                        admitted += 1;
                    }
                }
                // A slot may hold one unit more or less than its even share.
                prop_assert!(offer.admitted.abs_diff(admitted) <= SLOTS as u64,
                    "{} {}", offer.admitted, admitted);
            }
        }
    }
}
