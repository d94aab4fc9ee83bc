//! Why a rate did not hold.

use crate::measure::Stage;
use crate::report::{
    Cause, Condition, HeldBack, Limiting, ReasonKind, RunResult, Subject, Threshold, Verdict,
    Whose, amount, count, duration,
};

/// Items refused, of those sent, above which the service's capacity is to blame.
const THROTTLED: f64 = 0.001;

/// A shard that takes this share of what it can has little left for uneven keys.
const NEARLY: f64 = 0.5;

/// A stage is to blame for a late reading when it is this much of it.
const DOMINANT: f64 = 0.5;

/// What limited a run that missed its objectives, the table before the stream
/// before the client: a client waits for what a table refuses, and a stream
/// falls behind only with what was written. Each is looked at where it can be why
/// an objective was missed.
pub(super) fn cause(result: &RunResult) -> Cause {
    use Subject::{Answers, Capacity, Rate, Sender, Stream, Time};
    let missed = Missed::of(result);
    let where_any = |of: &[Subject]| missed.any(of).then_some(result);
    where_any(&[Time, Rate, Answers, Capacity])
        .and_then(|of| throttled(of, missed.any(&[Capacity])))
        .or_else(|| where_any(&[Time, Rate, Stream]).and_then(behind))
        .or_else(|| where_any(&[Rate, Stream]).and_then(lost))
        .or_else(|| where_any(&[Rate, Answers]).and_then(unanswered))
        .or_else(|| where_any(&[Time, Rate, Sender]).and_then(generator))
        .or_else(|| where_any(&[Time, Rate, Answers]).and_then(target))
        .unwrap_or_else(|| missed.otherwise(result))
}

/// The objectives that were missed, and what the run lacked by them.
struct Missed<'a>(Vec<(&'a Threshold, Option<Condition>)>);

impl<'a> Missed<'a> {
    fn of(result: &'a RunResult) -> Self {
        let missed = result.thresholds.iter().filter(|of| !of.met);
        Self(missed.map(|of| (of, of.expression.parse().ok())).collect())
    }

    /// Whether one of them is of these; what ends a run otherwise may be of all.
    fn any(&self, of: &[Subject]) -> bool {
        let subjects = |(_, condition): &(_, Option<Condition>)| {
            let condition = condition.as_ref();
            condition.is_none_or(|condition| of.contains(&condition.subject()))
        };
        self.0.is_empty() || self.0.iter().any(subjects)
    }
}

/// Items that were refused: some of all, or any where none may be.
fn throttled(result: &RunResult, any: bool) -> Option<Cause> {
    let items: u64 = result.throttles.iter().map(|of| of.items).sum();
    let few = items as f64 <= THROTTLED * result.ledger.sent as f64;
    if items == 0 || few && !any {
        return None;
    }
    // Items that come back unprocessed say nothing of why; calls refused whole do.
    let with_reason = result.throttles.iter().filter(|of| of.reason.is_some());
    let most = with_reason.max_by_key(|of| of.items);
    let reason = most.and_then(|of| of.reason.as_deref());
    let limiting = match reason {
        Some(reason) if reason.contains("KeyRange") => Limiting::HotPartition,
        _ => Limiting::Table,
    };
    let config = &result.config;
    let capacity = match (config.write_capacity, config.warm_throughput) {
        (Some(units), _) => format!(" of {} units/s", amount(units)),
        (None, Some(units)) => format!(" on demand, warm for {} units/s", amount(units)),
        (None, None) => String::new(),
    };
    let by = reason.map_or_else(String::new, |reason| format!(" by {reason}"));
    Some(Cause {
        limiting,
        because: format!(
            "a table{capacity} refused {} items{by}, and gave {} units/s",
            count(items),
            amount(result.written_units() / result.run.measured.max(1e-9)),
        ),
    })
}

/// Acknowledged readings that never came out of the stream, though nothing came late.
fn lost(result: &RunResult) -> Option<Cause> {
    let verdict = Verdict::of(result);
    let missing = verdict.reasons.iter();
    let missing = missing.filter(|reason| reason.kind == ReasonKind::Missing);
    let readings: u64 = missing.filter_map(|reason| reason.readings).sum();
    (readings as f64 > THROTTLED * result.ledger.acknowledged as f64).then(|| Cause {
        limiting: Limiting::Lost,
        because: format!(
            "{} of {} acknowledged never came out of the stream",
            count(readings),
            count(result.ledger.acknowledged)
        ),
    })
}

/// Change records came late, or not within the drain, while shards took nearly all that
/// they can.
fn behind(result: &RunResult) -> Option<Cause> {
    let whole = result.latency.get(Stage::EndToEnd)?;
    let replication = result.latency.get(Stage::Replication)?;
    let missing = result.ledger.missing.unwrap_or(0);
    let dominant = replication.p99 > DOMINANT * whole.p99 && replication.p99 > 1.0;
    let unread = missing as f64 > THROTTLED * result.ledger.acknowledged as f64;
    let shards = result.config.shards.filter(|shards| *shards > 0)?;
    let full = result.rate.achieved > NEARLY * f64::from(shards) * shard_rate(result);
    ((dominant || unread) && full).then(|| Cause {
        limiting: Limiting::Shard,
        because: format!(
            "in {shards} shard{} change records arrived {} late at p99{}",
            if shards == 1 { "" } else { "s" },
            duration(replication.p99),
            match missing {
                0 => String::new(),
                missing => format!(", and {} had not come when draining ended", count(missing)),
            },
        ),
    })
}

/// Records a second that a shard takes: a thousand, or as many as a megabyte has
/// (<https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html>).
fn shard_rate(result: &RunResult) -> f64 {
    let planned = result.planned.as_ref();
    let bytes = planned
        .and_then(|of| of.record_bytes)
        .map_or(0.0, |of| of.measured);
    (1e6 / bytes.max(1.0)).min(1_000.0)
}

/// Most of the readings that were not acknowledged were given up for their answers.
fn unanswered(result: &RunResult) -> Option<Cause> {
    let ledger = &result.ledger;
    let failed = ledger.failed > ledger.dropped + ledger.cut_off;
    if failed { target(result) } else { None }
}

fn generator(result: &RunResult) -> Option<Cause> {
    let bound = result.generator.limit.as_ref()?;
    Some(Cause {
        limiting: Limiting::Client,
        because: format!("{}; {}", bound.what, bound.advice),
    })
}

fn target(result: &RunResult) -> Option<Cause> {
    let of_target = |of: &&HeldBack| matches!(of.whose, Whose::Target | Whose::Network);
    let held = result.causes.iter().find(of_target)?;
    Some(Cause {
        limiting: match held.whose {
            Whose::Network => Limiting::Network,
            _ => Limiting::Service,
        },
        because: held.what.clone(),
    })
}

impl Missed<'_> {
    /// Nothing was exhausted: what of a latency that was missed took longest, or else what
    /// was missed.
    fn otherwise(&self, result: &RunResult) -> Cause {
        let stage_of = |(_, of): &(_, Option<Condition>)| of.as_ref()?.stage();
        match self.0.iter().find_map(stage_of) {
            Some(stage) => slowest(result, stage),
            None => self.named(result),
        }
    }

    /// What was missed, where nothing that was seen explains it but the price.
    fn named(&self, result: &RunResult) -> Cause {
        let rate = amount(result.rate.achieved);
        let is_of_money = |(_, of): &&(_, Option<Condition>)| {
            let subject = of.as_ref().map(Condition::subject);
            subject == Some(Subject::Money)
        };
        let of_money = self.0.iter().find(is_of_money);
        if let Some((of, Some(condition))) = of_money {
            let measured = of.measured.map(|measured| condition.show(measured));
            return Cause {
                limiting: Limiting::Price,
                because: format!(
                    "{} was missed, with {} at {rate} readings/s",
                    of.expression,
                    measured.as_deref().unwrap_or("nothing measured"),
                ),
            };
        }
        let missed: Vec<&str> = self.0.iter().map(|of| of.0.expression.as_str()).collect();
        Cause {
            limiting: Limiting::Unseen,
            because: format!(
                "nothing was throttled or late that explains why {} was missed, at {rate} \
                 readings/s",
                if missed.is_empty() {
                    "it".to_owned()
                } else {
                    missed.join(", ")
                },
            ),
        }
    }
}

/// The slowest stage of the way that a latency of this one is of.
fn slowest(result: &RunResult, of_stage: Stage) -> Cause {
    let stages = [
        (Stage::Pacing, Limiting::Client),
        (Stage::Service, Limiting::Service),
        (Stage::Replication, Limiting::Replication),
        (Stage::Read, Limiting::Reader),
    ];
    let p99 = |stage| result.latency.get(stage).map_or(0.0, |of| of.p99);
    // Where no reading that was followed was late, the way ends with the answer.
    let followed = matches!(of_stage, Stage::EndToEnd | Stage::Replication | Stage::Read);
    let of_the_way = if followed { &stages[..] } else { &stages[..2] };
    let slowest = of_the_way
        .iter()
        .max_by(|a, b| p99(a.0).total_cmp(&p99(b.0)));
    let (stage, limiting) = slowest.copied().unwrap_or(stages[1]);
    Cause {
        limiting,
        because: format!(
            "nothing was throttled and the generator was not the limit; the slowest stage was \
             {} with {} at p99, at {} readings/s",
            stage.key(),
            duration(p99(stage)),
            amount(result.rate.achieved),
        ),
    }
}
