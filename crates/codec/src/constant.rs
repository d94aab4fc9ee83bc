//! Attributes that are the same in every item, laid out by the compiler.

use super::{ItemSink, Name};

/// An attribute of a layout with a value that never changes.
#[derive(Clone, Copy, Debug)]
pub struct Constant {
    name: Name,
    value: Value,
    /// `,"name":{"S":"value"}`: all of it in one piece.
    pub(super) json: &'static str,
}

/// What it holds: printable ASCII without quotes and backslashes, alone or in
/// lists and maps.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    Text(&'static str),
    List(&'static [Value]),
    Map(&'static [(Name, Value)]),
}

impl Constant {
    pub(super) const fn new(name: Name, value: Value, json: &'static str) -> Self {
        Self { name, value, json }
    }

    /// Tells `sink` its parts.
    pub(super) fn describe(&self, sink: &mut impl ItemSink) {
        self.value.describe(self.name, sink);
    }
}

impl Value {
    fn describe(&self, name: Name, sink: &mut impl ItemSink) {
        match self {
            Self::Text(text) => sink.string(name, *text),
            Self::List(elements) => {
                sink.list(name);
                for element in *elements {
                    element.describe(Name::NONE, sink);
                }
                sink.end();
            }
            Self::Map(entries) => {
                sink.map(name);
                for (name, value) in *entries {
                    value.describe(*name, sink);
                }
                sink.end();
            }
        }
    }
}

/// A [`Constant`], written as in JSON: `constant!("status": "final")`.
macro_rules! constant {
    ($name:literal: $value:tt) => {
        const {
            &$crate::Constant::new(
                $crate::name::name!($name),
                constant!(@value $value),
                concat!(",\"", $name, "\":", constant!(@json $value)),
            )
        }
    };
    (@value $text:literal) => {
        $crate::constant::Value::Text($text)
    };
    (@value [$($element:tt),+]) => {
        $crate::constant::Value::List(&[$(constant!(@value $element)),+])
    };
    (@value {$($name:literal: $value:tt),+}) => {
        $crate::constant::Value::Map(&[
            $(($crate::name::name!($name), constant!(@value $value))),+
        ])
    };
    (@json $text:literal) => {
        concat!("{\"S\":\"", $text, "\"}")
    };
    (@json [$first:tt $(, $element:tt)*]) => {
        concat!("{\"L\":[", constant!(@json $first) $(, ",", constant!(@json $element))*, "]}")
    };
    (@json {$first:literal: $value:tt $(, $name:literal: $other:tt)*}) => {
        concat!(
            "{\"M\":{\"", $first, "\":", constant!(@json $value)
            $(, ",\"", $name, "\":", constant!(@json $other))*,
            "}}"
        )
    };
}
pub(super) use constant;
