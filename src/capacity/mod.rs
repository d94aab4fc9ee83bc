//! The rules of DynamoDB and Kinesis capacity, as values.
//!
//! In go sizes and counts; out come units. No clock, no I/O. So far: how
//! large an item is and what writing or reading it costs.

pub mod size;
