//! `-v` and `HRLOAD_LOG`: what hrload and the AWS SDK decide, on standard error.
//!
//! One line for what happens once or seldom: set-up, phases, retries, shards that
//! open and close, objects that are written. Nothing is logged for a reading.

use std::io::{self, IsTerminal, Write, stderr};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use clap::{ArgAction, Args};
use tracing_subscriber::filter::{FilterExt, LevelFilter, Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::time::uptime;
use tracing_subscriber::prelude::*;

use super::problem::Problem;
use super::screen;

/// The variable that says what is logged, target by target.
const VARIABLE: &str = "HRLOAD_LOG";

/// Whether anything is logged.
static LOGS: AtomicBool = AtomicBool::new(false);

/// How much is logged.
#[derive(Debug, Args)]
pub(super) struct LogArgs {
    /// Log to standard error; -vv logs more, HRLOAD_LOG chooses by module
    #[arg(short, long = "verbose", action = ArgAction::Count, global = true)]
    verbose: u8,
}

impl LogArgs {
    /// Begins to log, if that is wanted.
    ///
    /// # Errors
    /// `HRLOAD_LOG` is not understood.
    pub(super) fn begin(&self) -> Result<(), Problem> {
        let Some(wanted) = self.wanted(std::env::var(VARIABLE).ok().as_deref())? else {
            return Ok(());
        };
        LOGS.store(true, Relaxed);
        // The SDK's signer logs what it signs, its orchestrator whole requests.
        let safe = filter_fn(|of| {
            let ours = of.target().starts_with("hrload");
            ours || (*of.level() <= tracing::Level::DEBUG && !of.target().contains("sigv4"))
        });
        let lines = tracing_subscriber::fmt::layer()
            .with_timer(uptime())
            .with_ansi(false)
            .with_writer(Lines)
            .with_filter(safe.and(wanted));
        tracing_subscriber::registry().with(lines).init();
        Ok(())
    }

    fn wanted(&self, variable: Option<&str>) -> Result<Option<Targets>, Problem> {
        let levels = match (variable.map(str::trim), self.verbose) {
            (None | Some(""), 0) => return Ok(None),
            (None | Some(""), 1) => "hrload=info",
            (None | Some(""), _) => "hrload=debug,aws_config=debug",
            (Some(levels), _) => levels,
        };
        let wanted: Targets = levels.parse().map_err(|_| {
            Problem::usage(format!(
                "{VARIABLE}={levels} is not understood; give modules and levels (error, warn, \
                 info, debug, trace), such as hrload=debug,aws_config=info"
            ))
        })?;
        let any = wanted.iter().any(|(_, level)| level > LevelFilter::OFF)
            || wanted
                .default_level()
                .is_some_and(|level| level > LevelFilter::OFF);
        Ok(any.then_some(wanted))
    }
}

/// Whether lines are logged: then nothing is drawn in place.
pub(super) fn logs() -> bool {
    LOGS.load(Relaxed)
}

/// Whether lines are logged to a terminal, which then has no room for a screen.
pub(super) fn logs_to_terminal() -> bool {
    logs() && stderr().is_terminal()
}

/// Writes whole lines to standard error, without secrets.
struct Lines;

/// A line on its way.
struct LogLine(Vec<u8>);

impl<'a> MakeWriter<'a> for Lines {
    type Writer = LogLine;

    fn make_writer(&'a self) -> LogLine {
        LogLine(Vec::new())
    }
}

impl Write for LogLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        let line = String::from_utf8_lossy(&self.0);
        screen::say(line.trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(verbose: u8, variable: Option<&str>) -> Option<String> {
        let args = LogArgs { verbose };
        match args.wanted(variable) {
            Ok(wanted) => wanted.map(|of| of.to_string()),
            Err(_) => Some("refused".to_owned()),
        }
    }

    #[test]
    fn the_variable_says_more_than_the_flag() {
        assert_eq!(wanted(0, None), None);
        assert_eq!(wanted(0, Some("off")), None);
        assert_eq!(wanted(1, None).as_deref(), Some("hrload=info"));
        assert_eq!(
            wanted(1, Some("hrload_lake=trace")).as_deref(),
            Some("hrload_lake=trace")
        );
        assert_eq!(wanted(0, Some("hrload=loud")).as_deref(), Some("refused"));
    }
}
