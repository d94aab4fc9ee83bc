//! The help of `hrload` itself: the commands by what one wants, on one screen.

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
    let matches = command.try_get_matches_from_mut(std::env::args_os())?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
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
}
