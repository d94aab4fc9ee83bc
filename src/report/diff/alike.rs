//! Whether two sides ran the same: what was asked of them, not what came of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::RunResult;

/// Something that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// What: a key of `config`, or `lake`.
    pub what: String,
    /// On the base's side.
    pub base: String,
    /// On the new side.
    pub new: String,
    /// Whether it makes the figures those of another workload or target, so that
    /// comparing them says nothing of the change.
    pub forbids: bool,
}

/// A key of `config` (or of the result), its value, and whether it has to be the same.
type Key = (&'static str, fn(&RunResult) -> String, bool);

const KEYS: [Key; 18] = [
    ("profile", |of| of.config.profile.clone(), true),
    ("profile_text", |of| of.config.profile_text.clone(), true),
    ("devices", |of| of.config.devices.to_string(), true),
    ("rate", |of| of.config.rate.to_string(), true),
    ("seed", |of| of.config.seed.to_string(), true),
    ("layout", |of| of.config.layout.clone(), true),
    ("target", |of| format!("{:?}", of.config.target), true),
    ("region", |of| maybe(of.config.region.as_ref()), true),
    ("via", |of| of.config.via.key().to_owned(), true),
    ("faults", |of| of.config.faults.join(", "), true),
    ("duration", |of| of.config.duration.to_string(), true),
    ("client", |of| of.config.client.clone(), false),
    (
        "billing_mode",
        |of| maybe(of.config.billing_mode.as_ref()),
        false,
    ),
    (
        "write_capacity",
        |of| maybe(of.config.write_capacity.as_ref()),
        false,
    ),
    ("shards", |of| maybe(of.config.shards.as_ref()), false),
    ("concurrency", |of| of.config.concurrency.to_string(), false),
    ("batch", |of| of.config.batch.to_string(), false),
    (
        "lake",
        |of| {
            of.lake.as_ref().map_or_else(
                || "none".to_owned(),
                |lake| {
                    format!(
                        "{} bytes, {} s, {}",
                        lake.buffer_bytes, lake.buffer_interval, lake.compression
                    )
                },
            )
        },
        false,
    ),
];

/// A key of `run`: changes of the rate while it went on.
const CHANGED: &str = "rate_changes";

fn maybe(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "none".to_owned(), ToString::to_string)
}

/// What differs between the runs, each once: between the sides, or within one.
#[must_use]
pub fn differences(base: &[RunResult], new: &[RunResult]) -> Vec<Difference> {
    let Some(first) = base.first() else {
        return Vec::new();
    };
    let others = base.iter().skip(1).chain(new);
    let mut found: Vec<Difference> = Vec::new();
    for other in others {
        for of in [first, other] {
            // Nobody can press the same keys at the same moments twice.
            if !of.run.rate_changes.is_empty() && !found.iter().any(|of| of.what == CHANGED) {
                let shown = |of: &RunResult| match of.run.rate_changes.len() {
                    0 => "none".to_owned(),
                    changes => format!("{changes} by hand"),
                };
                found.push(Difference {
                    what: CHANGED.to_owned(),
                    base: shown(first),
                    new: shown(other),
                    forbids: true,
                });
            }
        }
        for (what, value, forbids) in KEYS {
            let (ours, theirs) = (value(first), value(other));
            if ours != theirs && !found.iter().any(|of| of.what == what) {
                // A whole profile is too much to print.
                let shown = |text: String| match what {
                    "profile_text" => "(another text)".to_owned(),
                    _ => text,
                };
                found.push(Difference {
                    what: what.to_owned(),
                    base: shown(ours),
                    new: shown(theirs),
                    forbids,
                });
            }
        }
    }
    found
}
