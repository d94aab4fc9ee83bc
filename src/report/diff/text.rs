//! A comparison on the terminal.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::{Change, DiffResult, FigureChange};
use crate::report::text::painted;
use crate::report::units::fine_percent;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const NOTE: Style = AnsiColor::Yellow.on_default();
const HEADING: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// The comparison as text.
#[must_use]
pub fn diff(result: &DiffResult) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_diff(&mut text, result);
    text
}

fn write_diff(text: &mut String, result: &DiffResult) -> std::fmt::Result {
    let runs = |ids: &[String]| match ids.len() {
        1 => "1 run".to_owned(),
        n => format!("{n} runs"),
    };
    let what = format!(
        "base {}, new {}; {} confidence over all figures, changes within {} do not matter",
        runs(&result.base),
        runs(&result.new),
        fine_percent(result.confidence),
        fine_percent(result.practical),
    );
    writeln!(text, "{}", painted(FAINT, &what))?;
    for of in &result.differences {
        let line = format!("differs: {} {} against {}", of.what, of.base, of.new);
        writeln!(text, "{}", painted(NOTE, &line))?;
    }
    let heading = format!(
        "{:<20} {:>14} {:>14} {:>9}  {:<19} {}",
        "figure", "base", "new", "change", "interval", "verdict"
    );
    writeln!(text, "{}", painted(HEADING, &heading))?;
    let (headline, stages) = result.figures_by_rank();
    for of in headline.into_iter().chain(stages) {
        figure(text, of)?;
    }
    writeln!(text)?;
    writeln!(
        text,
        "{} worse, {} better, {} not changed, {} inconclusive",
        result.count(Change::Worse),
        result.count(Change::Better),
        result.count(Change::NotChanged),
        result.count(Change::Inconclusive),
    )?;
    if let Some(line) = advice(result) {
        writeln!(text, "{line}")?;
    }
    Ok(())
}

fn figure(text: &mut String, of: &FigureChange) -> std::fmt::Result {
    let [base, new, change] = of.shown();
    let interval = of.shown_interval().unwrap_or_else(|| "-".to_owned());
    let verdict = match (of.verdict, of.more_runs) {
        (Change::Better, _) => painted(GOOD, "better"),
        (Change::Worse, _) => painted(BAD, "worse"),
        (Change::NotChanged, _) => "not changed".to_owned(),
        (Change::Inconclusive, Some(more)) => painted(
            NOTE,
            &format!("inconclusive, {more} more a side would probably settle it"),
        ),
        (Change::Inconclusive, None) if of.interval.is_none() => {
            painted(NOTE, "inconclusive, its noise is not known")
        }
        (Change::Inconclusive, None) => painted(NOTE, "inconclusive, and too noisy to settle"),
    };
    writeln!(
        text,
        "{:<20} {base:>14} {new:>14} {change:>9}  {interval:<19} {verdict}",
        of.figure,
    )
}

pub(super) fn signed(share: f64) -> String {
    format!("{:+.1}%", share * 100.0)
}

/// What one run a side cannot say.
fn advice(result: &DiffResult) -> Option<&'static str> {
    let single = result.base.len() == 1 && result.new.len() == 1;
    single.then_some(
        "with one run a side no change is told from the noise between runs: give several of each",
    )
}
