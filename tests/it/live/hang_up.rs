//! What becomes of a run whose terminal is closed.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::Value;

use crate::live::terminal::{PATIENCE, open};
use crate::support::hrload;

/// `hrload` alone in a terminal, whose other end is returned.
fn in_terminal(before: &[&str], words: &str) -> (Child, File) {
    let (controller, device) = open();
    let size = Winsize {
        ws_row: 24,
        ws_col: 80,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&controller, size).unwrap();
    // env heeds hang-ups again where the tests were started by nohup; setsid makes it the
    // controlling terminal and then becomes the program.
    let child = Command::new("env")
        .args(["--default-signal=HUP", "setsid", "--ctty"])
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
    hung_up_with(before, seconds, "", "measuring", |_| {})
}

/// The same with more words, once `shown` is on the screen and `last` was done to it.
fn hung_up_with(
    before: &[&str],
    seconds: u32,
    more: &str,
    shown: &str,
    last: impl FnOnce(&mut File),
) -> (Option<i32>, Value) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let (result, report) = (file("result.json"), file("report.prom"));
    let words = format!(
        "{more} -r 200/s --devices 100 --warmup 0s -d {seconds}s --drain 5s -o {} --report {}",
        result.display(),
        report.display()
    );
    let (mut child, mut screen) = in_terminal(before, &words);
    await_text(&mut screen, shown);
    last(&mut screen);
    drop(screen);
    let code = ending(&mut child);
    assert!(report.exists());
    (code, read(&result))
}

/// Waits for the end, as long as anything could take on a busy machine.
#[track_caller]
fn ending(child: &mut Child) -> Option<i32> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if began.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
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

#[test]
fn on_the_whole_screen_it_ends_as_gently() {
    let (code, result) = hung_up_with(&[], 60, "--tui", "of 60 s", |_| {});
    assert!(matches!(code, Some(130 | 1)), "{code:?}");
    assert_eq!(result["run"]["interrupted"], true);
    assert_eq!(result["ledger"]["closed"], true);
}

#[test]
fn so_it_does_in_the_middle_of_a_key() {
    let half = |screen: &mut File| screen.write_all(b"\x1b[").unwrap();
    let (code, result) = hung_up_with(&[], 60, "--tui", "of 60 s", half);
    assert!(matches!(code, Some(130 | 1)), "{code:?}");
    assert_eq!(result["run"]["interrupted"], true);
}

#[test]
fn on_the_whole_screen_too_one_that_ignores_it_goes_on() {
    let ignoring = ["sh", "-c", "trap '' HUP; exec \"$0\" \"$@\""];
    let (_, result) = hung_up_with(&ignoring, 3, "--tui", "of 3 s", |_| {});
    assert_eq!(result["run"]["interrupted"], false);
    assert_eq!(result["run"]["phase"], "complete");
    assert_eq!(result["ledger"]["closed"], true);
}
