//! Times in ISO 8601.

use datafusion::error::Result;

use super::formats::{Field, Found, Part, Read, Reader, number, read_offset};

/// ISO 8601's date and time, or date alone: a month, a week or a day of the year.
pub(super) fn iso8601(text: &str, with_time: bool) -> Result<Read> {
    let mut reader = Reader { text, at: 0 };
    let mut found = Found::default();
    let read = iso_parts(&mut reader, &mut found, with_time);
    if read.is_none() || reader.at < text.len() {
        return reader.malformed();
    }
    found.read_as(text)
}

fn iso_parts(reader: &mut Reader<'_>, found: &mut Found, with_time: bool) -> Option<()> {
    found.read(&number(Field::Year, 4, 9), reader)?;
    if reader.rest().starts_with("-W") {
        reader.at += 2;
        let (_, year) = found.numbers.pop()?;
        found.numbers.push((Field::WeekYear, year));
        found.read(&number(Field::Week, 2, 2), reader)?;
        if reader.rest().starts_with('-') {
            reader.at += 1;
            found.read(&number(Field::DayOfWeek, 1, 1), reader)?;
        }
    } else if reader.rest().starts_with('-') {
        reader.at += 1;
        let digits = reader.rest().bytes().take_while(u8::is_ascii_digit).count();
        if digits == 3 {
            found.read(&number(Field::DayOfYear, 3, 3), reader)?;
        } else {
            found.read(&number(Field::Month, 2, 2), reader)?;
            if reader.rest().starts_with('-') {
                reader.at += 1;
                found.read(&number(Field::Day, 2, 2), reader)?;
            }
        }
    }
    if !with_time || !reader.rest().starts_with(['T', 't']) {
        return Some(());
    }
    reader.at += 1;
    if reader.rest().starts_with(|of: char| of.is_ascii_digit()) {
        found.read(&number(Field::Hour, 2, 2), reader)?;
        for field in [Field::Minute, Field::Second] {
            if !reader.rest().starts_with(':') {
                break;
            }
            reader.at += 1;
            found.read(&number(field, 2, 2), reader)?;
        }
        if reader.rest().starts_with(['.', ',']) {
            reader.at += 1;
            found.read(
                &Part::Fraction {
                    printed: 3,
                    most: 18,
                },
                reader,
            )?;
        }
    }
    if !reader.rest().is_empty() {
        found.offset_seconds = Some(read_offset(reader)?);
    }
    Some(())
}
