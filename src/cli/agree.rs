//! What a job will cost, said and agreed to before it begins.

use std::io::{IsTerminal, stdin};

use super::place::consent;
use super::problem::Problem;
use crate::experiment::{Estimate, Request, RunError, Target};
use crate::report::usd;

/// How a person wants to be asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking {
    /// Do not ask: `--yes`.
    pub yes: bool,
    /// Print nothing: `--quiet`.
    pub quiet: bool,
}

/// Says what `job`, which is made of such runs, will cost on AWS or where it has a limit;
/// on a terminal, asks before one on AWS. `if_what` is what the estimate takes for given.
pub(super) fn agree(
    request: &Request,
    job: &str,
    if_what: &str,
    asking: Asking,
    estimate: impl FnOnce() -> Result<Estimate, RunError>,
) -> Result<(), Problem> {
    let on_aws = matches!(request.target, Target::Aws { .. });
    if !on_aws && request.max_cost_usd.is_none() {
        return Ok(());
    }
    let cost = estimate()?;
    if !asking.quiet {
        let runs = match cost.runs {
            1 => String::new(),
            runs => format!(" in {runs} runs"),
        };
        say!(
            "this {job} costs about {} USD{runs}{if_what} (prices of {})",
            usd(cost.usd),
            cost.prices
        );
        if let Some(limit) = request.max_cost_usd.filter(|limit| *limit < cost.usd) {
            say!("it ends earlier, when {limit} USD are spent");
        }
    }
    let question = format!("Make this {job} on AWS?");
    if on_aws && !asking.yes && stdin().is_terminal() && !consent(false, &question)? {
        return Err(Problem::failed("nothing was made and nothing was sent"));
    }
    Ok(())
}
