//! Functions by their names and meanings in Trino, which Athena's engine is.
//!
//! In go arguments as arrays, out comes an array. Each family is a table of functions
//! (`text`, `regex`, `time`, `json`, `arrays`, `maps`, `math`), each function a table of
//! forms with a body (`call`, `row`); aggregates and what takes lambdas stand apart.
//! Where DataFusion has a function of the same name, the one that is here wins. Must
//! know nothing of lakes and tables.

mod aggregates;
mod arrays;
mod call;
mod casts;
mod digest;
mod formats;
mod iso;
mod json;
mod lambdas;
mod maps;
mod math;
mod names;
mod operators;
mod percentiles;
mod read;
mod regex;
mod row;
mod sums;
mod text;
mod time;
mod zones;

use std::sync::Arc;

use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::context::SessionContext;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{AggregateUDF, Expr, HigherOrderUDF, ScalarUDF};

pub(super) use arrays::{ORDINALS, SUBSCRIPT};
pub(super) use call::item_of;
pub(super) use casts::{AS_IT_IS, DISTINCT_KEY};
pub(super) use names::type_name;
pub(super) use operators::{LIKE_PATTERN, pattern as like_pattern};
pub(super) use read::OF_LENGTH;

use call::{Call, Function};

use super::rewrite::{RENAMED, WRITTEN};

/// All functions of a row.
fn all() -> impl Iterator<Item = &'static Function> {
    let families = [
        text::FUNCTIONS,
        regex::FUNCTIONS,
        time::FIELDS,
        time::FUNCTIONS,
        json::FUNCTIONS,
        arrays::FUNCTIONS,
        maps::FUNCTIONS,
        math::FUNCTIONS,
        casts::FUNCTIONS,
        read::FUNCTIONS,
        operators::FUNCTIONS,
    ];
    families.into_iter().flatten()
}

/// Functions that statements are planned with and nobody writes.
const INTERNAL: &[&str] = &[
    casts::AS_IT_IS,
    casts::AS_TEXT,
    casts::DISTINCT_KEY,
    casts::ROUNDED,
    casts::ROUNDED_TIME,
    read::AS_BOOLEAN,
    read::AS_DATE,
    read::AS_DOUBLE,
    read::AS_TIME,
    read::AS_WHOLE,
    read::AS_ZONED,
    read::OF_LENGTH,
    json::AS_TEXT,
    json::AS_TEXTS,
    arrays::ORDINALS,
    arrays::SUBSCRIPT,
    "btrim",
];

/// DataFusion's own that mean in it what they mean in Trino.
const SHARED: &[&str] = &[
    "abs",
    "acos",
    "any_value",
    "approx_distinct",
    "array_agg",
    "asin",
    "atan",
    "atan2",
    "avg",
    "bool_and",
    "bool_or",
    "cbrt",
    "coalesce",
    "corr",
    "cos",
    "cosh",
    "count",
    "covar_pop",
    "covar_samp",
    "current_date",
    "current_timestamp",
    "degrees",
    "dense_rank",
    "ends_with",
    "exp",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "ln",
    "log",
    "log10",
    "log2",
    "lower",
    "map",
    "map_entries",
    "map_keys",
    "map_values",
    "max",
    "min",
    "now",
    "nth_value",
    "ntile",
    "nullif",
    "percent_rank",
    "pi",
    "radians",
    "random",
    "rank",
    "regr_intercept",
    "regr_slope",
    "row_number",
    "sin",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "sum",
    "tan",
    "tanh",
    "translate",
    "upper",
    "var_pop",
    "var_samp",
    "reduce",
];

/// Functions of Trino's that are not there, each with a lambda.
const MISSING: &[&str] = &[
    "map_filter",
    "map_zip_with",
    "reduce_agg",
    "transform_keys",
    "transform_values",
    "zip_with",
];

/// The names that a statement may use, as the documentation lists them.
pub(super) fn names() -> Vec<&'static str> {
    let own = all()
        .map(|of| of.name)
        .filter(|name| !INTERNAL.contains(name) && !operators::INTERNAL.contains(name));
    let renamed = RENAMED.iter().map(|(name, _)| *name);
    let aggregates = aggregates::Of::ALL.map(aggregates::Of::name);
    let mut names: Vec<_> = own
        .chain(renamed)
        .chain(aggregates)
        .chain(WRITTEN.iter().copied())
        .chain(SHARED.iter().copied())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Makes the functions known.
///
/// # Errors
/// DataFusion does not take them.
pub(super) fn register(context: &mut SessionContext) -> Result<()> {
    for function in all() {
        context.register_udf(Arc::new(ScalarUDF::from(Call::new(function))))?;
    }
    for of in aggregates::Of::ALL {
        let function = aggregates::Aggregate::new(of);
        context.register_udaf(Arc::new(AggregateUDF::from(function)))?;
    }
    for of in [
        HigherOrderUDF::new_from_impl(lambdas::Try::new()),
        HigherOrderUDF::new_from_impl(lambdas::Reduce::new()),
    ] {
        context.register_higher_order_function(Arc::new(of))?;
    }
    context.register_udaf(Arc::new(AggregateUDF::from(sums::CheckedSum::default())))?;
    context.register_function_rewrite(Arc::new(casts::Casts))?;
    context.register_function_rewrite(Arc::new(operators::Operators))
}

/// Whether there is a function of that name.
pub(super) fn is_known(state: &SessionState, name: &str) -> bool {
    state.scalar_functions().contains_key(name)
        || state.higher_order_functions().contains_key(name)
        || state.aggregate_functions().contains_key(name)
        || state.window_functions().contains_key(name)
        || state.table_functions().contains_key(name)
        || ["unnest", "unnest_outer", "grouping", "make_map", "map"].contains(&name)
}

/// What to say of a name that is none.
pub(super) fn unknown(name: &str) -> String {
    if MISSING.contains(&name) {
        return format!(
            "{name} takes a lambda and is not there; transform, filter, reduce, any_match, \
             all_match and none_match are"
        );
    }
    let near = names()
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .min()
        .map(|(_, near)| format!(", the nearest is {near}"))
        .unwrap_or_default();
    format!("there is no function {name}{near}; docs/query.md, \"Functions\", lists them")
}

/// A call of a function that is here.
pub(super) fn call(name: &str, args: Vec<Expr>) -> Result<Expr> {
    let Some(function) = all().find(|of| of.name == name) else {
        return plan_err!("there is no function {name}");
    };
    let udf = Arc::new(ScalarUDF::from(Call::new(function)));
    Ok(Expr::ScalarFunction(ScalarFunction::new_udf(udf, args)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_lists_every_function_and_no_other() {
        let documented = include_str!("../../../../docs/query.md");
        let functions = documented
            .split("\n## ")
            .find(|of| of.starts_with("Functions\n"));
        let cells = functions
            .into_iter()
            .flat_map(str::lines)
            .filter_map(|line| {
                let cell = line.strip_prefix("| `")?;
                cell.split_once("` |").map(|(cell, _)| cell)
            });
        let listed: Vec<&str> = cells.flat_map(|cell| cell.split("`, `")).collect();
        let name = |of: &str| {
            let end =
                of.find(|of: char| !(of.is_ascii_lowercase() || of.is_ascii_digit() || of == '_'));
            of[..end.unwrap_or(of.len())].to_owned()
        };
        let called = |of: &&str| of.contains('(') || of.starts_with("current_");
        let mut listed: Vec<_> = listed.into_iter().filter(called).map(name).collect();
        listed.retain(|name| !name.is_empty());
        listed.sort_unstable();
        listed.dedup();
        let missing: Vec<_> = names()
            .into_iter()
            .filter(|of| !listed.iter().any(|l| l == of))
            .collect();
        assert!(missing.is_empty(), "not in docs/query.md: {missing:?}");
        let unknown: Vec<_> = listed
            .iter()
            .filter(|of| !names().contains(&of.as_str()))
            .collect();
        assert!(unknown.is_empty(), "only in docs/query.md: {unknown:?}");
    }
}
