//! `hrload deliver`, as a person runs it, against the embedded services.

#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod delivery;
mod faults;
mod killed;
mod parquet;
mod world;
