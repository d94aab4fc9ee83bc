//! UpdateShardCount: what it allows, what it answers otherwise, how long it takes.

use std::fmt;

use serde::Serialize;

use super::rolling::{DAY_US, RollingLimit, UPDATES_A_DAY};

/// Shards a stream may be scaled to
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html>).
pub const MAX_STREAM_SHARDS: u32 = 10_000;

/// The shards an account may have open in a region unless it asked for more:
/// 20,000 in the three largest; "1,000 or 6,000" in the others, of which this
/// gives the lower
/// (<https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html>).
#[must_use]
pub fn default_shard_quota(region: &str) -> u32 {
    match region {
        "us-east-1" | "us-west-2" | "eu-west-1" => 20_000,
        _ => 1000,
    }
}

/// How long resharding takes. AWS says only that it takes minutes, that larger
/// changes take longer, and that multiples of 25 % are faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ReshardAssumptions {
    /// Time that any change takes. Assumed: 30 s, what awslabs' scaling tool
    /// counts on for a single split or merge
    /// (<https://github.com/awslabs/amazon-kinesis-scaling-utils>).
    pub fixed_ms: u32,
    /// Time that each split or merge adds. Assumed: 1 s, so that a hundred
    /// shards double in about two minutes.
    pub step_ms: u32,
    /// By how much `step_ms` is multiplied where the target is no multiple of
    /// 25 % of the present count. Assumed: 2.
    pub uneven_factor: u32,
}

impl Default for ReshardAssumptions {
    fn default() -> Self {
        Self {
            fixed_ms: 30_000,
            step_ms: 1000,
            uneven_factor: 2,
        }
    }
}

/// An UpdateShardCount call: what is asked, and what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resize {
    /// Open shards of the stream.
    pub open: u32,
    /// `TargetShardCount`.
    pub target: u32,
    /// Open shards of all streams of the account in the region, this one included.
    pub account_open: u32,
    /// Shards the account may have open: [`default_shard_quota`].
    pub account_quota: u32,
}

impl Resize {
    /// Splits and merges of the way from `open` equal shards to `target` equal
    /// ones: cuts of the key space that are missing, and cuts that are not wanted.
    #[must_use]
    pub fn steps(&self) -> u32 {
        let (mut a, mut b) = (self.open, self.target);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        (self.open - a) + (self.target - a)
    }

    /// How long it takes, in microseconds.
    #[must_use]
    pub fn duration_us(&self, assumptions: &ReshardAssumptions) -> u64 {
        let quarters = u64::from(self.target) * 4;
        let even = self.open > 0 && quarters.is_multiple_of(u64::from(self.open));
        let factor = if even { 1 } else { assumptions.uneven_factor };
        let steps_ms =
            u64::from(self.steps()) * u64::from(assumptions.step_ms) * u64::from(factor.max(1));
        (u64::from(assumptions.fixed_ms) + steps_ms) * 1000
    }

    /// What UpdateShardCount has against it, the number of calls a day aside.
    ///
    /// # Errors
    ///
    /// The first rule that it breaks.
    pub fn check(&self) -> Result<(), ResizeRefused> {
        let refused = |why| Err(ResizeRefused { why, resize: *self });
        if self.target == 0 {
            return refused(Why::None);
        }
        let additional = self.target.saturating_sub(self.open);
        if additional > self.account_quota.saturating_sub(self.account_open) {
            return refused(Why::OverQuota);
        }
        if u64::from(self.target) > 2 * u64::from(self.open) {
            return refused(Why::OverDouble);
        }
        if 2 * u64::from(self.target) < u64::from(self.open) {
            return refused(Why::BelowHalf);
        }
        if self.target > MAX_STREAM_SHARDS {
            return refused(Why::OverMaximum);
        }
        if self.target == self.open {
            return refused(Why::Same);
        }
        Ok(())
    }
}

/// Targets of the calls that lead from `open` shards to `target`, each allowed
/// after the one before: from 1 to 4 by way of 2.
#[must_use]
pub fn shard_count_path(open: u32, target: u32) -> Vec<u32> {
    let (mut at, target) = (open.max(1), target.max(1));
    let mut path = Vec::new();
    while at != target {
        at = target.clamp(at.div_ceil(2), at.saturating_mul(2));
        path.push(at);
    }
    path
}

/// A change of the shard count that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resizing {
    /// The target.
    pub target: u32,
    /// Splits and merges on the way.
    pub steps: u32,
    /// When the stream is ACTIVE again, with the new shards. Until then the
    /// old ones take records.
    pub done_us: u64,
}

/// The UpdateShardCount calls of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardCountUpdates {
    calls: RollingLimit,
}

impl Default for ShardCountUpdates {
    fn default() -> Self {
        Self {
            calls: RollingLimit::new(UPDATES_A_DAY, DAY_US),
        }
    }
}

impl ShardCountUpdates {
    /// Accepts a call at `now_us`, or says why not. Whether the stream is
    /// ACTIVE and provisioned is the owner's to know.
    ///
    /// # Errors
    ///
    /// What AWS would answer. A refused call does not count.
    pub fn update(
        &mut self,
        now_us: u64,
        resize: &Resize,
        assumptions: &ReshardAssumptions,
    ) -> Result<Resizing, ResizeRefused> {
        resize.check()?;
        if !self.calls.take(now_us) {
            return Err(ResizeRefused {
                why: Why::TooOften {
                    allowed_from_us: self.calls.allows_from_us(),
                },
                resize: *resize,
            });
        }
        Ok(Resizing {
            target: resize.target,
            steps: resize.steps(),
            done_us: now_us.saturating_add(resize.duration_us(assumptions)),
        })
    }

    /// The earliest time of the next call; 0 if any.
    #[must_use]
    pub fn allowed_from_us(&self) -> u64 {
        self.calls.allows_from_us()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    None,
    OverDouble,
    BelowHalf,
    OverMaximum,
    Same,
    OverQuota,
    TooOften { allowed_from_us: u64 },
}

/// An UpdateShardCount call that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResizeRefused {
    why: Why,
    resize: Resize,
}

impl ResizeRefused {
    /// The exception.
    #[must_use]
    pub fn exception(&self) -> &'static str {
        match self.why {
            Why::None => "ValidationException",
            Why::Same => "InvalidArgumentException",
            _ => "LimitExceededException",
        }
    }

    /// When the call would be allowed, if only waiting is wanted.
    #[must_use]
    pub fn allowed_from_us(&self) -> Option<u64> {
        match self.why {
            Why::TooOften { allowed_from_us } => Some(allowed_from_us),
            _ => None,
        }
    }

    /// The exception's message. The wordings of doubling and of the account's
    /// limit are the service's own as public logs show them; the others follow
    /// their pattern.
    #[must_use]
    pub fn message(&self, account: &str, region: &str) -> String {
        let Resize {
            open,
            target,
            account_open,
            account_quota,
        } = self.resize;
        let counts = format!("Current open shard count: {open} Target shard count: {target}");
        let cannot = |what: &str| format!("UpdateShardCount cannot {what}. {counts}");
        match self.why {
            Why::None => format!(
                "1 validation error detected: Value '{target}' at 'targetShardCount' failed to \
                 satisfy constraint: Member must have value greater than or equal to 1"
            ),
            Why::OverDouble => cannot("scale up over double your current open shard count"),
            Why::BelowHalf => cannot("scale down below half your current open shard count"),
            Why::OverMaximum => cannot("scale a stream to more than 10000 shards"),
            Why::TooOften { .. } => {
                cannot("be called more than 10 times for a stream within 24 hours")
            }
            Why::Same => {
                format!("The target shard count is the current open shard count. {counts}")
            }
            Why::OverQuota => format!(
                "This request would exceed the shard limit for the account {account} in {region}. \
                 Current shard count for the account: {account_open}. Limit: {account_quota}. \
                 Number of additional shards that would have resulted from this request: {}.",
                target.saturating_sub(open)
            ),
        }
    }
}

impl fmt::Display for ResizeRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message("of the stream", "its region"))
    }
}

impl std::error::Error for ResizeRefused {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn resize(open: u32, target: u32) -> Resize {
        Resize {
            open,
            target,
            account_open: open,
            account_quota: 20_000,
        }
    }

    #[test]
    fn shards_at_most_double_and_at_least_halve() {
        for (open, target, exception, says) in [
            (2, 4, "", ""),
            (2, 1, "", ""),
            (3, 2, "", ""),
            (4, 5, "", ""),
            (1, 4, "LimitExceededException", "scale up over double your"),
            (5, 2, "LimitExceededException", "scale down below half your"),
            (
                6000,
                10_001,
                "LimitExceededException",
                "more than 10000 shards",
            ),
            (3, 3, "InvalidArgumentException", "is the current open"),
            (3, 0, "ValidationException", "greater than or equal to 1"),
            (15_000, 25_000, "LimitExceededException", "Limit: 20000"),
        ] {
            match resize(open, target).check() {
                Ok(()) => assert_eq!(exception, "", "{open} -> {target}"),
                Err(refused) => {
                    assert_eq!(refused.exception(), exception, "{open} -> {target}");
                    let message = refused.message("123456789012", "eu-west-1");
                    assert!(message.contains(says), "{message}");
                }
            }
        }
        assert_eq!(
            resize(1, 4).check().unwrap_err().message("", ""),
            "UpdateShardCount cannot scale up over double your current open shard count. \
             Current open shard count: 1 Target shard count: 4"
        );
    }

    #[test]
    fn the_eleventh_update_of_a_day_waits_for_the_first_to_be_a_day_old() {
        let mut updates = ShardCountUpdates::default();
        let assumptions = ReshardAssumptions::default();
        for call in 0..10 {
            let (open, target) = if call % 2 == 0 { (2, 4) } else { (4, 2) };
            let resizing = updates
                .update(call * 1_000_000, &resize(open, target), &assumptions)
                .unwrap();
            assert_eq!((resizing.target, resizing.steps), (target, 2));
            assert_eq!(resizing.done_us, call * 1_000_000 + 32_000_000);
        }
        let refused = updates
            .update(DAY_US - 1, &resize(2, 4), &assumptions)
            .unwrap_err();
        assert_eq!(refused.exception(), "LimitExceededException");
        assert_eq!(refused.allowed_from_us(), Some(DAY_US));
        assert!(updates.update(DAY_US, &resize(2, 4), &assumptions).is_ok());
    }

    #[test]
    fn multiples_of_a_quarter_are_faster() {
        let assumptions = ReshardAssumptions::default();
        let seconds = |open, target| resize(open, target).duration_us(&assumptions) as f64 / 1e6;
        assert_eq!(seconds(100, 200), 130.0);
        assert_eq!(seconds(4, 5), 37.0);
        assert_eq!(seconds(200, 100), 130.0);
        // 99 cuts missing, and all but one of the old ones not wanted.
        assert_eq!(seconds(100, 101), 30.0 + 2.0 * (99.0 + 100.0));
    }

    #[test]
    fn one_shard_becomes_four_by_way_of_two() {
        assert_eq!(shard_count_path(1, 4), [2, 4]);
        assert_eq!(shard_count_path(3, 20), [6, 12, 20]);
        assert_eq!(shard_count_path(9, 1), [5, 3, 2, 1]);
        assert!(shard_count_path(7, 7).is_empty());
    }

    proptest! {
        #[test]
        fn every_step_of_a_path_is_allowed(open in 1u32..5000, target in 1u32..5000) {
            let mut at = open;
            for next in shard_count_path(open, target) {
                prop_assert!(resize(at, next).check().is_ok());
                at = next;
            }
            prop_assert_eq!(at, target);
        }
    }
}
