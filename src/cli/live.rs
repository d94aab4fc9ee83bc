//! What a run looks like while it runs: one line that renews itself on a
//! terminal, a plain line now and then elsewhere. All of it goes to standard
//! error, so that standard output can be piped.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::logging::logs;
use super::problem::Problem;
use super::screen;
use crate::endpoint::redact;
use crate::experiment::{Event, Snapshot};
use crate::report::screen::width;
use crate::report::{Phase, amount, duration};

/// Seconds between two plain lines.
const PLAIN_EVERY: u64 = 5;

/// Columns of the phase's name and of the bar at its shortest.
const BESIDE: usize = 20;

/// Shows a run's events.
pub(super) struct Live {
    bar: Option<ProgressBar>,
    quiet: bool,
    /// One run of several: away from a terminal its phases are not worth lines.
    brief: bool,
    /// Which of several runs it is, shown on the line.
    context: String,
    /// What could not be removed, and why.
    not_removed: Option<String>,
}

impl Live {
    /// A display for this process's standard error.
    pub(super) fn new(quiet: bool) -> Self {
        let bar = (!quiet && stderr().is_terminal() && !logs()).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
            // Until there is a phase to measure, what is being done.
            if let Ok(style) = ProgressStyle::with_template("{spinner:.green} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self {
            bar,
            quiet,
            brief: false,
            context: String::new(),
            not_removed: None,
        }
    }

    /// The same for several runs, one after the other.
    pub(super) fn of_many(quiet: bool) -> Self {
        Self {
            brief: true,
            ..Self::new(quiet)
        }
    }

    /// Makes a display for a calculation that is seldom long. Nothing is shown before
    /// the first note.
    pub(super) fn late() -> Self {
        Self {
            bar: None,
            quiet: false,
            brief: false,
            context: String::new(),
            not_removed: None,
        }
    }

    /// Shows how far something is: in place on a terminal, else as a line, seldom.
    pub(super) fn note(&mut self, text: &str) {
        if self.bar.is_none() && stderr().is_terminal() {
            self.bar = Self::new(self.quiet).bar;
        }
        self.say(text);
    }

    /// From now on it is this run.
    pub(super) fn turn_to(&mut self, context: &str) {
        context.clone_into(&mut self.context);
    }

    /// Shows one event.
    pub(super) fn show(&mut self, event: &Event<'_>) {
        if let Event::NotRemoved(error) = event {
            self.not_removed = Some(error.to_string());
        }
        if self.quiet {
            return;
        }
        match event {
            Event::Step(step) => self.say(&format!("{}: {step}", doing(Phase::SetUp))),
            Event::Told(text) => self.print(text),
            Event::Ready(setting) => self.print(&setting.to_string()),
            Event::Phase(phase, length) => self.begin(*phase, *length),
            Event::AwaitsLake(longest) => self.say(&format!(
                "waiting for the lake's last objects ({} at most)",
                duration(longest.as_secs_f64())
            )),
            Event::Second(snapshot) => self.second(snapshot),
            Event::Complete(_) => {}
            Event::OutOfReach(missed) => self.print(&format!(
                "{missed} can no longer be met: ending the run, with a short drain"
            )),
            Event::NotRemoved(error) => self.print(&format!(
                "not removed: {error}; remove it by hand, it may cost money as long as it is there"
            )),
            Event::BudgetSpent(usd) => self.print(&format!(
                "{usd} USD spent: ending the run, with a short drain"
            )),
            Event::Interrupted => self.print(
                "interrupted: ending this phase, with a short drain; a second signal stops at once",
            ),
        }
    }

    /// Clears the line, so that what follows stands alone. Returns what there is to
    /// say at the very end: that something was not removed.
    pub(super) fn finish(self) -> Option<Problem> {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        let error = self.not_removed?;
        Some(Problem::failed(error).and("what was measured is kept; remove it by hand"))
    }

    /// Prints a line that stays.
    pub(super) fn print(&self, text: &str) {
        if self.quiet {
            return;
        }
        match &self.bar {
            Some(bar) => bar.println(screen::said(text)),
            None => say!("{text}"),
        }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(redact(text)),
            None if self.brief => {}
            None => say!("{text}"),
        }
    }

    fn begin(&mut self, phase: Phase, length: Duration) {
        let Some(bar) = &self.bar else {
            if self.brief {
                return;
            }
            say!(
                "{} ({} at most)",
                doing(phase),
                duration(length.as_secs_f64())
            );
            return;
        };
        // The template is fixed; a wrong one would show in any test run.
        if let Ok(style) = ProgressStyle::with_template("{prefix:>10} {wide_bar:.green/dim} {msg}")
        {
            bar.set_style(style.progress_chars("━━─"));
        }
        bar.set_prefix(doing(phase));
        bar.set_length(length.as_millis() as u64);
        bar.set_position(0);
        bar.set_message(String::new());
    }

    fn second(&mut self, snapshot: &Snapshot) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(snapshot.elapsed.as_millis() as u64);
                let pause = if self.context.is_empty() { "" } else { "  " };
                let beside = BESIDE + width(&self.context) + pause.len();
                let line = line(snapshot, screen::of_stderr().get().saturating_sub(beside));
                bar.set_message(format!("{}{pause}{line}", self.context));
            }
            None if self.brief => {}
            None if snapshot.elapsed.as_secs().is_multiple_of(PLAIN_EVERY) => {
                say!(
                    "{:>10} {:>5} {}",
                    doing(snapshot.phase),
                    format!("{}s", snapshot.elapsed.as_secs()),
                    line(snapshot, usize::MAX),
                );
            }
            None => {}
        }
    }
}

/// What is being done in a phase.
fn doing(phase: Phase) -> &'static str {
    match phase {
        Phase::SetUp => "setting up",
        Phase::WarmUp => "warming up",
        Phase::Measure => "measuring",
        Phase::Drain => "draining",
        Phase::Complete => "complete",
    }
}

/// What a second was like, in at most so many columns: what tells least is left out first.
fn line(snapshot: &Snapshot, most: usize) -> String {
    let mut parts = vec![(0, format!("{}/s", amount(snapshot.acknowledged_per_s)))];
    if let Some(p99) = snapshot.response_p99_s {
        parts.push((3, format!("response p99 {}", duration(p99))));
    }
    if let (Some(p50), Some(p99)) = (snapshot.e2e_p50_s, snapshot.e2e_p99_s) {
        let times = format!("e2e p50 {} p99 {}", duration(p50), duration(p99));
        parts.push((2, times));
    }
    if let Some(unseen) = snapshot.unseen {
        parts.push((4, format!("unseen {}", amount(unseen as f64))));
    }
    for (name, count) in [
        ("waiting", snapshot.waiting),
        ("throttled", snapshot.throttled),
        ("failed", snapshot.failed),
    ] {
        if count > 0 {
            parts.push((1, format!("{name} {}", amount(count as f64))));
        }
    }
    let left = snapshot.length.saturating_sub(snapshot.elapsed);
    parts.push((0, format!("{:.0} s left", left.as_secs_f64())));
    loop {
        let texts: Vec<&str> = parts.iter().map(|(_, text)| text.as_str()).collect();
        let line = texts.join("  ");
        let least = parts.iter().map(|(rank, _)| *rank).max().unwrap_or(0);
        if width(&line) <= most || least == 0 {
            return line;
        }
        parts.retain(|(rank, _)| *rank < least);
    }
}
