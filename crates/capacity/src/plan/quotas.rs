//! What an account has to have raised before it can take what is recommended.

use super::answer::{BeyondQuota, Candidate, Demand};
use super::stream::Stream;
use super::table::Table;
use crate::quota::Quotas;
use crate::stream::{OnDemandAssumptions, default_shard_quota};

/// The quotas that table and stream exceed, with what they need.
pub(super) fn exceeded(
    (table, candidate): (Table, &Candidate),
    stream: Stream,
    demand: &Demand,
    record_bytes_per_s: u64,
    region: &str,
) -> Vec<BeyondQuota> {
    let quotas = Quotas::default();
    let mut beyond = Vec::new();
    let mut check = |what: &str, needed: u64, quota: u64| {
        if needed > quota {
            beyond.push(BeyondQuota {
                what: what.to_owned(),
                needed,
                quota,
            });
        }
    };
    let had = candidate.capacity.iter().map(|step| step.units).max();
    let had = had.unwrap_or(0);
    let of_table = "write units/s of a table";
    match table {
        Table::Provisioned(_) | Table::Scaled(_) => {
            check(of_table, had, quotas.table.write);
            let of_account = "provisioned write units/s of an account";
            check(of_account, had, quotas.account.write);
        }
        // What it grows to beyond the demand is not needed.
        Table::OnDemand { warm } => {
            let needed = demand.peak.min(had).max(warm.unwrap_or(0));
            check(of_table, needed, quotas.table.write);
        }
    }
    match stream {
        Stream::Provisioned(shards) => {
            let quota = u64::from(default_shard_quota(region));
            check("shards of an account", u64::from(shards), quota);
        }
        Stream::OnDemand => {
            let most = OnDemandAssumptions::default().maximum_bytes_per_s;
            let mib = |bytes: u64| bytes.div_ceil(1 << 20);
            let what = "MiB/s of an on-demand stream";
            check(what, mib(record_bytes_per_s), mib(most));
        }
    }
    beyond
}
