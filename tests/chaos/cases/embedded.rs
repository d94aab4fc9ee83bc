//! `--fault` of the embedded services, kind by kind: an instrument is proven by known
//! faults, each of which must be read as exactly that.

use crate::case::Case;
use crate::play::{self, CLIENTS, embedded, server};
use crate::told::Told;

/// A run of which exact counts are asked.
const RUN: &str = "--devices 200 -r 500/s -w 0s -d 2s --drain 3s";

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = of_changes();
    cases.extend(of_writes());
    cases.extend(of_warm_up());
    cases
}

fn case(name: &str, injected: &'static str, fault: &'static str) -> Case {
    Case::new(format!("fault-{name}"), injected, move || {
        embedded(&format!("{RUN} --fault {fault}"))
    })
}

/// What becomes of change records.
fn of_changes() -> Vec<Case> {
    vec![
        case("none", "nothing", "lose=0")
            .comes_out("held", &[])
            .all_seen(),
        case("lose", "20 change records never arrive", "lose=20")
            .comes_out("not-held", &["missing"])
            .counts("ledger.missing", 20)
            .counts("ledger.duplicates", 0),
        case(
            "duplicate",
            "20 change records arrive twice",
            "duplicate=20",
        )
        .comes_out("not-held", &["duplicates"])
        .all_seen()
        .counts("ledger.duplicates", 20),
        // One device, one shard, one item a call and one call at a time: then a record
        // that comes after a later one is a reading that does. (A service may write the
        // items of one batch in any order.)
        Case::new("fault-reorder", "10 change records change places", || {
            embedded(
                "--devices 1 -r 20/s --profile post -w 0s -d 3s --drain 3s --shards 1 \
                 --batch 1 -p 1 --fault reorder=10",
            )
        })
        .comes_out("held", &[])
        .all_seen()
        .counts("ledger.reordered", 10)
        .perhaps_cause("generator", &["all 1 batches in flight"])
        .perhaps_cause("target", &["slow: "])
        .counts("ledger.duplicates", 0),
        Case::new("fault-delay", "change records arrive 200 ms later", || {
            embedded(&format!("{RUN} --fault delay=200ms --poll-interval 200ms"))
        })
        .comes_out("held", &[])
        .all_seen()
        .check(|told| within(told, "latency.replication.p50", 0.19, 0.25)),
        Case::new(
            "late-not-lost",
            "one shard for twice what it takes, a drain of a second",
            || {
                embedded(
                    "--devices 500 -r 2000/s -w 0s -d 4s --drain 1s --shards 1 -p 32 \
                     --client direct --warm-throughput new",
                )
            },
        )
        .comes_out("not-held", &["late"])
        .perhaps_cause("reader", &["behind the stream's newest record"])
        .perhaps_cause("target", &["no capacity"])
        .perhaps_cause("target", &["slow: "])
        .says("--drain")
        .some("ledger.missing"),
    ]
}

/// What becomes of write calls.
fn of_writes() -> Vec<Case> {
    let mut cases = Vec::new();
    for client in CLIENTS {
        let case = |name: &str, injected, fault: &'static str| {
            Case::new(format!("fault-{name}/{client}"), injected, move || {
                embedded(&format!("{RUN} --client {client} --fault {fault}"))
            })
            .comes_out("held", &[])
            .all_seen()
        };
        cases.extend([
            case("throttle", "20 write calls are throttled", "throttle=20")
                .cause("target", &["no capacity for", "ThrottlingException"])
                .check(|told| throttled(told, "ThrottlingException", "calls", 20)),
            case(
                "unprocessed",
                "30 items come back unwritten",
                "unprocessed=30",
            )
            .cause("target", &["no capacity for 30 items", "UnprocessedItems"])
            .check(|told| throttled(told, "UnprocessedItems", "items", 30)),
            case(
                "disconnect",
                "10 connections close before a write",
                "disconnect=10",
            )
            .cause(
                "network",
                &["cut connections before the answer", " 10 calls"],
            ),
            case(
                "disconnect-after",
                "10 connections close after a write",
                "disconnect-after=10",
            )
            .cause(
                "network",
                &["cut connections before the answer", " 10 calls"],
            ),
            case("error", "10 write calls answer 500", "error=10").cause(
                "target",
                &["answered 10 calls with an error", "InternalServerError"],
            ),
            case(
                "error-html",
                "10 write calls answer a 500 page",
                "error-html=10",
            )
            .cause("target", &["answered 10 calls with an error", "http-500"]),
            case(
                "respond",
                "write calls are answered 100 ms later",
                "respond=100ms",
            )
            .check(|told| within(told, "latency.service.p50", 0.1, 0.5)),
            case("stall", "no answers for 1.5 s", "stall=1500ms@500ms")
                .cause("target", &["no call was answered for 1."])
                .check(|told| within(told, "latency.response.max", 0.9, 5.0)),
        ]);
    }
    cases.extend([
        Case::new(
            "slots-too-few",
            "2 batches in flight, calls of 100 ms",
            || {
                let words = "--devices 500 -r 2000/s -w 0s -d 3s --via none -p 2 --timeout 10s";
                embedded(&format!("{words} --fault respond=100ms"))
            },
        )
        .comes_out("not-held", &["cut-off"])
        .cause(
            "generator",
            &["all 2 batches in flight", "raise -p/--concurrency to "],
        )
        .check(
            |told| match told.result.as_ref().map(|of| &of["generator"]["limit"]) {
                Some(limit) if limit["what"].to_string().contains("all 2 batches") => Ok(()),
                limit => Err(format!("the generator's limit is {limit:?}")),
            },
        ),
        // A closed loop would report the few calls that were under way as late.
        Case::new(
            "stall-of-all",
            "no answers for a second, 2 batches in flight",
            || {
                embedded(
                    "--devices 500 -r 400/s -w 0s -d 4s --drain 5s -p 2 --client direct \
                     --fault stall=1s@1s --catch-up 4",
                )
            },
        )
        .comes_out("held", &[])
        .all_seen()
        .cause("target", &["no call was answered for "])
        .perhaps_cause("generator", &["catching up"])
        // A quarter of the readings were due during the stall, evenly: so a tenth of all
        // waited more than half a second.
        .check(|told| within(told, "latency.response.p90", 0.4, 60.0)),
    ]);
    cases
}

/// What the warm-up loses is told apart.
fn of_warm_up() -> Vec<Case> {
    let late_units = |client: &'static str| {
        move || {
            let local = server("--fault throttle=40");
            let words = "--devices 200 -r 500/s -w 300ms -d 2s --drain 5s -o - --client";
            play::all(local.client(&format!("{words} {client}")))
        }
    };
    let late_units = CLIENTS.map(|client| {
        // Refused in the warm-up, they are written by calls that measured readings fill up.
        Case::new(
            format!("fault-throttle-warm-up/{client}"),
            "40 write calls of the warm-up are throttled",
            late_units(client),
        )
        .comes_out("held", &[])
        .perhaps_cause("target", &["no capacity for"])
        .counts("ledger.failed", 0)
        .check(|told| {
            let [consumed, acknowledged] =
                ["capacity.consumed_units", "ledger.acknowledged"].map(|path| told.number(path));
            match consumed.is_some() && consumed == acknowledged {
                true => Ok(()),
                false => Err(format!("{consumed:?} units for {acknowledged:?} readings")),
            }
        })
    });
    let mut cases = Vec::from(late_units);
    cases.extend(of_lost_warm_up());
    cases
}

fn of_lost_warm_up() -> Vec<Case> {
    vec![
        Case::new(
            "fault-lose-counted",
            "20 records lost, counted after the warm-up",
            || embedded("--devices 200 -r 500/s -w 1s -d 2s --drain 2s --fault lose=20"),
        )
        .comes_out("not-held", &["missing"])
        .counts("ledger.missing", 20)
        .counts("ledger.warm_up.missing", 0),
        // Another process does not know where the warm-up ends.
        Case::new(
            "fault-lose-warm-up",
            "20 records of the warm-up lost",
            || {
                let local = server("--fault lose=20");
                let words = "--devices 200 -r 500/s -w 1s -d 1s --drain 2s --threshold lost=0 -o -";
                play::all(local.client(words))
            },
        )
        .comes_out("not-held", &["warm-up-missing"])
        .says("acknowledged in the warm-up never seen")
        .counts("ledger.missing", 0)
        .counts("ledger.warm_up.missing", 20),
    ]
}

fn within(told: &Told, path: &str, low: f64, high: f64) -> Result<(), String> {
    match told.number(path) {
        Some(number) if (low..=high).contains(&number) => Ok(()),
        number => Err(format!("{path} is {number:?} and not {low} to {high}")),
    }
}

/// Throttles of one exception, summed.
fn throttled(told: &Told, exception: &str, key: &str, expected: u64) -> Result<(), String> {
    let all = told
        .result
        .as_ref()
        .and_then(|of| of["throttles"].as_array());
    let of = all.into_iter().flatten();
    let of = of.filter(|of| of["exception"] == exception);
    let sum: u64 = of.filter_map(|of| of[key].as_u64()).sum();
    match sum == expected {
        true => Ok(()),
        false => Err(format!(
            "{sum} {key} were throttled by {exception}, not {expected}"
        )),
    }
}
