//! Records that were not transformed or not converted, in Firehose's JSON
//! (<https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html>).
//! The guide names the fields, but neither the types of counts and times
//! (numbers here) nor the error codes, which are not verified.

use serde::{Deserialize, Serialize};

/// Why a record was not transformed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Firehose's error code.
    pub code: &'static str,
    /// In words.
    pub message: String,
    /// How often it was tried.
    pub attempts: u32,
}

/// A line of an object under `processing-failed/` or `format-conversion-failed/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedRecord {
    /// How often it was tried.
    pub attempts_made: u32,
    /// When the record arrived in the stream, in milliseconds since the Unix epoch.
    pub arrival_timestamp: u64,
    /// Firehose's error code.
    pub error_code: String,
    /// In words.
    pub error_message: String,
    /// When the last attempt ended, in milliseconds since the Unix epoch.
    pub attempt_ending_timestamp: u64,
    /// The record as it came, in base64.
    pub raw_data: String,
    /// The transform: the Lambda's ARN at Firehose, here the command's name or
    /// the built-in transform's.
    pub lambda_arn: String,
}

impl FailedRecord {
    /// A record's data that `who` could not make anything of.
    pub(super) fn new(data: &[u8], arrived_us: u64, cause: &Cause, who: &str, now_us: u64) -> Self {
        Self {
            attempts_made: cause.attempts,
            arrival_timestamp: arrived_us / 1_000,
            error_code: cause.code.to_owned(),
            error_message: cause.message.clone(),
            attempt_ending_timestamp: now_us / 1_000,
            raw_data: base64_simd::STANDARD.encode_to_string(data),
            lambda_arn: who.to_owned(),
        }
    }

    /// Appends it to an object, as a line.
    pub(super) fn write(&self, object: &mut Vec<u8>) {
        // Writing strings and numbers to memory does not fail.
        if serde_json::to_writer(&mut *object, self).is_ok() {
            object.push(b'\n');
        }
    }
}

/// Data of the records in an object of failed ones, as they came.
pub fn failed_data(object: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let lines = object.split(|byte| *byte == b'\n');
    lines.filter_map(|line| {
        let record: FailedRecord = serde_json::from_slice(line).ok()?;
        base64_simd::STANDARD.decode_to_vec(record.raw_data).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_of_failed_records_is_read_as_it_came() {
        let cause = Cause {
            code: "Lambda.ProcessingFailedStatus",
            message: "it \"failed\"\n".to_owned(),
            attempts: 1,
        };
        let all = [&b"\xff\n{}"[..], b"", b"{\"n\":1}\n"];
        let mut object = Vec::new();
        for data in all {
            FailedRecord::new(data, 1, &cause, "who", 2).write(&mut object);
        }
        assert_eq!(failed_data(&object).collect::<Vec<_>>(), all);
    }
}
