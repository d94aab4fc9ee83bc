//! A comparison as Markdown: for a pull request's comment, or a CI step's summary.

use std::fmt::{Result, Write};

use super::{Change, DiffResult, FigureChange};
use crate::report::export::plain;
use crate::report::plain::lines;

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
    let outcome = if result.failed() {
        let unheld = match result.unheld.len() {
            _ if result.unheld_allowed => None,
            0 => None,
            1 => Some("1 run did not hold".to_owned()),
            unheld => Some(format!("{unheld} runs did not hold")),
        };
        let untold = result
            .fails_untold()
            .then(|| format!("{untold} cannot be told"));
        let worse = (worse > 0).then(|| format!("{worse} worse"));
        let why: Vec<String> = [worse, unheld, untold].into_iter().flatten().collect();
        format!("❌ {}", why.join(", "))
    } else if untold > 0 {
        format!("✅ nothing is known to be worse, {untold} cannot be told")
    } else {
        "✅ nothing got worse".to_owned()
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
pub(in crate::report) fn tables(text: &mut String, result: &DiffResult) -> Result {
    for of in &result.differences {
        writeln!(text, "- differs: {}", plain(&of.line("")))?;
    }
    for of in &result.unheld {
        writeln!(text, "- {}", plain(&of.line()))?;
    }
    for of in &result.doubtful {
        writeln!(text, "- {}", plain(&of.line()))?;
    }
    let about = result
        .about_unheld()
        .into_iter()
        .chain(result.about_untold());
    let about: Vec<String> = about.collect();
    for line in &about {
        writeln!(text, "\n{}", plain(line))?;
    }
    let told = [
        result.differences.len(),
        result.unheld.len(),
        result.doubtful.len(),
        about.len(),
    ];
    if told != [0; 4] {
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
