//! Records become the body of an object: by a built-in transform, or by a
//! command that is asked as Firehose asks a Lambda.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use super::buffer::{Record, Records};
use super::failed::{Cause, FailedRecord};
use crate::codec::transform::{self, Answer, Answers, Mismatch, Status};

/// How often a command is asked: once, and three times again
/// (<https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html>).
const ATTEMPTS: u32 = 4;
/// Wait before the first of them; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The most that a command is asked or may answer, in bytes: Lambda's limit for
/// a synchronous invocation.
const PAYLOAD_BYTES: usize = 6 << 20;
/// Bytes of records in one question: Firehose's default buffer for a Lambda.
const QUESTION_BYTES: usize = 1 << 20;

/// A person's own transform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// A program: the event on standard input, the answer on standard output.
    pub program: PathBuf,
    /// How long one question may take.
    pub timeout: Duration,
}

/// What is done to records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transform {
    /// Nothing: records stand one behind the other.
    None,
    /// A newline after each; what is not UTF-8 fails.
    Newline,
    /// Whatever the command does.
    Command(Command),
}

/// The bodies of the objects of one buffer.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Transformed {
    /// Transformed records, each with the delimiter behind it.
    pub body: Vec<u8>,
    /// Records in it.
    pub ok: u64,
    /// Records that the transform left out.
    pub dropped: u64,
    /// Records that failed, as lines of Firehose's JSON.
    pub failed_body: Vec<u8>,
    /// Records in that.
    pub failed: u64,
    /// Records that have no place in the object's format, in the same way.
    pub unconverted_body: Vec<u8>,
    /// Records in that.
    pub unconverted: u64,
    /// Where each transformed record ends in the body, and when it arrived.
    parts: Vec<(usize, u64)>,
}

impl Transformed {
    /// The transformed records, while the body is still their text: each with its
    /// delimiter, and when it arrived in the stream.
    #[cfg(feature = "sql")]
    pub(super) fn records(&self) -> impl Iterator<Item = (&[u8], u64)> + Clone {
        let starts = std::iter::once(0).chain(self.parts.iter().map(|(end, _)| *end));
        let parts = starts.zip(&self.parts);
        parts.map(|(start, (end, arrived_us))| (&self.body[start..*end], *arrived_us))
    }

    fn end_record(&mut self, arrived_us: u64, delimiter: &[u8]) {
        self.body.extend_from_slice(delimiter);
        self.parts.push((self.body.len(), arrived_us));
        self.ok += 1;
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Question<'a> {
    invocation_id: String,
    source_kinesis_stream_arn: String,
    delivery_stream_arn: String,
    region: &'a str,
    records: Vec<QuestionRecord<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QuestionRecord<'a> {
    record_id: &'a str,
    approximate_arrival_timestamp: u64,
    data: String,
    kinesis_record_metadata: Metadata<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    sequence_number: &'a str,
    subsequence_number: &'a str,
    approximate_arrival_timestamp: u64,
}

impl Transform {
    /// What is done here and not by a command, at once. `now_us` tells the time
    /// after the fact, for failed records.
    #[must_use]
    pub fn built_in(&self, records: &Records, delimiter: &[u8], now_us: u64) -> Transformed {
        let mut out = room(records, delimiter);
        for record in records.iter() {
            self.one(record, delimiter, now_us, &mut out);
        }
        out
    }

    fn one(&self, record: Record<'_>, delimiter: &[u8], now_us: u64, out: &mut Transformed) {
        if *self == Transform::None {
            out.body.extend_from_slice(record.data);
        } else if !transform::newline(record.data, &mut out.body) {
            let cause = Cause {
                code: "Lambda.ProcessingFailedStatus",
                message: "the record is not UTF-8".to_owned(),
                attempts: 1,
            };
            fail(record, &cause, "hrload:newline", now_us, out);
            return;
        }
        out.end_record(record.arrived_us, delimiter);
    }
}

/// A byte or a delimiter more for each: the body is not moved while it grows.
fn room(records: &Records, delimiter: &[u8]) -> Transformed {
    let bytes = records.data_bytes() as usize + records.len() * (1 + delimiter.len());
    Transformed {
        body: Vec::with_capacity(bytes),
        parts: Vec::with_capacity(records.len()),
        ..Transformed::default()
    }
}

impl Command {
    /// Asks about records, a megabyte at a time. `now_us` tells the time after
    /// the fact, for failed records.
    pub async fn apply(
        &self,
        records: &Records,
        delimiter: &[u8],
        stream: &str,
        now_us: impl Fn() -> u64,
    ) -> Transformed {
        let mut out = room(records, delimiter);
        let mut question: Vec<Record<'_>> = Vec::new();
        let mut bytes = 0;
        for record in records.iter() {
            if bytes + record.data.len() > QUESTION_BYTES && !question.is_empty() {
                ask(self, &question, delimiter, stream, &now_us, &mut out).await;
                question.clear();
                bytes = 0;
            }
            bytes += record.data.len();
            question.push(record);
        }
        if !question.is_empty() {
            ask(self, &question, delimiter, stream, &now_us, &mut out).await;
        }
        out
    }
}

fn fail(record: Record<'_>, cause: &Cause, who: &str, now_us: u64, out: &mut Transformed) {
    FailedRecord::new(record.data, record.arrived_us, cause, who, now_us)
        .write(&mut out.failed_body);
    out.failed += 1;
}

/// Asks about some records, again and again if it must, and takes in the answer.
async fn ask(
    command: &Command,
    records: &[Record<'_>],
    delimiter: &[u8],
    stream: &str,
    now_us: &impl Fn() -> u64,
    out: &mut Transformed,
) {
    let who = command.program.display().to_string();
    // Firehose's ids end in a subsequence number, zero for plain records; the
    // place in the question keeps them apart across shards.
    let ids: Vec<String> = (records.iter().enumerate())
        .map(|(at, record)| format!("{}{at:06}", record.sequence_number))
        .collect();
    let question = question(records, &ids, stream);
    let mut attempt = 1;
    let answers = loop {
        let asked = match attempt_once(command, &question).await {
            Ok(answers) => answers.in_order(&ids).map_err(|mismatch| {
                let code = match mismatch {
                    Mismatch::MissingRecordId(_) => "Lambda.MissingRecordId",
                    Mismatch::DuplicatedRecordId(_) => "Lambda.DuplicatedRecordId",
                };
                (code, mismatch.to_string())
            }),
            Err(failure) => Err(failure),
        };
        match asked {
            Ok(answers) => break answers,
            Err(_) if attempt < ATTEMPTS => {
                sleep(FIRST_WAIT * (1 << (attempt - 1))).await;
                attempt += 1;
            }
            Err((code, message)) => {
                let cause = Cause {
                    code,
                    message,
                    attempts: attempt,
                };
                for record in records {
                    fail(*record, &cause, &who, now_us(), out);
                }
                return;
            }
        }
    };
    for (record, answer) in records.iter().zip(answers) {
        take(*record, answer, delimiter, attempt, &who, now_us, out);
    }
}

fn take(
    record: Record<'_>,
    answer: Answer,
    delimiter: &[u8],
    attempts: u32,
    who: &str,
    now_us: &impl Fn() -> u64,
    out: &mut Transformed,
) {
    let message = match answer.result {
        Status::Dropped => {
            out.dropped += 1;
            return;
        }
        Status::ProcessingFailed => "the transform marked the record ProcessingFailed",
        Status::Ok => {
            let encoded = answer.data.unwrap_or_default();
            if let Ok(data) = base64_simd::STANDARD.decode_to_vec(encoded) {
                out.body.extend_from_slice(&data);
                out.end_record(record.arrived_us, delimiter);
                return;
            }
            "the transform's data is not base64"
        }
    };
    let cause = Cause {
        code: "Lambda.ProcessingFailedStatus",
        message: message.to_owned(),
        attempts,
    };
    fail(record, &cause, who, now_us(), out);
}

fn question(records: &[Record<'_>], ids: &[String], stream: &str) -> Vec<u8> {
    let records = records.iter().zip(ids).map(|(record, id)| QuestionRecord {
        record_id: id,
        approximate_arrival_timestamp: record.arrived_us / 1_000,
        data: base64_simd::STANDARD.encode_to_string(record.data),
        kinesis_record_metadata: Metadata {
            sequence_number: record.sequence_number,
            subsequence_number: "0",
            approximate_arrival_timestamp: record.arrived_us / 1_000,
        },
    });
    let question = Question {
        invocation_id: uuid::Uuid::new_v4().to_string(),
        source_kinesis_stream_arn: format!("arn:aws:kinesis:local:000000000000:stream/{stream}"),
        delivery_stream_arn: format!("arn:aws:firehose:local:000000000000:deliverystream/{stream}"),
        region: "local",
        records: records.collect(),
    };
    // Strings and numbers: there is nothing that cannot be written.
    serde_json::to_vec(&question).unwrap_or_default()
}

/// Firehose's error code and the reason in words.
type Failure = (&'static str, String);

/// A command and what it started; killed, as far as it is left, when dropped.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let id = self.0.and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(Pid::from_raw) {
            // None left is the rule, and no error.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

async fn attempt_once(command: &Command, question: &[u8]) -> Result<Answers, Failure> {
    const FUNCTION_ERROR: &str = "Lambda.FunctionError";
    let mut child = tokio::process::Command::new(&command.program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // Of its own, so that Ctrl-C ends delivery and not the transform.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            (
                "Lambda.InvokeAccessDenied",
                format!("it cannot be started: {error}"),
            )
        })?;
    let _group = Group(child.id());
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let talk = async {
        let write = async {
            if let Some(mut stdin) = stdin {
                // A command that answers without reading closes the pipe: its answer counts.
                let _ = stdin.write_all(question).await;
            }
        };
        let read = async {
            let mut answer = Vec::new();
            if let Some(stdout) = stdout {
                let limit = PAYLOAD_BYTES as u64 + 1;
                stdout.take(limit).read_to_end(&mut answer).await?;
            }
            Ok::<_, std::io::Error>(answer)
        };
        let ((), answer) = tokio::join!(write, read);
        let answer = answer?;
        if answer.len() > PAYLOAD_BYTES {
            return Ok((answer, None)); // it may be blocked writing more: not waited for
        }
        let status = child.wait().await?;
        Ok::<_, std::io::Error>((answer, Some(status)))
    };
    match timeout(command.timeout, talk).await {
        Err(_) => Err((
            "Lambda.FunctionTimedOut",
            format!("no answer within {:?}", command.timeout),
        )),
        Ok(Err(error)) => Err((FUNCTION_ERROR, error.to_string())),
        Ok(Ok((_, None))) => Err((
            FUNCTION_ERROR,
            format!("the answer is larger than {PAYLOAD_BYTES} bytes"),
        )),
        Ok(Ok((_, Some(status)))) if !status.success() => {
            Err((FUNCTION_ERROR, format!("it ended with {status}")))
        }
        Ok(Ok((answer, Some(_)))) => serde_json::from_slice(&answer).map_err(|error| {
            let message = format!("the answer is not what Firehose expects: {error}");
            ("Lambda.JsonProcessingException", message)
        }),
    }
}
