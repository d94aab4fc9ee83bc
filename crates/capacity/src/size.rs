//! How large an item is, and how many units it costs to write, read or capture.
//!
//! An item's size is the sum over its attributes of the name's UTF-8 bytes and
//! the value's size
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>).
//! The 100 bytes an item that DynamoDB bills for storage do not count here.

/// The largest item DynamoDB stores: 400 KB, by these rules.
pub const MAX_ITEM_BYTES: usize = 400 * 1024;

/// Size of a map or list besides its elements: 3 bytes, and 1 for each element.
#[must_use]
#[inline] // called for each reading, from other crates
pub fn container_bytes(elements: usize) -> usize {
    3 + elements
}

/// Size of a Boolean or null value.
pub const FLAG_BYTES: usize = 1;

/// Size of a number given in decimal notation (`-12.50`, `6e3`): one byte for
/// every two significant digits, counted from the decimal point to either
/// side, and one more. Leading and trailing zeros do not count. A minus sign
/// costs a further byte.
///
/// The developer guide says "approximately"; the exact rule is that measured
/// by the authors of <https://crates.io/crates/dynoxide-rs> at the item-size limit.
#[must_use]
pub fn number_bytes(decimal: &[u8]) -> usize {
    let (mantissa, power) = match decimal.iter().position(|b| matches!(b, b'e' | b'E')) {
        Some(at) => (&decimal[..at], exponent(&decimal[at + 1..])),
        None => (decimal, 0),
    };
    let negative = mantissa.first() == Some(&b'-');
    // Digits since the first that is not zero, up to the last that is not.
    let mut digits = 0i64;
    let mut significant = 0i64;
    // How many of them stand before the point.
    let mut whole = 0i64;
    let mut fraction = false;
    for &b in mantissa {
        if b == b'.' {
            fraction = true;
        } else if b.is_ascii_digit() {
            if b != b'0' || digits > 0 {
                digits += 1;
                whole += i64::from(!fraction);
            } else if fraction {
                whole -= 1;
            }
            if b != b'0' {
                significant = digits;
            }
        }
    }
    let whole = whole.saturating_add(power).clamp(0, significant) as usize;
    let fraction = significant as usize - whole;
    whole.div_ceil(2) + fraction.div_ceil(2) + 1 + usize::from(negative && significant > 0)
}

/// [`number_bytes`] of a whole number that is not negative, without writing it.
#[must_use]
#[inline] // called for each reading, from other crates
pub fn integer_bytes(value: u64) -> usize {
    let Some(most) = value.checked_ilog10() else {
        return 1;
    };
    let (mut significant, mut rest) = (most as usize + 1, value);
    while rest.is_multiple_of(10) {
        (significant, rest) = (significant - 1, rest / 10);
    }
    significant.div_ceil(2) + 1
}

fn exponent(digits: &[u8]) -> i64 {
    std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

/// Write units of one put or delete: one for every started 1 KB, at least one.
#[must_use]
#[inline] // called for each reading, from other crates
pub fn write_units(item_bytes: usize) -> u64 {
    (item_bytes.div_ceil(1024)).max(1) as u64
}

/// Read units: one for every started 4 KB, at least one, halved when the read
/// is eventually consistent.
#[must_use]
#[inline] // called for each reading, from other crates
pub fn read_units(bytes: usize, consistent: bool) -> f64 {
    let units = bytes.div_ceil(4096).max(1) as f64;
    if consistent { units } else { units / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_cost_half_a_byte_a_significant_digit_and_one_more() {
        for (decimal, bytes) in [
            ("0", 1),
            ("7", 2),
            ("72", 2),
            ("100", 2),
            ("123", 3),
            ("0.00120", 2),
            ("-72", 3),
            ("1721011165891550", 9),
            ("12e30", 2),
            ("123.4", 4),
            ("1234e-1", 4),
            ("12.34", 3),
            ("0.00012", 2),
            ("1.5E3", 2),
            ("-0", 1),
        ] {
            assert_eq!(number_bytes(decimal.as_bytes()), bytes, "{decimal}");
        }
    }

    proptest! {
        #[test]
        fn a_whole_number_is_as_large_as_its_decimals(digits in 0u64..1_000_000, zeros in 0u32..13) {
            let value = digits * 10u64.pow(zeros);
            let decimal = value.to_string();
            prop_assert_eq!(integer_bytes(value), number_bytes(decimal.as_bytes()), "{}", value);
        }
    }

    #[test]
    fn units_round_up_and_are_never_zero() {
        assert_eq!(write_units(0), 1);
        assert_eq!(write_units(1024), 1);
        assert_eq!(write_units(1025), 2);
        assert_eq!(read_units(4096, true), 1.0);
        assert_eq!(read_units(4097, false), 1.0);
        assert_eq!(read_units(1, false), 0.5);
    }
}
