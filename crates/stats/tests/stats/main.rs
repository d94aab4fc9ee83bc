//! What `stats` promises: the numbers other people's statistics give, laws that
//! hold for any data, plain answers to data that allow none, and, by simulation,
//! error rates that are what the confidence says.
#![allow(clippy::unwrap_used)]

mod degenerate;
mod laws;
mod reference;
mod simulation;
mod verdicts;

use hrload_stats::{Practical, RunFigure, Settings};

/// Runs of which only the figure is known.
fn bare(values: &[f64]) -> Vec<RunFigure> {
    values.iter().copied().map(RunFigure::bare).collect()
}

/// Settings under which every difference matters.
fn strict(confidence: f64) -> Settings {
    Settings {
        confidence,
        practical: Practical {
            relative: 0.0,
            absolute: 0.0,
        },
        ..Settings::default()
    }
}

/// `count` figures with exactly this mean and sample standard deviation.
fn exactly(count: usize, mean: f64, deviation: f64) -> Vec<f64> {
    let raw: Vec<f64> = (0..count).map(|run| run as f64).collect();
    let centre = (count - 1) as f64 / 2.0;
    let squares: f64 = raw.iter().map(|value| (value - centre).powi(2)).sum();
    let scale = deviation / (squares / (count - 1) as f64).sqrt();
    raw.iter()
        .map(|value| mean + scale * (value - centre))
        .collect()
}
