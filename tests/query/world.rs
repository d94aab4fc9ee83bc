//! A lake made by hand, and statements over it.

use std::fs;
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::hrload;

/// A folder of objects.
pub(crate) struct World(TempDir);

/// What came of a statement.
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) told: String,
}

impl Answer {
    /// The rows of CSV, the names first.
    #[track_caller]
    pub(crate) fn rows(&self) -> Vec<Vec<&str>> {
        assert_eq!(self.code, 0, "{}", self.told);
        self.out
            .lines()
            .map(|line| line.split(',').collect())
            .collect()
    }

    /// The one value of CSV with one row and one column.
    #[track_caller]
    pub(crate) fn value(&self) -> &str {
        match self.rows()[..] {
            [_, ref row] => row[0],
            ref rows => panic!("{rows:?}"),
        }
    }
}

/// A heart rate as the seed's script writes it, in a change record.
pub(crate) fn seed_record(sensor: u32, bpm: u16, report_time: &str, created_ms: u64) -> String {
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

impl World {
    pub(crate) fn empty() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Writes an object.
    pub(crate) fn put(&self, key: &str, bytes: &[u8]) -> &Self {
        let path = self.folder().join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::File::create(path).unwrap().write_all(bytes).unwrap();
        self
    }

    /// Writes an object of records, one a line.
    pub(crate) fn records(&self, key: &str, records: &[String]) -> &Self {
        self.put(key, (records.join("\n") + "\n").as_bytes())
    }

    /// Runs `hrload query` with these words more.
    pub(crate) fn query(&self, words: &[&str]) -> Answer {
        let output = hrload()
            .args(["query", "--lake"])
            .arg(self.folder())
            .args(words)
            .output()
            .unwrap();
        Answer {
            code: output.status.code().unwrap(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            told: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The same, as CSV.
    pub(crate) fn csv(&self, sql: &str) -> Answer {
        self.query(&["--format", "csv", sql])
    }
}
