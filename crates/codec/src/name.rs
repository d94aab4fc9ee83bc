//! Names of attributes, with all that stands before their values.

/// An attribute's name, and how JSON leads up to its value. The latter is laid
/// out by the compiler, so that it is written in one piece.
#[derive(Clone, Copy, Debug)]
pub struct Name {
    /// The name; empty for an element of a list.
    pub text: &'static str,
    /// `,"name":{"S":"`, and so on for the other types.
    pub(super) string: &'static str,
    pub(super) number: &'static str,
    pub(super) boolean: &'static str,
    pub(super) map: &'static str,
    pub(super) list: &'static str,
}

/// A [`Name`]: of an attribute, or of an element of a list, which has none.
macro_rules! name {
    () => {
        name!("" after ",")
    };
    ($text:literal) => {
        name!($text after ",\"" $text "\":")
    };
    ($text:literal after $($before:literal)*) => {
        $crate::Name {
            text: $text,
            string: concat!($($before,)* "{\"S\":\""),
            number: concat!($($before,)* "{\"N\":\""),
            boolean: concat!($($before,)* "{\"BOOL\":"),
            map: concat!($($before,)* "{\"M\":{"),
            list: concat!($($before,)* "{\"L\":["),
        }
    };
}
pub(super) use name;

impl Name {
    /// That of a list's element.
    pub(super) const NONE: Self = name!();
}
