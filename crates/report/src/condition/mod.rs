//! Conditions on a result, as people write them: `e2e.p99<400ms`, `lost=0`,
//! `achieved>=99%`.
//!
//! A condition is a figure, a comparison and a bound. Which unit a bound may
//! have follows from the figure, so that `p99<50` is refused and not guessed at.
//! `reach` knows when a run that still goes on can meet a condition no more.

mod reach;

use std::fmt;
use std::str::FromStr;

use super::counted::Counted;
use super::units::{self, parse_duration, parse_number, usd};
use super::{RunResult, Threshold};
use hrload_measure::Stage;
pub use reach::SoFar;

/// A condition that a result meets or misses.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    figure: Figure,
    comparison: Comparison,
    bound: Bound,
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Figure {
    /// Of a stage; where none is named, of `response`: what a sender waits.
    Latency(Stage, Moment),
    Count(Counted),
    /// Readings acknowledged a second.
    Achieved,
    /// US dollars.
    Dollars(Dollars),
    /// CPU of the load threads, as a share of one core.
    SendCpu,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Moment {
    Min,
    Mean,
    Max,
    /// A percentage of values, above 0 and below 100.
    Percentile(f64),
}

/// A way in which a reading is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// It was acknowledged, and never seen.
    Missing,
    /// It was given up after having been sent.
    Failed,
    /// It was given up unsent.
    Dropped,
    /// It was unsent when the run ended.
    CutOff,
}

/// What a run lacks that misses a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Its readings were not in time.
    Time,
    /// They were not sent and acknowledged as they became due.
    Rate,
    /// They were answered with errors.
    Answers,
    /// They were refused for want of capacity.
    Capacity,
    /// What was acknowledged did not come out of the stream, once and in order.
    Stream,
    /// The generator took too much.
    Sender,
    /// It cost too much.
    Money,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dollars {
    AnHour,
    AMillion,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Below,
    AtMost,
    Above,
    AtLeast,
    Equal,
}

/// What a figure is held to, in the units of the result file.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Bound {
    /// Seconds, readings, readings a second or dollars, as the figure has it.
    Absolute(f64),
    /// Of what the figure is a part of.
    Share(f64),
}

/// Why a condition cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// It is not a figure, a comparison and a bound.
    #[error(
        "`{0}` is not a condition: expected a figure, a comparison and a bound, such as p99<50ms, lost=0 or throttled<0.1%"
    )]
    Form(String),
    /// There is no such figure.
    #[error(
        "unknown figure `{figure}`{}: there are latencies (p50, p99.9, max, mean; of a stage: \
         response.p99), {}",
        suggestion.as_deref().map(|s| format!(", did you mean `{s}`?")).unwrap_or_default(),
        names().map(|(name, _)| name).collect::<Vec<_>>().join(", ")
    )]
    Figure {
        /// What was written.
        figure: String,
        /// What may have been meant.
        suggestion: Option<String>,
    },
    /// The bound has another unit than the figure.
    #[error("`{bound}` is no bound of {figure}: expected {expected}")]
    Bound {
        /// The figure.
        figure: String,
        /// What was written.
        bound: String,
        /// What may be written.
        expected: &'static str,
    },
}

/// Figures that are neither latencies nor counts.
const NAMES: [(&str, Figure); 4] = [
    ("achieved", Figure::Achieved),
    ("usd_per_hour", Figure::Dollars(Dollars::AnHour)),
    ("usd_per_million", Figure::Dollars(Dollars::AMillion)),
    ("send_cpu", Figure::SendCpu),
];

/// The names of all figures that are not latencies, and the figures.
fn names() -> impl Iterator<Item = (&'static str, Figure)> {
    let counts = Counted::ALL.map(|of| (of.key(), Figure::Count(of)));
    counts.into_iter().chain(NAMES)
}

/// Other ways to write them.
const ALIASES: [(&str, &str); 2] = [("loss", "lost"), ("throttle", "throttled")];

impl Condition {
    /// Conditions with commas between them: `p99<50ms,lost=0`.
    ///
    /// # Errors
    ///
    /// When one of them cannot be read, or there is none.
    pub fn list(text: &str) -> Result<Vec<Self>, ConditionError> {
        text.split(',').map(str::parse).collect()
    }

    /// Looks the figure up in `result` and compares. A figure that the result
    /// does not have (nothing was sent, nothing was followed) misses.
    #[must_use]
    pub fn judge(&self, result: &RunResult) -> Threshold {
        let measured = self.measured(result);
        Threshold {
            expression: self.to_string(),
            measured,
            met: measured.is_some_and(|measured| self.is_met_by(measured)),
        }
    }

    /// Compares a value, in the units of the bound, with the bound.
    fn is_met_by(&self, value: f64) -> bool {
        let bound = match self.bound {
            Bound::Absolute(bound) | Bound::Share(bound) => bound,
        };
        match self.comparison {
            Comparison::Below => value < bound,
            Comparison::AtMost => value <= bound,
            Comparison::Above => value > bound,
            Comparison::AtLeast => value >= bound,
            Comparison::Equal => (value - bound).abs() <= f64::EPSILON * bound.abs(),
        }
    }

    /// Whether so many of so many would meet it.
    fn is_met_by_count(&self, count: u64, of: u64) -> bool {
        self.is_met_by(match self.bound {
            Bound::Absolute(_) => count as f64,
            Bound::Share(_) => count as f64 / of.max(1) as f64,
        })
    }

    /// Whether it looks at what is read from the stream.
    #[must_use]
    pub fn needs_stream(&self) -> bool {
        match self.figure {
            Figure::Latency(stage, _) => matches!(
                stage,
                Stage::Capture | Stage::Replication | Stage::Read | Stage::EndToEnd
            ),
            Figure::Count(counted) => counted.needs_stream(),
            _ => false,
        }
    }

    /// Whether it looks at what is delivered into a lake.
    #[must_use]
    pub fn needs_lake(&self) -> bool {
        match self.figure {
            Figure::Latency(stage, _) => stage == Stage::Freshness,
            Figure::Count(counted) => counted.needs_lake(),
            _ => false,
        }
    }

    /// What a run lacks that misses it.
    #[must_use]
    pub fn subject(&self) -> Subject {
        match self.figure {
            Figure::Latency(..) => Subject::Time,
            Figure::Achieved => Subject::Rate,
            Figure::Dollars(_) => Subject::Money,
            Figure::SendCpu => Subject::Sender,
            Figure::Count(counted) => match counted {
                Counted::Lost | Counted::Dropped | Counted::CutOff => Subject::Rate,
                Counted::Failed => Subject::Answers,
                Counted::Throttled => Subject::Capacity,
                Counted::Missing
                | Counted::Duplicates
                | Counted::Reordered
                | Counted::SeenUnacknowledged
                | Counted::LakeMissing
                | Counted::LakeDuplicates => Subject::Stream,
            },
        }
    }

    /// The stage whose latency it looks at, if it does.
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        match self.figure {
            Figure::Latency(stage, _) => Some(stage),
            _ => None,
        }
    }

    /// The stage and the time, in seconds, if this limits how long after its
    /// intended start a reading may be acknowledged or read.
    #[must_use]
    pub fn latency_bound(&self) -> Option<(Stage, f64)> {
        match (self.figure, self.comparison, self.bound) {
            (
                Figure::Latency(stage @ (Stage::EndToEnd | Stage::Response), _),
                Comparison::Below | Comparison::AtMost,
                Bound::Absolute(seconds),
            ) => Some((stage, seconds)),
            _ => None,
        }
    }

    fn bounds_from_above(&self) -> bool {
        use Comparison::{AtMost, Below, Equal};
        matches!(self.comparison, Below | AtMost | Equal)
    }

    fn bounds_from_below(&self) -> bool {
        use Comparison::{Above, AtLeast, Equal};
        matches!(self.comparison, Above | AtLeast | Equal)
    }

    /// Whether it holds the same figure to a bound on the same side, so that one of
    /// the two can stand for both. `=` is a bound on either side.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.figure == other.figure
            && (self.bounds_from_above() && other.bounds_from_above()
                || self.bounds_from_below() && other.bounds_from_below())
    }

    /// Whether it names losses of this kind and says how many of this run's readings may
    /// be lost, so that meeting it allows them. A bound from below on a loss permits
    /// nothing, nor does one on the achieved rate that says nothing of what was offered;
    /// and one that the loss of every reading would meet says not how many.
    #[must_use]
    pub(super) fn allows(&self, loss: Loss, result: &RunResult) -> bool {
        let at_most = self.bounds_from_above();
        let named = match self.figure {
            Figure::Count(Counted::Lost) => true,
            Figure::Count(Counted::Missing) => loss == Loss::Missing,
            Figure::Count(Counted::Failed) => loss == Loss::Failed,
            Figure::Count(Counted::Dropped) => loss == Loss::Dropped,
            Figure::Count(Counted::CutOff) => loss == Loss::CutOff,
            // What is achieved is what was acknowledged.
            Figure::Achieved => loss != Loss::Missing,
            _ => false,
        };
        named
            && match (self.figure, self.bound) {
                (Figure::Achieved, Bound::Share(_)) => !at_most && !self.is_met_by(0.0),
                (Figure::Count(counted), _) => {
                    let of = counted.count(result).map_or(0, |(_, of)| of);
                    at_most && !self.is_met_by_count(of, of)
                }
                _ => false,
            }
    }

    /// Whether it names readings that were seen again, and allows this many of those
    /// acknowledged.
    #[must_use]
    pub(super) fn allows_duplicates(&self, duplicates: u64, acknowledged: u64) -> bool {
        self.figure == Figure::Count(Counted::Duplicates)
            && self.bounds_from_above()
            && self.is_met_by_count(duplicates, acknowledged)
    }

    /// Whether it allows as many of the warm-up's acknowledged readings to be missing as
    /// are, as it would where they are measured.
    #[must_use]
    pub(super) fn allows_in_warm_up(&self, result: &RunResult) -> bool {
        let warm_up = &result.ledger.warm_up;
        self.allows(Loss::Missing, result)
            && self.is_met_by_count(warm_up.missing.unwrap_or(0), warm_up.acknowledged)
    }

    /// Whether it is about money.
    #[must_use]
    pub fn is_of_money(&self) -> bool {
        matches!(self.figure, Figure::Dollars(_))
    }

    /// Whether it is about the rate that was achieved.
    #[must_use]
    pub fn is_of_rate(&self) -> bool {
        self.figure == Figure::Achieved
    }

    /// A latency in seconds, a share where the bound is one, else the figure.
    fn measured(&self, result: &RunResult) -> Option<f64> {
        let (value, whole) = match self.figure {
            Figure::Latency(stage, moment) => (latency(result, stage, moment)?, None),
            Figure::Count(counted) => {
                let (count, of) = counted.count(result)?;
                (count as f64, Some(of as f64))
            }
            Figure::Achieved => (result.rate.achieved, Some(result.rate.offered)),
            Figure::Dollars(dollars) => {
                let cost = result.cost.as_ref()?;
                let value = match dollars {
                    Dollars::AnHour => cost.usd_per_hour,
                    Dollars::AMillion => cost.usd_per_million,
                };
                (value?, None)
            }
            Figure::SendCpu => (result.generator.send_cpu, Some(result.run.measured)),
        };
        match (self.bound, whole) {
            (Bound::Absolute(_), _) => Some(value),
            (Bound::Share(_), Some(whole)) if whole > 0.0 => Some(value / whole),
            // No share of nothing; but of nothing, nothing is lost.
            (Bound::Share(_), _) => (value == 0.0).then_some(0.0),
        }
    }

    /// A measured value of this condition's figure, as people read it.
    #[must_use]
    pub fn show(&self, measured: f64) -> String {
        match (self.figure, self.bound) {
            (_, Bound::Share(_)) => units::fine_percent(measured),
            (Figure::Latency(..), _) => units::duration(measured),
            (Figure::Achieved, _) => units::rate(measured),
            (Figure::Dollars(_), _) => usd(measured),
            (Figure::Count(_) | Figure::SendCpu, _) => units::amount(measured),
        }
    }
}

/// The latency in seconds, or nothing where there are no values.
fn latency(result: &RunResult, stage: Stage, moment: Moment) -> Option<f64> {
    let of = result.latency.get(stage)?;
    Some(match moment {
        Moment::Min => of.min,
        Moment::Mean => of.mean,
        Moment::Max => of.max,
        Moment::Percentile(percent) => of.decode().ok()?.quantile_us(percent / 100.0) as f64 / 1e6,
    })
}

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let wrong = || ConditionError::Form(text.trim().to_owned());
        let at = text.find(['<', '>', '=']).ok_or_else(wrong)?;
        let (figure, rest) = (text[..at].trim(), &text[at..]);
        let (comparison, bound) = [
            ("<=", Comparison::AtMost),
            (">=", Comparison::AtLeast),
            ("==", Comparison::Equal),
            ("<", Comparison::Below),
            (">", Comparison::Above),
            ("=", Comparison::Equal),
        ]
        .into_iter()
        .find_map(|(sign, comparison)| Some((comparison, rest.strip_prefix(sign)?.trim())))
        .ok_or_else(wrong)?;
        if figure.is_empty() || bound.is_empty() {
            return Err(wrong());
        }
        let figure = figure.parse()?;
        Ok(Self {
            figure,
            comparison,
            bound: Bound::of(figure, bound)?,
        })
    }
}

impl FromStr for Figure {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let lower = text.to_ascii_lowercase();
        let alias = ALIASES.iter().find(|(alias, _)| *alias == lower);
        let name = alias.map_or(lower.as_str(), |(_, name)| name);
        if let Some((_, figure)) = names().find(|(known, _)| *known == name) {
            return Ok(figure);
        }
        // The stop of p99.9 is no stop after a stage.
        let named = name.split_once('.');
        let named = named.and_then(|(stage, moment)| Some((Stage::from_key(stage)?, moment)));
        let (stage, moment) = named.unwrap_or((Stage::Response, name));
        if let Some(moment) = Moment::parse(moment) {
            return Ok(Self::Latency(stage, moment));
        }
        let known = names().map(|(name, _)| name);
        let known = known.chain(["p50", "p99", "max", "mean", "min"]);
        Err(ConditionError::Figure {
            figure: text.to_owned(),
            suggestion: known
                .map(|known| (strsim::damerau_levenshtein(known, name), known))
                .filter(|(distance, _)| *distance <= 2)
                .min()
                .map(|(_, known)| known.to_owned()),
        })
    }
}

impl Moment {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "min" => Self::Min,
            "mean" => Self::Mean,
            "max" => Self::Max,
            "p999" => Self::Percentile(99.9),
            _ => {
                let percent: f64 = text.strip_prefix('p')?.parse().ok()?;
                let inside = percent > 0.0 && percent < 100.0;
                inside.then_some(Self::Percentile(percent))?
            }
        })
    }
}

impl Bound {
    fn of(figure: Figure, text: &str) -> Result<Self, ConditionError> {
        let share = || {
            let percent = parse_number(text.strip_suffix('%')?)?;
            (percent >= 0.0).then_some(Self::Share(percent / 100.0))
        };
        let number = || parse_number(text).map(Self::Absolute);
        let (bound, expected) = match figure {
            Figure::Latency(..) => (
                // A bare number could be seconds or milliseconds.
                parse_duration(text)
                    .filter(|_| text.parse::<f64>().is_err())
                    .map(Self::Absolute),
                "a time with its unit, such as 50ms or 1.5s",
            ),
            Figure::Count(_) => (
                share().or_else(number),
                "a number or a percentage, such as 0 or 0.1%",
            ),
            Figure::Achieved => (
                share().or_else(|| {
                    parse_number(text.strip_suffix("/s").unwrap_or(text)).map(Self::Absolute)
                }),
                "readings a second or a percentage of the offered rate, such as 5k/s or 99%",
            ),
            Figure::Dollars(_) => (number(), "US dollars, such as 1.5"),
            Figure::SendCpu => (share(), "a percentage of one core, such as 80%"),
        };
        bound.ok_or_else(|| ConditionError::Bound {
            figure: figure.to_string(),
            bound: text.to_owned(),
            expected,
        })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Latency(stage, moment) = self {
            if *stage != Stage::Response {
                write!(f, "{}.", stage.key())?;
            }
            return match moment {
                Moment::Min => f.write_str("min"),
                Moment::Mean => f.write_str("mean"),
                Moment::Max => f.write_str("max"),
                Moment::Percentile(percent) => write!(f, "p{percent}"),
            };
        }
        let name = names().find(|(_, figure)| figure == self);
        f.write_str(name.map_or("", |(name, _)| name))
    }
}

/// A share as a percentage that is read as this share again, with few decimals if one
/// with few is.
fn percentage(share: f64) -> f64 {
    let short = (share * 1e8).round() / 1e6;
    let long = share * 100.0;
    let like = [short, long, long.next_up(), long.next_down()];
    let mut same = like.into_iter().filter(|percent| percent / 100.0 == share);
    same.next().unwrap_or(long)
}

/// As it could have been written.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.comparison {
            Comparison::Below => "<",
            Comparison::AtMost => "<=",
            Comparison::Above => ">",
            Comparison::AtLeast => ">=",
            Comparison::Equal => "=",
        };
        write!(f, "{}{sign}", self.figure)?;
        match (self.bound, self.figure) {
            (Bound::Share(share), _) => write!(f, "{}%", percentage(share)),
            (Bound::Absolute(seconds), Figure::Latency(..)) => {
                let (value, unit, scale) = match seconds {
                    s if s >= 1.0 => (s, "s", 1.0),
                    s if s >= 1e-3 => (s * 1e3, "ms", 1e-3),
                    s => (s * 1e6, "us", 1e-6),
                };
                let short = (value * 1e6).round() / 1e6;
                if short * scale == seconds {
                    write!(f, "{short}{unit}")
                } else {
                    write!(f, "{seconds}s")
                }
            }
            (Bound::Absolute(rate), Figure::Achieved) => write!(f, "{rate}/s"),
            (Bound::Absolute(number), _) => write!(f, "{number}"),
        }
    }
}
