//! Arrays. Places count from 1, below zero from the end.

use std::collections::HashSet;

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::exec_err;
use datafusion::error::Result;

use super::call::{
    Body, Form, Function, Kind, array, boolean, first, form, item, item_of, list_of, micros, text,
    whole,
};
use super::row::{Place, Row, Value};
use super::zones;

use Kind::{Any, Date, Interval, Item, Items, List, Text, Time, Whole};

/// The functions.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "cardinality",
        forms: &[
            form(&[List], whole, |row| Ok(signed(row.range(0).len()).into())),
            form(&[Kind::Map], whole, super::maps::cardinality),
        ],
    },
    Function {
        name: "element_at",
        forms: &[
            form(&[List, Whole], item, |row| match row.whole(1) {
                0 => exec_err!("SQL array indices start at 1"),
                at => Ok(Value::Item(nth(row, at))),
            }),
            Form {
                takes: &[Kind::Map, Any],
                more: false,
                gives: super::maps::value,
                body: Body::All(super::maps::element_at),
            },
        ],
    },
    Function {
        name: SUBSCRIPT,
        forms: &[
            form(&[List, Whole], item, |row| {
                let (at, count) = (row.whole(1), signed(row.range(0).len()));
                match at {
                    0 => exec_err!("SQL array indices start at 1"),
                    at if at < 0 => exec_err!("Array subscript is negative: {at}"),
                    at if at > count => exec_err!(
                        "Array subscript must be less than or equal to array length: {at} > {count}"
                    ),
                    at => Ok(Value::Item(nth(row, at))),
                }
            }),
            Form {
                takes: &[Kind::Map, Any],
                more: false,
                gives: super::maps::value,
                body: Body::All(super::maps::subscript),
            },
        ],
    },
    Function {
        name: "array_first",
        forms: &[form(&[List], item, |row| Ok(Value::Item(nth(row, 1))))],
    },
    Function {
        name: "array_last",
        forms: &[form(&[List], item, |row| Ok(Value::Item(nth(row, -1))))],
    },
    Function {
        name: "contains",
        forms: &[form(&[Items, Item], boolean, |row| {
            Ok(match position(row)? {
                Some(_) => true.into(),
                None if has_null(row, 0) => Value::Null,
                None => false.into(),
            })
        })],
    },
    Function {
        name: "array_position",
        forms: &[form(&[Items, Item], whole, |row| {
            Ok(position(row)?.map_or(0, |at| signed(at) + 1).into())
        })],
    },
    Function {
        name: "array_remove",
        forms: &[form(&[Items, Item], first, |row| {
            let (keys, key) = (row.keys(0)?, row.keys(1)?.row(row.at));
            let kept = row.range(0).filter(|at| keys.row(*at) != key);
            Ok(places(0, kept))
        })],
    },
    Function {
        name: "array_distinct",
        forms: &[form(&[List], first, |row| {
            let (keys, mut seen) = (row.keys(0)?, HashSet::new());
            Ok(places(
                0,
                row.range(0).filter(|at| seen.insert(keys.row(*at))),
            ))
        })],
    },
    Function {
        name: "array_union",
        forms: &[form(&[Items, Items], first, |row| {
            let mut seen = HashSet::new();
            let mut kept = Vec::new();
            for arg in 0..2 {
                let keys = row.keys(arg)?;
                let new = row.range(arg).filter(|at| seen.insert(keys.row(*at)));
                kept.extend(new.map(|at| Some((arg, at))));
            }
            Ok(Value::Items(kept))
        })],
    },
    Function {
        name: "array_intersect",
        forms: &[form(&[Items, Items], first, |row| common(row, true))],
    },
    Function {
        name: "array_except",
        forms: &[form(&[Items, Items], first, |row| common(row, false))],
    },
    Function {
        name: "arrays_overlap",
        forms: &[form(&[Items, Items], boolean, |row| {
            let (one, other) = (row.keys(0)?, row.keys(1)?);
            let valid = |arg: usize, at: &usize| row.elements(arg).is_valid(*at);
            let seen = row
                .range(1)
                .filter(|at| valid(1, at))
                .map(|at| other.row(at));
            let seen: HashSet<_> = seen.collect();
            let mut of_one = row.range(0).filter(|at| valid(0, at));
            Ok(match of_one.any(|at| seen.contains(&one.row(at))) {
                true => true.into(),
                false if has_null(row, 0) || has_null(row, 1) => Value::Null,
                false => false.into(),
            })
        })],
    },
    Function {
        name: "array_sort",
        forms: &[form(&[List], first, |row| {
            let keys = row.keys(0)?;
            let elements = row.elements(0);
            let mut sorted: Vec<_> = row.range(0).collect();
            sorted.sort_by(|a, b| {
                let nulls = elements.is_null(*a).cmp(&elements.is_null(*b));
                nulls.then_with(|| keys.row(*a).cmp(&keys.row(*b)))
            });
            Ok(places(0, sorted.into_iter()))
        })],
    },
    Function {
        name: "array_max",
        forms: &[form(&[List], item, |row| {
            let keys = row.keys(0)?;
            let most = row.range(0).max_by(|a, b| keys.row(*a).cmp(&keys.row(*b)));
            Ok(Value::Item(
                most.filter(|_| !has_null(row, 0)).map(|at| (0, at)),
            ))
        })],
    },
    Function {
        name: "array_min",
        forms: &[form(&[List], item, |row| {
            let keys = row.keys(0)?;
            let least = row.range(0).min_by(|a, b| keys.row(*a).cmp(&keys.row(*b)));
            Ok(Value::Item(
                least.filter(|_| !has_null(row, 0)).map(|at| (0, at)),
            ))
        })],
    },
    Function {
        name: "array_join",
        forms: &[
            Form {
                takes: &[List, Text],
                more: false,
                gives: text,
                body: Body::All(super::casts::array_join),
            },
            Form {
                takes: &[List, Text, Text],
                more: false,
                gives: text,
                body: Body::All(super::casts::array_join),
            },
        ],
    },
    Function {
        name: "slice",
        forms: &[form(&[List, Whole, Whole], first, |row| {
            let (start, length) = (row.whole(1), row.whole(2));
            let range = row.range(0);
            let count = signed(range.len());
            if start == 0 {
                return exec_err!("SQL array indices start at 1");
            }
            if length < 0 {
                return exec_err!("length must be greater than or equal to 0");
            }
            let from = if start > 0 { start - 1 } else { count + start };
            if !(0..count).contains(&from) {
                return Ok(Value::Items(Vec::new()));
            }
            let from = range.start + usize::try_from(from).unwrap_or(0);
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let to = from.saturating_add(length).min(range.end);
            Ok(places(0, from..to))
        })],
    },
    Function {
        name: "trim_array",
        forms: &[form(&[List, Whole], first, |row| {
            let range = row.range(0);
            match usize::try_from(row.whole(1)) {
                Err(_) => exec_err!("size must not be negative: {}", row.whole(1)),
                Ok(less) if less > range.len() => exec_err!(
                    "size must not exceed array cardinality {}: {less}",
                    range.len()
                ),
                Ok(less) => Ok(places(0, range.start..range.end - less)),
            }
        })],
    },
    Function {
        name: "repeat",
        forms: &[Form {
            takes: &[Any, Whole],
            more: false,
            gives: array,
            body: Body::Nulls(|row| {
                if row.is_null(1) {
                    return Ok(Value::Null);
                }
                let place = (!row.is_null(0)).then_some((0, row.at));
                match usize::try_from(row.whole(1)) {
                    Err(_) => exec_err!(
                        "count argument of repeat function must be greater than or equal to 0"
                    ),
                    Ok(count) if count > 10_000 => {
                        exec_err!(
                            "count argument of repeat function must be less than or equal to 10000"
                        )
                    }
                    Ok(count) => Ok(Value::Items(vec![place; count])),
                }
            }),
        }],
    },
    Function {
        name: "flatten",
        forms: &[Form {
            takes: &[List],
            more: false,
            gives: item,
            body: Body::All(flatten),
        }],
    },
    Function {
        name: "sequence",
        forms: &[
            form(&[Whole, Whole], array, |row| {
                let (from, to) = (row.whole(0), row.whole(1));
                sequence(from, to, if from <= to { 1 } else { -1 })
            }),
            form(&[Whole, Whole, Whole], array, |row| {
                sequence(row.whole(0), row.whole(1), row.whole(2))
            }),
            form(&[Date, Date], array, |row| {
                let (from, to) = (row.days(0), row.days(1));
                sequence(from, to, if from <= to { 1 } else { -1 })
            }),
            form(&[Date, Date, Interval], array, |row| {
                let (from, to) = (row.days(0) * zones::DAY_US, row.days(1) * zones::DAY_US);
                let Value::Wholes(times) = times(row, from, to)? else {
                    return Ok(Value::Null);
                };
                Ok(Value::Wholes(
                    times
                        .iter()
                        .map(|of| of.div_euclid(zones::DAY_US))
                        .collect(),
                ))
            }),
            form(
                &[Time, Time, Interval],
                |types, _| {
                    list_of(match types.first() {
                        Some(of @ DataType::Timestamp(..)) => of.clone(),
                        _ => micros(None),
                    })
                },
                |row| times(row, row.micros(0), row.micros(1)),
            ),
        ],
    },
    Function {
        name: ORDINALS,
        forms: &[Form {
            takes: &[List],
            more: true,
            gives: |_, _| list_of(DataType::Int64),
            body: Body::Nulls(|row| {
                let counts = (0..row.count()).filter(|arg| !row.is_null(*arg));
                let most = counts.map(|arg| row.range(arg).len()).max().unwrap_or(0);
                Ok(Value::Wholes((1..=signed(most)).collect()))
            }),
        }],
    },
];

/// What `a[1]` is planned as.
pub(crate) const SUBSCRIPT: &str = "subscript";
/// What WITH ORDINALITY is planned as: 1 up to the length of the longest array.
pub(crate) const ORDINALS: &str = "ordinals";

fn signed(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

fn places(arg: usize, at: impl Iterator<Item = usize>) -> Value {
    Value::Items(at.map(|at| Some((arg, at))).collect())
}

/// The element at a place that is not zero.
fn nth(row: &Row<'_>, at: i64) -> Place {
    let range = row.range(0);
    let nth = usize::try_from(at.unsigned_abs()).ok()?.checked_sub(1)?;
    let at = match at > 0 {
        true => range.start.checked_add(nth).filter(|at| *at < range.end),
        false => range
            .end
            .checked_sub(nth + 1)
            .filter(|at| *at >= range.start),
    };
    at.map(|at| (0, at))
}

fn has_null(row: &Row<'_>, arg: usize) -> bool {
    row.range(arg).any(|at| row.elements(arg).is_null(at))
}

/// Where the second argument is in the first.
fn position(row: &Row<'_>) -> Result<Option<usize>> {
    let (keys, key) = (row.keys(0)?, row.keys(1)?.row(row.at));
    Ok(row.range(0).position(|at| keys.row(at) == key))
}

/// The elements of the first array that the second has, or has not, each once.
fn common(row: &Row<'_>, wanted: bool) -> Result<Value> {
    let (one, other) = (row.keys(0)?, row.keys(1)?);
    let others: HashSet<_> = row.range(1).map(|at| other.row(at)).collect();
    let mut seen = HashSet::new();
    let kept = row.range(0).filter(|at| {
        let key = one.row(*at);
        others.contains(&key) == wanted && seen.insert(key)
    });
    Ok(places(0, kept))
}

pub(super) fn reverse(row: &Row<'_>) -> Result<Value> {
    Ok(places(0, row.range(0).rev()))
}

pub(super) fn concat(row: &Row<'_>) -> Result<Value> {
    let all = (0..row.count()).flat_map(|arg| row.range(arg).map(move |at| Some((arg, at))));
    Ok(Value::Items(all.collect()))
}

const MOST: usize = 10_000;

fn sequence(from: i64, to: i64, step: i64) -> Result<Value> {
    if step == 0 {
        return exec_err!("step must not be zero");
    }
    if (step > 0 && from > to) || (step < 0 && from < to) {
        return exec_err!(
            "sequence stop value should be greater than or equal to start value if step is greater than zero otherwise stop should be less than or equal to start"
        );
    }
    let count = (i128::from(to) - i128::from(from)) / i128::from(step) + 1;
    if count > MOST as i128 {
        return exec_err!("result of sequence function must not have more than 10000 entries");
    }
    let at = |n: i64| from + n * step;
    Ok(Value::Wholes(
        (0..i64::try_from(count).unwrap_or(0)).map(at).collect(),
    ))
}

/// Times from one to another, in steps of an interval.
fn times(row: &Row<'_>, from: i64, to: i64) -> Result<Value> {
    let step = row.interval(2);
    let fixed = i64::from(step.days) * zones::DAY_US + step.nanoseconds / 1_000;
    if step.months == 0 {
        return sequence(from, to, fixed);
    }
    let start = zones::utc(from)?;
    let mut times = Vec::new();
    for n in 0_u32.. {
        let by = chrono::Months::new(step.months.unsigned_abs().saturating_mul(n));
        let at = match step.months > 0 {
            true => start.checked_add_months(by),
            false => start.checked_sub_months(by),
        };
        let Some(at) = at.map(zones::micros) else {
            break;
        };
        if (step.months > 0 && at > to) || (step.months < 0 && at < to) {
            break;
        }
        times.push(at);
        if times.len() > MOST {
            return exec_err!("result of sequence function must not have more than 10000 entries");
        }
    }
    match times.is_empty() {
        true => sequence(from, to, if step.months > 0 { 1 } else { -1 }),
        false => Ok(Value::Wholes(times)),
    }
}

fn flatten(
    batch: &super::row::Batch,
    gives: &DataType,
) -> Result<datafusion::arrow::array::ArrayRef> {
    use datafusion::arrow::array::ListArray;
    use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
    use datafusion::arrow::compute::take;

    let (Some(outer), DataType::List(field)) = (batch.arg(0).as_list_opt::<i32>(), gives) else {
        return exec_err!("flatten takes an array of arrays");
    };
    let Some(inner) = outer.values().as_list_opt::<i32>() else {
        return exec_err!("flatten takes an array of arrays");
    };
    let mut at = Vec::new();
    let mut lengths = Vec::new();
    for row in 0..outer.len() {
        let before = at.len();
        if outer.is_valid(row) {
            let offsets = outer.value_offsets();
            for list in offsets[row] as usize..offsets[row + 1] as usize {
                if inner.is_valid(list) {
                    let of = inner.value_offsets();
                    at.extend((of[list]..of[list + 1]).map(i64::from));
                }
            }
        }
        lengths.push(at.len() - before);
    }
    let at = datafusion::arrow::array::Int64Array::from(at);
    let values = take(inner.values(), &at, None)?;
    debug_assert_eq!(item_of(gives), Some(values.data_type()));
    let nulls: Option<NullBuffer> = outer.nulls().cloned();
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(std::sync::Arc::new(ListArray::try_new(
        std::sync::Arc::clone(field),
        offsets,
        values,
        nulls,
    )?))
}
