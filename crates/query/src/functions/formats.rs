//! Formats of times: MySQL's letters (`%Y`) and Joda's (`yyyy`), as one list of parts
//! that prints and parses.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use datafusion::common::exec_err;
use datafusion::error::Result;

/// A field that is written as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Field {
    Year,
    WeekYear,
    Month,
    Day,
    DayOfYear,
    Week,
    DayOfWeek,
    /// 0 to 23.
    Hour,
    /// 1 to 24.
    Hour24,
    /// 1 to 12.
    Hour12,
    /// 0 to 11.
    Hour11,
    Minute,
    Second,
}

impl Field {
    /// Its name in errors, and its range.
    fn range(self) -> (&'static str, i64, i64) {
        match self {
            Field::Year => ("year", -292_275_054, 292_278_993),
            Field::WeekYear => ("weekyear", -292_275_054, 292_278_993),
            Field::Month => ("monthOfYear", 1, 12),
            Field::Day => ("dayOfMonth", 1, 31),
            Field::DayOfYear => ("dayOfYear", 1, 366),
            Field::Week => ("weekOfWeekyear", 1, 53),
            Field::DayOfWeek => ("dayOfWeek", 1, 7),
            Field::Hour => ("hourOfDay", 0, 23),
            Field::Hour24 => ("clockhourOfDay", 1, 24),
            Field::Hour12 => ("clockhourOfHalfday", 1, 12),
            Field::Hour11 => ("hourOfHalfday", 0, 11),
            Field::Minute => ("minuteOfHour", 0, 59),
            Field::Second => ("secondOfMinute", 0, 59),
        }
    }

    fn of(self, at: NaiveDateTime) -> i64 {
        let half = i64::from(at.hour() % 12);
        match self {
            Field::Year => i64::from(at.year()),
            Field::WeekYear => i64::from(at.iso_week().year()),
            Field::Month => i64::from(at.month()),
            Field::Day => i64::from(at.day()),
            Field::DayOfYear => i64::from(at.ordinal()),
            Field::Week => i64::from(at.iso_week().week()),
            Field::DayOfWeek => i64::from(at.weekday().number_from_monday()),
            Field::Hour => i64::from(at.hour()),
            Field::Hour24 => i64::from(if at.hour() == 0 { 24 } else { at.hour() }),
            Field::Hour12 => {
                if half == 0 {
                    12
                } else {
                    half
                }
            }
            Field::Hour11 => half,
            Field::Minute => i64::from(at.minute()),
            Field::Second => i64::from(at.second()),
        }
    }
}

/// A part of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Number {
        field: Field,
        least: usize,
        most: usize,
    },
    /// The last two digits of a year, 1970 to 2069.
    TwoDigits(Field),
    MonthName {
        long: bool,
    },
    DayName {
        long: bool,
    },
    /// AM or PM.
    Half,
    /// Of a second: so many digits printed, up to so many read.
    Fraction {
        printed: usize,
        most: usize,
    },
    Offset {
        colon: bool,
    },
    ZoneName,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// A format, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Format(Vec<Part>);

/// A zone, as far as a format prints it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Zone<'a> {
    pub(super) name: &'a str,
    pub(super) offset_seconds: i32,
}

/// What was read: a time as clocks of its zone show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) local: NaiveDateTime,
    /// East of UTC, where the text says so.
    pub(super) offset_seconds: Option<i32>,
    /// The zone's name, where the text says so.
    pub(super) zone: Option<String>,
}

pub(super) fn number(field: Field, least: usize, most: usize) -> Part {
    Part::Number { field, least, most }
}

impl Format {
    /// Of `date_parse` and `date_format`.
    pub(super) fn mysql(format: &str) -> Result<Self> {
        let mut parts = Vec::new();
        let mut chars = format.chars();
        while let Some(one) = chars.next() {
            if one != '%' {
                push_text(&mut parts, one);
                continue;
            }
            let Some(letter) = chars.next() else {
                push_text(&mut parts, '%');
                break;
            };
            parts.push(match letter {
                'a' => Part::DayName { long: false },
                'b' => Part::MonthName { long: false },
                'c' => number(Field::Month, 1, 2),
                'd' => number(Field::Day, 2, 2),
                'e' => number(Field::Day, 1, 2),
                'f' => Part::Fraction {
                    printed: 6,
                    most: 9,
                },
                'H' => number(Field::Hour, 2, 2),
                'h' | 'I' => number(Field::Hour12, 2, 2),
                'i' => number(Field::Minute, 2, 2),
                'j' => number(Field::DayOfYear, 3, 3),
                'k' => number(Field::Hour, 1, 2),
                'l' => number(Field::Hour12, 1, 2),
                'M' => Part::MonthName { long: true },
                'm' => number(Field::Month, 2, 2),
                'p' => Part::Half,
                'S' | 's' => number(Field::Second, 2, 2),
                'v' => number(Field::Week, 2, 2),
                'W' => Part::DayName { long: true },
                'x' => number(Field::WeekYear, 4, 4),
                'Y' => number(Field::Year, 4, 4),
                'y' => Part::TwoDigits(Field::Year),
                'r' | 'T' => {
                    let whole = if letter == 'r' {
                        "%h:%i:%s %p"
                    } else {
                        "%H:%i:%s"
                    };
                    parts.extend(Self::mysql(whole)?.0);
                    continue;
                }
                'D' | 'U' | 'u' | 'V' | 'w' | 'X' => {
                    return exec_err!("%{letter} not supported in date format string");
                }
                letter => {
                    push_text(&mut parts, letter);
                    continue;
                }
            });
        }
        Ok(Self(parts))
    }

    /// Of `parse_datetime` and `format_datetime`.
    pub(super) fn joda(format: &str) -> Result<Self> {
        let mut parts = Vec::new();
        let chars: Vec<char> = format.chars().collect();
        let mut at = 0;
        while at < chars.len() {
            let letter = chars[at];
            if letter == '\'' {
                at += 1;
                if chars.get(at) == Some(&'\'') {
                    push_text(&mut parts, '\'');
                    at += 1;
                    continue;
                }
                while at < chars.len() {
                    if chars[at] == '\'' {
                        if chars.get(at + 1) != Some(&'\'') {
                            break;
                        }
                        at += 1;
                    }
                    push_text(&mut parts, chars[at]);
                    at += 1;
                }
                at += 1;
                continue;
            }
            if !letter.is_ascii_alphabetic() {
                push_text(&mut parts, letter);
                at += 1;
                continue;
            }
            let run = chars[at..].iter().take_while(|of| **of == letter).count();
            at += run;
            // Digits that follow directly are those of the next number.
            let next = chars.get(at).copied().unwrap_or_default();
            let months = chars[at..].iter().take_while(|of| **of == next).count();
            let tight = "CxyYdhHmsSewDFkKa".contains(next) && next != 'a' && next != '\0'
                || (next == 'M' && months <= 2);
            let wide = if tight { run } else { 9 };
            let two = |field| number(field, run, run.max(2));
            parts.push(match letter {
                'y' | 'Y' if run == 2 => Part::TwoDigits(Field::Year),
                'x' if run == 2 => Part::TwoDigits(Field::WeekYear),
                'y' | 'Y' => number(Field::Year, run, wide),
                'x' => number(Field::WeekYear, run, wide),
                'M' if run >= 3 => Part::MonthName { long: run >= 4 },
                'M' => two(Field::Month),
                'd' => two(Field::Day),
                'D' => number(Field::DayOfYear, run, run.max(3)),
                'w' => two(Field::Week),
                'e' => number(Field::DayOfWeek, run, run),
                'E' => Part::DayName { long: run >= 4 },
                'a' => Part::Half,
                'H' => two(Field::Hour),
                'h' => two(Field::Hour12),
                'K' => two(Field::Hour11),
                'k' => two(Field::Hour24),
                'm' => two(Field::Minute),
                's' => two(Field::Second),
                'S' => Part::Fraction {
                    printed: run,
                    most: run,
                },
                'Z' if run >= 3 => Part::ZoneName,
                'Z' => Part::Offset { colon: run == 2 },
                'z' => Part::ZoneName,
                letter => return exec_err!("Illegal pattern component: {letter}"),
            });
        }
        Ok(Self(parts))
    }

    /// Writes a time. Of a second no more is written than its milliseconds.
    pub(super) fn print(&self, at: NaiveDateTime, zone: Zone<'_>) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(of) => text.push_str(of),
                Part::Number { field, least, .. } => {
                    let of = field.of(at);
                    let sign = if of < 0 { "-" } else { "" };
                    text.push_str(&format!("{sign}{:0least$}", of.abs()));
                }
                Part::TwoDigits(field) => {
                    text.push_str(&format!("{:02}", field.of(at).rem_euclid(100)));
                }
                Part::MonthName { long } => {
                    let name = MONTHS[at.month0() as usize];
                    text.push_str(if *long { name } else { &name[..3] });
                }
                Part::DayName { long } => {
                    let name = DAYS[at.weekday().num_days_from_monday() as usize];
                    text.push_str(if *long { name } else { &name[..3] });
                }
                Part::Half => text.push_str(if at.hour() < 12 { "AM" } else { "PM" }),
                Part::Fraction { printed, .. } => {
                    let millis = format!("{:03}000000", at.nanosecond() / 1_000_000 % 1_000);
                    let digits = millis.chars().chain(std::iter::repeat('0'));
                    text.extend(digits.take(*printed));
                }
                Part::Offset { colon } => text.push_str(&offset(zone.offset_seconds, *colon)),
                Part::ZoneName => text.push_str(zone.name),
            }
        }
        text
    }

    /// Reads a whole text.
    pub(super) fn parse(&self, text: &str) -> Result<Read> {
        let mut reader = Reader { text, at: 0 };
        let mut found = Found::default();
        for part in &self.0 {
            if found.read(part, &mut reader).is_none() {
                return reader.malformed();
            }
        }
        if reader.at < text.len() {
            return reader.malformed();
        }
        found.read_as(text)
    }
}

fn push_text(parts: &mut Vec<Part>, one: char) {
    match parts.last_mut() {
        Some(Part::Text(text)) => text.push(one),
        _ => parts.push(Part::Text(one.to_string())),
    }
}

/// An offset as `+01:00` or `+0100`.
pub(super) fn offset(seconds: i32, colon: bool) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    let colon = if colon { ":" } else { "" };
    format!("{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60)
}

/// A text, read up to a place.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl Reader<'_> {
    pub(super) fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    pub(super) fn malformed<T>(&self) -> Result<T> {
        let text = self.text;
        match self.at {
            0 => exec_err!("Invalid format: \"{text}\""),
            at if at >= text.len() => exec_err!("Invalid format: \"{text}\" is too short"),
            _ => exec_err!(
                "Invalid format: \"{text}\" is malformed at \"{}\"",
                self.rest()
            ),
        }
    }

    /// Up to so many digits, and how many they were.
    fn digits(&mut self, most: usize) -> Option<(i64, usize)> {
        let digits = self
            .rest()
            .bytes()
            .take(most)
            .take_while(u8::is_ascii_digit)
            .count();
        let number = self.rest()[..digits].parse().ok()?;
        self.at += digits;
        Some((number, digits))
    }

    /// One of some names or its first three letters, in any case; which.
    fn name(&mut self, names: &[&str]) -> Option<usize> {
        let starts = |name: &str| {
            let start = self.rest().get(..name.len());
            start.is_some_and(|of| of.eq_ignore_ascii_case(name))
        };
        let long = names.iter().position(|name| starts(name));
        let (which, length) = match long {
            Some(which) => (which, names[which].len()),
            None => (
                names
                    .iter()
                    .position(|name| starts(&name[..3.min(name.len())]))?,
                3,
            ),
        };
        self.at += length;
        Some(which)
    }
}

/// The fields that a text has.
#[derive(Default)]
pub(super) struct Found {
    pub(super) numbers: Vec<(Field, i64)>,
    afternoon: Option<bool>,
    nanos: u32,
    pub(super) offset_seconds: Option<i32>,
    zone: Option<String>,
}

impl Found {
    pub(super) fn read(&mut self, part: &Part, reader: &mut Reader<'_>) -> Option<()> {
        match part {
            Part::Text(of) => {
                let start = reader.rest().get(..of.len())?;
                start.eq_ignore_ascii_case(of).then_some(())?;
                reader.at += of.len();
            }
            Part::Number { field, most, .. } => {
                let signed = matches!(field, Field::Year | Field::WeekYear);
                let start = reader.at;
                let minus = signed && reader.rest().starts_with('-');
                reader.at += usize::from(minus);
                let Some((number, _)) = reader.digits(*most) else {
                    reader.at = start;
                    return None;
                };
                self.numbers
                    .push((*field, if minus { -number } else { number }));
            }
            Part::TwoDigits(field) => {
                let (number, digits) = reader.digits(9)?;
                let number = match digits {
                    2 if number < 70 => 2000 + number,
                    2 => 1900 + number,
                    _ => number,
                };
                self.numbers.push((*field, number));
            }
            Part::MonthName { .. } => {
                let month = reader.name(&MONTHS)?;
                self.numbers.push((Field::Month, month as i64 + 1));
            }
            Part::DayName { .. } => {
                let day = reader.name(&DAYS)?;
                self.numbers.push((Field::DayOfWeek, day as i64 + 1));
            }
            Part::Half => {
                let half = reader.rest().get(..2)?;
                let which = ["am", "pm"]
                    .iter()
                    .position(|of| half.eq_ignore_ascii_case(of))?;
                self.afternoon = Some(which == 1);
                reader.at += 2;
            }
            Part::Fraction { most, .. } => {
                let start = reader.at;
                let (_, digits) = reader.digits((*most).min(9))?;
                let text = &reader.text[start..start + digits];
                self.nanos = format!("{text:0<9}").parse().ok()?;
                // What is finer than nanoseconds is passed over.
                if *most > 9 {
                    reader.digits(*most - 9);
                }
            }
            Part::Offset { .. } => self.offset_seconds = Some(read_offset(reader)?),
            Part::ZoneName => {
                let rest = reader.rest();
                let end =
                    rest.find(|of: char| !(of.is_ascii_alphanumeric() || "/_+-:".contains(of)));
                let name = &rest[..end.unwrap_or(rest.len())];
                (!name.is_empty()).then_some(())?;
                self.zone = Some(name.to_owned());
                reader.at += name.len();
            }
        }
        Some(())
    }

    fn get(&self, field: Field) -> Option<i64> {
        let found = self.numbers.iter().rev().find(|(of, _)| *of == field);
        found.map(|(_, number)| *number)
    }

    pub(super) fn read_as(self, text: &str) -> Result<Read> {
        for (field, number) in &self.numbers {
            let (name, from, to) = field.range();
            if !(from..=to).contains(number) {
                return exec_err!(
                    "Cannot parse \"{text}\": Value {number} for {name} must be in the range [{from},{to}]"
                );
            }
        }
        let small = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
        let year = self.get(Field::Year).unwrap_or(1970);
        let years = i32::try_from(year).unwrap_or(i32::MAX);
        let week = self.get(Field::Week);
        let date = if let Some(day) = self.get(Field::DayOfYear) {
            NaiveDate::from_yo_opt(years, small(day))
        } else if week.is_some() || self.get(Field::WeekYear).is_some() {
            let year = self.get(Field::WeekYear).unwrap_or(year);
            let day = self.get(Field::DayOfWeek).unwrap_or(1);
            let day = chrono::Weekday::try_from(u8::try_from(day - 1).unwrap_or(0));
            let year = i32::try_from(year).unwrap_or(i32::MAX);
            day.ok()
                .and_then(|day| NaiveDate::from_isoywd_opt(year, small(week.unwrap_or(1)), day))
        } else {
            let month = self.get(Field::Month).unwrap_or(1);
            let day = self.get(Field::Day).unwrap_or(1);
            let date = NaiveDate::from_ymd_opt(years, small(month), small(day));
            if date.is_none() {
                let first = NaiveDate::from_ymd_opt(years, small(month), 1);
                let last = first.and_then(|of| of.checked_add_months(chrono::Months::new(1)));
                let last = last.and_then(|of| of.pred_opt()).map_or(31, |of| of.day());
                return exec_err!(
                    "Cannot parse \"{text}\": Value {day} for dayOfMonth must be in the range [1,{last}]"
                );
            }
            date
        };
        let half = self
            .get(Field::Hour12)
            .map(|hour| hour % 12)
            .or(self.get(Field::Hour11));
        let hour = match (self.get(Field::Hour), self.get(Field::Hour24), half) {
            (Some(hour), ..) => hour,
            (None, Some(hour), _) => hour % 24,
            (None, None, hour) => {
                hour.unwrap_or(0) + if self.afternoon == Some(true) { 12 } else { 0 }
            }
        };
        let minute = self.get(Field::Minute).unwrap_or(0);
        let second = self.get(Field::Second).unwrap_or(0);
        let time = NaiveTime::from_hms_opt(small(hour), small(minute), small(second));
        match date.zip(time) {
            Some((date, time)) => Ok(Read {
                local: date.and_time(time) + TimeDelta::nanoseconds(i64::from(self.nanos)),
                offset_seconds: self.offset_seconds,
                zone: self.zone,
            }),
            None => exec_err!("Cannot parse \"{text}\": there is no such day"),
        }
    }
}

/// `Z`, `+01`, `+0100` or `+01:00`.
pub(super) fn read_offset(reader: &mut Reader<'_>) -> Option<i32> {
    if reader.rest().starts_with(['Z', 'z']) {
        reader.at += 1;
        return Some(0);
    }
    let sign = match reader.rest().as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    reader.at += 1;
    let (hours, digits) = reader.digits(2)?;
    (digits == 2 && hours < 24).then_some(())?;
    if reader.rest().starts_with(':') {
        reader.at += 1;
    }
    let minutes = reader.digits(2).map_or(0, |(minutes, _)| minutes);
    i32::try_from(sign * (hours * 3_600 + minutes * 60)).ok()
}
