//! Texts and shapes in pixels, on a white ground.

use plotters::coord::Shift;
use plotters::element::{Circle, PathElement, Rectangle, Text};
use plotters::prelude::{DrawingArea, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, IntoFont, RGBColor, ShapeStyle, TextStyle};

use super::{Colour, PlotError, Stroke};

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Letters and axes: near black.
pub(super) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
/// Lines of the grid.
pub(super) const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);

/// A lane where nothing is.
pub(super) const LANE_GROUND: RGBColor = RGBColor(0xf0, 0xf0, 0xf0);

pub(super) const LINE_WIDTH: u32 = 2;

impl Colour {
    pub(super) fn rgb(self) -> RGBColor {
        match self {
            Self::Grey => RGBColor(0x77, 0x77, 0x77),
            Self::Blue => RGBColor(0x00, 0x72, 0xb2),
            Self::Vermillion => RGBColor(0xd5, 0x5e, 0x00),
            Self::Green => RGBColor(0x00, 0x9e, 0x73),
            Self::Purple => RGBColor(0xcc, 0x79, 0xa7),
            Self::Orange => RGBColor(0xe6, 0x9f, 0x00),
            Self::Sky => RGBColor(0x56, 0xb4, 0xe9),
        }
    }
}

impl Colour {
    /// Its name in a style sheet.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Grey => "grey",
            Self::Blue => "blue",
            Self::Vermillion => "vermillion",
            Self::Green => "green",
            Self::Purple => "purple",
            Self::Orange => "orange",
            Self::Sky => "sky",
        }
    }
}

impl Stroke {
    /// Lengths of a dash and of the gap after it, in pixels.
    fn dash(self) -> Option<(f64, f64)> {
        match self {
            Self::Solid => None,
            Self::Dashed => Some((9.0, 5.0)),
            Self::Dotted => Some((2.0, 4.0)),
        }
    }
}

pub(super) fn failed(error: impl std::fmt::Display) -> PlotError {
    PlotError::Drawing(error.to_string())
}

/// Letters of this height in pixels. The library sizes fonts by their line.
pub(super) fn letters(height_px: f64) -> TextStyle<'static> {
    ("sans-serif", height_px * 1.24)
        .into_font()
        .color(&INK)
        .pos(Pos::new(HPos::Left, VPos::Center))
}

pub(super) fn bold(height_px: f64) -> TextStyle<'static> {
    ("sans-serif", height_px * 1.24, FontStyle::Bold)
        .into_font()
        .color(&INK)
        .pos(Pos::new(HPos::Left, VPos::Center))
}

/// How wide a text is, in pixels: 0.56 of its height for a letter is a little
/// more than the mean of common sans-serif fonts.
pub(super) fn width(text: &str, height_px: f64) -> i32 {
    (text.chars().count() as f64 * height_px * 0.56).ceil() as i32
}

pub(super) fn text(
    area: &Area<'_>,
    text: &str,
    at: (i32, i32),
    style: &TextStyle<'_>,
) -> Result<(), PlotError> {
    area.draw(&Text::new(text, at, style.clone()))
        .map_err(failed)
}

pub(super) fn rectangle(
    area: &Area<'_>,
    corners: [(i32, i32); 2],
    style: impl Into<ShapeStyle>,
) -> Result<(), PlotError> {
    area.draw(&Rectangle::new(corners, style)).map_err(failed)
}

pub(super) fn dot(
    area: &Area<'_>,
    at: (i32, i32),
    radius: i32,
    style: impl Into<ShapeStyle>,
) -> Result<(), PlotError> {
    area.draw(&Circle::new(at, radius, style)).map_err(failed)
}

/// A line through points in pixels, in dashes where so stroked.
pub(super) fn path(
    area: &Area<'_>,
    points: &[(i32, i32)],
    colour: RGBColor,
    width: u32,
    stroke: Stroke,
) -> Result<(), PlotError> {
    let style = colour.stroke_width(width);
    let draw = |points: &[(i32, i32)]| {
        let path = PathElement::new(points.to_vec(), style);
        area.draw(&path).map_err(failed)
    };
    match stroke.dash() {
        None => draw(points),
        Some((dash, gap)) => dashes(points, dash, gap).iter().try_for_each(|d| draw(d)),
    }
}

/// Cuts a path into dashes that go on around its corners.
fn dashes(points: &[(i32, i32)], dash: f64, gap: f64) -> Vec<Vec<(i32, i32)>> {
    let mut cut = Vec::new();
    let Some(&first) = points.first() else {
        return cut;
    };
    let (mut drawing, mut left) = (true, dash);
    let mut current = vec![first];
    for pair in points.windows(2) {
        let [from, to] = [pair[0], pair[1]].map(|(x, y)| (f64::from(x), f64::from(y)));
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let mut done = 0.0;
        while length - done > left {
            done += left;
            let share = done / length;
            let along = |from: f64, to: f64| (from + (to - from) * share).round() as i32;
            let at = (along(from.0, to.0), along(from.1, to.1));
            if drawing {
                current.push(at);
                cut.push(std::mem::take(&mut current));
            } else {
                current = vec![at];
            }
            drawing = !drawing;
            left = if drawing { dash } else { gap };
        }
        left -= length - done;
        if drawing {
            current.push(pair[1]);
        }
    }
    if drawing && current.len() > 1 {
        cut.push(current);
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_go_on_around_corners() {
        let path = [(0, 0), (12, 0), (12, 10)];
        let expected = vec![vec![(0, 0), (9, 0)], vec![(12, 2), (12, 10)]];
        assert_eq!(dashes(&path, 9.0, 5.0), expected);
        let around = [(0, 0), (5, 0), (5, 8)];
        assert_eq!(dashes(&around, 9.0, 5.0), [vec![(0, 0), (5, 0), (5, 4)]]);
        assert!(dashes(&[], 9.0, 5.0).is_empty());
    }
}
