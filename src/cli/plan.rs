//! `hrload plan`: a workload's day against every way of paying for it.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::problem::{Exit, Problem};
use super::profiles;
use super::run::LayoutArg;
use super::values::{self, Rate};
use crate::capacity::plan::{DAY, Plan, Question, plan};
use crate::capacity::price::Prices;
use crate::experiment;
use crate::report;
use crate::workload::{Pace, Workload};

pub(super) const HELP: &str = "\
Examples:
  hrload plan --devices 100k
      100,000 wearables at their own pace: which table, how large, and the bill
  hrload plan --devices 1M --profile commute --days 365
      a million at the commute's rates, for a year
  hrload plan --devices 10k --rate 5000/s --prices mine.toml -o plan.json
      your own prices; the plan goes to a file as JSON

Nothing is sent anywhere: a day is simulated against the rules of capacity that
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

    /// Readings a second of the whole fleet [default: the profile's own pace]
    #[arg(short, long, value_name = "RATE", conflicts_with = "interval")]
    rate: Option<Rate>,

    /// Time between two readings of a device: the other way to say the rate
    #[arg(long, value_name = "TIME", value_parser = values::positive_span)]
    interval: Option<Duration>,

    /// How a reading is laid out as an item
    #[arg(long, value_enum, default_value = "seed")]
    layout: LayoutArg,

    /// Days to bill, each like the one simulated
    #[arg(long, value_name = "N", default_value = "30", value_parser = values::count)]
    days: u32,

    /// Region whose prices are used
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    region: String,

    /// A file of prices instead, laid out as src/capacity/prices/us-east-1.toml
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,

    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Write the plan here as JSON; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Plans, and prints the plan.
pub(crate) fn run(args: PlanArgs) -> Result<Exit, Problem> {
    let prices = match &args.prices {
        None => Prices::named(&args.region).map_err(Problem::usage)?,
        Some(path) => {
            let name = path.display().to_string();
            let text = fs::read_to_string(path)
                .map_err(|error| Problem::usage(format!("cannot read {name}: {error}")))?;
            Prices::from_file(&text, &name).map_err(Problem::usage)?
        }
    };
    let profile = profiles::find(&args.profile)?;
    let pace = match (args.rate, args.interval) {
        (Some(Rate(rate)), _) => Pace::Rate(rate),
        (None, Some(interval)) => Pace::Interval(interval),
        (None, None) => Pace::Natural,
    };
    let workload =
        Workload::new(profile, args.devices, pace, args.seed, DAY).map_err(Problem::usage)?;
    let (item_bytes, record_bytes) = experiment::weigh(&workload, args.layout.layout());
    let answer = plan(&Question {
        demand: &workload.demand(DAY),
        item_bytes: item_bytes as u64,
        record_bytes: record_bytes as u64,
        seed: args.seed,
        days: f64::from(args.days),
        prices: &prices,
    });
    let heading = format!(
        "{} devices, profile {}: a day simulated, {} days billed\n\n",
        report::count(u64::from(args.devices)),
        workload.profile().name(),
        report::count(u64::from(args.days)),
    );
    show(&args, &answer, &heading)?;
    Ok(Exit::Held)
}

fn show(args: &PlanArgs, answer: &Plan, heading: &str) -> Result<(), Problem> {
    let text = format!("{heading}{}", report::plan(answer));
    let Some(path) = &args.output else {
        return super::print(&text);
    };
    report::write_json(path, answer).map_err(Problem::failed)?;
    if path.as_os_str() == "-" {
        return Ok(());
    }
    super::print(&text)
}
