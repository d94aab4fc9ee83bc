//! Key condition expressions: `device = :d AND #t BETWEEN :from AND :to`
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html>).
//!
//! In go the expression and its names; out come conditions on attributes, or
//! DynamoDB's message. Values stay references.

use std::collections::HashSet;

use super::reserved::is_reserved;

const INVALID: &str = "Invalid KeyConditionExpression: ";
const MAX_EXPRESSION_BYTES: usize = 4096;

/// How an attribute is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Between,
    BeginsWith,
}

/// One condition: an attribute and what it is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) attribute: String,
    pub(super) operator: Operator,
    /// The operator as written, for messages.
    pub(super) written: &'static str,
    /// References such as `:from`, two for `BETWEEN`.
    pub(super) values: Vec<String>,
}

/// A parsed expression and the names it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyCondition {
    pub(super) conditions: Vec<Condition>,
    pub(super) used_names: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
struct Token<'a> {
    text: &'a str,
    start: usize,
}

/// Parses an expression; `name` looks up `#` references.
pub(super) fn parse(
    expression: &str,
    name: impl Fn(&str) -> Option<String>,
) -> Result<KeyCondition, String> {
    if expression.trim().is_empty() {
        return Err(format!("{INVALID}The expression can not be empty;"));
    }
    if expression.len() > MAX_EXPRESSION_BYTES {
        return Err(format!(
            "{INVALID}Expression size has exceeded the maximum allowed size"
        ));
    }
    let tokens = tokens(expression)?;
    let mut parser = Parser {
        expression,
        tokens,
        at: 0,
        name: &name,
        used_names: Vec::new(),
        reserved: None,
    };
    let mut conditions = Vec::new();
    parser.conjunction(&mut conditions)?;
    if parser.at < parser.tokens.len() {
        return Err(parser.unexpected());
    }
    if let Some(word) = parser.reserved {
        return Err(format!(
            "{INVALID}Attribute name is a reserved keyword; reserved keyword: {word}"
        ));
    }
    let mut seen = HashSet::new();
    if !conditions.iter().all(|c| seen.insert(&c.attribute)) {
        return Err(format!(
            "{INVALID}KeyConditionExpressions must only contain one condition per key"
        ));
    }
    Ok(KeyCondition {
        conditions,
        used_names: parser.used_names,
    })
}

fn tokens(expression: &str) -> Result<Vec<Token<'_>>, String> {
    let bytes = expression.as_bytes();
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let word = |mut end: usize| {
            while bytes
                .get(end)
                .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
            {
                end += 1;
            }
            end
        };
        let pair = |second: &[u8]| bytes.get(at + 1).is_some_and(|b| second.contains(b));
        at = match bytes[at] {
            b' ' | b'\t' | b'\n' | b'\r' => {
                at += 1;
                continue;
            }
            b'#' | b':' if word(at + 1) > at + 1 => word(at + 1),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => word(at),
            b'0'..=b'9' => word(at),
            b'<' if pair(b"=>") => at + 2,
            b'>' if pair(b"=") => at + 2,
            b'=' | b'<' | b'>' | b'(' | b')' | b',' | b'.' | b'[' | b']' | b'+' | b'-' => at + 1,
            _ => {
                let len = expression[at..].chars().next().map_or(1, char::len_utf8);
                let before = tokens.last().map_or(at, |t| t.start);
                let near = (before..=(at + len + 1).min(expression.len()))
                    .filter(|end| expression.is_char_boundary(*end))
                    .max()
                    .unwrap_or(at);
                return Err(format!(
                    "{INVALID}Syntax error; token: \"{}\", near: \"{}\"",
                    &expression[at..at + len],
                    &expression[before..near]
                ));
            }
        };
        tokens.push(Token {
            text: &expression[start..at],
            start,
        });
    }
    Ok(tokens)
}

struct Parser<'a, F> {
    expression: &'a str,
    tokens: Vec<Token<'a>>,
    at: usize,
    name: &'a F,
    used_names: Vec<String>,
    /// The first reserved word used as a name: reported once the syntax is right.
    reserved: Option<String>,
}

impl<F: Fn(&str) -> Option<String>> Parser<'_, F> {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(|t| t.text)
    }

    fn keyword(&self, word: &str) -> bool {
        self.peek().is_some_and(|t| t.eq_ignore_ascii_case(word))
    }

    fn take(&mut self, text: &str) -> bool {
        let taken = self.keyword(text);
        self.at += usize::from(taken);
        taken
    }

    fn expect(&mut self, text: &str) -> Result<(), String> {
        if self.take(text) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    /// DynamoDB quotes the token and its neighbours.
    fn unexpected(&self) -> String {
        let from = self
            .tokens
            .get(self.at.saturating_sub(1))
            .map_or(0, |t| t.start);
        let last = self.tokens.get(self.at + 1).or(self.tokens.last());
        let to = last.map_or(self.expression.len(), |t| t.start + t.text.len());
        let token = self.peek().unwrap_or("<EOF>");
        format!(
            "{INVALID}Syntax error; token: \"{token}\", near: \"{}\"",
            &self.expression[from..to]
        )
    }

    fn conjunction(&mut self, out: &mut Vec<Condition>) -> Result<(), String> {
        loop {
            self.group(out)?;
            for word in ["OR", "NOT"] {
                if self.keyword(word) {
                    return Err(format!(
                        "Invalid operator used in KeyConditionExpression: {word}"
                    ));
                }
            }
            if !self.take("AND") {
                return Ok(());
            }
        }
    }

    fn group(&mut self, out: &mut Vec<Condition>) -> Result<(), String> {
        if !self.take("(") {
            let condition = self.condition()?;
            out.push(condition);
            return Ok(());
        }
        let inner_start = self.at;
        self.conjunction(out)?;
        self.expect(")")?;
        if self.wraps(inner_start, self.at - 1) {
            return Err(format!(
                "{INVALID}The expression has redundant parentheses;"
            ));
        }
        Ok(())
    }

    /// Whether the tokens from `start` to `end` are one group in parentheses.
    fn wraps(&self, start: usize, end: usize) -> bool {
        let mut depth = 0;
        for (at, token) in self.tokens[start..end].iter().enumerate() {
            match token.text {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return at > 0 && start + at + 1 == end;
            }
        }
        false
    }

    fn condition(&mut self) -> Result<Condition, String> {
        if self.keyword("NOT") {
            return Err("Invalid operator used in KeyConditionExpression: NOT".to_owned());
        }
        let call = self.tokens.get(self.at + 1).is_some_and(|t| t.text == "(");
        if call && let Some(function) = self.peek() {
            if function != "begins_with" {
                return Err(match function {
                    "attribute_exists"
                    | "attribute_not_exists"
                    | "attribute_type"
                    | "contains"
                    | "size" => {
                        format!("Invalid operator used in KeyConditionExpression: {function}")
                    }
                    _ => format!("{INVALID}Invalid function name; function: {function}"),
                });
            }
            self.at += 2;
            let attribute = self.attribute()?;
            self.expect(",")?;
            let prefix = self.value()?;
            self.expect(")")?;
            return Ok(Condition {
                attribute,
                operator: Operator::BeginsWith,
                written: "begins_with",
                values: vec![prefix],
            });
        }
        if self.peek().is_some_and(|t| t.starts_with(':')) {
            let value = self.value()?;
            let (written, operator) = self.comparator()?;
            let attribute = self.attribute()?;
            let operator = match operator {
                Operator::Less => Operator::Greater,
                Operator::LessOrEqual => Operator::GreaterOrEqual,
                Operator::Greater => Operator::Less,
                Operator::GreaterOrEqual => Operator::LessOrEqual,
                same => same,
            };
            return Ok(Condition {
                attribute,
                operator,
                written,
                values: vec![value],
            });
        }
        let attribute = self.attribute()?;
        if self.take("BETWEEN") {
            let low = self.value()?;
            self.expect("AND")?;
            let high = self.value()?;
            return Ok(Condition {
                attribute,
                operator: Operator::Between,
                written: "BETWEEN",
                values: vec![low, high],
            });
        }
        let (written, operator) = self.comparator()?;
        Ok(Condition {
            attribute,
            operator,
            written,
            values: vec![self.value()?],
        })
    }

    fn comparator(&mut self) -> Result<(&'static str, Operator), String> {
        let known = [
            ("=", Operator::Equal),
            ("<", Operator::Less),
            ("<=", Operator::LessOrEqual),
            (">", Operator::Greater),
            (">=", Operator::GreaterOrEqual),
        ];
        if let Some(found) = known.into_iter().find(|(text, _)| self.keyword(text)) {
            self.at += 1;
            return Ok(found);
        }
        if self.keyword("<>") || self.keyword("IN") {
            let written = self.peek().unwrap_or_default().to_uppercase();
            return Err(format!(
                "Invalid operator used in KeyConditionExpression: {written}"
            ));
        }
        Err(self.unexpected())
    }

    fn attribute(&mut self) -> Result<String, String> {
        let Some(token) = self.peek().map(str::to_owned) else {
            return Err(self.unexpected());
        };
        let resolved = if token.starts_with('#') {
            self.used_names.push(token.clone());
            (self.name)(&token).ok_or_else(|| {
                format!(
                    "{INVALID}An expression attribute name used in the document path is not \
                     defined; attribute name: {token}"
                )
            })?
        } else if token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && !["AND", "BETWEEN", "IN", "NOT", "OR"].contains(&&*token.to_uppercase())
        {
            if self.reserved.is_none() && is_reserved(&token) {
                self.reserved = Some(token.clone());
            }
            token
        } else {
            return Err(self.unexpected());
        };
        self.at += 1;
        if matches!(self.peek(), Some("." | "[")) {
            return Err(format!(
                "{INVALID}KeyConditionExpressions cannot have conditions on nested attributes"
            ));
        }
        Ok(resolved)
    }

    fn value(&mut self) -> Result<String, String> {
        match self.peek() {
            Some(token) if token.starts_with(':') => {
                let value = token.to_owned();
                self.at += 1;
                Ok(value)
            }
            _ => Err(self.unexpected()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn read(expression: &str) -> Result<Vec<(String, Operator, Vec<String>)>, String> {
        let names = |name: &str| (name == "#t").then(|| "time".to_owned());
        parse(expression, names).map(|parsed| {
            let conditions = parsed.conditions.into_iter();
            conditions
                .map(|c| (c.attribute, c.operator, c.values))
                .collect()
        })
    }

    #[test]
    fn every_form_of_condition_is_read() {
        let pk = ("device".to_owned(), Operator::Equal, vec![":d".to_owned()]);
        for (text, operator, values) in [
            ("#t = :a", Operator::Equal, vec![":a"]),
            ("#t < :a", Operator::Less, vec![":a"]),
            ("#t<=:a", Operator::LessOrEqual, vec![":a"]),
            (":a <= #t", Operator::GreaterOrEqual, vec![":a"]),
            ("#t between :a and :b", Operator::Between, vec![":a", ":b"]),
            ("begins_with(#t, :a)", Operator::BeginsWith, vec![":a"]),
            ("(#t > :a)", Operator::Greater, vec![":a"]),
        ] {
            let values = values.into_iter().map(str::to_owned).collect();
            let sk = ("time".to_owned(), operator, values);
            let whole = format!("(device = :d) AND {text}");
            assert_eq!(read(&whole), Ok(vec![pk.clone(), sk]), "{whole}");
        }
    }

    #[test]
    fn what_dynamodb_refuses_is_refused_in_its_words() {
        for (text, message) in [
            ("", "The expression can not be empty;"),
            ("a = b", "Syntax error; token: \"b\", near: \"= b\""),
            (
                "a = :v AND",
                "Syntax error; token: \"<EOF>\", near: \"AND\"",
            ),
            ("a == :v", "Syntax error; token: \"=\", near: \"== :v\""),
            (
                "a = :v OR b = :w",
                "Invalid operator used in KeyConditionExpression: OR",
            ),
            (
                "a <> :v",
                "Invalid operator used in KeyConditionExpression: <>",
            ),
            (
                "contains(a, :v)",
                "Invalid operator used in KeyConditionExpression: contains",
            ),
            ("((a = :v))", "The expression has redundant parentheses;"),
            ("a.b = :v", "cannot have conditions on nested attributes"),
            ("#n = :v", "is not defined; attribute name: #n"),
            (
                "a = :v AND a > :w",
                "must only contain one condition per key",
            ),
            ("a = $", "Syntax error; token: \"$\""),
            (
                "a = :v AND Time > :w",
                "Attribute name is a reserved keyword; reserved keyword: Time",
            ),
            (
                "hash = :v AND",
                "Syntax error; token: \"<EOF>\", near: \"AND\"",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_expression_makes_the_parser_panic(text in "[a#:(), =<>.\\[é$ANDBETWEEN]{0,30}|\\PC{0,20}") {
            let _ = read(&text);
        }
    }
}
