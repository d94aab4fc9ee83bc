//! Numbers as people read and write them.

/// A duration with three significant digits, in the unit that suits it:
/// `870 us`, `1.23 ms`, `12.3 s`. Below a microsecond is `0 us`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    let magnitude = seconds.abs();
    let (value, unit) = if !seconds.is_finite() {
        return "-".to_owned();
    } else if magnitude < 999.5e-6 {
        (seconds * 1e6, "us")
    } else if magnitude < 0.9995 {
        (seconds * 1e3, "ms")
    } else {
        (seconds, "s")
    };
    let decimals = match value.abs() {
        _ if unit == "us" => 0,
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    let text = if text == "-0" { "0" } else { &text };
    format!("{text} {unit}")
}

/// A count with thousands separated: `1,234,567`.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of at most `decimals` decimals, thousands separated; `-` when it
/// is not a number.
fn decimal(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "-".to_owned();
    }
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), count);
    let sign = if value < 0.0 { "-" } else { "" };
    match fraction {
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    }
}

/// A rate with one decimal: `5,000.0/s`.
#[must_use]
pub fn rate(per_second: f64) -> String {
    format!("{}/s", decimal(per_second, 1))
}

/// A rate or amount without decimals that are zero: `5,000`, `0.5`.
#[must_use]
pub fn amount(value: f64) -> String {
    let decimals = if (value - value.round()).abs() < 0.05 {
        0
    } else {
        1
    };
    decimal(value, decimals)
}

/// Decimals with which a value shows three significant digits, or as many as `least`.
fn decimals(value: f64, least: usize) -> usize {
    /// Below a thousandth of a millionth there is nothing to tell.
    const MOST: i32 = 9;
    match value.abs() {
        magnitude if magnitude >= 5e-10 && magnitude.is_finite() => {
            let wanted = (2 - magnitude.log10().floor() as i32).min(MOST);
            usize::try_from(wanted).unwrap_or(0).max(least)
        }
        _ => least,
    }
}

/// Without a sign where nothing but zeros are shown.
fn unsigned_zero(text: String) -> String {
    let is_zero = text.bytes().all(|byte| !(b'1'..=b'9').contains(&byte));
    match text.strip_prefix('-') {
        Some(zero) if is_zero => zero.to_owned(),
        _ => text,
    }
}

/// An amount that is not rounded away: three significant digits below 100, whole above:
/// `0.00139`, `12.3`, `5,000`.
pub(super) fn quantity(value: f64) -> String {
    if !value.is_finite() {
        return "-".to_owned();
    }
    if value.fract() == 0.0 || value.abs() >= 100.0 {
        return unsigned_zero(decimal(value, 0));
    }
    unsigned_zero(decimal(value, decimals(value, 0)))
}

/// US dollars: cents, and three significant digits below a dollar: `1,234.50`, `0.00187`.
#[must_use]
pub fn usd(value: f64) -> String {
    if !value.is_finite() {
        return "-".to_owned();
    }
    unsigned_zero(decimal(value, decimals(value, 2)))
}

/// Bytes with three significant digits, in powers of 1,000: `12.3 MB`.
#[must_use]
pub fn bytes(value: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut scaled = value as f64;
    let mut unit = 0;
    while scaled >= 999.5 && unit + 1 < UNITS.len() {
        scaled /= 1_000.0;
        unit += 1;
    }
    let decimals = match scaled {
        _ if unit == 0 => 0,
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{scaled:.decimals$} {}", UNITS[unit])
}

/// A share as a percentage: `12.3 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", decimal(share * 100.0, 1))
}

/// A small share as a percentage that is not rounded away: `0.013 %`.
pub(super) fn fine_percent(share: f64) -> String {
    if share != 0.0 && share.abs() < 0.001 {
        format!("{} %", decimal(share * 100.0, 3))
    } else {
        percent(share)
    }
}

/// Splits `12.5k/min` into number and unit.
fn split_number(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '_' | ',')))
        .unwrap_or(text.len());
    let digits = &text[..end];
    let number: f64 = if digits.contains(',') {
        ungrouped(digits)?.parse().ok()?
    } else {
        digits.replace('_', "").parse().ok()?
    };
    Some((number, text[end..].trim()))
}

/// Digits without the commas between their thousands: `1,234,567.5`. Commas elsewhere
/// may be meant as decimal ones, and are not guessed at.
fn ungrouped(digits: &str) -> Option<String> {
    let whole = digits.split('.').next().unwrap_or_default();
    let mut groups = whole.split(',');
    let first = groups
        .next()
        .is_some_and(|group| (1..=3).contains(&group.len()));
    let all_digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let others = groups.all(|group| group.len() == 3 && all_digits(group));
    let fraction = digits.split_once('.').map_or("", |(_, fraction)| fraction);
    let is_grouped = first && others && !digits.contains('_') && !fraction.contains(',');
    is_grouped.then(|| digits.replace(',', ""))
}

/// A number with one of `units` behind it, as multiples of the first unit.
#[must_use]
pub fn parse_scaled(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let (number, unit) = split_number(text)?;
    let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
    Some(number * scale).filter(|value| value.is_finite())
}

/// A number of zero or more: `5000`, `10_000`, `12.5k`, `1M`.
#[must_use]
pub fn parse_number(text: &str) -> Option<f64> {
    parse_scaled(
        text,
        &[("", 1.0), ("k", 1e3), ("K", 1e3), ("m", 1e6), ("M", 1e6)],
    )
}

/// Units of time, largest last, in seconds.
const TIMES: [(&str, f64); 9] = [
    ("us", 1e-6),
    ("ms", 1e-3),
    ("", 1.0),
    ("s", 1.0),
    ("sec", 1.0),
    ("m", 60.0),
    ("min", 60.0),
    ("h", 3_600.0),
    ("d", 86_400.0),
];

/// A length of time in seconds: `30s`, `500ms`, `2m`, `1h`, `1m30s`; a bare number is
/// seconds. Of several parts each has a unit, the larger before the smaller.
#[must_use]
pub fn parse_duration(text: &str) -> Option<f64> {
    let text = text.trim();
    let (mut seconds, mut rest, mut last) = (0.0, text, f64::INFINITY);
    while !rest.is_empty() || text.is_empty() {
        let digits = rest
            .find(|c: char| c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let unit = &rest[digits..];
        let end = unit.find(|c: char| !c.is_ascii_alphabetic());
        let end = digits + end.unwrap_or(unit.len());
        let part = parse_scaled(&rest[..end], &TIMES)?;
        let unit = rest[digits..end].trim();
        let (_, scale) = TIMES.iter().find(|(name, _)| *name == unit)?;
        let is_first = last.is_infinite();
        if *scale >= last || (unit.is_empty() && !is_first) {
            return None;
        }
        last = *scale;
        seconds += part;
        rest = rest[end..].trim_start();
    }
    Some(seconds).filter(|seconds| seconds.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits_and_the_unit_that_suits() {
        let cases = [
            (0.0, "0 us"),
            (-0.000_000_1, "0 us"),
            (0.000_87, "870 us"),
            (0.000_999_6, "1.00 ms"),
            (0.001_234, "1.23 ms"),
            (0.009_996, "10.0 ms"),
            (-0.085, "-85.0 ms"),
            (0.2, "200 ms"),
            (0.999_6, "1.00 s"),
            (12.34, "12.3 s"),
            (3600.0, "3600 s"),
            (f64::NAN, "-"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(duration(seconds), expected);
        }
    }

    #[test]
    fn small_amounts_and_dollars_are_not_rounded_away() {
        for (value, amount, dollars) in [
            (0.0, "0", "0.00"),
            (-0.000_000_000_1, "0", "0.00"),
            (0.001_388_9, "0.00139", "0.00139"),
            (-0.000_04, "-0.0000400", "-0.0000400"),
            (0.5, "0.500", "0.500"),
            (2.0, "2", "2.00"),
            (12.345, "12.3", "12.35"),
            (1_234.5, "1,234", "1,234.50"),
            (f64::NAN, "-", "-"),
        ] {
            assert_eq!(quantity(value), amount, "{value}");
            assert_eq!(usd(value), dollars, "{value}");
        }
    }

    #[test]
    fn counts_rates_and_bytes_are_grouped_and_short() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(rate(5_000.04), "5,000.0/s");
        assert_eq!(amount(5_000.0), "5,000");
        assert_eq!(amount(-1_234.5), "-1,234.5");
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(123_456_789), "123 MB");
        assert_eq!(bytes(9_999_999), "10.0 MB");
        assert_eq!(percent(0.1234), "12.3 %");
    }
}
