//! The terminal: how wide it is, and what is said on it.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::os::fd::AsFd;

use super::problem::Problem;
use crate::endpoint::redact;
use crate::report::Columns;
use crate::report::screen::{Line, PLAIN, width};

/// Columns that the second line of a message is set in.
const INDENT: usize = 2;

/// Columns of standard output.
pub(super) fn of_stdout() -> Columns {
    columns(stdout())
}

/// Columns of standard error.
pub(super) fn of_stderr() -> Columns {
    columns(stderr())
}

fn columns(stream: impl AsFd) -> Columns {
    let size = terminal_size::terminal_size_of(stream);
    size.map_or_else(Columns::default, |(columns, _)| Columns::of(columns.0))
}

/// Prints lines to standard output, each in as many as it takes.
pub(super) fn tell(text: &str) -> Result<(), Problem> {
    super::print(&folded(text, of_stdout()))
}

/// Breaks lines, each into as many as it takes.
pub(super) fn folded(text: &str, columns: Columns) -> String {
    let folded = text.lines().map(|line| {
        let lead = line.len() - line.trim_start_matches(' ').len();
        let lines = Line::new(PLAIN, line).broken(columns.beside(lead + INDENT));
        let indented = lines.iter().enumerate().map(|(at, line)| {
            let indent = if at == 0 { lead } else { lead + INDENT };
            format!("{:indent$}{line}\n", "")
        });
        indented.collect::<String>()
    });
    folded.collect()
}

/// A line to standard error, where people look. That nobody is there any more, as
/// after a terminal was closed, is no reason to end a run.
pub(super) fn say(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", said(text));
}

/// What is said, as it is printed: without secrets, and on a terminal in lines that fit.
/// Elsewhere a message stays the line that programs look for.
pub(super) fn said(text: &str) -> String {
    let text = redact(text);
    if !stderr().is_terminal() {
        return text;
    }
    let most = of_stderr().get();
    let lines: Vec<String> = text.split('\n').map(|line| broken(line, most)).collect();
    lines.join("\n")
}

/// Breaks a line between words. Styles in it take no room; a word that is too wide, such
/// as an address, is left whole to be copied.
fn broken(line: &str, most: usize) -> String {
    let wide = |text: &str| width(&anstream::adapter::strip_str(text).to_string());
    if wide(line) <= most {
        return line.to_owned();
    }
    let indent = line.len() - line.trim_start_matches(' ').len();
    let mut out = line[..indent].to_owned();
    let mut taken = indent;
    let mut is_first = true;
    for word in line.split_whitespace() {
        let wide = wide(word);
        if !is_first && taken + 1 + wide > most {
            taken = indent + INDENT;
            out += &format!("\n{:taken$}", "");
        } else if !is_first {
            out.push(' ');
            taken += 1;
        }
        out += word;
        taken += wide;
        is_first = false;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_broken_between_words_and_addresses_stay_whole() {
        let red = anstyle::AnsiColor::Red.on_default();
        let message = format!("  {red}error:{red:#} http://127.0.0.1:8000/long does not answer");
        assert_eq!(
            broken(&message, 20),
            format!("  {red}error:{red:#}\n    http://127.0.0.1:8000/long\n    does not answer")
        );
        assert_eq!(broken("  a  b", 20), "  a  b");
    }
}
