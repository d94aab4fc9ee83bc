//! Short texts on the stack: numbers, ids and dates without allocation.

/// A text of at most `N` bytes of ASCII.
pub(super) struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Text<N> {
    #[inline]
    pub(super) fn new() -> Self {
        Self {
            bytes: [0; N],
            len: 0,
        }
    }

    #[inline]
    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }

    #[inline]
    pub(super) fn push(&mut self, ascii: &str) -> &mut Self {
        let end = self.len + ascii.len();
        self.bytes[self.len..end].copy_from_slice(ascii.as_bytes());
        self.len = end;
        self
    }

    #[inline]
    pub(super) fn number(&mut self, value: u64) -> &mut Self {
        let mut buffer = itoa::Buffer::new();
        self.push(buffer.format(value))
    }

    /// A number with leading zeros up to `width`; a larger one is written whole.
    #[inline]
    pub(super) fn padded(&mut self, value: u64, width: usize) -> &mut Self {
        let mut digits = [b'0'; 20];
        let mut rest = value;
        let mut at = digits.len();
        while rest > 0 {
            at -= 1;
            digits[at] += (rest % 10) as u8;
            rest /= 10;
        }
        let digits = &digits[at.min(digits.len() - width)..];
        let end = self.len + digits.len();
        self.bytes[self.len..end].copy_from_slice(digits);
        self.len = end;
        self
    }

    /// The last two digits of a number.
    #[inline]
    pub(super) fn two_digits(&mut self, value: u64) -> &mut Self {
        let value = (value % 100) as u8;
        self.bytes[self.len] = b'0' + value / 10;
        self.bytes[self.len + 1] = b'0' + value % 10;
        self.len += 2;
        self
    }
}

/// A moment, as calendar and clock in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: u64,
    pub(super) month: u64,
    pub(super) day: u64,
    pub(super) hour: u64,
    pub(super) minute: u64,
    pub(super) second: u64,
    pub(super) micros: u64,
}

impl Civil {
    /// The moment `epoch_us` microseconds after the Unix epoch.
    ///
    /// Days become dates by counting years from 1 March, which puts the leap
    /// day last (<https://howardhinnant.github.io/date_algorithms.html>).
    pub(super) fn at(epoch_us: u64) -> Self {
        let seconds = epoch_us / 1_000_000;
        let days = seconds / 86_400 + 719_468; // since 0000-03-01
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
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
            hour: seconds / 3_600 % 24,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            micros: epoch_us % 1_000_000,
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
