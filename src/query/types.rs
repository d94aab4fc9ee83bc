//! The types of columns that `CREATE EXTERNAL TABLE` declares
//! (<https://docs.aws.amazon.com/athena/latest/ug/data-types.html>), and those that
//! records are found to have.

use std::fmt;

use datafusion::arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use serde::{Deserialize, Serialize};

/// A declared type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// `string`, `varchar(n)`, `char(n)`.
    String,
    /// `boolean`.
    Boolean,
    /// `tinyint`, `smallint`, `int`, `integer`.
    Int,
    /// `bigint`.
    Bigint,
    /// `float`, `real`, `double`.
    Double,
    /// `decimal(precision, scale)`.
    Decimal(u8, i8),
    /// `date`.
    Date,
    /// `timestamp`.
    Timestamp,
    /// `array<type>`.
    Array(Box<ColumnType>),
    /// `map<string, type>`.
    Map(Box<ColumnType>),
    /// `struct<name:type, ...>`.
    Struct(Vec<(String, ColumnType)>),
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ColumnType::String => f.write_str("string"),
            ColumnType::Boolean => f.write_str("boolean"),
            ColumnType::Int => f.write_str("int"),
            ColumnType::Bigint => f.write_str("bigint"),
            ColumnType::Double => f.write_str("double"),
            ColumnType::Decimal(precision, scale) => write!(f, "decimal({precision},{scale})"),
            ColumnType::Date => f.write_str("date"),
            ColumnType::Timestamp => f.write_str("timestamp"),
            ColumnType::Array(of) => write!(f, "array<{of}>"),
            ColumnType::Map(of) => write!(f, "map<string,{of}>"),
            ColumnType::Struct(fields) => {
                f.write_str("struct<")?;
                for (index, (name, of)) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{name}:{of}")?;
                }
                f.write_str(">")
            }
        }
    }
}

impl ColumnType {
    /// As JSON is to be read. Names are spelt as records spell them, where `found`
    /// (what records were found to have there) tells: Athena does not heed case.
    pub(super) fn arrow(&self, found: Option<&DataType>) -> DataType {
        match self {
            ColumnType::String => DataType::Utf8,
            ColumnType::Boolean => DataType::Boolean,
            ColumnType::Int => DataType::Int32,
            ColumnType::Bigint => DataType::Int64,
            ColumnType::Double => DataType::Float64,
            ColumnType::Decimal(precision, scale) => DataType::Decimal128(*precision, *scale),
            ColumnType::Date => DataType::Date32,
            ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            ColumnType::Array(of) => {
                let found = match found {
                    Some(DataType::List(field)) => Some(field.data_type()),
                    _ => None,
                };
                DataType::new_list(of.arrow(found), true)
            }
            ColumnType::Map(of) => {
                let entry = Fields::from(vec![
                    Field::new("key", DataType::Utf8, false),
                    Field::new("value", of.arrow(None), true),
                ]);
                let entries = Field::new("entries", DataType::Struct(entry), false);
                DataType::Map(entries.into(), false)
            }
            ColumnType::Struct(fields) => {
                let found = match found {
                    Some(DataType::Struct(fields)) => Some(fields),
                    _ => None,
                };
                let fields = fields.iter().map(|(name, of)| field(name, of, found));
                DataType::Struct(fields.collect())
            }
        }
    }
}

/// A declared column, as JSON is to be read.
pub(super) fn field(name: &str, of: &ColumnType, found: Option<&Fields>) -> Field {
    let as_found = found.and_then(|fields| {
        let mut fields = fields.iter();
        fields.find(|field| field.name().eq_ignore_ascii_case(name))
    });
    match as_found {
        Some(found) => Field::new(found.name(), of.arrow(Some(found.data_type())), true),
        None => Field::new(name, of.arrow(None), true),
    }
}

/// The same field with all names in lower case, as Athena's catalog has them.
pub(super) fn in_lower_case(field: &Field) -> Field {
    let lower = |of: &DataType| match of {
        DataType::Struct(fields) => DataType::Struct(lower_all(fields)),
        DataType::List(of) => DataType::List(in_lower_case(of).into()),
        of => of.clone(),
    };
    Field::new(
        field.name().to_ascii_lowercase(),
        lower(field.data_type()),
        field.is_nullable(),
    )
}

/// Those fields, of which of several that differ in case alone the first is kept.
pub(super) fn lower_all(fields: &Fields) -> Fields {
    fields.iter().map(|field| in_lower_case(field)).collect()
}

/// Leaves out fields that are spelt like one before them but for their case: SQL
/// could not tell them apart.
pub(super) fn without_doubles(fields: &Fields) -> Fields {
    let mut kept: Vec<Field> = Vec::new();
    for field in fields {
        if kept
            .iter()
            .any(|of| of.name().eq_ignore_ascii_case(field.name()))
        {
            continue;
        }
        let of = match field.data_type() {
            DataType::Struct(fields) => DataType::Struct(without_doubles(fields)),
            of => of.clone(),
        };
        kept.push(Field::new(field.name(), of, true));
    }
    kept.into()
}
