//! `--tui`: a run on the whole screen, with keys.
//!
//! In go what is published of the run ([`Watched`]), notices, and the keys that
//! are pressed; out come pictures and orders to the run. A thread of its own
//! draws and reads keys: neither waits for the run, nor the run for it.
//!
//! | file | holds |
//! |---|---|
//! | `screen` | the terminal taken over, and given back on every way out |
//! | `input` | what comes from it: keys, another size, its being closed |
//! | `keys` | what a key does |
//! | `view` | the picture as a whole: where each panel is |
//! | `panels` | the panels |

mod input;
mod keys;
mod panels;
mod screen;
#[cfg(test)]
mod tests;
mod view;

use std::io::{self, IsTerminal};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::problem::Problem;
use crate::experiment::{Event, Remote};
use crate::report::duration;
use crate::telemetry::Watched;
use input::Input;
use keys::Keys;
use screen::Screen;
use view::View;

/// How long to wait for a key before looking whether there is something new.
const LOOK: Duration = Duration::from_millis(100);
/// How long a thread that was told to end is waited for. One that waits for the rest of
/// a key, or for a terminal that takes nothing, may never end.
const PATIENCE: Duration = Duration::from_secs(2);

/// The view, until it is dropped.
#[derive(Debug)]
pub(super) struct Tui {
    /// Dropped, it tells the thread to end.
    notices: Option<mpsc::Sender<Notice>>,
    /// How the thread ended.
    ended: Option<mpsc::Receiver<io::Result<()>>>,
}

/// What the thread is told beside what is published.
#[derive(Debug)]
enum Notice {
    /// What is being done, until something else is.
    Doing(String),
    /// Something to know; stays for a while.
    Said(String),
    /// The run was told to end.
    Ending,
}

/// Finds out, before anything is begun, whether there is a screen to fill.
pub(super) fn probe() -> Result<(), Problem> {
    let lacking = if !io::stderr().is_terminal() {
        "standard error, where it is drawn, is none"
    } else if !io::stdin().is_terminal() {
        "standard input, where keys come from, is none"
    } else if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        "TERM says that this one cannot move its cursor"
    } else {
        return Ok(());
    };
    Err(Problem::usage(format!(
        "--tui needs a terminal: {lacking}; leave it out for a line a second, or look on with \
         --metrics-listen"
    )))
}

impl Tui {
    /// Takes over the screen. Keys give orders through `remote`.
    pub(super) fn start(watched: Watched, remote: Remote) -> io::Result<Self> {
        let (notices, told) = mpsc::channel();
        let screen = Screen::take_over()?;
        let (end, ended) = mpsc::channel();
        thread::Builder::new()
            .name("tui".to_owned())
            .spawn(move || {
                // Nobody waits any more where it took too long.
                let _ = end.send(show(screen, watched, &told, Keys::new(remote)));
            })?;
        Ok(Self {
            notices: Some(notices),
            ended: Some(ended),
        })
    }

    /// Passes on what the published status does not say.
    pub(super) fn hear(&self, event: &Event<'_>) {
        self.tell(match event {
            Event::Step(step) => Notice::Doing((*step).to_owned()),
            Event::OutOfReach(missed) => Notice::Said(format!(
                "{missed} can no longer be met: ending the run, with a short drain"
            )),
            Event::Told(text) => Notice::Said((*text).to_owned()),
            Event::NotRemoved(error) => Notice::Said(format!("not removed: {error}")),
            Event::BudgetSpent(usd) => Notice::Said(format!(
                "{usd} USD spent: ending the run, with a short drain"
            )),
            Event::AwaitsLake(longest) => Notice::Said(format!(
                "waiting for the lake's last objects ({} at most)",
                duration(longest.as_secs_f64())
            )),
            Event::Interrupted => Notice::Ending,
            Event::Ready(_) => Notice::Doing("starting".to_owned()),
            Event::Phase(..) | Event::Complete(_) | Event::Second(_) => return,
        });
    }

    /// Says something.
    pub(super) fn say(&self, text: String) {
        self.tell(Notice::Said(text));
    }

    fn tell(&self, notice: Notice) {
        if let Some(notices) = &self.notices {
            // A view that failed says so when it is ended.
            let _ = notices.send(notice);
        }
    }

    /// Gives the screen back; the error is why it was given back before.
    pub(super) fn end(mut self) -> io::Result<()> {
        self.stop()
    }

    fn stop(&mut self) -> io::Result<()> {
        drop(self.notices.take());
        let Some(ended) = self.ended.take() else {
            return Ok(());
        };
        match ended.recv_timeout(PATIENCE) {
            Ok(ended) => ended,
            // A thread that panicked has said so.
            Err(mpsc::RecvTimeoutError::Disconnected) => Ok(()),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                screen::give_back();
                Err(io::Error::other("the terminal does not answer"))
            }
        }
    }
}

impl Drop for Tui {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// Draws what is new and reads keys, until nobody tells anything any more; then
/// the screen is given back, where it is dropped.
fn show(
    mut screen: Screen,
    mut watched: Watched,
    told: &mpsc::Receiver<Notice>,
    mut keys: Keys,
) -> io::Result<()> {
    let mut view = View::new(watched.borrow_and_update().clone());
    let mut stale = true;
    loop {
        loop {
            match told.try_recv() {
                Ok(notice) => view.hear(notice),
                Err(mpsc::TryRecvError::Empty) => break,
                Err(mpsc::TryRecvError::Disconnected) => return Ok(()),
            }
            stale = true;
        }
        stale |= view.forget();
        if watched.has_changed().unwrap_or(false) {
            view.turn_to(watched.borrow_and_update().clone());
            stale = true;
        }
        if stale {
            screen.draw(&view, &keys)?;
            stale = false;
        }
        for input in input::wait(LOOK)? {
            if let Input::Key(key) = input {
                keys.press(key);
            }
            stale = true;
        }
    }
}
