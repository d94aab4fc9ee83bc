//! The account of every reading.

use maud::{Markup, html};

use super::Run;
use super::parts::{fact, facts};
use crate::units::{bytes, count};

pub(super) fn body(runs: &[Run<'_>]) -> Markup {
    let row = |what, value: fn(&crate::Ledger) -> Option<u64>| {
        fact(runs, what, |run| value(&run.result.ledger).map(count))
    };
    let rows = vec![
        row("scheduled", |of| Some(of.scheduled)),
        row("− dropped, too many waiting", |of| Some(of.dropped)),
        row("− cut off, unsent at the end", |of| Some(of.cut_off)),
        row("= sent", |of| Some(of.sent)),
        row("− failed", |of| Some(of.failed)),
        row("= acknowledged", |of| Some(of.acknowledged)),
        row("− missing from the stream", |of| of.missing),
        row("= seen in the stream", |of| of.seen),
    ];
    let puts = |what, value: fn(&crate::Puts) -> Option<String>| {
        fact(runs, what, |run| run.result.puts.as_ref().and_then(value))
    };
    let puts = vec![
        puts("records put", |of| Some(count(of.records))),
        puts("calls", |of| Some(count(of.calls))),
        puts("refused for want of capacity, and put again", |of| {
            Some(count(of.throttled))
        }),
        puts("given up", |of| Some(count(of.failed.values().sum()))),
    ];
    let lake = |what, value: fn(&crate::Lake) -> Option<String>| {
        fact(runs, what, |run| run.result.lake.as_ref().and_then(value))
    };
    let lake = vec![
        lake("place", |of| Some(of.place.clone())),
        lake("objects", |of| Some(count(of.objects))),
        lake("size", |of| Some(bytes(of.bytes))),
        lake("readings in them", |of| Some(count(of.readings))),
        lake("acknowledged and not in them", |of| Some(count(of.missing))),
        lake("acknowledged in the warm-up and not in them", |of| {
            of.warm_up_missing.map(count)
        }),
        lake("in them more than once", |of| Some(count(of.duplicates))),
        lake("in objects closed by the end, not in freshness", |of| {
            Some(count(of.closed_early))
        }),
        lake("ended early by", |of| of.error.clone()),
    ];
    let besides = vec![
        row("duplicates", |of| of.duplicates),
        row("reordered", |of| of.reordered),
        row("seen, though unacknowledged", |of| of.seen_unacknowledged),
        row("records of something else", |of| of.foreign),
        row("warm-up readings, not measured", |of| {
            Some(of.warm_up.scheduled)
        }),
        row("of those, failed, dropped or cut off", |of| {
            let warm_up = &of.warm_up;
            let sent = warm_up.failed.saturating_add(warm_up.dropped);
            Some(sent.saturating_add(warm_up.cut_off))
        }),
        row("of those, missing from the stream", |of| of.warm_up.missing),
    ];
    html! {
        @for run in runs { (closed(*run, runs.len() > 1)) }
        div.beside {
            (facts(runs, "Readings, from due to seen", rows, false))
            (facts(runs, "Beside them", besides, false))
            @if runs.iter().any(|run| run.result.puts.is_some()) {
                (facts(runs, "Put into the stream by hrload itself", puts, false))
            }
            @if runs.iter().any(|run| run.result.lake.is_some()) {
                (facts(runs, "In the lake", lake, false))
            }
        }
        @for run in runs {
            @if !run.result.ledger.missing_examples.is_empty() {
                p {
                    "The first missing"
                    @if runs.len() > 1 { " of " (run.name) }
                    ", as device-sequence: "
                    (run.result.ledger.missing_examples.iter()
                        .map(|of| format!("{}-{}", of.device, of.sequence))
                        .collect::<Vec<_>>().join(", "))
                }
            }
        }
    }
}

fn closed(run: Run<'_>, named: bool) -> Markup {
    let ledger = &run.result.ledger;
    html! {
        p {
            @if named { strong { (run.name) } ": " }
            @if ledger.closed { "The ledger closes: every reading is accounted for." }
            @else { strong { "The ledger does not close." } }
        }
        @if !ledger.broken.is_empty() {
            ul { @for broken in &ledger.broken { li { (broken) } } }
        }
    }
}
