//! The port where metrics are scraped.
//!
//! One thread with one runtime, started before the run and ended with it. It
//! owns its connections and reads what was published last; a scrape costs the
//! run nothing but the processor's time.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::{fmt, io};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::Watched;
use super::openmetrics::{text, wanted};
use crate::hosts::{HostName, Hosts};

/// What `/` says.
const HINT: &str = "hrload: metrics of the run are at /metrics\n";

/// Serves metrics until it is dropped.
#[derive(Debug)]
pub struct MetricsServer {
    address: SocketAddr,
    /// Dropped, it tells the thread to end.
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

/// Why metrics cannot be served.
#[derive(Debug)]
pub struct ListenError {
    /// The address asked for.
    pub listen: SocketAddr,
    /// What the system said.
    pub source: io::Error,
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot serve metrics on {}: {}",
            self.listen, self.source
        )?;
        match self.source.kind() {
            io::ErrorKind::AddrInUse => {
                write!(f, "; name another port, or port 0 for a free one")
            }
            io::ErrorKind::AddrNotAvailable => {
                write!(f, "; name an address of this machine, such as 127.0.0.1")
            }
            io::ErrorKind::PermissionDenied => write!(f, "; name a port above 1023"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for ListenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl MetricsServer {
    /// Listens, and serves from a thread of its own; returns when the port answers.
    /// It may be asked by these names, besides `localhost` and addresses.
    ///
    /// # Errors
    /// The address cannot be listened on, or the thread cannot be started.
    pub fn start(
        listen: SocketAddr,
        names: &[HostName],
        watched: Watched,
    ) -> Result<Self, ListenError> {
        let hosts = Hosts::of(listen.ip(), names);
        Self::try_start(listen, hosts, watched).map_err(|source| ListenError { listen, source })
    }

    fn try_start(listen: SocketAddr, hosts: Hosts, watched: Watched) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("metrics".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = serve(listener, hosts, watched) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for MetricsServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so; there is nothing to add.
            let _ = thread.join();
        }
    }
}

async fn serve(listener: std::net::TcpListener, hosts: Hosts, watched: Watched) -> io::Result<()> {
    let routes = Router::new()
        .route("/metrics", get(metrics))
        .route("/", get(HINT))
        .fallback(async || (StatusCode::NOT_FOUND, HINT))
        .method_not_allowed_fallback(async || {
            (
                StatusCode::METHOD_NOT_ALLOWED,
                "metrics are read with GET\n",
            )
        })
        .layer(middleware::from_fn_with_state(Arc::new(hosts), guard))
        .with_state(watched);
    axum::serve(TcpListener::from_std(listener)?, routes).await
}

/// Lets in who asks by a name of this machine: a page elsewhere may have its name lead
/// here.
async fn guard(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    if hosts.allow(request.uri(), request.headers()) {
        next.run(request).await
    } else {
        let why = format!("{}\n", hosts.refusal());
        (StatusCode::FORBIDDEN, why).into_response()
    }
}

/// The figures as they are now, in the form that is asked for.
async fn metrics(State(watched): State<Watched>, headers: HeaderMap) -> impl IntoResponse {
    let accept = headers.get_all(header::ACCEPT).iter();
    let accept: Vec<&str> = accept.filter_map(|of| of.to_str().ok()).collect();
    let dialect = wanted(&accept.join(","));
    let status = watched.borrow().clone();
    let headers = [
        (header::CONTENT_TYPE, dialect.content_type()),
        (header::VARY, "Accept"),
    ];
    (headers, text(&status, dialect))
}
