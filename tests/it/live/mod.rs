//! What can be seen of a run while it runs: metrics that are scraped or sent,
//! and the full-screen view with its keys; and what is asked before it.
#![allow(clippy::unwrap_used)]

mod asked;
mod full_screen;
mod hang_up;
mod http;
mod scraped;
mod sent;
mod terminal;
