//! The arguments of a call, row by row, and what comes of them.

use std::any::Any;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int64Array, Int64Builder,
    ListArray, ListBuilder, StringArray, StringBuilder, new_null_array,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::compute::{cast, interleave};
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Field, Float64Type, Int64Type, IntervalMonthDayNano,
    IntervalMonthDayNanoType, TimeUnit, TimestampMicrosecondType,
};
use datafusion::arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::exec_err;
use datafusion::error::Result;

/// What comes of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Text(String),
    /// A bigint, the days of a date, the microseconds of a timestamp.
    Whole(i64),
    Double(f64),
    Bool(bool),
    Texts(Vec<Option<String>>),
    Wholes(Vec<i64>),
    /// An element of an argument.
    Item(Place),
    /// Several.
    Items(Vec<Place>),
}

/// Where an element is: the argument, and the place in its elements; for an argument
/// that is no array, in its rows. `None` is NULL.
pub(super) type Place = Option<(usize, usize)>;

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(of: Option<T>) -> Self {
        of.map_or(Value::Null, Into::into)
    }
}

impl From<String> for Value {
    fn from(of: String) -> Self {
        Value::Text(of)
    }
}

impl From<&str> for Value {
    fn from(of: &str) -> Self {
        Value::Text(of.to_owned())
    }
}

impl From<i64> for Value {
    fn from(of: i64) -> Self {
        Value::Whole(of)
    }
}

impl From<f64> for Value {
    fn from(of: f64) -> Self {
        Value::Double(of)
    }
}

impl From<bool> for Value {
    fn from(of: bool) -> Self {
        Value::Bool(of)
    }
}

/// The arguments of a call for many rows.
pub(super) struct Batch {
    args: Vec<ArrayRef>,
    rows: usize,
    /// Elements of arguments in a form that compares, by argument.
    keys: OnceCell<Vec<Option<Rows>>>,
    /// What texts were made into: patterns, formats, paths.
    kept: RefCell<HashMap<String, Rc<dyn Any>>>,
}

impl Batch {
    pub(super) fn new(args: Vec<ArrayRef>, rows: usize) -> Self {
        Self {
            args,
            rows,
            keys: OnceCell::new(),
            kept: RefCell::default(),
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn arg(&self, arg: usize) -> &ArrayRef {
        &self.args[arg]
    }

    pub(super) fn args(&self) -> &[ArrayRef] {
        &self.args
    }

    pub(super) fn row(&self, at: usize) -> Row<'_> {
        Row { batch: self, at }
    }

    /// The elements of an argument; of one that is no array, itself.
    fn elements(&self, arg: usize) -> &ArrayRef {
        match self.args[arg].as_list_opt::<i32>() {
            Some(list) => list.values(),
            None => &self.args[arg],
        }
    }

    fn keys(&self) -> Result<&[Option<Rows>]> {
        if let Some(keys) = self.keys.get() {
            return Ok(keys);
        }
        let of = self.elements(0).data_type().clone();
        let converter = RowConverter::new(vec![SortField::new(of.clone())])?;
        let keys = (0..self.args.len()).map(|arg| {
            let elements = self.elements(arg);
            match *elements.data_type() == of {
                true => Ok(Some(converter.convert_columns(&[Arc::clone(elements)])?)),
                false => Ok(None),
            }
        });
        let keys = keys.collect::<Result<Vec<_>>>()?;
        Ok(self.keys.get_or_init(|| keys))
    }
}

/// The arguments of a call for one row.
pub(super) struct Row<'a> {
    batch: &'a Batch,
    pub(super) at: usize,
}

impl<'a> Row<'a> {
    pub(super) fn count(&self) -> usize {
        self.batch.args.len()
    }

    pub(super) fn arg(&self, arg: usize) -> &'a ArrayRef {
        self.batch.arg(arg)
    }

    pub(super) fn is_null(&self, arg: usize) -> bool {
        self.batch.args[arg].is_null(self.at)
    }

    pub(super) fn any_null(&self) -> bool {
        self.batch.args.iter().any(|of| of.is_null(self.at))
    }

    pub(super) fn of_type(&self, arg: usize) -> &'a DataType {
        self.batch.args[arg].data_type()
    }

    pub(super) fn text(&self, arg: usize) -> &'a str {
        self.batch.args[arg].as_string::<i32>().value(self.at)
    }

    pub(super) fn whole(&self, arg: usize) -> i64 {
        let array = self.batch.args[arg].as_primitive::<Int64Type>();
        array.value(self.at)
    }

    pub(super) fn double(&self, arg: usize) -> f64 {
        let array = self.batch.args[arg].as_primitive::<Float64Type>();
        array.value(self.at)
    }

    pub(super) fn bool(&self, arg: usize) -> bool {
        self.batch.args[arg].as_boolean().value(self.at)
    }

    /// Days since 1970-01-01.
    pub(super) fn days(&self, arg: usize) -> i64 {
        let array = self.batch.args[arg].as_primitive::<Date32Type>();
        i64::from(array.value(self.at))
    }

    /// Microseconds since 1970-01-01.
    pub(super) fn micros(&self, arg: usize) -> i64 {
        let array = self.batch.args[arg].as_primitive::<TimestampMicrosecondType>();
        array.value(self.at)
    }

    pub(super) fn interval(&self, arg: usize) -> IntervalMonthDayNano {
        let array = self.batch.args[arg].as_primitive::<IntervalMonthDayNanoType>();
        array.value(self.at)
    }

    /// Where the elements of an array are.
    pub(super) fn range(&self, arg: usize) -> Range<usize> {
        let offsets = self.batch.args[arg].as_list::<i32>().value_offsets();
        offsets[self.at] as usize..offsets[self.at + 1] as usize
    }

    /// The elements of all rows.
    pub(super) fn elements(&self, arg: usize) -> &'a ArrayRef {
        self.batch.elements(arg)
    }

    /// The texts of an array.
    pub(super) fn texts(&self, arg: usize) -> Vec<Option<&'a str>> {
        let elements = self.elements(arg).as_string::<i32>();
        let text = |at: usize| elements.is_valid(at).then(|| elements.value(at));
        self.range(arg).map(text).collect()
    }

    /// Elements of arguments in a form that compares; arguments whose elements are of
    /// another type than the first's have none.
    pub(super) fn keys(&self, arg: usize) -> Result<&'a Rows> {
        match &self.batch.keys()?[arg] {
            Some(rows) => Ok(rows),
            None => exec_err!("argument {} does not compare with the first", arg + 1),
        }
    }

    /// What a text is made into, once for all rows that have the same.
    pub(super) fn kept<T: 'static>(
        &self,
        text: &str,
        make: impl FnOnce(&str) -> Result<T>,
    ) -> Result<Rc<T>> {
        let kept = self.batch.kept.borrow().get(text).cloned();
        if let Some(Ok(kept)) = kept.map(Rc::downcast::<T>) {
            return Ok(kept);
        }
        let made = Rc::new(make(text)?);
        let mut kept = self.batch.kept.borrow_mut();
        kept.insert(text.to_owned(), Rc::clone(&made) as Rc<dyn Any>);
        Ok(made)
    }
}

/// Computes all rows into an array of a type.
pub(super) fn built(
    batch: &Batch,
    gives: &DataType,
    mut body: impl FnMut(&Row<'_>) -> Result<Value>,
) -> Result<ArrayRef> {
    let values = (0..batch.rows).map(|at| body(&batch.row(at)));
    let values = values.collect::<Result<Vec<_>>>()?;
    collected(batch, gives, &values)
}

fn collected(batch: &Batch, gives: &DataType, values: &[Value]) -> Result<ArrayRef> {
    if values.iter().all(|of| *of == Value::Null) {
        return Ok(new_null_array(gives, values.len()));
    }
    let placed = |of: &Value| matches!(of, Value::Item(_) | Value::Items(_));
    if values.iter().any(placed) {
        return match gives {
            DataType::List(item) if values.iter().any(|of| matches!(of, Value::Items(_))) => {
                lists(batch, item, values)
            }
            gives => {
                let places = values.iter().map(|of| match of {
                    Value::Item(place) => *place,
                    _ => None,
                });
                gathered(batch, gives, &places.collect::<Vec<_>>())
            }
        };
    }
    let wholes = || {
        let array: Int64Array = values
            .iter()
            .map(|of| match of {
                Value::Whole(of) => Some(*of),
                _ => None,
            })
            .collect();
        array
    };
    Ok(match gives {
        DataType::Utf8 => {
            let array: StringArray = values
                .iter()
                .map(|of| match of {
                    Value::Text(of) => Some(of.as_str()),
                    _ => None,
                })
                .collect();
            Arc::new(array)
        }
        DataType::Int64 => Arc::new(wholes()),
        DataType::Timestamp(TimeUnit::Microsecond, _) => cast(&wholes(), gives)?,
        DataType::Date32 => {
            let days = values.iter().map(|of| match of {
                Value::Whole(of) => i32::try_from(*of).ok(),
                _ => None,
            });
            Arc::new(Date32Array::from(days.collect::<Vec<_>>()))
        }
        DataType::Float64 => {
            let array: Float64Array = values
                .iter()
                .map(|of| match of {
                    Value::Double(of) => Some(*of),
                    _ => None,
                })
                .collect();
            Arc::new(array)
        }
        DataType::Boolean => {
            let array: BooleanArray = values
                .iter()
                .map(|of| match of {
                    Value::Bool(of) => Some(*of),
                    _ => None,
                })
                .collect();
            Arc::new(array)
        }
        DataType::List(item) if *item.data_type() == DataType::Utf8 => {
            let mut list = ListBuilder::new(StringBuilder::new()).with_field(Arc::clone(item));
            for value in values {
                match value {
                    Value::Texts(texts) => {
                        list.append_value(texts.iter().map(Option::as_deref));
                    }
                    _ => list.append_null(),
                }
            }
            Arc::new(list.finish())
        }
        DataType::List(_) => {
            let mut list = ListBuilder::new(Int64Builder::new());
            for value in values {
                match value {
                    Value::Wholes(wholes) => list.append_value(wholes.iter().copied().map(Some)),
                    _ => list.append_null(),
                }
            }
            let list = list.finish();
            wholes_as(&list, gives)?
        }
        gives => return exec_err!("no values of {gives} are made"),
    })
}

/// Arrays of bigints as arrays of dates or timestamps.
fn wholes_as(list: &ListArray, gives: &DataType) -> Result<ArrayRef> {
    let DataType::List(item) = gives else {
        return exec_err!("{gives} is no array");
    };
    let values: ArrayRef = match item.data_type() {
        DataType::Date32 => {
            let days = list.values().as_primitive::<Int64Type>();
            let days = days
                .iter()
                .map(|of| of.and_then(|of| i32::try_from(of).ok()));
            Arc::new(Date32Array::from(days.collect::<Vec<_>>()))
        }
        of => cast(list.values(), of)?,
    };
    Ok(Arc::new(ListArray::try_new(
        Arc::clone(item),
        list.offsets().clone(),
        values,
        list.nulls().cloned(),
    )?))
}

/// The elements at places.
fn gathered(batch: &Batch, of: &DataType, places: &[Place]) -> Result<ArrayRef> {
    let nothing = new_null_array(of, 1);
    let mut sources: Vec<&dyn Array> = vec![nothing.as_ref()];
    let mut source_of = Vec::new();
    for arg in 0..batch.args.len() {
        let elements = batch.elements(arg);
        let same = elements.data_type() == of;
        source_of.push(same.then_some(sources.len()));
        if same {
            sources.push(elements.as_ref());
        }
    }
    let places = places.iter().map(|place| match place {
        None => Ok((0, 0)),
        Some((arg, at)) => match source_of.get(*arg).copied().flatten() {
            Some(source) => Ok((source, *at)),
            None => exec_err!("argument {} has no elements of {of}", arg + 1),
        },
    });
    Ok(interleave(&sources, &places.collect::<Result<Vec<_>>>()?)?)
}

fn lists(batch: &Batch, item: &Arc<Field>, values: &[Value]) -> Result<ArrayRef> {
    let mut places = Vec::new();
    let mut lengths = Vec::with_capacity(values.len());
    let mut valid = Vec::with_capacity(values.len());
    for value in values {
        let of: &[Place] = match value {
            Value::Items(of) => of,
            _ => &[],
        };
        places.extend_from_slice(of);
        lengths.push(of.len());
        valid.push(matches!(value, Value::Items(_)));
    }
    let values = gathered(batch, item.data_type(), &places)?;
    Ok(Arc::new(ListArray::try_new(
        Arc::clone(item),
        OffsetBuffer::from_lengths(lengths),
        values,
        Some(NullBuffer::from(valid)),
    )?))
}
