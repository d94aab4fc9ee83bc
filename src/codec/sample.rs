//! Change records as a person looks at them: whose heart rate it was, and when.
//!
//! In come the bytes of an object of the lake, or of one record of the stream;
//! out come [`Sample`]s, whichever layout wrote them. Slower than what measuring
//! reads ([`super::change`]), which finds an id and leaves the item unread.

use std::borrow::Cow;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::DecodeError;
use super::change::{self, ChangeKind};
use super::decimal::integer;
use super::identity::{Identity, scalar};
use super::scan::{Raw, Scanner, unescape};
use crate::workload::ReadingId;

/// One reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'a> {
    /// The wearable, as its items name it: a number where hrload wrote them.
    pub device: Cow<'a, str>,
    /// Beats a minute.
    pub bpm: u16,
    /// When it was taken, by the item, in microseconds since the Unix epoch.
    pub observed_us: u64,
    /// When it was due to be sent; `None` where hrload did not write it.
    pub intended_us: Option<u64>,
    /// When the item was written, by the change record.
    pub created_us: u64,
}

/// An item as the layouts write it: the seed's names, the time series', FHIR's.
#[derive(Default)]
struct Item<'a> {
    identity: Identity,
    bpm: Option<Raw<'a>>,
    device: Option<Raw<'a>>,
    observed: Option<Raw<'a>>,
}

impl<'a> change::Image<'a> for Item<'a> {
    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, DecodeError> {
        let mut item = Self {
            identity: Identity::scan(&mut scanner.clone())?,
            ..Self::default()
        };
        scanner.object(|scanner, name| {
            let place = match name {
                b"HeartRate" | b"bpm" => &mut item.bpm,
                b"SensorID" | b"device" => &mut item.device,
                b"ReportTime" | b"effectiveDateTime" | b"observed" => &mut item.observed,
                b"valueQuantity" => {
                    item.bpm = entry(scanner, b"value")?;
                    return Ok(());
                }
                _ => return scanner.skip().map(drop),
            };
            let value = scanner.clone();
            *place = match scalar(scanner)? {
                Some((_, text)) => Some(text),
                // FHIR's device is a reference to one.
                None => entry(&mut { value }, b"reference")?,
            };
            Ok(())
        })?;
        Ok(item)
    }

    fn reading(&self) -> Option<ReadingId> {
        self.identity.reading()
    }
}

/// An entry of a map (`{"M":{"name":{"S":"text"}}}`), if it is one string or number.
fn entry<'a>(scanner: &mut Scanner<'a>, wanted: &[u8]) -> Result<Option<Raw<'a>>, DecodeError> {
    if scanner.peek() != Some(b'{') {
        return scanner.skip().map(|_| None);
    }
    let mut found = None;
    scanner.object(|scanner, kind| {
        if kind != b"M" || scanner.peek() != Some(b'{') {
            return scanner.skip().map(drop);
        }
        scanner.object(|scanner, name| {
            let value = scalar(scanner)?;
            if name == wanted {
                found = value.map(|(_, text)| text);
            }
            Ok(())
        })
    })?;
    Ok(found)
}

/// The samples in `bytes`: records one behind the other, with or without
/// newlines. What is whole JSON and no reading counts as passed over; behind
/// what is no JSON nothing can be told apart any more.
#[derive(Debug)]
pub struct Samples<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Records that are no reading.
    pub passed_over: u64,
    /// Where the text stopped being JSON, in bytes from its start.
    pub broken_at: Option<usize>,
}

impl<'a> Samples<'a> {
    /// Those of an object, or of a record.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            passed_over: 0,
            broken_at: None,
        }
    }

    /// How far the text was read, in bytes from its start.
    #[must_use]
    pub fn read_bytes(&self) -> usize {
        self.at
    }

    /// Steps over the value that stands there, which is no change record. A value
    /// over several lines is none of theirs: a record that was cut off, and what
    /// stands behind it.
    fn pass_over(&mut self, value: &mut Scanner<'a>) {
        let from = value.at();
        match value.skip() {
            Ok(value) if memchr::memchr(b'\n', value).is_none() => {
                self.passed_over += 1;
                self.at = from + value.len();
            }
            _ => self.broken_at = Some(from),
        }
    }
}

impl<'a> Iterator for Samples<'a> {
    type Item = Sample<'a>;

    fn next(&mut self) -> Option<Sample<'a>> {
        while self.broken_at.is_none() {
            let mut scanner = Scanner::new(self.bytes);
            scanner.go_to(self.at);
            if scanner.peek().is_none() {
                self.at = self.bytes.len();
                return None;
            }
            let mut value = scanner.clone();
            match change::scan::<Item<'_>>(&mut scanner) {
                Err(_) => self.pass_over(&mut value),
                Ok((change, item)) => {
                    self.at = scanner.at();
                    match sample(&change, item) {
                        Some(sample) => return Some(sample),
                        None => self.passed_over += 1,
                    }
                }
            }
        }
        None
    }
}

fn sample<'a>(change: &change::Change<'a>, item: Item<'a>) -> Option<Sample<'a>> {
    if change.kind == ChangeKind::Remove {
        return None;
    }
    Some(Sample {
        device: device(item.device?),
        bpm: u16::try_from(integer(item.bpm?.trim_ascii())?).ok()?,
        observed_us: moment(item.observed?)?,
        intended_us: change.reading.map(|id| id.intended_us),
        created_us: change.created_us,
    })
}

/// `12`, of whichever `12`, `d-0000012` or `Device/d-0000012`.
fn device(text: Raw<'_>) -> Cow<'_, str> {
    let number = match text.windows(2).rposition(|two| two == b"d-") {
        Some(prefix) => {
            let number = &text[prefix + 2..];
            let zeros = number.iter().take_while(|digit| **digit == b'0').count();
            &number[zeros.min(number.len().saturating_sub(1))..]
        }
        None => text,
    };
    match std::str::from_utf8(number) {
        Ok(plain) if !plain.contains('\\') => Cow::Borrowed(plain),
        _ => Cow::Owned(unescape(number)),
    }
}

/// The seed's `date +%D%T`, which is month first, with or without a space
/// between; RFC 3339; or microseconds since the Unix epoch.
fn moment(text: Raw<'_>) -> Option<u64> {
    if text.get(2) == Some(&b'/') {
        return seeds_moment(text);
    }
    if let Some(us) = integer(text) {
        return Some(us);
    }
    let time = std::str::from_utf8(text).ok()?;
    let time: jiff::Timestamp = time.parse().ok()?;
    u64::try_from(time.as_microsecond()).ok()
}

fn seeds_moment(text: Raw<'_>) -> Option<u64> {
    let (day, time) = text.split_at_checked(8)?;
    let number = |text: Raw<'_>, from: usize| integer(text.get(from..from + 2)?);
    let small = |text: Raw<'_>, from: usize| i8::try_from(number(text, from)?).ok();
    let time = time.trim_ascii_start();
    let at = DateTime::new(
        2_000 + i16::try_from(number(day, 6)?).ok()?,
        small(day, 0)?,
        small(day, 3)?,
        small(time, 0)?,
        small(time, 3)?,
        small(time, 6)?,
        0,
    );
    let at = at.ok()?.to_zoned(TimeZone::UTC).ok()?;
    u64::try_from(at.timestamp().as_microsecond()).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::{Layout, item};
    use super::*;
    use crate::workload::{DeviceClass, Motion, Reading, ReadingId};

    fn record(layout: Layout) -> Vec<u8> {
        let reading = Reading {
            id: ReadingId {
                intended_us: 1_721_011_165_891_550,
                device: 12,
                sequence: 3,
            },
            observed_us: 1_721_011_165_000_000,
            bpm: 71,
            sensor: 12,
            motion: Motion::Active,
            class: DeviceClass::Garmin,
        };
        let mut image = Vec::new();
        item::encode(&mut image, layout, &reading);
        let mut record = Vec::new();
        change::encode(
            &mut record,
            &change::ChangeImage {
                region: "us-west-2",
                event_id: 1,
                kind: ChangeKind::Insert,
                table: "t",
                created_us: 1_721_011_166_000_000,
                precision: None,
                keys: b"{}",
                new_image: Some(&image),
                old_image: None,
                size_bytes: 1,
            },
        );
        record
    }

    #[test]
    fn readings_of_every_layout_are_the_same_sample() {
        for layout in [Layout::Seed, Layout::TimeSeries, Layout::Fhir] {
            let record = record(layout);
            let mut samples = Samples::of(&record);
            let sample = samples.next().unwrap();
            let expected = Sample {
                device: "12".into(),
                bpm: 71,
                observed_us: 1_721_011_165_000_000,
                intended_us: Some(1_721_011_165_891_550),
                created_us: 1_721_011_166_000_000,
            };
            assert_eq!(sample, expected, "{layout:?}");
            assert_eq!(samples.next(), None);
        }
    }

    #[test]
    fn records_stand_apart_with_newlines_and_without_and_others_are_passed_over() {
        let one = record(Layout::Seed);
        let other = b"{\"eventName\":\"REMOVE\"} 7 \"text\"".to_vec();
        for between in [&b""[..], b"\n"] {
            let text = [&one[..], between, &one, between, &other, between, &one].concat();
            let mut samples = Samples::of(&text);
            assert_eq!(samples.by_ref().count(), 3);
            assert_eq!((samples.passed_over, samples.broken_at), (3, None));
        }
        let text = [&one[..], b"{\"dynamodb\":", &one[..5]].concat();
        let mut samples = Samples::of(&text);
        assert_eq!(samples.by_ref().count(), 1);
        assert!(samples.broken_at.is_some());
    }

    #[test]
    fn moments_are_read_month_first_as_the_seed_writes_them() {
        for (text, expected) in [
            ("07/15/2402:39:25", Some(1_721_011_165_000_000)),
            ("07/15/24 02:39:25", Some(1_721_011_165_000_000)),
            ("2024-07-15T02:39:25Z", Some(1_721_011_165_000_000)),
            ("1721011165000000", Some(1_721_011_165_000_000)),
            ("15/07/24 02:39:25", None),
            ("soon", None),
            ("ü7/15/24", None),
        ] {
            assert_eq!(moment(text.as_bytes()), expected, "{text}");
        }
    }
}
