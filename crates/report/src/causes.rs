//! What held a run back, and whose it was.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose a cause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// hrload's, or of the machine it runs on.
    Generator,
    /// That of the service written to.
    Target,
    /// That of the reader of the stream.
    Reader,
    /// That of the way between.
    Network,
}

impl Whose {
    /// As it stands in the result file.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Generator => "generator",
            Self::Target => "target",
            Self::Reader => "reader",
            Self::Network => "network",
        }
    }
}

/// Something that held a run back, told from what was waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeldBack {
    /// Whose it was.
    pub whose: Whose,
    /// What was waited for, with its figures and the system's own words.
    pub what: String,
    /// What to do about it, best first.
    pub advice: String,
}
