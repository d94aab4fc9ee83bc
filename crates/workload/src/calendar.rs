//! Simulated time: seconds since an origin four days before the run, and the
//! time of day they stand for.

/// The run starts here on the axis of simulated time. Readings buffered before
/// the run (an outage of hours, a session under way) lie before it.
pub(crate) const RUN_STARTS_S: u32 = 4 * DAY_S;
/// [`RUN_STARTS_S`] in microseconds.
pub(crate) const RUN_STARTS_US: u64 = RUN_STARTS_S as u64 * SECOND_US;
/// Microseconds in a second.
pub(crate) const SECOND_US: u64 = 1_000_000;
/// Seconds in a day.
pub(crate) const DAY_S: u32 = 86_400;

/// The stretch of the day in which a run takes place. Time of day wraps inside
/// it, so that a morning's commute lasts as long as the run.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    from_s: u32,
    length_s: u32,
    /// By time zone: what to add to simulated time so that the window's
    /// beginning is a multiple of its length.
    shifts_s: Vec<u32>,
}

impl Calendar {
    /// A window of `length_s` (up to a day) from `from_s`; one entry of
    /// `zones_s` (offset from the first zone, in seconds) for each time zone.
    pub(crate) fn new(from_s: u32, length_s: u32, zones_s: &[i32]) -> Self {
        let base = (length_s - RUN_STARTS_S % length_s) % length_s;
        let shifts_s = zones_s
            .iter()
            .map(|zone| base + zone.rem_euclid(length_s as i32) as u32)
            .collect();
        Self {
            from_s,
            length_s,
            shifts_s,
        }
    }

    /// Seconds since the last midnight of time zone `zone`.
    pub(crate) fn time_of_day_s(&self, now_s: u32, zone: u8) -> u32 {
        let lap_s = (now_s + self.shifts_s[usize::from(zone)]) % self.length_s;
        (self.from_s + lap_s) % DAY_S
    }

    /// Length of the window in seconds.
    pub(crate) fn length_s(&self) -> u32 {
        self.length_s
    }

    /// Time of day at which the window begins, in seconds.
    pub(crate) fn begins_s(&self) -> u32 {
        self.from_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_wraps_inside_itself() {
        let commute = Calendar::new(27_000, 5_400, &[0]);
        for (after_start_s, tod_s) in [(0, 27_000), (5_399, 32_399), (5_400, 27_000)] {
            assert_eq!(
                commute.time_of_day_s(RUN_STARTS_S + after_start_s, 0),
                tod_s
            );
        }
        assert_eq!(commute.time_of_day_s(RUN_STARTS_S - 1, 0), 32_399);
    }

    #[test]
    fn time_zones_shift_a_whole_day() {
        let day = Calendar::new(0, DAY_S, &[0, -6 * 3600]);
        assert_eq!(day.time_of_day_s(RUN_STARTS_S, 0), 0);
        assert_eq!(day.time_of_day_s(RUN_STARTS_S, 1), 18 * 3600);
    }
}
