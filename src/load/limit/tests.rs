#![allow(clippy::unwrap_used)]

use super::*;
use crate::measure::Latency;
use crate::trouble::Trouble;

/// Answers with this service time without contention, and this one of the
/// calls that held slots.
fn answers(base_us: i64, holder_us: u64, silence_us: u64) -> Answers {
    let mut uncontended = Latency::default();
    for _ in 0..100 {
        uncontended.record(base_us);
    }
    let mut answers = Answers {
        uncontended,
        longest_silence_us: silence_us,
        ..Answers::default()
    };
    if holder_us > 0 {
        answers.held(holder_us);
    }
    answers
}

fn fine() -> Evidence {
    Evidence {
        elapsed_us: 30_000_000,
        workers: 2,
        processors: 4,
        pacing_p99_us: 1_500,
        busiest_cpu_us: 10_000_000,
        limits: Limits::default(),
        client: ClientKind::Sdk,
        slots: 64,
        calls_per_s: 200.0,
        answers: answers(4_000, 0, 20_000),
        troubles: Troubles::default(),
        backlog: 50_000,
    }
}

fn bound(bound_us: u64) -> Limits {
    Limits {
        slots_bound_us: bound_us,
        ..Limits::default()
    }
}

fn troubles(obstacle: Obstacle, words: &str, calls: u64) -> Troubles {
    let mut troubles = Troubles::default();
    for _ in 0..calls {
        troubles.note(&Trouble {
            obstacle,
            words: words.to_owned(),
        });
    }
    troubles
}

#[test]
fn a_thread_that_hardly_lived_is_not_said_to_be_short_of_cpu() {
    let evidence = |elapsed_us: u64| Evidence {
        elapsed_us,
        busiest_cpu_us: elapsed_us,
        ..fine()
    };
    let told = |elapsed_us: u64| {
        let findings = judge(&evidence(elapsed_us));
        findings.iter().any(|of| of.what.contains("out of CPU"))
    };
    assert!(!told(20_000));
    assert!(told(5_000_000));
}

#[test]
fn each_cause_is_told_with_whose_it_is_and_what_to_do() {
    const BOUND: u64 = 2_000_000;
    /// Whose a cause is, and a piece of what is told of it and advised.
    type Told = (Whose, &'static str, &'static str);
    let cases: Vec<(&str, Evidence, Vec<Told>)> = vec![
        ("nothing", fine(), vec![]),
        (
            "slots too few for the service time",
            Evidence {
                limits: bound(BOUND),
                slots: 2,
                calls_per_s: 80.0,
                answers: answers(200_000, 210_000, 210_000),
                ..fine()
            },
            vec![(Whose::Generator, "all 2 batches in flight", "to 20")],
        ),
        (
            "slots for a moment",
            Evidence {
                limits: bound(500_000),
                slots: 2,
                ..fine()
            },
            vec![],
        ),
        (
            "slots taken by a burst",
            Evidence {
                limits: bound(BOUND),
                answers: answers(4_000, 5_000, 20_000),
                ..fine()
            },
            vec![(Whose::Generator, "due at once", "-p/--concurrency")],
        ),
        (
            "a target that got slower under load",
            Evidence {
                limits: bound(BOUND),
                answers: answers(4_000, 400_000, 30_000),
                pacing_p99_us: 900_000,
                ..fine()
            },
            vec![(
                Whose::Target,
                "took 400 ms, where a call takes 4",
                "target's load",
            )],
        ),
        (
            "a target that stalled, and the catching up after it",
            Evidence {
                limits: Limits {
                    catch_up_bound_us: 8_000_000,
                    recovering_us: 8_000_000,
                    ..bound(BOUND)
                },
                answers: answers(4_000, 3_900_000, 4_000_000),
                pacing_p99_us: 3_900_000,
                ..fine()
            },
            vec![(
                Whose::Target,
                "no call was answered for 4",
                "the target did then",
            )],
        ),
        (
            "cpu with the sdk",
            Evidence {
                busiest_cpu_us: 29_000_000,
                limits: bound(BOUND),
                ..fine()
            },
            vec![(
                Whose::Generator,
                "out of CPU",
                "use --client direct, or raise -t/--threads, or use a larger",
            )],
        ),
        (
            "cpu with direct on all processors",
            Evidence {
                busiest_cpu_us: 29_000_000,
                workers: 4,
                client: ClientKind::Direct,
                ..fine()
            },
            vec![(
                Whose::Generator,
                "out of CPU",
                "use a larger or less busy machine",
            )],
        ),
        (
            "units, and catching up of its own",
            Evidence {
                limits: Limits {
                    catch_up_bound_us: BOUND,
                    write_units_bound_us: BOUND,
                    ..Limits::default()
                },
                pacing_p99_us: 20_000,
                ..fine()
            },
            vec![
                (Whose::Generator, "write units", "--max-write-units"),
                (Whose::Generator, "catching up", "--catch-up"),
            ],
        ),
        (
            "more at once than may wait",
            Evidence {
                limits: Limits {
                    overflowed: 7,
                    ..Limits::default()
                },
                ..fine()
            },
            vec![(
                Whose::Generator,
                "7 readings more were due at once",
                "--backlog",
            )],
        ),
        (
            "a machine that wakes late",
            Evidence {
                limits: Limits {
                    late_us: BOUND,
                    ..Limits::default()
                },
                pacing_p99_us: 20_000,
                ..fine()
            },
            vec![(Whose::Generator, "woke the load threads late", "machine")],
        ),
        (
            "a machine that wakes late for less than a stall lasts",
            Evidence {
                limits: Limits {
                    late_us: 1_000_000,
                    ..bound(BOUND)
                },
                answers: answers(4_000, 3_900_000, 4_000_000),
                pacing_p99_us: 3_900_000,
                ..fine()
            },
            vec![(
                Whose::Target,
                "no call was answered for 4",
                "the target did then",
            )],
        ),
        (
            "late, and nothing seen",
            Evidence {
                pacing_p99_us: 20_000,
                ..fine()
            },
            vec![],
        ),
        (
            "timers and a ceiling that made no batch late",
            Evidence {
                limits: Limits {
                    catch_up_bound_us: BOUND,
                    late_us: BOUND * 2,
                    ..Limits::default()
                },
                ..fine()
            },
            vec![],
        ),
        (
            "file handles",
            Evidence {
                troubles: troubles(Obstacle::OpenFiles, "Too many open files (os error 24)", 3),
                limits: bound(BOUND),
                answers: answers(1_000_000, 1_000_000, 1_000_000),
                slots: 400,
                calls_per_s: 160.0,
                pacing_p99_us: 20_000,
                ..fine()
            },
            vec![
                (
                    Whose::Generator,
                    "out of file handles: Too many open files (os error 24), in 3 calls",
                    "ulimit -n",
                ),
                (Whose::Generator, "due at once", "-p"),
            ],
        ),
        (
            "ports",
            Evidence {
                troubles: troubles(Obstacle::Ports, "Cannot assign requested address", 1),
                ..fine()
            },
            vec![(
                Whose::Generator,
                "Cannot assign requested address, in 1 call",
                "ip_local_port_range",
            )],
        ),
        (
            "nobody listens",
            Evidence {
                troubles: troubles(Obstacle::Refused, "Connection refused", 9),
                ..fine()
            },
            vec![(
                Whose::Target,
                "Connection refused, in 9 calls",
                "target runs",
            )],
        ),
        (
            "no answer",
            Evidence {
                troubles: troubles(Obstacle::Silent, "no answer in time", 2),
                ..fine()
            },
            vec![(Whose::Target, "did not answer in time", "--timeout")],
        ),
        (
            "resets",
            Evidence {
                troubles: troubles(Obstacle::Cut, "Connection reset by peer", 2),
                ..fine()
            },
            vec![(
                Whose::Network,
                "Connection reset by peer, in 2 calls",
                "proxies",
            )],
        ),
        (
            "no way",
            Evidence {
                troubles: troubles(Obstacle::Unreachable, "Network is unreachable", 2),
                ..fine()
            },
            vec![(Whose::Network, "Network is unreachable", "routes")],
        ),
        (
            "no such name",
            Evidence {
                troubles: troubles(Obstacle::Name, "Name or service not known", 2),
                ..fine()
            },
            vec![(Whose::Network, "Name or service not known", "resolver")],
        ),
        (
            "a certificate that nobody knows",
            Evidence {
                troubles: troubles(Obstacle::Tls, "invalid peer certificate: UnknownIssuer", 2),
                ..fine()
            },
            vec![(Whose::Network, "UnknownIssuer", "certificates")],
        ),
    ];
    for (name, evidence, expected) in cases {
        let findings = judge(&evidence);
        assert_eq!(findings.len(), expected.len(), "{name}: {findings:#?}");
        for (finding, (whose, what, advice)) in findings.iter().zip(expected) {
            assert_eq!(finding.whose, whose, "{name}: {finding:?}");
            assert!(finding.what.contains(what), "{name}: {finding:?}");
            assert!(finding.advice.contains(advice), "{name}: {finding:?}");
        }
    }
}
