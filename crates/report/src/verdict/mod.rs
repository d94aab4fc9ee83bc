//! How a run came out: one word, its reasons, and what makes it doubtful.
//!
//! Every form of output, the exit code and the result file take the word from here.
//! `docs/method.md` defines the words for people.

mod reasons;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::reasons::reasons;
use crate::condition::Loss;
use crate::{HeldBack, Phase, RunResult, Whose, units};

/// The share of readings that may be lost or seen again, in all, for the rate to count as
/// held.
pub const TOLERANCE: f64 = 0.005;

/// The share of readings seen again, or of records of others, from which on another
/// writer is suspected.
const SUSPICIOUS: f64 = 0.01;

/// The word for how a run came out, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// The run went to its end; every reading that became due, warm-up included, is
    /// accounted for; none was lost or seen again, but for what a threshold allows by
    /// name; and every threshold was met.
    Held,
    /// Readings were lost or seen again, but at most 0.5 % of those that became due, and
    /// nothing else was wrong.
    RateHeld,
    /// Something that was asked for did not happen.
    NotHeld,
    /// The run ended before its time, as it had been told to.
    EndedEarly,
    /// A signal ended it.
    Interrupted,
    /// A reading is unaccounted for, so that no other figure can be relied on.
    LedgerOpen,
}

impl Word {
    /// The exit code of a run that came out so.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Held => 0,
            Self::RateHeld | Self::NotHeld | Self::EndedEarly => 3,
            Self::LedgerOpen => 5,
            Self::Interrupted => 130,
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Held => "held",
            Self::RateHeld => "rate held",
            Self::NotHeld => "not held",
            Self::EndedEarly => "ended early",
            Self::Interrupted => "interrupted",
            Self::LedgerOpen => "ledger open",
        })
    }
}

/// Kinds of reasons for which a run did not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonKind {
    /// An identity of the ledger does not hold.
    Ledger,
    /// A signal ended the run.
    Interrupted,
    /// A threshold could no longer be met, and the run was to end then.
    OutOfReach,
    /// The run had cost what it was allowed to.
    Cost,
    /// The run is not whole, and nothing says why.
    Unfinished,
    /// No reading became due.
    NothingDue,
    /// The stream was to be followed, and nothing is known of it.
    NotFollowed,
    /// Acknowledged readings never came out of the stream.
    Missing,
    /// Acknowledged readings had not come out of the stream when the drain ended, while
    /// others still came.
    Late,
    /// Acknowledged readings of the warm-up never came out of the stream.
    WarmUpMissing,
    /// Acknowledged readings, of the warm-up or measured, are not in the lake, or more often
    /// than in the stream, or its delivery ended early.
    Lake,
    /// Readings were given up after they had been sent.
    Failed,
    /// Readings were given up unsent.
    Dropped,
    /// Readings were unsent when the run ended.
    CutOff,
    /// Readings were seen again.
    Duplicates,
    /// Readings of the warm-up were seen again.
    WarmUpDuplicates,
    /// Readings were seen that this run cannot have sent once, as when another run
    /// writes to its table: they can hide what is missing.
    OtherWriter,
    /// A threshold was missed.
    Threshold,
}

impl ReasonKind {
    /// The loss of readings that it stands for, if it stands for one.
    fn loss(self) -> Option<Loss> {
        match self {
            Self::Missing | Self::Late => Some(Loss::Missing),
            Self::Failed => Some(Loss::Failed),
            Self::Dropped => Some(Loss::Dropped),
            Self::CutOff => Some(Loss::CutOff),
            _ => None,
        }
    }

    /// Whether a few readings of it leave the rate held.
    fn is_tolerable(self) -> bool {
        self.loss().is_some() || self == Self::Duplicates
    }
}

/// One reason for which a run did not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// Its kind.
    pub kind: ReasonKind,
    /// How many readings it is about; null where it is not about readings.
    pub readings: Option<u64>,
    /// The reason in words.
    pub text: String,
    /// The threshold that allows it; such a reason does not speak against the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_by: Option<String>,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match &self.allowed_by {
            Some(threshold) => write!(f, ", which {threshold} allows"),
            None => Ok(()),
        }
    }
}

/// How a run came out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The word.
    pub word: Word,
    /// What was not as asked for, the gravest first; of a run that held, only what
    /// thresholds allow.
    pub reasons: Vec<Reason>,
    /// What makes the figures doubtful, whatever the word.
    pub doubts: Vec<String>,
}

impl Verdict {
    /// Judges a result, thresholds included.
    #[must_use]
    pub fn of(result: &RunResult) -> Self {
        let mut reasons = reasons(result);
        for of in &result.thresholds {
            if !of.met {
                reasons.push(Reason {
                    kind: ReasonKind::Threshold,
                    readings: None,
                    text: format!("threshold missed: {}", of.expression),
                    allowed_by: None,
                });
            }
        }
        Self::from_reasons(result, reasons)
    }

    /// Judges the run as such: thresholds may allow losses, but those that were missed
    /// do not count.
    pub(crate) fn without_thresholds(result: &RunResult) -> Self {
        Self::from_reasons(result, reasons(result))
    }

    fn from_reasons(result: &RunResult, reasons: Vec<Reason>) -> Self {
        Self {
            word: word(result, &reasons),
            reasons,
            doubts: doubts(result),
        }
    }

    /// Whether a run met its objectives, as sweeps and comparisons of modes ask: it went
    /// to its end with a closed ledger, readings became due, and every threshold was met.
    #[must_use]
    pub fn met(result: &RunResult) -> bool {
        result.ledger.closed
            && result.ledger.scheduled > 0
            && result.run.phase == Phase::Complete
            && result.thresholds.iter().all(|of| of.met)
    }

    /// Whether it held.
    #[must_use]
    pub fn held(&self) -> bool {
        self.word == Word::Held
    }

    /// Whether it held and nothing makes that doubtful.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.held() && self.doubts.is_empty()
    }

    /// How many readings were lost or seen again, to follow the rates of a run that held
    /// its rate; empty for others.
    pub(crate) fn losses(&self, result: &RunResult) -> String {
        if self.word != Word::RateHeld {
            return String::new();
        }
        let share = |readings: u64| {
            let share = readings as f64 / result.ledger.scheduled.max(1) as f64;
            let (readings, share) = (units::count(readings), units::fine_percent(share));
            format!("{readings} readings ({share})")
        };
        let mut told = String::new();
        if let lost @ 1.. = lost(result) {
            told += &format!("; lost {}", share(lost));
        }
        if let again @ 1.. = result.ledger.duplicates.unwrap_or(0) {
            told += &format!("; {} seen again", share(again));
        }
        told
    }

    /// The word as people read it, with a note where its figures are doubtful.
    #[must_use]
    pub fn headline(&self) -> String {
        if self.doubts.is_empty() {
            self.word.to_string()
        } else {
            format!("{}, in doubt", self.word)
        }
    }
}

fn word(result: &RunResult, reasons: &[Reason]) -> Word {
    let against = || reasons.iter().filter(|reason| reason.allowed_by.is_none());
    let any = |kinds: &[ReasonKind]| against().any(|reason| kinds.contains(&reason.kind));
    if any(&[ReasonKind::Ledger]) {
        return Word::LedgerOpen;
    }
    if any(&[ReasonKind::Interrupted]) {
        return Word::Interrupted;
    }
    if any(&[
        ReasonKind::OutOfReach,
        ReasonKind::Cost,
        ReasonKind::Unfinished,
    ]) {
        return Word::EndedEarly;
    }
    if against().next().is_none() {
        return Word::Held;
    }
    let tolerable = against().all(|reason| reason.kind.is_tolerable());
    let readings = against().filter_map(|reason| reason.readings);
    let readings = readings.fold(0_u64, u64::saturating_add);
    if tolerable && readings as f64 <= result.ledger.scheduled as f64 * TOLERANCE {
        Word::RateHeld
    } else {
        Word::NotHeld
    }
}

/// Readings that became due and did not come to the end of their way.
pub(crate) fn lost(result: &RunResult) -> u64 {
    let ledger = &result.ledger;
    let arrived = ledger.seen.unwrap_or(ledger.acknowledged);
    ledger.scheduled.saturating_sub(arrived)
}

/// How late batches left at the 99th percentile, in seconds, that may be without a
/// doubt: timers alone stay well below.
pub const PACING_BOUND_S: f64 = 0.005;

/// How late batches left, where that is too late and nothing was seen to be waited for.
pub(crate) fn late_unseen_s(result: &RunResult) -> Option<f64> {
    let on_the_way = |of: &HeldBack| of.whose != Whose::Reader;
    let seen = result.generator.limit.is_some() || result.causes.iter().any(on_the_way);
    let pacing_s = result.latency.pacing.as_ref()?.p99;
    (pacing_s > PACING_BOUND_S && !seen).then_some(pacing_s)
}

/// What makes the figures doubtful, whether or not the run held.
fn doubts(result: &RunResult) -> Vec<String> {
    let mut doubts = Vec::new();
    if let Some(limit) = &result.generator.limit {
        let text = format!(
            "the generator was the limit: {}: {}",
            limit.what, limit.advice
        );
        doubts.push(text);
    }
    if let Some(late_s) = late_unseen_s(result) {
        doubts.push(format!(
            "batches left {} late at p99; what they waited for was not measured",
            units::duration(late_s)
        ));
    }
    if let Some(unsustained) = &result.unsustained {
        doubts.push(format!("it is not held for long: {unsustained}"));
    }
    if result.environment.build == "debug" {
        let text = "this is a debug build: build with --release before believing any figure";
        doubts.push(text.to_owned());
    }
    if !result.run.rate_changes.is_empty() {
        let changes = result.run.rate_changes.iter().map(|change| {
            let to = match change.factor {
                0.0 => "paused".to_owned(),
                factor => format!("{:.0} %", factor * 100.0),
            };
            format!("{to} at {:.1} s", change.second)
        });
        let changes: Vec<String> = changes.collect();
        let changes = changes.join(", ");
        doubts.push(format!(
            "the rate was changed while the run went on: {changes}"
        ));
    }
    let offset = &result.clock_offset;
    if let (Some(low), Some(high)) = (offset.low, offset.high)
        && low > high
    {
        doubts.push(format!(
            "clocks contradict each other by {}: DynamoDB's and Kinesis's differ, or one moved",
            units::duration(low - high)
        ));
    }
    let replication = result.latency.replication.as_ref();
    if let Some(early) = replication.map(|of| -of.p50).filter(|early| *early > 1.0) {
        doubts.push(format!(
            "records arrived {} before they were created: DynamoDB's and Kinesis's clocks differ",
            units::duration(early)
        ));
    }
    let foreign = result.ledger.foreign.unwrap_or(0);
    if foreign as f64 > SUSPICIOUS * result.ledger.acknowledged as f64 {
        doubts.push(format!(
            "{} records in the stream were not of this run: if another run writes to the same \
             table, its readings can hide what this one lost",
            units::count(foreign)
        ));
    }
    doubts
}
