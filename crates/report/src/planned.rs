//! A run beside what was planned for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the planner says of the run's workload and table, and what was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Planned {
    /// Write units over the time that was measured; by the plan no more than the table
    /// has, where that is known.
    pub write_units: Beside,
    /// Seconds of the time that was measured in which the table refused something; null
    /// where its capacity is not the run's to know, or its clock runs faster.
    pub throttled_seconds: Option<Beside>,
    /// Bytes of a change record's data, on average; null when none was read.
    pub record_bytes: Option<Beside>,
}

/// Two figures of the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Beside {
    /// By the plan.
    pub planned: f64,
    /// By the run.
    pub measured: f64,
}

impl Beside {
    /// How much more was measured than planned, as a share; nothing when
    /// nothing was planned.
    #[must_use]
    pub fn difference(self) -> Option<f64> {
        (self.planned > 0.0).then(|| self.measured / self.planned - 1.0)
    }
}
