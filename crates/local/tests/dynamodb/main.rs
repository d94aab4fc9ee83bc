//! The embedded DynamoDB: through the AWS SDK and raw HTTP, and operation by
//! operation with the time as an argument.
#![allow(clippy::unwrap_used)]

mod compressed;
mod direct;
mod faults;
mod front;
mod http;
mod items;
mod large;
mod members;
mod names;
mod refusals;
mod sdk;
mod streams;
mod tables;

#[path = "../support/service_model.rs"]
mod service_model;
