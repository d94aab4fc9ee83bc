//! `hrload teardown`: removes what a state file names.

use std::path::PathBuf;

use clap::Args;

use super::place::{PlaceArgs, consent, on_runtime};
use super::problem::{Exit, Problem};
use super::screen::tell;
use super::values;
use crate::aws::{self, HeldState, Progress, State, StateFile, permissions};

pub(super) const HELP: &str = "\
Examples:
  hrload teardown
      removes what hrload-state.json names, after asking
  hrload teardown --state other.json --yes
      without asking

A table or a stream is removed only if its tags and its identity (a table's id,
a stream's creation time) are still those that were recorded. Another one of the
same name is left alone, and the state file stays. If it was cut off, run it
again.";

/// Arguments of `hrload teardown`.
#[derive(Debug, Args)]
pub(crate) struct TeardownArgs {
    /// File that `hrload setup` wrote
    #[arg(long, value_name = "FILE", default_value = "hrload-state.json")]
    state: PathBuf,

    /// Profile of the AWS configuration file [default: AWS_PROFILE, or `default`]
    #[arg(long, value_name = "NAME")]
    aws_profile: Option<String>,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,

    /// Print the calls that would be made, in order, with their IAM actions and
    /// resources, and make none
    #[arg(long)]
    dry_run: bool,

    /// Print errors only
    #[arg(short, long)]
    quiet: bool,
}

/// Tears down.
pub(crate) fn run(args: &TeardownArgs) -> Result<Exit, Problem> {
    let file = StateFile::at(args.state.clone());
    let mut state = file.read().map_err(Problem::failed)?;
    let held = (!args.dry_run).then(|| file.hold()).transpose();
    let held = held.map_err(Problem::failed)?;
    if let Some(lacks) = held.as_ref().and_then(HeldState::lacks) {
        say!("{lacks}");
    }
    if held.is_some() {
        // Another process may have gone on with it until now.
        state = file.read().map_err(Problem::failed)?;
    }
    let place = place(&state, args)?;
    if args.dry_run {
        tell(&permissions::dry_run(
            permissions::TEARDOWN_ORDER,
            permissions::TEARDOWN,
            &state.region,
            &state.table.name,
            &state.stream.name,
        ))?;
        return Ok(Exit::Held);
    }
    let named: Vec<String> = [("table", &state.table), ("stream", &state.stream)]
        .iter()
        .filter(|(_, of)| !matches!(of.progress, Progress::Planned | Progress::Removed))
        .map(|(kind, of)| format!("{kind} {}", of.name))
        .collect();
    let question = format!(
        "Remove {} in {} on {}?",
        if named.is_empty() {
            "nothing but the state file".to_owned()
        } else {
            named.join(" and ")
        },
        state.region,
        place.name()
    );
    if !consent(args.yes, &question)? {
        return Err(Problem::failed("nothing was removed"));
    }
    let quiet = args.quiet;
    let mut tell = |step: &str| {
        if !quiet {
            say!("{step}");
        }
    };
    on_runtime(async |interrupts| {
        let connection = place.connect().await?;
        tokio::select! {
            done = aws::take_down(&connection, &file, &mut state, &mut tell) => {
                done.map_err(Problem::failed).map(|()| Exit::Held)
            }
            () = interrupts.next() => Err(Problem::interrupted(
                "interrupted; call it again to go on",
            )),
        }
    })
}

fn place(state: &State, args: &TeardownArgs) -> Result<PlaceArgs, Problem> {
    let url = |text: &Option<String>| {
        let parsed = text.as_deref().map(values::url).transpose();
        parsed.map_err(|e| Problem::failed(format!("{}: {e}", args.state.display())))
    };
    Ok(PlaceArgs {
        endpoint_url: url(&state.dynamodb)?,
        kinesis_endpoint_url: url(&state.kinesis)?,
        region: Some(state.region.clone()),
        aws_profile: args.aws_profile.clone(),
    })
}
