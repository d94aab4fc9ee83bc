//! `hrload profiles`: lists the workload profiles, or prints one.

use std::path::Path;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::problem::{Exit, Problem};
use super::values::{self, Rate};
use crate::experiment;
use crate::files;
use crate::report::{Condition, amount};
use crate::workload::{Pace, Profile, Workload};

/// Rates are properties of the profile, not of a seed; any will do.
const SEED: u64 = 1;

/// Arguments of `hrload profiles`.
#[derive(Debug, Args)]
pub(crate) struct ProfilesArgs {
    #[command(subcommand)]
    action: Option<Action>,

    /// Fleet size for which rates are computed
    #[arg(long, value_name = "N", default_value = "100000", value_parser = values::count, global = true)]
    devices: u32,

    /// Rate asked of the fleet [default: the profile's own pace]
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
    /// Print a profile's text, and what rates it makes
    Show {
        /// A name from the list, or a TOML file
        name: String,
    },
}

/// One profile, with what a fleet of it sends.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    summary: String,
    devices: u32,
    mean_rate: f64,
    peak_rate: f64,
}

impl Row {
    fn of(profile: &Profile, devices: u32, pace: Pace) -> Result<Self, Problem> {
        let workload = Workload::new(
            profile.clone(),
            devices,
            pace,
            SEED,
            experiment::DEFAULT_DURATION,
        )
        .map_err(Problem::usage)?;
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
        Some(Action::Show { name }) => show(args, pace, name)?,
    }
    Ok(Exit::Held)
}

fn list(args: &ProfilesArgs, pace: Pace) -> Result<(), Problem> {
    let mut rows = Vec::new();
    for name in Profile::names() {
        rows.push(Row::of(&find(name)?, args.devices, pace)?);
    }
    if args.json {
        return super::print_json(&rows);
    }
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let mut text = format!(
        "{:width$}  {:>11}  {:>11}  for {} devices, readings a second\n",
        "profile",
        "mean",
        "peak",
        amount(f64::from(args.devices)),
    );
    for row in &rows {
        text.push_str(&format!(
            "{:width$}  {:>11}  {:>11}  {}\n",
            row.name,
            amount(row.mean_rate.round()),
            amount(row.peak_rate.round()),
            row.summary,
        ));
    }
    super::print(&text)
}

fn show(args: &ProfilesArgs, pace: Pace, name: &str) -> Result<(), Problem> {
    let profile = find(name)?;
    let row = Row::of(&profile, args.devices, pace)?;
    if args.json {
        return super::print_json(&row);
    }
    super::print(&format!(
        "{}\n# {} devices send {} readings a second on average, {} in the busiest second.\n",
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
