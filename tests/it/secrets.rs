//! Secrets that are planted in arguments and in the environment stand in nothing that is
//! written: not on the terminal, not in results, reports or state files.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::hrload_with_credentials;
use crate::support::local::Local;

/// Stands in whatever is secret.
const SECRET: &str = "Hush4711Hush";

/// With secrets in the environment wherever it has some.
fn hushed(words: &str) -> Command {
    let mut command = hrload_with_credentials(words);
    command
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_SESSION_TOKEN", SECRET)
        .env("HTTPS_PROXY", format!("http://user:{SECRET}@127.0.0.1:1"))
        .env("OTEL_EXPORTER_OTLP_HEADERS", format!("api-key={SECRET}"))
        .env("HOME", "/nonexistent");
    command
}

/// Asserts that no file below `folder` holds the secret; returns how many there are.
fn assert_hushed(folder: &Path) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += assert_hushed(&path);
            continue;
        }
        let text = fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&text);
        assert!(!text.contains(SECRET), "{}", path.display());
        files += 1;
    }
    files
}

/// Runs it, and asserts that it said nothing of the secret. Returns its exit code and
/// what it said.
fn said(mut command: Command) -> (i32, String) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(!said.contains(SECRET), "{command:?}\n{said}");
    (output.status.code().unwrap(), said)
}

#[test]
fn a_run_writes_no_secret_into_anything() {
    let local = Local::start("");
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let url = format!("http://user:{SECRET}@{}", local.address());
    let mut words = format!(
        "run --devices 50 -r 200/s -w 0s -d 1s --endpoint-url {url} --kinesis-endpoint-url {url} \
         --otlp http://user:{SECRET}@127.0.0.1:1/?token={SECRET} --tag {url} -o {}",
        at("r.json")
    );
    for ending in ["html", "md", "csv", "xml", "prom", "hlog"] {
        words.push_str(&format!(" --report {}", at(&format!("r.{ending}"))));
    }
    let mut command = hushed(&words);
    command.env("OTEL_METRIC_EXPORT_INTERVAL", "100");
    let (code, told) = said(command);
    assert_eq!(code, 0, "{told}");
    // The collector is not there, which is told by its address.
    assert!(told.contains("http://127.0.0.1:1/"), "{told}");
    assert_eq!(assert_hushed(folder.path()), 7);
    // Nothing of it is lost that is not secret.
    let result = fs::read_to_string(at("r.json")).unwrap();
    assert!(result.contains(&format!("http://{}", local.address())));
}

#[test]
fn a_state_file_holds_no_password_and_serves_all_the_same() {
    let local = Local::start("");
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json").display().to_string();
    let url = format!("http://user:{SECRET}@{}", local.address());
    for (words, expected) in [
        (format!("setup --endpoint-url {url} --state {state}"), 0),
        (
            format!("run --state {state} --devices 50 -r 100/s -w 0s -d 1s"),
            0,
        ),
        (format!("teardown --state {state} --yes"), 0),
    ] {
        let (code, told) = said(hushed(&words));
        assert_eq!(code, expected, "{words}\n{told}");
        assert_hushed(folder.path());
    }
}

#[test]
fn no_error_repeats_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json").display().to_string();
    let gone = format!("http://user:{SECRET}@127.0.0.1:1");
    let cases = [
        (format!("run -d 1s --endpoint-url {gone}"), 1),
        (
            format!("run -d 1s --endpoint-url http://user:{SECRET}@host:99999"),
            2,
        ),
        (
            format!("run -d 1s --endpoint-url ftp://user:{SECRET}@host"),
            2,
        ),
        (
            format!("run -d 1s --otlp ftp://user:{SECRET}@host/?token={SECRET}"),
            2,
        ),
        (
            format!("run -d 1s --metrics-listen http://user:{SECRET}@host"),
            2,
        ),
        (format!("run -d 1s --target local --endpoint-url {gone}"), 2),
        (format!("run -d 1s --baseline {gone}"), 2),
        (format!("run -d 1s {gone}"), 2),
        (format!("run -d 1s --lake ftp://user:{SECRET}@bucket"), 2),
        (format!("sweep --otlp {gone}"), 2),
        (
            format!(
                "run -r 50 --devices 50 -w 0s -d 1s --lake s3://bucket/p --s3-endpoint-url {gone}"
            ),
            1,
        ),
        (format!("setup --endpoint-url {gone} --state {state}"), 1),
        (format!("cleanup --endpoint-url {gone}"), 1),
        (
            format!("run -d 1s --endpoint-url user:{SECRET}@127.0.0.1:8000"),
            2,
        ),
        (
            format!("run -d 1s --endpoint-url http:/user:{SECRET}@h:1"),
            2,
        ),
        (format!("run -d 1s --otlp user:{SECRET}@host"), 2),
        (format!("local --listen user:{SECRET}@host:1"), 2),
        (format!("dashboard --lake x --token {SECRET}!!"), 2),
        (format!("show {gone}"), 1),
        (format!("{gone} run"), 2),
    ];
    // Those that wait for somebody to answer wait together.
    std::thread::scope(|scope| {
        for (words, expected) in cases {
            scope.spawn(move || {
                let (code, told) = said(hushed(&words));
                // Some tell a file or an address that is not there as wrong use.
                let fits = code == expected || (expected == 1 && code == 2);
                assert!(fits, "{words}\n{code}: {told}");
            });
        }
    });
    assert_hushed(folder.path());
}

#[test]
fn what_is_logged_holds_no_secret_and_nothing_of_a_reading() {
    let local = Local::start("");
    let folder = tempfile::tempdir().unwrap();
    let url = format!("http://user:{SECRET}@{}", local.address());
    for client in ["sdk", "direct"] {
        let words = format!(
            "run -q --client {client} --devices 50 -r 200/s -w 0s -d 1s --drain 5s \
             --endpoint-url {url} --lake {}",
            folder.path().join(client).display()
        );
        let mut command = hushed(&words);
        command.env("HRLOAD_LOG", "trace");
        let (code, logged) = said(command);
        assert_eq!(code, 0, "{logged}");
        for of in [
            "a phase begins",
            "wrote an object",
            "endpoint=http://127.0.0.1:",
        ] {
            assert!(logged.contains(of), "{client}: no {of:?} in\n{logged}");
        }
        let ours = logged.lines().filter(|line| line.contains(" hrload"));
        // 200 readings, in batches of at most 25.
        let ours = ours.count();
        assert!(ours < 100, "{ours} lines\n{logged}");
    }
    // With -v alone nothing else changes, and the SDK is silent.
    let (code, logged) = said(hushed("profiles show steady -v"));
    assert_eq!(code, 0, "{logged}");
    let mut command = hushed("profiles");
    command.env("HRLOAD_LOG", "hrload=loud");
    let (code, told) = said(command);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("hrload=debug,aws_config=info"), "{told}");
}
