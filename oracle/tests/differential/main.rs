//! Every request here goes to both engines, and both must answer the same:
//! status, error type and body. What differs on purpose stands in `accepted`.

#![allow(clippy::unwrap_used)]

mod accepted;
mod batches;
mod generated;
mod items;
mod malformed;
mod queries;
mod support;
mod tables;
