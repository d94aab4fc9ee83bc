//! Metrics as OpenMetrics text
//! (<https://prometheus.io/docs/specs/om/open_metrics_spec/>).
//!
//! Latencies are histograms and not summaries: their buckets add up over time
//! and over generators. A histogram with negative bounds has no sum, as the
//! specification has it.

use super::Distribution;
use super::Status;
use super::metric::{Labels, Metric, Point, Points, metrics};
use crate::report::Exposition;

/// What the text calls itself in `Content-Type`.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The text of a moment.
#[must_use]
pub fn text(status: &Status) -> String {
    let mut text = Exposition::default();
    for Metric {
        name,
        unit,
        help,
        points,
    } in metrics(status)
    {
        match points {
            Points::Counter(points) => text.counters(name, unit, help, samples(points)),
            Points::Gauge(points) => text.gauges(name, unit, help, samples(points)),
            Points::Info(labels) => {
                text.family(name, "info", "_info", unit, help, vec![(labels, 1.0)]);
            }
            Points::Histogram(points) => {
                text.head(name, "histogram", unit, help);
                for point in points {
                    histogram(&mut text, name, &point);
                }
            }
        }
    }
    text.end()
}

fn samples(points: Vec<Point<f64>>) -> Vec<(Labels, f64)> {
    let points = points.into_iter();
    points.map(|point| (point.labels, point.value)).collect()
}

fn histogram(text: &mut Exposition, name: &str, point: &Point<Distribution>) {
    let of = &point.value;
    let bounds = of.bounds().map(|bound| format!("{bound:?}"));
    let mut cumulative = 0;
    for (bound, count) in bounds.chain(["+Inf".to_owned()]).zip(of.counts()) {
        cumulative += count;
        let mut labels = point.labels.clone();
        labels.push(("le", bound));
        text.sample(name, "_bucket", &labels, cumulative as f64);
    }
    // Where values may be negative the buckets say it all: a count goes with a sum.
    if let Some(sum) = of.sum() {
        text.sample(name, "_count", &point.labels, cumulative as f64);
        text.sample(name, "_sum", &point.labels, sum);
    }
}
