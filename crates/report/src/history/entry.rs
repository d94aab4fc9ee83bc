//! A line of a history.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de};

use crate::units::{amount, count};
use crate::{
    Config, Figures, RunResult, Target, Verdict, Via, WriteError, differences, write_text,
};
use hrload_base::files::{self, Busy};
use hrload_workload::Profile;

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
    /// Their ids; empty in entries from before they were kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub run_ids: Vec<String>,
    /// The mean of each figure over the runs, in the unit of the result file.
    pub figures: BTreeMap<String, f64>,
    /// The prices that costs among the figures are at, where they are known and one list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<String>,
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
    #[error(
        "these results are not of one workload and machine: {difference}; add each with its own \
         kind"
    )]
    Mixed {
        /// What they differ in, and what each has.
        difference: String,
    },
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
    /// A run that is in the history already is no further measurement.
    #[error("run {run} is in line {line} of {path} already; add each run once")]
    Again {
        /// Which run.
        run: String,
        /// Which file.
        path: String,
        /// Which line, from 1.
        line: usize,
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
        if let Some(of) = differences(results, &[]).into_iter().next() {
            return Err(HistoryError::Mixed {
                difference: of.line("is"),
            });
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
        let mut prices: Vec<&String> = results
            .iter()
            .filter_map(|of| Some(&of.cost.as_ref()?.prices))
            .collect();
        prices.dedup();
        let prices = match prices[..] {
            [one] => Some(one.clone()),
            _ => None,
        };
        Ok(Self {
            schema: SCHEMA.to_owned(),
            at: last.run.started.clone(),
            label: label.to_owned(),
            workload: workload(last),
            machine: machine(last),
            runs: results.len() as u32,
            run_ids: results.iter().map(|of| of.run.id.clone()).collect(),
            // A figure that only some of the runs have is not theirs: the entry lacks it,
            // and the course says so.
            figures: sums
                .into_iter()
                .filter(|(_, (_, runs))| *runs as usize == results.len())
                .map(|(name, (sum, runs))| (name, sum / f64::from(runs)))
                .collect(),
            prices,
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
    /// It is there whole afterwards, or as it was; processes that add at the same time wait
    /// for one another. Where the file system takes no locks they cannot, which is returned
    /// in words.
    ///
    /// # Errors
    /// The file is no history, or cannot be written.
    pub fn append_to(&self, path: &Path) -> Result<Option<String>, HistoryError> {
        let held = files::hold(path, Busy::Wait).map_err(|source| WriteError {
            path: path.display().to_string(),
            source,
        })?;
        let mut text = if path.exists() {
            Self::text(path)?
        } else {
            String::new()
        };
        for (line, content) in numbered(&text) {
            let entry = Self::parse(path, line, content)?;
            if let Some(run) = self.run_ids.iter().find(|run| entry.run_ids.contains(run)) {
                return Err(HistoryError::Again {
                    run: run.clone(),
                    path: path.display().to_string(),
                    line,
                });
            }
        }
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let line = serde_json::to_string(self).map_err(|error| HistoryError::Io {
            path: path.display().to_string(),
            source: error.into(),
        })?;
        text.push_str(&line);
        text.push('\n');
        write_text(path, &text)?;
        Ok(held.lacks().map(str::to_owned))
    }

    fn text(path: &Path) -> Result<String, HistoryError> {
        files::read_text(path).map_err(|source| HistoryError::Io {
            path: path.display().to_string(),
            source,
        })
    }

    /// The entries in the text of a history file, which is called `path` in errors, from
    /// the oldest to the newest by when they were measured.
    ///
    /// # Errors
    /// A line is something else.
    pub fn parse_all(path: &Path, text: &str) -> Result<Vec<Self>, HistoryError> {
        let entries = numbered(text).map(|(line, content)| Self::parse(path, line, content));
        let mut entries: Vec<Self> = entries.collect::<Result<_, _>>()?;
        // Each was parsed above; lines may have been merged from elsewhere.
        entries.sort_by_cached_key(|of| of.at.parse::<Timestamp>().ok());
        Ok(entries)
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
        let mut entry: Self = serde_json::from_str(text).map_err(wrong)?;
        entry.rename();
        if entry.at.parse::<Timestamp>().is_err() {
            let what = format!("at is {:?}, which is no time in RFC 3339", entry.at);
            return Err(wrong(de::Error::custom(what)));
        }
        Ok(entry)
    }
}

impl Entry {
    /// Gives what is of the blog post's layout its name of now: before 0.2 it was `seed`.
    fn rename(&mut self) {
        self.workload = self.workload.replace(", seed layout", ", post layout");
        let counts = std::mem::take(&mut self.instructions).into_iter();
        let renamed = counts.map(|(name, count)| match name.strip_suffix(", seed") {
            Some(of) => (format!("{of}, post"), count),
            None => (name, count),
        });
        self.instructions = renamed.collect();
    }
}

/// The lines that are not blank, with their numbers from 1.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| (at + 1, line))
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
    let special = special(config);
    format!(
        "{}, {} devices, {}/s for {} s, {} layout, {} client, {target}{way}{lake}{special}",
        config.profile,
        count(u64::from(config.devices)),
        amount(config.rate),
        amount(config.duration),
        config.layout,
        config.client,
    )
}

/// What of a run's settings is not as they are unless asked for, each after a comma.
fn special(config: &Config) -> String {
    let mut special = Vec::new();
    if Profile::embedded(&config.profile).is_none_or(|of| of.text() != config.profile_text) {
        let text = crc32fast::hash(config.profile_text.as_bytes());
        special.push(format!("profile text {text:08x}"));
    }
    if config.seed != 1 {
        special.push(format!("seed {}", config.seed));
    }
    if let (Target::Aws, Some(region)) = (config.target, &config.region) {
        special.push(region.clone());
    }
    match (&config.auto_scaling, config.write_capacity) {
        (Some(policy), _) => special.push(format!("auto scaling {policy}")),
        (None, Some(units)) => special.push(format!("{} write units", amount(units))),
        (None, None) => {}
    }
    let asked = |flag: &str| config.command.iter().any(|word| word.starts_with(flag));
    if let Some(units) = config
        .warm_throughput
        .filter(|_| asked("--warm-throughput"))
    {
        special.push(format!("warm for {}", amount(units)));
    }
    if let Some(shards) = config.shards.filter(|_| asked("--shards")) {
        special.push(format!("{shards} shards"));
    }
    if config.stream_mode.as_deref() == Some("ON_DEMAND") {
        special.push("stream on demand".to_owned());
    }
    if let Some(consumer) = config.consumer.as_ref().filter(|of| *of != "polling") {
        special.push(consumer.clone());
    }
    if let Some(capacity) = config.capacity.as_ref().filter(|of| *of != "aws") {
        special.push(format!("capacity {capacity}"));
    }
    if let Some(delay) = config
        .change_delay
        .as_ref()
        .filter(|_| asked("--change-delay"))
    {
        special.push(format!("change delay {delay}"));
    }
    if let Some(scale) = config.time_scale.filter(|scale| *scale != 1) {
        special.push(format!("time scale {scale}"));
    }
    if !config.faults.is_empty() {
        special.push(format!("faults {}", config.faults.join(" ")));
    }
    special.iter().map(|of| format!(", {of}")).collect()
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
