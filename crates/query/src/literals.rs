//! Numbers, patterns and lengths of texts that a statement writes out.

use datafusion::common::plan_datafusion_err;
use datafusion::error::Result;
use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, CastKind, CharacterLength, DataType, Expr, UnaryOperator, Value,
    ValueWithSpan,
};

use super::functions;
use super::rewrite::{attempt, call, number, text};

/// A pattern of LIKE. DataFusion takes the backslash for the escape character, Trino the
/// one that is named, or none.
pub(super) fn like(pattern: Expr, escape: Option<ValueWithSpan>) -> Result<Expr> {
    let escape = match escape.map(|of| of.value) {
        None => None,
        Some(Value::SingleQuotedString(of)) => Some(of),
        Some(_) => {
            return Err(plan_datafusion_err!(
                "Escape string must be a single character"
            ));
        }
    };
    Ok(match &pattern {
        Expr::Value(ValueWithSpan {
            value: Value::SingleQuotedString(written),
            ..
        }) => text(&functions::like_pattern(written, escape.as_deref())?),
        _ => {
            let escape = escape.as_deref().map(text);
            let args = std::iter::once(pattern).chain(escape);
            call(functions::LIKE_PATTERN, args.collect())
        }
    })
}

/// How long a text of a type may be. DataFusion takes every text for one without end.
pub(super) fn length(of: &DataType) -> Result<Option<u64>> {
    match of {
        DataType::Varchar(Some(CharacterLength::IntegerLength { length, .. })) => Ok(Some(*length)),
        DataType::Char(_) | DataType::Character(_) => Err(plan_datafusion_err!(
            "the type char is not there: take varchar(n), which is not filled with spaces, or \
             rpad(x, n, ' ')"
        )),
        DataType::Array(
            ArrayElemTypeDef::AngleBracket(of)
            | ArrayElemTypeDef::SquareBracket(of, _)
            | ArrayElemTypeDef::Parenthesis(of),
        ) => match length(of)? {
            None => Ok(None),
            Some(n) => Err(plan_datafusion_err!(
                "array(varchar({n})) is not there: take array(varchar), and substr in transform"
            )),
        },
        _ => Ok(None),
    }
}

/// A text that was a text is cut; what is written as one has to fit.
pub(super) fn of_length(kind: CastKind, expr: Expr, most: u64) -> Expr {
    let of = call("typeof", vec![expr.clone()]);
    let tries = kind == CastKind::TryCast;
    let whole = Expr::Cast {
        kind,
        expr: Box::new(expr),
        data_type: DataType::Varchar(None),
        array: false,
        format: None,
    };
    let fits = call(
        functions::OF_LENGTH,
        vec![whole, number(&most.to_string()), of],
    );
    if tries { attempt(fits) } else { fits }
}

/// The least bigint, which behind its minus is none, becomes one number with it.
pub(super) fn least(expr: &mut Expr) {
    const WITHOUT_SIGN: &str = "9223372036854775808";
    if let Expr::UnaryOp {
        op: UnaryOperator::Minus,
        expr: of,
    } = expr
        && let Expr::Value(value) = of.as_ref()
        && matches!(&value.value, Value::Number(digits, _) if digits == WITHOUT_SIGN)
    {
        *expr = number(&format!("-{WITHOUT_SIGN}"));
    }
}

/// A whole number that is written has to be a bigint.
pub(super) fn whole(value: ValueWithSpan) -> Result<ValueWithSpan> {
    if let Value::Number(digits, _) = &value.value
        && digits.bytes().all(|of| of.is_ascii_digit())
        && digits.parse::<i64>().is_err()
    {
        return Err(plan_datafusion_err!("Invalid numeric literal: {digits}"));
    }
    Ok(value)
}
