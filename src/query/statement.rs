//! A statement as it was written, made into one that DataFusion understands.
//!
//! Athena heeds the case of no name, quoted or not. DataFusion lowers those that are
//! not quoted; here the others are lowered too, and what the columns of the answer
//! are to be called is kept as it was written.

use datafusion::error::{DataFusionError, Result};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{self, Expr, SelectItem, SetExpr};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::dialect::Trino;
use super::rewrite::rewrite;

/// One statement, parsed.
#[derive(Debug)]
pub(super) struct Parsed {
    /// With names in lower case.
    pub(super) statement: Statement,
    /// What the columns of the answer are to be called, where the statement says.
    pub(super) names: Option<Vec<Option<String>>>,
}

/// Reads one statement, which may call the functions that are known.
///
/// # Errors
/// It is none, or more than one, or calls another function.
pub(super) fn parse(sql: &str, known: &dyn Fn(&str) -> bool) -> Result<Parsed> {
    let dialect = Trino;
    let wrong = |error: ParserError| DataFusionError::SQL(Box::new(error), None);
    let tokens = Tokenizer::new(&dialect, sql).tokenize_with_location();
    let mut tokens = tokens.map_err(|error| wrong(error.into()))?;
    array_types(&mut tokens);
    let one = |tokens: Vec<TokenWithSpan>| -> Result<ast::Statement, ParserError> {
        let mut parser = Parser::new(&dialect).with_tokens_with_locations(tokens);
        let mut statements = parser.parse_statements()?;
        match (statements.pop(), statements.len()) {
            (Some(statement), 0) => Ok(statement),
            (None, _) => Err(ParserError::ParserError("a statement is missing".into())),
            (Some(_), more) => Err(ParserError::ParserError(format!(
                "expected one statement, found {}",
                more + 1
            ))),
        }
    };
    let names = one(tokens.clone())
        .map(|written| names(&written))
        .map_err(wrong)?;
    let lowered = tokens.into_iter().map(|mut token| {
        if let Token::Word(word) = &mut token.token
            && word.quote_style.is_some()
        {
            word.value = word.value.to_lowercase();
        }
        token
    });
    let mut statement = one(lowered.collect()).map_err(wrong)?;
    rewrite(&mut statement, known)?;
    Ok(Parsed {
        statement: Statement::Statement(Box::new(statement)),
        names,
    })
}

/// Writes the type `ARRAY(of)` as `ARRAY<of>`, which the parser knows. A value is
/// written `ARRAY[1, 2]`.
fn array_types(tokens: &mut [TokenWithSpan]) {
    let mut open = Vec::new();
    let mut after_array = false;
    for token in tokens {
        match &token.token {
            Token::LParen => {
                open.push(after_array);
                if after_array {
                    token.token = Token::Lt;
                }
            }
            Token::RParen if open.pop() == Some(true) => token.token = Token::Gt,
            Token::Whitespace(_) => continue,
            _ => {}
        }
        after_array = matches!(&token.token, Token::Word(word)
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("array"));
    }
}

/// The names as written; `None` where a `*` makes their number unknown.
fn names(statement: &ast::Statement) -> Option<Vec<Option<String>>> {
    let ast::Statement::Query(query) = statement else {
        return None;
    };
    let mut body = query.body.as_ref();
    let select = loop {
        match body {
            SetExpr::Select(select) => break select,
            SetExpr::SetOperation { left, .. } => body = left,
            SetExpr::Query(query) => body = query.body.as_ref(),
            _ => return None,
        }
    };
    select
        .projection
        .iter()
        .map(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => Some(Some(alias.value.clone())),
            SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(Some(name.value.clone())),
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(path)) => {
                Some(path.last().map(|name| name.value.clone()))
            }
            SelectItem::UnnamedExpr(_) => Some(None),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn columns_are_called_as_they_were_written() {
        let names = |sql: &str| parse(sql, &|_| true).unwrap().names;
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(
            names("SELECT a.B.C AS HeartRate, \"D\", x.Time, 1+1 FROM \"T\""),
            Some(vec![some("HeartRate"), some("D"), some("Time"), None])
        );
        assert_eq!(names("SELECT *, a FROM t"), None);
        assert_eq!(
            names("SELECT A FROM t UNION SELECT b FROM u"),
            Some(vec![some("A")])
        );
        assert_eq!(names("SHOW TABLES"), None);
    }

    #[test]
    fn names_are_lowered_and_texts_are_not() {
        let parsed = parse("SELECT \"A\" FROM \"Db\".\"T\" WHERE b = 'C'", &|_| true).unwrap();
        let text = parsed.statement.to_string();
        assert_eq!(text, "SELECT \"a\" FROM \"db\".\"t\" WHERE b = 'C'");
    }

    #[test]
    fn one_statement_is_one() {
        assert!(parse("select 1;", &|_| true).is_ok());
        for wrong in ["", ";", "select 1; select 2", "selec 1", "select 'a"] {
            assert!(parse(wrong, &|_| true).is_err(), "{wrong}");
        }
    }
}
