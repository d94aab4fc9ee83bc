//! A line of a history.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::files;
use crate::report::units::{amount, count};
use crate::report::{Figures, RunResult, Target, Verdict, Via, WriteError, write_text};

/// The name of a line's schema.
const SCHEMA: &str = "hrload.history/1";

/// What was measured once: the means of some runs of one workload, and counts
/// that do not depend on the machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// `hrload.history/1`.
    pub schema: String,
    /// When the last of the runs began: RFC 3339, UTC.
    pub at: String,
    /// What was measured, in a word: a commit.
    pub label: String,
    /// What was asked of the runs. Figures of different workloads are not one course.
    pub workload: String,
    /// Where they were made. Nor are those of different machines.
    pub machine: String,
    /// How many runs.
    pub runs: u32,
    /// The mean of each figure over the runs, in the unit of the result file.
    pub figures: BTreeMap<String, f64>,
    /// Instructions of a call of each function of the hot path, where they were counted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub instructions: BTreeMap<String, f64>,
}

/// A history that cannot be read, or not be added to.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file cannot be read.
    #[error("cannot read history {path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// A line is not one of a history.
    #[error(
        "line {line} of {path} is no entry of a history ({SCHEMA}): {source}; was it cut off, or \
         edited? Take it out, or get the file back from version control"
    )]
    Line {
        /// Which file.
        path: String,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A line is of another version.
    #[error(
        "line {line} of {path} is {found}, and this hrload reads {SCHEMA}: use the hrload that wrote it"
    )]
    OtherSchema {
        /// Which file.
        path: String,
        /// Which line, from 1.
        line: usize,
        /// What it says it is.
        found: String,
    },
    /// Results that are no one workload cannot be one entry.
    #[error("these results are not of one workload: {0} and {1}; add each with its own kind")]
    Mixed(String, String),
    /// A run that did not hold says nothing of what it was to measure.
    #[error(
        "run {run} did not hold: {why}; make it again, or add it all the same with --allow-unheld"
    )]
    Unheld {
        /// Which run.
        run: String,
        /// Why not.
        why: String,
    },
    /// There is nothing to add.
    #[error("an entry needs one result at least")]
    Nothing,
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Instruction counts: `results/baseline/instructions.json`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Counts {
    /// By function, instructions of one call.
    instructions_per_call: BTreeMap<String, f64>,
}

/// Counts that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CountsError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// It is something else.
    #[error(
        "{path} holds no instruction counts as scripts/instructions --update writes them: {source}"
    )]
    Form {
        /// Which file.
        path: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl Counts {
    /// Reads a file that `scripts/instructions --update` has written.
    ///
    /// # Errors
    /// It cannot be read, or is something else.
    pub fn read(path: &Path) -> Result<Self, CountsError> {
        let name = || path.display().to_string();
        let text = files::read_text(path).map_err(|source| CountsError::Io {
            path: name(),
            source,
        })?;
        serde_json::from_str(&text).map_err(|source| CountsError::Form {
            path: name(),
            source,
        })
    }
}

impl Entry {
    /// An entry of runs of one workload, which all held unless `allow_unheld`.
    ///
    /// # Errors
    /// There is no run, they are of several workloads, or one did not hold.
    pub fn new(
        label: &str,
        results: &[RunResult],
        counts: Counts,
        allow_unheld: bool,
    ) -> Result<Self, HistoryError> {
        let last = results.last().ok_or(HistoryError::Nothing)?;
        let of_last = workload(last);
        for other in results {
            let other = workload(other);
            if other != of_last {
                return Err(HistoryError::Mixed(other, of_last));
            }
        }
        for result in results.iter().filter(|_| !allow_unheld) {
            let verdict = Verdict::of(result);
            if !verdict.held() {
                let why = verdict.reasons.iter().map(ToString::to_string);
                return Err(HistoryError::Unheld {
                    run: result.run.id.clone(),
                    why: why.collect::<Vec<_>>().join("; "),
                });
            }
        }
        let mut sums: BTreeMap<String, (f64, u32)> = BTreeMap::new();
        for result in results {
            for (measure, of) in Figures::of(result).iter() {
                let sum = sums.entry(measure.name()).or_default();
                sum.0 += of.value;
                sum.1 += 1;
            }
        }
        Ok(Self {
            schema: SCHEMA.to_owned(),
            at: last.run.started.clone(),
            label: label.to_owned(),
            workload: of_last,
            machine: machine(last),
            runs: results.len() as u32,
            // A figure that only some of the runs have is not theirs: the entry lacks it,
            // and the course says so.
            figures: sums
                .into_iter()
                .filter(|(_, (_, runs))| *runs as usize == results.len())
                .map(|(name, (sum, runs))| (name, sum / f64::from(runs)))
                .collect(),
            instructions: counts.instructions_per_call,
        })
    }

    /// The entries of a history file, a line each; blank lines are passed over.
    ///
    /// # Errors
    /// It cannot be read, or a line is something else.
    pub fn read_all(path: &Path) -> Result<Vec<Self>, HistoryError> {
        Self::parse_all(path, &Self::text(path)?)
    }

    /// Adds this entry at the end of the file, which is made if there is none.
    /// It is there whole afterwards, or as it was.
    ///
    /// # Errors
    /// The file is no history, or cannot be written.
    pub fn append_to(&self, path: &Path) -> Result<(), HistoryError> {
        let mut text = if path.exists() {
            Self::text(path)?
        } else {
            String::new()
        };
        Self::parse_all(path, &text)?;
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let line = serde_json::to_string(self).map_err(|error| HistoryError::Io {
            path: path.display().to_string(),
            source: error.into(),
        })?;
        text.push_str(&line);
        text.push('\n');
        Ok(write_text(path, &text)?)
    }

    fn text(path: &Path) -> Result<String, HistoryError> {
        files::read_text(path).map_err(|source| HistoryError::Io {
            path: path.display().to_string(),
            source,
        })
    }

    /// The entries in the text of a history file, which is called `path` in errors.
    ///
    /// # Errors
    /// A line is something else.
    pub fn parse_all(path: &Path, text: &str) -> Result<Vec<Self>, HistoryError> {
        let lines = text.lines().enumerate();
        let lines = lines.filter(|(_, line)| !line.trim().is_empty());
        lines
            .map(|(at, line)| Self::parse(path, at + 1, line))
            .collect()
    }

    fn parse(path: &Path, line: usize, text: &str) -> Result<Self, HistoryError> {
        #[derive(Deserialize)]
        struct Head {
            schema: String,
        }
        let path = || path.display().to_string();
        let wrong = |source| HistoryError::Line {
            path: path(),
            line,
            source,
        };
        let head: Head = serde_json::from_str(text).map_err(wrong)?;
        if head.schema != SCHEMA {
            return Err(HistoryError::OtherSchema {
                path: path(),
                line,
                found: head.schema,
            });
        }
        serde_json::from_str(text).map_err(wrong)
    }
}

/// What was asked, in a line.
fn workload(result: &RunResult) -> String {
    let config = &result.config;
    let target = match config.target {
        Target::Local => "embedded services",
        Target::Endpoint => "another server",
        Target::Aws => "AWS",
    };
    let way = match config.via {
        Via::Kinesis => "",
        Via::DynamodbStreams => ", via DynamoDB Streams",
        Via::PutRecords => ", records put by hrload",
        Via::None => ", writes alone",
    };
    let lake = match result.lake {
        Some(_) => ", into a lake",
        None => "",
    };
    format!(
        "{}, {} devices, {}/s for {} s, {} layout, {} client, {target}{way}{lake}",
        config.profile,
        count(u64::from(config.devices)),
        amount(config.rate),
        amount(config.duration),
        config.layout,
        config.client,
    )
}

/// Where, in a line.
fn machine(result: &RunResult) -> String {
    let of = &result.environment;
    format!(
        "{}, {} CPUs, {} build",
        of.cpu.as_deref().unwrap_or(&of.arch),
        of.cpus,
        of.build
    )
}
