//! What is wrong with a profile, where, and what would be right.

use thiserror::Error;

/// A profile that cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfileError {
    /// No built-in profile has this name.
    #[error("there is no profile `{name}`{}; known are {}", did_you_mean(.nearest), .known.join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
        /// The built-in name nearest to it, when one is near.
        nearest: Option<String>,
        /// All built-in names.
        known: Vec<&'static str>,
    },
    /// The text is not a profile.
    #[error("{origin}{}: {}{problem}{}", at_line(.line), at_key(.key), did_you_mean(.nearest))]
    Invalid {
        /// The file, or the name of the built-in profile.
        origin: String,
        /// The line at fault, from 1.
        line: Option<usize>,
        /// The key at fault, with its table: `cohort.worn`.
        key: Option<String>,
        /// What was found and what would be right.
        problem: String,
        /// For an unknown key or value, the one that was probably meant.
        nearest: Option<String>,
    },
}

/// Two settings that do not fit together: the key to blame and why.
#[derive(Clone, Debug)]
pub(super) struct Flaw {
    pub(super) table: &'static str,
    pub(super) key: &'static str,
    pub(super) problem: String,
}

impl ProfileError {
    pub(super) fn unknown(name: &str, known: impl Iterator<Item = &'static str>) -> Self {
        let known: Vec<_> = known.collect();
        Self::Unknown {
            name: name.to_owned(),
            nearest: nearest(name, known.iter().copied()),
            known,
        }
    }

    pub(super) fn from_toml(error: &toml::de::Error, text: &str, origin: &str) -> Self {
        let start = error.span().map(|span| span.start);
        let message = error.message();
        let mut quoted = message.split('`').skip(1).step_by(2);
        let unknown = ["unknown field", "unknown variant"]
            .iter()
            .any(|what| message.starts_with(what));
        let near = if unknown {
            quoted.next().and_then(|found| nearest(found, quoted))
        } else {
            None
        };
        Self::Invalid {
            origin: origin.to_owned(),
            line: start.map(|start| line_of(text, start)),
            key: start.and_then(|start| key_at(text, start)),
            problem: message.trim_end().replace('\n', "; "),
            nearest: near,
        }
    }

    pub(super) fn from_flaw(flaw: &Flaw, text: &str, origin: &str) -> Self {
        Self::Invalid {
            origin: origin.to_owned(),
            line: find_key(text, flaw.table, flaw.key),
            key: Some(join(flaw.table, flaw.key)),
            problem: flaw.problem.clone(),
            nearest: None,
        }
    }
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default()
}

fn at_line(line: &Option<usize>) -> String {
    line.map(|line| format!(", line {line}"))
        .unwrap_or_default()
}

fn at_key(key: &Option<String>) -> String {
    key.as_ref()
        .map(|key| format!("`{key}`: "))
        .unwrap_or_default()
}

/// The name most like `name`, if one is like it at all.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    known
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned())
}

fn line_of(text: &str, offset: usize) -> usize {
    let end = offset.min(text.len());
    1 + text.as_bytes()[..end]
        .iter()
        .filter(|b| **b == b'\n')
        .count()
}

/// The header of a table, without its brackets.
fn header(line: &str) -> Option<&str> {
    let inner = line.trim().strip_prefix('[')?.split(']').next()?;
    Some(inner.trim_start_matches('[').trim())
}

fn key_of(line: &str) -> Option<&str> {
    let key = line.split_once('=')?.0.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    (!key.is_empty() && key.chars().all(plain)).then_some(key)
}

fn join(table: &str, key: &str) -> String {
    match (table, key) {
        ("", key) => key.to_owned(),
        (table, "") => table.to_owned(),
        (table, key) => format!("{table}.{key}"),
    }
}

/// The key in which `offset` lies, with its table.
fn key_at(text: &str, offset: usize) -> Option<String> {
    let upto: Vec<&str> = text.lines().take(line_of(text, offset)).collect();
    let at = *upto.last()?;
    if let Some(table) = header(at) {
        return Some(table.to_owned());
    }
    let table = upto.iter().rev().find_map(|line| header(line));
    Some(join(table.unwrap_or(""), key_of(at)?))
}

/// The line of `table.key`, or of the table where the key is absent.
fn find_key(text: &str, table: &str, key: &str) -> Option<usize> {
    let mut inside = "";
    let mut found = None;
    for (number, line) in (1..).zip(text.lines()) {
        if let Some(name) = header(line) {
            inside = name;
            if inside == table {
                found = Some(number);
            }
        } else if inside == table && key_of(line) == Some(key) {
            return Some(number);
        }
    }
    found
}
