//! What Trino means by an operator or by a relation, where DataFusion means another.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{
    Column, DFSchema, DFSchemaRef, NullHandling, ScalarValue, TableReference, UnnestOptions,
    plan_err,
};
use datafusion::error::Result;
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::planner::{
    ExprPlanner, PlannedRelation, PlannerResult, RawBinaryExpr, RawFieldAccessExpr,
    RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::logical_expr::{
    Expr, ExprSchemable, GetFieldAccess, GroupingSet, LogicalPlan, LogicalPlanBuilder,
};
use datafusion::sql::sqlparser::ast::{
    self, BinaryOperator, Join, JoinConstraint, JoinOperator, TableAlias, TableFactor, Value,
};

use super::functions::{self, call};

/// Subscripts, `||` of arrays, and functions that have a syntax of their own.
#[derive(Debug)]
pub(super) struct Operators;

fn is_list(of: &DataType) -> bool {
    functions::item_of(of).is_some()
}

impl ExprPlanner for Operators {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let RawBinaryExpr { op, left, right } = expr;
        if op == BinaryOperator::StringConcat {
            let (of_left, of_right) = (left.get_type(schema)?, right.get_type(schema)?);
            let array = |of: Expr| datafusion::functions_nested::expr_fn::make_array(vec![of]);
            // An element beside an array is an array of one.
            let nested = |of: &DataType, other: &DataType| {
                functions::item_of(of) == Some(other) || !is_list(other)
            };
            let (left, right) = match (is_list(&of_left), is_list(&of_right)) {
                (true, _) if nested(&of_left, &of_right) => (left, array(right)),
                (_, true) if nested(&of_right, &of_left) => (array(left), right),
                (true, true) => (left, right),
                _ => return Ok(PlannerResult::Original(RawBinaryExpr { op, left, right })),
            };
            return Ok(PlannerResult::Planned(call("concat", vec![left, right])?));
        }
        Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }))
    }

    fn plan_field_access(
        &self,
        expr: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        let RawFieldAccessExpr { field_access, expr } = expr;
        let of_map = matches!(expr.get_type(schema)?, DataType::Map(..));
        let key = match &field_access {
            GetFieldAccess::ListIndex { key } => key.as_ref().clone(),
            GetFieldAccess::NamedStructField { name } if of_map => {
                Expr::Literal(name.clone(), None)
            }
            _ => {
                return Ok(PlannerResult::Original(RawFieldAccessExpr {
                    field_access,
                    expr,
                }));
            }
        };
        Ok(PlannerResult::Planned(call(
            functions::SUBSCRIPT,
            vec![expr, key],
        )?))
    }

    fn plan_position(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(PlannerResult::Planned(call("strpos", args)?))
    }

    fn plan_substring(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(PlannerResult::Planned(call("substr", args)?))
    }

    fn plan_extract(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        let field = match args.first() {
            Some(Expr::Literal(
                ScalarValue::Utf8(Some(field)) | ScalarValue::Utf8View(Some(field)),
                _,
            )) => field.to_lowercase(),
            _ => return Ok(PlannerResult::Original(args)),
        };
        let of_trino = [
            "day_of_month",
            "day_of_week",
            "dow",
            "day_of_year",
            "doy",
            "year_of_week",
            "yow",
            "timezone_hour",
            "timezone_minute",
        ];
        match of_trino.contains(&field.as_str()) {
            true => Ok(PlannerResult::Planned(call(&field, args[1..].to_vec())?)),
            false => Ok(PlannerResult::Original(args)),
        }
    }
}

/// Gives what ROLLUP, CUBE and GROUPING SETS compute the names that it has, so that it
/// keeps them when it is planned as a function.
pub(super) fn named_sets(plan: LogicalPlan) -> Result<LogicalPlan> {
    let named = |of: Expr| match of {
        Expr::Column(_) | Expr::Alias(_) => of,
        of => {
            let name = of.schema_name().to_string();
            of.alias(name)
        }
    };
    let all = |of: Vec<Expr>| of.into_iter().map(named).collect::<Vec<_>>();
    let plan = plan.transform_up_with_subqueries(|plan| {
        plan.map_expressions(|expr| {
            Ok(match expr {
                Expr::GroupingSet(set) => Transformed::yes(Expr::GroupingSet(match set {
                    GroupingSet::Rollup(of) => GroupingSet::Rollup(all(of)),
                    GroupingSet::Cube(of) => GroupingSet::Cube(all(of)),
                    GroupingSet::GroupingSets(of) => {
                        GroupingSet::GroupingSets(of.into_iter().map(all).collect())
                    }
                })),
                expr => Transformed::no(expr),
            })
        })
    });
    Ok(plan?.data)
}

/// UNNEST: beside the rows whose arrays it takes, and numbered if wanted.
#[derive(Debug)]
pub(super) struct Unnest;

/// What UNNEST was written with.
struct Written {
    arrays: Vec<ast::Expr>,
    alias: Option<TableAlias>,
    numbered: bool,
}

impl RelationPlanner for Unnest {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let (input, unnest, nulls) = match relation {
            relation @ TableFactor::UNNEST { .. } => (
                LogicalPlanBuilder::empty(true).build()?,
                relation,
                NullHandling::Drop,
            ),
            TableFactor::NestedJoin {
                mut table_with_joins,
                alias: None,
            } if matches!(
                table_with_joins.joins.last(),
                Some(Join {
                    relation: TableFactor::UNNEST { .. },
                    ..
                })
            ) =>
            {
                let Some(join) = table_with_joins.joins.pop() else {
                    return plan_err!("UNNEST stands alone");
                };
                let nulls = nulls(&join.join_operator)?;
                let before = match table_with_joins.joins.is_empty() {
                    true => table_with_joins.relation,
                    false => TableFactor::NestedJoin {
                        table_with_joins,
                        alias: None,
                    },
                };
                (context.plan(before)?, join.relation, nulls)
            }
            relation => return Ok(RelationPlanning::Original(Box::new(relation))),
        };
        let TableFactor::UNNEST {
            alias,
            array_exprs,
            with_offset: false,
            with_ordinality,
            ..
        } = unnest
        else {
            return plan_err!("UNNEST ... WITH OFFSET is not Athena's: take WITH ORDINALITY");
        };
        let written = Written {
            arrays: array_exprs,
            alias,
            numbered: with_ordinality,
        };
        let plan = unnested(input, written, nulls, context)?;
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(
            plan, None,
        ))))
    }
}

/// What becomes of a row whose arrays are all NULL or empty.
fn nulls(operator: &JoinOperator) -> Result<NullHandling> {
    let always = |constraint: &JoinConstraint| match constraint {
        JoinConstraint::None => true,
        JoinConstraint::On(ast::Expr::Value(of)) => of.value == Value::Boolean(true),
        _ => false,
    };
    match operator {
        JoinOperator::CrossJoin(on) | JoinOperator::Inner(on) | JoinOperator::Join(on)
            if always(on) =>
        {
            Ok(NullHandling::Drop)
        }
        JoinOperator::Left(on) | JoinOperator::LeftOuter(on) if always(on) => {
            Ok(NullHandling::PreserveAndExpandEmpty)
        }
        _ => plan_err!("UNNEST is joined by CROSS JOIN, or by LEFT JOIN ... ON TRUE"),
    }
}

/// A list that becomes a column, or several.
struct Listed {
    list: Expr,
    /// The names of the columns that it becomes, and for each the field of its rows.
    columns: Vec<(String, Option<String>)>,
}

fn listed(array: Expr, schema: &DFSchemaRef) -> Result<Vec<Listed>> {
    let of = array.get_type(schema.as_ref())?;
    let plain = |list: Expr, name: &str| Listed {
        list,
        columns: vec![(name.to_owned(), None)],
    };
    if matches!(of, DataType::Map(..)) {
        return Ok(vec![
            plain(
                datafusion::functions_nested::expr_fn::map_keys(array.clone()),
                "key",
            ),
            plain(
                datafusion::functions_nested::expr_fn::map_values(array),
                "value",
            ),
        ]);
    }
    match functions::item_of(&of) {
        Some(DataType::Struct(fields)) => {
            let column = |name: &String| (name.clone(), Some(name.clone()));
            let columns = fields.iter().map(|of| column(of.name())).collect();
            Ok(vec![Listed {
                list: array,
                columns,
            }])
        }
        Some(_) => Ok(vec![plain(array, "element")]),
        None => plan_err!("Cannot unnest type: {}", functions::type_name(&of)),
    }
}

fn unnested(
    input: LogicalPlan,
    written: Written,
    nulls: NullHandling,
    context: &mut dyn RelationPlannerContext,
) -> Result<LogicalPlan> {
    let schema = Arc::clone(input.schema());
    let mut lists = Vec::new();
    for array in written.arrays {
        lists.extend(listed(context.sql_to_expr(array, &schema)?, &schema)?);
    }
    if lists.is_empty() {
        return plan_err!("UNNEST takes an array");
    }
    if written.numbered {
        let all = lists.iter().map(|of| of.list.clone()).collect();
        lists.push(Listed {
            list: call(functions::ORDINALS, all)?,
            columns: vec![("ordinality".to_owned(), None)],
        });
    }
    let before: Vec<Expr> = schema.columns().into_iter().map(Expr::Column).collect();
    let place = |at: usize| Column::new_unqualified(format!("__unnest_{at}"));
    let arrays = lists.iter().enumerate();
    let arrays = arrays.map(|(at, of)| of.list.clone().alias(place(at).name));
    // What is one row for each of its keys is several behind an UNNEST. DataFusion keeps
    // what it knows of keys all the same, and would sort and group by too little; a key
    // that is computed is none.
    let keyed = schema.functional_dependencies().iter().next().is_some();
    let plain = before.iter().map(|of| match of {
        Expr::Column(column) if keyed => {
            let value = call(functions::AS_IT_IS, vec![of.clone()])?;
            Ok(value.alias_qualified(column.relation.clone(), column.name.clone()))
        }
        of => Ok(of.clone()),
    });
    let mut with_arrays = plain.collect::<Result<Vec<Expr>>>()?;
    with_arrays.extend(arrays);

    let mut names: Vec<String> = lists
        .iter()
        .flat_map(|of| of.columns.clone())
        .map(|of| of.0)
        .collect();
    let table = written.alias.map(|alias| {
        let columns: Vec<_> = alias
            .columns
            .into_iter()
            .map(|of| context.normalize_ident(of.name))
            .collect();
        (context.normalize_ident(alias.name), columns)
    });
    if let Some((table, columns)) = &table
        && !columns.is_empty()
    {
        if columns.len() != names.len() {
            return plan_err!(
                "Column alias list has {} entries but '{table}' has {} columns available",
                columns.len(),
                names.len()
            );
        }
        names.clone_from(columns);
    }
    let table = table.map(|(table, _)| TableReference::bare(table));
    let mut names = names.into_iter();
    let mut after = before;
    for (at, of) in lists.iter().enumerate() {
        for (name, field) in &of.columns {
            let element = Expr::Column(place(at));
            let element = match field {
                Some(field) => get_field(element, field.as_str()),
                None => element,
            };
            let name = names.next().unwrap_or_else(|| name.clone());
            after.push(element.alias_qualified(table.clone(), name));
        }
    }
    let options = UnnestOptions::new().with_null_handling(nulls);
    LogicalPlanBuilder::from(input)
        .project(with_arrays)?
        .unnest_columns_with_options((0..lists.len()).map(place).collect(), options)?
        .project(after)?
        .build()
}
