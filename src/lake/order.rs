//! Which shards of a stream are read, and in which order: a pure state machine.
//!
//! A shard is read when its parents have been read to their end. Shards are learned
//! from listings alone; a shard that ended has children that only a listing knows which
//! began afterwards.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::checkpoint::{Position, Positions};
use super::source::Listed;

/// A shard, as a listing has it.
#[derive(Debug, Clone, Default)]
pub(super) struct ListedShard {
    pub(super) parents: Vec<String>,
    /// It takes no more records.
    pub(super) closed: bool,
}

/// By id.
pub(super) type Shards = BTreeMap<String, ListedShard>;

/// What is read, what was, and what a listing would tell.
#[derive(Debug)]
pub(super) struct Order {
    positions: Positions,
    /// Where shards of the first listing begin that have no position.
    unknown: Position,
    /// The latest listing; empty before the first.
    listed: Shards,
    reading: BTreeSet<String>,
    done: HashSet<String>,
    /// How many have been read to their end,
    ended: usize,
    /// and how many had been when the listing under way began,
    ended_before_asking: Option<usize>,
    /// and the latest one that was taken in.
    ended_before_listed: usize,
    first: bool,
}

impl Order {
    pub(super) fn new(positions: Positions, unknown: Position) -> Self {
        let done = (positions.iter())
            .filter(|(_, position)| **position == Position::Done)
            .map(|(id, _)| id.clone())
            .collect();
        Self {
            positions,
            unknown,
            listed: Shards::new(),
            reading: BTreeSet::new(),
            done,
            ended: 0,
            ended_before_asking: None,
            ended_before_listed: 0,
            first: true,
        }
    }

    /// Call before a listing is asked for.
    pub(super) fn begin_listing(&mut self) {
        self.ended_before_asking = Some(self.ended);
    }

    pub(super) fn is_listing(&self) -> bool {
        self.ended_before_asking.is_some()
    }

    /// Whether shards ended whose children no listing has told of.
    pub(super) fn wants_listing(&self) -> bool {
        self.ended_before_listed < self.ended
    }

    /// The listing under way came.
    pub(super) fn listed(&mut self, listed: Shards) {
        self.listed = listed;
        self.ended_before_listed = self.ended_before_asking.take().unwrap_or_default();
    }

    /// A shard was read to its end.
    pub(super) fn ended(&mut self, id: String) {
        self.reading.remove(&id);
        self.done.insert(id);
        self.ended += 1;
    }

    /// The shards whose turn has come, and where each begins; they count as being read
    /// from now on.
    pub(super) fn start(&mut self) -> Vec<(String, Position)> {
        let ready: Vec<(String, Position)> = (self.listed.iter())
            .filter(|(id, _)| !self.done.contains(*id) && !self.reading.contains(*id))
            .filter(|(_, shard)| {
                let mut parents = shard.parents.iter();
                parents.all(|of| !self.listed.contains_key(of) || self.done.contains(of))
            })
            .map(|(id, _)| {
                let position = match self.positions.get(id) {
                    Some(position) => position.clone(),
                    None if self.first => self.unknown.clone(),
                    None => Position::TrimHorizon,
                };
                (id.clone(), position)
            })
            .collect();
        self.reading.extend(ready.iter().map(|(id, _)| id.clone()));
        self.first &= self.listed.is_empty();
        ready
    }

    /// How things stand.
    pub(super) fn summary(&self) -> Listed {
        let over = |id: &String| self.done.contains(id) || self.reading.contains(id);
        Listed {
            shards: self.listed.keys().cloned().collect(),
            reading: self.reading.clone(),
            waiting: self.listed.keys().filter(|id| !over(id)).count(),
            ended: self.ended_before_listed,
        }
    }
}
