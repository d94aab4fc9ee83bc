//! What takes an expression and evaluates it itself: `reduce`, and `try`, whose argument
//! is made a lambda of no parameters (`rewrite`).

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, NullArray, UInt32Array, UInt64Array, new_null_array,
};
use datafusion::arrow::compute::{cast, concat, interleave, is_null, nullif, take, take_arrays};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{exec_err, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, HigherOrderFunctionArgs, HigherOrderReturnFieldArgs, HigherOrderSignature,
    HigherOrderUDFImpl, LambdaArgument, LambdaParametersProgress, ValueOrLambda, Volatility,
};

use super::call::{in_common, item_of, list_of};

/// `try(expression)`: NULL where it fails.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Try(HigherOrderSignature);

impl Try {
    pub(super) fn new() -> Self {
        let one = vec![ValueOrLambda::Lambda(())];
        Self(HigherOrderSignature::exact(one, Volatility::Immutable))
    }
}

impl HigherOrderUDFImpl for Try {
    fn name(&self) -> &str {
        "try"
    }

    fn signature(&self) -> &HigherOrderSignature {
        &self.0
    }

    fn coerce_value_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn lambda_parameters(
        &self,
        _: usize,
        _: &[ValueOrLambda<FieldRef, Option<FieldRef>>],
    ) -> Result<LambdaParametersProgress> {
        Ok(LambdaParametersProgress::Complete(vec![Vec::new()]))
    }

    fn return_field_from_args(&self, args: HigherOrderReturnFieldArgs<'_>) -> Result<FieldRef> {
        match args.arg_fields {
            [ValueOrLambda::Lambda(of)] => Ok(Arc::new(
                of.as_ref().clone().with_name("").with_nullable(true),
            )),
            _ => plan_err!("try takes one expression"),
        }
    }

    fn invoke_with_args(&self, args: HigherOrderFunctionArgs) -> Result<ColumnarValue> {
        let [ValueOrLambda::Lambda(tried)] = &args.args[..] else {
            return exec_err!("try takes one expression");
        };
        let array = attempt(tried, 0, args.number_rows, args.return_type())?;
        Ok(ColumnarValue::Array(array))
    }

    /// What is tried is evaluated nowhere else first.
    fn short_circuits(&self) -> bool {
        true
    }
}

/// Some rows; halves of them where that fails, down to the row that does.
fn attempt(tried: &LambdaArgument, from: usize, rows: usize, of: &DataType) -> Result<ArrayRef> {
    let evaluated = tried.evaluate(
        &[&|| Ok(Arc::new(NullArray::new(rows)) as ArrayRef)],
        |captured| {
            Ok(captured
                .iter()
                .map(|column| column.slice(from, rows))
                .collect())
        },
    );
    match evaluated.and_then(|value| value.into_array(rows)) {
        Ok(array) => Ok(array),
        Err(error) if matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)) => {
            Err(error)
        }
        Err(_) if rows <= 1 => Ok(new_null_array(of, rows)),
        Err(_) => {
            let half = rows / 2;
            let first = attempt(tried, from, half, of)?;
            let second = attempt(tried, from + half, rows - half, of)?;
            Ok(concat(&[first.as_ref(), second.as_ref()])?)
        }
    }
}

/// `reduce(array, start, (state, element) -> state, state -> result)`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Reduce(HigherOrderSignature);

impl Reduce {
    pub(super) fn new() -> Self {
        Self(HigherOrderSignature::user_defined(Volatility::Immutable))
    }
}

const TAKES: &str = "reduce takes an array, a start, (state, element) -> state and state -> result";

fn field(of: &DataType) -> FieldRef {
    Arc::new(Field::new("", of.clone(), true))
}

impl HigherOrderUDFImpl for Reduce {
    fn name(&self) -> &str {
        "reduce"
    }

    fn signature(&self) -> &HigherOrderSignature {
        &self.0
    }

    fn coerce_value_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [list, start] => match (item_of(list), list) {
                (Some(item), _) => Ok(vec![list_of(item.clone()), start.clone()]),
                (None, DataType::Null) => Ok(vec![list_of(DataType::Null), start.clone()]),
                _ => plan_err!("{TAKES}"),
            },
            _ => plan_err!("{TAKES}"),
        }
    }

    fn lambda_parameters(
        &self,
        _: usize,
        fields: &[ValueOrLambda<FieldRef, Option<FieldRef>>],
    ) -> Result<LambdaParametersProgress> {
        let [
            ValueOrLambda::Value(list),
            ValueOrLambda::Value(start),
            ValueOrLambda::Lambda(step),
            ValueOrLambda::Lambda(_),
        ] = fields
        else {
            return plan_err!("{TAKES}");
        };
        let item = field(item_of(list.data_type()).unwrap_or(&DataType::Null));
        let start = start.data_type();
        // The state is as wide as what the step makes of it.
        Ok(match step {
            None => LambdaParametersProgress::Partial(vec![Some(vec![field(start), item]), None]),
            Some(step) => {
                let state = in_common(start, step.data_type()).unwrap_or_else(|| start.clone());
                let state = field(&state);
                LambdaParametersProgress::Complete(vec![
                    vec![Arc::clone(&state), item],
                    vec![state],
                ])
            }
        })
    }

    fn coerce_values_for_lambdas(
        &self,
        fields: &[ValueOrLambda<DataType, DataType>],
    ) -> Result<Option<Vec<DataType>>> {
        match fields {
            [
                ValueOrLambda::Value(list),
                ValueOrLambda::Value(start),
                ValueOrLambda::Lambda(step),
                _,
            ] => Ok(in_common(start, step).map(|state| vec![list.clone(), state])),
            _ => Ok(None),
        }
    }

    fn return_field_from_args(&self, args: HigherOrderReturnFieldArgs<'_>) -> Result<FieldRef> {
        match args.arg_fields {
            [.., ValueOrLambda::Lambda(result)] => Ok(field(result.data_type())),
            _ => plan_err!("{TAKES}"),
        }
    }

    fn invoke_with_args(&self, args: HigherOrderFunctionArgs) -> Result<ColumnarValue> {
        let [
            ValueOrLambda::Value(list),
            ValueOrLambda::Value(start),
            ValueOrLambda::Lambda(step),
            ValueOrLambda::Lambda(result),
        ] = &args.args[..]
        else {
            return exec_err!("{TAKES}");
        };
        let rows = args.number_rows;
        let list = list.to_array(rows)?;
        let mut state = start.to_array(rows)?;
        let lists = list.as_list::<i32>();
        let offsets = lists.value_offsets();
        let length = |row: usize| match lists.is_valid(row) {
            true => (offsets[row + 1] - offsets[row]) as usize,
            false => 0,
        };
        let longest = (0..rows).map(length).max().unwrap_or(0);
        // All rows go a step further together, those that have an element left.
        for nth in 0..longest {
            let left: Vec<usize> = (0..rows).filter(|row| length(*row) > nth).collect();
            let elements = left.iter().map(|row| offsets[*row] as u64 + nth as u64);
            let elements = UInt64Array::from_iter_values(elements);
            let elements = take(lists.values(), &elements, None)?;
            let at = left
                .iter()
                .map(|row| u32::try_from(*row).unwrap_or(u32::MAX));
            let at = UInt32Array::from_iter_values(at);
            let states = take(&state, &at, None)?;
            let next = step.evaluate(
                &[&|| Ok(Arc::clone(&states)), &|| Ok(Arc::clone(&elements))],
                |captured| Ok(take_arrays(captured, &at, None)?),
            )?;
            let next = cast(&next.into_array(left.len())?, state.data_type())?;
            let mut places: Vec<_> = (0..rows).map(|row| (0, row)).collect();
            for (at, row) in left.iter().enumerate() {
                places[*row] = (1, at);
            }
            state = interleave(&[state.as_ref(), next.as_ref()], &places)?;
        }
        let results = result.evaluate(&[&|| Ok(Arc::clone(&state))], |captured| {
            Ok(captured.to_vec())
        })?;
        let results = results.into_array(rows)?;
        Ok(ColumnarValue::Array(nullif(&results, &is_null(&list)?)?))
    }
}
