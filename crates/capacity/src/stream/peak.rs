//! The greatest throughput of the last days.

use std::collections::VecDeque;

use super::rolling::DAY_US;

/// The peak rate of the previous days, in which a rate counts only after a
/// time: a service needs as long to follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Peaks {
    days: u64,
    counts_after_us: u64,
    /// Rates measured lately, by the time they count from.
    recent: VecDeque<(u64, u64)>,
    /// The peak of each day since the epoch that has one; no peak below a
    /// later one.
    peaks: VecDeque<(u64, u64)>,
}

impl Peaks {
    pub(super) fn new(days: u32, counts_after_us: u64) -> Self {
        Self {
            days: u64::from(days),
            counts_after_us,
            recent: VecDeque::new(),
            peaks: VecDeque::new(),
        }
    }

    /// Notes a rate that was measured until `at_us`.
    pub(super) fn note(&mut self, at_us: u64, rate: u64) {
        if rate > 0 {
            self.recent
                .push_back((at_us.saturating_add(self.counts_after_us), rate));
        }
        self.settle(at_us);
    }

    fn settle(&mut self, now_us: u64) {
        while let Some(&(from_us, rate)) = self.recent.front()
            && from_us <= now_us
        {
            self.recent.pop_front();
            let day = from_us / DAY_US;
            while self.peaks.back().is_some_and(|&(_, peak)| peak <= rate) {
                self.peaks.pop_back();
            }
            // A day's smaller peak says nothing beside its greater one.
            if self.peaks.back().is_none_or(|&(last, _)| last < day) {
                self.peaks.push_back((day, rate));
            }
        }
        let today = now_us / DAY_US;
        while let Some(&(day, _)) = self.peaks.front()
            && day + self.days < today
        {
            self.peaks.pop_front();
        }
    }

    /// The peak that counts at `now_us`; 0 if there is none.
    pub(super) fn at(&mut self, now_us: u64) -> u64 {
        self.settle(now_us);
        self.peaks.front().map_or(0, |&(_, peak)| peak)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_counts_after_a_time_and_for_thirty_days() {
        const MINUTE_US: u64 = 60_000_000;
        let mut peaks = Peaks::new(30, 15 * MINUTE_US);
        peaks.note(MINUTE_US, 500);
        peaks.note(2 * MINUTE_US, 300);
        assert_eq!(peaks.at(15 * MINUTE_US), 0);
        assert_eq!(peaks.at(16 * MINUTE_US), 500);
        peaks.note(10 * DAY_US, 400);
        peaks.note(10 * DAY_US + MINUTE_US, 100);
        assert_eq!(peaks.at(30 * DAY_US), 500);
        assert_eq!(peaks.at(31 * DAY_US), 400);
        assert_eq!(peaks.at(41 * DAY_US), 0);
    }
}
