//! Moments as calendar and clock.

/// A moment, as calendar and clock in UTC. Its parts are small numbers, so
/// that taking digits off them is cheap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: u32,
    pub(super) month: u32,
    pub(super) day: u32,
    pub(super) hour: u32,
    pub(super) minute: u32,
    pub(super) second: u32,
    pub(super) micros: u32,
}

impl Civil {
    /// The moment `epoch_us` microseconds after the Unix epoch, up to the year
    /// 9999.
    ///
    /// Days become dates by counting years from 1 March, which puts the leap
    /// day last (<https://howardhinnant.github.io/date_algorithms.html>).
    #[inline]
    pub(super) fn at(epoch_us: u64) -> Self {
        let (seconds, micros) = (epoch_us / 1_000_000, epoch_us % 1_000_000);
        let (days, second) = ((seconds / 86_400) as u32, (seconds % 86_400) as u32);
        let days = days + 719_468; // since 0000-03-01
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        Self {
            year: era * 400 + year_of_era + u32::from(month <= 2),
            month,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
            hour: second / 3_600,
            minute: second / 60 % 60,
            second: second % 60,
            micros: micros as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn dates_agree_with_jiff(epoch_us in 0u64..253_402_207_200_000_000) {
            let civil = Civil::at(epoch_us);
            let theirs = jiff::Timestamp::from_microsecond(epoch_us as i64)
                .unwrap()
                .to_zoned(jiff::tz::TimeZone::UTC)
                .datetime();
            let ours = jiff::civil::datetime(
                civil.year as i16,
                civil.month as i8,
                civil.day as i8,
                civil.hour as i8,
                civil.minute as i8,
                civil.second as i8,
                civil.micros as i32 * 1_000,
            );
            prop_assert_eq!(ours, theirs);
        }
    }
}
