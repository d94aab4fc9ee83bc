//! The fleet: who sends what, and when.
//!
//! In goes a profile, a number of devices, a rate and a seed; out come
//! [`Reading`]s in the order in which they are due. Pure and deterministic:
//! no clock, no I/O, and the same seed gives the same readings on any number
//! of threads. Must not know how readings are encoded, sent or measured.
//!
//! ```text
//! Profile -> Workload -> Fleet (a partition's devices and their queue) -> Reading
//!            pace         wearer: traits, activity -> heart -> device
//! ```

mod activity;
mod calendar;
mod demand;
mod device;
pub mod diagnostics;
mod expectation;
mod fleet;
mod heart;
mod pace;
mod plan;
pub mod profile;
mod reading;
mod rng;
mod traits;
mod wearing;
mod wheel;
mod zone;

pub use activity::Activity;
pub use fleet::{Fleet, Partition};
pub use pace::{Pace, Workload, WorkloadError};
pub use profile::{Profile, ProfileError};
pub use reading::{DeviceClass, Motion, Reading, ReadingId, Source};
pub use traits::{RESTING_BPM_FEMALE, RESTING_BPM_MALE, Sex, Traits};
pub use zone::{HIGHEST_OF_FORTY, ZONES, Zone};
