//! The counts that are kept, and what a new count says beside them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What counts depend on besides the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Environment {
    /// The compiler's version.
    pub(crate) rustc: String,
    /// What it compiled for.
    pub(crate) target: String,
    /// Flags it was given besides the profile's.
    pub(crate) rustflags: String,
    /// The C library, whose `memcpy` and `malloc` are counted.
    pub(crate) libc: String,
    /// valgrind's version.
    pub(crate) valgrind: String,
    /// What the processor can do, as code under valgrind sees it: `memcpy`,
    /// `memchr` and SHA-256 are chosen by it.
    pub(crate) cpu_features: Vec<String>,
}

impl Environment {
    /// What differs from `other`, a line each.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let features = [self.cpu_features.join(" "), other.cpu_features.join(" ")];
        [
            ("rustc", &self.rustc, &other.rustc),
            ("target", &self.target, &other.target),
            ("RUSTFLAGS", &self.rustflags, &other.rustflags),
            ("libc", &self.libc, &other.libc),
            ("valgrind", &self.valgrind, &other.valgrind),
            ("CPU features", &features[0], &features[1]),
        ]
        .into_iter()
        .filter(|(_, here, there)| here != there)
        .map(|(what, here, there)| format!("{what}: {here:?} here, {there:?} in the baseline"))
        .collect()
    }
}

/// `results/baseline/instructions.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Baseline {
    /// What rewrites the file.
    pub(crate) command: String,
    /// Where it was counted.
    pub(crate) environment: Environment,
    /// By function, instructions of one call, those in SHA-256 left aside:
    /// they are the processor's to spare, and would hide what is ours.
    pub(crate) instructions_per_call: BTreeMap<String, f64>,
}

/// How much a function may grow while its baseline stays: 2 %.
pub(crate) const ALLOWANCE: f64 = 0.02;

/// A count beside its baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Not in the baseline yet.
    New,
    /// Within the allowance, either way; the change as a share.
    Same(f64),
    /// Less by more than the allowance; the change as a share, negative.
    Shrunk(f64),
    /// More by more than the allowance; the change as a share.
    Grown(f64),
}

impl Verdict {
    /// Judges `count` beside the count of the baseline, if there is one.
    pub(crate) fn of(count: f64, baseline: Option<f64>) -> Self {
        let Some(baseline) = baseline.filter(|count| *count > 0.0) else {
            return Self::New;
        };
        let change = count / baseline - 1.0;
        if change > ALLOWANCE {
            Self::Grown(change)
        } else if change < -ALLOWANCE {
            Self::Shrunk(change)
        } else {
            Self::Same(change)
        }
    }
}
