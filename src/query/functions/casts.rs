//! Values as texts, written as a CAST to varchar writes them.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Cast, ScalarFunction, TryCast};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{Expr, ExprSchemable, ScalarUDF};

use super::call::{Body, Call, Form, Function, Kind, is_text, item_of, text};
use super::row::Batch;
use super::{json, time, zones};

/// What a CAST to varchar is planned as.
pub(super) const AS_TEXT: &str = "as_varchar";

/// What `approx_distinct` counts: values of a type that DataFusion's can hash.
pub(in crate::query) const DISTINCT_KEY: &str = "distinct_key";

/// A value as it is, which is not known to be unique nor to say what other columns are.
pub(in crate::query) const AS_IT_IS: &str = "as_it_is";

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
        name: AS_IT_IS,
        forms: &[Form {
            takes: &[Kind::Any],
            more: false,
            gives: super::call::first,
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

/// Makes CASTs write and read as Trino's do: times and doubles into texts, and JSON,
/// which is a text here.
#[derive(Debug)]
pub(super) struct Casts;

fn call(name: &str, arg: Expr) -> Option<Expr> {
    let mut all = FUNCTIONS.iter().chain(json::FUNCTIONS);
    let function = all.find(|of| of.name == name)?;
    let udf = Arc::new(ScalarUDF::from(Call::new(function)));
    Some(Expr::ScalarFunction(ScalarFunction::new_udf(
        udf,
        vec![arg],
    )))
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
        let (inner, to) = match &expr {
            Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field }) => {
                (expr.as_ref(), field.data_type())
            }
            _ => return Ok(Transformed::no(expr)),
        };
        let Ok((_, of)) = inner.to_field(schema) else {
            return Ok(Transformed::no(expr));
        };
        let name = if json::is_marked(&of) {
            match item_of(to) {
                Some(_) => json::AS_TEXTS,
                None => json::AS_TEXT,
            }
        } else {
            let special =
                matches!(of.data_type(), DataType::Timestamp(..)) || of.data_type().is_floating();
            match special && is_text(to) {
                true => AS_TEXT,
                false => return Ok(Transformed::no(expr)),
            }
        };
        let Some(called) = call(name, inner.clone()) else {
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
