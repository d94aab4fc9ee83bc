//! What every part of hrload that does I/O stands on: the clock of a process, its CPU
//! time and limits, locks, files that people name, and the names by which a server on
//! this machine may be asked.
//!
//! Knows nothing of readings, tables or streams.

pub mod clock;
pub mod files;
pub mod hosts;
pub mod mix;
pub mod process;
pub mod sync;
