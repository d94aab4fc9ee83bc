//! The examples that people are shown: in every command's help, and in the README.

use std::fs;
use std::path::Path;

/// All of them, white space folded.
pub(super) fn examples() -> Vec<String> {
    let mut examples = of_readme();
    for command in commands() {
        let help = crate::support::output(&format!("{command} --help"));
        assert_eq!(help.status.code(), Some(0), "{command} --help");
        examples.extend(of_help(&String::from_utf8(help.stdout).unwrap()));
    }
    assert!(examples.len() > 50, "the examples were not found");
    examples
}

/// The subcommands that the top-level help lists, and none.
fn commands() -> Vec<String> {
    let help = String::from_utf8(crate::support::output("--help").stdout).unwrap();
    // Under their groups, each set in by two columns.
    let names = help.lines().filter_map(|line| {
        let name = line.strip_prefix("  ")?.split(' ').next()?;
        (!name.is_empty() && name != "help").then(|| name.to_owned())
    });
    std::iter::once(String::new()).chain(names).collect()
}

/// Commands stand two columns in, what they do six; a command whose quotes are open or
/// that ends with a backslash goes on.
fn of_help(help: &str) -> Vec<String> {
    let Some((_, listed)) = help.split_once("\nExamples:\n") else {
        return Vec::new();
    };
    let mut examples: Vec<String> = Vec::new();
    for line in listed.lines().take_while(|line| !line.is_empty()) {
        match examples.last_mut() {
            Some(last) if goes_on(last) => {
                *last = format!("{} {}", last.trim_end_matches('\\').trim_end(), line.trim());
            }
            // Some say what they do behind the command, in a column of its own.
            _ if line.starts_with("  hrload") => {
                let command = line.trim().split("   ").next().unwrap();
                examples.push(command.to_owned());
            }
            _ => {}
        }
    }
    examples.iter().map(|of| folded(of)).collect()
}

fn goes_on(command: &str) -> bool {
    let open = |quote| command.matches(quote).count() % 2 == 1;
    command.ends_with('\\') || open('\'') || open('"')
}

/// Commands behind a prompt; a `#` after two spaces begins a remark.
fn of_readme() -> Vec<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let commands = readme.lines().filter_map(|line| line.strip_prefix("$ "));
    let commands = commands.map(|of| of.split("  #").next().unwrap().trim().to_owned());
    let commands = commands.filter(|of| of.starts_with("hrload "));
    commands.map(|of| folded(&of)).collect()
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
