//! Change data capture records: what DynamoDB puts into a Kinesis stream.

mod decode;
mod encode;

pub use decode::decode;
pub(super) use decode::{Image, scan};
pub use encode::{ChangeImage, encode};

pub use crate::identity::{Scalar, reading_of};
use hrload_workload::ReadingId;

/// What happened to the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// A new item.
    Insert,
    /// An existing item was overwritten or changed.
    Modify,
    /// An item was deleted.
    Remove,
}

/// The unit of `ApproximateCreationDateTime`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Precision {
    /// Whole seconds (some emulators).
    Second,
    /// Milliseconds, DynamoDB's when no precision was configured.
    Millisecond,
    /// Microseconds.
    Microsecond,
}

/// The fields of a change record that measuring needs. Borrows from the record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change<'a> {
    /// The table it happened in; empty if the record does not say.
    pub table: &'a [u8],
    /// What happened.
    pub kind: ChangeKind,
    /// `ApproximateCreationDateTime` in microseconds since the Unix epoch.
    pub created_us: u64,
    /// How fine `created_us` really is: by its precision field, else by magnitude.
    pub precision: Precision,
    /// The reading that the item is, in whichever layout; `None` if it is none.
    pub reading: Option<ReadingId>,
}

impl Change<'_> {
    /// Returns the reading that this change brought.
    ///
    /// A reading's item is written once, and writing the same again is no change: who
    /// changes it, or removes it, is somebody else, and that brings no reading.
    #[must_use]
    pub fn arrival(&self) -> Option<ReadingId> {
        self.reading.filter(|_| self.kind == ChangeKind::Insert)
    }
}

impl Precision {
    /// How many microseconds one unit is.
    #[must_use]
    pub fn grain_us(self) -> u64 {
        match self {
            Precision::Second => 1_000_000,
            Precision::Millisecond => 1_000,
            Precision::Microsecond => 1,
        }
    }
}
