//! What a period of use costs, line by line.
//!
//! In go quantities and prices, out comes a bill. Nothing is rounded, neither
//! quantities (AWS bills hours begun, and reports cents) nor amounts.

#[cfg(test)]
mod tests;
mod usage;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::price::{FreeTier, Prices};
pub use usage::{
    CAPTURED_ITEM_OVERHEAD_BYTES, ITEM_OVERHEAD_BYTES, MONTH_HOURS, Usage, athena_tb, firehose_gb,
    gb, gb_months, growing_gb_months, on_demand_gb_in, put_payload_units, table_gb,
};

/// One line of a bill: `amount = quantity / per * price`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// The service.
    pub service: Cow<'static, str>,
    /// What of it.
    pub what: Cow<'static, str>,
    /// How much; below zero where the free tier is taken off.
    pub quantity: f64,
    /// Unit of the quantity.
    pub unit: Cow<'static, str>,
    /// The price of `per` units.
    pub price: f64,
    /// Units that the price is for.
    pub per: f64,
    /// What it comes to.
    pub amount: f64,
}

/// A bill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bill {
    /// The region whose prices it goes by.
    pub region: String,
    /// The currency.
    pub currency: String,
    /// The day of the prices.
    pub prices_as_of: String,
    /// What there is to pay for, in the order of the data's way.
    pub lines: Vec<Line>,
    /// The lines' sum.
    pub total: f64,
}

/// Whether the free tier is taken off. It is one for all of an account's tables
/// and may be used up already, so by default it is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FreeTierUse {
    /// Everything is paid for.
    #[default]
    Ignored,
    /// What is free of provisioned units and of storage is taken off.
    Applied,
}

const DYNAMODB: &str = "DynamoDB";
const KINESIS: &str = "Kinesis Data Streams";
const FIREHOSE: &str = "Data Firehose";
const S3: &str = "S3";
const ATHENA: &str = "Athena";
const LAMBDA: &str = "Lambda";

impl Bill {
    /// What `usage` costs at `prices`. What is not used has no line.
    #[must_use]
    pub fn new(usage: &Usage, prices: &Prices, free_tier: FreeTierUse) -> Self {
        let mut lines = Vec::new();
        let mut line = |service, what, quantity: f64, unit, price, per| {
            if quantity != 0.0 {
                lines.push(Line {
                    service: Cow::Borrowed(service),
                    what: Cow::Borrowed(what),
                    quantity,
                    unit: Cow::Borrowed(unit),
                    price,
                    per,
                    amount: quantity / per * price,
                });
            }
        };
        const MILLION: f64 = 1e6;
        let of = &prices.dynamodb;
        let free = match free_tier {
            FreeTierUse::Ignored => FreeTier::default(),
            FreeTierUse::Applied => prices.free_tier,
        };
        let used = usage.write_request_units;
        let price = of.million_write_request_units;
        line(DYNAMODB, "writes, on-demand", used, "WRU", price, MILLION);
        let used = usage.read_request_units;
        let price = of.million_read_request_units;
        line(DYNAMODB, "reads, on-demand", used, "RRU", price, MILLION);
        let (used, price) = (usage.write_unit_hours, of.write_unit_hour);
        line(
            DYNAMODB,
            "writes, provisioned",
            used,
            "WCU-hour",
            price,
            1.0,
        );
        let off = used.min(free.write_units * usage.hours);
        line(DYNAMODB, "writes, free tier", -off, "WCU-hour", price, 1.0);
        let (used, price) = (usage.read_unit_hours, of.read_unit_hour);
        line(DYNAMODB, "reads, provisioned", used, "RCU-hour", price, 1.0);
        let off = used.min(free.read_units * usage.hours);
        line(DYNAMODB, "reads, free tier", -off, "RCU-hour", price, 1.0);
        let (used, price) = (usage.table_gb_months, of.storage_gb_month);
        line(DYNAMODB, "storage", used, "GB-month", price, 1.0);
        let off = used.min(gb_months(free.storage_gb, usage.hours));
        line(DYNAMODB, "storage, free tier", -off, "GB-month", price, 1.0);
        let (used, price) = (usage.change_units, of.million_change_units);
        line(
            DYNAMODB,
            "change data capture",
            used,
            "unit",
            price,
            MILLION,
        );
        let (used, price) = (usage.stream_reads, of.million_stream_reads);
        line(DYNAMODB, "stream reads", used, "call", price, MILLION);

        let of = &prices.kinesis;
        let (used, price) = (usage.shard_hours, of.shard_hour);
        line(KINESIS, "shards", used, "shard-hour", price, 1.0);
        let (used, price) = (usage.put_payload_units, of.million_put_payload_units);
        line(KINESIS, "PUT payload", used, "25 KB unit", price, MILLION);
        let (used, price) = (usage.on_demand_stream_hours, of.on_demand_stream_hour);
        line(
            KINESIS,
            "stream, on-demand",
            used,
            "stream-hour",
            price,
            1.0,
        );
        let (used, price) = (usage.on_demand_gb_in, of.on_demand_gb_in);
        line(KINESIS, "data in, on-demand", used, "GB", price, 1.0);
        let (used, price) = (usage.on_demand_gb_out, of.on_demand_gb_out);
        line(KINESIS, "data out, on-demand", used, "GB", price, 1.0);
        let (used, price) = (usage.fan_out_shard_hours, of.fan_out_shard_hour);
        line(
            KINESIS,
            "enhanced fan-out",
            used,
            "consumer-shard-hour",
            price,
            1.0,
        );
        let (used, price) = (usage.fan_out_gb, of.fan_out_gb);
        line(
            KINESIS,
            "data out, enhanced fan-out",
            used,
            "GB",
            price,
            1.0,
        );
        let (used, price) = (usage.on_demand_fan_out_gb, of.on_demand_fan_out_gb);
        line(
            KINESIS,
            "data out, on-demand, enhanced fan-out",
            used,
            "GB",
            price,
            1.0,
        );

        let of = &prices.firehose;
        let (used, price) = (usage.firehose_gb, of.gb);
        line(FIREHOSE, "data in", used, "GB", price, 1.0);
        let (used, price) = (usage.firehose_converted_gb, of.format_conversion_gb);
        line(FIREHOSE, "format conversion", used, "GB", price, 1.0);
        let (used, price) = (usage.firehose_partitioned_gb, of.dynamic_partitioning_gb);
        line(FIREHOSE, "dynamic partitioning", used, "GB", price, 1.0);

        let of = &prices.lambda;
        let (used, price) = (usage.lambda_requests, of.million_requests);
        line(LAMBDA, "requests", used, "request", price, MILLION);
        let (used, price) = (usage.lambda_gb_seconds, of.gb_second);
        line(LAMBDA, "compute, x86", used, "GB-second", price, 1.0);
        let (used, price) = (usage.lambda_arm_gb_seconds, of.arm_gb_second);
        line(LAMBDA, "compute, Arm", used, "GB-second", price, 1.0);

        let of = &prices.s3;
        line(
            S3,
            "PUT requests",
            usage.s3_puts,
            "request",
            of.thousand_puts,
            1e3,
        );
        line(
            S3,
            "storage",
            usage.s3_gb_months,
            "GB-month",
            of.gb_month,
            1.0,
        );
        let (used, price) = (usage.athena_tb, prices.athena.tb_scanned);
        line(ATHENA, "data scanned", used, "TB", price, 1.0);

        Self {
            region: prices.region.clone(),
            currency: prices.currency.clone(),
            prices_as_of: prices.as_of.clone(),
            total: lines.iter().map(|line| line.amount).sum(),
            lines,
        }
    }

    /// What one service comes to.
    #[must_use]
    pub fn of_service(&self, service: &str) -> f64 {
        let lines = self.lines.iter().filter(|line| line.service == service);
        lines.map(|line| line.amount).sum()
    }

    /// The total of `readings` for each million of them; `None` for no readings.
    #[must_use]
    pub fn per_million(&self, readings: u64) -> Option<f64> {
        (readings > 0).then(|| self.total / (readings as f64 / 1e6))
    }
}
