//! A handful of readings, and an account of what became of them.

use std::collections::{BTreeMap, VecDeque};

use hrload::load::Journal;
use hrload::measure::Attempt;
use hrload::workload::{DeviceClass, Motion, Reading, ReadingId, Source};

/// Ten readings, all due at once.
pub(crate) struct Ten(VecDeque<Reading>);

impl Ten {
    pub(crate) fn at(due_us: u64) -> Self {
        let reading = |n| Reading {
            id: ReadingId {
                intended_us: due_us,
                device: n,
                sequence: 7 * n,
            },
            observed_us: due_us,
            bpm: 60 + n as u8,
            sensor: n,
            motion: Motion::Active,
            class: DeviceClass::Garmin,
        };
        Self((0..10).map(reading).collect())
    }
}

impl Source for Ten {
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

/// What became of the readings, by device, and of the calls, in order.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Account {
    pub(crate) scheduled: usize,
    pub(crate) sent: usize,
    pub(crate) ends: BTreeMap<u32, String>,
    pub(crate) attempts: Vec<String>,
    pub(crate) settled_batches: usize,
    pub(crate) abort: Option<String>,
}

impl Account {
    fn end(&mut self, id: ReadingId, how: &str) {
        let before = self.ends.insert(id.device, how.to_owned());
        assert_eq!(before, None, "{id:?} ended twice");
    }

    /// How many readings ended in which way.
    pub(crate) fn ends(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for how in self.ends.values() {
            *counts.entry(how.as_str()).or_default() += 1;
        }
        counts
    }
}

impl Journal for Account {
    fn scheduled(&mut self, _: ReadingId) {
        self.scheduled += 1;
    }

    fn dropped(&mut self, id: ReadingId) {
        self.end(id, "dropped");
    }

    fn cut_off(&mut self, id: ReadingId) {
        self.end(id, "cut off");
    }

    fn sent(&mut self, _: ReadingId, _: u64, _: u64, computed_units: u64) {
        assert!(computed_units >= 1);
        self.sent += 1;
    }

    fn acknowledged(&mut self, reading: &Reading, _: u64, _: u64) {
        let id = reading.id;
        self.end(id, "acknowledged");
    }

    fn failed(&mut self, id: ReadingId, code: &str) {
        self.end(id, code);
    }

    fn attempt(&mut self, _: u64, _: u64, _: bool, outcome: Attempt<'_>) {
        self.attempts.push(match outcome {
            Attempt::Answered {
                written,
                unprocessed,
                consumed_units,
            } => {
                assert_eq!(consumed_units, Some(f64::from(written)));
                format!("{written}+{unprocessed}")
            }
            Attempt::Throttled {
                exception, reason, ..
            } => {
                format!("{exception} {}", reason.unwrap_or("-"))
            }
            Attempt::Failed { code, .. } => code.to_owned(),
        });
    }

    fn batch_settled(&mut self, _: u64, _: u64, _: bool) {
        self.settled_batches += 1;
    }

    fn tick(&mut self, _: u64, _: usize, _: usize, _: u64, _: u64) {}
}
