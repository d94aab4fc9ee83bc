//! Messages on their way to a collector.
//!
//! One thread with one runtime; it starts before the run, reads what was
//! published last every few seconds, and ends after the run with what was
//! published at its end. A collector that is down costs the run nothing: each
//! export is tried once, and those that failed are counted.

use std::io;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::TokioExecutor;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{OtlpSettings, message};
use crate::report::duration;
use crate::telemetry::Watched;
use crate::trouble::words;

/// How long the end of a run waits for its last export.
const LAST: Duration = Duration::from_secs(3);

/// Answers longer than this are not read: they say what was wrong, in short.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Sends metrics until the run's feed ends.
#[derive(Debug)]
pub struct Exporter {
    thread: JoinHandle<ExportSummary>,
    warnings: mpsc::Receiver<String>,
}

/// What came of all exports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportSummary {
    /// Exports that were taken.
    pub sent: u64,
    /// Exports that were not.
    pub dropped: u64,
    /// Why the last of those was not.
    pub cause: Option<String>,
}

impl Exporter {
    /// Starts the thread.
    ///
    /// # Errors
    /// It cannot be started, or the system's certificates cannot be read.
    pub fn start(settings: OtlpSettings, watched: Watched) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (warn, warnings) = mpsc::channel();
        let builder = Client::builder(TokioExecutor::new());
        let thread = thread::Builder::new().name("otlp".to_owned());
        let thread = if settings.url.uri().scheme_str() == Some("https") {
            let connector = HttpsConnectorBuilder::new()
                .with_native_roots()?
                .https_only()
                .enable_http1()
                .build();
            let client = builder.build(connector);
            thread
                .spawn(move || runtime.block_on(export_all(&settings, &client, watched, &warn)))?
        } else {
            let client = builder.build(HttpConnector::new());
            thread
                .spawn(move || runtime.block_on(export_all(&settings, &client, watched, &warn)))?
        };
        Ok(Self { thread, warnings })
    }

    /// What is to be said by now: the first export that failed.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        self.warnings.try_iter()
    }

    /// Waits for the last export. Call it when the feed has ended.
    #[must_use]
    pub fn end(self) -> ExportSummary {
        // A thread that panicked has said so.
        self.thread.join().unwrap_or_default()
    }
}

async fn export_all<C>(
    settings: &OtlpSettings,
    client: &Client<C, Full<Bytes>>,
    mut watched: Watched,
    warn: &mpsc::Sender<String>,
) -> ExportSummary
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let mut ticker = interval(settings.interval);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticker.tick().await;
    let mut summary = ExportSummary::default();
    loop {
        let over = tokio::select! {
            _ = ticker.tick() => false,
            // What is published meanwhile waits for its turn.
            () = closed(&mut watched) => true,
        };
        let status = watched.borrow().clone();
        // Before set-up is over nothing has a name.
        if !status.about.run.is_empty() {
            let longest = if over {
                settings.timeout.min(LAST)
            } else {
                settings.timeout
            };
            let body = message(&status, settings).to_string();
            let sent = timeout(longest, export(settings, client, body)).await;
            match sent.unwrap_or_else(|_| {
                Err(format!(
                    "no answer within {}",
                    duration(longest.as_secs_f64())
                ))
            }) {
                Ok(()) => summary.sent += 1,
                Err(cause) => {
                    if summary.dropped == 0 {
                        let url = &settings.url;
                        // Nobody listens once the run is over, and then the
                        // summary says it.
                        let _ = warn.send(format!(
                            "metrics cannot be sent to {url}: {cause}; the run goes on"
                        ));
                    }
                    summary.dropped += 1;
                    summary.cause = Some(cause);
                }
            }
        }
        if over {
            return summary;
        }
    }
}

async fn closed(watched: &mut Watched) {
    while watched.changed().await.is_ok() {}
}

async fn export<C>(
    settings: &OtlpSettings,
    client: &Client<C, Full<Bytes>>,
    body: String,
) -> Result<(), String>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let mut request = Request::post(settings.url.uri())
        .header(header::CONTENT_TYPE, "application/json")
        .header(
            header::USER_AGENT,
            concat!("hrload/", env!("CARGO_PKG_VERSION")),
        );
    for (name, value) in &settings.headers {
        request = request.header(name, value);
    }
    let request = request
        .body(Full::from(body))
        .map_err(|error| error.to_string())?;
    let answer = client
        .request(request)
        .await
        .map_err(|error| words(&error))?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), LONGEST_ANSWER).collect();
    let body = body.await.map(|body| body.to_bytes()).unwrap_or_default();
    if !status.is_success() {
        return Err(format!("the collector answered {status}"));
    }
    // Taken, but perhaps not all of it.
    let answer: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    match rejected(&answer["partialSuccess"]["rejectedDataPoints"]) {
        0 => Ok(()),
        points => Err(format!(
            "the collector rejected {points} points: {}",
            answer["partialSuccess"]["errorMessage"]
                .as_str()
                .unwrap_or("it does not say why")
        )),
    }
}

/// A 64-bit integer, which JSON has as text; some write it as a number.
fn rejected(value: &serde_json::Value) -> u64 {
    let text = value.as_str().and_then(|text| text.parse().ok());
    text.or_else(|| value.as_u64()).unwrap_or(0)
}
