//! What the planner would have said of a run, beside what it came to.

use std::ops::Range;

use super::request::{Request, Target};
use super::setting::Setting;
use crate::aws::{Provisioned, TableThroughput};
use crate::capacity::plan::{Held, Keys, Seconds, Table, simulate};
use crate::capacity::table::Assumptions;
use crate::codec::Layout;
use crate::report::{Beside, Phase, Planned, RunResult};
use crate::stream::Tally;
use crate::workload::Workload;

/// The comparison of a run that came to the end of its measuring.
pub(super) fn planned(
    request: &Request,
    workload: &Workload,
    setting: &Setting,
    made: &Provisioned,
    read: Option<&Tally>,
    result: &RunResult,
) -> Planned {
    let phases = request.phases;
    let (warmup, end) = (phases.warmup.as_secs_f64(), phases.warmup + phases.measure);
    let demand = workload.demand(end);
    let end = end.as_secs_f64();
    let readings = within(&demand, warmup..end);
    let units = setting.footprint.write_units();
    let held = table(request, setting, made).map(|(table, assumptions)| {
        let keys = keys(request.layout, request.devices);
        let until = |end: f64| {
            let demand = cut(&demand, end);
            let seconds = Seconds::around(&demand, keys, request.seed);
            simulate(table, &seconds, units, &assumptions)
        };
        // Of the same seconds on both sides: what the warm-up spent, and what it left
        // waiting, is there when they begin.
        (until(warmup), until(end))
    });
    let throttled = held.as_ref().map(|(before, all)| {
        let series = result.series.iter();
        let seconds = series.filter(|of| of.second >= 0 && of.phase == Phase::Measure);
        Beside {
            planned: all
                .throttled_seconds
                .saturating_sub(before.throttled_seconds) as f64,
            measured: seconds.filter(|of| !of.throttles.is_empty()).count() as f64,
        }
    });
    // Where the table has no room for all of them, what it takes; else what is expected.
    let taken = held.filter(|(before, all)| all.left > before.left);
    let taken = taken.map(|(before, all)| {
        let written = |of: &Held| of.readings.saturating_sub(of.left);
        written(&all).saturating_sub(written(&before)) as f64
    });
    Planned {
        write_units: Beside {
            planned: taken.unwrap_or(readings) * units as f64,
            measured: result.written_units(),
        },
        throttled_seconds: throttled,
        record_bytes: read.filter(|tally| tally.readings > 0).map(|tally| Beside {
            planned: setting.footprint.data_bytes() as f64,
            measured: tally.reading_bytes as f64 / tally.readings as f64,
        }),
    }
}

/// The demand up to `end`, in seconds: of a second that it cuts, its share.
fn cut(demand: &[f64], end: f64) -> Vec<f64> {
    let mut cut = demand[..(end.ceil() as usize).min(demand.len())].to_vec();
    if let Some(last) = cut.len().checked_sub(1) {
        cut[last] *= (end - last as f64).clamp(0.0, 1.0);
    }
    cut
}

/// Sums what falls within a span of time, in seconds; a second that the span cuts counts
/// by its share.
fn within(demand: &[f64], span: Range<f64>) -> f64 {
    let share = |second: usize| {
        let from = second as f64;
        (span.end.min(from + 1.0) - span.start.max(from)).max(0.0)
    };
    let seconds = demand.iter().enumerate();
    seconds.map(|(second, of)| of * share(second)).sum()
}

/// Tells the keys of a layout's items: each its own, or each device's.
#[must_use]
pub fn keys(layout: Layout, devices: u32) -> Keys {
    match layout.key_schema().sort {
        Some(_) => Keys::Devices(devices),
        None => Keys::Own,
    }
}

/// The table, where the run made it and knows what it allows, and what is assumed
/// of it.
fn table(request: &Request, setting: &Setting, made: &Provisioned) -> Option<(Table, Assumptions)> {
    let (scaling, assumptions) = match &request.target {
        Target::Embedded(embedded) => {
            let limits = embedded.limits.as_ref()?;
            if limits.time_scale != 1 {
                return None;
            }
            (limits.auto_scaling, limits.table.clone())
        }
        Target::Aws { .. } => (None, Assumptions::default()),
        // Whether others' servers throttle, nobody knows.
        Target::Endpoint { .. } => return None,
    };
    if !made.table_created {
        return None;
    }
    let table = match (setting.throughput, scaling) {
        (TableThroughput::OnDemand { warm_write_units }, _) => Table::OnDemand {
            warm: warm_write_units,
        },
        (TableThroughput::Provisioned { .. }, Some(policy)) => Table::Scaled(policy),
        (TableThroughput::Provisioned { write_units, .. }, None) => Table::Provisioned(write_units),
    };
    Some((table, assumptions))
}
