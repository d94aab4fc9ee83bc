//! From an HTTP request to an answer: AWS's JSON protocols.
//!
//! In goes a request; out comes a response, in the manners of the service that
//! `X-Amz-Target` names: content types, request ids, checksums, error bodies
//! (<https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html>). Carries
//! out the faults that concern whole calls. Signatures are asked for and not
//! verified.

use hrload_base::mix::mix;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;

use super::Failure;
use super::body::{Body, Held, MAX_BODY_BYTES, Unsent, read};
use super::compression;
use super::dynamodb::{Call, Database};
use super::faults::{CallFault, FaultDice};
use super::kinesis::{Answer, Streams};
use super::memory::settle;
use super::origin::{self, Origin};
use super::server::{CPU_PUBLISH_INTERVAL, publish_cpu};
use super::table_streams::TableStreams;
use hrload_base::clock::Clock;
use hrload_base::hosts::Hosts;

/// DynamoDB's content type.
const JSON: &str = "application/x-amz-json-1.0";

/// Kinesis's content type.
const JSON_1_1: &str = "application/x-amz-json-1.1";

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
    hosts: Hosts,
    origins: Vec<Origin>,
    requests: AtomicU64,
}

/// What a BatchWriteItem is answered with that is not carried out.
const ALL_PROCESSED: &[u8] = b"{\"UnprocessedItems\":{}}";

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
            hosts: Hosts::default(),
            origins: Vec::new(),
            requests: AtomicU64::new(0),
        }
    }

    /// The same, but a BatchWriteItem is answered as cheaply as can be and not
    /// carried out, if `null`: to measure clients alone.
    pub(super) fn nulling(self, null: bool) -> Self {
        Self { null, ..self }
    }

    /// The same for requests by these names alone, and for pages of these origins.
    pub(super) fn answering(self, hosts: Hosts, origins: Vec<Origin>) -> Self {
        Self {
            hosts,
            origins,
            ..self
        }
    }

    /// Answers one request. `held` is its connection's; `cpu_us` is where this thread's
    /// CPU time goes.
    pub(super) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        held: Arc<Held>,
        cpu_us: Arc<AtomicU64>,
    ) -> Result<Response<Body>, Disconnect> {
        let number = self.requests.fetch_add(1, Relaxed);
        if number.is_multiple_of(CPU_PUBLISH_INTERVAL) {
            publish_cpu(&cpu_us);
        }
        let origin = origin::allowed(&self.origins, request.headers());
        let mut response = self.respond(request, number, &held).await?;
        if let Some(origin) = origin {
            origin::admit(&mut response, origin);
        }
        while let Some(until_us) = self.dice.stalled_until_us(self.clock.now_us()) {
            tokio::time::sleep_until(self.clock.instant_at(until_us).into()).await;
        }
        Ok(response)
    }

    async fn respond(
        &self,
        request: Request<Incoming>,
        number: u64,
        held: &Arc<Held>,
    ) -> Result<Response<Body>, Disconnect> {
        let id = mix(self.seed ^ mix(number));
        let reply = Reply { id, held };
        let (head, body) = request.into_parts();
        let target = header(&head.headers, "x-amz-target");
        let named = Service::of(target);
        if !self.hosts.allow(&head.uri, &head.headers) {
            let service = named.map_or(Service::DynamoDb, |(service, _)| service);
            return Ok(reply.failed(service, &Failure::access_denied(self.hosts.refusal())));
        }
        if head.method == Method::OPTIONS && head.headers.contains_key("origin") {
            return Ok(match origin::allowed(&self.origins, &head.headers) {
                Some(_) => origin::preflight(&head.headers),
                None => {
                    let why = "pages of this origin may not call this endpoint: allow them with \
                               --allow-origin";
                    reply.failed(Service::DynamoDb, &Failure::access_denied(why))
                }
            });
        }
        // Whoever signs wants a service, and no sign of life.
        let signed = head.headers.contains_key(AUTHORIZATION);
        if head.method == Method::GET && head.uri.path() == "/" && !signed {
            let text = "healthy: dynamodb.us-east-1.amazonaws.com ";
            return Ok(reply.dynamodb(StatusCode::OK, text.into(), "text/plain"));
        }
        if head.method != Method::POST {
            return Ok(reply.not_a_call(signed));
        }
        let Some((service, operation)) = named else {
            return Ok(reply.unknown(target, header(&head.headers, "content-type")));
        };
        if let Err(failure) = check_head(service, &head.headers, head.uri.query()) {
            return Ok(reply.failed(service, &failure));
        }
        let body = match read(body, &head.headers, held).await {
            Ok(body) => body,
            Err(Unsent::Cut) => return Err(Disconnect),
            Err(Unsent::TooLarge { whole }) => {
                let mut response = reply.failed(service, &too_large());
                if !whole && head.version < Version::HTTP_2 {
                    // The rest of the body is not read.
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(CONNECTION, close);
                }
                return Ok(response);
            }
        };
        held.room().await;
        log_call(operation);
        if service == Service::Kinesis {
            return Ok(self.kinesis(operation, &body.bytes, &reply));
        }
        let bytes = compression::decoded(&head.headers, &body.bytes, MAX_BODY_BYTES);
        let bytes = match &bytes {
            Ok(bytes) => &**bytes,
            Err(failure) => return Ok(reply.failed(service, failure)),
        };
        let response = match service {
            Service::DynamoDb if self.null && operation == "BatchWriteItem" => {
                let answer = Bytes::from_static(ALL_PROCESSED);
                reply.dynamodb(StatusCode::OK, answer, JSON)
            }
            Service::DynamoDb => self.dynamodb(operation, bytes, &reply).await?,
            _ => self.table_streams(operation, bytes, &reply),
        };
        Ok(compression::encoded(&head.headers, response, held))
    }

    async fn dynamodb(
        &self,
        operation: &str,
        body: &[u8],
        reply: &Reply<'_>,
    ) -> Result<Response<Body>, Disconnect> {
        let now_us = self.clock.now_us();
        let writes = matches!(operation, "BatchWriteItem" | "PutItem" | "DeleteItem");
        let fault = if writes {
            self.dice.next_call(now_us)
        } else {
            CallFault::None
        };
        let response = match fault {
            CallFault::Disconnect => return Err(Disconnect),
            CallFault::Error => reply.failed(Service::DynamoDb, &Failure::internal()),
            CallFault::ErrorHtml => {
                let page = "<html><body><h1>500 Internal Server Error</h1></body></html>\n";
                reply.dynamodb(StatusCode::INTERNAL_SERVER_ERROR, page.into(), "text/html")
            }
            CallFault::None | CallFault::DisconnectAfter | CallFault::Throttle => {
                let mut answer = Vec::with_capacity(256);
                let call = Call {
                    now_us,
                    throttle: fault == CallFault::Throttle,
                };
                match self.database.call(operation, body, call, &mut answer) {
                    Ok(()) => reply.dynamodb(StatusCode::OK, settle(answer).into(), JSON),
                    Err(failure) => reply.failed(Service::DynamoDb, &failure),
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

    fn table_streams(&self, operation: &str, body: &[u8], reply: &Reply<'_>) -> Response<Body> {
        let now_us = self.clock.now_us();
        match self.table_streams.call(operation, body, now_us) {
            Ok(answer) => reply.dynamodb(StatusCode::OK, settle(answer).into(), JSON),
            Err(failure) => reply.failed(Service::DynamoDbStreams, &failure),
        }
    }

    fn kinesis(&self, operation: &str, body: &[u8], reply: &Reply<'_>) -> Response<Body> {
        match self.streams.call(operation, body, self.clock.now_us()) {
            Ok(Answer::Json(json)) => {
                let body = Body::Whole(Some(reply.held.count(settle(json).into())));
                reply.kinesis(StatusCode::OK, body, JSON_1_1)
            }
            Ok(Answer::Events(events)) => {
                let kind = "application/vnd.amazon.eventstream";
                reply.kinesis(StatusCode::OK, Body::events(events, reply.held), kind)
            }
            Err(failure) => reply.failed(Service::Kinesis, &failure),
        }
    }
}

/// Logs calls that make, change or remove something other than items and records.
fn log_call(operation: &str) {
    let verbs = [
        "Create",
        "Delete",
        "Update",
        "Enable",
        "Disable",
        "Split",
        "Merge",
        "Register",
        "Deregister",
        "Subscribe",
    ];
    let changes = verbs.iter().any(|verb| operation.starts_with(verb));
    if changes && operation != "DeleteItem" {
        tracing::info!(operation, "called");
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

fn too_large() -> Failure {
    Failure {
        status: 413,
        ..Failure::new(
            "RequestEntityTooLargeException",
            format!("Request body is larger than {MAX_BODY_BYTES} bytes"),
        )
    }
}

/// The services that are here, for who asks for another.
const SERVED: &str = "This endpoint serves DynamoDB, DynamoDB Streams and Kinesis Data Streams";

/// What an answer is made with: the request's number, and its connection's account.
struct Reply<'a> {
    id: u64,
    held: &'a Arc<Held>,
}

impl Reply<'_> {
    fn failed(&self, service: Service, failure: &Failure) -> Response<Body> {
        tracing::debug!(
            ?service,
            failure.exception,
            failure.message,
            "refused a call"
        );
        let status = StatusCode::from_u16(failure.status).unwrap_or(StatusCode::BAD_REQUEST);
        match service {
            Service::DynamoDb | Service::DynamoDbStreams => {
                self.dynamodb(status, settle(failure.dynamodb_body()).into(), JSON)
            }
            Service::Kinesis => {
                let body = self.held.count(settle(failure.kinesis_body()).into());
                let body = Body::Whole(Some(body));
                self.kinesis(status, body, JSON_1_1)
            }
        }
    }

    /// Refuses what is no call: unsigned as DynamoDB does, signed as S3's clients read it.
    fn not_a_call(&self, signed: bool) -> Response<Body> {
        let text = if signed {
            format!(
                "<Error><Code>UnknownOperationException</Code><Message>{SERVED}.</Message></Error>\n"
            )
        } else {
            "<UnknownOperationException/>\n".to_owned()
        };
        self.dynamodb(StatusCode::NOT_FOUND, text.into(), "application/xml")
    }

    /// Refuses a request for a service that is not here, in a form its client reads.
    fn unknown(&self, target: &str, content_type: &str) -> Response<Body> {
        if target.is_empty() && content_type.starts_with("application/x-www-form-urlencoded") {
            // The query protocol: STS, SNS, CloudFormation and their like.
            let text = format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>UnknownOperationException</Code>\
                 <Message>{SERVED}.</Message></Error></ErrorResponse>\n"
            );
            return self.dynamodb(StatusCode::BAD_REQUEST, text.into(), "text/xml");
        }
        let failure = match target {
            "" => Failure::unknown_operation(format!("{SERVED}; X-Amz-Target names none.")),
            _ => Failure::unknown_operation(format!("{SERVED}, not {target}.")),
        };
        self.failed(Service::DynamoDb, &failure)
    }

    /// A response in DynamoDB's manners.
    fn dynamodb(&self, status: StatusCode, body: Bytes, kind: &'static str) -> Response<Body> {
        let checksum = crc32fast::hash(&body);
        let mut response = Response::new(Body::Whole(Some(self.held.count(body))));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert("x-amzn-requestid", dynamodb_request_id(self.id));
        headers.insert("x-amz-crc32", HeaderValue::from(checksum));
        headers.insert("server", HeaderValue::from_static("Server"));
        response
    }

    /// A response in Kinesis's manners.
    fn kinesis(&self, status: StatusCode, body: Body, kind: &'static str) -> Response<Body> {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert("x-amzn-requestid", kinesis_request_id(self.id));
        response
    }
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
