//! Objects made smaller.

use std::io::{self, Read, Write};

use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

/// Bytes of an object's text that are read at most. Firehose buffers 128 MiB before it
/// compresses
/// (<https://docs.aws.amazon.com/firehose/latest/APIReference/API_BufferingHints.html>);
/// a small file can hold a text that no memory does.
pub(crate) const MOST_TEXT: u64 = 1 << 30;

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
    /// The bytes are not compressed so, or hold more than 1 GiB of text.
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
                gunzip(bytes, room)
            }
            Compression::Zstd => expand(zstd::Decoder::new(bytes)?, 0, MOST_TEXT),
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

/// The texts of all members. Zeros behind the last one are padding, as `gzip` has it.
fn gunzip(mut bytes: &[u8], room: usize) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut left = MOST_TEXT;
    loop {
        let mut member = GzDecoder::new(bytes);
        let room = if out.is_empty() { room } else { 0 };
        let text = expand(&mut member, room, left)?;
        left -= text.len() as u64;
        if out.is_empty() {
            out = text;
        } else {
            out.extend_from_slice(&text);
        }
        bytes = member.into_inner();
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(out);
        }
        if !bytes.starts_with(&[0x1f, 0x8b]) {
            let why = format!("what stands behind it is none: {} bytes", bytes.len());
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
    }
}

/// What `from` gives to its end, if that is at most `most` bytes.
fn expand(from: impl Read, room: usize, most: u64) -> io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(room.min(most as usize));
    from.take(most + 1).read_to_end(&mut out)?;
    if out.len() as u64 > most {
        return Err(too_large());
    }
    Ok(out)
}

pub(super) fn too_large() -> io::Error {
    let why = format!(
        "it holds more than {} GiB of text, which is not read here",
        MOST_TEXT >> 30
    );
    io::Error::new(io::ErrorKind::FileTooLarge, why)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::io::Read;

    #[test]
    fn members_are_one_text_and_what_is_none_is_told_as_such() {
        let zip = |text: &[u8]| Compression::Gzip.compress(text.to_vec()).unwrap();
        let [one, two] = [zip(b"one\n"), zip(b"two\n")];
        let read = |bytes: Vec<u8>| Compression::Gzip.decompress(&bytes);
        let both = [one.clone(), two.clone()].concat();
        assert_eq!(read(both.clone()).unwrap(), b"one\ntwo\n");
        let padded = [both.clone(), vec![0; 512]].concat();
        assert_eq!(read(padded).unwrap(), b"one\ntwo\n");
        let trailed = read([both.clone(), b"trailing".to_vec()].concat()).unwrap_err();
        assert!(trailed.to_string().contains("behind it"), "{trailed}");
        let cut = read(both[..both.len() - 3].to_vec()).unwrap_err();
        assert_eq!(cut.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_text_that_does_not_end_is_not_read_to_its_end() {
        assert_eq!(expand(&b"1234"[..], 0, 4).unwrap(), b"1234");
        for (endless, most) in [(4_u64, 3), (u64::MAX, 1 << 20)] {
            let refused = expand(io::repeat(0).take(endless), 1 << 40, most).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::FileTooLarge);
        }
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
