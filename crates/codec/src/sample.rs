//! Change records as a person looks at them: whose heart rate it was, and when.
//!
//! In comes a record; out comes its [`Sample`], whichever layout wrote it, or why
//! it has none. Slower than what measuring reads ([`super::change`]), which finds an
//! id and leaves the item unread.

use std::borrow::Cow;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::DecodeError;
use super::change::{self, ChangeKind};
use super::decimal::{Decimal, integer};
use super::identity::{Identity, scalar};
use super::scan::{Raw, Scanner, unescape};
use hrload_workload::ReadingId;

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
    /// The item has decimals; `bpm` is the nearest whole number.
    pub is_rounded: bool,
}

/// Clocks of wearables and of services are taken to agree this well.
pub const CLOCKS_AGREE_US: u64 = 300_000_000;

impl Sample<'_> {
    /// Whether it says that it was taken well after its item was written: a clock
    /// that says so tells nothing about when that was.
    #[must_use]
    pub fn is_ahead(&self) -> bool {
        self.observed_us > self.created_us.saturating_add(CLOCKS_AGREE_US)
    }
}

/// Why a record is no sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSample {
    /// It is no change record, or its item is no reading.
    Other,
    /// Its item was deleted.
    Removal,
    /// Its heart rate is no number from 0 to 65,535.
    HeartRate,
    /// Its time is missing, or in no form that is known.
    Time,
}

/// An item as the layouts write it: the post's names, the time series', FHIR's.
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
            let is = |names: &[&str]| {
                let mut names = names.iter();
                names.any(|of| of.as_bytes().eq_ignore_ascii_case(name))
            };
            // Spelt in any case, as columns are.
            let place = if is(&["HeartRate", "bpm"]) {
                &mut item.bpm
            } else if is(&["SensorID", "device"]) {
                &mut item.device
            } else if is(&["ReportTime", "effectiveDateTime", "observed"]) {
                &mut item.observed
            } else if is(&["valueQuantity"]) {
                item.bpm = entry(scanner, b"value")?;
                return Ok(());
            } else {
                return scanner.skip().map(drop);
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

/// Reads a record, which is whole JSON.
///
/// # Errors
/// It has no sample.
pub fn read(record: &[u8]) -> Result<Sample<'_>, NoSample> {
    let mut scanner = Scanner::new(record);
    let scanned = change::scan::<Item<'_>>(&mut scanner);
    let (change, item) = scanned.map_err(|_| NoSample::Other)?;
    if change.kind == ChangeKind::Remove {
        return Err(NoSample::Removal);
    }
    let (Some(device), Some(bpm)) = (item.device, item.bpm) else {
        return Err(NoSample::Other);
    };
    let (bpm, is_rounded) = heart_rate(bpm.trim_ascii()).ok_or(NoSample::HeartRate)?;
    let observed = item.observed.and_then(moment);
    Ok(Sample {
        device: self::device(device),
        bpm,
        observed_us: observed.ok_or(NoSample::Time)?,
        intended_us: change.reading.map(|id| id.intended_us),
        created_us: change.created_us,
        is_rounded,
    })
}

/// A heart rate, and whether it had decimals.
fn heart_rate(text: Raw<'_>) -> Option<(u16, bool)> {
    let bpm = Decimal::parse(text)?;
    let whole = u16::try_from(bpm.scaled(0)?).ok()?;
    let is_whole = bpm.scaled(9) == Some(u64::from(whole) * 1_000_000_000);
    Some((whole, !is_whole))
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

/// The post's `date +%D%T`, which is month first, with or without a space
/// between; RFC 3339; or a number since the Unix epoch, whose size tells its unit:
/// today is 1.7e9 seconds, 1.7e12 milliseconds, 1.7e15 microseconds and 1.7e18
/// nanoseconds after it.
fn moment(text: Raw<'_>) -> Option<u64> {
    if text.get(2) == Some(&b'/') {
        return seeds_moment(text);
    }
    if let Some(number) = Decimal::parse(text) {
        return number.scaled(match number.scaled(0)? {
            0..100_000_000_000 => 6,
            100_000_000_000..100_000_000_000_000 => 3,
            100_000_000_000_000..100_000_000_000_000_000 => 0,
            _ => -3,
        });
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
    use hrload_workload::{DeviceClass, Motion, Reading, ReadingId};

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
        for layout in [Layout::Post, Layout::TimeSeries, Layout::Fhir] {
            let record = record(layout);
            let sample = read(&record).unwrap();
            let expected = Sample {
                device: "12".into(),
                bpm: 71,
                observed_us: 1_721_011_165_000_000,
                intended_us: Some(1_721_011_165_891_550),
                created_us: 1_721_011_166_000_000,
                is_rounded: false,
            };
            assert_eq!(sample, expected, "{layout:?}");
            assert!(!sample.is_ahead());
        }
    }

    fn seeds(bpm: &str, time: &str) -> String {
        format!(
            "{{\"eventName\":\"INSERT\",\"dynamodb\":{{\"ApproximateCreationDateTime\":1721011166,\
             \"NewImage\":{{\"sensorid\":{{\"S\":\"3\"}},\"HEARTRATE\":{{\"S\":\"{bpm}\"}},\
             \"ReportTime\":{{\"S\":\"{time}\"}}}}}}}}"
        )
    }

    #[test]
    fn what_is_no_sample_says_which_part_of_it_is_not() {
        let time = "07/15/2402:39:25";
        for (record, expected) in [
            (seeds("71", time), Ok((71, false, false))),
            (seeds(" 71.0 ", time), Ok((71, false, false))),
            (seeds("72.5", time), Ok((73, true, false))),
            (seeds("72.0001", time), Ok((72, true, false))),
            (seeds("71", "07/15/2402:44:26"), Ok((71, false, false))),
            (seeds("71", "07/15/2402:44:27"), Ok((71, false, true))),
            (seeds("71", "02/07/36 06:28:15"), Ok((71, false, true))),
            (seeds("-71", time), Err(NoSample::HeartRate)),
            (seeds("70000", time), Err(NoSample::HeartRate)),
            (seeds("fast", time), Err(NoSample::HeartRate)),
            (seeds("", time), Err(NoSample::HeartRate)),
            (seeds("71", "15/07/24 02:39:25"), Err(NoSample::Time)),
            (seeds("71", ""), Err(NoSample::Time)),
            (
                seeds("71", time).replace("INSERT", "REMOVE"),
                Err(NoSample::Removal),
            ),
            (
                seeds("71", time).replace("HEARTRATE", "pulse"),
                Err(NoSample::Other),
            ),
            ("{}".to_owned(), Err(NoSample::Other)),
        ] {
            let found = read(record.as_bytes());
            let found = found.map(|of| (of.bpm, of.is_rounded, of.is_ahead()));
            assert_eq!(found, expected, "{record}");
        }
    }

    #[test]
    fn moments_are_read_month_first_as_the_seed_writes_them() {
        for (text, expected) in [
            ("07/15/2402:39:25", Some(1_721_011_165_000_000)),
            ("07/15/24 02:39:25", Some(1_721_011_165_000_000)),
            ("2024-07-15T02:39:25Z", Some(1_721_011_165_000_000)),
            ("1721011165", Some(1_721_011_165_000_000)),
            ("1721011165.25", Some(1_721_011_165_250_000)),
            ("1721011165000", Some(1_721_011_165_000_000)),
            ("1721011165000000", Some(1_721_011_165_000_000)),
            ("1721011165000000000", Some(1_721_011_165_000_000)),
            ("99999999999999999999", None),
            ("-1", None),
            ("15/07/24 02:39:25", None),
            ("soon", None),
            ("ü7/15/24", None),
        ] {
            assert_eq!(moment(text.as_bytes()), expected, "{text}");
        }
    }
}
