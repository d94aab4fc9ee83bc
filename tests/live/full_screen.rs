//! `--tui`: the keys reach the run, and the terminal is given back on every
//! way out.

use rustix::process::{Pid, Signal, kill_process};

use crate::support::output;
use crate::terminal::Terminal;

const SMALL: &str = "--tui --devices 200 --rate 500/s -w 0s --change-delay 0";

/// A run that would last a minute, once it sends.
fn long() -> Terminal {
    let terminal = Terminal::run(&format!("{SMALL} -d 60s"), 80, 24);
    // A word that is drawn over another may come in pieces.
    terminal.await_text("of 60 s", 0);
    assert!(terminal.is_raw());
    terminal
}

#[test]
fn a_run_that_goes_to_its_end_leaves_its_summary_on_the_screen_as_it_was() {
    let mut terminal = Terminal::run(&format!("{SMALL} -d 2s"), 80, 24);
    terminal.await_text("throttles", 0);
    assert_eq!(terminal.end().code(), Some(0));
    let written = terminal.written();
    let summary = written.rsplit("\u{1b}[?1049l").next().unwrap();
    assert!(summary.contains("ledger"), "{summary:?}");
    // NO_COLOR was set: no colour was.
    assert!(!written.contains("\u{1b}[31m") && !written.contains("\u{1b}[38;5"));
}

#[test]
fn the_first_q_or_ctrl_c_ends_gently_and_the_result_says_so() {
    for key in ["q", "\u{3}"] {
        let mut terminal = long();
        terminal.press(key);
        assert_eq!(terminal.end().code(), Some(130), "{key:?}");
        let summary = terminal.written();
        assert!(summary.contains("interrupted"), "{key:?}: {summary:?}");
    }
}

#[test]
fn a_run_that_is_paused_can_be_ended() {
    let mut terminal = long();
    terminal.press(" ");
    terminal.await_text("PAUSED", 0);
    terminal.press("q");
    assert_eq!(terminal.end().code(), Some(130));
    assert!(
        tail(&terminal).contains("interrupted"),
        "{}",
        tail(&terminal)
    );
}

#[test]
fn a_second_q_and_signals_end_it_and_give_the_terminal_back() {
    let mut terminal = long();
    terminal.press("qq");
    assert_eq!(terminal.end().code(), Some(130));
    for signals in [
        vec![Signal::TERM],
        vec![Signal::QUIT],
        vec![Signal::TERM, Signal::INT],
    ] {
        let mut terminal = long();
        let pid = Pid::from_child(&terminal.child);
        for signal in signals {
            kill_process(pid, signal).unwrap();
        }
        assert_eq!(terminal.end().code(), Some(130));
    }
}

#[test]
fn a_run_that_fails_gives_the_terminal_back_and_says_why() {
    let words = "--tui --devices 200 --rate 500/s -w 0s -d 5s --endpoint-url http://127.0.0.1:1 \
                 --region us-east-1";
    let mut terminal = Terminal::run(words, 80, 24);
    assert_eq!(terminal.end().code(), Some(1));
    let written = terminal.written();
    let left = written.rsplit("\u{1b}[?1049l").next().unwrap();
    assert!(left.contains("error:"), "{left:?}");
}

#[test]
fn pauses_and_changes_of_the_rate_hold_and_stand_in_the_result() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("result.json");
    let words = format!(
        "{SMALL} -d 9s --threshold achieved>=90% -o {}",
        file.display()
    );
    let mut terminal = Terminal::run(&words, 80, 24);
    terminal.await_text("of 9 s", 0);
    let before = terminal.written().len();
    terminal.press(" ");
    terminal.await_text("PAUSED", before);
    // Three whole seconds in which nothing becomes due.
    for second in ["3", "4", "5"] {
        terminal.await_text(&format!("\u{1b}[2;12H{second}"), before);
    }
    terminal.press("++");
    assert_eq!(terminal.end().code(), Some(0), "{}", tail(&terminal));
    let result: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let changes = result["run"]["rate_changes"].as_array().unwrap();
    let factors: Vec<f64> = changes
        .iter()
        .map(|of| of["factor"].as_f64().unwrap())
        .collect();
    assert_eq!(factors, [0.0, 1.1, 1.2], "{changes:?}");
    let at = |change: usize| changes[change]["second"].as_f64().unwrap();
    let series = result["series"].as_array().unwrap();
    for entry in series {
        let second = entry["second"].as_i64().unwrap() as f64;
        let scheduled = entry["scheduled"].as_u64().unwrap();
        if second > at(0) && second + 1.0 < at(1) {
            assert_eq!(scheduled, 0, "second {second} of {changes:?}");
        }
        if second > at(2) && second < 8.0 {
            assert!(
                (560..=640).contains(&scheduled),
                "second {second}: {scheduled}"
            );
        }
    }
    assert_eq!(result["ledger"]["closed"], true);
    assert_eq!(result["ledger"]["missing"], 0);
    // A pause makes nothing late.
    let lateness = result["latency"]["lateness"]["max"].as_f64().unwrap();
    assert!(lateness < 1.0, "{lateness}");
    assert_eq!(result["planned"], serde_json::Value::Null);
    let doubts = result["verdict"]["doubts"].to_string();
    assert!(doubts.contains("paused at"), "{doubts}");
    // As another run, which the same was done to.
    let again = folder.path().join("again.json");
    let mut other = result;
    other["run"]["id"] = "another".into();
    std::fs::write(&again, other.to_string()).unwrap();
    let (file, again) = (file.display(), again.display());
    let compared = output(&format!("diff {file} --against {again}"));
    let stderr = String::from_utf8(compared.stderr).unwrap();
    assert_eq!(compared.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("rate_changes"), "{stderr}");
}

fn tail(terminal: &Terminal) -> String {
    let written = terminal.written();
    let left = written.rsplit("\u{1b}[?1049l").next().unwrap();
    left.to_owned()
}

#[test]
fn help_comes_and_goes_and_a_small_terminal_says_what_it_lacks() {
    let mut terminal = long();
    let before = terminal.written().len();
    terminal.press("?");
    terminal.await_text("Ctrl-C", before);
    terminal.press("?q");
    terminal.end();
    let mut terminal = Terminal::run(&format!("{SMALL} -d 60s"), 40, 10);
    terminal.await_text("characters;", 0);
    terminal.press("q");
    terminal.end();
}

#[test]
fn without_a_terminal_it_is_wrong_use_and_so_it_is_of_many_runs() {
    for (words, says) in [
        ("--tui", "needs a terminal"),
        ("--tui --quiet", "--quiet"),
        ("sweep --tui", "single run"),
        ("modes --tui", "single run"),
        ("ab --base --tui -- -r 10", "single run"),
        ("ab --rounds 3 --base-binary x -- --otlp", "--otlp"),
    ] {
        let output = output(words);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words}: {stderr}");
        assert!(stderr.contains(says), "{words}: no {says:?} in {stderr}");
    }
}
