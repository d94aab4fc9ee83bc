//! A look around before a run on AWS, and what it says of the run.

use super::event::Event;
use super::request::{Phases, Request, Target};
use super::setting::Setting;
use crate::aws::{self, Connection, Surroundings, TableThroughput};
use crate::capacity::stream::ShardLimits;
use crate::report::{amount, count, duration};
use crate::workload::Workload;

/// Clocks that differ by less are taken to agree: a Date header has whole seconds.
const CLOCKS_AGREE_S: f64 = 2.0;
/// AWS refuses signatures that are older or newer
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>).
const CLOCK_REFUSED_S: f64 = 300.0;

/// Looks around, where the target is AWS, and tells what was seen. Returns what will
/// throttle, or be measured wrongly.
pub(super) async fn look(
    request: &Request,
    setting: &Setting,
    connection: &Connection,
    tell: &mut dyn FnMut(Event<'_>),
) -> Vec<String> {
    if !request.look_around || !matches!(request.target, Target::Aws { .. }) {
        return Vec::new();
    }
    tell(Event::Step("looking around"));
    let stream = setting.stream.as_deref();
    let found = aws::look_around(connection, &setting.table, stream).await;
    let who = found.identity.as_deref().unwrap_or("unknown credentials");
    tell(Event::Told(&format!("{who}, in {}", connection.region)));
    if !found.unknown.is_empty() {
        let unknown = found.unknown.join(", ");
        tell(Event::Told(&format!("not looked at: {unknown}")));
    }
    let warnings = warnings(&found, setting);
    for warning in &warnings {
        tell(Event::Told(&format!("warning: {warning}")));
    }
    warnings
}

/// Tells where no reading comes while the run measures, and returns what it told.
pub(super) fn nothing_due(
    request: &Request,
    workload: &Workload,
    tell: &mut dyn FnMut(Event<'_>),
) -> Option<String> {
    let Phases {
        warmup, measure, ..
    } = request.phases;
    let demand = workload.demand(warmup + measure);
    // A second that is measured in part counts.
    let measured = demand.get(warmup.as_secs() as usize..)?;
    if measured.iter().any(|readings| *readings > 0.0) {
        return None;
    }
    let told = format!(
        "no reading comes while this run measures, from {} to {} s after its start: the first of \
         profile {} come after {} s; give it a longer -d, or another -w",
        amount(warmup.as_secs_f64()),
        amount((warmup + measure).as_secs_f64()),
        workload.profile().name(),
        amount(workload.silent_s()),
    );
    tell(Event::Told(&format!("warning: {told}")));
    Some(told)
}

/// What will throttle, or be measured wrongly, a line each, with what to do.
fn warnings(found: &Surroundings, setting: &Setting) -> Vec<String> {
    let mut lines = Vec::new();
    let rate = setting.mean_rate;
    let needed = (rate * setting.footprint.write_units() as f64).ceil() as u64;
    let asked = match setting.throughput {
        TableThroughput::OnDemand { warm_write_units } => warm_write_units.unwrap_or(0),
        TableThroughput::Provisioned { write_units, .. } => write_units,
    };
    match (found.table_units, found.write_quotas) {
        (Some(units), _) if units < needed => lines.push(format!(
            "table {} takes {} write units/s at once and the run needs {}: it will throttle; \
             warm it, give it more, or leave out --table",
            setting.table,
            count(units),
            count(needed)
        )),
        (None, Some((table, account))) if asked.max(needed) > table.min(account) => {
            lines.push(format!(
                "this account gives a table {} write units/s and the run asks for {}: have the \
                 quota raised (Service Quotas, Amazon DynamoDB), or lower --rate",
                count(table.min(account)),
                count(asked.max(needed))
            ));
        }
        _ => {}
    }
    if let Some(stream) = &setting.stream {
        lines.extend(stream_warning(found, setting, stream));
    }
    lines.extend(clock_warning(found));
    lines
}

/// Whether the stream's shards, or those the account may open, are too few.
fn stream_warning(found: &Surroundings, setting: &Setting, stream: &str) -> Option<String> {
    let rate = setting.mean_rate;
    let limits = ShardLimits::default();
    let bytes = rate * setting.footprint.record_bytes as f64;
    let by_records = rate / f64::from(limits.write_records_per_s);
    let shards = by_records
        .max(bytes / f64::from(limits.write_bytes_per_s))
        .ceil() as u64;
    match (found.stream_shards, found.shards) {
        (Some(there), _) if there < shards => Some(format!(
            "stream {stream} has {} and the run needs {}: records will be late by more and more; \
             reshard it, or leave out --stream",
            many_shards(there),
            count(shards)
        )),
        (None, Some((open, limit)))
            if !setting.stream_on_demand && open + u64::from(setting.shards) > limit =>
        {
            Some(format!(
                "this account may open {} more of its {} and the run asks for {}: have the quota \
                 raised (Service Quotas, Amazon Kinesis Data Streams), or say --stream-mode on-demand",
                count(limit.saturating_sub(open)),
                many_shards(limit),
                setting.shards
            ))
        }
        _ => None,
    }
}

fn clock_warning(found: &Surroundings) -> Option<String> {
    let ahead_s = found.clock_ahead_s.filter(|s| s.abs() > CLOCKS_AGREE_S)?;
    let side = if ahead_s > 0.0 { "ahead of" } else { "behind" };
    let refused = if ahead_s.abs() > CLOCK_REFUSED_S / 2.0 {
        "; at five minutes AWS refuses every call"
    } else {
        ""
    };
    Some(format!(
        "this machine's clock is {} {side} AWS's, and `capture` and `replication` are off by as \
         much: set it by NTP{refused}",
        duration(ahead_s.abs())
    ))
}

fn many_shards(shards: u64) -> String {
    let s = if shards == 1 { "" } else { "s" };
    format!("{} shard{s}", count(shards))
}
