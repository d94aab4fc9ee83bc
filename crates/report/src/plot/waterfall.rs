//! Bars that begin where the last one ended: what a whole is made of.

use plotters::chart::ChartBuilder;
use plotters::prelude::{IntoDrawingArea, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, TRANSPARENT, WHITE};

use super::canvas::{GRID, INK, bold, failed, letters, path, rectangle, text, width};
use super::drawing::NARROW_PX;
use super::{Axis, Colour, Drawing, Picture, PlotError, Stroke};

const TEXT_PX: f64 = 12.5;
/// Height of a row, and of the bar in it.
const ROW: i32 = 30;
const BAR: i32 = 16;
const FOOT: i32 = 46;
const LEFT_MARGIN: i32 = 12;
const TOP: i32 = 8;

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What stands before it.
    pub label: String,
    /// Where it begins.
    pub from: f64,
    /// Where it ends; before its beginning if it takes away.
    pub to: f64,
    /// Its colour.
    pub colour: Colour,
    /// What stands beside it.
    pub note: String,
}

/// Bars in rows, from the top, each joined to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Waterfall {
    axis: Axis,
    width_px: i32,
    steps: Vec<Step>,
}

impl Waterfall {
    /// Steps along a linear axis.
    #[must_use]
    pub fn new(axis: Axis, width_px: u16, steps: Vec<Step>) -> Self {
        let there = |step: &Step| step.from.is_finite() && step.to.is_finite();
        Self {
            axis,
            width_px: i32::from(width_px),
            steps: steps.into_iter().filter(there).collect(),
        }
    }

    /// The picture, as a part of a page.
    ///
    /// # Errors
    ///
    /// [`PlotError::Nothing`] without steps.
    pub fn drawing(&self) -> Result<Drawing, PlotError> {
        Ok(Drawing {
            wide: self.picture(self.width_px)?,
            narrow: self.picture(self.width_px.min(NARROW_PX))?,
        })
    }

    fn picture(&self, width_px: i32) -> Result<Picture, PlotError> {
        let ends = self.steps.iter().flat_map(|step| [step.from, step.to]);
        let least = ends.clone().fold(0.0, f64::min);
        let most = ends.fold(f64::NEG_INFINITY, f64::max);
        let axis = if least < 0.0 {
            self.axis.clone().range(least, most.max(0.0))
        } else {
            self.axis.clone()
        };
        let values = self.steps.iter().flat_map(|step| [step.from, step.to]);
        let across = axis.fitted(values).filter(|_| !self.steps.is_empty());
        let across = across.ok_or_else(|| PlotError::Nothing {
            axis: self.axis.label().to_owned(),
        })?;
        let rows = self.steps.len() as i32;
        let down = Axis::linear("").range(0.0, f64::from(rows));
        let down = down.fitted(std::iter::empty()).ok_or(PlotError::Nothing {
            axis: String::new(),
        })?;
        let labels = self.steps.iter().map(|step| width(&step.label, TEXT_PX));
        let left = labels.max().unwrap_or(0) + 12;
        let notes = self.steps.iter().map(|step| width(&step.note, TEXT_PX));
        let right = notes.max().unwrap_or(0) + 20;
        let height = TOP + ROW * rows + FOOT;

        let mut drawn = String::new();
        {
            let size = (width_px as u32, height as u32);
            let area = SVGBackend::with_string(&mut drawn, size).into_drawing_area();
            area.fill(&WHITE).map_err(failed)?;
            let mut chart = ChartBuilder::on(&area)
                .margin_top(TOP)
                .margin_left(LEFT_MARGIN)
                .margin_right(right)
                .x_label_area_size(FOOT)
                .y_label_area_size(left)
                .build_cartesian_2d(across, down)
                .map_err(failed)?;
            chart
                .configure_mesh()
                .disable_y_mesh()
                .disable_y_axis()
                .bold_line_style(GRID)
                .light_line_style(TRANSPARENT)
                .axis_style(INK)
                .label_style(letters(TEXT_PX))
                .axis_desc_style(letters(TEXT_PX))
                .set_all_tick_mark_size(4)
                .x_desc(self.axis.label())
                .draw()
                .map_err(failed)?;
            let (edges, _) = chart.plotting_area().get_pixel_range();
            let x = |value: f64| chart.plotting_area().map_coordinate(&(value, 0.0)).0;
            let middle = |row: i32| TOP + ROW * row + ROW / 2;
            for (row, step) in (0..).zip(&self.steps) {
                let label = letters(TEXT_PX).pos(Pos::new(HPos::Right, VPos::Center));
                text(&area, &step.label, (edges.start - 8, middle(row)), &label)?;
                let (from, to) = (x(step.from).min(x(step.to)), x(step.from).max(x(step.to)));
                let bar = [
                    (from, middle(row) - BAR / 2),
                    (to.max(from + 2), middle(row) + BAR / 2),
                ];
                rectangle(&area, bar, step.colour.rgb().filled())?;
                if row + 1 < rows {
                    let end = x(step.to);
                    let joint = [
                        (end, middle(row) + BAR / 2),
                        (end, middle(row + 1) - BAR / 2),
                    ];
                    path(&area, &joint, INK, 1, Stroke::Dotted)?;
                }
                text(&area, &step.note, (to + 8, middle(row)), &bold(TEXT_PX))?;
            }
            area.present().map_err(failed)?;
        }
        Ok(Picture::of(&drawn))
    }
}
