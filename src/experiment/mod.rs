//! What a person asks for as a whole: one run, or several compared.
//!
//! In goes a [`Request`]: everything a person asked for, validated. Out comes a
//! [`Finished`] run with its result file's content, and on the way [`Event`]s
//! for whoever watches. This room wires the others together and owns the life
//! of a run (set-up, warm-up, measure, drain, report, tear-down), its threads
//! and its signals. Must not know the command line or the terminal.

mod behind;
mod budget;
mod causes;
mod cloudwatch;
mod copier;
mod cost;
mod error;
mod event;
mod footprint;
mod identity;
mod interrupt;
mod lake;
mod life;
mod lived;
mod lookout;
mod machine;
mod modes;
mod outcome;
mod planned;
mod preflight;
mod reader;
mod request;
mod run;
mod setting;
mod site;
pub mod sizing;
mod sustained;
mod sweep;
mod target;
mod units;
mod watch;
mod workers;

pub use budget::{Estimate, estimate, estimate_all};
pub use cloudwatch::cloudwatch;
pub use error::RunError;
pub use event::{Event, Finished};
pub use footprint::weigh;
pub use interrupt::{Interrupts, Order, Remote};
pub(crate) use machine::holds;
#[cfg(feature = "sql")]
pub(crate) use machine::peak_memory_bytes;
pub use modes::{ModesEvent, ModesRequest, modes};
pub use outcome::foresee;
pub use planned::keys;
pub use request::{
    Embedded, LakeRequest, Output, Phases, Request, Resources, Sending, StreamMode, TableMode,
    Target, Via, Warm,
};
pub use run::run;
pub use setting::Setting;
pub use sweep::{SweepEvent, SweepRequest, Why, sweep};
pub use watch::Snapshot;
