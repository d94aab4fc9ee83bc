//! `hrload sweep`: the highest rate that holds.

use std::path::{Path, PathBuf};

use clap::Args;

use super::agree::agree;
use super::capacity::ModeArgs;
use super::live::Live;
use super::place::on_runtime;
use super::problem::{Exit, Outputs, Problem};
use super::run::{self, Job, LoadArgs};
use super::values::{self, Rate};
use crate::experiment::{Event, SweepEvent, SweepRequest, Why, sweep};
use crate::report::{self, Condition, SweepResult, amount};

pub(super) const HELP: &str = "\
Examples:
  hrload sweep --slo 'p99<50ms,lost=0,throttled<0.1%'
      the highest rate of this machine, with services sized for each rate
  hrload sweep --mode provisioned --wcu 2000 --shards 2
      the highest rate of a table of 2,000 write units and a stream of 2 shards
  hrload sweep --slo 'e2e.p99<1s' --from 1k --to 50k -d 20s --client direct \\
      -o sweep.json
      judged by end-to-end latency, with longer runs, and the curve in a file

Each rate is a run of its own, on new embedded services, or on one table and
stream of another target, sized for --to. A rate that misses narrowly is tried
again. A rate above what table and stream sustain misses its objectives. A table
of your own (--table) may have saved 300 s of unused capacity: make --warmup
long enough to spend it.

Exit codes: 0 a rate met the objectives; 1 failed to run; 2 wrong use; 3 none
did, or --max-cost ended the search; 130 interrupted (what was found is printed
and written).";

/// What a run must show where nothing else is said.
const SLO: &str = "p99<100ms,e2e.p99<1s,lost=0,throttled<0.1%";

/// The highest rate where nothing else is said, in readings a second.
const HIGHEST: f64 = 1e6;

/// Arguments of `hrload sweep`.
#[derive(Debug, Args)]
#[command(mut_arg("duration", |arg| arg.default_value("10s")),
          mut_arg("warmup", |arg| arg.default_value("3s")),
          mut_arg("drain", |arg| arg.default_value("10s")))]
pub(crate) struct SweepArgs {
    /// Objectives that a rate must meet, separated by commas; achieved>=99% is added unless
    /// one bounds the achieved rate [default: p99<100ms,e2e.p99<1s,lost=0,throttled<0.1%;
    /// without e2e if nothing is followed]
    #[arg(
        long,
        value_name = "CONDITIONS",
        value_parser = values::slo,
        help_heading = "Search"
    )]
    slo: Option<values::Slo>,

    /// First rate to try
    #[arg(
        long,
        value_name = "RATE",
        default_value = "500",
        help_heading = "Search"
    )]
    from: Rate,

    /// Highest rate to try; other targets than the embedded services need it, and size
    /// table and stream for it [default: 1M]
    #[arg(long, value_name = "RATE", help_heading = "Search")]
    to: Option<Rate>,

    /// How close to the limit the search ends
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = precision, help_heading = "Search")]
    precision: f64,

    /// Draw latency against rate as SVG
    #[arg(long, value_name = "FILE.svg", value_parser = values::picture, help_heading = "Output")]
    plot: Option<PathBuf>,

    #[command(flatten)]
    load: LoadArgs,

    #[command(flatten)]
    mode: ModeArgs,
}

fn precision(text: &str) -> Result<f64, String> {
    match values::percent(text) {
        Ok(share) if (0.01..=1.0).contains(&share) => Ok(share),
        _ => Err("expected a percentage from 1% to 100%, such as 5%".to_owned()),
    }
}

/// Sweeps, and prints what was found.
pub(crate) fn run(args: SweepArgs) -> Result<Exit, Problem> {
    let SweepArgs {
        slo,
        from: Rate(from),
        to,
        precision,
        plot,
        load,
        mode,
    } = args;
    let to = match to {
        Some(Rate(to)) => to,
        None if load.embedded() => HIGHEST,
        None => {
            return Err(Problem::usage(
                "say how far to go with --to, such as --to 10k: table and stream are made large \
                 enough for it, and paid for",
            ));
        }
    };
    if from > to {
        return Err(Problem::usage(format!(
            "--from {from} is above --to {to}: the search goes up; give a lower --from or a higher --to",
        )));
    }
    let slo = match slo {
        Some(values::Slo(conditions)) => conditions,
        None => {
            let mut conditions = Condition::list(SLO).map_err(Problem::failed)?;
            conditions.retain(|of| load.follows() || !of.needs_stream());
            conditions
        }
    };
    let (quiet, asking) = (load.quiet(), load.asking());
    let request = load.into_request(Job {
        mode,
        judged_by: "--slo",
        conditions: slo.clone(),
        ..Job::default()
    })?;
    let output = request.output.clone();
    let request = SweepRequest {
        run: request,
        slo,
        from,
        to,
        precision,
    };
    run::probe(output.as_ref())?;
    if let Some(path) = &plot {
        report::probe(path).map_err(Problem::failed)?;
    }
    let just_below = " if its limit lies just below --to";
    agree(&request.run, "sweep", just_below, asking, || {
        request.estimate()
    })?;
    let mut watch = Watch {
        live: Live::of_many(quiet),
        first: true,
    };
    let result = on_runtime(async |interrupts| {
        sweep(&request, interrupts, &mut |event| watch.show(&event)).await
    });
    let not_removed = watch.live.finish();
    let result = result?;
    let mut outputs = Outputs::default();
    outputs.note(run::put_out(output.as_ref(), quiet, &result, report::sweep));
    if let Some(path) = &plot {
        outputs.note(draw(path, &result));
    }
    outputs.note(not_removed.map_or(Ok(()), Err));
    outputs.end()?;
    Ok(ending(&result))
}

fn draw(path: &Path, result: &SweepResult) -> Result<(), Problem> {
    let drawn = report::sweep_plot(result).map_err(Problem::failed)?;
    Ok(report::write_text(path, &drawn)?)
}

fn ending(result: &SweepResult) -> Exit {
    if result.interrupted {
        Exit::Interrupted
    } else if result.max_cost_reached.is_some() || result.knee.is_none() {
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
    fn show(&mut self, event: &SweepEvent<'_>) {
        match event {
            // What is sized differs with the rate; the first tells what it is about.
            SweepEvent::Run(Event::Ready(_)) if !self.first => {}
            SweepEvent::Run(event) => {
                self.live.show(event);
                self.first &= !matches!(event, Event::Ready(_));
            }
            SweepEvent::Trying(rate, why, left) => {
                let why = match why {
                    Why::Ramp => "",
                    Why::Bisect => ", between what met the objectives and what missed",
                    Why::Again => " once more",
                };
                let left = match left {
                    Some(left) if *left > 0 => format!("; about {left} more to come"),
                    _ => String::new(),
                };
                self.live
                    .turn_to(&format!("trying {}/s{why}{left}", amount(*rate)));
            }
            SweepEvent::Tried(step) => self.live.print(&report::sweep_step(step)),
        }
    }
}
