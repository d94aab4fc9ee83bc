//! A scalar function as a table of its forms, each with a body for one row.
//!
//! Trino converts no argument silently into a text or out of one, and says what it
//! expected. Numbers widen, a date is midnight, NULL fits everywhere.

use std::hash::{Hash, Hasher};

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, IntervalUnit, TimeUnit};
use datafusion::common::{ScalarValue, exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::binary::{comparison_coercion, type_union_coercion};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::names::type_name;
use super::row::{Batch, Row, Value, built};

/// What an argument may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Whole,
    Double,
    Bool,
    Date,
    /// A timestamp, with a zone or without; a date is its midnight.
    Time,
    Interval,
    List,
    /// An array of texts.
    Texts,
    /// An array of numbers, as doubles.
    Doubles,
    Map,
    Any,
    /// A value of the type that all `Item`s and `Items` of a call have in common.
    Item,
    /// An array of such values.
    Items,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Text => "varchar",
            Kind::Whole => "bigint",
            Kind::Double => "double",
            Kind::Bool => "boolean",
            Kind::Date => "date",
            Kind::Time => "timestamp",
            Kind::Interval => "interval",
            Kind::List => "array",
            Kind::Texts => "array(varchar)",
            Kind::Doubles => "array(double)",
            Kind::Map => "map",
            Kind::Any | Kind::Item => "T",
            Kind::Items => "array(T)",
        }
    }

    /// What an argument of a type is made into; `None`: it does not fit.
    fn fit(self, of: &DataType) -> Option<DataType> {
        let of = match of {
            DataType::Dictionary(_, of) => of.as_ref(),
            of => of,
        };
        let null = *of == DataType::Null;
        match self {
            Kind::Text => (null || is_text(of)).then_some(DataType::Utf8),
            Kind::Whole => (null || of.is_integer()).then_some(DataType::Int64),
            Kind::Double => (null || of.is_numeric()).then_some(DataType::Float64),
            Kind::Bool => (null || *of == DataType::Boolean).then_some(DataType::Boolean),
            Kind::Date => {
                let date = matches!(of, DataType::Date32 | DataType::Date64);
                (null || date).then_some(DataType::Date32)
            }
            Kind::Time => match of {
                DataType::Timestamp(_, zone) => Some(micros(zone.as_deref())),
                DataType::Null | DataType::Date32 | DataType::Date64 => Some(micros(None)),
                _ => None,
            },
            Kind::Interval => {
                let interval = matches!(of, DataType::Interval(_) | DataType::Duration(_));
                (null || interval).then_some(DataType::Interval(IntervalUnit::MonthDayNano))
            }
            Kind::List | Kind::Items => match item_of(of) {
                Some(item) => Some(list_of(item.clone())),
                None => null.then(|| list_of(DataType::Null)),
            },
            Kind::Texts => match item_of(of) {
                Some(item) => Kind::Text.fit(item).map(list_of),
                None => null.then(|| list_of(DataType::Utf8)),
            },
            Kind::Doubles => match item_of(of) {
                Some(item) => Kind::Double.fit(item).map(list_of),
                None => null.then(|| list_of(DataType::Float64)),
            },
            Kind::Map => matches!(of, DataType::Map(..)).then(|| of.clone()),
            Kind::Any | Kind::Item => Some(of.clone()),
        }
    }
}

/// Whether a type is one of the texts'.
pub(super) fn is_text(of: &DataType) -> bool {
    matches!(
        of,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

/// The type of a timestamp.
pub(super) fn micros(zone: Option<&str>) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into))
}

/// The type of an array's elements.
pub(crate) fn item_of(of: &DataType) -> Option<&DataType> {
    match of {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => Some(item.data_type()),
        _ => None,
    }
}

/// The type of an array of elements of a type.
pub(super) fn list_of(item: DataType) -> DataType {
    DataType::new_list(item, true)
}

/// What a form gives, by the types of its arguments and those of them that are constant.
pub(super) type Gives = fn(&[DataType], &[Option<&ScalarValue>]) -> DataType;

/// How a form computes.
#[derive(Clone, Copy)]
pub(super) enum Body {
    /// A row at a time, and NULL if any argument is.
    Row(fn(&Row<'_>) -> Result<Value>),
    /// A row at a time, whatever is NULL.
    Nulls(fn(&Row<'_>) -> Result<Value>),
    /// All rows at once.
    All(fn(&Batch, &DataType) -> Result<ArrayRef>),
}

/// One way to call a function.
pub(super) struct Form {
    pub(super) takes: &'static [Kind],
    /// The last argument may be there again, as often as wanted.
    pub(super) more: bool,
    pub(super) gives: Gives,
    pub(super) body: Body,
}

/// A form with a fixed number of arguments, NULL if any is.
pub(super) const fn form(
    takes: &'static [Kind],
    gives: Gives,
    body: fn(&Row<'_>) -> Result<Value>,
) -> Form {
    Form {
        takes,
        more: false,
        gives,
        body: Body::Row(body),
    }
}

/// A function under its name in Trino.
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) forms: &'static [Form],
}

impl Form {
    /// What the arguments are made into; `None`: they do not fit.
    fn fit(&self, types: &[DataType]) -> Result<Option<Vec<DataType>>> {
        let enough = match self.more {
            true => types.len() >= self.takes.len(),
            false => types.len() == self.takes.len(),
        };
        let last = self.takes.last();
        let kinds = self.takes.iter().chain(last.into_iter().cycle());
        let kinds: Vec<Kind> = kinds.take(types.len()).copied().collect();
        if !enough || kinds.len() < types.len() {
            return Ok(None);
        }
        let fitted: Option<Vec<_>> = kinds.iter().zip(types).map(|(k, t)| k.fit(t)).collect();
        let Some(mut fitted) = fitted else {
            return Ok(None);
        };
        let mut common: Option<DataType> = None;
        for (kind, of) in kinds.iter().zip(&fitted) {
            let item = match kind {
                Kind::Item => of,
                Kind::Items => item_of(of).unwrap_or(of),
                _ => continue,
            };
            common = match common {
                None => Some(item.clone()),
                Some(common) => match in_common(&common, item) {
                    Some(common) => Some(common),
                    None => return Ok(None),
                },
            };
        }
        if let Some(common) = common {
            for (kind, of) in kinds.iter().zip(&mut fitted) {
                match kind {
                    Kind::Item => *of = common.clone(),
                    Kind::Items => *of = list_of(common.clone()),
                    _ => {}
                }
            }
        }
        Ok(Some(fitted))
    }
}

/// The type that two have in common. A text and a number have none.
pub(super) fn in_common(a: &DataType, b: &DataType) -> Option<DataType> {
    if a == b {
        return Some(a.clone());
    }
    if is_text(a) && is_text(b) {
        return Some(DataType::Utf8);
    }
    let mixed = |a: &DataType, b: &DataType| is_text(a) && *b != DataType::Null;
    if mixed(a, b) || mixed(b, a) {
        return None;
    }
    type_union_coercion(a, b).or_else(|| comparison_coercion(a, b))
}

/// The function as DataFusion knows it.
#[derive(Debug)]
pub(super) struct Call {
    function: &'static Function,
    signature: Signature,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Call {
    fn eq(&self, other: &Self) -> bool {
        self.function.name == other.function.name
    }
}

impl Eq for Call {}

impl Hash for Call {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.name.hash(state);
    }
}

impl Call {
    pub(super) fn new(function: &'static Function) -> Self {
        let volatility = match function.name {
            "random" | "rand" => Volatility::Volatile,
            _ => Volatility::Immutable,
        };
        Self {
            function,
            signature: Signature::user_defined(volatility),
        }
    }

    /// The form that fits, and what it makes the arguments into.
    fn form(&self, types: &[DataType]) -> Result<(&'static Form, Vec<DataType>)> {
        for form in self.function.forms {
            if let Some(fitted) = form.fit(types)? {
                return Ok((form, fitted));
            }
        }
        let name = self.function.name;
        let found: Vec<_> = types.iter().map(type_name).collect();
        let forms = self.function.forms.iter().map(|form| {
            let kinds: Vec<_> = form.takes.iter().map(|kind| kind.name()).collect();
            let more = if form.more { ", ..." } else { "" };
            format!("{name}({}{more})", kinds.join(", "))
        });
        let forms: Vec<_> = forms.collect();
        plan_err!(
            "Unexpected parameters ({}) for function {name}. Expected: {}",
            found.join(", "),
            forms.join(", ")
        )
    }
}

impl ScalarUDFImpl for Call {
    fn name(&self) -> &str {
        self.function.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let (form, types) = self.form(types)?;
        Ok((form.gives)(&types, &vec![None; types.len()]))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types = args.arg_fields.iter().map(|of| of.data_type().clone());
        let types: Vec<_> = types.collect();
        let (form, types) = self.form(&types)?;
        let gives = (form.gives)(&types, args.scalar_arguments);
        let field = Field::new(self.name(), gives, true);
        Ok(match super::json::gives_json(self.name()) {
            true => super::json::marked(field).into(),
            false => field.into(),
        })
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(self.form(types)?.1)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let types: Vec<_> = args.args.iter().map(ColumnarValue::data_type).collect();
        let (form, types) = self.form(&types)?;
        let constant = !args.args.is_empty()
            && matches!(self.signature.volatility, Volatility::Immutable)
            && args
                .args
                .iter()
                .all(|of| matches!(of, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let arrays = args.args.into_iter().zip(&types).map(|(of, to)| {
            let array = of.into_array(rows)?;
            match array.data_type() == to {
                true => Ok(array),
                false => Ok(cast(&array, to)?),
            }
        });
        let batch = Batch::new(arrays.collect::<Result<Vec<_>>>()?, rows);
        let gives = args.return_field.data_type();
        let array = match form.body {
            Body::All(body) => body(&batch, gives)?,
            Body::Row(body) => built(&batch, gives, |row| match row.any_null() {
                true => Ok(Value::Null),
                false => body(row),
            })?,
            Body::Nulls(body) => built(&batch, gives, body)?,
        };
        if array.len() != rows {
            return exec_err!("{} gave {} of {rows} rows", self.name(), array.len());
        }
        Ok(match constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?),
            false => ColumnarValue::Array(array),
        })
    }
}

/// Gives a text.
pub(super) fn text(_: &[DataType], _: &[Option<&ScalarValue>]) -> DataType {
    DataType::Utf8
}

/// Gives a bigint.
pub(super) fn whole(_: &[DataType], _: &[Option<&ScalarValue>]) -> DataType {
    DataType::Int64
}

/// Gives a double.
pub(super) fn double(_: &[DataType], _: &[Option<&ScalarValue>]) -> DataType {
    DataType::Float64
}

/// Gives a boolean.
pub(super) fn boolean(_: &[DataType], _: &[Option<&ScalarValue>]) -> DataType {
    DataType::Boolean
}

/// Gives a date.
pub(super) fn date(_: &[DataType], _: &[Option<&ScalarValue>]) -> DataType {
    DataType::Date32
}

/// Gives a timestamp without a zone.
pub(super) fn time(_: &[DataType], _: &[Option<&ScalarValue>]) -> DataType {
    micros(None)
}

/// Gives a timestamp in UTC.
pub(super) fn utc(_: &[DataType], _: &[Option<&ScalarValue>]) -> DataType {
    micros(Some("UTC"))
}

/// Gives an array of texts.
pub(super) fn texts(_: &[DataType], _: &[Option<&ScalarValue>]) -> DataType {
    list_of(DataType::Utf8)
}

/// Gives what the first argument is.
pub(super) fn first(types: &[DataType], _: &[Option<&ScalarValue>]) -> DataType {
    types.first().cloned().unwrap_or(DataType::Null)
}

/// Gives what the last argument is.
pub(super) fn last(types: &[DataType], _: &[Option<&ScalarValue>]) -> DataType {
    types.last().cloned().unwrap_or(DataType::Null)
}

/// Gives an element of the first argument.
pub(super) fn item(types: &[DataType], _: &[Option<&ScalarValue>]) -> DataType {
    let first = types.first().unwrap_or(&DataType::Null);
    item_of(first).unwrap_or(first).clone()
}

/// Gives an array of the first argument.
pub(super) fn array(types: &[DataType], _: &[Option<&ScalarValue>]) -> DataType {
    list_of(types.first().cloned().unwrap_or(DataType::Null))
}
