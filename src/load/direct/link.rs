//! Makes connections, and another when one was closed.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use tower_service::Service;

use super::DirectError;
use super::http::{Answer, Connection};
use crate::aws::{Spread, proxy};

type BoxError = Box<dyn Error + Send + Sync>;

/// Makes connections to one endpoint.
#[derive(Debug)]
pub(super) struct Dialer {
    endpoint: Uri,
    via: Via,
}

#[derive(Debug)]
enum Via {
    Plain(HttpConnector<Spread>),
    Tls(HttpsConnector<HttpConnector<Spread>>),
    /// TLS through a proxy, which sees names and no calls.
    Tunnel(HttpsConnector<Tunnel<HttpConnector<Spread>>>),
}

impl Dialer {
    pub(super) fn new(endpoint: &Uri, connect_timeout: Duration) -> Result<Self, DirectError> {
        let mut tcp = HttpConnector::new_with_resolver(Spread::new());
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connect_timeout));
        let via = match endpoint.scheme_str() {
            Some("http") => Via::Plain(tcp),
            Some("https") => {
                tcp.enforce_http(false);
                let tls = HttpsConnectorBuilder::new()
                    .with_native_roots()
                    .map_err(DirectError::Certificates)?
                    .https_only()
                    .enable_http1();
                // As for the SDK (`aws::connect`): HTTPS_PROXY, ALL_PROXY and NO_PROXY.
                match Matcher::from_env().intercept(endpoint) {
                    None => Via::Tls(tls.wrap_connector(tcp)),
                    Some(proxy) => {
                        let tunnel = Tunnel::new(proxy.uri().clone(), tcp);
                        let tunnel = match proxy.basic_auth() {
                            Some(auth) => tunnel.with_auth(auth.clone()),
                            None => tunnel,
                        };
                        Via::Tunnel(tls.wrap_connector(tunnel))
                    }
                }
            }
            _ => return Err(DirectError::Endpoint(endpoint.clone())),
        };
        Ok(Self {
            endpoint: endpoint.clone(),
            via,
        })
    }

    async fn dial(&self) -> Result<Connection, BoxError> {
        Ok(match &self.via {
            Via::Plain(tcp) => {
                let mut tcp = tcp.clone();
                poll_fn(|cx| tcp.poll_ready(cx)).await?;
                Connection::new(tcp.call(self.endpoint.clone()).await?.into_inner())
            }
            Via::Tls(tls) => {
                let mut tls = tls.clone();
                poll_fn(|cx| tls.poll_ready(cx)).await?;
                Connection::new(TokioIo::new(tls.call(self.endpoint.clone()).await?))
            }
            Via::Tunnel(tunnel) => {
                let mut tunnel = tunnel.clone();
                poll_fn(|cx| tunnel.poll_ready(cx)).await?;
                let dialled = tunnel.call(self.endpoint.clone()).await;
                let told = |error: BoxError| proxy::met(&*error);
                Connection::new(TokioIo::new(dialled.map_err(told)?))
            }
        })
    }

    /// Sends a request over `link`, for which a connection is made if there is
    /// none or the server has closed it, and appends the answer's body to
    /// `answer`. Returns what its head said.
    pub(super) async fn exchange(
        &self,
        link: &mut Link,
        head: &[u8],
        body: &[u8],
        answer: &mut Vec<u8>,
    ) -> Result<Answer, BoxError> {
        let open = match link.0.take() {
            Some(mut kept) => kept.is_open().await.then_some(kept),
            None => None,
        };
        let mut connection = match open {
            Some(open) => open,
            None => match self.dial().await {
                Ok(dialled) => {
                    tracing::debug!("connected");
                    dialled
                }
                Err(error) => {
                    tracing::debug!(%error, "cannot connect");
                    return Err(error);
                }
            },
        };
        let done = connection.exchange(head, body, answer).await?;
        // One that failed, or is not waited for any more, is dropped.
        if done.reusable {
            link.0 = Some(connection);
        }
        Ok(done)
    }
}

/// The connection of one slot, if it has one.
#[derive(Default)]
pub(super) struct Link(Option<Connection>);

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("open", &self.0.is_some())
            .finish()
    }
}
