//! Shapes of requests: which members an operation knows, and their types.
//!
//! In goes a body; out comes the first refusal that its members' names and JSON
//! types deserve, before anything else about them is looked at. A member that
//! an operation does not know is refused by name: nothing is passed over.

use super::item::Arena;
use super::json::{Cursor, Kind, Malformed};
use super::problem::{
    ATTRIBUTE_VALUE, CAST, NAMESPACE, Problems, conversion, not_a_map, not_served,
};
use super::request::read_image;
use crate::Failure;

/// The type of a value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Type {
    Text,
    /// A Boolean, or one of the words taken for one.
    Flag,
    /// A whole number of 32 bits.
    Integer,
    /// A whole number of 64 bits.
    Long,
    /// Seconds since the Unix epoch.
    Timestamp,
    /// An item or a key. What is in it [`super::item`] reads.
    Image,
    Structure(&'static Structure),
    List(&'static Type),
    Map(&'static Type),
}

/// A structure: the members that are served.
#[derive(Debug)]
pub(crate) struct Structure {
    /// Its name in the service's model.
    pub(crate) name: &'static str,
    pub(crate) members: &'static [(&'static str, Type)],
}

/// Where a value stands, which decides how one of the wrong type is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Member,
    Element,
}

/// What the members of a request are refused for, the first of each kind.
#[derive(Debug, Default)]
pub(super) struct Findings<'a> {
    mistyped: Option<String>,
    unserved: Option<String>,
    /// Items and keys, as written.
    images: Vec<&'a str>,
}

impl<'a> Findings<'a> {
    /// Looks at one member of `structure`; `path` leads to that structure.
    pub(super) fn member(
        &mut self,
        structure: &Structure,
        path: &str,
        name: &str,
        value: &'a str,
    ) -> Result<(), Malformed> {
        let known = structure.members.iter().find(|(known, _)| *known == name);
        match known {
            // A member that is null counts as absent.
            _ if value == "null" => Ok(()),
            Some((name, kind)) => self.value(*kind, Place::Member, (path, name), value),
            None => {
                self.unserved.get_or_insert_with(|| format!("{path}{name}"));
                Ok(())
            }
        }
    }

    /// Refuses the request if anything was found.
    pub(super) fn report(self) -> Result<(), Failure> {
        if let Some(message) = self.mistyped {
            return Err(Failure::serialization(message));
        }
        let Some(path) = self.unserved else {
            return Ok(());
        };
        // A value of the wrong type in an item comes first, and nobody else will look.
        let (mut arena, mut problems) = (Arena::default(), Problems::default());
        for image in self.images {
            read_image(image, &mut arena, &mut problems)?;
            arena.clear();
        }
        problems.types()?;
        Err(not_served(&path))
    }

    fn mistyped(&mut self, message: impl Into<String>) {
        self.mistyped.get_or_insert_with(|| message.into());
    }

    fn value(
        &mut self,
        kind: Type,
        place: Place,
        (path, name): (&str, &str),
        value: &'a str,
    ) -> Result<(), Malformed> {
        let mut cursor = Cursor::new(value);
        let found = cursor.kind()?;
        match (kind, found) {
            (Type::Text, Kind::String)
            | (Type::Flag, Kind::True | Kind::False)
            | (Type::Integer | Type::Long | Type::Timestamp, Kind::Number { .. }) => {}
            (Type::Image, Kind::Object) => self.images.push(value),
            (Type::Flag, Kind::String) => {
                if flag_of(&cursor.string()?.resolve()).is_none() {
                    self.mistyped(conversion(found, "Boolean"));
                }
            }
            (Type::Flag, Kind::Array) => {
                self.mistyped("Unrecognized collection type class java.lang.Boolean");
            }
            (Type::Text, _) => self.mistyped(conversion(found, "String")),
            (Type::Flag, _) => self.mistyped(conversion(found, "Boolean")),
            (Type::Integer, _) => self.mistyped(conversion(found, "Integer")),
            (Type::Long, _) => self.mistyped(conversion(found, "Long")),
            (Type::Timestamp, _) => self.mistyped(conversion(found, "Date")),
            (Type::Image | Type::List(_) | Type::Map(_), found)
                if place == Place::Element && !fits(kind, found) =>
            {
                self.mistyped(CAST);
            }
            (Type::Image, _) => self.mistyped(not_a_map(found, ATTRIBUTE_VALUE)),
            (Type::Structure(structure), Kind::Object) => {
                let inner = match place {
                    Place::Member => format!("{path}{name}."),
                    Place::Element => path.to_owned(),
                };
                cursor.expect(b'{')?;
                let mut first = true;
                while let Some(member) = cursor.member(&mut first)? {
                    let value = cursor.skip_value()?;
                    self.member(structure, &inner, &member.resolve(), value)?;
                }
            }
            (Type::Structure(structure), Kind::Array) => {
                let class = format!("{NAMESPACE}.{}", structure.name);
                self.mistyped(format!("Unrecognized collection type class {class}"));
            }
            (Type::Structure(_), _) => self.mistyped(match place {
                Place::Member => "Unexpected field type",
                Place::Element => "Unexpected value type in payload",
            }),
            (Type::List(inner), Kind::Array) => {
                let inner_path = format!("{path}{name}.");
                cursor.expect(b'[')?;
                let mut first = true;
                while cursor.element(&mut first)? {
                    let element = cursor.skip_value()?;
                    self.value(*inner, Place::Element, (&inner_path, name), element)?;
                }
            }
            (Type::List(_), Kind::Object) => {
                self.mistyped("Start of structure or map found where not expected");
            }
            (Type::List(_), _) => self.mistyped("Unexpected field type"),
            (Type::Map(inner), Kind::Object) => {
                let inner_path = format!("{path}{name}.");
                cursor.expect(b'{')?;
                let mut first = true;
                while cursor.member(&mut first)?.is_some() {
                    let value = cursor.skip_value()?;
                    if value != "null" || matches!(inner, Type::Structure(_)) {
                        self.value(*inner, Place::Element, (&inner_path, name), value)?;
                    }
                }
            }
            (Type::Map(inner), _) => self.mistyped(match inner {
                Type::Structure(structure) => {
                    not_a_map(found, &format!("{NAMESPACE}.{}", structure.name))
                }
                _ => not_a_map(found, "java.lang.String"),
            }),
        }
        Ok(())
    }
}

/// Whether a collection is written as JSON has it.
fn fits(kind: Type, found: Kind) -> bool {
    match kind {
        Type::List(_) => found == Kind::Array,
        _ => found == Kind::Object,
    }
}

/// The Boolean that a word is taken for.
pub(super) fn flag_of(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" => Some(true),
        "false" | "f" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}
