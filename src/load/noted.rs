//! Calls worth asking AWS about: the slowest and the failed, by their request ids.

use super::RequestId;

/// How many of each kind are kept.
const KEPT: usize = 10;

/// A call as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotedCall {
    /// When it left (epoch microseconds).
    pub sent_us: u64,
    /// How long it took.
    pub took_us: u64,
    /// Items in it.
    pub items: u32,
    /// What the service calls it, if it was answered.
    pub request_id: RequestId,
    /// Why it failed; `None` where it was answered.
    pub code: Option<String>,
}

/// The slowest calls, and the first and the last that failed or were throttled, ten of
/// each. Adds up ([`NotedCalls::merge`]).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotedCalls {
    /// The slowest first.
    slowest: Vec<NotedCall>,
    first_failed: Vec<NotedCall>,
    last_failed: Vec<NotedCall>,
}

impl NotedCalls {
    /// With the room it needs, so that noting an answered call allocates nothing.
    pub(super) fn with_room() -> Self {
        Self {
            slowest: Vec::with_capacity(KEPT + 1),
            ..Self::default()
        }
    }

    /// Notes a call that was answered, if it is one of the slowest.
    pub(super) fn answered(&mut self, sent_us: u64, took_us: u64, items: u32, id: &RequestId) {
        if self.slowest.len() == KEPT
            && self
                .slowest
                .last()
                .is_some_and(|last| last.took_us >= took_us)
        {
            return;
        }
        self.insert(NotedCall {
            sent_us,
            took_us,
            items,
            request_id: *id,
            code: None,
        });
    }

    /// Notes a call that failed or was throttled.
    pub(super) fn failed(&mut self, call: NotedCall) {
        if self.first_failed.len() < KEPT {
            self.first_failed.push(call);
            return;
        }
        if self.last_failed.len() == KEPT {
            self.last_failed.remove(0);
        }
        self.last_failed.push(call);
    }

    fn insert(&mut self, call: NotedCall) {
        let at = self
            .slowest
            .partition_point(|of| of.took_us >= call.took_us);
        self.slowest.insert(at, call);
        self.slowest.truncate(KEPT);
    }

    /// The slowest of the calls that were answered, the slowest first.
    #[must_use]
    pub fn slowest(&self) -> &[NotedCall] {
        &self.slowest
    }

    /// The first and the last calls that failed, in the order in which they left.
    pub fn failed_calls(&self) -> impl Iterator<Item = &NotedCall> {
        self.first_failed.iter().chain(&self.last_failed)
    }

    /// Adds what another worker noted.
    pub fn merge(&mut self, other: &NotedCalls) {
        for call in &other.slowest {
            self.insert(call.clone());
        }
        let mut failed: Vec<NotedCall> = self
            .failed_calls()
            .chain(other.failed_calls())
            .cloned()
            .collect();
        failed.sort_by_key(|call| call.sent_us);
        let last = failed.split_off(failed.len().min(KEPT));
        self.first_failed = failed;
        self.last_failed = last[last.len().saturating_sub(KEPT)..].to_vec();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn noted(calls: &[(u64, bool)], from: u64) -> NotedCalls {
        let mut noted = NotedCalls::with_room();
        for (at, &(took_us, failed)) in calls.iter().enumerate() {
            let sent_us = from + at as u64;
            if failed {
                noted.failed(NotedCall {
                    sent_us,
                    took_us,
                    items: 25,
                    request_id: RequestId::default(),
                    code: Some("timeout".to_owned()),
                });
            } else {
                noted.answered(sent_us, took_us, 25, &RequestId::default());
            }
        }
        noted
    }

    proptest! {
        /// However the calls are dealt to workers, the same are kept.
        #[test]
        fn the_slowest_and_the_outermost_failed_are_kept(
            calls in prop::collection::vec((0u64..50, any::<bool>()), 0..80),
            cut in 0usize..80,
        ) {
            let cut = cut.min(calls.len());
            let mut whole = noted(&calls[..cut], 0);
            whole.merge(&noted(&calls[cut..], cut as u64));
            let mut answered: Vec<u64> = calls.iter().filter(|c| !c.1).map(|c| c.0).collect();
            answered.sort_unstable_by(|a, b| b.cmp(a));
            answered.truncate(KEPT);
            let slowest: Vec<u64> = whole.slowest().iter().map(|of| of.took_us).collect();
            prop_assert_eq!(slowest, answered);
            let failed: Vec<u64> = (0u64..).zip(&calls).filter(|(_, c)| c.1).map(|(at, _)| at).collect();
            let kept: Vec<u64> = whole.failed_calls().map(|of| of.sent_us).collect();
            prop_assert_eq!(&kept[..kept.len().min(KEPT)], &failed[..failed.len().min(KEPT)]);
            prop_assert_eq!(kept.last(), failed.last());
            prop_assert_eq!(kept.len(), failed.len().min(2 * KEPT));
        }
    }
}
