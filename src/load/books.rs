//! The books of a worker: which reading is in which call, and how each ended.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;

use super::verdict::{self, Kind};
use super::waiting::Item;
use super::{
    Abort, Answers, Call, Config, Journal, NotedCall, NotedCalls, Outcome, Stop, Troubles,
};
use crate::measure::Attempt;
use crate::trouble::Trouble;
use crate::workload::ReadingId;

/// The code of readings that came back in `UnprocessedItems` to the last.
const UNPROCESSED: &str = "UnprocessedItems";
/// The code of readings whose sending the end of the run interrupted.
const UNFINISHED: &str = "unfinished";

/// How a reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled<'a> {
    /// Never sent.
    CutOff,
    /// Sent, and interrupted by the end.
    Unfinished,
    Acknowledged,
    Failed(&'a str),
}

/// How a call was under way, beside what came of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Landing {
    /// It left while fewer than half of the slots were taken.
    pub(super) uncontended: bool,
    /// It ended while all slots were taken and a batch was due.
    pub(super) slots_bound: bool,
}

/// A call in flight: its items stay here, so that they are not lost when the
/// call is abandoned.
#[derive(Debug, Default)]
struct Flight {
    items: Vec<Item>,
    sent_us: u64,
    measured: bool,
}

/// A batch as it first left: its items may come back one by one, in other
/// calls, and it is settled when the last one is.
#[derive(Debug, Clone, Copy)]
struct Group {
    sent_us: u64,
    open: u32,
    measured: bool,
}

/// Accounts for every reading of one worker.
#[derive(Debug)]
pub(super) struct Books<'a, J> {
    config: &'a Config,
    journal: &'a mut J,
    stop: &'a Stop,
    flights: Vec<Flight>,
    groups: Vec<Group>,
    free_groups: Vec<u32>,
    rng: Xoshiro256PlusPlus,
    last_sent_us: u64,
    acknowledged_late: u64,
    noted: NotedCalls,
    answers: Answers,
    troubles: Troubles,
    /// Whether any call was answered: from then on an error that would
    /// condemn the whole run (a table missing, say) is one of its events.
    answered: bool,
    closed: bool,
}

impl<'a, J: Journal> Books<'a, J> {
    pub(super) fn new(
        config: &'a Config,
        journal: &'a mut J,
        stop: &'a Stop,
        flights: usize,
    ) -> Self {
        Self {
            config,
            journal,
            stop,
            flights: (0..flights).map(|_| Flight::default()).collect(),
            groups: Vec::new(),
            free_groups: Vec::new(),
            rng: Xoshiro256PlusPlus::seed_from_u64(config.seed),
            last_sent_us: 0,
            acknowledged_late: 0,
            noted: NotedCalls::with_room(),
            answers: Answers::default(),
            troubles: Troubles::default(),
            answered: false,
            closed: false,
        }
    }

    pub(super) fn scheduled(&mut self, id: ReadingId) {
        self.journal.scheduled(id);
    }

    pub(super) fn dropped(&mut self, id: ReadingId) {
        self.journal.dropped(id);
    }

    pub(super) fn tick(
        &mut self,
        now_us: u64,
        waiting: usize,
        in_flight: usize,
        bound_us: u64,
        cpu_us: u64,
    ) {
        self.journal
            .tick(now_us, waiting, in_flight, bound_us, cpu_us);
    }

    /// The calls worth asking AWS about.
    pub(super) fn take_noted(&mut self) -> NotedCalls {
        std::mem::take(&mut self.noted)
    }

    /// Measured readings that were acknowledged after measuring had ended.
    pub(super) fn acknowledged_late(&self) -> u64 {
        self.acknowledged_late
    }

    /// How the target answered, and what calls met on their way.
    pub(super) fn take_target(&mut self) -> (Answers, Troubles) {
        let answers = std::mem::take(&mut self.answers);
        (answers, std::mem::take(&mut self.troubles))
    }

    /// How long the target was silent in the warm-up is told of no measured reading.
    pub(super) fn begin_measuring(&mut self) {
        self.answers.longest_silence_us = 0;
    }

    /// No call ended for so long while some were in flight.
    pub(super) fn silence(&mut self, silence_us: u64) {
        let longest_us = &mut self.answers.longest_silence_us;
        *longest_us = silence_us.max(*longest_us);
    }

    /// When the last call left; 0 before the first.
    pub(super) fn last_sent_us(&self) -> u64 {
        self.last_sent_us
    }

    /// From now on nothing is sent again.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    fn is_measured(&self, id: ReadingId) -> bool {
        id.intended_us >= self.config.measure_start_us
    }

    /// A batch leaves at `now_us` that should have left at `due_us`; a reading
    /// that joined it later should have left when it joined. Takes its
    /// items, leaving the buffer of an earlier flight in their place.
    pub(super) fn depart(
        &mut self,
        flight: usize,
        items: &mut Vec<Item>,
        due_us: u64,
        now_us: u64,
    ) {
        self.last_sent_us = now_us;
        let is_new = |item: &&Item| item.sends == 0;
        let group = match items.iter().filter(is_new).count() as u32 {
            0 => None, // retries only: no batch begins
            new => {
                let mut ids = items.iter().filter(is_new).map(|item| item.reading.id);
                let measured = ids.any(|id| self.is_measured(id));
                Some(self.open_group(Group {
                    sent_us: now_us,
                    open: new,
                    measured,
                }))
            }
        };
        let measured = items.iter().any(|item| self.is_measured(item.reading.id));
        for item in items.iter_mut() {
            if let (0, Some(group)) = (item.sends, group) {
                item.first_sent_us = now_us;
                item.group = group;
                self.journal.sent(
                    item.reading.id,
                    due_us.max(item.ready_us),
                    now_us,
                    u64::from(item.units),
                );
            }
            item.sends += 1;
        }
        let flight = &mut self.flights[flight];
        std::mem::swap(&mut flight.items, items);
        flight.sent_us = now_us;
        flight.measured = measured;
    }

    fn open_group(&mut self, group: Group) -> u32 {
        if let Some(number) = self.free_groups.pop() {
            self.groups[number as usize] = group;
            number
        } else {
            self.groups.push(group);
            self.groups.len() as u32 - 1
        }
    }

    /// A call ended at `done_us`; items to be sent again go to `retry`.
    pub(super) fn land(
        &mut self,
        flight: usize,
        call: &Call,
        done_us: u64,
        how: Landing,
        mut retry: impl FnMut(Item),
    ) {
        let Flight {
            mut items,
            sent_us,
            measured,
        } = std::mem::take(&mut self.flights[flight]);
        let total = items.len() as u32;
        // What a retry of the warm-up brought into a measured call is measured nowhere.
        let measure_start_us = self.config.measure_start_us;
        let counts = |item: &Item| !measured || item.reading.id.intended_us >= measure_start_us;
        let took_us = done_us.saturating_sub(sent_us);
        if how.slots_bound && measured {
            self.answers.held(took_us);
        }

        if let Some(verdict) = verdict::judge(&call.outcome) {
            let code: &str = &verdict.code;
            let reasons = reasons(&call.outcome);
            let counted = items.iter().filter(|item| counts(item)).count() as u32;
            match &call.outcome {
                // What the warm-up met held nothing back that is measured.
                _ if !measured => {}
                Outcome::Disconnected(trouble) => self.troubles.note(trouble),
                Outcome::TimedOut => self.troubles.note(&Trouble::silent()),
                _ => {}
            }
            let attempt = match verdict.kind {
                Kind::Throttle => Attempt::Throttled {
                    exception: code,
                    reason: reasons.as_deref(),
                    items: counted,
                },
                _ => Attempt::Failed {
                    code,
                    items: counted,
                },
            };
            self.journal.attempt(sent_us, done_us, measured, attempt);
            self.noted.failed(NotedCall {
                sent_us,
                took_us,
                items: total,
                request_id: call.request_id,
                code: Some(code.to_owned()),
            });
            if verdict.kind == Kind::Fatal && !self.answered {
                self.stop.abort(Abort {
                    code: code.to_owned(),
                    message: verdict.message.to_owned(),
                });
            }
            let may_retry = matches!(verdict.kind, Kind::Throttle | Kind::Transient);
            for item in items.drain(..) {
                if may_retry {
                    self.try_again(item, code, done_us, &mut retry);
                } else {
                    self.settle(&item, Settled::Failed(code), done_us);
                }
            }
        } else {
            self.answered = true;
            if how.uncontended {
                self.answers.uncontended.record(took_us as i64);
            }
            let id = &call.request_id;
            self.noted.answered(sent_us, took_us, total, id);
            let unprocessed = call.reply.unprocessed.as_slice();
            let is_unprocessed =
                |item: &Item| !unprocessed.is_empty() && unprocessed.contains(&item.reading.id);
            let (mut written, mut came_back) = (0, 0);
            // By the rules: what share of the call's units is theirs that count?
            let (mut units, mut all_units) = (0, 0);
            for item in &items {
                let counted = u32::from(counts(item));
                if is_unprocessed(item) {
                    came_back += counted;
                } else {
                    written += counted;
                    units += counted * item.units;
                    all_units += item.units;
                }
            }
            let consumed = call.reply.consumed_units;
            let attempt = Attempt::Answered {
                written,
                unprocessed: came_back,
                consumed_units: if units == all_units {
                    consumed
                } else {
                    consumed.map(|consumed| consumed * f64::from(units) / f64::from(all_units))
                },
            };
            self.journal.attempt(sent_us, done_us, measured, attempt);
            for item in items.drain(..) {
                if is_unprocessed(&item) {
                    self.try_again(item, UNPROCESSED, done_us, &mut retry);
                } else {
                    self.settle(&item, Settled::Acknowledged, done_us);
                }
            }
        }
        self.flights[flight].items = items;
    }

    fn try_again(&mut self, mut item: Item, code: &str, now_us: u64, retry: &mut impl FnMut(Item)) {
        if item.sends >= self.config.attempts {
            self.settle(&item, Settled::Failed(code), now_us);
        } else if self.closed {
            self.settle(&item, Settled::Unfinished, now_us);
        } else {
            item.ready_us = now_us + self.config.backoff.draw_us(item.sends, &mut self.rng);
            retry(item);
        }
    }

    /// A reading has ended.
    pub(super) fn settle(&mut self, item: &Item, settled: Settled<'_>, now_us: u64) {
        let id = item.reading.id;
        match settled {
            Settled::CutOff => return self.journal.cut_off(id),
            Settled::Unfinished => self.journal.failed(id, UNFINISHED),
            Settled::Failed(code) => self.journal.failed(id, code),
            Settled::Acknowledged => {
                let measured = id.intended_us >= self.config.measure_start_us;
                let late = measured && now_us >= self.stop.end_us();
                self.acknowledged_late += u64::from(late);
                let (reading, sent_us) = (&item.reading, item.first_sent_us);
                self.journal.acknowledged(reading, sent_us, now_us);
            }
        }
        let group = &mut self.groups[item.group as usize];
        group.open -= 1;
        if group.open == 0 {
            self.journal
                .batch_settled(group.sent_us, now_us, group.measured);
            self.free_groups.push(item.group);
        }
    }

    /// Calls in flight were abandoned: what they carried is unfinished.
    pub(super) fn abandon_flights(&mut self, now_us: u64) {
        for flight in 0..self.flights.len() {
            let Flight {
                items,
                sent_us,
                measured,
            } = std::mem::take(&mut self.flights[flight]);
            if items.is_empty() {
                continue;
            }
            let attempt = Attempt::Failed {
                code: UNFINISHED,
                items: items.len() as u32,
            };
            self.journal.attempt(sent_us, now_us, measured, attempt);
            for item in &items {
                self.settle(item, Settled::Unfinished, now_us);
            }
        }
    }
}

/// Throttling reasons as one text. A call is one attempt even when two things
/// throttled it, so several reasons are joined, each once.
fn reasons(outcome: &Outcome) -> Option<String> {
    let Outcome::Refused { error, .. } = outcome else {
        return None;
    };
    let mut reasons = error.reasons.clone();
    reasons.sort_unstable();
    reasons.dedup();
    (!reasons.is_empty()).then(|| reasons.join("+"))
}
