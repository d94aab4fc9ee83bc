//! From a change record as it lies in the log, which is one of a Kinesis stream, to one
//! of DynamoDB Streams.
//!
//! They differ: no table name and no record format, but a version, a sequence number
//! and the kind of view; creation times in whole seconds
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html>).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Captured<'a> {
    aws_region: &'a str,
    #[serde(rename = "eventID")]
    event_id: &'a str,
    event_name: &'a str,
    #[serde(borrow)]
    dynamodb: CapturedChange<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CapturedChange<'a> {
    /// Milliseconds: links into logs have no precision of their own.
    approximate_creation_date_time: u64,
    #[serde(borrow)]
    keys: &'a RawValue,
    #[serde(borrow)]
    new_image: Option<&'a RawValue>,
    #[serde(borrow)]
    old_image: Option<&'a RawValue>,
    size_bytes: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    aws_region: &'a str,
    dynamodb: Change<'a>,
    #[serde(rename = "eventID")]
    event_id: String,
    event_name: &'a str,
    event_source: &'static str,
    event_version: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Change<'a> {
    approximate_creation_date_time: u64,
    keys: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_image: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_image: Option<&'a RawValue>,
    sequence_number: String,
    size_bytes: u64,
    stream_view_type: &'static str,
}

/// When the change was made, in milliseconds since the Unix epoch.
pub(super) fn created_ms(captured: &[u8]) -> Option<u64> {
    let captured: Captured<'_> = serde_json::from_slice(captured).ok()?;
    Some(captured.dynamodb.approximate_creation_date_time)
}

/// Appends the record to `out`.
pub(super) fn write(
    out: &mut Vec<u8>,
    captured: &[u8],
    sequence_number: String,
    view: &'static str,
) -> serde_json::Result<()> {
    let captured: Captured<'_> = serde_json::from_slice(captured)?;
    let change = captured.dynamodb;
    let record = Record {
        aws_region: captured.aws_region,
        dynamodb: Change {
            approximate_creation_date_time: change.approximate_creation_date_time / 1000,
            keys: change.keys,
            new_image: change.new_image,
            old_image: change.old_image,
            sequence_number,
            size_bytes: change.size_bytes,
            stream_view_type: view,
        },
        // Here it is 32 digits, there a UUID.
        event_id: captured.event_id.replace('-', ""),
        event_name: captured.event_name,
        event_source: "aws:dynamodb",
        event_version: "1.1",
    };
    serde_json::to_writer(out, &record)
}
