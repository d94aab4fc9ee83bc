//! OpenTelemetry: metrics sent to a collector over OTLP/HTTP
//! (<https://opentelemetry.io/docs/specs/otlp/>).
//!
//! In its JSON form, which every receiver of OTLP/HTTP has to take and which
//! needs nothing but what writes the result file: the project's own crates would
//! bring forty more for the same bytes. Counters are cumulative since the run
//! began, so that an export that is lost is made good by the next, and none is
//! sent again.
//!
//! | file | makes |
//! |---|---|
//! | `settings` | flags and the specification's environment variables into where and how |
//! | `message` | a status into a message |
//! | `exporter` | messages into requests, on a thread of its own |

mod exporter;
mod message;
mod settings;

pub use exporter::{ExportSummary, Exporter};
pub use message::message;
pub use settings::{OtlpSettings, OtlpSettingsError};
