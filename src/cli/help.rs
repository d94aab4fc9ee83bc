//! The help of `hrload` itself: the commands by what one wants, on one screen.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory, FromArgMatches};

use super::{Cli, STYLES, screen};

/// Every command, under what one wants of it.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Run and look", &["run", "show", "report", "cloudwatch"]),
    (
        "Plan and compare",
        &["plan", "sweep", "modes", "ab", "diff", "trend"],
    ),
    ("The lake", &["deliver", "query", "dashboard"]),
    (
        "Services and set-up",
        &["local", "setup", "teardown", "cleanup"],
    ),
    (
        "Files and shells",
        &["profiles", "completions", "man", "help"],
    ),
];

/// Longer lines of help are hard to read.
const WIDEST: usize = 100;

/// The definitions that parse a command line, with the help that fits a screen.
fn command() -> Command {
    let command = Cli::command().term_width(screen::of_stdout().get().min(WIDEST));
    let help = overview(&command);
    command.override_help(help)
}

/// Reads this process's command line.
///
/// # Errors
/// It is not understood, or help was asked for.
pub(super) fn parse() -> Result<Cli, clap::Error> {
    let mut command = command();
    let matches = command
        .try_get_matches_from_mut(std::env::args_os())
        .map_err(|error| with_the_other_way(error, &Cli::command(), std::env::args().nth(1)))?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// What a command that makes several runs has in place of an option of `hrload run`.
const INSTEAD: [(&str, &str, &str); 5] = [
    (
        "sweep",
        "--threshold",
        "what each rate must show is said with --slo",
    ),
    (
        "sweep",
        "--rate",
        "the sweep chooses the rate, between --from and --to",
    ),
    (
        "sweep",
        "--interval",
        "the sweep chooses the rate, between --from and --to",
    ),
    (
        "modes",
        "--threshold",
        "what each table must show is said with --slo",
    ),
    (
        "modes",
        "--mode",
        "all modes are compared, as large as --wcu, --warm-throughput and --auto-scaling say",
    ),
];

/// Names what stands for an option that `command` does not have, in place of one whose
/// name looks alike.
fn with_the_other_way(
    mut error: clap::Error,
    all: &Command,
    command: Option<String>,
) -> clap::Error {
    let unknown = error.kind() == ErrorKind::UnknownArgument;
    let (true, Some(command)) = (unknown, command) else {
        return error;
    };
    let given = error.get(ContextKind::InvalidArg).map(ToString::to_string);
    let given = given.unwrap_or_default();
    let flag = given.split([' ', '=']).next().unwrap_or_default();
    let flag = if flag == "-r" { "--rate" } else { flag };
    let instead = INSTEAD
        .iter()
        .find(|(of, wrong, _)| *of == command && *wrong == flag);
    let mut of_run = all
        .find_subcommand("run")
        .into_iter()
        .flat_map(Command::get_arguments);
    let tip = match instead {
        Some((_, _, text)) => (*text).to_owned(),
        None if command != "run" && of_run.any(|arg| arg.get_long() == flag.strip_prefix("--")) => {
            format!("{flag} is an option of a single run, `hrload run`")
        }
        None => return error,
    };
    error.remove(ContextKind::SuggestedArg);
    let tip = ContextValue::StyledStrs(vec![StyledStr::from(tip)]);
    error.insert(ContextKind::Suggested, tip);
    error
}

fn overview(command: &Command) -> String {
    let (head, word) = (STYLES.get_header(), STYLES.get_literal());
    let about = |name: &str| match name {
        "help" => "Print the help of a command, as --help does".to_owned(),
        name => command
            .find_subcommand(name)
            .and_then(Command::get_about)
            .map_or_else(String::new, ToString::to_string),
    };
    let named = |name: &str| format!("  {word}{name:<11}{word:#}  {}\n", about(name));
    let group = |(title, names): &(&str, &[&str])| {
        let names: String = names.iter().map(|name| named(name)).collect();
        format!("{head}{title}:{head:#}\n{names}\n")
    };
    let groups: String = GROUPS.iter().map(group).collect();
    format!(
        "Load generator and benchmark for the wearables pipeline: DynamoDB to Kinesis\n\
         Data Streams, measured end to end.\n\n\
         {head}Usage:{head:#} {word}hrload{word:#} [OPTIONS]    a run, as {word}hrload run{word:#}\n       \
         {word}hrload{word:#} <COMMAND>\n\n\
         {groups}\
         {word}hrload run --help{word:#} has the options of a run, examples and exit codes;\n\
         {word}hrload COMMAND --help{word:#} those of another command, and {word}-h{word:#} is brief.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_in_one_group() {
        let command = Cli::command();
        let mut defined: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        defined.push("help");
        defined.sort_unstable();
        let mut grouped: Vec<&str> = GROUPS
            .iter()
            .flat_map(|(_, names)| *names)
            .copied()
            .collect();
        grouped.sort_unstable();
        assert_eq!(grouped, defined);
    }

    #[test]
    fn what_follows_the_options_fits_eighty_columns() {
        let command = Cli::command();
        for of in command.get_subcommands() {
            let text = of.get_after_help().map(ToString::to_string);
            for line in text.unwrap_or_default().lines() {
                let wide = line.chars().count();
                assert!(wide <= 80, "{}: {wide} columns: {line}", of.get_name());
            }
        }
    }
}
