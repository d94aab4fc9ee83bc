//! Every shard once, and after its parents.

#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};

fn shard(id: &str, parents: &[&str], closed: bool) -> Shard {
    Shard {
        id: id.to_owned(),
        parents: parents.iter().map(|p| (*p).to_owned()).collect(),
        closed,
    }
}

fn ids(started: Vec<(String, Origin)>) -> Vec<String> {
    started.into_iter().map(|(id, _)| id).collect()
}

fn listed(from: From, shards: Vec<Shard>) -> ShardGraph {
    let mut graph = ShardGraph::new(from);
    let listing = graph.begin_listing();
    graph.end_listing(listing, shards);
    graph
}

#[test]
fn from_the_beginning_old_shards_come_before_their_children() {
    let mut graph = listed(
        From::Beginning,
        vec![
            shard("0", &[], true),
            shard("1", &["0"], false),
            shard("2", &["0"], false),
        ],
    );
    assert_eq!(graph.start(), [("0".to_owned(), Origin::TrimHorizon)]);
    assert!(graph.start().is_empty());
    graph.ended(
        "0",
        vec![shard("1", &["0"], false), shard("2", &["0"], false)],
    );
    assert_eq!(ids(graph.start()), ["1", "2"]);
}

#[test]
fn from_now_closed_shards_are_left_out_and_later_ones_read_whole() {
    let mut graph = listed(
        From::Now,
        vec![shard("0", &[], true), shard("1", &["0"], false)],
    );
    assert_eq!(graph.start(), [("1".to_owned(), Origin::Latest)]);
    let listing = graph.begin_listing();
    let all = [
        ("0", vec![], true),
        ("1", vec!["0"], true),
        ("2", vec!["1"], false),
    ];
    graph.end_listing(
        listing,
        all.iter().map(|(id, p, c)| shard(id, p, *c)).collect(),
    );
    assert!(graph.start().is_empty());
    graph.ended("1", vec![]);
    assert_eq!(graph.start(), [("2".to_owned(), Origin::TrimHorizon)]);
}

#[test]
fn a_merged_child_waits_for_both_parents() {
    let mut graph = listed(
        From::Beginning,
        vec![shard("0", &[], false), shard("1", &[], false)],
    );
    assert_eq!(ids(graph.start()), ["0", "1"]);
    let child = shard("2", &["0", "1"], false);
    graph.ended("1", vec![child.clone()]);
    assert!(graph.start().is_empty());
    assert!(!graph.wants_listing());
    graph.ended("0", vec![child]);
    assert_eq!(ids(graph.start()), ["2"]);
}

#[test]
fn a_parent_past_retention_is_not_waited_for() {
    let mut graph = listed(From::Beginning, vec![shard("5", &["3", "4"], false)]);
    assert_eq!(ids(graph.start()), ["5"]);
}

#[test]
fn a_parent_not_yet_known_is_looked_up_before_its_child_is_read() {
    let mut graph = listed(From::Beginning, vec![shard("0", &[], false)]);
    assert_eq!(ids(graph.start()), ["0"]);
    let stale = graph.begin_listing();
    graph.ended("0", vec![shard("2", &["0", "1"], false)]);
    // A listing that began before the child was heard of proves nothing.
    graph.end_listing(stale, vec![shard("0", &[], false)]);
    assert!(graph.start().is_empty());
    assert!(graph.wants_listing());
    let fresh = graph.begin_listing();
    graph.end_listing(fresh, vec![shard("1", &[], true)]);
    assert_eq!(ids(graph.start()), ["1"]);
    graph.ended("1", vec![shard("2", &["0", "1"], false)]);
    assert_eq!(ids(graph.start()), ["2"]);
}

#[test]
fn a_shard_that_does_not_name_its_children_asks_for_a_listing() {
    let mut graph = listed(From::Beginning, vec![shard("0", &[], false)]);
    graph.start();
    assert!(!graph.wants_listing());
    graph.ended("0", vec![]);
    assert!(graph.wants_listing());
}

/// A stream whose shards split and merge, as Kinesis knows it.
#[derive(Default)]
struct Stream {
    shards: Vec<Shard>,
}

impl Stream {
    fn open(&self) -> Vec<usize> {
        (0..self.shards.len())
            .filter(|&i| !self.shards[i].closed)
            .collect()
    }

    fn add(&mut self, parents: &[usize]) {
        let parents: Vec<String> = parents
            .iter()
            .map(|&parent| {
                self.shards[parent].closed = true;
                self.shards[parent].id.clone()
            })
            .collect();
        let id = format!("shardId-{:012}", self.shards.len());
        self.shards.push(Shard {
            id,
            parents,
            closed: false,
        });
    }

    fn reshard(&mut self, pick: usize, merge: bool) {
        let open = self.open();
        let first = open[pick % open.len()];
        let second = open[(pick + 1) % open.len()];
        if merge && first != second {
            self.add(&[first, second]);
        } else {
            self.add(&[first]);
            self.add(&[first]);
        }
    }

    fn children(&self, id: &str) -> Vec<Shard> {
        let of = |shard: &&Shard| shard.parents.iter().any(|parent| parent == id);
        self.shards.iter().filter(of).cloned().collect()
    }

    fn is_closed(&self, id: &str) -> bool {
        self.shards
            .iter()
            .any(|shard| shard.id == id && shard.closed)
    }
}

#[derive(Clone, Debug)]
enum Step {
    Reshard {
        pick: usize,
        merge: bool,
    },
    BeginListing,
    EndListing,
    /// Some shard being read comes to its end.
    End {
        pick: usize,
        names_children: bool,
    },
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (any::<usize>(), any::<bool>()).prop_map(|(pick, merge)| Step::Reshard {
            pick: pick / 2,
            merge
        }),
        Just(Step::BeginListing),
        Just(Step::EndListing),
        (any::<usize>(), any::<bool>()).prop_map(|(pick, names_children)| Step::End {
            pick,
            names_children
        }),
    ]
}

/// The reader's side: checks each start as it happens.
struct Reader {
    graph: ShardGraph,
    pending: Option<(Listing, Vec<Shard>)>,
    reading: Vec<String>,
    started: HashMap<String, Origin>,
    ended: HashSet<String>,
    /// Closed before following began.
    skipped: HashSet<String>,
}

impl Reader {
    fn end_listing(&mut self) {
        if let Some((listing, shards)) = self.pending.take() {
            self.graph.end_listing(listing, shards);
        }
    }

    fn end(&mut self, stream: &Stream, pick: usize, names_children: bool) {
        let at_end: Vec<usize> = (0..self.reading.len())
            .filter(|&i| stream.is_closed(&self.reading[i]))
            .collect();
        if at_end.is_empty() {
            return;
        }
        let id = self.reading.remove(at_end[pick % at_end.len()]);
        let children = if names_children {
            stream.children(&id)
        } else {
            vec![]
        };
        self.graph.ended(&id, children);
        self.ended.insert(id);
    }

    fn start(&mut self, stream: &Stream) {
        for (id, origin) in self.graph.start() {
            let shard = stream.shards.iter().find(|shard| shard.id == id).unwrap();
            for parent in &shard.parents {
                assert!(
                    self.ended.contains(parent) || self.skipped.contains(parent),
                    "{id} before its parent {parent}"
                );
            }
            assert!(
                self.started.insert(id.clone(), origin).is_none(),
                "{id} twice"
            );
            self.reading.push(id);
        }
    }
}

proptest! {
    #[test]
    fn every_shard_is_read_once_and_after_its_parents(
        shards in 1usize..4,
        before in prop::collection::vec((any::<usize>(), any::<bool>()), 0..4),
        steps in prop::collection::vec(any_step(), 0..60),
        from in prop::sample::select(vec![From::Beginning, From::Now]),
    ) {
        let mut stream = Stream::default();
        for _ in 0..shards {
            stream.add(&[]);
        }
        for (pick, merge) in before {
            stream.reshard(pick / 2, merge);
        }
        let mut graph = ShardGraph::new(from);
        let listing = graph.begin_listing();
        let at_start = stream.shards.clone();
        let skipped = at_start.iter().filter(|shard| from == From::Now && shard.closed);
        let mut reader = Reader {
            skipped: skipped.map(|shard| shard.id.clone()).collect(),
            pending: Some((listing, at_start.clone())),
            graph,
            reading: vec![],
            started: HashMap::new(),
            ended: HashSet::new(),
        };
        reader.end_listing();
        reader.start(&stream);

        for step in steps {
            match step {
                Step::Reshard { pick, merge } => stream.reshard(pick, merge),
                Step::BeginListing if reader.pending.is_none() => {
                    let listing = reader.graph.begin_listing();
                    reader.pending = Some((listing, stream.shards.clone()));
                }
                Step::BeginListing => {}
                Step::EndListing => reader.end_listing(),
                Step::End { pick, names_children } => reader.end(&stream, pick, names_children),
            }
            reader.start(&stream);
        }

        // The stream rests: listing and reading come to an end.
        reader.end_listing();
        for _ in 0..stream.shards.len() {
            let listing = reader.graph.begin_listing();
            reader.graph.end_listing(listing, stream.shards.clone());
            reader.start(&stream);
            reader.end(&stream, 0, false);
        }
        for shard in &stream.shards {
            let was_there = at_start.iter().any(|old| old.id == shard.id);
            let expected = match (reader.skipped.contains(&shard.id), was_there, from) {
                (true, ..) => None,
                (false, true, From::Now) => Some(Origin::Latest),
                _ => Some(Origin::TrimHorizon),
            };
            prop_assert_eq!(reader.started.get(&shard.id).copied(), expected, "{}", shard.id);
        }
    }
}
