//! The table that people read: what was injected and what was told, in 80 columns.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;

use super::case::{Case, Played};

/// Widths of name, injected, told, as expected; two spaces between them.
const WIDTHS: [usize; 4] = [21, 20, 30, 3];
const HEAD: [&str; 4] = ["name", "injected", "told", "ok"];

/// Plays those that are named, or all; what it prints is the table. Words are
/// `--short`, `--list` and parts of names.
pub(crate) fn main(cases: Vec<Case>, words: Vec<String>, at_a_time: usize) -> ExitCode {
    let (flags, names): (Vec<String>, Vec<String>) =
        words.into_iter().partition(|word| word.starts_with('-'));
    let (mut short, mut list) = (false, false);
    for flag in flags {
        match flag.as_str() {
            "--short" => short = true,
            "--list" => list = true,
            other => {
                eprintln!("chaos: no option {other}; there are --short and --list");
                return ExitCode::from(2);
            }
        }
    }
    let unknown = |name: &&String| !cases.iter().any(|case| case.name.contains(*name));
    if let Some(name) = names.iter().find(unknown) {
        eprintln!("chaos: no case has {name} in its name; --list has all");
        return ExitCode::from(2);
    }
    let is_named = |case: &Case| names.is_empty() || names.iter().any(|n| case.name.contains(n));
    let chosen = |case: &Case| is_named(case) && !(short && case.long);
    let cases: Vec<Case> = cases.into_iter().filter(chosen).collect();
    if list {
        for case in &cases {
            let form = if case.long { "long" } else { "short" };
            print(&row([&case.name, case.injected, form, ""], [21, 51, 5, 0]));
        }
        return ExitCode::SUCCESS;
    }
    let differing = play(cases, at_a_time);
    for (name, differs) in &differing {
        println!("\n{name}: not as expected\n{}", differs.join("\n"));
    }
    match differing.len() {
        0 => ExitCode::SUCCESS,
        count => {
            println!("\n{count} not as expected");
            ExitCode::FAILURE
        }
    }
}

/// Plays them, so many at a time, and prints each row when those before it are there.
/// Those that came out otherwise.
fn play(cases: Vec<Case>, at_a_time: usize) -> Vec<(String, Vec<String>)> {
    print(&row(HEAD, WIDTHS));
    println!("{}", "-".repeat(80));
    let total = cases.len();
    let left = Mutex::new(cases.into_iter().enumerate());
    let (sender, played) = channel();
    let mut differing = Vec::new();
    thread::scope(|scope| {
        for _ in 0..at_a_time {
            let (sender, left) = (sender.clone(), &left);
            scope.spawn(move || {
                loop {
                    let next = left.lock().unwrap().next();
                    let Some((at, case)) = next else { return };
                    let played =
                        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case.play()));
                    let played = played.unwrap_or_else(|_| Played {
                        told: "the case itself failed".to_owned(),
                        differs: vec!["the case itself failed".to_owned()],
                    });
                    sender.send((at, case, played)).unwrap();
                }
            });
        }
        let mut ready = BTreeMap::new();
        for next in 0..total {
            while !ready.contains_key(&next) {
                let (at, case, played) = played.recv().unwrap();
                ready.insert(at, (case, played));
            }
            let (case, Played { told, differs }) = ready.remove(&next).unwrap();
            let ok = if differs.is_empty() { "yes" } else { "NO" };
            print(&row([&case.name, case.injected, &told, ok], WIDTHS));
            if !differs.is_empty() {
                differing.push((case.name, differs));
            }
        }
    });
    differing
}

fn print(lines: &[String]) {
    for line in lines {
        println!("{line}");
    }
}

/// The lines of a row, each cell wrapped to its width.
fn row(cells: [&str; 4], widths: [usize; 4]) -> Vec<String> {
    let mut wrapped = Vec::new();
    for (cell, width) in cells.iter().zip(widths) {
        wrapped.push(wrap(cell, width.max(1)));
    }
    let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
    let line = |at: usize| {
        let mut line = String::new();
        for (cell, width) in wrapped.iter().zip(widths) {
            let text = cell.get(at).map_or("", String::as_str);
            line.push_str(&format!("{text:<width$}  "));
        }
        line.trim_end().to_owned()
    };
    (0..height).map(line).collect()
}

/// Breaks at spaces, and words that are longer than a line where it ends.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        while !word.is_empty() {
            let line = lines.last_mut().unwrap();
            let used = line.chars().count();
            let gap = usize::from(used > 0);
            if used + gap + word.len() <= width {
                line.extend(std::iter::repeat_n(' ', gap).chain(word.drain(..)));
            } else if used > 0 {
                lines.push(String::new());
            } else {
                line.extend(word.drain(..width));
            }
        }
    }
    lines
}
