//! Which parts of nested columns a plan looks at.
//!
//! A change record is nested, and a statement names few of its leaves. DataFusion
//! tells a table which of its columns are wanted, not which parts of them.

use std::collections::HashMap;

use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan};

/// By the name of a column: `None`: all of it, else the paths to what is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Leaves(HashMap<String, Option<Vec<Vec<String>>>>);

/// The column and the names behind it, of `column['a']['b']`.
fn path(expr: &Expr) -> Option<(&str, Vec<String>)> {
    match expr {
        Expr::Column(column) => Some((column.name(), Vec::new())),
        Expr::ScalarFunction(call) if call.name() == "get_field" => {
            let (base, names) = call.args.split_first()?;
            let (column, mut path) = path(base)?;
            for name in names {
                match name {
                    Expr::Literal(
                        ScalarValue::Utf8(Some(name)) | ScalarValue::Utf8View(Some(name)),
                        _,
                    ) => path.push(name.clone()),
                    _ => return None,
                }
            }
            Some((column, path))
        }
        _ => None,
    }
}

impl Leaves {
    /// Of all tables of an optimised plan together.
    pub(super) fn of(plan: &LogicalPlan) -> Result<Self> {
        let mut leaves = Self::default();
        plan.apply_with_subqueries(|node| {
            node.apply_expressions(|expr| {
                expr.apply(|expr| match path(expr) {
                    None => Ok(TreeNodeRecursion::Continue),
                    Some((column, path)) => {
                        leaves.add(column, path);
                        Ok(TreeNodeRecursion::Jump)
                    }
                })
            })
        })?;
        Ok(leaves)
    }

    fn add(&mut self, column: &str, path: Vec<String>) {
        let wanted = self
            .0
            .entry(column.to_owned())
            .or_insert_with(|| Some(Vec::new()));
        match wanted {
            Some(_) if path.is_empty() => *wanted = None,
            Some(paths) => paths.push(path),
            None => {}
        }
    }

    /// The field with what is wanted of it. A column that no expression names is
    /// handed on whole.
    pub(super) fn narrow(&self, field: &Field) -> Field {
        match self.0.get(&field.name().to_ascii_lowercase()) {
            Some(Some(paths)) => {
                let paths: Vec<_> = paths.iter().map(Vec::as_slice).collect();
                narrow(field, &paths)
            }
            _ => field.clone(),
        }
    }
}

fn narrow(field: &Field, paths: &[&[String]]) -> Field {
    let DataType::Struct(fields) = field.data_type() else {
        return field.clone();
    };
    if paths.iter().any(|path| path.is_empty()) {
        return field.clone();
    }
    let wanted = |field: &Field| -> Option<Field> {
        let below: Vec<_> = paths
            .iter()
            .filter(|path| path[0].eq_ignore_ascii_case(field.name()))
            .map(|path| &path[1..])
            .collect();
        (!below.is_empty()).then(|| narrow(field, &below))
    };
    let fields: Fields = fields.iter().filter_map(|field| wanted(field)).collect();
    Field::new(field.name(), DataType::Struct(fields), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_narrowed_to_the_paths_that_are_wanted() {
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        let of = |name: &str, fields: Vec<Field>| {
            Field::new(name, DataType::Struct(fields.into()), true)
        };
        let column = of(
            "d",
            vec![
                of("New", vec![text("S"), text("N")]),
                of("Old", vec![text("S")]),
            ],
        );
        let mut leaves = Leaves::default();
        assert_eq!(leaves.narrow(&column), column, "not named");
        leaves.add("d", vec!["new".to_owned(), "s".to_owned()]);
        assert_eq!(
            leaves.narrow(&column),
            of("d", vec![of("New", vec![text("S")])])
        );
        leaves.add("d", vec!["old".to_owned()]);
        assert_eq!(
            leaves.narrow(&column),
            of(
                "d",
                vec![of("New", vec![text("S")]), of("Old", vec![text("S")])]
            )
        );
        leaves.add("d", Vec::new());
        assert_eq!(leaves.narrow(&column), column, "named as a whole");
    }
}
