//! Tags of tables.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::name::TableName;
use super::request::{MOST_ERRORS, Members, constraints, missing, text_of};
use super::table::Table;
use super::{Database, shapes};
use crate::Failure;

const INVALID: &str = "One or more parameter values were invalid: ";

/// The most tags a table has, and the longest keys and values
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Tagging.html>).
const MAX_TAGS: usize = 50;
const MAX_KEY: usize = 128;
const MAX_VALUE: usize = 256;

/// A `Tags` member.
pub(super) fn tags(members: &Members<'_>) -> Result<Option<Vec<(String, String)>>, Failure> {
    let Some(list) = members.objects("Tags") else {
        return Ok(None);
    };
    if list.len() > MAX_TAGS {
        return Err(too_many());
    }
    let mut errors = Vec::new();
    let mut tags: Vec<(String, String)> = Vec::new();
    for (at, tag) in list.iter().enumerate() {
        let (key, value) = (tag.text("Key"), tag.text("Value"));
        let path = format!("tags.{}.member", at + 1);
        match &key {
            None => errors.push(missing(&format!("{path}.key"))),
            Some(key) => errors.extend(broken(key, 1, MAX_KEY, &format!("{path}.key"))),
        }
        match &value {
            None => errors.push(missing(&format!("{path}.value"))),
            Some(value) => errors.extend(broken(value, 0, MAX_VALUE, &format!("{path}.value"))),
        }
        tags.push((
            key.unwrap_or_default().into_owned(),
            value.unwrap_or_default().into_owned(),
        ));
    }
    errors.truncate(MOST_ERRORS);
    constraints(&errors)?;
    for (at, (key, value)) in tags.iter().enumerate() {
        check_key(key)?;
        if !value.chars().all(is_allowed) {
            return Err(Failure::validation(format!(
                "{INVALID}The value of tag {key} has a character other than letters, digits, \
                 spaces and _ . : / = + - @"
            )));
        }
        if tags[..at].iter().any(|(earlier, _)| earlier == key) {
            return Err(Failure::validation(format!(
                "{INVALID}Tag key {key} is given twice"
            )));
        }
    }
    Ok(Some(tags))
}

fn too_many() -> Failure {
    Failure::validation(format!(
        "{INVALID}Too many tags: a resource has at most {MAX_TAGS}"
    ))
}

/// The constraint on its length that a key or value breaks.
fn broken(text: &str, least: usize, most: usize, member: &str) -> Option<String> {
    let bound = match text.chars().count() {
        short if short < least => format!("greater than or equal to {least}"),
        long if long > most => format!("less than or equal to {most}"),
        _ => return None,
    };
    Some(format!(
        "Value '{text}' at '{member}' failed to satisfy constraint: Member must have length {bound}"
    ))
}

/// Whether tags may have this character.
fn is_allowed(character: char) -> bool {
    character.is_alphanumeric() || character.is_whitespace() || "_.:/=+-@".contains(character)
}

fn check_key(key: &str) -> Result<(), Failure> {
    let fault = if key
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
    {
        "begins with aws:, which is reserved"
    } else if !key.chars().all(is_allowed) {
        "has a character other than letters, digits, spaces and _ . : / = + - @"
    } else {
        return Ok(());
    };
    Err(Failure::validation(format!(
        "{INVALID}Tag key {key} {fault}"
    )))
}

/// The table an ARN names; the ARN itself for messages.
fn resource(
    database: &Database,
    members: &Members<'_>,
    now_us: u64,
) -> Result<(Option<Arc<Table>>, String), Failure> {
    let arn = members.text("ResourceArn").unwrap_or_default();
    if arn.is_empty() {
        return Err(Failure::validation("Invalid TableArn"));
    }
    let table = TableName::new(database, arn);
    let arn = table.written().to_owned();
    if !table.is_arn() || !table.fits() {
        return Err(Failure::validation(format!(
            "Invalid TableArn: Invalid ResourceArn provided as input {arn}"
        )));
    }
    Ok((database.table(table.name(), now_us), arn))
}

fn not_found(message: String) -> Failure {
    Failure::new("ResourceNotFoundException", message)
}

pub(super) fn tag(database: &Database, body: &str, now_us: u64) -> Result<Vec<u8>, Failure> {
    let members = Members::read(body, &shapes::TAG_RESOURCE)?;
    let (table, arn) = resource(database, &members, now_us)?;
    let tags = tags(&members)?.unwrap_or_default();
    if tags.is_empty() {
        return Err(Failure::validation(
            "Atleast one Tag needs to be provided as Input.",
        ));
    }
    let table = table.ok_or_else(|| {
        not_found(format!(
            "Requested resource not found: ResourcArn: {arn} not found"
        ))
    })?;
    let mut settings = table.settings();
    let mut merged = settings.tags.clone();
    for (key, value) in tags {
        merged.retain(|(existing, _)| *existing != key);
        merged.push((key, value));
    }
    if merged.len() > MAX_TAGS {
        return Err(too_many());
    }
    settings.tags = merged;
    Ok(Vec::new())
}

pub(super) fn untag(database: &Database, body: &str, now_us: u64) -> Result<Vec<u8>, Failure> {
    let members = Members::read(body, &shapes::UNTAG_RESOURCE)?;
    let (table, _) = resource(database, &members, now_us)?;
    let keys = members.list("TagKeys").unwrap_or_default();
    if keys.is_empty() {
        return Err(Failure::validation(
            "Atleast one Tag Key needs to be provided as Input.",
        ));
    }
    let table = table.ok_or_else(|| not_found("Requested resource not found".to_owned()))?;
    let keys: HashSet<_> = keys.into_iter().filter_map(text_of).collect();
    let mut settings = table.settings();
    settings
        .tags
        .retain(|(key, _)| !keys.contains(key.as_str()));
    Ok(Vec::new())
}

pub(super) fn list(database: &Database, body: &str, now_us: u64) -> Result<Value, Failure> {
    let members = Members::read(body, &shapes::LIST_TAGS)?;
    let (table, arn) = resource(database, &members, now_us)?;
    let table = table.ok_or_else(|| {
        let user = format!("arn:aws:iam::{}:root", database.account);
        Failure::new(
            "AccessDeniedException",
            format!(
                "User: {user} is not authorized to perform: dynamodb:ListTagsOfResource on \
                 resource: {arn}"
            ),
        )
    })?;
    let settings = table.settings();
    let tags: Vec<Value> = settings
        .tags
        .iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    Ok(json!({"Tags": tags}))
}
