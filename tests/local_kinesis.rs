//! The embedded Kinesis and change data capture, through their public faces:
//! `Streams::call` with explicit time, `Capture`, and aws-sdk-kinesis.
#![allow(clippy::unwrap_used)]

#[path = "local_kinesis/account.rs"]
mod account;
#[path = "local_kinesis/calls.rs"]
mod calls;
#[path = "local_kinesis/capture.rs"]
mod capture;
#[path = "local_kinesis/fan_out.rs"]
mod fan_out;
#[path = "local_kinesis/members.rs"]
mod members;
#[path = "local_kinesis/records.rs"]
mod records;
#[path = "local_kinesis/resharding.rs"]
mod resharding;
#[path = "local_kinesis/sdk.rs"]
mod sdk;
#[path = "support/service_model.rs"]
mod service_model;
#[path = "local_kinesis/streams.rs"]
mod streams;
