//! Texts read as values, as a CAST reads them.

use std::sync::LazyLock;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use datafusion::common::exec_err;
use datafusion::error::Result;
use regex::{Captures, Regex};

use super::call::{Form, Function, Kind, boolean, date, double, form, text, time, utc, whole};
use super::row::{Row, Value};
use super::zones;

use Kind::{Bool, Text, Whole};

/// What a CAST of a text is planned as, by what it is cast to.
pub(super) const AS_BOOLEAN: &str = "boolean_of";
pub(super) const AS_DATE: &str = "date_of";
pub(super) const AS_DOUBLE: &str = "double_of";
pub(super) const AS_TIME: &str = "timestamp_of";
pub(super) const AS_WHOLE: &str = "bigint_of";
pub(super) const AS_ZONED: &str = "zoned_of";
/// A text of a length at most, and the type that it was written from.
pub(crate) const OF_LENGTH: &str = "varchar_of_length";

/// One that reads a text; with a second argument, a text that says none is NULL.
macro_rules! reading {
    ($name:expr, $gives:ident, $read:ident, $refused:literal) => {
        Function {
            name: $name,
            forms: {
                const BODY: fn(&Row<'_>) -> Result<Value> = |row| match $read(row)? {
                    Some(value) => Ok(value),
                    None if row.count() > 1 => Ok(Value::Null),
                    None => exec_err!($refused, row.text(0)),
                };
                const FORMS: &[Form] = &[
                    form(&[Text], $gives, BODY),
                    form(&[Text, Bool], $gives, BODY),
                ];
                FORMS
            },
        }
    };
}

/// The functions.
pub(super) const FUNCTIONS: &[Function] = &[
    reading!(
        AS_BOOLEAN,
        boolean,
        a_boolean,
        "Cannot cast '{}' to BOOLEAN"
    ),
    reading!(AS_DATE, date, a_date, "Value cannot be cast to date: {}"),
    reading!(AS_DOUBLE, double, a_double, "Cannot cast '{}' to DOUBLE"),
    reading!(
        AS_TIME,
        time,
        a_time,
        "Value cannot be cast to timestamp: {}"
    ),
    reading!(AS_WHOLE, whole, a_whole, "Cannot cast '{}' to BIGINT"),
    reading!(
        AS_ZONED,
        utc,
        an_instant,
        "Value cannot be cast to timestamp with time zone: {}"
    ),
    Function {
        name: OF_LENGTH,
        forms: &[form(&[Text, Whole, Text], text, |row| {
            let (of, most) = (row.text(0), row.whole(1));
            let most = usize::try_from(most).unwrap_or(0);
            match of.char_indices().nth(most) {
                None => Ok(of.into()),
                Some((end, _)) if row.text(2) == "varchar" => Ok(of[..end].into()),
                Some(_) => exec_err!("Value {of} cannot be represented as varchar({most})"),
            }
        })],
    },
];

fn a_boolean(row: &Row<'_>) -> Result<Option<Value>> {
    Ok(match row.text(0).to_ascii_lowercase().as_str() {
        "t" | "true" | "1" => Some(true.into()),
        "f" | "false" | "0" => Some(false.into()),
        _ => None,
    })
}

fn a_whole(row: &Row<'_>) -> Result<Option<Value>> {
    Ok(row.text(0).parse::<i64>().ok().map(Value::Whole))
}

/// As Java writes doubles: `NaN` and `Infinity` spelt so, and white space around.
fn a_double(row: &Row<'_>) -> Result<Option<Value>> {
    let of = row.text(0).trim();
    let read = match of {
        "NaN" => Some(f64::NAN),
        "Infinity" | "+Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => {
            let digits = of.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(of);
            let number = |one: u8| one.is_ascii_digit() || b"+-.eE".contains(&one);
            match digits.bytes().all(number) {
                true => digits.parse().ok(),
                false => None,
            }
        }
    };
    Ok(read.map(Value::Double))
}

fn a_date(row: &Row<'_>) -> Result<Option<Value>> {
    let read = read(row.text(0)).filter(|of| !of.has_more);
    Ok(read.map(|of| Value::Whole(zones::days(of.local.date()))))
}

fn a_time(row: &Row<'_>) -> Result<Option<Value>> {
    let read = read(row.text(0)).filter(|of| of.zone.is_none());
    Ok(read.map(|of| Value::Whole(zones::micros(of.local))))
}

/// An instant; of a text that names no zone, in UTC.
fn an_instant(row: &Row<'_>) -> Result<Option<Value>> {
    let Some(read) = read(row.text(0)) else {
        return Ok(None);
    };
    let zone = read.zone.unwrap_or("UTC");
    Ok(match zones::named(row, zone) {
        Ok(zone) => Some(Value::Whole(zones::instant(zone.as_ref(), read.local))),
        Err(_) => None,
    })
}

/// What a text says.
struct Read<'a> {
    local: NaiveDateTime,
    zone: Option<&'a str>,
    /// Whether anything stands behind the date.
    has_more: bool,
}

/// Reads `2020-1-31 10:00:00.123 UTC`; what stands behind the date may be left out, and
/// seconds, and their fraction. That is rounded to microseconds.
fn read(of: &str) -> Option<Read<'_>> {
    static WRITTEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?x)^(?P<year>[-+]?[0-9]{4,})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})
            (?P<more>\x20
              (?:(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{1,2})
                (?::(?P<second>[0-9]{1,2})(?:\.(?P<fraction>[0-9]+))?)?)?
              \s*(?P<zone>.+)?)?$",
        )
        .ok()
    });
    let found: Captures<'_> = WRITTEN.as_ref()?.captures(of.trim())?;
    let field = |name: &str| found.name(name).map(|of| of.as_str());
    let number = |name: &str| field(name).map_or(Some(0), |of| of.parse::<u32>().ok());
    let year = field("year")?.parse().ok()?;
    let date = NaiveDate::from_ymd_opt(year, number("month")?, number("day")?)?;
    let time = NaiveTime::from_hms_opt(number("hour")?, number("minute")?, number("second")?)?;
    let micros = match field("fraction") {
        None => 0,
        Some(digits) => {
            let seven: String = digits.chars().chain("0000000".chars()).take(7).collect();
            (seven.parse::<i64>().ok()? + 5) / 10
        }
    };
    Some(Read {
        local: date
            .and_time(time)
            .checked_add_signed(TimeDelta::microseconds(micros))?,
        zone: field("zone"),
        has_more: field("more").is_some(),
    })
}
