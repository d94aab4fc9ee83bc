//! A plot onto a canvas: heading, axes, layers, lanes and legend, from the top.

use std::ops::Range;

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::cartesian::Cartesian2d;
use plotters::element::Polygon;
use plotters::prelude::{IntoDrawingArea, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, TRANSPARENT, WHITE};

use super::axis::Fitted;
use super::canvas::{
    Area, GRID, INK, LANE_GROUND, LINE_WIDTH, bold, dot, failed, letters, path, rectangle, text,
    width,
};
use super::{Colour, Lanes, Mark, Plot, PlotError, Rule, Stroke};

const MARGIN: i32 = 18;
/// Room for the labels of the vertical axis, and of lanes.
const LEFT: i32 = 84;
/// The same on narrow pictures, which have no lanes.
const NARROW_LEFT: i32 = 54;
/// Pictures that are less wide are narrow.
const NARROW: i32 = 480;
const LEFT_MARGIN: i32 = 12;
/// Between the horizontal axis' label and what stands beneath it.
const GAP: i32 = 10;
/// Half of the last tick's label stands beyond the axis.
const RIGHT: i32 = 34;
const FOOT: i32 = 46;

const TITLE_PX: f64 = 17.0;
const TEXT_PX: f64 = 12.5;
const TITLE_LINE: i32 = 26;
const TEXT_LINE: i32 = 19;
const LANE: i32 = 17;
/// Width of a sample in the legend.
const SAMPLE: i32 = 30;
const BAND_OPACITY: f64 = 0.35;

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Fitted, Fitted>>;

/// The plot as SVG.
pub(super) fn svg(plot: &Plot) -> Result<String, PlotError> {
    let (x, y) = axes(plot)?;
    let (full_width, chart_height) = plot.size;
    let subtitle = wrapped(&plot.subtitle, full_width - 2 * MARGIN);
    let entries = legend(plot);
    let columns = columns(&entries, full_width);
    let lanes = plot.lanes.as_ref().filter(|lanes| !lanes.rows.is_empty());

    let heading = match plot.title.as_str() {
        "" => TEXT_LINE * subtitle.len() as i32,
        _ => MARGIN + TITLE_LINE + TEXT_LINE * subtitle.len() as i32,
    };
    let under = heading + chart_height + GAP;
    let lanes_height = lanes.map_or(0, |lanes| LANE * (lanes.rows.len() as i32 + 1) + 12);
    let legend_rows = entries.len().div_ceil(columns) as i32;
    let height = under + lanes_height + TEXT_LINE * legend_rows + MARGIN;

    let mut drawn = String::new();
    {
        let size = (full_width as u32, height as u32);
        let area = SVGBackend::with_string(&mut drawn, size).into_drawing_area();
        area.fill(&WHITE).map_err(failed)?;
        if !plot.title.is_empty() {
            text(&area, &plot.title, (MARGIN, MARGIN + 6), &bold(TITLE_PX))?;
        }
        for (row, line) in (0..).zip(&subtitle) {
            let at = (MARGIN, MARGIN + TITLE_LINE + TEXT_LINE * row + 4);
            text(&area, line, at, &letters(TEXT_PX))?;
        }
        let (_, rest) = area.split_vertically(heading);
        let (chart_area, _) = rest.split_vertically(chart_height);
        let mut chart = ChartBuilder::on(&chart_area)
            .margin_top(14)
            .margin_right(RIGHT)
            .margin_left(if full_width < NARROW { 4 } else { LEFT_MARGIN })
            .x_label_area_size(FOOT)
            .y_label_area_size(if full_width < NARROW {
                NARROW_LEFT
            } else {
                LEFT
            })
            .build_cartesian_2d(x, y)
            .map_err(failed)?;
        grid(&mut chart, plot)?;
        layers(&chart, &area, plot)?;
        if let Some(lanes) = lanes {
            draw_lanes(&chart, &area, lanes, under)?;
        }
        for (at, entry) in entries.iter().enumerate() {
            let (row, column) = ((at / columns) as i32, (at % columns) as i32);
            let left = MARGIN + column * (full_width - 2 * MARGIN) / columns as i32;
            let middle = under + lanes_height + TEXT_LINE * row + TEXT_LINE / 2;
            draw_entry(&area, entry, (left, middle))?;
        }
        area.present().map_err(failed)?;
    }
    Ok(drawn)
}

/// Both axes, fitted around all layers.
fn axes(plot: &Plot) -> Result<(Fitted, Fitted), PlotError> {
    let points = || {
        let lines = plot
            .lines
            .iter()
            .flat_map(|line| line.points.iter().copied());
        let bands = plot.bands.iter().flat_map(|band| band.points.iter());
        let bands = bands.flat_map(|&(x, low, high)| [(x, low), (x, high)]);
        let marks = plot.marks.iter().map(|mark| (mark.x, mark.y));
        let cells = plot.cells.iter().flat_map(|cells| &cells.cells);
        let cells = cells.flat_map(|of| [(of.x.0, of.y.0), (of.x.1, of.y.1)]);
        lines.chain(bands).chain(marks).chain(cells)
    };
    let rules = |upright| {
        let rules = plot
            .rules
            .iter()
            .filter(move |rule| rule.upright == upright);
        rules.map(|rule| rule.at)
    };
    let nothing = |axis: &super::Axis| PlotError::Nothing {
        axis: axis.label().to_owned(),
    };
    let x = plot.x.fitted(points().map(|(x, _)| x).chain(rules(true)));
    let y = plot.y.fitted(points().map(|(_, y)| y).chain(rules(false)));
    Ok((
        x.ok_or_else(|| nothing(&plot.x))?,
        y.ok_or_else(|| nothing(&plot.y))?,
    ))
}

fn grid(chart: &mut Chart<'_, '_>, plot: &Plot) -> Result<(), PlotError> {
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .label_style(letters(TEXT_PX))
        .axis_desc_style(letters(TEXT_PX))
        .set_all_tick_mark_size(4)
        .x_desc(plot.x.label())
        .y_desc(plot.y.label())
        .draw()
        .map_err(failed)
}

fn layers(chart: &Chart<'_, '_>, area: &Area<'_>, plot: &Plot) -> Result<(), PlotError> {
    let pixel = |(x, y): (f64, f64)| chart.plotting_area().map_coordinate(&(x, y));
    let finite = |&(x, y): &(f64, f64)| x.is_finite() && y.is_finite();
    for cells in &plot.cells {
        cells.draw(area, &pixel)?;
    }
    for band in &plot.bands {
        let points = band.points.iter();
        let shown = points.filter(|(x, low, high)| finite(&(*x, *low)) && high.is_finite());
        let there = shown.clone().map(|&(x, _, high)| pixel((x, high)));
        let back = shown.rev().map(|&(x, low, _)| pixel((x, low)));
        let around: Vec<(i32, i32)> = there.chain(back).collect();
        let fill = band.colour.rgb().mix(BAND_OPACITY).filled();
        area.draw(&Polygon::new(around, fill)).map_err(failed)?;
    }
    let (across, down) = pixels(chart);
    for rule in &plot.rules {
        draw_rule(area, rule, (&across, &down), &pixel)?;
    }
    for line in &plot.lines {
        let points = line.points.iter().filter(|point| finite(point));
        let mut points: Vec<(i32, i32)> = points.map(|&point| pixel(point)).collect();
        points.dedup();
        path(area, &points, line.colour.rgb(), LINE_WIDTH, line.stroke)?;
        if line.shown_points {
            for &point in &points {
                dot(area, point, 3, line.colour.rgb().filled())?;
            }
        }
    }
    for mark in &plot.marks {
        draw_mark(area, mark, pixel((mark.x, mark.y)), (&across, &down))?;
    }
    Ok(())
}

/// The pixels of the axes' ends: across, and down.
fn pixels(chart: &Chart<'_, '_>) -> (Range<i32>, Range<i32>) {
    let (across, down) = chart.plotting_area().get_pixel_range();
    (across.start..across.end - 1, down.start..down.end - 1)
}

fn draw_rule(
    area: &Area<'_>,
    rule: &Rule,
    (across, down): (&Range<i32>, &Range<i32>),
    pixel: &dyn Fn((f64, f64)) -> (i32, i32),
) -> Result<(), PlotError> {
    let (x, y) = pixel((rule.at, rule.at));
    let needed = width(&rule.label, TEXT_PX);
    let (ends, at, h_pos) = if rule.upright {
        let ends = [(x, down.start), (x, down.end)];
        // Beside its head, on the side that has room.
        if x + 6 + needed <= across.end {
            (ends, (x + 6, down.start + 9), HPos::Left)
        } else {
            (ends, (x - 6, down.start + 9), HPos::Right)
        }
    } else {
        let ends = [(across.start, y), (across.end, y)];
        let above = if y - 16 >= down.start { y - 9 } else { y + 10 };
        (ends, (across.end - 6, above), HPos::Right)
    };
    path(area, &ends, INK, 1, Stroke::Dashed)?;
    let style = letters(TEXT_PX).pos(Pos::new(h_pos, VPos::Center));
    text(area, &rule.label, at, &style)
}

/// A ring around the point; its label stands where the plot has room for it.
fn draw_mark(
    area: &Area<'_>,
    mark: &Mark,
    (x, y): (i32, i32),
    (across, down): (&Range<i32>, &Range<i32>),
) -> Result<(), PlotError> {
    dot(area, (x, y), 6, INK.stroke_width(2))?;
    let needed = width(&mark.label, TEXT_PX);
    let (h_pos, at_x) = if x - 12 - needed >= across.start {
        (HPos::Right, x - 12)
    } else {
        (HPos::Left, x + 12)
    };
    let at_y = if y - 22 >= down.start { y - 14 } else { y + 15 };
    let style = bold(TEXT_PX).pos(Pos::new(h_pos, VPos::Center));
    text(area, &mark.label, (at_x, at_y), &style)
}

fn draw_lanes(
    chart: &Chart<'_, '_>,
    area: &Area<'_>,
    lanes: &Lanes,
    top: i32,
) -> Result<(), PlotError> {
    let (across, _) = pixels(chart);
    let foot = chart.plotting_area().get_y_range().start;
    let heading = (across.start, top + LANE / 2);
    text(area, &lanes.heading, heading, &letters(TEXT_PX))?;
    let label = letters(TEXT_PX).pos(Pos::new(HPos::Right, VPos::Center));
    for (row, lane) in (1..).zip(&lanes.rows) {
        let (from, to) = (top + LANE * row + 2, top + LANE * (row + 1) - 2);
        text(
            area,
            &lane.label,
            (across.start - 8, (from + to) / 2),
            &label,
        )?;
        rectangle(
            area,
            [(across.start, from), (across.end, to)],
            LANE_GROUND.filled(),
        )?;
        let at = |x: f64| chart.plotting_area().map_coordinate(&(x, foot)).0;
        let shown = lane.stretches.iter();
        let shown = shown.filter(|(from, to)| from.is_finite() && to.is_finite());
        // Stretches that share a pixel are one.
        let mut until = i32::MIN;
        let mut pending: Option<(i32, i32)> = None;
        let mut merged = Vec::new();
        for (start, end) in shown.map(|&(start, end)| (at(start), at(end))) {
            let end = end.max(start + 1);
            match &mut pending {
                Some((_, last)) if start <= until => *last = end.max(*last),
                _ => merged.extend(pending.replace((start, end))),
            }
            until = until.max(end);
        }
        merged.extend(pending);
        for (start, end) in merged {
            rectangle(area, [(start, from), (end, to)], lane.colour.rgb().filled())?;
        }
    }
    Ok(())
}

/// A line of the legend: a sample and a name.
struct Entry<'a> {
    name: &'a str,
    colour: Colour,
    /// None for a band.
    stroke: Option<Stroke>,
    points: bool,
}

/// What has a name, bands first, as it is drawn.
fn legend(plot: &Plot) -> Vec<Entry<'_>> {
    let bands = plot.bands.iter().map(|band| Entry {
        name: &band.name,
        colour: band.colour,
        stroke: None,
        points: false,
    });
    let lines = plot.lines.iter().map(|line| Entry {
        name: &line.name,
        colour: line.colour,
        stroke: Some(line.stroke),
        points: line.shown_points,
    });
    let cells = plot.cells.iter().map(|cells| Entry {
        name: &cells.name,
        colour: cells.colour,
        stroke: None,
        points: false,
    });
    cells
        .chain(bands)
        .chain(lines)
        .filter(|entry| !entry.name.is_empty())
        .collect()
}

/// As many columns, up to three, as the longest name leaves room for.
fn columns(entries: &[Entry<'_>], full_width: i32) -> usize {
    let widest = entries.iter().map(|entry| width(entry.name, TEXT_PX)).max();
    let needed = SAMPLE + 8 + 16 + widest.unwrap_or(0);
    ((full_width - 2 * MARGIN) / needed).clamp(1, 3) as usize
}

fn draw_entry(area: &Area<'_>, entry: &Entry<'_>, (x, y): (i32, i32)) -> Result<(), PlotError> {
    let colour = entry.colour.rgb();
    match entry.stroke {
        None => {
            let fill = colour.mix(BAND_OPACITY).filled();
            rectangle(area, [(x, y - 5), (x + SAMPLE, y + 5)], fill)?;
        }
        Some(stroke) => path(area, &[(x, y), (x + SAMPLE, y)], colour, LINE_WIDTH, stroke)?,
    }
    if entry.points {
        dot(area, (x + SAMPLE / 2, y), 3, colour.filled())?;
    }
    text(area, entry.name, (x + SAMPLE + 8, y), &letters(TEXT_PX))
}

/// A text in lines that are no wider than this.
fn wrapped(long: &str, most: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in long.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line, TEXT_PX) + width(word, TEXT_PX) + 7 <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
