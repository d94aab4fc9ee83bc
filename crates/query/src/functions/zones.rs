//! What clocks of a zone show, and back.

use std::rc::Rc;

use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone};
use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::exec_err;
use datafusion::error::{DataFusionError, Result};

use super::formats::{Read, Zone};
use super::row::Row;

pub(super) const DAY_US: i64 = 86_400_000_000;

/// The zone of that name: `America/New_York`, `+01:00`.
pub(super) fn named(row: &Row<'_>, name: &str) -> Result<Rc<Tz>> {
    row.kept(name, |name| match name.parse::<Tz>() {
        Ok(zone) => Ok(zone),
        Err(_) => exec_err!("Time zone not supported: {name}"),
    })
}

/// The name of an argument's zone; `None`: it has none, which is UTC.
pub(super) fn name_of<'a>(row: &Row<'a>, arg: usize) -> Option<&'a str> {
    match row.of_type(arg) {
        DataType::Timestamp(_, Some(zone)) => Some(zone),
        _ => None,
    }
}

/// A time of UTC.
pub(super) fn utc(micros: i64) -> Result<NaiveDateTime> {
    let at = DateTime::from_timestamp_micros(micros);
    let at = at.ok_or_else(|| DataFusionError::Execution("the year is out of range".to_owned()));
    Ok(at?.naive_utc())
}

/// The microseconds of a time of UTC.
pub(super) fn micros(at: NaiveDateTime) -> i64 {
    at.and_utc().timestamp_micros()
}

/// How far east of UTC a zone is at a time.
fn offset_seconds(zone: &Tz, utc: NaiveDateTime) -> i32 {
    zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()
}

/// A time as clocks of its own zone show it.
pub(super) fn local(row: &Row<'_>, arg: usize) -> Result<NaiveDateTime> {
    let at = utc(row.micros(arg))?;
    match name_of(row, arg) {
        None => Ok(at),
        Some(name) => {
            let offset = offset_seconds(named(row, name)?.as_ref(), at);
            Ok(at + TimeDelta::seconds(i64::from(offset)))
        }
    }
}

/// The instant at which clocks of a zone show a time. Of one that they show twice, the
/// first; one that they leave out is as long after the jump.
pub(super) fn instant(zone: &Tz, local: NaiveDateTime) -> i64 {
    let offset = match zone.offset_from_local_datetime(&local) {
        LocalResult::Single(of) | LocalResult::Ambiguous(of, _) => of.fix().local_minus_utc(),
        LocalResult::None => offset_seconds(zone, local - TimeDelta::days(1)),
    };
    micros(local) - i64::from(offset) * 1_000_000
}

/// The instant at which clocks of an argument's zone show a time.
pub(super) fn instant_of(row: &Row<'_>, arg: usize, local: NaiveDateTime) -> Result<i64> {
    match name_of(row, arg) {
        None => Ok(micros(local)),
        Some(name) => Ok(instant(named(row, name)?.as_ref(), local)),
    }
}

/// An argument's zone, to be printed.
pub(super) fn zone_of<'a>(row: &Row<'a>, arg: usize) -> Result<Zone<'a>> {
    let name = name_of(row, arg).unwrap_or("UTC");
    Ok(Zone {
        name,
        offset_seconds: offset_seconds(named(row, name)?.as_ref(), utc(row.micros(arg))?),
    })
}

/// The instant that a text says, in UTC where it says no zone.
pub(super) fn read(row: &Row<'_>, read: &Read) -> Result<i64> {
    Ok(match (&read.zone, read.offset_seconds) {
        (Some(name), _) => instant(named(row, name)?.as_ref(), read.local),
        (None, offset) => micros(read.local) - i64::from(offset.unwrap_or(0)) * 1_000_000,
    })
}

/// The days of a date since 1970.
pub(super) fn days(date: NaiveDate) -> i64 {
    date.signed_duration_since(NaiveDate::default()).num_days()
}

/// The date so many days after 1970 began.
pub(super) fn date(days: i64) -> Result<NaiveDate> {
    let date =
        TimeDelta::try_days(days).and_then(|days| NaiveDate::default().checked_add_signed(days));
    date.ok_or_else(|| DataFusionError::Execution("the year is out of range".to_owned()))
}
