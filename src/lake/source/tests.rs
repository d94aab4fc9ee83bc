#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use tokio::task::yield_now;
use tokio::time::timeout;

use super::super::idle::Idle;
use super::*;

/// A stream that answers in whatever order its seed says: each answer takes a random
/// number of turns, and a listing says what was there when it was asked for.
struct Shuffled {
    shards: Shards,
    state: RefCell<State>,
}

struct State {
    random: SmallRng,
    /// Shards that take no more records: their children are there.
    closed: BTreeSet<String>,
    /// Pages that open shards gave.
    pages: BTreeMap<String, u32>,
}

impl Shuffled {
    /// Two shards, resharded a few times: all in one generation end, and their children
    /// are halves or pairs of them.
    fn new(seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let mut shards = Shards::new();
        let name = |number: usize| format!("shard-{number:02}");
        let mut open: Vec<String> = (0..2).map(name).collect();
        for id in &open {
            shards.insert(id.clone(), ListedShard::default());
        }
        for _ in 0..random.random_range(1..5) {
            open.shuffle(&mut random);
            let mut next = Vec::new();
            let mut parents = std::mem::take(&mut open).into_iter();
            while let Some(parent) = parents.next() {
                let of = match random.random_range(0..3) {
                    0 => {
                        next.push(parent);
                        continue;
                    }
                    1 => vec![parent],
                    _ => [Some(parent), parents.next()]
                        .into_iter()
                        .flatten()
                        .collect(),
                };
                for _ in 0..if of.len() == 1 { 2 } else { 1 } {
                    let id = name(shards.len());
                    let child = ListedShard {
                        parents: of.clone(),
                        closed: false,
                    };
                    shards.insert(id.clone(), child);
                    next.push(id);
                }
            }
            open = next;
        }
        let state = State {
            random,
            closed: BTreeSet::new(),
            pages: BTreeMap::new(),
        };
        Self {
            shards,
            state: RefCell::new(state),
        }
    }

    fn has_children(&self, id: &str) -> bool {
        self.shards
            .values()
            .any(|of| of.parents.iter().any(|parent| parent == id))
    }

    async fn turns(&self) {
        let turns = self.state.borrow_mut().random.random_range(0..6);
        for _ in 0..turns {
            yield_now().await;
        }
    }
}

impl Asked for Shuffled {
    async fn list(&self) -> Result<Shards, SourceError> {
        self.turns().await;
        let mut listed = self.shards.clone();
        let closed = self.state.borrow().closed.clone();
        listed.retain(|_, of| of.parents.iter().all(|parent| closed.contains(parent)));
        self.turns().await;
        Ok(listed)
    }

    async fn shard(
        &self,
        id: &str,
        _: Position,
        told: &mpsc::Sender<Told>,
    ) -> Result<(), SourceError> {
        let pages = self.state.borrow_mut().random.random_range(1..4);
        for page in 1.. {
            let asked = Instant::now();
            self.turns().await;
            let ended = page == pages && self.has_children(id);
            if ended {
                self.state.borrow_mut().closed.insert(id.to_owned());
                self.turns().await;
            }
            let page = Page {
                shard: id.to_owned(),
                records: Vec::new(),
                asked,
                at_tip: page >= pages && !ended,
                ended,
            };
            tell(told, Told::Page(page)).await;
            if ended {
                break;
            }
            *self
                .state
                .borrow_mut()
                .pages
                .entry(id.to_owned())
                .or_default() += 1;
            sleep(IDLE_INTERVAL).await;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn every_shard_is_read_after_its_parents_in_whatever_order_answers_come() {
    for seed in 0..2_000 {
        let stream = Shuffled::new(seed);
        let (sender, mut told) = mpsc::channel(1);
        let order = Order::new(Positions::new(), Position::TrimHorizon);
        let mut reading = std::pin::pin!(read_all(&stream, order, sender));
        let mut idle = Idle::new(Duration::from_secs(3));
        let (mut begun, mut ended) = (BTreeSet::new(), BTreeSet::new());
        let hear = async {
            while !idle.is_reached() {
                stream.turns().await;
                let told = told.recv().await.unwrap();
                idle.hear(&told);
                let Told::Page(page) = told else { continue };
                for parent in &stream.shards[&page.shard].parents {
                    assert!(
                        ended.contains(parent),
                        "seed {seed}: {} before {parent}",
                        page.shard
                    );
                }
                assert!(
                    !ended.contains(&page.shard),
                    "seed {seed}: {} again",
                    page.shard
                );
                if page.ended {
                    ended.insert(page.shard.clone());
                }
                begun.insert(page.shard);
            }
        };
        let heard = timeout(Duration::from_secs(600), async {
            tokio::select! {
                _ = &mut reading => panic!("seed {seed}: reading ended"),
                () = hear => {}
            }
        });
        let heard = heard.await;
        let all: BTreeSet<String> = stream.shards.keys().cloned().collect();
        assert_eq!(
            begun, all,
            "seed {seed}: idle, or nothing more came ({heard:?})"
        );
        assert!(
            heard.is_ok(),
            "seed {seed}: all was read, and idle was never reached"
        );
    }
}
