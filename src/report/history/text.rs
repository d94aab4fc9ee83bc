//! A history on the terminal.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::trend::INSTRUCTIONS;
use super::{FigureTrend, TrendResult};
use crate::report::text::painted;
use crate::stats::ChangePoints;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const HEADING: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// The course of each figure: a line, and a line for each change of level.
#[must_use]
pub fn trend(result: &TrendResult) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut text, result);
    text
}

fn write(text: &mut String, result: &TrendResult) -> std::fmt::Result {
    let what = format!(
        "{} entries; {}; {}",
        result.entries, result.workload, result.machine
    );
    writeln!(text, "{}", painted(FAINT, &what))?;
    if result.other > 0 {
        let left_out = format!(
            "{} of another workload or machine: only their instruction counts are looked at",
            result.other
        );
        writeln!(text, "{}", painted(FAINT, &left_out))?;
    }
    let width = result.figures.iter().map(|of| of.figure.len()).max();
    let width = width.unwrap_or(0).max("figure".len());
    let heading = format!(
        "{:width$} {:>7} {:>12} {:>12} {:>12}",
        "figure", "entries", "first", "newest", "level"
    );
    writeln!(text, "{}", painted(HEADING, &heading))?;
    for of in &result.figures {
        figure(text, of, width)?;
    }
    let needed = 2 * ChangePoints::default().shortest;
    if result.entries < needed {
        writeln!(
            text,
            "\na change of level shows from {needed} entries on: one before and after it has to last"
        )?;
    }
    Ok(())
}

fn figure(text: &mut String, of: &FigureTrend, width: usize) -> std::fmt::Result {
    let show = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| of.show(value));
    writeln!(
        text,
        "{:width$} {:>7} {:>12} {:>12} {:>12}",
        of.figure,
        of.values.len(),
        show(of.values.first().copied()),
        show(of.values.last().copied()),
        show(of.level()),
    )?;
    for change in &of.changes {
        let share = if change.before == 0.0 {
            String::new()
        } else {
            format!(" ({:+.1}%)", (change.after / change.before - 1.0) * 100.0)
        };
        let (style, word) = if change.better {
            (GOOD, "better")
        } else {
            (BAD, "worse")
        };
        writeln!(
            text,
            "{:width$}   {} from {} on: {} -> {}{share}",
            "",
            painted(style, word),
            change.label,
            of.show(change.before),
            of.show(change.after),
            width = width.min(INSTRUCTIONS.len()),
        )?;
    }
    Ok(())
}
