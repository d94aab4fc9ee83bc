//! What was seen, summed up by minute and device. Pure: time is an argument.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use foldhash::fast::RandomState;

use crate::codec::sample::CLOCKS_AGREE_US;
use crate::lake::read::{Remarks, Tally};
use crate::measure::{Latencies, Stage};

/// A minute, in microseconds.
pub(super) const MINUTE_US: u64 = 60_000_000;
const SECOND_US: u64 = 1_000_000;

/// Heart rates above are counted as this.
pub(super) const HIGHEST_BPM: usize = 255;

/// One reading, and what is known of its way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen<'a> {
    /// The wearable.
    pub device: &'a str,
    /// Beats a minute.
    pub bpm: u16,
    /// When it was taken, in microseconds since the Unix epoch, as all times.
    pub observed_us: u64,
    /// When its item was written, by a clock of the service.
    pub created_us: u64,
    /// When it could be seen: read off the stream, or in an object of the lake.
    pub seen_us: u64,
    /// Stages of its way that ended with that, in microseconds.
    pub stages: &'a [(Stage, i64)],
}

/// Sums of one device over one minute, or over more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) readings: u32,
    pub(super) total_bpm: u64,
    pub(super) lowest: u16,
    pub(super) highest: u16,
}

impl Sums {
    pub(super) const NONE: Self = Self {
        readings: 0,
        total_bpm: 0,
        lowest: u16::MAX,
        highest: 0,
    };

    fn add(&mut self, bpm: u16) {
        self.readings += 1;
        self.total_bpm += u64::from(bpm);
        self.lowest = self.lowest.min(bpm);
        self.highest = self.highest.max(bpm);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.readings += other.readings;
        self.total_bpm += other.total_bpm;
        self.lowest = self.lowest.min(other.lowest);
        self.highest = self.highest.max(other.highest);
    }

    pub(super) fn mean(&self) -> Option<f64> {
        (self.readings > 0).then(|| self.total_bpm as f64 / f64::from(self.readings))
    }
}

/// A minute of readings taken.
#[derive(Debug, Clone)]
pub(super) struct Minute {
    pub(super) devices: HashMap<u32, Sums, RandomState>,
    pub(super) by_bpm: Box<[u32; HIGHEST_BPM + 1]>,
}

/// A minute in which readings were seen.
#[derive(Debug, Clone)]
pub(super) struct Arrivals {
    pub(super) readings: u64,
    pub(super) stages: Latencies,
}

/// A wearable.
#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) name: Box<str>,
    /// When its newest reading was taken, and what that was.
    pub(super) newest: (u64, u16),
}

/// Readings of a wearable that are dated later than they can have been taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ahead {
    pub(super) readings: u64,
    /// The latest date among them.
    pub(super) latest_us: u64,
}

/// All that was seen and is still kept.
#[derive(Debug)]
pub struct Board {
    keep_us: u64,
    pub(super) minutes: BTreeMap<u64, Minute>,
    pub(super) arrivals: BTreeMap<u64, Arrivals>,
    /// Readings seen in each of the last seconds.
    pub(super) seconds: BTreeMap<u64, u64>,
    pub(super) devices: Vec<Device>,
    numbers: HashMap<Box<str>, u32, RandomState>,
    /// The newest date that can be: those set apart do not count.
    pub(super) newest_us: u64,
    pub(super) readings: u64,
    /// Readings set apart, by wearable.
    pub(super) ahead: BTreeMap<Box<str>, Ahead>,
    /// Readings older than is kept, when they came or by now.
    pub(super) too_old: u64,
    /// Objects that were not read for their age.
    pub(super) old_objects: u64,
    /// Those that were read and that the lake has no more.
    pub(super) gone_objects: BTreeSet<String>,
    /// Remarks on names.
    pub(super) bad_names: Tally,
    /// Remarks that stay.
    remarks: Remarks,
    /// Remarks on what may yet change.
    passing: Remarks,
    changes: u64,
}

/// Seconds whose readings are counted one by one.
const SECONDS_KEPT: u64 = 120;

impl Board {
    /// An empty one, which keeps what was taken in the last `keep` before the
    /// newest reading.
    #[must_use]
    pub fn new(keep: Duration) -> Self {
        Self {
            keep_us: (keep.as_micros() as u64).max(MINUTE_US),
            minutes: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            seconds: BTreeMap::new(),
            devices: Vec::new(),
            numbers: HashMap::default(),
            newest_us: 0,
            readings: 0,
            ahead: BTreeMap::new(),
            too_old: 0,
            old_objects: 0,
            gone_objects: BTreeSet::new(),
            bad_names: Tally::default(),
            remarks: Remarks::default(),
            passing: Remarks::default(),
            changes: 0,
        }
    }

    /// Takes in one reading. One that is dated well after its item was written is set
    /// apart: it says nothing about when that was, nor what the present is.
    pub fn see(&mut self, seen: &Seen<'_>) {
        self.changes += 1;
        if seen.observed_us > seen.created_us.saturating_add(CLOCKS_AGREE_US) {
            let of = self.ahead.entry(seen.device.into());
            let of = of.or_insert(Ahead {
                readings: 0,
                latest_us: 0,
            });
            of.readings += 1;
            of.latest_us = of.latest_us.max(seen.observed_us);
            return;
        }
        if seen.observed_us + self.keep_us < self.newest_us {
            self.too_old += 1;
            return;
        }
        self.readings += 1;
        let number = self.number(seen.device);
        let device = &mut self.devices[number as usize];
        if seen.observed_us >= device.newest.0 {
            device.newest = (seen.observed_us, seen.bpm);
        }
        let minute = seen.observed_us / MINUTE_US;
        let of_minute = self.minutes.entry(minute).or_insert_with(|| Minute {
            devices: HashMap::default(),
            by_bpm: Box::new([0; HIGHEST_BPM + 1]),
        });
        let sums = of_minute.devices.entry(number).or_insert(Sums::NONE);
        sums.add(seen.bpm);
        of_minute.by_bpm[usize::from(seen.bpm).min(HIGHEST_BPM)] += 1;

        let minute = self.arrivals.entry(seen.seen_us / MINUTE_US);
        let arrivals = minute.or_insert_with(|| Arrivals {
            readings: 0,
            stages: Latencies::default(),
        });
        arrivals.readings += 1;
        for &(stage, us) in seen.stages {
            arrivals.stages.record(stage, us);
        }
        *self.seconds.entry(seen.seen_us / SECOND_US).or_default() += 1;
        if seen.observed_us > self.newest_us {
            self.newest_us = seen.observed_us;
            self.forget();
        }
    }

    /// Takes in remarks on an object, and those on it that may pass.
    pub(super) fn remark(&mut self, object: &str, tally: &Tally, passing: &Tally) {
        self.changes += 1;
        self.remarks.add(object, tally);
        self.passing.forget(object);
        self.passing.add(object, passing);
    }

    /// All remarks.
    pub(super) fn remarks(&self) -> Tally {
        let mut total = self.bad_names.clone();
        total.merge(&self.remarks.total());
        total.merge(&self.passing.total());
        total
    }

    /// Takes in an object that is too old to be read.
    pub(super) fn leave_object(&mut self) {
        self.changes += 1;
        self.old_objects += 1;
    }

    /// Takes in a change that is not the board's own.
    pub(super) fn touch(&mut self) {
        self.changes += 1;
    }

    /// The names of the devices, in the order in which they were seen.
    pub(super) fn names(&self) -> Vec<String> {
        self.devices.iter().map(|of| of.name.to_string()).collect()
    }

    /// Objects that were read and that the lake has no more, by the latest listing.
    pub(super) fn lose_objects(&mut self, gone: BTreeSet<String>) {
        if self.gone_objects != gone {
            self.gone_objects = gone;
            self.touch();
        }
    }

    /// Readings seen in the last minute, by its whole seconds and the one under way.
    pub(super) fn seen_lately(&self, now_us: u64) -> u64 {
        let now = now_us / SECOND_US;
        self.seconds
            .range(now.saturating_sub(60) + 1..=now)
            .map(|(_, of)| of)
            .sum()
    }

    /// Rises with everything that is taken in.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// How long before the newest reading is kept.
    #[must_use]
    pub fn kept(&self) -> Duration {
        Duration::from_micros(self.keep_us)
    }

    /// The number of a device that was seen.
    pub(super) fn known(&self, device: &str) -> Option<u32> {
        self.numbers.get(device).copied()
    }

    fn number(&mut self, device: &str) -> u32 {
        if let Some(&number) = self.numbers.get(device) {
            return number;
        }
        let number = self.devices.len() as u32;
        self.numbers.insert(device.into(), number);
        self.devices.push(Device {
            name: device.into(),
            newest: (0, 0),
        });
        number
    }

    fn forget(&mut self) {
        let oldest = self.newest_us.saturating_sub(self.keep_us) / MINUTE_US;
        while let Some(first) = self.minutes.first_entry()
            && *first.key() < oldest
        {
            let minute = first.remove();
            let readings = minute.by_bpm.iter().map(|of| u64::from(*of));
            self.too_old += readings.sum::<u64>();
        }
        let most = (self.keep_us / MINUTE_US) as usize + 1;
        while self.arrivals.len() > most {
            self.arrivals.pop_first();
        }
        while self.seconds.len() as u64 > SECONDS_KEPT {
            self.seconds.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(device: &str, bpm: u16, observed_us: u64) -> Seen<'_> {
        Seen {
            device,
            bpm,
            observed_us,
            created_us: observed_us,
            seen_us: observed_us + 1,
            stages: &[(Stage::EndToEnd, 1)],
        }
    }

    #[test]
    fn sums_are_those_of_the_readings() {
        let mut board = Board::new(Duration::from_secs(3_600));
        for (device, bpm, second) in [("a", 60, 0), ("a", 80, 59), ("b", 300, 30), ("a", 7, 60)] {
            board.see(&seen(device, bpm, second * SECOND_US));
        }
        let minute = &board.minutes[&0];
        let a = board.known("a").and_then(|a| minute.devices.get(&a));
        let expected = Sums {
            readings: 2,
            total_bpm: 140,
            lowest: 60,
            highest: 80,
        };
        assert_eq!(a, Some(&expected));
        assert_eq!(minute.by_bpm[HIGHEST_BPM], 1);
        assert_eq!(board.minutes.len(), 2);
        assert_eq!(board.readings, 4);
        assert_eq!(board.known("c"), None);
    }

    #[test]
    fn what_is_older_than_is_kept_is_forgotten_and_not_taken_in() {
        let mut board = Board::new(Duration::from_secs(600));
        for minute in 0..100 {
            board.see(&seen("a", 60, minute * MINUTE_US));
        }
        assert_eq!(board.minutes.len(), 11);
        assert!(board.arrivals.len() <= 11);
        board.see(&seen("a", 60, 5 * MINUTE_US));
        // 89 were forgotten, and one came too late.
        assert_eq!((board.too_old, board.minutes.len()), (90, 11));
        assert_eq!(board.devices.len(), 1);
    }

    #[test]
    fn a_clock_that_is_ahead_is_not_the_present() {
        let mut board = Board::new(Duration::from_secs(6 * 3_600));
        let now_us = 1_800_000_000 * SECOND_US;
        for second in 0..50 {
            let at_us = now_us + second * SECOND_US;
            board.see(&seen(["a", "b", "c", "d"][second as usize % 4], 60, at_us));
            // Eight hours ahead, and the end of a 32-bit clock.
            for (device, hours) in [("e", 8), ("f", 80_000)] {
                board.see(&Seen {
                    created_us: at_us,
                    ..seen(device, 60, at_us + hours * 3_600 * SECOND_US)
                });
            }
        }
        assert_eq!((board.readings, board.too_old), (50, 0));
        assert_eq!(board.newest_us, now_us + 49 * SECOND_US);
        let ahead: Vec<_> = board
            .ahead
            .iter()
            .map(|(of, ahead)| (&**of, ahead.readings))
            .collect();
        assert_eq!(ahead, [("e", 50), ("f", 50)]);
        assert_eq!(board.known("e"), None);
    }
}
