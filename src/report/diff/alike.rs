//! Whether two sides ran the same: what was asked of them, not what came of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::{Config, RunResult};

/// Something that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// What: a key of `config`.
    pub what: String,
    /// On the base's side.
    pub base: String,
    /// On the new side.
    pub new: String,
    /// Whether it makes the figures those of another workload or target, so that
    /// comparing them says nothing of the change.
    pub forbids: bool,
}

/// A key of `config`, its value, and whether it has to be the same.
type Key = (&'static str, fn(&Config) -> String, bool);

const KEYS: [Key; 17] = [
    ("profile", |of| of.profile.clone(), true),
    ("profile_text", |of| of.profile_text.clone(), true),
    ("devices", |of| of.devices.to_string(), true),
    ("rate", |of| of.rate.to_string(), true),
    ("seed", |of| of.seed.to_string(), true),
    ("layout", |of| of.layout.clone(), true),
    ("target", |of| format!("{:?}", of.target), true),
    ("region", |of| maybe(of.region.as_ref()), true),
    ("via", |of| format!("{:?}", of.via), true),
    ("faults", |of| of.faults.join(", "), true),
    ("duration", |of| of.duration.to_string(), true),
    ("client", |of| of.client.clone(), false),
    ("billing_mode", |of| maybe(of.billing_mode.as_ref()), false),
    (
        "write_capacity",
        |of| maybe(of.write_capacity.as_ref()),
        false,
    ),
    ("shards", |of| maybe(of.shards.as_ref()), false),
    ("concurrency", |of| of.concurrency.to_string(), false),
    ("batch", |of| of.batch.to_string(), false),
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
            let (ours, theirs) = (value(&first.config), value(&other.config));
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
