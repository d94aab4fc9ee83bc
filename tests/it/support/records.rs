//! Change records made by hand, and names of objects.

use serde_json::{Value, json};

/// A heart rate as the post's script writes it, in a change record.
pub(crate) fn post_record(sensor: u32, bpm: u16, report_time: &str, created_ms: u64) -> String {
    let image = json!({
        "id": {"S": "1721011165"},
        "HeartRate": {"S": bpm.to_string()},
        "SensorID": {"S": sensor.to_string()},
        "ReportTime": {"S": report_time},
    });
    record(&image, created_ms)
}

pub(crate) fn record(image: &Value, created_ms: u64) -> String {
    json!({
        "awsRegion": "us-west-2",
        "eventID": "7d4ad8f5-1b8a-4b4c-9d2e-3f0d6a1c2b3a",
        "eventName": "INSERT",
        "userIdentity": null,
        "recordFormat": "application/json",
        "tableName": "heartrate-ddb-dev",
        "dynamodb": {
            "ApproximateCreationDateTime": created_ms,
            "Keys": {"id": image["id"]},
            "NewImage": image,
            "SizeBytes": 100,
        },
        "eventSource": "aws:dynamodb",
    })
    .to_string()
}

/// 2024-07-15 02:39:25 UTC, in milliseconds.
pub(crate) const THEN_MS: u64 = 1_721_011_165_000;

/// The name of an object whose records arrived in the hour `hour` (`2024/07/15/02`)
/// and that was closed at `closed` (`2024-07-15-02-45-00`).
pub(crate) fn key(hour: &str, closed: &str, number: u32) -> String {
    format!("{hour}/hrload-1-{closed}-0b9e4f9e-6c1b-4f8e-9d55-{number:012x}")
}
