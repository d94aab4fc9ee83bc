//! `sum` of whole numbers, which fails where a bigint has no place for it.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array};
use datafusion::arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::functions_aggregate::sum::Sum;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, SetMonotonicity,
    Signature, StatisticsArgs,
};

/// DataFusion's `sum`, but for bigints.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct CheckedSum {
    others: Sum,
}

fn of_whole(args: &AccumulatorArgs<'_>) -> bool {
    *args.return_field.data_type() == DataType::Int64
}

fn overflow<T>() -> Result<T> {
    exec_err!(
        "bigint addition overflow: the sum has no place in a bigint; sum(cast(x AS double)) has"
    )
}

impl AggregateUDFImpl for CheckedSum {
    fn name(&self) -> &str {
        self.others.name()
    }

    fn signature(&self) -> &Signature {
        self.others.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.others.return_type(types)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.others.state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(match (of_whole(&args), args.is_distinct) {
            (true, false) => Box::new(Total::default()),
            (true, true) => Box::new(Different::default()),
            (false, _) => self.others.accumulator(args)?,
        })
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.others.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        match of_whole(&args) {
            true => Ok(Box::new(Totals::default())),
            false => self.others.create_groups_accumulator(args),
        }
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        match of_whole(&args) && !args.is_distinct {
            true => Ok(Box::new(Total::default())),
            false => self.others.create_sliding_accumulator(args),
        }
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.others.reverse_expr()
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.others.order_sensitivity()
    }

    fn set_monotonicity(&self, of: &DataType) -> SetMonotonicity {
        self.others.set_monotonicity(of)
    }

    fn value_from_stats(&self, args: &StatisticsArgs<'_>) -> Option<ScalarValue> {
        self.others.value_from_stats(args)
    }
}

/// One sum, from which rows may be taken away again.
#[derive(Debug, Default)]
struct Total {
    sum: i128,
    rows: i128,
}

impl Total {
    fn add(&mut self, values: &ArrayRef, sign: i128) {
        let values = values.as_primitive::<Int64Type>();
        self.rows += sign * (values.len() - values.null_count()) as i128;
        let sum: i128 = match values.null_count() {
            0 => values.values().iter().copied().map(i128::from).sum(),
            _ => values.iter().flatten().map(i128::from).sum(),
        };
        self.sum += sign * sum;
    }
}

impl Accumulator for Total {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.add(&values[0], 1);
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.add(&values[0], -1);
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        match i64::try_from(self.sum) {
            _ if self.rows == 0 => Ok(ScalarValue::Int64(None)),
            Ok(sum) => Ok(ScalarValue::Int64(Some(sum))),
            Err(_) => overflow(),
        }
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// The sum of values that differ.
#[derive(Debug, Default)]
struct Different {
    values: HashSet<i64>,
}

impl Accumulator for Different {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = values[0].as_primitive::<Int64Type>();
        self.values.extend(values.iter().flatten());
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for values in states[0].as_list::<i32>().iter().flatten() {
            self.update_batch(&[values])?;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sum: i128 = self.values.iter().copied().map(i128::from).sum();
        match i64::try_from(sum) {
            _ if self.values.is_empty() => Ok(ScalarValue::Int64(None)),
            Ok(sum) => Ok(ScalarValue::Int64(Some(sum))),
            Err(_) => overflow(),
        }
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = self.values.iter().map(|of| ScalarValue::Int64(Some(*of)));
        let values: Vec<_> = values.collect();
        let list = ScalarValue::new_list_nullable(&values, &DataType::Int64);
        Ok(vec![ScalarValue::List(list)])
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.capacity() * size_of::<i64>()
    }
}

/// A sum for each group.
#[derive(Debug, Default)]
struct Totals {
    sums: Vec<i64>,
    /// Whether a group has a value that is not NULL.
    seen: Vec<bool>,
}

impl GroupsAccumulator for Totals {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        count: usize,
    ) -> Result<()> {
        self.sums.resize(count, 0);
        self.seen.resize(count, false);
        let values = values[0].as_primitive::<Int64Type>();
        let wanted = |at: usize| {
            filter.is_none_or(|filter| filter.is_valid(at) && filter.value(at))
                && values.is_valid(at)
        };
        for (at, group) in groups.iter().copied().enumerate() {
            if !wanted(at) {
                continue;
            }
            let Some(sum) = self.sums[group].checked_add(values.value(at)) else {
                return overflow();
            };
            self.sums[group] = sum;
            self.seen[group] = true;
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], count: usize) -> Result<()> {
        self.update_batch(states, groups, None, count)
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let sums = emit.take_needed(&mut self.sums);
        let seen = emit.take_needed(&mut self.seen);
        Ok(Arc::new(Int64Array::new(sums.into(), Some(seen.into()))))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit)?])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let Some(filter) = filter else {
            return Ok(vec![Arc::clone(&values[0])]);
        };
        let values = values[0].as_primitive::<Int64Type>().iter();
        let kept = values
            .zip(filter)
            .map(|(of, kept)| of.filter(|_| kept == Some(true)));
        Ok(vec![Arc::new(kept.collect::<Int64Array>())])
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<i64>() + self.seen.capacity()
    }
}
