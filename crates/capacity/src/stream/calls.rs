//! How often the operations that describe and change streams may be called.

use std::collections::BTreeMap;

use serde::Serialize;

use super::bucket::Bucket;

/// Whose calls an operation's limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallScope {
    /// All of the account's in the Region.
    Account,
    /// Those that name one stream.
    Stream,
}

/// So many calls of an operation a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallLimit {
    /// Calls a second.
    pub per_s: u32,
    /// Which calls count.
    pub scope: CallScope,
}

/// The documented limit of an operation of the control plane; `None` where none is
/// documented. Figures and scopes are those of the developer guide, which is newer than
/// the API reference where the two differ in whose calls count
/// (<https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html>);
/// UpdateShardCount's is the API reference's
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html>).
#[must_use]
pub fn call_limit(operation: &str) -> Option<CallLimit> {
    use CallScope::{Account, Stream};
    let (per_s, scope) = match operation {
        "AddTagsToStream" | "CreateStream" | "DeleteStream" | "ListStreams" => (5, Account),
        "DescribeLimits" => (1, Account),
        "DescribeStream" => (10, Account),
        "DescribeStreamSummary" => (20, Account),
        "DecreaseStreamRetentionPeriod"
        | "DeregisterStreamConsumer"
        | "IncreaseStreamRetentionPeriod"
        | "ListStreamConsumers"
        | "ListTagsForStream"
        | "MergeShards"
        | "RegisterStreamConsumer"
        | "RemoveTagsFromStream"
        | "SplitShard" => (5, Stream),
        "UpdateShardCount" => (10, Stream),
        "DescribeStreamConsumer" => (20, Stream),
        "ListShards" => (1000, Stream),
        _ => return None,
    };
    Some(CallLimit { per_s, scope })
}

/// What AWS does not say about limits of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CallAssumptions {
    /// How many calls may come at once, as milliseconds of an operation's rate. Assumed:
    /// 1,000. The limits are given "per second", so a second's worth may come at once.
    pub burst_ms: u32,
}

impl Default for CallAssumptions {
    fn default() -> Self {
        Self { burst_ms: 1000 }
    }
}

/// The calls of an account, or of one stream, by their operations. An operation starts
/// with a full burst.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallRates(BTreeMap<&'static str, (u64, Bucket)>);

impl CallRates {
    /// Whether a call may be made at `now_us`; it counts if so.
    pub fn admit(
        &mut self,
        operation: &'static str,
        per_s: u32,
        assumptions: &CallAssumptions,
        now_us: u64,
    ) -> bool {
        let full = || (now_us, Bucket::full(per_s, assumptions.burst_ms));
        let (at_us, calls) = self.0.entry(operation).or_insert_with(full);
        if now_us > *at_us {
            calls.earn(now_us - *at_us);
            *at_us = now_us;
        }
        let admitted = calls.affords(1);
        if admitted {
            calls.spend(1);
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANY: CallAssumptions = CallAssumptions { burst_ms: 1000 };

    #[test]
    fn operations_are_counted_apart() {
        let mut rates = CallRates::default();
        for operation in ["CreateStream", "DeleteStream"] {
            for _ in 0..5 {
                assert!(rates.admit(operation, 5, &ANY, 7));
            }
            assert!(!rates.admit(operation, 5, &ANY, 7 + 199_999));
            assert!(rates.admit(operation, 5, &ANY, 7 + 200_000));
        }
    }

    proptest! {
        #[test]
        fn no_window_has_more_calls_than_its_rate_and_the_burst(
            per_s in 1u32..50, gaps in prop::collection::vec(0u64..400_000, 1..200),
        ) {
            let mut rates = CallRates::default();
            let mut now_us = 0;
            let mut made = Vec::new();
            for gap_us in gaps {
                now_us += gap_us;
                if rates.admit("ListStreams", per_s, &ANY, now_us) {
                    made.push(now_us);
                }
            }
            for (first, from_us) in made.iter().enumerate() {
                for (last, at_us) in made.iter().enumerate().skip(first) {
                    let calls = (last - first + 1) as u64;
                    let window_us = at_us - from_us + 1_000_000;
                    prop_assert!(calls * 1_000_000 <= u64::from(per_s) * window_us);
                }
            }
        }
    }
}
