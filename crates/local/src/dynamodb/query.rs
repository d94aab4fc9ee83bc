//! Query and Scan: ranges of keys, page by page.

use std::ops::Bound;

use super::condition::{
    Names, Range, Values, bind, check_operands, check_placeholders, check_unused,
};
use super::expression::{self, KeyCondition};
use super::item::{Arena, Image};
use super::key::{ItemKey, Schema, Strictness};
use super::name::{TableName, table_name};
use super::page::{Page, ScanMeter};
use super::problem::{Flaw, Problems};
use super::read::admit;
use super::request::{ConsumedDetail, Members, constraints, not_in, read_image};
use super::table::{SHARDS, Table};
use super::write::with_arena;
use super::{Database, shapes};
use crate::Failure;

/// What Query and Scan have in common.
struct Options<'a> {
    table: TableName<'a>,
    consumed: ConsumedDetail,
    limit: Option<usize>,
    consistent: bool,
    counts_only: bool,
    start: Option<Image>,
}

impl<'a> Options<'a> {
    fn read(
        database: &Database,
        members: &Members<'a>,
        (start, problems): (Option<Image>, Problems),
        first_errors: &[String],
    ) -> Result<Self, Failure> {
        let limit = members.integer("Limit");
        let consistent = members.flag("ConsistentRead").unwrap_or(false);
        problems.reading(false)?;
        let mut errors = Vec::new();
        if limit.is_some_and(|limit| limit < 1) {
            errors.push(
                "Value at 'Limit' failed to satisfy constraint: Member must have value greater \
                 than or equal to 1"
                    .to_owned(),
            );
        }
        errors.extend_from_slice(first_errors);
        if members.get("TableName").is_some() {
            constraints(&errors)?;
        }
        let table = table_name(database, members, &mut errors)?;
        let consumed = ConsumedDetail::parse(
            members.text("ReturnConsumedCapacity").as_deref(),
            &mut errors,
        );
        constraints(&errors)?;
        problems.values(false)?;
        Ok(Self {
            table,
            consumed,
            limit: limit.map(|limit| limit.clamp(1, i64::from(i32::MAX)) as usize),
            consistent,
            counts_only: false,
            start,
        })
    }

    /// Reads `Select`, which DynamoDB does after the expressions.
    fn select(&mut self, members: &Members<'_>) -> Result<(), Failure> {
        match members.text("Select").as_deref() {
            None | Some("ALL_ATTRIBUTES") => Ok(()),
            Some("COUNT") => {
                self.counts_only = true;
                Ok(())
            }
            Some("ALL_PROJECTED_ATTRIBUTES") => Err(Failure::validation(
                "1 validation error detected: ALL_PROJECTED_ATTRIBUTES can be used only when \
                 Querying using an IndexName",
            )),
            Some("SPECIFIC_ATTRIBUTES") => Err(Failure::validation(
                "1 validation error detected: Must specify the AttributesToGet or \
                 ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
            )),
            Some(other) => constraints(&[not_in(
                other,
                "select",
                "SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES",
            )]),
        }
    }

    /// Where reading goes on, if a start key is given.
    fn start_key(&self, schema: &Schema, arena: &mut Arena) -> Result<Option<ItemKey>, Failure> {
        let Some(start) = &self.start else {
            return Ok(None);
        };
        let found = schema.find(arena, start, Strictness::Key);
        match found {
            Ok(found) => Ok(Some(found.key(arena))),
            Err(message) => Err({
                Failure::validation(if message == super::key::MISMATCH {
                    "The provided starting key is invalid".to_owned()
                } else {
                    message
                })
            }),
        }
    }
}

/// Which flaws of a starting key a Scan, and a Query, frame in words.
const SCAN_FRAMES: [Flaw; 4] = [
    Flaw::NoType,
    Flaw::SeveralTypes,
    Flaw::FalseNull,
    Flaw::EmptySet,
];
const QUERY_FRAMES: [Flaw; 2] = [Flaw::NoType, Flaw::SeveralTypes];

/// Reads `ExclusiveStartKey`, and what is wrong with it.
fn start_key(
    members: &Members<'_>,
    arena: &mut Arena,
    framed: &[Flaw],
) -> Result<(Option<Image>, Problems), Failure> {
    let mut problems = Problems::default();
    let start = members.image("ExclusiveStartKey", arena, &mut problems)?;
    let framed = problems.framed("The provided starting key is invalid: ", "", framed);
    Ok((start, framed))
}

/// DynamoDB's answer for an index of a table that has none.
fn refuse_index(members: &Members<'_>) -> Result<(), Failure> {
    match members.text("IndexName") {
        None => Ok(()),
        Some(index) => Err(Failure::validation(format!(
            "The table does not have the specified index: {index}"
        ))),
    }
}

/// Reads a range of one shard onto the page; `meter` is told each item's hash
/// and size.
fn add_range(
    table: &Table,
    shard: usize,
    range: Range,
    forward: bool,
    page: &mut Page,
    mut meter: impl FnMut(u64, usize),
) {
    let shard = table.shard(shard);
    let mut items = shard.range(range);
    while !page.is_full() {
        let next = if forward {
            items.next()
        } else {
            items.next_back()
        };
        let Some((key, place)) = next else { break };
        let item = shard.read(place);
        if page.add(item) {
            meter(key.hash, item.bytes);
        }
    }
}

pub(super) fn scan(
    database: &Database,
    body: &str,
    now_us: u64,
    answer: &mut Vec<u8>,
) -> Result<(), Failure> {
    with_arena(|arena| {
        let members = Members::read(body, &shapes::SCAN)?;
        let start = start_key(&members, arena, &SCAN_FRAMES)?;
        start.1.types()?;
        let segment = members.integer("Segment");
        let total = members.integer("TotalSegments");
        let mut errors = Vec::new();
        for (name, value, least, most) in [
            ("Segment", segment, 0, 999_999),
            ("TotalSegments", total, 1, 1_000_000),
        ] {
            let at =
                format!("Value at '{name}' failed to satisfy constraint: Member must have value");
            match value {
                Some(value) if value < least => {
                    errors.push(format!("{at} greater than or equal to {least}"));
                }
                Some(value) if value > most => {
                    errors.push(format!("{at} less than or equal to {most}"));
                }
                _ => {}
            }
        }
        let mut options = Options::read(database, &members, start, &errors)?;
        refuse_names_without_expression(&members, "FilterExpression is null")?;
        options.select(&members)?;
        let hashes = segment_hashes(segment, total)?;
        let table = database.serving_table(options.table.name(), now_us)?;
        refuse_index(&members)?;
        let start = options.start_key(&table.schema, arena)?;
        let bound = |hash: u64| ItemKey {
            hash,
            rest: Box::default(),
        };
        let mut low = Bound::Included(bound(hashes.0));
        if let Some(start) = start {
            let last = hashes.1.unwrap_or(u64::MAX);
            if start.hash < hashes.0 || (hashes.1.is_some() && start.hash >= last) {
                return Err(Failure::validation(
                    "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use \
                     ExclusiveStartKey with correct Segment. TotalSegments: "
                        .to_owned()
                        + &format!("{} Segment: {}", total.unwrap_or(1), segment.unwrap_or(0)),
                ));
            }
            low = Bound::Excluded(start);
        }
        let high = hashes
            .1
            .map_or(Bound::Unbounded, |hash| Bound::Excluded(bound(hash)));
        let first = match &low {
            Bound::Included(key) | Bound::Excluded(key) => Table::shard_of(key.hash),
            Bound::Unbounded => 0,
        };
        let last = hashes
            .1
            .map_or(SHARDS - 1, |hash| Table::shard_of(hash - 1));
        // Where the page begins: a page is small beside what a partition gives.
        let begins = match &low {
            Bound::Included(key) | Bound::Excluded(key) => key.hash,
            Bound::Unbounded => 0,
        };
        let mut page = Page::new(options.limit, options.counts_only);
        let ends = table.partition_ends(now_us);
        let mut meter = ScanMeter::new(ends, begins, options.consistent);
        for shard in first..=last {
            if page.is_full() {
                break;
            }
            let range = (low.clone(), high.clone());
            add_range(&table, shard, range, true, &mut page, |hash, bytes| {
                meter.read(hash, bytes);
            });
        }
        if !page.is_full() {
            meter.reach(hashes.1.map_or(u64::MAX, |hash| hash - 1));
        }
        let units = meter.units();
        admit(&table, now_us, begins, units)?;
        page.write(
            &table.schema,
            options.table.written(),
            units,
            options.consumed,
            answer,
        );
        Ok(())
    })
}

/// The hashes of a parallel scan's segment: the first, and the first that no
/// longer belongs to it.
fn segment_hashes(segment: Option<i64>, total: Option<i64>) -> Result<(u64, Option<u64>), Failure> {
    match (segment, total) {
        (None, None) => Ok((0, None)),
        (Some(segment), Some(total)) if segment < total => {
            let cut = |n: i64| ((n as u128) << 64) / total as u128;
            Ok((cut(segment) as u64, u64::try_from(cut(segment + 1)).ok()))
        }
        (Some(segment), Some(total)) => Err(Failure::validation(format!(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: \
             Segment: {segment} is not less than TotalSegments: {total}"
        ))),
        (Some(_), None) => Err(Failure::validation(
            "The TotalSegments parameter is required but was not present in the request when \
             Segment parameter is present",
        )),
        (None, Some(_)) => Err(Failure::validation(
            "The Segment parameter is required but was not present in the request when parameter \
             TotalSegments is present",
        )),
    }
}

fn refuse_names_without_expression(members: &Members<'_>, why: &str) -> Result<(), Failure> {
    if members.get("ExpressionAttributeNames").is_some() {
        return Err(Failure::validation(
            "ExpressionAttributeNames can only be specified when using expressions",
        ));
    }
    if members.get("ExpressionAttributeValues").is_some() {
        return Err(Failure::validation(format!(
            "ExpressionAttributeValues can only be specified when using expressions: {why}"
        )));
    }
    Ok(())
}

pub(super) fn query(
    database: &Database,
    body: &str,
    now_us: u64,
    answer: &mut Vec<u8>,
) -> Result<(), Failure> {
    with_arena(|arena| {
        let members = Members::read(body, &shapes::QUERY)?;
        let mut problems = Problems::default();
        let values = members.image("ExpressionAttributeValues", arena, &mut problems)?;
        let written = members.object("ExpressionAttributeValues");
        let problems = named(problems, written.as_ref(), arena)?;
        let start = start_key(&members, arena, &QUERY_FRAMES)?;
        problems.types()?;
        start.1.types()?;
        problems.reading(false)?;
        let forward = members.flag("ScanIndexForward").unwrap_or(true);
        let mut options = Options::read(database, &members, start, &[])?;
        problems.values(false)?;
        let Some(text) = members.text("KeyConditionExpression") else {
            refuse_names_without_expression(
                &members,
                "FilterExpression is null and KeyConditionExpression is null",
            )?;
            return Err(Failure::validation(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in \
                 the request.",
            ));
        };
        let names = members.texts("ExpressionAttributeNames");
        check_placeholders(names.as_deref(), written.as_ref())?;
        let names = Names::new(names.as_deref());
        options.select(&members)?;
        let lookup = |name: &str| names.get(name).map(str::to_owned);
        let condition = expression::parse(&text, lookup).map_err(Failure::validation)?;
        let json = values.map_or_else(|| b"{}".to_vec(), |image| arena.json(&image).to_vec());
        let values = Values::new(&json, written.as_ref());
        check_operands(&condition, &values)?;
        let table = database.serving_table(options.table.name(), now_us)?;
        refuse_index(&members)?;
        let start = options.start_key(&table.schema, arena)?;
        let (partition, range) = bind(&table.schema, &condition, &values)?;
        check_unused(&names, &values, &condition)?;
        let range = continue_from(range, start, &partition, &condition, forward)?;
        let mut page = Page::new(options.limit, options.counts_only);
        if !is_empty(&range) {
            let shard = Table::shard_of(partition.hash);
            add_range(&table, shard, range, forward, &mut page, |_, _| {});
        }
        let units = page.units(options.consistent);
        admit(&table, now_us, partition.hash, units)?;
        page.write(
            &table.schema,
            options.table.written(),
            units,
            options.consumed,
            answer,
        );
        Ok(())
    })
}

/// What is wrong with `ExpressionAttributeValues`, and with which of them: a
/// message names it.
fn named(
    problems: Problems,
    values: Option<&Members<'_>>,
    arena: &mut Arena,
) -> Result<Problems, Failure> {
    if !problems.any() {
        return Ok(problems);
    }
    for (key, value) in values.into_iter().flat_map(Members::iter) {
        let mut of_value = Problems::default();
        read_image(&format!("{{\"value\":{value}}}"), arena, &mut of_value)?;
        if of_value.any() {
            return Ok(of_value.framed(
                "ExpressionAttributeValues contains invalid value: ",
                &format!(" for key {key}"),
                &[Flaw::NoType, Flaw::EmptySet, Flaw::EmptyNumberSet],
            ));
        }
    }
    Ok(problems)
}

/// Goes on after a start key, which must lie in the range.
fn continue_from(
    range: Range,
    start: Option<ItemKey>,
    partition: &ItemKey,
    condition: &KeyCondition,
    forward: bool,
) -> Result<Range, Failure> {
    let Some(start) = start else {
        return Ok(range);
    };
    let has_sort_condition = condition.conditions.len() > 1;
    if start.partition() != partition.partition() {
        return Err(Failure::validation(if has_sort_condition {
            "The query can return at most one row and cannot be restarted"
        } else if start.rest.len() == 2 + start.partition().len() {
            "The provided exclusive start key is invalid"
        } else {
            "The provided starting key is outside query boundaries based on provided conditions"
        }));
    }
    if !std::ops::RangeBounds::contains(&range, &start) {
        return Err(Failure::validation(
            "The provided starting key does not match the range key predicate",
        ));
    }
    let (low, high) = range;
    Ok(if forward {
        (Bound::Excluded(start), high)
    } else {
        (low, Bound::Excluded(start))
    })
}

/// Whether no key can lie in the range, which an ordered map would not accept.
fn is_empty(range: &Range) -> bool {
    match range {
        (Bound::Included(low), Bound::Included(high)) => low > high,
        (
            Bound::Included(low) | Bound::Excluded(low),
            Bound::Included(high) | Bound::Excluded(high),
        ) => low >= high,
        _ => false,
    }
}
