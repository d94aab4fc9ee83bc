//! The statements that make and drop databases and tables, as Athena takes them
//! (<https://docs.aws.amazon.com/athena/latest/ug/create-table.html>). They say what
//! a lake's records are called; they change no record.

use std::iter::Peekable;
use std::vec;

use super::types::ColumnType;

/// A table's name, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its database; `None`: the usual one.
    pub database: Option<String>,
    /// Its own.
    pub table: String,
}

/// Such a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ddl {
    /// `CREATE DATABASE [IF NOT EXISTS] name`.
    CreateDatabase {
        /// Its name, in lower case.
        name: String,
        /// Whether it may be there.
        if_not_exists: bool,
    },
    /// `DROP DATABASE [IF EXISTS] name`.
    DropDatabase {
        /// Its name, in lower case.
        name: String,
        /// Whether it may be missing.
        if_exists: bool,
    },
    /// `CREATE EXTERNAL TABLE [IF NOT EXISTS] name (column type, ...)`.
    CreateTable {
        /// Its name.
        name: Named,
        /// Its columns.
        columns: Vec<(String, ColumnType)>,
        /// Whether it may be there.
        if_not_exists: bool,
        /// The `LOCATION` it names.
        location: Option<String>,
    },
    /// `DROP TABLE [IF EXISTS] name`.
    DropTable {
        /// Its name.
        name: Named,
        /// Whether it may be missing.
        if_exists: bool,
    },
}

/// Text that begins like one of them and goes on otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct DdlError {
    expected: String,
    found: String,
    /// Where, in bytes from the start.
    pub at: usize,
}

impl Ddl {
    /// The statement that `sql` is, if it is one of these. A missing parenthesis at
    /// the very end is forgiven: the blog post prints its table without.
    ///
    /// # Errors
    /// It begins like one of these, and goes on otherwise.
    pub fn parse(sql: &str) -> Result<Option<Self>, DdlError> {
        let mut parser = Parser::new(sql);
        let begins = [
            (
                &["create", "database"][..],
                Parser::create_database as fn(&mut Parser) -> _,
            ),
            (&["create", "schema"], Parser::create_database),
            (&["create", "external", "table"], Parser::create_table),
            (&["drop", "database"], Parser::drop_database),
            (&["drop", "schema"], Parser::drop_database),
            (&["drop", "table"], Parser::drop_table),
        ];
        for (words, statement) in begins {
            if parser.begins(words) {
                let found = statement(&mut parser)?;
                parser.end()?;
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    /// In back quotes or double quotes: a name.
    Quoted(String),
    /// In single quotes.
    Text(String),
    Sign(char),
}

struct Parser {
    tokens: Peekable<vec::IntoIter<(usize, Token)>>,
    all: Vec<(usize, Token)>,
    end: usize,
}

fn tokens(sql: &str) -> Vec<(usize, Token)> {
    let mut found = Vec::new();
    let mut rest = sql.char_indices().peekable();
    while let Some((at, first)) = rest.next() {
        let mut until = |end: &dyn Fn(char) -> bool, inclusive: bool| {
            let mut text = String::new();
            while let Some((_, c)) = rest.peek().copied() {
                if end(c) {
                    if inclusive {
                        rest.next();
                    }
                    break;
                }
                text.push(c);
                rest.next();
            }
            text
        };
        match first {
            c if c.is_whitespace() => {}
            '-' if sql[at..].starts_with("--") => {
                until(&|c| c == '\n', true);
            }
            '\'' => found.push((at, Token::Text(until(&|c| c == '\'', true)))),
            '`' | '"' => found.push((at, Token::Quoted(until(&|c| c == first, true)))),
            c if c.is_alphanumeric() || c == '_' => {
                let more = until(&|c| !(c.is_alphanumeric() || c == '_'), false);
                found.push((at, Token::Word(format!("{c}{more}"))));
            }
            c => found.push((at, Token::Sign(c))),
        }
    }
    found
}

impl Parser {
    fn new(sql: &str) -> Self {
        let all = tokens(sql);
        Self {
            tokens: all.clone().into_iter().peekable(),
            all,
            end: sql.trim_end().len(),
        }
    }

    /// Takes `words` if they are the first.
    fn begins(&mut self, words: &[&str]) -> bool {
        let is = |(token, word): (&(usize, Token), &&str)| matches!(&token.1, Token::Word(found) if found.eq_ignore_ascii_case(word));
        let begins = self.all.len() >= words.len() && self.all.iter().zip(words).all(is);
        if begins {
            words.iter().for_each(|_| drop(self.tokens.next()));
        }
        begins
    }

    fn wrong<T>(&mut self, expected: &str) -> Result<T, DdlError> {
        let (at, found) = match self.tokens.peek() {
            None => (self.end, "the end".to_owned()),
            Some((at, token)) => {
                let found = match token {
                    Token::Word(text) | Token::Quoted(text) | Token::Text(text) => text.clone(),
                    Token::Sign(sign) => sign.to_string(),
                };
                (*at, format!("{found:?}"))
            }
        };
        Err(DdlError {
            expected: expected.to_owned(),
            found,
            at,
        })
    }

    fn word(&mut self, word: &str) -> bool {
        let is = |(_, token): &(usize, Token)| matches!(token, Token::Word(found) if found.eq_ignore_ascii_case(word));
        self.tokens.next_if(is).is_some()
    }

    fn words(&mut self, words: &[&str]) -> Result<bool, DdlError> {
        let Some((first, rest)) = words.split_first() else {
            return Ok(true);
        };
        if !self.word(first) {
            return Ok(false);
        }
        for word in rest {
            if !self.word(word) {
                return self.wrong(&word.to_uppercase());
            }
        }
        Ok(true)
    }

    fn sign(&mut self, sign: char) -> bool {
        self.tokens
            .next_if(|(_, token)| *token == Token::Sign(sign))
            .is_some()
    }

    fn must(&mut self, sign: char) -> Result<(), DdlError> {
        if self.sign(sign) {
            return Ok(());
        }
        self.wrong(&format!("{sign:?}"))
    }

    fn name(&mut self, what: &str) -> Result<String, DdlError> {
        match self.tokens.peek() {
            Some((_, Token::Word(name) | Token::Quoted(name))) if !name.is_empty() => {
                let name = name.clone();
                self.tokens.next();
                Ok(name)
            }
            _ => self.wrong(what),
        }
    }

    fn text(&mut self, what: &str) -> Result<String, DdlError> {
        match self.tokens.peek() {
            Some((_, Token::Text(text))) => {
                let text = text.clone();
                self.tokens.next();
                Ok(text)
            }
            _ => self.wrong(what),
        }
    }

    fn number(&mut self) -> Result<u8, DdlError> {
        match self.tokens.peek() {
            Some((_, Token::Word(word))) if word.parse::<u8>().is_ok() => {
                let number = word.parse().unwrap_or_default();
                self.tokens.next();
                Ok(number)
            }
            _ => self.wrong("a number up to 255"),
        }
    }

    fn table(&mut self) -> Result<Named, DdlError> {
        let first = self.name("a table's name")?.to_lowercase();
        if self.sign('.') {
            let table = self.name("a table's name")?.to_lowercase();
            return Ok(Named {
                database: Some(first),
                table,
            });
        }
        Ok(Named {
            database: None,
            table: first,
        })
    }

    fn create_database(&mut self) -> Result<Ddl, DdlError> {
        let if_not_exists = self.words(&["if", "not", "exists"])?;
        let name = self.name("a database's name")?.to_lowercase();
        // What may follow describes it to people.
        if self.word("comment") {
            self.text("a comment in single quotes")?;
        }
        if self.word("location") {
            self.text("a place in single quotes")?;
        }
        Ok(Ddl::CreateDatabase {
            name,
            if_not_exists,
        })
    }

    fn drop_database(&mut self) -> Result<Ddl, DdlError> {
        let if_exists = self.words(&["if", "exists"])?;
        let name = self.name("a database's name")?.to_lowercase();
        let _ = self.word("restrict") || self.word("cascade");
        Ok(Ddl::DropDatabase { name, if_exists })
    }

    fn drop_table(&mut self) -> Result<Ddl, DdlError> {
        let if_exists = self.words(&["if", "exists"])?;
        let name = self.table()?;
        Ok(Ddl::DropTable { name, if_exists })
    }

    fn create_table(&mut self) -> Result<Ddl, DdlError> {
        let if_not_exists = self.words(&["if", "not", "exists"])?;
        let name = self.table()?;
        self.must('(')?;
        let mut columns = Vec::new();
        loop {
            let column = self.name("a column's name")?;
            let of = self.column_type()?;
            if self.word("comment") {
                self.text("a comment in single quotes")?;
            }
            columns.push((column, of));
            if !self.sign(',') {
                break;
            }
        }
        if self
            .tokens
            .peek()
            .is_some_and(|(_, token)| *token != Token::Sign(';'))
        {
            self.must(')')?;
        }
        let location = self.clauses()?;
        Ok(Ddl::CreateTable {
            name,
            columns,
            if_not_exists,
            location,
        })
    }

    /// What follows the columns: how rows lie there, which here is known.
    fn clauses(&mut self) -> Result<Option<String>, DdlError> {
        let mut location = None;
        loop {
            if self.word("comment") {
                self.text("a comment in single quotes")?;
            } else if self.words(&["row", "format", "serde"])? {
                let serde = self.text("a class in single quotes")?;
                if !serde.to_lowercase().contains("json") {
                    return self.wrong("a serde that reads JSON, as the records of a lake are");
                }
            } else if self.words(&["with", "serdeproperties"])? || self.word("tblproperties") {
                self.properties()?;
            } else if self.words(&["stored", "as"])? {
                while self.name("a format").is_ok() {
                    if self.sign_or_text() {
                        continue;
                    }
                    break;
                }
            } else if self.word("location") {
                location = Some(self.text("a place in single quotes")?);
            } else {
                return Ok(location);
            }
        }
    }

    /// `STORED AS INPUTFORMAT '...' OUTPUTFORMAT '...'` has texts behind its names.
    fn sign_or_text(&mut self) -> bool {
        let text = self
            .tokens
            .next_if(|(_, token)| matches!(token, Token::Text(_)));
        text.is_some()
            && matches!(self.tokens.peek(), Some((_, Token::Word(word))) if word.eq_ignore_ascii_case("outputformat"))
    }

    fn properties(&mut self) -> Result<(), DdlError> {
        self.must('(')?;
        loop {
            self.text("a property in single quotes")?;
            self.must('=')?;
            self.text("a value in single quotes")?;
            if !self.sign(',') {
                return self.must(')');
            }
        }
    }

    fn column_type(&mut self) -> Result<ColumnType, DdlError> {
        const TYPES: &str = "a type: string, boolean, int, bigint, double, decimal, date, \
                             timestamp, array<...>, map<string,...> or struct<name:type,...>";
        let Some((_, Token::Word(word))) = self.tokens.peek() else {
            return self.wrong(TYPES);
        };
        let simple = match word.to_lowercase().as_str() {
            "string" | "varchar" | "char" => ColumnType::String,
            "boolean" => ColumnType::Boolean,
            "tinyint" | "smallint" | "int" | "integer" => ColumnType::Int,
            "bigint" => ColumnType::Bigint,
            "float" | "real" | "double" => ColumnType::Double,
            "date" => ColumnType::Date,
            "timestamp" => ColumnType::Timestamp,
            "decimal" => ColumnType::Decimal(10, 0),
            "array" | "map" | "struct" => return self.nested(),
            _ => return self.wrong(TYPES),
        };
        self.tokens.next();
        if !self.sign('(') {
            return Ok(simple);
        }
        let first = self.number()?;
        let second = if self.sign(',') { self.number()? } else { 0 };
        self.must(')')?;
        Ok(match simple {
            ColumnType::Decimal(..) => {
                ColumnType::Decimal(first.clamp(1, 38), second.min(first).min(38) as i8)
            }
            other => other,
        })
    }

    fn nested(&mut self) -> Result<ColumnType, DdlError> {
        let kind = self.name("a type")?.to_lowercase();
        self.must('<')?;
        let of = match kind.as_str() {
            "array" => ColumnType::Array(Box::new(self.column_type()?)),
            "map" => {
                if self.column_type()? != ColumnType::String {
                    return self.wrong("string, as the names in JSON are");
                }
                self.must(',')?;
                ColumnType::Map(Box::new(self.column_type()?))
            }
            _ => {
                let mut fields = Vec::new();
                loop {
                    let name = self.name("a field's name")?;
                    self.must(':')?;
                    fields.push((name, self.column_type()?));
                    if !self.sign(',') {
                        break ColumnType::Struct(fields);
                    }
                }
            }
        };
        self.must('>')?;
        Ok(of)
    }

    fn end(&mut self) -> Result<(), DdlError> {
        while self.sign(';') {}
        match self.tokens.peek() {
            None => Ok(()),
            Some(_) => self.wrong("the statement's end"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn table(sql: &str) -> (Named, String, Option<String>) {
        match Ddl::parse(sql).unwrap().unwrap() {
            Ddl::CreateTable {
                name,
                columns,
                location,
                ..
            } => (name, ColumnType::Struct(columns).to_string(), location),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn tables_are_read_with_their_nested_types() {
        let (name, columns, location) = table(
            "create external table if not exists `Db`.T (\n\
             -- what changed\n\
             eventName string comment 'INSERT', n decimal(12,2), v varchar(10),\n\
             d struct<NewImage:struct<HeartRate:struct<S:string>>, tags:array<string>,\n\
             m:map<string,double>>)\n\
             ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'\n\
             WITH SERDEPROPERTIES ('case.insensitive'='TRUE')\n\
             STORED AS INPUTFORMAT 'a' OUTPUTFORMAT 'b'\n\
             LOCATION 's3://bucket/x/' TBLPROPERTIES ('a'='b','c'='d');",
        );
        assert_eq!(name.database.as_deref(), Some("db"));
        assert_eq!(name.table, "t");
        assert_eq!(location.as_deref(), Some("s3://bucket/x/"));
        assert_eq!(
            columns,
            "struct<eventName:string,n:decimal(12,2),v:string,d:struct<NewImage:struct<\
             HeartRate:struct<S:string>>,tags:array<string>,m:map<string,double>>>"
        );
    }

    #[test]
    fn a_parenthesis_missing_at_the_end_is_forgiven() {
        let (name, columns, _) = table("CREATE EXTERNAL TABLE t(a struct< b:String > ");
        assert_eq!(
            (name.database, columns.as_str()),
            (None, "struct<a:struct<b:string>>")
        );
    }

    #[test]
    fn other_statements_are_left_to_others() {
        for sql in [
            "",
            "select 1",
            "create view v as select 1",
            "create",
            "drop",
        ] {
            assert_eq!(Ddl::parse(sql), Ok(None), "{sql}");
        }
    }

    #[test]
    fn what_goes_on_otherwise_is_told_with_its_place() {
        for (sql, expected) in [
            (
                "create database",
                "expected a database's name, found the end at 15",
            ),
            (
                "create database a b",
                "expected the statement's end, found \"b\" at 18",
            ),
            ("drop table if x", "expected EXISTS, found \"x\" at 14"),
            (
                "create external table t a",
                "expected '(', found \"a\" at 24",
            ),
            ("create external table t (a stirng)", "expected a type"),
            (
                "create external table t (a map<int,int>)",
                "expected string",
            ),
            (
                "create external table t (a int) location x",
                "expected a place in single quotes",
            ),
            (
                "create external table t (a int) partitioned by (d string)",
                "expected the statement's end, found \"partitioned\"",
            ),
            (
                "create external table t (a decimal(999))",
                "expected a number up to 255",
            ),
        ] {
            let error = Ddl::parse(sql).unwrap_err();
            let told = format!("{error} at {}", error.at);
            assert!(told.starts_with(expected), "{sql}: {told}");
        }
    }
}
