//! From an HTTP request to an answer: AWS's JSON protocols.
//!
//! In goes a request; out comes a response, in the manners of the service that
//! `X-Amz-Target` names: content types, request ids, checksums, error bodies
//! (<https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html>). Carries
//! out the faults that concern whole calls. Signatures are asked for and not
//! verified.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::sync::mpsc;

use super::Failure;
use super::dynamodb::{Call, Database};
use super::faults::{CallFault, FaultDice};
use super::kinesis::{Answer, Streams};
use super::server::{CPU_PUBLISH_INTERVAL, publish_cpu};
use super::table_streams::TableStreams;
use crate::clock::Clock;

/// The largest request body, for both services
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html>).
const MAX_BODY_BYTES: usize = 16 << 20;
/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// DynamoDB's content type.
const JSON: &str = "application/x-amz-json-1.0";

const DYNAMODB: &str = "DynamoDB_20120810.";
const DYNAMODB_STREAMS: &str = "DynamoDBStreams_20120810.";
const KINESIS: &str = "Kinesis_20131202.";

/// Answers requests; shared by all connections.
#[derive(Debug)]
pub(super) struct Front {
    database: Arc<Database>,
    table_streams: Arc<TableStreams>,
    streams: Arc<Streams>,
    dice: Arc<FaultDice>,
    clock: Clock,
    seed: u64,
    /// BatchWriteItem is answered and not carried out.
    null: bool,
    requests: AtomicU64,
}

/// What a BatchWriteItem is answered with that is not carried out.
const ALL_PROCESSED: &[u8] = b"{\"UnprocessedItems\":{}}";

/// A response body: whole, or as it comes.
pub(super) enum Body {
    Whole(Option<Bytes>),
    Events(mpsc::Receiver<Bytes>),
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Events(events) => events
                .poll_recv(context)
                .map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Events(_) => SizeHint::default(),
        }
    }
}

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("disconnected by a fault")]
pub(super) struct Disconnect;

/// The service a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    DynamoDb,
    DynamoDbStreams,
    Kinesis,
}

impl Service {
    /// The service and the operation that `X-Amz-Target` names.
    fn of(target: &str) -> Option<(Self, &str)> {
        let services = [
            (DYNAMODB, Self::DynamoDb),
            (DYNAMODB_STREAMS, Self::DynamoDbStreams),
            (KINESIS, Self::Kinesis),
        ];
        let mut named = services.into_iter();
        named.find_map(|(prefix, service)| Some((service, target.strip_prefix(prefix)?)))
    }
}

impl Front {
    pub(super) fn new(
        database: Arc<Database>,
        table_streams: Arc<TableStreams>,
        streams: Arc<Streams>,
        dice: Arc<FaultDice>,
        clock: Clock,
        seed: u64,
    ) -> Self {
        Self {
            database,
            table_streams,
            streams,
            dice,
            clock,
            seed,
            null: false,
            requests: AtomicU64::new(0),
        }
    }

    /// The same, but a BatchWriteItem is answered as cheaply as can be and not
    /// carried out, if `null`: to measure clients alone.
    pub(super) fn nulling(self, null: bool) -> Self {
        Self { null, ..self }
    }

    /// Answers one request. `cpu_us` is where this thread's CPU time goes.
    pub(super) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        cpu_us: Arc<AtomicU64>,
    ) -> Result<Response<Body>, Disconnect> {
        let number = self.requests.fetch_add(1, Relaxed);
        if number.is_multiple_of(CPU_PUBLISH_INTERVAL) {
            publish_cpu(&cpu_us);
        }
        let response = self.respond(request, number).await?;
        while let Some(until_us) = self.dice.stalled_until_us(self.clock.now_us()) {
            tokio::time::sleep_until(self.clock.instant_at(until_us).into()).await;
        }
        Ok(response)
    }

    async fn respond(
        &self,
        request: Request<Incoming>,
        number: u64,
    ) -> Result<Response<Body>, Disconnect> {
        let id = mix(self.seed ^ mix(number));
        let (head, body) = request.into_parts();
        if head.method == Method::GET && head.uri.path() == "/" {
            let text = "healthy: dynamodb.us-east-1.amazonaws.com ";
            return Ok(dynamodb(StatusCode::OK, text.into(), id, "text/plain"));
        }
        if head.method != Method::POST {
            let text = "<UnknownOperationException/>\n";
            return Ok(dynamodb(
                StatusCode::NOT_FOUND,
                text.into(),
                id,
                "application/xml",
            ));
        }
        let target = header(&head.headers, "x-amz-target");
        let Some((service, operation)) = Service::of(target) else {
            let failure = Failure::unknown_operation("");
            return Ok(failed(Service::DynamoDb, &failure, id));
        };
        let body = match check_head(service, &head.headers, head.uri.query()) {
            Ok(()) => read(body, &head.headers).await?,
            Err(failure) => Err(failure),
        };
        match body {
            Err(failure) => {
                let mut response = failed(service, &failure, id);
                if failure.status == 413 {
                    // The rest of the body is not read.
                    let close = HeaderValue::from_static("close");
                    response
                        .headers_mut()
                        .insert(http::header::CONNECTION, close);
                }
                Ok(response)
            }
            Ok(body) => match service {
                Service::DynamoDb if self.null && operation == "BatchWriteItem" => {
                    let answer = Bytes::from_static(ALL_PROCESSED);
                    Ok(dynamodb(StatusCode::OK, answer, id, JSON))
                }
                Service::DynamoDb => self.dynamodb(operation, &body, id).await,
                Service::DynamoDbStreams => Ok(self.table_streams(operation, &body, id)),
                Service::Kinesis => Ok(self.kinesis(operation, &body, id)),
            },
        }
    }

    async fn dynamodb(
        &self,
        operation: &str,
        body: &[u8],
        id: u64,
    ) -> Result<Response<Body>, Disconnect> {
        let now_us = self.clock.now_us();
        let writes = matches!(operation, "BatchWriteItem" | "PutItem" | "DeleteItem");
        let fault = if writes {
            self.dice.next_call(now_us, operation != "DeleteItem")
        } else {
            CallFault::None
        };
        let response = match fault {
            CallFault::Disconnect => return Err(Disconnect),
            CallFault::Error => failed(Service::DynamoDb, &Failure::internal(), id),
            CallFault::ErrorHtml => {
                let page = "<html><body><h1>500 Internal Server Error</h1></body></html>\n";
                dynamodb(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    page.into(),
                    id,
                    "text/html",
                )
            }
            CallFault::None | CallFault::DisconnectAfter | CallFault::Throttle => {
                let mut answer = Vec::with_capacity(256);
                let call = Call {
                    now_us,
                    throttle: fault == CallFault::Throttle,
                };
                match self.database.call(operation, body, call, &mut answer) {
                    Ok(()) => dynamodb(StatusCode::OK, answer.into(), id, JSON),
                    Err(failure) => failed(Service::DynamoDb, &failure, id),
                }
            }
        };
        if fault == CallFault::DisconnectAfter {
            return Err(Disconnect);
        }
        if writes {
            let delay_us = self.dice.next_answer_delay_us();
            if delay_us > 0 {
                // From the request's arrival, so that it is this late and not later.
                let until = self.clock.instant_at(now_us + delay_us);
                tokio::time::sleep_until(until.into()).await;
            }
        }
        Ok(response)
    }

    fn table_streams(&self, operation: &str, body: &[u8], id: u64) -> Response<Body> {
        let now_us = self.clock.now_us();
        match self.table_streams.call(operation, body, now_us) {
            Ok(answer) => dynamodb(StatusCode::OK, answer.into(), id, JSON),
            Err(failure) => failed(Service::DynamoDbStreams, &failure, id),
        }
    }

    fn kinesis(&self, operation: &str, body: &[u8], id: u64) -> Response<Body> {
        match self.streams.call(operation, body, self.clock.now_us()) {
            Ok(Answer::Json(json)) => {
                let body = Body::Whole(Some(json.into()));
                kinesis(StatusCode::OK, body, id, "application/x-amz-json-1.1")
            }
            Ok(Answer::Events(events)) => {
                let kind = "application/vnd.amazon.eventstream";
                kinesis(StatusCode::OK, Body::Events(events), id, kind)
            }
            Err(failure) => failed(Service::Kinesis, &failure, id),
        }
    }
}

/// What is refused before the body is read.
fn check_head(service: Service, headers: &HeaderMap, query: Option<&str>) -> Result<(), Failure> {
    let kind = header(headers, "content-type");
    if kind.starts_with("application/x-amz-cbor") {
        return Err(Failure::serialization(
            "CBOR is not served by this local endpoint: send application/x-amz-json-1.1 (the AWS \
             SDK for Java 2 does with -Daws.cborEnabled=false)",
        ));
    }
    let query_signed = query.is_some_and(|query| query.contains("X-Amz-Algorithm="));
    let authorization = header(headers, "authorization");
    if query_signed && authorization.is_empty() {
        return Ok(());
    }
    if !authorization.starts_with("AWS4-") {
        return Err(Failure::new(
            "MissingAuthenticationTokenException",
            match service {
                Service::DynamoDb | Service::DynamoDbStreams => {
                    "Request is missing Authentication Token"
                }
                Service::Kinesis => "Missing Authentication Token",
            },
        ));
    }
    let mut missing = Vec::new();
    for part in ["Credential", "Signature", "SignedHeaders"] {
        if !authorization.contains(&format!("{part}=")) {
            missing.push(format!(
                "Authorization header requires '{part}' parameter. "
            ));
        }
    }
    if !headers.contains_key("x-amz-date") && !headers.contains_key("date") {
        missing.push(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
                .to_owned(),
        );
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        "IncompleteSignatureException",
        format!("{}Authorization={authorization}", missing.concat()),
    ))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
}

/// Reads the body; what is too large is refused, a client that does not send
/// it in time is cut off.
async fn read(body: Incoming, headers: &HeaderMap) -> Result<Result<Bytes, Failure>, Disconnect> {
    let too_large = || Failure {
        status: 413,
        ..Failure::new(
            "RequestEntityTooLargeException",
            format!("Request body is larger than {MAX_BODY_BYTES} bytes"),
        )
    };
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > MAX_BODY_BYTES) {
        return Ok(Err(too_large()));
    }
    let body = Limited::new(body, MAX_BODY_BYTES).collect();
    match tokio::time::timeout(BODY_TIMEOUT, body).await {
        Ok(Ok(collected)) => Ok(Ok(collected.to_bytes())),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Ok(Err(too_large())),
        Ok(Err(_)) | Err(_) => Err(Disconnect),
    }
}

fn failed(service: Service, failure: &Failure, id: u64) -> Response<Body> {
    let status = StatusCode::from_u16(failure.status).unwrap_or(StatusCode::BAD_REQUEST);
    match service {
        Service::DynamoDb | Service::DynamoDbStreams => {
            let body = failure.dynamodb_body();
            dynamodb(status, body.into(), id, "application/x-amz-json-1.0")
        }
        Service::Kinesis => {
            let body = Body::Whole(Some(failure.kinesis_body().into()));
            kinesis(status, body, id, "application/x-amz-json-1.1")
        }
    }
}

/// A response in DynamoDB's manners.
fn dynamodb(status: StatusCode, body: Bytes, id: u64, kind: &'static str) -> Response<Body> {
    let checksum = crc32fast::hash(&body);
    let mut response = Response::new(Body::Whole(Some(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert("x-amzn-requestid", dynamodb_request_id(id));
    headers.insert("x-amz-crc32", HeaderValue::from(checksum));
    headers.insert("server", HeaderValue::from_static("Server"));
    response
}

/// A response in Kinesis's manners.
fn kinesis(status: StatusCode, body: Body, id: u64, kind: &'static str) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert("x-amzn-requestid", kinesis_request_id(id));
    response
}

/// 52 upper-case letters and digits.
fn dynamodb_request_id(id: u64) -> HeaderValue {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHIJKLMNOPQRSTUV";
    let mut text = [0; 52];
    let mut bits = id;
    for (at, letter) in text.iter_mut().enumerate() {
        if at % 12 == 0 {
            bits = mix(bits ^ id);
        }
        *letter = LETTERS[(bits & 31) as usize];
        bits >>= 5;
    }
    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static(""))
}

/// A UUID, version 4 in form.
fn kinesis_request_id(id: u64) -> HeaderValue {
    let (high, low) = (mix(id), mix(id ^ u64::MAX));
    let text = format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    );
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// SplitMix64's finaliser.
fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
