//! `hrload query`: SQL over a lake, through the real binary.

#![allow(clippy::unwrap_used)]

mod athena;
mod errors;
mod lakes;
mod output;
mod seed;
#[path = "../support/mod.rs"]
mod support;
mod views;
mod world;
