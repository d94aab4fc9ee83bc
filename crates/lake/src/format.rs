//! What an object is made of, told by the ending of its name.

use std::io;

use super::compress::Compression;
#[cfg(feature = "parquet")]
use super::parquet;
use super::transform::Transformed;

/// How records stand in an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Their text, one behind the other.
    Text(Compression),
    /// Columns, `.parquet`. Only in builds with the feature `sql`.
    Parquet,
}

impl Default for Format {
    fn default() -> Self {
        Self::Text(Compression::None)
    }
}

impl Format {
    /// Whether this build can write and read it.
    #[must_use]
    pub fn is_built_in(self) -> bool {
        self != Self::Parquet || cfg!(feature = "parquet")
    }

    /// `none`, `gzip`, `zstd` or `parquet`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text(compression) => compression.name(),
            Self::Parquet => "parquet",
        }
    }

    /// What object names end in.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Text(compression) => compression.extension(),
            Self::Parquet => ".parquet",
        }
    }

    /// By the ending of an object's name.
    #[must_use]
    pub fn of(key: &str) -> Self {
        match key.strip_suffix(".parquet") {
            Some(_) => Self::Parquet,
            None => Self::Text(Compression::of(key)),
        }
    }

    /// An object's records as text.
    ///
    /// # Errors
    /// The bytes are nothing of that format, or the build does not know it.
    pub fn decode(self, bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        match self {
            Self::Text(Compression::None) => Ok(bytes),
            Self::Text(compression) => compression.decompress(&bytes),
            Self::Parquet => parquet::decode(bytes),
        }
    }

    /// Makes records the bytes of an object. Those that have no place in it fail.
    pub(super) fn encode(self, done: &mut Transformed, now_us: u64) -> io::Result<()> {
        match self {
            Self::Text(compression) => {
                done.body = compression.compress(std::mem::take(&mut done.body))?;
                Ok(())
            }
            Self::Parquet => parquet::convert(done, now_us),
        }
    }
}

/// A build without columns.
#[cfg(not(feature = "parquet"))]
mod parquet {
    use std::io;

    use super::Transformed;

    fn not_built_in() -> io::Error {
        io::Error::new(
            io::ErrorKind::Unsupported,
            "Parquet wants an hrload built with `--features sql`",
        )
    }

    pub(super) fn decode(_: Vec<u8>) -> io::Result<Vec<u8>> {
        Err(not_built_in())
    }

    pub(super) fn convert(_: &mut Transformed, _: u64) -> io::Result<()> {
        Err(not_built_in())
    }
}
