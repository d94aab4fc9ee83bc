//! What a person wants to see; written as the query of a link, and read from it.

use std::fmt;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::board::MINUTE_US;

/// A time range, a device, an aggregation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// Which readings, by when they were taken.
    pub range: Range,
    /// Of one device alone.
    pub device: Option<String>,
    /// What a bar shows of the readings in it.
    pub aggregation: Aggregation,
}

/// Which readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// So long before the newest reading.
    Last(Duration),
    /// From and to, in microseconds since the Unix epoch, whole minutes.
    Between(u64, u64),
    /// All that is kept.
    All,
}

impl Default for Range {
    fn default() -> Self {
        Self::Last(Duration::from_secs(900))
    }
}

/// What a bar shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Aggregation {
    /// The mean heart rate.
    #[default]
    Average,
    /// The lowest.
    Minimum,
    /// The highest.
    Maximum,
    /// How many readings there are.
    Count,
}

/// A link that says what cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}={found} is not understood; expected {expected}")]
pub struct ViewError {
    key: &'static str,
    found: String,
    expected: &'static str,
}

impl Aggregation {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Average, Self::Minimum, Self::Maximum, Self::Count];

    /// In a link.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Average => "avg",
            Self::Minimum => "min",
            Self::Maximum => "max",
            Self::Count => "count",
        }
    }

    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Average => "average",
            Self::Minimum => "minimum",
            Self::Maximum => "maximum",
            Self::Count => "count of readings",
        }
    }
}

/// Spans that are offered, as a link has them and as people read them.
pub(super) const SPANS: [(&str, &str, u64); 5] = [
    ("5m", "last 5 minutes", 300),
    ("15m", "last 15 minutes", 900),
    ("1h", "last hour", 3_600),
    ("3h", "last 3 hours", 10_800),
    ("24h", "last 24 hours", 86_400),
];

impl View {
    /// Of the query of a link, percent signs taken off; keys that are not known
    /// are passed over.
    ///
    /// # Errors
    /// A value that is not understood.
    pub fn of<'a>(query: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, ViewError> {
        let mut view = Self::default();
        view.take(query).map(|()| view)
    }

    /// As far as the query is understood, for a form that says what is not.
    pub(super) fn understood<'a>(query: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut view = Self::default();
        let query = query.into_iter().filter(|pair| Self::of([*pair]).is_ok());
        // A range that ends before it begins is kept as it is.
        let _ = view.take(query);
        view
    }

    fn take<'a>(
        &mut self,
        query: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), ViewError> {
        let view = self;
        let (mut from, mut to) = (None, None);
        for (key, value) in query {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            match key {
                "last" if value == "all" => view.range = Range::All,
                "last" => {
                    let span = SPANS.iter().find(|(name, ..)| *name == value);
                    let (.., seconds) = span.ok_or(ViewError {
                        key: "last",
                        found: value.to_owned(),
                        expected: "5m, 15m, 1h, 3h, 24h or all",
                    })?;
                    view.range = Range::Last(Duration::from_secs(*seconds));
                }
                "from" => from = Some(moment("from", value)?),
                "to" => to = Some(moment("to", value)?),
                "device" => view.device = Some(value.to_owned()),
                "agg" => {
                    let known = Aggregation::ALL.into_iter();
                    view.aggregation =
                        known
                            .into_iter()
                            .find(|of| of.key() == value)
                            .ok_or(ViewError {
                                key: "agg",
                                found: value.to_owned(),
                                expected: "avg, min, max or count",
                            })?;
                }
                _ => {}
            }
        }
        match (from, to) {
            (None, None) => {}
            (from, to) => {
                let (from, to) = (from.unwrap_or(0), to.unwrap_or(u64::MAX));
                view.range = Range::Between(from, to);
                if from >= to {
                    return Err(ViewError {
                        key: "from",
                        found: written(from),
                        expected: "an earlier time than to has",
                    });
                }
            }
        }
        Ok(())
    }

    /// Minutes that a bar stands for, of a range of so many: no more bars than
    /// can be told apart.
    #[must_use]
    pub fn step_minutes(minutes: u64) -> u64 {
        match minutes {
            0..=180 => 1,
            181..=1_440 => 10,
            _ => 60,
        }
    }
}

impl fmt::Display for View {
    /// The query of a link that shows the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.range {
            Range::All => write!(f, "last=all")?,
            Range::Last(span) => {
                let seconds = span.as_secs();
                let known = SPANS.iter().find(|(.., of)| *of == seconds);
                write!(f, "last={}", known.map_or("15m", |(name, ..)| name))?;
            }
            Range::Between(from, to) => {
                if from > 0 {
                    write!(f, "from={}", escaped(&written(from)))?;
                }
                if to < u64::MAX {
                    let and = if from > 0 { "&" } else { "" };
                    write!(f, "{and}to={}", escaped(&written(to)))?;
                }
            }
        }
        write!(f, "&agg={}", self.aggregation.key())?;
        if let Some(device) = &self.device {
            write!(f, "&device={}", escaped(device))?;
        }
        Ok(())
    }
}

/// Everything but letters, digits and `-._~` by its bytes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A minute as an input of the type `datetime-local` has it, in UTC.
pub(super) fn written(us: u64) -> String {
    let time = i64::try_from(us).ok();
    let time = time.and_then(|us| jiff::Timestamp::from_microsecond(us).ok());
    time.map_or_else(String::new, |time| {
        time.strftime("%Y-%m-%dT%H:%M").to_string()
    })
}

fn moment(key: &'static str, text: &str) -> Result<u64, ViewError> {
    let read = || {
        let time: DateTime = text.trim_end_matches('Z').parse().ok()?;
        let time = time.to_zoned(TimeZone::UTC).ok()?;
        let us = u64::try_from(time.timestamp().as_microsecond()).ok()?;
        Some(us / MINUTE_US * MINUTE_US)
    };
    read().ok_or(ViewError {
        key,
        found: text.to_owned(),
        expected: "a time in UTC, such as 2026-11-23T15:04",
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_link_shows_what_it_was_made_of() {
        for view in [
            View::default(),
            View {
                range: Range::All,
                device: Some("a b&c=ü".to_owned()),
                aggregation: Aggregation::Count,
            },
            View {
                range: Range::Between(1_721_011_140_000_000, 1_721_014_740_000_000),
                ..View::default()
            },
            View {
                range: Range::Between(0, 1_721_014_740_000_000),
                ..View::default()
            },
        ] {
            let query = view.to_string();
            let pairs: Vec<(String, String)> = query
                .split('&')
                .map(|pair| {
                    let (key, value) = pair.split_once('=').unwrap();
                    (key.to_owned(), unescaped(value))
                })
                .collect();
            let pairs = pairs.iter().map(|(k, v)| (k.as_str(), v.as_str()));
            assert_eq!(View::of(pairs).unwrap(), view, "{query}");
        }
    }

    fn unescaped(text: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'%' {
                let hex = [rest.next().unwrap(), rest.next().unwrap()];
                let hex = std::str::from_utf8(&hex).unwrap().to_owned();
                bytes.push(u8::from_str_radix(&hex, 16).unwrap());
            } else {
                bytes.push(byte);
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn what_is_not_understood_is_said_with_what_is() {
        for (key, value, part) in [
            ("last", "2 weeks", "15m"),
            ("agg", "median", "avg"),
            ("from", "yesterday", "2026-11-23T15:04"),
        ] {
            let error = View::of([(key, value)]).unwrap_err().to_string();
            assert!(error.contains(value) && error.contains(part), "{error}");
        }
        let backwards = [("from", "2026-01-02T00:00"), ("to", "2026-01-01T00:00")];
        assert!(View::of(backwards).is_err());
        assert_eq!(View::of([("x", "y"), ("agg", "")]), Ok(View::default()));
    }
}
