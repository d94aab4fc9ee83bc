//! `hrload profiles`: lists the workload profiles, or prints one.

use std::path::Path;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::problem::{Exit, Problem};
use super::screen;
use super::values::{self, Rate};
use crate::files;
use crate::report::screen::{Column, Row, Table};
use crate::report::{Condition, amount};
use crate::workload::{Pace, Profile, Workload};

/// Rates are properties of the profile, not of a seed; any will do.
const SEED: u64 = 1;

/// What rates are of: all that a profile has, the return from an outage included.
const DAY: Duration = Duration::from_secs(86_400);

/// Arguments of `hrload profiles`.
#[derive(Debug, Args)]
pub(crate) struct ProfilesArgs {
    #[command(subcommand)]
    action: Option<Action>,

    /// Fleet size to compute rates for
    #[arg(long, value_name = "N", default_value = "100000", value_parser = values::count, global = true)]
    devices: u32,

    /// Rate of the fleet [default: the profile's own]
    #[arg(short, long, value_name = "RATE", global = true)]
    rate: Option<Rate>,

    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List all profiles with their mean and peak rates (the default)
    List,
    /// Print a profile's text and its rates
    Show {
        /// A name from the list, or a TOML file
        #[arg(value_name = "NAME|FILE")]
        profile: String,
    },
}

/// One profile, with what a fleet of it sends.
#[derive(Debug, Serialize)]
struct Rates {
    name: String,
    summary: String,
    devices: u32,
    mean_rate: f64,
    peak_rate: f64,
}

impl Rates {
    fn of(profile: &Profile, devices: u32, pace: Pace) -> Result<Self, Problem> {
        let workload =
            Workload::new(profile.clone(), devices, pace, SEED, DAY).map_err(Problem::usage)?;
        Ok(Self {
            name: profile.name().to_owned(),
            summary: profile.summary().to_owned(),
            devices,
            mean_rate: workload.mean_rate(),
            peak_rate: workload.peak_rate(),
        })
    }
}

/// Lists or shows.
pub(crate) fn profiles(args: &ProfilesArgs) -> Result<Exit, Problem> {
    let pace = args
        .rate
        .map_or(Pace::Natural, |Rate(rate)| Pace::Rate(rate));
    match &args.action {
        None | Some(Action::List) => list(args, pace)?,
        Some(Action::Show { profile }) => show(args, pace, profile)?,
    }
    Ok(Exit::Held)
}

fn list(args: &ProfilesArgs, pace: Pace) -> Result<(), Problem> {
    let mut rows = Vec::new();
    for name in Profile::names() {
        rows.push(Rates::of(&find(name)?, args.devices, pace)?);
    }
    if args.json {
        return super::print_json(&rows);
    }
    let mut table = Table::new(vec![
        Column::words("profile"),
        Column::numbers("mean").at_least(10),
        Column::numbers("peak").at_least(10),
        Column::words(&format!(
            "of a day of {} devices, readings a second",
            amount(f64::from(args.devices))
        ))
        .wraps_to(24),
    ]);
    for row in &rows {
        table.push(
            Row::new()
                .cell(&row.name)
                .cell(amount(row.mean_rate.round()))
                .cell(amount(row.peak_rate.round()))
                .cell(&row.summary),
        );
    }
    super::print(&table.fitted(screen::of_stdout()))
}

fn show(args: &ProfilesArgs, pace: Pace, name: &str) -> Result<(), Problem> {
    let profile = find(name)?;
    let row = Rates::of(&profile, args.devices, pace)?;
    if args.json {
        return super::print_json(&row);
    }
    super::print(&format!(
        "{}\n# {} devices send {} readings a second on average over a day, {} in its busiest second.\n",
        profile.text().trim_end(),
        amount(f64::from(args.devices)),
        amount(row.mean_rate.round()),
        amount(row.peak_rate.round()),
    ))
}

/// The thresholds of a profile.
pub(super) fn thresholds(profile: &Profile) -> Result<Vec<Condition>, Problem> {
    let parse = |text: &String| {
        text.parse().map_err(|error| {
            let name = profile.name();
            Problem::usage(format!("thresholds of profile {name}: {error}"))
        })
    };
    profile.thresholds().iter().map(parse).collect()
}

/// A profile by name or file: what holds a path separator or ends in `.toml`
/// is a file.
pub(super) fn find(name: &str) -> Result<Profile, Problem> {
    let path = Path::new(name);
    let is_file =
        path.extension().is_some_and(|ending| ending == "toml") || path.components().count() > 1;
    if !is_file {
        return Profile::named(name).map_err(Problem::usage);
    }
    let text = files::read_text(path)
        .map_err(|error| Problem::usage(format!("cannot read profile {name}: {error}")))?;
    Profile::parse(&text, name).map_err(Problem::usage)
}
