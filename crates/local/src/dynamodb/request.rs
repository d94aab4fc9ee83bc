//! The members of a request, apart from items.
//!
//! In go a body and the operation's [shape](super::shape); out come its members,
//! each of the type that the shape says. Also the wording that all constraints
//! on members share.

use std::borrow::Cow;
use std::collections::HashMap;

use super::item::{Arena, Image, Reader};
use super::json::{Cursor, Kind, Malformed, write_string};
use super::problem::{Problems, Wording};
use super::shape::{Findings, Structure, flag_of};
use crate::Failure;

impl From<Malformed> for Failure {
    fn from(_: Malformed) -> Self {
        Self::serialization("")
    }
}

/// An object's members, as they stand in the body.
#[derive(Debug, Clone)]
pub(crate) struct Members<'a> {
    entries: Vec<(Cow<'a, str>, &'a str)>,
}

impl<'a> Members<'a> {
    /// Reads the body of an operation of this shape. What is not JSON, of the
    /// wrong type or not served is refused, in that order, before anything
    /// else about the request is looked at.
    pub(crate) fn read(body: &'a str, shape: &Structure) -> Result<Self, Failure> {
        let mut cursor = Cursor::new(body);
        let kind = cursor.kind()?;
        let text = cursor.skip_value()?;
        cursor.finish()?;
        if kind != Kind::Object {
            return Err(Failure::serialization(""));
        }
        let members = Self::of(text)?;
        let mut findings = Findings::default();
        for (name, value) in members.iter() {
            findings.member(shape, "", name, value)?;
        }
        findings.report()?;
        Ok(members)
    }

    /// Reads an object.
    pub(super) fn of(object: &'a str) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(object);
        let mut entries = Vec::new();
        let mut first = true;
        cursor.expect(b'{')?;
        while let Some(name) = cursor.member(&mut first)? {
            entries.push((name.resolve(), cursor.skip_value()?));
        }
        Ok(Self { entries })
    }

    /// All members: name and value as written.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.entries.iter().map(|(name, value)| (&**name, *value))
    }

    /// The members of a map, each name once: of several with one name the last
    /// counts.
    pub(super) fn distinct(&self) -> HashMap<&str, &'a str> {
        self.iter().collect()
    }

    /// A member's value as written; none if it is absent or null. Of several
    /// with one name the last counts.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        let entry = self.entries.iter().rev().find(|(n, _)| n == name);
        entry.map(|(_, value)| *value).filter(|v| *v != "null")
    }

    /// The first of `names` that is present.
    pub(super) fn first_of(&self, names: &[&'static str]) -> Option<&'static str> {
        names.iter().copied().find(|name| self.get(name).is_some())
    }

    /// A string member.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.get(name).and_then(text_of)
    }

    /// A Boolean member; words that read as one are taken.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name)? {
            "true" => Some(true),
            "false" => Some(false),
            word => flag_of(&text_of(word)?),
        }
    }

    /// A whole-number member; a fraction is cut off and what is too large is
    /// read as the largest.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        let text = self.get(name)?;
        let fraction = || text.parse::<f64>().ok().map(|number| number as i64);
        text.parse().ok().or_else(fraction)
    }

    /// A member that is a number of any kind.
    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.parse().ok()
    }

    /// A structure or map member.
    pub(crate) fn object(&self, name: &str) -> Option<Members<'a>> {
        self.get(name).and_then(|value| Self::of(value).ok())
    }

    /// A list member's elements, as written.
    pub(super) fn list(&self, name: &str) -> Option<Vec<&'a str>> {
        let mut cursor = Cursor::new(self.get(name)?);
        cursor.expect(b'[').ok()?;
        let mut elements = Vec::new();
        let mut first = true;
        while cursor.element(&mut first).ok()? {
            elements.push(cursor.skip_value().ok()?);
        }
        Some(elements)
    }

    /// A list member whose elements are structures.
    pub(super) fn objects(&self, name: &str) -> Option<Vec<Members<'a>>> {
        let elements = self.list(name)?.into_iter();
        elements.map(|element| Self::of(element).ok()).collect()
    }

    /// A map of strings to strings, such as `ExpressionAttributeNames`, in the
    /// order written.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<(String, String)>> {
        let members = self.object(name)?;
        let texts = members.iter().map(|(key, value)| {
            let value = text_of(value).unwrap_or_default();
            (key.to_owned(), value.into_owned())
        });
        Some(texts.collect())
    }

    /// An item or key member.
    pub(super) fn image(
        &self,
        name: &str,
        arena: &mut Arena,
        problems: &mut Problems,
    ) -> Result<Option<Image>, Failure> {
        match self.get(name) {
            Some(text) => read_image(text, arena, problems).map(Some),
            None => Ok(None),
        }
    }
}

/// A JSON string's text.
pub(super) fn text_of(value: &str) -> Option<Cow<'_, str>> {
    let text = Cursor::new(value).string().ok()?;
    Some(text.resolve())
}

/// Reads an item or key from its text.
pub(super) fn read_image(
    text: &str,
    arena: &mut Arena,
    problems: &mut Problems,
) -> Result<Image, Failure> {
    let mut cursor = Cursor::new(text);
    Ok(Reader {
        cursor: &mut cursor,
        arena,
        problems,
        wording: Wording::Current,
    }
    .image()?)
}

/// How many broken constraints an answer lists.
pub(super) const MOST_ERRORS: usize = 10;

/// Refuses a request whose members break constraints, all of them together.
pub(crate) fn constraints(errors: &[String]) -> Result<(), Failure> {
    match errors {
        [] => Ok(()),
        [one] => Err(Failure::validation(format!(
            "1 validation error detected: {one}"
        ))),
        several => Err(Failure::validation(format!(
            "{} validation errors detected: {}",
            several.len(),
            several.join("; ")
        ))),
    }
}

/// The constraint message for a member that is missing.
pub(crate) fn missing(member: &str) -> String {
    format!("Value null at '{member}' failed to satisfy constraint: Member must not be null")
}

/// The constraint message for a value outside an enumeration.
pub(crate) fn not_in(value: &str, member: &str, set: &str) -> String {
    format!(
        "Value '{value}' at '{member}' failed to satisfy constraint: Member must satisfy enum \
         value set: [{set}]"
    )
}

/// How consumed capacity is to be reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum ConsumedDetail {
    #[default]
    None,
    Total,
    Indexes,
}

impl ConsumedDetail {
    /// Reads `ReturnConsumedCapacity`; adds to `errors` if it is none of the three.
    pub(super) fn parse(value: Option<&str>, errors: &mut Vec<String>) -> Self {
        match value {
            None | Some("NONE") => Self::None,
            Some("TOTAL") => Self::Total,
            Some("INDEXES") => Self::Indexes,
            Some(other) => {
                errors.push(not_in(
                    other,
                    "returnConsumedCapacity",
                    "INDEXES, TOTAL, NONE",
                ));
                Self::None
            }
        }
    }

    /// Appends one table's `ConsumedCapacity` structure.
    pub(super) fn write(self, table: &str, units: f64, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"TableName\":");
        write_string(out, table);
        out.extend_from_slice(format!(",\"CapacityUnits\":{units:?}").as_bytes());
        if self == Self::Indexes {
            out.extend_from_slice(format!(",\"Table\":{{\"CapacityUnits\":{units:?}}}").as_bytes());
        }
        out.push(b'}');
    }
}
