//! The readings in the text of an object, or of a record of a stream.

use super::record::{Piece, Records};
use super::remark::{Remark, Tally};
use hrload_codec::sample::{self, NoSample, Sample};

/// The readings of a text, one after the other; what is none is remarked on.
#[derive(Debug)]
pub struct Readings<'a> {
    records: Records<'a>,
    object: &'a str,
    /// Records so far, readings or not.
    pub seen: u64,
    /// Remarks so far.
    pub tally: Tally,
    /// The remark on a last line that was cut off: more of it may come.
    pub tail: Tally,
}

impl<'a> Readings<'a> {
    /// Those of a text, which is called `object` in remarks.
    #[must_use]
    pub fn of(object: &'a str, text: &'a [u8]) -> Self {
        Self::from(object, text, 0)
    }

    /// Those of a text that was read up to `at`.
    #[must_use]
    pub fn from(object: &'a str, text: &'a [u8], at: usize) -> Self {
        Self {
            records: Records::from(text, at),
            object,
            seen: 0,
            tally: Tally::default(),
            tail: Tally::default(),
        }
    }

    /// How far the text was read, in bytes from its start.
    #[must_use]
    pub fn read_to(&self) -> usize {
        self.records.read_to()
    }

    /// Where to go on when more was written behind the text.
    #[must_use]
    pub fn whole_to(&self) -> usize {
        self.records.whole_to()
    }
}

impl<'a> Iterator for Readings<'a> {
    type Item = Sample<'a>;

    fn next(&mut self) -> Option<Sample<'a>> {
        let (tally, object) = (&mut self.tally, self.object);
        while let Some((at, piece)) = self.records.next() {
            let record = match piece {
                Piece::Broken(why) => {
                    let may_go_on = self.records.whole_to() == at;
                    let tally = if may_go_on {
                        &mut self.tail
                    } else {
                        &mut *tally
                    };
                    tally.at(Remark::Line, object, at, || why);
                    continue;
                }
                Piece::Other => {
                    tally.at(Remark::NoRecord, object, at, String::new);
                    continue;
                }
                Piece::Record(record) => record,
            };
            self.seen += 1;
            let none = match sample::read(record) {
                Ok(sample) => {
                    let whose = || format!("wearable {}", sample.device);
                    if sample.is_rounded {
                        tally.at(Remark::Rounded, object, at, whose);
                    }
                    if sample.is_ahead() {
                        tally.at(Remark::Ahead, object, at, whose);
                    }
                    return Some(sample);
                }
                Err(NoSample::Other) => Remark::NoReading,
                Err(NoSample::Removal) => Remark::Removal,
                Err(NoSample::HeartRate) => Remark::HeartRate,
                Err(NoSample::Time) => Remark::Time,
            };
            tally.at(none, object, at, String::new);
        }
        None
    }
}
