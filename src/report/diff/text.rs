//! A comparison on the terminal.

use super::{Change, DiffResult, FigureChange};
use crate::report::screen::{
    BAD, Column, Columns, FAINT, GOOD, Line, NOTE, PLAIN, Row, Table, folded,
};

/// Columns before the second line of one that is too long.
const INDENT: usize = 4;

/// The comparison as text, its counts last.
#[must_use]
pub fn diff(result: &DiffResult, columns: Columns) -> String {
    let fold = |style, line: &str| folded(&Line::new(style, line), INDENT, columns);
    let mut text = fold(FAINT, &result.about());
    for of in &result.differences {
        text += &fold(NOTE, &format!("differs: {}", of.line("")));
    }
    for of in &result.unheld {
        text += &fold(BAD, &of.line());
    }
    for of in &result.doubtful {
        text += &fold(NOTE, &of.line());
    }
    let mut table = Table::new(vec![
        Column::words("figure").at_least(20).shortens_to(16),
        Column::numbers("base").at_least(10),
        Column::numbers("new").at_least(10),
        Column::numbers("change").at_least(10),
        Column::numbers("share").at_least(8),
        Column::words("verdict"),
    ]);
    let (headline, stages) = result.figures_by_rank();
    for of in headline.into_iter().chain(stages) {
        table.push(figure(of));
    }
    text += &table.fitted(columns);
    text += "\n";
    if let Some(line) = advice(result) {
        text += &fold(PLAIN, line);
    }
    if let Some(line) = result.about_unheld() {
        let style = if result.unheld_allowed { NOTE } else { BAD };
        text += &fold(style, &line);
    }
    if let Some(line) = result.about_untold() {
        text += &fold(BAD, &line);
    }
    let counts = format!(
        "{} worse, {} better, {} not changed, {} inconclusive",
        result.count(Change::Worse),
        result.count(Change::Better),
        result.count(Change::NotChanged),
        result.count(Change::Inconclusive),
    );
    text + &fold(PLAIN, &counts)
}

fn figure(of: &FigureChange) -> Row {
    let (style, verdict) = match of.verdict {
        Change::Better => (GOOD, "better"),
        Change::Worse => (BAD, "worse"),
        Change::NotChanged => (PLAIN, "not changed"),
        Change::Inconclusive => (NOTE, "inconclusive"),
    };
    let row = of
        .shown()
        .iter()
        .fold(Row::new().cell(&of.figure), Row::cell);
    let row = row.styled(style, verdict);
    if of.verdict == Change::NotChanged {
        return row;
    }
    let interval = of.shown_interval();
    let interval = interval.map(|of| format!("the change may be {of}"));
    let more: Vec<String> = interval.into_iter().chain(of.why()).collect();
    match more.is_empty() {
        true => row,
        false => row.below(Line::new(FAINT, &more.join("; "))),
    }
}

/// What one run a side cannot say.
fn advice(result: &DiffResult) -> Option<&'static str> {
    let single = result.base.len() == 1 && result.new.len() == 1;
    single.then_some(
        "with one run a side no change is told from the noise between runs: give several of each",
    )
}
