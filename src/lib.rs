//! hrload: load generator and benchmark for the wearables pipeline
//! (DynamoDB -> Kinesis Data Streams), measured end to end.
//!
//! The modules are rooms on the data's way:
//!
//! ```text
//! workload -> codec -> load -> [ AWS | local ] -> stream -> measure -> report
//! ```
//!
//! [`experiment`] wires them into a run and [`cli`] turns a command line into
//! one. `docs/architecture.md` says which room may know which.

pub mod aws;
pub use hrload_capacity as capacity;
pub mod cli;
pub mod clock;
pub use hrload_codec as codec;
pub mod dashboard;
pub mod endpoint;
pub mod experiment;
mod files;
pub mod hosts;
pub mod lake;
pub mod load;
pub mod local;
pub use hrload_measure as measure;
#[cfg(feature = "sql")]
pub mod query;
pub mod report;
pub use hrload_stats as stats;
pub mod stream;
pub mod telemetry;
pub mod trouble;
pub use hrload_workload as workload;
