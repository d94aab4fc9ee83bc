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

pub use line::{LABEL, Line, folded, section};
pub use table::{Column, Row, Table};
pub use width::width;

/// What went well.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
/// What went wrong.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// What should be looked at.
pub const NOTE: Style = AnsiColor::Yellow.on_default();
/// Headings of tables and sections.
pub const HEADING: Style = Style::new().bold();
/// What matters less.
pub const FAINT: Style = Style::new().dimmed();
/// Text as it is.
pub const PLAIN: Style = Style::new();

/// The text with its style around it.
pub fn painted(style: Style, text: &str) -> String {
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
    pub const UNBOUNDED: Self = Self(usize::MAX);

    /// Their number.
    #[must_use]
    pub fn get(self) -> usize {
        self.0
    }

    /// What is left of them beside a margin.
    pub fn beside(self, margin: usize) -> usize {
        self.0.saturating_sub(margin).max(1)
    }
}

/// Where no terminal says: 80, as for pipes and files.
impl Default for Columns {
    fn default() -> Self {
        Self(80)
    }
}
