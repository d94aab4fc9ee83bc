//! A comparison as Markdown: for a pull request's comment, or a CI step's summary.

use std::fmt::{Result, Write};

use super::{Change, DiffResult, FigureChange};
use crate::export::plain;
use crate::plain::lines;

/// The comparison, its outcome first.
#[must_use]
pub fn diff_markdown(result: &DiffResult) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut text, result);
    lines(&text).into_owned()
}

fn write(text: &mut String, result: &DiffResult) -> Result {
    let [worse, better, untold] =
        [Change::Worse, Change::Better, Change::Inconclusive].map(|of| result.count(of));
    let unheld = if result.unheld_allowed {
        0
    } else {
        result.unheld.len()
    };
    let outcome = match (worse, unheld, untold) {
        (0, 0, 0) => "✅ nothing got worse".to_owned(),
        (0, 0, untold) => format!("✅ nothing is known to be worse, {untold} cannot be told"),
        (0, 1, _) => "❌ 1 run did not hold".to_owned(),
        (0, unheld, _) => format!("❌ {unheld} runs did not hold"),
        (worse, 0, _) => format!("❌ {worse} worse"),
        (worse, 1, _) => format!("❌ {worse} worse, 1 run did not hold"),
        (worse, unheld, _) => format!("❌ {worse} worse, {unheld} runs did not hold"),
    };
    writeln!(text, "### hrload: {outcome}, {better} better\n")?;
    let about = result.about();
    let mut letters = about.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    writeln!(
        text,
        "{}{}.\n",
        first.map(String::from).unwrap_or_default(),
        letters.as_str()
    )?;
    tables(text, result)
}

/// What differs, the figures of the whole way, and the stages folded.
pub(crate) fn tables(text: &mut String, result: &DiffResult) -> Result {
    for of in &result.differences {
        writeln!(
            text,
            "- differs: {} {} against {}",
            plain(&of.what),
            plain(&of.base),
            plain(&of.new)
        )?;
    }
    for of in &result.unheld {
        writeln!(text, "- {}", plain(&of.line()))?;
    }
    for of in &result.doubtful {
        writeln!(text, "- {}", plain(&of.line()))?;
    }
    if let Some(line) = result.about_unheld() {
        writeln!(text, "\n{}", plain(&line))?;
    }
    let told = [
        result.differences.len(),
        result.unheld.len(),
        result.doubtful.len(),
    ];
    if told != [0; 3] {
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
        "| figure | base | new | change | share | interval | verdict |"
    )?;
    writeln!(text, "|:--|--:|--:|--:|--:|:-:|:--|")?;
    for of in figures {
        let [base, new, change, share] = of.shown();
        let interval = of.shown_interval().unwrap_or_default();
        let verdict = match of.verdict {
            Change::Better => "**better**",
            Change::Worse => "**worse**",
            Change::NotChanged => "not changed",
            Change::Inconclusive => "inconclusive",
        };
        let why = of.why().map(|why| format!("; {}", plain(&why)));
        writeln!(
            text,
            "| {} | {base} | {new} | {change} | {share} | {interval} | {verdict}{} |",
            plain(&of.figure),
            why.unwrap_or_default()
        )?;
    }
    writeln!(text)
}
