//! The embedded services: DynamoDB, its Kinesis streaming destination, DynamoDB
//! Streams and Kinesis Data Streams, over HTTP on one port, in this process.
//!
//! In go HTTP requests in AWS's own protocols; out come its answers, and its
//! errors. The services run on threads of their own and know nothing of runs,
//! readings or measuring: any AWS SDK can use them.
//!
//! ```text
//! server -> front (X-Amz-Target) -> dynamodb -> capture (delay, micro-batches) -> kinesis
//!        |                                          \----------> table_streams
//!        \----------------------------------------> table_streams, kinesis
//! ```

mod body;
pub mod capture;
mod compression;
pub mod dynamodb;
mod failure;
pub mod faults;
mod front;
pub mod kinesis;
mod limits;
mod memory;
mod origin;
mod server;
pub mod table_streams;

pub use failure::Failure;
pub use faults::Faults;
pub use limits::Limits;
pub use origin::Origin;
pub use server::{Config, Services, StartError};
