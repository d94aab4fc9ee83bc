//! Names in records, spelt as columns are.
//!
//! Athena does not heed the case of a name, and records of one lake may spell the
//! same name differently. Columns are in lower case; names that differ from a column's
//! in case alone are written over with it before they are looked for.

use datafusion::arrow::datatypes::{DataType, Fields};

/// Spells the names of a record, which is whole JSON. Keys of maps are values and
/// stay as they are.
pub(super) fn spell(record: &mut [u8], columns: &Fields) {
    let mut walk = Walk {
        json: record,
        at: 0,
    };
    // What is no object has no names.
    let _ = walk.object(|name| spelt(name, columns));
}

/// Spells a name as its column does; what the column is of.
fn spelt<'t>(name: &mut [u8], columns: &'t Fields) -> Option<&'t DataType> {
    let mut columns = columns.iter();
    let column = columns.find(|of| of.name().as_bytes().eq_ignore_ascii_case(name))?;
    name.copy_from_slice(column.name().as_bytes());
    Some(column.data_type())
}

struct Walk<'a> {
    json: &'a mut [u8],
    at: usize,
}

impl Walk<'_> {
    /// The byte that stands there, white space passed over.
    fn peek(&mut self) -> Option<u8> {
        while matches!(self.json.get(self.at)?, b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
        self.json.get(self.at).copied()
    }

    /// Steps over a string whose inside starts there; returns where that ends.
    fn string(&mut self) -> Option<usize> {
        loop {
            self.at += memchr::memchr2(b'"', b'\\', self.json.get(self.at..)?)?;
            if self.json[self.at] == b'"' {
                self.at += 1;
                return Some(self.at - 1);
            }
            self.at += 2;
        }
    }

    /// Goes through an object. `member` is given each name and says what its value is
    /// of; `None`: it is passed over.
    fn object<'t>(
        &mut self,
        mut member: impl FnMut(&mut [u8]) -> Option<&'t DataType>,
    ) -> Option<()> {
        if self.peek()? != b'{' {
            return None;
        }
        self.at += 1;
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'}' => return Some(()),
                b',' => {}
                b'"' => {
                    let from = self.at;
                    let to = self.string()?;
                    let of = member(&mut self.json[from..to]);
                    self.peek().filter(|byte| *byte == b':')?;
                    self.at += 1;
                    match of {
                        Some(of) => self.value(of)?,
                        None => self.skip()?,
                    }
                }
                _ => return None,
            }
        }
    }

    fn value(&mut self, of: &DataType) -> Option<()> {
        match (of, self.peek()?) {
            (DataType::Struct(columns), b'{') => self.object(|name| spelt(name, columns)),
            (DataType::Map(entry, _), b'{') => {
                let of = match entry.data_type() {
                    DataType::Struct(entry) => entry.get(1).map(|value| value.data_type()),
                    _ => None,
                };
                self.object(|_| of)
            }
            (DataType::List(item), b'[') => {
                self.at += 1;
                loop {
                    match self.peek()? {
                        b']' => {
                            self.at += 1;
                            return Some(());
                        }
                        b',' => self.at += 1,
                        _ => self.value(item.data_type())?,
                    }
                }
            }
            _ => self.skip(),
        }
    }

    /// Steps over a value, however deep it is.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            let byte = self.peek()?;
            match byte {
                b'"' => {
                    self.at += 1;
                    self.string()?;
                }
                b'{' | b'[' => {
                    self.at += 1;
                    depth += 1;
                }
                b'}' | b']' => {
                    self.at += 1;
                    depth = depth.checked_sub(1)?;
                }
                b',' | b':' => self.at += 1,
                _ => {
                    let rest = &self.json[self.at..];
                    let end = |byte: &u8| {
                        matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t')
                    };
                    self.at += rest.iter().position(end).unwrap_or(rest.len());
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::Field;

    use super::*;

    #[test]
    fn names_are_spelt_as_columns_are_and_values_stay() {
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        let of = |fields: Vec<Field>| DataType::Struct(fields.into());
        let entry = of(vec![
            text("key"),
            Field::new("value", of(vec![text("s")]), true),
        ]);
        let columns: Fields = vec![
            text("bpm"),
            Field::new("image", of(vec![text("s")]), true),
            Field::new("list", DataType::new_list(of(vec![text("s")]), true), true),
            Field::new(
                "map",
                DataType::Map(Field::new("e", entry, false).into(), false),
                true,
            ),
        ]
        .into();
        for (record, expected) in [
            (
                r#"{"BPM":"BPM","Other":{"BPM":1}}"#,
                r#"{"bpm":"BPM","Other":{"BPM":1}}"#,
            ),
            (
                r#"{ "Image" : { "S" : "S" , "N":[{"S":1}]} }"#,
                r#"{ "image" : { "s" : "S" , "N":[{"S":1}]} }"#,
            ),
            (
                r#"{"List":[{"S":1},null,{"S":"]"}],"Bpm":-1e3}"#,
                r#"{"list":[{"s":1},null,{"s":"]"}],"bpm":-1e3}"#,
            ),
            (
                r#"{"MAP":{"BPM":{"S":1}},"x":"\"{","BPM":2}"#,
                r#"{"map":{"BPM":{"s":1}},"x":"\"{","bpm":2}"#,
            ),
            (r#"{"image":"S","Bpm":true}"#, r#"{"image":"S","bpm":true}"#),
            ("[]", "[]"),
            ("{", "{"),
        ] {
            let mut spelt = record.as_bytes().to_vec();
            spell(&mut spelt, &columns);
            assert_eq!(String::from_utf8_lossy(&spelt), expected);
        }
    }
}
