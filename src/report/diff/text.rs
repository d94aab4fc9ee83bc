//! A comparison on the terminal, at most 80 columns wide.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::{Change, DiffResult, FigureChange};
use crate::report::plain::tame;
use crate::report::text::{painted, wrap};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const NOTE: Style = AnsiColor::Yellow.on_default();
const HEADING: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

const WIDTH: usize = 80;
/// Columns before a figure's second line.
const INDENT: usize = 4;

/// The comparison as text.
#[must_use]
pub fn diff(result: &DiffResult) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_diff(&mut text, result);
    text
}

fn write_diff(text: &mut String, result: &DiffResult) -> std::fmt::Result {
    folded(text, FAINT, &result.about())?;
    for of in &result.differences {
        let line = format!("differs: {} {} against {}", of.what, of.base, of.new);
        folded(text, NOTE, &line)?;
    }
    for of in &result.unheld {
        folded(text, BAD, &of.line())?;
    }
    for of in &result.doubtful {
        folded(text, NOTE, &of.line())?;
    }
    let heading = format!(
        "{:<20}{:>12}{:>12}{:>12}{:>10}  {}",
        "figure", "base", "new", "change", "share", "verdict"
    );
    writeln!(text, "{}", painted(HEADING, &heading))?;
    let (headline, stages) = result.figures_by_rank();
    for of in headline.into_iter().chain(stages) {
        figure(text, of)?;
    }
    writeln!(text)?;
    if let Some(line) = advice(result) {
        folded(text, Style::new(), line)?;
    }
    if let Some(line) = result.about_unheld() {
        let style = if result.unheld_allowed { NOTE } else { BAD };
        folded(text, style, &line)?;
    }
    writeln!(
        text,
        "{} worse, {} better, {} not changed, {} inconclusive",
        result.count(Change::Worse),
        result.count(Change::Better),
        result.count(Change::NotChanged),
        result.count(Change::Inconclusive),
    )
}

/// A line in as many as it takes.
fn folded(text: &mut String, style: Style, line: &str) -> std::fmt::Result {
    for (at, line) in wrap(line, WIDTH - INDENT).iter().enumerate() {
        let indent = if at == 0 { 0 } else { INDENT };
        writeln!(text, "{:indent$}{}", "", painted(style, line))?;
    }
    Ok(())
}

fn figure(text: &mut String, of: &FigureChange) -> std::fmt::Result {
    let [base, new, change, share] = of.shown();
    let verdict = match of.verdict {
        Change::Better => painted(GOOD, "better"),
        Change::Worse => painted(BAD, "worse"),
        Change::NotChanged => "not changed".to_owned(),
        Change::Inconclusive => painted(NOTE, "inconclusive"),
    };
    let name = tame(&of.figure);
    writeln!(
        text,
        "{name:<20}{base:>12}{new:>12}{change:>12}{share:>10}  {verdict}"
    )?;
    if of.verdict == Change::NotChanged {
        return Ok(());
    }
    let interval = of.shown_interval();
    let interval = interval.map(|of| format!("the change may be {of}"));
    let more: Vec<String> = interval.into_iter().chain(of.why()).collect();
    if !more.is_empty() {
        let more = more.join("; ");
        for line in wrap(&more, WIDTH - INDENT) {
            writeln!(text, "{:INDENT$}{}", "", painted(FAINT, &line))?;
        }
    }
    Ok(())
}

/// What one run a side cannot say.
fn advice(result: &DiffResult) -> Option<&'static str> {
    let single = result.base.len() == 1 && result.new.len() == 1;
    single.then_some(
        "with one run a side no change is told from the noise between runs: give several of each",
    )
}
