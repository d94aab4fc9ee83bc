//! A sweep on the terminal.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::{Percentiles, SweepResult, SweepStep};
use crate::report::text::painted;
use crate::report::units::{amount, count, duration, rate};
use crate::report::{Condition, Threshold};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const HEADING: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

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

fn figures(step: &SweepStep) -> String {
    let time = |of: Option<Percentiles>, which: fn(Percentiles) -> f64| {
        of.map_or_else(|| "-".to_owned(), |of| duration(which(of)))
    };
    format!(
        "{:>10} {:>12} {:>9} {:>9} {:>9} {:>9} {:>8} {:>9}",
        format!("{}/s", amount(step.rate)),
        rate(step.achieved),
        time(step.response, |of| of.p50),
        time(step.response, |of| of.p99),
        time(step.e2e, |of| of.p50),
        time(step.e2e, |of| of.p99),
        count(step.lost),
        count(step.throttled),
    )
}

/// The heading above [`figures`].
fn heading() -> [String; 2] {
    let upper = format!("{:>10} {:>12} {:>19} {:>19}", "", "", "response", "e2e");
    let lower = format!(
        "{:>10} {:>12} {:>9} {:>9} {:>9} {:>9} {:>8} {:>9}",
        "rate", "achieved", "p50", "p99", "p50", "p99", "lost", "throttled",
    );
    [upper.trim_end().to_owned(), lower]
}

/// The sweep on one screen, rates from low to high, each with a bar as long as
/// the logarithm of its latency at p99.
#[must_use]
pub fn sweep(result: &SweepResult) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_sweep(&mut text, result);
    text
}

fn write_sweep(text: &mut String, result: &SweepResult) -> std::fmt::Result {
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
    writeln!(
        text,
        "{}",
        painted(FAINT, &format!("  slo {}", result.slo.join(", ")))
    )?;
    let [upper, lower] = heading().map(|line| painted(HEADING, &line));
    let bars = painted(HEADING, &format!("{} p99", stage.key()));
    writeln!(text, "  {upper}\n  {lower}  {bars}")?;
    for at in order {
        let step = &result.steps[at];
        let knee = result.knee.is_some_and(|knee| knee.step == at);
        let mark = if knee { '>' } else { ' ' };
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
        writeln!(
            text,
            "{mark} {}  {} {}",
            figures(step),
            painted(style, &format!("{bar:<BAR$}")),
            painted(style, word),
        )?;
    }
    writeln!(text)?;
    conclusion(text, result)
}

fn conclusion(text: &mut String, result: &SweepResult) -> std::fmt::Result {
    let at = |step: usize| format!("{}/s", amount(result.steps[step].rate));
    if result.interrupted {
        writeln!(
            text,
            "{}     the search was interrupted; this is as far as it came",
            painted(BAD, "ended")
        )?;
    }
    if let Some(usd) = result.max_cost_reached {
        writeln!(
            text,
            "{}     the search had cost what it may ({usd} USD); this is as far as it came",
            painted(BAD, "ended")
        )?;
    }
    let Some(knee) = result.knee else {
        writeln!(
            text,
            "{}      none: no rate that was tried met the objectives",
            painted(HEADING, "knee")
        )?;
        return limit(text, result);
    };
    let step = &result.steps[knee.step];
    let between = match (knee.below, knee.above) {
        (_, None) if result.interrupted || result.max_cost_reached.is_some() => {
            "every rate that was tried to its end met the objectives".to_owned()
        }
        (_, None) => "every rate that was tried met the objectives; raise --to".to_owned(),
        (None, Some(above)) => format!("the lowest that was tried; {} missed", at(above)),
        (Some(below), Some(above)) => {
            format!(
                "{} below it met the objectives, {} above it missed",
                at(below),
                at(above)
            )
        }
    };
    let mut line = format!("{} readings/s: {between}", count(step.rate.round() as u64));
    if step.write_units > 0.0 {
        line += &format!("; {} write units/s", amount(step.write_units));
    }
    writeln!(text, "{}      {line}", painted(HEADING, "knee"))?;
    limit(text, result)
}

fn limit(text: &mut String, result: &SweepResult) -> std::fmt::Result {
    let Some(cause) = &result.cause else {
        return Ok(());
    };
    writeln!(
        text,
        "{}     {}: {}",
        painted(HEADING, "limit"),
        cause.limiting.words(),
        cause.because
    )
}
