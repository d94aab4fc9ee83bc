//! Decisions about faults: lock-free, deterministic per seed, counted.

use hrload_base::mix::mix;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::{Amount, Faults, Stall};

/// What is to happen to one change record on its way to the stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChangeFault {
    /// It never arrives.
    pub lose: bool,
    /// It arrives twice.
    pub duplicate: bool,
    /// It changes places with the next record.
    pub reorder: bool,
    /// It arrives later by this much.
    pub delay_us: u64,
}

/// What is to happen to one write call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CallFault {
    /// Nothing.
    #[default]
    None,
    /// The connection closes; nothing is written.
    Disconnect,
    /// All is written; then the connection closes.
    DisconnectAfter,
    /// 500 in the service's shape; nothing is written.
    Error,
    /// 500 with an HTML page; nothing is written.
    ErrorHtml,
    /// Refused as throttled; nothing is written.
    Throttle,
}

/// How many faults were injected, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Injected {
    /// Change records delayed.
    pub delayed: u64,
    /// Change records lost.
    pub lost: u64,
    /// Change records duplicated.
    pub duplicated: u64,
    /// Change records that were to change places with the next.
    pub reordered: u64,
    /// Calls refused as throttled.
    pub throttled: u64,
    /// Items sent back in `UnprocessedItems`.
    pub unprocessed: u64,
    /// Calls cut off before the write.
    pub disconnected: u64,
    /// Calls cut off after the write.
    pub disconnected_after: u64,
    /// Calls answered 500.
    pub errors: u64,
    /// Calls answered 500 with HTML.
    pub errors_html: u64,
    /// Calls answered later than they were ready.
    pub responded_late: u64,
    /// Answers held back by a stall.
    pub stalled: u64,
}

/// One kind of fault: how often, how many events so far, how many struck.
#[derive(Debug, Default)]
struct Die {
    amount: Option<Amount>,
    salt: u64,
    /// A counted fault that waits for [`FaultDice::begin_counting`].
    waits: AtomicBool,
    thrown: AtomicU64,
    struck: AtomicU64,
}

impl Die {
    fn new(amount: Option<Amount>, seed: u64, kind: u64) -> Self {
        Self {
            amount,
            salt: mix(seed ^ mix(kind)),
            ..Self::default()
        }
    }

    /// Decides about the next event. The n-th event's fate depends on the seed
    /// and n alone, so a run with the same events in total sees the same
    /// number of faults whichever threads threw.
    fn throw(&self) -> bool {
        let Some(amount) = self.amount else {
            return false;
        };
        if self.waits.load(Relaxed) {
            return false;
        }
        let n = self.thrown.fetch_add(1, Relaxed);
        let strikes = match amount {
            Amount::Next(count) => n < count,
            Amount::Percent(percent) => unit(mix(self.salt ^ mix(n))) * 100.0 < percent,
        };
        if strikes {
            self.struck.fetch_add(1, Relaxed);
        }
        strikes
    }

    fn struck(&self) -> u64 {
        self.struck.load(Relaxed)
    }
}

/// The upper 53 bits as a number in [0, 1).
fn unit(x: u64) -> f64 {
    (x >> 11) as f64 / (1u64 << 53) as f64
}

/// Not yet: the first write call has not been seen.
const NEVER: u64 = 0;

/// Decides, call by call and record by record, from the faults asked for and a
/// seed; shared by all server threads. Takes no locks; where no fault of a
/// kind is asked for it touches no shared memory.
#[derive(Debug, Default)]
pub struct FaultDice {
    changes: bool,
    calls: bool,
    delay_us: u64,
    delayed: AtomicU64,
    lose: Die,
    duplicate: Die,
    reorder: Die,
    throttle: Die,
    unprocessed: Die,
    disconnect: Die,
    disconnect_after: Die,
    error: Die,
    error_html: Die,
    respond_us: u64,
    responded_late: AtomicU64,
    stall: Option<Stall>,
    first_write_us: AtomicU64,
    stalled: AtomicU64,
}

impl FaultDice {
    /// Dice for these faults; the same seed decides the same.
    #[must_use]
    pub fn new(faults: &Faults, seed: u64) -> Self {
        Self {
            changes: faults.delay_us.is_some()
                || faults.lose.is_some()
                || faults.duplicate.is_some()
                || faults.reorder.is_some(),
            calls: faults.throttle.is_some()
                || faults.disconnect.is_some()
                || faults.disconnect_after.is_some()
                || faults.error.is_some()
                || faults.error_html.is_some(),
            delay_us: faults.delay_us.unwrap_or(0),
            lose: Die::new(faults.lose, seed, 1),
            duplicate: Die::new(faults.duplicate, seed, 2),
            reorder: Die::new(faults.reorder, seed, 3),
            throttle: Die::new(faults.throttle, seed, 4),
            unprocessed: Die::new(faults.unprocessed, seed, 5),
            disconnect: Die::new(faults.disconnect, seed, 6),
            disconnect_after: Die::new(faults.disconnect_after, seed, 7),
            error: Die::new(faults.error, seed, 8),
            error_html: Die::new(faults.error_html, seed, 9),
            respond_us: faults.respond_us.unwrap_or(0),
            stall: faults.stall,
            ..Self::default()
        }
    }

    /// Holds counted faults (`lose=1000`) back until [`Self::begin_counting`], so that
    /// they strike where a run measures and not in its warm-up. Shares are not held back.
    pub fn hold_counted(&self) {
        self.set_waiting(true);
    }

    /// Lets counted faults strike from the next event on.
    pub fn begin_counting(&self) {
        self.set_waiting(false);
    }

    fn set_waiting(&self, waits: bool) {
        let dice = [
            &self.lose,
            &self.duplicate,
            &self.reorder,
            &self.throttle,
            &self.unprocessed,
            &self.disconnect,
            &self.disconnect_after,
            &self.error,
            &self.error_html,
        ];
        for die in dice {
            let counted = matches!(die.amount, Some(Amount::Next(_)));
            die.waits.store(waits && counted, Relaxed);
        }
    }

    /// The fate of the next change record. A lost record is not delayed,
    /// duplicated or reordered as well.
    pub fn next_change(&self, _now_us: u64) -> ChangeFault {
        if !self.changes {
            return ChangeFault::default();
        }
        if self.lose.throw() {
            return ChangeFault {
                lose: true,
                ..ChangeFault::default()
            };
        }
        if self.delay_us > 0 {
            self.delayed.fetch_add(1, Relaxed);
        }
        ChangeFault {
            lose: false,
            duplicate: self.duplicate.throw(),
            reorder: self.reorder.throw(),
            delay_us: self.delay_us,
        }
    }

    /// The fate of the next write call, begun at `now_us`.
    pub fn next_call(&self, now_us: u64) -> CallFault {
        if self.stall.is_some() {
            // Whoever is first keeps the place; the others see it taken.
            let _ = self
                .first_write_us
                .compare_exchange(NEVER, now_us, Relaxed, Relaxed);
        }
        if !self.calls {
            CallFault::None
        } else if self.disconnect.throw() {
            CallFault::Disconnect
        } else if self.disconnect_after.throw() {
            CallFault::DisconnectAfter
        } else if self.error.throw() {
            CallFault::Error
        } else if self.error_html.throw() {
            CallFault::ErrorHtml
        } else if self.throttle.throw() {
            CallFault::Throttle
        } else {
            CallFault::None
        }
    }

    /// Whether the next item of a batch comes back unprocessed.
    pub fn next_item_is_unprocessed(&self) -> bool {
        self.unprocessed.throw()
    }

    /// By how much the next write call's answer is held back, in microseconds.
    pub fn next_answer_delay_us(&self) -> u64 {
        if self.respond_us > 0 {
            self.responded_late.fetch_add(1, Relaxed);
        }
        self.respond_us
    }

    /// Until when an answer that is ready at `now_us` has to wait, if a stall
    /// is on. Microseconds since the Unix epoch, as `now_us`.
    pub fn stalled_until_us(&self, now_us: u64) -> Option<u64> {
        let Stall { for_us, at_us } = self.stall?;
        let first = self.first_write_us.load(Relaxed);
        if first == NEVER {
            return None;
        }
        let from = first + at_us;
        let until = from + for_us;
        if !(from..until).contains(&now_us) {
            return None;
        }
        self.stalled.fetch_add(1, Relaxed);
        Some(until)
    }

    /// What was injected so far.
    #[must_use]
    pub fn injected(&self) -> Injected {
        Injected {
            delayed: self.delayed.load(Relaxed),
            lost: self.lose.struck(),
            duplicated: self.duplicate.struck(),
            reordered: self.reorder.struck(),
            throttled: self.throttle.struck(),
            unprocessed: self.unprocessed.struck(),
            disconnected: self.disconnect.struck(),
            disconnected_after: self.disconnect_after.struck(),
            errors: self.error.struck(),
            errors_html: self.error_html.struck(),
            responded_late: self.responded_late.load(Relaxed),
            stalled: self.stalled.load(Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn dice(faults: &str, seed: u64) -> FaultDice {
        FaultDice::new(&faults.parse().unwrap(), seed)
    }

    fn fates(dice: &FaultDice, events: usize) -> Vec<ChangeFault> {
        (0..events).map(|n| dice.next_change(n as u64)).collect()
    }

    #[test]
    fn without_faults_nothing_happens_and_nothing_is_counted() {
        let dice = FaultDice::default();
        assert!(
            fates(&dice, 100)
                .iter()
                .all(|f| *f == ChangeFault::default())
        );
        assert_eq!(dice.next_call(1), CallFault::None);
        assert!(!dice.next_item_is_unprocessed());
        assert_eq!(dice.stalled_until_us(1), None);
        assert_eq!(dice.injected(), Injected::default());
    }

    #[test]
    fn a_count_strikes_the_next_so_many_and_a_lost_record_is_only_lost() {
        let dice = dice("lose=3,duplicate=2,delay=5ms", 1);
        let fates = fates(&dice, 10);
        assert!(
            fates[..3]
                .iter()
                .all(|f| f.lose && !f.duplicate && f.delay_us == 0)
        );
        assert!(
            fates[3..5]
                .iter()
                .all(|f| f.duplicate && f.delay_us == 5_000)
        );
        assert!(fates[5..].iter().all(|f| !f.lose && !f.duplicate));
        let injected = dice.injected();
        assert_eq!(
            (injected.lost, injected.duplicated, injected.delayed),
            (3, 2, 7)
        );
    }

    #[test]
    fn counted_faults_that_are_held_back_strike_from_the_moment_they_are_let_go() {
        let dice = dice("lose=3,duplicate=100%", 1);
        dice.hold_counted();
        let held = fates(&dice, 50);
        assert!(held.iter().all(|fate| !fate.lose && fate.duplicate));
        dice.begin_counting();
        let struck = fates(&dice, 50);
        assert_eq!(struck.iter().filter(|fate| fate.lose).count(), 3);
        assert!(struck[..3].iter().all(|fate| fate.lose));
    }

    #[test]
    fn the_same_seed_decides_the_same_and_another_decides_otherwise() {
        let spec = "lose=10%,reorder=20%";
        assert_eq!(fates(&dice(spec, 7), 1000), fates(&dice(spec, 7), 1000));
        assert_ne!(fates(&dice(spec, 7), 1000), fates(&dice(spec, 8), 1000));
    }

    #[test]
    fn a_share_strikes_about_that_often_and_counts_exactly_what_it_struck() {
        let dice = dice("lose=1%", 42);
        let lost = fates(&dice, 100_000).iter().filter(|f| f.lose).count();
        // 1000 expected; six standard deviations are 190.
        assert!((810..=1190).contains(&lost), "{lost}");
        assert_eq!(dice.injected().lost, lost as u64);
        let all = self::dice("unprocessed=100%", 1);
        assert!((0..100).all(|_| all.next_item_is_unprocessed()));
    }

    #[test]
    fn one_call_suffers_one_fault_at_most() {
        let dice = dice("disconnect=1,error=1,throttle=2", 1);
        let fates: Vec<_> = (0..5).map(|_| dice.next_call(9)).collect();
        assert_eq!(
            fates,
            [
                CallFault::Disconnect,
                CallFault::Error,
                CallFault::Throttle,
                CallFault::Throttle,
                CallFault::None
            ]
        );
    }

    #[test]
    fn a_stall_holds_answers_from_its_time_after_the_first_write() {
        let dice = dice("stall=2s@5s", 1);
        assert_eq!(dice.stalled_until_us(6_000_000), None);
        dice.next_call(1_000_000);
        dice.next_call(3_000_000);
        for (now_us, until_us) in [
            (5_999_999, None),
            (6_000_000, Some(8_000_000)),
            (7_999_999, Some(8_000_000)),
            (8_000_000, None),
        ] {
            assert_eq!(dice.stalled_until_us(now_us), until_us, "{now_us}");
        }
        assert_eq!(dice.injected().stalled, 2);
    }
}
