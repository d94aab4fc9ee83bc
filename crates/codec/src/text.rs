//! The texts that items are made of: each knows its length and writes itself.
//!
//! Nothing is formatted to be measured or checked, nothing is written twice:
//! on the way of every reading this is the dearest step, and every text here is
//! plain by construction. Digits that always are as many go through an array
//! of that length, which the compiler copies in one or two moves.

use super::civil::Civil;
use super::item::is_plain;
use hrload_workload::ReadingId;

/// A text of printable ASCII without quotes and backslashes, which JSON holds
/// as it stands.
pub trait Text: Copy {
    /// Its length in bytes.
    fn length(self) -> usize;

    /// Appends it. Allocates only when `out` has to grow.
    fn append_to(self, out: &mut Vec<u8>);

    /// It, as a string of its own.
    fn into_string(self) -> String {
        let mut text = Vec::with_capacity(self.length());
        self.append_to(&mut text);
        String::from_utf8(text).unwrap_or_default() // ASCII: always valid
    }
}

/// A constant of a layout. Written by us, not by whoever runs us.
impl Text for &'static str {
    #[inline(always)]
    fn length(self) -> usize {
        self.len()
    }

    #[inline(always)]
    fn append_to(self, out: &mut Vec<u8>) {
        debug_assert!(self.bytes().all(is_plain), "{self}");
        out.extend_from_slice(self.as_bytes());
    }
}

/// An integer in decimal notation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Integer(pub(super) u64);

impl Text for Integer {
    #[inline(always)]
    fn length(self) -> usize {
        self.0.checked_ilog10().unwrap_or(0) as usize + 1
    }

    #[inline(always)]
    fn append_to(self, out: &mut Vec<u8>) {
        out.extend_from_slice(itoa::Buffer::new().format(self.0).as_bytes());
    }
}

/// A number after a prefix, with leading zeros up to seven digits
/// (`d-0004217`); a larger one is written whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbered(pub(super) &'static str, pub(super) u32);

impl Numbered {
    const DIGITS: usize = 7;
    const FITS: u32 = 10_000_000;
}

impl Text for Numbered {
    #[inline]
    fn length(self) -> usize {
        self.0.len() + Integer(u64::from(self.1)).length().max(Self::DIGITS)
    }

    #[inline]
    fn append_to(self, out: &mut Vec<u8>) {
        self.0.append_to(out);
        if self.1 < Self::FITS {
            out.extend_from_slice(&digits::<{ Self::DIGITS }>(self.1));
        } else {
            Integer(u64::from(self.1)).append_to(out);
        }
    }
}

/// A reading's id: its intended time in seconds with six decimals, its device
/// and its number within the device (`1721011165.891550-4217-12`).
impl Text for ReadingId {
    #[inline]
    fn length(self) -> usize {
        let parts = [
            self.intended_us / 1_000_000,
            u64::from(self.device),
            u64::from(self.sequence),
        ];
        ".000000--".len()
            + parts
                .map(|part| Integer(part).length())
                .iter()
                .sum::<usize>()
    }

    #[inline(always)]
    fn append_to(self, out: &mut Vec<u8>) {
        Integer(self.intended_us / 1_000_000).append_to(out);
        let mut micros = *b".000000-";
        micros[1..7].copy_from_slice(&digits::<6>((self.intended_us % 1_000_000) as u32));
        out.extend_from_slice(&micros);
        Integer(u64::from(self.device)).append_to(out);
        out.push(b'-');
        Integer(u64::from(self.sequence)).append_to(out);
    }
}

/// Microseconds since the Unix epoch as the blog post's script writes a time:
/// `date +%D` followed by `date +%T` with nothing between.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReportTime(pub(super) u64);

impl Text for ReportTime {
    #[inline]
    fn length(self) -> usize {
        "mm/dd/yyhh:mm:ss".len()
    }

    #[inline(always)]
    fn append_to(self, out: &mut Vec<u8>) {
        let time = Civil::at(self.0);
        let mut text = *b"00/00/0000:00:00";
        put_two(&mut text, 0, time.month);
        put_two(&mut text, 3, time.day);
        put_two(&mut text, 6, time.year % 100);
        put_two(&mut text, 8, time.hour);
        put_two(&mut text, 11, time.minute);
        put_two(&mut text, 14, time.second);
        out.extend_from_slice(&text);
    }
}

/// Microseconds since the Unix epoch as RFC 3339 has them, in UTC, up to the
/// year 9999: the type `dateTime` of FHIR.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instant(pub(super) u64);

impl Text for Instant {
    #[inline]
    fn length(self) -> usize {
        "yyyy-mm-ddThh:mm:ss.uuuuuuZ".len()
    }

    #[inline]
    fn append_to(self, out: &mut Vec<u8>) {
        let time = Civil::at(self.0);
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        put_two(&mut text, 0, time.year / 100 % 100);
        put_two(&mut text, 2, time.year % 100);
        put_two(&mut text, 5, time.month);
        put_two(&mut text, 8, time.day);
        put_two(&mut text, 11, time.hour);
        put_two(&mut text, 14, time.minute);
        put_two(&mut text, 17, time.second);
        text[20..26].copy_from_slice(&digits::<6>(time.micros));
        out.extend_from_slice(&text);
    }
}

/// The last `N` digits of a number, with leading zeros.
#[inline(always)]
fn digits<const N: usize>(mut value: u32) -> [u8; N] {
    let mut text = [b'0'; N];
    for digit in text.iter_mut().rev() {
        *digit += (value % 10) as u8;
        value /= 10;
    }
    text
}

/// Writes a number under 100 as two digits.
#[inline(always)]
fn put_two<const N: usize>(text: &mut [u8; N], at: usize, value: u32) {
    text[at] += (value / 10) as u8;
    text[at + 1] += (value % 10) as u8;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    /// Checks a text's own length, and that it is what `expected` says.
    fn is(text: impl Text, expected: &str) {
        let written = text.into_string();
        assert_eq!(written, expected);
        assert_eq!(text.length(), written.len(), "{written}");
    }

    proptest! {
        #[test]
        fn texts_are_as_long_as_they_say(
            us in 0u64..253_402_300_800_000_000,
            device: u32,
            sequence: u32,
            number: u64,
        ) {
            let time = jiff::Timestamp::from_microsecond(us as i64).unwrap();
            is(Integer(number), &number.to_string());
            is(Numbered("d-", device), &format!("d-{device:07}"));
            is(Instant(us), &format!("{time:.6}"));
            is(ReportTime(us), &time.strftime("%D%T").to_string());
            let id = ReadingId { intended_us: us, device, sequence };
            let (seconds, micros) = (us / 1_000_000, us % 1_000_000);
            is(id, &format!("{seconds}.{micros:06}-{device}-{sequence}"));
        }
    }
}
