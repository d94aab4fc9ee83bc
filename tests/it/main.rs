//! hrload as people run it: real processes, real HTTP, real files.
//!
//! One binary, since each links the whole program. `cargo test --test it -- NAME` runs the
//! tests of a file.

#[path = "../../crates/report/tests/report/case.rs"]
mod case;
mod support;

mod ab;
mod architecture;
mod cli;
mod connections;
mod dashboard;
mod diff;
mod examples;
mod lake;
mod live;
mod load;
mod modes;
mod outputs;
mod plan;
mod put_records;
mod reach;
mod reports;
mod run;
mod run_lake;
mod secrets;
mod servers;
mod setup;
mod shown;
mod sweep;
mod table_stream;
mod thresholds;
mod trend;
mod walkthrough;
