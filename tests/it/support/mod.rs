//! The binary under test, as a person runs it.

#![allow(dead_code, clippy::unwrap_used)] // each test file uses its part

pub(crate) mod dashboard;
pub(crate) mod local;
pub(crate) mod odd_lakes;
pub(crate) mod proxy;
pub(crate) mod records;
pub(crate) mod shim;
pub(crate) mod tls;

use std::io::BufRead;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// `hrload`, freshly built, without colour and without this machine's AWS settings.
pub(crate) fn hrload() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hrload"));
    command
        .env("NO_COLOR", "1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/nonexistent")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        .env_remove("AWS_PROFILE")
        .env_remove("AWS_REGION")
        .env_remove("AWS_DEFAULT_REGION")
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env_remove("AWS_SESSION_TOKEN")
        .env_remove("AWS_ENDPOINT_URL")
        .env_remove("HTTPS_PROXY")
        .env_remove("ALL_PROXY")
        .stdin(Stdio::null());
    command
}

/// The same with credentials that any server of a test takes, and a region.
pub(crate) fn hrload_with_credentials(words: &str) -> Command {
    let mut command = hrload();
    command
        .args(words.split_whitespace())
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "us-east-1");
    command
}

/// Sends a process a signal, by its name.
pub(crate) fn signal(process: u32, name: &str) {
    let mut kill = Command::new("kill");
    let kill = kill.args([&format!("-{name}"), &process.to_string()]);
    assert!(kill.status().unwrap().success());
}

/// Reads lines until one has this text.
#[track_caller]
pub(crate) fn await_line(told: &mut impl BufRead, text: &str) {
    let mut line = String::new();
    while !line.contains(text) {
        line.clear();
        assert!(
            told.read_line(&mut line).unwrap() > 0,
            "it ended before {text:?}"
        );
    }
}

/// Runs `hrload` with these words and returns what it printed.
pub(crate) fn output(words: &str) -> Output {
    hrload().args(words.split_whitespace()).output().unwrap()
}

/// A finished run: exit code, result and standard error.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) result: Value,
    pub(crate) stderr: String,
}

impl Run {
    /// A number in the result, by its path: `ledger.missing`.
    #[track_caller]
    pub(crate) fn number(&self, path: &str) -> f64 {
        let mut value = &self.result;
        for part in path.split('.') {
            value = &value[part];
        }
        value
            .as_f64()
            .unwrap_or_else(|| panic!("{path} is {value} in {:#}", self.result["ledger"]))
    }

    /// A count in the result.
    #[track_caller]
    pub(crate) fn count(&self, path: &str) -> u64 {
        self.number(path) as u64
    }

    /// Asserts that every identity of the ledger holds.
    #[track_caller]
    pub(crate) fn assert_closed(&self) {
        let ledger = |name: &str| self.count(&format!("ledger.{name}"));
        assert_eq!(
            self.result["ledger"]["closed"], true,
            "{:#}",
            self.result["ledger"]
        );
        assert_eq!(
            ledger("scheduled"),
            ledger("sent") + ledger("dropped") + ledger("cut_off"),
        );
        assert_eq!(ledger("sent"), ledger("acknowledged") + ledger("failed"));
        if self.result["config"]["via"] != "none" {
            assert_eq!(ledger("acknowledged"), ledger("seen") + ledger("missing"));
        }
    }
}

/// Runs `hrload WORDS -o -` and reads the result.
#[track_caller]
pub(crate) fn run(words: &str) -> Run {
    finish(output(&format!("{words} -o -")))
}

/// Reads the result that a run wrote to standard output.
#[track_caller]
pub(crate) fn finish(output: Output) -> Run {
    let stderr = String::from_utf8(output.stderr).unwrap();
    let result = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "no result ({error}), exit {:?}\n--- stdout\n{}\n--- stderr\n{stderr}",
            output.status.code(),
            String::from_utf8_lossy(&output.stdout)
        )
    });
    Run {
        code: output.status.code().unwrap(),
        result,
        stderr,
    }
}
