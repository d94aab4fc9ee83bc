//! Texts. Places count characters from 1.

use datafusion::common::exec_err;
use datafusion::error::Result;

use super::call::{Body, Form, Function, Kind, boolean, form, text, texts, whole};
use super::row::{Row, Value};

use Kind::{Any, Text, Texts, Whole};

/// The functions.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "length",
        forms: &[form(&[Text], whole, |row| Ok(count(row.text(0)).into()))],
    },
    Function {
        name: "reverse",
        forms: &[
            form(&[Text], text, |row| {
                Ok(row.text(0).chars().rev().collect::<String>().into())
            }),
            form(&[Kind::List], super::call::first, super::arrays::reverse),
        ],
    },
    Function {
        name: "substr",
        forms: SUBSTRING,
    },
    Function {
        name: "substring",
        forms: SUBSTRING,
    },
    Function {
        name: "strpos",
        forms: &[
            form(&[Text, Text], whole, |row| {
                Ok(place(row.text(0), row.text(1), 1).into())
            }),
            form(&[Text, Text, Whole], whole, strpos),
        ],
    },
    Function {
        name: "replace",
        forms: &[
            form(&[Text, Text], text, |row| {
                Ok(row.text(0).replace(row.text(1), "").into())
            }),
            form(&[Text, Text, Text], text, |row| {
                Ok(row.text(0).replace(row.text(1), row.text(2)).into())
            }),
        ],
    },
    Function {
        name: "lpad",
        forms: &[form(&[Text, Whole, Text], text, |row| {
            padded(row, |text, pad| pad + text)
        })],
    },
    Function {
        name: "rpad",
        forms: &[form(&[Text, Whole, Text], text, |row| {
            padded(row, |text, pad| text.to_owned() + &pad)
        })],
    },
    Function {
        name: "ltrim",
        forms: &[
            form(&[Text], text, |row| Ok(row.text(0).trim_start().into())),
            form(&[Text, Text], text, |row| {
                Ok(row
                    .text(0)
                    .trim_start_matches(|c: char| row.text(1).contains(c))
                    .into())
            }),
        ],
    },
    Function {
        name: "rtrim",
        forms: &[
            form(&[Text], text, |row| Ok(row.text(0).trim_end().into())),
            form(&[Text, Text], text, |row| {
                Ok(row
                    .text(0)
                    .trim_end_matches(|c: char| row.text(1).contains(c))
                    .into())
            }),
        ],
    },
    Function {
        name: "btrim",
        forms: TRIM,
    },
    Function {
        name: "trim",
        forms: TRIM,
    },
    Function {
        name: "concat",
        forms: &[
            Form {
                takes: &[Text, Text],
                more: true,
                gives: text,
                body: Body::Row(|row| {
                    let texts = (0..row.count()).map(|arg| row.text(arg));
                    Ok(texts.collect::<String>().into())
                }),
            },
            Form {
                takes: &[Kind::Items, Kind::Items],
                more: true,
                gives: super::call::first,
                body: Body::Row(super::arrays::concat),
            },
        ],
    },
    Function {
        name: "concat_ws",
        forms: &[
            form(&[Text, Texts], text, |row| {
                let texts: Vec<_> = row.texts(1).into_iter().flatten().collect();
                Ok(texts.join(row.text(0)).into())
            }),
            Form {
                takes: &[Text, Text],
                more: true,
                gives: text,
                body: Body::Nulls(|row| {
                    if row.is_null(0) {
                        return Ok(Value::Null);
                    }
                    let texts = (1..row.count()).filter(|arg| !row.is_null(*arg));
                    let texts: Vec<_> = texts.map(|arg| row.text(arg)).collect();
                    Ok(texts.join(row.text(0)).into())
                }),
            },
        ],
    },
    Function {
        name: "split",
        forms: &[
            form(&[Text, Text], texts, |row| {
                split(row.text(0), row.text(1), usize::MAX)
            }),
            form(&[Text, Text, Whole], texts, |row| {
                match usize::try_from(row.whole(2)) {
                    Ok(limit) if limit > 0 => split(row.text(0), row.text(1), limit),
                    _ => exec_err!("Limit must be positive"),
                }
            }),
        ],
    },
    Function {
        name: "split_part",
        forms: &[form(&[Text, Text, Whole], text, |row| {
            let Some(index) = usize::try_from(row.whole(2)).ok().filter(|at| *at > 0) else {
                return exec_err!("Index must be greater than zero");
            };
            Ok(match row.text(1) {
                // Between any two characters, as Trino has it.
                "" => row.text(0).chars().nth(index - 1).map(String::from).into(),
                by => row
                    .text(0)
                    .split(by)
                    .nth(index - 1)
                    .map(str::to_owned)
                    .into(),
            })
        })],
    },
    Function {
        name: "starts_with",
        forms: &[form(&[Text, Text], boolean, |row| {
            Ok(row.text(0).starts_with(row.text(1)).into())
        })],
    },
    Function {
        name: "chr",
        forms: &[form(&[Whole], text, |row| {
            let code = u32::try_from(row.whole(0)).ok().and_then(char::from_u32);
            match code {
                Some(code) => Ok(code.to_string().into()),
                None => exec_err!("Not a valid Unicode code point: {}", row.whole(0)),
            }
        })],
    },
    Function {
        name: "codepoint",
        forms: &[form(&[Text], whole, |row| {
            let mut chars = row.text(0).chars();
            match (chars.next(), chars.next()) {
                (Some(one), None) => Ok(i64::from(u32::from(one)).into()),
                _ => exec_err!("Input string must be a single character string"),
            }
        })],
    },
    Function {
        name: "hamming_distance",
        forms: &[form(&[Text, Text], whole, |row| {
            let (a, b) = (row.text(0), row.text(1));
            if count(a) != count(b) {
                return exec_err!(
                    "The input strings to hamming_distance function must have the same length"
                );
            }
            let apart = a.chars().zip(b.chars()).filter(|(a, b)| a != b).count();
            Ok(signed(apart).into())
        })],
    },
    Function {
        name: "levenshtein_distance",
        forms: &[form(&[Text, Text], whole, |row| {
            Ok(signed(strsim::levenshtein(row.text(0), row.text(1))).into())
        })],
    },
    Function {
        name: "url_extract_host",
        forms: &[form(&[Text], text, |row| {
            let uri = row.text(0).parse::<http::Uri>().ok();
            Ok(uri.and_then(|uri| uri.host().map(str::to_owned)).into())
        })],
    },
    Function {
        name: "url_extract_path",
        forms: &[form(&[Text], text, |row| {
            let uri = row.text(0).parse::<http::Uri>().ok();
            Ok(uri.map(|uri| uri.path().to_owned()).into())
        })],
    },
    Function {
        name: "typeof",
        forms: &[Form {
            takes: &[Any],
            more: false,
            gives: text,
            body: Body::Nulls(|row| Ok(super::names::type_name(row.of_type(0)).into())),
        }],
    },
];

const SUBSTRING: &[Form] = &[
    form(&[Text, Whole], text, |row| {
        Ok(substring(row.text(0), row.whole(1), i64::MAX).into())
    }),
    form(&[Text, Whole, Whole], text, |row| {
        Ok(substring(row.text(0), row.whole(1), row.whole(2)).into())
    }),
];

const TRIM: &[Form] = &[
    form(&[Text], text, |row| Ok(row.text(0).trim().into())),
    form(&[Text, Text], text, |row| {
        Ok(row
            .text(0)
            .trim_matches(|c: char| row.text(1).contains(c))
            .into())
    }),
];

fn signed(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

/// How many characters a text has.
pub(super) fn count(text: &str) -> i64 {
    signed(text.chars().count())
}

/// The characters from a place on; a place below zero counts from the end.
fn substring(text: &str, start: i64, length: i64) -> String {
    let count = count(text);
    let from = match start {
        0 => return String::new(),
        start if start > 0 => start - 1,
        start => count + start,
    };
    if !(0..count).contains(&from) || length <= 0 {
        return String::new();
    }
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    text.chars().skip(from).take(length).collect()
}

/// Where the n-th instance of a text begins; 0: nowhere.
fn place(text: &str, part: &str, instance: usize) -> i64 {
    if part.is_empty() {
        return 1;
    }
    let mut from = 0;
    let mut at = 0;
    for _ in 0..instance {
        match text[from..].find(part) {
            None => return 0,
            Some(found) => {
                at = from + found;
                // The next one may overlap with this one.
                from = at + part.chars().next().map_or(1, char::len_utf8);
            }
        }
    }
    count(&text[..at]) + 1
}

fn strpos(row: &Row<'_>) -> Result<Value> {
    let (text, part, instance) = (row.text(0), row.text(1), row.whole(2));
    let nth = usize::try_from(instance.unsigned_abs()).unwrap_or(usize::MAX);
    Ok(match instance {
        0 => return exec_err!("'instance' must be a positive or negative number."),
        instance if instance > 0 => place(text, part, nth).into(),
        _ if part.is_empty() => Value::Whole(1),
        _ => {
            let starts = text
                .char_indices()
                .filter(|(at, _)| text[*at..].starts_with(part));
            let starts: Vec<_> = starts.map(|(at, _)| at).collect();
            let at = starts.len().checked_sub(nth).map(|nth| starts[nth]);
            at.map_or(0, |at| count(&text[..at]) + 1).into()
        }
    })
}

fn padded(row: &Row<'_>, join: fn(&str, String) -> String) -> Result<Value> {
    let (text, pad) = (row.text(0), row.text(2));
    let Some(size) = i32::try_from(row.whole(1))
        .ok()
        .and_then(|of| usize::try_from(of).ok())
    else {
        return exec_err!("Target length must be in the range [0..{}]", i32::MAX);
    };
    if pad.is_empty() {
        return exec_err!("Padding string must not be empty");
    }
    let has = text.chars().count();
    if has >= size {
        return Ok(text.chars().take(size).collect::<String>().into());
    }
    Ok(join(text, pad.chars().cycle().take(size - has).collect()).into())
}

fn split(text: &str, by: &str, limit: usize) -> Result<Value> {
    if by.is_empty() {
        return exec_err!("The delimiter may not be the empty string");
    }
    let parts = text.splitn(limit, by);
    Ok(Value::Texts(
        parts.map(|part| Some(part.to_owned())).collect(),
    ))
}
