//! The page: what is asked, the numbers, the charts.

use maud::{DOCTYPE, Markup, html};

use super::charts;
use super::reference::Shares;
use super::server::Shown;
use super::summary::Summary;
use super::view::{Aggregation, Range, SPANS, View, written};
use crate::measure::Stage;
use crate::report::plot::PlotError;
use crate::report::{amount, count, duration};

/// Devices that the picker offers: a list of all would be longer than the page.
const OFFERED: usize = 500;

/// What the page is made of.
pub(super) struct Parts<'a> {
    pub(super) shown: &'a Shown,
    pub(super) view: &'a View,
    pub(super) summary: &'a Summary,
    pub(super) reference: &'a Shares,
    pub(super) devices: &'a [String],
    pub(super) all_devices: usize,
    pub(super) newest_us: u64,
    pub(super) state: &'a State,
    pub(super) changes: u64,
}

/// How the feed is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// What was there is being read.
    Reading,
    /// Everything that is there was read.
    Current,
    /// It ended, or goes on trying.
    Failed(String),
}

/// The whole page.
pub(super) fn page(parts: &Parts<'_>) -> Result<Markup, PlotError> {
    let body = board(parts)?;
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                link rel="icon" href="data:,";
                title { "hrload: heart rates of " (parts.shown.what) }
                link rel="stylesheet" href="style.css";
                script src="script.js" defer {}
            }
            body {
                a.skip href="#board" { "Skip to the charts" }
                header {
                    h1 { "Heart rates" }
                    p.origin { (parts.shown.what) }
                }
                (form(parts))
                main { div #board data-changes=(parts.changes) { (body) } }
                footer {
                    p { "Times are in UTC. hrload " (env!("CARGO_PKG_VERSION")) "." }
                }
            }
        }
    })
}

fn form(parts: &Parts<'_>) -> Markup {
    let view = parts.view;
    let is_last =
        |seconds: u64| matches!(view.range, Range::Last(span) if span.as_secs() == seconds);
    let (from, to) = match view.range {
        Range::Between(from, to) => (
            if from > 0 {
                written(from)
            } else {
                String::new()
            },
            if to < u64::MAX {
                written(to)
            } else {
                String::new()
            },
        ),
        _ => (String::new(), String::new()),
    };
    let between = matches!(view.range, Range::Between(..));
    html! {
        form #view method="get" action="." aria-label="What is shown" {
            label { "Time range "
                select name="last" {
                    @for (key, name, seconds) in SPANS {
                        option value=(key) selected[is_last(seconds)] { (name) }
                    }
                    option value="all" selected[view.range == Range::All] { "all that is kept" }
                    @if between { option value="" selected { "from and to" } }
                }
            }
            label { "From (UTC) " input type="datetime-local" name="from" value=(from); }
            label { "to (UTC) " input type="datetime-local" name="to" value=(to); }
            label { "Wearable "
                input name="device" list="devices" autocomplete="off" placeholder="all"
                    value=[view.device.as_deref()];
            }
            datalist #devices {
                @for device in parts.devices { option value=(device) {} }
            }
            label { "Show "
                select name="agg" {
                    @for of in Aggregation::ALL {
                        option value=(of.key()) selected[of == view.aggregation] { (of.name()) }
                    }
                }
            }
            button type="submit" { "Show" }
            label.check hidden #live-label { input #live type="checkbox" checked; " live" }
        }
    }
}

/// What changes while one looks.
pub(super) fn board(parts: &Parts<'_>) -> Result<Markup, PlotError> {
    let summary = parts.summary;
    let bars = charts::bars(summary, parts.view)?;
    let rate = charts::rate(summary)?;
    let delays = charts::delays(summary)?;
    let distribution = match parts.view.device {
        None => charts::distribution(summary, parts.reference)?,
        Some(_) => html! {},
    };
    Ok(html! {
        p.note #state role="status" { (state(parts)) }
        dl.tiles { @for (what, value) in tiles(parts) {
            div { dt { (what) } dd { (value) } }
        } }
        @if summary.unknown_device {
            p { "No reading of wearable " strong { (parts.view.device.as_deref().unwrap_or("")) }
                " was seen. "
                (count(parts.all_devices as u64)) " others were." }
        }
        (bars)
        p.links {
            a #csv href={ "readings.csv?" (parts.view) } download { "Download as CSV" } " "
            a #share href={ "?" (parts.view) } { "Link to this view" }
        }
        div.beside {
            (rate)
            (delays)
            (distribution)
            (charts::zones(summary))
        }
    })
}

fn state(parts: &Parts<'_>) -> Markup {
    match parts.state {
        State::Reading => html! { "Reading what is there already…" },
        State::Current => html! { "Up to date." },
        State::Failed(why) => html! { strong { "Not up to date: " } (why) },
    }
}

fn tiles(parts: &Parts<'_>) -> Vec<(&'static str, String)> {
    let summary = parts.summary;
    let mut tiles = vec![
        ("readings a second now", amount(summary.rate)),
        ("readings shown", count(summary.readings)),
        ("wearables", count(summary.devices)),
    ];
    if let Some(mean) = summary.mean_bpm {
        tiles.push(("mean heart rate", format!("{mean:.1}")));
    }
    for (stage, median, tail) in [
        (Stage::EndToEnd, "due to read, p50", "due to read, p99"),
        (
            Stage::Freshness,
            "lake freshness, p50",
            "lake freshness, p99",
        ),
    ] {
        if let Some(of) = summary.stage(stage) {
            let at = |quantile| duration(of.quantile_us(quantile) as f64 / 1e6);
            tiles.push((median, at(0.5)));
            tiles.push((tail, at(0.99)));
        }
    }
    if parts.newest_us > 0 {
        let newest = crate::report::timestamp(parts.newest_us);
        let newest = newest.get(11..19).unwrap_or(&newest).to_owned();
        tiles.push(("newest reading taken at", newest));
    }
    tiles
}

/// Names for the picker, the first of them in the order of people.
pub(super) fn offered(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.collect();
    names.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    names.truncate(OFFERED);
    names
}
