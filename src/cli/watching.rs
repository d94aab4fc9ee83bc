//! `--metrics-listen`, `--otlp` and `--tui`: who looks on while a run runs.

use std::net::SocketAddr;

use clap::Args;

use super::live::Live;
use super::logging::logs_to_terminal;
use super::problem::Problem;
use super::tui::{self, Tui};
use super::values;
use crate::experiment::{Event, Remote};
use crate::hosts::HostName;
use crate::report::{Ledger, count};
use crate::telemetry::{Exporter, Feed, MetricsServer, OtlpSettings};

/// Arguments that say who looks on.
#[derive(Debug, Default, Args)]
pub(super) struct WatchArgs {
    /// Show the run full-screen, with keys to pause it, change its rate and stop it
    #[arg(long, conflicts_with = "quiet", help_heading = "While it runs")]
    tui: bool,

    /// Serve OpenMetrics at /metrics during the run, on an address such as 127.0.0.1:9464 or
    /// a loopback port; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", value_parser = values::listen, help_heading = "While it runs")]
    metrics_listen: Option<SocketAddr>,

    /// Host name, besides localhost, that may be used to read --metrics-listen
    #[arg(
        long,
        value_name = "NAME",
        requires = "metrics_listen",
        help_heading = "While it runs"
    )]
    allow_host: Vec<HostName>,

    /// Send metrics to an OpenTelemetry collector during the run, as OTLP/HTTP with JSON
    /// [default: OTEL_EXPORTER_OTLP_ENDPOINT, or http://127.0.0.1:4318]
    #[arg(long, value_name = "URL", num_args = 0..=1, help_heading = "While it runs")]
    otlp: Option<Option<String>>,
}

/// Refuses words of `hrload run` that ask to look on at one of many runs.
pub(super) fn refuse_in(words: &[String]) -> Result<(), Problem> {
    let flags = ["--tui", "--metrics-listen", "--otlp"];
    let is = |word: &str, flag: &str| {
        let rest = word.strip_prefix(flag);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    let mut words = words.iter();
    match words.find(|word| flags.iter().any(|flag| is(word, flag))) {
        None => Ok(()),
        Some(word) => Err(Problem::usage(format!(
            "{word} works with a single run only, and a comparison makes several; leave it out"
        ))),
    }
}

impl WatchArgs {
    /// Begins to look on, but for the screen. What cannot be had is wrong use, and
    /// better known before the run than in it.
    pub(super) fn begin(&self, quiet: bool) -> Result<Watching, Problem> {
        if self.tui {
            if logs_to_terminal() {
                return Err(Problem::usage(
                    "-v and HRLOAD_LOG write to standard error, where --tui has the screen; send \
                     it elsewhere, such as 2>hrload.log",
                ));
            }
            tui::probe()?;
        }
        let feed = Feed::new();
        let server = match self.metrics_listen {
            None => None,
            Some(address) => {
                let server = MetricsServer::start(address, &self.allow_host, feed.watched());
                let server = server.map_err(Problem::usage)?;
                if !quiet {
                    say!("metrics at http://{}/metrics", server.address());
                }
                Some(server)
            }
        };
        let exporter = match &self.otlp {
            None => None,
            Some(url) => {
                let variable = |name: &str| std::env::var(name).ok();
                let settings = OtlpSettings::new(url.as_deref(), variable);
                let settings = settings.map_err(Problem::usage)?;
                let exporter = Exporter::start(settings, feed.watched());
                Some(exporter.map_err(Problem::failed)?)
            }
        };
        let watched = self.tui || server.is_some() || exporter.is_some();
        Ok(Watching {
            feed: watched.then_some(feed),
            full_screen: self.tui,
            server,
            exporter,
            tui: None,
        })
    }
}

/// Those who look on, until the run is over.
pub(super) struct Watching {
    /// What they all read; none when nobody looks.
    feed: Option<Feed>,
    full_screen: bool,
    server: Option<MetricsServer>,
    exporter: Option<Exporter>,
    tui: Option<Tui>,
}

impl Watching {
    /// Takes over the screen, where that was asked for. From then on the screen
    /// has all there is to be said until [`Self::end`].
    pub(super) fn take_screen(&mut self, remote: Remote) -> Result<(), Problem> {
        if let (true, Some(feed)) = (self.full_screen, &self.feed) {
            let tui = Tui::start(feed.watched(), remote).map_err(Problem::failed)?;
            self.tui = Some(tui);
        }
        Ok(())
    }

    /// Whether the screen is taken over.
    pub(super) fn full_screen(&self) -> bool {
        self.full_screen
    }

    /// Passes one event on; what there is to say goes to the screen or to `live`.
    pub(super) fn hear(&mut self, event: &Event<'_>, live: &Live) {
        if let Some(feed) = &mut self.feed {
            feed.hear(event);
        }
        if let Some(tui) = &self.tui {
            tui.hear(event);
        }
        let exporter = self.exporter.iter();
        for warning in exporter.flat_map(Exporter::warnings) {
            match &self.tui {
                Some(tui) => tui.say(warning),
                None => live.print(&warning),
            }
        }
    }

    /// The run is over: gives the screen back, sends what is left, with the totals of
    /// the ledger if there is one, and says what went wrong.
    pub(super) fn end(mut self, ledger: Option<&Ledger>, quiet: bool) {
        if let Some(feed) = self.feed.take() {
            feed.end(ledger);
        }
        let failed = self.tui.take().map(Tui::end);
        drop(self.server.take());
        let exported = self.exporter.take().map(Exporter::end);
        if quiet {
            return;
        }
        if let Some(Err(error)) = failed {
            say!("the full-screen view ended early: {error}");
        }
        if let Some(exported) = exported.filter(|of| of.dropped > 0) {
            say!(
                "{} of {} exports of metrics did not arrive; of the last: {}",
                count(exported.dropped),
                count(exported.sent + exported.dropped),
                exported.cause.unwrap_or_default(),
            );
        }
    }
}
