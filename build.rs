//! Tells the program which commit and which libraries it was built from: a
//! result file that does not say so cannot be compared with another.

use std::fs;
use std::process::Command;

/// The libraries whose versions change the figures.
const LIBRARIES: [&str; 6] = [
    "aws-sdk-dynamodb",
    "aws-sdk-kinesis",
    "aws-sigv4",
    "hdrhistogram",
    "hyper",
    "tokio",
];

fn main() {
    // The log of HEAD grows with each commit and checkout; the index would change with
    // every look at the tree. Where `.git` is a file, as in a linked worktree, git knows
    // the way. A path that is not there would make every build begin anew.
    if let Some(log) = output("git", &["rev-parse", "--git-path", "logs/HEAD"])
        && fs::exists(&log).unwrap_or(false)
    {
        println!("cargo::rerun-if-changed={log}");
    }
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=crates");
    println!("cargo::rerun-if-changed=Cargo.lock");
    if let Some(commit) = output("git", &["describe", "--always", "--dirty", "--abbrev=12"]) {
        println!("cargo::rustc-env=HRLOAD_COMMIT={commit}");
    }
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    if let Some(version) = output(&rustc, &["--version"]) {
        println!("cargo::rustc-env=HRLOAD_RUSTC={version}");
    }
    println!("cargo::rustc-env=HRLOAD_LIBRARIES={}", libraries());
}

/// What a command prints, or nothing: without git the build goes on.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

/// `name=version,name=version`, from the lock file.
fn libraries() -> String {
    let lock = fs::read_to_string("Cargo.lock").unwrap_or_default();
    let mut found = Vec::new();
    for name in LIBRARIES {
        let head = format!("name = \"{name}\"\nversion = \"");
        let Some(at) = lock.find(&head) else { continue };
        let version = lock[at + head.len()..]
            .split('"')
            .next()
            .unwrap_or_default();
        found.push(format!("{name}={version}"));
    }
    found.join(",")
}
