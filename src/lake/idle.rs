//! Whether a stream has nothing more to give. Pure: pages bring their times.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::source::Told;

/// Watches shards until all of them have been quiet for a while.
///
/// Time counts only between calls that found a shard at its tip and empty, so
/// that time in which nothing was asked (an object was being written, say)
/// does not pass for quiet.
#[derive(Debug)]
pub(super) struct Idle {
    after: Duration,
    /// For each shard that is being read: the first and the last of its latest
    /// empty pages at the tip.
    shards: BTreeMap<String, Option<(Instant, Instant)>>,
    ended: usize,
    /// What the latest listing knew of: shards ended, shards waiting.
    listed: Option<(usize, usize)>,
}

impl Idle {
    pub(super) fn new(after: Duration) -> Self {
        Self {
            after,
            shards: BTreeMap::new(),
            ended: 0,
            listed: None,
        }
    }

    /// Takes in what the source tells.
    pub(super) fn hear(&mut self, told: &Told) {
        match told {
            Told::Page(page) if page.ended => self.ended(&page.shard),
            Told::Page(page) => {
                let quiet = page.records.is_empty() && page.at_tip;
                self.page(&page.shard, page.asked, quiet);
            }
            Told::Listed(listed) => self.listed(&listed.reading, listed.ended, listed.waiting),
            // It is tried again.
            Told::Failing(_) => {}
        }
    }

    /// A listing found these being read, after `ended` had ended, and left so
    /// many waiting for their parents.
    fn listed(&mut self, reading: &BTreeSet<String>, ended: usize, waiting: usize) {
        for shard in reading {
            if !self.shards.contains_key(shard) {
                self.shards.insert(shard.clone(), None);
            }
        }
        self.listed = Some((ended, waiting));
    }

    /// A shard was read to its end.
    fn ended(&mut self, shard: &str) {
        self.shards.remove(shard);
        self.ended += 1;
    }

    /// A page was asked for at `asked`, and was empty at the tip or not.
    fn page(&mut self, shard: &str, asked: Instant, quiet: bool) {
        let Some(known) = self.shards.get_mut(shard) else {
            self.shards
                .insert(shard.to_owned(), quiet.then_some((asked, asked)));
            return;
        };
        *known = match known {
            _ if !quiet => None,
            None => Some((asked, asked)),
            Some((first, _)) => Some((*first, asked)),
        };
    }

    /// Whether all shards have been quiet together for so long.
    pub(super) fn is_reached(&self) -> bool {
        // Children of a shard that ended are not known before a listing is.
        if self.listed != Some((self.ended, 0)) || self.shards.is_empty() {
            return false;
        }
        let spans: Option<Vec<_>> = self.shards.values().copied().collect();
        let Some(spans) = spans else { return false };
        let begun = spans.iter().map(|(first, _)| *first).max();
        let last = spans.iter().map(|(_, last)| *last).min();
        begun.is_some_and(|begun| last >= Some(begun + self.after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_stream_is_idle_when_all_its_shards_have_been_quiet_together_for_the_time() {
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        let mut idle = Idle::new(Duration::from_secs(5));
        assert!(!idle.is_reached(), "nothing is known");
        idle.listed(&names(&["a", "b"]), 0, 0);
        idle.page("a", at(0), true);
        idle.page("a", at(9), true);
        assert!(!idle.is_reached(), "nothing is known of b");
        idle.page("b", at(9), true);
        assert!(!idle.is_reached(), "b has been quiet for no time");
        idle.page("b", at(14), true);
        assert!(!idle.is_reached(), "a was not asked since");
        idle.page("a", at(14), true);
        assert!(idle.is_reached());
        idle.page("a", at(15), false);
        idle.page("a", at(16), true);
        idle.page("b", at(20), true);
        assert!(!idle.is_reached(), "a had something to say");
    }

    #[test]
    fn a_shard_that_ended_has_children_to_wait_for() {
        let start = Instant::now();
        let mut idle = Idle::new(Duration::ZERO);
        idle.listed(&names(&["a", "b"]), 0, 1);
        idle.page("a", start, true);
        idle.page("b", start, true);
        assert!(!idle.is_reached(), "one waits for its parents");
        idle.listed(&names(&["a", "b"]), 0, 0);
        assert!(idle.is_reached());
        idle.ended("b");
        assert!(!idle.is_reached(), "its children are not known");
        idle.listed(&names(&["a", "c"]), 1, 0);
        assert!(!idle.is_reached(), "c is not read yet");
        idle.page("c", start, true);
        assert!(idle.is_reached());
    }
}
