//! Latency over the whole of measuring: stages, waterfall, percentiles.

use maud::{Markup, html};

use super::Run;
use super::parts::{Figure, Table, pair};
use crate::Unsound;
use crate::export::ReportError;
use crate::plot::{Axis, Colour, Line, Plot, Step, Stroke, Waterfall};
use crate::units::{count, duration};
use hrload_measure::{Latency, Stage};

/// The reading's way, each stage from the end of the one before.
const WAY: [(Stage, &str); 5] = [
    (Stage::Lateness, "due → sent"),
    (Stage::Service, "sent → acknowledged"),
    (Stage::Capture, "acknowledged → created"),
    (Stage::Replication, "created → arrived"),
    (Stage::Read, "arrived → read"),
];

/// Width of a plot in pixels: of one that has a row of the page for itself, or
/// stands beside that of another run. Letters are then of one size.
pub(super) fn width_px(beside: bool) -> u16 {
    if beside { 560 } else { 860 }
}

pub(super) fn body(runs: &[Run<'_>]) -> Result<Markup, ReportError> {
    if runs.iter().all(|run| stages(*run).next().is_none()) {
        return Ok(html! { p.nothing { "Nothing was sent." } });
    }
    let mut waterfalls = Vec::new();
    for run in runs {
        waterfalls.push(waterfall(*run, runs.len() > 1)?);
    }
    let percentiles = percentiles(runs)?;
    Ok(html! {
        @for run in runs { (table(*run, runs.len() > 1)) }
        (pair(runs, &waterfalls))
        (percentiles)
    })
}

fn stages(run: Run<'_>) -> impl Iterator<Item = (Stage, &crate::StageLatency)> {
    let latency = &run.result.latency;
    let stages = Stage::ALL.into_iter();
    stages.filter_map(move |stage| Some((stage, latency.get(stage)?)))
}

/// A caption that names the run where there are two.
pub(super) fn named(what: &str, run: Run<'_>, named: bool) -> String {
    match named {
        true => format!("{what}: {}", run.name),
        false => what.to_owned(),
    }
}

fn table(run: Run<'_>, is_named: bool) -> Markup {
    let row = |(stage, of): (Stage, &crate::StageLatency)| {
        let values = [of.min, of.mean, of.p50, of.p90, of.p99, of.p999, of.max];
        let mut cells = vec![
            stage.key().to_owned(),
            stage.meaning().replace("->", "→"),
            count(of.count),
        ];
        cells.extend(values.map(duration));
        cells
    };
    let headings = [
        "stage",
        "from → to",
        "values",
        "min",
        "mean",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "max",
    ];
    let offset = &run.result.clock_offset;
    html! {
        (Table {
            caption: &named("Latency by stage", run, is_named),
            headings: headings.map(String::from).to_vec(),
            rows: stages(run).map(row).collect(),
            words: 2,
        }.markup())
        @if let (Some(low), Some(high)) = (offset.low, offset.high) {
            p.note {
                "The services’ clock is ahead of ours by " (duration(low)) " to " (duration(high))
                ", by causality: stages between two clocks are as good as that."
            }
        }
    }
}

fn waterfall(run: Run<'_>, is_named: bool) -> Result<Markup, ReportError> {
    let latency = &run.result.latency;
    let mut steps = Vec::new();
    let mut at = 0.0;
    for ((stage, label), colour) in WAY.into_iter().zip(Colour::SERIES) {
        let Some(of) = latency.get(stage) else {
            continue;
        };
        steps.push(Step {
            label: label.to_owned(),
            from: at * 1e3,
            to: (at + of.mean) * 1e3,
            colour,
            note: duration(of.mean),
        });
        at += of.mean;
    }
    let whole = run.headline_stage();
    if let Some(of) = latency.get(whole) {
        steps.push(Step {
            label: whole.meaning().replace("->", "→"),
            from: 0.0,
            to: of.mean * 1e3,
            colour: Colour::Grey,
            note: duration(of.mean),
        });
    }
    let rows = steps.iter().map(|step| {
        vec![
            step.label.clone(),
            duration(step.from / 1e3),
            duration(step.to / 1e3),
            step.note.clone(),
        ]
    });
    let headings = ["stage", "from", "to", "mean"];
    let caption = named("Mean of each stage", run, is_named);
    let figure = Figure {
        id: format!("waterfall-{}", run.name),
        title: named("Where the time goes", run, is_named),
        description: "The mean of each stage, from when a reading is due. Means add up, where \
                      percentiles do not, as far as the same readings went through every stage."
            .to_owned(),
        numbers: Table {
            caption: &caption,
            headings: headings.map(String::from).to_vec(),
            rows: rows.collect(),
            words: 1,
        },
        drawing: Waterfall::new(
            Axis::linear("mean time since due (ms)"),
            width_px(is_named),
            steps,
        )
        .drawing(),
    };
    Ok(figure.markup()?)
}

/// Shares of values, a tenth of the way to one nearer each, as far as `count`
/// values have something to say.
fn shares(count: u64) -> Vec<f64> {
    let last = 1.0 - 1.0 / (count.max(10) as f64);
    let steps = (0..).map(|step| 1.0 - 10f64.powf(-f64::from(step) / 12.0));
    let within = steps.take_while(|&share| share < last);
    within.chain([last]).collect()
}

fn percentiles(runs: &[Run<'_>]) -> Result<Markup, ReportError> {
    let mut lines = Vec::new();
    for run in runs {
        let mut wanted = vec![run.headline_stage()];
        if run.headline_stage() != Stage::Response {
            wanted.push(Stage::Response);
        }
        for stage in wanted {
            let Some(of) = run.result.latency.get(stage) else {
                continue;
            };
            let decoded = of.decode().map_err(|source| Unsound::Histogram {
                run: run.result.run.id.clone(),
                place: format!("latency.{}", stage.key()),
                source,
            })?;
            if !decoded.is_empty() {
                lines.push((*run, stage, decoded));
            }
        }
    }
    let mut plot = Plot::new("", Axis::nines("percentile"), Axis::log("latency (ms)"))
        .size(width_px(false), 340);
    for ((run, stage, of), colour) in lines.iter().zip(Colour::SERIES) {
        let points = shares(of.count()).into_iter();
        let points = points.map(|share| (share, of.quantile_us(share) as f64 / 1e3));
        let stroke = match run.name {
            "base" => Stroke::Dashed,
            _ => Stroke::Solid,
        };
        let name = named(stage.key(), *run, runs.len() > 1);
        plot = plot.line(Line::new(name, colour, points.collect()).stroked(stroke));
    }
    let marks = [
        0.0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999, 0.99999, 1.0,
    ];
    let cell = |of: &Latency, share: f64| duration(of.quantile_us(share) as f64 / 1e6);
    let rows = marks.map(|share| {
        let percent = format!("{:.4}", share * 100.0);
        let percent = percent.trim_end_matches('0').trim_end_matches('.');
        let cells = lines.iter().map(|(_, _, of)| cell(of, share));
        std::iter::once(format!("{percent} %"))
            .chain(cells)
            .collect()
    });
    let names = lines
        .iter()
        .map(|(run, stage, _)| named(stage.key(), *run, runs.len() > 1));
    let figure = Figure {
        id: "percentiles".to_owned(),
        title: "Latency by percentile".to_owned(),
        description: "How many readings took at most how long; each further nine takes as much \
                      room, so that the slowest few are to be seen."
            .to_owned(),
        drawing: plot.drawing(),
        numbers: Table {
            caption: "Latency by percentile",
            headings: std::iter::once("percentile".to_owned())
                .chain(names)
                .collect(),
            rows: rows.to_vec(),
            words: 1,
        },
    };
    Ok(figure.markup()?)
}
