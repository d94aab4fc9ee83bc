//! What was used within a period, and how AWS counts it.
//!
//! Where AWS bills by GB, a GB is 2^30 bytes, and by TB, 2^40. A month has 730
//! hours, the convention of AWS's own calculator.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Hours of a month.
pub const MONTH_HOURS: f64 = 730.0;
const GB: f64 = (1u64 << 30) as f64;
const TB: f64 = (1u64 << 40) as f64;

/// Bytes an item is billed for besides its own
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>).
pub const ITEM_OVERHEAD_BYTES: u64 = 100;
/// Bytes more where changes are captured. Assumed: the page says that change
/// capture adds some and gives, as its example, 48 for global tables.
pub const CAPTURED_ITEM_OVERHEAD_BYTES: u64 = 48;

/// PUT payload units of records of one size: one for every started 25 KB
/// (<https://aws.amazon.com/kinesis/data-streams/pricing/>).
#[must_use]
pub fn put_payload_units(records: u64, record_bytes: u64) -> f64 {
    records as f64 * record_bytes.div_ceil(25 * 1024).max(1) as f64
}

/// GB written to an on-demand stream: each record is rounded up to 1 KB
/// (<https://aws.amazon.com/kinesis/data-streams/pricing/>).
#[must_use]
pub fn on_demand_gb_in(records: u64, record_bytes: u64) -> f64 {
    rounded_up(records, record_bytes, 1024)
}

/// GB that Firehose bills: each record is rounded up to 5 KB
/// (<https://aws.amazon.com/firehose/pricing/>).
#[must_use]
pub fn firehose_gb(records: u64, record_bytes: u64) -> f64 {
    rounded_up(records, record_bytes, 5 * 1024)
}

fn rounded_up(records: u64, record_bytes: u64, step: u64) -> f64 {
    records as f64 * (record_bytes.div_ceil(step).max(1) * step) as f64 / GB
}

/// TB that Athena bills for queries of one size: at least 10 MB each
/// (<https://aws.amazon.com/athena/pricing/>).
#[must_use]
pub fn athena_tb(queries: u64, bytes_each: u64) -> f64 {
    queries as f64 * bytes_each.max(10 << 20) as f64 / TB
}

/// GB as they are, nothing rounded: bytes read from a stream, objects in S3.
#[must_use]
pub fn gb(bytes: f64) -> f64 {
    bytes / GB
}

/// GB that a table of so many items of this mean size is billed for;
/// `captured` if its changes go to a stream.
#[must_use]
pub fn table_gb(items: f64, item_bytes: f64, captured: bool) -> f64 {
    let overhead = if captured {
        ITEM_OVERHEAD_BYTES + CAPTURED_ITEM_OVERHEAD_BYTES
    } else {
        ITEM_OVERHEAD_BYTES
    };
    items * (item_bytes + overhead as f64) / GB
}

/// GB-months of what is stored for `hours` at a steady size.
#[must_use]
pub fn gb_months(stored_gb: f64, hours: f64) -> f64 {
    stored_gb * hours / MONTH_HOURS
}

/// GB-months of what grows from `from_gb` to `to_gb` within `hours`, at a
/// steady rate.
#[must_use]
pub fn growing_gb_months(from_gb: f64, to_gb: f64, hours: f64) -> f64 {
    gb_months((from_gb + to_gb) / 2.0, hours)
}

macro_rules! usage {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What was used, or will be, within a period.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct Usage {
            $($(#[$doc])* pub $name: f64,)*
        }

        impl Usage {
            /// So many times as much of everything: a day's use times 30.
            #[must_use]
            pub fn times(&self, factor: f64) -> Self {
                Self { $($name: self.$name * factor,)* }
            }

            /// Both together.
            #[must_use]
            pub fn plus(&self, other: &Self) -> Self {
                Self { $($name: self.$name + other.$name,)* }
            }
        }
    };
}

usage! {
    /// Length of the period, in hours. Only the free tier depends on it.
    hours,
    /// On-demand tables: write request units.
    write_request_units,
    /// On-demand tables: read request units.
    read_request_units,
    /// Provisioned tables: write units times hours.
    write_unit_hours,
    /// Provisioned tables: read units times hours.
    read_unit_hours,
    /// Storage of tables, in GB-months, overhead included: [`table_gb`], [`gb_months`].
    table_gb_months,
    /// Change data capture units: one for every started 1 KB of the larger image.
    change_units,
    /// GetRecords calls on tables' own streams, but for those of Lambda, which are free
    /// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CostOptimization_StreamsUsage.html>).
    stream_reads,
    /// Provisioned streams: shards times hours.
    shard_hours,
    /// Provisioned streams: [`put_payload_units`].
    put_payload_units,
    /// On-demand streams: streams times hours.
    on_demand_stream_hours,
    /// On-demand streams: [`on_demand_gb_in`].
    on_demand_gb_in,
    /// On-demand streams: GB read by all pollers together, Firehose included.
    on_demand_gb_out,
    /// Provisioned streams, enhanced fan-out: consumers times shards times hours.
    fan_out_shard_hours,
    /// Provisioned streams, enhanced fan-out: GB read.
    fan_out_gb,
    /// On-demand streams, enhanced fan-out: GB read.
    on_demand_fan_out_gb,
    /// Firehose: [`firehose_gb`].
    firehose_gb,
    /// Firehose: of these, GB converted to Parquet or ORC.
    firehose_converted_gb,
    /// Firehose: of these, GB partitioned dynamically.
    firehose_partitioned_gb,
    /// S3: PUT requests, one an object and more where it is uploaded in parts.
    s3_puts,
    /// S3: GB-months stored.
    s3_gb_months,
    /// Athena: [`athena_tb`].
    athena_tb,
    /// Lambda: requests.
    lambda_requests,
    /// Lambda on x86: seconds times GB of memory.
    lambda_gb_seconds,
    /// Lambda on Arm: seconds times GB of memory.
    lambda_arm_gb_seconds,
}
