//! The rates that table and stream sustain, whatever they have saved.
//!
//! A provisioned table may have saved 300 seconds of its units, a shard a second
//! of its limits: a short run above what they give may look as if they held it.
//! What they give is known where they are made for the run by rules that are
//! AWS's, and so is what a rate asks of them.

use super::request::{Request, Target};
use super::setting::Setting;
use crate::aws::TableThroughput;
use crate::capacity::stream::ShardLimits;
use crate::capacity::table::NEW_TABLE;
use crate::report::{Cause, Limiting, amount, count};

/// The rates of table and stream, each where it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sustained {
    /// Write units a second: the most that auto scaling provides, or what an
    /// on-demand table gives before it has grown.
    pub(super) write_units: Option<f64>,
    on_demand: bool,
    /// Records a second of all shards.
    records: Option<f64>,
    shards: u32,
    units_each: f64,
}

impl Sustained {
    /// Takes them from the table and stream that are made for `request` as `setting`
    /// has it.
    pub(super) fn of(request: &Request, setting: &Setting) -> Self {
        let (known, scaled, anew) = match &request.target {
            Target::Embedded(embedded) => {
                let limits = embedded.limits.as_ref();
                let scaled = limits.and_then(|limits| limits.auto_scaling);
                (limits.is_some(), scaled, true)
            }
            Target::Aws { .. } => (true, None, false),
            // What others' servers allow, nobody knows.
            Target::Endpoint { .. } => (false, None, false),
        };
        let resources = &request.resources;
        let table_made = known && (anew || resources.table.is_none());
        let stream_made = known
            && (anew || resources.stream.is_none())
            && setting.stream.is_some()
            && !setting.stream_on_demand;
        let (units, on_demand) = match (setting.throughput, scaled) {
            (TableThroughput::OnDemand { warm_write_units }, _) => {
                let warm = warm_write_units.unwrap_or(0).max(NEW_TABLE.write);
                (warm, true)
            }
            (TableThroughput::Provisioned { .. }, Some(policy)) => (policy.maximum, false),
            (TableThroughput::Provisioned { write_units, .. }, None) => (write_units, false),
        };
        let limits = ShardLimits::default();
        let bytes = setting.footprint.record_bytes.max(1) as f64;
        let by_bytes = f64::from(limits.write_bytes_per_s) / bytes;
        let of_a_shard = f64::from(limits.write_records_per_s).min(by_bytes);
        Self {
            write_units: table_made.then_some(units as f64),
            on_demand,
            records: stream_made.then_some(of_a_shard * f64::from(setting.shards)),
            shards: setting.shards,
            units_each: setting.footprint.write_units() as f64,
        }
    }

    /// Names what `rate` readings a second ask for that is more than is given for long.
    pub(super) fn exceeded_by(&self, rate: f64) -> Option<Cause> {
        let asked = self.asked(rate);
        if let Some(given) = self.write_units.filter(|&given| asked > given) {
            let (asked, given) = (amount(asked), amount(given));
            let gives = if self.on_demand {
                format!("an on-demand table gives {given} units/s until it has grown")
            } else {
                format!("a table of {given} units/s gives no more than those for long")
            };
            return Some(Cause {
                limiting: Limiting::Table,
                because: format!(
                    "{} readings/s ask for {asked} write units/s, and {gives}, however much it \
                     has saved for a short run",
                    amount(rate),
                ),
            });
        }
        let given = self.records.filter(|&given| rate > given)?;
        let s = if self.shards == 1 { "" } else { "s" };
        Some(Cause {
            limiting: Limiting::Shard,
            because: format!(
                "{} change records/s are more than the {} that {} shard{s} take for long",
                amount(rate),
                amount(given.floor()),
                count(u64::from(self.shards)),
            ),
        })
    }

    /// Returns the write units a second that a rate asks for.
    pub(super) fn asked(&self, rate: f64) -> f64 {
        rate * self.units_each
    }
}
