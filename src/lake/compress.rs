//! Objects made smaller.

use std::io::{self, Read, Write};

use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

/// How objects are compressed, as Firehose names it. Its Snappy and Zip are
/// not offered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// GZIP (RFC 1952), `.gz`.
    Gzip,
    /// Zstandard (RFC 8878), `.zst`.
    Zstd,
}

/// The most text of an object that is read: eight times what Firehose puts into one.
/// Some kilobytes of Zstandard can stand for more than any memory holds.
const MOST_BYTES: usize = 1 << 30;

impl Compression {
    /// `none`, `gzip` or `zstd`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }

    /// What object names end in.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Compression::None => "",
            Compression::Gzip => ".gz",
            Compression::Zstd => ".zst",
        }
    }

    /// By the ending of an object's name.
    #[must_use]
    pub fn of(key: &str) -> Self {
        match key.rsplit_once('.') {
            Some((_, "gz")) => Compression::Gzip,
            Some((_, "zst")) => Compression::Zstd,
            _ => Compression::None,
        }
    }

    /// What was compressed. Several members one behind the other are one text.
    ///
    /// # Errors
    /// The bytes are not compressed so, or hold more than an object does.
    pub fn decompress(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Compression::None => Ok(bytes.to_vec()),
            Compression::Gzip => {
                // The last four bytes are the text's length, modulo 2^32, where there is
                // one member (RFC 1952, 2.3.1); DEFLATE makes nothing smaller than a
                // thousandth. One byte more spares `read_to_end` a last look for more.
                let length = bytes
                    .last_chunk()
                    .map_or(0, |last| u32::from_le_bytes(*last));
                let room = (length as usize + 1).min(1_032 * bytes.len());
                let out = Vec::with_capacity(room.min(MOST_BYTES));
                all(MultiGzDecoder::new(bytes), out, MOST_BYTES)
            }
            Compression::Zstd => all(zstd::Decoder::new(bytes)?, Vec::new(), MOST_BYTES),
        }
    }

    /// An object's bytes. Level 6 for GZIP, 3 for ZSTD: the tools' own defaults.
    ///
    /// # Errors
    /// The compressor ran out of memory.
    pub fn compress(self, body: Vec<u8>) -> io::Result<Vec<u8>> {
        match self {
            Compression::None => Ok(body),
            Compression::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(&body)?;
                encoder.finish()
            }
            Compression::Zstd => zstd::bulk::compress(&body, zstd::DEFAULT_COMPRESSION_LEVEL),
        }
    }
}

/// Reads a text of `most` bytes at most to its end.
fn all(text: impl Read, mut out: Vec<u8>, most: usize) -> io::Result<Vec<u8>> {
    text.take(most as u64 + 1).read_to_end(&mut out)?;
    if out.len() > most {
        let why = "it holds more than 1 GiB of text, which is not read here";
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::io::Read;

    #[test]
    fn a_text_that_stands_for_more_than_there_can_be_is_not_read() {
        let zipped = Compression::Gzip.compress(vec![b'0'; 1 << 20]).unwrap();
        let most = |most| all(MultiGzDecoder::new(&zipped[..]), Vec::new(), most);
        assert_eq!(most(1 << 20).unwrap().len(), 1 << 20);
        let error = most((1 << 20) - 1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn what_was_compressed_can_be_read_again_and_is_smaller() {
        let body = b"{\"HeartRate\":{\"S\":\"72\"}}\n".repeat(1_000);
        let zipped = Compression::Gzip.compress(body.clone()).unwrap();
        let mut read = Vec::new();
        flate2::read::GzDecoder::new(zipped.as_slice())
            .read_to_end(&mut read)
            .unwrap();
        assert!(read == body && zipped.len() < body.len() / 10);
        let squeezed = Compression::Zstd.compress(body.clone()).unwrap();
        let read = zstd::bulk::decompress(&squeezed, body.len()).unwrap();
        assert!(read == body && squeezed.len() < body.len() / 10);
        assert_eq!(Compression::None.compress(body.clone()).unwrap(), body);
    }
}
