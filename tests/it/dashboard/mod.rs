//! `hrload dashboard`: real processes, real HTTP, a real browser where there is one.

#![allow(clippy::unwrap_used)]

mod lakes;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::dashboard::{Answer, Dashboard, Running, readings};
use crate::support::local::Local;
use crate::support::{finish, hrload, output, run};

const SMALL: &str = "--devices 50 --rate 200/s -w 0s -d 2s --change-delay 0 --drain 20s";

#[test]
fn every_reading_of_a_lake_is_on_the_page_whatever_its_layout_and_compression() {
    for (layout, compression) in [("post", "none"), ("timeseries", "gzip"), ("fhir", "zstd")] {
        let folder = tempfile::tempdir().unwrap();
        let run = run(&format!(
            "{SMALL} --layout {layout} --lake {} --lake-compression {compression} --lake-interval 500ms",
            folder.path().display()
        ));
        assert_eq!(run.code, 0, "{}", run.stderr);
        let dashboard = Dashboard::of_lake(folder.path(), "");
        let board = dashboard.until("/board", |of| of.body.contains("Up to date"));
        assert!(board.body.contains("lake freshness, p50"), "{layout}");
        let csv = dashboard.get("/readings.csv?last=all");
        assert!(csv.head.contains("text/csv"), "{}", csv.head);
        let (found, rows) = readings(&csv.body);
        assert_eq!(found, run.count("lake.records"), "{layout}, {compression}");
        assert!((1..=2).contains(&rows), "{}", csv.body);
        let wearable = dashboard.wearable();
        let one = dashboard.get(&format!("/readings.csv?last=all&device={wearable}"));
        let (of_one, _) = readings(&one.body);
        assert!(of_one > 0 && of_one < found, "{}", one.body);
    }
}

#[test]
fn the_page_goes_on_while_readings_come_and_says_when_nothing_changed() {
    let folder = tempfile::tempdir().unwrap();
    let dashboard = Dashboard::of_lake(folder.path(), "");
    let empty = dashboard.until("/board", |of| of.body.contains("There are no readings yet"));
    assert!(empty.body.contains("nothing was measured"));
    assert!(!empty.body.contains("Up to date"), "{}", empty.body);
    let changes = |of: &Answer| {
        let (_, after) = of.head.split_once("x-changes: ").unwrap();
        after.lines().next().unwrap().to_owned()
    };
    let unchanged = dashboard.get(&format!("/board?changes={}", changes(&empty)));
    assert_eq!(unchanged.status, 204);
    let run = run(&format!(
        "{SMALL} --lake {} --lake-interval 0s",
        folder.path().display()
    ));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let records = run.count("lake.records");
    let csv = dashboard.until("/readings.csv", |of| readings(&of.body).0 >= records);
    assert_eq!(readings(&csv.body).0, records);
    let changed = dashboard.get(&format!("/board?changes={}", changes(&empty)));
    assert_eq!(changed.status, 200);
    assert_ne!(changes(&changed), changes(&empty));
}

#[test]
fn a_stream_is_shown_with_what_it_still_has_and_what_comes() {
    let local = Local::start("--change-delay 0 --shards 1");
    let words =
        "--devices 50 --rate 100/s -w 0s -d 1s --keep --table shown --stream hrload -q -o -";
    let records = |output: std::process::Output| finish(output).count("ledger.acknowledged");
    let before = records(local.client(words).output().unwrap());
    let mut command = local.client("dashboard");
    let dashboard = Dashboard::start(&mut command, "--stream hrload");
    let path = "/readings.csv?last=all";
    dashboard.until(path, |of| readings(&of.body).0 == before);
    // What was there before is no matter of latency.
    assert!(!dashboard.get("/board").body.contains("due to read, p50"));
    let after = records(local.client(words).output().unwrap());
    dashboard.until(path, |of| readings(&of.body).0 == before + after);
    let board = dashboard.get("/board").body;
    for stage in ["due to read, p50", "replication", "e2e"] {
        assert!(board.contains(stage), "{stage}");
    }
}

#[test]
fn a_stream_that_does_not_answer_is_not_up_to_date() {
    let local = Local::start("--change-delay 0 --shards 1");
    let mut command = local.client("dashboard");
    let dashboard = Dashboard::start(&mut command, "--stream hrload");
    let words = "--devices 50 --rate 100/s -w 0s -d 1s --keep --table shown --stream hrload -q";
    assert_eq!(local.client(words).status().unwrap().code(), Some(0));
    dashboard.until("/board", |of| of.body.contains("Up to date."));
    let signal = |signal: Signal| {
        let process = Pid::from_raw(local.id().try_into().unwrap()).unwrap();
        kill_process(process, signal).unwrap();
    };
    signal(Signal::STOP);
    let silent = "it has not answered for";
    dashboard.until("/board", |of| of.body.contains(silent));
    signal(Signal::CONT);
    dashboard.until("/board", |of| of.body.contains("Up to date."));
}

#[test]
fn what_is_not_to_be_shown_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let dashboard = Dashboard::of_lake(folder.path(), "");
    // A page elsewhere whose name leads to this machine.
    let lured = dashboard.ask("/", "evil.example", "");
    assert_eq!(lured.status, 403);
    let page = dashboard.get("/");
    assert_eq!(page.status, 200);
    assert!(
        page.head
            .contains("content-security-policy: default-src 'none'")
    );
    assert_eq!(dashboard.get("/secret").status, 404);
    for (path, part) in [
        ("/?last=week", "15m"),
        ("/board?agg=median", "avg, min, max or count"),
        ("/readings.csv?from=now", "2026-11-23T15:04"),
    ] {
        let refused = dashboard.get(path);
        assert_eq!(refused.status, 400, "{path}");
        assert!(refused.body.contains(part), "{path}: {}", refused.body);
    }
    // A person gets the form again, with what was understood of the link.
    let path = "/?from=2026-01-02T00%3A00&to=2026-01-01T00%3A00&agg=max&device=7";
    let refused = dashboard.get(path);
    assert_eq!(refused.status, 400);
    for part in [
        "This cannot be shown",
        "an earlier time than to has",
        "<form",
        "value=\"2026-01-02T00:00\"",
        "value=\"7\"",
        "<option value=\"max\" selected>",
    ] {
        assert!(refused.body.contains(part), "{part}: {}", refused.body);
    }
    // Names come from whoever wrote the lake.
    let hostile = dashboard.get("/?device=%3Cscript%3Ealert(1)%3C/script%3E");
    assert!(!hostile.body.contains("<script>alert"), "{}", hostile.body);

    let token = "a-token-of-ours";
    let guarded = Dashboard::of_lake(folder.path(), &format!("--token {token}"));
    assert!(guarded.address.ends_with(&format!("/?token={token}")));
    assert_eq!(guarded.get("/").status, 403);
    assert_eq!(guarded.get("/?token=another-token-").status, 403);
    let entered = guarded.get(&format!("/?token={token}&agg=max"));
    assert_eq!(entered.status, 303);
    assert!(
        entered.head.contains("location: /?agg=max"),
        "{}",
        entered.head
    );
    // Nowhere but here, whatever the path looks like.
    for path in [
        "//evil.example/",
        "///evil.example",
        "//evil.example/board",
        "/%5Cevil.example/",
    ] {
        let sent = guarded.get(&format!("{path}?token={token}"));
        assert_eq!(sent.status, 303, "{path}");
        assert!(
            sent.head.contains("location: /\r\n"),
            "{path}: {}",
            sent.head
        );
    }
    let cookie = entered.head.split("set-cookie: ").nth(1).unwrap();
    let cookie = cookie.split(';').next().unwrap();
    let headers = format!("cookie: {cookie}\r\n");
    assert_eq!(
        guarded.ask("/?agg=max", guarded.host(), &headers).status,
        200
    );
    let headers = format!("authorization: Bearer {token}\r\n");
    assert_eq!(guarded.ask("/board", guarded.host(), &headers).status, 200);
}

#[test]
fn any_address_but_loopback_has_a_token_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = hrload()
        .args(["dashboard", "--listen", "0.0.0.0:0", "-q", "--lake"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    let stdout = process.stdout.take().unwrap();
    let _process = Running(process);
    BufReader::new(stdout).read_line(&mut address).unwrap();
    let token = address.trim().split("?token=").nth(1).unwrap();
    assert_eq!(token.len(), 32);
}

#[test]
fn what_cannot_be_shown_is_refused_with_what_can() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().display();
    std::fs::write(folder.path().join("file"), "").unwrap();
    for (words, parts) in [
        ("dashboard".to_owned(), ["--lake", "--stream"]),
        (
            format!("dashboard --lake {here}/file"),
            ["wants a folder", "is none"],
        ),
        (
            format!("dashboard --lake {here} --listen {taken}"),
            ["cannot listen", "--listen"],
        ),
        (
            format!("dashboard --lake {here} --token short"),
            ["eight or more", "--token"],
        ),
    ] {
        let refused = output(&words);
        assert_eq!(refused.status.code(), Some(2), "{words}");
        let text = String::from_utf8(refused.stderr).unwrap();
        for part in parts {
            assert!(text.contains(part), "{words}: {text}");
        }
    }
}

/// Where a browser is to be had: clicked through as by hand.
#[test]
fn a_browser_goes_the_round() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboard");
    let lake = tempfile::tempdir().unwrap();
    let _load = Running(
        hrload()
            .args("--devices 200 --rate 300/s -w 0s -d 10m -q --lake-interval 1s --lake".split(' '))
            .arg(lake.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let dashboard = Dashboard::of_lake(lake.path(), "");
    dashboard.until("/readings.csv", |of| readings(&of.body).0 > 0);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/browser");
    let output = Command::new(script)
        .arg("dashboard")
        .arg(&folder)
        .arg(&dashboard.address)
        .output()
        .unwrap();
    let [said, found] = [&output.stdout, &output.stderr].map(|of| String::from_utf8_lossy(of));
    assert!(output.status.success(), "{said}{found}");
    if said.contains("skipped") {
        eprint!("{said}");
        return;
    }
    assert!(said.contains("0 findings"), "{said}{found}");
    for name in ["light", "dark", "phone", "device"] {
        let picture = std::fs::read(folder.join(format!("{name}.png"))).unwrap();
        assert!(
            picture.starts_with(b"\x89PNG") && picture.len() > 50_000,
            "{name}"
        );
    }
}
