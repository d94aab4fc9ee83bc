//! Tables and figures, as all sections have them.

use maud::{Markup, PreEscaped, html};

use super::Run;
use crate::plain::coded;
use crate::plot::{Drawing, Picture, PlotError};

/// A table: its caption, headings and rows. The first cell of a row heads it.
pub struct Table<'a> {
    /// What the table shows.
    pub caption: &'a str,
    /// A heading for each column.
    pub headings: Vec<String>,
    /// A cell for each column in each row.
    pub rows: Vec<Vec<String>>,
    /// Columns, from the left, that are words and not numbers.
    pub words: usize,
}

impl Table<'_> {
    /// The table, in a box that scrolls by itself where the page is narrow.
    pub fn markup(&self) -> Markup {
        let class = |column: usize| (column >= self.words).then_some("number");
        html! {
            div.scroll tabindex="0" role="group" aria-label=(self.caption) {
                table {
                    caption { (self.caption) }
                    thead { tr {
                        @for (column, heading) in self.headings.iter().enumerate() {
                            th scope="col" class=[class(column)] { (heading) }
                        }
                    } }
                    tbody { @for row in &self.rows { tr {
                        @for (column, cell) in row.iter().enumerate() {
                            @if column == 0 {
                                th scope="row" class=[class(column)] { (breakable(cell)) }
                            } @else if column < self.words {
                                td { (breakable(cell)) }
                            } @else {
                                td.number { (cell) }
                            }
                        }
                    } } }
                }
            }
        }
    }
}

/// A cell of words: names that are put together of several may be broken between them.
fn breakable(text: &str) -> Markup {
    let mut parts = Vec::new();
    let (mut from, mut before) = (0, ' ');
    for (at, c) in text.char_indices() {
        let begins = before.is_lowercase() && c.is_uppercase();
        if begins || matches!(before, '/' | '_' | '.' | ':' | '=') {
            parts.push(&text[from..at]);
            from = at;
        }
        before = c;
    }
    parts.push(&text[from..]);
    html! {
        @for (at, part) in parts.iter().enumerate() {
            @if at > 0 { wbr; }
            (part)
        }
    }
}

/// A text in which commands and flags stand between backticks, as pages show it.
pub fn prose(text: &str) -> Markup {
    html! {
        @for (is_code, part) in coded(text) {
            @if is_code { code { (part) } } @else { (part) }
        }
    }
}

/// One row of facts: what, and each run's value.
pub(super) type Fact = (&'static str, Vec<Option<String>>);

/// A fact of each run.
pub(super) fn fact(
    runs: &[Run<'_>],
    what: &'static str,
    value: impl Fn(Run<'_>) -> Option<String>,
) -> Fact {
    (what, runs.iter().map(|&run| value(run)).collect())
}

/// Facts as a table with a column a run; what no run has is left out.
pub(super) fn facts(runs: &[Run<'_>], caption: &str, facts: Vec<Fact>, words: bool) -> Markup {
    let heading = |run: &Run<'_>| match runs.len() {
        1 => "value".to_owned(),
        _ => run.name.to_owned(),
    };
    let rows = facts.into_iter().filter_map(|(what, values)| {
        let known = values.iter().any(Option::is_some);
        let values = values.into_iter();
        let cells = values.map(|value| value.unwrap_or_else(|| "–".to_owned()));
        known.then(|| std::iter::once(what.to_owned()).chain(cells).collect())
    });
    Table {
        caption,
        headings: std::iter::once("what".to_owned())
            .chain(runs.iter().map(heading))
            .collect(),
        rows: rows.collect(),
        words: if words { runs.len() + 1 } else { 1 },
    }
    .markup()
}

/// Figures of two runs beside each other, of one beneath each other.
pub(super) fn pair(runs: &[Run<'_>], figures: &[Markup]) -> Markup {
    html! {
        div class=[(runs.len() > 1).then_some("beside")] {
            @for figure in figures { (figure) }
        }
    }
}

/// A picture with its caption, and its numbers for whoever does not see it.
pub struct Figure<'a> {
    /// Unique on the page.
    pub id: String,
    /// Its caption.
    pub title: String,
    /// What is to be seen on it, in a sentence or two.
    pub description: String,
    /// The picture, or why there is none.
    pub drawing: Result<Drawing, PlotError>,
    /// What was drawn.
    pub numbers: Table<'a>,
}

impl Figure<'_> {
    /// One of its pictures; the style sheet shows the one that fits.
    fn picture(&self, picture: &Picture, which: &str) -> Markup {
        let name = |part: &str| format!("{}-{which}-{part}", self.id);
        let (title, description) = (name("t"), name("d"));
        let view = format!("0 0 {} {}", picture.width, picture.height);
        html! {
            svg class={ "plot " (which) } role="img" viewBox=(view)
                aria-labelledby={ (title) " " (description) } {
                title id=(title) { (self.title) }
                desc id=(description) { (self.description) }
                (PreEscaped(&picture.elements))
            }
        }
    }

    /// # Errors
    ///
    /// When drawing failed; a plot of nothing only says so.
    pub fn markup(&self) -> Result<Markup, PlotError> {
        let drawing = match &self.drawing {
            Ok(drawing) => drawing,
            Err(PlotError::Nothing { .. }) => {
                return Ok(html! { p.nothing { (self.title) ": nothing was measured." } });
            }
            Err(error) => return Err(error.clone()),
        };
        Ok(html! {
            figure id=(self.id) {
                figcaption { strong { (self.title) } " " span { (self.description) } }
                (self.picture(&drawing.wide, "wide"))
                (self.picture(&drawing.narrow, "narrow"))
                details {
                    summary { "The numbers of this plot" }
                    (self.numbers.markup())
                }
            }
        })
    }
}
