//! The terminal, taken over and given back.
//!
//! Taken over means: raw mode (keys come one by one, and Ctrl-C as a key), the
//! alternate screen, no cursor. It is given back when the [`Screen`] is dropped,
//! which the ends of a run, errors and signals all lead to, the signals being
//! heard by the run; and by the panic hook, before the panic's message is
//! printed where it can be read. What nothing can follow is SIGKILL.

use std::io::{self, Stderr, stderr};
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use super::keys::Keys;
use super::view::View;

/// Whether the terminal is taken over: of the process, as the terminal is.
static TAKEN_OVER: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The terminal while it is taken over.
pub(super) struct Screen(Terminal<CrosstermBackend<Stderr>>);

impl Screen {
    /// Takes the terminal over.
    pub(super) fn take_over() -> io::Result<Self> {
        HOOK.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                give_back();
                before(info);
            }));
        });
        TAKEN_OVER.store(true, Ordering::SeqCst);
        let taken = enable_raw_mode().and_then(|()| {
            execute!(stderr(), EnterAlternateScreen, Clear(ClearType::All))?;
            let mut terminal = Terminal::new(CrosstermBackend::new(stderr()))?;
            terminal.hide_cursor()?;
            Ok(terminal)
        });
        taken.map(Self).inspect_err(|_| give_back())
    }

    /// Draws, unless a panic has given the terminal back.
    pub(super) fn draw(&mut self, view: &View, keys: &Keys) -> io::Result<()> {
        if TAKEN_OVER.load(Ordering::SeqCst) {
            self.0.draw(|frame| view.draw(frame, keys))?;
        }
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back, once. What fails cannot be mended here.
pub(super) fn give_back() {
    if TAKEN_OVER.swap(false, Ordering::SeqCst) {
        let _ = execute!(stderr(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}
