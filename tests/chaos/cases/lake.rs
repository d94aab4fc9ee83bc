//! Into a lake: `run --lake` and `deliver`, where the folder or the stream is in trouble.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::case::Case;
use crate::play::{
    Machine, against, all, for_a_while, limited, lines, meddled, meddled_at, server,
};
use crate::support::local::Local;
use crate::support::proxy::{DENIED, Fate, Proxy, amend};
use crate::support::signal;
use crate::told::Told;
use crate::wire::Way;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = of_runs();
    cases.extend(of_disks());
    cases.extend(of_deliveries());
    cases
}

/// An empty folder, and where a lake may be in it.
fn folder() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake").display().to_string();
    (folder, lake)
}

const INTO: &str = "--drain 10s --lake-interval 1s --lake";

/// Every acknowledged reading is in the lake, and on the disk.
fn all_there(case: Case) -> Case {
    case.all_seen()
        .check(|told| told.same("lake.readings", "ledger.acknowledged"))
        .counts("lake.missing", 0)
        .counts("lake.warm_up_missing", 0)
}

fn of_runs() -> Vec<Case> {
    vec![
        all_there(
            Case::new("lake-well", "nothing", || {
                let (local, (_folder, lake)) = (server(""), folder());
                all(against(local.address(), &format!("-w 500ms {INTO} {lake}")))
            })
            .comes_out("held", &[]),
        ),
        Case::new(
            "lake-removed",
            "the lake's folder is removed in mid-run",
            || {
                let (local, (_folder, lake)) = (server(""), folder());
                let words = format!("-d 3s --drain 3s --lake-interval 1s --lake {lake}");
                let remove = |_| {
                    await_objects(Path::new(&lake));
                    std::fs::remove_dir_all(&lake).unwrap();
                };
                meddled(against(local.address(), &words), remove)
            },
        )
        .comes_out("not-held", &["lake"])
        .says("the lake was removed or replaced")
        .some("lake.missing"),
        all_there(
            Case::new(
                "connections-reset/lake",
                "connections are reset, in bursts",
                || {
                    let (local, (_folder, lake)) = (server(""), folder());
                    let way = Way::to(local.address());
                    let words = format!("--attempts 10 -d 3s {INTO} {lake}");
                    meddled(against(way.address, &words), |_| way.reset_in_bursts())
                },
            )
            .comes_out("held", &[])
            .cause("network", &["cut connections"])
            .perhaps_cause("network", &["calls to read the stream failed"]),
        ),
        Case::new(
            "lake-without-warm-up",
            "20 records of the warm-up never come",
            || {
                let (local, (_folder, lake)) = (server("--fault lose=20"), folder());
                let words = format!("-w 1s -d 1s --drain 2s --lake-interval 500ms --lake {lake}");
                all(against(local.address(), &words))
            },
        )
        .comes_out("not-held", &["warm-up-missing", "lake"])
        .counts("lake.missing", 0)
        .counts("lake.warm_up_missing", 20)
        .says("20 of"),
        all_there(
            Case::new(
                "lake-pages-broken",
                "every third page has no Records",
                || {
                    let (local, (_folder, lake)) = (server(""), folder());
                    let proxy = Proxy::in_weather(local.address(), |called, before| {
                        match called == "GetRecords" && before % 3 == 2 {
                            true => {
                                amend(|body| drop(body.as_object_mut().unwrap().remove("Records")))
                            }
                            false => Fate::Pass,
                        }
                    });
                    let words = format!("{INTO} {lake}");
                    all(against(proxy.address, &words))
                },
            )
            .comes_out("held", &[])
            .cause("reader", &["calls to read the stream failed"]),
        ),
        // The disk does not answer: what is known is told all the same.
        Case::new(
            "interrupted-twice/lake",
            "two signals while the last object is being written",
            || {
                let (local, (_folder, lake)) = (server(""), folder());
                let words = format!("--lake-interval 60s --lake {lake}");
                let mut run = against(local.address(), &words);
                let machine = Machine::before(
                    &mut run,
                    &[("SHIM_SLOW", "20"), ("SHIM_UNDER", lake.as_str())],
                );
                meddled_at(run, "waiting for the lake's last objects", |process| {
                    machine.arm();
                    for _ in 0..2 {
                        signal(process, "INT");
                        for_a_while();
                    }
                })
            },
        )
        .comes_out("interrupted", &["interrupted", "lake"])
        .all_seen()
        .check(|told| told.same("lake.missing", "ledger.acknowledged")),
    ]
}

/// What a disk says to whoever writes.
fn of_disks() -> Vec<Case> {
    let meet = |told: &'static [(&'static str, &'static str)], early: bool| {
        let (local, (_folder, lake)) = (server(""), folder());
        let words = format!("-d 3s --drain 3s --lake-interval 1s --lake {lake}");
        let mut run = against(local.address(), &words);
        let mut told = told.to_vec();
        told.push(("SHIM_UNDER", lake.as_str()));
        let machine = Machine::before(&mut run, &told);
        if early {
            machine.arm();
        }
        meddled(run, |_| {
            if !early {
                machine.arm();
            }
        })
    };
    let full = |name, injected, told, says| {
        Case::new(name, injected, move || meet(told, false))
            .comes_out("not-held", &["lake"])
            .says(says)
            .check(|told| told.same("ledger.seen", "ledger.acknowledged"))
    };
    vec![
        full(
            "disk-full/lake",
            "the lake's disk is full (ENOSPC)",
            &[("SHIM_WRITE", "28")],
            "No space left on device",
        ),
        full(
            "disk-broken/lake",
            "writing to the lake's disk fails (EIO)",
            &[("SHIM_WRITE", "5")],
            "Input/output error",
        ),
        full(
            "disk-quota/lake",
            "the quota is used up (EDQUOT)",
            &[("SHIM_WRITE", "122")],
            "quota exceeded",
        ),
        full(
            "read-only/lake",
            "the lake's folder becomes read-only (EROFS)",
            &[("SHIM_MAKE", "30")],
            "Read-only file system",
        ),
        all_there(
            Case::new(
                "no-sync-no-locks/lake",
                "fsync answers EINVAL, flock ENOLCK",
                move || meet(&[("SHIM_FOLDER", "1")], true),
            )
            .comes_out("held", &[])
            .says("takes no locks")
            .says("cannot be synced"),
        ),
        Case::new(
            "file-size-limit/lake",
            "files may have 4 KiB (ulimit -f)",
            || {
                let (local, (_folder, lake)) = (server(""), folder());
                let words = format!("-r 400/s --drain 3s --lake-interval 1s --lake {lake}");
                all(limited(&against(local.address(), &words), "-f 8"))
            },
        )
        .comes_out("not-held", &["lake"])
        .says("File too large"),
        Case::new(
            "file-size-limit/result",
            "files may have 4 KiB (ulimit -f)",
            || {
                let (local, (folder, _)) = (server(""), folder());
                let result = folder.path().join("r.json").display().to_string();
                let words = format!("--via none -o {result}");
                all(limited(&against(local.address(), &words), "-f 8"))
            },
        )
        .exits(1)
        .says("File too large")
        .says("r.json"),
    ]
}

/// Waits until there is an object in a lake.
fn await_objects(lake: &Path) {
    while lines(lake) == 0 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// A stream with 200 readings in it.
fn filled() -> Local {
    let local = server("");
    let words =
        "run -q --devices 100 -r 200/s -w 0s -d 1s --drain 10s --stream feed --table wear --keep";
    let made = local.client(words).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    local
}

/// `deliver` of that stream.
fn deliver(address: std::net::SocketAddr, lake: &str) -> Command {
    crate::support::hrload_with_credentials(&format!(
        "deliver --stream feed --lake {lake} --until-idle 2s --endpoint-url http://{address}"
    ))
}

fn of_deliveries() -> Vec<Case> {
    let whole = |told: &Told, lake: &str| {
        assert_eq!(told.code, Some(0), "{}", told.words);
        // Of a reading there may be more than one change, and never less.
        assert!(
            lines(Path::new(lake)) >= 190,
            "{} lines",
            lines(Path::new(lake))
        );
    };
    vec![
        Case::new("deliver-well", "nothing", move || {
            let (local, (_folder, lake)) = (filled(), folder());
            let told = all(deliver(local.address(), &lake));
            whole(&told, &lake);
            told
        }),
        Case::new(
            "deliver-pages-broken",
            "every third page is an empty body",
            move || {
                let (local, (_folder, lake)) = (filled(), folder());
                let proxy = Proxy::in_weather(local.address(), |called, before| {
                    match called == "GetRecords" && before % 3 == 0 {
                        true => Fate::Answer(200, "application/x-amz-json-1.1", ""),
                        false => Fate::Pass,
                    }
                });
                let told = all(deliver(proxy.address, &lake));
                whole(&told, &lake);
                told
            },
        ),
        Case::new("deliver-denied", "reading the stream is denied", || {
            let (local, (_folder, lake)) = (filled(), folder());
            let proxy =
                Proxy::in_weather(local.address(), |called, _| match called == "GetRecords" {
                    true => DENIED,
                    false => Fate::Pass,
                });
            all(deliver(proxy.address, &lake))
        })
        .exits(1)
        .says("GetRecords on stream feed failed")
        .says("credentials"),
        Case::new(
            "deliver-reset",
            "connections are reset, in bursts",
            move || {
                let (local, (_folder, lake)) = (filled(), folder());
                let way = Way::to(local.address());
                let resets = way.clone();
                let meddling = std::thread::spawn(move || {
                    for _ in 0..3 {
                        resets.reset();
                        for_a_while();
                    }
                });
                let told = all(deliver(way.address, &lake));
                meddling.join().unwrap();
                whole(&told, &lake);
                told
            },
        ),
        Case::new(
            "deliver-disk-full",
            "the lake's disk is full (ENOSPC)",
            || {
                let (local, (_folder, lake)) = (filled(), folder());
                let mut command = deliver(local.address(), &lake);
                let machine = Machine::before(
                    &mut command,
                    &[("SHIM_WRITE", "28"), ("SHIM_UNDER", lake.as_str())],
                );
                machine.arm();
                all(command)
            },
        )
        .exits(1)
        .says("No space left on device"),
    ]
}
