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
pub use hrload_base::clock;
pub use hrload_codec as codec;
pub mod dashboard;
pub use hrload_net::endpoint;
pub mod experiment;
pub use hrload_base::hosts;
use hrload_base::{files, process, sync};
pub use hrload_lake as lake;
pub mod load;
pub use hrload_local as local;
pub use hrload_measure as measure;
#[cfg(feature = "sql")]
pub use hrload_query as query;
pub use hrload_report as report;
pub use hrload_shards as stream;
pub use hrload_stats as stats;
pub mod telemetry;
pub use hrload_net::trouble;
pub use hrload_workload as workload;
