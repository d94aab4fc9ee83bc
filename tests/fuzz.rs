//! Inputs that fuzzing has kept, each held to the law of its target: what libFuzzer has
//! found stays found, on any toolchain.

#![allow(clippy::unwrap_used, unreachable_pub)]

#[path = "../fuzz/src/laws/mod.rs"]
mod laws;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::thread;

const FUZZ: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz");
/// Files a target, and bytes of all: what a person can still look through.
const MOST_FILES: usize = 60;
const MOST_BYTES: u64 = 400_000;

fn files(folder: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<_> = listed.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_kept_input_is_held_to_the_law_of_its_target() {
    let broken: Vec<String> = thread::scope(|scope| {
        let targets = laws::ALL.map(|(target, _)| scope.spawn(move || broken(target)));
        let broken = targets.into_iter().flat_map(|of| of.join().unwrap());
        broken.collect()
    });
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// The inputs that break the law of a target, and how.
fn broken(target: &str) -> Vec<String> {
    let inputs = files(&Path::new(FUZZ).join("corpus").join(target));
    assert!(!inputs.is_empty(), "{target} has no inputs");
    let broken = inputs.iter().filter_map(|input| {
        let data = fs::read(input).unwrap();
        let why = catch_unwind(|| laws::hold(target, &data)).err()?;
        let words = why.downcast_ref::<String>().cloned();
        let words = words.or_else(|| why.downcast_ref::<&str>().map(|of| (*of).into()));
        let input = input.strip_prefix(FUZZ).unwrap().display();
        Some(format!("{input}: {}", words.unwrap_or_default()))
    });
    broken.collect()
}

#[test]
fn inputs_of_tables_streams_read_records() {
    let read = |input: &str| {
        let input = Path::new(FUZZ).join("corpus/dynamodb_streams").join(input);
        let before = laws::table_stream_records();
        laws::hold("dynamodb_streams", &fs::read(input).unwrap());
        laws::table_stream_records() - before
    };
    // Other tests of this process may read beside it.
    for (input, records) in [("read", 3), ("from_a_time", 6), ("from_numbers", 4)] {
        let came = read(input);
        assert!(came >= records, "{input}: {came} records");
    }
}

#[test]
fn every_target_has_a_program_and_inputs_and_they_are_few() {
    let mut bytes = 0;
    let folders = [("fuzz_targets", ".rs"), ("corpus", "")];
    for (folder, ending) in folders {
        let there = files(&Path::new(FUZZ).join(folder));
        let there = there
            .iter()
            .map(|of| of.file_name().unwrap().to_str().unwrap());
        let expected = laws::ALL.map(|(target, _)| format!("{target}{ending}"));
        assert_eq!(there.collect::<Vec<_>>(), expected);
    }
    let manifest = fs::read_to_string(Path::new(FUZZ).join("Cargo.toml")).unwrap();
    for (target, _) in laws::ALL {
        assert!(
            manifest.contains(&format!("name = \"{target}\"")),
            "{target}"
        );
        let inputs = files(&Path::new(FUZZ).join("corpus").join(target));
        assert!(
            inputs.len() <= MOST_FILES,
            "{target}: {} inputs",
            inputs.len()
        );
        let sizes = inputs
            .iter()
            .map(|input| fs::metadata(input).unwrap().len());
        bytes += sizes.sum::<u64>();
    }
    assert!(bytes <= MOST_BYTES, "{bytes} bytes of inputs");
}
