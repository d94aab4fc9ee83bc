//! Dates and times. A timestamp without a zone is one of UTC, which is the session's.

use std::sync::Arc;

use chrono::{Datelike, Months, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::{DataFusionError, Result};

use super::call::{
    Body, Form, Function, Kind, date, double, form, last, micros, text, time, utc, whole,
};
use super::formats::{self, Format};
use super::iso::iso8601;
use super::row::{Batch, Row, Value, built};
use super::zones;

use Kind::{Date, Double, Text, Time, Whole};

/// A field of a time.
macro_rules! fields {
    ($($name:literal: $of:expr;)*) => {
        /// The functions that take one field out of a time.
        pub(super) const FIELDS: &[Function] = &[$(Function {
            name: $name,
            forms: &[form(&[Time], whole, |row| {
                let at = zones::local(row, 0)?;
                let of: fn(NaiveDateTime) -> i64 = $of;
                Ok(of(at).into())
            })],
        }),*];
    };
}

fields! {
    "year": |at| i64::from(at.year());
    "quarter": |at| i64::from(at.month0() / 3 + 1);
    "month": |at| i64::from(at.month());
    "week": |at| i64::from(at.iso_week().week());
    "week_of_year": |at| i64::from(at.iso_week().week());
    "year_of_week": |at| i64::from(at.iso_week().year());
    "yow": |at| i64::from(at.iso_week().year());
    "day": |at| i64::from(at.day());
    "day_of_month": |at| i64::from(at.day());
    "day_of_week": |at| i64::from(at.weekday().number_from_monday());
    "dow": |at| i64::from(at.weekday().number_from_monday());
    "day_of_year": |at| i64::from(at.ordinal());
    "doy": |at| i64::from(at.ordinal());
    "hour": |at| i64::from(at.hour());
    "minute": |at| i64::from(at.minute());
    "second": |at| i64::from(at.second());
    "millisecond": |at| i64::from(at.nanosecond() / 1_000_000);
}

/// The functions.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "timezone_hour",
        forms: &[form(&[Time], whole, |row| {
            Ok(i64::from(zones::zone_of(row, 0)?.offset_seconds / 3_600).into())
        })],
    },
    Function {
        name: "timezone_minute",
        forms: &[form(&[Time], whole, |row| {
            Ok(i64::from(zones::zone_of(row, 0)?.offset_seconds / 60 % 60).into())
        })],
    },
    Function {
        name: "current_timezone",
        forms: &[form(&[], text, |_| Ok("UTC".into()))],
    },
    Function {
        name: "date",
        forms: &[
            form(&[Time], date, |row| {
                Ok(zones::days(zones::local(row, 0)?.date()).into())
            }),
            form(&[Text], date, |row| {
                let text = row.text(0);
                match text.trim().parse::<chrono::NaiveDate>() {
                    Ok(date) => Ok(zones::days(date).into()),
                    Err(_) => exec_err!("Value cannot be cast to date: {text}"),
                }
            }),
        ],
    },
    Function {
        name: "last_day_of_month",
        forms: &[form(&[Time], date, |row| {
            let date = zones::local(row, 0)?.date();
            let first = date
                .with_day(1)
                .and_then(|of| of.checked_add_months(Months::new(1)));
            Ok(first.and_then(|of| of.pred_opt()).map(zones::days).into())
        })],
    },
    Function {
        name: "date_parse",
        forms: &[form(&[Text, Text], time, |row| {
            let format = row.kept(row.text(1), Format::mysql)?;
            Ok(millis(zones::micros(format.parse(row.text(0))?.local)).into())
        })],
    },
    Function {
        name: "date_format",
        forms: &[form(&[Time, Text], text, |row| {
            let format = row.kept(row.text(1), Format::mysql)?;
            Ok(format
                .print(zones::local(row, 0)?, zones::zone_of(row, 0)?)
                .into())
        })],
    },
    Function {
        name: "parse_datetime",
        forms: &[form(&[Text, Text], utc, |row| {
            let format = row.kept(row.text(1), Format::joda)?;
            Ok(millis(zones::read(row, &format.parse(row.text(0))?)?).into())
        })],
    },
    Function {
        name: "format_datetime",
        forms: &[form(&[Time, Text], text, |row| {
            let format = row.kept(row.text(1), Format::joda)?;
            Ok(format
                .print(zones::local(row, 0)?, zones::zone_of(row, 0)?)
                .into())
        })],
    },
    Function {
        name: "from_iso8601_timestamp",
        forms: &[form(&[Text], utc, |row| {
            Ok(millis(zones::read(row, &iso8601(row.text(0), true)?)?).into())
        })],
    },
    Function {
        name: "from_iso8601_timestamp_nanos",
        forms: &[form(&[Text], utc, |row| {
            Ok(zones::read(row, &iso8601(row.text(0), true)?)?.into())
        })],
    },
    Function {
        name: "from_iso8601_date",
        forms: &[form(&[Text], date, |row| {
            Ok(zones::days(iso8601(row.text(0), false)?.local.date()).into())
        })],
    },
    Function {
        name: "to_iso8601",
        forms: &[
            form(&[Date], text, |row| {
                Ok(zones::date(row.days(0))?.to_string().into())
            }),
            form(&[Time], text, |row| {
                let at = zones::local(row, 0)?;
                let zone = match zones::name_of(row, 0) {
                    None => String::new(),
                    Some(_) => match zones::zone_of(row, 0)?.offset_seconds {
                        0 => "Z".to_owned(),
                        seconds => formats::offset(seconds, true),
                    },
                };
                Ok(format!(
                    "{}{zone}",
                    at.format(&format!("%Y-%m-%dT%H:%M:%S{}", digits(at)))
                )
                .into())
            }),
        ],
    },
    Function {
        name: "from_unixtime",
        forms: &[
            form(&[Double], utc, from_unixtime),
            form(&[Double, Text], zoned, |row| {
                zones::named(row, row.text(1))?;
                from_unixtime(row)
            }),
            form(&[Double, Whole, Whole], hours, from_unixtime),
        ],
    },
    Function {
        name: "to_unixtime",
        forms: &[form(&[Time], double, |row| {
            #[allow(clippy::cast_precision_loss)]
            let micros = row.micros(0) as f64;
            Ok((micros / 1e6).into())
        })],
    },
    Function {
        name: "at_timezone",
        forms: &[form(&[Time, Text], zoned, |row| {
            zones::named(row, row.text(1))?;
            Ok(row.micros(0).into())
        })],
    },
    Function {
        name: "with_timezone",
        forms: &[form(&[Time, Text], zoned, |row| {
            let zone = zones::named(row, row.text(1))?;
            Ok(zones::instant(zone.as_ref(), zones::local(row, 0)?).into())
        })],
    },
    Function {
        name: "date_trunc",
        forms: &[
            form(&[Text, Date], last, |row| {
                let unit = unit(row.text(0), true)?;
                let at = zones::date(row.days(1))?.and_time(NaiveTime::MIN);
                Ok(zones::days(truncated(unit, at)?.date()).into())
            }),
            Form {
                takes: &[Text, Time],
                more: false,
                gives: last,
                body: Body::All(truncate),
            },
        ],
    },
    Function {
        name: "date_add",
        forms: &[
            form(&[Text, Whole, Date], last, |row| {
                let unit = unit(row.text(0), true)?;
                let at = zones::date(row.days(2))?.and_time(NaiveTime::MIN);
                Ok(zones::days(added(unit, row.whole(1), at)?.date()).into())
            }),
            form(&[Text, Whole, Time], last, |row| {
                let (unit, value) = (unit(row.text(0), false)?, row.whole(1));
                match unit.fixed_us() {
                    Some(us) if unit < Unit::Day => {
                        let moved = value.checked_mul(us);
                        let moved = moved.and_then(|by| row.micros(2).checked_add(by));
                        moved.map(Value::Whole).ok_or_else(out_of_range)
                    }
                    _ => {
                        let at = added(unit, value, zones::local(row, 2)?)?;
                        Ok(zones::instant_of(row, 2, at)?.into())
                    }
                }
            }),
        ],
    },
    Function {
        name: "date_diff",
        forms: &[
            form(&[Text, Date, Date], whole, |row| {
                let unit = unit(row.text(0), true)?;
                let (from, to) = (zones::date(row.days(1))?, zones::date(row.days(2))?);
                let midnight = NaiveTime::MIN;
                Ok(between(unit, from.and_time(midnight), to.and_time(midnight)).into())
            }),
            form(&[Text, Time, Time], whole, |row| {
                let unit = unit(row.text(0), false)?;
                if let Some(us) = unit.fixed_us().filter(|_| unit < Unit::Day) {
                    return Ok(((row.micros(2) - row.micros(1)) / us).into());
                }
                Ok(between(unit, zones::local(row, 1)?, zones::local(row, 2)?).into())
            }),
        ],
    },
];

/// Gives a timestamp in the zone that the second argument names; in UTC where that is
/// no constant.
fn zoned(_: &[DataType], constant: &[Option<&ScalarValue>]) -> DataType {
    let name = match constant.get(1).copied().flatten() {
        Some(ScalarValue::Utf8(Some(name)) | ScalarValue::Utf8View(Some(name))) => name,
        _ => "UTC",
    };
    micros(Some(name))
}

/// Gives a timestamp in the zone that lies so many hours and minutes east.
fn hours(_: &[DataType], constant: &[Option<&ScalarValue>]) -> DataType {
    let whole = |arg: usize| match constant.get(arg).copied().flatten() {
        Some(ScalarValue::Int64(Some(of))) => i32::try_from(*of).ok(),
        _ => None,
    };
    match whole(1).zip(whole(2)) {
        Some((hours, minutes)) if hours.abs() < 24 && minutes.abs() < 60 => {
            micros(Some(&formats::offset(hours * 3_600 + minutes * 60, true)))
        }
        _ => micros(Some("UTC")),
    }
}

fn out_of_range() -> DataFusionError {
    DataFusionError::Execution("the time is out of range".to_owned())
}

/// Without what is finer than a millisecond.
fn millis(micros: i64) -> i64 {
    micros - micros.rem_euclid(1_000)
}

/// How many digits of a second are worth printing: three, or all six.
pub(super) fn digits(at: NaiveDateTime) -> &'static str {
    match at.nanosecond() % 1_000_000 {
        0 => "%.3f",
        _ => "%.6f",
    }
}

fn from_unixtime(row: &Row<'_>) -> Result<Value> {
    let millis = (row.double(0) * 1e3).round();
    if millis.is_nan() || millis.abs() >= 9.2e15 {
        return Err(out_of_range());
    }
    #[allow(clippy::cast_possible_truncation)]
    let millis = millis as i64;
    Ok((millis * 1_000).into())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Unit {
    /// How long it is; months and years are not always as long.
    fn fixed_us(self) -> Option<i64> {
        Some(match self {
            Unit::Millisecond => 1_000,
            Unit::Second => 1_000_000,
            Unit::Minute => 60_000_000,
            Unit::Hour => 3_600_000_000,
            Unit::Day => zones::DAY_US,
            Unit::Week => 7 * zones::DAY_US,
            Unit::Month | Unit::Quarter | Unit::Year => return None,
        })
    }

    fn months(self) -> i64 {
        match self {
            Unit::Year => 12,
            Unit::Quarter => 3,
            _ => 1,
        }
    }
}

fn unit(name: &str, of_date: bool) -> Result<Unit> {
    let unit = match name.to_ascii_lowercase().as_str() {
        "millisecond" => Unit::Millisecond,
        "second" => Unit::Second,
        "minute" => Unit::Minute,
        "hour" => Unit::Hour,
        "day" => Unit::Day,
        "week" => Unit::Week,
        "month" => Unit::Month,
        "quarter" => Unit::Quarter,
        "year" => Unit::Year,
        _ if of_date => return exec_err!("'{name}' is not a valid DATE field"),
        _ => return exec_err!("'{name}' is not a valid TIMESTAMP field"),
    };
    match of_date && unit < Unit::Day {
        true => exec_err!("'{name}' is not a valid DATE field"),
        false => Ok(unit),
    }
}

/// The start of the unit that a time is in.
fn truncated(unit: Unit, at: NaiveDateTime) -> Result<NaiveDateTime> {
    let date = at.date();
    let first = |month: u32| date.with_day(1).and_then(|of| of.with_month(month));
    let date = match unit {
        Unit::Week => {
            let back = i64::from(date.weekday().num_days_from_monday());
            date.checked_sub_signed(TimeDelta::days(back))
        }
        Unit::Month => first(date.month()),
        Unit::Quarter => first(date.month0() / 3 * 3 + 1),
        Unit::Year => first(1),
        Unit::Day => Some(date),
        unit => {
            let us = unit.fixed_us().unwrap_or(1);
            let micros = zones::micros(at);
            return zones::utc(micros - micros.rem_euclid(us));
        }
    };
    date.map(|date| date.and_time(NaiveTime::MIN))
        .ok_or_else(out_of_range)
}

fn truncate(batch: &Batch, gives: &DataType) -> Result<ArrayRef> {
    let units = batch.arg(0).as_string::<i32>();
    let one = units.iter().all(|of| of == Some(units.value(0)));
    let of_utc = match gives {
        DataType::Timestamp(_, zone) => zone.as_deref().is_none_or(|zone| zone == "UTC"),
        _ => false,
    };
    if batch.rows() > 0 && one && of_utc && units.is_valid(0) {
        let unit = unit(units.value(0), false)?;
        // The first day of 1970 was a Thursday.
        let from = if unit == Unit::Week {
            -3 * zones::DAY_US
        } else {
            0
        };
        if let Some(us) = unit.fixed_us() {
            let times = batch.arg(1).as_primitive::<TimestampMicrosecondType>();
            let start = |at: i64| at - (at - from).rem_euclid(us);
            let starts = times.unary::<_, TimestampMicrosecondType>(start);
            return Ok(Arc::new(starts.with_data_type(gives.clone())));
        }
    }
    built(batch, gives, |row| {
        if row.any_null() {
            return Ok(Value::Null);
        }
        let start = truncated(unit(row.text(0), false)?, zones::local(row, 1)?)?;
        Ok(zones::instant_of(row, 1, start)?.into())
    })
}

fn added(unit: Unit, value: i64, at: NaiveDateTime) -> Result<NaiveDateTime> {
    let moved = match unit.fixed_us() {
        Some(us) => value
            .checked_mul(us)
            .and_then(|by| at.checked_add_signed(TimeDelta::microseconds(by))),
        None => {
            let months = value.checked_mul(unit.months());
            let by = months.and_then(|of| u32::try_from(of.unsigned_abs()).ok());
            by.map(Months::new).and_then(|by| match value < 0 {
                true => at.checked_sub_months(by),
                false => at.checked_add_months(by),
            })
        }
    };
    moved.ok_or_else(out_of_range)
}

/// How many whole units lie between.
fn between(unit: Unit, from: NaiveDateTime, to: NaiveDateTime) -> i64 {
    match unit.fixed_us() {
        Some(us) => (zones::micros(to) - zones::micros(from)) / us,
        None if to < from => -between(unit, to, from),
        None => {
            let years = i64::from(to.year()) - i64::from(from.year());
            let months = years * 12 + i64::from(to.month()) - i64::from(from.month());
            // A month that ends before the day of the first ends the month all the same.
            let last = to.date().succ_opt().is_none_or(|next| next.day() == 1);
            let day = match last && from.day() > to.day() {
                true => to.day(),
                false => from.day(),
            };
            let short = (to.day(), to.time()) < (day, from.time());
            (months - i64::from(short)) / unit.months()
        }
    }
}
