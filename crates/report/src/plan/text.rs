//! A plan, on one screen.

use crate::screen::{Column, Columns, FAINT, HEADING, Line, PLAIN, Row, Table, folded, section};
use crate::units::{amount, count, quantity};
use hrload_capacity::plan::{Candidate, Plan};

/// The plan as text, with `heading` above it. What to take comes last.
#[must_use]
pub fn plan(plan: &Plan, heading: &str, columns: Columns) -> String {
    let line = |text: &str| vec![Line::new(PLAIN, text)];
    let demand = &plan.demand;
    let demand = format!(
        "{} write units/s on average, p99 {}, peak {}; {} readings a day",
        amount(demand.mean),
        count(demand.p99),
        count(demand.peak),
        count(demand.readings),
    );
    let storage = &plan.storage;
    let storage = format!(
        "{} in the table at first, {} more a day, {} after {} days; {} in S3 by then",
        gb(storage.table_start_gb),
        gb(storage.table_day_gb),
        gb(storage.table_end_gb),
        amount(plan.days),
        gb(storage.objects_end_gb),
    );
    let mut text = folded(&Line::new(PLAIN, heading), 0, columns);
    text += "\n";
    text += &section(HEADING, "demand", &line(&demand), columns);
    text += &section(HEADING, "storage", &line(&storage), columns);
    text += "\n";
    text += &tables(plan).fitted(columns);
    text += "\n";
    text += &streams(plan).fitted(columns);
    let hottest = "hottest: a second's mean over the busiest minute";
    text += &folded(&Line::new(FAINT, hottest), 0, columns);
    text += "\n";
    if let Some(taken) = plan.tables.get(plan.recommended) {
        let of = format!(
            "of those marked >, for {} days at the prices of {}, {}",
            amount(plan.days),
            taken.bill.region,
            taken.bill.prices_as_of
        );
        text += &section(HEADING, "bill", &line(&of), columns);
        text += &bill(taken).fitted(columns);
        text += "\n";
    }
    text + &section(HEADING, "take", &advice(plan), columns)
}

/// What stands before the row that is recommended, and before the others.
fn mark(recommended: bool) -> char {
    if recommended { '>' } else { ' ' }
}

/// Columns that tables and streams have alike.
fn columns(whose: &str, delayed: &str, hottest: &str, last: [&str; 2]) -> Vec<Column> {
    vec![
        Column::words(whose).at_least(40).wraps_to(16),
        Column::numbers("throttled\nseconds"),
        Column::numbers(&format!("delayed\n{delayed}")),
        Column::numbers("longest\ndelay"),
        Column::numbers(&format!("hottest\n{hottest}")).spare(0),
        Column::numbers(last[0]),
        Column::numbers(last[1]),
    ]
}

fn tables(plan: &Plan) -> Table {
    let last = ["writes\nUSD", "whole bill\nUSD"];
    let mut set = Table::new(columns("table", "readings", "partition", last));
    for (at, table) in plan.tables.iter().enumerate() {
        let held = &table.held;
        let brief = table.name.strip_prefix("provisioned, ");
        let row = Row::marked(mark(at == plan.recommended)).cell(&table.name);
        let row = row.or(brief.unwrap_or(&table.name));
        set.push(
            row.cell(count(held.throttled_seconds))
                .cell(count(held.delayed))
                .cell(delay(held.longest_delay, held.left))
                .cell(format!("{}/s", count(held.hottest_partition)))
                .cell(money(writes(table)))
                .cell(money(table.bill.total)),
        );
    }
    set
}

fn streams(plan: &Plan) -> Table {
    let last = ["shards\nat the end", "its bill\nUSD"];
    let mut set = Table::new(columns("stream", "records", "shard", last));
    for (at, stream) in plan.streams.iter().enumerate() {
        let carried = &stream.carried;
        set.push(
            Row::marked(mark(at == plan.recommended_stream))
                .cell(&stream.name)
                .cell(count(carried.throttled_seconds))
                .cell(count(carried.delayed))
                .cell(delay(carried.longest_delay, carried.left + carried.lost))
                .cell(format!("{}/s", count(carried.hottest_shard)))
                .cell(count(u64::from(carried.shards_at_end)))
                .cell(money(stream.usd)),
        );
    }
    set
}

/// What to take, and why.
fn advice(plan: &Plan) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut take = |name: &str, reason: &str| {
        lines.push(Line::new(HEADING, name).and(PLAIN, &format!(": {reason}")));
    };
    if let Some(table) = plan.tables.get(plan.recommended) {
        take(&table.name, &plan.reason);
    }
    if let Some(stream) = plan.streams.get(plan.recommended_stream) {
        let name = match stream.on_demand {
            true => "a stream on demand",
            false => &stream.name,
        };
        let (reason, bound) = (&plan.stream_reason, &plan.shards_bound_by);
        take(name, &format!("{reason}; {bound} limit a shard"));
    }
    for beyond in &plan.beyond_quota {
        let line = format!(
            "needs a raised quota on AWS: {} {} ({} by default)",
            count(beyond.needed),
            beyond.what,
            count(beyond.quota),
        );
        lines.push(Line::new(PLAIN, &line));
    }
    let even = match plan.break_even_percent {
        above @ ..100.0 => {
            format!("provisioned units cost less than on-demand above {above:.1} % of use")
        }
        _ => "provisioned units cost more than on-demand whatever their use".to_owned(),
    };
    lines.push(Line::new(PLAIN, &even));
    lines
}

fn bill(taken: &Candidate) -> Table {
    let mut set = Table::new(vec![
        Column::words("").at_least(46).wraps_to(20),
        Column::numbers(""),
        Column::numbers("USD"),
    ]);
    for line in &taken.bill.lines {
        set.push(
            Row::marked(' ')
                .cell(format!("{}, {}", line.service, line.what))
                .cell(format!("{} {}", quantity(line.quantity), line.unit))
                .cell(money(line.amount)),
        );
    }
    set.push(
        Row::marked(' ')
            .cell("in all")
            .cell("")
            .cell(money(taken.bill.total)),
    );
    set
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
    match cents {
        0 if usd > 0.0 => "<0.01".to_owned(),
        cents => format!("{}.{:02}", count(cents / 100), cents % 100),
    }
}

fn gb(gb: f64) -> String {
    format!("{} GB", amount(if gb >= 100.0 { gb.round() } else { gb }))
}
