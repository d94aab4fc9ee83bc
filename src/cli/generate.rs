//! `hrload completions SHELL` and `hrload man`: generated from the same
//! definitions that parse the command line.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::problem::{Exit, Problem};

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

/// Prints a completion script.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<Exit, Problem> {
    // Through a buffer: clap_complete panics when its writer fails, and a
    // closed pipe is not a bug.
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut super::Cli::command(),
        "hrload",
        &mut script,
    );
    io::stdout().write_all(&script)?;
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
        None => clap_mangen::Man::new(command).render(&mut io::stdout())?,
    }
    Ok(Exit::Held)
}
