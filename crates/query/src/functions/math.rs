//! Numbers, and what compares values.

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::Float64Type;
use datafusion::common::exec_err;
use datafusion::error::Result;

use super::call::{Body, Form, Function, Kind, boolean, double, first, form, whole};
use super::row::{Row, Value};

use Kind::{Double, Doubles, Item, Whole};

/// A function of doubles.
macro_rules! doubles {
    ($name:literal, $of:expr) => {
        Function {
            name: $name,
            forms: &[form(&[Double], double, |row| {
                let of: fn(f64) -> f64 = $of;
                Ok(of(row.double(0)).into())
            })],
        }
    };
}

/// A function that makes a whole number of a double, and leaves whole ones.
macro_rules! rounding {
    ($name:literal, $of:expr) => {
        Function {
            name: $name,
            forms: &[
                form(&[Whole], whole, |row| Ok(row.whole(0).into())),
                form(&[Double], double, |row| {
                    let of: fn(f64) -> f64 = $of;
                    Ok(of(row.double(0)).into())
                }),
            ],
        }
    };
}

/// A constant.
macro_rules! constant {
    ($name:literal, $of:expr) => {
        Function {
            name: $name,
            forms: &[form(&[], double, |_| Ok(Value::Double($of)))],
        }
    };
}

/// What a double is.
macro_rules! is {
    ($name:literal, $of:expr) => {
        Function {
            name: $name,
            forms: &[form(&[Double], boolean, |row| {
                let of: fn(f64) -> bool = $of;
                Ok(of(row.double(0)).into())
            })],
        }
    };
}

/// A function of the bits of two whole numbers.
macro_rules! bits {
    ($name:literal, $of:expr) => {
        Function {
            name: $name,
            forms: &[form(&[Whole, Whole], whole, |row| {
                let of: fn(i64, i64) -> i64 = $of;
                Ok(of(row.whole(0), row.whole(1)).into())
            })],
        }
    };
}

/// The functions.
pub(super) const FUNCTIONS: &[Function] = &[
    rounding!("ceil", f64::ceil),
    rounding!("ceiling", f64::ceil),
    rounding!("floor", f64::floor),
    doubles!("truncate", f64::trunc),
    // DataFusion's fails below 0.
    doubles!("sqrt", f64::sqrt),
    Function {
        name: "round",
        forms: &[
            form(&[Whole], whole, |row| Ok(row.whole(0).into())),
            form(&[Double], double, |row| Ok(row.double(0).round().into())),
            form(&[Whole, Whole], whole, |row| {
                whole_to(row.whole(0), row.whole(1))
            }),
            form(&[Double, Whole], double, |row| {
                let digits = i32::try_from(row.whole(1)).unwrap_or(i32::MAX);
                let (of, power) = (row.double(0), 10_f64.powi(digits));
                let rounded = (of * power).round() / power;
                Ok(if rounded.is_finite() { rounded } else { of }.into())
            }),
        ],
    },
    Function {
        name: "sign",
        forms: &[
            form(&[Whole], whole, |row| Ok(row.whole(0).signum().into())),
            form(&[Double], double, |row| {
                let of = row.double(0);
                Ok(if of == 0.0 { of } else { of.signum() }.into())
            }),
        ],
    },
    Function {
        name: "power",
        forms: POWER,
    },
    Function {
        name: "pow",
        forms: POWER,
    },
    Function {
        name: "mod",
        forms: &[
            form(&[Whole, Whole], whole, |row| match row.whole(1) {
                0 => exec_err!("Division by zero"),
                by => Ok(row.whole(0).wrapping_rem(by).into()),
            }),
            form(&[Double, Double], double, |row| {
                Ok((row.double(0) % row.double(1)).into())
            }),
        ],
    },
    constant!("e", std::f64::consts::E),
    constant!("infinity", f64::INFINITY),
    constant!("nan", f64::NAN),
    is!("is_nan", f64::is_nan),
    is!("is_finite", f64::is_finite),
    is!("is_infinite", f64::is_infinite),
    bits!("bitwise_and", |a, b| a & b),
    bits!("bitwise_or", |a, b| a | b),
    bits!("bitwise_xor", |a, b| a ^ b),
    Function {
        name: "bitwise_not",
        forms: &[form(&[Whole], whole, |row| Ok((!row.whole(0)).into()))],
    },
    Function {
        name: "width_bucket",
        forms: &[
            form(&[Double, Double, Double, Whole], whole, bucket),
            form(&[Double, Doubles], whole, bin),
        ],
    },
    Function {
        name: "greatest",
        forms: &[Form {
            takes: &[Item],
            more: true,
            gives: first,
            body: Body::Row(|row| most(row, std::cmp::Ordering::Greater)),
        }],
    },
    Function {
        name: "least",
        forms: &[Form {
            takes: &[Item],
            more: true,
            gives: first,
            body: Body::Row(|row| most(row, std::cmp::Ordering::Less)),
        }],
    },
];

const POWER: &[Form] = &[form(&[Double, Double], double, |row| {
    Ok(row.double(0).powf(row.double(1)).into())
})];

/// A whole number rounded to so many digits behind its end, which below 0 are before it.
fn whole_to(of: i64, digits: i64) -> Result<Value> {
    if digits >= 0 {
        return Ok(of.into());
    }
    let power = digits.checked_neg().and_then(|of| u32::try_from(of).ok());
    let Some(power) = power.and_then(|of| 10_i128.checked_pow(of)) else {
        return Ok(0.into());
    };
    let of = i128::from(of);
    let rounded = (of.abs() + power / 2) / power * power * of.signum();
    match i64::try_from(rounded) {
        Ok(rounded) => Ok(rounded.into()),
        Err(_) => exec_err!("numerical overflow: {of} has no bigint rounded so"),
    }
}

/// Which of `count` buckets of one width a number is in; below them 0, above one more.
fn bucket(row: &Row<'_>) -> Result<Value> {
    let (of, one, other, count) = (row.double(0), row.double(1), row.double(2), row.whole(3));
    if count <= 0 {
        return exec_err!("bucketCount must be greater than 0");
    }
    if of.is_nan() {
        return exec_err!("operand must not be NaN");
    }
    if !one.is_finite() {
        return exec_err!("first bound must be finite");
    }
    if !other.is_finite() {
        return exec_err!("second bound must be finite");
    }
    #[allow(clippy::float_cmp)]
    if one == other {
        return exec_err!("bounds cannot equal each other");
    }
    let (lower, upper) = (one.min(other), one.max(other));
    let at = if of < lower {
        0
    } else if of >= upper {
        count + 1
    } else {
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
        let at = (count as f64 * (of - lower) / (upper - lower)).floor() as i64;
        at + 1
    };
    Ok(if one > other { count - at + 1 } else { at }.into())
}

/// After how many of some limits a number is.
fn bin(row: &Row<'_>) -> Result<Value> {
    let of = row.double(0);
    let limits = row.elements(1).as_primitive::<Float64Type>();
    let limits = &limits.values()[row.range(1)];
    if limits.is_empty() {
        return exec_err!("Bins cannot be an empty array");
    }
    if of.is_nan() {
        return exec_err!("Operand cannot be NaN");
    }
    if !limits.is_sorted() {
        return exec_err!("Bin values are not sorted in ascending order");
    }
    let at = limits.partition_point(|limit| *limit <= of);
    Ok(i64::try_from(at).unwrap_or(i64::MAX).into())
}

/// The greatest or the least of the arguments; NULL if any is.
fn most(row: &Row<'_>, wanted: std::cmp::Ordering) -> Result<Value> {
    let mut best = 0;
    for arg in 1..row.count() {
        if row.keys(arg)?.row(row.at).cmp(&row.keys(best)?.row(row.at)) == wanted {
            best = arg;
        }
    }
    Ok(Value::Item(Some((best, row.at))))
}
