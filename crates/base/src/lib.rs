//! What every part of hrload that does I/O stands on: the clock of a process, files that
//! people name, and the names by which a server on this machine may be asked.
//!
//! Knows nothing of readings, tables or streams.

pub mod clock;
pub mod files;
pub mod hosts;
