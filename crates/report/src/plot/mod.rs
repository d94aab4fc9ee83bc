//! Plots: what was computed or measured, drawn as SVG.
//!
//! In go axes with their units and the layers between them ([`Line`]s,
//! [`Band`]s, [`Mark`]s, [`Rule`]s, and [`Lanes`] beneath the plot that show when
//! something was so); out comes the text of an SVG file, light and readable in
//! print. Must not know what is drawn: whoever has a plan, a sweep or a run
//! says what belongs on it.
//!
//! | file | holds |
//! |---|---|
//! | `axis` | a scale, its range and its ticks |
//! | `draw` | a plot onto a canvas |
//! | `canvas` | texts and shapes in pixels |
//! | `cells` | the layer of a heat map |
//! | `waterfall` | bars that begin where the last one ended |
//! | `drawing` | a picture inside a page, in the page's colours |
//!
//! ```
//! use hrload_report::plot::{Axis, Colour, Line, Mark, Plot};
//!
//! let points = vec![(1_000.0, 8.1), (2_000.0, 8.4), (4_000.0, 31.0)];
//! let svg = Plot::new(
//!     "Latency against rate",
//!     Axis::log("rate (readings/s)"),
//!     Axis::log("end to end, p99 (ms)"),
//! )
//! .line(Line::new("p99", Colour::Blue, points).with_points())
//! .mark(Mark::new(2_000.0, 8.4, "knee: 2,000/s"))
//! .svg()?;
//! assert!(svg.starts_with("<svg"));
//! # Ok::<(), hrload_report::plot::PlotError>(())
//! ```

mod axis;
mod canvas;
mod cells;
mod draw;
mod drawing;
mod waterfall;

pub use axis::Axis;
pub use cells::{Cell, Cells};
pub use drawing::{Drawing, Picture};
pub use waterfall::{Step, Waterfall};

use thiserror::Error;

use super::lines;

/// A colour of a layer. They are told apart by people who see few colours, and
/// by their lightness in print: Okabe and Ito's palette
/// (<https://jfly.uni-koeln.de/color/>), its yellow left out as too light for
/// lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Colour {
    /// For what everything else is compared with.
    Grey,
    /// Okabe and Ito's blue.
    Blue,
    /// Their vermillion.
    Vermillion,
    /// Their bluish green.
    Green,
    /// Their reddish purple.
    Purple,
    /// Their orange.
    Orange,
    /// Their sky blue.
    Sky,
}

impl Colour {
    /// All but grey, in the order in which to give them out.
    pub const SERIES: [Self; 6] = [
        Self::Blue,
        Self::Vermillion,
        Self::Green,
        Self::Purple,
        Self::Orange,
        Self::Sky,
    ];
}

/// How a line is stroked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stroke {
    /// Without gaps.
    #[default]
    Solid,
    /// In dashes.
    Dashed,
    /// In dots.
    Dotted,
}

/// A line through points, in the order given.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    name: String,
    colour: Colour,
    stroke: Stroke,
    points: Vec<(f64, f64)>,
    shown_points: bool,
}

impl Line {
    /// A line with its name in the legend. Points that are no number are left out.
    #[must_use]
    pub fn new(name: impl Into<String>, colour: Colour, points: Vec<(f64, f64)>) -> Self {
        Self {
            name: name.into(),
            colour,
            stroke: Stroke::Solid,
            points,
            shown_points: false,
        }
    }

    /// A line that keeps each point's height until the next point; give the
    /// last height once more where it ends.
    #[must_use]
    pub fn steps(name: impl Into<String>, colour: Colour, points: &[(f64, f64)]) -> Self {
        let mut corners: Vec<(f64, f64)> = Vec::with_capacity(2 * points.len());
        for &(x, y) in points {
            if let Some(&(_, before)) = corners.last()
                && before != y
            {
                corners.push((x, before));
            }
            corners.push((x, y));
        }
        Self::new(name, colour, corners)
    }

    /// Stroked otherwise than solid.
    #[must_use]
    pub fn stroked(mut self, stroke: Stroke) -> Self {
        self.stroke = stroke;
        self
    }

    /// With a dot at each of its points.
    #[must_use]
    pub fn with_points(mut self) -> Self {
        self.shown_points = true;
        self
    }
}

/// The room between two lines: `(x, low, high)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    name: String,
    colour: Colour,
    points: Vec<(f64, f64, f64)>,
}

impl Band {
    /// A band with its name in the legend. Points that are no number are left out.
    #[must_use]
    pub fn new(name: impl Into<String>, colour: Colour, points: Vec<(f64, f64, f64)>) -> Self {
        Self {
            name: name.into(),
            colour,
            points,
        }
    }
}

/// One point that is pointed out, with a label beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    x: f64,
    y: f64,
    label: String,
}

impl Mark {
    /// Points out (`x`, `y`).
    #[must_use]
    pub fn new(x: f64, y: f64, label: impl Into<String>) -> Self {
        Self {
            x,
            y,
            label: label.into(),
        }
    }
}

/// A straight line across the plot: a threshold, a limit, a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    at: f64,
    upright: bool,
    label: String,
}

impl Rule {
    /// Across the plot at this height.
    #[must_use]
    pub fn level(y: f64, label: impl Into<String>) -> Self {
        Self {
            at: y,
            upright: false,
            label: label.into(),
        }
    }

    /// From the plot's foot to its head.
    #[must_use]
    pub fn upright(x: f64, label: impl Into<String>) -> Self {
        Self {
            at: x,
            upright: true,
            label: label.into(),
        }
    }
}

/// Rows beneath a plot, on its horizontal axis, that show when something was so.
#[derive(Debug, Clone, PartialEq)]
pub struct Lanes {
    heading: String,
    rows: Vec<Lane>,
}

/// One row: where it is filled, it was so.
#[derive(Debug, Clone, PartialEq)]
pub struct Lane {
    label: String,
    colour: Colour,
    stretches: Vec<(f64, f64)>,
}

impl Lanes {
    /// No rows yet, under a heading that says what is shown.
    #[must_use]
    pub fn new(heading: impl Into<String>) -> Self {
        Self {
            heading: heading.into(),
            rows: Vec::new(),
        }
    }

    /// One row more; of the label, there is room for some 14 characters.
    #[must_use]
    pub fn row(
        mut self,
        label: impl Into<String>,
        colour: Colour,
        stretches: Vec<(f64, f64)>,
    ) -> Self {
        self.rows.push(Lane {
            label: label.into(),
            colour,
            stretches,
        });
        self
    }
}

/// A plot. Layers are drawn in this order: cells, bands, rules, lines, marks.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    title: String,
    subtitle: String,
    x: Axis,
    y: Axis,
    bands: Vec<Band>,
    lines: Vec<Line>,
    marks: Vec<Mark>,
    rules: Vec<Rule>,
    lanes: Option<Lanes>,
    cells: Vec<Cells>,
    /// Width of all, and height of the axes with their labels, in pixels.
    size: (i32, i32),
}

/// A plot that cannot be drawn.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlotError {
    /// There is no point to show on one of the axes.
    #[error("nothing to plot on the axis `{axis}`: no number in its range")]
    Nothing {
        /// The axis's label.
        axis: String,
    },
    /// The drawing library failed.
    #[error("cannot draw: {0}")]
    Drawing(String),
}

impl Plot {
    /// An empty plot.
    #[must_use]
    pub fn new(title: impl Into<String>, x: Axis, y: Axis) -> Self {
        Self {
            title: title.into(),
            subtitle: String::new(),
            x,
            y,
            bands: Vec::new(),
            lines: Vec::new(),
            marks: Vec::new(),
            rules: Vec::new(),
            lanes: None,
            cells: Vec::new(),
            size: (960, 440),
        }
    }

    /// Of another size than 960 pixels of width and 440 of height for the axes
    /// with their labels.
    #[must_use]
    pub fn size(mut self, width_px: u16, axes_px: u16) -> Self {
        self.size = (i32::from(width_px), i32::from(axes_px));
        self
    }

    /// With the horizontal axis from here to there, whatever the layers hold.
    #[must_use]
    pub fn x_range(mut self, from: f64, to: f64) -> Self {
        self.x = self.x.range(from, to);
        self
    }

    /// With the cells of a heat map.
    #[must_use]
    pub fn cells(mut self, cells: Cells) -> Self {
        self.cells.push(cells);
        self
    }

    /// With a smaller line under the title: of what, from when, with which seed.
    #[must_use]
    pub fn subtitle(mut self, text: impl Into<String>) -> Self {
        self.subtitle = text.into();
        self
    }

    /// With a band.
    #[must_use]
    pub fn band(mut self, band: Band) -> Self {
        self.bands.push(band);
        self
    }

    /// With a line.
    #[must_use]
    pub fn line(mut self, line: Line) -> Self {
        self.lines.push(line);
        self
    }

    /// With a mark.
    #[must_use]
    pub fn mark(mut self, mark: Mark) -> Self {
        self.marks.push(mark);
        self
    }

    /// With a rule.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// With rows beneath it.
    #[must_use]
    pub fn lanes(mut self, lanes: Lanes) -> Self {
        self.lanes = Some(lanes);
        self
    }

    /// The plot as the text of an SVG file, as wide as its size says and as
    /// high as its legend and lanes need.
    ///
    /// # Errors
    ///
    /// [`PlotError::Nothing`] if no layer has a point that an axis can show.
    pub fn svg(&self) -> Result<String, PlotError> {
        // Names in it come from files; what acts is no character of XML either.
        draw::svg(self).map(|svg| lines(&svg).into_owned())
    }

    /// The plot as a part of a page.
    ///
    /// # Errors
    ///
    /// As [`Self::svg`].
    pub fn drawing(&self) -> Result<Drawing, PlotError> {
        let mut narrow = self.clone();
        narrow.size.0 = narrow.size.0.min(drawing::NARROW_PX);
        Ok(Drawing {
            wide: Picture::of(&self.svg()?),
            narrow: Picture::of(&narrow.svg()?),
        })
    }
}
