//! The port where metrics are scraped.
//!
//! One thread with one runtime, started before the run and ended with it. It
//! owns its connections and reads what was published last; a scrape costs the
//! run nothing but the processor's time.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fmt, io};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::Watched;
use super::openmetrics::{text, wanted};
use crate::hosts::{HostName, Hosts};

/// A connection on which no request head arrives for this long is closed.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// How long to wait before accepting again when the system cannot.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

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
                        () = accept(listener, hosts, watched) => {}
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

async fn accept(listener: std::net::TcpListener, hosts: Hosts, watched: Watched) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    let hosts = Arc::new(hosts);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, Arc::clone(&hosts), watched.clone()));
            }
            // Out of files, say. The connection waits in the backlog meanwhile.
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn serve(stream: TcpStream, hosts: Arc<Hosts>, watched: Watched) {
    let service = service_fn(move |request| {
        let answer = answer(&request, &hosts, &watched);
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    // A connection that ends in an error is the scraper's loss.
    let _ = connection.await;
}

fn answer<B>(request: &Request<B>, hosts: &Hosts, watched: &Watched) -> Response<Full<Bytes>> {
    let plain = "text/plain; charset=utf-8";
    let (status, kind, body) = match (request.method(), request.uri().path()) {
        _ if !hosts.allow(request.uri(), request.headers()) => {
            let body = format!("{}\n", hosts.refusal());
            (StatusCode::FORBIDDEN, plain, body)
        }
        (&Method::GET | &Method::HEAD, "/metrics") => {
            let accept = request.headers().get_all(header::ACCEPT).iter();
            let accept: Vec<&str> = accept.filter_map(|of| of.to_str().ok()).collect();
            let dialect = wanted(&accept.join(","));
            let status = watched.borrow().clone();
            (
                StatusCode::OK,
                dialect.content_type(),
                text(&status, dialect),
            )
        }
        (&Method::GET | &Method::HEAD, "/") => (StatusCode::OK, plain, HINT.to_owned()),
        (&Method::GET | &Method::HEAD, _) => (StatusCode::NOT_FOUND, plain, HINT.to_owned()),
        _ => {
            let body = "metrics are read with GET\n".to_owned();
            (StatusCode::METHOD_NOT_ALLOWED, plain, body)
        }
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
    headers.insert(header::VARY, http::HeaderValue::from_static("Accept"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let allowed = http::HeaderValue::from_static("GET, HEAD");
        headers.insert(header::ALLOW, allowed);
    }
    response
}
