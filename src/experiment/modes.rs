//! The ways of paying for a table, side by side.
//!
//! In goes one run, and how often to make it; out come the same readings on a
//! table on demand, on a provisioned one and on an auto-scaled one, their
//! figures beside each other and the one to take. Repeats are interleaved, so
//! that whatever drifts on a shared machine hits all alike.

use super::budget::{Estimate, Purse, estimate_all};
use super::error::RunError;
use super::event::Event;
use super::interrupt::Interrupts;
use super::request::{Request, TableMode, Target, Warm};
use super::run::run;
use super::setting::Setting;
use super::sustained::Sustained;
use crate::aws::TableThroughput;
use crate::capacity::scaling::ScalingPolicy;
use crate::local::Limits;
use crate::report::{Condition, Ended, ModesResult, RunResult, TableRuns, Word, count};

/// What is asked.
#[derive(Debug, Clone)]
pub struct ModesRequest {
    /// The run that each table gets. Its table's mode, auto scaling and output
    /// are not looked at; what it may cost is what all of them may.
    pub run: Request,
    /// What a table must show to come into question.
    pub slo: Vec<Condition>,
    /// How often each table gets it.
    pub repeat: u32,
    /// What the table on demand is warmed for.
    pub warm: Warm,
    /// Write units of the provisioned table; `None` is enough for the rate.
    pub write_units: Option<u64>,
    /// Of the auto-scaled table; `None` is from the mean to the peak at 70 %.
    pub auto_scaling: Option<ScalingPolicy>,
}

impl ModesRequest {
    /// What the comparison costs on AWS.
    ///
    /// # Errors
    /// The request asks for something that cannot be.
    pub fn estimate(&self) -> Result<Estimate, RunError> {
        let ways = ways(self)?;
        let requests: Vec<Request> = ways.iter().map(|way| way.request(self)).collect();
        estimate_all(requests.iter().map(|of_way| (of_way, self.repeat)))
    }
}

/// What whoever watches hears.
#[derive(Debug)]
pub enum ModesEvent<'a> {
    /// A run begins: which table, which repeat of how many.
    Turn(&'a str, u32, u32),
    /// Of this run.
    Run(Event<'a>),
    /// What came of it.
    Done(&'a str, &'a RunResult),
}

/// A table to compare.
struct Way {
    name: String,
    table_mode: TableMode,
    auto_scaling: Option<ScalingPolicy>,
}

/// Compares, and says which to take.
///
/// A signal ends the current run and the comparison, and so does the end of what they
/// may cost: the result has the runs that were whole, and is marked.
///
/// # Errors
/// When a run could not be made at all.
pub async fn modes(
    request: &ModesRequest,
    interrupts: &mut Interrupts,
    tell: &mut dyn FnMut(ModesEvent<'_>),
) -> Result<ModesResult, RunError> {
    let ways = ways(request)?;
    let mut results: Vec<Vec<RunResult>> = ways.iter().map(|_| Vec::new()).collect();
    let mut purse = Purse::new(request.run.max_cost_usd);
    let mut ended = Ended::Done;
    'repeats: for repeat in 0..request.repeat {
        for turn in 0..ways.len() {
            // Each repeat begins with another, so that none is always first.
            let index = (turn + repeat as usize) % ways.len();
            let way = &ways[index];
            tell(ModesEvent::Turn(&way.name, repeat + 1, request.repeat));
            let mut of_way = way.request(request);
            of_way.max_cost_usd = purse.left_usd();
            let finished = run(&of_way, interrupts, &mut |event| {
                tell(ModesEvent::Run(purse.of_all(event)));
            })
            .await?;
            let spent = purse.pay(&finished);
            if finished.word == Word::Interrupted {
                ended = Ended::Interrupted;
                break 'repeats;
            }
            let whole = finished.result.run.max_cost_reached.is_none();
            if whole {
                tell(ModesEvent::Done(&way.name, &finished.result));
                results[index].push(finished.result);
            }
            let last = repeat + 1 == request.repeat && turn + 1 == ways.len();
            if let Some(limit) = spent
                && !(whole && last)
            {
                ended = Ended::MaxCost(limit);
                break 'repeats;
            }
        }
    }
    let mut tables = Vec::with_capacity(ways.len());
    for (way, runs) in ways.into_iter().zip(results) {
        let of_way = way.request(request);
        let workload = of_way.workload()?;
        let setting = Setting::choose(&of_way, &workload, "");
        let sustained = Sustained::of(&of_way, &setting);
        tables.push(TableRuns {
            name: way.name,
            gives: sustained.write_units,
            asked: sustained.asked(setting.mean_rate),
            settles_at: way
                .auto_scaling
                .map(|policy| policy.settles_at(sustained.asked(setting.mean_rate))),
            runs,
        });
    }
    Ok(ModesResult::new(
        &request.slo,
        request.repeat,
        tables,
        ended,
    ))
}

impl Way {
    fn request(&self, request: &ModesRequest) -> Request {
        let mut run = request.run.clone();
        run.output = None;
        run.thresholds.clone_from(&request.slo);
        // Minutes for each of many runs.
        run.cloudwatch = None;
        run.resources.table_mode = self.table_mode;
        if let Target::Embedded(embedded) = &mut run.target {
            // What a table has saved says nothing of what it gives for long.
            embedded.limits = embedded.limits.take().map(|limits| Limits {
                auto_scaling: self.auto_scaling,
                ..limits.without_savings()
            });
        }
        run
    }
}

/// The tables: on AWS, auto scaling is another service's, and whether a table is
/// scaled is not for a run to say.
fn ways(request: &ModesRequest) -> Result<Vec<Way>, RunError> {
    let run = &request.run;
    let workload = run.workload()?;
    let units_of = |table_mode| {
        let mut run = run.clone();
        run.resources.table_mode = table_mode;
        let setting = Setting::choose(&run, &workload, "");
        let mean = setting.mean_rate * setting.footprint.write_units() as f64;
        (setting.throughput, (mean.ceil() as u64).max(1))
    };
    let on_demand = TableMode::OnDemand { warm: request.warm };
    let (throughput, _) = units_of(on_demand);
    let name = match throughput {
        TableThroughput::OnDemand {
            warm_write_units: Some(units),
        } => format!("on demand, warm for {}", count(units)),
        _ => "on demand, new".to_owned(),
    };
    let mut ways = vec![Way {
        name,
        table_mode: on_demand,
        auto_scaling: None,
    }];
    let provisioned = TableMode::Provisioned {
        write_units: request.write_units,
    };
    if let (TableThroughput::Provisioned { write_units, .. }, mean) = units_of(provisioned) {
        ways.push(Way {
            name: format!("provisioned, {}", count(write_units)),
            table_mode: provisioned,
            auto_scaling: None,
        });
        let policy = request.auto_scaling.unwrap_or(ScalingPolicy {
            target_percent: TARGET_PERCENT,
            minimum: mean,
            maximum: write_units.max(mean) * 100 / TARGET_PERCENT,
        });
        if matches!(&run.target, Target::Embedded(embedded) if embedded.limits.is_some()) {
            ways.push(Way {
                name: format!("auto scaling {policy}"),
                table_mode: TableMode::Provisioned {
                    write_units: Some(policy.minimum),
                },
                auto_scaling: Some(policy),
            });
        }
    }
    Ok(ways)
}

/// Target utilisation of the auto-scaled table: what the console proposes.
const TARGET_PERCENT: u64 = 70;
