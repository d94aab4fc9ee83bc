//! The hot path: readings to bytes, bytes to readings.
//!
//! In goes a [`Reading`](hrload_workload::Reading) and out come the bytes of a BatchWriteItem call; in
//! comes a change data capture record and out come the few fields that
//! measuring needs. Pure functions over buffers: no clock, no I/O, and once
//! the buffers are warm no allocation. Must not know who sends or reads.

pub mod batch;
pub mod change;
mod civil;
mod constant;
mod decimal;
mod identity;
pub mod item;
mod layout;
mod name;
pub mod page;
pub mod response;
pub mod sample;
mod scan;
pub mod signature;
mod text;
pub mod transform;

pub use constant::Constant;
pub use layout::{ItemSink, KeySchema, Layout};
pub use name::Name;
pub use text::Text;

use std::fmt;

/// Bytes that are not what the service should have sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// What was being read, in a few words.
    pub expected: &'static str,
    /// Where in the input, in bytes from its start.
    pub at: usize,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} at byte {}", self.expected, self.at)
    }
}

impl std::error::Error for DecodeError {}
