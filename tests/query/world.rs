//! A lake made by hand, and statements over it.

use std::fs;
use std::io::Write;
use std::path::Path;

use tempfile::TempDir;

use crate::support::hrload;
pub(crate) use crate::support::records::{THEN_MS, key, post_record, record};

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
