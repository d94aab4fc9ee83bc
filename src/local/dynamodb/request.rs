//! The members of a request, apart from items.
//!
//! In goes a body; out come its top-level members, typed on demand, each with
//! DynamoDB's error when its JSON type is wrong. Also the wording that all
//! constraints on members share.

use std::borrow::Cow;

use super::item::{Arena, Image, Reader};
use super::json::{Cursor, Kind, Malformed};
use super::problem::{Problems, Wording, conversion, not_a_map};
use crate::local::Failure;

impl From<Malformed> for Failure {
    fn from(_: Malformed) -> Self {
        Self::serialization("")
    }
}

/// An object's members, as they stand in the body.
#[derive(Debug, Clone)]
pub(super) struct Members<'a> {
    entries: Vec<(Cow<'a, str>, &'a str)>,
}

impl<'a> Members<'a> {
    /// Reads a whole body.
    pub(super) fn of_body(body: &'a str) -> Result<Self, Failure> {
        let mut cursor = Cursor::new(body);
        let kind = cursor.kind()?;
        let text = cursor.skip_value()?;
        cursor.finish()?;
        if kind != Kind::Object {
            return Err(Failure::serialization(""));
        }
        Self::of(text)
    }

    /// Reads an object.
    pub(super) fn of(object: &'a str) -> Result<Self, Failure> {
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

    /// A member's value as written; none if it is absent or null. Of several
    /// with one name the last counts.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        let entry = self.entries.iter().rev().find(|(n, _)| n == name);
        entry.map(|(_, value)| *value).filter(|v| *v != "null")
    }

    /// The first of `names` that is present.
    pub(super) fn first_of(&self, names: &[&'static str]) -> Option<&'static str> {
        names.iter().copied().find(|name| self.get(name).is_some())
    }

    fn typed(
        &self,
        name: &str,
        class: &str,
        fits: fn(Kind) -> bool,
    ) -> Result<Option<&'a str>, Failure> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let kind = Cursor::new(value).kind()?;
        if fits(kind) {
            Ok(Some(value))
        } else {
            Err(Failure::serialization(conversion(kind, class)))
        }
    }

    /// A string member.
    pub(super) fn text(&self, name: &str) -> Result<Option<Cow<'a, str>>, Failure> {
        match self.typed(name, "String", |k| k == Kind::String)? {
            Some(value) => Ok(Some(Cursor::new(value).string()?.resolve())),
            None => Ok(None),
        }
    }

    /// A Boolean member, `false` if absent; words that read as one are taken.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        if self.get(name).is_some_and(|value| value.starts_with('[')) {
            return Err(Failure::serialization(
                "Unrecognized collection type class java.lang.Boolean",
            ));
        }
        if let Some(value) = self.get(name)
            && value.starts_with('"')
        {
            let word = Cursor::new(value).string()?.resolve().to_ascii_lowercase();
            return match word.as_str() {
                "true" | "t" | "yes" | "y" | "1" => Ok(Some(true)),
                "false" | "f" | "no" | "n" | "0" => Ok(Some(false)),
                _ => Err(Failure::serialization(conversion(Kind::String, "Boolean"))),
            };
        }
        let value = self.typed(name, "Boolean", |k| matches!(k, Kind::True | Kind::False))?;
        Ok(value.map(|value| value == "true"))
    }

    /// A whole-number member; a fraction is cut off and what is too large is
    /// read as the largest.
    pub(super) fn integer(&self, name: &str, class: &str) -> Result<Option<i64>, Failure> {
        let value = self.typed(name, class, |k| matches!(k, Kind::Number { .. }))?;
        Ok(value.map(|text| {
            text.parse()
                .unwrap_or_else(|_| text.parse::<f64>().unwrap_or(0.0) as i64)
        }))
    }

    /// A structure member.
    pub(super) fn object(&self, name: &str) -> Result<Option<Members<'a>>, Failure> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match Cursor::new(value).kind()? {
            Kind::Object => Self::of(value).map(Some),
            Kind::Array => Err(Failure::serialization(format!(
                "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.{name}"
            ))),
            _ => Err(Failure::serialization("Unexpected field type")),
        }
    }

    /// A member that maps strings to values of `class`.
    pub(super) fn map(&self, name: &str, class: &str) -> Result<Option<Members<'a>>, Failure> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match Cursor::new(value).kind()? {
            Kind::Object => Self::of(value).map(Some),
            kind => Err(Failure::serialization(not_a_map(kind, class))),
        }
    }

    /// A list member's elements, as written.
    pub(super) fn list(&self, name: &str) -> Result<Option<Vec<&'a str>>, Failure> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let mut cursor = Cursor::new(value);
        match cursor.kind()? {
            Kind::Array => {}
            Kind::Object => {
                return Err(Failure::serialization(
                    "Start of structure or map found where not expected",
                ));
            }
            _ => return Err(Failure::serialization("Unexpected field type")),
        }
        cursor.expect(b'[')?;
        let mut elements = Vec::new();
        let mut first = true;
        while cursor.element(&mut first)? {
            elements.push(cursor.skip_value()?);
        }
        Ok(Some(elements))
    }

    /// A list member whose elements are structures.
    pub(super) fn objects(&self, name: &str) -> Result<Option<Vec<Members<'a>>>, Failure> {
        let Some(elements) = self.list(name)? else {
            return Ok(None);
        };
        let read = |element: &&'a str| match Cursor::new(element).kind()? {
            Kind::Object => Self::of(element),
            Kind::Array => Err(Failure::serialization(format!(
                "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.{}",
                match name {
                    "KeySchema" => "KeySchemaElement",
                    "AttributeDefinitions" => "AttributeDefinition",
                    plural => plural.trim_end_matches('s'),
                }
            ))),
            _ => Err(Failure::serialization("Unexpected value type in payload")),
        };
        elements
            .iter()
            .map(read)
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// A map of strings to strings, such as `ExpressionAttributeNames`.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<(String, String)>>, Failure> {
        let Some(members) = self.map(name, "java.lang.String")? else {
            return Ok(None);
        };
        let mut texts = Vec::new();
        for (key, _) in &members.entries {
            let value = members.text(key)?.unwrap_or_default().into_owned();
            texts.push((key.clone().into_owned(), value));
        }
        Ok(Some(texts))
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

/// Refuses a request whose members break constraints, all of them together.
pub(super) fn constraints(errors: &[String]) -> Result<(), Failure> {
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
pub(super) fn missing(member: &str) -> String {
    format!("Value null at '{member}' failed to satisfy constraint: Member must not be null")
}

/// The constraint message for a value outside an enumeration.
pub(super) fn not_in(value: &str, member: &str, set: &str) -> String {
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
        out.extend_from_slice(b"{\"TableName\":\"");
        out.extend_from_slice(table.as_bytes());
        out.extend_from_slice(format!("\",\"CapacityUnits\":{units:?}").as_bytes());
        if self == Self::Indexes {
            out.extend_from_slice(format!(",\"Table\":{{\"CapacityUnits\":{units:?}}}").as_bytes());
        }
        out.push(b'}');
    }
}

/// Whether a name is one a table may have, its length apart.
pub(super) fn table_name_fits_pattern(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

/// The first constraint a table name breaks in an operation on items. An empty
/// name is reported on its own, before everything else.
pub(super) fn table_name<'a>(
    members: &Members<'a>,
    errors: &mut Vec<String>,
) -> Result<Cow<'a, str>, Failure> {
    let Some(name) = members.text("TableName")? else {
        errors.push(missing("tableName"));
        return Ok(Cow::Borrowed(""));
    };
    if name.is_empty() {
        return Err(Failure::validation(
            "1 validation error detected: Value at 'TableName' failed to satisfy constraint: \
             Member must have length greater than or equal to 1",
        ));
    }
    // An ARN may stand for the name.
    let name = match name.rsplit_once(":table/") {
        Some((prefix, table)) if prefix.starts_with("arn:aws:dynamodb:") => {
            Cow::Owned(table.to_owned())
        }
        _ => name,
    };
    let at = "at 'tableName' failed to satisfy constraint: Member must";
    if name.len() < 3 {
        errors.push(format!(
            "Value '{name}' {at} have length greater than or equal to 3"
        ));
    } else if name.len() > 255 {
        errors.push(format!(
            "Value '{name}' {at} have length less than or equal to 255"
        ));
    } else if !table_name_fits_pattern(&name) {
        errors.push(format!(
            "Value '{name}' {at} satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        ));
    }
    Ok(name)
}

/// Refuses the parameters that this endpoint does not serve. Nothing is half
/// done: a request that carries one is refused as a whole.
pub(super) fn refuse_unserved(
    members: &Members<'_>,
    names: &[&'static str],
) -> Result<(), Failure> {
    match members.first_of(names) {
        None => Ok(()),
        Some(name) => Err(Failure::validation(format!(
            "One or more parameter values were invalid: {name} is not supported by this local endpoint"
        ))),
    }
}
