//! `hrload cleanup`: what set-ups left behind, found by tag.

use clap::Args;
use jiff::Timestamp;

use super::place::{PlaceArgs, consent, on_runtime};
use super::problem::{Exit, Problem};
use super::screen::tell;
use crate::aws::{self, Leftover};
use crate::report::duration;

pub(super) const HELP: &str = "\
Examples:
  hrload cleanup --expired --region eu-central-1
      lists tables and streams whose tag hrload:expires is in the past, and asks
  hrload cleanup --expired --yes
      without asking, as a nightly job

Only what carries the tags hrload:run and hrload:expires is ever listed.";

/// Arguments of `hrload cleanup`.
#[derive(Debug, Args)]
pub(crate) struct CleanupArgs {
    #[command(flatten)]
    place: PlaceArgs,

    /// Remove what has expired (required: nothing else is ever removed)
    #[arg(long, required = true)]
    expired: bool,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Cleans up.
pub(crate) fn run(args: CleanupArgs) -> Result<Exit, Problem> {
    on_runtime(async |_| {
        let connection = args.place.connect().await?;
        let now = Timestamp::now();
        let found = aws::leftovers(&connection, now)
            .await
            .map_err(Problem::failed)?;
        if found.is_empty() {
            tell("nothing has expired")?;
            return Ok(Exit::Held);
        }
        for leftover in &found {
            let age = now.duration_since(leftover.expires).as_secs_f64();
            tell(&format!("{leftover}, expired {} ago", duration(age)))?;
        }
        let question = format!(
            "Remove these {} in {} on {}?",
            found.len(),
            connection.region,
            args.place.name()
        );
        if !consent(args.yes, &question)? {
            return Err(Problem::failed("nothing was removed"));
        }
        remove(&connection, &found).await
    })
}

/// Goes on after a failure, and tells each.
async fn remove(connection: &aws::Connection, found: &[Leftover]) -> Result<Exit, Problem> {
    let mut failed = Vec::new();
    for leftover in found {
        match aws::remove(connection, leftover).await {
            Ok(true) => tell(&format!("removed {leftover}"))?,
            Ok(false) => tell(&format!("left {leftover}: it has changed meanwhile"))?,
            Err(error) => failed.push(format!("{leftover}: {error}")),
        }
    }
    if failed.is_empty() {
        Ok(Exit::Held)
    } else {
        Err(Problem::failed(failed.join("\n")))
    }
}
