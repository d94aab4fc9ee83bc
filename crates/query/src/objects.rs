//! Which objects can hold what a statement asks for, by their names alone.
//!
//! A key says in which hour the oldest record of its object arrived
//! (`.../2026/11/23/17/...`) and in which second the object was closed
//! (`...-2026-11-23-17-54-32-<uuid>`), as Firehose names objects. Everything in it
//! arrived between the two; its item was written, by a clock of the service, before
//! its record arrived. When a reading was taken, and when it was due, clocks say that
//! may be wrong by years in either direction: they leave out nothing, unless somebody
//! vouches for them.

use std::collections::HashSet;
use std::time::Duration;

use datafusion::arrow::array::{ArrayRef, BooleanArray, TimestampMicrosecondArray, UInt64Array};
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, ScalarValue};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::columns;
use hrload_codec::sample::CLOCKS_AGREE_US;
use hrload_lake::Object;

/// Clocks that can be trusted are taken to agree this well.
const SKEW_US: i64 = CLOCKS_AGREE_US as i64;
/// An item's record arrives within that: a table's stream keeps it no longer.
const CAPTURED_US: i64 = 86_400_000_000;

/// An object, and when what it holds arrived, in microseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Timed {
    pub(super) object: Object,
    /// The start of the hour that its name begins with; `None`: it names none.
    pub(super) hour_us: Option<i64>,
    /// When it was closed at the latest; `None`: its name does not say.
    pub(super) closed_us: Option<i64>,
}

impl From<Object> for Timed {
    fn from(object: Object) -> Self {
        Self {
            hour_us: hour(&object.key),
            closed_us: closed(&object.key),
            object,
        }
    }
}

/// The numbers of a part of a name, where it consists of nothing but numbers and
/// `between`.
fn numbers<const N: usize>(text: &str, between: char) -> Option<[i8; N]> {
    let mut parts = text.split(between);
    let mut found = [0; N];
    for number in &mut found {
        let part = parts.next().filter(|part| part.len() == 2)?;
        *number = part.parse().ok().filter(|number| *number >= 0)?;
    }
    parts.next().is_none().then_some(found)
}

fn instant(year: &str, [month, day, hour]: [i8; 3], minute: i8, second: i8) -> Option<i64> {
    let year = year.parse().ok().filter(|_| year.len() == 4)?;
    let at = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let at = at.to_zoned(TimeZone::UTC).ok()?;
    Some(at.timestamp().as_microsecond())
}

/// The last `yyyy/MM/dd/HH/` in a key.
fn hour(key: &str) -> Option<i64> {
    let folders: Vec<_> = key.rsplit_once('/')?.0.split('/').collect();
    folders.windows(4).rev().find_map(|window| {
        let rest = window[1..].join("/");
        instant(window[0], numbers(&rest, '/')?, 0, 0)
    })
}

/// The `-yyyy-MM-dd-HH-mm-ss-` before the id that a key ends in.
fn closed(key: &str) -> Option<i64> {
    const ID: usize = "-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx".len();
    const TIME: usize = "yyyy-MM-dd-HH-mm-ss".len();
    let name = key.rsplit_once('/').map_or(key, |(_, name)| name);
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    let rest = stem.get(..stem.len().checked_sub(ID)?)?;
    let time = rest.get(rest.len().checked_sub(TIME)?..)?;
    let (year, rest) = time.split_once('-')?;
    let [month, day, hour, minute, second] = numbers(rest, '-')?;
    // The name leaves out what a second has behind its point.
    Some(instant(year, [month, day, hour], minute, second)? + 1_000_000)
}

/// What is known of the times in some objects, for DataFusion's pruning.
pub(super) struct Times<'a> {
    pub(super) objects: &'a [Timed],
    /// How much later than it was taken a reading arrives at most, if that is
    /// promised, and with it that no clock is ahead.
    pub(super) late: Option<Duration>,
}

impl Times<'_> {
    fn array(&self, value: impl Fn(&Timed) -> Option<i64>) -> Option<ArrayRef> {
        let values: TimestampMicrosecondArray = self.objects.iter().map(value).collect();
        Some(std::sync::Arc::new(values))
    }

    fn late_us(&self) -> Option<i64> {
        let late = self.late?;
        Some(i64::try_from(late.as_micros()).unwrap_or(i64::MAX))
    }

    /// Not before what arrived first, by so much.
    fn from(&self, late_us: i64) -> Option<ArrayRef> {
        let early = late_us.saturating_add(SKEW_US);
        self.array(|of| Some(of.hour_us?.saturating_sub(early)))
    }

    /// Not after the object was closed.
    fn to(&self) -> Option<ArrayRef> {
        self.array(|of| Some(of.closed_us? + SKEW_US))
    }
}

impl PruningStatistics for Times<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        match column.name() {
            columns::HOUR => self.array(|of| of.hour_us),
            columns::CREATED => self.from(CAPTURED_US),
            columns::OBSERVED | columns::INTENDED => self.from(self.late_us()?),
            _ => None,
        }
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        match column.name() {
            columns::HOUR => self.array(|of| of.hour_us),
            columns::CREATED => self.to(),
            columns::OBSERVED | columns::INTENDED => self.late_us().and_then(|_| self.to()),
            _ => None,
        }
    }

    fn num_containers(&self) -> usize {
        self.objects.len()
    }

    fn null_counts(&self, _: &Column) -> Option<ArrayRef> {
        None::<UInt64Array>.map(|array| std::sync::Arc::new(array) as ArrayRef)
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        None
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

/// Deals objects to `hands`, so that each has about as many bytes; the oldest of a
/// hand are read first.
pub(super) fn deal(mut objects: Vec<Timed>, hands: usize) -> Vec<Vec<Timed>> {
    let mut dealt = vec![Vec::new(); hands.max(1)];
    let mut bytes = vec![0; dealt.len()];
    objects.sort_by(|a, b| (b.object.bytes, &b.object.key).cmp(&(a.object.bytes, &a.object.key)));
    for object in objects {
        let lightest = (0..dealt.len())
            .min_by_key(|hand| bytes[*hand])
            .unwrap_or(0);
        bytes[lightest] += object.object.bytes;
        dealt[lightest].push(object);
    }
    for hand in &mut dealt {
        hand.sort_by(|a, b| a.object.key.cmp(&b.object.key));
    }
    dealt
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0b9e4f9e-6c1b-4f8e-9d55-8f3a1b2c3d4e";

    #[test]
    fn a_name_says_in_which_hour_records_arrived_and_when_the_object_closed() {
        let hour = |text: &str| {
            text.parse::<jiff::Timestamp>()
                .ok()
                .map(|at| at.as_microsecond())
        };
        for (key, hour_at, closed_at) in [
            (
                format!("2026/11/23/17/s-1-2026-11-23-17-54-32-{ID}"),
                hour("2026-11-23T17:00:00Z"),
                hour("2026-11-23T17:54:33Z"),
            ),
            (
                format!("some/prefix/2026/11/23/17/my-stream-1-2026-11-23-18-00-01-{ID}.gz"),
                hour("2026-11-23T17:00:00Z"),
                hour("2026-11-23T18:00:02Z"),
            ),
            (
                format!("by/2026/13/01/00/s-1-2026-13-01-00-00-00-{ID}"),
                None,
                None,
            ),
            (
                format!("dt=2026-11-23/s-1-2026-11-23-18-00-01-{ID}.zst"),
                None,
                hour("2026-11-23T18:00:02Z"),
            ),
            ("some/object.json".to_owned(), None, None),
            (
                "2026/11/23/17/ü".to_owned(),
                hour("2026-11-23T17:00:00Z"),
                None,
            ),
            (String::new(), None, None),
        ] {
            let timed = Timed::from(Object {
                key: key.clone(),
                written_us: 0,
                bytes: 0,
            });
            assert_eq!(
                (timed.hour_us, timed.closed_us),
                (hour_at, closed_at),
                "{key}"
            );
        }
    }

    #[test]
    fn objects_are_dealt_by_weight_and_read_oldest_first() {
        let objects: Vec<_> = (1..=9)
            .map(|n: u64| {
                Timed::from(Object {
                    key: format!("{n}"),
                    written_us: 0,
                    bytes: n * 10,
                })
            })
            .collect();
        let dealt = deal(objects, 2);
        let bytes = |hand: &[Timed]| hand.iter().map(|of| of.object.bytes).sum::<u64>();
        assert_eq!(bytes(&dealt[0]) + bytes(&dealt[1]), 450);
        assert!(bytes(&dealt[0]).abs_diff(bytes(&dealt[1])) <= 30);
        for hand in &dealt {
            assert!(hand.is_sorted_by(|a, b| a.object.key < b.object.key));
        }
        assert_eq!(deal(Vec::new(), 0).len(), 1);
    }
}
