//! Records become the body of an object: by a built-in transform, or by a
//! command that is asked as Firehose asks a Lambda.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use super::buffer::{Record, Records};
use super::failed::{Cause, FailedRecord};
use hrload_codec::transform::{self, Answer, Fault, Status, read_answers};

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
/// And of the question as it is sent, in base64 and with ids and times beside each record:
/// half of what Lambda takes, so that an answer may be twice as long.
const SENT_BYTES: usize = PAYLOAD_BYTES / 2;
/// Something went wrong with the function, and may go well next time.
const FUNCTION_ERROR: &str = "Lambda.FunctionError";
/// An answer came, and cannot be used.
const UNUSABLE: &str = "Lambda.JsonProcessingException";

/// A person's own transform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// A program: the event on standard input, the answer on standard output.
    pub program: PathBuf,
    /// How long one question may take.
    pub timeout: Duration,
}

/// A transform that cannot be started. That says nothing of the records.
#[derive(Debug, thiserror::Error)]
#[error("the transform {program} cannot be started: {cause}")]
pub struct CommandError {
    program: String,
    cause: io::Error,
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
    #[cfg(feature = "parquet")]
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

/// Where records come from, as a transform is told. There is no Firehose: its ARN is made
/// of the stream's, of one delivery stream of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    stream: String,
    delivery: String,
    region: String,
}

impl Origin {
    /// Out of the stream's ARN; where a service says none, of its name and the client's
    /// region.
    pub(super) fn of(arn: Option<String>, name: &str, client: &aws_sdk_kinesis::Client) -> Self {
        let region = client
            .config()
            .region()
            .map_or("us-east-1", |region| region.as_ref());
        let arn =
            arn.unwrap_or_else(|| format!("arn:aws:kinesis:{region}:000000000000:stream/{name}"));
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let [_, partition, _, of_arn, account, _] = parts[..] else {
            return Self {
                delivery: format!("arn:aws:firehose:{region}:000000000000:deliverystream/{name}"),
                region: region.to_owned(),
                stream: arn,
            };
        };
        Self {
            delivery: format!("arn:{partition}:firehose:{of_arn}:{account}:deliverystream/{name}"),
            region: of_arn.to_owned(),
            stream: arn,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    invocation_id: String,
    source_kinesis_stream_arn: &'a str,
    delivery_stream_arn: &'a str,
    region: &'a str,
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
    /// Asks about records, as many at a time as Lambda takes. `now_us` tells the time
    /// after the fact, for failed records.
    ///
    /// # Errors
    /// The program cannot be started, several times in a row.
    pub(super) async fn apply(
        &self,
        records: &Records,
        delimiter: &[u8],
        origin: &Origin,
        now_us: impl Fn() -> u64,
    ) -> Result<Transformed, CommandError> {
        let mut out = room(records, delimiter);
        let all: Vec<Record<'_>> = records.iter().collect();
        let mut rest = &all[..];
        let mut most = SENT_BYTES;
        while !rest.is_empty() {
            let question = Question::of(rest, origin, most);
            let asked = &rest[..question.ids.len()];
            match self.ask(&question).await? {
                Err(Failure::TooLong) if asked.len() > 1 => {
                    // This transform's answers are longer than foreseen.
                    most = question.body.len() / 2;
                    continue;
                }
                Err(failure) => {
                    let (code, message, attempts) = failure.told();
                    let who = self.who();
                    for record in asked {
                        let cause = Cause {
                            code,
                            message: message.clone(),
                            attempts,
                        };
                        fail(*record, &cause, &who, now_us(), &mut out);
                    }
                }
                Ok((answers, attempts)) => {
                    for (record, answer) in asked.iter().zip(answers) {
                        match taken(answer) {
                            Ok(Some(data)) => {
                                out.body.extend_from_slice(&data);
                                out.end_record(record.arrived_us, delimiter);
                            }
                            Ok(None) => out.dropped += 1,
                            Err((code, message)) => {
                                let cause = Cause {
                                    code,
                                    message,
                                    attempts,
                                };
                                fail(*record, &cause, &self.who(), now_us(), &mut out);
                            }
                        }
                    }
                }
            }
            rest = &rest[question.ids.len()..];
        }
        Ok(out)
    }

    fn who(&self) -> String {
        self.program.display().to_string()
    }

    /// Asks, again and again if the program fails. An answer that came is final: what it
    /// says of each record, and how often was asked.
    async fn ask(&self, question: &Question) -> Result<Result<Answered, Failure>, CommandError> {
        if question.body.len() > PAYLOAD_BYTES {
            let message = format!(
                "the record makes a question of {} bytes, Lambda takes {PAYLOAD_BYTES}",
                question.body.len()
            );
            return Ok(Err(Failure::Function(message, 0)));
        }
        let mut attempt = 1;
        loop {
            let failure = match self.attempt(&question.body, attempt).await {
                Ok(answer) => {
                    let read = read_answers(&answer, &question.ids);
                    return Ok(match read {
                        Ok(answers) => Ok((answers, attempt)),
                        Err(error) => Err(Failure::Unusable(error.to_string(), attempt)),
                    });
                }
                Err(Failure::TooLong) if question.ids.len() > 1 => {
                    return Ok(Err(Failure::TooLong));
                }
                Err(Failure::TooLong) => {
                    let message = format!("the answer is larger than {PAYLOAD_BYTES} bytes");
                    Failure::Function(message, attempt)
                }
                Err(failure) => failure,
            };
            if attempt >= ATTEMPTS {
                return match failure {
                    Failure::Start(cause) => Err(CommandError {
                        program: self.who(),
                        cause,
                    }),
                    failure => Ok(Err(failure)),
                };
            }
            sleep(FIRST_WAIT * (1 << (attempt - 1))).await;
            attempt += 1;
        }
    }
}

/// What an answer says of each record, and how often was asked.
type Answered = (Vec<Result<Answer, Fault>>, u32);

/// A record's data as the transform made it; `None` where it was left out.
fn taken(answer: Result<Answer, Fault>) -> Result<Option<Vec<u8>>, (&'static str, String)> {
    let answer = answer.map_err(|fault| {
        let code = match fault {
            Fault::Missing => "Lambda.MissingRecordId",
            Fault::Duplicated => "Lambda.DuplicatedRecordId",
            Fault::Unreadable(_) => UNUSABLE,
        };
        (code, fault.to_string())
    })?;
    match answer.result {
        Status::Dropped => Ok(None),
        Status::ProcessingFailed => Err((
            "Lambda.ProcessingFailedStatus",
            "the transform marked the record ProcessingFailed".to_owned(),
        )),
        Status::Ok => base64_simd::STANDARD
            .decode_to_vec(answer.data.unwrap_or_default())
            .map(Some)
            .map_err(|_| (UNUSABLE, "the transform's data is not base64".to_owned())),
    }
}

fn fail(record: Record<'_>, cause: &Cause, who: &str, now_us: u64, out: &mut Transformed) {
    FailedRecord::new(record.data, record.arrived_us, cause, who, now_us)
        .write(&mut out.failed_body);
    out.failed += 1;
}

/// What is asked, as it is sent.
struct Question {
    body: Vec<u8>,
    /// Of the records in it. Firehose's end in a subsequence number, zero for plain
    /// records; the place in the question keeps them apart across shards.
    ids: Vec<String>,
}

impl Question {
    /// About the first of some records: as many as fit, and one in any case.
    fn of(records: &[Record<'_>], origin: &Origin, most: usize) -> Self {
        let head = Head {
            invocation_id: uuid::Uuid::new_v4().to_string(),
            source_kinesis_stream_arn: &origin.stream,
            delivery_stream_arn: &origin.delivery,
            region: &origin.region,
        };
        // Strings and numbers: there is nothing that cannot be written.
        let mut body = serde_json::to_vec(&head).unwrap_or_default();
        body.pop();
        body.extend_from_slice(b",\"records\":[");
        let mut ids: Vec<String> = Vec::new();
        let mut data_bytes = 0;
        for record in records {
            let before = body.len();
            let id = format!("{}{:06}", record.sequence_number, ids.len());
            if !ids.is_empty() {
                body.push(b',');
            }
            let asked = QuestionRecord {
                record_id: &id,
                approximate_arrival_timestamp: record.arrived_us / 1_000,
                data: base64_simd::STANDARD.encode_to_string(record.data),
                kinesis_record_metadata: Metadata {
                    sequence_number: record.sequence_number,
                    subsequence_number: "0",
                    approximate_arrival_timestamp: record.arrived_us / 1_000,
                },
            };
            let written = serde_json::to_writer(&mut body, &asked);
            data_bytes += record.data.len();
            let fits = data_bytes <= QUESTION_BYTES && body.len() + END.len() <= most;
            if (!fits || written.is_err()) && !ids.is_empty() {
                body.truncate(before);
                break;
            }
            ids.push(id);
        }
        body.extend_from_slice(END);
        Self { body, ids }
    }
}

/// The end of a question.
const END: &[u8] = b"]}";

/// What went wrong with a question as a whole.
enum Failure {
    /// The program could not be started.
    Start(io::Error),
    /// It failed; so often it was asked.
    Function(String, u32),
    /// It said nothing in time.
    TimedOut(Duration, u32),
    /// It said more than Lambda may answer.
    TooLong,
    /// It said something that is no answer.
    Unusable(String, u32),
}

impl Failure {
    /// Firehose's error code, the reason in words, and how often was asked.
    fn told(self) -> (&'static str, String, u32) {
        match self {
            Self::Start(cause) => (FUNCTION_ERROR, cause.to_string(), ATTEMPTS),
            Self::Function(message, attempts) => (FUNCTION_ERROR, message, attempts),
            Self::TimedOut(after, attempts) => (
                "Lambda.FunctionTimedOut",
                format!("no answer within {after:?}"),
                attempts,
            ),
            Self::TooLong => (FUNCTION_ERROR, "the answer is too long".to_owned(), 1),
            Self::Unusable(cause, attempts) => (
                UNUSABLE,
                format!("the answer is not what Firehose expects: {cause}"),
                attempts,
            ),
        }
    }
}

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

impl Command {
    /// Asks once; `attempt` says how often that makes.
    async fn attempt(&self, question: &[u8], attempt: u32) -> Result<Vec<u8>, Failure> {
        let mut child = tokio::process::Command::new(&self.program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Of its own, so that Ctrl-C ends delivery and not the transform.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(Failure::Start)?;
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
        match timeout(self.timeout, talk).await {
            Err(_) => Err(Failure::TimedOut(self.timeout, attempt)),
            Ok(Err(error)) => Err(Failure::Function(error.to_string(), attempt)),
            Ok(Ok((_, None))) => Err(Failure::TooLong),
            Ok(Ok((_, Some(status)))) if !status.success() => Err(Failure::Function(
                format!("it ended with {status}"),
                attempt,
            )),
            Ok(Ok((answer, Some(_)))) => Ok(answer),
        }
    }
}
