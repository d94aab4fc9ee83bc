//! Whether a run held what was offered.

use super::{Phase, RunResult, units};

/// How far the achieved rate may be from the offered one and still be held.
pub const TOLERANCE: f64 = 0.005;

/// Whether what was offered was held, and if not, why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Why not, the gravest first; empty when it was held.
    pub reasons: Vec<String>,
}

impl Verdict {
    /// Judges a result: held means that the run was not cut short, that the
    /// ledger closes, that readings were offered at all, that at least 99.5 %
    /// of them were acknowledged, that none acknowledged is missing from the
    /// stream or, where there is one, from the lake, and that every threshold
    /// was met.
    #[must_use]
    pub fn of(result: &RunResult) -> Self {
        let mut verdict = Self::without_thresholds(result);
        let missed = result.thresholds.iter().filter(|of| !of.met);
        let missed = missed.map(|of| format!("threshold missed: {}", of.expression));
        verdict.reasons.extend(missed);
        verdict
    }

    /// The same, whatever thresholds there are: of the run as such.
    pub(super) fn without_thresholds(result: &RunResult) -> Self {
        let mut reasons = Vec::new();
        let ledger = &result.ledger;
        let mut reason = |applies: bool, text: String| {
            if applies {
                reasons.push(text);
            }
        };
        for broken in &ledger.broken {
            reason(true, format!("the ledger does not close: {broken}"));
        }
        reason(
            !ledger.closed && ledger.broken.is_empty(),
            "the ledger does not close".into(),
        );
        reason(
            result.run.interrupted,
            format!(
                "interrupted after {} s of {} s",
                units::amount(result.run.measured),
                units::amount(result.config.duration)
            ),
        );
        let ended = |why: String| {
            format!(
                "ended after {} s of {} s: {why}",
                units::amount(result.run.measured),
                units::amount(result.config.duration)
            )
        };
        if let Some(missed) = &result.run.out_of_reach {
            reason(true, ended(format!("{missed} could be met no more")));
        }
        if let Some(usd) = result.run.max_cost_reached {
            let spent = format!("it had cost {usd} USD, which is what it may");
            reason(true, ended(spent));
        }
        reason(ledger.scheduled == 0, "no reading became due".into());
        let missing = ledger.missing.unwrap_or(0);
        let of_acknowledged = format!("of {} acknowledged", units::count(ledger.acknowledged));
        reason(
            missing > 0,
            format!("{} {of_acknowledged} never seen", units::count(missing)),
        );
        if let Some(lake) = &result.lake {
            reason(
                lake.missing > 0,
                format!(
                    "{} {of_acknowledged} not in the lake",
                    units::count(lake.missing)
                ),
            );
            if let Some(error) = &lake.error {
                reason(true, format!("delivery into the lake ended early: {error}"));
            }
        }
        if result.rate.achieved < result.rate.offered * (1.0 - TOLERANCE) {
            for (count, what) in [
                (ledger.failed, "failed"),
                (ledger.dropped, "dropped"),
                (ledger.cut_off, "cut off"),
            ] {
                let share = units::percent(count as f64 / ledger.scheduled.max(1) as f64);
                reason(
                    count > 0,
                    format!("{} {what} ({share})", units::count(count)),
                );
            }
            if let Some(limit) = &result.generator.limit {
                reason(true, format!("the generator was the limit: {}", limit.what));
            }
        }
        Self { reasons }
    }

    /// Whether a run that went to its end met its thresholds, with a ledger to
    /// be believed.
    #[must_use]
    pub fn met(result: &RunResult) -> bool {
        result.ledger.closed
            && result.ledger.scheduled > 0
            && result.run.phase == Phase::Complete
            && result.thresholds.iter().all(|of| of.met)
    }

    /// Whether it was held.
    #[must_use]
    pub fn held(&self) -> bool {
        self.reasons.is_empty()
    }
}
