//! Lakes as they are: odd, not there yet, growing, gone.

use std::fs;

use crate::support::dashboard::{Answer, Dashboard, readings};
use crate::support::odd_lakes;
use crate::support::records::{THEN_MS, post_record};
use crate::support::run;

fn all_read(of: &Answer) -> bool {
    ["Up to date.", "The rest is up to date."]
        .iter()
        .any(|part| of.body.contains(part))
}

fn lines(sensors: std::ops::Range<u32>) -> String {
    sensors
        .map(|sensor| post_record(sensor, 71, "07/15/2402:39:25", THEN_MS) + "\n")
        .collect()
}

#[test]
fn what_is_bad_costs_itself_and_is_counted_and_named() {
    for odd in odd_lakes::ALL {
        let lake = tempfile::tempdir().unwrap();
        (odd.make)(lake.path());
        let dashboard = Dashboard::of_lake(lake.path(), "");
        let board = dashboard.until("/board", all_read).body;
        let csv = dashboard.get("/readings.csv?last=all").body;
        assert_eq!(readings(&csv).0, odd.readings, "{}: {board}", odd.name);
        for (count, words, spots) in odd.told {
            let row = format!("<td class=\"number\">{count}</td><th scope=\"row\">{words}<");
            assert!(board.contains(&row), "{}, {words}: {board}", odd.name);
            for spot in *spots {
                assert!(board.contains(spot), "{}, {spot}: {board}", odd.name);
            }
        }
        let left_out = board.split("id=\"left-out\"").nth(1).unwrap_or_default();
        assert_eq!(
            left_out.matches("<th scope=\"row\">").count(),
            odd.told.len(),
            "{}: {left_out}",
            odd.name
        );
    }
}

#[test]
fn a_folder_that_is_not_there_yet_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let dashboard = Dashboard::of_lake(&lake, "");
    let waiting = dashboard.until("/board", |of| of.body.contains("Waiting:"));
    assert!(
        waiting.body.contains("is not there yet"),
        "{}",
        waiting.body
    );
    assert!(!waiting.body.contains("Up to date"), "{}", waiting.body);
    assert!(!lake.exists(), "whoever looks makes no lake");
    // As README starts the two, whichever is first.
    let run = run(&format!(
        "--devices 50 --rate 200/s -w 0s -d 2s --change-delay 0 --drain 20s \
         --lake {} --lake-interval 500ms",
        lake.display()
    ));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let records = run.count("lake.records");
    let path = "/readings.csv?last=all";
    dashboard.until(path, |of| readings(&of.body).0 == records);
    dashboard.until("/board", |of| of.body.contains("Up to date."));
    // Absence is no success.
    fs::remove_dir_all(&lake).unwrap();
    let gone = dashboard.until("/board", |of| of.body.contains("Not up to date:"));
    assert!(gone.body.contains("not there any more"), "{}", gone.body);
    assert_eq!(readings(&dashboard.get(path).body).0, records);
}

#[test]
fn what_was_read_and_is_gone_is_told() {
    let lake = tempfile::tempdir().unwrap();
    let at = |name: &str| lake.path().join(name);
    for (object, sensors) in [("a", 0..3), ("b", 3..6), ("c", 6..9)] {
        fs::write(at(object), lines(sensors)).unwrap();
    }
    let dashboard = Dashboard::of_lake(lake.path(), "");
    let path = "/readings.csv?last=all";
    dashboard.until(path, |of| readings(&of.body).0 == 9);
    fs::rename(at("a"), at("renamed")).unwrap();
    dashboard.until(path, |of| readings(&of.body).0 == 12);
    fs::remove_file(at("b")).unwrap();
    let told = |count: u32| {
        let cell = format!("<td class=\"number\">{count}</td>");
        let row = format!("{cell}<th scope=\"row\">objects that were read and are gone");
        dashboard.until("/board", |of| of.body.contains(&row))
    };
    told(2);
    fs::rename(at("renamed"), at("a")).unwrap();
    told(2);
}

#[test]
fn what_is_written_behind_a_text_is_read_and_once() {
    let lake = tempfile::tempdir().unwrap();
    let file = lake.path().join("growing.json");
    let text = lines(0..6);
    let cut = lines(0..3).len() + 100;
    fs::write(&file, &text[..cut]).unwrap();
    let dashboard = Dashboard::of_lake(lake.path(), "");
    let path = "/readings.csv?last=all";
    let board = dashboard.until("/board", all_read).body;
    assert!(
        board.contains("line is no JSON from some place on"),
        "{board}"
    );
    assert_eq!(readings(&dashboard.get(path).body).0, 3);
    fs::write(&file, &text).unwrap();
    dashboard.until(path, |of| readings(&of.body).0 == 6);
    // What was cut off is whole now.
    dashboard.until("/board", |of| of.body.contains("Up to date."));

    // An object that could not be read is tried again when it has changed.
    let whole = hrload::lake::Compression::Gzip.compress(lines(6..9).into_bytes());
    let whole = whole.unwrap();
    let file = lake.path().join("copied.gz");
    fs::write(&file, &whole[..20]).unwrap();
    dashboard.until("/board", |of| of.body.contains("its GZIP is cut off"));
    fs::write(&file, &whole).unwrap();
    dashboard.until(path, |of| readings(&of.body).0 == 9);
    dashboard.until("/board", |of| of.body.contains("Up to date."));
    // One that was read and is another now would count twice.
    fs::write(&file, [&whole[..], &whole].concat()).unwrap();
    dashboard.until("/board", |of| {
        of.body.contains("it changed after it was read")
    });
    assert_eq!(readings(&dashboard.get(path).body).0, 9);
}

#[test]
fn clocks_that_are_ahead_are_set_apart_and_named() {
    let record = |sensor, hour: u64, minute: u64, second: u64| {
        let time = format!("07/15/24{hour:02}:{minute:02}:{second:02}");
        // Written when the good clocks say so.
        let created_ms = THEN_MS + (minute * 60 + second) * 1_000 - (39 * 60 + 25) * 1_000;
        post_record(sensor, 71, &time, created_ms) + "\n"
    };
    let lake = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for second in 0..11 {
        for sensor in 1..5 {
            text += &record(sensor, 2, 39, second);
        }
        text += &record(5, 10, 39, second);
    }
    text += &post_record(3, 71, "02/07/36 06:28:15", THEN_MS);
    fs::write(lake.path().join("o"), text).unwrap();
    let dashboard = Dashboard::of_lake(lake.path(), "");
    let board = dashboard
        .until("/board", |of| of.body.contains("Up to date."))
        .body;
    assert_eq!(
        readings(&dashboard.get("/readings.csv").body).0,
        44,
        "{board}"
    );
    for part in [
        "<td class=\"number\">12</td>",
        "wearable 5 (11, up to 2024-07-15T10:39:10Z)",
        "wearable 3 (1, up to 2036-02-07T06:28:15Z)",
    ] {
        assert!(board.contains(part), "{part}: {board}");
    }
    let one = dashboard.get("/board?device=5").body;
    assert!(
        one.contains("Not in the charts: 11 of its readings"),
        "{one}"
    );
    // With a wearable picked, what is of all says so.
    let one = dashboard.get("/board?device=3").body;
    for part in [
        "Readings a second, all wearables",
        "Latency, all wearables",
        "readings a second, last minute, all wearables",
    ] {
        assert!(one.contains(part), "{part}: {one}");
    }
}

#[test]
fn what_is_older_than_is_kept_is_counted() {
    let lake = tempfile::tempdir().unwrap();
    let old = post_record(1, 71, "07/15/2401:39:25", THEN_MS - 3_600_000) + "\n";
    fs::write(
        lake.path().join("o"),
        format!("{}{}", old.repeat(3), lines(1..3)),
    )
    .unwrap();
    let dashboard = Dashboard::of_lake(lake.path(), "--keep 30m");
    let board = dashboard
        .until("/board", |of| of.body.contains("Up to date."))
        .body;
    assert_eq!(readings(&dashboard.get("/readings.csv?last=all").body).0, 2);
    let row = "<td class=\"number\">3</td><th scope=\"row\">taken more than 30";
    assert!(board.contains(row), "{board}");
}
