//! What is computed of many rows.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, MapArray, make_comparator};
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{ScalarValue, exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};

use super::call::{item_of, list_of};
use super::maps::{map_array, map_of};
use super::names::type_name;
use super::percentiles::Percentile;

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Of {
    /// `approx_percentile`.
    Percentile,
    /// `max_by`.
    MaxBy,
    /// `min_by`.
    MinBy,
    /// `histogram`.
    Histogram,
    /// `map_agg`.
    Map,
    /// `multimap_agg`.
    Multimap,
    /// `map_union`.
    Union,
}

impl Of {
    pub(super) const ALL: [Self; 7] = [
        Self::Percentile,
        Self::MaxBy,
        Self::MinBy,
        Self::Histogram,
        Self::Map,
        Self::Multimap,
        Self::Union,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Of::Percentile => "approx_percentile",
            Of::MaxBy => "max_by",
            Of::MinBy => "min_by",
            Of::Histogram => "histogram",
            Of::Map => "map_agg",
            Of::Multimap => "multimap_agg",
            Of::Union => "map_union",
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Of::Percentile => {
                "approx_percentile(x, percentage), approx_percentile(x, weight, percentage), \
                 each with a double or an array(double) as percentage"
            }
            Of::MaxBy => "max_by(x, y), max_by(x, y, n)",
            Of::MinBy => "min_by(x, y), min_by(x, y, n)",
            Of::Histogram => "histogram(x)",
            Of::Map => "map_agg(key, value)",
            Of::Multimap => "multimap_agg(key, value)",
            Of::Union => "map_union(map)",
        }
    }
}

/// An aggregate function as DataFusion knows it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Aggregate {
    of: Of,
    signature: Signature,
}

impl Aggregate {
    pub(super) fn new(of: Of) -> Self {
        Self {
            of,
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }

    /// The key and the value of the map that comes of it.
    fn entry(&self, types: &[DataType]) -> Option<(DataType, DataType)> {
        match (self.of, types) {
            (Of::Histogram, [key]) => Some((key.clone(), DataType::Int64)),
            (Of::Map | Of::Multimap, [key, value]) => Some((key.clone(), value.clone())),
            (Of::Union, [DataType::Map(entries, _)]) => match entries.data_type() {
                DataType::Struct(fields) if fields.len() == 2 => {
                    Some((fields[0].data_type().clone(), fields[1].data_type().clone()))
                }
                _ => None,
            },
            _ => None,
        }
    }
}

impl AggregateUDFImpl for Aggregate {
    fn name(&self) -> &str {
        self.of.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let percentage = |of: &DataType| match item_of(of) {
            Some(item) if item.is_numeric() => Some(list_of(DataType::Float64)),
            Some(_) => None,
            None => of.is_numeric().then_some(DataType::Float64),
        };
        let number = |of: &DataType| of.is_numeric() || *of == DataType::Null;
        // An array of NULLs alone does not say that its rows are NULL.
        let typed = |of: &DataType| match of {
            DataType::Null => DataType::Utf8,
            of => of.clone(),
        };
        let coerced = match (self.of, types) {
            (Of::Percentile, [x, part]) if number(x) => {
                percentage(part).map(|part| vec![x.clone(), part])
            }
            (Of::Percentile, [x, weight, part]) if number(x) && number(weight) => {
                percentage(part).map(|part| vec![x.clone(), DataType::Float64, part])
            }
            (Of::MaxBy | Of::MinBy, [x, y]) => Some(vec![x.clone(), typed(y)]),
            (Of::MaxBy | Of::MinBy, [x, y, n]) if n.is_integer() => {
                Some(vec![x.clone(), typed(y), DataType::Int64])
            }
            (Of::Histogram, [key]) => Some(vec![typed(key)]),
            (Of::Map | Of::Multimap, [key, value]) => Some(vec![typed(key), value.clone()]),
            (Of::Union, [DataType::Map(..)]) => Some(types.to_vec()),
            _ => None,
        };
        let Some(coerced) = coerced else {
            let found: Vec<_> = types.iter().map(type_name).collect();
            return plan_err!(
                "Unexpected parameters ({}) for function {}. Expected: {}",
                found.join(", "),
                self.name(),
                self.of.expected()
            );
        };
        Ok(coerced)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(match (self.of, types) {
            (Of::Percentile, [x, .., part]) => match item_of(part) {
                Some(_) => list_of(x.clone()),
                None => x.clone(),
            },
            (Of::MaxBy | Of::MinBy, [x, _]) => x.clone(),
            (Of::MaxBy | Of::MinBy, [x, ..]) => list_of(x.clone()),
            _ => match self.entry(types) {
                Some((key, value)) if self.of == Of::Multimap => map_of(&key, &list_of(value)),
                Some((key, value)) => map_of(&key, &value),
                None => DataType::Null,
            },
        })
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let types = args.input_fields.iter().map(|of| of.data_type().clone());
        let types: Vec<_> = types.collect();
        let lists = match self.of {
            // Means, weights, and the ends behind whether they are exact.
            Of::Percentile => vec![DataType::Float64; 3],
            Of::MaxBy | Of::MinBy => types.into_iter().take(2).collect(),
            _ => {
                let (key, value) = self
                    .entry(&types)
                    .unwrap_or((DataType::Null, DataType::Null));
                vec![key, value]
            }
        };
        let lists = lists.into_iter().enumerate().map(|(at, of)| {
            let name = format!("{}[{at}]", args.name);
            Arc::new(Field::new(name, list_of(of), true))
        });
        Ok(lists.collect())
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let gives = args.return_type().clone();
        let types: Vec<_> = args
            .expr_fields
            .iter()
            .map(|of| of.data_type().clone())
            .collect();
        Ok(match self.of {
            Of::Percentile => Box::new(Percentile::new(&args)?),
            Of::MaxBy | Of::MinBy => Box::new(By {
                greatest: self.of == Of::MaxBy,
                several: types.len() > 2,
                most: 1,
                x: types.first().cloned().unwrap_or(DataType::Null),
                y: types.get(1).cloned().unwrap_or(DataType::Null),
                best: Vec::new(),
            }),
            of => {
                let (key, value) = self
                    .entry(&types)
                    .unwrap_or((DataType::Null, DataType::Null));
                Box::new(Entries {
                    of,
                    gives,
                    key,
                    value,
                    keys: Vec::new(),
                    values: Vec::new(),
                    at: HashMap::new(),
                })
            }
        })
    }
}

#[derive(Debug)]
struct By {
    greatest: bool,
    /// Whether an array is wanted.
    several: bool,
    most: usize,
    x: DataType,
    y: DataType,
    /// By their `y`, the best first.
    best: Vec<(ScalarValue, ScalarValue)>,
}

impl By {
    fn better(&self, one: &ScalarValue, other: &ScalarValue) -> bool {
        let order = one.partial_cmp(other);
        order.is_some_and(|of| {
            if self.greatest {
                of.is_gt()
            } else {
                of.is_lt()
            }
        })
    }

    fn put(&mut self, x: &ArrayRef, y: &ArrayRef, row: usize) -> Result<()> {
        let of = ScalarValue::try_from_array(y, row)?;
        let at = self
            .best
            .partition_point(|(_, kept)| !self.better(&of, kept));
        if at < self.most {
            let x = ScalarValue::try_from_array(x, row)?.compacted();
            self.best.insert(at, (x, of.compacted()));
            self.best.truncate(self.most);
        }
        Ok(())
    }

    fn put_all(&mut self, x: &ArrayRef, y: &ArrayRef) -> Result<()> {
        if self.most > 1 {
            for row in (0..y.len()).filter(|row| y.is_valid(*row)) {
                self.put(x, y, row)?;
            }
            return Ok(());
        }
        let compare = make_comparator(y, y, SortOptions::default())?;
        let best = (0..y.len())
            .filter(|row| y.is_valid(*row))
            .reduce(|best, row| {
                let order = compare(row, best);
                let better = if self.greatest {
                    order.is_gt()
                } else {
                    order.is_lt()
                };
                if better { row } else { best }
            });
        best.map_or(Ok(()), |row| self.put(x, y, row))
    }
}

impl Accumulator for By {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        if let Some(n) = values.get(2) {
            let n = n.as_primitive::<Int64Type>();
            if n.is_empty() {
                return Ok(());
            }
            self.most = match usize::try_from(n.value(0)) {
                Ok(n @ 1..=10_000) => n,
                Ok(n @ 10_001..) => {
                    return exec_err!(
                        "third argument of max_by/min_by must be less than or equal to 10000; found {n}"
                    );
                }
                _ => {
                    return exec_err!("third argument of max_by/min_by must be a positive integer");
                }
            };
        }
        self.put_all(&values[0], &values[1])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if !self.several {
            return match self.best.first() {
                Some((x, _)) => Ok(x.clone()),
                None => ScalarValue::try_new_null(&self.x),
            };
        }
        if self.best.is_empty() {
            return ScalarValue::try_new_null(&list_of(self.x.clone()));
        }
        let best: Vec<_> = self.best.iter().map(|(x, _)| x.clone()).collect();
        Ok(ScalarValue::List(ScalarValue::new_list_nullable(
            &best, &self.x,
        )))
    }

    fn size(&self) -> usize {
        let of_one = |(x, y): &(ScalarValue, ScalarValue)| x.size() + y.size();
        size_of_val(self) + self.best.iter().map(of_one).sum::<usize>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let (x, y): (Vec<_>, Vec<_>) = self.best.iter().cloned().unzip();
        Ok(vec![
            ScalarValue::List(ScalarValue::new_list_nullable(&x, &self.x)),
            ScalarValue::List(ScalarValue::new_list_nullable(&y, &self.y)),
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let (x, y) = (states[0].as_list::<i32>(), states[1].as_list::<i32>());
        for row in 0..x.len() {
            let (x, y) = (x.value(row), y.value(row));
            self.most = self.most.max(x.len());
            self.put_all(&x, &y)?;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Entries {
    of: Of,
    gives: DataType,
    key: DataType,
    value: DataType,
    keys: Vec<ScalarValue>,
    values: Vec<ScalarValue>,
    /// Where a key is first.
    at: HashMap<ScalarValue, usize>,
}

impl Entries {
    fn put(&mut self, key: ScalarValue, value: ScalarValue) {
        let known = self.at.get(&key).copied();
        match known {
            Some(at) if self.of == Of::Histogram => {
                if let (ScalarValue::Int64(Some(have)), ScalarValue::Int64(Some(more))) =
                    (&mut self.values[at], value)
                {
                    *have += more;
                }
            }
            Some(_) if self.of != Of::Multimap => {}
            known => {
                if known.is_none() {
                    self.at.insert(key.clone(), self.keys.len());
                }
                self.keys.push(key);
                self.values.push(value);
            }
        }
    }

    fn put_all(&mut self, keys: &ArrayRef, values: Option<&ArrayRef>) -> Result<()> {
        for row in (0..keys.len()).filter(|row| keys.is_valid(*row)) {
            let value = match values {
                Some(values) => ScalarValue::try_from_array(values, row)?.compacted(),
                None => ScalarValue::Int64(Some(1)),
            };
            self.put(ScalarValue::try_from_array(keys, row)?.compacted(), value);
        }
        Ok(())
    }
}

/// Scalars as an array, also if there are none.
fn arrayed(of: &[ScalarValue], as_type: &DataType) -> Result<ArrayRef> {
    Ok(ScalarValue::new_list_nullable(of, as_type).value(0))
}

impl Accumulator for Entries {
    fn update_batch(&mut self, args: &[ArrayRef]) -> Result<()> {
        match (self.of, args) {
            (Of::Union, [maps]) => {
                let maps = maps.as_map();
                for row in (0..maps.len()).filter(|row| maps.is_valid(*row)) {
                    let entries = maps.value(row);
                    self.put_all(entries.column(0), Some(entries.column(1)))?;
                }
                Ok(())
            }
            (_, [keys, values @ ..]) => self.put_all(keys, values.first()),
            _ => exec_err!("{} takes a key", self.of.name()),
        }
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.keys.is_empty() {
            return ScalarValue::try_new_null(&self.gives);
        }
        let (keys, values) = match self.of {
            Of::Multimap => {
                let mut firsts: Vec<_> = self.at.values().copied().collect();
                firsts.sort_unstable();
                let mut grouped: HashMap<&ScalarValue, Vec<ScalarValue>> = HashMap::new();
                for (key, value) in self.keys.iter().zip(&self.values) {
                    grouped.entry(key).or_default().push(value.clone());
                }
                let keys: Vec<_> = firsts.iter().map(|at| self.keys[*at].clone()).collect();
                let values = keys.iter().map(|key| {
                    let values = grouped.get(key).map_or(&[][..], Vec::as_slice);
                    ScalarValue::List(ScalarValue::new_list_nullable(values, &self.value))
                });
                let values: Vec<_> = values.collect();
                (keys, arrayed(&values, &list_of(self.value.clone()))?)
            }
            _ => (self.keys.clone(), arrayed(&self.values, &self.value)?),
        };
        let length = keys.len();
        let keys = arrayed(&keys, &self.key)?;
        let map = map_array(&self.gives, keys, values, vec![length], None)?;
        let map: MapArray = map.as_map().clone();
        Ok(ScalarValue::Map(Arc::new(map)))
    }

    fn size(&self) -> usize {
        let all = self.keys.iter().chain(&self.values);
        // Keys are held twice.
        size_of_val(self) + 2 * all.map(ScalarValue::size).sum::<usize>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![
            ScalarValue::List(ScalarValue::new_list_nullable(&self.keys, &self.key)),
            ScalarValue::List(ScalarValue::new_list_nullable(&self.values, &self.value)),
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let (keys, values) = (states[0].as_list::<i32>(), states[1].as_list::<i32>());
        for row in 0..keys.len() {
            self.put_all(&keys.value(row), Some(&values.value(row)))?;
        }
        Ok(())
    }
}
