//! What AWS counted of a run beside what hrload counted itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::units::{amount, count, duration};
use super::{RunResult, Via};

/// CloudWatch's figures of the whole run, warm-up included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CloudWatch {
    /// From the minute of this moment on (RFC 3339, UTC),
    pub from: String,
    /// to the end of that of this one.
    pub to: String,
    /// When they were asked for last.
    pub asked: String,
    /// Whether as much was consumed as hrload was told: figures come minutes late, and
    /// are not complete before.
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

/// Figures that are less than this apart agree: a share,
const AGREE_SHARE: f64 = 0.01;
/// or so many: a batch that was in flight when a minute ended.
const AGREE_COUNT: f64 = 25.0;

impl CloudWatch {
    /// Sets CloudWatch's figures (metric, statistic, value) beside the run's own.
    #[must_use]
    pub fn beside<'a>(
        counted: impl IntoIterator<Item = (&'a str, &'a str, Option<f64>)>,
        asked: String,
        result: &RunResult,
    ) -> Self {
        let figures: Vec<CloudWatchFigure> = counted
            .into_iter()
            .map(|(metric, statistic, value)| figure(metric, statistic, value, result))
            .collect();
        let consumed = figures.iter().find(|of| of.metric == CONSUMED);
        let complete = consumed.is_some_and(|of| of.differs.is_none() && of.counted.is_some());
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

fn figure(
    metric: &str,
    statistic: &str,
    counted: Option<f64>,
    result: &RunResult,
) -> CloudWatchFigure {
    let own = own(metric, result);
    CloudWatchFigure {
        metric: metric.to_owned(),
        statistic: statistic.to_owned(),
        counted,
        own,
        differs: differs(metric, counted, own, result),
    }
}

/// What hrload counted of the same, over the whole run.
fn own(metric: &str, result: &RunResult) -> Option<f64> {
    let sum = |of: fn(&super::SeriesEntry) -> f64| result.series.iter().map(of).sum::<f64>();
    let throttles = || result.series.iter().flat_map(|second| &second.throttles);
    // Items that come back unprocessed do not say why.
    let reasons_known = throttles().all(|of| of.reason.is_some());
    let by_reason = |word: &str| {
        let of_kind = throttles().filter(|of| of.reason.as_ref().is_some_and(|r| r.contains(word)));
        reasons_known.then(|| of_kind.map(|of| of.items as f64).sum())
    };
    match metric {
        CONSUMED => Some(sum(|second| second.consumed_units)),
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
    let apart = (value - own).abs();
    if apart <= AGREE_COUNT || apart <= own * AGREE_SHARE {
        return None;
    }
    let more = value > own;
    let not_alone = result.config.billing_mode.is_none();
    let why = match (metric, more) {
        (CONSUMED | "IncomingRecords", false) if counted.is_none() => {
            "CloudWatch has none yet: it comes minutes late; `hrload cloudwatch` asks again"
        }
        (CONSUMED | "IncomingRecords", true) if not_alone => {
            "others wrote to the table or the stream meanwhile, most likely: it was there before \
             the run"
        }
        (CONSUMED, true) => {
            "calls that got no answer were carried out all the same, most likely: look at \
             call_failures"
        }
        (CONSUMED | "IncomingRecords", false) => {
            "the last minutes are not complete yet; `hrload cloudwatch` asks again"
        }
        ("IncomingRecords", true) => "records came more than once: look at the ledger's duplicates",
        (_, true) => {
            "AWS throttled what hrload saw nothing of: others use the table or the stream, or a \
             retry inside AWS hid it"
        }
        (_, false) => {
            "AWS counts fewer: minutes that are not complete yet, or events it counts by call and \
             hrload by item"
        }
    };
    Some(why.to_owned())
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
