//! A comparison as Markdown: for a pull request's comment, or a CI step's summary.

use std::fmt::{Result, Write};

use super::{Change, DiffResult, FigureChange};
use crate::report::export::plain;
use crate::report::units::fine_percent;

/// The comparison, its outcome first.
#[must_use]
pub fn diff_markdown(result: &DiffResult) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut text, result);
    text
}

fn write(text: &mut String, result: &DiffResult) -> Result {
    let [worse, better, untold] =
        [Change::Worse, Change::Better, Change::Inconclusive].map(|of| result.count(of));
    let outcome = match (worse, untold) {
        (0, 0) => "✅ nothing got worse".to_owned(),
        (0, untold) => format!("✅ nothing is known to be worse, {untold} cannot be told"),
        (worse, _) => format!("❌ {worse} worse"),
    };
    writeln!(text, "### hrload: {outcome}, {better} better\n")?;
    let runs = |ids: &[String]| match ids.len() {
        1 => "1 run".to_owned(),
        n => format!("{n} runs"),
    };
    writeln!(
        text,
        "Base {}, new {}; {} confidence over all figures, changes within {} do not matter.\n",
        runs(&result.base),
        runs(&result.new),
        fine_percent(result.confidence),
        fine_percent(result.practical),
    )?;
    tables(text, result)
}

/// What differs, the figures of the whole way, and the stages folded.
pub(in crate::report) fn tables(text: &mut String, result: &DiffResult) -> Result {
    for of in &result.differences {
        writeln!(
            text,
            "- differs: {} {} against {}",
            plain(&of.what),
            plain(&of.base),
            plain(&of.new)
        )?;
    }
    if !result.differences.is_empty() {
        writeln!(text)?;
    }
    let (headline, stages) = result.figures_by_rank();
    table(text, &headline)?;
    if result.base.len() == 1 && result.new.len() == 1 {
        writeln!(
            text,
            "One run a side: no change is told from the noise between runs.\n"
        )?;
    }
    if !stages.is_empty() {
        writeln!(text, "<details><summary>Stages</summary>\n")?;
        table(text, &stages)?;
        writeln!(text, "</details>\n")?;
    }
    Ok(())
}

fn table(text: &mut String, figures: &[&FigureChange]) -> Result {
    writeln!(
        text,
        "| figure | base | new | change | interval | verdict |"
    )?;
    writeln!(text, "|:--|--:|--:|--:|:-:|:--|")?;
    for of in figures {
        let [base, new, change] = of.shown();
        let interval = of.shown_interval().unwrap_or_default();
        let verdict = match (of.verdict, of.more_runs) {
            (Change::Better, _) => "**better**".to_owned(),
            (Change::Worse, _) => "**worse**".to_owned(),
            (Change::NotChanged, _) => "not changed".to_owned(),
            (Change::Inconclusive, Some(more)) => {
                format!("inconclusive; {more} more runs a side")
            }
            (Change::Inconclusive, None) => "inconclusive".to_owned(),
        };
        writeln!(
            text,
            "| {} | {base} | {new} | {change} | {interval} | {verdict} |",
            plain(&of.figure)
        )?;
    }
    writeln!(text)
}
