//! GetRecords answers, read without building a tree.

use super::DecodeError;
use super::decimal::Decimal;
use super::scan::{Raw, Scanner, unescape};

/// One record of a page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PageRecord<'a> {
    /// Decoded data.
    pub data: &'a [u8],
    /// `ApproximateArrivalTimestamp` in microseconds since the Unix epoch (it is
    /// given to the millisecond).
    pub arrived_us: u64,
    /// Sequence number, decimal.
    pub sequence_number: &'a [u8],
}

/// What a page says besides its records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageEnd {
    /// The next iterator; `None` at the end of a closed shard.
    pub next_iterator: Option<String>,
    /// How far the reader is behind the tip of the shard.
    pub millis_behind_latest: u64,
    /// Shards that continue a closed one: shard ids.
    pub child_shards: Vec<String>,
}

/// Reads a GetRecords answer, decoding each record's base64 into `scratch`
/// (reused) and handing it to `each`. Warm, it allocates only for the iterator
/// and the children, once a page.
///
/// # Errors
/// The body is not a GetRecords answer. Records before the fault have been
/// handed over.
pub fn decode(
    body: &[u8],
    scratch: &mut Vec<u8>,
    mut each: impl FnMut(PageRecord<'_>),
) -> Result<PageEnd, DecodeError> {
    let mut end = PageEnd::default();
    let mut has_records = false;
    let mut scanner = Scanner::new(body);
    scanner.object(|scanner, name| {
        match (name, scanner.peek()) {
            (b"Records", _) => {
                has_records = true;
                scanner.array(|scanner| record(scanner, scratch, &mut each))?;
            }
            (b"NextShardIterator", Some(b'"')) => {
                end.next_iterator = Some(unescape(scanner.string()?));
            }
            (b"MillisBehindLatest", Some(b'0'..=b'9')) => {
                end.millis_behind_latest = Decimal::parse(scanner.number()?)
                    .and_then(|behind| behind.scaled(0))
                    .ok_or_else(|| scanner.error("milliseconds"))?;
            }
            (b"ChildShards", Some(b'[')) => {
                scanner.array(|scanner| child_shard(scanner, &mut end.child_shards))?;
            }
            _ => {
                scanner.skip()?;
            }
        }
        Ok(())
    })?;
    scanner.finish()?;
    if has_records {
        Ok(end)
    } else {
        Err(scanner.error("Records"))
    }
}

fn record(
    scanner: &mut Scanner<'_>,
    scratch: &mut Vec<u8>,
    each: &mut impl FnMut(PageRecord<'_>),
) -> Result<(), DecodeError> {
    let mut data = None;
    let mut arrived_us = None;
    let mut sequence_number: Raw<'_> = b"";
    scanner.object(|scanner, name| {
        match name {
            b"Data" => data = Some(scanner.string()?),
            b"SequenceNumber" => sequence_number = scanner.string()?,
            b"ApproximateArrivalTimestamp" => {
                // Seconds, as a number.
                arrived_us = Decimal::parse(scanner.number()?).and_then(|t| t.scaled(6));
            }
            _ => {
                scanner.skip()?;
            }
        }
        Ok(())
    })?;
    let (Some(data), Some(arrived_us)) = (data, arrived_us) else {
        return Err(scanner.error("a record with Data and ApproximateArrivalTimestamp"));
    };
    let data = decode_base64(data, scratch).ok_or_else(|| scanner.error("base64"))?;
    each(PageRecord {
        data,
        arrived_us,
        sequence_number,
    });
    Ok(())
}

fn child_shard(scanner: &mut Scanner<'_>, children: &mut Vec<String>) -> Result<(), DecodeError> {
    scanner.object(|scanner, name| {
        if name == b"ShardId" {
            children.push(unescape(scanner.string()?));
            return Ok(());
        }
        scanner.skip().map(drop)
    })
}

fn decode_base64<'a>(encoded: Raw<'_>, scratch: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    let unescaped; // some JSON writers escape the slash, which base64 uses
    let encoded = if memchr::memchr(b'\\', encoded).is_some() {
        unescaped = unescape(encoded);
        unescaped.as_bytes()
    } else {
        encoded
    };
    let room = base64_simd::STANDARD.estimated_decoded_length(encoded.len());
    if scratch.len() < room {
        scratch.resize(room, 0);
    }
    let room = base64_simd::Out::from_slice(scratch.as_mut_slice());
    base64_simd::STANDARD
        .decode(encoded, room)
        .ok()
        .map(|decoded| &*decoded)
}
