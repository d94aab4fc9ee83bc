//! The verdict, what it rests on, and what changed.

use maud::{Markup, html};

use super::Run;
use super::parts::{Table, fact, facts, prose};
use crate::units::{amount, count, duration, percent, rate, usd};
use crate::{Change, DiffResult, RunResult, Verdict, Word};

pub(super) fn body(runs: &[Run<'_>]) -> Markup {
    html! {
        div class=[(runs.len() > 1).then_some("beside")] {
            @for run in runs { (verdict(*run, runs.len() > 1)) }
        }
        @if let [run] = runs { (tiles(run.result)) } @else {
            (facts(runs, "Key figures", key_figures(runs), false))
        }
        @for run in runs { (thresholds(*run, runs.len() > 1)) }
        @for run in runs { (warnings(*run, runs.len() > 1)) }
    }
}

/// Held or not, and why not.
fn verdict(run: Run<'_>, named: bool) -> Markup {
    let result = run.result;
    let verdict = Verdict::of(result);
    let class = match verdict.word {
        Word::Held if verdict.is_sound() => "held",
        Word::Held | Word::RateHeld | Word::Interrupted => "interrupted",
        Word::NotHeld | Word::EndedEarly | Word::LedgerOpen => "missed",
    };
    html! {
        div class={ "verdict " (class) } {
            p.word {
                @if named { (run.name) ": " }
                strong.verdict-word { (verdict.headline()) }
            }
            p {
                (rate(result.rate.achieved)) " of " (amount(result.rate.offered))
                "/s offered, for " (amount(result.run.measured)) " s" (verdict.losses(result))
            }
            @if !verdict.reasons.is_empty() {
                ul { @for reason in &verdict.reasons { li { (prose(&reason.to_string())) } } }
            }
            @if !verdict.doubts.is_empty() {
                p { "In doubt:" }
                ul { @for doubt in &verdict.doubts { li { (prose(doubt)) } } }
            }
        }
    }
}

fn key_figures(runs: &[Run<'_>]) -> Vec<super::parts::Fact> {
    figures(runs[0].result)
        .iter()
        .enumerate()
        .map(|(at, (what, _))| fact(runs, what, |run| figures(run.result)[at].1.clone()))
        .collect()
}

/// What is asked first, in one order for every run.
fn figures(result: &RunResult) -> [(&'static str, Option<String>); 7] {
    let ledger = &result.ledger;
    let arrived = ledger.seen.unwrap_or(ledger.acknowledged);
    let lost = ledger.scheduled.saturating_sub(arrived);
    let throttled: u64 = result.throttles.iter().map(|of| of.items).sum();
    let tried = ledger.acknowledged.saturating_add(throttled).max(1);
    let e2e = result.latency.e2e.as_ref();
    let response = result.latency.response.as_ref();
    let million = result.cost.as_ref().and_then(|of| of.usd_per_million);
    [
        ("achieved rate", Some(rate(result.rate.achieved))),
        ("end to end, p50", e2e.map(|of| duration(of.p50))),
        ("end to end, p99", e2e.map(|of| duration(of.p99))),
        ("response, p99", response.map(|of| duration(of.p99))),
        ("readings lost", Some(count(lost))),
        (
            "items throttled",
            Some(percent(throttled as f64 / tried as f64)),
        ),
        ("USD a million", million.map(usd)),
    ]
}

fn tiles(result: &RunResult) -> Markup {
    let figures = figures(result).into_iter();
    let known = figures.filter_map(|(what, value)| Some((what, value?)));
    html! {
        dl.tiles { @for (what, value) in known { div { dt { (what) } dd { (value) } } } }
    }
}

fn thresholds(run: Run<'_>, named: bool) -> Markup {
    if run.result.thresholds.is_empty() {
        return html! {};
    }
    let caption = match named {
        true => format!("Thresholds of {}", run.name),
        false => "Thresholds".to_owned(),
    };
    let row = |of: &crate::Threshold| {
        let word = if of.met { "met" } else { "missed" };
        vec![of.expression.clone(), word.to_owned(), of.shown()]
    };
    Table {
        caption: &caption,
        headings: ["threshold", "verdict", "measured"]
            .map(String::from)
            .to_vec(),
        rows: run.result.thresholds.iter().map(row).collect(),
        words: 2,
    }
    .markup()
}

fn warnings(run: Run<'_>, named: bool) -> Markup {
    html! {
        @for warning in &run.result.warnings {
            p.warning {
                strong { "Warning" @if named { " (" (run.name) ")" } ": " }
                (prose(warning))
            }
        }
    }
}

/// What became of each figure of two runs.
pub(super) fn changes(diff: &DiffResult) -> Markup {
    let (headline, stages) = diff.figures_by_rank();
    let row = |of: &&crate::FigureChange| {
        let [base, new, change, share] = of.shown();
        let verdict = match of.verdict {
            Change::Better => "better",
            Change::Worse => "worse",
            Change::NotChanged => "not changed",
            Change::Inconclusive => "inconclusive",
        };
        let verdict = match &of.absent {
            Some(absent) => format!("{verdict}: {absent}"),
            None => verdict.to_owned(),
        };
        let interval = of.shown_interval().unwrap_or_else(|| "–".to_owned());
        vec![
            of.figure.clone(),
            verdict,
            base,
            new,
            change,
            share,
            interval,
        ]
    };
    let table = |caption, figures: &[&crate::FigureChange]| {
        let headings = [
            "figure", "verdict", "base", "new", "change", "share", "interval",
        ];
        Table {
            caption,
            headings: headings.map(String::from).to_vec(),
            rows: figures.iter().map(row).collect(),
            words: 2,
        }
        .markup()
    };
    html! {
        p {
            "With one run a side no change is told from the noise between runs: intervals "
            "allow for the noise within the runs alone, " (percent(diff.confidence))
            " confident over all figures."
        }
        @if !diff.differences.is_empty() {
            p.warning { strong { "Not the same was run:" } }
            ul { @for of in &diff.differences {
                li { (of.what) ": " (of.base) " against " (of.new) }
            } }
        }
        @if !diff.unheld.is_empty() {
            p.warning { strong { "Runs that did not hold:" } }
            ul { @for of in &diff.unheld { li { (of.line()) } } }
        }
        @if !diff.doubtful.is_empty() {
            p.warning { strong { "Runs whose figures are doubtful:" } }
            ul { @for of in &diff.doubtful { li { (of.line()) } } }
        }
        (table("The whole way", &headline))
        @if !stages.is_empty() { (table("Stages: where a change comes from", &stages)) }
    }
}
