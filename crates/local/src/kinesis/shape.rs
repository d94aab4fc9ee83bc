//! Shapes of requests: the members that an operation knows, and their types.
//!
//! In goes a body; out comes the first refusal that its members' names and JSON types
//! deserve, before anything else about them is looked at. A member that an operation does
//! not know is refused by name: nothing is passed over. Words are the service's own, as
//! kinesalite's authors recorded them
//! (<https://github.com/mhart/kinesalite/blob/master/test/helpers.js>).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Failure;

/// The type of a value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    Text,
    /// A whole number of 32 bits.
    Integer,
    Flag,
    /// Bytes as base64.
    Blob,
    /// Seconds since the Unix epoch.
    Time,
    List(&'static Shape),
    Map(&'static Shape),
    Structure(&'static [(&'static str, Shape)]),
}

/// What a body is refused for, the first of each kind.
#[derive(Debug, Default)]
struct Found {
    mistyped: Option<String>,
    /// A member that is not known, with the names that lead to it.
    unknown: Option<String>,
    path: Vec<&'static str>,
}

/// Refuses a body that is no JSON, has a value of the wrong type or a member that is not
/// known to the operation.
pub(super) fn check(
    operation: &str,
    members: &'static [(&'static str, Shape)],
    body: &[u8],
) -> Result<(), Failure> {
    let mut found = Found::default();
    let mut json = serde_json::Deserializer::from_slice(body);
    let walk = Walk {
        shape: Shape::Structure(members),
        found: &mut found,
    };
    let read = walk.deserialize(&mut json).and_then(|()| json.end());
    match (read, found) {
        // Where the service has no words, it gives none.
        (Err(_), _) => Err(Failure::serialization("")),
        (
            Ok(()),
            Found {
                mistyped: Some(why),
                ..
            },
        ) => Err(Failure::serialization(why)),
        (
            Ok(()),
            Found {
                unknown: Some(member),
                ..
            },
        ) => Err(Failure::validation(format!(
            "{operation}: {member} is not supported by this local endpoint"
        ))),
        (Ok(()), _) => Ok(()),
    }
}

/// One value on the way through a body.
struct Walk<'a> {
    shape: Shape,
    found: &'a mut Found,
}

/// The service's names of JSON's types.
const NUMBER: &str = "class com.amazon.coral.value.json.numbers.TruncatingBigNumber";
const BOOLEAN: &str = "class java.lang.Boolean";
const STRING: &str = "class java.lang.String";

impl Walk<'_> {
    fn mistyped(self, why: impl Into<String>) {
        self.found.mistyped.get_or_insert_with(|| why.into());
    }

    /// Notes a value that is neither text nor a list, a map or a structure.
    fn wrong_scalar(self, kind: &str) {
        let why = match self.shape {
            Shape::Text => format!("{kind} can not be converted to an String"),
            Shape::Integer => format!("{kind} can not be converted to an Integer"),
            Shape::Flag => format!("{kind} can not be converted to an Boolean"),
            Shape::Blob => format!("{kind} can not be converted to a Blob"),
            Shape::Time => format!("{kind} can not be converted to milliseconds since epoch"),
            Shape::List(_) => "Expected list or null".to_owned(),
            Shape::Map(_) => "Expected map or null".to_owned(),
            Shape::Structure(_) => "Expected null".to_owned(),
        };
        self.mistyped(why);
    }

    fn number(self) {
        if !matches!(self.shape, Shape::Integer | Shape::Time) {
            self.wrong_scalar(NUMBER);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        // As if it were absent.
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        if !matches!(self.shape, Shape::Flag) {
            self.wrong_scalar(BOOLEAN);
        }
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.number();
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.number();
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.number();
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        match self.shape {
            Shape::Text => {}
            Shape::Blob => {
                if let Some(why) = not_base64(text) {
                    self.mistyped(format!("'{text}' can not be converted to a Blob: {why}"));
                }
            }
            Shape::Flag => {
                if flag(text).is_none() {
                    self.mistyped(format!("'{text}' can not be converted to an Boolean"));
                }
            }
            _ => self.wrong_scalar(STRING),
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { shape, found } = self;
        let Shape::List(element) = shape else {
            Walk { shape, found }.mistyped("Start of list found where not expected");
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        loop {
            let next = Walk {
                shape: *element,
                found: &mut *found,
            };
            if list.next_element_seed(next)?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { shape, found } = self;
        match shape {
            Shape::Structure(members) => {
                while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                    let known = members.iter().find(|(known, _)| *known == name);
                    let Some(&(known, shape)) = known else {
                        // A member that is null counts as absent.
                        let value = map.next_value::<Option<IgnoredAny>>()?;
                        if value.is_some() && found.unknown.is_none() {
                            let mut path = found.path.join(".");
                            if !path.is_empty() {
                                path.push('.');
                            }
                            found.unknown = Some(path + &name);
                        }
                        continue;
                    };
                    found.path.push(known);
                    map.next_value_seed(Walk {
                        shape,
                        found: &mut *found,
                    })?;
                    found.path.pop();
                }
            }
            Shape::Map(value) => {
                while map.next_key::<IgnoredAny>()?.is_some() {
                    map.next_value_seed(Walk {
                        shape: *value,
                        found: &mut *found,
                    })?;
                }
            }
            _ => {
                let why = "Start of structure or map found where not expected.";
                Walk { shape, found }.mistyped(why);
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            }
        }
        Ok(())
    }
}

/// A text that reads as a Boolean.
pub(super) fn flag(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Why a text is no base64, if it is none.
fn not_base64(text: &str) -> Option<String> {
    if base64_simd::STANDARD.check(text.as_bytes()).is_ok() {
        return None;
    }
    if !text.len().is_multiple_of(4) {
        return Some(format!(
            "Base64 encoded length is expected a multiple of 4 bytes but found: {}",
            text.len()
        ));
    }
    let body = text.trim_end_matches('=');
    let body = if text.len() - body.len() <= 2 {
        body
    } else {
        text
    };
    let wrong = body
        .chars()
        .find(|&c| !(c.is_ascii_alphanumeric() || c == '+' || c == '/'));
    // The service's own spelling.
    let last = || "Invalid last non-pad Base64 character dectected".to_owned();
    Some(wrong.map_or_else(last, |c| format!("Invalid Base64 character: '{c}'")))
}
