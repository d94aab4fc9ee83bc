//! BatchWriteItem: the call a load is made of.
//!
//! The body is read in one pass, without a tree: each item goes straight from
//! the body into the arena in its canonical form, sized on the way.

use std::ops::Range;
use std::sync::Arc;

use super::item::{Arena, Image, Reader};
use super::json::{Cursor, Kind, Malformed, write_string};
use super::key::Strictness;
use super::name::{TableName, named_twice};
use super::problem::{Problems, Wording};
use super::request::{ConsumedDetail, MOST_ERRORS, constraints, missing};
use super::table::Table;
use super::throughput::{throttled, usual_throttle};
use super::write::{self, Write, apply, check_collection_metrics, check_item_size};
use super::{Call, Database};
use crate::Failure;

/// The most puts and deletes a call may have, and the most tables.
const MAX_REQUESTS: usize = 25;

/// One put or delete as it stands in the body.
#[derive(Debug)]
struct Request<'a> {
    /// Its table: an index into [`Body::tables`].
    table: usize,
    text: &'a str,
    kind: RequestKind,
}

#[derive(Debug)]
enum RequestKind {
    Put(Option<Image>),
    Delete(Option<Image>),
    /// Both, or neither.
    Unclear,
}

/// One table's part of a body.
#[derive(Debug)]
struct Part<'a> {
    table: TableName<'a>,
    /// Its requests in [`Body::requests`].
    requests: Range<usize>,
}

/// A body, read.
#[derive(Debug, Default)]
struct Body<'a> {
    has_items: bool,
    tables: Vec<Part<'a>>,
    /// There are more tables than a call may have; they are not kept.
    too_many_tables: bool,
    /// In the order of the body. Those that no table counts as its own any more
    /// are left over.
    requests: Vec<Request<'a>>,
    consumed: Option<String>,
    metrics: Option<String>,
}

pub(super) fn write(
    database: &Database,
    text: &str,
    call: Call,
    answer: &mut Vec<u8>,
) -> Result<(), Failure> {
    write::with_arena(|arena| {
        let mut problems = Problems::default();
        let body = read(database, text, arena, &mut problems)?;
        problems.reading(false)?;
        let consumed = check(&body)?;
        problems.values(false)?;
        for request in body.all_requests() {
            match &request.kind {
                RequestKind::Put(Some(item)) => check_item_size(item)?,
                RequestKind::Delete(Some(_)) => {}
                RequestKind::Put(None) | RequestKind::Delete(None) | RequestKind::Unclear => {
                    return Err(Failure::validation(
                        "Supplied AttributeValue has more than one datatypes set, must contain \
                         exactly one of the supported datatypes",
                    ));
                }
            }
        }
        let tables = body
            .tables
            .iter()
            .map(|part| database.serving_table(part.table.name(), call.now_us))
            .collect::<Result<Vec<Arc<Table>>, Failure>>()?;
        carry_out(database, &body, &tables, arena, call, consumed, answer)
    })
}

/// Reads a whole body.
fn read<'a>(
    database: &Database,
    text: &'a str,
    arena: &mut Arena,
    problems: &mut Problems,
) -> Result<Body<'a>, Failure> {
    let mut body = Body::default();
    let mut cursor = Cursor::new(text);
    let cursor = &mut cursor;
    cursor.expect(b'{')?;
    let mut first = true;
    while let Some(member) = cursor.member(&mut first)? {
        match &*member.resolve() {
            "RequestItems" if cursor.kind()? == Kind::Object => {
                body.has_items = true;
                requests(database, cursor, &mut body, arena, problems)?;
            }
            "RequestItems" => {
                let kind = cursor.kind()?;
                cursor.skip_value()?;
                if kind != Kind::Null {
                    problems.wrong_map(
                        kind,
                        "java.util.List<com.amazonaws.dynamodb.v20120810.WriteRequest>",
                    );
                }
            }
            "ReturnConsumedCapacity" => body.consumed = option(cursor, problems)?,
            "ReturnItemCollectionMetrics" => body.metrics = option(cursor, problems)?,
            other => {
                if cursor.skip_value()? != "null" {
                    problems.unserved(other);
                }
            }
        }
    }
    cursor.finish()?;
    Ok(body)
}

fn option(cursor: &mut Cursor<'_>, problems: &mut Problems) -> Result<Option<String>, Malformed> {
    match cursor.kind()? {
        Kind::String => Ok(Some(cursor.string()?.resolve().into_owned())),
        kind => {
            cursor.skip_value()?;
            if kind != Kind::Null {
                problems.cannot_convert(kind, "String");
            }
            Ok(None)
        }
    }
}

/// Reads `RequestItems`.
fn requests<'a>(
    database: &Database,
    cursor: &mut Cursor<'a>,
    body: &mut Body<'a>,
    arena: &mut Arena,
    problems: &mut Problems,
) -> Result<(), Malformed> {
    cursor.expect(b'{')?;
    let mut first = true;
    while let Some(name) = cursor.member(&mut first)? {
        let name = name.resolve();
        let start = body.requests.len();
        let known = |part: &Part<'_>| part.table.written() == name;
        // Of two members with one name the last counts. One table more than is
        // allowed is kept, so that the rest of a body costs no more for it.
        let table = match body.tables.iter().position(known) {
            Some(table) => {
                body.tables[table].requests = start..start;
                table
            }
            None if body.tables.len() <= MAX_REQUESTS => {
                body.tables.push(Part {
                    table: TableName::new(database, name),
                    requests: start..start,
                });
                body.tables.len() - 1
            }
            None => {
                body.too_many_tables = true;
                MAX_REQUESTS
            }
        };
        let kind = cursor.kind()?;
        if kind != Kind::Array {
            cursor.skip_value()?;
            if kind != Kind::Null {
                problems.wrong_cast();
            }
            continue;
        }
        cursor.expect(b'[')?;
        let mut first = true;
        while cursor.element(&mut first)? {
            cursor.peek();
            let start = cursor.position();
            let kind = request(cursor, arena, problems)?;
            body.requests.push(Request {
                table,
                text: cursor.since(start),
                kind,
            });
        }
        body.tables[table].requests = start..body.requests.len();
    }
    Ok(())
}

/// Reads one `{"PutRequest":{"Item":{...}}}` or `{"DeleteRequest":{"Key":{...}}}`.
fn request(
    cursor: &mut Cursor<'_>,
    arena: &mut Arena,
    problems: &mut Problems,
) -> Result<RequestKind, Malformed> {
    let kind = cursor.kind()?;
    if kind != Kind::Object {
        problems.wrong_json_type(kind, "com.amazonaws.dynamodb.v20120810.WriteRequest");
        cursor.skip_value()?;
        return Ok(RequestKind::Unclear);
    }
    cursor.expect(b'{')?;
    let mut put = None;
    let mut delete = None;
    let mut first = true;
    while let Some(member) = cursor.member(&mut first)? {
        match &*member.resolve() {
            "PutRequest" => put = inner(cursor, "Item", arena, problems)?,
            "DeleteRequest" => delete = inner(cursor, "Key", arena, problems)?,
            other => {
                if cursor.skip_value()? != "null" {
                    problems.unserved(&format!("RequestItems.{other}"));
                }
            }
        }
    }
    Ok(match (put, delete) {
        (Some(item), None) => RequestKind::Put(item),
        (None, Some(key)) => RequestKind::Delete(key),
        _ => RequestKind::Unclear,
    })
}

/// Reads the structure around an item or key: none if it is null, and no item
/// if it has none.
fn inner(
    cursor: &mut Cursor<'_>,
    wanted: &str,
    arena: &mut Arena,
    problems: &mut Problems,
) -> Result<Option<Option<Image>>, Malformed> {
    let kind = cursor.kind()?;
    if kind != Kind::Object {
        cursor.skip_value()?;
        if kind != Kind::Null {
            problems.wrong_member(kind, around(wanted).1);
        }
        return Ok(None);
    }
    cursor.expect(b'{')?;
    let mut image = None;
    let mut first = true;
    while let Some(member) = cursor.member(&mut first)? {
        let name = member.resolve();
        if *name == *wanted && cursor.kind()? != Kind::Null {
            let mut reader = Reader {
                cursor,
                arena,
                problems,
                wording: Wording::Older,
            };
            image = Some(reader.image()?);
        } else if cursor.skip_value()? != "null" {
            let (request, _) = around(wanted);
            problems.unserved(&format!("RequestItems.{request}.{name}"));
        }
    }
    Ok(Some(image))
}

/// The structure around an item or a key: its name and its Java class.
fn around(wanted: &str) -> (&'static str, &'static str) {
    match wanted {
        "Item" => ("PutRequest", "com.amazonaws.dynamodb.v20120810.PutRequest"),
        _ => (
            "DeleteRequest",
            "com.amazonaws.dynamodb.v20120810.DeleteRequest",
        ),
    }
}

/// The constraints on the request's members.
fn check(body: &Body<'_>) -> Result<ConsumedDetail, Failure> {
    if !body.has_items {
        constraints(&[missing("requestItems")])?;
    }
    if body.tables.is_empty() {
        return Err(Failure::validation(
            "The requestItems parameter is required for BatchWriteItem",
        ));
    }
    let mut errors = Vec::new();
    let at = "at 'requestItems' failed to satisfy constraint:";
    let empty = body.tables.iter().any(|part| part.requests.is_empty());
    let count: usize = body.tables.iter().map(|part| part.requests.len()).sum();
    if count > MAX_REQUESTS || empty || body.too_many_tables {
        errors.push(format!(
            "Value '{}' {at} Map value must satisfy constraint: [Member must have length less \
             than or equal to 25, Member must have length greater than or equal to 1]",
            body.echo()
        ));
    }
    let consumed = ConsumedDetail::parse(body.consumed.as_deref(), &mut errors);
    check_collection_metrics(body.metrics.as_deref(), &mut errors);
    for part in &body.tables {
        let name = part.table.written();
        for (at, request) in body.requests[part.requests.clone()].iter().enumerate() {
            if errors.len() >= MOST_ERRORS {
                break;
            }
            let member = match request.kind {
                RequestKind::Put(None) => "putRequest.item",
                RequestKind::Delete(None) => "deleteRequest.key",
                _ => continue,
            };
            let at = at + 1;
            errors.push(missing(&format!(
                "requestItems.{name}.member.{at}.member.{member}"
            )));
        }
    }
    constraints(&errors)?;
    if !body.tables.iter().all(|part| part.table.fits()) {
        constraints(&[format!(
            "Value '{}' {at} Map keys must satisfy constraint: [Member must have length less than \
             or equal to 255, Member must have length greater than or equal to 3, Member must \
             satisfy regular expression pattern: [a-zA-Z0-9_.-]+]",
            body.echo()
        )])?;
    }
    for (at, part) in body.tables.iter().enumerate() {
        let name = part.table.name();
        if body.tables[..at].iter().any(|p| p.table.name() == name) {
            return Err(named_twice());
        }
    }
    Ok(consumed)
}

impl<'a> Body<'a> {
    /// The requests that count, table by table.
    fn all_requests(&self) -> impl Iterator<Item = &Request<'a>> {
        let parts = self.tables.iter();
        parts.flat_map(|part| &self.requests[part.requests.clone()])
    }

    /// The request as DynamoDB repeats it in a message, shortened: DynamoDB
    /// prints each of its objects in full, twenty times the request's size.
    fn echo(&self) -> String {
        let tables: Vec<String> = self
            .tables
            .iter()
            .map(|part| match (part.table.written(), part.requests.len()) {
                (name, 0) => format!("{name}=[]"),
                (name, requests) => format!("{name}=[{requests} requests]"),
            })
            .collect();
        format!("{{{}}}", tables.join(", "))
    }
}

/// Finds keys, writes and answers.
fn carry_out(
    database: &Database,
    body: &Body<'_>,
    tables: &[Arc<Table>],
    arena: &mut Arena,
    call: Call,
    consumed: ConsumedDetail,
    answer: &mut Vec<u8>,
) -> Result<(), Failure> {
    let mut writes: Vec<Vec<Write>> = Vec::with_capacity(tables.len());
    writes.resize_with(tables.len(), Vec::new);
    // Which requests are not carried out, for want of capacity or by a fault.
    let mut unprocessed: Vec<&Request<'_>> = Vec::new();
    for request in body.all_requests() {
        let (image, strictness, put) = match &request.kind {
            RequestKind::Put(Some(item)) => (item, Strictness::BatchItem, true),
            RequestKind::Delete(Some(key)) => (key, Strictness::Key, false),
            _ => continue,
        };
        let found = tables[request.table]
            .schema
            .find(arena, image, strictness)
            .map_err(Failure::validation)?;
        writes[request.table].push(Write {
            found,
            item: put.then(|| image.clone()),
        });
    }
    for writes in &writes {
        let twice = |(at, write): (usize, &Write)| {
            writes[..at].iter().any(|w| w.found.is(&write.found, arena))
        };
        if writes.iter().enumerate().any(twice) {
            return Err(Failure::validation(
                "Provided list of item keys contains duplicates",
            ));
        }
    }
    if call.throttle {
        return Err(throttled(&tables[0], usual_throttle(&tables[0])));
    }
    let mut throttle = None;
    for (at, table) in tables.iter().enumerate() {
        let mut requests = body.requests[body.tables[at].requests.clone()].iter();
        let mut writing = table.throughput.as_ref().map(|t| t.writing(call.now_us));
        writes[at].retain(|write| {
            let request = requests.next();
            let faulty = database.dice.next_item_is_unprocessed();
            let admitted = writing
                .as_mut()
                .is_none_or(|writing| writing.admits(write.found.hash, write.least_units()));
            if faulty || !admitted {
                unprocessed.extend(request);
            }
            !faulty && admitted
        });
        let refused = writing.and_then(|writing| writing.throttle);
        throttle = throttle.or(refused.map(|refused| (table, refused)));
    }
    // Nothing processed for want of capacity is an error, something is not.
    if let Some((table, throttle)) = throttle
        && writes.iter().all(Vec::is_empty)
    {
        return Err(throttled(table, throttle));
    }
    let mut units = Vec::with_capacity(tables.len());
    for (table, writes) in tables.iter().zip(&writes) {
        let (consumed, _) = apply(database, table, arena, writes, call.now_us, false);
        if let Some(first) = writes.first() {
            let admitted = writes.iter().map(Write::least_units).sum();
            write::settle(table, call, first.found.hash, consumed, admitted);
        }
        units.push(consumed);
    }
    answer_with(body, &unprocessed, &units, consumed, answer);
    Ok(())
}

fn answer_with(
    body: &Body<'_>,
    unprocessed: &[&Request<'_>],
    units: &[f64],
    consumed: ConsumedDetail,
    answer: &mut Vec<u8>,
) {
    answer.extend_from_slice(b"{\"UnprocessedItems\":{");
    for (at, group) in unprocessed.chunk_by(|a, b| a.table == b.table).enumerate() {
        if at > 0 {
            answer.push(b',');
        }
        write_string(answer, body.tables[group[0].table].table.written());
        answer.extend_from_slice(b":[");
        for (at, request) in group.iter().enumerate() {
            if at > 0 {
                answer.push(b',');
            }
            answer.extend_from_slice(request.text.as_bytes());
        }
        answer.push(b']');
    }
    answer.push(b'}');
    if consumed != ConsumedDetail::None {
        answer.extend_from_slice(b",\"ConsumedCapacity\":[");
        for (at, (part, units)) in body.tables.iter().zip(units).enumerate() {
            if at > 0 {
                answer.push(b',');
            }
            consumed.write(part.table.written(), *units, answer);
        }
        answer.push(b']');
    }
    answer.push(b'}');
}
