//! A sweep on the terminal.

use anstyle::Style;

use super::{Percentiles, SweepResult, SweepStep};
use crate::screen::{
    BAD, Column, Columns, FAINT, GOOD, HEADING, Line, PLAIN, Row, Table, folded, painted, section,
};
use crate::units::{amount, count, duration, rate};
use crate::{Condition, Threshold};

/// Columns of a bar.
const BAR: usize = 16;

/// What came of a step, in a line for a live display.
#[must_use]
pub fn sweep_step(step: &SweepStep) -> String {
    let rate = format!("{:>10}", format!("{}/s", amount(step.rate)));
    if step.held {
        let p99 = step
            .response
            .map_or_else(|| "-".to_owned(), |of| duration(of.p99));
        let met = painted(GOOD, "met");
        return format!("{rate}  {met}     response p99 {p99}");
    }
    let missed: Vec<&Threshold> = step.thresholds.iter().filter(|of| !of.met).collect();
    let mut reasons: Vec<String> = missed.iter().take(2).map(|of| missed_by(of)).collect();
    match missed.len() {
        0 => reasons.push(match &step.cause {
            Some(cause) => cause.because.clone(),
            None => "the run did not come to its end".to_owned(),
        }),
        1 | 2 => {}
        more => reasons.push(format!("and {} more", more - 2)),
    }
    format!("{rate}  {}  {}", painted(BAD, "missed"), reasons.join(", "))
}

fn missed_by(threshold: &Threshold) -> String {
    let measured = match (
        threshold.measured,
        threshold.expression.parse::<Condition>(),
    ) {
        (Some(measured), Ok(condition)) => condition.show(measured),
        _ => "nothing".to_owned(),
    };
    format!("{} ({measured})", threshold.expression)
}

/// The sweep on one screen, rates from low to high, each with a bar as long as
/// the logarithm of its latency at p99; the knee and its limit last.
#[must_use]
pub fn sweep(result: &SweepResult, columns: Columns) -> String {
    let slo = format!("  slo {}", result.slo.join(", "));
    let mut text = folded(&Line::new(FAINT, &slo), 2, columns);
    text += &steps(result).fitted(columns);
    text += "\n";
    for (style, heading, line) in conclusion(result) {
        text += &section(style, heading, &[Line::new(PLAIN, &line)], columns);
    }
    text
}

fn steps(result: &SweepResult) -> Table {
    let mut order: Vec<usize> = (0..result.steps.len()).collect();
    order.sort_by(|a, b| result.steps[*a].rate.total_cmp(&result.steps[*b].rate));
    let stage = result.telling();
    let p99 = |step: &SweepStep| step.latency(stage).map(|of| of.p99);
    let p99s = result.steps.iter().filter_map(p99);
    let (least, most) = p99s.fold((f64::MAX, 0.0f64), |(low, high), p99| {
        (low.min(p99), high.max(p99))
    });
    // What differs little must not look as if it differed much.
    let range = (most / least).max(10.0).ln();
    let mut table = Table::new(vec![
        Column::numbers("rate").at_least(9),
        Column::numbers("achieved").at_least(10),
        Column::numbers("response\np50").at_least(7).spare(0),
        Column::numbers("response\np99").at_least(7),
        Column::numbers("e2e\np50").at_least(7).spare(1),
        Column::numbers("e2e\np99").at_least(7),
        Column::numbers("lost"),
        Column::numbers("throttled"),
        Column::words(&format!("{}\np99", stage.key()))
            .at_least(BAR)
            .spare(2),
        Column::words(""),
    ]);
    for at in order {
        let step = &result.steps[at];
        let knee = result.knee.is_some_and(|knee| knee.step == at);
        // The shortest is still seen.
        let bar = p99(step).map_or(0.0, |p99| {
            (p99 / least).ln() / range * (BAR - 1) as f64 + 1.0
        });
        let bar = "\u{2588}".repeat(bar.round() as usize);
        let (style, word) = match (step.cut_short, step.held) {
            (true, _) => (FAINT, "cut short"),
            (false, true) => (GOOD, "met"),
            (false, false) => (BAD, "missed"),
        };
        let time = |of: Option<Percentiles>, which: fn(Percentiles) -> f64| {
            of.map_or_else(|| "-".to_owned(), |of| duration(which(of)))
        };
        table.push(
            Row::marked(if knee { '>' } else { ' ' })
                .cell(format!("{}/s", amount(step.rate)))
                .cell(rate(step.achieved))
                .cell(time(step.response, |of| of.p50))
                .cell(time(step.response, |of| of.p99))
                .cell(time(step.e2e, |of| of.p50))
                .cell(time(step.e2e, |of| of.p99))
                .cell(count(step.lost))
                .cell(count(step.throttled))
                .styled(style, bar)
                .styled(style, word),
        );
    }
    table
}

/// What was found, in sections.
fn conclusion(result: &SweepResult) -> Vec<(Style, &'static str, String)> {
    let at = |step: usize| format!("{}/s", amount(result.steps[step].rate));
    let mut said = Vec::new();
    if result.interrupted {
        let what = "the search was interrupted; this is as far as it came";
        said.push((BAD, "ended", what.to_owned()));
    }
    if let Some(limit) = result.max_cost_reached {
        let what =
            format!("the search had cost what it may ({limit} USD); this is as far as it came");
        said.push((BAD, "ended", what));
    }
    let knee = match result.knee {
        None => "none: no rate that was tried met the objectives".to_owned(),
        Some(knee) => {
            let step = &result.steps[knee.step];
            let between = match (knee.below, knee.above) {
                (_, None) if result.interrupted || result.max_cost_reached.is_some() => {
                    "every rate that was tried to its end met the objectives".to_owned()
                }
                (_, None) => "every rate that was tried met the objectives; raise --to".to_owned(),
                (None, Some(above)) => {
                    format!("the lowest that was tried; {} missed", at(above))
                }
                (Some(below), Some(above)) => format!(
                    "{} below it met the objectives, {} above it missed",
                    at(below),
                    at(above)
                ),
            };
            let readings = count(step.rate.round() as u64);
            let units = match step.write_units {
                units if units > 0.0 => format!("; {} write units/s", amount(units)),
                _ => String::new(),
            };
            format!("{readings} readings/s: {between}{units}")
        }
    };
    said.push((HEADING, "knee", knee));
    if let Some(cause) = &result.cause {
        let what = format!("{}: {}", cause.limiting.words(), cause.because);
        said.push((HEADING, "limit", what));
    }
    said
}
