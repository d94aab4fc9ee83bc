//! Metrics as text, in the dialect that the scraper reads.
//!
//! Latencies are histograms and not summaries: their buckets add up over time
//! and over generators. A histogram with negative bounds has no sum, as the
//! specification has it.

use super::Distribution;
use super::Status;
use super::metric::{Labels, Metric, Point, Points, metrics};
use crate::report::{Dialect, Exposition};

/// The text of a moment.
pub(super) fn text(status: &Status, dialect: Dialect) -> String {
    let mut text = Exposition::new(dialect);
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
            Points::Info(labels) => text.info(name, help, labels),
            Points::Histogram(points) => {
                text.head(name, "histogram", "", unit, help);
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

/// The dialect that a scraper wants most, by its `Accept` (RFC 9110): OpenMetrics
/// where it is named and not liked less than plain text.
pub(super) fn wanted(accept: &str) -> Dialect {
    let mut liked = [0.0_f32; 2];
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let place = match kind.to_ascii_lowercase().as_str() {
            "application/openmetrics-text" => 0,
            "text/plain" | "text/*" => 1,
            _ => continue,
        };
        let quality = parts.find_map(|part| part.strip_prefix("q="));
        let quality = quality.map_or(1.0_f32, |q| q.parse().unwrap_or(0.0));
        liked[place] = quality.max(liked[place]);
    }
    if liked[0] > 0.0 && liked[0] >= liked[1] {
        Dialect::OpenMetrics
    } else {
        Dialect::Prometheus
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scraper_gets_the_dialect_that_it_asks_for() {
        let prometheus = "application/openmetrics-text;version=1.0.0,\
            application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for (accept, dialect) in [
            ("", Dialect::Prometheus),
            ("*/*", Dialect::Prometheus),
            ("text/plain", Dialect::Prometheus),
            ("application/openmetrics-text", Dialect::OpenMetrics),
            (prometheus, Dialect::OpenMetrics),
            (
                "text/plain;q=0.9, application/openmetrics-text; q=0.5",
                Dialect::Prometheus,
            ),
            ("application/openmetrics-text;q=0", Dialect::Prometheus),
        ] {
            assert_eq!(wanted(accept), dialect, "{accept}");
        }
    }
}
