//! Markdown for a pull request or a CI step's summary: the verdict first, one
//! small table, the rest folded.

use std::fmt::Write;

use super::{ReportError, second, target};
use crate::diff::tables;
use crate::plain::{coded, tame};
use crate::units::{amount, count, duration, percent, rate, usd};
use crate::{DiffResult, DiffSettings, RunResult, Verdict, Word};
use hrload_measure::Stage;

/// Stages of the table: the whole way, then its parts.
const STAGES: [Stage; 8] = [
    Stage::EndToEnd,
    Stage::Freshness,
    Stage::Response,
    Stage::Lateness,
    Stage::Service,
    Stage::Capture,
    Stage::Replication,
    Stage::Read,
];

/// The text of the file.
///
/// # Errors
///
/// When two results cannot be compared.
pub(super) fn report(results: &[RunResult]) -> Result<String, ReportError> {
    let mut text = String::new();
    // Writing to a string does not fail.
    match results {
        [base, new] => {
            let both = std::slice::from_ref;
            let diff = DiffResult::new(both(base), both(new), &DiffSettings::default())?;
            let _ = compared(&mut text, base, new, &diff);
        }
        results => {
            for result in results {
                let _ = single(&mut text, result);
            }
        }
    }
    Ok(text)
}

fn single(text: &mut String, result: &RunResult) -> std::fmt::Result {
    headline(text, "hrload", result)?;
    writeln!(text)?;
    latencies(text, result)?;
    writeln!(text)?;
    facts(text, result)?;
    thresholds(text, result)?;
    for warning in &result.warnings {
        writeln!(text, "> **Warning:** {}\n", prose(warning))?;
    }
    ledger(text, result)?;
    counted(text, result)?;
    configuration(text, result)
}

/// Held or not, at what rate, and why not.
fn headline(text: &mut String, name: &str, result: &RunResult) -> std::fmt::Result {
    let verdict = Verdict::of(result);
    let sign = match verdict.word {
        Word::Held if verdict.is_sound() => "✅",
        Word::Held | Word::RateHeld | Word::Interrupted => "⚠️",
        Word::NotHeld | Word::EndedEarly | Word::LedgerOpen => "❌",
    };
    writeln!(
        text,
        "### {}: {sign} {}: {} of {}/s for {} s{}",
        plain(name),
        verdict.headline(),
        rate(result.rate.achieved),
        amount(result.rate.offered),
        amount(result.run.measured),
        verdict.losses(result),
    )?;
    if !verdict.reasons.is_empty() || !verdict.doubts.is_empty() {
        writeln!(text)?;
    }
    for reason in &verdict.reasons {
        writeln!(text, "- {}", prose(&reason.to_string()))?;
    }
    for doubt in &verdict.doubts {
        writeln!(text, "- In doubt: {}", prose(doubt))?;
    }
    Ok(())
}

fn latencies(text: &mut String, result: &RunResult) -> std::fmt::Result {
    let stages: Vec<_> = STAGES
        .into_iter()
        .filter_map(|stage| Some((stage, result.latency.get(stage)?)))
        .collect();
    if stages.is_empty() {
        return writeln!(text, "Nothing was sent.");
    }
    writeln!(text, "| latency | p50 | p99 | p99.9 | max | |")?;
    writeln!(text, "|:--|--:|--:|--:|--:|:--|")?;
    for (stage, of) in stages {
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            stage.key(),
            duration(of.p50),
            duration(of.p99),
            duration(of.p999),
            duration(of.max),
            stage.meaning().replace("->", "→"),
        )?;
    }
    Ok(())
}

/// Throttles, units, money, and what the generator cost.
fn facts(text: &mut String, result: &RunResult) -> std::fmt::Result {
    let items: u64 = result.throttles.iter().map(|of| of.items).sum();
    let tried = result.ledger.acknowledged.saturating_add(items).max(1);
    let throttled = match items {
        0 => "none".to_owned(),
        items => format!(
            "{} items ({})",
            count(items),
            percent(items as f64 / tried as f64)
        ),
    };
    let units = amount(result.capacity.consumed_units) + &result.capacity.told_in();
    write!(text, "Throttled: {throttled}. Write units: {units}.")?;
    if let Some(cost) = &result.cost
        && let (Some(hour), Some(million)) = (cost.usd_per_hour, cost.usd_per_million)
    {
        write!(
            text,
            " On AWS: {} USD an hour, {} USD a million readings.",
            usd(hour),
            usd(million),
        )?;
    }
    let limit = result.generator.limit.as_ref();
    for cause in &result.causes {
        if limit.is_none_or(|limit| limit.what != cause.what) {
            write!(
                text,
                " The {}: {}; {}.",
                cause.whose.key(),
                plain(&cause.what),
                prose(&cause.advice)
            )?;
        }
    }
    writeln!(text, "\n")
}

fn thresholds(text: &mut String, result: &RunResult) -> std::fmt::Result {
    if result.thresholds.is_empty() {
        return Ok(());
    }
    writeln!(text, "| threshold | measured | |\n|:--|--:|:--|")?;
    for of in &result.thresholds {
        let word = if of.met { "met" } else { "**missed**" };
        writeln!(
            text,
            "| {} | {} | {word} |",
            plain(&of.expression),
            plain(&of.shown())
        )?;
    }
    writeln!(text)
}

fn ledger(text: &mut String, result: &RunResult) -> std::fmt::Result {
    let of = &result.ledger;
    let closed = if of.closed {
        "closed"
    } else {
        "does not close"
    };
    writeln!(text, "<details><summary>Ledger: {closed}</summary>\n")?;
    writeln!(text, "| readings | |\n|:--|--:|")?;
    let rows = [
        ("scheduled", Some(of.scheduled)),
        ("dropped", Some(of.dropped)),
        ("cut off", Some(of.cut_off)),
        ("sent", Some(of.sent)),
        ("failed", Some(of.failed)),
        ("acknowledged", Some(of.acknowledged)),
        ("seen", of.seen),
        ("missing", of.missing),
        ("duplicates", of.duplicates),
        ("reordered", of.reordered),
        (
            "put into the stream by hrload",
            result.puts.as_ref().map(|puts| puts.records),
        ),
        (
            "in the lake",
            result.lake.as_ref().map(|lake| lake.readings),
        ),
        (
            "missing from the lake",
            result.lake.as_ref().map(|lake| lake.missing),
        ),
    ];
    for (what, readings) in rows {
        if let Some(readings) = readings {
            writeln!(text, "| {what} | {} |", count(readings))?;
        }
    }
    for broken in &of.broken {
        writeln!(text, "\n{}", plain(broken))?;
    }
    writeln!(text, "\n</details>\n")
}

/// What AWS counted, beside hrload's own count.
fn counted(text: &mut String, result: &RunResult) -> std::fmt::Result {
    let Some(cloudwatch) = &result.cloudwatch else {
        return Ok(());
    };
    writeln!(text, "<details><summary>What AWS counted</summary>\n")?;
    writeln!(text, "| metric | AWS | hrload | |\n|:--|--:|--:|:--|")?;
    for (of, [counted, own]) in cloudwatch.told() {
        let differs = of.differs.as_deref().unwrap_or_default();
        let (metric, differs) = (plain(&of.metric), plain(differs));
        writeln!(text, "| {metric} | {counted} | {own} | {differs} |")?;
    }
    writeln!(text, "\n</details>\n")
}

fn configuration(text: &mut String, result: &RunResult) -> std::fmt::Result {
    let (config, environment) = (&result.config, &result.environment);
    writeln!(text, "<details><summary>Configuration</summary>\n")?;
    writeln!(text, "| | |\n|:--|:--|")?;
    for (what, value) in [
        ("run", result.run.id.clone()),
        ("started", second(&result.run.started)),
        ("command", config.command.join(" ")),
        ("tags", config.tags.join(", ")),
        ("target", target(result)),
        ("profile", config.profile.clone()),
        ("devices", count(u64::from(config.devices))),
        ("seed", config.seed.to_string()),
        ("client", config.client.clone()),
        (
            "hrload",
            format!("{}, {} build", environment.version, environment.build),
        ),
        (
            "machine",
            format!(
                "{}, {} CPUs, {}",
                environment.cpu.as_deref().unwrap_or(&environment.arch),
                environment.cpus,
                environment.os
            ),
        ),
    ] {
        if !value.is_empty() {
            writeln!(text, "| {what} | {} |", plain(&value))?;
        }
    }
    writeln!(text, "\n</details>")
}

/// Two results: both verdicts, what changed, and the rest folded.
fn compared(
    text: &mut String,
    base: &RunResult,
    new: &RunResult,
    diff: &DiffResult,
) -> std::fmt::Result {
    headline(text, "base", base)?;
    headline(text, "new", new)?;
    writeln!(text)?;
    tables(text, diff)?;
    for result in [base, new] {
        configuration(text, result)?;
    }
    Ok(())
}

/// A text in which commands and flags stand between backticks; not for cells, in which a
/// bar ends code, too.
fn prose(text: &str) -> String {
    let parts = coded(text).map(|(is_code, part)| match is_code {
        true => format!("`{}`", tame(part)),
        false => plain(part),
    });
    parts.collect()
}

/// Text from elsewhere, as text: no markup, no line ends, no cells of its own.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in tame(text).chars() {
        match c {
            '&' => plain.push_str("&amp;"),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '#' | '~' | '\\' | '!' => {
                plain.push('\\');
                plain.push(c);
            }
            // A zero-width space keeps a handle from notifying a person.
            '@' => plain.push_str("@\u{200b}"),
            c => plain.push(c),
        }
    }
    plain
}
