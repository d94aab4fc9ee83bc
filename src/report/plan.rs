//! A plan, on one screen.

use std::fmt::Write;

use super::units::{amount, count};
use crate::capacity::plan::{Candidate, Plan};

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
    let stream = &plan.stream;
    let s = if stream.shards == 1 { "" } else { "s" };
    writeln!(
        text,
        "stream       {} shard{s} by {}: {} USD; on demand: {} USD\n",
        stream.shards,
        stream.bound_by,
        money(stream.provisioned_usd),
        money(stream.on_demand_usd),
    )?;
    let width = plan.tables.iter().map(|t| t.name.len()).max().unwrap_or(0);
    writeln!(
        text,
        "  {:<width$} {:>9} {:>12} {:>8} {:>9} {:>11} {:>12}",
        "table", "throttled", "delayed", "longest", "hottest", "writes", "whole bill",
    )?;
    writeln!(
        text,
        "  {:<width$} {:>9} {:>12} {:>8} {:>9} {:>11} {:>12}",
        "", "seconds", "readings", "delay", "partition", "USD", "USD",
    )?;
    for (at, table) in plan.tables.iter().enumerate() {
        let mark = if at == plan.recommended { '>' } else { ' ' };
        let held = &table.held;
        writeln!(
            text,
            "{mark} {:<width$} {:>9} {:>12} {:>8} {:>9} {:>11} {:>12}",
            table.name,
            count(held.throttled_seconds),
            count(held.delayed),
            delay(table),
            format!("{}/s", count(held.hottest_partition)),
            money(writes(table)),
            money(table.bill.total),
        )?;
    }
    let Some(taken) = plan.tables.get(plan.recommended) else {
        return Ok(());
    };
    writeln!(text, "\ntake         {}: {}", taken.name, plan.reason)?;
    writeln!(
        text,
        "             provisioned units cost less than on-demand above {:.1} % of use\n",
        plan.break_even_percent
    )?;
    let days = amount(plan.days);
    writeln!(
        text,
        "its bill     {days} days at the prices of {}, {}",
        taken.bill.region, taken.bill.prices_as_of
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

fn delay(table: &Candidate) -> String {
    match (table.held.longest_delay, table.held.left) {
        (_, 1..) => "no end".to_owned(),
        (seconds, 0) => format!("{} s", count(seconds)),
    }
}

/// Dollars and cents, thousands apart.
fn money(usd: f64) -> String {
    let cents = (usd * 100.0).round().max(0.0) as u64;
    format!("{}.{:02}", count(cents / 100), cents % 100)
}

fn rounded(quantity: f64) -> String {
    if quantity.abs() >= 100.0 {
        count(quantity.round().max(0.0) as u64)
    } else {
        format!("{quantity:.3}")
    }
}
