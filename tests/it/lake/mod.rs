//! `hrload deliver`, as a person runs it, against the embedded services.

#![allow(clippy::unwrap_used)]

#[allow(dead_code)] // its subscriptions are of other tests
#[path = "../../../crates/shards/tests/stream/kinesis.rs"]
mod kinesis;

mod delivery;
mod faults;
mod killed;
mod odd;
mod parquet;
mod transforms;
mod world;
