//! A status as an `ExportMetricsServiceRequest`
//! (<https://github.com/open-telemetry/opentelemetry-proto>), in its JSON form:
//! 64-bit integers as texts, enumerations as numbers.

use serde_json::{Value, json};

use super::OtlpSettings;
use crate::telemetry::metric::{Labels, Metric, Point, Points, metrics};
use crate::telemetry::{Distribution, Status};

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u32 = 2;

/// The message of a moment.
#[must_use]
pub fn message(status: &Status, settings: &OtlpSettings) -> Value {
    let about = &status.about;
    let devices = about.devices.to_string();
    let known = [
        ("service.name", settings.service.as_str()),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("service.instance.id", &about.run),
        ("hrload.profile", &about.profile),
        ("hrload.target", &about.target),
        ("hrload.client", &about.client),
        ("hrload.devices", &devices),
    ];
    let given = settings.attributes.iter();
    let given = given.filter(|(key, _)| known.iter().all(|(known, _)| known != key));
    let attributes = known.iter().map(|(key, value)| attribute(key, value));
    let attributes = attributes.chain(given.map(|(key, value)| attribute(key, value)));
    let times = Times {
        start: nanoseconds(status.since_us),
        now: nanoseconds(status.at_us),
    };
    let metrics = metrics(status).into_iter();
    json!({
        "resourceMetrics": [{
            "resource": { "attributes": attributes.collect::<Vec<_>>() },
            "scopeMetrics": [{
                "scope": { "name": "hrload", "version": env!("CARGO_PKG_VERSION") },
                "metrics": metrics.filter_map(|of| metric(of, &times)).collect::<Vec<_>>(),
            }],
        }],
    })
}

/// Since when counters count, and the moment itself.
struct Times {
    start: String,
    now: String,
}

fn nanoseconds(us: u64) -> String {
    (u128::from(us) * 1_000).to_string()
}

fn attribute(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

fn attributes(labels: &Labels) -> Vec<Value> {
    let labels = labels.iter();
    labels.map(|(key, value)| attribute(key, value)).collect()
}

/// Labels of what does not change are attributes of the resource instead.
fn metric(of: Metric, times: &Times) -> Option<Value> {
    let mut metric = json!({
        "name": of.name,
        "description": of.help,
        "unit": ucum(of.unit),
    });
    let (kind, data) = match of.points {
        Points::Info(_) => return None,
        Points::Gauge(points) => {
            let points = points.iter().map(|point| {
                json!({
                    "attributes": attributes(&point.labels),
                    "timeUnixNano": times.now,
                    "asDouble": point.value,
                })
            });
            ("gauge", json!({ "dataPoints": points.collect::<Vec<_>>() }))
        }
        Points::Counter(points) => {
            let points = points.iter().map(|point| {
                json!({
                    "attributes": attributes(&point.labels),
                    "startTimeUnixNano": times.start,
                    "timeUnixNano": times.now,
                    "asDouble": point.value,
                })
            });
            let data = json!({
                "aggregationTemporality": CUMULATIVE,
                "isMonotonic": true,
                "dataPoints": points.collect::<Vec<_>>(),
            });
            ("sum", data)
        }
        Points::Histogram(points) => {
            let points = points.iter().map(|point| histogram(point, times));
            let data = json!({
                "aggregationTemporality": CUMULATIVE,
                "dataPoints": points.collect::<Vec<_>>(),
            });
            ("histogram", data)
        }
    };
    metric[kind] = data;
    Some(metric)
}

fn histogram(point: &Point<Distribution>, times: &Times) -> Value {
    let of = &point.value;
    let counts = of.counts().iter().map(u64::to_string);
    let mut value = json!({
        "attributes": attributes(&point.labels),
        "startTimeUnixNano": times.start,
        "timeUnixNano": times.now,
        "count": of.count().to_string(),
        "bucketCounts": counts.collect::<Vec<_>>(),
        "explicitBounds": of.bounds().collect::<Vec<_>>(),
    });
    if let Some(sum) = of.sum() {
        value["sum"] = json!(sum);
    }
    value
}

/// Units as the specification has them: UCUM, what is counted in braces.
fn ucum(unit: &str) -> String {
    match unit {
        "" => String::new(),
        "seconds" => "s".to_owned(),
        "ratio" => "1".to_owned(),
        "readings_per_second" => "{reading}/s".to_owned(),
        "batches" => "{batch}".to_owned(),
        counted => format!("{{{}}}", counted.trim_end_matches('s')),
    }
}
