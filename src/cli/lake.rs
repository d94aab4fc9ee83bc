//! `--lake` of a run: where its readings are delivered to.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::problem::Problem;
use super::values;
use crate::endpoint::Endpoint;
use crate::experiment::LakeRequest;
use crate::lake::{Compression, Format, Hints, Place};

/// How objects of a lake are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CompressionArg {
    None,
    Gzip,
    Zstd,
}

/// What objects of a lake are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatArg {
    /// The records' own text
    Json,
    /// Columns, found in each object's records; compressed by themselves
    Parquet,
}

/// Both, as one.
pub(super) fn format(format: FormatArg, compression: CompressionArg) -> Result<Format, Problem> {
    let wanted = match (format, compression) {
        (FormatArg::Json, compression) => Format::Text(compression.into()),
        (FormatArg::Parquet, CompressionArg::None) => Format::Parquet,
        (FormatArg::Parquet, _) => {
            return Err(Problem::usage(
                "Parquet is compressed by itself: leave out the compression",
            ));
        }
    };
    if wanted.is_built_in() {
        Ok(wanted)
    } else {
        Err(Problem::usage(
            "Parquet is not in this build: build it with `cargo build --release --features sql`",
        ))
    }
}

impl From<CompressionArg> for Compression {
    fn from(arg: CompressionArg) -> Self {
        match arg {
            CompressionArg::None => Self::None,
            CompressionArg::Gzip => Self::Gzip,
            CompressionArg::Zstd => Self::Zstd,
        }
    }
}

/// An endpoint as S3's client wants it: a URL ends in a slash, which would
/// stand twice in a path.
///
/// # Errors
/// The lake is no bucket.
pub(super) fn s3_endpoint(url: Option<&Endpoint>, lake: &Place) -> Result<Option<String>, Problem> {
    match (url, lake) {
        (Some(url), Place::Folder(folder)) => Err(Problem::usage(format!(
            "--s3-endpoint-url {url} is for a lake in a bucket, but --lake names the folder {}; \
             leave it out, or name s3://BUCKET/PREFIX",
            folder.display()
        ))),
        (url, _) => Ok(url.map(Endpoint::bare_text)),
    }
}

/// Delivery during a run.
#[derive(Debug, Args)]
pub(crate) struct LakeArgs {
    /// Deliver the stream to this folder or s3://BUCKET/PREFIX, as `hrload deliver` does, and
    /// measure how late readings can be queried there (stage `freshness`)
    #[arg(long, value_name = "PLACE", help_heading = "Lake")]
    lake: Option<Place>,

    /// Close an object when its first record has waited this long; the end of the run waits
    /// for it. Firehose's default is 300 s. Objects that a signal closes earlier are not in
    /// `freshness`
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = values::span, requires = "lake", help_heading = "Lake")]
    lake_interval: Duration,

    /// Close an object when it holds this many bytes of records
    #[arg(long, value_name = "BYTES", default_value = "5MiB", value_parser = values::bytes, requires = "lake", help_heading = "Lake")]
    lake_size: u64,

    /// How objects are compressed
    #[arg(
        long,
        value_enum,
        default_value = "none",
        requires = "lake",
        help_heading = "Lake"
    )]
    lake_compression: CompressionArg,

    /// What objects are made of
    #[arg(
        long,
        value_enum,
        default_value = "json",
        requires = "lake",
        help_heading = "Lake"
    )]
    lake_format: FormatArg,

    /// S3 endpoint of a lake in a bucket [default: AWS_ENDPOINT_URL_S3, or AWS's]
    #[arg(long, value_name = "URL", value_parser = values::url, requires = "lake", help_heading = "Lake")]
    s3_endpoint_url: Option<Endpoint>,
}

impl LakeArgs {
    /// The flag that asks for it, if it was given.
    pub(super) fn flag(&self) -> Option<String> {
        self.given().then(|| "--lake".to_owned())
    }

    /// Whether readings are to be delivered.
    pub(super) fn given(&self) -> bool {
        self.lake.is_some()
    }

    /// What is asked for, if anything is.
    ///
    /// # Errors
    /// Format and compression do not go together, or not with this build; or an endpoint is
    /// given of a bucket that is none.
    pub(super) fn request(self) -> Result<Option<LakeRequest>, Problem> {
        let Some(place) = self.lake else {
            return Ok(None);
        };
        Ok(Some(LakeRequest {
            s3_endpoint: s3_endpoint(self.s3_endpoint_url.as_ref(), &place)?,
            place,
            hints: Hints {
                size_bytes: self.lake_size,
                interval: self.lake_interval,
            },
            format: format(self.lake_format, self.lake_compression)?,
        }))
    }
}
