//! Bad weather, by name: each case injects one trouble into a run, a delivery or a
//! dashboard, and says what must be told of it. The cases are in `cases/`.
//!
//! `cargo test --test chaos` plays the short ones, as tests. `scripts/chaos` plays all
//! of them and prints what was injected and what was told, as a table.

#![allow(clippy::unwrap_used)]

mod case;
mod cases;
mod play;
#[path = "../it/support/mod.rs"]
mod support;
mod table;
mod told;
mod wire;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// Cases wait more than they work, so that more of them go at a time than there are
/// processors.
const AT_A_TIME: usize = 8;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() == Some("--table") {
        return table::main(cases::all(), words.collect(), AT_A_TIME);
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_A_TIME);
    let trials = cases::all().into_iter().map(|case| {
        let (name, long) = (case.name.clone(), case.long);
        let play = move || match case.play().differs {
            differs if differs.is_empty() => Ok(()),
            differs => Err(differs.join("\n").into()),
        };
        Trial::test(name, play).with_ignored_flag(long)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
