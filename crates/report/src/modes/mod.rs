//! Tables compared: what each held, and what it costs.
//!
//! Here stands what is in the file; `text` has it on a screen.

mod text;

use std::cmp::Ordering;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Condition, Config, Environment, Figures, Measure, Percentile, RunResult, SlowDevice, Throttle,
    Verdict,
};
use crate::units::amount;
use hrload_measure::Stage;
use hrload_stats::{RunFigure, estimate};
pub use text::modes;

/// The name of the file's schema.
const SCHEMA: &str = "hrload.modes/1";

/// The content of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModesResult {
    /// `hrload.modes/1`.
    pub schema: String,
    /// Configuration of the first run; only the table's capacity differs in the
    /// others.
    pub config: Option<Config>,
    /// Of the first run.
    pub environment: Option<Environment>,
    /// What a table had to show.
    pub slo: Vec<String>,
    /// A signal ended the comparison before it was done.
    pub interrupted: bool,
    /// What the runs may cost together (`--max-cost`), in USD, where that was reached and
    /// ended the comparison before it was done.
    pub max_cost_reached: Option<f64>,
    /// The tables.
    pub tables: Vec<ModeFigures>,
    /// Place in `tables` of the one to take; null when none showed what it had to.
    pub taken: Option<usize>,
    /// Why.
    pub reason: String,
}

/// The runs that one table got, and what is known of it besides.
#[derive(Debug, Clone)]
pub struct TableRuns {
    /// Its name, in words.
    pub name: String,
    /// Write units a second that it gives for long, where that is known.
    pub gives: Option<f64>,
    /// Write units a second that the readings ask for, on average.
    pub asked: f64,
    /// Write units a second that auto scaling comes to under that, minutes after it
    /// began; none for other tables.
    pub settles_at: Option<f64>,
    /// The runs that were whole.
    pub runs: Vec<RunResult>,
}

/// How a comparison ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ended {
    /// Every run was made.
    Done,
    /// By a signal.
    Interrupted,
    /// The runs had cost what they may together, in USD.
    MaxCost(f64),
}

/// What one table came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModeFigures {
    /// What it is, in words.
    pub name: String,
    /// Write units a second that it gives for long, whatever it has saved: the most
    /// that auto scaling provides, or what it gives on demand before it has grown.
    /// Null where that is not known.
    #[serde(default)]
    pub gives: Option<f64>,
    /// Write units a second that the readings ask for, on average.
    #[serde(default)]
    pub asked: Option<f64>,
    /// Write units a second that auto scaling comes to, minutes after it began; null for
    /// other tables.
    #[serde(default)]
    pub settles_at: Option<f64>,
    /// Runs it got.
    pub runs: u32,
    /// Runs in which it showed what it had to.
    pub met: u32,
    /// What was missed, in how many runs.
    pub missed: Vec<Missed>,
    /// Readings acknowledged a second.
    pub achieved: Option<Figure>,
    /// Response time in seconds.
    pub response: Quantiles,
    /// End-to-end latency in seconds.
    pub e2e: Quantiles,
    /// The device with the slowest reading of all runs.
    pub worst_device: Option<SlowDevice>,
    /// Write units consumed a second: as the service said, or, where it says
    /// nothing, by the rules.
    pub write_units: Option<Figure>,
    /// Items refused, of all that were tried.
    pub throttled_share: f64,
    /// Refused items by cause, over all runs, most first.
    pub throttles: Vec<ThrottledBy>,
    /// Items refused in each second of measuring, on average over the runs.
    pub throttled_per_second: Vec<f64>,
    /// US dollars an hour.
    pub usd_per_hour: Option<Figure>,
    /// US dollars an hour once auto scaling has come to what it settles at; null for other
    /// tables, and without prices.
    #[serde(default)]
    pub usd_per_hour_settled: Option<f64>,
    /// US dollars a million readings.
    pub usd_per_million: Option<Figure>,
    /// US dollars a million readings that came within the latency that the
    /// objectives name; null when they name none.
    pub usd_per_million_in_time: Option<Figure>,
}

/// An objective that was missed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Missed {
    /// Which.
    pub expression: String,
    /// In how many runs.
    pub runs: u32,
}

/// What refused items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThrottledBy {
    /// The reason, or the exception where the service gives none.
    pub reason: String,
    /// How many items.
    pub items: u64,
    /// How many in each second of measuring, on average over the runs.
    pub per_second: Vec<f64>,
}

/// Percentiles of a latency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Quantiles {
    /// Median.
    pub p50: Option<Figure>,
    /// 99th percentile.
    pub p99: Option<Figure>,
    /// 99.9th percentile.
    pub p999: Option<Figure>,
}

/// A figure of several runs: their mean, and where it would lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figure {
    /// The mean over the runs.
    pub mean: f64,
    /// Where endlessly many runs would come to, 95 times of 100: by what differs
    /// between the runs or, with a single one, by the noise within it. Null where
    /// neither is known.
    pub interval: Option<[f64; 2]>,
}

impl ModesResult {
    /// Draws the conclusion from the runs of every table, of which each was to get
    /// `repeat`.
    #[must_use]
    pub fn new(slo: &[Condition], repeat: u32, tables: Vec<TableRuns>, ended: Ended) -> Self {
        let first = tables.iter().find_map(|of| of.runs.first());
        let (config, environment) = first
            .map(|run| (run.config.clone(), run.environment.clone()))
            .unzip();
        let in_time = slo.iter().find_map(Condition::latency_bound);
        let tables: Vec<ModeFigures> = tables
            .into_iter()
            .map(|table| ModeFigures::new(table, in_time))
            .collect();
        let (taken, reason) = take(&tables, repeat);
        Self {
            schema: SCHEMA.to_owned(),
            config,
            environment,
            slo: slo.iter().map(ToString::to_string).collect(),
            interrupted: ended == Ended::Interrupted,
            max_cost_reached: match ended {
                Ended::MaxCost(usd) => Some(usd),
                Ended::Done | Ended::Interrupted => None,
            },
            tables,
            taken,
            reason,
        }
    }
}

/// The cheapest of those that showed in every run what they had to, and give it for
/// long. None before all runs were made: those that are missing may say otherwise.
fn take(tables: &[ModeFigures], repeat: u32) -> (Option<usize>, String) {
    let price = |at: usize| tables[at].price();
    let made: u32 = tables.iter().map(|of| of.runs).sum();
    if tables.iter().any(|of| of.runs < repeat.max(1)) {
        let all = repeat.max(1) * tables.len() as u32;
        return (
            None,
            format!("none yet: {made} of {all} runs were made, and all are needed to choose"),
        );
    }
    let fit: Vec<usize> = (0..tables.len()).filter(|&at| tables[at].fits()).collect();
    let Some(&first) = fit.first() else {
        return (None, "none met the objectives in every run".to_owned());
    };
    // What has no price (others' servers) cannot be compared by it.
    if fit.iter().any(|&at| price(at).is_none()) {
        let many = fit.len() > 1;
        let taken = (!many).then_some(first);
        let reason = if many {
            "several met the objectives, and this target has no prices to choose by"
        } else {
            "the only one that met the objectives in every run"
        };
        return (taken, reason.to_owned());
    }
    let by_price = |a: &&usize, b: &&usize| price(**a).partial_cmp(&price(**b));
    let cheapest = fit
        .iter()
        .min_by(|a, b| by_price(a, b).unwrap_or(Ordering::Equal));
    let taken = cheapest.copied().unwrap_or(first);
    let others = (0..tables.len()).filter(|&at| at != taken);
    let cheaper = others.filter(|&at| price(at) < price(taken)).count();
    let reason = match (fit.len(), cheaper) {
        (1, 0) => "the only one that met the objectives, and the cheapest besides".to_owned(),
        (1, _) => "the only one that met the objectives in every run".to_owned(),
        (_, 0) => "the cheapest, and it met the objectives in every run".to_owned(),
        (_, n) => {
            format!("the cheapest that met the objectives in every run; {n} cheaper did not",)
        }
    };
    (Some(taken), reason)
}

/// How much more than a table gives may be measured for its being what it gives:
/// the ends of the time that is measured cut calls off.
const MEASURED_BEYOND: f64 = 1.01;

impl ModeFigures {
    /// Tells whether it comes into question: it showed in every run what it had to,
    /// and what it gave is no more than it gives for long.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.runs > 0 && self.met == self.runs && self.falls_short().is_none()
    }

    /// What it is chosen by: US dollars an hour in the long run.
    fn price(&self) -> Option<f64> {
        let measured = self.usd_per_hour.map(|usd| usd.mean);
        let usd = self.usd_per_hour_settled.or(measured);
        usd.filter(|usd| usd.is_finite())
    }

    /// Says how it gives less for long than the readings ask for, if it does.
    #[must_use]
    pub fn falls_short(&self) -> Option<String> {
        let gives = self.gives?;
        let asked = self.asked.filter(|&asked| asked > gives);
        let used = self.write_units.map(|used| used.mean);
        let used = used.filter(|&used| used > gives * MEASURED_BEYOND);
        let more = match (asked, used) {
            (Some(asked), _) => format!("{} are asked for", amount(asked)),
            (None, Some(used)) => format!("{} were used", amount(used)),
            (None, None) => return None,
        };
        Some(format!(
            "gives {} write units/s for long, and {more}",
            amount(gives)
        ))
    }

    fn new(table: TableRuns, in_time: Option<(Stage, f64)>) -> Self {
        let TableRuns {
            name,
            gives,
            asked,
            settles_at,
            runs,
        } = table;
        let runs = &runs[..];
        let figures: Vec<Figures> = runs.iter().map(Figures::of).collect();
        let figure = |measure| {
            let values = figures.iter().filter_map(|of| of.get(measure));
            Figure::of(&values.collect::<Vec<_>>())
        };
        let bare = |of: &dyn Fn(&RunResult) -> Option<f64>| {
            let values = runs.iter().filter_map(of).map(RunFigure::bare);
            Figure::of(&values.collect::<Vec<_>>())
        };
        let quantiles = |stage: Stage| {
            let of = |percentile| figure(Measure::Latency(stage, percentile));
            Quantiles {
                p50: of(Percentile::P50),
                p99: of(Percentile::P99),
                p999: of(Percentile::P999),
            }
        };
        let slowest = runs.iter().filter_map(|run| run.slowest_devices.first());
        let throttles = throttles(runs);
        let refused: u64 = throttles.iter().map(|of| of.items).sum();
        let written: u64 = runs.iter().map(|run| run.ledger.acknowledged).sum();
        Self {
            name,
            gives,
            asked: Some(asked),
            settles_at,
            usd_per_hour_settled: settles_at.and_then(|units| settled(runs, units)),
            runs: runs.len() as u32,
            met: runs.iter().filter(|run| Verdict::met(run)).count() as u32,
            missed: missed(runs),
            achieved: figure(Measure::Achieved),
            response: quantiles(Stage::Response),
            e2e: quantiles(Stage::EndToEnd),
            worst_device: slowest.max_by(|a, b| a.e2e.total_cmp(&b.e2e)).copied(),
            write_units: bare(&|run| {
                let measured = run.run.measured;
                (measured > 0.0).then(|| run.written_units() / measured)
            }),
            throttled_share: refused as f64 / ((refused + written) as f64).max(1.0),
            throttles,
            throttled_per_second: per_second(runs, |_| true),
            usd_per_hour: bare(&|run| run.cost.as_ref()?.usd_per_hour),
            usd_per_million: figure(Measure::UsdPerMillion),
            usd_per_million_in_time: in_time.and_then(|(stage, bound)| {
                bare(&|run| {
                    let cost = run.cost.as_ref()?;
                    let of = run.latency.get(stage)?.decode().ok()?;
                    let within = of.count_within_us((bound * 1e6) as i64);
                    (within > 0).then(|| cost.usd / within as f64 * 1e6)
                })
            }),
        }
    }
}

/// US dollars an hour of runs whose table had provided so many units all the time, on
/// average: auto scaling looks on for minutes before it provides more.
fn settled(runs: &[RunResult], units: f64) -> Option<f64> {
    let of = |run: &RunResult| {
        let cost = run.cost.as_ref()?;
        let line = cost.lines.iter().find(|of| of.item == PROVISIONED)?;
        let hours = run.run.measured / 3_600.0;
        let price = line.usd / line.quantity;
        let usd = cost.usd_per_hour? + (units - line.quantity / hours) * price;
        usd.is_finite().then_some(usd)
    };
    let usd: Vec<f64> = runs.iter().map(of).collect::<Option<_>>()?;
    (!usd.is_empty()).then(|| usd.iter().sum::<f64>() / usd.len() as f64)
}

/// The line of a cost that provisioned write units are in.
const PROVISIONED: &str = "DynamoDB: writes, provisioned";

fn missed(runs: &[RunResult]) -> Vec<Missed> {
    let mut missed: Vec<Missed> = Vec::new();
    for threshold in runs.iter().flat_map(|run| &run.thresholds) {
        if threshold.met {
            continue;
        }
        match missed
            .iter_mut()
            .find(|of| of.expression == threshold.expression)
        {
            Some(of) => of.runs += 1,
            None => missed.push(Missed {
                expression: threshold.expression.clone(),
                runs: 1,
            }),
        }
    }
    missed
}

fn throttles(runs: &[RunResult]) -> Vec<ThrottledBy> {
    let mut by: Vec<ThrottledBy> = Vec::new();
    for throttle in runs.iter().flat_map(|run| &run.throttles) {
        let reason = cause(throttle);
        match by.iter_mut().find(|of| of.reason == *reason) {
            Some(of) => of.items += throttle.items,
            None => by.push(ThrottledBy {
                reason: reason.clone(),
                items: throttle.items,
                per_second: per_second(runs, |of| cause(of) == reason),
            }),
        }
    }
    by.sort_by(|a, b| (b.items, &a.reason).cmp(&(a.items, &b.reason)));
    by
}

/// What refused: the reason, or the exception of a service that gives none.
fn cause(throttle: &Throttle) -> &String {
    throttle.reason.as_ref().unwrap_or(&throttle.exception)
}

/// Items refused for these causes in each second, on average over the runs.
fn per_second(runs: &[RunResult], of_cause: impl Fn(&Throttle) -> bool) -> Vec<f64> {
    let mut seconds: Vec<f64> = Vec::new();
    for run in runs {
        let measured = run.run.measured.ceil() as i64;
        let entries = run
            .series
            .iter()
            .filter(|of| (0..measured).contains(&of.second));
        for entry in entries {
            let at = entry.second as usize;
            if seconds.len() <= at {
                seconds.resize(at + 1, 0.0);
            }
            let throttles = entry.throttles.iter().filter(|of| of_cause(of));
            let items: u64 = throttles.map(|of| of.items).sum();
            seconds[at] += items as f64 / runs.len() as f64;
        }
    }
    seconds
}

impl Figure {
    /// Of every run that has it; nothing when none has.
    fn of(values: &[RunFigure]) -> Option<Self> {
        let of = estimate(values, CONFIDENCE).ok()?;
        Some(Self {
            mean: of.value,
            interval: of.interval.map(|interval| [interval.low, interval.high]),
        })
    }
}

/// How often an interval holds what endlessly many runs would come to.
const CONFIDENCE: f64 = 0.95;
