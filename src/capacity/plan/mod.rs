//! The planner: a workload's day against every way of paying for it.
//!
//! In goes what each second of a day asks for, and the weight of an item; out
//! come, for each table and each stream, the seconds in which it throttles, the
//! readings it delays, and the bill. Time is virtual: a day takes a second or
//! two. The machines are those that guard the embedded services. Must not know
//! where the demand comes from, nor how a plan is shown.
//!
//! | file | holds |
//! |---|---|
//! | `demand` | the day's seconds, scattered over time and keys |
//! | `ways` | which tables and streams are tried, and how large |
//! | `table` | a day through one table |
//! | `stream` | a day through one stream |
//! | `usage` | what is billed besides the table's writes |
//! | `choice` | which to take |
//! | `quotas` | what an account must have raised for it |
//! | `answer` | what comes out |

mod answer;
mod choice;
mod demand;
mod quotas;
mod stream;
mod table;
#[cfg(test)]
mod tests;
mod usage;
mod ways;

use std::time::Duration;

use super::bill::{Bill, FreeTierUse, Usage};
use super::price::Prices;
use super::stream::{Binding, Headroom, ShardLimits, shards_for};
pub use answer::{
    BeyondQuota, Candidate, Carried, Demand, Held, Minutes, Paying, Plan, Step, Storage,
    StreamCandidate, Stretch,
};
pub use demand::Keys;
use demand::Seconds;
use stream::{Changes, Stream, carry};
pub use table::{Table, simulate};

/// The name of a plan file's schema.
pub const SCHEMA: &str = "hrload.plan/2";

/// Seconds of a day, which is what is simulated.
pub const DAY: Duration = Duration::from_secs(86_400);

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// Expected readings due in each second of a day.
    pub demand: &'a [f64],
    /// An item's size by DynamoDB's rule, in bytes.
    pub item_bytes: u64,
    /// A change record's, partition key included.
    pub record_bytes: u64,
    /// What keys items have.
    pub keys: Keys,
    /// Seed of the scatter around what is expected.
    pub seed: u64,
    /// Days to be billed, each like the one simulated.
    pub days: f64,
    /// GB (2^30 bytes) that the table holds at the start, as billed.
    pub stored_gb: f64,
    /// Prices.
    pub prices: &'a Prices,
}

/// Answers `question`.
///
/// Streams are offered what the recommended table writes, second by second.
/// A day without demand gets the smallest of everything.
#[must_use]
pub fn plan(question: &Question<'_>) -> Plan {
    let units = super::size::write_units(question.item_bytes as usize);
    let seconds = Seconds::around(question.demand, question.keys, question.seed);
    let demand = seconds.demand(units);
    let storage = usage::storage(question, &demand);
    let common = usage::common(question, &demand, &storage, units);
    let cost = |usage: &Usage| Bill::new(usage, question.prices, FreeTierUse::Ignored);

    let stored_bytes = (question.stored_gb * f64::from(1 << 30)) as u64;
    let tried: Vec<_> = ways::tables(&demand)
        .into_iter()
        .map(|way| {
            let day = table::through(way.2, &seconds, units, stored_bytes);
            let writes = match way.2 {
                Table::OnDemand { .. } => Usage {
                    write_request_units: (demand.readings * units) as f64 * question.days,
                    ..Usage::default()
                },
                Table::Provisioned(_) | Table::Scaled(_) => Usage {
                    write_unit_hours: day.held.provisioned_unit_hours * question.days,
                    ..Usage::default()
                },
            };
            (way, day, common.plus(&writes))
        })
        .collect();
    // The stream costs every table the same.
    let weighed: Vec<choice::Way> = tried
        .iter()
        .map(|(_, day, usage)| choice::Way {
            usd: cost(usage).total,
            delayed_share: day.held.delayed_share(),
            delayed: day.held.delayed,
            left: day.held.left,
        })
        .collect();
    let (recommended, reason) = choice::choose(&weighed, "readings");

    let changes = Changes {
        made: tried
            .get(recommended)
            .map_or(&[], |(_, day, _)| &day.written),
        bytes: question.record_bytes,
        keys: question.keys,
        seed: question.seed,
    };
    let (mean, p99, peak) = (
        demand.mean / units as f64,
        demand.p99 / units,
        demand.peak / units,
    );
    let sized = ways::streams(mean, p99, peak, question.record_bytes);
    let streams: Vec<StreamCandidate> = sized
        .iter()
        .map(|(name, _, kind)| StreamCandidate {
            name: name.clone(),
            shards: match kind {
                Stream::Provisioned(shards) => *shards,
                Stream::OnDemand => stream::initial_shards(),
            },
            on_demand: *kind == Stream::OnDemand,
            carried: carry(*kind, changes),
            usd: cost(&usage::stream(question, &demand, *kind)).total,
        })
        .collect();
    let weighed: Vec<choice::Way> = streams
        .iter()
        .map(|stream| choice::Way {
            usd: stream.usd,
            delayed_share: stream.carried.delayed_share(),
            delayed: stream.carried.delayed,
            left: stream.carried.left + stream.carried.lost,
        })
        .collect();
    let (recommended_stream, stream_reason) = choice::choose(&weighed, "records");

    let kind = sized[recommended_stream].2;
    let stream_usage = usage::stream(question, &demand, kind);
    let taken = tried.get(recommended).map(|(way, ..)| way.2);
    let tables: Vec<Candidate> = tried
        .into_iter()
        .map(|((name, short, table), day, usage)| Candidate {
            name,
            short,
            paying: table.paying(),
            held: day.held,
            capacity: day.capacity,
            throttled: day.throttled,
            bill: cost(&usage.plus(&stream_usage)),
        })
        .collect();
    let beyond_quota = taken.zip(tables.get(recommended)).map(|table| {
        let bytes_per_s = peak * question.record_bytes;
        quotas::exceeded(table, kind, &demand, bytes_per_s, &question.prices.region)
    });
    let (limits, headroom) = (ShardLimits::default(), Headroom::default());
    let binding = shards_for(peak, question.record_bytes, headroom, &limits).binding;
    Plan {
        schema: SCHEMA.to_owned(),
        days: question.days,
        demand,
        storage,
        tables,
        recommended,
        reason,
        streams,
        recommended_stream,
        stream_reason,
        shards_bound_by: match binding {
            Binding::Records => "records".to_owned(),
            Binding::Bytes => "bytes".to_owned(),
        },
        beyond_quota: beyond_quota.unwrap_or_default(),
        break_even_percent: question.prices.break_even().write_utilisation * 100.0,
    }
}
