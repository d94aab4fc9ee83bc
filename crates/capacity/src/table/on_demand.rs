//! On-demand growth: what a table serves at once, and how that rises.
//!
//! AWS documents that a new table serves 4,000 writes and 12,000 reads a
//! second, that a table serves up to double its previous peak at once, and that
//! exceeding that within 30 minutes may throttle
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html>).
//! The rule here, made explicit: traffic is averaged by the minute; a minute
//! counts towards the previous peak once it is 30 minutes old
//! ([`Assumptions::growth_us`](super::Assumptions)); the warm throughput is
//! twice that peak, and never less than it was made, set or provisioned to be.
//! It never falls
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html>).
//!
//! So a new table under 10,000 writes a second serves 4,000, after half an hour
//! 8,000, and after an hour all of them.

use std::collections::VecDeque;

use super::Units;

/// What a new on-demand table serves.
pub const NEW_TABLE: Units = Units {
    write: 4_000,
    read: 12_000,
};

/// The peaks of one direction, and the warm throughput that follows from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Peaks {
    /// Units a second made sure of by other means than traffic.
    floor: u64,
    /// The highest minute that counts, in units a second.
    previous: u64,
    /// Minutes too young to count: when they ended, their units a second.
    recent: VecDeque<(u64, u64)>,
    growth_us: u64,
}

impl Peaks {
    pub(super) fn new(growth_us: u64, minute_us: u64) -> Self {
        // A day is enough of minutes to hold whatever the assumption is set to.
        let minutes = (growth_us / minute_us + 2).min(24 * 60);
        Self {
            floor: 0,
            previous: 0,
            recent: VecDeque::with_capacity(minutes as usize),
            growth_us,
        }
    }

    /// Makes sure of so many units a second.
    pub(super) fn raise(&mut self, floor: u64) {
        self.floor = self.floor.max(floor);
    }

    /// A minute has ended in which so many units a second were served.
    pub(super) fn minute(&mut self, end_us: u64, rate: u64) {
        // A minute no higher than one before it never becomes the peak.
        let highest = self.recent.back().map_or(self.previous, |&(_, rate)| rate);
        if rate > highest {
            self.recent.push_back((end_us, rate));
        }
        while let Some(&(at_us, rate)) = self.recent.front()
            && at_us.saturating_add(self.growth_us) <= end_us
        {
            self.previous = self.previous.max(rate);
            self.recent.pop_front();
        }
    }

    /// Units a second that are served at once.
    pub(super) fn warm(&self) -> u64 {
        self.floor.max(self.previous.saturating_mul(2))
    }
}

#[cfg(test)]
mod tests {
    use super::super::MINUTE_US;
    use super::*;

    fn peaks() -> Peaks {
        let mut peaks = Peaks::new(30 * MINUTE_US, MINUTE_US);
        peaks.raise(4_000);
        peaks
    }

    #[test]
    fn a_peak_doubles_the_warm_throughput_half_an_hour_later_and_for_good() {
        let mut peaks = peaks();
        let mut warm_at = |minute: u64, rate| {
            peaks.minute(minute * MINUTE_US, rate);
            peaks.warm()
        };
        assert_eq!(warm_at(1, 3_500), 4_000);
        assert_eq!(warm_at(2, 10), 4_000);
        assert_eq!(warm_at(30, 10), 4_000);
        assert_eq!(warm_at(31, 10), 7_000);
        assert_eq!(warm_at(500, 10), 7_000);
    }

    #[test]
    fn traffic_below_half_of_it_changes_nothing() {
        let mut peaks = peaks();
        for minute in 0..120 {
            peaks.minute(minute * MINUTE_US, 2_000);
        }
        assert_eq!(peaks.warm(), 4_000);
    }
}
