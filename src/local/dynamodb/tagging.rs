//! Tags of tables.

use std::sync::Arc;

use serde_json::{Value, json};

use super::request::{Members, table_name_fits_pattern};
use super::table::Table;
use super::{Database, control};
use crate::local::Failure;

/// The table an ARN names; the ARN itself for messages.
fn resource(
    database: &Database,
    members: &Members<'_>,
    now_us: u64,
) -> Result<(Option<Arc<Table>>, String), Failure> {
    let arn = members
        .text("ResourceArn")?
        .unwrap_or_default()
        .into_owned();
    if arn.is_empty() {
        return Err(Failure::validation("Invalid TableArn"));
    }
    let name = arn
        .strip_prefix("arn:aws:dynamodb:")
        .and_then(|rest| rest.splitn(3, ':').nth(2))
        .and_then(|resource| resource.strip_prefix("table/"))
        .and_then(|path| path.split('/').next())
        .filter(|name| (3..=255).contains(&name.len()) && table_name_fits_pattern(name))
        .ok_or_else(|| {
            Failure::validation(format!(
                "Invalid TableArn: Invalid ResourceArn provided as input {arn}"
            ))
        })?;
    Ok((database.table(name, now_us), arn))
}

fn not_found(message: String) -> Failure {
    Failure::new("ResourceNotFoundException", message)
}

pub(super) fn tag(database: &Database, body: &str, now_us: u64) -> Result<Vec<u8>, Failure> {
    let members = Members::of_body(body)?;
    let (table, arn) = resource(database, &members, now_us)?;
    let tags = control::tags(&members)?.unwrap_or_default();
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
    if merged.len() > 50 {
        return Err(Failure::validation(
            "One or more parameter values were invalid: Too many tags: a resource has at most 50",
        ));
    }
    settings.tags = merged;
    Ok(Vec::new())
}

pub(super) fn untag(database: &Database, body: &str, now_us: u64) -> Result<Vec<u8>, Failure> {
    let members = Members::of_body(body)?;
    let (table, _) = resource(database, &members, now_us)?;
    let keys = members.list("TagKeys")?.unwrap_or_default();
    if keys.is_empty() {
        return Err(Failure::validation(
            "Atleast one Tag Key needs to be provided as Input.",
        ));
    }
    let table = table.ok_or_else(|| not_found("Requested resource not found".to_owned()))?;
    let keys: Vec<String> = keys
        .iter()
        .filter_map(|key| serde_json::from_str(key).ok())
        .collect();
    table.settings().tags.retain(|(key, _)| !keys.contains(key));
    Ok(Vec::new())
}

pub(super) fn list(database: &Database, body: &str, now_us: u64) -> Result<Value, Failure> {
    let members = Members::of_body(body)?;
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
