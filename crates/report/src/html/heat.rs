//! Latency over time: how many readings took how long in each moment, and the
//! percentiles through it.

use maud::Markup;

use super::Run;
use super::bins::{Bin, bins, latency};
use super::latency::{named, width_px};
use super::parts::{Figure, Table, pair};
use crate::export::ReportError;
use crate::plot::{Axis, Cell, Cells, Colour, Line, Plot, Rule, Stroke};
use crate::units::{count, duration};
use hrload_measure::{Latency, Stage};

/// Cells from the lowest latency to the highest, at most.
const ROWS: f64 = 28.0;
/// Between two cells' ends, at least: a fifth of a doubling.
const FINEST: f64 = 1.15;
/// Below this nothing is told apart, in microseconds.
const FLOOR_US: f64 = 10.0;

pub(super) fn body(runs: &[Run<'_>]) -> Result<Markup, ReportError> {
    let mut figures = Vec::new();
    for run in runs {
        let headline = run.headline_stage();
        figures.push(figure(*run, headline, runs.len() > 1)?);
        if runs.len() == 1 && headline != Stage::Response {
            figures.push(figure(*run, Stage::Response, false)?);
        }
    }
    Ok(pair(runs, &figures))
}

/// A piece of the run, with what it measured of the stage.
type Measured<'a> = (Bin<'a>, Latency);

fn figure(run: Run<'_>, stage: Stage, is_named: bool) -> Result<Markup, ReportError> {
    let mut pieces: Vec<Measured<'_>> = Vec::new();
    for bin in bins(run.result) {
        let of = latency(run.result, &bin, stage)?;
        if !of.is_empty() {
            pieces.push((bin, of));
        }
    }
    let line = |name: &str, colour, stroke, share: f64| {
        let points = pieces
            .iter()
            .map(|(bin, of)| (bin.middle(), of.quantile_us(share) as f64 / 1e3));
        Line::new(name, colour, points.collect()).stroked(stroke)
    };
    let cells = Cells::new(
        "readings, more where stronger",
        Colour::Grey,
        cells(&pieces),
    );
    let mut plot = Plot::new(
        "",
        Axis::linear("time since measuring began (s)"),
        Axis::log("latency (ms)"),
    )
    .size(width_px(is_named), 340)
    .cells(cells)
    .line(line("p50", Colour::Blue, Stroke::Solid, 0.5))
    .line(line("p99", Colour::Vermillion, Stroke::Solid, 0.99))
    .line(line("p99.9", Colour::Vermillion, Stroke::Dotted, 0.999));
    plot = with_time_axis(plot, run);
    let row = |(bin, of): &Measured<'_>| {
        let at = |share: f64| duration(of.quantile_us(share) as f64 / 1e6);
        let mut cells = vec![span(bin), count(of.count())];
        cells.extend([0.5, 0.9, 0.99, 0.999, 1.0].map(at));
        cells
    };
    let headings = ["seconds", "values", "p50", "p90", "p99", "p99.9", "max"];
    let title = format!(
        "{} ({})",
        stage_title(stage),
        stage.meaning().replace("->", "→")
    );
    let title = named(&title, run, is_named);
    let figure = Figure {
        id: format!("heat-{}-{}", run.name, stage.key()),
        description: "Each column is a moment; the more readings took so long, the stronger \
                      the cell."
            .to_owned(),
        drawing: plot.drawing(),
        numbers: Table {
            caption: &title.clone(),
            headings: headings.map(String::from).to_vec(),
            rows: pieces.iter().map(row).collect(),
            words: 1,
        },
        title,
    };
    Ok(figure.markup()?)
}

fn stage_title(stage: Stage) -> &'static str {
    match stage {
        Stage::EndToEnd => "End to end over time",
        _ => "Response time over time",
    }
}

/// The seconds of a piece, as people read them.
pub(super) fn span(bin: &Bin<'_>) -> String {
    match bin.seconds.len() {
        1 => format!("{}", bin.from),
        _ => format!("{} to {}", bin.from, bin.to),
    }
}

/// From the first second to the last, with the ends of measuring marked.
pub(super) fn with_time_axis(plot: Plot, run: Run<'_>) -> Plot {
    let series = &run.result.series;
    let ends = series.first().zip(series.last());
    let Some((first, last)) = ends else {
        return plot;
    };
    let plot = plot.x_range(first.second as f64, last.second as f64 + 1.0);
    let plot = match first.second < 0 {
        true => plot.rule(Rule::upright(0.0, "measuring")),
        false => plot,
    };
    let measured = run.result.run.measured;
    match (last.second as f64) + 1.0 > measured + 1.0 {
        true => plot.rule(Rule::upright(measured, "drain")),
        false => plot,
    }
}

/// Of the fullest cell: lines and letters stand out from it in light and in dark.
const STRONGEST: f64 = 0.45;

/// What is in each cell, as a share of the fullest one of its column.
fn cells(pieces: &[Measured<'_>]) -> Vec<Cell> {
    let low = pieces.iter().map(|(_, of)| of.min_us() as f64);
    let low = low.fold(f64::INFINITY, f64::min).max(FLOOR_US);
    let high = pieces.iter().map(|(_, of)| of.max_us() as f64);
    let high = high.fold(low, f64::max);
    let factor = (high / low).powf(1.0 / ROWS).max(FINEST);
    let row = |us: i64| ((us as f64).max(low) / low).ln() / factor.ln();
    let mut cells = Vec::new();
    for (bin, of) in pieces {
        let mut rows = [0_u64; ROWS as usize + 1];
        for (us, count) in of.counts() {
            rows[(row(us) as usize).min(ROWS as usize)] += count;
        }
        let fullest = rows.iter().copied().max().unwrap_or(0).max(1);
        for (at, &count) in rows.iter().enumerate().filter(|(_, count)| **count > 0) {
            let from = low * factor.powi(at as i32);
            cells.push(Cell {
                x: (bin.from, bin.to),
                y: (from / 1e3, (from * factor).min(high.max(from * 1.01)) / 1e3),
                strength: STRONGEST * (count as f64 / fullest as f64).sqrt(),
            });
        }
    }
    cells
}
