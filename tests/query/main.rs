//! `hrload query`: SQL over a lake, through the real binary.

#![allow(clippy::unwrap_used)]

mod athena;
mod errors;
mod functions;
mod lakes;
mod meanings;
mod output;
mod post;
mod semantics;
#[path = "../it/support/mod.rs"]
mod support;
mod views;
mod world;
