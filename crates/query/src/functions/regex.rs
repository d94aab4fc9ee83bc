//! Regular expressions. Java's, as far as the `regex` crate has them: no looking
//! around and no back-references.

use std::rc::Rc;

use datafusion::common::exec_err;
use datafusion::error::{DataFusionError, Result};
use regex::{Captures, Regex};

use super::call::{Function, Kind, boolean, form, text, texts, whole};
use super::row::{Row, Value};

use Kind::{Text, Whole};

/// The functions.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "regexp_like",
        forms: &[form(&[Text, Text], boolean, |row| {
            Ok(pattern(row)?.is_match(row.text(0)).into())
        })],
    },
    Function {
        name: "regexp_count",
        forms: &[form(&[Text, Text], whole, |row| {
            let found = pattern(row)?.find_iter(row.text(0)).count();
            Ok(i64::try_from(found).unwrap_or(i64::MAX).into())
        })],
    },
    Function {
        name: "regexp_extract",
        forms: &[
            form(&[Text, Text], text, |row| {
                Ok(pattern(row)?
                    .find(row.text(0))
                    .map(|of| of.as_str().to_owned())
                    .into())
            }),
            form(&[Text, Text, Whole], text, |row| {
                let pattern = pattern(row)?;
                let group = group(row, &pattern)?;
                let found = pattern.captures(row.text(0));
                Ok(found.and_then(|found| part(&found, group)).into())
            }),
        ],
    },
    Function {
        name: "regexp_extract_all",
        forms: &[
            form(&[Text, Text], texts, |row| {
                let pattern = pattern(row)?;
                let found = pattern.find_iter(row.text(0));
                Ok(Value::Texts(
                    found.map(|of| Some(of.as_str().to_owned())).collect(),
                ))
            }),
            form(&[Text, Text, Whole], texts, |row| {
                let pattern = pattern(row)?;
                let group = group(row, &pattern)?;
                let found = pattern.captures_iter(row.text(0));
                Ok(Value::Texts(found.map(|of| part(&of, group)).collect()))
            }),
        ],
    },
    Function {
        name: "regexp_replace",
        forms: &[
            form(&[Text, Text], text, |row| {
                Ok(pattern(row)?
                    .replace_all(row.text(0), "")
                    .into_owned()
                    .into())
            }),
            form(&[Text, Text, Text], text, replace),
        ],
    },
    Function {
        name: "regexp_split",
        forms: &[form(&[Text, Text], texts, |row| {
            let pattern = pattern(row)?;
            let parts = pattern.split(row.text(0));
            Ok(Value::Texts(
                parts.map(|part| Some(part.to_owned())).collect(),
            ))
        })],
    },
    Function {
        name: "regexp_position",
        forms: &[
            form(&[Text, Text], whole, |row| position(row, 1, 1)),
            form(&[Text, Text, Whole], whole, |row| {
                position(row, row.whole(2), 1)
            }),
            form(&[Text, Text, Whole, Whole], whole, |row| {
                position(row, row.whole(2), row.whole(3))
            }),
        ],
    },
];

fn pattern(row: &Row<'_>) -> Result<Rc<Regex>> {
    row.kept(row.text(1), |pattern| {
        Regex::new(pattern).map_err(|error| {
            let told = error.to_string();
            let why = told.lines().last().unwrap_or_default();
            let why = why.strip_prefix("error: ").unwrap_or(why);
            DataFusionError::Execution(format!("the pattern '{pattern}' cannot be used: {why}"))
        })
    })
}

fn group(row: &Row<'_>, pattern: &Regex) -> Result<usize> {
    let group = row.whole(2);
    let groups = pattern.captures_len() - 1;
    match usize::try_from(group) {
        Err(_) => exec_err!("Group cannot be negative"),
        Ok(group) if group > groups => {
            exec_err!("Pattern has {groups} groups. Cannot access group {group}")
        }
        Ok(group) => Ok(group),
    }
}

fn part(found: &Captures<'_>, group: usize) -> Option<String> {
    found.get(group).map(|of| of.as_str().to_owned())
}

/// A piece of what is put in the place of a match.
enum Piece {
    Text(String),
    Group(usize),
}

/// `$1`, `${name}` and `\$`, as Java reads them.
fn pieces(by: &str, pattern: &Regex) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut chars = by.chars().peekable();
    while let Some(one) = chars.next() {
        match one {
            '\\' => match chars.next() {
                Some(next) => plain.push(next),
                None => {
                    return exec_err!("Illegal replacement sequence: {by}");
                }
            },
            '$' => {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
                let group = if chars.next_if_eq(&'{').is_some() {
                    let name: String = chars.by_ref().take_while(|of| *of != '}').collect();
                    let mut names = pattern.capture_names();
                    match names.position(|of| of == Some(name.as_str())) {
                        Some(group) => group,
                        None => {
                            return exec_err!(
                                "Illegal replacement sequence: unknown group {{ {name} }}"
                            );
                        }
                    }
                } else {
                    let Some(mut group) = chars.next().and_then(|of| of.to_digit(10)) else {
                        return exec_err!("Illegal replacement sequence: {by}");
                    };
                    let groups = pattern.captures_len();
                    if group as usize >= groups {
                        return exec_err!("Illegal replacement sequence: unknown group {group}");
                    }
                    // As many digits as still name a group.
                    while let Some(digit) = chars.peek().and_then(|of| of.to_digit(10)) {
                        if (group * 10 + digit) as usize >= groups {
                            break;
                        }
                        group = group * 10 + digit;
                        chars.next();
                    }
                    group as usize
                };
                pieces.push(Piece::Group(group));
            }
            one => plain.push(one),
        }
    }
    pieces.push(Piece::Text(plain));
    Ok(pieces)
}

fn replace(row: &Row<'_>) -> Result<Value> {
    let pattern = pattern(row)?;
    let by = row.text(2);
    if !by.contains(['\\', '$']) {
        return Ok(pattern
            .replace_all(row.text(0), regex::NoExpand(by))
            .into_owned()
            .into());
    }
    let pieces = pieces(by, &pattern)?;
    let put = |found: &Captures<'_>| -> String {
        let pieces = pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Group(group) => found.get(*group).map_or("", |of| of.as_str()),
        });
        pieces.collect()
    };
    Ok(pattern.replace_all(row.text(0), put).into_owned().into())
}

fn position(row: &Row<'_>, start: i64, occurrence: i64) -> Result<Value> {
    let text = row.text(0);
    let (Ok(from @ 1..), Ok(nth @ 1..)) = (usize::try_from(start), usize::try_from(occurrence))
    else {
        return exec_err!(
            "start and occurrence must not be smaller than 1, but got start={start}, occurrence={occurrence}"
        );
    };
    let Some((at, _)) = text.char_indices().nth(from - 1) else {
        return Ok(Value::Whole(-1));
    };
    let pattern = pattern(row)?;
    let mut from = at;
    let mut left = nth;
    while let Some(found) = pattern.find_at(text, from) {
        left -= 1;
        if left == 0 {
            return Ok((super::text::count(&text[..found.start()]) + 1).into());
        }
        if found.end() >= text.len() {
            break;
        }
        from = match found.is_empty() {
            true => found.end() + text[found.end()..].chars().next().map_or(1, char::len_utf8),
            false => found.end(),
        };
    }
    Ok(Value::Whole(-1))
}
