//! One worker: its loop.
//!
//! The loop is one task. It alone owns the source, the queue, the ceilings and
//! the journal; calls in flight are futures it polls, each owning one slot
//! (for `direct`, one connection). It ends when every reading taken from the
//! source is accounted for, which [`Stop`] and the configured grace bound.

use std::collections::VecDeque;
use std::task::Poll;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::books::{Books, Landing, Settled};
use super::ceiling::{Ceiling, Grants, Passage};
use super::limits::{Bound, BoundMeter, Limits, is_late};
use super::timer::Timer;
use super::timetable::Course;
use super::waiting::{Departure, Item, Waiting};
use super::{
    Abort, Answers, Call, Client, Config, Journal, NotedCalls, Outcome, Sink, Slot, Stop, Troubles,
};
use crate::capacity::size::write_units;
use crate::clock::Clock;
use crate::measure::{SendRecord, SendRecorder};
use crate::process::thread_cpu_us;
use crate::workload::{Reading, Source};

/// How often the journal is told the time; it wants to hear at least ten
/// times a second.
const TICK_US: u64 = 100_000;

/// Readings taken from the source in one turn, about half a millisecond's
/// work, so that a long backlog does not keep calls in flight waiting.
const TAKE_AT_ONCE: usize = 4_096;

/// What a worker did, beside what it recorded.
#[derive(Debug, Clone, Default)]
pub struct WorkerOutcome {
    /// What held batches back, and for how long.
    pub limits: Limits,
    /// CPU time of the worker's thread from when measuring began to its end, in
    /// microseconds; of all of it where measuring never began.
    pub cpu_us: u64,
    /// From then to its end, in microseconds.
    pub elapsed_us: u64,
    /// Calls made, retries included.
    pub calls: u64,
    /// The slowest of them and those that failed.
    pub noted: NotedCalls,
    /// Measured readings that were acknowledged after measuring had ended.
    pub acknowledged_late: u64,
    /// How the target answered.
    pub answers: Answers,
    /// Calls that met an obstacle on their way.
    pub troubles: Troubles,
}

/// A finished worker's record and outcome.
#[derive(Debug)]
pub struct WorkerRecord {
    /// What was recorded of the readings.
    pub record: SendRecord,
    /// What is to be said of the worker.
    pub outcome: WorkerOutcome,
}

/// Runs one worker to its end, on a `current_thread` runtime of its own thread.
pub async fn run<S: Source>(
    config: &Config,
    source: S,
    client: Client,
    clock: Clock,
    mut recorder: SendRecorder,
    stop: Stop,
) -> WorkerRecord {
    let outcome = run_with(config, source, &client, clock, &mut recorder, &stop).await;
    WorkerRecord {
        record: recorder.finish(clock.now_us()),
        outcome,
    }
}

/// [`run`] with any client and any journal.
pub async fn run_with<S: Source, C: Sink, J: Journal>(
    config: &Config,
    source: S,
    client: &C,
    clock: Clock,
    journal: &mut J,
    stop: &Stop,
) -> WorkerOutcome {
    let mut worker = Worker::new(config, source, client, clock, journal, stop);
    let mut flying = FuturesUnordered::new();
    let mut timer = Timer::new(config.precise).unwrap_or_else(|cause| {
        stop.abort(Abort {
            code: "timer".to_owned(),
            message: format!("the kernel gave no precise timer: {cause}; leave out --precise"),
        });
        Timer::coarse()
    });
    let mut changed = Box::pin(stop.changed());
    let mut slept_for_us = 0;

    while let Some(mut wake_us) = worker.turn() {
        // One call is started at a time and polled at once, so that `sent` is
        // the moment it really left. Dropping the rest of a full turn's work
        // into one poll would date the last batches too early.
        while let Some(cabin) = worker.depart(&mut wake_us) {
            flying.push(fly(cabin, clock));
            let landed = std::future::poll_fn(|cx| Poll::Ready(flying.poll_next_unpin(cx))).await;
            if let Poll::Ready(Some(cabin)) = landed {
                worker.land(cabin);
            }
        }
        if stop.is_at_once() {
            break;
        }
        wake_us = wake_us.min(worker.look_ahead());
        let now_us = clock.now_us();
        if wake_us != slept_for_us {
            timer.set(&clock, now_us, wake_us);
            slept_for_us = wake_us;
        }
        tokio::select! {
            biased;
            Some(cabin) = flying.next() => worker.land(cabin),
            () = timer.ring() => slept_for_us = 0,
            () = &mut changed => changed = Box::pin(stop.changed()),
        }
        // Whatever it was that woke, the timer had been set for then.
        let rings_us = wake_us.max(now_us);
        if clock.now_us() >= rings_us {
            worker.rang_for_us = Some(rings_us);
        }
    }
    if !flying.is_empty() {
        worker.hear_silence(clock.now_us());
    }
    // Calls that were not waited for are abandoned with their connections.
    drop(flying);
    worker.abandon();
    let (answers, troubles) = worker.books.take_target();
    WorkerOutcome {
        limits: worker.meter.read(clock.now_us()),
        cpu_us: thread_cpu_us().saturating_sub(worker.began.1),
        elapsed_us: clock.now_us().saturating_sub(worker.began.0),
        calls: worker.calls,
        acknowledged_late: worker.books.acknowledged_late(),
        noted: worker.books.take_noted(),
        answers,
        troubles,
    }
}

/// A slot with its call. Either idle, with its worker, or in the air.
struct Cabin<T> {
    slot: T,
    call: Call,
    /// Its index in the books' flights.
    flight: usize,
    landed_us: u64,
    /// It left while fewer than half of the slots were taken.
    uncontended: bool,
}

async fn fly<T: Slot>(mut cabin: Cabin<T>, clock: Clock) -> Cabin<T> {
    cabin.slot.send(&mut cabin.call).await;
    cabin.landed_us = clock.now_us();
    cabin
}

/// A batch that was put together and waits for a ceiling.
struct Held {
    departure: Departure,
    grants: Grants,
}

/// How far a worker has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Readings fall due.
    Generating,
    /// None will any more; those that wait are sent, and sent again.
    Finishing,
    /// The grace is over: only calls in flight are waited for.
    Closing,
}

struct Worker<'a, S, T, J> {
    config: &'a Config,
    source: S,
    /// When what the source has scheduled is due.
    course: Course,
    /// Readings of the next batch that are not due yet, at their scheduled times.
    coming: VecDeque<Reading>,
    clock: Clock,
    stop: &'a Stop,
    books: Books<'a, J>,
    waiting: Waiting,
    ceiling: Ceiling,
    meter: BoundMeter,
    phase: Phase,
    /// Cabins on the ground.
    idle: Vec<Cabin<T>>,
    slots: usize,
    /// Items of the held batch; empty when none is held.
    held_items: Vec<Item>,
    held: Option<Held>,
    /// When it began, or measuring did, and the thread's CPU time then.
    began: (u64, u64),
    measuring: bool,
    last_tick_us: u64,
    /// Most batches in flight since the last tick.
    in_flight_most: usize,
    slots_bound_at_tick_us: u64,
    calls: u64,
    /// A timer rang that was set for then, and the time was not looked at since.
    rang_for_us: Option<u64>,
    /// When the last call ended, or the first of those in flight left.
    quiet_since_us: u64,
    /// The last call that ended was given up without an answer.
    unanswered: bool,
}

impl<'a, S: Source, T: Slot, J: Journal> Worker<'a, S, T, J> {
    fn new<C: Sink<Slot = T>>(
        config: &'a Config,
        source: S,
        client: &C,
        clock: Clock,
        journal: &'a mut J,
        stop: &'a Stop,
    ) -> Self {
        let now_us = clock.now_us();
        let slots = config.in_flight.max(1);
        let batch = config.batch_items();
        let catch_up = config.catch_up.map(|times| times.max(1.0) * config.rate);
        // The lowest-numbered slots are used first, so that at low rates few
        // connections are open and those stay warm.
        let idle = (0..slots).rev().map(|flight| Cabin {
            slot: client.slot(&config.table, config.layout),
            call: Call::new(),
            flight,
            landed_us: 0,
            uncontended: true,
        });
        Self {
            config,
            source,
            course: Course::new(stop.timetable().clone()),
            coming: VecDeque::with_capacity(batch),
            clock,
            stop,
            books: Books::new(config, journal, stop, slots),
            waiting: Waiting::new(config.layout, batch, config.linger.as_micros() as u64),
            ceiling: Ceiling::new(now_us, batch, catch_up, config.max_write_units),
            meter: BoundMeter::new(now_us),
            phase: Phase::Generating,
            idle: idle.collect(),
            slots,
            held_items: Vec::with_capacity(batch),
            held: None,
            began: (now_us, thread_cpu_us()),
            measuring: false,
            last_tick_us: now_us,
            in_flight_most: 0,
            slots_bound_at_tick_us: 0,
            calls: 0,
            rang_for_us: None,
            quiet_since_us: now_us,
            unanswered: false,
        }
    }

    fn in_flight(&self) -> usize {
        self.slots - self.idle.len()
    }

    /// Takes in what has fallen due by now and moves through the phases.
    /// Returns when to look again, what waits aside; `None` when all is done.
    fn turn(&mut self) -> Option<u64> {
        let now_us = self.clock.now_us();
        let rang_for_us = self.rang_for_us.take();
        let late_us = rang_for_us.map_or(0, |rang_us| now_us.saturating_sub(rang_us));
        if is_late(late_us) {
            // Nothing could be heard while the machine let nobody listen.
            self.quiet_since_us += late_us;
        }
        let end_us = self.stop.end_us();
        let grace_us = end_us.saturating_add(self.config.end_grace.as_micros() as u64);
        let timeout_us = self.config.timeout.as_micros() as u64;
        self.tick(now_us);
        if !self.measuring && now_us >= self.config.measure_start_us {
            self.begin_measuring(now_us);
        }
        if self.course.refresh() {
            self.raise_ceiling();
        }
        let mut wake_us = self.last_tick_us + TICK_US;

        if self.phase == Phase::Generating {
            // When even the grace is over, or everything is to stop, the rest
            // is only to be accounted for.
            let late = now_us >= grace_us || self.stop.is_at_once();
            let most = if late { usize::MAX } else { TAKE_AT_ONCE };
            if !self.take_due(now_us, end_us, most) {
                self.phase = Phase::Finishing;
            }
        }
        let unsent = self.waiting.len() + self.held_items.len();
        if self.phase == Phase::Finishing {
            wake_us = wake_us.min(grace_us);
            if now_us >= grace_us || self.stop.is_at_once() {
                self.phase = Phase::Closing;
                self.books.close();
                self.give_up_waiting();
            } else if unsent == 0 && self.in_flight() == 0 {
                return None;
            }
        }
        if self.phase == Phase::Closing {
            // A call that left just before the end of the grace may still
            // take its full time.
            let last_us = grace_us
                .max(self.books.last_sent_us())
                .saturating_add(timeout_us);
            if self.in_flight() == 0 || now_us >= last_us {
                return None;
            }
            return Some(wake_us.min(last_us));
        }
        self.waiting.advance(now_us);
        if let (Some(rang_us), Some(due_us)) = (rang_for_us, self.waiting.due_since_us(now_us)) {
            // A ring for which nothing was due held nothing back.
            let held_us = now_us.saturating_sub(rang_us.max(due_us));
            self.meter.woken_late(held_us);
        }
        Some(wake_us)
    }

    /// What held back the warm-up alone is told of no measured reading.
    fn begin_measuring(&mut self, now_us: u64) {
        self.measuring = true;
        self.report(now_us);
        self.began = (now_us, thread_cpu_us());
        self.meter.begin(now_us);
        self.slots_bound_at_tick_us = 0;
        self.books.begin_measuring();
        self.quiet_since_us = self.quiet_since_us.max(now_us);
    }

    /// Takes at most `most` readings that are due at `now_us` and intended
    /// before `end_us`. Returns whether there may be more, now or later.
    fn take_due(&mut self, now_us: u64, end_us: u64, most: usize) -> bool {
        let Some(last_us) = end_us.checked_sub(1) else {
            return false;
        };
        for _ in 0..most {
            let until_us = self.course.scheduled_us(now_us.min(last_us));
            let next = match self.coming.front() {
                Some(first) if first.id.intended_us <= until_us => self.coming.pop_front(),
                Some(_) => None,
                None => self.source.next_until(until_us),
            };
            let Some(mut reading) = next else {
                if !self.course.is_plain() {
                    // What is out of sight now may come into it.
                    return now_us < end_us && !self.stop.is_at_once();
                }
                let first = self.coming.front().map(|reading| reading.id.intended_us);
                let next_us = first.or_else(|| self.source.next_due_us());
                return next_us.is_some_and(|us| us < end_us) && !self.stop.is_at_once();
            };
            if !self.course.is_plain() {
                self.retime(&mut reading);
            }
            self.books.scheduled(reading.id);
            if self.waiting.len() + self.held_items.len() >= self.config.backlog {
                self.books.dropped(reading.id);
                self.meter.dropped(now_us, self.waiting.oldest_us());
                continue;
            }
            let units = write_units(self.config.layout.item_bytes(&reading)) as u32;
            self.waiting.push_new(Item {
                reading,
                ready_us: reading.id.intended_us,
                first_sent_us: 0,
                sends: 0,
                units,
                group: 0,
            });
        }
        true
    }

    /// From the time a reading is scheduled for to the clock's.
    fn retime(&self, reading: &mut Reading) {
        let scheduled_us = reading.id.intended_us;
        let due_us = self.course.clock_us(scheduled_us);
        // As long before it was sent as the device has it.
        let buffered_us = scheduled_us.saturating_sub(reading.observed_us);
        reading.id.intended_us = due_us;
        reading.observed_us = due_us.saturating_sub(buffered_us);
    }

    /// A faster load may catch up faster too.
    fn raise_ceiling(&mut self) {
        let times = self.config.catch_up.map(|times| times.max(1.0));
        let rate = self.config.rate * self.course.factor().max(1.0);
        let catch_up = times.map(|times| times * rate);
        self.ceiling
            .catch_up_at(self.config.batch_items(), catch_up);
    }

    /// When the next batch will be full or have lingered, if no batch is due
    /// already: nothing needs to be done before. Waking for every reading
    /// costs more, at most rates, than sending them.
    fn look_ahead(&mut self) -> u64 {
        let now_us = self.clock.now_us();
        if self.phase != Phase::Generating || self.held.is_some() {
            return u64::MAX;
        }
        if self.waiting.is_due(now_us, false) {
            // Readings that were not all taken at once, or a lack of slots,
            // for which only a landing helps.
            return if self.idle.is_empty() {
                u64::MAX
            } else {
                now_us
            };
        }
        let last_us = self
            .course
            .scheduled_us(self.stop.end_us().saturating_sub(1));
        let missing = self.config.batch_items() - self.waiting.ready();
        while self.coming.len() < missing {
            let Some(reading) = self.source.next_until(last_us) else {
                break;
            };
            self.coming.push_back(reading);
        }
        let due_us = |reading: &Reading| self.course.clock_us(reading.id.intended_us);
        let full_us = match self.coming.get(missing - 1) {
            Some(last) => due_us(last),
            // The last batch, with whatever is left.
            None if self.course.is_plain() => self.coming.back().map_or(now_us, due_us),
            // Or with what a change brings into sight: the next tick looks.
            None => u64::MAX,
        };
        let linger_us = self.config.linger.as_micros() as u64;
        let lingered_us = match self.coming.front() {
            Some(first) if self.waiting.ready() == 0 => due_us(first).saturating_add(linger_us),
            _ => u64::MAX, // the queue knows
        };
        full_us.min(lingered_us).max(now_us + 1)
    }

    /// The next batch that may leave now, in a free slot. Otherwise notes what
    /// holds it back, and makes `wake_us` early enough to ask again.
    fn depart(&mut self, wake_us: &mut u64) -> Option<Cabin<T>> {
        let now_us = self.clock.now_us();
        if self.stop.abort_reason().is_some() {
            return None;
        }
        if self.held.is_none() {
            let flush = self.phase == Phase::Finishing;
            if self.phase == Phase::Closing || !self.waiting.is_due(now_us, flush) {
                self.meter.caught_up(now_us, self.waiting.comes_again());
                *wake_us = self.waiting.next_us().unwrap_or(u64::MAX).min(*wake_us);
                return None;
            }
            if self.idle.is_empty() {
                self.meter.set(now_us, Bound::Slots);
                // Nothing but a landing can help: do not wake for what is due.
                *wake_us = self.last_tick_us + TICK_US;
                return None;
            }
            self.held = Some(Held {
                departure: self.waiting.take(now_us, &mut self.held_items),
                grants: Grants::default(),
            });
        }
        let held = self.held.as_mut()?;
        let passage = self.ceiling.pass(
            now_us,
            held.departure.due_us,
            self.held_items.len(),
            held.departure.units,
            &mut held.grants,
        );
        if let Passage::Wait { until_us, bound } = passage {
            self.meter.set(now_us, bound);
            // What else falls due cannot leave before this batch does.
            *wake_us = until_us.min(self.last_tick_us + TICK_US);
            return None;
        }
        // A batch is only put together when there is a slot for it.
        let in_flight = self.slots - self.idle.len();
        let mut cabin = self.idle.pop()?;
        self.in_flight_most = self.in_flight_most.max(in_flight + 1);
        cabin.uncontended = 2 * in_flight < self.slots;
        if in_flight == 0 && !self.unanswered {
            self.quiet_since_us = now_us;
        }
        self.meter.set(now_us, Bound::Nothing);
        let due_us = held.departure.due_us;
        self.held = None;
        self.calls += 1;
        cabin.call.readings.clear();
        let readings = self.held_items.iter().map(|item| item.reading);
        cabin.call.readings.extend(readings);
        self.books
            .depart(cabin.flight, &mut self.held_items, due_us, now_us);
        Some(cabin)
    }

    /// Takes back a slot whose call has ended.
    fn land(&mut self, cabin: Cabin<T>) {
        self.unanswered = matches!(cabin.call.outcome, Outcome::TimedOut);
        if self.unanswered {
            // It was given up, which is no answer.
            let silence_us = cabin.landed_us.saturating_sub(self.quiet_since_us);
            self.books.silence(silence_us);
        } else {
            self.hear_silence(cabin.landed_us);
        }
        let how = Landing {
            uncontended: cabin.uncontended,
            slots_bound: self.meter.bound() == Bound::Slots,
        };
        let retries = &mut self.waiting;
        let mut came_back = false;
        self.books
            .land(cabin.flight, &cabin.call, cabin.landed_us, how, |item| {
                came_back = true;
                retries.push_retry(item);
            });
        if came_back {
            self.meter.came_back();
        }
        self.idle.push(cabin);
    }

    /// A call ended at `now_us`, or is waited for no more.
    fn hear_silence(&mut self, now_us: u64) {
        let silence_us = now_us.saturating_sub(self.quiet_since_us);
        self.books.silence(silence_us);
        self.quiet_since_us = now_us;
    }

    fn tick(&mut self, now_us: u64) {
        if now_us >= self.last_tick_us + TICK_US {
            self.report(now_us);
        }
    }

    fn report(&mut self, now_us: u64) {
        let waiting = self.waiting.len() + self.held_items.len();
        let slots_bound_us = self.meter.read(now_us).slots_bound_us;
        let bound_us = slots_bound_us - self.slots_bound_at_tick_us;
        // Those that left since then and have ended by now were in flight as well.
        let in_flight = self.in_flight();
        let most = std::mem::replace(&mut self.in_flight_most, in_flight).max(in_flight);
        self.books
            .tick(now_us, waiting, most, bound_us, thread_cpu_us());
        self.slots_bound_at_tick_us = slots_bound_us;
        self.last_tick_us = now_us;
    }

    /// Settles everything that has no call in flight.
    fn give_up_waiting(&mut self) {
        let now_us = self.clock.now_us();
        self.held = None;
        while let Some(item) = self.held_items.pop().or_else(|| self.waiting.pop()) {
            let settled = if item.sends == 0 {
                Settled::CutOff
            } else {
                Settled::Unfinished
            };
            self.books.settle(&item, settled, now_us);
        }
    }

    /// Settles everything, calls in flight included.
    fn abandon(&mut self) {
        self.give_up_waiting();
        let now_us = self.clock.now_us();
        self.books.abandon_flights(now_us);
        self.report(now_us);
    }
}
