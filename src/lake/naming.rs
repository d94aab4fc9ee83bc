//! What objects are called
//! (<https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html>,
//! <https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html>).
//!
//! A prefix may hold `!{timestamp:PATTERN}`, `!{firehose:random-string}` and,
//! for errors, `!{firehose:error-output-type}`. A pattern is a Java
//! `DateTimeFormatter` pattern, of which `yyyy yy MM dd DDD HH mm ss` and
//! quoted text are known; times are UTC. A prefix without a timestamp is
//! followed by `yyyy/MM/dd/HH/`.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use object_store::path::Path;
use uuid::Uuid;

/// A prefix that Firehose would not take either.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// An expression that is none.
    #[error(
        "the prefix holds {0:?}; known are !{{timestamp:yyyy/MM/dd/HH}}, \
         !{{firehose:random-string}} and, for errors, !{{firehose:error-output-type}}"
    )]
    Expression(String),
    /// A letter of a pattern that is not known.
    #[error(
        "the timestamp pattern {0:?} holds letters other than yyyy, yy, MM, dd, DDD, HH, mm, ss"
    )]
    Pattern(String),
    /// No object can have such a name.
    #[error(
        "the prefix makes names like {0:?}; a name's parts, between slashes, must not be empty, \
         `.` or `..`, nor hold control characters"
    )]
    Name(String),
    /// hrload's own files lie there.
    #[error("the prefix begins with _hrload/, where hrload keeps its checkpoints")]
    Own,
    /// A stream cannot be called so.
    #[error(
        "a stream's name has 1 to 128 letters, digits, underscores, dots and hyphens, found {0:?}"
    )]
    Stream(String),
    /// Errors must be told from data.
    #[error(
        "a prefix with expressions wants an error prefix with !{{firehose:error-output-type}} beside it"
    )]
    ErrorOutputType,
}

/// Text and expressions, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Prefix(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Timestamp(Vec<Field>),
    RandomString,
    ErrorOutputType,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Field {
    Text(String),
    /// A letter and how often it stands there.
    Letter(char, usize),
}

/// How a delivery names its objects.
#[derive(Debug, Clone)]
pub struct Naming {
    stream: String,
    prefix: Prefix,
    error_prefix: Prefix,
    extension: &'static str,
}

/// Why records are in no object of data, as Firehose names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// They were not transformed.
    Processing,
    /// They have no place in the object's format.
    Conversion,
}

impl ErrorKind {
    pub(super) const ALL: [Self; 2] = [Self::Processing, Self::Conversion];

    /// What stands for `!{firehose:error-output-type}`.
    fn name(self) -> &'static str {
        match self {
            Self::Processing => "processing-failed",
            Self::Conversion => "format-conversion-failed",
        }
    }

    /// The same, as part of a key.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Processing => "processing-failed/",
            Self::Conversion => "format-conversion-failed/",
        }
    }
}

/// Firehose counts the versions of a delivery stream's configuration; this one
/// does not change while it runs.
const VERSION: u32 = 1;

impl Naming {
    /// Names for the objects of `stream`. Without an error prefix, errors go
    /// under the prefix and `processing-failed/`.
    ///
    /// # Errors
    /// A prefix that Firehose would refuse, or a timestamp letter not known here; a name
    /// that no object or no stream can have.
    pub fn new(
        stream: &str,
        prefix: &str,
        error_prefix: Option<&str>,
        extension: &'static str,
    ) -> Result<Self, PrefixError> {
        let of_name = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if !(1..=128).contains(&stream.len()) || !stream.chars().all(of_name) {
            return Err(PrefixError::Stream(stream.to_owned()));
        }
        let data = Prefix::parse(prefix)?;
        if data.0.contains(&Part::ErrorOutputType) {
            return Err(PrefixError::Expression(
                "!{firehose:error-output-type}".to_owned(),
            ));
        }
        let has_expressions = data.0.iter().any(|part| !matches!(part, Part::Text(_)));
        let errors = match error_prefix {
            Some(text) => Prefix::parse(text)?,
            None if has_expressions => return Err(PrefixError::ErrorOutputType),
            None => Prefix::parse(&format!("{prefix}!{{firehose:error-output-type}}/"))?,
        };
        if has_expressions && !errors.0.contains(&Part::ErrorOutputType) {
            return Err(PrefixError::ErrorOutputType);
        }
        let naming = Self {
            stream: stream.to_owned(),
            prefix: data.with_hour(),
            error_prefix: errors.with_hour(),
            extension,
        };
        // Times and ids change nothing of what makes a name good.
        let kinds = ErrorKind::ALL.map(|kind| naming.error_key(kind, 0, 0, Uuid::nil()));
        for key in [naming.data_key(0, 0, Uuid::nil())]
            .into_iter()
            .chain(kinds)
        {
            let is_name = !key.starts_with('/') && !key.contains(char::is_control);
            if !is_name || Path::parse(&key).is_err() {
                return Err(PrefixError::Name(key));
            }
            if key.starts_with("_hrload/") {
                return Err(PrefixError::Own);
            }
        }
        Ok(naming)
    }

    /// The key of an object whose oldest record arrived at `oldest_us`, closed
    /// at `closed_us` (microseconds since the Unix epoch).
    #[must_use]
    pub fn data_key(&self, oldest_us: u64, closed_us: u64, id: Uuid) -> String {
        let name = self.name(closed_us, id);
        format!(
            "{}{name}{}",
            self.prefix.at(oldest_us, id, ""),
            self.extension
        )
    }

    /// The same for records that are in no object of data. These objects are never
    /// compressed here; Firehose's guide does not say what it does.
    #[must_use]
    pub fn error_key(&self, kind: ErrorKind, oldest_us: u64, closed_us: u64, id: Uuid) -> String {
        let name = self.name(closed_us, id);
        format!("{}{name}", self.error_prefix.at(oldest_us, id, kind.name()))
    }

    fn name(&self, closed_us: u64, id: Uuid) -> String {
        let time = utc(closed_us).strftime("%Y-%m-%d-%H-%M-%S");
        format!("{}-{VERSION}-{time}-{id}", self.stream)
    }
}

fn utc(epoch_us: u64) -> jiff::Zoned {
    let timestamp = i64::try_from(epoch_us)
        .ok()
        .and_then(|us| Timestamp::from_microsecond(us).ok())
        .unwrap_or(Timestamp::MAX);
    timestamp.to_zoned(TimeZone::fixed(Offset::UTC))
}

impl Prefix {
    fn parse(text: &str) -> Result<Self, PrefixError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("!{") {
            let wrong = || PrefixError::Expression(rest[start..].to_owned());
            let end = start + rest[start..].find('}').ok_or_else(wrong)?;
            if start > 0 {
                parts.push(Part::Text(rest[..start].to_owned()));
            }
            parts.push(match rest[start + 2..end].split_once(':') {
                Some(("timestamp", pattern)) => Part::Timestamp(fields(pattern)?),
                Some(("firehose", "random-string")) => Part::RandomString,
                Some(("firehose", "error-output-type")) => Part::ErrorOutputType,
                _ => return Err(PrefixError::Expression(rest[start..=end].to_owned())),
            });
            rest = &rest[end + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    fn with_hour(mut self) -> Self {
        let dated = (self.0.iter()).any(|part| matches!(part, Part::Timestamp(_)));
        if !dated && let Ok(hour) = fields("yyyy/MM/dd/HH/") {
            self.0.push(Part::Timestamp(hour));
        }
        self
    }

    fn at(&self, epoch_us: u64, id: Uuid, error: &str) -> String {
        let time = utc(epoch_us);
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                // Firehose's has eleven characters; the object's own id is random enough.
                Part::RandomString => out.push_str(&id.simple().to_string()[..11]),
                Part::ErrorOutputType => out.push_str(error),
                Part::Timestamp(fields) => {
                    for field in fields {
                        field.write(&time, &mut out);
                    }
                }
            }
        }
        out
    }
}

fn fields(pattern: &str) -> Result<Vec<Field>, PrefixError> {
    let wrong = || PrefixError::Pattern(pattern.to_owned());
    let mut fields = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(first) = chars.next() {
        match first {
            '\'' => {
                let quoted: String = chars.by_ref().take_while(|c| *c != '\'').collect();
                // Two quotes stand for one.
                let text = if quoted.is_empty() {
                    "'".to_owned()
                } else {
                    quoted
                };
                fields.push(Field::Text(text));
            }
            letter if letter.is_ascii_alphabetic() => {
                let mut count = 1;
                while chars.next_if_eq(&letter).is_some() {
                    count += 1;
                }
                match (letter, count) {
                    ('y' | 'M' | 'd' | 'H' | 'm' | 's', 2) | ('y', 4) | ('D', 3) => {}
                    _ => return Err(wrong()),
                }
                fields.push(Field::Letter(letter, count));
            }
            other => fields.push(Field::Text(other.to_string())),
        }
    }
    Ok(fields)
}

impl Field {
    fn write(&self, time: &jiff::Zoned, out: &mut String) {
        let (value, width) = match self {
            Field::Text(text) => {
                out.push_str(text);
                return;
            }
            Field::Letter('y', 2) => (time.year() % 100, 2),
            Field::Letter('y', _) => (time.year(), 4),
            Field::Letter('M', _) => (i16::from(time.month()), 2),
            Field::Letter('d', _) => (i16::from(time.day()), 2),
            Field::Letter('D', _) => (time.day_of_year(), 3),
            Field::Letter('H', _) => (i16::from(time.hour()), 2),
            Field::Letter('m', _) => (i16::from(time.minute()), 2),
            Field::Letter(..) => (i16::from(time.second()), 2),
        };
        out.push_str(&format!("{value:0width$}"));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// 2024-07-15T02:39:25Z.
    const OLDEST_US: u64 = 1_721_011_165_000_000;
    const CLOSED_US: u64 = OLDEST_US + 3_600_000_000;

    #[test]
    fn keys_are_those_of_firehose() {
        let tail = "hr-1-2024-07-15-03-39-25-00000000-0000-0000-0000-000000000000";
        for (prefix, errors, data_key, error_key) in [
            (
                "",
                None,
                "2024/07/15/02/",
                "processing-failed/2024/07/15/02/",
            ),
            (
                "raw/",
                None,
                "raw/2024/07/15/02/",
                "raw/processing-failed/2024/07/15/02/",
            ),
            (
                "raw/",
                Some("bad/"),
                "raw/2024/07/15/02/",
                "bad/2024/07/15/02/",
            ),
            (
                "y=!{timestamp:yyyy}/d=!{timestamp:DDD'th'HH}/",
                Some("!{firehose:error-output-type}/"),
                "y=2024/d=197th02/",
                "processing-failed/2024/07/15/02/",
            ),
            (
                "!{firehose:random-string}/",
                Some("e/!{firehose:error-output-type}-!{timestamp:yyMMdd''mmss}/"),
                "00000000000/2024/07/15/02/",
                "e/processing-failed-240715'3925/",
            ),
        ] {
            let naming = Naming::new("hr", prefix, errors, ".gz").unwrap();
            assert_eq!(
                naming.data_key(OLDEST_US, CLOSED_US, Uuid::nil()),
                format!("{data_key}{tail}.gz")
            );
            assert_eq!(
                naming.error_key(ErrorKind::Processing, OLDEST_US, CLOSED_US, Uuid::nil()),
                format!("{error_key}{tail}")
            );
        }
    }

    #[test]
    fn prefixes_that_firehose_refuses_are_refused() {
        for (prefix, errors) in [
            ("!{timestamp:yyyy}/", None),
            ("!{timestamp:yyyy}/", Some("bad/")),
            ("!{timestamp:EEE}/", Some("!{firehose:error-output-type}/")),
            (
                "!{partitionKeyFromQuery:x}/",
                Some("!{firehose:error-output-type}/"),
            ),
            ("!{firehose:error-output-type}/", None),
            ("!{timestamp:yyyy", None),
        ] {
            assert!(Naming::new("hr", prefix, errors, "").is_err(), "{prefix}");
        }
    }

    #[test]
    fn names_that_no_object_or_stream_can_have_are_refused() {
        let error = |prefix, errors| Naming::new("hr", prefix, errors, "").unwrap_err();
        for (prefix, errors) in [
            ("../up/", None),
            ("a//b/", None),
            ("/a/", None),
            ("./", None),
            ("a/\u{7}/", None),
            ("\u{87}0", None),
            ("a/", Some("../bad/")),
            ("a/", Some("bad//")),
            (
                "!{timestamp:yyyy//MM}/",
                Some("!{firehose:error-output-type}/"),
            ),
        ] {
            let error = error(prefix, errors);
            assert!(matches!(error, PrefixError::Name(_)), "{prefix}: {error}");
        }
        assert_eq!(error("_hrload/", None), PrefixError::Own);
        for good in ["a..b/", ".../", "a b/", "_x/", "\u{e9}/"] {
            assert!(Naming::new("hr", good, None, "").is_ok(), "{good}");
        }
        for stream in ["", "a/b", "../x", &"x".repeat(129)] {
            let error = Naming::new(stream, "", None, "").unwrap_err();
            assert_eq!(error, PrefixError::Stream(stream.to_owned()));
        }
    }
}
