//! Decimal numbers as they are written, and as integers.

/// A decimal number that is not negative: `digits` times ten to the `exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: u64,
    exponent: i32,
}

impl Decimal {
    /// Reads `1721011166.136`, `1.721011166136E9`, `1721011165891550`. Digits
    /// beyond the eighteenth are dropped. `None` for what is no such number.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (mantissa, mut exponent) = match text.iter().position(|b| matches!(b, b'e' | b'E')) {
            Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let mut digits = 0u64;
        let mut any = false;
        let mut fraction = false;
        for &byte in mantissa {
            match byte {
                b'0'..=b'9' => {
                    any = true;
                    if digits < 100_000_000_000_000_000 {
                        digits = digits * 10 + u64::from(byte - b'0');
                        exponent -= i32::from(fraction);
                    } else {
                        exponent += i32::from(!fraction);
                    }
                }
                b'.' if !fraction => fraction = true,
                _ => return None,
            }
        }
        any.then_some(Self { digits, exponent })
    }

    /// The number times ten to the `power`, rounded to the nearest integer;
    /// `None` if that is too large.
    pub(super) fn scaled(self, power: i32) -> Option<u64> {
        let exponent = self.exponent.saturating_add(power);
        if self.digits == 0 {
            return Some(0);
        }
        if exponent >= 0 {
            let factor = 10u64.checked_pow(exponent.unsigned_abs())?;
            return self.digits.checked_mul(factor);
        }
        Some(match 10u64.checked_pow(exponent.unsigned_abs()) {
            Some(divisor) => (self.digits + divisor / 2) / divisor, // digits < 10^18: no overflow
            None => 0,
        })
    }

    /// How many digits stand after the decimal point.
    pub(super) fn fraction_digits(self) -> u32 {
        self.exponent.min(0).unsigned_abs()
    }
}

fn parse_exponent(text: &[u8]) -> Option<i32> {
    let (sign, digits) = match text.first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    let magnitude = match &digits[zeros..] {
        [] if zeros > 0 => 0,
        // Beyond what any number here can be; how far does not matter.
        digits if digits.len() > 3 && digits.iter().all(u8::is_ascii_digit) => 1_000,
        digits => i32::try_from(integer(digits)?).ok()?,
    };
    Some(sign * magnitude)
}

/// An integer written in decimal digits only; `None` also if it is too large.
#[inline]
pub(super) fn integer(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    let mut value = 0u64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit); // 19 digits fit 64 bits
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn seconds_become_exact_microseconds_however_they_are_written() {
        for (text, us) in [
            ("1721011166.136", 1_721_011_166_136_000),
            ("1.721011166136E9", 1_721_011_166_136_000),
            ("1.721011166136e+9", 1_721_011_166_136_000),
            ("1721011166136E-3", 1_721_011_166_136_000),
            ("1721011166", 1_721_011_166_000_000),
            ("1721011166.1360004", 1_721_011_166_136_000),
            ("1721011166.1360006", 1_721_011_166_136_001),
            (
                "1721011166.136000000000000000000000000000",
                1_721_011_166_136_000,
            ),
            ("0.000001", 1),
            ("0e999", 0),
            ("1e-999", 0),
            ("0E721011165000", 0),
            ("1e-99999999999999999999", 0),
            ("1e-0000000000000000000006", 1),
            ("0e99999999999999999999", 0),
        ] {
            let decimal = Decimal::parse(text.as_bytes()).unwrap();
            assert_eq!(decimal.scaled(6), Some(us), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_or_too_large_a_one_is_none() {
        for text in ["", ".", "-1", "1.2.3", "1e", "1e+", "abc", "1e9x"] {
            assert_eq!(Decimal::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Decimal::parse(b"1e30").unwrap().scaled(6), None);
        assert_eq!(integer(b"18446744073709551616"), None);
        assert_eq!(integer(b""), None);
        assert_eq!(integer(b"12a"), None);
    }
}
