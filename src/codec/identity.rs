//! The id of a reading, as text and within an item.

use super::DecodeError;
use super::decimal::{Decimal, integer};
use super::layout;
use super::scan::{Raw, Scanner};
use crate::workload::ReadingId;

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
                        found.device = text
                            .strip_prefix(layout::DEVICE_PREFIX.as_bytes())
                            .and_then(parse_u32);
                    }
                }
                INTENDED => {
                    if let Some((b"N", text)) = scalar(scanner)? {
                        found.intended_us = Decimal::parse(text).and_then(|n| n.scaled(0));
                    }
                }
                SEQUENCE => {
                    if let Some((b"N", text)) = scalar(scanner)? {
                        found.sequence = Decimal::parse(text)
                            .and_then(|n| n.scaled(0))
                            .and_then(|n| u32::try_from(n).ok());
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

    /// The reading, by its `id` (layouts `seed` and `fhir`).
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
