//! The embedded Kinesis and change data capture, through their public faces:
//! `Streams::call` with explicit time, `Capture`, and aws-sdk-kinesis.
#![allow(clippy::unwrap_used)]

mod account;
mod calls;
mod capture;
mod fan_out;
mod members;
mod records;
mod resharding;
mod sdk;
#[path = "../support/service_model.rs"]
mod service_model;
mod streams;
