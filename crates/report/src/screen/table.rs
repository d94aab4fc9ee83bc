//! Tables that fit a screen.
//!
//! What is too wide is helped in steps, the mildest first: less room between columns;
//! briefer words, where a cell has them; names without their middle, texts in several
//! lines; columns left out that can be, the least telling first; at last each row as a
//! list, a line a cell. Numbers are never cut.

use anstyle::Style;

use super::line::Line;
use super::width::{padded, shortened, width};
use super::{Columns, FAINT, HEADING, PLAIN, painted};
use crate::plain::tame;

/// Columns before what stands below a row, and before a row's cells in a list.
const INDENT: usize = 4;

/// What a column does where there is no room for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// Nothing: it is a number, or a word of ours.
    Whole,
    /// Cells lose their middle, down to so many columns.
    Shorten(usize),
    /// Cells take several lines, down to so many columns.
    Wrap(usize),
}

/// One column: its heading and how it is set.
#[derive(Debug, Clone)]
pub struct Column {
    /// A line or more, the last next to the cells.
    heading: Vec<String>,
    to_the_right: bool,
    /// Columns it takes at least, where there is room.
    at_least: usize,
    fit: Fit,
    /// Left out where there is no room, those with high numbers first.
    spare: Option<u8>,
}

impl Column {
    fn new(heading: &str, to_the_right: bool) -> Self {
        Self {
            heading: heading
                .lines()
                .map(|line| tame(line).into_owned())
                .collect(),
            to_the_right,
            at_least: 0,
            fit: Fit::Whole,
            spare: None,
        }
    }

    /// Of words; lines of the heading are parted by line feeds.
    pub fn words(heading: &str) -> Self {
        Self::new(heading, false)
    }

    /// Of numbers, which end under each other.
    pub fn numbers(heading: &str) -> Self {
        Self::new(heading, true)
    }

    /// Takes so many columns where there is room, whatever stands in it.
    pub fn at_least(mut self, columns: usize) -> Self {
        self.at_least = columns;
        self
    }

    /// Its cells are names: they may lose their middle, and keep so many columns.
    pub fn shortens_to(mut self, columns: usize) -> Self {
        self.fit = Fit::Shorten(columns);
        self
    }

    /// Its cells are texts: they may take several lines of so many columns.
    pub fn wraps_to(mut self, columns: usize) -> Self {
        self.fit = Fit::Wrap(columns);
        self
    }

    /// It may be left out, before those with lower numbers.
    pub fn spare(mut self, rank: u8) -> Self {
        self.spare = Some(rank);
        self
    }

    fn heading_width(&self) -> usize {
        self.heading
            .iter()
            .map(|line| width(line))
            .max()
            .unwrap_or(0)
    }
}

#[derive(Debug, Clone)]
struct Cell {
    style: Style,
    text: String,
    /// What stands there where there is no room for the text.
    brief: Option<String>,
}

/// One row: its cells, and what stands below it.
#[derive(Debug, Clone, Default)]
pub struct Row {
    mark: Option<char>,
    cells: Vec<Cell>,
    below: Vec<Line>,
}

impl Row {
    /// A row without cells.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a mark before it.
    pub fn marked(mark: char) -> Self {
        Self {
            mark: Some(mark),
            ..Self::default()
        }
    }

    /// The same with one more cell.
    pub fn cell(self, text: impl AsRef<str>) -> Self {
        self.styled(PLAIN, text)
    }

    /// The same with one more cell, in a style.
    pub fn styled(mut self, style: Style, text: impl AsRef<str>) -> Self {
        self.cells.push(Cell {
            style,
            text: tame(text.as_ref()).into_owned(),
            brief: None,
        });
        self
    }

    /// What the last cell says where there is no room.
    pub fn or(mut self, brief: &str) -> Self {
        if let Some(cell) = self.cells.last_mut() {
            cell.brief = Some(brief.to_owned());
        }
        self
    }

    /// A text below the row, over all columns.
    pub fn below(mut self, line: Line) -> Self {
        self.below.push(line);
        self
    }
}

/// Rows under headings.
#[derive(Debug, Clone, Default)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Row>,
    in_blocks: bool,
    framed: bool,
}

/// How a table is set: which columns, how wide, and how far apart.
struct Layout {
    /// Each column that is shown, by its place, and its width.
    columns: Vec<(usize, usize)>,
    gap: usize,
    brief: bool,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: Vec<Column>) -> Self {
        Self {
            columns,
            rows: Vec::new(),
            in_blocks: false,
            framed: false,
        }
    }

    /// With lines around its cells and without styles; as a list, each row has a line of
    /// its own above it and every cell its heading.
    pub fn framed(mut self) -> Self {
        self.framed = true;
        self
    }

    /// Where there is no room for all columns, further ones come in a block of their own
    /// below, beside the first column again.
    pub fn in_blocks(mut self) -> Self {
        self.in_blocks = true;
        self
    }

    /// Adds a row below the others.
    pub fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// The table in so many columns.
    pub fn fitted(&self, columns: Columns) -> String {
        let most = columns.beside(self.margin());
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        if self.in_blocks {
            return self.blocks(&shown, columns);
        }
        loop {
            if let Some(layout) = self.layout(&shown, most) {
                return self.set(&layout, columns);
            }
            let spare = shown.iter().copied();
            let spare = spare.filter_map(|at| Some((self.columns[at].spare?, at)));
            match spare.max() {
                Some((_, least)) => shown.retain(|at| *at != least),
                None => return self.list(&shown, columns),
            }
        }
    }

    /// Blocks of as many columns as fit beside the first.
    fn blocks(&self, shown: &[usize], columns: Columns) -> String {
        let most = columns.beside(self.margin());
        let Some((first, others)) = shown.split_first() else {
            return String::new();
        };
        let mut text = String::new();
        let mut others = others;
        while !others.is_empty() {
            let block = |taken: usize| -> Vec<usize> {
                std::iter::once(*first)
                    .chain(others[..taken].iter().copied())
                    .collect()
            };
            let fits = (1..=others.len())
                .rev()
                .find_map(|taken| Some((taken, self.layout(&block(taken), most)?)));
            if !text.is_empty() {
                text.push('\n');
            }
            let taken = match fits {
                Some((taken, layout)) => {
                    text += &self.set(&layout, columns);
                    taken
                }
                None => {
                    text += &self.list(&block(1), columns);
                    1
                }
            };
            others = &others[taken..];
        }
        text
    }

    /// Columns for marks.
    fn margin(&self) -> usize {
        match self.rows.iter().any(|row| row.mark.is_some()) {
            true => 2,
            false => 0,
        }
    }

    /// The mildest way in which these columns fit, if there is one.
    fn layout(&self, shown: &[usize], most: usize) -> Option<Layout> {
        let widths = |brief: bool, at_least: bool| -> Vec<usize> {
            shown
                .iter()
                .map(|at| self.natural(*at, brief, at_least))
                .collect()
        };
        let ways = [
            (2, false, true),
            (1, false, true),
            (1, false, false),
            (1, true, false),
        ];
        let together = |widths: &[usize], gap: usize| {
            let between = match self.framed {
                true => widths.len() * 3 + 1,
                false => gap * widths.len().saturating_sub(1),
            };
            widths.iter().sum::<usize>() + between
        };
        for (gap, brief, at_least) in ways {
            let widths = widths(brief, at_least);
            if together(&widths, gap) <= most {
                let columns = shown.iter().copied().zip(widths).collect();
                return Some(Layout {
                    columns,
                    gap,
                    brief,
                });
            }
        }
        let mut widths = widths(true, false);
        // The widest gives first.
        while together(&widths, 1) > most {
            let gives = |at: &usize| {
                let least = match self.columns[shown[*at]].fit {
                    Fit::Whole => return None,
                    Fit::Shorten(least) | Fit::Wrap(least) => least,
                };
                (widths[*at] > least).then_some((widths[*at], *at))
            };
            let (_, widest) = (0..shown.len()).filter_map(|at| gives(&at)).max()?;
            widths[widest] -= 1;
        }
        let columns = shown.iter().copied().zip(widths).collect();
        Some(Layout {
            columns,
            gap: 1,
            brief: true,
        })
    }

    /// The width of a column that holds all its cells and its heading.
    fn natural(&self, at: usize, brief: bool, at_least: bool) -> usize {
        let column = &self.columns[at];
        let cells = self.rows.iter().filter_map(|row| row.cells.get(at));
        let widest = cells
            .map(|cell| width(text(cell, brief)))
            .max()
            .unwrap_or(0);
        let least = if at_least { column.at_least } else { 0 };
        widest.max(column.heading_width()).max(least)
    }

    fn set(&self, layout: &Layout, columns: Columns) -> String {
        if self.framed {
            return self.set_framed(layout);
        }
        let mut out = String::new();
        let margin = self.margin();
        let height = layout
            .columns
            .iter()
            .map(|(at, _)| self.columns[*at].heading.len());
        let height = height.max().unwrap_or(0);
        for line in 0..height {
            let mut set = " ".repeat(margin);
            for (place, (at, wide)) in layout.columns.iter().enumerate() {
                let column = &self.columns[*at];
                // Those with fewer lines stand at the bottom.
                let above = height - column.heading.len();
                let heading = line
                    .checked_sub(above)
                    .and_then(|line| column.heading.get(line));
                let heading = heading.map_or("", String::as_str);
                // Of a column that became narrow.
                let heading = shortened(heading, *wide);
                let (before, after) = padded(&heading, *wide, column.to_the_right);
                let gap = if place == 0 { 0 } else { layout.gap };
                set += &format!("{:gap$}{before}{heading}{after}", "");
            }
            out += &format!("{}\n", painted(HEADING, set.trim_end()));
        }
        for row in &self.rows {
            self.set_row(row, layout, margin, &mut out);
            out += &below(row, columns);
        }
        out
    }

    /// Headings of one line, and rows of one.
    fn set_framed(&self, layout: &Layout) -> String {
        let rule = layout.columns.iter().map(|(_, wide)| "-".repeat(wide + 2));
        let rule = format!("+{}+\n", rule.collect::<Vec<_>>().join("+"));
        let line = |cell: &dyn Fn(usize) -> String| {
            let cells = layout.columns.iter().map(|(at, wide)| {
                let cell = cell(*at);
                let cell = shortened(&cell, *wide);
                let (before, after) = padded(&cell, *wide, self.columns[*at].to_the_right);
                format!(" {before}{cell}{after} ")
            });
            format!("|{}|\n", cells.collect::<Vec<_>>().join("|"))
        };
        let mut out = rule.clone();
        out += &line(&|at| self.columns[at].heading.join(" "));
        out += &rule;
        for row in &self.rows {
            out += &line(&|at| {
                row.cells
                    .get(at)
                    .map_or_else(String::new, |cell| cell.text.clone())
            });
        }
        out + &rule
    }

    fn set_row(&self, row: &Row, layout: &Layout, margin: usize, out: &mut String) {
        let cells: Vec<(Style, Vec<String>)> = layout
            .columns
            .iter()
            .map(|(at, wide)| {
                let Some(cell) = row.cells.get(*at) else {
                    return (PLAIN, Vec::new());
                };
                let text = text(cell, layout.brief);
                let lines = match self.columns[*at].fit {
                    Fit::Wrap(_) => Line::new(PLAIN, text).broken((*wide).max(1)),
                    Fit::Whole | Fit::Shorten(_) => vec![shortened(text, *wide).into_owned()],
                };
                (cell.style, lines)
            })
            .collect();
        let height = cells
            .iter()
            .map(|(_, lines)| lines.len())
            .max()
            .unwrap_or(0);
        for line in 0..height {
            let mark = row.mark.filter(|_| line == 0).unwrap_or(' ');
            let mut set = format!("{mark} ")[..]
                .chars()
                .take(margin)
                .collect::<String>();
            // Spaces that only lead to the end of a line are not written.
            let mut spaces = String::new();
            for (place, ((at, wide), (style, lines))) in
                layout.columns.iter().zip(&cells).enumerate()
            {
                let cell = lines.get(line).map_or("", String::as_str);
                let (before, after) = padded(cell, *wide, self.columns[*at].to_the_right);
                let gap = if place == 0 { 0 } else { layout.gap };
                spaces += &format!("{:gap$}{before}", "");
                if !cell.is_empty() {
                    set += &format!("{spaces}{}", painted(*style, cell));
                    spaces.clear();
                }
                spaces += &after;
            }
            out.push_str(set.trim_end());
            out.push('\n');
        }
    }

    /// Each row as a list: its first cell, and a line for each other one.
    fn list(&self, shown: &[usize], columns: Columns) -> String {
        let mut out = String::new();
        let margin = self.margin();
        for (number, row) in self.rows.iter().enumerate() {
            if self.framed {
                out += &format!("row {}\n", number + 1);
            }
            let mark = row.mark.unwrap_or(' ');
            let mark: String = format!("{mark} ").chars().take(margin).collect();
            for (place, at) in shown.iter().enumerate() {
                let Some(cell) = row.cells.get(*at).filter(|cell| !cell.text.is_empty()) else {
                    continue;
                };
                let heading = self.columns[*at].heading.join(" ");
                let line = match place {
                    0 if !self.framed => Line::new(cell.style, &cell.text),
                    _ if heading.is_empty() => Line::new(cell.style, &cell.text),
                    _ if self.framed => Line::new(PLAIN, &format!("{heading}: {}", cell.text)),
                    _ => Line::new(FAINT, &format!("{heading}: ")).and(cell.style, &cell.text),
                };
                let (lead, indent) = match place {
                    0 if !self.framed => (mark.clone(), margin),
                    _ => (" ".repeat(INDENT), INDENT),
                };
                for (at, line) in line.broken(columns.beside(indent)).iter().enumerate() {
                    let lead = if at == 0 {
                        lead.clone()
                    } else {
                        " ".repeat(indent)
                    };
                    out += &format!("{lead}{line}\n");
                }
            }
            out += &below(row, columns);
        }
        out
    }
}

fn text(cell: &Cell, brief: bool) -> &str {
    let brief = cell.brief.as_deref().filter(|_| brief);
    brief.unwrap_or(&cell.text)
}

/// What stands below a row.
fn below(row: &Row, columns: Columns) -> String {
    let lines = row
        .below
        .iter()
        .flat_map(|line| line.broken(columns.beside(INDENT)));
    lines
        .map(|line| format!("{:INDENT$}{line}\n", ""))
        .collect()
}
