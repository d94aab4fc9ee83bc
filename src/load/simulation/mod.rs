//! Whole worker runs in paused time, against a service that does as told.

#![allow(clippy::unwrap_used)]

mod behaviour;
mod law;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use super::{Call, Config, Journal, Outcome, Sink, Slot, Stop, WorkerOutcome, run_with};
use crate::clock::Clock;
use crate::codec::Layout;
use crate::codec::response::ServiceError;
use crate::measure::Attempt;
use crate::trouble::{Obstacle, Trouble};
use crate::workload::{DeviceClass, Motion, Reading, ReadingId, Source};

/// Readings due at given times, in order.
struct Given(VecDeque<Reading>);

impl Source for Given {
    fn next_due_us(&mut self) -> Option<u64> {
        self.0.front().map(|reading| reading.id.intended_us)
    }

    fn next_until(&mut self, until_us: u64) -> Option<Reading> {
        if self.next_due_us()? > until_us {
            return None;
        }
        self.0.pop_front()
    }
}

fn reading(intended_us: u64, device: u32, sequence: u32) -> Reading {
    Reading {
        id: ReadingId {
            intended_us,
            device,
            sequence,
        },
        observed_us: intended_us,
        bpm: 66,
        sensor: device,
        motion: Motion::Sedentary,
        class: DeviceClass::Apple,
    }
}

/// What the service is to do with one call.
#[derive(Clone, Debug)]
enum Act {
    Write,
    /// Writes all but every n-th item.
    WriteBut(usize),
    Refuse(u16, &'static str),
    TimeOut,
    Disconnect,
    Garble,
}

/// The service: decides for each call what to do and how long it takes.
struct Service<F> {
    decide: F,
    calls: Vec<Vec<ReadingId>>,
    written: HashSet<ReadingId>,
    in_flight: usize,
    most_in_flight: usize,
}

struct Fake<F>(Rc<RefCell<Service<F>>>);

impl<F: FnMut(usize, &[Reading]) -> (Duration, Act)> Fake<F> {
    fn new(decide: F) -> Self {
        Self(Rc::new(RefCell::new(Service {
            decide,
            calls: Vec::new(),
            written: HashSet::new(),
            in_flight: 0,
            most_in_flight: 0,
        })))
    }
}

impl<F: FnMut(usize, &[Reading]) -> (Duration, Act)> Sink for Fake<F> {
    type Slot = Fake<F>;

    fn slot(&self, table: &str, _: Layout) -> Self::Slot {
        assert_eq!(table, "readings");
        Fake(Rc::clone(&self.0))
    }
}

impl<F: FnMut(usize, &[Reading]) -> (Duration, Act)> Slot for Fake<F> {
    async fn send(&mut self, call: &mut Call) {
        let (latency, act) = {
            let mut service = self.0.borrow_mut();
            let number = service.calls.len();
            let ids: Vec<ReadingId> = call.readings.iter().map(|reading| reading.id).collect();
            assert!(!ids.is_empty() && ids.len() <= 25);
            assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
            service.calls.push(ids);
            service.in_flight += 1;
            service.most_in_flight = service.most_in_flight.max(service.in_flight);
            (service.decide)(number, &call.readings)
        };
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let mut service = self.0.borrow_mut();
        service.in_flight -= 1;
        call.reply.unprocessed.clear();
        call.reply.consumed_units = Some(call.readings.len() as f64);
        call.outcome = match act {
            Act::Write => {
                service.written.extend(call.readings.iter().map(|r| r.id));
                Outcome::Answered
            }
            Act::WriteBut(nth) => {
                for (n, reading) in call.readings.iter().enumerate() {
                    if n % nth == 0 {
                        call.reply.unprocessed.push(reading.id);
                    } else {
                        service.written.insert(reading.id);
                    }
                }
                Outcome::Answered
            }
            Act::Refuse(status, exception) => Outcome::Refused {
                status,
                error: ServiceError {
                    exception: exception.into(),
                    message: "as told".into(),
                    reasons: vec!["TableWriteProvisionedThroughputExceeded".into()],
                },
            },
            Act::TimeOut => Outcome::TimedOut,
            Act::Disconnect => Outcome::Disconnected(Trouble {
                obstacle: Obstacle::Cut,
                words: "as told".into(),
            }),
            Act::Garble => Outcome::Unreadable,
        };
    }
}

#[derive(Clone, Debug, PartialEq)]
enum End {
    Dropped,
    CutOff,
    Acknowledged(u64),
    Failed(String),
}

#[derive(Clone, Debug, Default)]
struct Story {
    scheduled: u32,
    sent: Option<(u64, u64)>,
    end: Option<End>,
}

/// Checks the journal's contract at each entry and keeps what happened.
#[derive(Debug, Default)]
struct Notes {
    stories: HashMap<ReadingId, Story>,
    attempts: Vec<String>,
    measured_attempts: usize,
    settled_batches: usize,
    ticks: Vec<(u64, usize, usize, u64)>,
}

impl Notes {
    fn end(&mut self, id: ReadingId, end: End) {
        let story = self.stories.get_mut(&id).unwrap();
        assert_eq!(story.end, None, "{id:?} ended twice");
        let was_sent = story.sent.is_some();
        assert_eq!(was_sent, !matches!(end, End::Dropped | End::CutOff));
        story.end = Some(end);
    }

    fn count(&self, is: impl Fn(&End) -> bool) -> usize {
        let ends = self.stories.values().filter_map(|story| story.end.as_ref());
        ends.filter(|end| is(end)).count()
    }

    fn acknowledged(&self) -> usize {
        self.count(|end| matches!(end, End::Acknowledged(_)))
    }

    fn failed(&self, with: &str) -> usize {
        self.count(|end| matches!(end, End::Failed(code) if code == with))
    }
}

impl Journal for Notes {
    fn scheduled(&mut self, id: ReadingId) {
        self.stories.entry(id).or_default().scheduled += 1;
    }

    fn dropped(&mut self, id: ReadingId) {
        self.end(id, End::Dropped);
    }

    fn cut_off(&mut self, id: ReadingId) {
        self.end(id, End::CutOff);
    }

    fn sent(&mut self, id: ReadingId, due_us: u64, sent_us: u64, computed_units: u64) {
        let story = self.stories.get_mut(&id).unwrap();
        assert_eq!(story.sent, None, "{id:?} first sent twice");
        assert!(id.intended_us <= due_us && due_us <= sent_us);
        assert_eq!(computed_units, 1);
        story.sent = Some((due_us, sent_us));
    }

    fn acknowledged(&mut self, reading: &Reading, sent_us: u64, acknowledged_us: u64) {
        let id = reading.id;
        assert_eq!(self.stories[&id].sent.map(|sent| sent.1), Some(sent_us));
        assert!(sent_us <= acknowledged_us);
        self.end(id, End::Acknowledged(acknowledged_us));
    }

    fn failed(&mut self, id: ReadingId, code: &str) {
        self.end(id, End::Failed(code.to_owned()));
    }

    fn attempt(&mut self, sent_us: u64, done_us: u64, measured: bool, outcome: Attempt<'_>) {
        assert!(sent_us <= done_us);
        self.measured_attempts += usize::from(measured);
        self.attempts.push(match outcome {
            Attempt::Answered {
                written,
                unprocessed,
                ..
            } => format!("{written}+{unprocessed}"),
            Attempt::Throttled {
                exception,
                reason,
                items,
            } => {
                format!("{exception}/{}/{items}", reason.unwrap_or_default())
            }
            Attempt::Failed { code, items } => format!("{code}/{items}"),
        });
    }

    fn batch_settled(&mut self, sent_us: u64, settled_us: u64, _: bool) {
        assert!(sent_us <= settled_us);
        self.settled_batches += 1;
    }

    fn tick(&mut self, now_us: u64, waiting: usize, in_flight: usize, bound_us: u64, _: u64) {
        self.ticks.push((now_us, waiting, in_flight, bound_us));
    }
}

/// What a simulated run left behind.
struct Aftermath {
    notes: Notes,
    calls: Vec<Vec<ReadingId>>,
    written: HashSet<ReadingId>,
    most_in_flight: usize,
    outcome: WorkerOutcome,
    stop: Stop,
    start_us: u64,
}

/// What a person, or another worker, does meanwhile.
#[derive(Clone, Copy, Debug)]
enum Meddling {
    Nothing,
    EndAfter(Duration),
    StopAtOnceAfter(Duration),
    /// After the first time at this factor, from a quarter of a second later on;
    /// after the second as before.
    Tempo(Duration, f64, Duration),
}

/// Runs a worker in paused time. `offsets_us`: when readings are due, from the
/// start; device and sequence are their index.
fn simulate<F: FnMut(usize, &[Reading]) -> (Duration, Act)>(
    config: &Config,
    offsets_us: impl IntoIterator<Item = u64>,
    length: Duration,
    meddling: Meddling,
    decide: F,
) -> Aftermath {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let clock = Clock::start();
        let (start, start_us) = (tokio::time::Instant::now(), clock.now_us());
        let stop = Stop::at(start_us + length.as_micros() as u64);
        let due = offsets_us
            .into_iter()
            .enumerate()
            .map(|(n, offset_us)| reading(start_us + offset_us, n as u32, n as u32));
        let source = Given(due.collect());
        let fake = Fake::new(decide);
        let mut notes = Notes::default();
        let working = run_with(config, source, &fake, clock, &mut notes, &stop);
        let meddle = async {
            match meddling {
                Meddling::Nothing => {}
                Meddling::EndAfter(pause) => {
                    tokio::time::sleep(pause).await;
                    stop.end_by(clock.now_us());
                }
                Meddling::Tempo(after, factor, until) => {
                    for (at, factor) in [(after, factor), (until, 1.0)] {
                        tokio::time::sleep_until(start + at).await;
                        stop.timetable()
                            .change(clock.now_us() + 250 * 1_000, factor);
                    }
                }
                Meddling::StopAtOnceAfter(pause) => {
                    tokio::time::sleep(pause).await;
                    stop.at_once();
                }
            }
        };
        // A worker that never ends is a failure, not a hang: in paused time
        // an hour passes as soon as nothing else is to be waited for.
        let hour = Duration::from_secs(3_600);
        let both = async { tokio::join!(working, meddle).0 };
        let outcome = tokio::time::timeout(hour, both)
            .await
            .expect("the worker ends");
        let service = Rc::clone(&fake.0);
        drop(fake);
        let service = Rc::try_unwrap(service)
            .ok()
            .expect("all slots are gone")
            .into_inner();
        Aftermath {
            notes,
            calls: service.calls,
            written: service.written,
            most_in_flight: service.most_in_flight,
            outcome,
            stop,
            start_us,
        }
    })
}

fn config() -> Config {
    Config {
        in_flight: 8,
        ..Config::new("readings", Layout::Post, 5_000.0)
    }
}
