//! Maps.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, MapArray, StringArray, StructArray,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::compute::{cast, interleave, take};
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::arrow::row::{RowConverter, SortField};
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;

use super::call::{Body, Form, Function, Kind, first, item_of};
use super::row::{Batch, Row, Value};

/// The functions. `map`, `map_keys`, `map_values` and `map_entries` are DataFusion's.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "map_concat",
        forms: &[Form {
            takes: &[Kind::Map, Kind::Map],
            more: true,
            gives: first,
            body: Body::All(concat),
        }],
    },
    Function {
        name: "map_from_entries",
        forms: &[Form {
            takes: &[Kind::List],
            more: false,
            gives: |types, _| match types.first().and_then(item_of) {
                Some(DataType::Struct(fields)) if fields.len() == 2 => {
                    map_of(fields[0].data_type(), fields[1].data_type())
                }
                _ => DataType::Null,
            },
            body: Body::All(from_entries),
        }],
    },
    Function {
        name: "split_to_map",
        forms: &[Form {
            takes: &[Kind::Text, Kind::Text, Kind::Text],
            more: false,
            gives: |_, _| map_of(&DataType::Utf8, &DataType::Utf8),
            body: Body::All(split_to_map),
        }],
    },
];

/// The type of a map.
pub(super) fn map_of(key: &DataType, value: &DataType) -> DataType {
    let fields = Fields::from(vec![
        Field::new("key", key.clone(), false),
        Field::new("value", value.clone(), true),
    ]);
    let entries = Field::new("entries", DataType::Struct(fields), false);
    DataType::Map(Arc::new(entries), false)
}

/// A map of entries that lie one behind another, so many for each row.
pub(super) fn map_array(
    gives: &DataType,
    keys: ArrayRef,
    values: ArrayRef,
    lengths: Vec<usize>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let DataType::Map(field, sorted) = gives else {
        return exec_err!("{gives} is no map");
    };
    let DataType::Struct(fields) = field.data_type() else {
        return exec_err!("{gives} is no map");
    };
    let entries = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    let map = MapArray::try_new(Arc::clone(field), offsets, entries, nulls, *sorted)?;
    Ok(Arc::new(map))
}

/// Gives a value of a map.
pub(super) fn value(types: &[DataType], _: &[Option<&ScalarValue>]) -> DataType {
    if let Some(DataType::Map(entries, _)) = types.first()
        && let DataType::Struct(fields) = entries.data_type()
        && let Some(value) = fields.get(1)
    {
        return value.data_type().clone();
    }
    DataType::Null
}

pub(super) fn cardinality(row: &Row<'_>) -> Result<Value> {
    let length = row.arg(0).as_map().value_length(row.at);
    Ok(i64::from(length).into())
}

/// Where the keys of the second argument are in the maps of the first.
fn found(batch: &Batch) -> Result<Vec<Option<usize>>> {
    let map = batch.arg(0).as_map();
    let wanted = cast(batch.arg(1), map.keys().data_type())?;
    let converter = RowConverter::new(vec![SortField::new(wanted.data_type().clone())])?;
    let keys = converter.convert_columns(&[Arc::clone(map.keys())])?;
    let rows = converter.convert_columns(&[Arc::clone(&wanted)])?;
    let offsets = map.value_offsets();
    let found = (0..batch.rows()).map(|row| {
        if map.is_null(row) || wanted.is_null(row) {
            return None;
        }
        let mut entries = offsets[row] as usize..offsets[row + 1] as usize;
        entries.find(|at| keys.row(*at) == rows.row(row))
    });
    Ok(found.collect())
}

fn taken(batch: &Batch, found: Vec<Option<usize>>) -> Result<ArrayRef> {
    let at = found
        .into_iter()
        .map(|at| at.and_then(|at| i64::try_from(at).ok()));
    let at: Int64Array = at.collect();
    Ok(take(batch.arg(0).as_map().values(), &at, None)?)
}

/// The value of a key; NULL if the map has no such.
pub(super) fn element_at(batch: &Batch, _: &DataType) -> Result<ArrayRef> {
    taken(batch, found(batch)?)
}

/// The value of a key, which has to be there.
pub(super) fn subscript(batch: &Batch, _: &DataType) -> Result<ArrayRef> {
    let found = found(batch)?;
    let (map, key) = (batch.arg(0), batch.arg(1));
    let missing = (0..batch.rows())
        .find(|row| found[*row].is_none() && map.is_valid(*row) && key.is_valid(*row));
    if let Some(row) = missing {
        let key = array_value_to_string(key, row)?;
        return exec_err!("Key not present in map: {key}");
    }
    taken(batch, found)
}

/// Of a key that several maps have, the value of the last.
fn concat(batch: &Batch, gives: &DataType) -> Result<ArrayRef> {
    let maps: Vec<_> = batch.args().iter().map(|of| of.as_map()).collect();
    let Some(one) = maps.first() else {
        return exec_err!("map_concat takes two maps");
    };
    if let Some(other) = maps.iter().find(|of| of.data_type() != one.data_type()) {
        return exec_err!(
            "map_concat takes maps of one type, found {} and {}",
            super::names::type_name(one.data_type()),
            super::names::type_name(other.data_type())
        );
    }
    let converter = RowConverter::new(vec![SortField::new(one.keys().data_type().clone())])?;
    let rows = maps
        .iter()
        .map(|of| converter.convert_columns(&[Arc::clone(of.keys())]));
    let rows = rows.collect::<std::result::Result<Vec<_>, _>>()?;
    let (mut places, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..batch.rows() {
        let before = places.len();
        let all = maps.iter().all(|of| of.is_valid(row));
        let mut at_key = HashMap::new();
        for (which, map) in maps.iter().enumerate().filter(|_| all) {
            let offsets = map.value_offsets();
            for at in offsets[row] as usize..offsets[row + 1] as usize {
                let place = *at_key.entry(rows[which].row(at)).or_insert(places.len());
                match place == places.len() {
                    true => places.push((which, at)),
                    false => places[place] = (which, at),
                }
            }
        }
        lengths.push(places.len() - before);
        valid.push(all);
    }
    let keys: Vec<&dyn Array> = maps.iter().map(|of| of.keys().as_ref()).collect();
    let values: Vec<&dyn Array> = maps.iter().map(|of| of.values().as_ref()).collect();
    let keys = interleave(&keys, &places)?;
    let values = interleave(&values, &places)?;
    map_array(gives, keys, values, lengths, Some(NullBuffer::from(valid)))
}

fn from_entries(batch: &Batch, gives: &DataType) -> Result<ArrayRef> {
    let Some(list) = batch.arg(0).as_list_opt::<i32>() else {
        return exec_err!("map_from_entries takes an array of rows");
    };
    let Some(entries) = list
        .values()
        .as_struct_opt()
        .filter(|of| of.num_columns() == 2)
    else {
        return exec_err!("map_from_entries takes an array of rows with two fields");
    };
    let (keys, values) = (entries.column(0), entries.column(1));
    let converter = RowConverter::new(vec![SortField::new(keys.data_type().clone())])?;
    let rows = converter.convert_columns(&[Arc::clone(keys)])?;
    let (mut at, mut lengths) = (Vec::new(), Vec::new());
    for row in 0..list.len() {
        let before = at.len();
        if list.is_valid(row) {
            let offsets = list.value_offsets();
            let mut seen = std::collections::HashSet::new();
            for entry in offsets[row] as usize..offsets[row + 1] as usize {
                if entries.is_null(entry) {
                    return exec_err!("map entry cannot be null");
                }
                if keys.is_null(entry) {
                    return exec_err!("map key cannot be null");
                }
                if !seen.insert(rows.row(entry)) {
                    let key = array_value_to_string(keys, entry)?;
                    return exec_err!("Duplicate map keys ({key}) are not allowed");
                }
                at.push(i64::try_from(entry).unwrap_or(i64::MAX));
            }
        }
        lengths.push(at.len() - before);
    }
    let at = Int64Array::from(at);
    let nulls = list.nulls().cloned();
    map_array(
        gives,
        take(keys, &at, None)?,
        take(values, &at, None)?,
        lengths,
        nulls,
    )
}

fn split_to_map(batch: &Batch, gives: &DataType) -> Result<ArrayRef> {
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    let (mut lengths, mut valid) = (Vec::new(), Vec::new());
    for at in 0..batch.rows() {
        let row = batch.row(at);
        let before = keys.len();
        if !row.any_null() {
            let (text, entries, pair) = (row.text(0), row.text(1), row.text(2));
            if entries.is_empty() || pair.is_empty() || entries == pair {
                return exec_err!(
                    "entryDelimiter and keyValueDelimiter must not be empty nor the same"
                );
            }
            for entry in text.split(entries).filter(|of| !of.is_empty()) {
                let Some((key, value)) = entry.split_once(pair) else {
                    return exec_err!(
                        "Key-value delimiter must appear exactly once in each entry. Bad input: '{entry}'"
                    );
                };
                if keys[before..].contains(&key) {
                    return exec_err!("Duplicate keys ({key}) are not allowed");
                }
                keys.push(key);
                values.push(value);
            }
        }
        lengths.push(keys.len() - before);
        valid.push(!row.any_null());
    }
    let keys = Arc::new(StringArray::from(keys));
    let values = Arc::new(StringArray::from(values));
    map_array(gives, keys, values, lengths, Some(NullBuffer::from(valid)))
}
