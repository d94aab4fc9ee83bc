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
use super::rewrite;

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
    let tokens = rows_of_one(tokens);
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
    rewrite::rewrite(&mut statement, known)?;
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

/// Writes `VALUES 1, 2` as `VALUES (1), (2)`, which the parser knows.
fn rows_of_one(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut written = Vec::with_capacity(tokens.len());
    // How deep in parentheses the values are that are written without.
    let mut bare: Option<usize> = None;
    let mut after_values = false;
    let mut depth = 0_usize;
    for token in tokens {
        let space = matches!(token.token, Token::Whitespace(_));
        if after_values && !space {
            after_values = false;
            let words = matches!(token.token, Token::LParen | Token::EOF);
            if !words {
                bare = Some(depth);
                written.push(TokenWithSpan::new(Token::LParen, token.span));
            }
        }
        let ends = match &token.token {
            Token::RParen | Token::EOF | Token::SemiColon => true,
            Token::Word(word) => {
                word.quote_style.is_none()
                    && [
                        "ORDER",
                        "LIMIT",
                        "OFFSET",
                        "FETCH",
                        "UNION",
                        "EXCEPT",
                        "INTERSECT",
                    ]
                    .contains(&word.value.to_uppercase().as_str())
            }
            _ => false,
        };
        if bare == Some(depth) && (ends || token.token == Token::Comma) {
            written.push(TokenWithSpan::new(Token::RParen, token.span));
            bare = bare.filter(|_| !ends);
        }
        match &token.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            Token::Word(word) => {
                after_values =
                    word.quote_style.is_none() && word.value.eq_ignore_ascii_case("values");
            }
            _ => {}
        }
        let next = bare == Some(depth) && token.token == Token::Comma;
        let span = token.span;
        written.push(token);
        if next {
            written.push(TokenWithSpan::new(Token::LParen, span));
        }
    }
    if bare.is_some() {
        written.push(TokenWithSpan::wrap(Token::RParen));
    }
    written
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
            // What is written another way for DataFusion is called as it was written.
            SelectItem::UnnamedExpr(expr) => {
                Some(rewrite::is_written_otherwise(expr).then(|| expr.to_string()))
            }
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
        assert_eq!(
            names("SELECT 1 + count_if(x), count(x) FROM t"),
            Some(vec![some("1 + count_if(x)"), None])
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
    fn types_of_arrays_and_rows_of_one_value_are_written_as_the_parser_has_them() {
        for (written, parsed) in [
            (
                "SELECT CAST(a AS array( array(bigint))) FROM t",
                "SELECT CAST(a AS ARRAY<ARRAY<BIGINT>>) FROM t",
            ),
            ("VALUES 1, (2), f(3, 4)", "VALUES (1), ((2)), (f(3, 4))"),
            (
                "SELECT * FROM (VALUES ARRAY[1, 2], NULL) AS t (x)",
                "SELECT * FROM (VALUES (ARRAY[1, 2]), (NULL)) AS t (x)",
            ),
            ("VALUES 1 ORDER BY 1", "VALUES (1) ORDER BY 1"),
            ("VALUES (1, 2), (3, 4)", "VALUES (1, 2), (3, 4)"),
        ] {
            let found = parse(written, &|_| true).unwrap().statement.to_string();
            assert_eq!(found, parsed);
        }
    }

    #[test]
    fn one_statement_is_one() {
        assert!(parse("select 1;", &|_| true).is_ok());
        for wrong in ["", ";", "select 1; select 2", "selec 1", "select 'a"] {
            assert!(parse(wrong, &|_| true).is_err(), "{wrong}");
        }
    }
}
