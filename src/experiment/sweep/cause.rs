//! Why a rate did not hold.

use crate::measure::Stage;
use crate::report::{
    Cause, HeldBack, Limiting, RunResult, Threshold, Whose, amount, count, duration,
};

/// Items refused, of those sent, above which the service's capacity is to blame.
const THROTTLED: f64 = 0.001;

/// A stage is to blame for a late reading when it is this much of it.
const DOMINANT: f64 = 0.5;

/// What limited a run that missed its objectives, the table before the stream
/// before the client: a client waits for what a table refuses, and a stream
/// falls behind only with what was written.
pub(super) fn cause(result: &RunResult) -> Cause {
    let missed: Vec<&Threshold> = result.thresholds.iter().filter(|of| !of.met).collect();
    throttled(result)
        .or_else(|| behind(result))
        .or_else(|| generator(result))
        .or_else(|| target(result))
        .unwrap_or_else(|| slowest(result, &missed))
}

fn throttled(result: &RunResult) -> Option<Cause> {
    let items: u64 = result.throttles.iter().map(|of| of.items).sum();
    if items as f64 <= THROTTLED * result.ledger.sent as f64 {
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
            amount(result.capacity.units() / result.run.measured.max(1e-9)),
        ),
    })
}

/// Change records came late, or not within the drain: nothing but the stream's
/// shards holds them up.
fn behind(result: &RunResult) -> Option<Cause> {
    let whole = result.latency.get(Stage::EndToEnd)?;
    let replication = result.latency.get(Stage::Replication)?;
    let missing = result.ledger.missing.unwrap_or(0);
    let dominant = replication.p99 > DOMINANT * whole.p99 && replication.p99 > 1.0;
    let unread = missing as f64 > THROTTLED * result.ledger.acknowledged as f64;
    let shards = result.config.shards.unwrap_or(0);
    (dominant || unread).then(|| Cause {
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
        limiting: Limiting::Service,
        because: format!("the {}: {}", held.whose.key(), held.what),
    })
}

/// Nothing was exhausted: the slowest part of the way.
fn slowest(result: &RunResult, missed: &[&Threshold]) -> Cause {
    let stages = [
        (Stage::Pacing, Limiting::Client),
        (Stage::Service, Limiting::Service),
        (Stage::Replication, Limiting::Shard),
        (Stage::Read, Limiting::Reader),
    ];
    let p99 = |stage| result.latency.get(stage).map_or(0.0, |of| of.p99);
    // Where no reading that was followed was late, the way ends with the answer.
    let followed = missed.iter().any(|of| of.expression.starts_with("e2e"));
    let of_the_way = if followed { &stages[..] } else { &stages[..2] };
    let slowest = of_the_way
        .iter()
        .max_by(|a, b| p99(a.0).total_cmp(&p99(b.0)));
    let (stage, limiting) = slowest.copied().unwrap_or(stages[1]);
    Cause {
        limiting,
        because: format!(
            "nothing was throttled and the client kept up; the slowest stage was {} with {} at \
             p99, at {} readings/s",
            stage.key(),
            duration(p99(stage)),
            amount(result.rate.achieved),
        ),
    }
}
