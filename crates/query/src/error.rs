//! What can go wrong with a statement, and where in it.

use datafusion::common::Span;
use datafusion::error::DataFusionError;

use super::catalog::CatalogError;
use super::ddl::DdlError;
use hrload_lake::StoreError;
use hrload_lake::read::Tally;

/// A place in a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// How many characters it is long.
    pub length: usize,
}

impl Place {
    /// The place of a byte.
    pub(super) fn of_byte(sql: &str, at: usize) -> Self {
        let before = sql.get(..at).unwrap_or(sql);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
            length: 1,
        }
    }

    fn of_span(span: Span) -> Option<Self> {
        let (start, end) = (span.start, span.end);
        let line = usize::try_from(start.line).ok()?;
        let column = usize::try_from(start.column).ok()?;
        let end = usize::try_from(end.column)
            .ok()
            .filter(|_| start.line == end.line);
        Some(Self {
            line,
            column,
            length: end
                .and_then(|end| end.checked_sub(column))
                .unwrap_or(1)
                .max(1),
        })
    }

    /// Out of a parser's message: `... at Line: 1, Column: 8`.
    fn of_message(message: &str) -> Option<Self> {
        let (_, rest) = message.rsplit_once("Line: ")?;
        let (line, rest) = rest.split_once(", Column: ")?;
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        Some(Self {
            line: line.parse().ok()?,
            column: rest[..digits].parse().ok()?,
            length: 1,
        })
    }

    /// The line of `sql` and beneath it a mark, for people.
    #[must_use]
    pub fn marked(self, sql: &str) -> String {
        let line = sql.lines().nth(self.line - 1).unwrap_or_default();
        // Tabs before the mark, so that it stands below what it marks.
        let before = line.chars().take(self.column.saturating_sub(1));
        let blank: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        format!("  {line}\n  {blank}{}", "^".repeat(self.length))
    }
}

/// Why there are no rows.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The statement cannot be understood, or names what is not there.
    #[error("{message}{}", place.map(|place| format!("\n{}", place.marked(sql))).unwrap_or_default())]
    Statement {
        /// What is wrong with it.
        message: String,
        /// The statement.
        sql: String,
        /// Where, as far as it is known.
        place: Option<Place>,
    },
    /// It would take more memory than it may, and cannot go on on the disk.
    #[error(
        "the memory of {limit_bytes} bytes is not enough ({message}); give it more with --memory"
    )]
    Memory {
        /// How much it had.
        limit_bytes: usize,
        /// What wanted more.
        message: String,
    },
    /// Nothing is there to find columns in.
    #[error(
        "no records in {place}{}: deliver some with `hrload deliver` or `hrload --lake`, or \
         declare the table's columns with CREATE EXTERNAL TABLE",
        found_instead(tally)
    )]
    NoRecords {
        /// The lake.
        place: String,
        /// What is there instead.
        tally: Tally,
    },
    /// The lake cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The catalog cannot be used.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// While rows were made.
    #[error("{0}")]
    Execution(String),
}

/// What a lake has in the place of records.
fn found_instead(tally: &Tally) -> String {
    let told = tally.iter().map(|(remark, found)| {
        let first = found.spots.first().map(|spot| format!(": {spot}"));
        let first = first.unwrap_or_default();
        format!("; {} {}{first}", found.count, remark.words(found.count))
    });
    told.collect()
}

impl QueryError {
    pub(super) fn ddl(sql: &str, error: &DdlError) -> Self {
        Self::Statement {
            message: error.to_string(),
            sql: sql.to_owned(),
            place: Some(Place::of_byte(sql, error.at)),
        }
    }

    /// Of planning `sql`.
    pub(super) fn planning(sql: &str, error: &DataFusionError) -> Self {
        let span = error.diagnostic().and_then(|found| found.span);
        let whole = said(error);
        let place = span
            .and_then(Place::of_span)
            .or_else(|| Place::of_message(&whole));
        Self::Statement {
            message: whole,
            sql: sql.to_owned(),
            place,
        }
    }

    /// Of making rows.
    pub(super) fn executing(error: &DataFusionError, limit_bytes: usize) -> Self {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(message) => Self::Memory {
                limit_bytes,
                message: message.clone(),
            },
            root => Self::Execution(said(root)),
        }
    }
}

impl From<datafusion::arrow::error::ArrowError> for QueryError {
    fn from(error: datafusion::arrow::error::ArrowError) -> Self {
        Self::Execution(error.to_string())
    }
}

/// An error in one line, without the names of the layers it came through.
fn said(error: &DataFusionError) -> String {
    let text = error.find_root().strip_backtrace();
    let prefixes = [
        "Error during planning: ",
        "Schema error: ",
        "SQL error: ",
        "External error: ",
        "Execution error: ",
        "This feature is not implemented: ",
    ];
    let mut text = text.as_str();
    while let Some(rest) = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        text = rest;
    }
    let text = text
        .strip_prefix("ParserError(\"")
        .map_or(text, |rest| rest.strip_suffix("\")").unwrap_or(rest));
    text.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_stands_below_what_it_marks() {
        let sql = "select a,\n\tübel\nfrom t";
        let place = Place::of_byte(sql, sql.find("bel").unwrap_or(0));
        assert_eq!((place.line, place.column), (2, 3));
        assert_eq!(place.marked(sql), "  \tübel\n  \t ^");
    }

    #[test]
    fn a_place_is_found_in_a_parsers_message() {
        let message = "Expected: a thing, found: FORM at Line: 12, Column: 34\")";
        let place = Place::of_message(message);
        assert_eq!(place.map(|of| (of.line, of.column)), Some((12, 34)));
        assert_eq!(Place::of_message("no place"), None);
    }
}
