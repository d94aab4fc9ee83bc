//! A plan, on one screen.

use std::fmt::Write;

use crate::capacity::plan::{Candidate, Plan, StreamCandidate};
use crate::report::units::{amount, count};

/// The plan as text.
#[must_use]
pub fn plan(plan: &Plan) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_plan(&mut text, plan);
    text
}

fn write_plan(text: &mut String, plan: &Plan) -> std::fmt::Result {
    let demand = &plan.demand;
    writeln!(
        text,
        "demand       {} write units/s on average, p99 {}, peak {}; {} readings a day",
        amount(demand.mean),
        count(demand.p99),
        count(demand.peak),
        count(demand.readings),
    )?;
    let storage = &plan.storage;
    writeln!(
        text,
        "storage      {} in the table at first, {} more a day, {} after {} days; {} in S3 by then\n",
        gb(storage.table_start_gb),
        gb(storage.table_day_gb),
        gb(storage.table_end_gb),
        amount(plan.days),
        gb(storage.objects_end_gb),
    )?;
    let names = plan.tables.iter().map(|t| t.name.len());
    let names = names.chain(plan.streams.iter().map(|s| s.name.len()));
    let width = names.max().unwrap_or(0);
    write_tables(text, plan, width)?;
    write_streams(text, plan, width)?;
    write_advice(text, plan)?;
    match plan.tables.get(plan.recommended) {
        Some(taken) => write_bill(text, plan, taken),
        None => Ok(()),
    }
}

/// What stands before the row that is recommended, and before the others.
fn mark(recommended: bool) -> char {
    if recommended { '>' } else { ' ' }
}

fn write_tables(text: &mut String, plan: &Plan, width: usize) -> std::fmt::Result {
    writeln!(
        text,
        "  {:<width$} {:>9} {:>13} {:>9} {:>9} {:>12} {:>13}",
        "table", "throttled", "delayed", "longest", "hottest", "writes", "whole bill",
    )?;
    writeln!(
        text,
        "  {:<width$} {:>9} {:>13} {:>9} {:>9} {:>12} {:>13}",
        "", "seconds", "readings", "delay", "partition", "USD", "USD",
    )?;
    for (at, table) in plan.tables.iter().enumerate() {
        let held = &table.held;
        writeln!(
            text,
            "{} {:<width$} {:>9} {:>13} {:>9} {:>9} {:>12} {:>13}",
            mark(at == plan.recommended),
            table.name,
            count(held.throttled_seconds),
            count(held.delayed),
            delay(held.longest_delay, held.left),
            format!("{}/s", count(held.hottest_partition)),
            money(writes(table)),
            money(table.bill.total),
        )?;
    }
    Ok(())
}

fn write_streams(text: &mut String, plan: &Plan, width: usize) -> std::fmt::Result {
    writeln!(
        text,
        "\n  {:<width$} {:>9} {:>13} {:>9} {:>9} {:>12} {:>13}",
        "stream", "throttled", "delayed", "longest", "hottest", "shards", "stream's bill",
    )?;
    writeln!(
        text,
        "  {:<width$} {:>9} {:>13} {:>9} {:>9} {:>12} {:>13}",
        "", "seconds", "records", "delay", "shard", "at the end", "USD",
    )?;
    for (at, stream) in plan.streams.iter().enumerate() {
        let StreamCandidate { carried, .. } = stream;
        writeln!(
            text,
            "{} {:<width$} {:>9} {:>13} {:>9} {:>9} {:>12} {:>13}",
            mark(at == plan.recommended_stream),
            stream.name,
            count(carried.throttled_seconds),
            count(carried.delayed),
            delay(carried.longest_delay, carried.left + carried.lost),
            format!("{}/s", count(carried.hottest_shard)),
            count(u64::from(carried.shards_at_end)),
            money(stream.usd),
        )?;
    }
    Ok(())
}

fn write_advice(text: &mut String, plan: &Plan) -> std::fmt::Result {
    let table = plan.tables.get(plan.recommended);
    let stream = plan.streams.get(plan.recommended_stream);
    if let Some(table) = table {
        writeln!(text, "\ntake         {}:", table.name)?;
        writeln!(text, "             {}", plan.reason)?;
    }
    if let Some(stream) = stream {
        let reason = &plan.stream_reason;
        let bound = &plan.shards_bound_by;
        let name = if stream.on_demand {
            "a stream on demand"
        } else {
            &stream.name
        };
        writeln!(text, "             {name}:")?;
        writeln!(text, "             {reason}; {bound} limit a shard")?;
    }
    for beyond in &plan.beyond_quota {
        writeln!(
            text,
            "             needs a raised quota on AWS: {} {} ({} by default)",
            count(beyond.needed),
            beyond.what,
            count(beyond.quota),
        )?;
    }
    writeln!(
        text,
        "             provisioned units cost less than on-demand above {:.1} % of use\n",
        plan.break_even_percent
    )
}

fn write_bill(text: &mut String, plan: &Plan, taken: &Candidate) -> std::fmt::Result {
    writeln!(
        text,
        "its bill     {} days at the prices of {}, {}",
        amount(plan.days),
        taken.bill.region,
        taken.bill.prices_as_of
    )?;
    for line in &taken.bill.lines {
        let what = format!("{}, {}", line.service, line.what);
        let quantity = format!("{} {}", rounded(line.quantity), line.unit);
        writeln!(
            text,
            "  {what:<46} {quantity:>26} {:>12}",
            money(line.amount)
        )?;
    }
    writeln!(
        text,
        "  {:<46} {:>26} {:>12}",
        "",
        "",
        money(taken.bill.total)
    )
}

/// What the table's writes cost.
fn writes(table: &Candidate) -> f64 {
    let lines = table.bill.lines.iter();
    lines
        .filter(|line| line.what.starts_with("writes"))
        .map(|line| line.amount)
        .sum()
}

fn delay(seconds: u64, left: u64) -> String {
    match left {
        0 => format!("{} s", count(seconds)),
        _ => "no end".to_owned(),
    }
}

/// Dollars and cents, thousands apart.
pub(super) fn money(usd: f64) -> String {
    let cents = (usd * 100.0).round().max(0.0) as u64;
    format!("{}.{:02}", count(cents / 100), cents % 100)
}

fn gb(gb: f64) -> String {
    format!("{} GB", amount(if gb >= 100.0 { gb.round() } else { gb }))
}

fn rounded(quantity: f64) -> String {
    if quantity.abs() >= 100.0 {
        count(quantity.round().max(0.0) as u64)
    } else {
        format!("{quantity:.3}")
    }
}
