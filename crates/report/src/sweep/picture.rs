//! A sweep as a plot: latency against rate, and where it bends.

use super::{Limiting, Percentiles, SweepResult};
use crate::plot::{Axis, Colour, Line, Mark, Plot, PlotError, Rule};
use crate::units::amount;
use hrload_measure::Stage;

/// The plot as the text of an SVG file.
///
/// # Errors
///
/// When nothing was measured.
pub fn sweep_plot(result: &SweepResult) -> Result<String, PlotError> {
    let stage = result.telling();
    let order = result.by_rate();
    let line = |name: &str, colour, value: fn(Percentiles) -> f64| {
        let points = order.iter().filter_map(|&at| {
            let step = &result.steps[at];
            Some((step.rate, value(step.latency(stage)?) * 1e3))
        });
        Line::new(name, colour, points.collect()).with_points()
    };
    let subtitle = match &result.config {
        Some(config) => format!(
            "{} devices, profile {}; met means {}",
            amount(f64::from(config.devices)),
            config.profile,
            result.slo.join(", ")
        ),
        None => result.slo.join(", "),
    };
    let name = match stage {
        Stage::EndToEnd => "end to end, due to read",
        _ => "response, due to acknowledged",
    };
    let mut plot = Plot::new(
        "Latency against rate",
        Axis::log("rate (readings/s)"),
        Axis::log(format!("{name} (ms)")),
    )
    .subtitle(subtitle)
    .line(line("p99.9", Colour::Grey, |of| of.p999))
    .line(line("p99", Colour::Vermillion, |of| of.p99))
    .line(line("p50", Colour::Blue, |of| of.p50));
    if let Some(knee) = result.knee {
        let step = &result.steps[knee.step];
        if let Some(of) = step.latency(stage) {
            let label = format!("knee: {}/s", amount(step.rate));
            plot = plot.mark(Mark::new(step.rate, of.p99 * 1e3, label));
        }
        if let (Some(above), Some(cause)) = (knee.above, &result.cause) {
            let label = match cause.limiting {
                Limiting::Lost | Limiting::Price | Limiting::Unseen => {
                    "objectives missed".to_owned()
                }
                limiting => format!("too much for {}", limiting.words()),
            };
            plot = plot.rule(Rule::upright(result.steps[above].rate, label));
        }
    }
    plot.svg()
}
