//! Text for a screen: how wide it is, lines broken between words, tables that fit.
//!
//! Every text and table that is printed for people goes through here, so that each
//! fits where it is read: nothing is wider than the screen, no word is cut, numbers
//! stand whole under each other. Widths are those that a terminal gives characters,
//! not their count. Must not know a terminal: how many columns there are is an
//! argument.

mod line;
mod table;
mod width;

use anstyle::{AnsiColor, Style};

pub(crate) use line::{LABEL, Line, folded, section};
pub(crate) use table::{Column, Row, Table};
pub(crate) use width::width;

pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const NOTE: Style = AnsiColor::Yellow.on_default();
pub(crate) const HEADING: Style = Style::new().bold();
pub(crate) const FAINT: Style = Style::new().dimmed();
pub(crate) const PLAIN: Style = Style::new();

/// The text with its style around it.
pub(crate) fn painted(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// How many columns a text may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns(usize);

impl Columns {
    /// Narrower screens are not written for.
    const FEWEST: usize = 40;
    /// Longer lines are hard to read.
    const MOST: usize = 120;

    /// Of a terminal that has so many.
    #[must_use]
    pub fn of(terminal: u16) -> Self {
        Self(usize::from(terminal).clamp(Self::FEWEST, Self::MOST))
    }

    /// Where nothing is too wide, as in a file.
    #[cfg(feature = "sql")]
    pub(crate) const UNBOUNDED: Self = Self(usize::MAX);

    /// Their number.
    #[must_use]
    pub fn get(self) -> usize {
        self.0
    }

    /// What is left of them beside a margin.
    pub(crate) fn beside(self, margin: usize) -> usize {
        self.0.saturating_sub(margin).max(1)
    }
}

/// Where no terminal says: 80, as for pipes and files.
impl Default for Columns {
    fn default() -> Self {
        Self(80)
    }
}
