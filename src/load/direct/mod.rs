//! The `direct` client: BatchWriteItem calls written by hand.
//!
//! Each in-flight slot owns one HTTP/1.1 connection, a signer, a request buffer
//! and an answer buffer, all reused. Credentials come from the same provider
//! chain that the SDK uses. What the SDK does besides (attribute maps,
//! interceptors, retries, endpoint rules at each call) is left out, which makes
//! a call several times cheaper.

mod credentials;
mod link;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::provider::SharedCredentialsProvider;
use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue,
    USER_AGENT,
};
use http::{Method, Request, Uri};
use http_body_util::Full;

use super::{Call, Outcome, Sink, Slot};
use crate::codec::signature::{AccessKey, Signature, Signer, Target};
use crate::codec::{Layout, batch, response};
use credentials::{Held, Keyring};
use link::{Dialer, Link};

/// DynamoDB's JSON protocol
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html>).
const CONTENT: &str = "application/x-amz-json-1.0";
const OPERATION: &str = "DynamoDB_20120810.BatchWriteItem";
const OPERATION_NAME: HeaderName = HeaderName::from_static("x-amz-target");
const DATE_NAME: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN_NAME: HeaderName = HeaderName::from_static("x-amz-security-token");
const AGENT: HeaderValue = HeaderValue::from_static(concat!("hrload/", env!("CARGO_PKG_VERSION")));

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
                "cannot send to endpoint {endpoint}: expected a URL like https://host or http://host:port"
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
    path: Uri,
    /// Headers that every request has.
    headers: HeaderMap,
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
        // No operation of DynamoDB has a query.
        let path = endpoint.path().parse().map_err(|_| refused())?;
        let host = match authority.as_str().rsplit_once('@') {
            Some((_user, host)) => host,
            None => authority.as_str(),
        };
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(HOST, HeaderValue::from_str(host).map_err(|_| refused())?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(CONTENT));
        headers.insert(OPERATION_NAME, HeaderValue::from_static(OPERATION));
        headers.insert(USER_AGENT, AGENT);
        Ok(Self(Arc::new(Shared {
            dialer: Dialer::new(endpoint, connect_timeout)?,
            keyring: Keyring::new(credentials),
            region: region.to_owned(),
            host: host.to_owned(),
            path,
            headers,
            timeout,
        })))
    }
}

impl Shared {
    /// A signer with the key of `held`, for the day of `second`.
    fn signer(&self, held: &Held, second: u64) -> Signer {
        let target = Target {
            host: &self.host,
            path: self.path.path(),
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

/// Adds what proves who is calling.
fn complete(
    headers: &mut HeaderMap,
    signature: &Signature<'_>,
    held: &Held,
) -> Result<(), InvalidHeaderValue> {
    headers.insert(DATE_NAME, HeaderValue::from_bytes(signature.date)?);
    let mut authorization = HeaderValue::from_bytes(signature.authorization)?;
    authorization.set_sensitive(true);
    headers.insert(AUTHORIZATION, authorization);
    if let Some(token) = held.credentials.session_token() {
        let mut token = HeaderValue::from_str(token.trim())?;
        token.set_sensitive(true);
        headers.insert(TOKEN_NAME, token);
    }
    Ok(())
}

impl Sink for Direct {
    type Slot = DirectSlot;

    fn slot(&self, table: &str, layout: Layout) -> DirectSlot {
        DirectSlot {
            shared: Arc::clone(&self.0),
            table: table.to_owned(),
            layout,
            link: None,
            held: None,
            signer: None,
            request: Vec::with_capacity(8 * 1024),
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
    link: Option<Link>,
    held: Option<Held>,
    /// With the key of `held`.
    signer: Option<Signer>,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Slot for DirectSlot {
    async fn send(&mut self, call: &mut Call) {
        let timeout = self.shared.timeout;
        let ended = tokio::time::timeout(timeout, self.exchange(call)).await;
        call.outcome = match ended {
            Ok(Ok(status)) => self.read(status, call),
            Ok(Err(outcome)) => outcome,
            Err(_elapsed) => Outcome::TimedOut,
        };
        // Only a call that was answered leaves its connection fit for another.
        let answered = matches!(
            call.outcome,
            Outcome::Answered | Outcome::Refused { .. } | Outcome::Unreadable
        );
        if !answered {
            self.link = None;
        }
    }
}

impl DirectSlot {
    /// One request and its answer, into `self.answer`. Returns the status.
    async fn exchange(&mut self, call: &Call) -> Result<u16, Outcome> {
        let shared = Arc::clone(&self.shared);
        let now = SystemTime::now();
        let held = match &mut self.held {
            Some(held) if held.is_good(now) => held,
            stale => {
                self.signer = None;
                stale.insert(shared.keyring.current(now).await?)
            }
        };
        let second = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let signer = match &mut self.signer {
            Some(signer) if signer.is_good_at(second) => signer,
            stale => stale.insert(shared.signer(held, second)),
        };

        let mut body = std::mem::take(&mut self.request);
        body.clear();
        batch::encode(&mut body, &self.table, self.layout, &call.readings);
        let body = Bytes::from(body);
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = shared.path.clone();
        *request.headers_mut() = shared.headers.clone();
        let signature = signer.sign(&body, second);
        let signed = complete(request.headers_mut(), &signature, held);

        self.answer.clear();
        let ended = match signed {
            Ok(()) => shared
                .dialer
                .exchange(&mut self.link, request, &mut self.answer)
                .await
                .map_err(|cause| Outcome::Disconnected(cause.to_string())),
            Err(cause) => Err(Outcome::Unsendable(cause.to_string())),
        };
        // hyper has let go of the body by now, so this is the same buffer
        // again, not a copy.
        self.request = Vec::from(body);
        ended
    }

    fn read(&self, status: u16, call: &mut Call) -> Outcome {
        if status != 200 {
            return Outcome::Refused {
                status,
                error: response::decode_error(&self.answer),
            };
        }
        match response::decode_batch(&self.answer, self.layout, &mut call.reply) {
            Ok(()) => Outcome::Answered,
            Err(_) => Outcome::Unreadable,
        }
    }
}
