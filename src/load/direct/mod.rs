//! The `direct` client: BatchWriteItem calls written by hand.
//!
//! Each in-flight slot owns one HTTP/1.1 connection, a request buffer and an
//! answer buffer, all reused. Requests are signed by the aws-sigv4 crate with
//! credentials from the same provider chain that the SDK uses. What the SDK
//! does besides (attribute maps, interceptors, retries, endpoint rules at each
//! call) is left out, which makes a call several times cheaper.

mod link;
mod signer;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::SharedCredentialsProvider;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, Uri};
use http_body_util::Full;

use super::{Call, Outcome, Sink, Slot};
use crate::codec::{Layout, batch, response};
use link::{Dialer, Link};
use signer::{Signer, SigningIdentity};

/// DynamoDB's JSON protocol
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html>).
const CONTENT: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");
const TARGET_NAME: HeaderName = HeaderName::from_static("x-amz-target");
const TARGET: HeaderValue = HeaderValue::from_static("DynamoDB_20120810.BatchWriteItem");
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
    signer: Signer,
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
        let path = match endpoint.path_and_query() {
            Some(path) => Uri::from(path.clone()),
            None => Uri::from_static("/"),
        };
        let host = match authority.as_str().rsplit_once('@') {
            Some((_user, host)) => host,
            None => authority.as_str(),
        };
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(HOST, HeaderValue::from_str(host).map_err(|_| refused())?);
        headers.insert(CONTENT_TYPE, CONTENT);
        headers.insert(TARGET_NAME, TARGET);
        headers.insert(USER_AGENT, AGENT);
        Ok(Self(Arc::new(Shared {
            dialer: Dialer::new(endpoint, connect_timeout)?,
            signer: Signer::new(
                endpoint.to_string(),
                host.to_owned(),
                region.to_owned(),
                credentials,
            ),
            path,
            headers,
            timeout,
        })))
    }
}

impl Sink for Direct {
    type Slot = DirectSlot;

    fn slot(&self, table: &str, layout: Layout) -> DirectSlot {
        DirectSlot {
            shared: Arc::clone(&self.0),
            table: table.to_owned(),
            layout,
            link: None,
            identity: None,
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
    identity: Option<SigningIdentity>,
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
        shared.signer.refresh(&mut self.identity, now).await?;
        let identity = self.identity.as_ref();

        let mut body = std::mem::take(&mut self.request);
        body.clear();
        batch::encode(&mut body, &self.table, self.layout, &call.readings);
        let body = Bytes::from(body);
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = shared.path.clone();
        *request.headers_mut() = shared.headers.clone();
        let signed = shared.signer.sign(&mut request, &body, identity, now);

        self.answer.clear();
        let ended = match signed {
            Ok(()) => shared
                .dialer
                .exchange(&mut self.link, request, &mut self.answer)
                .await
                .map_err(|cause| Outcome::Disconnected(cause.to_string())),
            Err(cause) => Err(Outcome::Unsendable(cause)),
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
