//! The rules of DynamoDB and Kinesis capacity, as values.
//!
//! In go sizes and counts; out come units. No clock, no I/O: how large an item
//! is and what writing or reading it costs; what a stream takes, gives and
//! grows to; what it all costs in money.

pub mod bill;
pub mod price;
pub mod size;
pub mod stream;
