//! A history on the terminal.

use super::trend::INSTRUCTIONS;
use super::{FigureTrend, TrendResult};
use crate::screen::{BAD, Column, Columns, FAINT, GOOD, Line, PLAIN, Row, Table, folded};
use hrload_stats::ChangePoints;

/// The course of each figure: a line, and a line for each change of level.
#[must_use]
pub fn trend(result: &TrendResult, columns: Columns) -> String {
    let entries = match result.entries {
        1 => "1 entry".to_owned(),
        n => format!("{n} entries"),
    };
    let what = format!("{entries}; {}; {}", result.workload, result.machine);
    let mut text = folded(&Line::new(FAINT, &what), 0, columns);
    if result.other > 0 {
        let left_out = format!(
            "{} of another workload or machine: only their instruction counts are looked at",
            result.other
        );
        text += &folded(&Line::new(FAINT, &left_out), 0, columns);
    }
    let mut table = Table::new(vec![
        Column::words("figure").shortens_to(INSTRUCTIONS.len()),
        Column::numbers("entries"),
        Column::numbers("first").at_least(11),
        Column::numbers("newest").at_least(11),
        Column::numbers("level").at_least(11),
    ]);
    for of in &result.figures {
        table.push(figure(of));
    }
    text += &table.fitted(columns);
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
        text += "\n";
        text += &folded(&Line::new(PLAIN, &line), 0, columns);
    }
    text
}

fn figure(of: &FigureTrend) -> Row {
    let show = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| of.show(value));
    let mut row = Row::new()
        .cell(&of.figure)
        .cell(of.values.len().to_string())
        .cell(show(of.values.first().copied()))
        .cell(show(of.values.last().copied()))
        .cell(show(of.level()));
    for change in &of.changes {
        let share = if change.before <= 0.0 {
            String::new()
        } else {
            format!(" ({:+.1}%)", (change.after / change.before - 1.0) * 100.0)
        };
        let word = match change.better {
            true => Line::new(GOOD, "better"),
            false => Line::new(BAD, "worse"),
        };
        let (before, after) = (of.show(change.before), of.show(change.after));
        let what = format!(" from {} on: {before} -> {after}{share}", change.label);
        row = row.below(word.and(PLAIN, &what));
    }
    match &of.last_seen {
        Some(label) => {
            let what = format!(": nothing to measure since {label}");
            row.below(Line::new(BAD, "worse").and(PLAIN, &what))
        }
        None => row,
    }
}
