//! Records as columns, and back: an object in Apache Parquet, ZSTD inside, as
//! Firehose's record format conversion makes one
//! (<https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html>).
//!
//! Where Firehose asks a Glue table for the columns, they are found in the records:
//! each object has those of its own. Null and absent are one, and so are an empty
//! object and an absent one, so that a record with neither is a row of nulls; a number is
//! of 64 bits; where records disagree on a plain value's type, it is text. A record that
//! is no JSON object, or has a list or an object where those before it have something
//! else, is left out; so are records without any value, where no other has one.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::datatypes::{DataType, Field, Fields, Schema};
use datafusion::arrow::json::{LineDelimitedWriter, ReaderBuilder};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::{Deserializer, Value};

use super::failed::{Cause, FailedRecord};
use super::transform::Transformed;

/// Rows that are made or read at a time.
const ROWS: usize = 8_192;

/// What records look like.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    /// Nothing was seen but nulls.
    Nothing,
    Boolean,
    Integer,
    Float,
    Text,
    List(Box<Shape>),
    Object(BTreeMap<String, Shape>),
}

/// Two things that cannot stand in one column.
struct Conflict {
    /// Names that lead there, the outermost last.
    path: Vec<String>,
}

impl Shape {
    fn of(value: &Value) -> Result<Self, Conflict> {
        Ok(match value {
            Value::Null => Self::Nothing,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_i64() => Self::Integer,
            Value::Number(_) => Self::Float,
            Value::String(_) => Self::Text,
            Value::Array(items) => {
                let mut of = Self::Nothing;
                for item in items {
                    let item = Self::of(item)?;
                    of.agrees(&item)?;
                    of.widen(item);
                }
                Self::List(Box::new(of))
            }
            Value::Object(fields) => {
                let fields = fields.iter().map(|(name, value)| {
                    let shape = Self::of(value).map_err(|conflict| conflict.within(name))?;
                    Ok((name.clone(), shape))
                });
                Self::Object(fields.collect::<Result<_, Conflict>>()?)
            }
        })
    }

    /// Whether both can stand in one column.
    fn agrees(&self, other: &Self) -> Result<(), Conflict> {
        match (self, other) {
            (Self::Nothing, _) | (_, Self::Nothing) => Ok(()),
            (Self::List(of), Self::List(other)) => of.agrees(other),
            (Self::Object(fields), Self::Object(others)) => {
                for (name, other) in others {
                    if let Some(field) = fields.get(name) {
                        field.agrees(other).map_err(|of| of.within(name))?;
                    }
                }
                Ok(())
            }
            (Self::List(_) | Self::Object(_), _) | (_, Self::List(_) | Self::Object(_)) => {
                Err(Conflict { path: Vec::new() })
            }
            _ => Ok(()),
        }
    }

    /// Takes in another that [`agrees`](Self::agrees).
    fn widen(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::List(of), Self::List(other)) => of.widen(*other),
            (Self::Object(fields), Self::Object(others)) => {
                for (name, other) in others {
                    match fields.get_mut(&name) {
                        Some(field) => field.widen(other),
                        None => drop(fields.insert(name, other)),
                    }
                }
            }
            (_, Self::Nothing) => {}
            (Self::Nothing, other) => *self = other,
            (Self::Integer, Self::Float) | (Self::Float, Self::Integer) => *self = Self::Float,
            (of, other) if *of == other => {}
            _ => *self = Self::Text,
        }
    }

    /// The column's type; `None`: there is nothing to keep.
    fn column(&self) -> Option<DataType> {
        Some(match self {
            Self::Nothing => return None,
            Self::Boolean => DataType::Boolean,
            Self::Integer => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Text => DataType::Utf8,
            Self::List(of) => DataType::new_list(of.column()?, true),
            Self::Object(fields) => {
                let columns = columns(fields);
                if columns.is_empty() {
                    return None;
                }
                DataType::Struct(columns)
            }
        })
    }
}

fn columns(of: &BTreeMap<String, Shape>) -> Fields {
    of.iter()
        .filter_map(|(name, shape)| Some(Field::new(name, shape.column()?, true)))
        .collect()
}

impl Conflict {
    fn within(mut self, name: &str) -> Self {
        self.path.push(name.to_owned());
        self
    }

    fn say(mut self) -> String {
        self.path.reverse();
        format!(
            "{} is of another kind than in the records before",
            self.path.join(".")
        )
    }
}

/// The objects of one record, merged.
fn shape_of_record(text: &[u8]) -> Result<Shape, String> {
    let mut shape = Shape::Nothing;
    for value in Deserializer::from_slice(text).into_iter::<Value>() {
        let value = value.map_err(|error| format!("it is no JSON: {error}"))?;
        if !value.is_object() {
            return Err("it is JSON, and no object".to_owned());
        }
        let of = Shape::of(&value).map_err(Conflict::say)?;
        shape.agrees(&of).map_err(Conflict::say)?;
        shape.widen(of);
    }
    match shape {
        Shape::Object(_) => Ok(shape),
        _ => Err("it is no JSON object".to_owned()),
    }
}

/// An object, and the records that are not in it: their place, and why.
struct Encoded {
    body: Vec<u8>,
    left_out: Vec<(usize, String)>,
}

/// Records, each the text of one JSON object or of several, as columns. The body is
/// empty when no record can be.
fn encode<'a>(records: impl Iterator<Item = &'a [u8]> + Clone) -> io::Result<Encoded> {
    let mut whole = Shape::Nothing;
    let mut left_out = Vec::new();
    for (place, text) in records.clone().enumerate() {
        let fits = shape_of_record(text).and_then(|shape| {
            whole.agrees(&shape).map_err(Conflict::say)?;
            Ok(shape)
        });
        match fits {
            Ok(shape) => whole.widen(shape),
            Err(why) => left_out.push((place, why)),
        }
    }
    let Some(DataType::Struct(columns)) = whole.column() else {
        // Rows of nulls need a column to be null in.
        let body = Vec::new();
        let left_out = (records.enumerate())
            .map(
                |(place, _)| match left_out.binary_search_by_key(&place, |(at, _)| *at) {
                    Ok(at) => left_out[at].clone(),
                    Err(_) => {
                        let why = "neither it nor another record of its object has a value to make \
                               a column of";
                        (place, why.to_owned())
                    }
                },
            )
            .collect();
        return Ok(Encoded { body, left_out });
    };
    let schema = Arc::new(Schema::new(columns));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties))?;
    let mut decoder = ReaderBuilder::new(schema)
        .with_batch_size(ROWS)
        .with_coerce_primitive(true)
        .build_decoder()
        .map_err(io::Error::other)?;
    let mut out = left_out.iter().map(|(place, _)| *place).peekable();
    for (place, mut text) in records.enumerate() {
        if out.next_if_eq(&place).is_some() {
            continue;
        }
        // It takes what fits into its rows.
        while !text.is_empty() {
            let taken = decoder.decode(text).map_err(io::Error::other)?;
            text = &text[taken..];
            if !text.is_empty()
                && let Some(rows) = decoder.flush().map_err(io::Error::other)?
            {
                writer.write(&rows)?;
            }
        }
    }
    while let Some(rows) = decoder.flush().map_err(io::Error::other)? {
        writer.write(&rows)?;
    }
    let body = writer.into_inner()?;
    Ok(Encoded { body, left_out })
}

/// Makes transformed records an object; those that have no place in it fail.
pub(super) fn convert(done: &mut Transformed, now_us: u64) -> io::Result<()> {
    let encoded = encode(done.records().map(|(text, _)| text))?;
    let mut unconverted = Vec::new();
    let count = encoded.left_out.len() as u64;
    let mut left_out = encoded.left_out.into_iter().peekable();
    for (place, (text, arrived_us)) in done.records().enumerate() {
        if let Some((_, message)) = left_out.next_if(|(at, _)| *at == place) {
            let cause = Cause {
                code: "DataFormatConversion.ParseError",
                message,
                attempts: 1,
            };
            FailedRecord::new(text, arrived_us, &cause, "hrload:parquet", now_us)
                .write(&mut unconverted);
        }
    }
    done.ok -= count;
    done.unconverted = count;
    done.unconverted_body = unconverted;
    done.body = encoded.body;
    Ok(())
}

/// An object's records, as lines of JSON.
pub(super) fn decode(object: Vec<u8>) -> io::Result<Vec<u8>> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(object))?
        .with_batch_size(ROWS)
        .build()?;
    let mut lines = LineDelimitedWriter::new(Vec::new());
    for rows in reader {
        let rows = rows.map_err(io::Error::other)?;
        lines.write(&rows).map_err(io::Error::other)?;
    }
    lines.finish().map_err(io::Error::other)?;
    Ok(lines.into_inner())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn round(records: &[&str]) -> (Vec<Value>, Vec<(usize, String)>) {
        let encoded = encode(records.iter().map(|text| text.as_bytes())).unwrap();
        let lines = match encoded.body.is_empty() {
            true => Vec::new(),
            false => decode(encoded.body).unwrap(),
        };
        let values = Deserializer::from_slice(&lines).into_iter();
        (values.map(Result::unwrap).collect(), encoded.left_out)
    }

    #[test]
    fn records_come_back_as_they_were_but_for_nulls() {
        let (rows, left_out) = round(&[
            r#"{"id":"1","n":1,"deep":{"S":"72"},"list":[1,2],"gone":null}"#,
            "{\"id\":\"2\",\"n\":2.5,\"deep\":{\"S\":\"73\",\"empty\":{}}}\n{\"id\":\"3\"}\n",
        ]);
        assert!(left_out.is_empty(), "{left_out:?}");
        let wanted = [
            json!({"id":"1","n":1.0,"deep":{"S":"72"},"list":[1,2]}),
            json!({"id":"2","n":2.5,"deep":{"S":"73"}}),
            json!({"id":"3"}),
        ];
        assert_eq!(rows, wanted);
    }

    #[test]
    fn a_record_that_fits_no_column_is_left_out_and_said_why() {
        let (rows, left_out) = round(&[
            r#"{"a":{"b":1}}"#,
            "no json",
            "[1]",
            r#"{"a":{"b":{"c":1}}}"#,
            r#"{"a":{"b":"x"}}"#,
            r#"{"a":[1,[2]]}"#,
            "{}",
            r#"{"a":null}"#,
        ]);
        // A number beside a text is text; what has neither is a row of nulls.
        let wanted = [
            json!({"a":{"b":"1"}}),
            json!({"a":{"b":"x"}}),
            json!({}),
            json!({}),
        ];
        assert_eq!(rows, wanted);
        let why: Vec<_> = left_out.iter().map(|(at, why)| (*at, &**why)).collect();
        assert_eq!(why[0].0, 1);
        assert!(why[0].1.starts_with("it is no JSON"), "{why:?}");
        assert_eq!(why[1], (2, "it is JSON, and no object"));
        let kind = "is of another kind than in the records before";
        assert_eq!(why[2], (3, &*format!("a.b {kind}")));
        assert_eq!(why[3], (5, &*format!("a {kind}")));
        assert_eq!(why.len(), 4, "{why:?}");
        let (rows, left_out) = round(&["{}", "[1]", r#"{"a":null}"#]);
        assert_eq!(rows, Vec::<Value>::new());
        let places: Vec<_> = left_out.iter().map(|(at, _)| *at).collect();
        assert_eq!(places, [0, 1, 2], "{left_out:?}");
        assert!(
            left_out[2].1.starts_with("neither it nor another"),
            "{left_out:?}"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn no_record_is_lost_however_many_rows_fit(
            counts in proptest::collection::vec(0..40u32, 1..400)
        ) {
            // A record of many objects spans batches.
            let records: Vec<String> = counts
                .iter()
                .map(|count| (0..=*count).map(|n| format!("{{\"n\":{n}}}")).collect())
                .collect();
            let texts: Vec<&str> = records.iter().map(String::as_str).collect();
            let (rows, left_out) = round(&texts);
            let wanted: Vec<Value> = counts
                .iter()
                .flat_map(|count| (0..=*count).map(|n| json!({"n": n})))
                .collect();
            prop_assert!(left_out.is_empty());
            prop_assert_eq!(rows, wanted);
        }
    }
}
