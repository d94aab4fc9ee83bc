//! What becomes of a run whose terminal is closed.

use std::fs::File;
use std::io::Read;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::live::terminal::open;
use crate::support::hrload;

/// `hrload` alone in a terminal, whose other end is returned.
fn in_terminal(before: &[&str], words: &str) -> (Child, File) {
    let (controller, device) = open();
    // setsid makes it the controlling terminal and then becomes the program.
    let child = Command::new("setsid")
        .arg("--ctty")
        .args(before)
        .arg(hrload().get_program())
        .args(words.split_whitespace())
        .env("TERM", "xterm")
        .stdin(Stdio::from(device.try_clone().unwrap()))
        .stdout(Stdio::from(device.try_clone().unwrap()))
        .stderr(Stdio::from(device))
        .spawn()
        .unwrap();
    (child, File::from(controller))
}

fn await_text(screen: &mut File, text: &str) {
    let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
    while !String::from_utf8_lossy(&seen).contains(text) {
        let length = screen.read(&mut buffer).unwrap();
        seen.extend_from_slice(&buffer[..length]);
    }
}

/// Closes the terminal in the middle of a run of so many seconds; how it ended, and
/// its result.
fn hung_up(before: &[&str], seconds: u32) -> (Option<i32>, Value) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("result.json");
    let words = format!(
        "-r 200/s --devices 100 --warmup 0s -d {seconds}s --drain 5s -o {}",
        file.display()
    );
    let (mut child, mut screen) = in_terminal(before, &words);
    await_text(&mut screen, "measuring");
    drop(screen);
    let code = child.wait().unwrap().code();
    let result = std::fs::read(&file).unwrap();
    (code, serde_json::from_slice(&result).unwrap())
}

#[test]
fn a_terminal_that_closes_ends_a_run_gently_and_keeps_its_result() {
    let (code, result) = hung_up(&[], 60);
    // 130, or 1 because nobody takes the summary.
    assert!(matches!(code, Some(130 | 1)), "{code:?}");
    assert_eq!(result["run"]["interrupted"], true);
    assert_eq!(result["ledger"]["closed"], true);
}

#[test]
fn one_that_was_told_to_ignore_it_goes_on() {
    let ignoring = ["sh", "-c", "trap '' HUP; exec \"$0\" \"$@\""];
    let (_, result) = hung_up(&ignoring, 3);
    assert_eq!(result["run"]["interrupted"], false);
    assert_eq!(result["ledger"]["closed"], true);
}
