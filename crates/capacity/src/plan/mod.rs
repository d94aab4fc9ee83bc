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
use super::sizing;
use super::stream::{Binding, Headroom, ShardLimits, shards_for};
use super::table::Assumptions;
pub use answer::{
    BeyondQuota, Candidate, Carried, Demand, Held, Minutes, Paying, Plan, Step, Storage,
    StreamCandidate, Stretch,
};
pub use demand::{Keys, Seconds};
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

/// How far a plan is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress<'a> {
    /// The table or stream that is simulated.
    pub way: &'a str,
    /// Which it is, and of how many: tables, then streams.
    pub place: (usize, usize),
    /// Share of its day that is over.
    pub share: f64,
}

/// Answers `question`, and says how far it is.
///
/// Streams are offered what the recommended table writes, second by second.
/// A day without demand gets the smallest of everything.
#[must_use]
pub fn plan(question: &Question<'_>, tell: &mut dyn FnMut(Progress<'_>)) -> Plan {
    let units = super::size::write_units(question.item_bytes as usize);
    let expected_peak = question.demand.iter().copied().fold(0.0, f64::max);
    let sized_units = sizing::write_units(expected_peak, units, Headroom::default());
    let sized_shards = sizing::shards(expected_peak, question.record_bytes);
    let seconds = Seconds::around(question.demand, question.keys, question.seed);
    let demand = seconds.demand(units);
    let storage = usage::storage(question, &demand);
    let common = usage::common(question, &demand, &storage, units);
    let cost = |usage: &Usage| Bill::new(usage, question.prices, FreeTierUse::Ignored);

    let stored_bytes = (question.stored_gb * f64::from(1 << 30)) as u64;
    let assumptions = Assumptions::default();
    let ways = ways::tables(&demand, sized_units);
    let tables = ways.len();
    let tried: Vec<_> = ways
        .into_iter()
        .enumerate()
        .map(|(at, way)| {
            let mut tell = |share| {
                tell(Progress {
                    way: &way.0,
                    place: (at + 1, tables),
                    share,
                });
            };
            let made = table::made(way.2, stored_bytes, &assumptions);
            let day = table::through(made, &seconds, units, stored_bytes, &mut tell);
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
        .map(|(way, day, usage)| choice::Way {
            roomy: match way.2 {
                Table::Provisioned(units) => units >= sized_units,
                Table::Scaled(policy) => policy.maximum >= sized_units,
                // It grows with the traffic.
                Table::OnDemand { .. } => true,
            },
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
    let sized = ways::streams(mean, p99, peak, question.record_bytes, sized_shards);
    let streams: Vec<StreamCandidate> = sized
        .iter()
        .enumerate()
        .map(|(at, (name, _, kind))| StreamCandidate {
            name: name.clone(),
            shards: match kind {
                Stream::Provisioned(shards) => *shards,
                Stream::OnDemand => stream::initial_shards(),
            },
            on_demand: *kind == Stream::OnDemand,
            carried: carry(*kind, changes, &mut |share| {
                tell(Progress {
                    way: name,
                    place: (at + 1, sized.len()),
                    share,
                });
            }),
            usd: cost(&usage::stream(question, &demand, *kind)).total,
        })
        .collect();
    let weighed: Vec<choice::Way> = streams
        .iter()
        .map(|stream| choice::Way {
            roomy: stream.on_demand || stream.shards >= sized_shards,
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
