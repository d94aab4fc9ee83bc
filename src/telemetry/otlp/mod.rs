//! OpenTelemetry: metrics sent to a collector over OTLP/HTTP
//! (<https://opentelemetry.io/docs/specs/otlp/>).
//!
//! In its JSON form, one of the two that OTLP/HTTP has: it needs nothing but what
//! writes the result file and speaks HTTP already, where the project's own crates
//! bring an SDK that wants to own the metrics. Counters are cumulative since the run
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
