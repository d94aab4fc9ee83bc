//! Change records as a person looks at them: whose heart rate it was, and when.
//!
//! In come the bytes of an object of the lake, or of one record of the stream;
//! out come [`Sample`]s, whichever layout wrote them. Slower than what measuring
//! reads ([`super::change`]), which finds an id and leaves the item unread.

use std::borrow::Cow;
use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::StreamDeserializer;
use serde_json::de::SliceRead;

use super::change::{self, ChangeKind};

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

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    dynamodb: Changed<'a>,
}

#[derive(Deserialize)]
struct Changed<'a> {
    #[serde(borrow, rename = "NewImage")]
    new_image: Option<Item<'a>>,
}

/// What the layouts call it: the seed's names, the time series', FHIR's.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, rename = "HeartRate")]
    heart_rate: Option<Value<'a>>,
    #[serde(borrow, rename = "SensorID")]
    sensor: Option<Value<'a>>,
    #[serde(borrow, rename = "ReportTime")]
    report_time: Option<Value<'a>>,
    #[serde(borrow)]
    bpm: Option<Value<'a>>,
    #[serde(borrow)]
    device: Option<Value<'a>>,
    #[serde(borrow)]
    observed: Option<Value<'a>>,
    #[serde(borrow, rename = "valueQuantity")]
    quantity: Option<Value<'a>>,
    #[serde(borrow, rename = "effectiveDateTime")]
    effective: Option<Value<'a>>,
}

/// An attribute value, of the types that readings have.
#[derive(Deserialize)]
struct Value<'a> {
    #[serde(borrow, rename = "S")]
    string: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "N")]
    number: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "M")]
    map: Option<Box<Entries<'a>>>,
}

#[derive(Deserialize)]
struct Entries<'a> {
    #[serde(borrow)]
    value: Option<Value<'a>>,
    #[serde(borrow)]
    reference: Option<Value<'a>>,
}

impl<'a> Value<'a> {
    fn text(self) -> Option<Cow<'a, str>> {
        self.string.or(self.number)
    }
}

/// The samples in `bytes`: records one behind the other, with or without
/// newlines. What is whole JSON and no reading counts as passed over; behind
/// what is no JSON nothing can be told apart any more.
pub struct Samples<'a> {
    bytes: &'a [u8],
    records: StreamDeserializer<'a, SliceRead<'a>, &'a serde_json::value::RawValue>,
    /// Records that are no reading.
    pub passed_over: u64,
    /// Where the text stopped being JSON, in bytes from its start.
    pub broken_at: Option<usize>,
}

impl fmt::Debug for Samples<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Samples")
            .field("passed_over", &self.passed_over)
            .field("broken_at", &self.broken_at)
            .finish_non_exhaustive()
    }
}

impl<'a> Samples<'a> {
    /// Those of an object, or of a record.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            records: serde_json::Deserializer::from_slice(bytes).into_iter(),
            passed_over: 0,
            broken_at: None,
        }
    }
}

impl Samples<'_> {
    /// How far the text was read, in bytes from its start.
    #[must_use]
    pub fn read_bytes(&self) -> usize {
        self.records.byte_offset()
    }
}

impl<'a> Iterator for Samples<'a> {
    type Item = Sample<'a>;

    fn next(&mut self) -> Option<Sample<'a>> {
        while self.broken_at.is_none() && self.records.byte_offset() < self.bytes.len() {
            match self.records.next()? {
                Ok(record) => match sample(record.get()) {
                    Some(sample) => return Some(sample),
                    None => self.passed_over += 1,
                },
                Err(_) => self.broken_at = Some(self.records.byte_offset()),
            }
        }
        None
    }
}

fn sample(record: &str) -> Option<Sample<'_>> {
    let change = change::decode(record.as_bytes()).ok()?;
    if change.kind == ChangeKind::Remove {
        return None;
    }
    let item: Record<'_> = serde_json::from_str(record).ok()?;
    let item = item.dynamodb.new_image?;
    let nested = |value: Value<'_>| value.map?.value?.text().map(Cow::into_owned);
    let bpm = item.heart_rate.or(item.bpm).and_then(Value::text);
    let bpm = match bpm {
        Some(bpm) => bpm.trim().parse().ok()?,
        None => nested(item.quantity?)?.parse().ok()?,
    };
    let observed = item.report_time.or(item.effective).or(item.observed)?;
    Some(Sample {
        device: device(item.sensor.or(item.device)?)?,
        bpm,
        observed_us: moment(&observed.text()?)?,
        intended_us: change.reading.map(|id| id.intended_us),
        created_us: change.created_us,
    })
}

/// `12`, of whichever `12`, `d-0000012` or `Device/d-0000012`.
fn device(value: Value<'_>) -> Option<Cow<'_, str>> {
    let text = match value.map {
        Some(entries) => entries.reference?.text()?,
        None => value.string.or(value.number)?,
    };
    Some(match text.rsplit_once("d-") {
        Some((_, number)) => match number.trim_start_matches('0') {
            "" => "0".into(),
            number => Cow::Owned(number.to_owned()),
        },
        None => text,
    })
}

/// The seed's `date +%D%T`, which is month first, with or without a space
/// between; RFC 3339; or microseconds since the Unix epoch.
fn moment(text: &str) -> Option<u64> {
    if let Ok(us) = text.parse::<u64>() {
        return Some(us);
    }
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return u64::try_from(time.as_microsecond()).ok();
    }
    let (day, time) = text.split_at_checked(8)?;
    let number = |text: &str, from: usize| text.get(from..from + 2)?.parse::<i8>().ok();
    let time = time.trim_start();
    let at = DateTime::new(
        2_000 + i16::from(number(day, 6)?),
        number(day, 0)?,
        number(day, 3)?,
        number(time, 0)?,
        number(time, 3)?,
        number(time, 6)?,
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
            assert_eq!(moment(text), expected, "{text}");
        }
    }
}
