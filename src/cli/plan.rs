//! `hrload plan`: a workload's day against every way of paying for it.

use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;

use super::live::Live;
use super::problem::{Exit, Outputs, Problem};
use super::profiles;
use super::run::{self, LayoutArg};
use super::values::{self, Rate};
use crate::capacity::plan::{DAY, Plan, Progress, Question, plan};
use crate::capacity::price::Prices;
use crate::experiment::{self, Output};
use crate::files;
use crate::report;
use crate::workload::{Pace, Workload};

pub(super) const HELP: &str = "\
Examples:
  hrload plan --devices 100k
      100,000 wearables at their own rate: which table, how large, and the bill
  hrload plan --devices 1M --profile commute --days 365
      a million during a commute, for a year
  hrload plan --devices 10k --rate 5000/s --prices mine.toml -o plan.json
      with your own prices, and the plan in a file as JSON
  hrload plan --devices 100k --profile diurnal-day --plot plan.svg
      the day as a picture: demand against each table's capacity

Nothing is sent: a day is simulated against the capacity rules that
docs/capacity.md lists.";

/// Arguments of `hrload plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Number of wearables in the fleet
    #[arg(long, value_name = "N", value_parser = values::count)]
    devices: u32,

    /// Workload profile: a name from `hrload profiles`, or a TOML file
    #[arg(long, value_name = "NAME|FILE", default_value = "steady")]
    profile: String,

    /// Readings per second of the whole fleet [default: the profile's own rate]
    #[arg(short, long, value_name = "RATE", conflicts_with = "interval")]
    rate: Option<Rate>,

    /// Time between two readings of a device, instead of --rate
    #[arg(long, value_name = "TIME", value_parser = values::positive_span)]
    interval: Option<Duration>,

    /// How a reading is stored as an item
    #[arg(long, value_enum, default_value_t = LayoutArg::Post)]
    layout: LayoutArg,

    /// Days to bill, each like the one simulated
    #[arg(long, value_name = "N", default_value = "30", value_parser = values::count)]
    days: u32,

    /// GB that the table holds at the start, as billed
    #[arg(long, value_name = "N", default_value = "0", value_parser = stored_gb)]
    stored_gb: f64,

    /// Region whose prices apply [default: us-east-1]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,

    /// Price file to use instead, in the format of
    /// crates/capacity/src/prices/us-east-1.toml
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,

    /// Random seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Write the plan as JSON; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Draw the day as SVG: demand against each table's capacity
    #[arg(long, value_name = "FILE.svg", value_parser = values::picture)]
    plot: Option<PathBuf>,
}

/// The most that a table may be said to hold: an exabyte is beyond any.
const MOST_STORED_GB: f64 = 1e9;

/// GB from zero on.
fn stored_gb(text: &str) -> Result<f64, String> {
    let gb = text.replace('_', "").parse::<f64>().ok();
    gb.filter(|gb| (0.0..=MOST_STORED_GB).contains(gb))
        .ok_or_else(|| "expected GB from 0 to a thousand million, such as 250 or 2.5".to_owned())
}

/// Prices of a file, or those built in.
fn prices(file: Option<&Path>, region: Option<&str>) -> Result<Prices, Problem> {
    let Some(path) = file else {
        let region = region.unwrap_or("us-east-1");
        return Prices::named(region).map_err(|error| {
            Problem::usage(format!("--region {region}: {error} (`--prices FILE`)"))
        });
    };
    let name = path.display().to_string();
    let text = files::read_text(path)
        .map_err(|error| Problem::usage(format!("cannot read {name}: {error}")))?;
    let prices = Prices::from_file(&text, &name).map_err(Problem::usage)?;
    match region.filter(|&region| region != prices.region) {
        None => Ok(prices),
        Some(region) => Err(Problem::usage(format!(
            "--region {region} was given, but the prices in {name} are those of {}; \
             leave --region out, or give a file of {region}'s",
            prices.region
        ))),
    }
}

/// Plans, and prints the plan.
pub(crate) fn run(args: PlanArgs) -> Result<Exit, Problem> {
    if args.plot.is_some() && args.plot == args.output {
        return Err(Problem::usage(
            "--plot wants a file of its own, such as --plot plan.svg",
        ));
    }
    let prices = prices(args.prices.as_deref(), args.region.as_deref())?;
    experiment::holds(args.devices).map_err(Problem::usage)?;
    let profile = profiles::find(&args.profile)?;
    let pace = match (args.rate, args.interval) {
        (Some(Rate(rate)), _) => Pace::Rate(rate),
        (None, Some(interval)) => Pace::Interval(interval),
        (None, None) => Pace::Natural,
    };
    let workload =
        Workload::new(profile, args.devices, pace, args.seed, DAY).map_err(Problem::usage)?;
    let demand = workload.demand(DAY);
    let layout = args.layout.layout();
    let (item_bytes, record_bytes) = experiment::weigh(&workload, layout);
    let mut watch = Watch::new();
    let answer = plan(
        &Question {
            demand: &demand,
            item_bytes: item_bytes as u64,
            record_bytes: record_bytes as u64,
            keys: experiment::keys(layout, args.devices),
            seed: args.seed,
            days: f64::from(args.days),
            stored_gb: args.stored_gb,
            prices: &prices,
        },
        &mut |progress| watch.show(&progress),
    );
    watch.live.finish();
    let whose = format!(
        "{} devices, profile {}",
        report::count(u64::from(args.devices)),
        workload.profile().name(),
    );
    let heading = format!(
        "{whose}: a day simulated, {} days billed",
        report::count(u64::from(args.days)),
    );
    let mut outputs = Outputs::default();
    outputs.note(show(&args, &answer, &heading));
    if let Some(path) = &args.plot {
        outputs.note(draw(path, &answer, &whose));
    }
    outputs.end()?;
    Ok(Exit::Held)
}

/// Says how far a plan is, once it takes long enough to wonder.
struct Watch {
    live: Live,
    /// When to say the next word.
    next: Instant,
}

/// How long a plan may take without a word.
const SILENT: Duration = Duration::from_secs(2);
/// Time from one word to the next: on a terminal it is renewed in place.
const WORD_EVERY: Duration = Duration::from_secs(1);
/// Time between two words where each is a line of its own.
const LINE_EVERY: Duration = Duration::from_secs(5);

impl Watch {
    fn new() -> Self {
        Self {
            live: Live::late(),
            next: Instant::now() + SILENT,
        }
    }

    fn show(&mut self, progress: &Progress<'_>) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        let every = if stderr().is_terminal() {
            WORD_EVERY
        } else {
            LINE_EVERY
        };
        self.next = now + every;
        let (at, of) = progress.place;
        self.live.note(&format!(
            "simulating a day, {at} of {of}: {}, {:.0} % done",
            progress.way,
            progress.share * 100.0,
        ));
    }
}

fn show(args: &PlanArgs, answer: &Plan, heading: &str) -> Result<(), Problem> {
    let output = args.output.clone().map(Output::of);
    let alone = output == Some(Output::Stdout);
    run::put_out(output.as_ref(), alone, answer, |answer, columns| {
        report::plan(answer, heading, columns)
    })
}

fn draw(path: &Path, answer: &Plan, whose: &str) -> Result<(), Problem> {
    let svg = report::plan_plot(answer, whose).map_err(Problem::failed)?;
    Ok(report::write_text(path, &svg)?)
}
