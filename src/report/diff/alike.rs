//! Whether two sides ran the same: what was asked of them, not what came of it. What
//! forbids a comparison is known before a run too.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::{Config, RunResult, Target};

/// Something that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// What: a key of `config`, `rate_changes`, `lake`, `prices`, `build` or `machine`.
    pub what: String,
    /// On the base's side; each value once where its runs have several.
    pub base: String,
    /// On the new side, likewise.
    pub new: String,
    /// Whether it makes the figures those of another workload or target, so that
    /// comparing them says nothing of the change.
    pub forbids: bool,
}

/// A key of `config` that has to be the same, and its value.
type Needed = (&'static str, fn(&Config) -> String);

const NEEDED: [Needed; 11] = [
    ("profile", |of| of.profile.clone()),
    (PROFILE_TEXT, |of| of.profile_text.clone()),
    ("devices", |of| of.devices.to_string()),
    ("rate", |of| ((of.rate * 1e6).round() / 1e6).to_string()),
    ("seed", |of| of.seed.to_string()),
    ("layout", |of| of.layout.clone()),
    ("target", |of| {
        match of.target {
            Target::Local => "local",
            Target::Aws => "aws",
            Target::Endpoint => "endpoint",
        }
        .to_owned()
    }),
    ("region", |of| maybe(of.region.as_ref())),
    ("via", |of| of.via.key().to_owned()),
    ("faults", |of| {
        maybe(
            (!of.faults.is_empty())
                .then(|| of.faults.join(", "))
                .as_ref(),
        )
    }),
    ("duration", |of| seconds(of.duration)),
];

/// A key of `config` that is too long to show.
const PROFILE_TEXT: &str = "profile_text";

/// A key of `config` (or of the result) that is told where it differs, and its value.
type Told = (&'static str, fn(&RunResult) -> String);

const TOLD: [Told; 30] = [
    ("dynamodb_endpoint", |of| {
        endpoint(of, &of.config.dynamodb_endpoint)
    }),
    ("kinesis_endpoint", |of| {
        endpoint(of, &of.config.kinesis_endpoint)
    }),
    (PRICES, prices),
    ("client", |of| of.config.client.clone()),
    ("billing_mode", |of| maybe(of.config.billing_mode.as_ref())),
    ("write_capacity", |of| {
        maybe(of.config.write_capacity.as_ref())
    }),
    ("shards", |of| maybe(of.config.shards.as_ref())),
    ("concurrency", |of| of.config.concurrency.to_string()),
    ("batch", |of| of.config.batch.to_string()),
    ("warm_up", |of| seconds(of.config.warm_up)),
    ("drain", |of| seconds(of.config.drain)),
    ("threads", |of| of.config.threads.to_string()),
    ("linger", |of| seconds(of.config.linger)),
    ("precise", |of| of.config.precise.to_string()),
    ("attempts", |of| of.config.attempts.to_string()),
    ("timeout", |of| seconds(of.config.timeout)),
    ("catch_up", |of| of.config.catch_up.to_string()),
    ("max_write_units", |of| {
        maybe(of.config.max_write_units.as_ref())
    }),
    ("backlog", |of| of.config.backlog.to_string()),
    ("consumer", |of| maybe(of.config.consumer.as_ref())),
    ("poll_interval", |of| {
        maybe(of.config.poll_interval.as_ref())
    }),
    ("warm_throughput", |of| {
        maybe(of.config.warm_throughput.as_ref())
    }),
    ("stream_mode", |of| maybe(of.config.stream_mode.as_ref())),
    ("change_delay", |of| maybe(of.config.change_delay.as_ref())),
    ("capacity", |of| maybe(of.config.capacity.as_ref())),
    ("time_scale", |of| maybe(of.config.time_scale.as_ref())),
    ("auto_scaling", |of| maybe(of.config.auto_scaling.as_ref())),
    ("build", |of| of.environment.build.clone()),
    ("machine", machine),
    ("lake", |of| {
        of.lake.as_ref().map_or_else(
            || "none".to_owned(),
            |lake| {
                format!(
                    "{} bytes, {} s, {}",
                    lake.buffer_bytes, lake.buffer_interval, lake.compression
                )
            },
        )
    }),
];

/// The prices that costs were told at.
pub(super) const PRICES: &str = "prices";

fn prices(of: &RunResult) -> String {
    maybe(of.cost.as_ref().map(|cost| &cost.prices))
}

/// Where requests went; embedded services are the same wherever they listen.
fn endpoint(of: &RunResult, endpoint: &Option<String>) -> String {
    match of.config.target {
        Target::Local => "embedded".to_owned(),
        Target::Aws | Target::Endpoint => maybe(endpoint.as_ref()),
    }
}

/// A key of `run`: changes of the rate while it went on.
const CHANGED: &str = "rate_changes";

fn maybe(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "none".to_owned(), ToString::to_string)
}

fn seconds(value: f64) -> String {
    format!("{value} s")
}

/// The processor and how much of it the process may use.
fn machine(of: &RunResult) -> String {
    let of = &of.environment;
    let cpu = of.cpu.as_deref().unwrap_or(&of.arch);
    format!("{cpu} with {} CPUs", of.cpus)
}

/// What differs between the runs, each once: between the sides, or within one, which then
/// has each of its values.
#[must_use]
pub fn differences(base: &[RunResult], new: &[RunResult]) -> Vec<Difference> {
    let sides = [base, new];
    let mut found = Vec::new();
    // Nobody can press the same keys at the same moments twice.
    if sides
        .iter()
        .any(|of| of.iter().any(|of| !of.run.rate_changes.is_empty()))
    {
        let [base, new] = sides.map(|side| {
            joined(side.iter().map(|of| match of.run.rate_changes.len() {
                0 => "none".to_owned(),
                changes => format!("{changes} by hand"),
            }))
        });
        found.push(Difference {
            what: CHANGED.to_owned(),
            base,
            new,
            forbids: true,
        });
    }
    for (what, value) in NEEDED {
        found.extend(Difference::of(what, sides, |of| value(&of.config), true));
    }
    for (what, value) in TOLD {
        found.extend(Difference::of(what, sides, value, false));
    }
    found
}

impl Difference {
    /// None where all runs have the same.
    fn of(
        what: &str,
        sides: [&[RunResult]; 2],
        value: impl Fn(&RunResult) -> String,
        forbids: bool,
    ) -> Option<Self> {
        let values = sides.map(|side| side.iter().map(&value).collect::<Vec<_>>());
        let mut all = values.iter().flatten();
        let first = all.next()?;
        if all.all(|of| of == first) {
            return None;
        }
        let mut texts = Vec::new();
        let [base, new] = values.map(|side| {
            // A whole profile is too much to print.
            joined(side.into_iter().map(|of| match what {
                PROFILE_TEXT => {
                    let known = texts.iter().position(|text| *text == of);
                    let at = known.unwrap_or_else(|| {
                        texts.push(of);
                        texts.len() - 1
                    });
                    format!("text {}", at + 1)
                }
                _ => of,
            }))
        });
        Some(Self {
            what: what.to_owned(),
            base,
            new,
            forbids,
        })
    }

    /// `shards 1 against 9`, with a word between what it is of and the values if need be;
    /// `shards 1 and 9` of runs of one side alone.
    #[must_use]
    pub fn line(&self, word: &str) -> String {
        let Self {
            what, base, new, ..
        } = self;
        let word = match word {
            "" => String::new(),
            word => format!(" {word}"),
        };
        match new.as_str() {
            "" => format!("{what}{word} {base}"),
            new => format!("{what}{word} {base} against {new}"),
        }
    }
}

/// Each value once: `1`, `1 and 9`, `1, 4 and 9`.
fn joined(values: impl Iterator<Item = String>) -> String {
    let mut once: Vec<String> = Vec::new();
    for value in values {
        if !once.contains(&value) {
            once.push(value);
        }
    }
    match once.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => once.concat(),
    }
}

/// What forbids comparing a run with this configuration with one with that. A region
/// that is not known yet does not.
#[must_use]
pub fn unlike(base: &Config, new: &Config) -> Vec<Difference> {
    let differing = NEEDED.into_iter().filter_map(|(what, value)| {
        let (base, new) = (value(base), value(new));
        // A whole profile is too much to print.
        let shown = |text: String, at: usize| match what {
            PROFILE_TEXT => format!("text {at}"),
            _ => text,
        };
        (base != new).then(|| Difference {
            what: what.to_owned(),
            base: shown(base, 1),
            new: shown(new, 2),
            forbids: true,
        })
    });
    let known = new.region.is_some();
    differing
        .filter(|of| known || of.what != "region")
        .collect()
}
