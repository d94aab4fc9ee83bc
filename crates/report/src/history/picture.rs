//! A history as a plot.

use super::TrendResult;
use crate::plot::{Axis, Colour, Line, Plot, PlotError, Rule};

/// Colours, the order of figures.
const COLOURS: [Colour; 5] = [
    Colour::Blue,
    Colour::Vermillion,
    Colour::Green,
    Colour::Purple,
    Colour::Grey,
];

/// Each figure's course in units of its first value that is not zero, and its changes of
/// level. The first five figures are shown; one that is zero throughout is a line at zero.
///
/// # Errors
/// There is no figure with a value.
pub fn trend_plot(result: &TrendResult) -> Result<String, PlotError> {
    let mut plot = Plot::new(
        "The course of each figure",
        Axis::linear("entry").every(1.0_f64.max((result.entries as f64 / 12.0).ceil())),
        Axis::linear("of its first value above zero"),
    )
    .subtitle(&result.workload);
    let shown = result.figures.iter().map(|of| {
        let first = of.values.iter().find(|value| value.abs() > 0.0);
        (of, first.map_or(1.0, |first| first.abs()))
    });
    for ((of, first), colour) in shown.zip(COLOURS) {
        let points = of.entries.iter().zip(&of.values);
        let points = points.map(|(&entry, value)| (entry as f64, value / first));
        plot = plot.line(Line::new(&of.figure, colour, points.collect()).with_points());
        for change in &of.changes {
            let label = format!("{}: {}", change.label, of.figure);
            plot = plot.rule(Rule::upright(of.entries[change.at] as f64, label));
        }
    }
    plot.svg()
}
