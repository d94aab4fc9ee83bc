//! The id of a reading, as text and within an item.

use super::DecodeError;
use super::decimal::{Decimal, integer};
use super::layout;
use super::name::Name;
use super::scan::{Raw, Scanner};
use hrload_workload::ReadingId;

// The attributes that carry a reading's identity, as they stand in items.
const ID: &[u8] = layout::ID.text.as_bytes();
const DEVICE: &[u8] = layout::DEVICE.text.as_bytes();
const INTENDED: &[u8] = layout::INTENDED.text.as_bytes();
const SEQUENCE: &[u8] = layout::SEQUENCE.text.as_bytes();

/// Reads an id as [`Text`](super::Text) writes it; `None` for anything else.
pub(super) fn parse_id(text: &[u8]) -> Option<ReadingId> {
    let point = text.iter().position(|&b| b == b'.')?;
    let (seconds, rest) = (&text[..point], &text[point + 1..]);
    if rest.get(6) != Some(&b'-') {
        return None;
    }
    let (micros, rest) = (&rest[..6], &rest[7..]);
    let dash = rest.iter().position(|&b| b == b'-')?;
    let intended_us = integer(seconds)?
        .checked_mul(1_000_000)?
        .checked_add(integer(micros)?)?;
    Some(ReadingId {
        intended_us,
        device: u32::try_from(integer(&rest[..dash])?).ok()?,
        sequence: u32::try_from(integer(&rest[dash + 1..])?).ok()?,
    })
}

/// A string or a number, as an attribute's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// `S`.
    Text(&'a str),
    /// `N`.
    Number(&'a str),
}

/// Which reading an item is, in whichever layout; `attribute` gives the item's values
/// by name. `None` if it is none of hrload's.
#[must_use]
pub fn reading_of<'a>(attribute: impl Fn(&str) -> Option<Scalar<'a>>) -> Option<ReadingId> {
    Identity::of(attribute).reading()
}

/// What the attributes of an item say about which reading it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Identity {
    id: Option<ReadingId>,
    device: Option<u32>,
    intended_us: Option<u64>,
    sequence: Option<u32>,
}

impl Identity {
    /// Reads an item in DynamoDB JSON (`{"id":{"S":"..."},...}`).
    #[inline(always)]
    pub(super) fn scan(scanner: &mut Scanner<'_>) -> Result<Self, DecodeError> {
        let mut found = Self::default();
        scanner.object(|scanner, name| {
            match name {
                ID => {
                    if let Some((b"S", text)) = scalar(scanner)? {
                        found.id = parse_id(text);
                    }
                }
                DEVICE => {
                    if let Some((b"S", text)) = scalar(scanner)? {
                        found.device = parse_device(text);
                    }
                }
                INTENDED => {
                    if let Some((b"N", text)) = scalar(scanner)? {
                        found.intended_us = parse_whole(text);
                    }
                }
                SEQUENCE => {
                    if let Some((b"N", text)) = scalar(scanner)? {
                        found.sequence = parse_whole(text).and_then(|n| u32::try_from(n).ok());
                    }
                }
                _ => {
                    scanner.skip()?;
                }
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Reads an item whose attributes are there to be asked for.
    fn of<'a>(attribute: impl Fn(&str) -> Option<Scalar<'a>>) -> Self {
        let text = |name: Name| match attribute(name.text)? {
            Scalar::Text(text) => Some(text.as_bytes()),
            Scalar::Number(_) => None,
        };
        let whole = |name: Name| match attribute(name.text)? {
            Scalar::Number(number) => parse_whole(number.as_bytes()),
            Scalar::Text(_) => None,
        };
        Self {
            id: text(layout::ID).and_then(parse_id),
            device: text(layout::DEVICE).and_then(parse_device),
            intended_us: whole(layout::INTENDED),
            sequence: whole(layout::SEQUENCE).and_then(|n| u32::try_from(n).ok()),
        }
    }

    /// The reading, by its `id` (layouts `post` and `fhir`).
    pub(super) fn by_id(self) -> Option<ReadingId> {
        self.id
    }

    /// The reading, by device, time and sequence (layout `timeseries`).
    pub(super) fn by_time(self) -> Option<ReadingId> {
        Some(ReadingId {
            intended_us: self.intended_us?,
            device: self.device?,
            sequence: self.sequence?,
        })
    }

    /// The reading, in whichever layout.
    pub(super) fn reading(self) -> Option<ReadingId> {
        self.by_id().or_else(|| self.by_time())
    }
}

fn parse_device(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(layout::DEVICE_PREFIX.as_bytes());
    digits.and_then(parse_u32)
}

fn parse_whole(number: &[u8]) -> Option<u64> {
    Decimal::parse(number).and_then(|n| n.scaled(0))
}

fn parse_u32(digits: &[u8]) -> Option<u32> {
    u32::try_from(integer(digits)?).ok()
}

/// Reads an attribute value. `None` unless it is one string or number
/// (`{"S":"text"}`), whose type and text are returned.
#[inline(always)]
pub(super) fn scalar<'a>(
    scanner: &mut Scanner<'a>,
) -> Result<Option<(Raw<'a>, Raw<'a>)>, DecodeError> {
    if scanner.peek() != Some(b'{') {
        scanner.skip()?;
        return Ok(None);
    }
    let mut value = None;
    scanner.object(|scanner, kind| {
        if scanner.peek() == Some(b'"') {
            value = Some((kind, scanner.string()?));
        } else {
            scanner.skip()?;
        }
        Ok(())
    })?;
    Ok(value)
}
