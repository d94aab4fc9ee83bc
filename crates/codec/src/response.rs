//! What DynamoDB and Kinesis answer, as far as a load generator looks.

use super::identity::Identity;
use super::scan::{Raw, Scanner, unescape};
use super::{DecodeError, Layout};
use hrload_workload::ReadingId;

/// The answer to a BatchWriteItem call that was carried out at least in part.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BatchReply {
    /// Write units consumed, summed over tables; `None` where the server does not say.
    pub consumed_units: Option<f64>,
    /// The readings that were not written (`UnprocessedItems`).
    pub unprocessed: Vec<ReadingId>,
}

/// An error answer: exception, message and throttling reasons.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceError {
    /// Exception name without its namespace (`ThrottlingException`); empty if
    /// the body names none (an HTML page, say).
    pub exception: String,
    /// The service's message; empty if it gives none.
    pub message: String,
    /// `ThrottlingReasons[].reason`, whichever case the key is in.
    pub reasons: Vec<String>,
}

/// Reads the body of a 200 answer to BatchWriteItem into `reply`, which is
/// cleared first and reused, so that the usual answer costs no allocation.
///
/// # Errors
/// The body is not a BatchWriteItem answer, or names an item that has not the layout.
/// Every answer has `UnprocessedItems`, an empty object where all was written
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html>):
/// one that has not, or null for it, does not say what was written.
pub fn decode_batch(
    body: &[u8],
    layout: Layout,
    reply: &mut BatchReply,
) -> Result<(), DecodeError> {
    reply.consumed_units = None;
    reply.unprocessed.clear();
    let mut is_answer = false;
    let mut scanner = Scanner::new(body);
    scanner.object(|scanner, name| match name {
        b"UnprocessedItems" => {
            is_answer = true;
            unprocessed(scanner, layout, &mut reply.unprocessed)
        }
        b"ConsumedCapacity" => consumed(scanner, &mut reply.consumed_units),
        _ => scanner.skip().map(drop),
    })?;
    scanner.finish()?;
    if is_answer {
        Ok(())
    } else {
        Err(scanner.error("UnprocessedItems"))
    }
}

/// `{"table":[{"PutRequest":{"Item":{...}}},...],...}`.
fn unprocessed(
    scanner: &mut Scanner<'_>,
    layout: Layout,
    readings: &mut Vec<ReadingId>,
) -> Result<(), DecodeError> {
    scanner.object(|scanner, _table| {
        scanner.array(|scanner| {
            let mut reading = None;
            scanner.object(|scanner, request| {
                if request != b"PutRequest" || scanner.peek() != Some(b'{') {
                    return scanner.skip().map(drop); // SDKs write `"DeleteRequest":null`
                }
                scanner.object(|scanner, name| {
                    if name != b"Item" {
                        return scanner.skip().map(drop);
                    }
                    let item = Identity::scan(scanner)?;
                    reading = match layout {
                        Layout::Post | Layout::Fhir => item.by_id(),
                        Layout::TimeSeries => item.by_time(),
                    };
                    Ok(())
                })
            })?;
            readings.push(reading.ok_or_else(|| scanner.error("a reading put in this layout"))?);
            Ok(())
        })
    })
}

/// `[{"TableName":"t","CapacityUnits":25.0,...},...]` or null, as AWS's SDK has it.
fn consumed(scanner: &mut Scanner<'_>, units: &mut Option<f64>) -> Result<(), DecodeError> {
    if scanner.peek() == Some(b'n') {
        return scanner.skip().map(drop);
    }
    scanner.array(|scanner| consumed_of_table(scanner, units))
}

fn consumed_of_table(
    scanner: &mut Scanner<'_>,
    units: &mut Option<f64>,
) -> Result<(), DecodeError> {
    scanner.object(|scanner, name| {
        if name != b"CapacityUnits" || scanner.peek() == Some(b'n') {
            return scanner.skip().map(drop);
        }
        let table_units: f64 = std::str::from_utf8(scanner.number()?)
            .ok()
            .and_then(|decimal| decimal.parse().ok())
            .filter(|units| *units >= 0.0)
            .ok_or_else(|| scanner.error("capacity units"))?;
        let sum = units.unwrap_or(0.0) + table_units;
        if !sum.is_finite() {
            return Err(scanner.error("capacity units"));
        }
        *units = Some(sum);
        Ok(())
    })
}

/// Reads the body of an error answer. Never fails: what cannot be read stays empty.
#[must_use]
pub fn decode_error(body: &[u8]) -> ServiceError {
    let mut error = ServiceError::default();
    // Fields read before a malformed one are worth keeping.
    let _ = Scanner::new(body).object(|scanner, name| {
        match (name, scanner.peek()) {
            (b"__type", Some(b'"')) => error.exception = exception_name(scanner.string()?),
            (b"message" | b"Message", Some(b'"')) => error.message = unescape(scanner.string()?),
            (b"ThrottlingReasons" | b"throttlingReasons", Some(b'[')) => {
                throttling_reasons(scanner, &mut error.reasons)?;
            }
            _ => {
                scanner.skip()?;
            }
        }
        Ok(())
    });
    error
}

/// `com.amazonaws.dynamodb.v20120810#Name`, or with `:` and an address behind
/// it, is `Name`
/// (<https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html#operation-error-serialization>).
fn exception_name(raw: Raw<'_>) -> String {
    let name = unescape(raw);
    let name = name.split(':').next().unwrap_or_default();
    name.rsplit('#').next().unwrap_or_default().to_owned()
}

fn throttling_reasons(
    scanner: &mut Scanner<'_>,
    reasons: &mut Vec<String>,
) -> Result<(), DecodeError> {
    scanner.array(|scanner| {
        if scanner.peek() != Some(b'{') {
            return scanner.skip().map(drop);
        }
        scanner.object(|scanner, name| {
            if name == b"reason" && scanner.peek() == Some(b'"') {
                reasons.push(unescape(scanner.string()?));
                return Ok(());
            }
            scanner.skip().map(drop)
        })
    })
}
