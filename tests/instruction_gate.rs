//! What the instruction counts' gate lets through and what it does not.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)] // the benchmark uses the rest
#[path = "../benches/instructions/baseline.rs"]
mod baseline;

use baseline::{Baseline, Environment, Verdict};

fn kind(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::New => "new",
        Verdict::Same(_) => "same",
        Verdict::Shrunk(_) => "shrunk",
        Verdict::Grown(_) => "grown",
    }
}

#[test]
fn a_function_may_grow_by_two_in_a_hundred_and_shrink_at_will() {
    for (count, before, expected) in [
        (1_000.0, None, "new"),
        (1_000.0, Some(1_000.0), "same"),
        (1_019.9, Some(1_000.0), "same"),
        (1_020.1, Some(1_000.0), "grown"),
        (5_000.0, Some(1_000.0), "grown"),
        (980.1, Some(1_000.0), "same"),
        (979.9, Some(1_000.0), "shrunk"),
        (0.0, Some(1_000.0), "shrunk"),
    ] {
        let found = kind(Verdict::of(count, before));
        assert_eq!(found, expected, "{count} beside {before:?}");
    }
}

/// The file in the repository, as a run of the benchmark reads it.
fn kept() -> Baseline {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/results/baseline/instructions.json"
    );
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

#[test]
fn the_baseline_says_where_it_was_counted() {
    let Environment { rustc, target, .. } = kept().environment;
    assert!(rustc.starts_with("1."), "{rustc}");
    assert!(target.contains('-'), "{target}");
    let counts = kept().instructions_per_call;
    assert!(counts.values().all(|count| *count > 0.0), "{counts:?}");
}

#[test]
fn every_difference_of_the_surroundings_is_named() {
    let there = kept().environment;
    assert_eq!(there.differences(&there), [""; 0]);
    let here = Environment {
        valgrind: "valgrind-0.1".to_owned(),
        cpu_features: vec!["abacus".to_owned()],
        ..there.clone()
    };
    let found = here.differences(&there);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("valgrind: \"valgrind-0.1\" here"));
    assert!(found[1].starts_with("CPU features: \"abacus\" here"));
}
