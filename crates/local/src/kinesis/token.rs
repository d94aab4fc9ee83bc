//! Opaque texts handed to clients: shard iterators and page tokens. All state
//! is in the text, so the service remembers nothing of its readers.

use std::hash::{BuildHasher, Hasher};

use super::Failure;
use super::request::invalid;

/// How long iterators and page tokens are good, in milliseconds.
const LIFE_MS: u64 = 300_000;

/// A place in a shard from which to read on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ShardIterator<'a> {
    pub(super) stream: &'a str,
    /// Tells a stream from an earlier one of the same name.
    pub(super) stream_created_us: u64,
    pub(super) shard: u32,
    /// Index of the next record to read.
    pub(super) position: u64,
    /// When the iterator was made, in milliseconds since the Unix epoch.
    pub(super) issued_ms: u64,
}

/// Bytes before the stream's name: version, checksum, then four numbers.
const HEADER_BYTES: usize = 8 + 8 + 8 + 8 + 8 + 4;
/// The service's iterators begin with these bytes, too.
const VERSION: [u8; 8] = [0, 0, 0, 0, 0, 0, 0, 1];

/// Detects iterators that were cut or made up; it is no protection.
fn checksum(bytes: &[u8]) -> u64 {
    let mut hasher = foldhash::quality::FixedState::with_seed(0x6b69_6e65).build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

impl<'a> ShardIterator<'a> {
    /// Appends the iterator's text.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut bytes = [0; HEADER_BYTES + 128];
        let end = HEADER_BYTES + self.stream.len();
        bytes[..8].copy_from_slice(&VERSION);
        bytes[16..24].copy_from_slice(&self.issued_ms.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.stream_created_us.to_be_bytes());
        bytes[32..40].copy_from_slice(&self.position.to_be_bytes());
        bytes[40..44].copy_from_slice(&self.shard.to_be_bytes());
        bytes[HEADER_BYTES..end].copy_from_slice(self.stream.as_bytes());
        let sum = checksum(&bytes[16..end]);
        bytes[8..16].copy_from_slice(&sum.to_be_bytes());
        base64_simd::STANDARD.encode_append(&bytes[..end], out);
    }

    /// Reads an iterator's text; `bytes` takes the decoded bytes, from which
    /// the stream's name is borrowed.
    pub(super) fn read(text: &str, bytes: &'a mut Vec<u8>) -> Result<Self, Failure> {
        let wrong = || invalid("Invalid ShardIterator.");
        // Out of a shell it may come with the quotes of JSON around it.
        let quoted = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
        let text = quoted.unwrap_or(text);
        bytes.clear();
        base64_simd::STANDARD
            .decode_append(text, bytes)
            .map_err(|_| wrong())?;
        let bytes: &'a [u8] = bytes;
        if bytes.len() <= HEADER_BYTES || bytes[..8] != VERSION {
            return Err(wrong());
        }
        let number = |from: usize| {
            bytes[from..from + 8]
                .iter()
                .fold(0, |number, &byte| number << 8 | u64::from(byte))
        };
        if number(8) != checksum(&bytes[16..]) {
            return Err(wrong());
        }
        Ok(Self {
            stream: std::str::from_utf8(&bytes[HEADER_BYTES..]).map_err(|_| wrong())?,
            stream_created_us: number(24),
            shard: (number(40 - 4) & 0xffff_ffff) as u32,
            position: number(32),
            issued_ms: number(16),
        })
    }

    /// Refuses an iterator that is too old.
    pub(super) fn check_age(&self, now_ms: u64) -> Result<(), Failure> {
        if now_ms.saturating_sub(self.issued_ms) <= LIFE_MS {
            return Ok(());
        }
        Err(Failure::new(
            "ExpiredIteratorException",
            format!(
                "Iterator expired. The iterator was created at time {} while right now it is {} \
                 which is further in the future than the tolerated delay of {LIFE_MS} milliseconds.",
                utc(self.issued_ms),
                utc(now_ms)
            ),
        ))
    }
}

/// A time as the service's messages spell it: `Thu Jan 22 01:22:02 UTC 2015`.
fn utc(epoch_ms: u64) -> String {
    jiff::Timestamp::from_millisecond(epoch_ms as i64).map_or_else(
        |_| epoch_ms.to_string(),
        |time| time.strftime("%a %b %d %H:%M:%S UTC %Y").to_string(),
    )
}

/// Where a list of pages goes on.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct PageToken<T> {
    /// When the token was made, in milliseconds since the Unix epoch.
    issued_ms: u64,
    /// What the listing needs to go on.
    pub(super) rest: T,
}

impl<T: serde::Serialize + serde::de::DeserializeOwned> PageToken<T> {
    pub(super) fn write(rest: T, now_us: u64) -> String {
        let token = Self {
            issued_ms: now_us / 1000,
            rest,
        };
        // Serialising plain data into memory does not fail.
        let bytes = serde_json::to_vec(&token).unwrap_or_default();
        base64_simd::URL_SAFE.encode_to_string(bytes)
    }

    pub(super) fn read(text: &str, now_us: u64) -> Result<T, Failure> {
        let wrong = || invalid("NextToken is invalid.");
        let bytes = base64_simd::URL_SAFE
            .decode_to_vec(text)
            .map_err(|_| wrong())?;
        let token: Self = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
        if (now_us / 1000).saturating_sub(token.issued_ms) > LIFE_MS {
            return Err(Failure::new(
                "ExpiredNextTokenException",
                format!("NextToken expired: it is good for {LIFE_MS} milliseconds."),
            ));
        }
        Ok(token.rest)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_iterator_is_read_as_it_was_written_and_damage_is_noticed() {
        let iterator = ShardIterator {
            stream: "hrload",
            stream_created_us: 1_721_011_165_891_550,
            shard: 0xfedc_ba98,
            position: u64::MAX - 7,
            issued_ms: 1_721_011_165_891,
        };
        let mut text = Vec::new();
        iterator.write(&mut text);
        let text = String::from_utf8(text).unwrap();
        assert!(text.starts_with("AAAAAAAAAA"), "{text}");
        let mut bytes = Vec::new();
        assert_eq!(ShardIterator::read(&text, &mut bytes).unwrap(), iterator);
        for at in 0..text.len() {
            let mut damaged = text.clone().into_bytes();
            damaged[at] = if damaged[at] == b'B' { b'C' } else { b'B' };
            let damaged = String::from_utf8(damaged).unwrap();
            assert!(ShardIterator::read(&damaged, &mut Vec::new()).is_err());
            assert!(ShardIterator::read(&text[..at], &mut Vec::new()).is_err());
        }
    }

    #[test]
    fn times_are_spelled_like_the_services() {
        assert_eq!(utc(1_421_889_722_000), "Thu Jan 22 01:22:02 UTC 2015");
    }
}
