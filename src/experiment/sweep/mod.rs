//! The highest rate that holds.
//!
//! In goes a run without a rate, and what a run must show; out comes the knee:
//! the highest rate at which it showed it, the runs around it, and what limited
//! the next higher one. Each rate is a run of its own, with its own warm-up.

mod cause;
mod search;

pub use search::Why;

use super::error::RunError;
use super::event::{Ending, Event, Finished};
use super::interrupt::Interrupts;
use super::request::{Output, Request, Target};
use super::run::run;
use super::site::Site;
use crate::local::Limits;
use crate::report::{Condition, RunResult, SweepResult, SweepStep, Verdict};
use crate::workload::Pace;
use search::{Outcome, Search};

/// What is asked.
#[derive(Debug, Clone)]
pub struct SweepRequest {
    /// The run that is made at each rate. Its pace and output are not looked at.
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
/// A signal ends the current run early and the search with it: the result has
/// what was found until then, and is marked.
///
/// # Errors
/// When a run could not be made at all.
pub async fn sweep(
    request: &SweepRequest,
    interrupts: &mut Interrupts,
    tell: &mut dyn FnMut(SweepEvent<'_>),
) -> Result<SweepResult, RunError> {
    let mut base = request.run.clone();
    base.output = None::<Output>;
    base.thresholds.clone_from(&request.slo);
    if !base.thresholds.iter().any(Condition::is_of_rate) {
        base.thresholds.extend(ACHIEVED.parse::<Condition>());
    }
    base.pace = Pace::Rate(request.to);
    if let Target::Embedded(embedded) = &mut base.target {
        embedded.limits = embedded.limits.take().map(Limits::without_savings);
    }
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
    while let Some((rate, why)) = search.next() {
        tell(SweepEvent::Trying(rate, why, search.left()));
        run_request.pace = Pace::Rate(rate);
        let Finished {
            result: of_run,
            ending,
            ..
        } = run(&run_request, interrupts, &mut |event| {
            tell(SweepEvent::Run(event));
        })
        .await?;
        let interrupted = ending == Ending::Interrupted;
        let held = !interrupted && Verdict::met(&of_run);
        let cause = (!held && !interrupted).then(|| cause::cause(&of_run));
        result.add(rate, &of_run, held, cause);
        if let Some(step) = result.steps.last() {
            tell(SweepEvent::Tried(step));
        }
        if interrupted {
            result.interrupted = true;
            break;
        }
        let outcome = match held {
            true => Outcome::Held,
            false if by_far(&run_request.thresholds, &of_run) => Outcome::MissedByFar,
            false => Outcome::Missed,
        };
        search.note(rate, outcome);
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
