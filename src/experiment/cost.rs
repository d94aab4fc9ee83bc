//! What the measured part of a run costs on AWS.

use super::footprint::Footprint;
use super::setting::Setting;
use super::sizing;
use crate::aws::TableThroughput;
use crate::capacity::bill::{Bill, FreeTierUse, Usage, gb, on_demand_gb_in, put_payload_units};
use crate::capacity::price::Prices;
use crate::report::{Cost, CostLine};

/// What was used.
pub(super) struct Used {
    /// How long was measured, in seconds.
    pub measured_s: f64,
    /// Write units consumed, by the service's word or, without that, computed.
    pub write_units: f64,
    /// Write units a second that were provisioned, on average, where that was
    /// watched.
    pub provisioned_units: Option<f64>,
    /// Readings written, each a change record where there is a stream.
    pub acknowledged: u64,
    /// The table's changes were captured for the stream.
    pub captured: bool,
    /// The stream was read by enhanced fan-out.
    pub fan_out: bool,
    /// The stream was read by the delivery into a lake besides, which polls.
    pub delivered: bool,
    /// GetRecords calls on the table's own stream.
    pub stream_reads: u64,
}

/// The bill of the region's prices, or nothing where they are not known. What is
/// stored is left out: a run's items are gone before they cost anything.
pub(super) fn cost(
    region: &str,
    setting: &Setting,
    footprint: Footprint,
    used: &Used,
) -> Option<Cost> {
    let prices = Prices::named(region).ok()?;
    Some(priced(
        &prices,
        &usage(setting, footprint, used),
        used.acknowledged,
    ))
}

/// The region's prices, or where they are not known those of us-east-1: better a
/// neighbour's than none.
pub(super) fn prices(region: &str) -> Prices {
    let known = Prices::named(region).or_else(|_| Prices::named("us-east-1"));
    known.expect("the built-in prices are whole: a test reads them")
}

/// What there is to be billed.
pub(super) fn usage(setting: &Setting, footprint: Footprint, used: &Used) -> Usage {
    let hours = used.measured_s / 3_600.0;
    let mut usage = Usage {
        hours,
        ..Usage::default()
    };
    match setting.throughput {
        TableThroughput::OnDemand { .. } => usage.write_request_units = used.write_units,
        TableThroughput::Provisioned {
            write_units,
            read_units,
        } => {
            let write_units = used.provisioned_units.unwrap_or(write_units as f64);
            usage.write_unit_hours = write_units * hours;
            usage.read_unit_hours = read_units as f64 * hours;
        }
    }
    usage.stream_reads = used.stream_reads as f64;
    if setting.stream.is_some() {
        let (records, bytes) = (used.acknowledged, footprint.record_bytes as u64);
        let read_gb = gb(records as f64 * bytes as f64);
        if used.captured {
            usage.change_units = used.write_units;
        }
        if setting.stream_on_demand {
            usage.on_demand_stream_hours = hours;
            usage.on_demand_gb_in = on_demand_gb_in(records, bytes);
            if used.fan_out {
                usage.on_demand_fan_out_gb = read_gb;
            } else {
                usage.on_demand_gb_out = read_gb;
            }
            if used.delivered {
                usage.on_demand_gb_out += read_gb;
            }
        } else {
            let mut shards = setting.shards;
            if !setting.limited && used.measured_s > 0.0 {
                // They took what came; on AWS it takes as many as a run makes for it.
                let rate = records as f64 / used.measured_s;
                shards = shards.max(sizing::shards(rate, footprint.record_bytes));
            }
            let shard_hours = f64::from(shards) * hours;
            usage.shard_hours = shard_hours;
            usage.put_payload_units = put_payload_units(records, bytes);
            if used.fan_out {
                usage.fan_out_shard_hours = shard_hours;
                usage.fan_out_gb = read_gb;
            }
        }
    }
    usage
}

/// The bill.
pub(super) fn priced(prices: &Prices, usage: &Usage, acknowledged: u64) -> Cost {
    let bill = Bill::new(usage, prices, FreeTierUse::Ignored);
    Cost {
        usd: bill.total,
        usd_per_hour: (usage.hours > 0.0).then(|| bill.total / usage.hours),
        usd_per_million: bill.per_million(acknowledged),
        prices: format!("{}, {}", prices.region, prices.as_of),
        lines: bill
            .lines
            .into_iter()
            .map(|line| CostLine {
                item: format!("{}: {}", line.service, line.what),
                quantity: line.quantity,
                unit: line.unit.into_owned(),
                usd: line.amount,
            })
            .collect(),
    }
}
