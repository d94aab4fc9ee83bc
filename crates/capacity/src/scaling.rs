//! Auto scaling: provisioned units that follow consumption.
//!
//! Application Auto Scaling watches a table's consumed units by the minute. Two
//! minutes in a row above the target utilisation raise the provisioned units,
//! fifteen below the target less twenty points lower them, each to where the
//! consumption would be the target
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html>).
//! This machine takes one minute after the other and says what to ask
//! UpdateTable for, and when; the table applies its quotas and its delay.

use std::collections::VecDeque;

use thiserror::Error;

/// Target utilisations that AWS takes, in percent.
pub const TARGETS: std::ops::RangeInclusive<u64> = 20..=90;

/// What a person sets for one direction of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScalingPolicy {
    /// Consumed of provisioned units to aim for, in percent: 20 to 90.
    pub target_percent: u64,
    /// Provisioned units never to go below.
    pub minimum: u64,
    /// Provisioned units never to go above.
    pub maximum: u64,
}

impl ScalingPolicy {
    /// Returns the units that it provides once it has followed an even load of `used` units
    /// a second.
    #[must_use]
    pub fn settles_at(&self, used: f64) -> f64 {
        let wanted = (used * 100.0 / self.target_percent as f64).ceil();
        wanted.clamp(self.minimum as f64, self.maximum.max(self.minimum) as f64)
    }
}

impl std::fmt::Display for ScalingPolicy {
    /// As `--auto-scaling` takes it: `70%,1000..40000`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            target_percent,
            minimum,
            maximum,
        } = self;
        write!(f, "{target_percent}%,{minimum}..{maximum}")
    }
}

/// What AWS leaves open about auto scaling, with what it says beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalingAssumptions {
    /// Minutes in a row above the target that raise the units: 2, documented.
    pub minutes_up: u32,
    /// Minutes in a row below that lower them: 15, documented.
    pub minutes_down: u32,
    /// How far below the target a minute must be to count for lowering, in
    /// points: 20. Documented as "minus 20 percent"; points are assumed, because
    /// the alarms it makes have 50 % for a target of 70 %. For targets below 40 %
    /// it is half of the target, assumed, or units would never be lowered.
    pub points_below: u64,
    /// From the end of the deciding minute to UpdateTable: 1 minute, assumed
    /// from "up to a few minutes" for metrics and alarm.
    pub alarm_us: u64,
    /// Whether minutes without any consumption count for lowering: no. AWS
    /// documents that units are not lowered when consumption becomes zero.
    pub lower_when_idle: bool,
}

impl Default for ScalingAssumptions {
    fn default() -> Self {
        Self {
            minutes_up: 2,
            minutes_down: 15,
            points_below: 20,
            alarm_us: 60_000_000,
            lower_when_idle: false,
        }
    }
}

impl ScalingAssumptions {
    /// Makes scaling go by so many times faster. Minutes are told as they end; the
    /// time between them is shortened.
    #[must_use]
    pub fn at_pace(self, pace: u32) -> Self {
        Self {
            alarm_us: self.alarm_us / u64::from(pace.max(1)),
            ..self
        }
    }
}

/// What to ask UpdateTable for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScalingAction {
    /// Provisioned units of this direction.
    pub units: u64,
    /// When to ask, in microseconds since the Unix epoch.
    pub at_us: u64,
}

/// A policy that cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// The target is outside what AWS takes.
    #[error("a target utilisation of {0}% was asked for: give one from 20% to 90%")]
    Target(u64),
    /// There is no number of units between the bounds.
    #[error("{minimum}..{maximum} units were asked for: give 1 or more, the smaller first")]
    Bounds {
        /// The lower bound.
        minimum: u64,
        /// The upper bound.
        maximum: u64,
    },
}

/// The auto scaling of one direction of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoScaling {
    policy: ScalingPolicy,
    assumptions: ScalingAssumptions,
    /// Minutes in a row above the target.
    above: u32,
    /// Units consumed in each of the latest minutes, as many as decide about lowering;
    /// none before an idle one counts.
    latest: VecDeque<u64>,
}

impl AutoScaling {
    /// Begins to watch.
    pub fn new(
        policy: ScalingPolicy,
        assumptions: ScalingAssumptions,
    ) -> Result<Self, PolicyError> {
        let ScalingPolicy {
            target_percent,
            minimum,
            maximum,
        } = policy;
        if !TARGETS.contains(&target_percent) {
            return Err(PolicyError::Target(target_percent));
        }
        if minimum == 0 || minimum > maximum {
            return Err(PolicyError::Bounds { minimum, maximum });
        }
        Ok(Self {
            policy,
            assumptions,
            above: 0,
            latest: VecDeque::new(),
        })
    }

    /// The policy followed.
    #[must_use]
    pub fn policy(&self) -> ScalingPolicy {
        self.policy
    }

    /// A minute ended at `end_us` in which `consumed` units were consumed while
    /// `provisioned` units a second were provisioned. What to ask for, if
    /// anything.
    pub fn minute(
        &mut self,
        end_us: u64,
        consumed: u64,
        provisioned: u64,
    ) -> Option<ScalingAction> {
        let bounded = provisioned.clamp(self.policy.minimum, self.policy.maximum);
        if bounded != provisioned {
            return Some(self.action(bounded, end_us));
        }
        let target = self.policy.target_percent;
        let lower = target
            .saturating_sub(self.assumptions.points_below)
            .max(target / 2);
        // Percent of a minute's provisioned units, without dividing.
        let used = u128::from(consumed) * 100;
        let whole = u128::from(provisioned) * 60;
        let idle = consumed == 0 && !self.assumptions.lower_when_idle;
        if used > whole * u128::from(target) {
            self.above += 1;
        } else {
            self.above = 0;
        }
        let deciding = self.assumptions.minutes_down.max(1) as usize;
        if idle {
            self.latest.clear();
        } else {
            self.latest.truncate(deciding - 1);
            self.latest.push_front(consumed);
        }
        // All of them against the units of now: an alarm is evaluated anew when what it
        // compares with changes, and repeats its action each minute that it stays.
        let highest = self.latest.iter().max().copied().unwrap_or_default();
        let all_below =
            self.latest.len() == deciding && u128::from(highest) * 100 < whole * u128::from(lower);
        let units = if self.above >= self.assumptions.minutes_up.max(1) {
            self.units_for(consumed).max(provisioned)
        } else if all_below {
            // The highest of the minutes, so that lowering does not provoke
            // raising: assumed.
            self.units_for(highest).min(provisioned)
        } else {
            provisioned
        };
        (units != provisioned).then(|| self.action(units, end_us))
    }

    /// Units of which a minute's consumption is the target.
    fn units_for(&self, consumed: u64) -> u64 {
        let units = consumed
            .saturating_mul(100)
            .div_ceil(60 * self.policy.target_percent);
        units.clamp(self.policy.minimum, self.policy.maximum)
    }

    fn action(&self, units: u64, end_us: u64) -> ScalingAction {
        ScalingAction {
            units,
            at_us: end_us.saturating_add(self.assumptions.alarm_us),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const MINUTE_US: u64 = 60_000_000;

    fn scaling() -> AutoScaling {
        let policy = ScalingPolicy {
            target_percent: 70,
            minimum: 100,
            maximum: 4_000,
        };
        AutoScaling::new(policy, ScalingAssumptions::default()).unwrap()
    }

    /// The action and the minute after which it came, feeding consumed units a
    /// second.
    fn first_action(
        scaling: &mut AutoScaling,
        provisioned: u64,
        rates: &[u64],
    ) -> Option<(usize, u64)> {
        rates.iter().enumerate().find_map(|(at, rate)| {
            let end_us = (at as u64 + 1) * MINUTE_US;
            let action = scaling.minute(end_us, rate * 60, provisioned)?;
            assert_eq!(action.at_us, end_us + MINUTE_US);
            Some((at + 1, action.units))
        })
    }

    #[test]
    fn two_minutes_above_the_target_raise_and_one_does_not() {
        let rates = [701, 700, 800, 840];
        assert_eq!(
            first_action(&mut scaling(), 1_000, &rates),
            Some((4, 1_200))
        );
    }

    #[test]
    fn fifteen_minutes_below_the_lower_threshold_lower_to_the_highest_of_them() {
        let mut rates = [300; 20];
        rates[3] = 500;
        rates[10] = 350;
        assert_eq!(first_action(&mut scaling(), 1_000, &rates), Some((19, 500)));
    }

    #[test]
    fn units_are_lowered_again_while_the_minutes_stay_below() {
        let mut scaling = scaling();
        let mut provisioned = 1_000;
        let mut lowered = Vec::new();
        // A minute that was half of each makes the first step too small.
        for (at, rate) in [700; 5]
            .into_iter()
            .chain([400])
            .chain([250; 60])
            .enumerate()
        {
            let action = scaling.minute((at as u64 + 1) * MINUTE_US, rate * 60, provisioned);
            if let Some(action) = action {
                provisioned = action.units;
                lowered.push((at + 1, provisioned));
            }
        }
        // 400 of a second are 70 % of 572; 250 of 572 are below 50 %, and are 70 % of 358.
        assert_eq!(lowered, [(20, 572), (21, 358)]);
    }

    #[test]
    fn minutes_without_traffic_lower_nothing() {
        assert_eq!(first_action(&mut scaling(), 1_000, &[0; 60]), None);
    }

    #[test]
    fn units_stay_within_the_bounds() {
        for (provisioned, rate, after, units) in [
            (3_900, 3_900, 2, 4_000),
            (120, 1, 15, 100),
            (50, 1, 1, 100),
            (9_000, 9_000, 1, 4_000),
        ] {
            let action = first_action(&mut scaling(), provisioned, &[rate; 15]);
            assert_eq!(action, Some((after, units)), "{provisioned}");
        }
    }

    #[test]
    fn a_policy_that_cannot_be_followed_says_what_can() {
        let policy = |target_percent, minimum, maximum| {
            let policy = ScalingPolicy {
                target_percent,
                minimum,
                maximum,
            };
            AutoScaling::new(policy, ScalingAssumptions::default()).map(|_| ())
        };
        assert_eq!(policy(95, 1, 2), Err(PolicyError::Target(95)));
        assert!(policy(70, 0, 2).unwrap_err().to_string().contains("0..2"));
        assert!(policy(70, 3, 2).is_err());
        assert_eq!(policy(20, 5, 5), Ok(()));
    }
}
