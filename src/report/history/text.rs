//! A history on the terminal.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::trend::INSTRUCTIONS;
use super::{FigureTrend, TrendResult};
use crate::report::plain::tame;
use crate::report::text::{painted, wrap};
use crate::stats::ChangePoints;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const HEADING: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

const WIDTH: usize = 80;

/// The course of each figure: a line, and a line for each change of level.
#[must_use]
pub fn trend(result: &TrendResult) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut text, result);
    text
}

fn write(text: &mut String, result: &TrendResult) -> std::fmt::Result {
    let entries = match result.entries {
        1 => "1 entry".to_owned(),
        n => format!("{n} entries"),
    };
    let what = format!("{entries}; {}; {}", result.workload, result.machine);
    for line in wrap(&what, WIDTH) {
        writeln!(text, "{}", painted(FAINT, &line))?;
    }
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
    let settings = ChangePoints::default();
    // The settings are in range.
    let needed = settings.fewest().unwrap_or_default();
    let most = result.figures.iter().map(|of| of.values.len()).max();
    if most.unwrap_or(0) < needed {
        let half = needed / 2;
        let line = format!(
            "a change of level can be told from {needed} entries on, {half} before it and {} \
             after; until then no level is given",
            needed - half
        );
        writeln!(text)?;
        for line in wrap(&line, WIDTH) {
            writeln!(text, "{line}")?;
        }
    }
    Ok(())
}

fn figure(text: &mut String, of: &FigureTrend, width: usize) -> std::fmt::Result {
    let name = tame(&of.figure);
    let show = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| of.show(value));
    writeln!(
        text,
        "{:width$} {:>7} {:>12} {:>12} {:>12}",
        name,
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
            tame(&change.label),
            of.show(change.before),
            of.show(change.after),
            width = width.min(INSTRUCTIONS.len()),
        )?;
    }
    if let Some(label) = &of.last_seen {
        writeln!(
            text,
            "{:width$}   {}: nothing to measure since {}",
            "",
            painted(BAD, "worse"),
            tame(label),
            width = width.min(INSTRUCTIONS.len()),
        )?;
    }
    Ok(())
}
