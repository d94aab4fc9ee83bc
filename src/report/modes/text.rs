//! Tables compared, on the terminal: a column each.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::{Figure, ModeFigures, ModesResult};
use crate::report::text::painted;
use crate::report::units::{amount, count, duration, fine_percent, rate};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const HEADING: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// Columns of the words on the left, and of a table.
const LEFT: usize = 20;
const COLUMN: usize = 28;

/// Eight heights of a bar.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Bars of a second or more each.
const WIDTH: usize = 24;

/// The comparison on one screen.
#[must_use]
pub fn modes(result: &ModesResult) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_modes(&mut text, result);
    text
}

fn write_modes(text: &mut String, result: &ModesResult) -> std::fmt::Result {
    let slo = format!("slo {}", result.slo.join(", "));
    writeln!(text, "{}", painted(FAINT, &slo))?;
    let tables = &result.tables;
    let mut row = |name: &str, style: Style, cell: &dyn Fn(&ModeFigures) -> String| {
        let cells = tables
            .iter()
            .map(|table| format!("{:<COLUMN$}", cell(table)));
        let line = format!("{name:<LEFT$}{}", cells.collect::<String>());
        writeln!(text, "{}", painted(style, line.trim_end()))
    };
    let plain = Style::new();
    row("", HEADING, &|of| of.name.clone())?;
    row("objectives met", plain, &|of| {
        format!("{} of {} runs", of.met, of.runs)
    })?;
    row("achieved", plain, &|of| show(of.achieved, rate))?;
    row("e2e p50", plain, &|of| show(of.e2e.p50, duration))?;
    row("e2e p99", plain, &|of| show(of.e2e.p99, duration))?;
    row("e2e p99.9", plain, &|of| show(of.e2e.p999, duration))?;
    row("response p99", plain, &|of| show(of.response.p99, duration))?;
    row("worst device", plain, &|of| match &of.worst_device {
        Some(worst) => format!("{}, device {}", duration(worst.e2e), worst.device),
        None => "-".to_owned(),
    })?;
    row("write units/s", plain, &|of| show(of.write_units, amount))?;
    row("throttled", plain, &|of| fine_percent(of.throttled_share))?;
    let highest = tables.iter().flat_map(|of| &of.throttled_per_second);
    let highest = highest.copied().fold(0.0, f64::max);
    if highest > 0.0 {
        row("  over time", plain, &|of| {
            sparkline(&of.throttled_per_second, highest)
        })?;
    }
    row("USD an hour", plain, &|of| show(of.usd_per_hour, money))?;
    row("USD a million", plain, &|of| {
        show(of.usd_per_million, money)
    })?;
    if tables.iter().any(|of| of.usd_per_million_in_time.is_some()) {
        row("  of those in time", plain, &|of| {
            show(of.usd_per_million_in_time, money)
        })?;
    }
    writeln!(text)?;
    for table in tables {
        if !table.throttles.is_empty() {
            writeln!(text, "throttled    {}", table.name)?;
        }
        for of in &table.throttles {
            let bars = sparkline(&of.per_second, highest);
            writeln!(text, "{:>20}  {bars}  {}", count(of.items), of.reason)?;
        }
        let missed = table.missed.iter();
        let missed: Vec<String> = missed
            .map(|of| format!("{} in {} of {}", of.expression, of.runs, table.runs))
            .collect();
        if !missed.is_empty() {
            let word = painted(BAD, "missed");
            writeln!(text, "{word}       {}: {}", table.name, missed.join(", "))?;
        }
        if let Some(short) = table.falls_short() {
            let word = painted(BAD, "too small");
            writeln!(text, "{word}    {}: {short}", table.name)?;
        }
    }
    if result.interrupted {
        let word = painted(BAD, "ended");
        writeln!(text, "{word}        the comparison was interrupted")?;
    }
    if let Some(usd) = result.max_cost_reached {
        let word = painted(BAD, "ended");
        let what = "had cost what it may; the runs that were whole are compared";
        writeln!(text, "{word}        the comparison {what} ({usd} USD)")?;
    }
    let (style, taken) = match result.taken.and_then(|at| tables.get(at)) {
        Some(table) => (GOOD, format!("{}: ", table.name)),
        None => (BAD, String::new()),
    };
    let word = painted(style, "take");
    writeln!(text, "{word}         {taken}{}", result.reason)
}

/// A figure, and half the width of its interval.
fn show(figure: Option<Figure>, unit: fn(f64) -> String) -> String {
    let Some(figure) = figure else {
        return "-".to_owned();
    };
    match figure.interval {
        Some([low, high]) => {
            let half = (high - low) / 2.0 / figure.mean;
            format!("{} ±{}", unit(figure.mean), fine_percent(half.abs()))
        }
        None => unit(figure.mean),
    }
}

fn money(usd: f64) -> String {
    format!("{usd:.3}")
}

/// Bars of equal numbers of seconds, as high as their mean.
fn sparkline(seconds: &[f64], highest: f64) -> String {
    let width = seconds.len().div_ceil(WIDTH).max(1);
    seconds
        .chunks(width)
        .map(|chunk| {
            let mean = chunk.iter().sum::<f64>() / chunk.len() as f64;
            let height = (mean / highest * (BARS.len() - 1) as f64).ceil() as usize;
            BARS[height.min(BARS.len() - 1)]
        })
        .collect()
}
