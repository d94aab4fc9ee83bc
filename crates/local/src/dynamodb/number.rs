//! DynamoDB's numbers: 38 significant digits, magnitudes from 1E-130 to
//! 9.99...E+125
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number>).
//!
//! In goes a number as a client wrote it; out come the form in which DynamoDB
//! stores and returns it, and bytes that sort as the numbers do.

/// The most significant digits a number may have.
const MAX_DIGITS: usize = 38;
/// Exponents of the smallest and the largest magnitude, where the value is
/// `0.digits * 10^exponent`.
const EXPONENTS: std::ops::RangeInclusive<i64> = -129..=126;

/// Why a text is no DynamoDB number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberError {
    /// It does not read as a number.
    NotANumber,
    /// It has more than 38 significant digits.
    TooPrecise,
    /// Its magnitude is too large.
    Overflow,
    /// Its magnitude is too small.
    Underflow,
}

impl NumberError {
    /// DynamoDB's message. `text` is the number as written.
    pub(super) fn message(self, text: &str) -> String {
        match self {
            Self::NotANumber => {
                format!("The parameter cannot be converted to a numeric value: {text}")
            }
            Self::TooPrecise => {
                "Attempting to store more than 38 significant digits in a Number".to_owned()
            }
            Self::Overflow => "Number overflow. Attempting to store a number with magnitude \
                               larger than supported range"
                .to_owned(),
            Self::Underflow => "Number underflow. Attempting to store a number with magnitude \
                                smaller than supported range"
                .to_owned(),
        }
    }
}

/// A number: `0.digits * 10^exponent`, without leading or trailing zeros; zero
/// has no digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    negative: bool,
    digits: [u8; MAX_DIGITS],
    len: usize,
    exponent: i32,
}

/// Whether `text` is already as DynamoDB would write it: digits without a
/// leading zero, few enough. The usual number passes here and nothing more is done.
pub(super) fn is_canonical_integer(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= MAX_DIGITS
        && bytes.iter().all(u8::is_ascii_digit)
        && match bytes {
            [] => false,
            [b'0', rest @ ..] => rest.is_empty(),
            _ => true,
        }
}

impl Number {
    /// Reads a number: sign, digits with at most one point, exponent.
    pub(super) fn parse(text: &str) -> Result<Self, NumberError> {
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (coefficient, power) = match unsigned.find(['e', 'E']) {
            Some(at) => {
                let power = &unsigned[at + 1..];
                let digits = power.strip_prefix(['+', '-']).unwrap_or(power);
                if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(NumberError::NotANumber);
                }
                let power: i64 = power.parse().map_err(|_| NumberError::NotANumber)?;
                (&unsigned[..at], power)
            }
            None => (unsigned, 0),
        };
        let (whole, fraction) = coefficient.split_once('.').unwrap_or((coefficient, ""));
        let written = whole.len() + fraction.len();
        if written == 0 || !(whole.bytes().chain(fraction.bytes())).all(|b| b.is_ascii_digit()) {
            return Err(NumberError::NotANumber);
        }
        let all = || whole.bytes().chain(fraction.bytes());
        let leading = all().take_while(|&b| b == b'0').count();
        if leading == written {
            // Zero is range-checked as if its last digit were a 1.
            Self::in_range(
                power
                    .saturating_sub(fraction.len() as i64)
                    .saturating_add(1),
            )?;
            return Ok(Self {
                negative: false,
                digits: [b'0'; MAX_DIGITS],
                len: 0,
                exponent: 0,
            });
        }
        let trailing = all().rev().take_while(|&b| b == b'0').count();
        let len = written - leading - trailing;
        if len > MAX_DIGITS {
            return Err(NumberError::TooPrecise);
        }
        let exponent = Self::in_range(
            power
                .saturating_add(whole.len() as i64)
                .saturating_sub(leading as i64),
        )?;
        let mut digits = [b'0'; MAX_DIGITS];
        for (to, from) in digits.iter_mut().zip(all().skip(leading).take(len)) {
            *to = from;
        }
        Ok(Self {
            negative,
            digits,
            len,
            exponent,
        })
    }

    fn in_range(exponent: i64) -> Result<i32, NumberError> {
        if exponent > *EXPONENTS.end() {
            Err(NumberError::Overflow)
        } else if exponent < *EXPONENTS.start() {
            Err(NumberError::Underflow)
        } else {
            Ok(exponent as i32)
        }
    }

    /// Appends the number as DynamoDB returns it: plain decimal notation.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let digits = &self.digits[..self.len];
        if digits.is_empty() {
            out.push(b'0');
            return;
        }
        if self.negative {
            out.push(b'-');
        }
        let before_point = self.exponent.max(0) as usize;
        if self.exponent <= 0 {
            out.extend_from_slice(b"0.");
            out.resize(out.len() + self.exponent.unsigned_abs() as usize, b'0');
            out.extend_from_slice(digits);
        } else if before_point >= digits.len() {
            out.extend_from_slice(digits);
            out.resize(out.len() + before_point - digits.len(), b'0');
        } else {
            out.extend_from_slice(&digits[..before_point]);
            out.push(b'.');
            out.extend_from_slice(&digits[before_point..]);
        }
    }

    /// Appends bytes whose order is the order of the numbers: a byte for the
    /// sign, the exponent, the digits; all inverted below zero, where the
    /// longer of two numbers with the same beginning is the smaller.
    pub(super) fn write_sortable(&self, out: &mut Vec<u8>) {
        if self.len == 0 {
            out.push(1);
            return;
        }
        let exponent = (self.exponent - *EXPONENTS.start() as i32) as u16;
        let start = out.len();
        out.push(2);
        out.extend_from_slice(&exponent.to_be_bytes());
        out.extend_from_slice(&self.digits[..self.len]);
        if self.negative {
            out[start] = 0;
            for byte in &mut out[start + 1..] {
                *byte = !*byte;
            }
            out.push(0xff);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn canonical(text: &str) -> Result<String, NumberError> {
        let mut out = Vec::new();
        Number::parse(text)?.write(&mut out);
        Ok(String::from_utf8(out).unwrap())
    }

    fn sortable(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        Number::parse(text).unwrap().write_sortable(&mut out);
        out
    }

    #[test]
    fn numbers_are_written_as_dynamodb_returns_them() {
        for (written, returned) in [
            ("0", "0"),
            ("-0", "0"),
            ("1.0", "1"),
            ("007", "7"),
            ("+5", "5"),
            ("5.", "5"),
            (".5", "0.5"),
            ("-1.50", "-1.5"),
            ("1e2", "100"),
            ("12.345E1", "123.45"),
            ("1E-3", "0.001"),
            ("120", "120"),
            ("0.00120", "0.0012"),
        ] {
            assert_eq!(canonical(written).as_deref(), Ok(returned), "{written}");
        }
        let large = canonical("9.9999999999999999999999999999999999999E+125").unwrap();
        assert_eq!(large.len(), 126);
        assert_eq!(canonical("1E-130").unwrap().len(), 132);
    }

    #[test]
    fn texts_that_are_no_numbers_are_told_apart() {
        use NumberError::{NotANumber, Overflow, TooPrecise, Underflow};
        let precise = "1".repeat(39);
        for (text, error) in [
            ("", NotANumber),
            ("-", NotANumber),
            (".", NotANumber),
            ("1e", NotANumber),
            ("1.2.3", NotANumber),
            (" 1", NotANumber),
            ("NaN", NotANumber),
            ("++1", NotANumber),
            ("1e99999999999999999999", NotANumber),
            (precise.as_str(), TooPrecise),
            ("1E126", Overflow),
            ("-1E126", Overflow),
            ("1E-131", Underflow),
            ("0e126", Overflow),
            ("0.0e-130", Underflow),
            ("1e9223372036854775807", Overflow),
        ] {
            assert_eq!(canonical(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_order_of_the_bytes_is_the_order_of_the_numbers(
            a in -1_000_000_000i64..1_000_000_000, b in -1_000_000_000i64..1_000_000_000,
            scale in 0u32..12,
        ) {
            let shift = |n: i64| format!("{n}e-{scale}");
            prop_assert_eq!(sortable(&shift(a)).cmp(&sortable(&shift(b))), a.cmp(&b));
            let mixed = sortable(&a.to_string()).cmp(&sortable(&shift(b)));
            let exact = (i128::from(a) * 10i128.pow(scale)).cmp(&i128::from(b));
            prop_assert_eq!(mixed, exact);
        }

        #[test]
        fn the_canonical_form_is_a_fixed_point_and_equal_numbers_share_it(n in any::<i64>(), zeros in 0usize..5) {
            let padded = format!("{}{}.{}", if n < 0 { "-" } else { "" }, n.unsigned_abs(), "0".repeat(zeros));
            let once = canonical(&padded).unwrap();
            prop_assert_eq!(&canonical(&once).unwrap(), &once);
            prop_assert_eq!(once, n.to_string());
            prop_assert!(n < 0 || is_canonical_integer(&n.to_string()));
        }
    }
}
