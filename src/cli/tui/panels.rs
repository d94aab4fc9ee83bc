//! The panels: each a part of the status, in a frame with its name.

use std::collections::BTreeMap;

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Cell, Paragraph, Row, Sparkline, Table};

use super::view::Palette;
use crate::measure::Stage;
use crate::report::{amount, count, duration};
use crate::telemetry::Status;

/// The order of the table: the reading's way.
const STAGES: [Stage; 8] = [
    Stage::Pacing,
    Stage::Lateness,
    Stage::Service,
    Stage::Response,
    Stage::Capture,
    Stage::Replication,
    Stage::Read,
    Stage::EndToEnd,
];

fn frame_of(name: &str) -> Block<'_> {
    Block::bordered().title(format!(" {name} "))
}

/// The rate now, what was asked for, and the seconds before.
pub(super) fn rate(frame: &mut Frame<'_>, area: Rect, of: &Status, palette: Palette) {
    let block = frame_of("rate");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [text, drawing] =
        Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(inner);
    let mut line = vec![Span::styled(
        format!("{}/s", amount(of.latest.acknowledged as f64)),
        palette.strong(),
    )];
    if of.tempo == 0.0 {
        line.push(Span::styled(", paused", palette.note()));
    } else {
        let in_force = amount(of.asked_per_s * of.tempo);
        line.push(Span::raw(format!(" of {in_force}/s asked")));
        if (of.tempo - 1.0).abs() > 1e-9 {
            let text = format!(" ({:.0} %)", of.tempo * 100.0);
            line.push(Span::styled(text, palette.note()));
        }
    }
    frame.render_widget(Paragraph::new(Line::from(line)), text);
    let width = usize::from(drawing.width);
    let recent = of.recent.iter().rev().take(width).rev();
    let rates: Vec<u64> = recent.map(|second| second.achieved).collect();
    // The rate asked for stands at three quarters, so that more shows too.
    let tallest = rates.iter().copied().max().unwrap_or(0);
    let scale = tallest.max((of.asked_per_s * 4.0 / 3.0) as u64).max(1);
    let line = Sparkline::default()
        .data(rates)
        .max(scale)
        .style(palette.good());
    frame.render_widget(line, drawing);
}

/// What became of measured readings; of the warm-up's until measuring begins.
pub(super) fn ledger(frame: &mut Frame<'_>, area: Rect, of: &Status, palette: Palette) {
    let (counts, name) = if of.measured.scheduled > 0 {
        (&of.measured, "ledger")
    } else {
        (&of.warm_up, "ledger of the warm-up")
    };
    let plain = Style::new();
    let trouble = |count: u64| if count > 0 { palette.bad() } else { plain };
    let lines: [(&str, u64, Style, &str, u64, Style); 4] = [
        (
            "due",
            counts.scheduled,
            plain,
            "dropped",
            counts.dropped,
            trouble(counts.dropped),
        ),
        (
            "sent",
            counts.sent,
            plain,
            "failed",
            counts.failed,
            trouble(counts.failed),
        ),
        (
            "written",
            counts.acknowledged,
            plain,
            "twice",
            counts.duplicates,
            trouble(counts.duplicates),
        ),
        (
            "seen",
            counts.seen,
            plain,
            "reordered",
            counts.reordered,
            plain,
        ),
    ];
    let rows = lines.map(|(left, first, first_style, right, second, second_style)| {
        Row::new([
            Cell::new(left),
            Cell::new(number(first)).style(first_style),
            Cell::new(right),
            Cell::new(number(second)).style(second_style),
        ])
    });
    let widths = [
        Constraint::Length(7),
        Constraint::Fill(3),
        Constraint::Length(9),
        Constraint::Fill(2),
    ];
    let table = Table::new(rows, widths).block(frame_of(name));
    frame.render_widget(table, area);
}

fn number(value: u64) -> Line<'static> {
    Line::from(count(value)).alignment(Alignment::Right)
}

/// Latencies of the latest second.
pub(super) fn stages(frame: &mut Frame<'_>, area: Rect, of: &Status, palette: Palette) {
    let right = |text: String| Cell::new(Line::from(text).alignment(Alignment::Right));
    let rows = STAGES.map(|stage| {
        let now = of.stages.iter().find(|now| now.stage == stage);
        let time = |us: Option<i64>| right(us.map_or_else(|| "-".to_owned(), seconds));
        let row = Row::new([
            Cell::new(stage.key()),
            time(now.map(|of| of.p50_us)),
            time(now.map(|of| of.p99_us)),
            time(now.map(|of| of.max_us)),
        ]);
        if stage == Stage::EndToEnd || stage == Stage::Response {
            row.style(palette.strong())
        } else {
            row
        }
    });
    let widths = [
        Constraint::Length(12),
        Constraint::Fill(1),
        Constraint::Fill(1),
        Constraint::Fill(1),
    ];
    let head = Row::new([
        Cell::new(""),
        right("p50".to_owned()),
        right("p99".to_owned()),
        right("max".to_owned()),
    ]);
    let table = Table::new(rows, widths)
        .header(head.style(palette.faint()))
        .block(frame_of("stages, latest second"));
    frame.render_widget(table, area);
}

fn seconds(us: i64) -> String {
    duration(us as f64 / 1e6)
}

/// What is on its way.
pub(super) fn backlog(frame: &mut Frame<'_>, area: Rect, of: &Status, palette: Palette) {
    let waiting = of.latest.waiting_max;
    // More than a second of the rate waits: the target does not keep up.
    let behind = waiting as f64 > of.asked_per_s.max(1.0);
    let unseen = of
        .unseen
        .map_or_else(|| Line::from("-").alignment(Alignment::Right), number);
    let style = if behind { palette.bad() } else { Style::new() };
    let rows = [
        Row::new([
            Cell::new("waiting to be sent"),
            Cell::new(number(waiting)).style(style),
        ]),
        Row::new([
            Cell::new("batches in flight"),
            Cell::new(number(of.latest.in_flight_max)),
        ]),
        Row::new([Cell::new("written, not seen"), Cell::new(unseen)]),
    ];
    let widths = [Constraint::Length(18), Constraint::Fill(1)];
    let table = Table::new(rows, widths).block(frame_of("backlog"));
    frame.render_widget(table, area);
}

/// What was refused, by cause: in all, and in the latest second.
pub(super) fn throttles(frame: &mut Frame<'_>, area: Rect, of: &Status, palette: Palette) {
    let mut causes: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for counts in [&of.warm_up, &of.measured] {
        for (cause, refused) in counts.throttles.iter() {
            causes.entry(words(cause)).or_default().0 += refused.items;
        }
        for (code, calls) in counts.call_failures.iter() {
            causes.entry(code.clone()).or_default().0 += calls;
        }
    }
    for (cause, refused) in of.latest.throttles.iter() {
        causes.entry(words(cause)).or_default().1 += refused.items;
    }
    for (code, calls) in of.latest.call_failures.iter() {
        causes.entry(code.clone()).or_default().1 += calls;
    }
    let block = frame_of("throttles and failures");
    if causes.is_empty() {
        let text = Paragraph::new("none").style(palette.faint());
        frame.render_widget(text.block(block), area);
        return;
    }
    let mut causes: Vec<_> = causes.into_iter().collect();
    causes.sort_by_key(|(_, (all, _))| std::cmp::Reverse(*all));
    let rows = causes.into_iter().map(|(cause, (all, now))| {
        let now = if now > 0 { count(now) } else { String::new() };
        let now = Line::from(now).alignment(Alignment::Right);
        Row::new([
            Cell::new(cause),
            Cell::new(number(all)),
            Cell::new(now).style(palette.bad()),
        ])
    });
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(7),
        Constraint::Length(5),
    ];
    let right = |text| Cell::new(Line::from(text).alignment(Alignment::Right));
    let head = Row::new([Cell::new(""), right("items"), right("now")]);
    let table = Table::new(rows, widths).header(head.style(palette.faint()));
    frame.render_widget(table.block(block), area);
}

/// The reason where the service gives one, else the exception, short.
fn words(cause: &crate::measure::ThrottleCause) -> String {
    let name = if cause.reason.is_empty() {
        &cause.exception
    } else {
        &cause.reason
    };
    // What all of them have in common takes the room of what tells them apart.
    let name = name.strip_prefix("Table").unwrap_or(name);
    let ends = ["Exception", "Exceeded", "Throughput"].into_iter();
    let name = ends.fold(name, |name, end| name.strip_suffix(end).unwrap_or(name));
    name.to_owned()
}

/// The shards, those that are furthest behind first.
pub(super) fn shards(frame: &mut Frame<'_>, area: Rect, of: &Status, palette: Palette) {
    if of.unseen.is_none() {
        let text = Paragraph::new("no stream is followed").style(palette.faint());
        frame.render_widget(text.block(frame_of("shards")), area);
        return;
    }
    let slowest = of.shards.iter().map(|of| of.behind_ms).max().unwrap_or(0);
    let slowest = match slowest {
        0 => "all at their tips".to_owned(),
        ms => format!("at most {} behind", duration(ms as f64 / 1e3)),
    };
    let records = of.shards.iter().map(|of| of.records_per_s).sum::<f64>();
    let name = format!(
        "shards: {}, {} records/s, {slowest}",
        of.shards.len(),
        amount(records.round()),
    );
    let mut shards: Vec<_> = of.shards.iter().collect();
    shards.sort_by(|a, b| b.behind_ms.cmp(&a.behind_ms).then(a.shard.cmp(&b.shard)));
    let cells = |of: Option<&&crate::telemetry::ShardNow>| match of {
        None => ["", "", ""].map(|text| Cell::new(text.to_owned())),
        Some(of) => {
            let id = of.shard.trim_start_matches("shardId-");
            let id = match id.trim_start_matches('0') {
                "" => "0",
                id => id,
            };
            let right = |text: String| Cell::new(Line::from(text).alignment(Alignment::Right));
            let behind = right(match of.behind_ms {
                0 => "at its tip".to_owned(),
                ms => format!("{} behind", duration(ms as f64 / 1e3)),
            });
            let style = if of.behind_ms > 1_000 {
                palette.bad()
            } else {
                Style::new()
            };
            [
                Cell::new(format!("shard {id}")),
                right(format!("{}/s", amount(of.records_per_s.round()))),
                behind.style(style),
            ]
        }
    };
    let rows = shards.chunks(2).map(|pair| {
        let [a, b, c] = cells(pair.first());
        let [d, e, f] = cells(pair.get(1));
        Row::new([a, b, c, Cell::new(""), d, e, f])
    });
    let one = [
        Constraint::Fill(1),
        Constraint::Length(9),
        Constraint::Length(14),
    ];
    let widths = [
        one[0],
        one[1],
        one[2],
        Constraint::Length(2),
        one[0],
        one[1],
        one[2],
    ];
    frame.render_widget(Table::new(rows, widths).block(frame_of(&name)), area);
}
