//! What may be sent at most: a ceiling, never a pacer.
//!
//! The schedule paces. governor is asked once for each batch, in one place,
//! just before it leaves; when it says "not yet" the batch waits and its
//! lateness grows.

use std::cell::Cell;
use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed, RateLimiter};
use governor::{NotUntil, Quota};

use super::limits::Bound;

/// A batch this late is behind the schedule; one that is less late is not
/// catching up but on time, by what timers and bursts of arrivals can do.
const BEHIND_US: u64 = 20_000;

/// Readings that may leave at once after a pause, as a share of a second's allowance.
const BURST_SECONDS: f64 = 0.1;

/// The same of write units: what late timers hold up, and no more, as no second makes up
/// for another.
const UNITS_BURST_SECONDS: f64 = 0.01;

/// No layout makes an item of more than 2 KB of a reading.
const MOST_UNITS_OF_A_READING: usize = 2;

/// Batches that a second's write units suffice for, at least: larger ones would leave
/// much of a second's allowance unused.
const BATCHES_A_SECOND: f64 = 10.0;

const SECOND_US: u64 = 1_000_000;

/// governor's time, told by the worker.
#[derive(Debug, Clone)]
struct ToldTime(Rc<Cell<Duration>>);

impl Clock for ToldTime {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.get()
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, ToldTime, NoOpMiddleware<Duration>>;

/// What a batch has been granted so far; it keeps one grant while it waits
/// for the other.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Grants {
    catch_up: bool,
    write_units: bool,
}

/// Whether a batch may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passage {
    Free,
    /// Not before `until_us`.
    Wait {
        until_us: u64,
        bound: Bound,
    },
}

/// Readings in a batch of at most `batch` that write units of so many a second suffice for.
pub(super) fn batch_within(batch: usize, write_units: Option<f64>) -> usize {
    match write_units.filter(|rate| *rate > 0.0) {
        Some(rate) => ((rate / BATCHES_A_SECOND) as usize).clamp(1, batch),
        None => batch,
    }
}

/// What left in the last second, wherever a second is taken to begin.
#[derive(Debug)]
struct Window {
    allowed: f64,
    /// When, and how many units.
    left: VecDeque<(u64, u64)>,
    units: u64,
}

impl Window {
    fn of(allowed: f64) -> Self {
        Self {
            allowed,
            left: VecDeque::new(),
            units: 0,
        }
    }

    /// From when on so many units may leave; `now_us` if they may. What is more than a
    /// second allows has one to itself.
    fn free_us(&mut self, now_us: u64, units: u64) -> u64 {
        while let Some((left_us, of)) = self.left.front()
            && left_us + SECOND_US <= now_us
        {
            self.units -= of;
            self.left.pop_front();
        }
        let (mut within, mut free_us) = (self.units, now_us);
        for (left_us, of) in &self.left {
            if (within + units) as f64 <= self.allowed {
                break;
            }
            within -= of;
            free_us = left_us + SECOND_US;
        }
        free_us
    }

    fn leave(&mut self, now_us: u64, units: u64) {
        self.left.push_back((now_us, units));
        self.units += units;
    }
}

/// The ceilings of one worker.
#[derive(Debug)]
pub(super) struct Ceiling {
    time: Rc<Cell<Duration>>,
    catch_up: Option<Limiter>,
    /// Paces, and holds every second to what it allows.
    write_units: Option<(Limiter, Window)>,
}

impl Ceiling {
    /// `catch_up`: readings a second while behind; `write_units`: units a
    /// second, always. `batch`: readings that must be able to leave at once.
    pub(super) fn new(
        now_us: u64,
        batch: usize,
        catch_up: Option<f64>,
        write_units: Option<f64>,
    ) -> Self {
        let mut ceiling = Self {
            time: Rc::new(Cell::new(Duration::from_micros(now_us))),
            catch_up: None,
            write_units: None,
        };
        ceiling.write_units = write_units.filter(|rate| *rate > 0.0).and_then(|rate| {
            let burst = (rate * UNITS_BURST_SECONDS) as usize;
            let limiter = ceiling.limiter(rate, burst.max(batch * MOST_UNITS_OF_A_READING))?;
            Some((limiter, Window::of(rate)))
        });
        ceiling.catch_up_at(batch, catch_up);
        ceiling
    }

    /// From now on, so many readings a second while behind.
    pub(super) fn catch_up_at(&mut self, batch: usize, catch_up: Option<f64>) {
        self.catch_up = catch_up.filter(|rate| *rate > 0.0).and_then(|rate| {
            let burst = (rate * BURST_SECONDS) as usize;
            self.limiter(rate, burst.max(batch))
        });
    }

    fn limiter(&self, rate: f64, burst: usize) -> Option<Limiter> {
        let period = Duration::from_secs_f64((1.0 / rate).clamp(1e-9, 1e6));
        let burst = u32::try_from(burst).unwrap_or(u32::MAX);
        let quota = Quota::with_period(period)?.allow_burst(NonZeroU32::new(burst)?);
        let time = ToldTime(Rc::clone(&self.time));
        Some(Limiter::direct_with_clock(quota, time))
    }

    /// Whether a batch of `readings` and `units` that should have left at
    /// `due_us` may leave at `now_us`. Ask again with the same `grants`.
    pub(super) fn pass(
        &mut self,
        now_us: u64,
        due_us: u64,
        readings: usize,
        units: u64,
        grants: &mut Grants,
    ) -> Passage {
        self.time.set(Duration::from_micros(now_us));
        if !grants.catch_up {
            // Asked also when on time, so that what was sent counts.
            let behind = now_us.saturating_sub(due_us) >= BEHIND_US;
            match ask(self.catch_up.as_ref(), readings as u64) {
                Err(wait_us) if behind => {
                    return Passage::Wait {
                        until_us: now_us + wait_us,
                        bound: Bound::CatchUp,
                    };
                }
                _ => grants.catch_up = true,
            }
        }
        if let Some((limiter, window)) = &mut self.write_units
            && !grants.write_units
        {
            let free_us = window.free_us(now_us, units);
            let until_us = if free_us > now_us {
                free_us
            } else {
                now_us + ask(Some(limiter), units).err().unwrap_or(0)
            };
            if until_us > now_us {
                return Passage::Wait {
                    until_us,
                    bound: Bound::WriteUnits,
                };
            }
            window.leave(now_us, units);
            grants.write_units = true;
        }
        Passage::Free
    }
}

/// Takes `cells` from the limiter, or says in how many microseconds to ask again.
fn ask(limiter: Option<&Limiter>, cells: u64) -> Result<(), u64> {
    let Some(limiter) = limiter else {
        return Ok(());
    };
    let Some(cells) = NonZeroU32::new(u32::try_from(cells).unwrap_or(u32::MAX)) else {
        return Ok(());
    };
    let decision = limiter.check_n(cells).unwrap_or_else(|smaller| {
        // More than can ever pass at once: charge as much as that.
        NonZeroU32::new(smaller.0)
            .and_then(|most| limiter.check_n(most).ok())
            .unwrap_or(Ok(()))
    });
    decision.map_err(|until| wait_us(&until, limiter.clock().now()))
}

fn wait_us(until: &NotUntil<Duration>, now: Duration) -> u64 {
    let wait = until.earliest_possible().duration_since(now);
    wait.as_u64().div_ceil(1_000).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sends batches of 25 as fast as the ceiling lets them; `late_us` behind.
    fn readings_in(ceiling: &mut Ceiling, seconds: u64, late_us: u64) -> u64 {
        let (mut now_us, mut sent) = (1_000_000, 0);
        let end_us = now_us + seconds * 1_000_000;
        while now_us < end_us {
            let mut grants = Grants::default();
            loop {
                match ceiling.pass(now_us, now_us - late_us, 25, 25, &mut grants) {
                    Passage::Free => break,
                    Passage::Wait { until_us, .. } => {
                        assert!(until_us > now_us);
                        now_us = until_us;
                    }
                }
            }
            sent += 25;
            now_us += 1_000;
        }
        sent
    }

    #[test]
    fn catching_up_is_held_to_the_ceiling_and_being_on_time_is_not() {
        let new = || Ceiling::new(1_000_000, 25, Some(5_000.0), None);
        let behind = readings_in(&mut new(), 10, BEHIND_US);
        assert!((50_000..=50_525).contains(&behind), "{behind}");
        let on_time = readings_in(&mut new(), 10, BEHIND_US - 1);
        assert_eq!(on_time, 250_000);
    }

    #[test]
    fn write_units_are_held_even_on_time_and_below_one_batch_a_second() {
        for rate in [10.0, 500.0] {
            let mut ceiling = Ceiling::new(1_000_000, 25, None, Some(rate));
            let sent = readings_in(&mut ceiling, 100, 0) as f64;
            let (low, high) = (rate * 99.0, rate * 100.0 + 75.0);
            assert!((low..=high).contains(&sent), "{rate}: {sent}");
        }
    }

    proptest! {
        #[test]
        fn no_second_has_more_write_units_than_it_may(
            rate in 1.0f64..5_000.0,
            batches in proptest::collection::vec((1usize..=25, 0u64..400_000), 1..200),
        ) {
            let most = batch_within(25, Some(rate));
            let mut ceiling = Ceiling::new(0, most, None, Some(rate));
            let (mut now_us, mut left) = (0, Vec::new());
            for (readings, pause_us) in batches {
                let readings = readings.min(most);
                let units = readings as u64;
                let mut grants = Grants::default();
                while let Passage::Wait { until_us, .. } =
                    ceiling.pass(now_us, now_us, readings, units, &mut grants)
                {
                    prop_assert!(until_us > now_us);
                    now_us = until_us;
                }
                left.push((now_us, units));
                now_us += pause_us;
            }
            for (at, (start_us, _)) in left.iter().enumerate() {
                let second = left[at..].iter().take_while(|of| of.0 < start_us + SECOND_US);
                let units: u64 = second.map(|of| of.1).sum();
                prop_assert!(units as f64 <= rate, "{units} of {rate} from {start_us}");
            }
        }
    }

    #[test]
    fn a_faster_load_has_no_second_budget_of_write_units() {
        let mut ceiling = Ceiling::new(0, 10, Some(100.0), Some(100.0));
        let passes = |ceiling: &mut Ceiling, now_us| {
            ceiling.pass(now_us, now_us, 10, 10, &mut Grants::default())
        };
        let mut now_us = 0;
        for _ in 0..10 {
            while let Passage::Wait { until_us, .. } = passes(&mut ceiling, now_us) {
                now_us = until_us;
            }
        }
        assert!(now_us < SECOND_US, "{now_us}");
        ceiling.catch_up_at(10, Some(1_000.0));
        assert!(matches!(
            passes(&mut ceiling, now_us),
            Passage::Wait {
                until_us: SECOND_US,
                ..
            }
        ));
    }

    #[test]
    fn no_ceiling_holds_nothing() {
        let mut ceiling = Ceiling::new(0, 25, None, None);
        let passage = ceiling.pass(5, 0, 25, u64::MAX, &mut Grants::default());
        assert_eq!(passage, Passage::Free);
    }
}
