//! The highest rate that holds.
//!
//! In goes a run without a rate, and what a run must show; out comes the knee:
//! the highest rate at which it showed it, the runs around it, and what limited
//! the next higher one. Each rate is a run of its own, with its own warm-up.

mod cause;
mod search;

pub use search::Why;

use super::budget::{Estimate, Purse, estimate_at};
use super::error::RunError;
use super::event::{Event, Finished};
use super::interrupt::Interrupts;
use super::request::{Output, Request, Target};
use super::run::run;
use super::setting::Setting;
use super::site::Site;
use super::sustained::Sustained;
use crate::local::Limits;
use crate::report::{Condition, RunResult, SweepResult, SweepStep, Verdict, Word};
use crate::workload::Pace;
use search::{Outcome, Search};

/// What is asked.
#[derive(Debug, Clone)]
pub struct SweepRequest {
    /// The run that is made at each rate. Its pace and output are not looked at; what
    /// it may cost is what all of them may.
    pub run: Request,
    /// What it must show to hold.
    pub slo: Vec<Condition>,
    /// The first rate.
    pub from: f64,
    /// The highest rate to try.
    pub to: f64,
    /// How near the highest rate that held must be to the lowest that did not,
    /// as a share.
    pub precision: f64,
}

impl SweepRequest {
    /// What a sweep costs on AWS that finds its limit just below the highest rate: few
    /// cost more.
    ///
    /// # Errors
    /// The request asks for something that cannot be.
    pub fn estimate(&self) -> Result<Estimate, RunError> {
        let sized = self.sized();
        let mut all = Estimate::nothing();
        let mut search = Search::new(self.from, self.to, self.precision);
        while let Some((rate, _)) = search.next() {
            all.add(estimate_at(&sized, Some(rate))?, 1);
            let below = rate < self.to;
            search.note(
                rate,
                if below {
                    Outcome::Held
                } else {
                    Outcome::Missed
                },
            );
        }
        Ok(all)
    }

    /// Returns what the table and the stream of a run at `rate` give for long.
    fn sustained(&self, rate: f64) -> Result<Sustained, RunError> {
        let mut run = self.sized();
        // Elsewhere they are made once, for the highest.
        if matches!(run.target, Target::Embedded(_)) {
            run.pace = Pace::Rate(rate);
        }
        let workload = run.workload()?;
        let setting = Setting::choose(&run, &workload, "");
        Ok(Sustained::of(&run, &setting))
    }

    /// The run that table and stream are made large enough for.
    fn sized(&self) -> Request {
        let mut base = self.run.clone();
        base.output = None::<Output>;
        base.thresholds.clone_from(&self.slo);
        if !base.thresholds.iter().any(Condition::is_of_rate) {
            base.thresholds.extend(ACHIEVED.parse::<Condition>());
        }
        base.pace = Pace::Rate(self.to);
        if let Target::Embedded(embedded) = &mut base.target {
            embedded.limits = embedded.limits.take().map(Limits::without_savings);
        }
        base
    }
}

/// What whoever watches a sweep hears.
#[derive(Debug)]
pub enum SweepEvent<'a> {
    /// A rate is tried: which, why, and how many more there will be about.
    Trying(f64, Why, Option<u32>),
    /// Of the run at this rate.
    Run(Event<'a>),
    /// What came of it.
    Tried(&'a SweepStep),
}

/// A run that achieved less of its rate than this missed by far,
const FAR: f64 = 0.9;

/// and so did one that took so many times the latency it may.
const FAR_LATE: f64 = 2.0;

/// What a rate must come to for it to be held, where the objectives do not say.
const ACHIEVED: &str = "achieved>=99%";

/// Searches, and says how the search ended.
///
/// A signal ends the current run early and the search with it, and so does the end of
/// what they may cost: the result has what was found until then, and is marked.
///
/// # Errors
/// When a run could not be made at all.
pub async fn sweep(
    request: &SweepRequest,
    interrupts: &mut Interrupts,
    tell: &mut dyn FnMut(SweepEvent<'_>),
) -> Result<SweepResult, RunError> {
    let mut base = request.sized();
    let site = Site::open(&base, interrupts, &mut |event| tell(SweepEvent::Run(event))).await?;
    if let Some(site) = &site {
        site.settle(&mut base);
    }
    let searched = search(request, base, interrupts, tell).await;
    let closed = match site {
        None => Ok(()),
        Some(site) => {
            site.close(interrupts, &mut |event| tell(SweepEvent::Run(event)))
                .await
        }
    };
    let result = searched?;
    closed?;
    Ok(result)
}

async fn search(
    request: &SweepRequest,
    mut run_request: Request,
    interrupts: &mut Interrupts,
    tell: &mut dyn FnMut(SweepEvent<'_>),
) -> Result<SweepResult, RunError> {
    let slo = run_request.thresholds.iter().map(ToString::to_string);
    let mut result = SweepResult::new(slo.collect());
    let mut search = Search::new(request.from, request.to, request.precision);
    let mut purse = Purse::new(request.run.max_cost_usd);
    while let Some((rate, why)) = search.next() {
        tell(SweepEvent::Trying(rate, why, search.left()));
        run_request.pace = Pace::Rate(rate);
        run_request.max_cost_usd = purse.left_usd();
        let finished = run(&run_request, interrupts, &mut |event| {
            tell(SweepEvent::Run(purse.of_all(event)));
        })
        .await?;
        let spent = purse.pay(&finished);
        let Finished {
            result: of_run,
            word,
            unsustained,
            ..
        } = finished;
        result.interrupted = word == Word::Interrupted;
        if result.interrupted || of_run.run.max_cost_reached.is_some() {
            result.max_cost_reached = spent.filter(|_| !result.interrupted);
            // It says nothing of its rate.
            result.add_cut_short(rate, &of_run);
            break;
        }
        let beyond = request.sustained(rate)?.exceeded_by(rate);
        let met = Verdict::met(&of_run);
        // What is known needs no second try.
        let known = met && beyond.is_some();
        let beyond = beyond.or(unsustained);
        let held = met && beyond.is_none();
        let cause = beyond
            .filter(|_| met)
            .or_else(|| (!held).then(|| cause::cause(&of_run)));
        result.add(rate, &of_run, held, cause);
        if let Some(step) = result.steps.last() {
            tell(SweepEvent::Tried(step));
        }
        let outcome = match held {
            true => Outcome::Held,
            false if known || by_far(&run_request.thresholds, &of_run) => Outcome::MissedByFar,
            false => Outcome::Missed,
        };
        search.note(rate, outcome);
        if spent.is_some() && search.next().is_some() {
            result.max_cost_reached = spent;
            break;
        }
    }
    result.conclude();
    Ok(result)
}

/// Missed by so much that no stall of the machine explains it.
fn by_far(slo: &[Condition], result: &RunResult) -> bool {
    let late = slo
        .iter()
        .zip(&result.thresholds)
        .any(|(wanted, threshold)| {
            let bound = wanted.latency_bound().map(|(_, bound)| bound);
            bound
                .zip(threshold.measured)
                .is_some_and(|(bound, measured)| measured > FAR_LATE * bound)
        });
    late || result.rate.achieved < FAR * result.rate.offered
}
