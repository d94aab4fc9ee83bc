//! How requests name tables: by name, or by ARN.
//!
//! In goes what stands in the request; out comes the name to look the table up
//! by. Answers repeat what stood there
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ConsumedCapacity.html>).

use std::borrow::Cow;

use super::Database;
use super::request::{Members, missing};
use crate::Failure;

/// The most characters of a name.
const MAX_NAME: usize = 255;
/// The fewest.
const MIN_NAME: usize = 3;

/// A table as a request names it.
#[derive(Debug, Clone)]
pub(super) struct TableName<'a> {
    written: Cow<'a, str>,
    /// Where the name begins: behind the rest of an ARN.
    start: usize,
    /// It is the ARN of a table in another account or region.
    foreign: bool,
}

impl<'a> TableName<'a> {
    pub(super) fn new(database: &Database, written: Cow<'a, str>) -> Self {
        let (start, foreign) = match table_of_arn(&written) {
            None => (0, false),
            Some(name) => {
                let start = written.len() - name.len();
                let prefix = written[..start].strip_suffix(":table/");
                let here = prefix.is_some_and(|prefix| database.is_here(prefix));
                if here { (start, false) } else { (0, true) }
            }
        };
        Self {
            written,
            start,
            foreign,
        }
    }

    /// The text in the request: answers name the table by it.
    pub(super) fn written(&self) -> &str {
        &self.written
    }

    /// The table's name. The ARN of a table elsewhere stays whole: no table
    /// here is called so.
    pub(super) fn name(&self) -> &str {
        &self.written[self.start..]
    }

    /// Whether it is an ARN.
    pub(super) fn is_arn(&self) -> bool {
        self.foreign || self.start > 0
    }

    /// Whether it is the ARN of a table in another account or region.
    pub(super) fn is_foreign(&self) -> bool {
        self.foreign
    }

    /// Whether a table can have this name.
    pub(super) fn fits(&self) -> bool {
        self.foreign || self.fits_length() && fits_pattern(self.name())
    }

    /// Whether its length is one that names have.
    pub(super) fn fits_length(&self) -> bool {
        self.foreign || (MIN_NAME..=MAX_NAME).contains(&self.name().len())
    }

    /// The first constraint on a member `tableName` that it breaks.
    fn broken(&self) -> Option<String> {
        broken(self.name(), "tableName").filter(|_| !self.foreign)
    }
}

/// The table's name in an ARN of a table, wherever that table is.
fn table_of_arn(text: &str) -> Option<&str> {
    let mut parts = text.strip_prefix("arn:")?.splitn(5, ':');
    let (_partition, service) = (parts.next()?, parts.next()?);
    let (_region, _account) = (parts.next()?, parts.next()?);
    let name = parts.next()?.strip_prefix("table/")?;
    (service == "dynamodb" && fits_pattern(name)).then_some(name)
}

/// Whether a name is one a table may have, its length apart.
pub(super) fn fits_pattern(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

/// The first constraint on a table's name that `name`, at `member`, breaks.
pub(crate) fn broken(name: &str, member: &str) -> Option<String> {
    let at = format!("Value '{name}' at '{member}' failed to satisfy constraint: Member must");
    if name.len() < MIN_NAME {
        Some(format!("{at} have length greater than or equal to 3"))
    } else if name.len() > MAX_NAME {
        Some(format!("{at} have length less than or equal to 255"))
    } else if !fits_pattern(name) {
        Some(format!(
            "{at} satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        ))
    } else {
        None
    }
}

/// The table that an operation on items names, and in `errors` the first
/// constraint it breaks. An empty name is reported on its own, before
/// everything else.
pub(super) fn table_name<'a>(
    database: &Database,
    members: &Members<'a>,
    errors: &mut Vec<String>,
) -> Result<TableName<'a>, Failure> {
    let Some(written) = members.text("TableName") else {
        errors.push(missing("tableName"));
        return Ok(TableName::new(database, Cow::Borrowed("")));
    };
    if written.is_empty() {
        return Err(Failure::validation(
            "1 validation error detected: Value at 'TableName' failed to satisfy constraint: \
             Member must have length greater than or equal to 1",
        ));
    }
    let name = TableName::new(database, written);
    errors.extend(name.broken());
    Ok(name)
}

/// A request that names a table twice, once by name and once by ARN.
pub(super) fn named_twice() -> Failure {
    Failure::validation("Provided list of table names contains duplicates")
}
