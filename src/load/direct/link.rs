//! One connection, driven by the call that uses it.
//!
//! hyper's connection is a future that somebody has to poll. Here the slot's
//! own call does, so that bytes, answer and body meet in one task without a
//! wake-up in between. Between calls nobody polls it; the next call notices
//! first whether the server has closed it meanwhile.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::DirectError;

type Io = MaybeHttpsStream<TokioIo<TcpStream>>;
type BoxError = Box<dyn Error + Send + Sync>;

/// Answers longer than this are refused: an answer can repeat a whole request,
/// of at most 16 MB, with some JSON around it.
const MAX_ANSWER_BYTES: usize = 32 * 1024 * 1024;

/// Makes connections to one endpoint.
#[derive(Debug)]
pub(super) struct Dialer {
    endpoint: Uri,
    via: Via,
}

#[derive(Debug)]
enum Via {
    Plain(HttpConnector),
    Tls(HttpsConnector<HttpConnector>),
}

impl Dialer {
    pub(super) fn new(endpoint: &Uri, connect_timeout: Duration) -> Result<Self, DirectError> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connect_timeout));
        let via = match endpoint.scheme_str() {
            Some("http") => Via::Plain(tcp),
            Some("https") => {
                tcp.enforce_http(false);
                let tls = HttpsConnectorBuilder::new()
                    .with_native_roots()
                    .map_err(DirectError::Certificates)?;
                Via::Tls(tls.https_only().enable_http1().wrap_connector(tcp))
            }
            _ => return Err(DirectError::Endpoint(endpoint.clone())),
        };
        Ok(Self {
            endpoint: endpoint.clone(),
            via,
        })
    }

    async fn dial(&self) -> Result<Link, BoxError> {
        let io = match &self.via {
            Via::Plain(tcp) => {
                let mut tcp = tcp.clone();
                poll_fn(|cx| tcp.poll_ready(cx)).await?;
                MaybeHttpsStream::Http(tcp.call(self.endpoint.clone()).await?)
            }
            Via::Tls(tls) => {
                let mut tls = tls.clone();
                poll_fn(|cx| tls.poll_ready(cx)).await?;
                tls.call(self.endpoint.clone()).await?
            }
        };
        let (sender, connection) = http1::handshake(io).await?;
        Ok(Link {
            sender,
            connection: Some(Box::pin(connection)),
        })
    }

    /// Sends `request` over `link`, which is made if there is none or if the
    /// server has closed it, and appends the answer's body to `answer`.
    /// Returns the answer's status.
    pub(super) async fn exchange(
        &self,
        link: &mut Option<Link>,
        request: Request<Full<Bytes>>,
        answer: &mut Vec<u8>,
    ) -> Result<u16, BoxError> {
        let reusable = match link {
            Some(link) => link.ready().await,
            None => false,
        };
        if !reusable {
            *link = None;
        }
        let link = match link {
            Some(link) => link,
            None => {
                let mut fresh = self.dial().await?;
                fresh.ready().await;
                link.insert(fresh)
            }
        };
        link.exchange(request, answer).await
    }
}

type Connection = Pin<Box<http1::Connection<Io, Full<Bytes>>>>;

/// One connection, used for one call at a time.
pub(super) struct Link {
    sender: SendRequest<Full<Bytes>>,
    /// None once it has ended. It is dropped then, which is what tells the
    /// sender.
    connection: Option<Connection>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("ended", &self.connection.is_none())
            .finish_non_exhaustive()
    }
}

impl Link {
    /// Awaits `work`, polling the connection along with it.
    async fn drive<F: Future>(connection: &mut Option<Connection>, work: F) -> F::Output {
        let mut work = std::pin::pin!(work);
        poll_fn(|cx| {
            // The connection's own error, if it ends in one, reaches whoever
            // waits for an answer over it: `work`.
            if let Some(open) = connection
                && open.as_mut().poll(cx).is_ready()
            {
                *connection = None;
            }
            work.as_mut().poll(cx)
        })
        .await
    }

    /// Waits until a request can be sent; false if the connection is closed.
    async fn ready(&mut self) -> bool {
        let ready = Self::drive(&mut self.connection, self.sender.ready()).await;
        ready.is_ok() && self.connection.is_some()
    }

    async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        answer: &mut Vec<u8>,
    ) -> Result<u16, BoxError> {
        let response = self.sender.send_request(request);
        let response = Self::drive(&mut self.connection, response).await?;
        let status = response.status().as_u16();
        let mut body = response.into_body();
        loop {
            let frame = Self::drive(&mut self.connection, body.frame()).await;
            let Some(frame) = frame else { break };
            if let Ok(data) = frame?.into_data() {
                if answer.len() + data.len() > MAX_ANSWER_BYTES {
                    return Err("the answer is longer than any BatchWriteItem answer".into());
                }
                answer.extend_from_slice(&data);
            }
        }
        Ok(status)
    }
}
