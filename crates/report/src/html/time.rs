//! Rates and throttles over time.

use maud::{Markup, html};

use super::Run;
use super::bins::{Bin, bins};
use super::heat::{span, with_time_axis};
use super::latency::{named, width_px};
use super::parts::{Figure, Table, pair};
use crate::export::ReportError;
use crate::plot::{Axis, Colour, Line, Plot, PlotError, Stroke};
use crate::units::{amount, count};
use crate::{SeriesEntry, Throttle};

pub(super) fn body(runs: &[Run<'_>]) -> Result<Markup, ReportError> {
    let mut rates = Vec::new();
    for run in runs {
        rates.push(rate(*run, runs.len() > 1)?);
    }
    let throttled = runs.iter().any(|run| !run.result.throttles.is_empty());
    let throttles = match throttled {
        true => throttles(runs)?,
        false => html! { p { "Nothing was throttled." } },
    };
    Ok(html! {
        (pair(runs, &rates))
        (throttles)
        @for run in runs { (causes(*run, runs.len() > 1)) }
        @for run in runs { (failures(*run, runs.len() > 1)) }
    })
}

/// A line that keeps a piece's height from its start to its end.
fn steps(
    name: String,
    colour: Colour,
    bins: &[Bin<'_>],
    value: impl Fn(&SeriesEntry) -> u64,
) -> Line {
    let mut points: Vec<(f64, f64)> = bins
        .iter()
        .map(|bin| (bin.from, bin.per_second(&value)))
        .collect();
    if let (Some(&(_, height)), Some(bin)) = (points.last(), bins.last()) {
        points.push((bin.to, height));
    }
    Line::steps(name, colour, &points)
}

fn refused(of: &SeriesEntry) -> u64 {
    of.throttles.iter().map(|of| of.items).sum()
}

fn rate(run: Run<'_>, is_named: bool) -> Result<Markup, PlotError> {
    let bins = bins(run.result);
    let follows = run.result.ledger.seen.is_some();
    let axes = (
        Axis::linear("time since measuring began (s)"),
        Axis::linear("readings a second"),
    );
    let mut plot = Plot::new("", axes.0, axes.1).size(width_px(is_named), 300);
    plot = plot
        .line(
            steps("scheduled".into(), Colour::Grey, &bins, |of| of.scheduled)
                .stroked(Stroke::Dashed),
        )
        .line(steps("acknowledged".into(), Colour::Blue, &bins, |of| {
            of.acknowledged
        }));
    if follows {
        plot = plot.line(steps("seen".into(), Colour::Green, &bins, |of| of.seen));
    }
    plot = with_time_axis(plot, run);
    let row = |bin: &Bin<'_>| {
        let rates = [
            bin.per_second(|of| of.scheduled),
            bin.per_second(|of| of.sent),
            bin.per_second(|of| of.acknowledged),
            bin.per_second(|of| of.seen),
            bin.per_second(refused),
        ];
        let waiting = bin.seconds.iter().map(|of| of.waiting_max).max();
        let mut cells = vec![span(bin)];
        cells.extend(rates.map(amount));
        cells.push(count(waiting.unwrap_or(0)));
        cells
    };
    let headings = [
        "seconds",
        "scheduled/s",
        "sent/s",
        "acknowledged/s",
        "seen/s",
        "throttled/s",
        "waiting",
    ];
    let caption = named("Rates over time", run, is_named);
    Figure {
        id: format!("rate-{}", run.name),
        title: named("Rate over time", run, is_named),
        description: "Readings that became due, that were acknowledged, and that were seen in \
                      the stream, each in the second in which it happened."
            .to_owned(),
        drawing: plot.drawing(),
        numbers: Table {
            caption: &caption,
            headings: headings.map(String::from).to_vec(),
            rows: bins.iter().map(row).collect(),
            words: 1,
        },
    }
    .markup()
}

fn throttles(runs: &[Run<'_>]) -> Result<Markup, PlotError> {
    let all: Vec<_> = runs.iter().map(|run| (*run, bins(run.result))).collect();
    let mut plot = Plot::new(
        "",
        Axis::linear("time since measuring began (s)"),
        Axis::linear("items a second"),
    )
    .size(width_px(false), 240);
    for ((run, bins), colour) in all.iter().zip([Colour::Vermillion, Colour::Purple]) {
        let name = named("throttled", *run, runs.len() > 1);
        plot = plot.line(steps(name, colour, bins, refused));
    }
    if let Some((run, _)) = all.iter().max_by_key(|(run, _)| run.result.series.len()) {
        plot = with_time_axis(plot, *run);
    }
    let rows = all.iter().flat_map(|(run, bins)| {
        let bins = bins.iter().filter(|bin| bin.per_second(refused) > 0.0);
        bins.map(|bin| {
            let items = amount(bin.per_second(refused));
            match runs.len() {
                1 => vec![span(bin), items],
                _ => vec![format!("{}: {}", run.name, span(bin)), items],
            }
        })
    });
    Figure {
        id: "throttles".to_owned(),
        title: "Throttled items over time".to_owned(),
        description: "Items that were refused; an item that is refused again counts again."
            .to_owned(),
        drawing: plot.drawing(),
        numbers: Table {
            caption: "Throttled items over time, where there were any",
            headings: ["seconds", "items/s"].map(String::from).to_vec(),
            rows: rows.collect(),
            words: 1,
        },
    }
    .markup()
}

fn causes(run: Run<'_>, is_named: bool) -> Markup {
    if run.result.throttles.is_empty() {
        return html! {};
    }
    let row = |of: &Throttle| {
        vec![
            of.exception.clone(),
            of.reason.clone().unwrap_or_else(|| "–".to_owned()),
            count(of.items),
            count(of.calls),
        ]
    };
    Table {
        caption: &named("What throttled", run, is_named),
        headings: ["exception", "reason", "items", "calls"]
            .map(String::from)
            .to_vec(),
        rows: run.result.throttles.iter().map(row).collect(),
        words: 2,
    }
    .markup()
}

fn failures(run: Run<'_>, is_named: bool) -> Markup {
    let (calls, readings) = (&run.result.call_failures, &run.result.failures);
    if calls.is_empty() && readings.is_empty() {
        return html! {};
    }
    let codes = calls.keys().chain(readings.keys());
    let codes: std::collections::BTreeSet<&String> = codes.collect();
    let of = |tally: &std::collections::BTreeMap<String, u64>, code| {
        count(tally.get(code).copied().unwrap_or(0))
    };
    Table {
        caption: &named("What failed", run, is_named),
        headings: ["code", "calls", "readings given up"]
            .map(String::from)
            .to_vec(),
        rows: codes
            .into_iter()
            .map(|code| vec![code.clone(), of(calls, code), of(readings, code)])
            .collect(),
        words: 1,
    }
    .markup()
}
