//! The picture as text, and the terminal given back.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::keys::Keys;
use super::view::View;
use crate::experiment::{Interrupts, Order};
use crate::measure::{Counts, Stage, ThrottleCause};
use crate::report::Phase;
use crate::telemetry::{About, RateAt, ShardNow, StageNow, Status};

/// A run in its twelfth measured second.
fn status() -> Status {
    let mut measured = Counts {
        scheduled: 60_012,
        sent: 60_000,
        acknowledged: 59_950,
        seen: 58_900,
        dropped: 12,
        ..Counts::default()
    };
    let cause = ThrottleCause {
        exception: "UnprocessedItems".to_owned(),
        reason: String::new(),
    };
    measured.throttles.entry(|_| false, || cause.clone()).items = 123;
    let mut latest = Counts {
        acknowledged: 4_987,
        scheduled: 5_003,
        waiting_max: 31,
        in_flight_max: 9,
        ..Counts::default()
    };
    latest.throttles.entry(|_| false, || cause).items = 7;
    let shard = |number: u32, behind_ms| ShardNow {
        shard: format!("shardId-{number:012}"),
        records: 1_000,
        records_per_s: 1_250.4,
        behind_ms,
    };
    Status {
        about: About {
            run: "hrload-1".to_owned(),
            profile: "steady".to_owned(),
            target: "embedded services".to_owned(),
            client: "sdk".to_owned(),
            devices: 10_000,
            followed: true,
        },
        phase: Phase::Measure,
        elapsed: Duration::from_secs(12),
        length: Duration::from_secs(30),
        asked_per_s: 5_000.0,
        measured,
        latest,
        stages: [
            (Stage::Response, 4),
            (Stage::EndToEnd, 300),
            (Stage::Capture, -2),
        ]
        .map(|(stage, ms)| StageNow {
            stage,
            count: 5_000,
            p50_us: ms * 1_000,
            p99_us: ms * 2_000,
            max_us: ms * 3_000,
        })
        .into(),
        unseen: Some(1_050),
        shards: vec![shard(0, 0), shard(1, 1_500), shard(2, 40)],
        recent: (0..12)
            .map(|second| RateAt {
                second,
                offered: 5_000,
                achieved: 4_000 + 100 * second as u64,
            })
            .collect(),
        ..Status::new(0)
    }
}

fn picture(view: &View, keys: &Keys, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view.draw(frame, keys)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let cells = buffer.content();
    let lines = cells.chunks(usize::from(width));
    lines
        .map(|line| {
            let line: String = line.iter().map(|cell| cell.symbol()).collect();
            line.trim_end().to_owned() + "\n"
        })
        .collect()
}

/// Keys without a run that hears them.
fn keys() -> (Keys, Interrupts) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let interrupts = runtime.block_on(async { Interrupts::listen().unwrap() });
    (Keys::new(interrupts.remote()), interrupts)
}

fn press(keys: &mut Keys, pressed: &str) {
    for key in pressed.chars() {
        keys.press(KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE));
    }
}

#[test]
fn the_whole_picture_fits_80_by_24() {
    let (keys, _interrupts) = keys();
    let picture = picture(&View::plain(status()), &keys, 80, 24);
    let expected = include_str!("picture.txt");
    assert_eq!(picture, expected, "\n{picture}");
}

#[test]
fn nothing_known_yet_or_followed_is_said_and_any_size_is_drawn() {
    let (mut keys, _interrupts) = keys();
    let nothing = picture(&View::plain(Status::new(0)), &keys, 80, 24);
    assert!(nothing.contains("setting up"), "{nothing}");
    assert!(nothing.contains("no stream is followed"), "{nothing}");
    press(&mut keys, "?");
    for (width, height) in [(1, 1), (20, 3), (79, 24), (80, 23), (81, 25), (300, 100)] {
        let text = picture(&View::plain(status()), &keys, width, height);
        let fits = width >= 80 && height >= 24;
        assert_eq!(text.contains("Ctrl-C"), fits, "{width}x{height}\n{text}");
        if !fits && width >= 70 {
            assert!(text.contains("needs 80 x 24"), "{width}x{height}\n{text}");
        }
    }
}

#[tokio::test]
async fn keys_give_orders_and_the_picture_says_so() {
    let mut interrupts = Interrupts::listen().unwrap();
    let mut keys = Keys::new(interrupts.remote());
    press(&mut keys, "+- -x  ");
    for tempo in [1.1, 1.0, 0.0, 0.9, 0.0, 0.9] {
        assert_eq!(interrupts.order().await, Order::Tempo(tempo));
    }
    press(&mut keys, " ");
    let paused = picture(&View::plain(status()), &keys, 80, 24);
    assert!(paused.contains("PAUSED"), "{paused}");
    let control = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    keys.press(control);
    press(&mut keys, "q");
    assert_eq!(interrupts.order().await, Order::Tempo(0.0));
    assert_eq!(interrupts.order().await, Order::End);
    assert_eq!(interrupts.order().await, Order::End);
    let ending = picture(&View::plain(status()), &keys, 80, 24);
    assert!(ending.contains("stops at once"), "{ending}");
}

#[test]
fn the_tempo_stays_within_its_bounds() {
    let (mut keys, _interrupts) = keys();
    press(&mut keys, &"-".repeat(50));
    assert_eq!(keys.tempo(), 0.1);
    press(&mut keys, &"+".repeat(500));
    assert_eq!(keys.tempo(), 10.0);
}

/// Not a test of its own: what the next one runs in a terminal.
#[test]
#[ignore = "takes over the terminal and panics"]
fn panics_on_the_whole_screen() {
    let (keys, _interrupts) = keys();
    let mut screen = super::screen::Screen::take_over().unwrap();
    screen.draw(&View::plain(status()), &keys).unwrap();
    panic!("on purpose");
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_told() {
    let binary = std::env::current_exe().unwrap();
    let binary = shlex::try_quote(binary.to_str().unwrap())
        .unwrap()
        .into_owned();
    let name = "cli::tui::tests::panics_on_the_whole_screen";
    let inner = format!(
        "before=$(stty -g); {binary} --exact {name} --ignored --nocapture; \
         test \"$before\" = \"$(stty -g)\" && echo same-terminal"
    );
    let script = std::process::Command::new("script")
        .args(["-qec", &inner, "/dev/null"])
        .env("TERM", "xterm-256color")
        .stdin(std::process::Stdio::null())
        .output();
    let Ok(output) = script else {
        eprintln!("skipped: no `script` of util-linux to make a terminal");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let entered = text.find("\u{1b}[?1049h").unwrap();
    let left = text.find("\u{1b}[?1049l").unwrap();
    let told = text.find("on purpose").unwrap();
    assert!(entered < left && left < told, "{text}");
    assert!(text.contains("same-terminal"), "{text}");
    assert_eq!(text.matches("\u{1b}[?1049l").count(), 1, "{text}");
}
