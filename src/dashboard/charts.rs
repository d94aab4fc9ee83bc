//! The charts of a view.

use maud::{Markup, html};

use super::board::HIGHEST_BPM;
use super::reference::Shares;
use super::summary::{BIN_BPM, Summary};
use super::view::{Aggregation, View};
use crate::measure::Stage;
use crate::report::html::parts::{Figure, Table};
use crate::report::plot::{Axis, Cell, Cells, Colour, Line, Plot, PlotError, Stroke};
use crate::report::{amount, count, duration};
use crate::workload::{HIGHEST_OF_FORTY, ZONES};

const WIDTH_PX: u16 = 860;
const HALF_PX: u16 = 560;

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

fn clock(us: u64) -> String {
    let second = crate::report::timestamp(us);
    second.get(..16).unwrap_or(&second).replace('T', " ")
}

fn words(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The blog post's: heart rates by minute.
pub(super) fn bars(summary: &Summary, view: &View) -> Result<Markup, PlotError> {
    let aggregation = view.aggregation;
    let y = match aggregation {
        Aggregation::Count => "readings".to_owned(),
        _ => "heart rate (beats/min)".to_owned(),
    };
    // A little room between bars.
    let gap = seconds(summary.step_us) * 0.1;
    let bars = summary.points.iter().map(|of| Cell {
        x: (seconds(of.from_us) + gap, seconds(of.to_us) - gap),
        y: (0.0, of.value(aggregation)),
        strength: 1.0,
    });
    let (from, to) = summary.range_us;
    let plot = Plot::new("", Axis::clock("taken at (UTC)"), Axis::linear(y))
        .size(WIDTH_PX, 320)
        .x_range(seconds(from), seconds(to))
        .cells(Cells::new("", Colour::Blue, bars.collect()));
    let whose = match &view.device {
        Some(device) => format!("wearable {device}"),
        None => "all wearables".to_owned(),
    };
    let title = format!(
        "Heart rate of {whose}: {} by {}",
        aggregation.name(),
        match summary.step_us / 60_000_000 {
            1 => "minute".to_owned(),
            60 => "hour".to_owned(),
            minutes => format!("{minutes} minutes"),
        }
    );
    let row = |of: &super::Point| {
        vec![
            clock(of.from_us),
            count(of.readings),
            format!("{:.1}", of.average),
            of.minimum.to_string(),
            of.maximum.to_string(),
        ]
    };
    Figure {
        id: "heart-rate".to_owned(),
        title,
        description: match aggregation {
            Aggregation::Average => {
                "By the time at which readings were taken, as items have it. Each reading weighs \
                 the same: who sends more counts more."
            }
            _ => "By the time at which readings were taken, as items have it.",
        }
        .to_owned(),
        drawing: plot.drawing(),
        numbers: Table {
            caption: "Heart rates by time",
            headings: words(&["from (UTC)", "readings", "average", "minimum", "maximum"]),
            rows: summary.points.iter().map(row).collect(),
            words: 1,
        },
    }
    .markup()
}

fn of_all(title: &str, is_one: bool) -> String {
    if is_one {
        format!("{title}, all wearables")
    } else {
        title.to_owned()
    }
}

/// Readings a second, by the minute in which they could be seen.
/// `is_one`: the page is of one wearable, and this is not.
pub(super) fn rate(summary: &Summary, is_one: bool) -> Result<Markup, PlotError> {
    let mut points: Vec<(f64, f64)> = summary
        .seen
        .iter()
        .map(|&(us, rate)| (seconds(us), rate))
        .collect();
    if let Some(&(last, rate)) = points.last() {
        points.push((last + 60.0, rate));
    }
    let plot = Plot::new(
        "",
        Axis::clock("seen at (UTC)"),
        Axis::linear("readings a second"),
    )
    .size(HALF_PX, 280)
    .line(Line::steps("", Colour::Green, &points));
    let row = |&(us, rate): &(u64, f64)| vec![clock(us), amount(rate)];
    Figure {
        id: "rate".to_owned(),
        title: of_all("Readings a second", is_one),
        description: "The mean of each minute, by when readings could be seen here; of the one \
                      under way, as far as it has come."
            .to_owned(),
        drawing: plot.drawing(),
        numbers: Table {
            caption: "Readings a second",
            headings: words(&["minute (UTC)", "readings/s"]),
            rows: summary.seen.iter().map(row).collect(),
            words: 1,
        },
    }
    .markup()
}

/// Stages of the way, as far as they can be told from here.
/// `is_one`: the page is of one wearable, and this is not.
pub(super) fn delays(summary: &Summary, is_one: bool) -> Result<Markup, PlotError> {
    let stages: Vec<Stage> = summary
        .whole_delays
        .recorded()
        .map(|(stage, _)| stage)
        .collect();
    let mut plot =
        Plot::new("", Axis::clock("seen at (UTC)"), Axis::log("latency (ms)")).size(HALF_PX, 280);
    for (&stage, colour) in stages.iter().zip(Colour::SERIES) {
        for (quantile, name, stroke) in [(0.5, "p50", Stroke::Solid), (0.99, "p99", Stroke::Dashed)]
        {
            let of_minutes = summary.delays.iter().filter_map(|of| {
                let latency = of.stages.get(stage);
                (!latency.is_empty()).then(|| {
                    let ms = latency.quantile_us(quantile) as f64 / 1e3;
                    (seconds(of.from_us) + 30.0, ms)
                })
            });
            let line = Line::new(
                format!("{} {name}", stage.key()),
                colour,
                of_minutes.collect(),
            );
            plot = plot.line(line.stroked(stroke).with_points());
        }
    }
    let row = |&stage: &Stage| {
        let of = summary.whole_delays.get(stage);
        let at = |quantile| duration(of.quantile_us(quantile) as f64 / 1e6);
        vec![
            stage.key().to_owned(),
            stage.meaning().replace("->", "→"),
            count(of.count()),
            at(0.5),
            at(0.99),
            at(1.0),
        ]
    };
    Figure {
        id: "latency".to_owned(),
        title: of_all("Latency", is_one),
        description: "How late readings were when they could be seen here, by the minute in \
                      which that was. Negative values (clocks that disagree) are not drawn."
            .to_owned(),
        drawing: plot.drawing(),
        numbers: Table {
            caption: "Latency of all readings that are kept",
            headings: words(&["stage", "from → to", "readings", "p50", "p99", "max"]),
            rows: stages.iter().map(row).collect(),
            words: 2,
        },
    }
    .markup()
}

/// How heart rates are distributed, beside the model.
pub(super) fn distribution(summary: &Summary, reference: &Shares) -> Result<Markup, PlotError> {
    let total = summary.by_bin.iter().sum::<u64>() as f64;
    let share = |of: u64| of as f64 / total.max(1.0) * 100.0;
    let from = |bin: usize| (bin * BIN_BPM) as f64;
    let bars = summary.by_bin.iter().enumerate().map(|(bin, &of)| Cell {
        x: (from(bin) + 0.4, from(bin + 1) - 0.4),
        y: (0.0, share(of)),
        strength: 1.0,
    });
    let expected: Vec<(f64, f64)> = (reference.0.iter().enumerate())
        .map(|(bin, share)| (from(bin) + BIN_BPM as f64 / 2.0, share * 100.0))
        .filter(|(bpm, _)| (30.0..=HIGHEST_BPM as f64).contains(bpm))
        .collect();
    let bars: Vec<Cell> = if total > 0.0 {
        bars.collect()
    } else {
        Vec::new()
    };
    let mut plot = Plot::new(
        "",
        Axis::linear("heart rate (beats/min)"),
        Axis::linear("readings (%)"),
    )
    .size(HALF_PX, 280)
    .x_range(30.0, 220.0)
    .cells(Cells::new("seen", Colour::Sky, bars));
    if total > 0.0 {
        let line = Line::new("the model, over a whole day", Colour::Vermillion, expected);
        plot = plot.line(line.stroked(Stroke::Dashed));
    }
    let rows = summary.by_bin.iter().zip(&reference.0).enumerate();
    let rows = rows.filter(|(_, (of, share))| **of > 0 || **share > 0.000_5);
    Figure {
        id: "distribution".to_owned(),
        title: "Distribution of heart rates".to_owned(),
        description: "Of the readings shown, beside those of the model's steady day: a fleet \
                      that is seen at night or for some minutes only lies elsewhere."
            .to_owned(),
        drawing: plot.drawing(),
        numbers: Table {
            caption: "Distribution of heart rates",
            headings: words(&["beats/min", "readings", "share", "the model's"]),
            rows: rows
                .map(|(bin, (&of, &share_of_model))| {
                    vec![
                        format!("{} to {}", bin * BIN_BPM, (bin + 1) * BIN_BPM - 1),
                        count(of),
                        format!("{:.1} %", share(of)),
                        format!("{:.1} %", share_of_model * 100.0),
                    ]
                })
                .collect(),
            words: 1,
        },
    }
    .markup()
}

/// How many wearables are in which zone.
pub(super) fn zones(summary: &Summary) -> Markup {
    let most = summary.devices.max(1);
    let span = |zone: usize| {
        let bpm = |percent: u32| f64::from(percent) / 100.0 * HIGHEST_OF_FORTY;
        let from = bpm(ZONES[zone].from_percent);
        match ZONES.get(zone + 1) {
            Some(next) => format!("{from:.0} to {:.0}", bpm(next.from_percent)),
            None => format!("{from:.0} and more"),
        }
    };
    html! {
        figure #zones {
            figcaption {
                strong { "Wearables by zone" } " "
                span {
                    "By the mean of their readings shown; zones are those of a person of 40, \
                     whose highest heart rate is taken to be 180."
                }
            }
            div.scroll tabindex="0" role="group" aria-label="Wearables by zone" {
                table {
                    caption.hidden { "Wearables by zone" }
                    thead { tr {
                        th scope="col" { "zone" }
                        th scope="col" { "beats/min" }
                        th.number scope="col" { "wearables" }
                        th scope="col" { "share" }
                    } }
                    tbody { @for (index, zone) in ZONES.iter().enumerate() { tr {
                        th scope="row" { (zone.name) }
                        td { (span(index)) }
                        td.number { (count(summary.by_zone[index])) }
                        td {
                            meter min="0" max=(most) value=(summary.by_zone[index])
                                aria-label={ "Share of wearables: " (zone.name) } {}
                        }
                    } } }
                }
            }
        }
    }
}
