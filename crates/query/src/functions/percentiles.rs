//! `approx_percentile`.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type, Schema};
use datafusion::common::{ScalarValue, exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{Accumulator, ColumnarValue};

use super::call::item_of;
use super::digest::{Digest, Parts};

/// The percentages that are asked for; they are the same for all rows.
fn percentages(args: &AccumulatorArgs<'_>) -> Result<Vec<f64>> {
    let Some(expr) = args.exprs.last() else {
        return exec_err!("approx_percentile takes a percentage");
    };
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let nothing = Arc::new(Schema::empty());
    let nothing = RecordBatch::try_new_with_options(nothing, Vec::new(), &options)?;
    let value = expr.evaluate(&nothing).and_then(|of| match of {
        ColumnarValue::Array(array) => ScalarValue::try_from_array(&array, 0),
        ColumnarValue::Scalar(of) => Ok(of),
    });
    let Ok(value) = value else {
        return plan_err!("the percentage of approx_percentile must be a constant");
    };
    let array = value.to_array_of_size(1)?;
    let array = match array.as_list_opt::<i32>() {
        Some(list) => list.value(0),
        None => array,
    };
    let array = cast(&array, &DataType::Float64)?;
    let parts = array.as_primitive::<Float64Type>();
    let parts = parts.iter().map(|part| match part {
        None => exec_err!("Percentile cannot be null"),
        Some(part) if !(0.0..=1.0).contains(&part) => {
            exec_err!("Percentile must be between 0 and 1")
        }
        Some(part) => Ok(part),
    });
    parts.collect()
}

/// `approx_percentile` of some rows.
#[derive(Debug)]
pub(super) struct Percentile {
    parts: Vec<f64>,
    gives: DataType,
    digest: Digest,
}

impl Percentile {
    pub(super) fn new(args: &AccumulatorArgs<'_>) -> Result<Self> {
        Ok(Self {
            parts: percentages(args)?,
            gives: args.return_type().clone(),
            digest: Digest::default(),
        })
    }
}

impl Accumulator for Percentile {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let x = cast(&values[0], &DataType::Float64)?;
        let x = x.as_primitive::<Float64Type>();
        let weights = (values.len() > 2).then(|| values[1].as_primitive::<Float64Type>());
        for row in 0..x.len() {
            if x.is_null(row) || weights.is_some_and(|of| of.is_null(row)) {
                continue;
            }
            let weight = weights.map_or(1.0, |of| of.value(row));
            if weight < 1.0 || weight.is_nan() {
                return exec_err!("percentile weight must be >= 1");
            }
            if x.value(row).is_nan() {
                return exec_err!("the percentile of NaN is not known");
            }
            self.digest.add(x.value(row), weight);
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let of = item_of(&self.gives).unwrap_or(&self.gives).clone();
        let mut quantile = |part: f64| -> Result<ScalarValue> {
            let value = self.digest.quantile(part);
            let value = value.map(|of_x| {
                if of.is_integer() {
                    (of_x + 0.5).floor()
                } else {
                    of_x
                }
            });
            ScalarValue::Float64(value).cast_to(&of)
        };
        if item_of(&self.gives).is_none() {
            return match self.parts.first() {
                Some(part) => quantile(*part),
                None => ScalarValue::try_new_null(&of),
            };
        }
        let parts = std::mem::take(&mut self.parts);
        let values = parts
            .iter()
            .map(|part| quantile(*part))
            .collect::<Result<Vec<_>>>()?;
        self.parts = parts;
        if values.iter().any(ScalarValue::is_null) {
            return ScalarValue::try_new_null(&self.gives);
        }
        Ok(ScalarValue::List(ScalarValue::new_list_nullable(
            &values, &of,
        )))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.digest.bytes()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let Parts {
            sorted,
            exact,
            ends,
        } = self.digest.parts();
        let list = |of: Vec<f64>| {
            let of: Vec<_> = of.into_iter().map(ScalarValue::from).collect();
            ScalarValue::List(ScalarValue::new_list_nullable(&of, &DataType::Float64))
        };
        let means = sorted.iter().map(|(mean, _)| *mean).collect();
        let weights = sorted.iter().map(|(_, weight)| *weight).collect();
        let exact = if exact { 1.0 } else { 0.0 };
        let known = match ends {
            Some((low, high)) => vec![exact, low, high],
            None => vec![exact],
        };
        Ok(vec![list(means), list(weights), list(known)])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists: Vec<_> = states.iter().map(|of| of.as_list::<i32>()).collect();
        for row in 0..lists[0].len() {
            let parts = lists.iter().map(|of| of.value(row));
            let parts: Vec<_> = parts
                .map(|of| of.as_primitive::<Float64Type>().values().to_vec())
                .collect();
            let sorted = parts[0].iter().copied().zip(parts[1].iter().copied());
            let (exact, ends) = match parts[2][..] {
                [exact, low, high] => (exact > 0.0, Some((low, high))),
                _ => (true, None),
            };
            let parts = Parts {
                sorted: sorted.collect(),
                exact,
                ends,
            };
            self.digest.merge(&Digest::of_parts(parts));
        }
        Ok(())
    }
}
