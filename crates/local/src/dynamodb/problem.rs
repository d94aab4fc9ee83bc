//! What DynamoDB refuses about values, in its words and in its order.
//!
//! A body is read to its end even when something in it is wrong, because a
//! body that is not JSON is refused before anything else, and because some
//! checks come before others whatever the order in the document. So problems
//! are noted as they are met, and each stage reports its first. The messages
//! are DynamoDB's own.

use std::collections::HashSet;

use super::json::Kind;
use super::number::NumberError;
use crate::Failure;

const INVALID: &str = "One or more parameter values were invalid: ";

/// Which of DynamoDB's two ways of wording value errors an operation has: the
/// batch write kept the older one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wording {
    /// BatchWriteItem.
    Older,
    /// Every other operation.
    Current,
}

/// What DynamoDB lets through of a Java cast that fails where a list's
/// elements, or a map's lists, are of the wrong JSON type.
pub(super) const CAST: &str = "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl \
     cannot be cast to class java.lang.Class \
     (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class are in \
     module java.base of loader 'bootstrap')";

/// Where the Java classes of the service's structures are.
pub(super) const NAMESPACE: &str = "com.amazonaws.dynamodb.v20120810";

/// The Java name of a value's class.
pub(super) const ATTRIBUTE_VALUE: &str = "com.amazonaws.dynamodb.v20120810.AttributeValue";

/// A message, and whether PutItem and DeleteItem put it into the request
/// validation envelope.
#[derive(Debug, Clone, PartialEq)]
struct Note {
    message: String,
    enveloped: bool,
    kind: Flaw,
}

/// What is wrong with a value, as far as [`Problems::framed`] tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    NoType,
    SeveralTypes,
    FalseNull,
    EmptySet,
    EmptyNumberSet,
    Other,
}

/// The problems met so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    serialization: Option<String>,
    unserved: Option<String>,
    reading: Option<Note>,
    name: Option<Note>,
    value: Option<Note>,
}

impl Problems {
    /// What is refused as the body is read, before the request's own members
    /// are looked at. `envelopes` is whether the operation envelopes.
    pub(super) fn reading(&self, envelopes: bool) -> Result<(), Failure> {
        self.types()?;
        if let Some(path) = &self.unserved {
            return Err(not_served(path));
        }
        refuse(self.reading.as_ref(), envelopes)
    }

    /// The part of [`Problems::reading`] that comes before every other check of
    /// a request: JSON values of the wrong type.
    pub(super) fn types(&self) -> Result<(), Failure> {
        match &self.serialization {
            Some(message) => Err(Failure::serialization(message.clone())),
            None => Ok(()),
        }
    }

    /// What is refused after the request's own members, before the table is
    /// looked up: names first, then values.
    pub(super) fn values(&self, envelopes: bool) -> Result<(), Failure> {
        refuse(self.name.as_ref().or(self.value.as_ref()), envelopes)
    }

    /// Whether there are any.
    pub(super) fn any(&self) -> bool {
        self.serialization.is_some()
            || self.reading.is_some()
            || self.name.is_some()
            || self.value.is_some()
    }

    /// Puts words around the messages of `flaws`, as DynamoDB does where a
    /// value stands in an expression or a starting key.
    pub(super) fn framed(mut self, before: &str, after: &str, flaws: &[Flaw]) -> Self {
        for note in [&mut self.reading, &mut self.value].into_iter().flatten() {
            if flaws.contains(&note.kind) {
                note.message = format!("{before}{}{after}", note.message);
            }
        }
        self
    }

    fn read(&mut self, enveloped: bool, kind: Flaw, message: impl Into<String>) {
        self.reading.get_or_insert_with(|| Note {
            message: message.into(),
            enveloped,
            kind,
        });
    }

    fn value(&mut self, message: impl Into<String>) {
        self.value.get_or_insert_with(|| Note {
            message: message.into(),
            enveloped: true,
            kind: Flaw::Other,
        });
    }

    fn serialization(&mut self, message: impl Into<String>) {
        self.serialization.get_or_insert_with(|| message.into());
    }

    /// A member that the operation does not serve.
    pub(super) fn unserved(&mut self, path: &str) {
        self.unserved.get_or_insert_with(|| path.to_owned());
    }

    /// A JSON value of the wrong kind where a structure's member is a structure.
    pub(super) fn wrong_member(&mut self, kind: Kind, class: &str) {
        self.serialization(match kind {
            Kind::Array => format!("Unrecognized collection type class {class}"),
            _ => "Unexpected field type".to_owned(),
        });
    }

    /// A JSON value of the wrong kind where a structure belongs in a list or map.
    pub(super) fn wrong_json_type(&mut self, kind: Kind, class: &str) {
        self.serialization(match kind {
            Kind::Array => format!("Unrecognized collection type class {class}"),
            _ => "Unexpected value type in payload".to_owned(),
        });
    }

    /// A JSON value of the wrong kind where a map of `class` belongs.
    pub(super) fn wrong_map(&mut self, kind: Kind, class: &str) {
        self.serialization(not_a_map(kind, class));
    }

    /// A JSON value of the wrong kind where a list in a map belongs.
    pub(super) fn wrong_cast(&mut self) {
        self.serialization(CAST);
    }

    /// A JSON value of the wrong kind where a scalar or collection belongs.
    pub(super) fn cannot_convert(&mut self, kind: Kind, class: &str) {
        self.serialization(conversion(kind, class));
    }

    pub(super) fn unexpected_token(&mut self) {
        self.serialization("Unexpected token received from parser");
    }

    pub(super) fn not_base64(&mut self) {
        self.serialization("Invalid Base64 in a binary value");
    }

    pub(super) fn no_type(&mut self) {
        self.read(
            false,
            Flaw::NoType,
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        );
    }

    pub(super) fn several_types(&mut self) {
        self.read(
            false,
            Flaw::SeveralTypes,
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of \
             the supported datatypes",
        );
    }

    pub(super) fn null_not_true(&mut self) {
        self.read(
            true,
            Flaw::FalseNull,
            format!("{INVALID}Null attribute value types must have the value of true"),
        );
    }

    pub(super) fn number(&mut self, error: NumberError, text: &str, wording: Wording) {
        let message = match wording {
            Wording::Older if text.is_empty() => {
                "The parameter cannot be converted to a numeric value".to_owned()
            }
            _ => error.message(text),
        };
        self.read(wording == Wording::Current, Flaw::Other, message);
    }

    /// An attribute name that is empty or too long.
    pub(super) fn attribute_name(&mut self, bytes: usize) {
        self.name.get_or_insert_with(|| Note {
            message: match bytes {
                0 => "Empty attribute name",
                _ => "Attribute name is too large, must be less than 65536 bytes",
            }
            .to_owned(),
            enveloped: true,
            kind: Flaw::Other,
        });
    }

    pub(super) fn too_deep(&mut self) {
        self.value(
            "Nesting Levels have exceeded supported limits: Attributes in the item have nested \
             levels beyond supported limit",
        );
    }

    pub(super) fn empty_set(&mut self, kind: &str) {
        self.value.get_or_insert_with(|| Note {
            message: format!(
                "{INVALID}{}",
                match kind {
                    "SS" => "An string set  may not be empty",
                    "NS" => "An number set  may not be empty",
                    _ => "Binary sets should not be empty",
                }
            ),
            enveloped: true,
            kind: match kind {
                "NS" => Flaw::EmptyNumberSet,
                _ => Flaw::EmptySet,
            },
        });
    }

    /// A set with a member twice; `members` as written.
    pub(super) fn duplicates(&mut self, kind: &str, members: &[String], wording: Wording) {
        if self.value.is_some() {
            return;
        }
        let message = match (kind, wording) {
            ("NS", Wording::Older) => "Input collection contains duplicates".to_owned(),
            ("NS", Wording::Current) => format!("{INVALID}Input collection contains duplicates."),
            ("BS", Wording::Older) => format!(
                "{INVALID}Input collection [{}]of type BS contains duplicates.",
                members.join(", ")
            ),
            ("BS", Wording::Current) => format!(
                "{INVALID}Input collection [{}]of type BS contains duplicates.",
                quoted(members).join(",")
            ),
            (_, Wording::Older) => format!(
                "{INVALID}Input collection [{}] contains duplicates.",
                members.join(", ")
            ),
            (_, Wording::Current) => format!(
                "{INVALID}Input collection [{}] contains duplicates.",
                quoted(members).join(", ")
            ),
        };
        self.value(message);
    }
}

/// The members as the current wording lists them: those before the first
/// repeat sorted, then the repeat and the rest as written; each quoted.
fn quoted(members: &[String]) -> Vec<String> {
    let mut seen = HashSet::new();
    let repeat = members.iter().position(|member| !seen.insert(member));
    let repeat = repeat.unwrap_or(members.len());
    let mut listed = members.to_vec();
    listed[..repeat].sort();
    listed
        .iter()
        .map(|member| serde_json::Value::from(member.as_str()).to_string())
        .collect()
}

fn refuse(note: Option<&Note>, envelopes: bool) -> Result<(), Failure> {
    match note {
        None => Ok(()),
        Some(Note {
            message, enveloped, ..
        }) if *enveloped && envelopes => Err(Failure::validation(format!(
            "1 validation error detected: {message}"
        ))),
        Some(Note { message, .. }) => Err(Failure::validation(message.clone())),
    }
}

/// The refusal of a member that this endpoint does not serve. Nothing is half
/// done: a request that carries one is refused as a whole.
pub(super) fn not_served(path: &str) -> Failure {
    Failure::validation(format!(
        "One or more parameter values were invalid: {path} is not supported by this local endpoint"
    ))
}

/// The message for a JSON value where a map of `class` belongs.
pub(super) fn not_a_map(kind: Kind, class: &str) -> String {
    match kind {
        Kind::Array => {
            format!("Unrecognized collection type java.util.Map<java.lang.String, {class}>")
        }
        _ => "Unexpected field type".to_owned(),
    }
}

/// The message for a JSON value where one of `class` belongs.
pub(super) fn conversion(kind: Kind, class: &str) -> String {
    let found = match kind {
        Kind::Array if class == "Boolean" => return String::new(),
        Kind::Array if class.starts_with("java.") => {
            return "Start of list found where not expected".to_owned();
        }
        Kind::Array => return format!("Unrecognized collection type class java.lang.{class}"),
        Kind::Object => return "Start of structure or map found where not expected".to_owned(),
        _ if class.starts_with("java.") => return "Unexpected field type".to_owned(),
        Kind::String if class == "Boolean" => {
            return "Unexpected token received from parser".to_owned();
        }
        Kind::String => "STRING_VALUE",
        Kind::True => "TRUE_VALUE",
        Kind::False => "FALSE_VALUE",
        Kind::Null => "NULL_VALUE",
        Kind::Number { decimal: true } => "DECIMAL_VALUE",
        Kind::Number { decimal: false } => "NUMBER_VALUE",
    };
    format!("{found} cannot be converted to {class}")
}
