//! What comes from the terminal.

use std::io::{self, stdin};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyEvent};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// Something that came.
#[derive(Debug)]
pub(super) enum Input {
    Key(KeyEvent),
    /// The terminal has another size.
    Resized,
}

/// Waits for keys at most so long, and takes what is there.
///
/// # Errors
/// The terminal was closed, or cannot be read.
pub(super) fn wait(longest: Duration) -> io::Result<Vec<Input>> {
    // Crossterm reads a terminal that was closed again and again, without end.
    if is_closed_within(longest)? {
        return Err(io::Error::other("the terminal was closed"));
    }
    let mut came = Vec::new();
    while event::poll(Duration::ZERO)? {
        match event::read()? {
            Event::Key(key) => came.push(Input::Key(key)),
            Event::Resize(..) => came.push(Input::Resized),
            _ => {}
        }
    }
    Ok(came)
}

/// Whether the terminal is closed; waits at most so long, until it is or keys come.
fn is_closed_within(longest: Duration) -> io::Result<bool> {
    let stdin = stdin();
    let mut terminal = [PollFd::new(&stdin, PollFlags::IN)];
    let longest = Timespec::try_from(longest).map_err(io::Error::other)?;
    match poll(&mut terminal, Some(&longest)) {
        Ok(_) => Ok(terminal[0]
            .revents()
            .intersects(PollFlags::HUP | PollFlags::ERR)),
        // As by a new size.
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
