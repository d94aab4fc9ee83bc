//! The HTTP front: one port for both services.
//!
//! A listener deals connections to server threads in turn; each thread runs a
//! single-threaded runtime with one task a connection, so that ten thousand
//! idle connections cost memory and no time. What a request gets as an answer
//! is [`super::front`]'s matter.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use super::body::{Held, SMALL_BODY_BYTES};
use super::builder::Builder;
use super::capture::Capture;
use super::dynamodb::Database;
use super::faults::{FaultDice, Injected};
use super::front::Front;
use super::kinesis::Streams;
use super::table_streams::TableStreams;
use hrload_base::clock::Clock;
use hrload_base::hosts::Hosts;
use hrload_base::process::{raise_open_files, thread_cpu_us};

/// A connection on which no request head arrives for this long is closed,
/// whether it is idle or stalls; with HTTP/2 that goes for its first request alone.
const HEAD_TIMEOUT: Duration = Duration::from_secs(300);
/// How long connections may take to finish what they are at when the services stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);
/// Connections that may wait to be accepted. Those beyond it find out a second
/// later, when they try again.
const BACKLOG: i32 = 4096;
/// How long to wait before accepting again when the system cannot.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
/// Calls of one HTTP/2 connection at a time: the least that servers are recommended to
/// allow (<https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2>).
const MOST_STREAMS: u32 = 100;
/// What a client may send ahead of being read: so that a call that has to wait holds up
/// no other, all of them together.
const STREAM_WINDOW: u32 = SMALL_BODY_BYTES as u32;
/// Every how many requests a thread that never rests publishes its CPU time.
pub(super) const CPU_PUBLISH_INTERVAL: u64 = 64;

/// The running services.
///
/// They stop when dropped: no new connections are taken, and answers under way
/// are finished within a second.
#[derive(Debug)]
pub struct Services {
    address: SocketAddr,
    database: Arc<Database>,
    streams: Arc<Streams>,
    capture: Arc<Capture>,
    table_streams: Arc<TableStreams>,
    dice: Arc<FaultDice>,
    cpu_us: Vec<Arc<AtomicU64>>,
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

/// Why the services could not start.
#[derive(Debug)]
pub struct StartError {
    /// The address asked for.
    pub listen: SocketAddr,
    /// What the system said.
    pub source: std::io::Error,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot listen on {}: {}", self.listen, self.source)?;
        if self.source.kind() == std::io::ErrorKind::AddrInUse {
            write!(f, "; port 0 takes a free one")?;
        }
        Ok(())
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl Services {
    /// Returns the settings of services yet to be started.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(super) fn start(config: Builder) -> Result<Self, StartError> {
        let listen = config.listen;
        Self::try_start(config).map_err(|source| StartError { listen, source })
    }

    fn try_start(config: Builder) -> std::io::Result<Self> {
        raise_open_files();
        let listener = std::net::TcpListener::bind(config.listen)?;
        // Once more, with a longer queue than the library's 128.
        rustix::net::listen(&listener, BACKLOG)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;

        let dice = Arc::new(FaultDice::new(&config.faults, config.seed));
        let limits = config.limits.map(Arc::new);
        let streams = Streams::new(
            config.region.clone(),
            config.account.clone(),
            config.retain_bytes,
        );
        let streams = Arc::new(streams.with_limits(limits.clone()));
        let clock = Clock::start();
        let capture = Arc::new(Capture::start(
            Arc::clone(&streams),
            config.region.clone(),
            config.change_delay,
            Arc::clone(&dice),
            config.seed,
            clock,
        ));
        let region = config.region.clone();
        let database = Database::new(
            config.region,
            config.account,
            config.retain_bytes,
            Arc::clone(&streams),
            Arc::clone(&capture),
            Arc::clone(&dice),
        );
        // An account of its own, and no rules: a table's stream takes what its table takes.
        let logs = Arc::new(Streams::new(
            String::new(),
            String::new(),
            config.retain_bytes,
        ));
        let stream_capture = Capture::start(
            Arc::clone(&logs),
            region,
            config.change_delay,
            Arc::clone(&dice),
            config.seed,
            clock,
        );
        let table_streams = Arc::new(TableStreams::new(logs, stream_capture));
        let database = database.with_table_streams(Arc::clone(&table_streams));
        let database = Arc::new(database.with_limits(limits));
        let front = Front::new(
            Arc::clone(&database),
            Arc::clone(&table_streams),
            Arc::clone(&streams),
            Arc::clone(&dice),
            clock,
            config.seed,
        );
        let hosts = Hosts::of(address.ip(), &config.allow_hosts);
        let front = front.answering(hosts, config.allow_origins);
        let front = Arc::new(front.nulling(config.null));

        let (stop, stopping) = watch::channel(false);
        let mut services = Self {
            address,
            database,
            streams,
            capture,
            table_streams,
            dice,
            cpu_us: Vec::new(),
            stop,
            threads: Vec::new(),
        };
        let mut hands = Vec::new();
        let mut listener = Some(listener);
        let mut workers = Vec::new();
        for _ in 0..config.threads.max(1) {
            let (give, take) = mpsc::unbounded_channel();
            hands.push(give);
            workers.push(take);
        }
        for (at, connections) in workers.into_iter().enumerate() {
            let cpu_us = Arc::new(AtomicU64::new(0));
            services.cpu_us.push(Arc::clone(&cpu_us));
            let worker = Worker {
                front: Arc::clone(&front),
                connections,
                stopping: stopping.clone(),
                cpu_us,
            };
            // The first thread also accepts: dealing costs little, and a
            // thread of its own would mean another to wake for each connection.
            let dealer = listener.take().map(|listener| (listener, hands.clone()));
            let thread = std::thread::Builder::new()
                .name(format!("hrload-local-{at}"))
                .spawn(move || worker.run(dealer))?;
            services.threads.push(thread);
        }
        Ok(services)
    }

    /// Where they listen.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint URL for clients: `http://127.0.0.1:8000`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Holds counted faults back until [`Self::begin_counted_faults`].
    pub fn hold_counted_faults(&self) {
        self.dice.hold_counted();
    }

    /// Lets counted faults strike from now on.
    pub fn begin_counted_faults(&self) {
        self.dice.begin_counting();
    }

    /// CPU time used by all service threads so far, in microseconds. A busy
    /// thread's is a few requests old.
    #[must_use]
    pub fn cpu_us(&self) -> u64 {
        let servers: u64 = self.cpu_us.iter().map(|us| us.load(Relaxed)).sum();
        servers + self.capture.cpu_us() + self.table_streams.cpu_us()
    }

    /// The faults injected so far, by kind.
    #[must_use]
    pub fn injected(&self) -> Injected {
        self.dice.injected()
    }

    /// Items that made room for newer ones because more than `retain_bytes`
    /// would have been kept.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.database.evicted()
    }

    /// Stream records that were trimmed to keep to `retain_bytes`, or for their age, before
    /// a reader that came for them had read them; each reader's are counted.
    #[must_use]
    pub fn trimmed_unread(&self) -> u64 {
        self.streams.trimmed_unread() + self.table_streams.trimmed_unread()
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so; there is nothing to add.
            let _ = thread.join();
        }
    }
}

/// Publishes the calling thread's CPU time.
pub(super) fn publish_cpu(cpu_us: &AtomicU64) {
    cpu_us.store(thread_cpu_us(), Relaxed);
}

/// One server thread: owns its runtime and the connections dealt to it; ends
/// when `stopping` says so.
struct Worker {
    front: Arc<Front>,
    connections: mpsc::UnboundedReceiver<std::net::TcpStream>,
    stopping: watch::Receiver<bool>,
    cpu_us: Arc<AtomicU64>,
}

type Hands = Vec<mpsc::UnboundedSender<std::net::TcpStream>>;

impl Worker {
    fn run(mut self, dealer: Option<(std::net::TcpListener, Hands)>) {
        let parked = Arc::clone(&self.cpu_us);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .on_thread_park(move || publish_cpu(&parked))
            .build();
        let Ok(runtime) = runtime else {
            return;
        };
        runtime.block_on(async {
            if let Some((listener, hands)) = dealer {
                let stopping = self.stopping.clone();
                tokio::spawn(deal(listener, hands, stopping));
            }
            let mut stopping = self.stopping.clone();
            let server = connections();
            let open = GracefulShutdown::new();
            loop {
                tokio::select! {
                    _ = stopping.wait_for(|stop| *stop) => break,
                    connection = self.connections.recv() => {
                        let Some(connection) = connection else { break };
                        self.serve(connection, &server, &open);
                    }
                }
            }
            let _ = tokio::time::timeout(STOP_TIMEOUT, open.shutdown()).await;
        });
        publish_cpu(&self.cpu_us);
    }

    /// Starts the task that serves one connection: it ends with the
    /// connection, or gently when the services stop.
    fn serve(
        &self,
        stream: std::net::TcpStream,
        server: &auto::Builder<TokioExecutor>,
        open: &GracefulShutdown,
    ) {
        let Ok(stream) = TcpStream::from_std(stream) else {
            return;
        };
        let front = Arc::clone(&self.front);
        let cpu_us = Arc::clone(&self.cpu_us);
        let held = Arc::new(Held::default());
        let asked = Arc::new(AtomicBool::new(false));
        let asks = Arc::clone(&asked);
        let service = hyper::service::service_fn(move |request| {
            asks.store(true, Relaxed);
            Arc::clone(&front).answer(request, Arc::clone(&held), Arc::clone(&cpu_us))
        });
        let connection = server.serve_connection(TokioIo::new(stream), service);
        let connection = open.watch(connection.into_owned());
        tokio::spawn(async move {
            let mut connection = std::pin::pin!(connection);
            // A connection that ends in an error is the client's loss or a fault.
            let first = tokio::time::timeout(HEAD_TIMEOUT, connection.as_mut()).await;
            if first.is_err() && asked.load(Relaxed) {
                let _ = connection.await;
            }
        });
    }
}

/// Returns what serves connections: HTTP/1.1, or HTTP/2 for clients that speak it
/// without having asked, as the SDK for JavaScript does with Kinesis
/// (<https://www.rfc-editor.org/rfc/rfc9113#section-3.3>).
fn connections() -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(STREAM_WINDOW * MOST_STREAMS);
    server
}

/// Accepts connections and deals them in turn, until the services stop.
async fn deal(listener: std::net::TcpListener, hands: Hands, mut stopping: watch::Receiver<bool>) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    let mut turn = hands.iter().cycle();
    loop {
        let accepted = tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                // Answers are single writes; waiting to fill packets only delays them.
                let _ = stream.set_nodelay(true);
                if let (Ok(stream), Some(hand)) = (stream.into_std(), turn.next()) {
                    let _ = hand.send(stream);
                }
            }
            // Out of files, say. The connection waits in the backlog meanwhile.
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}
