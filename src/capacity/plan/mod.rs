//! The planner: a workload's day against every way of paying for a table.
//!
//! In goes what each second of a day asks for, and the weight of an item; out
//! come, for each way, the seconds in which it throttles, the readings it
//! delays, and its bill. Time is virtual: a day takes a second or two. The
//! machines are those that guard the embedded services.

mod demand;
mod scenario;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bill::{
    Bill, FreeTierUse, Usage, athena_tb, firehose_gb, gb, growing_gb_months, on_demand_gb_in,
    put_payload_units, table_gb,
};
use super::price::Prices;
use super::scaling::ScalingPolicy;
use super::stream::{Headroom, ShardLimits, shards_for};
use super::table::NEW_TABLE;
use demand::Seconds;
pub use scenario::Held;
use scenario::{Table, simulate};

/// The name of a plan file's schema.
pub const SCHEMA: &str = "hrload.plan/1";

/// Seconds of a day, which is what is simulated.
pub const DAY: Duration = Duration::from_secs(86_400);

/// A reading may be delayed, once in so many, before a way of paying counts as
/// too small.
const DELAYED_AT_MOST: f64 = 0.001;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// Expected readings due in each second of a day.
    pub demand: &'a [f64],
    /// An item's size by DynamoDB's rule, in bytes.
    pub item_bytes: u64,
    /// A change record's, partition key included.
    pub record_bytes: u64,
    /// Seed of the scatter around what is expected.
    pub seed: u64,
    /// Days to be billed, each like the one simulated.
    pub days: f64,
    /// Prices.
    pub prices: &'a Prices,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// [`SCHEMA`].
    pub schema: String,
    /// Days that are billed.
    pub days: f64,
    /// What is asked of the table, in write units.
    pub demand: Demand,
    /// The stream that carries the changes.
    pub stream: Stream,
    /// Ways of paying for the table, from the smallest.
    pub tables: Vec<Candidate>,
    /// Place in `tables` of the one to take.
    pub recommended: usize,
    /// Why.
    pub reason: String,
    /// Consumed of provisioned units at which on-demand costs as much, in
    /// percent: above it, provisioned is cheaper.
    pub break_even_percent: f64,
}

/// Write units a second over the day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Demand {
    /// On average.
    pub mean: f64,
    /// In all but the busiest hundredth of seconds, at most.
    pub p99: u64,
    /// In the busiest second.
    pub peak: u64,
    /// Readings of the day.
    pub readings: u64,
}

/// A stream for the changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stream {
    /// Shards for the busiest second.
    pub shards: u32,
    /// What limits them: `records` or `bytes`.
    pub bound_by: String,
    /// US dollars of a provisioned stream of that many shards.
    pub provisioned_usd: f64,
    /// US dollars of an on-demand stream.
    pub on_demand_usd: f64,
}

/// A way of paying for the table, and what comes of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    /// What it is, in words.
    pub name: String,
    /// What it held.
    pub held: Held,
    /// The whole pipeline's bill for the days, with the cheaper stream.
    pub bill: Bill,
}

/// Firehose's default buffer interval is 300 s: an object each, assumed.
const OBJECTS_A_DAY: f64 = 288.0;

/// Auto scaling aims for this.
const TARGET_PERCENT: u64 = 70;

/// Answers `question`.
/// A day without demand gets the smallest of everything.
#[must_use]
pub fn plan(question: &Question<'_>) -> Plan {
    let units = super::size::write_units(question.item_bytes as usize);
    let seconds = Seconds::around(question.demand, question.seed);
    let (mean, p99, peak) = seconds.summary();
    let demand = Demand {
        mean: mean * units as f64,
        p99: p99 * units,
        peak: peak * units,
        readings: seconds.readings(),
    };
    let usage = usage(question, &demand, units);
    let (stream, stream_usage) = stream(question, &usage, peak);
    let at_least = |units: f64| (units.ceil() as u64).max(1);
    let (mean_units, peak_units) = (at_least(demand.mean), demand.peak.max(1));
    let policy = ScalingPolicy {
        target_percent: TARGET_PERCENT,
        minimum: at_least(demand.mean / 4.0),
        maximum: at_least(peak_units as f64 * 100.0 / TARGET_PERCENT as f64),
    };
    let mut ways = vec![
        (
            format!("provisioned, {mean_units} units (the mean)"),
            Table::Provisioned(mean_units),
        ),
        (
            format!("provisioned, {} units (p99)", demand.p99.max(1)),
            Table::Provisioned(demand.p99.max(1)),
        ),
        (
            format!("provisioned, {peak_units} units (the peak)"),
            Table::Provisioned(peak_units),
        ),
        (
            format!("provisioned, auto scaling {policy}"),
            Table::Scaled(policy),
        ),
        ("on demand, new".to_owned(), Table::OnDemand { warm: None }),
    ];
    // A new table has the smaller of them anyway.
    if peak_units > NEW_TABLE.write {
        let warm = Some(peak_units);
        ways.push((
            format!("on demand, warm for {peak_units}"),
            Table::OnDemand { warm },
        ));
    }
    let tables: Vec<Candidate> = ways
        .into_iter()
        .map(|(name, table)| {
            let held = simulate(table, &seconds, units);
            let mut usage = usage.plus(&stream_usage);
            match table {
                Table::OnDemand { .. } => {
                    usage.write_request_units = (demand.readings * units) as f64 * question.days;
                }
                Table::Provisioned(_) | Table::Scaled(_) => {
                    usage.write_unit_hours = held.provisioned_unit_hours * question.days;
                }
            }
            let bill = Bill::new(&usage, question.prices, FreeTierUse::Ignored);
            Candidate { name, held, bill }
        })
        .collect();
    let (recommended, reason) = recommend(&tables);
    Plan {
        schema: SCHEMA.to_owned(),
        days: question.days,
        demand,
        stream,
        tables,
        recommended,
        reason,
        break_even_percent: question.prices.break_even().write_utilisation * 100.0,
    }
}

/// What every way has in common: change capture, storage, delivery, a query a
/// day over the day's objects.
fn usage(question: &Question<'_>, demand: &Demand, units: u64) -> Usage {
    let days = question.days;
    let readings = demand.readings as f64 * days;
    let whole = readings as u64;
    let stored = table_gb(readings, question.item_bytes as f64, true);
    let objects = readings * question.record_bytes as f64;
    let hours = days * 24.0;
    Usage {
        hours,
        table_gb_months: growing_gb_months(0.0, stored, hours),
        change_units: readings * units as f64,
        firehose_gb: firehose_gb(whole, question.record_bytes),
        s3_puts: days * OBJECTS_A_DAY,
        s3_gb_months: growing_gb_months(0.0, gb(objects), hours),
        athena_tb: athena_tb(days as u64, (objects / days.max(1.0)) as u64),
        ..Usage::default()
    }
}

/// The stream, and the usage of its cheaper way.
fn stream(question: &Question<'_>, usage: &Usage, peak: u64) -> (Stream, Usage) {
    let needed = shards_for(
        peak,
        question.record_bytes,
        Headroom::default(),
        &ShardLimits::default(),
    );
    let records =
        usage.change_units / super::size::write_units(question.item_bytes as usize) as f64;
    let records = records as u64;
    let provisioned = Usage {
        shard_hours: f64::from(needed.shards) * usage.hours,
        put_payload_units: put_payload_units(records, question.record_bytes),
        ..Usage::default()
    };
    let on_demand = Usage {
        on_demand_stream_hours: usage.hours,
        on_demand_gb_in: on_demand_gb_in(records, question.record_bytes),
        on_demand_gb_out: gb(records as f64 * question.record_bytes as f64),
        ..Usage::default()
    };
    let cost = |usage: &Usage| Bill::new(usage, question.prices, FreeTierUse::Ignored).total;
    let stream = Stream {
        shards: needed.shards,
        bound_by: match needed.binding {
            super::stream::Binding::Records => "records".to_owned(),
            super::stream::Binding::Bytes => "bytes".to_owned(),
        },
        provisioned_usd: cost(&provisioned),
        on_demand_usd: cost(&on_demand),
    };
    let cheaper = if stream.provisioned_usd <= stream.on_demand_usd {
        provisioned
    } else {
        on_demand
    };
    (stream, cheaper)
}

/// The cheapest that delays next to nothing; else the one that delays least.
fn recommend(tables: &[Candidate]) -> (usize, String) {
    let by_cost = |a: &&(usize, &Candidate), b: &&(usize, &Candidate)| {
        a.1.bill.total.total_cmp(&b.1.bill.total)
    };
    let all: Vec<(usize, &Candidate)> = tables.iter().enumerate().collect();
    let holds = |held: &Held| held.delayed_share() <= DELAYED_AT_MOST && held.left == 0;
    let fit = all
        .iter()
        .filter(|(_, way)| holds(&way.held))
        .min_by(by_cost);
    match fit {
        Some((at, way)) => {
            let cheaper = all.iter();
            let cheaper = cheaper.filter(|(_, other)| other.bill.total < way.bill.total);
            let delays = "delays at most 0.1 % of readings";
            let reason = match cheaper.count() {
                0 => format!("the cheapest of all {}, and it {delays}", tables.len()),
                1 => format!("the cheapest that {delays}; one cheaper way delays more"),
                n => format!("the cheapest that {delays}; {n} cheaper ways delay more"),
            };
            (*at, reason)
        }
        None => {
            let least = all.iter().min_by(|a, b| {
                let key = |way: &Candidate| (way.held.left, way.held.delayed);
                key(a.1).cmp(&key(b.1))
            });
            let at = least.map_or(0, |(at, _)| *at);
            (
                at,
                "none holds the peak: this one delays the fewest readings".to_owned(),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ask(demand: &[f64], item_bytes: u64) -> Plan {
        plan(&Question {
            demand,
            item_bytes,
            record_bytes: 600,
            seed: 1,
            days: 30.0,
            prices: &Prices::named("us-east-1").unwrap(),
        })
    }

    /// An hour of `busy` readings a second in a day of `quiet` ones.
    fn peaky(quiet: f64, busy: f64) -> Vec<f64> {
        let hour = |second: usize| (43_200..46_800).contains(&second);
        (0..86_400)
            .map(|s| if hour(s) { busy } else { quiet })
            .collect()
    }

    fn named<'a>(plan: &'a Plan, start: &str) -> &'a Candidate {
        let mut found = plan.tables.iter().filter(|t| t.name.starts_with(start));
        found.next().unwrap()
    }

    #[test]
    fn an_even_load_is_cheapest_provisioned() {
        let plan = ask(&[2_000.0; 86_400], 90);
        assert!((plan.demand.mean - 2_000.0).abs() < 5.0);
        assert!(plan.demand.peak > 2_100 && plan.demand.peak < 2_300);
        let taken = &plan.tables[plan.recommended];
        assert!(taken.name.starts_with("provisioned"), "{}", taken.name);
        assert_eq!(taken.held.left, 0);
        // 2,000 readings a second, with a quarter on top: 2,500 and some more.
        assert_eq!(plan.stream.shards, 3);
    }

    #[test]
    fn a_load_of_one_busy_hour_is_cheapest_on_demand() {
        let plan = ask(&peaky(20.0, 3_000.0), 90);
        let taken = &plan.tables[plan.recommended];
        assert!(
            taken.name.starts_with("on demand"),
            "{}: {}",
            taken.name,
            plan.reason
        );
        // Units for the mean are 144: the hour is far beyond them.
        let mean = named(&plan, "provisioned, 1");
        assert!(mean.held.throttled_seconds > 3_000, "{:?}", mean.held);
        assert!(mean.held.longest_delay > 3_600, "{:?}", mean.held);
        let peak = named(&plan, "provisioned, 3");
        assert_eq!(peak.held.delayed, 0, "{:?}", peak.held);
    }

    #[test]
    fn a_new_on_demand_table_throttles_at_first_where_a_warm_one_does_not() {
        let plan = ask(&[6_000.0; 86_400], 90);
        let new = named(&plan, "on demand, new");
        // Half an hour until it doubles, and then the backlog.
        assert!(
            (1_700..6_000).contains(&new.held.throttled_seconds),
            "{:?}",
            new.held
        );
        assert_eq!(new.held.left, 0);
        assert_eq!(named(&plan, "on demand, warm").held.throttled_seconds, 0);
    }

    #[test]
    fn a_bill_is_what_it_comes_to_by_hand() {
        let plan = ask(&[100.0; 86_400], 90);
        let readings = plan.demand.readings as f64 * 30.0;
        let on_demand = named(&plan, "on demand, new");
        let writes = readings * 0.625 / 1e6;
        let capture = readings * 0.10 / 1e6;
        // One shard, and a PUT payload unit a record.
        let stream = 720.0 * 0.015 + readings * 0.014 / 1e6;
        // It fills over 720 of a month's 730 hours, 148 bytes more an item.
        let stored = readings * (90.0 + 148.0) / f64::from(1 << 30) / 2.0 * 720.0 / 730.0;
        let firehose = readings * 5_120.0 / f64::from(1 << 30) * 0.029;
        let objects = readings * 600.0 / f64::from(1 << 30) / 2.0 * 720.0 / 730.0 * 0.023;
        let puts = 30.0 * 288.0 * 0.005 / 1_000.0;
        let athena = readings * 600.0 / 1_099_511_627_776.0 * 5.0;
        let by_hand =
            writes + capture + stream + stored * 0.25 + firehose + objects + puts + athena;
        let off = on_demand.bill.total / by_hand - 1.0;
        assert!(
            off.abs() < 1e-6,
            "{} is not {by_hand}",
            on_demand.bill.total
        );
    }

    #[test]
    fn items_of_three_units_ask_for_three_times_as_much() {
        let (small, large) = (ask(&[500.0; 86_400], 90), ask(&[500.0; 86_400], 2_500));
        assert!((large.demand.mean / small.demand.mean - 3.0).abs() < 1e-9);
        let hours = |plan: &Plan| named(plan, "provisioned").held.provisioned_unit_hours;
        assert!((hours(&large) / hours(&small) - 3.0).abs() < 0.01);
    }

    #[test]
    fn a_day_without_demand_has_a_plan_too() {
        let plan = ask(&[0.0; 86_400], 90);
        assert_eq!((plan.demand.peak, plan.stream.shards), (0, 1));
        assert!(plan.tables.iter().all(|table| table.held.delayed == 0));
    }
}
