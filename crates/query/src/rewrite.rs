//! What Trino writes another way than DataFusion, written DataFusion's way.
//!
//! In the syntax, before anything has a type: functions that are another's under a
//! second name or a short form of it, what is evaluated only if need be, arrays made
//! into rows. What types decide is the planner's (`planner`) and the functions' own.

use std::ops::ControlFlow;

use datafusion::common::{Diagnostic, Span, plan_datafusion_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::sql::sqlparser::ast::{
    AccessExpr, CaseWhen, CastKind, DataType, Expr, Fetch, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentClause, FunctionArgumentList, FunctionArguments, Ident, Join, JoinConstraint,
    JoinOperator, LambdaFunction, LambdaSyntax, LimitClause, ObjectName, OneOrManyWithParens,
    Query, Select, SetExpr, SetOperator, SetQuantifier, Spanned, Statement, Subscript, TableFactor,
    TableWithJoins, TypedString, UnaryOperator, Value, VisitMut, VisitorMut,
    helpers::attached_token::AttachedToken, visit_expressions, visit_expressions_mut,
};

use super::functions;
use super::literals::{least, length, like, of_length, whole};

/// Functions of DataFusion's under the names that Trino has for them.
pub(super) const RENAMED: &[(&str, &str)] = &[
    ("any_match", "array_any_match"),
    ("arbitrary", "any_value"),
    ("every", "bool_and"),
    ("filter", "array_filter"),
    ("rand", "random"),
    ("row", "struct"),
    ("transform", "array_transform"),
    ("variance", "var_samp"),
];

/// Functions that are written as something else.
pub(super) const WRITTEN: &[&str] = &[
    "all_match",
    "count_if",
    "if",
    "listagg",
    "none_match",
    "try",
];

/// Writes a statement DataFusion's way. `known` says which functions there are.
///
/// # Errors
/// It calls a function that there is none of, or calls one in a way that nobody has.
pub(super) fn rewrite(statement: &mut Statement, known: &dyn Fn(&str) -> bool) -> Result<()> {
    match statement.visit(&mut Rewrite { known }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// Whether an expression has what is written as another function, or another pattern.
pub(super) fn is_written_otherwise(expr: &Expr) -> bool {
    let found = visit_expressions(expr, |of| {
        match of {
            Expr::Like { .. } => return ControlFlow::Break(()),
            Expr::Cast { data_type, .. } if !matches!(length(data_type), Ok(None)) => {
                return ControlFlow::Break(());
            }
            _ => {}
        }
        if let Expr::Function(function) = of
            && let [part] = &function.name.0[..]
            && let Some(name) = part.as_ident()
        {
            let name = name.value.to_lowercase();
            let renamed = RENAMED.iter().any(|(trino, _)| *trino == name);
            if renamed || WRITTEN.contains(&name.as_str()) || name == "approx_distinct" {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    });
    found.is_break()
}

struct Rewrite<'a> {
    known: &'a dyn Fn(&str) -> bool,
}

impl VisitorMut for Rewrite<'_> {
    type Break = DataFusionError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        match fetch(query).and_then(|()| multiplicity(&query.body)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        nest(&mut select.from);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        least(expr);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        let taken = std::mem::replace(expr, Expr::value(Value::Null));
        match self.expr(taken) {
            Ok(written) => {
                *expr = written;
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        }
    }
}

/// `FETCH FIRST n ROWS ONLY` is a LIMIT.
fn fetch(query: &mut Query) -> Result<()> {
    let Some(Fetch {
        with_ties,
        percent,
        quantity,
    }) = query.fetch.take()
    else {
        return Ok(());
    };
    if with_ties || percent {
        return Err(plan_datafusion_err!(
            "FETCH FIRST ... WITH TIES is not there; take LIMIT"
        ));
    }
    let wanted = Some(quantity.unwrap_or_else(|| number("1")));
    match &mut query.limit_clause {
        Some(LimitClause::LimitOffset { limit, .. }) => *limit = wanted,
        clause => {
            *clause = Some(LimitClause::LimitOffset {
                limit: wanted,
                offset: None,
                limit_by: Vec::new(),
            });
        }
    }
    Ok(())
}

/// Refuses what DataFusion would compute by another rule: that rows are left as often as
/// both sides have them.
fn multiplicity(body: &SetExpr) -> Result<()> {
    let SetExpr::SetOperation {
        left,
        op,
        set_quantifier,
        right,
    } = body
    else {
        return Ok(());
    };
    if *op != SetOperator::Union && *set_quantifier == SetQuantifier::All {
        return Err(plan_datafusion_err!(
            "{op} ALL is not there; take {op}, or count rows by GROUP BY and compare the counts"
        ));
    }
    multiplicity(left)?;
    multiplicity(right)
}

fn is_unnest(factor: &TableFactor) -> bool {
    matches!(factor, TableFactor::UNNEST { .. })
}

/// Puts what stands before an UNNEST into parentheses with it, so that the planner of
/// relations sees both: the arrays are those of the rows before.
fn nest(from: &mut Vec<TableWithJoins>) {
    let mut nested: Vec<TableWithJoins> = Vec::new();
    for table in from.drain(..) {
        if !is_unnest(&table.relation) || nested.is_empty() {
            nested.push(table);
            continue;
        }
        // `a, b, UNNEST(c)` is `a CROSS JOIN b CROSS JOIN UNNEST(c)`.
        let mut all = nested.drain(..).chain([table]);
        let Some(mut whole) = all.next() else {
            continue;
        };
        for TableWithJoins { relation, joins } in all {
            let relation = match joins.is_empty() || is_unnest(&relation) {
                true => {
                    whole.joins.push(cross(relation));
                    whole.joins.extend(joins);
                    continue;
                }
                false => parenthesised(TableWithJoins { relation, joins }),
            };
            whole.joins.push(cross(relation));
        }
        nested.push(whole);
    }
    *from = nested;
    from.iter_mut().for_each(nest_joins);
}

fn cross(relation: TableFactor) -> Join {
    Join {
        relation,
        global: false,
        join_operator: JoinOperator::CrossJoin(JoinConstraint::None),
    }
}

fn parenthesised(table: TableWithJoins) -> TableFactor {
    TableFactor::NestedJoin {
        table_with_joins: Box::new(table),
        alias: None,
    }
}

fn nest_joins(table: &mut TableWithJoins) {
    for factor in table
        .joins
        .iter_mut()
        .map(|join| &mut join.relation)
        .chain([&mut table.relation])
    {
        if let TableFactor::NestedJoin {
            table_with_joins, ..
        } = factor
        {
            nest_joins(table_with_joins);
        }
    }
    // The last join of a parenthesis that is made here is the UNNEST.
    while let Some(at) = table
        .joins
        .iter()
        .position(|join| is_unnest(&join.relation))
    {
        let after = table.joins.split_off(at + 1);
        if after.is_empty() && at + 1 == table.joins.len() {
            let inner = TableWithJoins {
                relation: std::mem::replace(&mut table.relation, nothing()),
                joins: std::mem::take(&mut table.joins),
            };
            table.relation = parenthesised(inner);
            return;
        }
        let inner = TableWithJoins {
            relation: std::mem::replace(&mut table.relation, nothing()),
            joins: std::mem::replace(&mut table.joins, after),
        };
        table.relation = parenthesised(inner);
    }
}

/// A place holder while a relation is moved.
fn nothing() -> TableFactor {
    TableFactor::UNNEST {
        alias: None,
        array_exprs: Vec::new(),
        with_offset: false,
        with_offset_alias: None,
        with_ordinality: false,
    }
}

pub(super) fn number(of: &str) -> Expr {
    Expr::value(Value::Number(of.to_owned(), false))
}

pub(super) fn text(of: &str) -> Expr {
    Expr::value(Value::SingleQuotedString(of.to_owned()))
}

fn list(args: Vec<Expr>) -> FunctionArgumentList {
    let arg = |of| FunctionArg::Unnamed(FunctionArgExpr::Expr(of));
    FunctionArgumentList {
        duplicate_treatment: None,
        args: args.into_iter().map(arg).collect(),
        clauses: Vec::new(),
    }
}

pub(super) fn call(name: &str, args: Vec<Expr>) -> Expr {
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(list(args)),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn case(condition: Expr, result: Expr, otherwise: Option<Expr>) -> Expr {
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![CaseWhen { condition, result }],
        else_result: otherwise.map(Box::new),
    }
}

fn not(of: Expr) -> Expr {
    Expr::UnaryOp {
        op: UnaryOperator::Not,
        expr: Box::new(Expr::Nested(Box::new(of))),
    }
}

/// The arguments of a plain call.
fn plain(function: &Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    let args = list.args.iter().map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(of)) => Some(of.clone()),
        _ => None,
    });
    args.collect()
}

impl Rewrite<'_> {
    fn expr(&self, expr: Expr) -> Result<Expr> {
        Ok(match expr {
            Expr::Function(function) => self.function(function)?,
            Expr::AtTimeZone {
                timestamp,
                time_zone,
            } => call("at_timezone", vec![*timestamp, *time_zone]),
            // `a[1].b` names the field as `a[1]['b']` does.
            Expr::CompoundFieldAccess { root, access_chain } => {
                let mut behind =
                    !matches!(*root, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
                let chain = access_chain.into_iter().map(|access| match access {
                    AccessExpr::Dot(Expr::Identifier(name)) if behind => {
                        let index = text(&name.value.to_lowercase());
                        AccessExpr::Subscript(Subscript::Index { index })
                    }
                    access => {
                        behind |= matches!(access, AccessExpr::Subscript(_));
                        access
                    }
                });
                Expr::CompoundFieldAccess {
                    root,
                    access_chain: chain.collect(),
                }
            }
            Expr::Lambda(lambda) => Expr::Lambda(with_fields(lambda)),
            Expr::TypedString(literal) => timestamp(literal),
            Expr::Like {
                negated,
                any,
                expr,
                pattern,
                escape_char,
            } => Expr::Like {
                negated,
                any,
                expr,
                pattern: Box::new(like(*pattern, escape_char)?),
                escape_char: None,
            },
            Expr::Cast {
                kind,
                expr,
                data_type,
                array,
                format,
            } => match length(&data_type)? {
                Some(most) => of_length(kind, *expr, most),
                None => Expr::Cast {
                    kind,
                    expr,
                    data_type,
                    array,
                    format,
                },
            },
            Expr::Value(value) => Expr::Value(whole(value)?),
            expr => expr,
        })
    }

    fn function(&self, mut function: Function) -> Result<Expr> {
        let name = match &function.name.0[..] {
            [part] => part.as_ident().map(|of| of.value.to_lowercase()),
            _ => None,
        };
        let Some(name) = name else {
            return Ok(Expr::Function(function));
        };
        let span = Span::try_from_sqlparser_span(function.name.span());
        let wrong = |message: String| {
            let diagnostic = Diagnostic::new_error(message.clone(), span);
            plan_datafusion_err!("{message}").with_diagnostic(diagnostic)
        };
        if let Some((_, of)) = RENAMED.iter().find(|(trino, _)| *trino == name) {
            function.name = ObjectName::from(vec![Ident::new(*of)]);
            return Ok(Expr::Function(function));
        }
        let args = plain(&function);
        let written = match (name.as_str(), args.as_deref()) {
            ("if", Some([condition, result])) => case(condition.clone(), result.clone(), None),
            ("if", Some([condition, result, otherwise])) => {
                case(condition.clone(), result.clone(), Some(otherwise.clone()))
            }
            ("count_if", Some([condition])) => {
                let one = case(condition.clone(), number("1"), None);
                self.put(function, "count", vec![one])
            }
            ("approx_distinct", Some([of] | [of, _])) => {
                let key = call(functions::DISTINCT_KEY, vec![of.clone()]);
                Expr::Cast {
                    kind: CastKind::Cast,
                    expr: Box::new(self.put(function, "approx_distinct", vec![key])),
                    data_type: DataType::BigInt(None),
                    array: false,
                    format: None,
                }
            }
            ("max" | "min", Some([of, n])) => {
                let args = vec![of.clone(), of.clone(), n.clone()];
                self.put(function, &format!("{name}_by"), args)
            }
            ("listagg", Some([of, rest @ ..])) if rest.len() < 2 => {
                let by = rest.first().cloned().unwrap_or_else(|| text(""));
                let mut args = list(vec![of.clone(), by]);
                let order = std::mem::take(&mut function.within_group);
                args.clauses.push(FunctionArgumentClause::OrderBy(order));
                function.name = ObjectName::from(vec![Ident::new("string_agg")]);
                function.args = FunctionArguments::List(args);
                Expr::Function(function)
            }
            ("none_match", Some([of, lambda @ Expr::Lambda(_)])) => {
                not(call("array_any_match", vec![of.clone(), lambda.clone()]))
            }
            ("all_match", Some([of, Expr::Lambda(lambda)])) => {
                let lambda = LambdaFunction {
                    body: Box::new(not((*lambda.body).clone())),
                    ..lambda.clone()
                };
                not(call(
                    "array_any_match",
                    vec![of.clone(), Expr::Lambda(lambda)],
                ))
            }
            ("try", Some([of])) => attempt(tried(of.clone())),
            (name, _) if WRITTEN.contains(&name) => {
                return Err(wrong(format!(
                    "{name} is called with other arguments than it takes; docs/query.md, \
                     \"Functions\", says which"
                )));
            }
            (name, _) if !(self.known)(name) => return Err(wrong(functions::unknown(name))),
            _ => Expr::Function(function),
        };
        Ok(written)
    }

    /// The same call of another function.
    fn put(&self, mut function: Function, name: &str, args: Vec<Expr>) -> Expr {
        let mut list = list(args);
        if let FunctionArguments::List(before) = function.args {
            list.duplicate_treatment = before.duplicate_treatment;
            list.clauses = before.clauses;
        }
        function.name = ObjectName::from(vec![Ident::new(name)]);
        function.args = FunctionArguments::List(list);
        Expr::Function(function)
    }
}

/// NULL where an expression fails.
pub(super) fn attempt(of: Expr) -> Expr {
    let lambda = LambdaFunction {
        params: OneOrManyWithParens::Many(Vec::new()),
        body: Box::new(of),
        syntax: LambdaSyntax::Arrow,
    };
    call("try", vec![Expr::Lambda(lambda)])
}

/// What is tried. DataFusion casts constants before anything runs, and would fail then.
fn tried(mut of: Expr) -> Expr {
    let written = visit_expressions_mut(&mut of, |expr| {
        if let Expr::Cast { kind, expr, .. } = expr
            && matches!(expr.as_ref(), Expr::Value(_))
        {
            *kind = CastKind::TryCast;
        }
        ControlFlow::<()>::Continue(())
    });
    debug_assert!(written.is_continue());
    of
}

/// `x.b` of a lambda's parameter `x` names the field as `x['b']` does.
fn with_fields(mut lambda: LambdaFunction) -> LambdaFunction {
    let parameters: Vec<_> = lambda
        .params
        .iter()
        .map(|of| of.name.value.to_lowercase())
        .collect();
    let is_one = |name: &Ident| parameters.contains(&name.value.to_lowercase());
    let field = |name: &Ident| {
        let index = text(&name.value.to_lowercase());
        AccessExpr::Subscript(Subscript::Index { index })
    };
    let written = visit_expressions_mut(&mut lambda.body, |expr| {
        match expr {
            Expr::CompoundIdentifier(path) => {
                if let [root, fields @ ..] = &path[..]
                    && is_one(root)
                {
                    *expr = Expr::CompoundFieldAccess {
                        root: Box::new(Expr::Identifier(root.clone())),
                        access_chain: fields.iter().map(field).collect(),
                    };
                }
            }
            Expr::CompoundFieldAccess { root, access_chain } => {
                if let Expr::Identifier(root) = root.as_ref()
                    && is_one(root)
                {
                    for access in access_chain {
                        if let AccessExpr::Dot(Expr::Identifier(name)) = access {
                            *access = field(name);
                        }
                    }
                }
            }
            _ => {}
        }
        ControlFlow::<()>::Continue(())
    });
    debug_assert!(written.is_continue());
    lambda
}

/// `TIMESTAMP '2020-03-01 00:00 UTC'`: seconds may be left out, and a zone may follow.
fn timestamp(mut literal: TypedString) -> Expr {
    let Value::SingleQuotedString(whole) = &literal.value.value else {
        return Expr::TypedString(literal);
    };
    if !matches!(literal.data_type, DataType::Timestamp(..)) {
        return Expr::TypedString(literal);
    }
    let mut words = whole.split_whitespace();
    let (date, time, zone) = (words.next(), words.next(), words.next());
    let (Some(date), Some(time), None) = (date, time, words.next()) else {
        return Expr::TypedString(literal);
    };
    let (time, zone) = match (zone, time.find(['+', '-'])) {
        (None, Some(at)) => (&time[..at], Some(&time[at..])),
        (zone, _) => (time, zone),
    };
    let seconds = if time.matches(':').count() == 1 {
        ":00"
    } else {
        ""
    };
    let written = format!("{date} {time}{seconds}");
    let zone = zone.map(text);
    literal.value.value = Value::SingleQuotedString(written);
    match zone {
        Some(zone) => call("with_timezone", vec![Expr::TypedString(literal), zone]),
        None => Expr::TypedString(literal),
    }
}
