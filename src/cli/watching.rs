//! `--metrics-listen`, `--otlp` and `--tui`: who looks on while a run runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;

use clap::Args;

use super::problem::Problem;
use crate::experiment::Event;
use crate::telemetry::{Feed, MetricsServer};

/// Arguments that say who looks on.
#[derive(Debug, Default, Args)]
pub(super) struct WatchArgs {
    /// Serve metrics of the run while it lasts, as OpenMetrics at /metrics: an address
    /// such as 127.0.0.1:9464, or a port of this machine's own; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", help_heading = "While it runs")]
    metrics_listen: Option<Listen>,
}

/// An address to listen on: `127.0.0.1:9464`, or a port alone on the loopback address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Listen(SocketAddr);

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let port = text.strip_prefix(':').unwrap_or(text).parse::<u16>();
        let loopback = port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let localhost = text
            .strip_prefix("localhost")
            .map(|rest| format!("127.0.0.1{rest}"));
        let address = loopback.or_else(|_| localhost.as_deref().unwrap_or(text).parse());
        address.map(Self).map_err(|_| {
            "expected an address and a port such as 127.0.0.1:9464, or a port alone".to_owned()
        })
    }
}

impl WatchArgs {
    /// The first flag that was given, with its value, if any was.
    pub(super) fn given(&self) -> Option<String> {
        let listen = self.metrics_listen.as_ref();
        listen.map(|Listen(address)| format!("--metrics-listen {address}"))
    }

    /// Begins to look on. What cannot be had is wrong use, and better known
    /// before the run than in it.
    pub(super) fn begin(&self, quiet: bool) -> Result<Watching, Problem> {
        let feed = Feed::new();
        let server = match self.metrics_listen {
            None => None,
            Some(Listen(address)) => {
                let server = MetricsServer::start(address, feed.watched());
                let server = server.map_err(Problem::usage)?;
                if !quiet {
                    anstream::eprintln!("metrics at http://{}/metrics", server.address());
                }
                Some(server)
            }
        };
        Ok(Watching {
            feed: server.is_some().then_some(feed),
            server,
        })
    }
}

/// Those who look on, until the run is over.
pub(super) struct Watching {
    /// What they all read; none when nobody looks.
    feed: Option<Feed>,
    server: Option<MetricsServer>,
}

impl Watching {
    /// Passes one event on.
    pub(super) fn hear(&mut self, event: &Event<'_>) {
        if let Some(feed) = &mut self.feed {
            feed.hear(event);
        }
    }

    /// The run is over.
    pub(super) fn end(mut self) {
        if let Some(feed) = self.feed.take() {
            feed.end();
        }
        drop(self.server);
    }
}
