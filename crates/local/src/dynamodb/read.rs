//! Reading items by key: GetItem and BatchGetItem.

use std::collections::HashMap;

use super::item::{Arena, Image};
use super::json::write_string;
use super::key::Strictness;
use super::name::{TableName, named_twice, table_name};
use super::problem::Problems;
use super::request::{ConsumedDetail, Members, constraints, missing, read_image};
use super::table::Table;
use super::throughput::throttled;
use super::write::with_arena;
use super::{Database, shapes};
use crate::Failure;
use hrload_capacity::size::read_units;

/// Refuses names without an expression. There never is one: projections are
/// not served.
fn refuse_placeholders(members: &Members<'_>) -> Result<(), Failure> {
    match members.get("ExpressionAttributeNames") {
        None => Ok(()),
        Some(_) => Err(Failure::validation(
            "ExpressionAttributeNames can only be specified when using expressions",
        )),
    }
}

/// Admits a read of so many units, or refuses it.
pub(super) fn admit(table: &Table, now_us: u64, hash: u64, units: f64) -> Result<(), Failure> {
    match &table.throughput {
        None => Ok(()),
        Some(throughput) => throughput
            .admit_read(now_us, hash, units)
            .map_err(|throttle| throttled(table, throttle)),
    }
}

pub(super) fn get(
    database: &Database,
    body: &str,
    now_us: u64,
    answer: &mut Vec<u8>,
) -> Result<(), Failure> {
    with_arena(|arena| {
        let members = Members::read(body, &shapes::GET_ITEM)?;
        let mut problems = Problems::default();
        let key = members.image("Key", arena, &mut problems)?;
        problems.reading(false)?;
        let consistent = members.flag("ConsistentRead").unwrap_or(false);
        let mut errors = Vec::new();
        if key.is_none() {
            errors.push(missing("key"));
        }
        let name = table_name(database, &members, &mut errors)?;
        let consumed = ConsumedDetail::parse(
            members.text("ReturnConsumedCapacity").as_deref(),
            &mut errors,
        );
        constraints(&errors)?;
        problems.values(false)?;
        refuse_placeholders(&members)?;
        let table = database.serving_table(name.name(), now_us)?;
        let found = table
            .schema
            .find(arena, &key.unwrap_or_default(), Strictness::Key)
            .map_err(Failure::validation)?;
        let shard = table.shard(Table::shard_of(found.hash));
        let stored = shard.find(&found.key(arena)).map(|place| shard.read(place));
        let units = read_units(stored.map_or(0, |item| item.bytes), consistent);
        admit(&table, now_us, found.hash, units)?;
        answer.push(b'{');
        if let Some(item) = stored {
            answer.extend_from_slice(b"\"Item\":");
            answer.extend_from_slice(item.json);
        }
        if consumed != ConsumedDetail::None {
            if stored.is_some() {
                answer.push(b',');
            }
            answer.extend_from_slice(b"\"ConsumedCapacity\":");
            consumed.write(name.written(), units, answer);
        }
        answer.push(b'}');
        Ok(())
    })
}

/// The most keys a BatchGetItem may have, and the most bytes it returns.
const MAX_KEYS: usize = 100;
const MAX_BATCH_BYTES: usize = 16 << 20;

/// One table's part of a BatchGetItem.
struct Part<'a> {
    table: TableName<'a>,
    /// Keys as written and as read.
    keys: Vec<(&'a str, Image)>,
    consistent: bool,
    /// There are names for an expression.
    placeholders: bool,
}

/// Reads the parts of a BatchGetItem. Of several with one name the last counts.
fn parts<'a>(
    database: &Database,
    request: &Members<'a>,
    arena: &mut Arena,
    problems: &mut Problems,
) -> Result<Vec<Part<'a>>, Failure> {
    let last: HashMap<&str, usize> = request
        .iter()
        .enumerate()
        .map(|(at, (name, _))| (name, at))
        .collect();
    let mut parts = Vec::new();
    for (at, (name, text)) in request.iter().enumerate() {
        let part = Members::of(text)?;
        let keys = part
            .list("Keys")
            .unwrap_or_default()
            .into_iter()
            .map(|key| Ok((key, read_image(key, arena, problems)?)))
            .collect::<Result<Vec<_>, Failure>>()?;
        if last.get(name) == Some(&at) {
            parts.push(Part {
                table: TableName::new(database, name.to_owned().into()),
                keys,
                consistent: part.flag("ConsistentRead").unwrap_or(false),
                placeholders: part.get("ExpressionAttributeNames").is_some(),
            });
        }
    }
    Ok(parts)
}

pub(super) fn batch_get(
    database: &Database,
    body: &str,
    now_us: u64,
    answer: &mut Vec<u8>,
) -> Result<(), Failure> {
    with_arena(|arena| {
        let members = Members::read(body, &shapes::BATCH_GET_ITEM)?;
        let Some(request) = members.object("RequestItems") else {
            return constraints(&[missing("requestItems")]);
        };
        let mut problems = Problems::default();
        let parts = parts(database, &request, arena, &mut problems)?;
        problems.reading(false)?;
        if parts.iter().any(|part| part.placeholders) {
            return Err(Failure::validation(
                "ExpressionAttributeNames can only be specified when using expressions",
            ));
        }
        let consumed = check(&members, &parts)?;
        problems.values(false)?;
        // From here on there are at most a hundred keys, and as many tables.
        for (at, part) in parts.iter().enumerate() {
            let json = |image: &Image| &arena.bytes[image.span.clone()];
            let twice = |(at, (_, key)): (usize, &(&str, Image))| {
                part.keys[..at].iter().any(|(_, k)| json(k) == json(key))
            };
            if part.keys.iter().enumerate().any(twice) {
                return Err(Failure::validation(
                    "Provided list of item keys contains duplicates",
                ));
            }
            let name = part.table.name();
            if parts[..at]
                .iter()
                .any(|earlier| earlier.table.name() == name)
            {
                return Err(named_twice());
            }
        }
        let start = answer.len();
        answer.extend_from_slice(b"{\"Responses\":{");
        let mut unprocessed: Vec<u8> = Vec::new();
        let mut capacity: Vec<u8> = Vec::new();
        let mut returned_bytes = 0;
        let (mut processed, mut refused) = (false, None);
        for (at, part) in parts.iter().enumerate() {
            let mut read = || -> Result<(), Failure> {
                let table = database.serving_table(part.table.name(), now_us)?;
                let mut left: Vec<&str> = Vec::new();
                let mut units = 0.0;
                if at > 0 {
                    answer.push(b',');
                }
                write_string(answer, part.table.written());
                answer.extend_from_slice(b":[");
                let mut first = true;
                for (text, image) in &part.keys {
                    let found = table
                        .schema
                        .find(arena, image, Strictness::Key)
                        .map_err(Failure::validation)?;
                    let shard = table.shard(Table::shard_of(found.hash));
                    let stored = shard.find(&found.key(arena)).map(|place| shard.read(place));
                    let bytes = stored.map_or(0, |item| item.bytes);
                    if returned_bytes + bytes > MAX_BATCH_BYTES || !left.is_empty() {
                        left.push(text);
                        continue;
                    }
                    let cost = read_units(bytes, part.consistent);
                    if let Err(throttle) = admit(&table, now_us, found.hash, cost) {
                        left.push(text);
                        refused = Some(throttle);
                        continue;
                    }
                    processed = true;
                    returned_bytes += bytes;
                    units += cost;
                    if let Some(item) = stored {
                        if !std::mem::take(&mut first) {
                            answer.push(b',');
                        }
                        answer.extend_from_slice(item.json);
                    }
                }
                answer.push(b']');
                if !left.is_empty() {
                    if !unprocessed.is_empty() {
                        unprocessed.push(b',');
                    }
                    write_string(&mut unprocessed, part.table.written());
                    let entry = format!(
                        ":{{\"Keys\":[{}],\"ConsistentRead\":{}}}",
                        left.join(","),
                        part.consistent
                    );
                    unprocessed.extend_from_slice(entry.as_bytes());
                }
                if !capacity.is_empty() {
                    capacity.push(b',');
                }
                consumed.write(part.table.written(), units, &mut capacity);
                Ok(())
            };
            if let Err(failure) = read() {
                answer.truncate(start);
                return Err(failure);
            }
        }
        if let Some(throttle) = refused.filter(|_| !processed) {
            answer.truncate(start);
            return Err(throttle);
        }
        answer.extend_from_slice(b"},\"UnprocessedKeys\":{");
        answer.extend_from_slice(&unprocessed);
        answer.push(b'}');
        if consumed != ConsumedDetail::None {
            answer.extend_from_slice(b",\"ConsumedCapacity\":[");
            answer.extend_from_slice(&capacity);
            answer.push(b']');
        }
        answer.push(b'}');
        Ok(())
    })
}

fn check(members: &Members<'_>, parts: &[Part<'_>]) -> Result<ConsumedDetail, Failure> {
    let at = "failed to satisfy constraint: Member must have length";
    if parts.is_empty() {
        constraints(&[format!(
            "Value at 'RequestItems' {at} greater than or equal to 1"
        )])?;
    }
    if let Some(part) = parts.iter().find(|part| part.keys.is_empty()) {
        let path = format!("RequestItems.{}.member.Keys", part.table.written());
        constraints(&[format!("Value at '{path}' {at} greater than or equal to 1")])?;
    }
    let mut errors = Vec::new();
    if !parts.iter().all(|part| part.table.fits()) {
        let names: Vec<&str> = parts.iter().map(|part| part.table.written()).collect();
        errors.push(format!(
            "Value '{{{}}}' at 'requestItems' failed to satisfy constraint: Map keys must satisfy \
             constraint: [Member must have length less than or equal to 255, Member must have \
             length greater than or equal to 3, Member must satisfy regular expression pattern: \
             [a-zA-Z0-9_.-]+]",
            names.join(", ")
        ));
    } else if parts.iter().map(|part| part.keys.len()).sum::<usize>() > MAX_KEYS
        && let Some(part) = parts.iter().max_by_key(|part| part.keys.len())
    {
        let path = format!("RequestItems.{}.member.Keys", part.table.written());
        constraints(&[format!("Value at '{path}' {at} less than or equal to 100")])?;
    }
    let consumed = ConsumedDetail::parse(
        members.text("ReturnConsumedCapacity").as_deref(),
        &mut errors,
    );
    constraints(&errors)?;
    Ok(consumed)
}
