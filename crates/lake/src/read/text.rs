//! The text of an object: decompressed, as its name says.

use bytes::Bytes;
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt};

use super::list::Object;
use crate::compress::{Compression, MOST_TEXT, too_large};
use crate::format::Format;
use crate::store::{Lake, StoreError};

/// An object's text, if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// All of it.
    Whole(Vec<u8>),
    /// Somebody removed the object since it was listed.
    Gone,
    /// The object cannot be read, whoever asks: the cause.
    Unreadable(String),
}

/// How files of a kind begin, that kind, and the format it is if it is one of ours.
const BEGINNINGS: [(&[u8], &str, Option<Format>); 12] = [
    (b"\x1f\x8b", "GZIP", Some(Format::Text(Compression::Gzip))),
    (
        b"\x28\xb5\x2f\xfd",
        "Zstandard",
        Some(Format::Text(Compression::Zstd)),
    ),
    (b"PAR1", "Parquet", Some(Format::Parquet)),
    (b"PK\x03\x04", "ZIP", None),
    (b"BZh", "bzip2", None),
    (b"\xfd7zXZ\0", "xz", None),
    (b"\xff\x06\0\0sNaPpY", "Snappy", None),
    (b"\x04\x22\x4d\x18", "LZ4", None),
    (b"ORC", "ORC", None),
    (b"Obj\x01", "Avro", None),
    (b"\xff\xfe", "text in UTF-16", None),
    (b"\xfe\xff", "text in UTF-16", None),
];

/// What the name of a compressed object promises.
fn promised(format: Format) -> &'static str {
    let mut known = BEGINNINGS.iter();
    let promised = known.find(|(.., of)| *of == Some(format));
    promised.map_or("text", |(_, kind, _)| kind)
}

/// An object's bytes as text.
fn decode(key: &str, bytes: Bytes) -> Result<Vec<u8>, String> {
    let format = Format::of(key);
    let is_text = format == Format::default();
    let began = BEGINNINGS
        .iter()
        .find(|(magic, ..)| bytes.starts_with(magic));
    match began {
        Some((_, _, Some(of))) if *of == format => {}
        Some((_, kind, Some(of))) => {
            let ending = of.extension();
            return Err(format!(
                "it is {kind}, and its name does not end in {ending}"
            ));
        }
        Some((_, kind, None)) => return Err(format!("it is {kind}, which is not read here")),
        None if is_text => {}
        None if bytes.is_empty() => {
            let promised = promised(format);
            return Err(format!("it is empty, and so no {promised}"));
        }
        // Zstandard may begin with a frame to skip: its decoder knows.
        None if format == Format::Text(Compression::Zstd) && bytes.len() >= 4 => {}
        None => {
            let (promised, ending) = (promised(format), format.extension());
            return Err(format!(
                "it is no {promised}, although its name ends in {ending}"
            ));
        }
    }
    let text = format.decode(bytes.into()).map_err(|error| {
        let promised = promised(format);
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => format!("its {promised} is cut off"),
            std::io::ErrorKind::Unsupported | std::io::ErrorKind::FileTooLarge => error.to_string(),
            _ => format!("its {promised} cannot be read: {error}"),
        }
    })?;
    Ok(text)
}

impl Text {
    /// The text of an object of this name and content. Somebody may have made up both.
    #[must_use]
    pub fn of(key: &str, bytes: Bytes) -> Self {
        decode(key, bytes).map_or_else(Self::Unreadable, Self::Whole)
    }
}

impl Lake {
    /// An object's text. A bad object costs itself and is no error.
    ///
    /// # Errors
    /// The store does not answer: what it would have is not known.
    pub async fn text(&self, object: &Object) -> Result<Text, StoreError> {
        if object.bytes > MOST_TEXT {
            return Ok(Text::Unreadable(too_large().to_string()));
        }
        let bytes = match &self.folder {
            Some(folder) => {
                let path = folder.join(&object.key);
                let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await;
                match read {
                    Ok(Ok(bytes)) => bytes.into(),
                    Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                        return Ok(Text::Gone);
                    }
                    Ok(Err(error)) => return Ok(Text::Unreadable(error.to_string())),
                    Err(panicked) => return Ok(Text::Unreadable(panicked.to_string())),
                }
            }
            None => match self.fetched(&object.key).await {
                Ok(bytes) => bytes,
                Err(Error::NotFound { .. }) => return Ok(Text::Gone),
                // Of this object alone, as one that was moved to an archive.
                Err(Error::PermissionDenied { source, .. }) => {
                    return Ok(Text::Unreadable(source.to_string()));
                }
                Err(error) => return Err(self.failed("reading", &object.key, &error)),
            },
        };
        let key = object.key.clone();
        // A decoder that panics on what somebody made up costs the object.
        let decoded = tokio::task::spawn_blocking(move || Text::of(&key, bytes)).await;
        Ok(decoded.unwrap_or_else(|_| Text::Unreadable("its decoder broke down".to_owned())))
    }

    async fn fetched(&self, key: &str) -> object_store::Result<Bytes> {
        self.store.get(&Path::parse(key)?).await?.bytes().await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_object_is_what_its_name_says_or_cannot_be_read() {
        let text = b"{}\n".to_vec();
        let gzip = Compression::Gzip.compress(text.clone()).unwrap();
        let zstd = Compression::Zstd.compress(text.clone()).unwrap();
        for (key, bytes, expected) in [
            ("a", &text[..], Ok(&text[..])),
            ("a.gz", &gzip, Ok(&text)),
            ("a.gz", &[&gzip[..], &gzip].concat(), Ok(b"{}\n{}\n")),
            ("a.zst", &zstd, Ok(&text)),
            ("a", b"", Ok(b"")),
            ("a", b"\xef\xbb\xbf{}", Ok(b"\xef\xbb\xbf{}")),
            ("a.gz", b"", Err("it is empty, and so no GZIP")),
            ("a.zst", b"", Err("it is empty, and so no Zstandard")),
            ("a.gz", &gzip[..gzip.len() - 9], Err("its GZIP is cut off")),
            (
                "a.gz",
                &gzip[..1],
                Err("it is no GZIP, although its name ends in .gz"),
            ),
            (
                "a.gz",
                &text,
                Err("it is no GZIP, although its name ends in .gz"),
            ),
            (
                "a.gz",
                &zstd,
                Err("it is Zstandard, and its name does not end in .zst"),
            ),
            (
                "a",
                &gzip,
                Err("it is GZIP, and its name does not end in .gz"),
            ),
            (
                "a.json",
                b"PK\x03\x04..",
                Err("it is ZIP, which is not read here"),
            ),
            (
                "a",
                b"\xff\xfe{\0}\0",
                Err("it is text in UTF-16, which is not read here"),
            ),
        ] {
            let found = decode(key, Bytes::copy_from_slice(bytes));
            let found = found.as_deref().map_err(String::as_str);
            assert_eq!(found, expected, "{key}, {bytes:?}");
        }
        for bytes in [&zstd[..zstd.len() - 2], b"{}\n{}"] {
            assert!(decode("a.zst", Bytes::copy_from_slice(bytes)).is_err());
        }
    }
}
