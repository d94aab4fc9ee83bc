//! A run as it is at this moment, for whoever looks on from outside.
//!
//! In goes what a run tells ([`Event`](crate::experiment::Event)s, heard by a
//! [`Feed`]); out comes a [`Status`], published whole about once a second:
//! counters since the run began to send, latencies as distributions and of the
//! last second, the shards. From it, and from nothing else, are made the text
//! that is scraped ([`MetricsServer`]), the messages that are sent
//! ([`Exporter`]) and the full-screen view of the command line. Nobody who looks
//! touches a thread that sends or reads; there is nothing here a run waits for.
//! Must not know how a run is made, nor the command line or the terminal.
//!
//! | file | makes |
//! |---|---|
//! | `feed`, `status` | what a run tells into a [`Status`] |
//! | `distribution` | a stage's seconds into cumulative buckets |
//! | `metric` | a [`Status`] into metrics: names, units, labels, for every outlet |
//! | `openmetrics`, `server` | metrics into text, and the port where it is scraped |
//! | `otlp` | metrics into OpenTelemetry's messages, and their way to a collector |

mod distribution;
mod feed;
mod metric;
mod openmetrics;
mod otlp;
mod server;
mod status;

pub use distribution::Distribution;
pub use feed::{Feed, Watched};
pub use otlp::{ExportSummary, Exporter, OtlpSettings, OtlpSettingsError, message};
pub use server::{ListenError, MetricsServer};
pub use status::{About, RateAt, ShardNow, StageNow, Status};
