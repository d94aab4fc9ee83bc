//! Calls worth asking AWS about.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The slowest calls and those that failed, with what AWS's support asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Calls {
    /// The ten slowest that were answered, the slowest first.
    pub slowest: Vec<CallNote>,
    /// The first ten and the last ten that failed or were throttled, as they left.
    pub failed: Vec<CallNote>,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallNote {
    /// When it left (RFC 3339, UTC).
    pub sent: String,
    /// How long it took, in seconds.
    pub took: f64,
    /// Items in it.
    pub items: u32,
    /// Why it failed, as in `call_failures` and `throttles`; null where it was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// `x-amzn-RequestId` of its answer; null where none came.
    pub request_id: Option<String>,
}
