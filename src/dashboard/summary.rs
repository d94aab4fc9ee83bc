//! The numbers of a view of the board. Pure.

use super::board::{Board, HIGHEST_BPM, MINUTE_US, Sums};
use super::view::{Aggregation, Range, View};
use crate::measure::{Latencies, Latency, Stage};
use crate::workload::{HIGHEST_OF_FORTY, ZONES};

/// Widths of the bins of the distribution, in beats a minute.
pub(super) const BIN_BPM: usize = 5;

/// Readings that were taken in one bar's time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When it begins, in microseconds since the Unix epoch.
    pub from_us: u64,
    /// When it ends.
    pub to_us: u64,
    /// How many there are.
    pub readings: u64,
    /// Their mean, in beats a minute.
    pub average: f64,
    /// The lowest.
    pub minimum: u16,
    /// The highest.
    pub maximum: u16,
}

impl Point {
    /// The height of its bar.
    #[must_use]
    pub fn value(&self, aggregation: Aggregation) -> f64 {
        match aggregation {
            Aggregation::Average => self.average,
            Aggregation::Minimum => f64::from(self.minimum),
            Aggregation::Maximum => f64::from(self.maximum),
            Aggregation::Count => self.readings as f64,
        }
    }
}

/// Latencies of readings that were seen in one minute.
#[derive(Debug, Clone)]
pub(super) struct Delays {
    pub(super) from_us: u64,
    pub(super) stages: Latencies,
}

/// What a view shows.
#[derive(Debug, Clone)]
pub struct Summary {
    /// By time; those without a reading are left out.
    pub points: Vec<Point>,
    /// How long a bar is, in microseconds.
    pub step_us: u64,
    /// First and last moment of the range.
    pub range_us: (u64, u64),
    /// Readings a second seen in the last minute.
    pub rate: f64,
    /// Readings in the range.
    pub readings: u64,
    /// Devices in the range.
    pub devices: u64,
    /// Mean heart rate of them.
    pub mean_bpm: Option<f64>,
    pub(super) by_bin: Vec<u64>,
    pub(super) by_zone: [u64; ZONES.len()],
    pub(super) delays: Vec<Delays>,
    pub(super) seen: Vec<(u64, f64)>,
    pub(super) whole_delays: Latencies,
    /// The device that was asked for was never seen, but for readings set apart.
    pub unknown_device: bool,
    /// Readings of the device that was asked for that are dated ahead.
    pub ahead_of_device: u64,
}

impl Summary {
    /// Draws up what a view shows of the board at `now_us`.
    #[must_use]
    pub fn of(board: &Board, view: &View, now_us: u64) -> Self {
        let (from, to) = range(board, view);
        let step = View::step_minutes(to.saturating_sub(from));
        let wanted = view.device.as_deref().map(|name| board.known(name));
        let mut summary = Self {
            points: Vec::new(),
            step_us: step * MINUTE_US,
            range_us: (from * MINUTE_US, to * MINUTE_US),
            rate: board.seen_lately(now_us) as f64 / 60.0,
            readings: 0,
            devices: 0,
            mean_bpm: None,
            by_bin: vec![0; HIGHEST_BPM / BIN_BPM + 1],
            by_zone: [0; ZONES.len()],
            delays: Vec::new(),
            seen: Vec::new(),
            whole_delays: Latencies::default(),
            unknown_device: wanted == Some(None),
            ahead_of_device: (view.device.as_deref())
                .and_then(|name| board.ahead.get(name))
                .map_or(0, |of| of.readings),
        };
        let mut whole = Sums::NONE;
        let mut by_device = vec![Sums::NONE; board.devices.len()];
        let mut bar: Option<(u64, Sums)> = None;
        for (&minute, of_minute) in board.minutes.range(from..to) {
            let begins = minute / step * step;
            if let Some((before, sums)) = bar
                && before != begins
            {
                summary.put(before, step, &sums);
                bar = None;
            }
            let (_, sums) = bar.get_or_insert((begins, Sums::NONE));
            match wanted {
                None => {
                    for (&device, of) in &of_minute.devices {
                        sums.merge(of);
                        by_device[device as usize].merge(of);
                    }
                    for (bpm, &readings) in of_minute.by_bpm.iter().enumerate() {
                        summary.by_bin[bpm / BIN_BPM] += u64::from(readings);
                    }
                }
                Some(device) => {
                    let of = device.and_then(|device| of_minute.devices.get(&device));
                    if let (Some(device), Some(of)) = (device, of) {
                        sums.merge(of);
                        by_device[device as usize].merge(of);
                    }
                }
            }
        }
        if let Some((begins, sums)) = bar {
            summary.put(begins, step, &sums);
        }
        for sums in &by_device {
            whole.merge(sums);
            if let Some(mean) = sums.mean() {
                summary.devices += 1;
                let percent = mean / HIGHEST_OF_FORTY * 100.0;
                let zone = ZONES
                    .iter()
                    .rposition(|zone| percent >= f64::from(zone.from_percent));
                summary.by_zone[zone.unwrap_or(0)] += 1;
            }
        }
        summary.readings = u64::from(whole.readings);
        summary.mean_bpm = whole.mean();
        summary.seen = seen(board, now_us);
        for (&minute, arrivals) in &board.arrivals {
            let from_us = minute * MINUTE_US;
            summary.whole_delays.merge(&arrivals.stages);
            summary.delays.push(Delays {
                from_us,
                stages: arrivals.stages.clone(),
            });
        }
        summary
    }

    fn put(&mut self, begins: u64, step: u64, sums: &Sums) {
        if let Some(average) = sums.mean() {
            self.points.push(Point {
                from_us: begins * MINUTE_US,
                to_us: (begins + step) * MINUTE_US,
                readings: u64::from(sums.readings),
                average,
                minimum: sums.lowest,
                maximum: sums.highest,
            });
        }
    }

    /// Latency of a stage over all that is kept; `None` if it was not seen.
    #[must_use]
    pub fn stage(&self, stage: Stage) -> Option<&Latency> {
        Some(self.whole_delays.get(stage)).filter(|of| !of.is_empty())
    }

    /// The points as CSV (RFC 4180), with a heading.
    #[must_use]
    pub fn csv(&self, view: &View) -> String {
        let device = crate::report::cell(view.device.as_deref().unwrap_or("all"));
        let mut text = "from,to,device,readings,average,minimum,maximum\r\n".to_owned();
        for of in &self.points {
            text.push_str(&format!(
                "{},{},{device},{},{:.3},{},{}\r\n",
                crate::report::timestamp(of.from_us),
                crate::report::timestamp(of.to_us),
                of.readings,
                of.average,
                of.minimum,
                of.maximum,
            ));
        }
        text
    }
}

/// First minute, and the one behind the last.
fn range(board: &Board, view: &View) -> (u64, u64) {
    let first = board
        .minutes
        .first_key_value()
        .map_or(0, |(minute, _)| *minute);
    let behind = board
        .minutes
        .last_key_value()
        .map_or(0, |(minute, _)| minute + 1);
    match view.range {
        Range::All => (first, behind),
        Range::Last(span) => {
            let minutes = (span.as_secs() / 60).max(1);
            (behind.saturating_sub(minutes).max(first), behind)
        }
        Range::Between(from, to) => {
            let from = (from / MINUTE_US).max(first);
            (from, (to / MINUTE_US).min(behind).max(from))
        }
    }
}

/// Readings a second of each minute: of what has passed of it, in the one under way.
fn seen(board: &Board, now_us: u64) -> Vec<(u64, f64)> {
    let minutes = board.arrivals.iter().map(|(&minute, of)| {
        let begins_us = minute * MINUTE_US;
        let passed_us = now_us.saturating_sub(begins_us).clamp(1_000_000, MINUTE_US);
        let seconds = passed_us as f64 / 1e6;
        (begins_us, of.readings as f64 / seconds)
    });
    minutes.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::super::board::Seen;
    use super::*;

    /// Two minutes after the newest reading.
    const NOW_US: u64 = 1_032 * MINUTE_US;

    fn board() -> Board {
        let mut board = Board::new(Duration::from_secs(86_400));
        for minute in 0..30_u64 {
            for (device, bpm) in [("1", 60), ("2", 120)] {
                let observed_us = (1_000 + minute) * MINUTE_US;
                board.see(&Seen {
                    device,
                    bpm: bpm + minute as u16,
                    observed_us,
                    created_us: observed_us,
                    seen_us: observed_us + 2_000_000,
                    stages: &[(Stage::EndToEnd, 2_000_000)],
                });
            }
        }
        board
    }

    #[test]
    fn a_bar_is_what_a_person_would_compute_by_hand() {
        let board = board();
        let summary = Summary::of(&board, &View::default(), NOW_US);
        assert_eq!(summary.points.len(), 15);
        let last = summary.points.last().unwrap();
        assert_eq!((last.minimum, last.maximum, last.readings), (89, 149, 2));
        assert_eq!(last.average, 119.0);
        assert_eq!(last.from_us, 1_029 * MINUTE_US);
        assert_eq!((summary.readings, summary.devices), (30, 2));
        // Means of 82 and 142 of 180 beats: 45 % and 79 %.
        assert_eq!(summary.by_zone, [1, 0, 0, 1, 0, 0]);
        assert_eq!(summary.by_bin.iter().sum::<u64>(), 30);
        assert_eq!(summary.stage(Stage::EndToEnd).unwrap().count(), 60);
        assert!(summary.stage(Stage::Freshness).is_none());
    }

    #[test]
    fn a_device_is_shown_alone_and_one_never_seen_is_said_to_be_unknown() {
        let board = board();
        let of = |device: &str| View {
            range: Range::All,
            device: Some(device.to_owned()),
            ..View::default()
        };
        let summary = Summary::of(&board, &of("2"), NOW_US);
        assert_eq!((summary.readings, summary.devices), (30, 1));
        assert!(summary.points.iter().all(|of| of.minimum == of.maximum));
        let unknown = Summary::of(&board, &of("3"), NOW_US);
        assert!(unknown.unknown_device && unknown.points.is_empty());
    }

    #[test]
    fn a_minute_has_sixty_seconds_and_the_one_under_way_what_has_passed() {
        let mut board = Board::new(Duration::from_secs(86_400));
        let begins_us = 1_000 * MINUTE_US;
        let mut see = |seen_us: u64, readings: u32| {
            for _ in 0..readings {
                board.see(&Seen {
                    device: "1",
                    bpm: 60,
                    observed_us: seen_us,
                    created_us: seen_us,
                    seen_us,
                    stages: &[],
                });
            }
        };
        // Objects that came 50 s into one minute and 5 s into the next.
        see(begins_us + 50_000_000, 600);
        see(begins_us + MINUTE_US + 5_000_000, 600);
        let at = |now_us: u64| {
            let summary = Summary::of(&board, &View::default(), now_us);
            (summary.seen[0].1, summary.seen[1].1, summary.rate)
        };
        assert_eq!(at(begins_us + MINUTE_US + 10_000_000), (10.0, 60.0, 20.0));
        assert_eq!(
            at(begins_us + MINUTE_US + 55_000_000),
            (10.0, 600.0 / 55.0, 10.0)
        );
        assert_eq!(at(begins_us + 60 * MINUTE_US), (10.0, 10.0, 0.0));
    }

    #[test]
    fn ranges_are_cut_to_what_there_is() {
        let board = board();
        let view = View {
            range: Range::Between(1_010 * MINUTE_US, 1_012 * MINUTE_US),
            ..View::default()
        };
        assert_eq!(Summary::of(&board, &view, NOW_US).points.len(), 2);
        let nothing = View {
            range: Range::Between(0, MINUTE_US),
            ..View::default()
        };
        assert!(Summary::of(&board, &nothing, NOW_US).points.is_empty());
        let empty = Summary::of(&Board::new(Duration::ZERO), &View::default(), NOW_US);
        assert_eq!((empty.readings, empty.mean_bpm), (0, None));
    }

    #[test]
    fn a_device_is_no_formula_to_a_spreadsheet() {
        let view = View {
            device: Some("=1+1".to_owned()),
            ..View::default()
        };
        let csv = Summary::of(&board(), &view, NOW_US).csv(&view);
        assert!(!csv.contains("\"="), "{csv}");
    }

    #[test]
    fn the_csv_is_the_chart() {
        let view = View {
            range: Range::Between(1_010 * MINUTE_US, 1_012 * MINUTE_US),
            device: Some("1".to_owned()),
            ..View::default()
        };
        assert_eq!(
            Summary::of(&board(), &view, NOW_US).csv(&view),
            "from,to,device,readings,average,minimum,maximum\r\n\
             1970-01-01T16:50:00Z,1970-01-01T16:51:00Z,\"1\",1,70.000,70,70\r\n\
             1970-01-01T16:51:00Z,1970-01-01T16:52:00Z,\"1\",1,71.000,71,71\r\n"
        );
    }
}
