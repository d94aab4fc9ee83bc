//! `hrload completions SHELL` and `hrload man`: generated from the same
//! definitions that parse the command line.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

use super::problem::{Exit, Problem};
use crate::capacity::price::Prices;
use crate::report::Measure;
use crate::workload::Profile;

/// Arguments of `hrload completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell to complete in
    shell: Shell,
}

/// Arguments of `hrload man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write a page for hrload and one for each subcommand into this folder,
    /// instead of the main page to standard output
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// Regions of AWS that shells offer; others are taken as well.
const REGIONS: [&str; 28] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "ca-west-1",
    "mx-central-1",
    "sa-east-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "af-south-1",
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
];

/// The definitions with the values that are known of arguments that take any text.
fn with_known_values(command: Command) -> Command {
    let of_plan = command.get_name() == "plan";
    command
        .mut_args(|arg| {
            let known: Vec<&'static str> = match arg.get_id().as_str() {
                "profile" => Profile::names().collect(),
                // There, only regions whose prices are known make sense.
                "region" if of_plan => Prices::regions().collect(),
                "region" => REGIONS.to_vec(),
                // The process ends soon.
                "figure" => Measure::all().map(|of| &*of.name().leak()).collect(),
                _ => return arg,
            };
            arg.value_parser(PossibleValuesParser::new(known))
        })
        .mut_subcommands(with_known_values)
}

/// The script with what its generator leaves out: a profile may be a file, too, which
/// bash offers by itself where no name fits.
fn completed(shell: Shell, script: &str) -> String {
    let names: Vec<&str> = Profile::names().collect();
    match shell {
        Shell::Zsh => {
            let names = names.join(" ");
            let files_too = format!(":NAME|FILE:{{compadd -- {names}; _files}}");
            script.replace(&format!(":NAME|FILE:({names})"), &files_too)
        }
        Shell::Fish => {
            let lines = script
                .lines()
                .map(|line| match line.contains(" -l profile ") {
                    true => line.replace(" -r -f -a ", " -r -F -a ") + "\n",
                    false => format!("{line}\n"),
                });
            let script = lines.collect::<String>();
            // An option that still lacks its value is none to argparse, which then offers
            // no value either: it is left out.
            let parse = "argparse -s (__fish_hrload_global_optspecs) -- $cmd";
            let again = format!("\n    or {parse}[1..-2] 2>/dev/null\n    or return\n");
            let script = script.replacen("\n    or return\n", &again, 1);
            // Of what is no option, the generator for fish says nothing.
            let shows =
                "__fish_seen_subcommand_from profiles; and __fish_seen_subcommand_from show";
            let names = names.join(" ");
            let shown = format!("complete -c hrload -n \"{shows}\" -F -a \"{names}\"\n");
            script + &shown
        }
        _ => script.to_owned(),
    }
}

/// Prints a completion script.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<Exit, Problem> {
    let mut command = with_known_values(super::Cli::command());
    // Through a buffer: clap_complete panics when its writer fails, and a
    // closed pipe is not a bug.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "hrload", &mut script);
    let script = completed(args.shell, &String::from_utf8_lossy(&script));
    io::stdout()
        .write_all(script.as_bytes())
        .map_err(Problem::of_stdout)?;
    Ok(Exit::Held)
}

/// Prints or writes the manual.
pub(crate) fn man(args: &ManArgs) -> Result<Exit, Problem> {
    let command = super::Cli::command();
    match &args.directory {
        Some(directory) => {
            std::fs::create_dir_all(directory)?;
            clap_mangen::generate_to(command, directory)?;
        }
        None => clap_mangen::Man::new(command)
            .render(&mut io::stdout())
            .map_err(Problem::of_stdout)?,
    }
    Ok(Exit::Held)
}
