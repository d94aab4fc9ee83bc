//! Writing items: PutItem, DeleteItem, and what BatchWriteItem shares with them.

use hrload_base::sync::reading;
use std::cell::RefCell;

use super::item::{Arena, Image};
use super::key::{FoundKey, Strictness};
use super::name::{TableName, table_name};
use super::problem::Problems;
use super::request::{ConsumedDetail, Members, constraints, missing, not_in};
use super::shapes;
use super::store::Place;
use super::table::Table;
use super::throughput::{throttled, usual_throttle};
use super::{Call, Database};
use crate::Failure;
use crate::capture::TableChange;
use hrload_capacity::size::{MAX_ITEM_BYTES, write_units};
use hrload_codec::change::ChangeKind;

/// One put or delete, read and checked.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) found: FoundKey,
    /// The item put; none for a delete.
    pub(super) item: Option<Image>,
}

impl Write {
    /// What it costs at least: what it writes, whatever was there before.
    pub(super) fn least_units(&self) -> u64 {
        write_units(self.item.as_ref().map_or(0, |item| item.bytes))
    }

    /// Carries out a call that is this write alone, and answers.
    fn carry_out(
        self,
        database: &Database,
        table: &Table,
        arena: &Arena,
        call: Call,
        options: &Options<'_>,
        answer: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let (hash, admitted) = (self.found.hash, self.least_units());
        admit(table, call, hash, admitted)?;
        let (now_us, keep_old) = (call.now_us, options.return_old);
        let (units, old) = apply(database, table, arena, &[self], now_us, keep_old);
        settle(table, call, hash, units, admitted);
        options.answer(units, old.as_deref(), answer);
        Ok(())
    }
}

/// A change a write made, until it is captured.
#[derive(Debug)]
struct Change {
    write: usize,
    old: Option<Place>,
    new: Option<Place>,
}

thread_local! {
    static ARENA: RefCell<Arena> = RefCell::default();
}

/// Runs `f` with this thread's arena, emptied.
pub(super) fn with_arena<T>(f: impl FnOnce(&mut Arena) -> T) -> T {
    ARENA.with_borrow_mut(|arena| {
        arena.clear();
        f(arena)
    })
}

/// Writes to one table, in order, and captures the changes. Returns the write
/// units consumed and, if `keep_old`, the last overwritten or deleted item.
///
/// Locks each shard once. Changes are captured under the shard's lock: that
/// keeps the records of one key in the order of its writes.
pub(super) fn apply(
    database: &Database,
    table: &Table,
    arena: &Arena,
    writes: &[Write],
    now_us: u64,
    keep_old: bool,
) -> (f64, Option<Vec<u8>>) {
    let retention = &database.retention;
    let ways = reading(&table.destinations).ways(now_us);
    let shard_of = |at: usize| Table::shard_of(writes[at].found.hash);
    let mut order: Vec<usize> = (0..writes.len()).collect();
    order.sort_unstable_by_key(|&at| (shard_of(at), at));
    let mut changes = Vec::with_capacity(writes.len());
    let mut units = 0;
    let mut kept = None;
    for group in order.chunk_by(|a, b| shard_of(*a) == shard_of(*b)) {
        let mut shard = table.shard(shard_of(group[0]));
        changes.clear();
        for &at in group {
            let Write { found, item } = &writes[at];
            let (old, new, bytes) = match item {
                Some(image) => {
                    let put =
                        shard.put(found.key(arena), image.bytes, arena.json(image), retention);
                    (put.old, put.new, image.bytes)
                }
                None => (shard.delete(&found.key(arena), retention), None, 0),
            };
            let old_bytes = old.map_or(0, |place| shard.read(place).bytes);
            units += write_units(bytes.max(old_bytes));
            // DynamoDB writes no record of a put that changes nothing
            // (developer guide, "Change data capture for DynamoDB Streams").
            if new.is_some() || (item.is_none() && old.is_some()) {
                changes.push(Change {
                    write: at,
                    old,
                    new,
                });
            }
            if keep_old && let Some(place) = old {
                kept = Some(shard.read(place).json.to_vec());
            }
        }
        for (link, (shows_new, shows_old)) in ways.iter().flatten() {
            let shard = &*shard;
            link.capture(
                now_us,
                changes.iter().map(|change| {
                    let found = &writes[change.write].found;
                    let old = change.old.map(|place| shard.read(place));
                    let new = change.new.map(|place| shard.read(place));
                    let kind = match (&old, &new) {
                        (None, _) => ChangeKind::Insert,
                        (Some(_), Some(_)) => ChangeKind::Modify,
                        (Some(_), None) => ChangeKind::Remove,
                    };
                    let (old, new) = (old.filter(|_| *shows_old), new.filter(|_| *shows_new));
                    TableChange {
                        kind,
                        partition_key: found.partition(arena),
                        keys: &arena.bytes[found.json.clone()],
                        new_image: new.map(|item| item.json),
                        old_image: old.map(|item| item.json),
                        size_bytes: found.bytes
                            + old.map_or(0, |item| item.bytes)
                            + new.map_or(0, |item| item.bytes),
                    }
                }),
            );
        }
        shard.compact(retention);
    }
    if retention.exceeded() {
        database.make_room();
    }
    (units as f64, kept)
}

/// Admits a single write that will cost at least so many units.
fn admit(table: &Table, call: Call, hash: u64, units: u64) -> Result<(), Failure> {
    if call.throttle {
        return Err(throttled(table, usual_throttle(table)));
    }
    let Some(throughput) = &table.throughput else {
        return Ok(());
    };
    let mut writing = throughput.writing(call.now_us);
    writing.admits(hash, units);
    match writing.throttle {
        None => Ok(()),
        Some(throttle) => Err(throttled(table, throttle)),
    }
}

/// Takes what writes cost beyond what they were admitted with: an item that was
/// overwritten or deleted may have been larger than the new one. It is written
/// already, so that it is taken only as far as there is something left.
pub(super) fn settle(table: &Table, call: Call, hash: u64, units: f64, admitted: u64) {
    let more = (units as u64).saturating_sub(admitted);
    if more > 0
        && let Some(throughput) = &table.throughput
    {
        throughput.writing(call.now_us).admits(hash, more);
    }
}

/// Reads `ReturnItemCollectionMetrics`; there are no collections without
/// local indexes, so nothing is ever returned for it.
pub(super) fn check_collection_metrics(value: Option<&str>, errors: &mut Vec<String>) {
    if let Some(value) = value
        && !["SIZE", "NONE"].contains(&value)
    {
        errors.push(not_in(value, "returnItemCollectionMetrics", "SIZE, NONE"));
    }
}

/// What PutItem and DeleteItem ask for besides the item or key.
struct Options<'a> {
    table: TableName<'a>,
    consumed: ConsumedDetail,
    return_old: bool,
}

impl<'a> Options<'a> {
    /// Reads and checks the members; `image` is whether the item or key,
    /// member `image_member`, is there.
    fn read(
        database: &Database,
        members: &Members<'a>,
        image: bool,
        image_member: &str,
    ) -> Result<Self, Failure> {
        let mut errors = Vec::new();
        let table = table_name(database, members, &mut errors)?;
        if !image {
            errors.push(missing(image_member));
        }
        let consumed = ConsumedDetail::parse(
            members.text("ReturnConsumedCapacity").as_deref(),
            &mut errors,
        );
        let values = members.text("ReturnValues");
        let known = ["ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"];
        if let Some(values) = &values
            && !known.contains(&&**values)
        {
            errors.push(
                "Failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, \
                 UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]"
                    .to_owned(),
            );
        }
        check_collection_metrics(
            members.text("ReturnItemCollectionMetrics").as_deref(),
            &mut errors,
        );
        if let Some(value) = members.text("ReturnValuesOnConditionCheckFailure")
            && !["ALL_OLD", "NONE"].contains(&&*value)
        {
            errors.push(not_in(
                &value,
                "returnValuesOnConditionCheckFailure",
                "ALL_OLD, NONE",
            ));
        }
        constraints(&errors)?;
        Ok(Self {
            table,
            consumed,
            return_old: match values.as_deref() {
                None | Some("NONE") => false,
                Some("ALL_OLD") => true,
                Some(_) => {
                    return Err(Failure::validation(
                        "1 validation error detected: ReturnValues can only be ALL_OLD or NONE",
                    ));
                }
            },
        })
    }

    fn answer(&self, units: f64, old: Option<&[u8]>, answer: &mut Vec<u8>) {
        answer.push(b'{');
        if self.return_old
            && let Some(old) = old
        {
            answer.extend_from_slice(b"\"Attributes\":");
            answer.extend_from_slice(old);
        }
        if self.consumed != ConsumedDetail::None {
            if answer.last() == Some(&b'}') {
                answer.push(b',');
            }
            answer.extend_from_slice(b"\"ConsumedCapacity\":");
            self.consumed.write(self.table.written(), units, answer);
        }
        answer.push(b'}');
    }
}

/// Refuses names and values without an expression. There never is one:
/// conditions are not served.
fn refuse_placeholders(members: &Members<'_>) -> Result<(), Failure> {
    match members.first_of(&["ExpressionAttributeNames", "ExpressionAttributeValues"]) {
        None => Ok(()),
        Some(name) => Err(Failure::validation(format!(
            "1 validation error detected: {name} can only be specified when using expressions"
        ))),
    }
}

pub(super) fn put(
    database: &Database,
    body: &str,
    call: Call,
    answer: &mut Vec<u8>,
) -> Result<(), Failure> {
    with_arena(|arena| {
        let members = Members::read(body, &shapes::PUT_ITEM)?;
        let mut problems = Problems::default();
        let item = members.image("Item", arena, &mut problems)?;
        problems.reading(true)?;
        let options = Options::read(database, &members, item.is_some(), "item")?;
        let item = item.unwrap_or_default();
        problems.values(true)?;
        refuse_placeholders(&members)?;
        check_item_size(&item)?;
        let table = database.serving_table(options.table.name(), call.now_us)?;
        let found = table
            .schema
            .find(arena, &item, Strictness::Item)
            .map_err(Failure::validation)?;
        let write = Write {
            found,
            item: Some(item),
        };
        write.carry_out(database, &table, arena, call, &options, answer)
    })
}

/// Refuses an item that is larger than DynamoDB stores.
pub(super) fn check_item_size(item: &Image) -> Result<(), Failure> {
    if item.bytes > MAX_ITEM_BYTES {
        return Err(Failure::validation(
            "Item size has exceeded the maximum allowed size",
        ));
    }
    Ok(())
}

pub(super) fn delete(
    database: &Database,
    body: &str,
    call: Call,
    answer: &mut Vec<u8>,
) -> Result<(), Failure> {
    with_arena(|arena| {
        let members = Members::read(body, &shapes::DELETE_ITEM)?;
        let mut problems = Problems::default();
        let key = members.image("Key", arena, &mut problems)?;
        problems.reading(true)?;
        let options = Options::read(database, &members, key.is_some(), "key")?;
        problems.values(true)?;
        refuse_placeholders(&members)?;
        let table = database.serving_table(options.table.name(), call.now_us)?;
        let found = table
            .schema
            .find(arena, &key.unwrap_or_default(), Strictness::Key)
            .map_err(Failure::validation)?;
        let write = Write { found, item: None };
        write.carry_out(database, &table, arena, call, &options, answer)
    })
}
