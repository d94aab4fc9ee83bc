//! Operators that mean another thing in Trino, or that it has not.
//!
//! Whole numbers that become too large fail; NaN equals nothing and is neither less nor
//! greater; a text does not compare with a number. Patterns of LIKE have an escape
//! character only where one is named.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, BooleanArray, Datum};
use datafusion::arrow::compute::kernels::numeric::{add, mul, sub};
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::arrow::error::ArrowError;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue, exec_datafusion_err, exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Between, Case, InList};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, cast};

use super::call::{Body, Form, Function, Kind, boolean, first, form, is_text, text};
use super::names::type_name;
use super::row::Batch;

use Kind::Text;

const PLUS: &str = "checked_plus";
const MINUS: &str = "checked_minus";
const TIMES: &str = "checked_times";
const EQUAL: &str = "double_equal";
const OTHER: &str = "double_other";
const LESS: &str = "double_less";
const LESS_OR_EQUAL: &str = "double_less_or_equal";
/// A pattern of LIKE with the backslash as its escape character.
pub(crate) const LIKE_PATTERN: &str = "like_pattern";

/// Functions that statements are planned with and nobody writes.
pub(super) const INTERNAL: &[&str] = &[
    PLUS,
    MINUS,
    TIMES,
    EQUAL,
    OTHER,
    LESS,
    LESS_OR_EQUAL,
    LIKE_PATTERN,
];

/// One that fails where the result has no place in its type.
macro_rules! checked {
    ($name:expr, $of:expr, $called:literal) => {
        Function {
            name: $name,
            forms: &[Form {
                takes: &[Kind::Item, Kind::Item],
                more: false,
                gives: first,
                body: Body::All(|batch, _| computed(batch, $of, $called)),
            }],
        }
    };
}

/// One that compares doubles by IEEE 754.
macro_rules! compares {
    ($name:expr, $of:expr) => {
        Function {
            name: $name,
            forms: &[Form {
                takes: &[Kind::Double, Kind::Double],
                more: false,
                gives: boolean,
                body: Body::All(|batch, _| {
                    let of: fn(f64, f64) -> bool = $of;
                    let one = batch.arg(0).as_primitive::<Float64Type>();
                    let other = batch.arg(1).as_primitive::<Float64Type>();
                    Ok(Arc::new(BooleanArray::from_binary(one, other, of)))
                }),
            }],
        }
    };
}

/// The functions.
#[allow(clippy::float_cmp)]
pub(super) const FUNCTIONS: &[Function] = &[
    checked!(PLUS, add, "addition"),
    checked!(MINUS, sub, "subtraction"),
    checked!(TIMES, mul, "multiplication"),
    compares!(EQUAL, |a, b| a == b),
    compares!(OTHER, |a, b| a != b),
    compares!(LESS, |a, b| a < b),
    compares!(LESS_OR_EQUAL, |a, b| a <= b),
    Function {
        name: LIKE_PATTERN,
        forms: &[
            form(&[Text], text, |row| Ok(pattern(row.text(0), None)?.into())),
            form(&[Text, Text], text, |row| {
                Ok(pattern(row.text(0), Some(row.text(1)))?.into())
            }),
        ],
    },
];

type Kernel = fn(&dyn Datum, &dyn Datum) -> Result<ArrayRef, ArrowError>;

fn computed(batch: &Batch, kernel: Kernel, called: &str) -> Result<ArrayRef> {
    kernel(batch.arg(0), batch.arg(1)).map_err(|error| match error {
        ArrowError::ArithmeticOverflow(told) => {
            let of = type_name(batch.arg(0).data_type());
            let told = told.strip_prefix("Overflow happened on: ").unwrap_or(&told);
            exec_datafusion_err!("{of} {called} overflow: {told}")
        }
        error => error.into(),
    })
}

/// Writes a pattern of LIKE with the backslash as its escape character, which DataFusion
/// always has.
///
/// # Errors
/// The escape character is none, or stands before what needs none.
pub(crate) fn pattern(written: &str, escape: Option<&str>) -> Result<String> {
    let escape = match escape.map(|of| (of.chars().next(), of.chars().count())) {
        None => None,
        Some((Some(one), 1)) => Some(one),
        Some(_) => return exec_err!("Escape string must be a single character"),
    };
    let mut pattern = String::with_capacity(written.len());
    let mut rest = written.chars();
    while let Some(one) = rest.next() {
        let literal = match Some(one) == escape {
            false => (one == '\\').then_some(one),
            true => match rest.next().filter(|of| ['%', '_', one].contains(of)) {
                Some(next) => Some(next),
                None => {
                    return exec_err!(
                        "Escape character must be followed by '%', '_' or the escape character itself"
                    );
                }
            },
        };
        match literal {
            Some(of @ ('\\' | '%' | '_')) => pattern.extend(['\\', of]),
            Some(of) => pattern.push(of),
            None => pattern.push(one),
        }
    }
    Ok(pattern)
}

/// Plans operators as Trino has them.
#[derive(Debug)]
pub(super) struct Operators;

fn is_date(of: &DataType) -> bool {
    matches!(of, DataType::Date32 | DataType::Date64)
}

/// Whether one is a text and the other a number.
fn mixed(one: &DataType, other: &DataType) -> bool {
    (is_text(one) && other.is_numeric()) || (one.is_numeric() && is_text(other))
}

fn refused<T>(one: &DataType, op: &str, other: &DataType, instead: &str) -> Result<T> {
    let (one, other) = (type_name(one), type_name(other));
    plan_err!("Cannot apply operator: {one} {op} {other}; {instead}")
}

/// A whole number of a type that Trino has.
fn signed(expr: Expr, of: &DataType) -> Expr {
    match of.is_unsigned_integer() {
        true => cast(expr, DataType::Int64),
        false => expr,
    }
}

/// Whether an interval says hours or less.
fn has_hours(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(of)), _) => of.nanoseconds != 0,
        Expr::Literal(ScalarValue::IntervalDayTime(Some(of)), _) => of.milliseconds != 0,
        _ => false,
    }
}

/// Doubles that are equal. Where both sides have columns the equality stays one, which
/// tables can be joined by.
fn equal(left: Expr, right: Expr) -> Result<Expr> {
    let (in_left, in_right) = (left.contains_outer(), right.contains_outer());
    let columns = |of: &Expr, outer: bool| outer || of.any_column_refs();
    if left.is_volatile() || !columns(&left, in_left) || !columns(&right, in_right) {
        return super::call(EQUAL, vec![left, right]);
    }
    let judged = if in_left { right.clone() } else { left.clone() };
    let nan = super::call("is_nan", vec![judged])?;
    Ok(left.eq(right).and(Expr::Not(Box::new(nan))))
}

fn binary(expr: BinaryExpr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    use Operator::{Eq, Gt, GtEq, Lt, LtEq, Minus, Multiply, NotEq, Plus};
    let types = (expr.left.get_type(schema), expr.right.get_type(schema));
    let (Ok(one), Ok(other)) = types else {
        return Ok(Transformed::no(Expr::BinaryExpr(expr)));
    };
    let op = expr.op;
    let compares = matches!(
        op,
        Eq | NotEq | Lt | LtEq | Gt | GtEq | Operator::IsDistinctFrom | Operator::IsNotDistinctFrom
    );
    let computes = matches!(
        op,
        Plus | Minus | Multiply | Operator::Divide | Operator::Modulo
    );
    if (compares || computes) && mixed(&one, &other) {
        return refused(&one, &op.to_string(), &other, "CAST one of them");
    }
    let whole = one.is_integer() && other.is_integer();
    let doubles =
        (one.is_floating() && other.is_numeric()) || (one.is_numeric() && other.is_floating());
    let days = matches!(op, Plus | Minus);
    if days && ((is_date(&one) && other.is_integer()) || (one.is_integer() && is_date(&other))) {
        return refused(
            &one,
            &op.to_string(),
            &other,
            "date_add('day', n, date) adds days",
        );
    }
    if op == Minus && is_date(&one) && is_date(&other) {
        return refused(
            &one,
            "-",
            &other,
            "date_diff('day', y, x) counts the days of x - y",
        );
    }
    if days
        && ((is_date(&one) && has_hours(&expr.right)) || (is_date(&other) && has_hours(&expr.left)))
    {
        return plan_err!("Cannot add hour, minutes or seconds to a date; CAST it to a timestamp");
    }
    let (left, right) = (*expr.left, *expr.right);
    let planned = match op {
        Plus | Minus | Multiply if whole => {
            let name = match op {
                Plus => PLUS,
                Minus => MINUS,
                _ => TIMES,
            };
            super::call(name, vec![signed(left, &one), signed(right, &other)])?
        }
        Eq if doubles => equal(left, right)?,
        NotEq if doubles => super::call(OTHER, vec![left, right])?,
        Lt if doubles => super::call(LESS, vec![left, right])?,
        LtEq if doubles => super::call(LESS_OR_EQUAL, vec![left, right])?,
        Gt if doubles => super::call(LESS, vec![right, left])?,
        GtEq if doubles => super::call(LESS_OR_EQUAL, vec![right, left])?,
        op => {
            let (left, right) = (Box::new(left), Box::new(right));
            return Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr {
                left,
                op,
                right,
            })));
        }
    };
    Ok(Transformed::yes(planned))
}

/// Refuses conditions that are none.
fn conditions(case: &Case, schema: &DFSchema) -> Result<()> {
    for (condition, _) in &case.when_then_expr {
        match condition.get_type(schema) {
            Ok(DataType::Boolean | DataType::Null) | Err(_) => {}
            Ok(of) => {
                let of = type_name(&of);
                return plan_err!("CASE WHEN clause must evaluate to a boolean (actual: {of})");
            }
        }
    }
    Ok(())
}

impl FunctionRewrite for Operators {
    fn name(&self) -> &str {
        "operators as Trino has them"
    }

    fn rewrite(
        &self,
        expr: Expr,
        schema: &DFSchema,
        _: &ConfigOptions,
    ) -> Result<Transformed<Expr>> {
        let expr = match expr {
            Expr::BinaryExpr(expr) => return binary(expr, schema),
            expr => expr,
        };
        let (of, op, others): (_, _, Vec<&Expr>) = match &expr {
            Expr::Case(Case {
                expr: Some(of),
                when_then_expr,
                ..
            }) => (
                of,
                "=",
                when_then_expr.iter().map(|(of, _)| of.as_ref()).collect(),
            ),
            Expr::Case(case) => {
                conditions(case, schema)?;
                return Ok(Transformed::no(expr));
            }
            Expr::InList(InList { expr, list, .. }) => (expr, "IN", list.iter().collect()),
            Expr::Between(Between {
                expr, low, high, ..
            }) => (expr, "BETWEEN", vec![low.as_ref(), high.as_ref()]),
            _ => return Ok(Transformed::no(expr)),
        };
        if let Ok(one) = of.get_type(schema) {
            for other in others {
                match other.get_type(schema) {
                    Ok(other) if mixed(&one, &other) => {
                        return refused(&one, op, &other, "CAST one of them");
                    }
                    _ => {}
                }
            }
        }
        Ok(Transformed::no(expr))
    }
}
