//! The lake of a run, as it stands in the result file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was delivered into the lake.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Lake {
    /// Where: a folder, or `s3://` with bucket and prefix.
    pub place: String,
    /// An object closed when it held so many bytes of records.
    pub buffer_bytes: u64,
    /// Or when its first record had waited so long, in seconds.
    pub buffer_interval: f64,
    /// How objects were compressed: `none`, `gzip` or `zstd`; or `parquet`, which they
    /// were then.
    pub compression: String,
    /// Objects written, and there at the end as they were written.
    pub objects: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Objects written, and at the end not there any more, or changed.
    #[serde(default)]
    pub gone: u64,
    /// Records delivered, of whatever table and run.
    pub records: u64,
    /// Records that were written as failed.
    pub failed: u64,
    /// Measured readings in those that are there, each once.
    pub readings: u64,
    /// Acknowledged readings that are not in them.
    pub missing: u64,
    /// Acknowledged readings of the warm-up that are not in them; null in results from
    /// before they were counted.
    #[serde(default)]
    pub warm_up_missing: Option<u64>,
    /// Further copies of measured readings.
    pub duplicates: u64,
    /// Measured readings whose object was closed by the end of the run, and
    /// which are not in `latency.freshness` for that reason.
    pub closed_early: u64,
    /// What ended the delivery before its time; null if nothing did.
    pub error: Option<String>,
}
