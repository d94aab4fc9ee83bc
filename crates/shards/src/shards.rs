//! Which shards to read, and when: a pure state machine.
//!
//! A split gives a shard two children, a merge gives two shards one child.
//! Records of one key move from parent to child, so a child is read when all
//! its parents have been read to their end; that keeps their order, as the
//! Kinesis Client Library does
//! (<https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-after-resharding.html>).
//!
//! Shards are learned from listings and from the last page of a parent,
//! whichever comes first, and either may be late.

use std::collections::HashMap;

use super::From;

/// What a listing or a parent's last page says of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shard {
    pub(super) id: String,
    /// None for a shard made with the stream, one after a split, two after a merge.
    pub(super) parents: Vec<String>,
    /// It takes no more records.
    pub(super) closed: bool,
}

/// Whether a listing says that a shard has an end: it takes no more records, or others
/// go on where it ended.
pub(super) fn has_end(listed: &[Shard], id: &str) -> bool {
    listed
        .iter()
        .any(|shard| shard.id == id && shard.closed || shard.parents.iter().any(|p| p == id))
}

/// Where reading a shard begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    TrimHorizon,
    Latest,
}

/// A listing under way. A listing knows every shard that existed when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Listing(u64);

#[derive(Debug)]
pub(super) struct ShardGraph {
    from: From,
    shards: HashMap<String, Node>,
    /// Counts listings begun and shards ended, to tell which came first.
    moment: u64,
    /// The latest-begun listing that has been taken in.
    listed: Option<Listing>,
    /// A shard ended and did not name its children.
    children_unnamed: bool,
}

#[derive(Debug)]
struct Node {
    parents: Vec<String>,
    origin: Origin,
    state: State,
    learned: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Reading,
    /// Read to its end, or not to be read at all.
    Done,
}

impl ShardGraph {
    pub(super) fn new(from: From) -> Self {
        Self {
            from,
            shards: HashMap::new(),
            moment: 0,
            listed: None,
            children_unnamed: false,
        }
    }

    /// Call before the first page of a listing is asked for.
    pub(super) fn begin_listing(&mut self) -> Listing {
        self.moment += 1;
        Listing(self.moment)
    }

    /// Takes in all pages of a listing.
    pub(super) fn end_listing(&mut self, listing: Listing, shards: Vec<Shard>) {
        let first = self.listed.is_none();
        for shard in shards {
            let (origin, state) = match (self.from, first) {
                (From::Now, true) if shard.closed => (Origin::Latest, State::Done),
                (From::Now, true) => (Origin::Latest, State::Waiting),
                _ => (Origin::TrimHorizon, State::Waiting),
            };
            self.learn(shard, origin, state, listing.0 - 1);
        }
        self.listed = self.listed.max(Some(listing));
        self.children_unnamed = false;
    }

    /// A shard was read to its end.
    pub(super) fn ended(&mut self, id: &str, children: Vec<Shard>) {
        self.moment += 1;
        if let Some(node) = self.shards.get_mut(id) {
            node.state = State::Done;
        }
        self.children_unnamed |= children.is_empty();
        for child in children {
            self.learn(child, Origin::TrimHorizon, State::Waiting, self.moment);
        }
    }

    fn learn(&mut self, shard: Shard, origin: Origin, state: State, learned: u64) {
        self.shards.entry(shard.id).or_insert(Node {
            parents: shard.parents,
            origin,
            state,
            learned,
        });
    }

    /// The shards whose turn has come; they count as being read from now on.
    pub(super) fn start(&mut self) -> Vec<(String, Origin)> {
        let mut ready: Vec<(String, Origin)> = self
            .shards
            .iter()
            .filter(|(_, node)| node.state == State::Waiting)
            .filter(|(_, node)| node.parents.iter().all(|parent| self.is_over(parent, node)))
            .map(|(id, node)| (id.clone(), node.origin))
            .collect();
        ready.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (id, _) in &ready {
            if let Some(node) = self.shards.get_mut(id) {
                node.state = State::Reading;
            }
        }
        ready
    }

    /// Whether a parent stands in its child's way no more: it was read, or a
    /// listing that began after the child was learned does not have it, so
    /// that its records are past retention.
    fn is_over(&self, parent: &str, child: &Node) -> bool {
        match self.shards.get(parent) {
            Some(node) => node.state == State::Done,
            None => self.listed.is_some_and(|listing| listing.0 > child.learned),
        }
    }

    /// Whether a listing now would tell what could not be known otherwise.
    pub(super) fn wants_listing(&self) -> bool {
        self.children_unnamed
            || self.shards.values().any(|node| {
                node.state == State::Waiting
                    && (node.parents.iter())
                        .any(|p| !self.shards.contains_key(p) && !self.is_over(p, node))
            })
    }
}

#[cfg(test)]
mod tests;
