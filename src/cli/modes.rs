//! `hrload modes`: the ways of paying for a table, side by side.

use clap::Args;

use super::agree::agree;
use super::live::Live;
use super::place::on_runtime;
use super::problem::{Exit, Outputs, Problem};
use super::run::{self, Job, LoadArgs, PaceArgs};
use super::values;
use crate::experiment::{Event, ModesEvent, ModesRequest, modes};
use crate::report::{self, Condition, ModeFigures, ModesResult, amount, duration};

pub(super) const HELP: &str = "\
Examples:
  hrload modes -r 5k/s
      on-demand, provisioned and auto-scaled tables at 5,000 readings a second
  hrload modes -r 3k/s --wcu 2500 --warm-throughput new \\
      --slo 'p99<50ms,throttled<0.1%'
      a provisioned table that is too small beside a new on-demand one
  hrload modes -r 2k/s -d 60s --time-scale 60 --auto-scaling 70%,500..4000
      auto scaling at 60 times its speed: an hour of it in a minute
  hrload modes -r 5k/s --repeat 5 -o modes.json
      five interleaved runs per table, with the figures in a file

All tables get the same readings. The runs are short; `hrload plan` computes
what a whole day costs, with its peaks and nights.

Exit codes: 0 a table met the objectives; 1 failed to run; 2 wrong use; 3 none
did, or --max-cost ended the comparison; 130 interrupted (what was measured is
printed and written).";

/// What a table must show where nothing else is said.
const SLO: &str = "e2e.p99<1s,lost=0,throttled<0.1%";
/// The same where readings are not followed.
const SLO_UNFOLLOWED: &str = "p99<100ms,lost=0,throttled<0.1%";

/// Arguments of `hrload modes`.
#[derive(Debug, Args)]
#[command(mut_arg("duration", |arg| arg.default_value("15s")))]
pub(crate) struct ModesArgs {
    /// Objectives that a table must meet, separated by commas [default:
    /// e2e.p99<1s,lost=0,throttled<0.1%; p99<100ms instead of e2e if nothing is followed]
    #[arg(long, value_name = "CONDITIONS", value_parser = values::slo, help_heading = "Comparison")]
    slo: Option<values::Slo>,

    /// Number of runs per table
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u32).range(1..=100), help_heading = "Comparison")]
    repeat: u32,

    #[command(flatten)]
    pace: PaceArgs,

    #[command(flatten)]
    load: LoadArgs,
}

/// Compares, and prints the comparison.
pub(crate) fn run(args: ModesArgs) -> Result<Exit, Problem> {
    let ModesArgs {
        slo,
        repeat,
        pace,
        mut load,
    } = args;
    let slo = match slo {
        Some(values::Slo(conditions)) => conditions,
        None if load.follows() => Condition::list(SLO).map_err(Problem::failed)?,
        None => Condition::list(SLO_UNFOLLOWED).map_err(Problem::failed)?,
    };
    let compared = load.take_compared()?;
    let (quiet, asking) = (load.quiet(), load.asking());
    let request = load.into_request(Job {
        pace,
        judged_by: "--slo",
        conditions: slo.clone(),
        ..Job::default()
    })?;
    let output = request.output.clone();
    run::probe(output.as_ref())?;
    let request = ModesRequest {
        run: request,
        slo,
        repeat,
        warm: compared.warm,
        write_units: compared.write_units,
        auto_scaling: compared.auto_scaling,
    };
    agree(&request.run, "comparison", "", asking, || {
        request.estimate()
    })?;
    let mut watch = Watch {
        live: Live::of_many(quiet),
        first: true,
    };
    let result = on_runtime(async |interrupts| {
        modes(&request, interrupts, &mut |event| watch.show(&event)).await
    });
    let not_removed = watch.live.finish();
    let result = result?;
    let mut outputs = Outputs::default();
    outputs.note(run::put_out(output.as_ref(), quiet, &result, report::modes));
    outputs.note(not_removed.map_or(Ok(()), Err));
    outputs.end()?;
    Ok(ending(&result))
}

fn ending(result: &ModesResult) -> Exit {
    let met = result.tables.iter().any(ModeFigures::fits);
    if result.interrupted {
        Exit::Interrupted
    } else if result.max_cost_reached.is_some() || !met {
        Exit::Missed
    } else {
        Exit::Held
    }
}

/// Shows the current run in one line, and each that is done in another.
struct Watch {
    live: Live,
    first: bool,
}

impl Watch {
    fn show(&mut self, event: &ModesEvent<'_>) {
        match event {
            // The tables differ, and their names say how.
            ModesEvent::Run(Event::Ready(_)) if !self.first => {}
            ModesEvent::Run(event) => {
                self.live.show(event);
                self.first &= !matches!(event, Event::Ready(_));
            }
            ModesEvent::Turn(name, repeat, of) => {
                self.live.turn_to(&format!("{name}, {repeat} of {of}"));
            }
            ModesEvent::Done(name, result) => {
                let e2e = result
                    .latency
                    .e2e
                    .as_ref()
                    .or(result.latency.response.as_ref());
                let p99 = e2e.map_or_else(|| "-".to_owned(), |of| duration(of.p99));
                let throttled: u64 = result.throttles.iter().map(|of| of.items).sum();
                self.live.print(&format!(
                    "  {name}: {}/s, p99 {p99}, {} throttled",
                    amount(result.rate.achieved),
                    amount(throttled as f64),
                ));
            }
        }
    }
}
