//! The `direct` client: BatchWriteItem calls written by hand.
//!
//! Each in-flight slot owns one HTTP/1.1 connection, a signer, buffers for a
//! request's head and body and for an answer, all reused. Credentials come from the same provider
//! chain that the SDK uses. What the SDK does besides (attribute maps,
//! interceptors, retries, endpoint rules at each call) is left out, which makes
//! a call several times cheaper.

mod credentials;
mod http;
mod link;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::http::Uri;
use aws_credential_types::provider::SharedCredentialsProvider;

use self::http::{Answer, HttpError};
use super::call::is_success;
use super::{Call, Outcome, RequestId, Sink, Slot};
use crate::codec::signature::{AccessKey, Signature, Signer, Target};
use crate::codec::{Layout, batch, response};
use crate::endpoint::redact;
use crate::trouble::{Obstacle, Trouble};
use credentials::{Held, Keyring};
use link::{Dialer, Link};

/// DynamoDB's JSON protocol
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html>).
const CONTENT: &str = "application/x-amz-json-1.0";
const OPERATION: &str = "DynamoDB_20120810.BatchWriteItem";
const AGENT: &str = concat!("hrload/", env!("CARGO_PKG_VERSION"));

/// Why a [`Direct`] client cannot be made.
#[derive(Debug)]
pub enum DirectError {
    /// The endpoint is not an absolute http or https URL.
    Endpoint(Uri),
    /// The system's trusted certificates could not be read.
    Certificates(std::io::Error),
}

impl fmt::Display for DirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DirectError::Endpoint(endpoint) => write!(
                f,
                "cannot send to endpoint {}: expected a URL like https://host or http://host:port",
                redact(&endpoint.to_string())
            ),
            DirectError::Certificates(cause) => {
                write!(f, "cannot read the system's trusted certificates: {cause}")
            }
        }
    }
}

impl std::error::Error for DirectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            DirectError::Endpoint(_) => None,
            DirectError::Certificates(cause) => Some(cause),
        }
    }
}

/// What the client makes of a server that answers a call with these bytes and then hangs
/// up: the status, and the answer's body, which is appended to `body`.
///
/// # Errors
/// It is no answer: why, in words.
pub fn answer_in(said: &[u8], body: &mut Vec<u8>) -> Result<u16, String> {
    http::answer_in(said, body).map_err(|error| error.to_string())
}

/// Makes the slots of the `direct` client. One serves all workers.
#[derive(Debug, Clone)]
pub struct Direct(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    dialer: Dialer,
    keyring: Keyring,
    region: String,
    /// As in the header `host`.
    host: String,
    /// Path of the endpoint, as it stands in the request line.
    path: String,
    /// Request line and headers that every request begins with.
    head: Vec<u8>,
    timeout: Duration,
}

impl Direct {
    /// A client for the DynamoDB at `endpoint`, an absolute URL, in `region`.
    /// A call, its connection included, may take `timeout`; connecting alone
    /// `connect_timeout`.
    ///
    /// # Errors
    /// The endpoint is no http or https URL, or there are no trusted
    /// certificates to check an https one with.
    pub fn new(
        endpoint: &Uri,
        region: &str,
        credentials: SharedCredentialsProvider,
        connect_timeout: Duration,
        timeout: Duration,
    ) -> Result<Self, DirectError> {
        let refused = || DirectError::Endpoint(endpoint.clone());
        let authority = endpoint.authority().ok_or_else(refused)?;
        // No operation of DynamoDB has a query. A URL has no spaces and no line
        // ends, so that nothing of it can begin another header.
        let path = endpoint.path();
        let host = match authority.as_str().rsplit_once('@') {
            Some((_user, host)) => host,
            None => authority.as_str(),
        };
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {CONTENT}\r\n\
             x-amz-target: {OPERATION}\r\nuser-agent: {AGENT}\r\n"
        );
        Ok(Self(Arc::new(Shared {
            dialer: Dialer::new(endpoint, connect_timeout)?,
            keyring: Keyring::new(credentials),
            region: region.to_owned(),
            host: host.to_owned(),
            path: path.to_owned(),
            head: head.into_bytes(),
            timeout,
        })))
    }
}

impl Shared {
    /// A signer with the key of `held`, for the day of `second`.
    fn signer(&self, held: &Held, second: u64) -> Signer {
        let target = Target {
            host: &self.host,
            path: &self.path,
            region: &self.region,
            service: "dynamodb",
            content_type: CONTENT,
            operation: OPERATION,
        };
        let key = AccessKey {
            id: held.credentials.access_key_id(),
            secret: held.credentials.secret_access_key(),
            session_token: held.credentials.session_token(),
        };
        Signer::new(&target, &key, second)
    }
}

/// The head of a request: what all have, who is calling, and how long the body
/// is. Allocates nothing once `head` has the room.
fn compose(head: &mut Vec<u8>, shared: &Shared, caller: &Caller<'_>, body_bytes: usize) {
    head.clear();
    head.extend_from_slice(&shared.head);
    head.extend_from_slice(b"x-amz-date: ");
    head.extend_from_slice(caller.signature.date);
    head.extend_from_slice(b"\r\nauthorization: ");
    head.extend_from_slice(caller.signature.authorization);
    if let Some(token) = caller.token {
        head.extend_from_slice(b"\r\nx-amz-security-token: ");
        head.extend_from_slice(token.as_bytes());
    }
    head.extend_from_slice(b"\r\ncontent-length: ");
    head.extend_from_slice(itoa::Buffer::new().format(body_bytes).as_bytes());
    head.extend_from_slice(b"\r\n\r\n");
}

/// Proof of who is calling.
struct Caller<'a> {
    signature: Signature<'a>,
    token: Option<&'a str>,
}

/// Whether what names the caller can stand in headers.
fn is_fit(held: &Held) -> bool {
    let visible = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let credentials = &held.credentials;
    let token = credentials.session_token().map(str::trim);
    visible(credentials.access_key_id()) && token.is_none_or(visible)
}

/// What a call without an answer met.
fn trouble(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> Trouble {
    let trouble = Trouble::of(cause);
    match cause.downcast_ref::<HttpError>() {
        Some(HttpError::Closed) => Trouble {
            obstacle: Obstacle::Cut,
            ..trouble
        },
        _ => trouble,
    }
}

impl Sink for Direct {
    type Slot = DirectSlot;

    fn slot(&self, table: &str, layout: Layout) -> DirectSlot {
        DirectSlot {
            shared: Arc::clone(&self.0),
            table: table.to_owned(),
            layout,
            link: Link::default(),
            held: None,
            signer: None,
            head: Vec::with_capacity(1024),
            body: Vec::with_capacity(8 * 1024),
            answer: Vec::with_capacity(1024),
        }
    }
}

/// One in-flight slot of the `direct` client, with its own connection.
#[derive(Debug)]
pub struct DirectSlot {
    shared: Arc<Shared>,
    table: String,
    layout: Layout,
    link: Link,
    held: Option<Held>,
    /// With the key of `held`.
    signer: Option<Signer>,
    head: Vec<u8>,
    body: Vec<u8>,
    answer: Vec<u8>,
}

impl Slot for DirectSlot {
    async fn send(&mut self, call: &mut Call) {
        let timeout = self.shared.timeout;
        call.request_id = RequestId::default();
        let ended = tokio::time::timeout(timeout, self.exchange(call)).await;
        call.outcome = match ended {
            Ok(Ok(answer)) => self.read(&answer, call),
            Ok(Err(outcome)) => outcome,
            Err(_elapsed) => Outcome::TimedOut,
        };
        // Only a call that was answered leaves its connection fit for another.
        let answered = matches!(
            call.outcome,
            Outcome::Answered | Outcome::Refused { .. } | Outcome::Unreadable | Outcome::Corrupted
        );
        if !answered {
            self.link = Link::default();
        }
    }
}

impl DirectSlot {
    /// One request and its answer, whose body is in `self.answer`.
    async fn exchange(&mut self, call: &Call) -> Result<Answer, Outcome> {
        let shared = Arc::clone(&self.shared);
        let now = SystemTime::now();
        let held = match &mut self.held {
            Some(held) if held.is_good(now) => held,
            stale => {
                self.signer = None;
                let held = shared.keyring.current(now).await?;
                if !is_fit(&held) {
                    let cause = "the credentials have letters that no header can have";
                    return Err(Outcome::Unsendable(cause.to_owned()));
                }
                stale.insert(held)
            }
        };
        let second = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let signer = match &mut self.signer {
            Some(signer) if signer.is_good_at(second) => signer,
            stale => stale.insert(shared.signer(held, second)),
        };

        self.body.clear();
        batch::encode(&mut self.body, &self.table, self.layout, &call.readings);
        let caller = Caller {
            signature: signer.sign(&self.body, second),
            token: held.credentials.session_token().map(str::trim),
        };
        compose(&mut self.head, &shared, &caller, self.body.len());
        self.answer.clear();
        shared
            .dialer
            .exchange(&mut self.link, &self.head, &self.body, &mut self.answer)
            .await
            .map_err(|cause| Outcome::Disconnected(trouble(cause.as_ref())))
    }

    fn read(&self, answer: &Answer, call: &mut Call) -> Outcome {
        call.request_id = answer.request_id;
        if answer
            .checksum
            .is_some_and(|of| of != crc32fast::hash(&self.answer))
        {
            return Outcome::Corrupted;
        }
        if !is_success(answer.status) {
            return Outcome::Refused {
                status: answer.status,
                error: response::decode_error(&self.answer),
            };
        }
        match response::decode_batch(&self.answer, self.layout, &mut call.reply) {
            Ok(()) => call.answered(),
            Err(_) => Outcome::Unreadable,
        }
    }
}
