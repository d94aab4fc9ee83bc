//! What generating the load cost, and whether that was the limit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the generator cost and where it was held back. Fill it from
/// [`Generator::of`] and add what only the process knows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Generator {
    /// CPU time of the load threads while measuring, in seconds.
    pub send_cpu: f64,
    /// CPU time of the reading thread while measuring, in seconds.
    pub read_cpu: f64,
    /// CPU time of the whole process, embedded services included, in seconds;
    /// null where not known.
    pub process_cpu: Option<f64>,
    /// Peak memory of the whole process, in bytes; null where not known.
    pub memory_bytes: Option<u64>,
    /// Most readings that waited to be sent.
    pub waiting_max: u64,
    /// Most batches in flight.
    pub in_flight_max: u64,
    /// How long readings waited for a batch in flight to end, in seconds,
    /// threads added up.
    pub slots_bound: f64,
    /// How long batches waited for the ceiling on catching up, in seconds,
    /// threads added up.
    pub catch_up_bound: f64,
    /// How long batches waited for the ceiling on write units, in seconds,
    /// threads added up.
    pub write_units_bound: f64,
    /// Set when the generator, not the target, was the limit.
    pub limit: Option<Bound>,
}

/// What limited the generator, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bound {
    /// What was the limit, as in "the CPU of the load threads".
    pub what: String,
    /// What to do, as in "use --client direct".
    pub advice: String,
}

impl Generator {
    /// What the recorders know of it; the rest is the caller's to fill.
    #[must_use]
    pub fn of(counts: &hrload_measure::Counts) -> Self {
        Self {
            send_cpu: counts.send_cpu_us as f64 / 1e6,
            read_cpu: counts.read_cpu_us as f64 / 1e6,
            waiting_max: counts.waiting_max,
            in_flight_max: counts.in_flight_max,
            slots_bound: counts.bound_us as f64 / 1e6,
            ..Self::default()
        }
    }
}
