//! What hrload put into the stream itself.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Records that hrload put into the stream, with `via` `put-records`. Warm-up is
/// counted in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Puts {
    /// Records that the stream took.
    pub records: u64,
    /// PutRecords calls.
    pub calls: u64,
    /// Records refused for want of the stream's capacity, each time they were.
    pub throttled: u64,
    /// Records given up, by the code of their last refusal.
    pub failed: BTreeMap<String, u64>,
    /// Calls that failed as a whole, other than by a throttle, by code.
    #[serde(default)]
    pub call_failures: BTreeMap<String, u64>,
}
