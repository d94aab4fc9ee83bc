//! Reading items by key: GetItem and BatchGetItem.

use super::Database;
use super::item::Image;
use super::json::{Cursor, Kind};
use super::key::Strictness;
use super::problem::{CAST, Problems};
use super::request::{
    ConsumedDetail, Members, constraints, missing, read_image, refuse_unserved, table_name,
    table_name_fits_pattern,
};
use super::table::Table;
use super::throughput::throttled;
use super::write::with_arena;
use crate::capacity::size::read_units;
use crate::local::Failure;

/// Parameters that choose attributes, not served.
const PROJECTIONS: [&str; 2] = ["ProjectionExpression", "AttributesToGet"];

fn refuse_projections(members: &Members<'_>) -> Result<(), Failure> {
    refuse_unserved(members, &PROJECTIONS)?;
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
        let members = Members::of_body(body)?;
        let mut problems = Problems::default();
        let key = members.image("Key", arena, &mut problems)?;
        problems.reading(false)?;
        let consistent = members.flag("ConsistentRead")?.unwrap_or(false);
        let mut errors = Vec::new();
        if key.is_none() {
            errors.push(missing("key"));
        }
        let name = table_name(&members, &mut errors)?;
        let consumed = ConsumedDetail::parse(
            members.text("ReturnConsumedCapacity")?.as_deref(),
            &mut errors,
        );
        constraints(&errors)?;
        problems.values(false)?;
        refuse_projections(&members)?;
        let table = database.serving_table(&name, now_us)?;
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
            consumed.write(&table.name, units, answer);
        }
        answer.push(b'}');
        Ok(())
    })
}

/// The most keys a BatchGetItem may have, and the most bytes it returns.
const MAX_KEYS: usize = 100;
const MAX_BATCH_BYTES: usize = 16 << 20;

const KEYS_AND_ATTRIBUTES: &str = "com.amazonaws.dynamodb.v20120810.KeysAndAttributes";

/// One table's part of a BatchGetItem.
struct Part<'a> {
    name: &'a str,
    /// Keys as written and as read.
    keys: Vec<(&'a str, Image)>,
    consistent: bool,
}

pub(super) fn batch_get(
    database: &Database,
    body: &str,
    now_us: u64,
    answer: &mut Vec<u8>,
) -> Result<(), Failure> {
    with_arena(|arena| {
        let members = Members::of_body(body)?;
        let Some(request) = members.map("RequestItems", KEYS_AND_ATTRIBUTES)? else {
            return constraints(&[missing("requestItems")]);
        };
        let mut problems = Problems::default();
        let mut parts = Vec::new();
        for (name, text) in request.iter() {
            match Cursor::new(text).kind()? {
                Kind::Object => {}
                Kind::Array => {
                    return Err(Failure::serialization(format!(
                        "Unrecognized collection type class {KEYS_AND_ATTRIBUTES}"
                    )));
                }
                _ => return Err(Failure::serialization("Unexpected value type in payload")),
            }
            let part = Members::of(text)?;
            let keys = part
                .list("Keys")?
                .unwrap_or_default()
                .into_iter()
                .map(|key| match Cursor::new(key).kind()? {
                    Kind::Object => Ok((key, read_image(key, arena, &mut problems)?)),
                    _ => Err(Failure::serialization(CAST)),
                })
                .collect::<Result<Vec<_>, Failure>>()?;
            let consistent = part.flag("ConsistentRead")?.unwrap_or(false);
            refuse_projections(&part)?;
            parts.push(Part {
                name,
                keys,
                consistent,
            });
        }
        problems.reading(false)?;
        let consumed = check(&members, &parts)?;
        problems.values(false)?;
        for part in &parts {
            let json = |image: &Image| &arena.bytes[image.span.clone()];
            let twice = |(at, (_, key)): (usize, &(&str, Image))| {
                part.keys[..at].iter().any(|(_, k)| json(k) == json(key))
            };
            if part.keys.iter().enumerate().any(twice) {
                return Err(Failure::validation(
                    "Provided list of item keys contains duplicates",
                ));
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
                let table = database.serving_table(part.name, now_us)?;
                let mut left: Vec<&str> = Vec::new();
                let mut units = 0.0;
                if at > 0 {
                    answer.push(b',');
                }
                answer.extend_from_slice(format!("\"{}\":[", part.name).as_bytes());
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
                    let separator = if unprocessed.is_empty() { "" } else { "," };
                    let entry = format!(
                        "{separator}\"{}\":{{\"Keys\":[{}],\"ConsistentRead\":{}}}",
                        part.name,
                        left.join(","),
                        part.consistent
                    );
                    unprocessed.extend_from_slice(entry.as_bytes());
                }
                if !capacity.is_empty() {
                    capacity.push(b',');
                }
                consumed.write(&table.name, units, &mut capacity);
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
        let path = format!("RequestItems.{}.member.Keys", part.name);
        constraints(&[format!("Value at '{path}' {at} greater than or equal to 1")])?;
    }
    let fits = |part: &Part<'_>| {
        (3..=255).contains(&part.name.len()) && table_name_fits_pattern(part.name)
    };
    let mut errors = Vec::new();
    if !parts.iter().all(fits) {
        let names: Vec<&str> = parts.iter().map(|part| part.name).collect();
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
        let path = format!("RequestItems.{}.member.Keys", part.name);
        constraints(&[format!("Value at '{path}' {at} less than or equal to 100")])?;
    }
    let consumed = ConsumedDetail::parse(
        members.text("ReturnConsumedCapacity")?.as_deref(),
        &mut errors,
    );
    constraints(&errors)?;
    Ok(consumed)
}
