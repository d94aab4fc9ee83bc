//! Sending the fleet's readings, each when it is due.
//!
//! In goes a [`Source`](crate::workload::Source) of readings with their
//! intended times; out go BatchWriteItem calls, and to a [`Journal`] what
//! became of every reading. One worker is one thread with a `current_thread`
//! runtime, owning one partition of the fleet and a fixed number of in-flight
//! slots. It must not know what the readings mean, who reads the stream, or
//! how results are shown.
//!
//! ```text
//! source -> waiting (backlog, retries) -> batch -> ceiling -> slot -> Sdk | Direct
//!              ^                                                |
//!              '------- backoff <------ verdict <---------------'
//! ```
//!
//! The load is open: a reading is due at its intended time whether or not the
//! service keeps up, the schedule is never re-based, and the worker sleeps
//! only when it is early. How late a batch left is recorded, and
//! [`limit::judge`] says what held the load back, and whose that was.

mod answers;
mod backoff;
mod books;
mod call;
mod ceiling;
mod config;
mod copies;
mod direct;
mod journal;
pub mod limit;
mod limits;
mod noted;
mod request_id;
mod sdk;
mod stop;
mod timer;
mod timetable;
mod troubles;
mod verdict;
mod waiting;
mod worker;

#[cfg(test)]
mod simulation;

pub use answers::Answers;
pub use backoff::Backoff;
pub use call::{Call, Client, ClientSlot, Outcome, Sink, Slot};
pub use config::Config;
pub use copies::{CopyConfig, CopyOutcome, Copying, copy};
pub use direct::{Direct, DirectError, DirectSlot, answer_in};
pub use journal::Journal;
pub use limits::Limits;
pub use noted::{NotedCall, NotedCalls};
pub use request_id::RequestId;
pub use sdk::{Sdk, SdkSlot};
pub use stop::{Abort, Stop};
pub use timetable::{TempoChange, Timetable};
pub use troubles::Troubles;
pub use worker::{WorkerOutcome, WorkerRecord, run, run_with};
