//! What a key does.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::experiment::{Order, Remote};

/// The slowest and the fastest tempo, in tenths of the rate asked for.
const TENTHS: std::ops::RangeInclusive<u32> = 1..=100;

/// What was pressed so far, as far as it is not done with.
#[derive(Debug)]
pub(super) struct Keys {
    remote: Remote,
    /// How often the end was asked for.
    ends: u32,
    paused: bool,
    /// Tempo in tenths of the rate asked for, when not paused.
    tenths: u32,
    help: bool,
}

impl Keys {
    /// None yet.
    pub(super) fn new(remote: Remote) -> Self {
        Self {
            remote,
            ends: 0,
            paused: false,
            tenths: 10,
            help: false,
        }
    }

    /// Does what the key says.
    pub(super) fn press(&mut self, key: KeyEvent) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => self.end(),
            KeyCode::Char(_) if control => {}
            KeyCode::Char('q') => self.end(),
            KeyCode::Char(' ' | 'p') => {
                self.paused = !self.paused;
                self.set_tempo();
            }
            KeyCode::Char('+' | '=') => self.step(1),
            KeyCode::Char('-' | '_') => self.step(-1),
            KeyCode::Char('?' | 'h') => self.help = !self.help,
            KeyCode::Esc | KeyCode::Enter => self.help = false,
            _ => {}
        }
    }

    fn end(&mut self) {
        self.ends += 1;
        self.remote.give(Order::End);
    }

    /// A tenth of the rate asked for, up or down; a paused run goes on with it.
    fn step(&mut self, by: i32) {
        let (least, most) = TENTHS.into_inner();
        let stepped = self.tenths.saturating_add_signed(by).clamp(least, most);
        if stepped != self.tenths || self.paused {
            self.tenths = stepped;
            self.paused = false;
            self.set_tempo();
        }
    }

    fn set_tempo(&self) {
        self.remote.give(Order::Tempo(self.tempo()));
    }

    /// The multiple of the rate asked for that keys have set; 0 while paused.
    pub(super) fn tempo(&self) -> f64 {
        if self.paused {
            0.0
        } else {
            f64::from(self.tenths) / 10.0
        }
    }

    /// Whether the keys' help is wanted.
    pub(super) fn help(&self) -> bool {
        self.help
    }

    /// How often the end was asked for by key.
    pub(super) fn ends(&self) -> u32 {
        self.ends
    }
}
