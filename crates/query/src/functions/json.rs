//! JSON, which is a text here; that a text is JSON is known by a mark on its field, so
//! that a CAST takes it apart.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use datafusion::arrow::datatypes::Field;
use datafusion::common::exec_err;
use datafusion::error::{DataFusionError, Result};
use serde_json::value::RawValue;

use super::call::{Function, Kind, boolean, form, text, texts, whole};
use super::row::{Row, Value};

use Kind::{Bool, Double, Text, Whole};

/// The functions.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "json_extract_scalar",
        forms: &[form(&[Text, Text], text, |row| {
            Ok(extracted(row)?.and_then(scalar).map(Cow::into_owned).into())
        })],
    },
    Function {
        name: "json_extract",
        forms: &[form(&[Text, Text], text, |row| {
            Ok(extracted(row)?.map(compact).into())
        })],
    },
    Function {
        name: "json_size",
        forms: &[form(&[Text, Text], whole, |row| {
            Ok(extracted(row)?.map(|found| size(found).unwrap_or(0)).into())
        })],
    },
    Function {
        name: "json_parse",
        forms: &[form(&[Text], text, |row| {
            let text = row.text(0);
            match serde_json::from_str::<&RawValue>(text)
                .ok()
                .and_then(|raw| canonical(raw.get()))
            {
                Some(json) => Ok(json.into()),
                None => exec_err!("Cannot convert value to JSON: '{text}'"),
            }
        })],
    },
    Function {
        name: "json_format",
        forms: &[form(&[Text], text, |row| Ok(compact(row.text(0)).into()))],
    },
    Function {
        name: "json_array_length",
        forms: &[form(&[Text], whole, |row| {
            Ok(elements(row.text(0)).map(length).into())
        })],
    },
    Function {
        name: "json_array_contains",
        forms: &[
            form(&[Text, Text], boolean, |row| {
                has(row, |of| {
                    of.starts_with('"') && scalar(of).as_deref() == Some(row.text(1))
                })
            }),
            form(&[Text, Whole], boolean, |row| {
                has(row, |of| of.parse() == Ok(row.whole(1)))
            }),
            form(&[Text, Double], boolean, |row| {
                has(row, |of| of.parse() == Ok(row.double(1)))
            }),
            form(&[Text, Bool], boolean, |row| {
                has(row, |of| of.parse() == Ok(row.bool(1)))
            }),
        ],
    },
    Function {
        name: "is_json_scalar",
        forms: &[form(&[Text], boolean, |row| {
            let text = row.text(0).trim();
            match serde_json::from_str::<&RawValue>(text) {
                Ok(raw) => Ok((!raw.get().starts_with(['{', '['])).into()),
                Err(_) => exec_err!("Invalid JSON value: {text}"),
            }
        })],
    },
    Function {
        name: AS_TEXT,
        forms: &[form(&[Text], text, |row| {
            let json = row.text(0).trim();
            match json.starts_with(['{', '[']) {
                true => exec_err!("Cannot cast '{json}' to varchar"),
                false => Ok(scalar(json).map(Cow::into_owned).into()),
            }
        })],
    },
    Function {
        name: AS_TEXTS,
        forms: &[form(&[Text], texts, |row| {
            let json = row.text(0).trim();
            match elements(json) {
                Some(elements) => {
                    let texts =
                        elements
                            .into_iter()
                            .map(|of| match of.get().starts_with(['{', '[']) {
                                true => exec_err!(
                                    "Cannot cast '{json}' to an array: {} is nested",
                                    of.get()
                                ),
                                false => Ok(scalar(of.get()).map(Cow::into_owned)),
                            });
                    Ok(Value::Texts(texts.collect::<Result<_>>()?))
                }
                None if json == "null" => Ok(Value::Null),
                None => exec_err!("Cannot cast '{json}' to an array"),
            }
        })],
    },
];

/// What a CAST of JSON goes through.
pub(super) const AS_TEXT: &str = "json_as_varchar";
/// What a CAST of JSON to an array goes through.
pub(super) const AS_TEXTS: &str = "json_as_array";

const MARK: &str = "hrload.type";

/// Whether a function gives JSON.
pub(super) fn gives_json(name: &str) -> bool {
    ["json_parse", "json_extract"].contains(&name)
}

/// A field of JSON.
pub(super) fn marked(field: Field) -> Field {
    field.with_metadata(HashMap::from([(MARK.to_owned(), "json".to_owned())]))
}

/// Whether a field is of JSON.
pub(super) fn is_marked(field: &Field) -> bool {
    field.metadata().get(MARK).is_some_and(|of| of == "json")
}

/// The names of a path: `$.a.b[0]["c d"]`.
fn path(path: &str) -> Result<Vec<String>> {
    names(path).ok_or_else(|| DataFusionError::Execution(format!("Invalid JSON path: '{path}'")))
}

fn names(path: &str) -> Option<Vec<String>> {
    let mut rest = path.strip_prefix('$')?;
    let mut names = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let plain = |of: char| of.is_alphanumeric() || "_-:$".contains(of);
            let name = &after[..end];
            (!name.is_empty() && name.chars().all(plain)).then_some(())?;
            names.push(name.to_owned());
            rest = &after[end..];
            continue;
        }
        let after = rest.strip_prefix('[')?;
        if let Some(quoted) = after.strip_prefix('"') {
            let mut name = String::new();
            let mut chars = quoted.char_indices();
            let end = loop {
                match chars.next()? {
                    (at, '"') => break at,
                    (_, '\\') => name.push(chars.next()?.1),
                    (_, one) => name.push(one),
                }
            };
            names.push(name);
            rest = quoted[end + 1..].strip_prefix(']')?;
        } else {
            let (name, after) = after.split_once(']')?;
            let plain = |of: char| of.is_alphanumeric() || of == '_';
            (!name.is_empty() && name.chars().all(plain)).then_some(())?;
            names.push(name.to_owned());
            rest = after;
        }
    }
    Some(names)
}

/// What a path leads to; `None`: nothing, or the text is no JSON.
fn extracted<'a>(row: &Row<'a>) -> Result<Option<&'a str>> {
    let names = row.kept(row.text(1), path)?;
    let whole = serde_json::from_str::<&RawValue>(row.text(0));
    let mut found = whole.ok().map(RawValue::get);
    for name in names.iter() {
        found = found.and_then(|found| step(found, name));
    }
    Ok(found)
}

fn step<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    if json.starts_with('[') {
        let at: usize = name.parse().ok()?;
        return elements(json)?.get(at).map(|of| of.get());
    }
    members(json)?.get(name).map(|of| of.get())
}

fn members(json: &str) -> Option<BTreeMap<String, &RawValue>> {
    json.trim_start()
        .starts_with('{')
        .then(|| serde_json::from_str(json).ok())?
}

fn elements(json: &str) -> Option<Vec<&RawValue>> {
    json.trim_start()
        .starts_with('[')
        .then(|| serde_json::from_str(json).ok())?
}

fn length(of: Vec<&RawValue>) -> i64 {
    i64::try_from(of.len()).unwrap_or(i64::MAX)
}

fn size(json: &str) -> Option<i64> {
    let members = || members(json).and_then(|of| i64::try_from(of.len()).ok());
    elements(json).map(length).or_else(members)
}

/// A text without its quotes, a number or a boolean as it is written.
fn scalar(json: &str) -> Option<Cow<'_, str>> {
    match json.as_bytes().first()? {
        b'{' | b'[' => None,
        b'"' => serde_json::from_str::<String>(json).ok().map(Cow::Owned),
        _ if json == "null" => None,
        _ => Some(Cow::Borrowed(json)),
    }
}

fn has(row: &Row<'_>, is: impl Fn(&str) -> bool) -> Result<Value> {
    Ok(elements(row.text(0))
        .map(|of| of.iter().any(|of| is(of.get())))
        .into())
}

/// Without white space between what it consists of.
fn compact(json: &str) -> String {
    let mut quoted = false;
    let mut escaped = false;
    let kept = json.chars().filter(|one| {
        let inside = quoted;
        match one {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        inside || !one.is_ascii_whitespace()
    });
    kept.collect()
}

/// With the names of each object in order.
fn canonical(json: &str) -> Option<String> {
    let joined = |parts: Option<Vec<String>>| parts.map(|parts| parts.join(","));
    match json.as_bytes().first()? {
        b'{' => {
            let members = members(json)?.into_iter().map(|(name, of)| {
                let name = serde_json::to_string(&name).ok()?;
                Some(format!("{name}:{}", canonical(of.get())?))
            });
            Some(format!("{{{}}}", joined(members.collect())?))
        }
        b'[' => {
            let elements = elements(json)?.into_iter().map(|of| canonical(of.get()));
            Some(format!("[{}]", joined(elements.collect())?))
        }
        b'"' => serde_json::to_string(&serde_json::from_str::<String>(json).ok()?).ok(),
        _ => Some(json.to_owned()),
    }
}
