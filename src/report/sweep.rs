//! A sweep: what came of each rate, and the highest that held.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::painted;
use super::units::{amount, count, duration, rate};
use super::{Condition, Config, Environment, RunResult, Threshold};
use crate::measure::Stage;

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
    /// What a rate had to show to hold.
    pub slo: Vec<String>,
    /// A signal ended the search before it was done.
    pub interrupted: bool,
    /// Every run, in the order they were made.
    pub steps: Vec<SweepStep>,
    /// The highest rate that held; null when none did.
    pub knee: Option<Knee>,
    /// What limited the lowest rate that did not hold; null when all did.
    pub cause: Option<Cause>,
}

/// Where the curve bends.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Knee {
    /// Place in `steps` of the highest rate that held.
    pub step: usize,
    /// The same of the next lower rate that was tried.
    pub below: Option<usize>,
    /// The same of the lowest rate that did not hold.
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
    /// Write units a second that the service said it consumed.
    pub write_units: f64,
    /// What was asked, and whether it was met.
    pub thresholds: Vec<Threshold>,
    /// Whether all of it was.
    pub held: bool,
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
    /// The service answers slowly though it has capacity.
    Service,
    /// Reading the stream.
    Reader,
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
            Self::Service => "the service's own time",
            Self::Reader => "reading the stream",
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
            steps: Vec::new(),
            knee: None,
            cause: None,
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
                measured if measured > 0.0 => result.capacity.consumed_units / measured,
                _ => 0.0,
            },
            thresholds: result.thresholds.clone(),
            held,
            cause,
        });
    }

    /// Draws the conclusion from the steps.
    pub fn conclude(&mut self) {
        let last_word = |at: &usize| {
            // A rate that was tried again is what it was the last time.
            let rate = self.steps[*at].rate;
            !self.steps[at + 1..].iter().any(|later| later.rate == rate)
        };
        let mut order: Vec<usize> = (0..self.steps.len()).filter(last_word).collect();
        order.sort_by(|a, b| self.steps[*a].rate.total_cmp(&self.steps[*b].rate));
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

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const HEADING: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// Columns of a bar.
const BAR: usize = 16;

/// What came of a step, in a line for a live display.
#[must_use]
pub fn sweep_step(step: &SweepStep) -> String {
    let rate = format!("{:>10}", format!("{}/s", amount(step.rate)));
    if step.held {
        let p99 = step.response.map_or(f64::NAN, |of| of.p99);
        let held = painted(GOOD, "held");
        return format!("{rate}  {held}    response p99 {}", duration(p99));
    }
    let missed: Vec<&Threshold> = step.thresholds.iter().filter(|of| !of.met).collect();
    let mut reasons: Vec<String> = missed.iter().take(2).map(|of| missed_by(of)).collect();
    match missed.len() {
        0 => reasons.push("the run did not come to its end".to_owned()),
        1 | 2 => {}
        more => reasons.push(format!("and {} more", more - 2)),
    }
    format!("{rate}  {}  {}", painted(BAD, "missed"), reasons.join(", "))
}

fn missed_by(threshold: &Threshold) -> String {
    let measured = match (
        threshold.measured,
        threshold.expression.parse::<Condition>(),
    ) {
        (Some(measured), Ok(condition)) => condition.show(measured),
        _ => "nothing".to_owned(),
    };
    format!("{} ({measured})", threshold.expression)
}

fn figures(step: &SweepStep) -> String {
    let time = |of: Option<Percentiles>, which: fn(Percentiles) -> f64| {
        of.map_or_else(|| "-".to_owned(), |of| duration(which(of)))
    };
    format!(
        "{:>10} {:>12} {:>9} {:>9} {:>9} {:>9} {:>8} {:>9}",
        format!("{}/s", amount(step.rate)),
        rate(step.achieved),
        time(step.response, |of| of.p50),
        time(step.response, |of| of.p99),
        time(step.e2e, |of| of.p50),
        time(step.e2e, |of| of.p99),
        count(step.lost),
        count(step.throttled),
    )
}

/// The heading above [`figures`].
fn heading() -> [String; 2] {
    let upper = format!("{:>10} {:>12} {:>19} {:>19}", "", "", "response", "e2e");
    let lower = format!(
        "{:>10} {:>12} {:>9} {:>9} {:>9} {:>9} {:>8} {:>9}",
        "rate", "achieved", "p50", "p99", "p50", "p99", "lost", "throttled",
    );
    [upper.trim_end().to_owned(), lower]
}

/// The sweep on one screen, rates from low to high, each with a bar as long as
/// the logarithm of its response time at p99.
#[must_use]
pub fn sweep(result: &SweepResult) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_sweep(&mut text, result);
    text
}

fn write_sweep(text: &mut String, result: &SweepResult) -> std::fmt::Result {
    let mut order: Vec<usize> = (0..result.steps.len()).collect();
    order.sort_by(|a, b| result.steps[*a].rate.total_cmp(&result.steps[*b].rate));
    let p99s = result.steps.iter().filter_map(|of| Some(of.response?.p99));
    let (least, most) = p99s.fold((f64::MAX, 0.0f64), |(low, high), p99| {
        (low.min(p99), high.max(p99))
    });
    writeln!(
        text,
        "{}",
        painted(FAINT, &format!("  slo {}", result.slo.join(", ")))
    )?;
    let [upper, lower] = heading().map(|line| painted(HEADING, &line));
    let bars = painted(HEADING, "response p99");
    writeln!(text, "  {upper}\n  {lower}  {bars}")?;
    for at in order {
        let step = &result.steps[at];
        let knee = result.knee.is_some_and(|knee| knee.step == at);
        let mark = if knee { '>' } else { ' ' };
        let bar = step.response.map_or(0.0, |of| {
            let range = (most / least).ln();
            let share = if range > 0.0 {
                (of.p99 / least).ln() / range
            } else {
                0.0
            };
            // The shortest is still seen.
            share * (BAR - 1) as f64 + 1.0
        });
        let bar = "\u{2588}".repeat(bar.round() as usize);
        let style = if step.held { GOOD } else { BAD };
        let word = if step.held { "held" } else { "missed" };
        writeln!(
            text,
            "{mark} {}  {} {}",
            figures(step),
            painted(style, &format!("{bar:<BAR$}")),
            painted(style, word),
        )?;
    }
    writeln!(text)?;
    conclusion(text, result)
}

fn conclusion(text: &mut String, result: &SweepResult) -> std::fmt::Result {
    let at = |step: usize| format!("{}/s", amount(result.steps[step].rate));
    if result.interrupted {
        writeln!(
            text,
            "{}     the search was interrupted; this is as far as it came",
            painted(BAD, "ended")
        )?;
    }
    let Some(knee) = result.knee else {
        writeln!(
            text,
            "{}      none: no rate that was tried held",
            painted(HEADING, "knee")
        )?;
        return limit(text, result);
    };
    let step = &result.steps[knee.step];
    let between = match (knee.below, knee.above) {
        (_, None) => "every rate up to the highest that was tried held; raise --to".to_owned(),
        (None, Some(above)) => format!("the lowest that was tried; {} did not hold", at(above)),
        (Some(below), Some(above)) => {
            format!(
                "{} held below it, {} did not above it",
                at(below),
                at(above)
            )
        }
    };
    let mut line = format!("{} readings/s: {between}", count(step.rate.round() as u64));
    if step.write_units > 0.0 {
        line += &format!("; {} write units/s", amount(step.write_units));
    }
    writeln!(text, "{}      {line}", painted(HEADING, "knee"))?;
    limit(text, result)
}

fn limit(text: &mut String, result: &SweepResult) -> std::fmt::Result {
    let Some(cause) = &result.cause else {
        return Ok(());
    };
    writeln!(
        text,
        "{}     {}: {}",
        painted(HEADING, "limit"),
        cause.limiting.words(),
        cause.because
    )
}
