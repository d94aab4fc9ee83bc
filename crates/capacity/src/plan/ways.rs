//! The ways that are tried, sized by the demand.

use super::answer::Demand;
use super::stream::Stream;
use super::table::Table;
use crate::scaling::ScalingPolicy;
use crate::stream::{Headroom, ShardLimits, shards_for};
use crate::table::NEW_TABLE;

/// Auto scaling aims for this.
const TARGET_PERCENT: u64 = 70;

/// Something to try, in words, in a word or two, and itself.
pub(super) type Way<T> = (String, String, T);

/// Sizes with what each is enough for, the smallest first; equal ones become one.
fn levels<const N: usize>(sized: [(u64, &'static str); N]) -> Vec<(u64, Vec<&'static str>)> {
    let mut levels: Vec<(u64, Vec<&'static str>)> = Vec::new();
    for (size, what) in sized {
        match levels.iter_mut().find(|(known, _)| *known == size) {
            Some((_, all)) => all.push(what),
            None => levels.push((size, vec![what])),
        }
    }
    levels.sort_by_key(|(size, _)| *size);
    levels
}

/// Name of the size that follows from [`crate::sizing`].
const WITH_HEADROOM: &str = "with headroom";

fn plural(count: u64, one: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {one}{s}")
}

/// Without the article: `the mean` is `mean`.
fn bare(what: &str) -> &str {
    what.strip_prefix("the ").unwrap_or(what)
}

/// Tables for a demand; `sized` are the units a table is made with for it.
pub(super) fn tables(demand: &Demand, sized: u64) -> Vec<Way<Table>> {
    let at_least = |units: f64| (units.ceil() as u64).max(1);
    let peak = demand.peak.max(1);
    let provisioned = levels([
        (at_least(demand.mean), "the mean"),
        (demand.p99.max(1), "p99"),
        (peak, "the peak"),
        (sized, WITH_HEADROOM),
    ]);
    let warm = peak.max(sized);
    let provisioned = provisioned.into_iter().map(|(units, what)| {
        let sized = plural(units, "unit");
        let short: Vec<&str> = what.iter().map(|what| bare(what)).collect();
        (
            format!("provisioned, {sized} ({})", what.join(", ")),
            short.join(" "),
            Table::Provisioned(units),
        )
    });
    let policy = ScalingPolicy {
        target_percent: TARGET_PERCENT,
        minimum: at_least(demand.mean / 4.0),
        maximum: at_least(peak as f64 * 100.0 / TARGET_PERCENT as f64),
    };
    let mut ways: Vec<Way<Table>> = provisioned.collect();
    ways.push((
        format!("provisioned, auto scaling {policy}"),
        "auto scaling".to_owned(),
        Table::Scaled(policy),
    ));
    ways.push((
        "on demand, new".to_owned(),
        "new".to_owned(),
        Table::OnDemand { warm: None },
    ));
    // A new table has the smaller of them anyway.
    if warm > NEW_TABLE.write {
        ways.push((
            format!("on demand, warm for {warm}"),
            "warm".to_owned(),
            Table::OnDemand { warm: Some(warm) },
        ));
    }
    ways
}

/// Streams for so many readings a second, of so many bytes each as change
/// records: mean, 99th percentile and most; `sized` are the shards a stream is
/// made with for them.
pub(super) fn streams(
    mean: f64,
    p99: u64,
    peak: u64,
    record_bytes: u64,
    sized: u32,
) -> Vec<Way<Stream>> {
    let (limits, none) = (ShardLimits::default(), Headroom { percent: 0 });
    let shards = |records: u64| u64::from(shards_for(records, record_bytes, none, &limits).shards);
    let provisioned = levels([
        (shards(mean.ceil() as u64), "the mean"),
        (shards(p99), "p99"),
        (shards(peak), "the peak"),
        (u64::from(sized), WITH_HEADROOM),
    ]);
    let provisioned = provisioned.into_iter().map(|(shards, what)| {
        let sized = plural(shards, "shard");
        (
            format!("{sized} ({})", what.join(", ")),
            sized,
            Stream::Provisioned(u32::try_from(shards).unwrap_or(u32::MAX)),
        )
    });
    let mut ways: Vec<Way<Stream>> = provisioned.collect();
    let on_demand = "on demand".to_owned();
    ways.push((on_demand.clone(), on_demand, Stream::OnDemand));
    ways
}
