//! What AWS counted of a run beside what hrload counted itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::units::{amount, count, duration};
use super::{RunResult, Target, Via};

/// CloudWatch's figures of the whole run, warm-up included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CloudWatch {
    /// From the minute of this moment on (RFC 3339, UTC),
    pub from: String,
    /// to the end of that of this one.
    pub to: String,
    /// When they were asked for last.
    pub asked: String,
    /// Whether CloudWatch has as much consumed as hrload was told, or more: figures come
    /// minutes late, and are not complete before.
    pub complete: bool,
    /// One for each metric.
    pub figures: Vec<CloudWatchFigure>,
}

/// One metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CloudWatchFigure {
    /// The metric's name, as CloudWatch has it.
    pub metric: String,
    /// `Sum` or `Maximum` over the time.
    pub statistic: String,
    /// What CloudWatch says; null where it has no data points.
    pub counted: Option<f64>,
    /// hrload's own count of the same; null where it cannot know.
    pub own: Option<f64>,
    /// Why that deserves a look; null where the two agree, or nothing speaks against it.
    pub differs: Option<String>,
}

/// What CloudWatch gave of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Given<'a> {
    /// The metric's name.
    pub metric: &'a str,
    /// `Sum` or `Maximum`.
    pub statistic: &'a str,
    /// What it says; `None` where it has no data points.
    pub value: Option<f64>,
    /// Why that is not the whole, in CloudWatch's words.
    pub lack: Option<String>,
}

/// Figures that are less than this apart agree: a share,
const AGREE_SHARE: f64 = 0.01;
/// or so many: a batch that was in flight when a minute ended.
const AGREE_COUNT: f64 = 25.0;

impl CloudWatch {
    /// Sets CloudWatch's figures beside the run's own.
    #[must_use]
    pub fn beside<'a>(
        given: impl IntoIterator<Item = Given<'a>>,
        asked: String,
        result: &RunResult,
    ) -> Self {
        let mut complete = false;
        let figures: Vec<CloudWatchFigure> = (given.into_iter())
            .map(|of| {
                let own = own(of.metric, result);
                if let (CONSUMED, Some(value), Some(own), None) =
                    (of.metric, of.value, own, &of.lack)
                {
                    complete = value >= own || agree(value, own);
                }
                figure(of, own, result)
            })
            .collect();
        Self {
            from: result.run.started.clone(),
            to: result.run.ended.clone(),
            asked,
            complete,
            figures,
        }
    }

    /// The figures that say something, with CloudWatch's and hrload's own as people read
    /// them.
    pub(super) fn told(&self) -> impl Iterator<Item = (&CloudWatchFigure, [String; 2])> {
        let told = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), amount);
        self.figures
            .iter()
            .filter(|of| of.counted.is_some() || of.own.unwrap_or(0.0) != 0.0)
            .map(move |of| (of, [told(of.counted), told(of.own)]))
    }
}

const CONSUMED: &str = "ConsumedWriteCapacityUnits";

fn figure(given: Given<'_>, own: Option<f64>, result: &RunResult) -> CloudWatchFigure {
    let differs = differs(given.metric, given.value, own, result);
    CloudWatchFigure {
        metric: given.metric.to_owned(),
        statistic: given.statistic.to_owned(),
        counted: given.value,
        own,
        // What CloudWatch says itself stands before what may be guessed.
        differs: given.lack.or(differs),
    }
}

/// Whether two counts are as near as counts of one thing are.
fn agree(value: f64, own: f64) -> bool {
    let apart = (value - own).abs();
    apart <= AGREE_COUNT || apart <= own * AGREE_SHARE
}

/// What to do where figures were not complete.
pub(super) fn ask_again(result: &RunResult) -> &'static str {
    if result.config.target == Target::Aws {
        "`hrload cloudwatch FILE` asks again"
    } else {
        "a longer `--cloudwatch` waits for more"
    }
}

/// What hrload counted of the same, over the whole run.
fn own(metric: &str, result: &RunResult) -> Option<f64> {
    // The sum of nothing is a zero with a minus.
    summed(metric, result).map(|sum| sum + 0.0)
}

fn summed(metric: &str, result: &RunResult) -> Option<f64> {
    let sum = |of: fn(&super::SeriesEntry) -> f64| result.series.iter().map(of).sum::<f64>();
    let throttles = || result.series.iter().flat_map(|second| &second.throttles);
    // Items that come back unprocessed do not say why.
    let reasons_known = throttles().all(|of| of.reason.is_some());
    let by_reason = |word: &str| {
        let of_kind = throttles().filter(|of| of.reason.as_ref().is_some_and(|r| r.contains(word)));
        reasons_known.then(|| of_kind.map(|of| of.items as f64).sum())
    };
    match metric {
        CONSUMED => result
            .capacity
            .told()
            .map(|_| sum(|second| second.consumed_units)),
        "WriteThrottleEvents" => Some(throttles().map(|of| of.items as f64).sum()),
        "WriteProvisionedThroughputThrottleEvents" => by_reason("WriteProvisionedThroughput"),
        "WriteKeyRangeThroughputThrottleEvents" => by_reason("WriteKeyRangeThroughput"),
        "WriteAccountLimitThrottleEvents" => by_reason("WriteAccountLimit"),
        "WriteMaxOnDemandThroughputThrottleEvents" => by_reason("WriteMaxOnDemandThroughput"),
        "ThrottledRequests" => {
            let whole = throttles().filter(|of| of.exception != "UnprocessedItems");
            Some(whole.map(|of| of.calls as f64).sum())
        }
        "IncomingRecords" => match (result.config.via, &result.puts) {
            (Via::Kinesis, _) => Some(sum(|second| second.acknowledged as f64)),
            (Via::PutRecords, Some(puts)) => Some(puts.records as f64),
            _ => None,
        },
        "WriteProvisionedThroughputExceeded" => {
            result.puts.as_ref().map(|puts| puts.throttled as f64)
        }
        "ReadProvisionedThroughputExceeded" => Some(sum(|second| second.throttled_reads as f64)),
        _ => None,
    }
}

fn differs(
    metric: &str,
    counted: Option<f64>,
    own: Option<f64>,
    result: &RunResult,
) -> Option<String> {
    let value = counted.unwrap_or(0.0);
    let Some(own) = own else {
        return (value > 0.0).then(|| unseen(metric, value)).flatten();
    };
    if agree(value, own) {
        return None;
    }
    let more = value > own;
    Some(match (metric, more) {
        (CONSUMED | "IncomingRecords", false) if counted.is_none() => format!(
            "CloudWatch has none yet: it comes minutes late; {}",
            ask_again(result)
        ),
        (CONSUMED | "IncomingRecords", false) => {
            format!(
                "the last minutes are not complete yet; {}",
                ask_again(result)
            )
        }
        (CONSUMED | "IncomingRecords", true) => more_came(metric, result),
        (_, true) => "AWS throttled what hrload saw nothing of: others use the table or the \
             stream, or a retry inside AWS hid it"
            .to_owned(),
        (_, false) => "AWS counts fewer: minutes that are not complete yet, or events it counts \
             by call and hrload by item"
            .to_owned(),
    })
}

/// Why CloudWatch may have more than the run wrote: what the run itself saw of it, or that
/// it saw nothing.
fn more_came(metric: &str, result: &RunResult) -> String {
    let mut seen = Vec::new();
    if metric == CONSUMED {
        let failures: u64 = result.call_failures.values().sum();
        if failures > 0 {
            seen.push(format!(
                "calls that got no answer may have been carried out all the same ({} calls failed: \
                 look at call_failures)",
                count(failures)
            ));
        }
    } else if let Some(duplicates) = result.ledger.duplicates.filter(|many| *many > 0) {
        seen.push(format!(
            "records came more than once ({} in the ledger's duplicates)",
            count(duplicates)
        ));
    }
    if let Some(foreign) = result.ledger.foreign.filter(|many| *many > 0) {
        seen.push(format!(
            "others wrote meanwhile ({} records in the stream were not of this run)",
            count(foreign)
        ));
    } else if result.config.billing_mode.is_none() {
        seen.push("others may have written meanwhile: the table was there before the run".into());
    }
    if seen.is_empty() {
        return "the run saw nothing that explains it; whole minutes are counted, so that others, \
                or another run, may have written within them"
            .to_owned();
    }
    seen.join("; ")
}

/// What is above zero and hrload had no way of seeing.
fn unseen(metric: &str, value: f64) -> Option<String> {
    let number = count(value.round() as u64);
    Some(match metric {
        "ThrottledPutRecordCount" => format!(
            "the stream refused DynamoDB {number} records, which were put again later: \
             `replication` has that wait in it; more shards help"
        ),
        "FailedToReplicateRecordCount" => {
            format!("DynamoDB gave {number} records up: they are missing from the stream")
        }
        "WriteProvisionedThroughputExceeded" => {
            format!("the stream refused {number} writes: more shards help")
        }
        // Milliseconds; normally some (aws.amazon.com's guide to the metric).
        "AgeOfOldestUnreplicatedRecord" if value >= 1_000.0 => format!(
            "a record waited {} on its way to the stream",
            duration(value / 1e3)
        ),
        _ => return None,
    })
}
