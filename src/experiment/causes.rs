//! What held a run back: what the load threads found, what the services
//! refused, and how the reader kept up.

use std::collections::BTreeMap;

use super::request::{Request, Via};
use crate::codec::Layout;
use crate::load::CopyOutcome;
use crate::load::limit::{self, Finding, Whose as Found};
use crate::report::{HeldBack, RunResult, Whose, count, duration};
use crate::stream::{Consumer, FollowError, Outcome, Tally};

/// Items refused, of those sent, above which the table's capacity held the run back.
const THROTTLED: f64 = 0.001;

/// A reader that was further behind the newest record than this, in seconds,
/// could not keep up.
const BEHIND_S: f64 = 5.0;

/// A reader whose pages came later than this after they were asked for, in the mean and
/// in seconds, was held up by them.
const SLOW_READ_S: f64 = 1.0;

/// Codes of failed calls that are told by what they met on their way, or that
/// the end of the run made.
const NO_ANSWERS: [&str; 3] = ["connection", "timeout", "unfinished"];

/// All that held the run back, the errors first.
pub(super) fn causes(
    findings: Vec<Finding>,
    read: Option<&Outcome>,
    put: Option<&CopyOutcome>,
    request: &Request,
    result: &RunResult,
) -> Vec<HeldBack> {
    let mut causes: Vec<HeldBack> = findings.into_iter().map(told).collect();
    causes.extend(refused(request, result));
    causes.extend(failed(&result.call_failures, "call"));
    if let Some(put) = put {
        causes.extend(
            limit::met(&put.troubles, "PutRecords call")
                .into_iter()
                .map(told),
        );
        causes.extend(put_refused(put, result));
        causes.extend(failed(&put.call_failures, "PutRecords call"));
    }
    if let Some(Outcome {
        error,
        last_failure,
        tally,
    }) = read
    {
        causes.extend(
            error
                .as_ref()
                .or(last_failure.as_ref())
                .map(|of| unread(of, tally)),
        );
        causes.extend(reader(tally, request, result));
    }
    causes
}

fn told(finding: Finding) -> HeldBack {
    HeldBack {
        whose: match finding.whose {
            Found::Generator => Whose::Generator,
            Found::Target => Whose::Target,
            Found::Network => Whose::Network,
        },
        what: finding.what,
        advice: finding.advice,
    }
}

/// What the stream had no capacity for.
fn put_refused(put: &CopyOutcome, result: &RunResult) -> Option<HeldBack> {
    if put.throttled as f64 <= THROTTLED * result.ledger.acknowledged as f64 {
        return None;
    }
    Some(HeldBack {
        whose: Whose::Target,
        what: format!(
            "the stream had no capacity for {} records, each time they were put",
            count(put.throttled)
        ),
        advice: "give the stream more shards (--shards), or lower the rate".to_owned(),
    })
}

/// Calls of the reader that failed for another reason than want of capacity.
fn unread(last: &FollowError, tally: &Tally) -> HeldBack {
    let whose = match last {
        FollowError::Unreachable { .. } => Whose::Network,
        _ => Whose::Reader,
    };
    let told = last.to_string();
    // An error says what to do behind its semicolon.
    let (what, advice) = match told.rsplit_once("; ") {
        Some((what, advice)) => (what, advice),
        None => (
            told.as_str(),
            "look at the stream, and at the service's log",
        ),
    };
    HeldBack {
        whose,
        what: format!(
            "{} calls to read the stream failed, the last: {what}",
            count(tally.retried_errors.max(1))
        ),
        advice: advice.to_owned(),
    }
}

/// What the table had no capacity for.
fn refused(request: &Request, result: &RunResult) -> Option<HeldBack> {
    let items: u64 = result.throttles.iter().map(|of| of.items).sum();
    if items as f64 <= THROTTLED * result.ledger.sent as f64 {
        return None;
    }
    let most = result.throttles.iter().max_by_key(|of| of.items)?;
    let why = match &most.reason {
        Some(reason) => format!("{}, {reason}", most.exception),
        None => most.exception.clone(),
    };
    // A layout whose items have a key each spreads them as far as can be.
    let spread = request.layout != Layout::TimeSeries;
    let reason = most.reason.as_deref().unwrap_or_default();
    let (short, advice) = shortage(&most.exception, reason, spread);
    Some(HeldBack {
        whose: Whose::Target,
        what: format!(
            "{short} {} items, each time they came ({why})",
            count(items)
        ),
        advice: advice.to_owned(),
    })
}

/// What was short, and what helps: the reason says more than the exception
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/throttling-diagnosing.html>).
fn shortage(exception: &str, reason: &str, spread: bool) -> (&'static str, &'static str) {
    let of_account = ["RequestLimitExceeded", "LimitExceededException"].contains(&exception);
    if reason.contains("MaxOnDemand") {
        let advice = "raise the table's on-demand maximum, or lower the rate";
        ("the table's on-demand maximum left no room for", advice)
    } else if reason.contains("KeyRange") && spread {
        let advice = "give the table more (--wcu, --warm-throughput), or lower the rate";
        ("a partition had no capacity for", advice)
    } else if reason.contains("KeyRange") {
        let advice = "spread the load over more partition keys, or lower the rate";
        ("a partition had no capacity for", advice)
    } else if of_account || reason.contains("AccountLimit") {
        let advice = "have the account's quota raised, or lower the rate";
        ("a limit of the account left no room for", advice)
    } else {
        let advice = "give the table more (--wcu, --warm-throughput), or lower the rate";
        ("no capacity for", advice)
    }
}

/// Calls that were answered with an error.
fn failed(failures: &BTreeMap<String, u64>, name: &str) -> Option<HeldBack> {
    let answered = |code: &&String| !NO_ANSWERS.contains(&code.as_str());
    let calls: u64 = failures
        .iter()
        .filter(|(code, _)| answered(code))
        .map(|(_, calls)| calls)
        .sum();
    let (most, _) = failures
        .iter()
        .filter(|(code, _)| answered(code))
        .max_by_key(|(_, calls)| **calls)?;
    let s = if calls == 1 { "" } else { "s" };
    Some(HeldBack {
        whose: Whose::Target,
        what: format!(
            "answered {} {name}{s} with an error, most with {most}",
            count(calls)
        ),
        advice: "look at the target's log".to_owned(),
    })
}

/// How the reader of the stream kept up.
fn reader(tally: &Tally, request: &Request, result: &RunResult) -> Vec<HeldBack> {
    let mut causes = Vec::new();
    let polls = matches!(
        request.via,
        Via::Kinesis(Consumer::Polling { .. }) | Via::PutRecords(Consumer::Polling { .. })
    );
    if tally.throttled_reads > 0 {
        causes.push(HeldBack {
            whose: Whose::Reader,
            what: format!(
                "{} of its reads of the stream were throttled: all that poll a shard share five \
                 reads and 2 MB a second",
                count(tally.throttled_reads)
            ),
            advice: if polls {
                "use --consumer enhanced-fan-out, or a longer --poll-interval"
            } else {
                "use a longer --poll-interval"
            }
            .to_owned(),
        });
    }
    let page_s = tally.reading_us as f64 / 1e6 / tally.reads.max(1) as f64;
    if page_s > SLOW_READ_S {
        causes.push(HeldBack {
            whose: Whose::Reader,
            what: format!(
                "its reads of the stream took {} in the mean",
                duration(page_s)
            ),
            advice: "look at the stream's service, and at the way to it".to_owned(),
        });
    }
    let behind = result.series.iter().map(|second| second.behind);
    let behind_s = behind.fold(0.0, f64::max);
    if behind_s > BEHIND_S {
        causes.push(HeldBack {
            whose: Whose::Reader,
            what: format!(
                "up to {} behind the stream's newest record",
                duration(behind_s)
            ),
            advice: "give the stream more shards, or use --consumer enhanced-fan-out".to_owned(),
        });
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_helps_is_told_by_what_was_short() {
        for (exception, reason, helps) in [
            ("ProvisionedThroughputExceededException", "", "--wcu"),
            (
                "ThrottlingException",
                "TableWriteKeyRangeThroughputExceeded",
                "partition keys",
            ),
            (
                "ThrottlingException",
                "TableWriteMaxOnDemandThroughputExceeded",
                "on-demand maximum",
            ),
            ("RequestLimitExceeded", "", "account's quota"),
            (
                "ThrottlingException",
                "TableWriteAccountLimitExceeded",
                "account's quota",
            ),
            ("LimitExceededException", "", "account's quota"),
        ] {
            let (_, advice) = shortage(exception, reason, false);
            assert!(advice.contains(helps), "{exception}, {reason}: {advice}");
        }
        // Each item has a key of its own: more keys there cannot be.
        let reason = "TableWriteKeyRangeThroughputExceeded";
        let (_, advice) = shortage("ThrottlingException", reason, true);
        assert!(advice.contains("--warm-throughput"), "{advice}");
        assert!(!advice.contains("keys"), "{advice}");
    }
}
