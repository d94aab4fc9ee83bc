//! A sweep: what came of each rate, and the highest that met its objectives.
//!
//! Here stands what is in its file; `text` has it on a screen, `picture` as a
//! plot.

mod picture;
mod text;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Config, Environment, RunResult, Threshold};
use hrload_measure::Stage;
pub use picture::sweep_plot;
pub use text::{sweep, sweep_step};

/// The name of a sweep file's schema.
const SCHEMA: &str = "hrload.sweep/1";

/// The content of a sweep's file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SweepResult {
    /// `hrload.sweep/1`.
    pub schema: String,
    /// Configuration of the first run; only `rate`, and what is sized for it,
    /// differs in the others.
    pub config: Option<Config>,
    /// Of the first run.
    pub environment: Option<Environment>,
    /// The objectives of each rate.
    pub slo: Vec<String>,
    /// A signal ended the search before it was done.
    pub interrupted: bool,
    /// What the runs may cost together (`--max-cost`), in USD, where that was reached and
    /// ended the search before it was done.
    pub max_cost_reached: Option<f64>,
    /// Every run, in the order they were made.
    pub steps: Vec<SweepStep>,
    /// The highest rate that met its objectives; null when none did.
    pub knee: Option<Knee>,
    /// What limited the lowest rate that missed them; null when none did.
    pub cause: Option<Cause>,
}

/// Where the curve bends.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Knee {
    /// Place in `steps` of the highest rate that met its objectives.
    pub step: usize,
    /// The same of the next lower rate that was tried.
    pub below: Option<usize>,
    /// Place in `steps` of the lowest rate that missed them.
    pub above: Option<usize>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SweepStep {
    /// Readings a second asked for.
    pub rate: f64,
    /// Readings a second acknowledged.
    pub achieved: f64,
    /// Response time, intended start to acknowledged.
    pub response: Option<Percentiles>,
    /// End-to-end latency, intended start to read; null when nothing was followed.
    pub e2e: Option<Percentiles>,
    /// Readings that became due and did not come to the end of their way.
    pub lost: u64,
    /// Items that the service refused, each time it did.
    pub throttled: u64,
    /// Write units a second that were consumed: as the service said, or, where it
    /// says nothing, by the rules.
    pub write_units: f64,
    /// What was asked, and whether it was met.
    pub thresholds: Vec<Threshold>,
    /// Whether all of it was.
    pub held: bool,
    /// The run was ended with the search, before its time: it says nothing of its rate.
    pub cut_short: bool,
    /// What kept it from holding.
    pub cause: Option<Cause>,
}

/// Latencies in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Percentiles {
    /// Median.
    pub p50: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
}

/// What limited a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// What was exhausted, or slow.
    pub limiting: Limiting,
    /// How that is seen.
    pub because: String,
}

/// What a run may be limited by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Limiting {
    /// The table's write capacity.
    Table,
    /// One partition of it: the keys are not spread.
    HotPartition,
    /// The stream's shards.
    Shard,
    /// hrload itself, or the machine it runs on.
    Client,
    /// The service answers slowly though it has capacity, or with errors.
    Service,
    /// The way to the service.
    Network,
    /// Reading the stream.
    Reader,
    /// The way from the table to the stream took long though shards had room.
    Replication,
    /// Readings were lost between the table and the reader.
    Lost,
    /// What it costs: nothing was exhausted, and an objective of money was missed.
    Price,
    /// Nothing that was seen: an objective was missed for another reason.
    Unseen,
}

impl Limiting {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Table => "the table",
            Self::HotPartition => "a hot partition",
            Self::Shard => "the stream's shards",
            Self::Client => "the client",
            Self::Service => "the service",
            Self::Network => "the network",
            Self::Reader => "reading the stream",
            Self::Replication => "the way from the table to the stream",
            Self::Lost => "lost readings",
            Self::Price => "the price",
            Self::Unseen => "nothing that was seen",
        }
    }
}

impl SweepResult {
    /// A sweep before its first step.
    #[must_use]
    pub fn new(slo: Vec<String>) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            config: None,
            environment: None,
            slo,
            interrupted: false,
            max_cost_reached: None,
            steps: Vec::new(),
            knee: None,
            cause: None,
        }
    }

    /// Adds a run at `rate` that was ended before its time.
    pub fn add_cut_short(&mut self, rate: f64, result: &RunResult) {
        self.add(rate, result, false, None);
        if let Some(step) = self.steps.last_mut() {
            step.cut_short = true;
        }
    }

    /// Adds a run at `rate`.
    pub fn add(&mut self, rate: f64, result: &RunResult, held: bool, cause: Option<Cause>) {
        if self.config.is_none() {
            self.config = Some(result.config.clone());
            self.environment = Some(result.environment.clone());
        }
        let percentiles = |stage| {
            result.latency.get(stage).map(|of| Percentiles {
                p50: of.p50,
                p99: of.p99,
                p999: of.p999,
            })
        };
        let ledger = &result.ledger;
        let arrived = ledger.seen.unwrap_or(ledger.acknowledged);
        let measured = result.run.measured;
        self.steps.push(SweepStep {
            rate,
            achieved: result.rate.achieved,
            response: percentiles(Stage::Response),
            e2e: percentiles(Stage::EndToEnd),
            lost: ledger.scheduled.saturating_sub(arrived),
            throttled: result.throttles.iter().map(|of| of.items).sum(),
            write_units: match measured {
                measured if measured > 0.0 => result.written_units() / measured,
                _ => 0.0,
            },
            thresholds: result.thresholds.clone(),
            held,
            cut_short: false,
            cause,
        });
    }

    /// The latency that tells the rates apart: the one whose 99th percentile
    /// differs most among them.
    fn telling(&self) -> Stage {
        let spread = |stage: Stage| {
            let p99s = self.steps.iter().filter_map(|of| of.latency(stage));
            let (least, most) = p99s.fold((f64::MAX, 0.0f64), |(low, high), of| {
                (low.min(of.p99), high.max(of.p99))
            });
            if most > 0.0 { most / least } else { 0.0 }
        };
        if spread(Stage::EndToEnd) > spread(Stage::Response) {
            Stage::EndToEnd
        } else {
            Stage::Response
        }
    }

    /// Places in `steps` in the order of rates, each with its last word: a rate
    /// that was tried again is what it was then, and a run that was cut short says
    /// nothing.
    fn by_rate(&self) -> Vec<usize> {
        let last_word = |at: &usize| {
            let step = &self.steps[*at];
            let mut later = self.steps[at + 1..].iter().filter(|of| !of.cut_short);
            !step.cut_short && !later.any(|later| later.rate == step.rate)
        };
        let mut order: Vec<usize> = (0..self.steps.len()).filter(last_word).collect();
        order.sort_by(|a, b| self.steps[*a].rate.total_cmp(&self.steps[*b].rate));
        order
    }

    /// Draws the conclusion from the steps.
    pub fn conclude(&mut self) {
        let order = self.by_rate();
        let above = order.iter().position(|&at| !self.steps[at].held);
        let knee = match above {
            Some(above) => above.checked_sub(1),
            None => order.len().checked_sub(1),
        };
        self.knee = knee.map(|place| Knee {
            step: order[place],
            below: place.checked_sub(1).map(|below| order[below]),
            above: above.map(|above| order[above]),
        });
        self.cause = above.and_then(|above| self.steps[order[above]].cause.clone());
    }
}

impl SweepStep {
    /// Response time or end-to-end latency.
    fn latency(&self, stage: Stage) -> Option<Percentiles> {
        match stage {
            Stage::EndToEnd => self.e2e,
            _ => self.response,
        }
    }
}
