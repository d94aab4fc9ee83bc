//! Histograms, interval series and the ledger.
//!
//! In go what workers saw, reading by reading, with the times they saw it at;
//! out come latencies by stage, counts by second and a ledger that closes. No
//! clock and no I/O: time is an argument. Recorders belong to one thread each,
//! so recording takes no lock and, once warm, no allocation; they meet through
//! [`Rendezvous`] (lock-free) and, once a second, through channels.
//!
//! `docs/method.md` explains the method to readers of results.

mod arrivals;
mod counts;
mod interval;
mod lake;
mod latency;
mod ledger;
mod offset;
mod readings;
mod recorder;
mod rendezvous;
mod sequences;
mod series;
mod slowest;
mod stage;

pub use arrivals::{ArrivalRecord, ArrivalRecorder, Moments};
pub use counts::{Counts, Tally, ThrottleCause, ThrottleCount, WarmUp};
pub use interval::{Interval, IntervalSink, Intervals};
pub use lake::{LakeRecord, LakeRecorder};
pub use latency::{EncodedLatency, HOUR_US, Latencies, Latency, LatencyError};
pub use ledger::{Identity, Ledger};
pub use offset::OffsetBounds;
pub use readings::Readings;
pub use recorder::{Attempt, Opening, Reach, SendRecord, SendRecorder};
pub use rendezvous::Rendezvous;
pub use sequences::SequenceSet;
pub use series::{Second, SecondStage, Series};
pub use slowest::SlowestDevices;
pub use stage::Stage;
