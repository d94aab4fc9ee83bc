//! Places in a shard, as clients are handed them: sequence numbers and iterators.

use crate::Failure;

/// How long an iterator is good, in milliseconds
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html>).
const LIFE_MS: u64 = 15 * 60 * 1000;

/// Sequence numbers have at least 21 digits; so do these: the shard's number, counted
/// from one, and twenty digits of the record's index.
const SHARD: u128 = 100_000_000_000_000_000_000;

/// The sequence number of a shard's record.
pub(super) fn sequence_number(shard: u32, index: u64) -> String {
    ((u128::from(shard) + 1) * SHARD + u128::from(index)).to_string()
}

/// The index that a sequence number of this shard means.
pub(super) fn index_of(shard: u32, sequence_number: &str) -> Option<u64> {
    let number: u128 = sequence_number.parse().ok()?;
    (number / SHARD == u128::from(shard) + 1)
        .then(|| u64::try_from(number % SHARD).ok())
        .flatten()
}

/// A place from which to read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Iterator {
    pub(super) shard: u32,
    /// Index of the next record to read.
    pub(super) position: u64,
    /// It names a record that must still be there.
    pub(super) exact: bool,
    /// When it was made, in milliseconds since the Unix epoch.
    pub(super) issued_ms: u64,
}

impl Iterator {
    /// Its text: the stream's ARN, a version and the place.
    pub(super) fn write(&self, arn: &str) -> String {
        let mut bytes = [0; 21];
        bytes[..8].copy_from_slice(&self.issued_ms.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.position.to_be_bytes());
        bytes[16..20].copy_from_slice(&self.shard.to_be_bytes());
        bytes[20] = u8::from(self.exact);
        let place = base64_simd::STANDARD.encode_to_string(bytes);
        format!("{arn}|1|{place}")
    }

    /// Reads a text; returns the stream's ARN beside the place.
    pub(super) fn read(text: &str, now_ms: u64) -> Result<(&str, Self), Failure> {
        let wrong = || Failure::validation("Invalid ShardIterator");
        let (arn, place) = text.split_once("|1|").ok_or_else(wrong)?;
        let bytes = base64_simd::STANDARD
            .decode_to_vec(place)
            .map_err(|_| wrong())?;
        let bytes: [u8; 21] = bytes.try_into().map_err(|_| wrong())?;
        let number = |bytes: &[u8]| bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
        let iterator = Self {
            issued_ms: number(&bytes[..8]),
            position: number(&bytes[8..16]),
            shard: number(&bytes[16..20]) as u32,
            exact: bytes[20] != 0,
        };
        if now_ms.saturating_sub(iterator.issued_ms) > LIFE_MS {
            return Err(Failure::new(
                "ExpiredIteratorException",
                "Shard iterator has expired: it is good for 15 minutes",
            ));
        }
        Ok((arn, iterator))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sequence_numbers_are_long_enough_and_belong_to_their_shard() {
        for (shard, index) in [(0, 1), (3, 17), (u32::MAX, u64::MAX)] {
            let number = sequence_number(shard, index);
            assert!((21..=40).contains(&number.len()), "{number}");
            assert_eq!(index_of(shard, &number), Some(index));
            assert_eq!(index_of(shard ^ 1, &number), None);
        }
        assert_eq!(index_of(0, "12a"), None);
    }

    #[test]
    fn an_iterator_is_read_as_it_was_written_until_it_expires() {
        let iterator = Iterator {
            shard: 7,
            position: 1 << 40,
            exact: true,
            issued_ms: 1_721_011_165_891,
        };
        let arn = "arn:aws:dynamodb:eu-west-1:000000000000:table/t/stream/2026-01-31T12:34:56.789";
        let text = iterator.write(arn);
        let read = Iterator::read(&text, iterator.issued_ms + LIFE_MS).unwrap();
        assert_eq!(read, (arn, iterator));
        let late = Iterator::read(&text, iterator.issued_ms + LIFE_MS + 1).unwrap_err();
        assert_eq!(late.exception, "ExpiredIteratorException");
        for wrong in [
            "",
            "x",
            &text[..text.len() - 4],
            &text.replace("|1|", "|2|"),
        ] {
            let refused = Iterator::read(wrong, iterator.issued_ms).unwrap_err();
            assert_eq!(refused.exception, "ValidationException");
        }
    }
}
