//! What is not on the page, and why: counted where the page counts. Pure.

use super::board::Board;
use crate::lake::read::Remark;
use crate::report::{count, timestamp};

/// Places and wearables that are named of each cause.
const NAMED: usize = 10;

/// One cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    /// What is left out, or taken otherwise than it stands there.
    pub(super) what: String,
    /// How many.
    pub(super) count: u64,
    /// Where: the first of them.
    pub(super) named: Vec<String>,
}

/// All that is left out of a board.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) causes: Vec<Cause>,
    /// Names, objects and lines that cannot be read: readings may be in them.
    pub(super) unread: u64,
    /// Nothing was there, neither shown nor left out.
    pub(super) is_empty: bool,
}

impl LeftOut {
    pub(super) fn of(board: &Board) -> Self {
        let mut left_out = Self::default();
        for (remark, found) in board.remarks().iter() {
            if remark == Remark::Ahead {
                // Told below, by wearable.
                continue;
            }
            if remark.hides_readings() {
                left_out.unread += found.count;
            }
            let spots = found.spots.iter().map(ToString::to_string);
            left_out.add(remark.words(found.count), found.count, spots);
        }
        let ahead = board.ahead.values().map(|of| of.readings).sum();
        let named = board.ahead.iter().map(|(device, of)| {
            let latest = timestamp(of.latest_us);
            format!("wearable {device} ({}, up to {latest})", count(of.readings))
        });
        let words = Remark::Ahead.words(ahead);
        left_out.add(words, ahead, named);
        let kept = match board.kept().as_secs() {
            seconds if seconds % 3_600 == 0 => format!("{} h", seconds / 3_600),
            seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
            seconds => format!("{seconds} s"),
        };
        let words = format!("taken more than {kept} (--keep) before the newest reading");
        left_out.add(&words, board.too_old, std::iter::empty());
        let words = "objects too old to hold a reading that is kept: not read";
        left_out.add(words, board.old_objects, std::iter::empty());
        let words = "objects that were read and are gone, or have another name now: what was read \
                     of them still counts, and counts again under another name";
        let gone = board.gone_objects.iter().cloned();
        left_out.add(words, board.gone_objects.len() as u64, gone);
        left_out.is_empty = left_out.causes.is_empty() && board.readings == 0;
        left_out
    }

    fn add(&mut self, what: &str, count: u64, named: impl Iterator<Item = String>) {
        if count > 0 {
            self.causes.push(Cause {
                what: what.to_owned(),
                count,
                named: named.take(NAMED).collect(),
            });
        }
    }
}
