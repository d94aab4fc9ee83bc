//! Tables compared, on the terminal: a column each.

use anstyle::Style;

use super::{Figure, ModeFigures, ModesResult};
use crate::screen::{
    BAD, Column, Columns, FAINT, GOOD, HEADING, Line, PLAIN, Row, Table, folded, section,
};
use crate::units::{amount, count, duration, fine_percent, rate, usd};

/// Eight heights of a bar.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Bars of a second or more each.
const WIDTH: usize = 24;

/// The comparison on one screen, what to take last.
#[must_use]
pub fn modes(result: &ModesResult, columns: Columns) -> String {
    let slo = format!("slo {}", result.slo.join(", "));
    let mut text = folded(&Line::new(FAINT, &slo), 0, columns);
    text += &figures(&result.tables).fitted(columns);
    text += "\n";
    for (style, heading, line) in conclusion(result) {
        text += &section(style, heading, &[line], columns);
    }
    text
}

/// A table of tables: a column each, in blocks where there are many.
fn figures(tables: &[ModeFigures]) -> Table {
    let mut columns = vec![Column::words("").at_least(18)];
    let names = tables.iter().map(|of| &of.name);
    columns.extend(names.map(|name| Column::words(name).at_least(26).shortens_to(26)));
    let mut set = Table::new(columns).in_blocks();
    let mut row = |name: &str, cell: &dyn Fn(&ModeFigures) -> String| {
        let cells = tables.iter().map(cell);
        set.push(cells.fold(Row::new().cell(name), Row::cell));
    };
    row("objectives met", &|of| {
        format!("{} of {} runs", of.met, of.runs)
    });
    row("achieved", &|of| show(of.achieved, rate));
    row("e2e p50", &|of| show(of.e2e.p50, duration));
    row("e2e p99", &|of| show(of.e2e.p99, duration));
    row("e2e p99.9", &|of| show(of.e2e.p999, duration));
    row("response p99", &|of| show(of.response.p99, duration));
    row("worst device", &|of| match &of.worst_device {
        Some(worst) => format!("{}, device {}", duration(worst.e2e), worst.device),
        None => "-".to_owned(),
    });
    row("write units/s", &|of| show(of.write_units, amount));
    row("throttled", &|of| match of.runs {
        0 => "-".to_owned(),
        _ => fine_percent(of.throttled_share),
    });
    let highest = highest(tables);
    if highest > 0.0 {
        row("  over time", &|of| {
            sparkline(&of.throttled_per_second, highest)
        });
    }
    row("USD an hour", &|of| show(of.usd_per_hour, usd));
    if tables.iter().any(|of| of.usd_per_hour_settled.is_some()) {
        row("  once scaled", &|of| {
            of.usd_per_hour_settled.map_or_else(|| "-".to_owned(), usd)
        });
    }
    row("USD a million", &|of| show(of.usd_per_million, usd));
    if tables.iter().any(|of| of.usd_per_million_in_time.is_some()) {
        row("  of those in time", &|of| {
            show(of.usd_per_million_in_time, usd)
        });
    }
    set
}

/// Items throttled in the second of any table in which most were.
fn highest(tables: &[ModeFigures]) -> f64 {
    let seconds = tables.iter().flat_map(|of| &of.throttled_per_second);
    seconds.copied().fold(0.0, f64::max)
}

/// What speaks against each table, and which to take.
fn conclusion(result: &ModesResult) -> Vec<(Style, &'static str, Line)> {
    let tables = &result.tables;
    let highest = highest(tables);
    let plain = |text: &str| Line::new(PLAIN, text);
    let mut said = Vec::new();
    for table in tables {
        if !table.throttles.is_empty() {
            said.push((HEADING, "throttled", plain(&table.name)));
        }
        for of in &table.throttles {
            let bars = sparkline(&of.per_second, highest);
            let what = format!("{} {bars} {}", count(of.items), of.reason);
            said.push((PLAIN, "", plain(&what)));
        }
        let missed = table.missed.iter();
        let missed: Vec<String> = missed
            .map(|of| format!("{} in {} of {}", of.expression, of.runs, table.runs))
            .collect();
        if !missed.is_empty() {
            let what = format!("{}: {}", table.name, missed.join(", "));
            said.push((BAD, "missed", plain(&what)));
        }
        if let (Some(units), Some(_)) = (table.settles_at, table.usd_per_hour_settled) {
            let what = format!(
                "{}: comes to {} write units/s minutes later, and is compared by what it costs \
                 then",
                table.name,
                amount(units)
            );
            said.push((HEADING, "once scaled", plain(&what)));
        }
        if let Some(short) = table.falls_short() {
            said.push((BAD, "too small", plain(&format!("{}: {short}", table.name))));
        }
    }
    if result.interrupted {
        said.push((BAD, "ended", plain("the comparison was interrupted")));
    }
    if let Some(limit) = result.max_cost_reached {
        let what = "had cost what it may; the runs that were whole are compared";
        said.push((
            BAD,
            "ended",
            plain(&format!("the comparison {what} ({limit} USD)")),
        ));
    }
    let (style, taken) = match result.taken.and_then(|at| tables.get(at)) {
        Some(table) => (GOOD, format!("{}: ", table.name)),
        None => (BAD, String::new()),
    };
    said.push((style, "take", plain(&format!("{taken}{}", result.reason))));
    said
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
