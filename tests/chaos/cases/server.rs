//! The server: killed, stopped, slow, silent, restarted, or not there at all.

use std::net::TcpListener;
use std::time::Duration;

use crate::case::Case;
use crate::play::{CLIENTS, READERS, against, all, for_a_while, meddled, server};
use crate::support::local::Local;
use crate::wire::{Mode, Way};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = of_clients();
    cases.extend(of_readers());
    cases.extend(shared_table());
    cases
}

fn of_clients() -> Vec<Case> {
    let mut cases = Vec::new();
    for client in CLIENTS {
        let words = move |more: &str| format!("--via none --client {client} {more}");
        cases.extend([
            Case::new(
                format!("server-killed/{client}"),
                "the server is killed in mid-run",
                move || {
                    let local = server("");
                    let run = against(local.address(), &words("--attempts 3"));
                    meddled(run, |_| drop(local))
                },
            )
            .comes_out("not-held", &["failed"])
            .perhaps(&["cut-off"])
            // What was made could not be removed.
            .exits(1)
            .says("not removed")
            .cause(
                "target",
                &["nobody listened there: Connection refused", " calls"],
            )
            .perhaps_cause("network", &["cut connections"]),
            Case::new(
                format!("server-stopped/{client}"),
                "the server is stopped for 1.5 s (SIGSTOP)",
                move || {
                    let local = server("");
                    let run = against(local.address(), &words("-d 3s --timeout 10s"));
                    meddled(run, |_| {
                        local.signal("STOP");
                        std::thread::sleep(Duration::from_millis(1_500));
                        local.signal("CONT");
                    })
                },
            )
            .comes_out("held", &[])
            .all_written()
            .cause("target", &["no call was answered for "]),
            Case::new(
                format!("server-restarted/{client}"),
                "the server is killed, another one takes its port",
                move || {
                    let local = server("");
                    let address = local.address();
                    let mut again = None;
                    let told = meddled(
                        against(address, &words("--attempts 8 --keep --table wear")),
                        |_| {
                            for_a_while();
                            drop(local);
                            for_a_while();
                            again = Some(Local::start_at(address, "--change-delay 0"));
                        },
                    );
                    drop(again);
                    told
                },
            )
            // The tables of the first one are gone with it.
            .comes_out("not-held", &["failed"])
            .cause("target", &["answered", "ResourceNotFoundException"])
            .perhaps_cause("target", &["nobody listened there"])
            .perhaps_cause("network", &["cut connections"]),
            Case::new(
                format!("server-not-there/{client}"),
                "nobody listens from the start",
                move || {
                    // A port that was free a moment ago.
                    let free = TcpListener::bind("127.0.0.1:0").unwrap();
                    let address = free.local_addr().unwrap();
                    drop(free);
                    all(against(address, &words("")))
                },
            )
            .exits(1)
            .says("Connection refused"),
            falls_silent(
                client,
                "server-silent",
                "connections are half-open: no answer comes any more",
                Mode::Silent,
            ),
            falls_silent(
                client,
                "server-heads-only",
                "heads of answers come, and nothing behind them",
                Mode::HeadsOnly,
            ),
            Case::new(
                format!("server-slow/{client}"),
                "each call takes 300 ms longer from the middle on",
                move || {
                    let local = server("");
                    let way = Way::to(local.address());
                    let run = against(way.address, &words("-p 2 --timeout 10s --batch 5 -d 4s"));
                    meddled(run, |_| {
                        // So long is it known what a call takes.
                        std::thread::sleep(Duration::from_secs(2));
                        way.turn(Mode::Late(Duration::from_millis(300)));
                    })
                },
            )
            .comes_out("not-held", &["cut-off"])
            .perhaps(&["dropped"])
            .cause("target", &["slow"]),
            Case::new(
                format!("server-slower-and-slower/{client}"),
                "each call takes longer than the one before",
                move || {
                    let local = server("");
                    let way = Way::to(local.address());
                    let run = against(way.address, &words("-p 2 --timeout 10s --batch 5 -d 4s"));
                    meddled(run, |_| {
                        std::thread::sleep(Duration::from_secs(1));
                        way.turn(Mode::LaterAndLater(Duration::from_millis(300)));
                    })
                },
            )
            .comes_out("not-held", &["cut-off"])
            .perhaps(&["dropped"])
            // Slow at first, and then silent.
            .cause("target", &[])
            .perhaps_cause("target", &["no call was answered for"]),
        ]);
    }
    cases
}

/// The same, with who reads the changes.
/// A server that answers in a `mode` that nobody can use for a while, and is cut off then.
fn falls_silent(client: &str, name: &str, what: &'static str, mode: Mode) -> Case {
    let words = format!("--via none --client {client} --attempts 2 -p 8 --timeout 500ms");
    Case::new(format!("{name}/{client}"), what, move || {
        let local = server("");
        let way = Way::to(local.address());
        let run = against(way.address, &words);
        meddled(run, |_| {
            way.turn(mode);
            for_a_while();
            for_a_while();
            way.cut();
            way.turn(Mode::Pass);
        })
    })
    .comes_out("not-held", &["failed"])
    .cause("target", &["did not answer in time", " calls"])
    .perhaps_cause("target", &["slow: "])
    .perhaps_cause("target", &["no call was answered for"])
    .perhaps_cause("network", &["cut connections"])
}

fn of_readers() -> Vec<Case> {
    let mut cases = Vec::new();
    for (reader, via) in READERS {
        cases.extend([
            Case::new(
                format!("server-killed/{reader}"),
                "the server is killed in mid-run",
                move || {
                    let local = server("");
                    let run = against(local.address(), &format!("--attempts 2 {via}"));
                    meddled(run, |_| drop(local))
                },
            )
            .comes_out("not-held", &["failed"])
            .perhaps(&["missing", "cut-off"])
            .exits(1)
            .says("not removed")
            .cause("target", &["nobody listened there"])
            .cause(
                "network",
                &["calls to read the stream failed", "cannot be reached"],
            )
            .perhaps_cause("network", &["cut connections"]),
            Case::new(
                format!("server-stopped/{reader}"),
                "the server is stopped for 1.5 s (SIGSTOP)",
                move || {
                    let local = server("");
                    let words = format!("-d 3s --timeout 10s --drain 20s {via}");
                    meddled(against(local.address(), &words), |_| {
                        local.signal("STOP");
                        std::thread::sleep(Duration::from_millis(1_500));
                        local.signal("CONT");
                    })
                },
            )
            .comes_out("held", &[])
            .all_seen()
            .perhaps_cause("reader", &["behind the stream's newest record"])
            .cause("target", &["no call was answered for "]),
        ]);
    }
    cases
}

/// Another run, on the same table.
fn shared_table() -> Option<Case> {
    let both = || {
        let local = server("");
        let shared = "--table shared --stream shared --keep --devices 200 -r 500/s -w 0s";
        let first = local.client(&format!("{shared} -d 1s -q")).output();
        assert!(first.unwrap().status.success());
        let words = format!("{shared} -d 2s --drain 5s -o -");
        let mut other = local.client(&words);
        let mut other = other
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let told = all(local.client(&words));
        other.wait().unwrap();
        told
    };
    Some(
        Case::new("two-runs", "another run writes to the same table", both)
            .comes_out("not-held", &["other-writer"])
            .perhaps(&["missing", "duplicates"])
            .perhaps_cause("reader", &["reads of the stream were throttled"]),
    )
}
