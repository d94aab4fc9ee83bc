//! The layer of a heat map: rectangles, the stronger the more there is.

use plotters::style::Color;

use super::canvas::{Area, rectangle};
use super::{Colour, PlotError};

/// Steps of opacity: as many as can be told apart.
const LEVELS: f64 = 16.0;
/// Of the weakest cell, so that one reading can still be seen.
const FAINTEST: f64 = 0.14;

/// A rectangle, in the values of the axes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// From left to right.
    pub x: (f64, f64),
    /// From bottom to top.
    pub y: (f64, f64),
    /// How much there is, above 0 (nothing) and up to 1 (most).
    pub strength: f64,
}

/// Cells of one colour, with a name in the legend.
#[derive(Debug, Clone, PartialEq)]
pub struct Cells {
    pub(super) name: String,
    pub(super) colour: Colour,
    pub(super) cells: Vec<Cell>,
}

impl Cells {
    /// Cells in any order. Those that hold nothing, or are nowhere, are left out.
    #[must_use]
    pub fn new(name: impl Into<String>, colour: Colour, cells: Vec<Cell>) -> Self {
        let shown = |of: &Cell| {
            let ends = [of.x.0, of.x.1, of.y.0, of.y.1];
            of.strength > 0.0 && ends.iter().all(|end| end.is_finite())
        };
        Self {
            name: name.into(),
            colour,
            cells: cells.into_iter().filter(shown).collect(),
        }
    }

    pub(super) fn draw(
        &self,
        area: &Area<'_>,
        pixel: &dyn Fn((f64, f64)) -> (i32, i32),
    ) -> Result<(), PlotError> {
        for of in &self.cells {
            let level = (of.strength.min(1.0) * LEVELS).ceil() / LEVELS;
            let fill = self.colour.rgb().mix(FAINTEST + (1.0 - FAINTEST) * level);
            let (left, low) = pixel((of.x.0, of.y.0));
            let (right, high) = pixel((of.x.1, of.y.1));
            // A cell is never less than a pixel.
            let corners = [(left, high), (right.max(left + 1), low.max(high + 1))];
            rectangle(area, corners, fill.filled())?;
        }
        Ok(())
    }
}
