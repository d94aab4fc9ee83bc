//! Remarks on what a lake holds and a reader could not use, or not as it stands.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// Spots that are kept of each remark: more would be longer than anybody reads.
const SPOTS: usize = 20;

/// A kind of remark, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Remark {
    /// A name that leads to no object which can be read.
    Name,
    /// An object that cannot be read.
    Object,
    /// A line, or the rest of one, that is no JSON.
    Line,
    /// JSON that is no object, and so no record.
    NoRecord,
    /// A record that is no reading.
    NoReading,
    /// A record of an item that was deleted.
    Removal,
    /// A reading whose heart rate is no number that a heart rate can be.
    HeartRate,
    /// A reading whose time cannot be read.
    Time,
    /// A heart rate with decimals, taken as the nearest whole one.
    Rounded,
    /// A reading that says it was taken well after its item was written.
    Ahead,
}

impl Remark {
    /// Whether what it is of can hold readings that nobody can know of.
    #[must_use]
    pub fn hides_readings(self) -> bool {
        matches!(self, Self::Name | Self::Object | Self::Line)
    }

    /// Its words behind a number, in the singular and in the plural.
    #[must_use]
    pub fn words(self, count: u64) -> &'static str {
        let (one, more) = match self {
            Self::Name => (
                "name leads to nothing that can be read",
                "names lead to nothing that can be read",
            ),
            Self::Object => ("object cannot be read", "objects cannot be read"),
            Self::Line => (
                "line is no JSON from some place on",
                "lines are no JSON from some place on",
            ),
            Self::NoRecord => (
                "value is JSON and no record",
                "values are JSON and no records",
            ),
            Self::NoReading => ("record is no reading", "records are no readings"),
            Self::Removal => (
                "record is of a deleted item",
                "records are of deleted items",
            ),
            Self::HeartRate => (
                "reading has no heart rate that can be read",
                "readings have no heart rate that can be read",
            ),
            Self::Time => (
                "reading has no time that can be read",
                "readings have no time that can be read",
            ),
            Self::Rounded => (
                "heart rate has decimals and is taken as a whole one",
                "heart rates have decimals and are taken as whole ones",
            ),
            Self::Ahead => (
                "reading is dated over five minutes after its item was written",
                "readings are dated over five minutes after their items were written",
            ),
        };
        if count == 1 { one } else { more }
    }
}

/// A place in a lake.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The object's name.
    pub object: String,
    /// Where in its text, in bytes from the start; `None`: all of it.
    pub at: Option<usize>,
    /// The cause in a few words; may be empty.
    pub why: String,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names come from whoever wrote the lake.
        let plain = |text: &str| -> String {
            let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
            text.chars().map(shown).collect()
        };
        f.write_str(&plain(&self.object))?;
        if let Some(at) = self.at {
            write!(f, ", at byte {at}")?;
        }
        if !self.why.is_empty() {
            write!(f, " ({})", plain(&self.why))?;
        }
        Ok(())
    }
}

/// One kind of remark: how often, and the first places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// How many there are.
    pub count: u64,
    /// The first of them by name and place; not all where there are many.
    pub spots: Vec<Spot>,
}

impl Found {
    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.spots.extend_from_slice(&other.spots);
        self.spots.sort();
        self.spots.truncate(SPOTS);
    }
}

/// Remarks on one object, or on more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<Remark, Found>);

impl Tally {
    /// Takes in one remark. Places of one object are to come in their order.
    fn add(&mut self, remark: Remark, spot: impl FnOnce() -> Spot) {
        let found = self.0.entry(remark).or_default();
        found.count += 1;
        if found.spots.len() < SPOTS {
            found.spots.push(spot());
        }
    }

    /// Takes in a remark on a place in the text of `object`.
    pub fn at(&mut self, remark: Remark, object: &str, at: usize, why: impl FnOnce() -> String) {
        self.add(remark, || Spot {
            object: object.to_owned(),
            at: Some(at),
            why: why(),
        });
    }

    /// Takes in a remark on all of `object`.
    pub fn whole(&mut self, remark: Remark, object: &str, why: String) {
        self.add(remark, || Spot {
            object: object.to_owned(),
            at: None,
            why,
        });
    }

    /// Takes in all of another.
    pub fn merge(&mut self, other: &Self) {
        for (remark, found) in &other.0 {
            self.0.entry(*remark).or_default().merge(found);
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How often there is that one.
    #[must_use]
    pub fn count(&self, remark: Remark) -> u64 {
        self.0.get(&remark).map_or(0, |found| found.count)
    }

    /// All, in the order in which they are told.
    pub fn iter(&self) -> impl Iterator<Item = (Remark, &Found)> {
        self.0.iter().map(|(remark, found)| (*remark, found))
    }

    /// Takes in another of the same object, of which parts may have been told before:
    /// of each kind the larger is kept.
    fn cover(&mut self, other: &Self) {
        for (remark, found) in &other.0 {
            let known = self.0.entry(*remark).or_default();
            if found.count > known.count {
                known.clone_from(found);
            }
        }
    }
}

/// Remarks by object.
#[derive(Debug, Clone, Default)]
pub struct Remarks(HashMap<String, Tally>);

impl Remarks {
    /// Adds to what is known of an object.
    pub fn add(&mut self, object: &str, tally: &Tally) {
        if !tally.is_empty() {
            self.of(object).merge(tally);
        }
    }

    /// Takes in remarks of an object that was read again, from its start.
    pub fn cover(&mut self, object: &str, tally: &Tally) {
        if !tally.is_empty() {
            self.of(object).cover(tally);
        }
    }

    /// Forgets what was told of an object.
    pub fn forget(&mut self, object: &str) {
        self.0.remove(object);
    }

    /// All together.
    #[must_use]
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.0.values().for_each(|tally| total.merge(tally));
        total
    }

    fn of(&mut self, object: &str) -> &mut Tally {
        self.0.entry(object.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(remark: Remark, places: &[usize]) -> Tally {
        let mut tally = Tally::default();
        for &at in places {
            tally.at(remark, "o", at, String::new);
        }
        tally
    }

    #[test]
    fn an_object_that_is_read_twice_by_one_statement_is_remarked_on_once() {
        let mut remarks = Remarks::default();
        remarks.cover("o", &tally(Remark::Line, &[1, 7]));
        remarks.cover("o", &tally(Remark::Line, &[1]));
        remarks.cover("o", &tally(Remark::NoReading, &[3]));
        assert_eq!(remarks.total().count(Remark::Line), 2);
        assert_eq!(remarks.total().count(Remark::NoReading), 1);
        remarks.add("o", &tally(Remark::Line, &[9]));
        assert_eq!(remarks.total().count(Remark::Line), 3);
        remarks.forget("o");
        assert!(remarks.total().is_empty());
    }

    #[test]
    fn the_first_places_are_kept_and_all_are_counted() {
        let places: Vec<usize> = (0..100).collect();
        let mut total = tally(Remark::Line, &places[50..]);
        total.merge(&tally(Remark::Line, &places[..50]));
        let found: Vec<_> = total.iter().map(|(_, found)| found.clone()).collect();
        assert_eq!((found[0].count, found[0].spots.len()), (100, SPOTS));
        assert_eq!(found[0].spots[0].to_string(), "o, at byte 0");
    }

    #[test]
    fn names_do_not_reach_a_terminal_with_their_control_characters() {
        let spot = Spot {
            object: "a\u{1b}]0;x\u{7}".to_owned(),
            at: None,
            why: "cut off".to_owned(),
        };
        assert_eq!(spot.to_string(), "a\u{fffd}]0;x\u{fffd} (cut off)");
    }
}
