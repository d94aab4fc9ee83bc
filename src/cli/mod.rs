//! The command line: turns arguments into a validated request, calls one
//! function, prints what it returns. One file per subcommand.
//!
//! Nothing past this room reads an argument, prints to a terminal or decides
//! an exit code.

/// A line to standard error, where people look.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::screen::say(&format!($($text)*)) };
}

mod ab;
mod agree;
mod capacity;
mod cleanup;
mod cloudwatch;
mod dashboard;
mod deliver;
mod diff;
mod generate;
mod help;
mod lake;
mod live;
mod local;
mod logging;
mod modes;
mod place;
mod plan;
mod problem;
mod profiles;
mod query;
mod report;
mod run;
mod screen;
mod setup;
mod show;
mod sweep;
mod teardown;
mod trend;
mod tui;
pub mod values;
mod watching;

use std::io::Write;
use std::process::ExitCode;

use clap::builder::styling::{AnsiColor, Styles};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};
use serde::Serialize;

use crate::endpoint::redact;
use problem::{Exit, Problem};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXAMPLES: &str = "\
Examples:
  hrload --devices 10000 --rate 5000/s
      10,000 wearables send 5,000 readings a second to the embedded services
  hrload -r 100k/s --devices 1M --client direct -d 60s -o result.json
      a million wearables, with the result in a file for `hrload show`
  hrload --profile sync-aligned --interval 30s --via none
      phones that upload at the same moment; only writes are measured
  hrload --target aws -r 1000/s --shards 2
      on AWS: creates a table and a stream, measures, and deletes them
  hrload --endpoint-url http://127.0.0.1:4566 -r 500/s
      on another server that speaks DynamoDB and Kinesis
  hrload -r 2k/s --threshold 'e2e.p99<1s' --threshold lost=0
      in CI: exit code 3 if a threshold is missed; `hrload diff` compares runs
  hrload -r 2k/s -o result.json --report result.html --report summary.md
      a page for people and a summary for CI; `hrload report` makes them later
  hrload -r 2k/s --lake ./lake
      also delivers to a folder, and measures when readings can be queried there
  hrload --tui -r 2k/s --metrics-listen 9464
      full-screen, with keys to pause and change the rate, and metrics to scrape
  hrload --fault lose=1000 -r 2000/s
      shows what a run looks like when 1,000 change records get lost

Exit codes: 0 held; 1 failed to run; 2 wrong use; 3 not held (readings failed,
were dropped, or are missing, or a threshold was missed); 4 a comparison found
something worse; 5 the ledger does not close; 130 interrupted (the result is
written).";

/// Load generator and benchmark for the wearables pipeline: DynamoDB to Kinesis
/// Data Streams, measured end to end.
#[derive(Debug, Parser)]
#[command(
    name = "hrload",
    version,
    styles = STYLES,
    args_conflicts_with_subcommands = true,
    after_help = EXAMPLES,
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    log: logging::LogArgs,

    #[command(flatten)]
    run: run::RunArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send a fleet's readings and follow each to the end (the default)
    #[command(after_help = EXAMPLES)]
    Run(Box<run::RunArgs>),
    /// Serve the embedded DynamoDB and Kinesis, for any AWS SDK
    #[command(after_help = local::HELP)]
    Local(Box<local::LocalArgs>),
    /// Simulate a day against every way of paying, and print the bill
    #[command(after_help = plan::HELP)]
    Plan(Box<plan::PlanArgs>),
    /// Compare ways of paying for the table, side by side
    #[command(after_help = modes::HELP)]
    Modes(Box<modes::ModesArgs>),
    /// Find the highest rate that holds, and what limits it
    #[command(after_help = sweep::HELP)]
    Sweep(Box<sweep::SweepArgs>),
    /// Run two configurations or binaries in turns, and compare them
    #[command(after_help = ab::HELP)]
    Ab(Box<ab::AbArgs>),
    /// Compare result files: what changed, and what cannot be told
    #[command(after_help = diff::HELP)]
    Diff(Box<diff::DiffArgs>),
    /// Deliver a stream to a folder or a bucket, as Firehose does
    #[command(after_help = deliver::HELP)]
    Deliver(Box<deliver::DeliverArgs>),
    /// Look at heart rates in a browser: out of a lake, or off a stream
    #[command(after_help = dashboard::HELP)]
    Dashboard(Box<dashboard::DashboardArgs>),
    /// Ask a lake in SQL, as Athena is asked
    #[command(after_help = query::HELP)]
    Query(Box<query::QueryArgs>),
    /// Make a table and a stream to run on again and again
    #[command(after_help = setup::HELP)]
    Setup(Box<setup::SetupArgs>),
    /// Remove what `hrload setup` made, and nothing else
    #[command(after_help = teardown::HELP)]
    Teardown(teardown::TeardownArgs),
    /// Find what set-ups left behind, and remove it
    #[command(after_help = cleanup::HELP)]
    Cleanup(cleanup::CleanupArgs),
    /// Show a history of figures, and where a level changed
    #[command(after_help = trend::HELP)]
    Trend(trend::TrendArgs),
    /// List the workload profiles, or print one
    Profiles(profiles::ProfilesArgs),
    /// Print the summary of a result file again
    Show(show::ShowArgs),
    /// Ask CloudWatch what AWS counted of a run that is over
    #[command(name = "cloudwatch")]
    CloudWatch(cloudwatch::CloudWatchArgs),
    /// Write a result as a page, Markdown, CSV or logs for other tools
    #[command(after_help = report::HELP)]
    Report(report::ReportArgs),
    /// Print a completion script for a shell
    Completions(generate::CompletionsArgs),
    /// Print the manual page
    Man(generate::ManArgs),
}

/// Prints to standard output, styled only where that is a terminal that wants it.
fn print(text: &str) -> Result<(), Problem> {
    write!(anstream::stdout(), "{text}").map_err(Problem::of_stdout)
}

/// Prints JSON to standard output.
fn print_json(value: &impl Serialize) -> Result<(), Problem> {
    let mut json = serde_json::to_string_pretty(value).map_err(Problem::failed)?;
    json.push('\n');
    print(&json)
}

/// What these words ask of `hrload run`.
fn words_of_run(words: &[String]) -> Result<run::RunArgs, clap::Error> {
    let words = ["hrload", "run"]
        .into_iter()
        .chain(words.iter().map(String::as_str));
    match Cli::try_parse_from(words)?.command {
        Some(Command::Run(args)) => Ok(*args),
        // They follow the name of the subcommand.
        _ => Err(clap::Error::new(ErrorKind::InvalidSubcommand)),
    }
}

/// Takes a value out of an error that is about an argument whose value is a secret.
fn withhold(error: &mut clap::Error) {
    let of = error.get(ContextKind::InvalidArg).map(ToString::to_string);
    if of.is_some_and(|of| of.contains("--token")) {
        let left_out = ContextValue::String("...".to_owned());
        error.insert(ContextKind::InvalidValue, left_out);
    }
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match help::parse() {
        Ok(cli) => cli,
        Err(mut error) => {
            withhold(&mut error);
            let exit = match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Held,
                _ => Exit::Usage,
            };
            // A wrong value is repeated, whatever it is. A closed pipe is no reason to
            // complain about help not read.
            let text = redact(&error.render().ansi().to_string());
            let _ = match error.use_stderr() {
                true => write!(anstream::stderr(), "{text}"),
                false => write!(anstream::stdout(), "{text}"),
            };
            return exit.into();
        }
    };
    if let Err(problem) = cli.log.begin() {
        return problem.report().into();
    }
    let done = match cli.command {
        None => run::run(cli.run),
        Some(Command::Run(args)) => run::run(*args),
        Some(Command::Local(args)) => local::serve(*args),
        Some(Command::Plan(args)) => plan::run(*args),
        Some(Command::Modes(args)) => modes::run(*args),
        Some(Command::Sweep(args)) => sweep::run(*args),
        Some(Command::Ab(args)) => ab::run(&args),
        Some(Command::Diff(args)) => diff::run(&args),
        Some(Command::Deliver(args)) => deliver::run(*args),
        Some(Command::Dashboard(args)) => dashboard::run(*args),
        Some(Command::Query(args)) => query::run(&args),
        Some(Command::Setup(args)) => setup::run(*args),
        Some(Command::Teardown(args)) => teardown::run(&args),
        Some(Command::Cleanup(args)) => cleanup::run(args),
        Some(Command::Trend(args)) => trend::run(&args),
        Some(Command::Profiles(args)) => profiles::profiles(&args),
        Some(Command::Show(args)) => show::show(&args),
        Some(Command::CloudWatch(args)) => cloudwatch::cloudwatch(args),
        Some(Command::Report(args)) => report::report(&args),
        Some(Command::Completions(args)) => generate::completions(&args),
        Some(Command::Man(args)) => generate::man(&args),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(problem) => problem.report().into(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_definitions_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
