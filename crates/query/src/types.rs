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
    /// As JSON is to be read, names in lower case.
    pub(super) fn arrow(&self) -> DataType {
        match self {
            ColumnType::String => DataType::Utf8,
            ColumnType::Boolean => DataType::Boolean,
            ColumnType::Int => DataType::Int32,
            ColumnType::Bigint => DataType::Int64,
            ColumnType::Double => DataType::Float64,
            ColumnType::Decimal(precision, scale) => DataType::Decimal128(*precision, *scale),
            ColumnType::Date => DataType::Date32,
            ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            ColumnType::Array(of) => DataType::new_list(of.arrow(), true),
            ColumnType::Map(of) => {
                let entry = Fields::from(vec![
                    Field::new("key", DataType::Utf8, false),
                    Field::new("value", of.arrow(), true),
                ]);
                let entries = Field::new("entries", DataType::Struct(entry), false);
                DataType::Map(entries.into(), false)
            }
            ColumnType::Struct(fields) => {
                DataType::Struct(fields.iter().map(|(name, of)| field(name, of)).collect())
            }
        }
    }
}

/// A declared column, as JSON is to be read.
pub(super) fn field(name: &str, of: &ColumnType) -> Field {
    Field::new(name.to_ascii_lowercase(), of.arrow(), true)
}
