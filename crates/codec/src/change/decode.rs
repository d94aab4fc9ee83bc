//! From a record's bytes to its fields.

use super::{Change, ChangeKind, Precision};
use crate::DecodeError;
use crate::decimal::Decimal;
use crate::identity::Identity;
use crate::scan::Scanner;
use hrload_workload::ReadingId;

/// Reads one change record. Builds no tree and allocates nothing; field order
/// and unknown fields do not matter.
///
/// # Errors
/// The bytes are not a change data capture record.
pub fn decode(record: &[u8]) -> Result<Change<'_>, DecodeError> {
    let mut scanner = Scanner::new(record);
    let (change, _) = scan::<Identity>(&mut scanner)?;
    scanner.finish()?;
    Ok(change)
}

/// What is taken out of an item, its identity at least.
pub(crate) trait Image<'a>: Default {
    /// Reads an item in DynamoDB JSON.
    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, DecodeError>;

    /// Which reading it is, if it is one of hrload's.
    fn reading(&self) -> Option<ReadingId>;
}

impl<'a> Image<'a> for Identity {
    #[inline(always)]
    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, DecodeError> {
        Identity::scan(scanner)
    }

    #[inline(always)]
    fn reading(&self) -> Option<ReadingId> {
        Identity::reading(*self)
    }
}

/// Reads the change record that stands there, and its new image as `I`.
#[inline(always)]
pub(crate) fn scan<'a, I: Image<'a>>(
    scanner: &mut Scanner<'a>,
) -> Result<(Change<'a>, I), DecodeError> {
    let mut table: &[u8] = b"";
    let mut kind = None;
    let mut body = Body::<I>::default();
    scanner.object(|scanner, name| {
        match name {
            b"eventName" => {
                let before = scanner.clone();
                kind = Some(match scanner.string()? {
                    b"INSERT" => ChangeKind::Insert,
                    b"MODIFY" => ChangeKind::Modify,
                    b"REMOVE" => ChangeKind::Remove,
                    _ => return Err(before.error("INSERT, MODIFY or REMOVE")),
                });
            }
            b"tableName" if scanner.peek() == Some(b'"') => table = scanner.string()?,
            b"dynamodb" => body.scan(scanner)?,
            _ => {
                scanner.skip()?;
            }
        }
        Ok(())
    })?;
    let kind = kind.ok_or_else(|| scanner.error("eventName"))?;
    let (created_us, precision) = body
        .created()
        .ok_or_else(|| scanner.error("ApproximateCreationDateTime"))?;
    let change = Change {
        table,
        kind,
        created_us,
        precision,
        reading: body.reading()?,
    };
    Ok((change, body.new_image))
}

/// The member `dynamodb`.
#[derive(Default)]
struct Body<'a, I> {
    created: Option<Decimal>,
    precision: Option<Precision>,
    new_image: I,
    /// Where the reading can be found if there is no new image.
    keys: Option<&'a [u8]>,
    old_image: Option<&'a [u8]>,
}

impl<'a, I: Image<'a>> Body<'a, I> {
    #[inline(always)]
    fn scan(&mut self, scanner: &mut Scanner<'a>) -> Result<(), DecodeError> {
        scanner.object(|scanner, name| {
            match name {
                b"ApproximateCreationDateTime" => {
                    self.created = Decimal::parse(scanner.number()?);
                }
                b"ApproximateCreationDateTimePrecision" if scanner.peek() == Some(b'"') => {
                    self.precision = match scanner.string()? {
                        b"SECOND" => Some(Precision::Second),
                        b"MILLISECOND" => Some(Precision::Millisecond),
                        b"MICROSECOND" => Some(Precision::Microsecond),
                        _ => None,
                    };
                }
                b"NewImage" if scanner.peek() == Some(b'{') => {
                    self.new_image = I::scan(scanner)?;
                }
                b"Keys" if scanner.peek() == Some(b'{') => self.keys = Some(scanner.skip()?),
                b"OldImage" if scanner.peek() == Some(b'{') => {
                    self.old_image = Some(scanner.skip()?);
                }
                _ => {
                    scanner.skip()?;
                }
            }
            Ok(())
        })
    }

    /// The creation time in microseconds, and how fine it is.
    ///
    /// Without a precision field its magnitude tells: today is 1.7e9 seconds,
    /// 1.7e12 milliseconds or 1.7e15 microseconds after the epoch. Seconds may
    /// carry a fraction.
    fn created(&self) -> Option<(u64, Precision)> {
        let created = self.created?;
        let whole = created.scaled(0)?;
        let unit = self.precision.unwrap_or(match whole {
            0..100_000_000_000 => Precision::Second,
            100_000_000_000..100_000_000_000_000 => Precision::Millisecond,
            _ => Precision::Microsecond,
        });
        let (power, grain) = match (unit, created.fraction_digits()) {
            (Precision::Second, 0) => (6, Precision::Second),
            (Precision::Second, 1..=3) => (6, Precision::Millisecond),
            (Precision::Second, _) => (6, Precision::Microsecond),
            (Precision::Millisecond, 0) => (3, Precision::Millisecond),
            (Precision::Millisecond, _) => (3, Precision::Microsecond),
            (Precision::Microsecond, _) => (0, Precision::Microsecond),
        };
        Some((created.scaled(power)?, grain))
    }

    /// The reading: of the new image; for a removal, of the keys or, where
    /// they do not say all, of the old image.
    fn reading(&self) -> Result<Option<ReadingId>, DecodeError> {
        if let Some(reading) = self.new_image.reading() {
            return Ok(Some(reading));
        }
        for image in [self.keys, self.old_image].into_iter().flatten() {
            if let Some(reading) = Identity::scan(&mut Scanner::new(image))?.reading() {
                return Ok(Some(reading));
            }
        }
        Ok(None)
    }
}
