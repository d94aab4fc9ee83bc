//! What a CAST gives: values as texts, numbers rounded, and what is cast otherwise.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, exec_err, plan_err};
use datafusion::error::Result;
use datafusion::functions_nested::array_transform::array_transform;
use datafusion::logical_expr::expr::{Cast, LambdaVariable, TryCast};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{self, Expr, ExprSchemable, lit};

use super::call::{
    Body, Form, Function, Kind, double, first, form, is_text, item_of, list_of, text,
};
use super::names::type_name;
use super::row::Batch;
use super::{json, read, time, zones};

/// What a CAST to varchar is planned as.
pub(super) const AS_TEXT: &str = "as_varchar";

/// What a CAST of a double to a whole number is planned as: halves go away from zero.
pub(super) const ROUNDED: &str = "rounded";

/// What a CAST of a time to one with fewer digits is planned as: it is rounded to so many
/// microseconds.
pub(super) const ROUNDED_TIME: &str = "rounded_time";

/// What `approx_distinct` counts: values of a type that DataFusion's can hash.
pub(crate) const DISTINCT_KEY: &str = "distinct_key";

/// A value as it is, which is not known to be unique nor to say what other columns are.
pub(crate) const AS_IT_IS: &str = "as_it_is";

/// The functions.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: AS_TEXT,
        forms: &[Form {
            takes: &[Kind::Any],
            more: false,
            gives: text,
            body: Body::All(|batch, _| as_text(batch.arg(0))),
        }],
    },
    Function {
        name: ROUNDED,
        forms: &[form(&[Kind::Double], double, |row| {
            Ok(row.double(0).round().into())
        })],
    },
    Function {
        name: ROUNDED_TIME,
        forms: &[form(&[Kind::Time, Kind::Whole], first, |row| {
            let (of, unit) = (row.micros(0), row.whole(1));
            Ok(((of + unit / 2).div_euclid(unit) * unit).into())
        })],
    },
    Function {
        name: AS_IT_IS,
        forms: &[Form {
            takes: &[Kind::Any],
            more: false,
            gives: first,
            body: Body::All(|batch, _| Ok(Arc::clone(batch.arg(0)))),
        }],
    },
    Function {
        name: DISTINCT_KEY,
        forms: &[Form {
            takes: &[Kind::Any],
            more: false,
            gives: |types, _| match types.first() {
                Some(of) if of.is_floating() => DataType::Int64,
                Some(of) => of.clone(),
                None => DataType::Null,
            },
            body: Body::All(|batch, _| match batch.arg(0).data_type().is_floating() {
                false => Ok(Arc::clone(batch.arg(0))),
                true => {
                    let doubles = cast(batch.arg(0), &DataType::Float64)?;
                    let doubles = doubles.as_primitive::<Float64Type>();
                    // Zero is zero, whatever its sign.
                    let bits = |of: f64| (of + 0.0).to_bits().cast_signed();
                    Ok(Arc::new(doubles.unary::<_, Int64Type>(bits)))
                }
            }),
        }],
    },
];

/// The values of an array as texts.
pub(super) fn as_text(array: &ArrayRef) -> Result<ArrayRef> {
    let texts: StringArray = match array.data_type() {
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            let single = *array.data_type() != DataType::Float64;
            let doubles = cast(array, &DataType::Float64)?;
            let doubles = doubles.as_primitive::<Float64Type>();
            let written = doubles.iter().map(|of| of.map(|of| number(of, single)));
            written.collect()
        }
        DataType::Timestamp(_, zone) => {
            let times = cast(array, &super::call::micros(zone.as_deref()))?;
            let batch = Batch::new(vec![times], array.len());
            let written = (0..array.len()).map(|at| {
                let row = batch.row(at);
                if row.is_null(0) {
                    return Ok(None);
                }
                let at = zones::local(&row, 0)?;
                let text = at
                    .format(&format!("%Y-%m-%d %H:%M:%S{}", time::digits(at)))
                    .to_string();
                Ok(Some(match zones::name_of(&row, 0) {
                    Some(zone) => format!("{text} {zone}"),
                    None => text,
                }))
            });
            written.collect::<Result<_>>()?
        }
        _ => return Ok(cast(array, &DataType::Utf8)?),
    };
    Ok(Arc::new(texts))
}

/// A double as `7.1E1`.
fn number(of: f64, single: bool) -> String {
    if of.is_nan() {
        return "NaN".to_owned();
    }
    if of.is_infinite() {
        return if of > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    #[allow(clippy::cast_possible_truncation)]
    let text = match single {
        true => format!("{:E}", of as f32),
        false => format!("{of:E}"),
    };
    match text.split_once('E') {
        Some((digits, power)) if !digits.contains('.') => format!("{digits}.0E{power}"),
        _ => text,
    }
}

/// The elements of an array between delimiters, without those that are NULL, or with
/// another text in their places.
pub(super) fn array_join(batch: &Batch, _: &DataType) -> Result<ArrayRef> {
    let Some(list) = batch.arg(0).as_list_opt::<i32>() else {
        return exec_err!("array_join takes an array");
    };
    let texts = as_text(list.values())?;
    let texts = texts.as_string::<i32>();
    let joined = (0..batch.rows()).map(|at| {
        let row = batch.row(at);
        if row.any_null() {
            return None;
        }
        let instead = (row.count() > 2).then(|| row.text(2));
        let parts = row.range(0).filter_map(|at| match texts.is_valid(at) {
            true => Some(texts.value(at)),
            false => instead,
        });
        Some(parts.collect::<Vec<_>>().join(row.text(1)))
    });
    Ok(Arc::new(joined.collect::<StringArray>()))
}

/// Makes CASTs write, read and round as Trino's do; JSON is a text here.
#[derive(Debug)]
pub(super) struct Casts;

/// The function that reads a text as a type.
fn reads(to: &DataType) -> Option<&'static str> {
    Some(match to {
        DataType::Boolean => read::AS_BOOLEAN,
        DataType::Date32 | DataType::Date64 => read::AS_DATE,
        DataType::Timestamp(_, None) => read::AS_TIME,
        DataType::Timestamp(_, Some(_)) => read::AS_ZONED,
        to if to.is_signed_integer() => read::AS_WHOLE,
        to if to.is_floating() => read::AS_DOUBLE,
        _ => return None,
    })
}

/// The elements of an array, each cast. `None`: DataFusion casts them alike.
fn elements(
    inner: &Expr,
    item: &FieldRef,
    to: &FieldRef,
    tries: bool,
    depth: usize,
) -> Result<Option<Expr>> {
    let name = format!("item{depth}");
    let element = Expr::LambdaVariable(LambdaVariable::new(name.clone(), Some(Arc::clone(item))));
    let Some(called) = instead(&element, item, to.data_type(), tries, depth + 1)? else {
        return Ok(None);
    };
    let (expr, field) = (Box::new(called), Arc::clone(to));
    let body = match tries {
        true => Expr::TryCast(TryCast { expr, field }),
        false => Expr::Cast(Cast { expr, field }),
    };
    let each = logical_expr::lambda([name], body);
    Ok(Some(array_transform(inner.clone(), each)))
}

/// What is cast instead of an expression; `None`: itself.
fn instead(
    inner: &Expr,
    of: &Field,
    to: &DataType,
    tries: bool,
    depth: usize,
) -> Result<Option<Expr>> {
    let timed = is_text(of.data_type()) || matches!(of.data_type(), DataType::Timestamp(..));
    let unit = match to {
        DataType::Timestamp(TimeUnit::Second, _) if timed => 1_000_000_i64,
        DataType::Timestamp(TimeUnit::Millisecond, _) if timed => 1_000,
        _ => return read_or_written(inner, of, to, tries, depth),
    };
    let time = read_or_written(inner, of, to, tries, depth)?;
    let time = time.unwrap_or_else(|| inner.clone());
    super::call(ROUNDED_TIME, vec![time, lit(unit)]).map(Some)
}

fn read_or_written(
    inner: &Expr,
    of: &Field,
    to: &DataType,
    tries: bool,
    depth: usize,
) -> Result<Option<Expr>> {
    let called = |name: &str| super::call(name, vec![inner.clone()]).map(Some);
    if json::is_marked(of) {
        let (name, texts) = match item_of(to) {
            Some(_) => (json::AS_TEXTS, list_of(DataType::Utf8)),
            None => (json::AS_TEXT, DataType::Utf8),
        };
        let written = super::call(name, vec![inner.clone()])?;
        let of = Field::new(name, texts, true);
        let read = read_or_written(&written, &of, to, tries, depth)?;
        return Ok(Some(read.unwrap_or(written)));
    }
    let of = of.data_type();
    let instant = |of: &DataType| {
        let date = matches!(of, DataType::Date32 | DataType::Date64);
        date || matches!(of, DataType::Timestamp(..))
    };
    if (instant(of) && to.is_numeric()) || (of.is_numeric() && instant(to)) {
        return plan_err!(
            "Cannot cast {} to {}; to_unixtime(x) and from_unixtime(x) go between times and \
             seconds since 1970",
            type_name(of),
            type_name(to)
        );
    }
    match of {
        DataType::List(item) => match to {
            DataType::List(to) => elements(inner, item, to, tries, depth),
            _ => Ok(None),
        },
        DataType::Timestamp(..) if is_text(to) => called(AS_TEXT),
        of if of.is_floating() && is_text(to) => called(AS_TEXT),
        of if of.is_floating() && to.is_integer() => called(ROUNDED),
        DataType::Decimal128(precision, scale) if *scale > 0 && to.is_integer() => {
            let rounded = DataType::Decimal128(*precision, 0);
            Ok(Some(logical_expr::cast(inner.clone(), rounded)))
        }
        of if is_text(of) => match reads(to) {
            Some(name) if tries => super::call(name, vec![inner.clone(), lit(true)]).map(Some),
            Some(name) => called(name),
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

impl FunctionRewrite for Casts {
    fn name(&self) -> &str {
        "casts as Trino has them"
    }

    fn rewrite(
        &self,
        expr: Expr,
        schema: &DFSchema,
        _: &ConfigOptions,
    ) -> Result<Transformed<Expr>> {
        let (inner, to, tries) = match &expr {
            Expr::Cast(Cast { expr, field }) => (expr.as_ref(), field.data_type(), false),
            Expr::TryCast(TryCast { expr, field }) => (expr.as_ref(), field.data_type(), true),
            _ => return Ok(Transformed::no(expr)),
        };
        let Ok((_, of)) = inner.to_field(schema) else {
            return Ok(Transformed::no(expr));
        };
        let Some(called) = instead(inner, &of, to, tries, 0)? else {
            return Ok(Transformed::no(expr));
        };
        let called = Box::new(called);
        Ok(Transformed::yes(match expr {
            Expr::TryCast(TryCast { field, .. }) => Expr::TryCast(TryCast {
                expr: called,
                field,
            }),
            Expr::Cast(Cast { field, .. }) => Expr::Cast(Cast {
                expr: called,
                field,
            }),
            expr => expr,
        }))
    }
}
